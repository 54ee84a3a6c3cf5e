"""What an enterprise could still earn: the next tier, the unused cap, the missing condition."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from domain.facts.folding import SEP, EnterpriseFacts
from domain.policy.model import (
    Discretionary,
    Fixed,
    GrowthShare,
    Measure,
    Percentage,
    PerUnit,
    Policy,
    Tiered,
)
from domain.policy.rulebook import Rulebook
from domain.rules import arithmetic as kinds
from domain.rules.awards import AWAITING, Awards, yearly


class Hint(NamedTuple):
    """One thing still to be earned: which measure, the kind of hint, its values (fen)."""

    measure: str
    code: str
    values: dict[str, Any]


class _View(NamedTuple):
    facts: EnterpriseFacts
    book: Rulebook
    policy: Policy
    awards: Awards
    year: int

    def short(self, threshold: int, amount: int) -> int:
        """How much more reaches a threshold."""
        return threshold - amount + (0 if self.policy.inclusive else 1)

    def given(self, measure: str, years: str) -> int:
        """What a measure has given: in this year, or in the whole life up to it."""
        return sum(
            awards[measure].gross
            for year, awards in self.awards.items()
            if measure in awards and (year == self.year or (years == "life" and year < self.year))
        )


def outlook_of(facts: EnterpriseFacts, book: Rulebook, awards: Awards, year: int) -> list[Hint]:
    """Hints for one year, in the order of the policy's measures."""
    view = _View(facts, book, book.of_year(year), awards, year)
    found: list[Hint] = []
    for measure in view.policy.measures.values():
        hints = _KINDS.get(type(measure))
        if hints is not None:
            found += [Hint(measure.id, code, values) for code, values in hints(view, measure)]
    return found


Hints = Iterator[tuple[str, dict[str, Any]]]


def _fixed(view: _View, measure: Any) -> Hints:
    assert isinstance(measure, Fixed)
    spent = measure.once != "item" and view.given(
        measure.id, "life" if measure.once == "enterprise" else "year"
    )
    if spent:
        return
    first, *others = measure.earns.facts
    for other in others:
        lacking = [
            (i, other) for i in view.facts.dated.get(first, {}) if i not in view.facts.dated.get(other, {})
        ]
        lacking += [
            (i, first) for i in view.facts.dated.get(other, {}) if i not in view.facts.dated.get(first, {})
        ]
        for identity, missing in sorted(lacking):
            item = identity.replace(SEP, " ")
            yield "missing-condition", {"item": item, "missing": missing, "amount": measure.amount}
            return
    yield "fixed", {"amount": measure.amount}


def _per_unit(view: _View, measure: Any) -> Hints:
    assert isinstance(measure, PerUnit)
    left = None if measure.cap is None else measure.cap - view.given(measure.id, measure.cap_per)
    if left is not None and left <= 0:
        return
    if measure.of is None:
        yield "unit", {"unit_amount": measure.unit_amount, "left": left}
        return
    amount = yearly(view.facts, measure.of, view.policy.reports).get(view.year, 0)
    short = measure.unit - amount % measure.unit
    values = {"short": short, "unit_amount": measure.unit_amount, "left": left}
    yield "next-unit", {**values, "currency": measure.of.currency}


def _tiered(view: _View, measure: Any) -> Hints:
    assert isinstance(measure, Tiered)
    amount = yearly(view.facts, measure.of, view.policy.reports).get(view.year, 0)
    paid = view.given(measure.id, "life")
    whole = 0
    for tier in measure.tiers:
        whole = whole + tier.gives if measure.later_tier == "each-in-full" else tier.gives
        if not kinds.reaches(amount, tier.start, view.policy.inclusive) and whole > paid:
            values = {"threshold": tier.start, "short": view.short(tier.start, amount), "more": whole - paid}
            yield "next-tier", values
            return


def _percentage(view: _View, measure: Any) -> Hints:
    assert isinstance(measure, Percentage)
    amount = yearly(view.facts, measure.of, view.policy.reports).get(view.year, 0)
    if not kinds.reaches(amount, measure.threshold, view.policy.inclusive):
        yield "threshold", {"threshold": measure.threshold, "short": view.short(measure.threshold, amount)}
        return
    given = view.given(measure.id, "year")
    if measure.cap is not None and given < measure.cap:
        yield "unused-cap", {"cap": measure.cap, "left": measure.cap - given}


def _growth_share(view: _View, measure: Any) -> Hints:
    assert isinstance(measure, GrowthShare)
    award = view.awards.get(view.year, {}).get(measure.id)
    if award and AWAITING in award.flags:
        yield "awaiting", {}
    sales = yearly(view.facts, measure.sales, view.policy.reports)
    if _window_is_over(view, measure, sales):
        return
    amount = sales.get(view.year, 0)
    for share in measure.shares:
        if not kinds.reaches(amount, share.start, view.policy.inclusive):
            values = {"threshold": share.start, "short": view.short(share.start, amount), "rate": share.gives}
            yield "next-share", values
            return


def _window_is_over(view: _View, measure: GrowthShare, sales: dict[int, int]) -> bool:
    """Whether the award years that began with the first qualifying year have passed."""
    start, inclusive = measure.shares[0].start, view.policy.inclusive
    qualifying = [
        year
        for year, amount in sales.items()
        if view.book.covers_year(year) and kinds.reaches(amount, start, inclusive)
    ]
    if not qualifying:
        return False
    first = min(qualifying) + (1 if measure.first_year == "following" else 0)
    return view.year >= first + measure.award_years


def _discretionary(view: _View, measure: Any) -> Hints:
    assert isinstance(measure, Discretionary)
    yield ("claim-open", {}) if measure.cap is None else ("claim", {"cap": measure.cap})


_KINDS: dict[type[Measure], Callable[[_View, Any], Hints]] = {
    Fixed: _fixed,
    PerUnit: _per_unit,
    Tiered: _tiered,
    Percentage: _percentage,
    GrowthShare: _growth_share,
    Discretionary: _discretionary,
}
