"""What an enterprise's row says, whatever the order in which it came to be and however it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from domain.facts.folding import EnterpriseFacts
from ledger.projections.enterprises import Outcomes, decode_outcomes
from ledger.store.folded.entries import decode_facts
from ledger.store.rows import DamagedStore, Rows


class SaidRow(NamedTuple):
    """An enterprise's facts and outcome as text."""

    facts: str
    """In the form in which fingerprints take them, which stays as it is."""
    outcome: str
    indexes: str
    """What is kept beside the facts and follows from them."""


def say_row(rows: Rows, code: str, version: int, facts: bytes, outcome: bytes) -> SaidRow:
    """What a row says that was read in this transaction; of one that cannot be read, that it cannot."""
    try:
        return say(decode_facts(rows, code, version, facts), decode_outcomes(code, outcome))
    except DamagedStore as error:
        return SaidRow(f"unreadable: {error}", "", "")


def say(facts: EnterpriseFacts, outcomes: Outcomes) -> SaidRow:
    """What facts and outcomes say."""
    values = {
        "dated": facts.dated,
        "amounts": facts.amounts,
        "figures": facts.figures,
        "approvals": facts.approvals,
        "claims": facts.claims,
        "amended": {
            key: {"changes": amended.changes, "retracted": amended.retracted, "held": amended.held}
            for key, amended in facts.amended.items()
        },
        "profile": facts.profile,
    }
    indexes = {
        "approved": {
            measure: {year: (approved.count, approved.total) for year, approved in years.items()}
            for measure, years in facts.approved.items()
        },
        "claimed": {key: item.claims for key, item in facts.items.items() if item.claims},
        "steps": facts.steps,
        "desk": sorted(key for key, amended in facts.amended.items() if amended.at_desk),
        "held": facts.held,
    }
    return SaidRow(_text(values), _text(outcomes), _text(indexes))


def _text(value: Mapping[Any, Any]) -> str:
    return msgspec.json.encode(msgspec.to_builtins(value, str_keys=True), order="sorted").decode()
