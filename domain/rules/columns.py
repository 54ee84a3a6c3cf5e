"""A whole policy over a column of enterprises: the awards of ``domain.rules.awards``, with the same kinds.

A ``Chunk`` holds the facts of many enterprises side by side; an enterprise is a row of it. Every
array is NumPy's, which this module never names: it uses operators and methods only, and the
arithmetic is that of ``domain.rules.arithmetic``. Only rows that have a fact are touched, so a measure costs
what its facts cost.

A few enterprises do not fit: several records of one thing on one day, figures that conflict, more
items than ``ITEMS_MAX``, two warehouses' levels under the reading ``difference``, amounts whose
products would pass 63 bits. Whoever packs or evaluates sets them aside, and ``awards_of`` answers
for them row by row; the answer is the same for every enterprise either way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from domain.events import CATALOGUE, DatedFact
from domain.facts.folding import claim_key
from domain.policy.model import (
    Discretionary,
    Fixed,
    GrowthShare,
    Percentage,
    PerUnit,
    Select,
    Tiered,
)
from domain.policy.rulebook import Rulebook, Segment
from domain.rules import arithmetic as kinds
from domain.rules.awards import OTHER_AWARD

Column: TypeAlias = Any
"""An array; of rows (places in the chunk), of fen, of days as YYYYMMDD."""

ITEMS_MAX = 1_000
"""Most items or approvals of one enterprise in columns: as many of the largest amounts add up in 63 bits."""
PRODUCT_MAX = 2**62
"""Twice as much still fits: rounding half up doubles a product."""
IDENTITIES = 1 << 20
"""A row's identities are numbered below this; more than ``ITEMS_MAX`` are never packed."""

Group = tuple[int, str]
"""(award year, measure)."""


class Reported(NamedTuple):
    """Reports of one group and year: a row has one entry at most; rows ascend."""

    rows: Column
    total: Column
    latest: Column


class Figures(NamedTuple):
    """Figures of one year."""

    rows: Column
    values: Column


class Approved(NamedTuple):
    """Approved claims for one measure, rows ascending."""

    rows: Column
    years: Column
    amounts: Column


class Items(NamedTuple):
    """Dated things, by row and day: on which day each came to be, and what it is."""

    rows: Column
    days: Column
    keys: Column
    """Row and identity as one number; the same thing has the same key in every kind of event."""
    words: dict[str, tuple[Column, dict[str, int]]]
    """By field, the number of each thing's word, and the numbers of all words."""

    def only(self, mask: Column) -> Items:
        """The things that a mask keeps; their words are not carried along."""
        return Items(self.rows[mask], self.days[mask], self.keys[mask], {})


class Awarded(NamedTuple):
    """What one measure gives for one year: rows ascending, in fen, gross above zero."""

    rows: Column
    gross: Column
    withheld: Column


@dataclass(slots=True)
class Chunk:
    """The facts of some enterprises as columns."""

    zero: Column
    """A zero for each row."""
    dated: dict[str, Items] = field(default_factory=dict)
    """By event."""
    amounts: dict[str, dict[int, dict[tuple[str, ...], Reported]]] = field(default_factory=dict)
    """By event, year and group."""
    figures: dict[str, dict[int, Figures]] = field(default_factory=dict)
    """By event and year."""
    approvals: dict[str, Approved] = field(default_factory=dict)
    """By policy and measure, joined as in ``domain.facts.folding``."""
    aside: tuple[int, ...] = ()
    """Rows that did not fit, and have nothing in the columns."""


class Evaluated(NamedTuple):
    """Awards by year and measure, and the rows whose awards must be worked out one by one."""

    awards: dict[Group, Awarded]
    aside: tuple[int, ...]


@dataclass(slots=True)
class _Run:
    chunk: Chunk
    book: Rulebook
    given: dict[Group, list[tuple[Column, Column]]] = field(default_factory=dict)
    aside: set[int] = field(default_factory=set)

    def give(self, measure: str, year: int, rows: Column, fen: Column) -> None:
        """Add to the awards of some rows, each of which is named once."""
        if len(rows):
            self.given.setdefault((year, measure), []).append((rows, fen))

    def fits(self, rows: Column, product: int) -> bool:
        """Whether a product fits into 63 bits; otherwise the rows are set aside."""
        if product >= PRODUCT_MAX:
            self.aside.update(rows.tolist())
        return product < PRODUCT_MAX


def evaluate(chunk: Chunk, book: Rulebook) -> Evaluated:
    """The awards of every row under one policy, gross and withheld; flags are not worked out."""
    run = _Run(chunk, book)
    for measure_id, segments in book.segments.items():
        kind = _KINDS.get(segments[0].measure.kind)
        if kind is not None:
            kind(run, measure_id, segments)
    awards, inside = {}, chunk.zero == 0
    if run.aside:
        inside[list(run.aside)] = False
    for group, given in run.given.items():
        rows, gross = given[0] if len(given) == 1 else _added(chunk, given)
        keep = (gross > 0) & inside[rows]
        if keep.any():
            awards[group] = _highest_only(run, group, rows[keep], gross[keep])
    return Evaluated(awards, tuple(sorted({*chunk.aside, *run.aside})))


# --- columns ---------------------------------------------------------------------------------


def _added(chunk: Chunk, parts: list[tuple[Column, Column]]) -> tuple[Column, Column]:
    """The sum of several columns, for every row that one of them names."""
    total, named = chunk.zero.copy(), chunk.zero > 0
    for rows, values in parts:
        total[rows] += values
        named[rows] = True
    found = named.nonzero()[0]
    return found, total[found]


def _firsts(values: Column) -> Column:
    """Which values of an ordered column differ from the one before."""
    first = values == values
    first[1:] = values[1:] != values[:-1]
    return first


def _distinct(values: Column) -> list[int]:
    """The different values of a column, upwards."""
    ordered = values.copy()
    ordered.sort()
    found: list[int] = ordered[_firsts(ordered)].tolist()
    return found


def _runs(rows: Column) -> tuple[Column, Column, Column]:
    """Of ascending rows: each row once, where its run starts, and where it ends."""
    starts = _firsts(rows).nonzero()[0]
    ends = starts.copy()
    ends[:-1] = starts[1:]
    ends[-1:] = len(rows)
    return rows[starts], starts, ends


def _summed(rows: Column, values: Column) -> tuple[Column, Column]:
    """The sum of each row's values; rows ascend."""
    each, starts, ends = _runs(rows)
    upto = values.cumsum()
    return each, upto[ends - 1] - upto[starts] + values[starts]


# --- what is new, and what a year amounts to -------------------------------------------------


def _new_items(run: _Run, select: Select) -> Items | None:
    """Everything that the selected facts made new, by row and day."""
    first = run.chunk.dated.get(select.facts[0])
    if first is None:
        return None
    mask = _matching(run, select, first)
    found = first if mask is None else first.only(mask)
    for name in select.facts[1:]:
        other = run.chunk.dated.get(name)
        if other is None:
            return None
        found = _joined(found, other)
    return found if len(found.rows) else None


def _matching(run: _Run, select: Select, items: Items) -> Column | None:
    """Which things have the wanted words; ``None`` where all count."""
    cls = CATALOGUE[select.facts[0]]
    assert issubclass(cls, DatedFact)
    mask: Column | None = None
    for name, wanted in select.where.items():
        if name not in cls.identity and name not in cls.attributes:
            continue
        if name not in items.words:
            # Too many different words to be numbered: whoever has such a thing is looked at alone.
            run.aside.update(items.rows.tolist())
            return items.rows < 0
        numbers, known = items.words[name]
        here = numbers < 0
        for word in wanted:
            if word in known:
                here = here | (numbers == known[word])
        mask = here if mask is None else mask & here
    return mask


def _joined(items: Items, other: Items) -> Items:
    """Things that stand in both, complete on the later day."""
    order = other.keys.argsort()
    keys = other.keys[order]
    at = keys.searchsorted(items.keys)
    at = at * (at < len(keys))
    both = keys[at] == items.keys
    days, other_days = items.days[both], other.days[order[at[both]]]
    later = days + (other_days - days) * (other_days > days)
    rows, keys = items.rows[both], items.keys[both]
    by_day = (rows.astype(keys.dtype) * 100_000_000 + later).argsort()
    return Items(rows[by_day], later[by_day], keys[by_day], {})


def _in_life(run: _Run, segments: list[Segment], part: str) -> Iterator[tuple[Items, Segment]]:
    """New things of each segment's days, in order of time."""
    for segment in segments:
        select = getattr(segment.measure, part)
        items = _new_items(run, select) if select else None
        if items is not None:
            here = (items.days >= _day(segment.start)) & (items.days <= _day(segment.end))
            if here.all():
                yield items, segment
            elif here.any():
                yield items.only(here), segment


def _day(text: str) -> int:
    return int(text.replace("-", ""))


def _reported(run: _Run, select: Select, year: int, reports: str) -> tuple[Column, Column] | None:
    """(rows, amounts) of one year; ``reports`` is the reading ``several-reports``."""
    groups = run.chunk.amounts.get(select.fact, {}).get(year)
    if not groups:
        return None
    found = [
        (each.rows, each.total if reports == "add-up" else each.latest)
        for parts, each in groups.items()
        if len(parts) + 1 == select.width and (not select.foreign or parts[-1] == select.foreign)
        if all(parts[place] in wanted for place, wanted in select.groups)
    ]
    if len(found) > 1:
        return _added(run.chunk, found)
    return found[0] if found else None


def _years(run: _Run, measure_id: str, part: str) -> Iterator[tuple[int, Column, Column, Any, Any]]:
    """(year, rows, amounts, measure, policy) of each year of the life that has reports."""
    events = {getattr(each.measure, part).fact for each in run.book.segments[measure_id] if _has(each, part)}
    years = {year for event in events for year in run.chunk.amounts.get(event, ())}
    for year in sorted(years):
        policy = run.book.of_year(year)
        measure = policy.measures.get(measure_id)
        select = getattr(measure, part, None)
        if select is None or not run.book.covers_year(year):
            continue
        found = _reported(run, select, year, policy.reports)
        if found is not None:
            yield (year, *found, measure, policy)


def _has(segment: Segment, part: str) -> bool:
    return getattr(segment.measure, part, None) is not None


# --- one function a kind ---------------------------------------------------------------------


def _fixed(run: _Run, measure_id: str, segments: list[Segment]) -> None:
    paid = run.chunk.zero > 0
    paid_years: dict[int, Column] = {}
    for found, segment in _in_life(run, segments, "earns"):
        measure = segment.measure
        assert isinstance(measure, Fixed)
        _set_aside(run, measure, found, segment)
        rows, years = found.rows, found.days // 10_000
        if measure.once == "enterprise":
            fresh = _firsts(rows) & ~paid[rows]
            rows, years = rows[fresh], years[fresh]
        for year in _distinct(years):
            mine = rows[years == year]
            if measure.once == "item":
                mine, starts, ends = _runs(mine)
                amounts = (ends - starts) * measure.amount
            else:
                if measure.once == "year":
                    before = paid_years.setdefault(year, run.chunk.zero > 0)
                    mine = mine[_firsts(mine) & ~before[mine]]
                    before[mine] = True
                amounts = run.chunk.zero[mine] + measure.amount
            run.give(measure_id, year, mine, amounts)
            paid[mine] = True


def _set_aside(run: _Run, measure: Fixed, items: Items, segment: Segment) -> None:
    """Whoever also has things of the measure that this one is set off against is looked at alone."""
    nets = measure.nets
    if nets is None or nets.rule != "difference":
        return
    for version in run.book.versions:
        other = version.measures.get(nets.measure)
        theirs = _new_items(run, other.earns) if isinstance(other, Fixed) else None
        if theirs is not None:
            has = run.chunk.zero > 0
            has[theirs.rows] = True
            run.aside.update(items.rows[has[items.rows]].tolist())


def _per_unit(run: _Run, measure_id: str, segments: list[Segment]) -> None:
    used: dict[str, Column] = {}

    def pay(measure: PerUnit, year: int, rows: Column, full: Column) -> None:
        pot = "life" if measure.cap_per == "life" else str(year)
        if pot not in used:
            used[pot] = run.chunk.zero.copy()
        spent = used[pot]
        if measure.cap is not None:
            full = kinds.least(full, kinds.at_least_zero(measure.cap - spent[rows]))
        spent[rows] += full
        run.give(measure_id, year, rows, full)

    for items, segment in _in_life(run, segments, "earns"):
        measure = segment.measure
        assert isinstance(measure, PerUnit)
        years = items.days // 10_000
        for year in _distinct(years):
            rows, starts, ends = _runs(items.rows[years == year])
            pay(measure, year, rows, kinds.units(ends - starts, measure.unit_amount, None))
    for year, rows, amounts, measure, policy in _years(run, measure_id, "of"):
        assert isinstance(measure, PerUnit)
        largest = max(int(amounts.max()) // measure.unit, measure.unit) + 1
        if run.fits(rows, largest * measure.unit_amount):
            parts, half_up = measure.parts == "pro-rata", policy.rounding == "half-up"
            full = kinds.units_of(amounts, measure.unit, measure.unit_amount, parts, half_up)
            pay(measure, year, rows, full)


def _tiered(run: _Run, measure_id: str, segments: list[Segment]) -> None:
    paid = run.chunk.zero.copy()
    for year, rows, amounts, measure, policy in _years(run, measure_id, "of"):
        assert isinstance(measure, Tiered)
        tiers = [(each.start, each.gives) for each in measure.tiers]
        if measure.later_tier == "each-in-full":
            tiers = [(start, sum(g for _, g in tiers[: i + 1])) for i, (start, _) in enumerate(tiers)]
        earned = kinds.tier(amounts, tiers, policy.inclusive)
        pay = kinds.at_least_zero(earned - paid[rows])
        run.give(measure_id, year, rows, pay)
        paid[rows] += pay


def _percentage(run: _Run, measure_id: str, segments: list[Segment]) -> None:
    for year, all_rows, all_amounts, measure, policy in _years(run, measure_id, "of"):
        assert isinstance(measure, Percentage)
        enough = kinds.reaches(all_amounts, measure.threshold, policy.inclusive)
        rows, amounts = all_rows[enough], all_amounts[enough]
        if not len(rows) or not run.fits(rows, int(amounts.max()) * measure.rate):
            continue
        pay = kinds.share(amounts, measure.rate, policy.rounding == "half-up")
        if measure.cap is not None:
            pay = kinds.least(pay, measure.cap)
        claimed = _approved(run, measure_id, year)
        if claimed is not None or measure.claims == "claim-only":
            approved, by_claim = run.chunk.zero.copy(), run.chunk.zero > 0
            if claimed is not None:
                approved[claimed[0]] = claimed[1]
                by_claim[claimed[0]] = True
            held = by_claim[rows] | (measure.claims == "claim-only")
            pay = pay + (kinds.least(pay, approved[rows]) - pay) * held
        run.give(measure_id, year, rows, pay)


def _approved(run: _Run, measure_id: str, year: int, cap: int | None = None) -> tuple[Column, Column] | None:
    """(rows, sums) of the claims approved for a year, each at most the cap."""
    found = run.chunk.approvals.get(claim_key(run.book.id, measure_id))
    if found is None:
        return None
    mine = found.years == year
    if not mine.any():
        return None
    amounts = found.amounts[mine]
    return _summed(found.rows[mine], amounts if cap is None else kinds.least(amounts, cap))


def _discretionary(run: _Run, measure_id: str, segments: list[Segment]) -> None:
    found = run.chunk.approvals.get(claim_key(run.book.id, measure_id))
    for year in _distinct(found.years) if found is not None else ():
        measure = run.book.measure_of_year(measure_id, year)
        if not isinstance(measure, Discretionary) or not run.book.covers_year(year):
            continue
        paid = _approved(run, measure_id, year, measure.cap)
        if paid is not None:
            run.give(measure_id, year, *paid)


def _growth_share(run: _Run, measure_id: str, segments: list[Segment]) -> None:
    done = run.chunk.zero > 0
    for qualifying, rows, sales, measure, policy in _years(run, measure_id, "sales"):
        assert isinstance(measure, GrowthShare)
        here = kinds.reaches(sales, measure.shares[0].start, policy.inclusive) & ~done[rows]
        if not here.any():
            continue
        done[rows[here]] = True
        first = qualifying + (1 if measure.first_year == "following" else 0)
        base_years = range(first - measure.base_years, first)
        for year in range(first, first + measure.award_years):
            governing = run.book.measure_of_year(measure_id, year)
            if isinstance(governing, GrowthShare) and run.book.covers_year(year):
                _growth_of_year(run, governing, year, base_years, rows[here], sales[here])


def _growth_of_year(
    run: _Run, measure: GrowthShare, year: int, base_years: range, rows: Column, sales: Column
) -> None:
    policy = run.book.of_year(year)
    figures = run.chunk.figures.get(measure.of.fact, {})
    current, known = _at(run, figures.get(year), rows)
    if measure.share_by != "qualifying-year":
        sales, reported = _at(run, _reported(run, measure.sales, year, policy.reports), rows)
        known = known & reported
    rate = kinds.tier(sales, [(each.start, each.gives) for each in measure.shares], policy.inclusive)
    base, count = run.chunk.zero[rows], run.chunk.zero[rows]
    for each in base_years:
        values, has = _at(run, figures.get(each), rows)
        base, count = base + values, count + has
    if measure.history == "zero":
        count = run.chunk.zero[rows] + measure.base_years
    keep = known & (rate > 0) & (count > 0)
    if not keep.any():
        return
    rows, rate, base, count, now = rows[keep], rate[keep], base[keep], count[keep], current[keep]
    if run.fits(rows, int(count.max()) * int(now.max()) * int(rate.max())):
        pay = kinds.growth_share(now, base, count, rate, policy.rounding == "half-up")
        run.give(measure.id, year, rows, pay)


def _at(run: _Run, found: tuple[Column, Column] | Figures | None, rows: Column) -> tuple[Column, Column]:
    """(value, whether there is one) for some rows; those of ``found`` ascend."""
    if found is None or not len(found[0]):
        return run.chunk.zero[rows], run.chunk.zero[rows] > 0
    there, values = found[0], found[1]
    place = there.searchsorted(rows)
    place[place == len(there)] = 0
    has = there[place] == rows
    return values[place] * has, has


_KINDS: dict[str, Callable[[_Run, str, list[Segment]], None]] = {
    "fixed": _fixed,
    "per-unit": _per_unit,
    "tiered": _tiered,
    "percentage": _percentage,
    "growth-share": _growth_share,
    "discretionary": _discretionary,
}


def _highest_only(run: _Run, group: Group, rows: Column, gross: Column) -> Awarded:
    """Withhold what another policy has paid for the same matter and year (从高不重复)."""
    year, measure_id = group
    policy = run.book.of_year(year)
    measure = policy.measures.get(measure_id)
    stacks = measure.stacks_with if measure else ()
    authorities = tuple(each for each in policy.highest_only_authorities if each not in stacks)
    where = {"policy": (run.book.id,), "measure": (measure_id,), "authority": authorities}
    other = _reported(run, Select((OTHER_AWARD,), where, policy.currency), year, policy.reports)
    if other is None:
        return Awarded(rows, gross, 0 * gross)
    paid, _ = _at(run, other, rows)
    rule = kinds.barred if policy.highest_only == "barred" else kinds.topped_up
    return Awarded(rows, gross, rule(gross, paid))
