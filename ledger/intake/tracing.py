"""The tracer of the ledger's own work; idle where no traces are sent (``services.runtime.tracing``)."""

from __future__ import annotations

from opentelemetry import trace

tracer = trace.get_tracer("subsidy-ledger")
