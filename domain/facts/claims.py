"""An enterprise's claims: where each stands, by which steps, and what is approved."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import MutableMapping, Sequence
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from domain.events.claims import CLAIM_STATUS, AmountStep, ClaimApproved, ClaimEvent
from domain.events.content import Content
from domain.events.event import SEP, Event
from domain.things.spelling import canonical_number


def claim_key(policy: str, measure: str) -> str:
    """Under what the approved claims of a measure are kept."""
    return f"{policy}{SEP}{measure}"


def file_key(policy: str, claim: str) -> str:
    """Under what it is kept where a claim stands, by its file number."""
    return f"{policy}{SEP}{claim}"


def item_key(approval: ClaimApproved | Claim) -> str:
    """Under what it is kept what approves an item: its measure and its canonical form."""
    return SEP.join((approval.policy, approval.measure, canonical_number(approval.item)))


T = TypeVar("T", str, int)


def place_of_new(ordered: Sequence[T], value: T) -> int | None:
    """Where a value belongs in a sequence in order, without repetitions; ``None`` where it stands there."""
    place = bisect_left(ordered, value)
    return None if place < len(ordered) and ordered[place] == value else place


class Approval(msgspec.Struct):
    """One approved claim: ``amount`` in fen, for the award year ``year``."""

    key: str
    item: str
    year: int
    amount: int


def order_of_approval(approval: Approval) -> tuple[int, str, str]:
    """In which order the approvals of a measure are kept."""
    return approval.year, approval.item, approval.key


class ApprovedSum(msgspec.Struct):
    """What the approvals of a measure for one award year come to, in fen."""

    count: int = 0
    total: int = 0
    highest: int = 0
    """No approval is higher; one that was may be gone."""


class ApprovedItem(msgspec.Struct, omit_defaults=True):
    """What approves one item of a measure, under any letters and dashes."""

    approvals: list[Approval] = []
    """Those that count, in order."""
    claims: list[str] = []
    """Keys of the claims that stand approved, also where that counts for nothing; in order."""


class Claim(msgspec.Struct):
    """Where a claim stands: the step whose fact is the latest."""

    policy: str
    claim: str
    measure: str
    item: str
    year: int
    status: str
    amount: int | None
    latest: str
    desk: bool = False
    """Whether a step of it was taken at the ledger's own desk."""


def latest_of(fact: Event) -> str:
    """What a fact is compared by where the latest of several holds: its time, then its key."""
    return f"{fact.time}{SEP}{fact.key}"


def claim_after(step: ClaimEvent, latest: str, desk: bool) -> Claim:
    """Where a claim stands after its latest step."""
    return Claim(
        step.policy,
        step.claim,
        step.measure,
        step.item,
        step.year,
        status=CLAIM_STATUS[type(step)],
        amount=step.amount_fen if isinstance(step, AmountStep) else None,
        latest=latest,
        desk=desk,
    )


class ClaimFacts(msgspec.Struct, omit_defaults=True):
    """The folded steps of an enterprise's claims.

    ``approved``: policy and measure → award year → sum of the approvals. ``items``: policy, measure and
    item → what approves it. ``claims``: policy and claim → claim. ``steps``: policy and claim → keys of the
    events that stand as its steps, in order.
    """

    approved: dict[str, dict[int, ApprovedSum]] = {}
    items: MutableMapping[str, ApprovedItem] = {}
    claims: MutableMapping[str, Claim] = {}
    steps: MutableMapping[str, list[str]] = {}

    @property
    def approvals(self) -> dict[str, list[Approval]]:
        """The approvals that count, by policy and measure, in order; every item is read for it."""
        by_measure: dict[str, list[Approval]] = {}
        for key, item in self.items.items():
            if item.approvals:
                by_measure.setdefault(key.rpartition(SEP)[0], []).extend(item.approvals)
        for approvals in by_measure.values():
            approvals.sort(key=order_of_approval)
        return by_measure

    def add_approval(self, fact: Event, content: Content) -> None:
        """Count an approval."""
        assert isinstance(content, ClaimApproved)
        approval = Approval(fact.key, content.item, content.year, content.amount_fen)
        item = self.items.setdefault(item_key(content), ApprovedItem())
        insort(item.approvals, approval, key=order_of_approval)
        years = self.approved.setdefault(claim_key(content.policy, content.measure), {})
        approved = years.setdefault(content.year, ApprovedSum())
        approved.count += 1
        approved.total += content.amount_fen
        approved.highest = max(approved.highest, content.amount_fen)

    def take_approval(self, fact: Event, content: ClaimApproved) -> None:
        """Count an approval no more."""
        key, measure = item_key(content), claim_key(content.policy, content.measure)
        item, years = self.items[key], self.approved[measure]
        del item.approvals[
            bisect_left(item.approvals, (content.year, content.item, fact.key), key=order_of_approval)
        ]
        self._drop_item(key, item)
        approved = years[content.year]
        approved.count -= 1
        approved.total -= content.amount_fen
        if not approved.count:
            del years[content.year]
        if not years:
            del self.approved[measure]

    def find_approvals(self, approval: ClaimApproved) -> set[str]:
        """Keys of the events that approved the same item, those that are held for a decision too."""
        item = self.items.get(item_key(approval))
        if item is None:
            return set()
        latest = {self.claims[key].latest.partition(SEP)[2] for key in item.claims}
        return latest | {counted.key for counted in item.approvals}

    def add_claim(self, fact: Event, content: Content) -> None:
        """Count a step of a claim: the latest says where it stands; counting it twice changes nothing."""
        assert isinstance(content, ClaimEvent)
        key = file_key(content.policy, content.claim)
        latest = latest_of(fact)
        before = self.claims.get(key)
        desk = content.actor is not None or (before is not None and before.desk)
        if before is None or before.latest < latest:
            self.put_claim(key, claim_after(content, latest, desk))
        elif before.desk != desk:
            self.claims[key] = replace(before, desk=desk)
        keys = self.steps.setdefault(key, [])
        if (place := place_of_new(keys, fact.key)) is not None:
            keys.insert(place, fact.key)

    def take_step(self, key: str, fact: Event) -> None:
        """Count an event no more as a step of a claim; where that stands is left as it is."""
        keys = self.steps[key]
        keys.remove(fact.key)
        if not keys:
            del self.steps[key]

    def put_claim(self, key: str, claim: Claim | None) -> None:
        """Have a claim stand so; ``None``: there is none."""
        before = self.claims.get(key)
        old = None if before is None or before.status != "approved" else item_key(before)
        new = None if claim is None or claim.status != "approved" else item_key(claim)
        if old is not None and old != new:
            item = self.items[old]
            item.claims.remove(key)
            self._drop_item(old, item)
        if new is not None and new != old:
            insort(self.items.setdefault(new, ApprovedItem()).claims, key)
        if claim is not None:
            self.claims[key] = claim
        elif before is not None:
            del self.claims[key]

    def _drop_item(self, key: str, item: ApprovedItem) -> None:
        if not item.approvals and not item.claims:
            del self.items[key]
