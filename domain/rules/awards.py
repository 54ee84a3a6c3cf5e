"""From an enterprise's facts and a policy's versions to its awards, year by year.

One function a kind of measure; a measure is never known by its name. What is computed is
also what is explained: each function notes its steps in the trace when one is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from domain.events import CATALOGUE, DatedFact
from domain.facts.folding import SEP, EnterpriseFacts, claim_key
from domain.policy.model import (
    Discretionary,
    Fixed,
    GrowthShare,
    Percentage,
    PerUnit,
    Policy,
    Select,
    Tiered,
)
from domain.policy.rulebook import Rulebook, Segment
from domain.rules import arithmetic as kinds

CONFLICT = "conflicting-assessments"
AWAITING = "awaiting-assessment"
SHORT_HISTORY = "short-history"
NO_HISTORY = "no-history"
OTHER_AWARD = "OtherAwardRecorded"


class Step(NamedTuple):
    """One step of an award's arithmetic: an operation with its values (fen, days, counts)."""

    measure: str
    year: int
    op: str
    values: dict[str, Any]


@dataclass(slots=True)
class Award:
    """What one measure gives one enterprise for one year, in fen.

    ``withheld`` is what highest-only takes off; ``flags`` name what an officer must look at.
    """

    gross: int = 0
    withheld: int = 0
    other: int = 0
    flags: tuple[str, ...] = ()

    @property
    def eligible(self) -> int:
        """Gross after highest-only, before the budget's reduction."""
        return self.gross - self.withheld


Awards = dict[int, dict[str, Award]]
"""Awards by year and measure id."""


@dataclass(slots=True)
class Run:
    """One evaluation: the facts, the rules, and the trace when the steps are wanted."""

    facts: EnterpriseFacts
    book: Rulebook
    trace: list[Step] | None = None
    awards: Awards = field(default_factory=dict)

    def give(self, measure: str, year: int, fen: int, flag: str = "") -> None:
        """Add to an award, or flag it."""
        award = self.awards.setdefault(year, {}).setdefault(measure, Award())
        award.gross += fen
        if flag and flag not in award.flags:
            award.flags = (*award.flags, flag)

    def note(self, measure: str, year: int, op: str, **values: Any) -> None:
        """Keep a step of the arithmetic when somebody asked for it."""
        if self.trace is not None:
            self.trace.append(Step(measure, year, op, values))


def awards_of(facts: EnterpriseFacts, book: Rulebook, trace: list[Step] | None = None) -> Awards:
    """Everything that an enterprise has earned under one policy, gross and withheld.

    Awards of zero are left out unless they are flagged.
    """
    run = Run(facts, book, trace)
    present = {*facts.dated, *facts.amounts, *facts.approvals}
    for measure_id, segments, reads in book.readers:
        evaluate = _KINDS.get(segments[0].measure.kind)
        if evaluate is not None and not reads.isdisjoint(present):
            evaluate(run, measure_id, segments)
    if run.awards:
        _highest_only(run)
    return {
        year: kept
        for year, awards in sorted(run.awards.items())
        if (kept := {key: award for key, award in awards.items() if award.gross or award.flags})
    }


# --- what is new, and what a year amounts to -------------------------------------------------


def new_items(facts: EnterpriseFacts, select: Select) -> list[tuple[str, str]]:
    """(day, identity) of everything that the selected facts made new, ordered by day.

    With several conditions, an identity is complete on the day of the later one.
    """
    first = facts.dated.get(select.facts[0])
    if not first:
        return []
    items = [
        (str(records[0]), identity)
        for identity, records in first.items()
        if _matches(select, identity, records[1])
    ]
    for other in select.facts[1:]:
        records_of = facts.dated.get(other, {})
        items = [
            (max(on, str(records_of[identity][0])), identity)
            for on, identity in items
            if identity in records_of
        ]
    return sorted(items)


def _matches(select: Select, identity: str, attributes: list[str]) -> bool:
    """Whether the identity, and one of the records on its earliest day, has the values."""
    if not select.where:
        return True
    cls = CATALOGUE[select.facts[0]]
    if not issubclass(cls, DatedFact):
        return False
    parts = identity.split(SEP)
    for name, wanted in select.where.items():
        if name in cls.identity and parts[cls.identity.index(name)] not in wanted:
            return False
    on_attributes = [name for name in select.where if name in cls.attributes]
    return not on_attributes or any(
        all(record.split(SEP)[cls.attributes.index(n)] in select.where[n] for n in on_attributes)
        for record in attributes
    )


def yearly(facts: EnterpriseFacts, select: Select, reports: str) -> dict[int, int]:
    """The amount of each year, in order; ``reports`` is the reading ``several-reports``."""
    reported = facts.amounts.get(select.fact)
    if not reported:
        return {}
    found: dict[int, int] = {}
    for key, entry in reported.items():
        parts = key.split(SEP)
        if len(parts) != select.width or (select.foreign and parts[-2] != select.foreign):
            continue
        for place, wanted in select.groups:
            if parts[place] not in wanted:
                break
        else:
            amount = entry.total if reports == "add-up" else entry.latest_amount
            year = int(parts[-1])
            found[year] = found.get(year, 0) + amount
    return dict(sorted(found.items())) if len(found) > 1 else found


def _in_life(run: Run, segments: list[Segment], part: str) -> Iterator[tuple[str, str, Segment]]:
    """New items within the policy's life, each with the segment that governs its day."""
    for segment in segments:
        select = getattr(segment.measure, part)
        for on, identity in new_items(run.facts, select) if select else ():
            if segment.start <= on <= segment.end:
                yield on, identity, segment


def _years(run: Run, measure_id: str, part: str) -> Iterator[tuple[int, int, Any, Policy]]:
    """(year, amount, measure, policy) of each year of the life that has reports."""
    segments = run.book.segments[measure_id]
    if len(segments) == 1 and len(run.book.versions) == 1:  # nothing depends on which version governs
        only = segments[0]
        select = getattr(only.measure, part)
        for year, amount in yearly(run.facts, select, only.policy.reports).items() if select else ():
            if run.book.covers_year(year):
                yield year, amount, only.measure, only.policy
        return
    for year in sorted(_reported_years(run, measure_id, part)):
        policy = run.book.of_year(year)
        measure = policy.measures.get(measure_id)
        select = getattr(measure, part, None)
        if select is not None and run.book.covers_year(year):
            amounts = yearly(run.facts, select, policy.reports)
            if year in amounts:
                yield year, amounts[year], measure, policy


def _reported_years(run: Run, measure_id: str, part: str) -> set[int]:
    years: set[int] = set()
    for segment in run.book.segments[measure_id]:
        select = getattr(segment.measure, part)
        if select is not None and select.fact in run.facts.amounts:
            years.update(yearly(run.facts, select, segment.policy.reports))
    return years


# --- one function a kind ---------------------------------------------------------------------


def _fixed(run: Run, measure_id: str, segments: list[Segment]) -> None:
    paid = False
    paid_years: set[int] = set()
    for on, identity, segment in _in_life(run, segments, "earns"):
        measure, year = segment.measure, int(on[:4])
        assert isinstance(measure, Fixed)
        spent = {"enterprise": paid, "year": year in paid_years, "item": False}[measure.once]
        if spent:
            continue
        amount = measure.amount - _set_off(run, measure, on, identity)
        run.give(measure_id, year, amount)
        run.note(
            measure_id,
            year,
            "fixed" if amount == measure.amount else "fixed-difference",
            on=on,
            item=identity.replace(SEP, " "),
            amount=measure.amount,
            result=amount,
            once=measure.once,
        )
        paid = True
        paid_years.add(year)


def _set_off(run: Run, measure: Fixed, on: str, identity: str) -> int:
    """What another measure has already given for the same thing (reading ``warehouses``)."""
    nets = measure.nets
    if nets is None or nets.rule != "difference":
        return 0
    other = run.book.on(on).measures[nets.measure]
    assert isinstance(other, Fixed)
    same = _part(measure.earns, identity, nets.same)
    for other_on, other_identity in new_items(run.facts, other.earns):
        if _part(other.earns, other_identity, nets.same) != same or other_on < run.book.life_from:
            continue
        if (other_on, other.amount, other.id) < (on, measure.amount, measure.id):
            return min(other.amount, measure.amount)
    return 0


def _part(select: Select, identity: str, name: str) -> str:
    cls = CATALOGUE[select.fact]
    assert issubclass(cls, DatedFact)
    return identity.split(SEP)[cls.identity.index(name)]


def _per_unit(run: Run, measure_id: str, segments: list[Segment]) -> None:
    used: dict[str, int] = {}

    def room(measure: PerUnit, year: int) -> tuple[str, int | None]:
        pot = "life" if measure.cap_per == "life" else str(year)
        return pot, None if measure.cap is None else measure.cap - used.get(pot, 0)

    for on, identity, segment in _in_life(run, segments, "earns"):
        measure, year = segment.measure, int(on[:4])
        assert isinstance(measure, PerUnit)
        pot, left = room(measure, year)
        pay = kinds.units(1, measure.unit_amount, left)
        used[pot] = used.get(pot, 0) + pay
        run.give(measure_id, year, pay)
        item = identity.replace(SEP, " ")
        values = {"on": on, "item": item, "unit_amount": measure.unit_amount, "cap": measure.cap}
        run.note(measure_id, year, "unit", left=left, result=pay, cap_per=measure.cap_per, **values)
    for year, amount, measure, policy in _years(run, measure_id, "of"):
        pot, left = room(measure, year)
        parts, half_up = measure.parts == "pro-rata", policy.rounding == "half-up"
        full = kinds.units_of(amount, measure.unit, measure.unit_amount, parts, half_up)
        pay = full if left is None else kinds.least(full, kinds.at_least_zero(left))
        used[pot] = used.get(pot, 0) + pay
        run.give(measure_id, year, pay)
        run.note(
            measure_id,
            year,
            "units-of",
            amount=amount,
            currency=measure.of.currency,
            unit=measure.unit,
            units=amount // measure.unit,
            parts=measure.parts,
            unit_amount=measure.unit_amount,
            full=full,
            cap=measure.cap,
            left=left,
            result=pay,
        )


def _tiered(run: Run, measure_id: str, segments: list[Segment]) -> None:
    paid = 0
    for year, amount, measure, policy in _years(run, measure_id, "of"):
        assert isinstance(measure, Tiered)
        tiers = [(each.start, each.gives) for each in measure.tiers]
        if measure.later_tier == "each-in-full":
            tiers = [(start, sum(g for _, g in tiers[: i + 1])) for i, (start, _) in enumerate(tiers)]
        earned = kinds.tier(amount, tiers, policy.inclusive)
        pay = kinds.at_least_zero(earned - paid)
        run.give(measure_id, year, pay)
        run.note(measure_id, year, "tier", amount=amount, earned=earned, paid=paid, result=pay)
        paid += pay


def _percentage(run: Run, measure_id: str, segments: list[Segment]) -> None:
    for year, amount, measure, policy in _years(run, measure_id, "of"):
        assert isinstance(measure, Percentage)
        if not kinds.reaches(amount, measure.threshold, policy.inclusive):
            run.note(measure_id, year, "below", amount=amount, threshold=measure.threshold)
            continue
        full = kinds.share(amount, measure.rate, policy.rounding == "half-up")
        capped = full if measure.cap is None else kinds.least(full, measure.cap)
        claims = [
            a for a in run.facts.approvals.get(claim_key(run.book.id, measure_id), ()) if a.year == year
        ]
        approved = sum(each.amount for each in claims)
        by_claim = bool(claims) or measure.claims == "claim-only"
        pay = kinds.least(capped, approved) if by_claim else capped
        run.give(measure_id, year, pay)
        values = {"amount": amount, "threshold": measure.threshold, "rate": measure.rate}
        run.note(measure_id, year, "percent", full=full, cap=measure.cap, capped=capped, **values)
        if by_claim:
            run.note(measure_id, year, "claimed", approved=approved, capped=capped, result=pay)


def _growth_share(run: Run, measure_id: str, segments: list[Segment]) -> None:
    qualifying, sales_then = 0, 0
    for year, sales, measure, policy in _years(run, measure_id, "sales"):
        if kinds.reaches(sales, measure.shares[0].start, policy.inclusive):
            qualifying, sales_then = year, sales
            break
    if not qualifying:
        return
    measure = run.book.measure_of_year(measure_id, qualifying)
    assert isinstance(measure, GrowthShare)
    first = qualifying + (1 if measure.first_year == "following" else 0)
    base_years = range(first - measure.base_years, first)
    for year in range(first, first + measure.award_years):
        governing = run.book.measure_of_year(measure_id, year)
        if isinstance(governing, GrowthShare) and run.book.covers_year(year):
            _growth_of_year(run, governing, year, base_years, sales_then)


def _growth_of_year(run: Run, measure: GrowthShare, year: int, base_years: range, sales_then: int) -> None:
    policy = run.book.of_year(year)
    own = yearly(run.facts, measure.sales, policy.reports).get(year)
    sales = sales_then if measure.share_by == "qualifying-year" else own or 0
    rate = kinds.tier(sales, [(each.start, each.gives) for each in measure.shares], policy.inclusive)
    if own is None and measure.share_by == "each-year":
        return
    if not rate:
        run.note(measure.id, year, "below", amount=sales, threshold=measure.shares[0].start)
        return
    figures = run.facts.figures.get(measure.of.fact, {})
    standing = {each: figures[str(each)] for each in (*base_years, year) if str(each) in figures}
    if year not in standing:
        run.give(measure.id, year, 0, AWAITING)
        run.note(measure.id, year, "awaiting")
        return
    conflicts = [each for each, amounts in standing.items() if len(amounts) > 1]
    base = [standing[each][0] for each in base_years if each in standing]
    if conflicts:
        run.give(measure.id, year, 0, CONFLICT)
        run.note(measure.id, year, "conflict", years=conflicts)
        return
    count = measure.base_years if measure.history == "zero" else len(base)
    if not count:
        run.give(measure.id, year, 0, NO_HISTORY)
        run.note(measure.id, year, "no-history", first=base_years[0], last=base_years[-1])
        return
    short = len(base) < measure.base_years
    current, half_up = standing[year][0], policy.rounding == "half-up"
    pay = kinds.growth_share(current, sum(base), count, rate, half_up)
    run.give(measure.id, year, pay, SHORT_HISTORY if short else "")
    values = {"current": current, "base": base, "count": count, "rate": rate, "sales": sales}
    run.note(measure.id, year, "growth", first=base_years[0], last=base_years[-1], result=pay, **values)


def _discretionary(run: Run, measure_id: str, segments: list[Segment]) -> None:
    for approval in run.facts.approvals.get(claim_key(run.book.id, measure_id), ()):
        measure = run.book.measure_of_year(measure_id, approval.year)
        if not isinstance(measure, Discretionary) or not run.book.covers_year(approval.year):
            continue
        pay = approval.amount if measure.cap is None else min(approval.amount, measure.cap)
        run.give(measure_id, approval.year, pay)
        values = {"item": approval.item, "approved": approval.amount, "cap": measure.cap}
        run.note(measure_id, approval.year, "approved", result=pay, **values)


_KINDS: dict[str, Callable[[Run, str, list[Segment]], None]] = {
    "fixed": _fixed,
    "per-unit": _per_unit,
    "tiered": _tiered,
    "percentage": _percentage,
    "growth-share": _growth_share,
    "discretionary": _discretionary,
}


# --- highest-only -----------------------------------------------------------------------------


def _highest_only(run: Run) -> None:
    """Withhold what another policy has paid for the same matter and year (从高不重复)."""
    others = run.facts.amounts.get(OTHER_AWARD)
    if not others:
        return
    for year, awards in run.awards.items():
        policy = run.book.of_year(year)
        for measure_id, award in awards.items():
            measure = policy.measures.get(measure_id)
            stacks = measure.stacks_with if measure else ()
            authorities = tuple(a for a in policy.highest_only_authorities if a not in stacks)
            where = {"policy": (run.book.id,), "measure": (measure_id,), "authority": authorities}
            other = yearly(run.facts, Select((OTHER_AWARD,), where, policy.currency), policy.reports).get(
                year, 0
            )
            rule = kinds.barred if policy.highest_only == "barred" else kinds.topped_up
            award.other = other
            award.withheld = rule(award.gross, other)
