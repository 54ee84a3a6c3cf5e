"""What of a year is open, and who acknowledged what, as data: the same for API and command line."""

from __future__ import annotations

from typing import Any

from domain.authority.roles import NotAllowed
from domain.events.settlements import OpenItem, OpenMatter
from domain.money.amounts import print_fen
from domain.money.wire import currency_form
from domain.settlement.open_matters import KINDS
from domain.settlement.year import Acknowledgement
from ledger.settlement.open_matters import Acknowledging, OpenMatters


def read_acknowledging(digest: str | None, reason: str | None) -> Acknowledging | None:
    """What a request acknowledges; ``None`` where it names no list.

    Raises:
        NotAllowed: where it names a list without a reason.
    """
    if not digest:
        return None
    if not reason:
        raise NotAllowed("matters.reason", "reason")
    return Acknowledging(digest, reason)


def open_matters_document(
    open_matters: OpenMatters, acknowledgements: list[Acknowledgement]
) -> dict[str, Any]:
    """What is open, those with most money first, and what was acknowledged before."""
    return {
        "policy": open_matters.policy,
        "year": open_matters.year,
        **currency_form(open_matters.currency),
        "count": open_matters.item_count,
        "amount": print_fen(open_matters.amount_fen),
        "digest": open_matters.digest,
        "matters": list_matters(open_matters.matters),
        "acknowledged": [
            {
                "step": each.step,
                "by": each.actor,
                "at": each.taken_at,
                "reason": each.reason,
                "digest": each.digest,
                "matters": list_matters(each.matters),
            }
            for each in acknowledgements
        ],
    }


def list_matters(matters: tuple[OpenMatter, ...]) -> list[dict[str, Any]]:
    """Matters as data, each with the things that it names."""
    return [
        {
            "kind": matter.kind,
            "title": KINDS[matter.kind]._asdict() if matter.kind in KINDS else {"zh": "", "en": ""},
            "count": matter.item_count,
            "amount": print_fen(matter.amount_fen),
            "since": matter.since or None,
            "digest": matter.digest,
            "items": [_item(item) for item in matter.items],
        }
        for matter in matters
    ]


def _item(item: OpenItem) -> dict[str, Any]:
    return {
        "enterprise": item.enterprise or None,
        "year": item.year or None,
        "measure": item.measure or None,
        "reference": item.reference or None,
        "amount": print_fen(item.amount_fen),
        "since": item.since or None,
        "positions": list(item.positions),
    }
