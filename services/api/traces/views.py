"""From a call or an event to the payments that it ended in."""

from __future__ import annotations

from typing import Any

from domain.events import is_enterprise
from domain.faults.fault import Fault
from ledger.audit.trace import UnknownTrace, follow, follow_event
from ledger.intake.messages.fields import Text
from ledger.store.correlation import CORRELATION_CHARS_MAX
from services.api.resource import Resource, ledger
from services.api.traces.schemas import TraceSchema
from services.web.fields import Query
from services.web.looking import tells_of
from services.web.problems import Problem

blueprint = Resource("traces", __name__, "/v1/traces", "关联编号 · from call to payment")


class TraceQuery(Query):
    """One correlation id, or one event by its source and id."""

    correlation = Text(
        CORRELATION_CHARS_MAX,
        metadata={"description": "关联编号 · correlationid, the trace of a traceparent, or Subsidy-Request"},
    )
    source = Text(metadata={"description": "数据来源 · source of an event; with event"})
    event = Text(metadata={"description": "数据编号 · id of an event; with source"})


@blueprint.reads("", "从报送到兑付", TraceQuery, TraceSchema)
def trace(query: dict[str, Any]) -> dict[str, Any]:
    """Follow what came under a correlation id, or one event, to awards, list and payments."""
    parameters = frozenset(query)
    if parameters not in (frozenset({"correlation"}), frozenset({"source", "event"})):
        raise Problem("request-invalid", [Fault("trace.which", "correlation")])
    with ledger().store.reading() as rows:
        try:
            if "correlation" in query:
                document = follow(rows, query["correlation"])
            else:
                document = follow_event(rows, query["source"], query["event"])
        except UnknownTrace as error:
            raise Problem("trace-unknown", named=str(error)) from None
    tells_of(enterprises_in(document))
    return document


def enterprises_in(document: dict[str, Any]) -> list[str]:
    """Whose data an answer tells."""
    codes = {each["subject"] for each in document["events"] if is_enterprise(each["subject"])}
    return sorted(codes | {each["enterprise"] for each in document["payments"]})
