"""Which events approved an item, found by the item, under any letters and dashes."""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

from domain.events.claims import ClaimApproved
from domain.events.content import Content
from domain.events.event import SEP, Event
from domain.facts.folding import Claim, EnterpriseFacts, claim_key, file_key, order_of_approval
from domain.things.spelling import canonical_number


class _Item(NamedTuple):
    """An item of a measure, in its canonical form."""

    measure: str
    item: str


class ApprovedItems:
    """The approvals of an enterprise by item.

    It is made from an enterprise's facts and told of every approval that is counted or corrected later;
    what no longer stands is left out when it is asked.
    """

    def __init__(self, facts: EnterpriseFacts) -> None:
        self._approvals: dict[_Item, set[tuple[int, str, str]]] = {}
        self._claims: dict[_Item, set[str]] = {}
        for measure, approvals in facts.approvals.items():
            for approval in approvals:
                item = _Item(measure, canonical_number(approval.item))
                self._approvals.setdefault(item, set()).add(order_of_approval(approval))
        for key, claim in facts.claims.items():
            if claim.status == "approved":
                self._claims.setdefault(_item_of(claim), set()).add(key)

    def note(self, event: Event, facts: EnterpriseFacts) -> None:
        """Note an event that was counted, or amended."""
        if isinstance(event.content, ClaimApproved):
            self._note(event, facts.corrected(event))

    def note_claim(self, key: str, facts: EnterpriseFacts) -> None:
        """Note a claim whose steps changed, by its key."""
        claim = facts.claims.get(key)
        if claim is not None:
            self._claims.setdefault(_item_of(claim), set()).add(key)

    def _note(self, event: Event, approval: Content | None) -> None:
        if isinstance(approval, ClaimApproved):
            item = _item_of(approval)
            self._approvals.setdefault(item, set()).add((approval.year, approval.item, event.key))
            self._claims.setdefault(item, set()).add(file_key(approval.policy, approval.claim))

    def find_approvals(self, approval: ClaimApproved, facts: EnterpriseFacts) -> set[str]:
        """Keys of the events that approved the same item, those that are held for a decision too."""
        item = _item_of(approval)
        counted = self._approvals.get(item, set())
        counted -= {order for order in counted if not _is_counted(facts, item.measure, order)}
        claims = self._claims.get(item, set())
        claims -= {key for key in claims if not _stands(facts.claims.get(key), item)}
        latest = {facts.claims[key].latest.partition(SEP)[2] for key in claims}
        return latest | {key for _, _, key in counted}


def _item_of(approval: ClaimApproved | Claim) -> _Item:
    return _Item(claim_key(approval.policy, approval.measure), canonical_number(approval.item))


def _is_counted(facts: EnterpriseFacts, measure: str, order: tuple[int, str, str]) -> bool:
    approvals = facts.approvals.get(measure, [])
    place = bisect_left(approvals, order, key=order_of_approval)
    return place < len(approvals) and order_of_approval(approvals[place]) == order


def _stands(claim: Claim | None, item: _Item) -> bool:
    return claim is not None and claim.status == "approved" and _item_of(claim) == item
