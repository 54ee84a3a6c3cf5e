"""The tracer of the ledger's own work; it does nothing where no traces are sent (``services.tracing``)."""

from __future__ import annotations

from opentelemetry import trace

tracer = trace.get_tracer("subsidy-ledger")
