"""A year's settlement: proposed, published for objections (公示), closed for good.

``fold`` reads the settlement's events into its state; each step's function checks it against
the state and returns the event's content, or raises ``NotAllowed``. There is no reopening.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

from domain.authority.roles import Actor, NotAllowed, require
from domain.facts.folding import Fact
from domain.money.amounts import Apportionment
from domain.money.dividing import Division, budget_id
from domain.policy.rulebook import Rulebook

Said = tuple[str, dict[str, Any]]
"""(class name of the event, its content)."""


class SettledLine(NamedTuple):
    """One award in a year's list, in fen: gross = withheld + reduction + payable.

    ``award_year`` is another year than the settlement's for what an adjustment or a carried
    reduction brings in; ``pot`` is what pays it (``domain.money.dividing``), ``""`` where there is one.
    """

    code: str
    measure: str
    award_year: int
    gross: int
    withheld: int
    reduction: int
    payable: int
    pot: str = ""

    @property
    def said(self) -> tuple[Any, ...]:
        """Its fields; the pot only where there are several."""
        return tuple(self) if self.pot else self[:7]


def line_bytes(line: SettledLine) -> bytes:
    """A line as the list's digest reads it: its fields joined by tabs, and a line feed.

    The digest is SHA-256 over all lines in order of code, measure and award year.
    """
    return ("\t".join(str(part) for part in line.said) + "\n").encode()


@dataclass(slots=True)
class Objection:
    """An objection; ``outcome`` is ``None`` while it is open."""

    objection: str
    enterprise: str | None
    raised_by: str
    reason: str
    raised_at: str
    outcome: str | None = None
    resolved_by: str | None = None
    resolution: str | None = None


@dataclass(slots=True)
class Settlement:
    """Where a year's settlement stands: ``open``, ``proposed``, ``published`` or ``closed``."""

    policy: str
    year: int
    stage: str = "open"
    proposal: dict[str, Any] = field(default_factory=dict)
    proposed_at: str = ""
    publication: dict[str, Any] = field(default_factory=dict)
    objections: dict[str, Objection] = field(default_factory=dict)
    upheld: bool = False
    """Whether an objection to the present proposal was upheld."""
    closing: dict[str, Any] = field(default_factory=dict)
    closed_at: str = ""

    @property
    def number(self) -> int:
        """How many proposals there were."""
        return int(self.proposal.get("number", 0))

    @property
    def open_objections(self) -> list[str]:
        """Objections that nobody has resolved."""
        return [each.objection for each in self.objections.values() if each.outcome is None]


def division_of(said: dict[str, Any]) -> Division:
    """The division that a proposal or closing names; it decides every payment."""
    pots = said["pots"] or [["", said["budget_fen"], said["sharing_fen"], 0, *cut_of(said)]]
    return Division(
        said["budget_fen"],
        {
            pot: Apportionment(budget, sharing, int(remainder), tuple(key))
            for pot, budget, sharing, _, remainder, key in pots
        },
    )


def cut_of(said: dict[str, Any]) -> tuple[str, list[str]]:
    """The cut of the only pot: the last remainder that still gets a fen, and its key."""
    return said["cut_remainder"], said["cut_key"]


def figures_of(shares: Division, payable: dict[str, int]) -> dict[str, Any]:
    """A division as a proposal names it; ``payable`` is what each pot pays, in fen."""
    alone = Apportionment(0, 0) if shares.several else shares.of("")
    return {
        "budget_fen": shares.budget,
        "sharing_fen": shares.total,
        "cut_remainder": str(alone.cut_remainder),
        "cut_key": list(alone.cut_key),
        "pots": []
        if not shares.several
        else [
            [pot, of.budget, of.total, payable.get(pot, 0), str(of.cut_remainder), list(of.cut_key)]
            for pot, of in sorted(shares.pots.items())
        ],
    }


def moved_of(
    book: Rulebook, year: int, closed: Mapping[int, Mapping[str, Any]]
) -> dict[str, tuple[int, int]]:
    """(carried, spent) of each named budget: what closed years bring into a year's, and took of it, in fen.

    ``closed`` are the closings by year (the content of ``SettlementClosed``).
    """
    if book.period_of(year) == "life":
        spent: dict[str, int] = {}
        own = closed.get(year)
        for of, said in closed.items():
            earlier = own is None or said["known"] < own["known"]  # later ones took nothing of this one's
            if of != year and earlier and book.period_of(of) == "life":
                for name, (_, paid) in _paid_of(said).items():
                    spent[name] = spent.get(name, 0) + paid
        return {name: (0, fen) for name, fen in spent.items()}
    before = closed.get(year - 1)
    if before is None or book.of_year(year).procedure.unspent != "next-year":
        return {}
    return {name: (budget - paid, 0) for name, (budget, paid) in _paid_of(before).items()}


def _paid_of(said: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """(what there was, what was paid of it) of each named budget of a closed year."""
    if not said["pots"]:
        return {"": (said["budget_fen"], said["payable_fen"] - said["outside_fen"])}
    paid: dict[str, int] = {}
    for pot, _, _, payable, _, _ in said["pots"]:
        paid[budget_id(pot)] = paid.get(budget_id(pot), 0) + payable
    return {
        name: (appropriation + carried - spent, paid.get(name, 0))
        for name, appropriation, carried, spent in said["budgets"]
    }


def fold(policy: str, year: int, history: list[Fact]) -> Settlement:
    """The state that a settlement's events, in order, lead to."""
    found = Settlement(policy, year)
    for fact in history:
        content = fact.content
        if fact.name == "SettlementProposed":
            found.stage, found.proposal, found.proposed_at = "proposed", content, fact.time
            found.publication, found.upheld = {}, False
        elif fact.name == "SettlementPublished":
            found.stage, found.publication = "published", content
        elif fact.name == "ObjectionRaised":
            who = (content["objection"], content["enterprise"], content["raised_by"])
            found.objections[who[0]] = Objection(*who, content["reason"], fact.time)
        elif fact.name == "ObjectionResolved":
            objection = found.objections[content["objection"]]
            objection.outcome, objection.resolved_by = content["outcome"], content["actor"]
            objection.resolution = content["reason"]
            found.upheld = found.upheld or content["outcome"] == "upheld"
        elif fact.name == "SettlementClosed":
            found.stage, found.closing, found.closed_at = "closed", content, fact.time
    return found


def _head(state: Settlement, actor: Actor) -> dict[str, Any]:
    return {"policy": state.policy, "year": state.year, "actor": actor.name}


def must_be_open(state: Settlement) -> None:
    """Refuse whatever would change a closed year.

    Raises:
        NotAllowed: where it is closed.
    """
    if state.stage == "closed":
        raise NotAllowed("settlement.closed", "year", year=state.year, on=state.closed_at[:10])


def propose(state: Settlement, actor: Actor, figures: dict[str, Any]) -> Said:
    """Propose the list; a publication under way is withdrawn by it, its objections stand."""
    require(actor, "settlement.propose")
    must_be_open(state)
    return "SettlementProposed", {**_head(state, actor), "number": state.number + 1, **figures}


def may_publish(state: Settlement, actor: Actor) -> None:
    """Check that the proposed list may be published."""
    require(actor, "settlement.publish")
    must_be_open(state)
    if state.stage != "proposed":
        raise NotAllowed("settlement.not-proposed", "year", stage=state.stage)


def publish(state: Settlement, actor: Actor, today: str, notice_days: int, listed: tuple[str, int]) -> Said:
    """Publish the proposed list from today, for ``notice_days`` days, today included.

    ``listed`` is the root of the list as anyone may see it, and how many lines it has.
    """
    may_publish(state, actor)
    until = (date.fromisoformat(today) + timedelta(days=notice_days - 1)).isoformat()
    digest = state.proposal["lines_digest"]
    said = {"number": state.number, "lines_digest": digest, "from_day": today, "until_day": until}
    said |= dict(zip(("list_root", "list_lines"), listed, strict=True))
    return "SettlementPublished", {**_head(state, actor), **said}


def object_to(
    state: Settlement, actor: Actor, today: str, objection: str, enterprise: str | None, reason: str
) -> Said:
    """Object to the published list while it is out."""
    require(actor, "settlement.object", enterprise)
    must_be_open(state)
    if state.stage != "published":
        raise NotAllowed("settlement.not-published", "year", stage=state.stage)
    if today > state.publication["until_day"]:
        raise NotAllowed("objection.late", "year", until=state.publication["until_day"])
    if objection in state.objections:
        raise NotAllowed("objection.known", "objection", objection=objection)
    said = {"objection": objection, "enterprise": enterprise, "raised_by": actor.name, "reason": reason}
    return "ObjectionRaised", {**_head(state, actor), **said}


def resolve(state: Settlement, actor: Actor, objection: str, outcome: str, reason: str) -> Said:
    """Decide an objection: ``upheld`` makes a new proposal necessary, ``dismissed`` does not."""
    require(actor, "settlement.resolve")
    must_be_open(state)
    found = state.objections.get(objection)
    if found is None:
        raise NotAllowed("objection.unknown", "objection", objection=objection)
    if found.outcome is not None:
        raise NotAllowed("objection.resolved", "objection", outcome=found.outcome)
    if found.raised_by == actor.name:
        raise NotAllowed("objection.own", "actor")
    said = {"objection": objection, "outcome": outcome, "reason": reason}
    return "ObjectionResolved", {**_head(state, actor), **said}


def may_close(state: Settlement, actor: Actor, today: str) -> None:
    """Check that the published list may be made final.

    Raises:
        NotAllowed: twice, before publication, within the notice period, with an open or an
            upheld objection, or by who proposed it.
    """
    require(actor, "settlement.close")
    must_be_open(state)
    if state.stage != "published":
        raise NotAllowed("settlement.not-published", "year", stage=state.stage)
    if state.open_objections:
        raise NotAllowed("objection.open", "objection", objections=", ".join(state.open_objections[:20]))
    if state.upheld:
        raise NotAllowed("objection.upheld", "objection")
    if today <= state.publication["until_day"]:
        raise NotAllowed("settlement.notice", "year", until=state.publication["until_day"])
    if actor.name == state.proposal["actor"]:
        raise NotAllowed("settlement.same-person", "actor")
