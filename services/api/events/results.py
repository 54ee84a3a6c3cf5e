"""Results of the inbox as documents."""

from __future__ import annotations

from typing import Any

from ledger.intake.batch import Result
from ledger.intake.inbox import Totals
from services.web.fault_words import describe_fault


def result_document(result: Result, language: str) -> dict[str, Any]:
    """What became of one message."""
    return {
        "status": result.status,
        "id": result.event_id,
        "source": result.source,
        "position": result.position,
        "refusal": result.refusal,
        "faults": [describe_fault(fault, language) for fault in result.faults],
    }


def batch_document(results: list[Result], language: str) -> dict[str, Any]:
    """What became of a batch."""
    totals = Totals()
    totals.add(results)
    counts = {"accepted": totals.accepted, "duplicate": totals.duplicate, "refused": totals.refused}
    return {
        "counts": {"messages": len(results), **counts},
        "results": [result_document(result, language) for result in results],
    }
