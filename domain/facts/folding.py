"""What an enterprise did, folded from its events into a state of bounded size.

The state is a function of the *set* of facts: their order of arrival changes nothing, except
that corrections of one fact apply in the order in which they arrived. Adding a fact is done
in place; a correction or retraction of a fact already counted asks for the enterprise's
events to be folded again (``add`` says so by returning ``False``).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import msgspec

from domain import events
from domain.events import CATALOGUE, DatedFact, YearlyAmount
from domain.facts.months import month_in
from domain.money.amounts import FOREIGN

SEP = "\x1f"
"""Joins the parts of a key; no text of an event may hold a control character."""


def key_of(source: str, event_id: str) -> str:
    """What identifies an event once and for all.

    It is kept as it is, not hashed: ids that an upstream counts up stand side by side in the
    index, so that taking them in costs the same however many there are.
    """
    return f"{source}{SEP}{event_id}"


def digest_of(subject: str, fact: Fact) -> bytes:
    """The digest of what a message says; of the name as it was sent, before it is encrypted."""
    said = msgspec.json.encode((fact.name, subject, fact.time, fact.content), order="sorted")
    return hashlib.blake2b(said, digest_size=16).digest()


def claim_key(policy: str, measure: str) -> str:
    """Under what the approved claims of a measure are kept."""
    return f"{policy}{SEP}{measure}"


class Fact(NamedTuple):
    """One event about an enterprise, as the fold reads it."""

    name: str
    """Class name in ``domain.events``."""
    source: str
    event_id: str
    time: str
    """UTC instant, fixed width (see ``domain.events``)."""
    content: dict[str, Any]

    @property
    def key(self) -> str:
        """What identifies an event once and for all."""
        return key_of(self.source, self.event_id)


@dataclass(slots=True)
class Reports:
    """Reports of one group and year: their sum, and the latest for the other reading.

    ``months`` divides ``total`` over the months in which they were made (``domain.facts.months``), so
    it has at most 12 entries. ``latest`` begins with the time of the report that it names.
    """

    total: int = 0
    count: int = 0
    latest: str = ""
    latest_amount: int = 0
    months: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Approval:
    """One approved claim: ``amount`` in fen, for the award year ``year``."""

    key: str
    item: str
    year: int
    amount: int


@dataclass(slots=True)
class Claim:
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


@dataclass(slots=True)
class Profile:
    """How an enterprise stands in the register: the fact that is the latest."""

    name: str
    town: str
    size: str | None
    sector: str | None
    latest: str


@dataclass(slots=True)
class Amended:
    """What later events say of one fact, in order of arrival."""

    changes: list[dict[str, Any]] = field(default_factory=list)
    retracted: bool = False
    held: list[str] = field(default_factory=list)
    """The disagreements for which it counts for nothing: they wait, or were decided against it."""


@dataclass(slots=True)
class EnterpriseFacts:
    """The folded facts of one enterprise.

    ``dated``: event → identity → [earliest day, attributes of its records on that day].
    ``amounts``: event → group, currency (where it is a foreign one) and year → reports.
    ``figures``: event → year → figures.
    ``approvals``: policy and measure → approved claims. ``claims``: policy and claim → claim.
    ``profile``: the latest entry of the register.
    """

    dated: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    amounts: dict[str, dict[str, Reports]] = field(default_factory=dict)
    figures: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    approvals: dict[str, list[Approval]] = field(default_factory=dict)
    claims: dict[str, Claim] = field(default_factory=dict)
    amended: dict[str, Amended] = field(default_factory=dict)
    profile: Profile | None = None

    def add(self, fact: Fact, *, known: bool = False) -> bool:
        """Count one event that is new to this state.

        Args:
            fact: the event.
            known: for an amendment, whether the fact that it names is counted already.

        Returns:
            ``False`` where the state no longer follows from its events and must be folded
            again from all of them; ``True`` otherwise.
        """
        if fact.name in AMENDMENTS:
            self._amend(fact)
            return not known
        if fact.name in HOLDS:
            self._hold(fact)
            return False
        shape = CATALOGUE[fact.name].shape
        content = self.effective(fact) if self.amended else fact.content
        if content is not None:
            for add in _ADD[shape]:
                add(self, fact, content)
        elif shape in _STEPS and (said := self.corrected(fact)) is not None:
            self._add_claim(fact, said)  # held: nothing is awarded for it, and yet the step was taken
        return True

    def effective(self, fact: Fact) -> dict[str, Any] | None:
        """The content after corrections; ``None`` when retracted, or held for a decision."""
        amended = self.amended.get(f"{fact.key}{SEP}{fact.name}") if self.amended else None
        return None if amended is not None and amended.held else self.corrected(fact)

    def corrected(self, fact: Fact) -> dict[str, Any] | None:
        """The content after corrections, whether it counts or not; ``None`` when retracted."""
        amended = self.amended.get(f"{fact.key}{SEP}{fact.name}") if self.amended else None
        if amended is None:
            return fact.content
        if amended.retracted:
            return None
        content = fact.content
        for changes in amended.changes:
            after = merged(fact.name, content, changes)
            content = after if CATALOGUE[fact.name].coherent(after) else content
        return content

    def _hold(self, fact: Fact) -> None:
        content = fact.content
        key = SEP.join([content["of_source"], content["of"], content["of_type"]])
        held = self.amended.setdefault(key, Amended()).held
        named = content["disagreement"]
        if content.get("counts", False):
            held[:] = [each for each in held if each != named]
        elif named not in held:
            held[:] = sorted([*held, named])

    def _amend(self, fact: Fact) -> None:
        content = fact.content
        key = SEP.join([content["of_source"], content["of"], content["of_type"]])
        amended = self.amended.setdefault(key, Amended())
        if fact.name == events.FactRetracted.__name__:
            amended.retracted = True
        else:
            amended.changes.append(content["changes"])

    def _add_dated(self, fact: Fact, content: dict[str, Any]) -> None:
        name, cls = fact.name, cast("type[DatedFact]", CATALOGUE[fact.name])
        identity = SEP.join([content[part] for part in cls.identity])
        attributes = SEP.join([str(content[part]) for part in cls.attributes])
        on, records = content["on"], self.dated.setdefault(name, {})
        earliest = records.get(identity)
        if earliest is None or on < earliest[0]:
            records[identity] = [on, [attributes]]
        elif on == earliest[0] and attributes not in earliest[1]:
            earliest[1] = sorted([*earliest[1], attributes])

    def _add_amount(self, fact: Fact, content: dict[str, Any]) -> None:
        group = cast("type[YearlyAmount]", CATALOGUE[fact.name]).group
        apart = [content["currency"]] if content["currency"] in FOREIGN else []
        key = SEP.join([*(str(content[part] or "") for part in group), *apart, str(content["year"])])
        amount, month = content["amount_fen"], month_in(content["year"], fact.time)
        latest = f"{fact.time}{SEP}{key_of(fact.source, fact.event_id)}"
        of_name = self.amounts.setdefault(fact.name, {})
        reports = of_name.get(key)
        if reports is None:
            of_name[key] = Reports(amount, 1, latest, amount, {month: amount})
            return
        reports.total += amount
        reports.count += 1
        reports.months[month] = reports.months.get(month, 0) + amount
        if latest > reports.latest:
            reports.latest, reports.latest_amount = latest, amount

    def _add_figure(self, fact: Fact, content: dict[str, Any]) -> None:
        figures = self.figures.setdefault(fact.name, {}).setdefault(str(content["year"]), [])
        if content["amount_fen"] not in figures:
            figures.append(content["amount_fen"])
            figures.sort()

    def _add_approval(self, fact: Fact, content: dict[str, Any]) -> None:
        key = claim_key(content["policy"], content["measure"])
        approval = Approval(fact.key, content["item"], content["year"], content["amount_fen"])
        approvals = self.approvals.setdefault(key, [])
        approvals.append(approval)
        approvals.sort(key=lambda each: (each.year, each.item, each.key))

    def _add_profile(self, fact: Fact, content: dict[str, Any]) -> None:
        latest = f"{fact.time}{SEP}{fact.key}"
        if self.profile is None or self.profile.latest < latest:
            named = {name: content[name] for name in ("name", "town", "size", "sector")}
            self.profile = Profile(**named, latest=latest)

    def _add_claim(self, fact: Fact, content: dict[str, Any]) -> None:
        key = f"{content['policy']}{SEP}{content['claim']}"
        latest = f"{fact.time}{SEP}{fact.key}"
        before = self.claims.get(key)
        desk = content.get("actor") is not None or (before is not None and before.desk)
        if before is None or before.latest < latest:
            named = {name: content[name] for name in ("policy", "claim", "measure", "item", "year")}
            status, amount = CLAIM_STATUS[fact.name], content.get("amount_fen")
            self.claims[key] = Claim(**named, status=status, amount=amount, latest=latest, desk=desk)
        else:
            before.desk = desk


_Add = Callable[[EnterpriseFacts, Fact, dict[str, Any]], None]
_ADD: defaultdict[str, tuple[_Add, ...]] = defaultdict(
    tuple,
    dated=(EnterpriseFacts._add_dated,),
    amount=(EnterpriseFacts._add_amount,),
    figure=(EnterpriseFacts._add_figure,),
    approval=(EnterpriseFacts._add_approval, EnterpriseFacts._add_claim),
    claim=(EnterpriseFacts._add_claim,),
    desk=(EnterpriseFacts._add_claim,),
    profile=(EnterpriseFacts._add_profile,),
)
"""How an event of each shape is counted; other shapes count nowhere."""
_STEPS = frozenset(shape for shape, counted in _ADD.items() if EnterpriseFacts._add_claim in counted)
"""Shapes of the steps that a claim takes."""

CLAIM_STATUS = {
    "ClaimSubmitted": "submitted",
    "ClaimReviewed": "reviewed",
    "ClaimApproved": "approved",
    "ClaimRejected": "rejected",
    "ClaimWithdrawn": "withdrawn",
    "ClaimAppealed": "appealed",
}


AMENDMENTS = frozenset(name for name, cls in CATALOGUE.items() if cls.shape == "amendment")
"""Events about another event."""
HOLDS = frozenset(name for name, cls in CATALOGUE.items() if cls.shape == "hold")
"""Events that say whether another one counts."""


def merged(name: str, content: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Merge the keys of a correction into a fact; keys that the fact lacks are ignored."""
    allowed = CATALOGUE[name].content_fields()
    return {**content, **{key: value for key, value in changes.items() if key in allowed}}


def fold(facts: list[Fact]) -> EnterpriseFacts:
    """Fold events, given in the order in which they were recorded.

    Amendments are read first, so that one that stands before its fact in the ledger and one
    that stands after it mean the same.
    """
    state = EnterpriseFacts()
    amendments = [fact for fact in facts if fact.name in AMENDMENTS or fact.name in HOLDS]
    for fact in amendments:
        state.add(fact)
    for fact in facts:
        if not amendments or (fact.name not in AMENDMENTS and fact.name not in HOLDS):
            state.add(fact)
    return state
