"""A city held as columns for what-ifs: packed once, brought up to date by what has changed since.

One city is kept a ledger, that of the latest position asked for. What later events touch is
packed anew beside it; when that has become a good part of it, everything is packed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from domain.events import is_enterprise
from domain.facts.folding import EnterpriseFacts, fold
from domain.money.amounts import Apportionment
from domain.money.apportioning import cut_of, shares
from domain.money.dividing import Division, in_turn
from domain.policy.rulebook import Rulebook
from domain.rules.arithmetic import Column, Mask
from domain.rules.columns.chunks import Awarded, Group
from domain.settlement.payables import Line, basis, shares_budget
from ledger.policies.versions import Budget
from ledger.projections.enterprises import every_row, load
from ledger.simulation.packing import Packed, awards_in, pack
from ledger.store.application import Ledger
from ledger.store.rows import Rows
from ledger.store.stored_events import histories

FRESH_SHARE = 8
"""Once more than one in so many enterprises was packed anew, all are packed again."""
KEPT_MAX = 16
"""Years as they stand that are kept with a city."""
SLOT = "city-columns"


class Paid(NamedTuple):
    """What each enterprise of a city is paid under some rules, in order of credit code."""

    fen: Column
    named: Column
    """Who has an award, be it paid or not."""
    budget: Budget
    shares: Division


class Awards(NamedTuple):
    """Awards in order of their keys: enterprise (by rank), measure, year."""

    ranks: Column
    groups: Column
    """A number a measure and year, in ``of``."""
    gross: Column
    withheld: Column
    of: list[Group]


@dataclass(slots=True)
class CityColumns:
    """Every enterprise's facts as columns, at one position."""

    position: int
    parts: list[Packed]
    outdated: list[Mask]
    """By part, the rows whose facts have changed since; they stand in a later part."""
    codes: Column
    """Every enterprise's code, upwards: its place is its rank."""
    ranks: list[Column]
    """By part, each row's rank."""
    fresh: int = 0
    kept: dict[Any, Paid] = field(default_factory=dict)

    def keep(self, key: Any, paid: Paid) -> Paid:
        """Keep what was worked out; the oldest goes where there are too many."""
        while len(self.kept) >= KEPT_MAX:
            self.kept.pop(next(iter(self.kept)), None)
        self.kept[key] = paid
        return paid

    def code(self, rank: int) -> str:
        """The credit code of a rank."""
        return bytes(self.codes[rank]).decode("ascii")

    def spread(self, paid: dict[str, int], budget: Budget, shares: Division) -> Paid:
        """Payments by code as a column."""
        fen, named = np.zeros(len(self.codes), np.int64), np.zeros(len(self.codes), bool)
        ranks = self.codes.searchsorted(np.array(list(paid), self.codes.dtype))
        fen[ranks] = np.fromiter(paid.values(), np.int64, len(paid))
        named[ranks] = True
        return Paid(fen, named, budget, shares)

    def paid(self, rows: Rows, book: Rulebook, years: list[int], budget: Budget) -> Paid:
        """What everyone is paid for some years out of one budget, all computed anew.

        Raises:
            ArithmeticError: should the payments ever exceed the budget; nothing is then paid.
        """
        awards = self.awards(rows, book, years)
        fen, shares, inside = divided(awards, book, budget.amounts, self.towns(rows, book))
        if inside > budget.amount:
            raise ArithmeticError(f"{inside} fen payable out of {budget.amount}")
        paid, named = np.zeros(len(self.codes), np.int64), np.zeros(len(self.codes), bool)
        np.add.at(paid, awards.ranks, fen)
        named[awards.ranks] = True
        return Paid(paid, named, budget, shares)

    def _awarded(self, lines: list[Line]) -> Awarded:
        ranks = self.codes.searchsorted(np.array([line.code for line in lines], self.codes.dtype))
        sums = ([line.gross for line in lines], [line.withheld for line in lines])
        return Awarded(ranks, *(np.array(each, np.int64) for each in sums))

    def towns(self, rows: Rows, book: Rulebook) -> list[str] | None:
        """Every enterprise's town by rank, where that says which budget pays it."""
        if not book.by_town:
            return None
        town_of = {row[0]: row[1] for row in rows.all("SELECT code, town FROM enterprises")}
        return [town_of.get(self.code(rank), "") for rank in range(len(self.codes))]

    def awards(self, rows: Rows, book: Rulebook, years: list[int], brought: Iterable[Line] = ()) -> Awards:
        """Every award for some years under some rules, gross and withheld.

        Args:
            brought: awards of other years that share the same budget, in order of their keys.
        """
        brought_lines: dict[Group, list[Line]] = {}
        for line in brought:
            brought_lines.setdefault((line.year, line.measure), []).append(line)
        parts = [(group, self._awarded(lines)) for group, lines in brought_lines.items()]
        parts += [
            (group, Awarded(ranks[awarded.rows], awarded.gross, awarded.withheld))
            for part, outdated, ranks in zip(self.parts, self.outdated, self.ranks, strict=True)
            for group, all_ in awards_in(part, book, lambda codes: facts_of(rows, codes)).items()
            if group[0] in years
            for awarded in [_only(all_, ~outdated[all_.rows])]
        ]
        return in_order(parts)


def facts_of(rows: Rows, codes: list[str]) -> dict[str, EnterpriseFacts]:
    """The facts of some enterprises, from the read model."""
    return {code: row.facts for code, row in load(rows, codes).items()}


def _only(awarded: Awarded, mask: Mask) -> Awarded:
    return awarded if mask.all() else Awarded(*(each[mask] for each in awarded))


def in_order(parts: list[tuple[Group, Awarded]]) -> Awards:
    """Awards of several groups and parts, put in order of their keys."""
    keys = sorted({group for group, _ in parts}, key=lambda group: (group[1], group[0]))
    number = {group: place for place, group in enumerate(keys)}
    if not parts:
        none = np.zeros(0, np.int64)
        return Awards(none, none, none, none, keys)
    ranks = np.concatenate([awarded.rows for _, awarded in parts]).astype(np.int64)
    groups = np.concatenate([np.full(len(each.rows), number[group]) for group, each in parts])
    gross = np.concatenate([awarded.gross for _, awarded in parts])
    withheld = np.concatenate([awarded.withheld for _, awarded in parts])
    order = (ranks * len(keys) + groups).argsort(kind="stable")
    return Awards(ranks[order], groups[order], gross[order], withheld[order], keys)


def divided(
    awards: Awards, book: Rulebook, amounts: Mapping[str, int], towns: list[str] | None = None
) -> tuple[Column, Division, int]:
    """(fen payable for each award, the division, fen payable out of the budgets).

    Args:
        amounts: fen by named budget; ``""`` for a policy's only one.
        towns: by rank, where the town says which budget pays.
    """
    inside = np.array([shares_budget(book.of_year(year), measure) for year, measure in awards.of], bool)
    first = np.array([book.of_year(year).pro_rata == "standards-first" for year, _ in awards.of], bool)
    sharing = inside[awards.groups] if len(awards.of) else np.zeros(0, bool)
    payable = awards.gross - awards.withheld
    pots, numbers = _pots(awards, book, towns)
    numbers = numbers[sharing]
    shared = np.zeros(int(sharing.sum()), np.int64)
    gross, withheld, standards = (
        awards.gross[sharing],
        awards.withheld[sharing],
        first[awards.groups[sharing]],
    )
    for first_of in {bool(value) for value in first}:
        policy = next(book.of_year(year) for year, _ in awards.of if _standards(book, year) == first_of)
        here = standards == first_of
        shared[here] = basis(policy, gross[here], withheld[here])
    share = shared.copy()

    def cut(pot: str, budget: int) -> Apportionment:
        here = numbers == pots.get(pot, -1)
        point = cut_of(shared[here], budget)
        share[here] = shares(shared[here], budget, point)
        return Apportionment(budget, point.total)

    division = in_turn([*pots, *_own_pots(awards, book)], amounts, cut)
    share[standards] -= np.minimum(share[standards], withheld[standards])
    payable[sharing] = share
    return payable, division, int(share.sum())


def _own_pots(awards: Awards, book: Rulebook) -> set[str]:
    """The pots of the policy in the years that there are awards of."""
    return {pot for year in {year for year, _ in awards.of} for pot in book.of_year(year).pots}


def _pots(awards: Awards, book: Rulebook, towns: list[str] | None) -> tuple[dict[str, int], Column]:
    """A number for each pot, and each award's."""
    number: dict[str, int] = {}
    names = sorted(set(towns or [""]))
    table = np.array(
        [
            [number.setdefault(book.pot_of(year, measure, town), len(number)) for town in names]
            for year, measure in awards.of
        ],
        np.int64,
    ).reshape(len(awards.of), len(names))
    if not towns:
        return number, table[awards.groups, 0] if len(awards.of) else awards.groups
    place = {town: columns for columns, town in enumerate(names)}
    columns = np.array([place[town] for town in towns], np.int64)
    return number, table[awards.groups, columns[awards.ranks]] if len(awards.of) else awards.groups


def _standards(book: Rulebook, year: int) -> bool:
    return book.of_year(year).pro_rata == "standards-first"


def city_columns(ledger: Ledger, rows: Rows) -> CityColumns:
    """The city as it now stands, from what is kept where that is near."""
    position = rows.last_position()
    city: CityColumns | None = ledger.kept.get(SLOT)
    if city is None or city.position > position or (changed := _changed(rows, city, position)) is None:
        current = packed(rows, position)
    elif city.position == position:
        return city
    else:
        current = _brought_up(rows, city, position, changed)
    with ledger.keeping:
        ledger.kept[SLOT] = current
    return current


def packed(rows: Rows, position: int) -> CityColumns:
    """Every enterprise of the read model, packed in one pass."""
    parts = list(pack((row.code, row.facts) for row in every_row(rows)))
    return _city(position, parts, [part.chunk.zero > 0 for part in parts], 0)


def replayed(rows: Rows, position: int) -> CityColumns:
    """Every enterprise as its events up to a position leave it, whatever the read models say."""
    parts = list(pack((code, fold(facts)) for code, _, facts in histories(rows, position)))
    return _city(position, parts, [part.chunk.zero > 0 for part in parts], 0)


def _city(position: int, parts: list[Packed], outdated: list[Mask], fresh: int) -> CityColumns:
    nobody = np.zeros(0, "S18")
    live = [part.codes[~out] for part, out in zip(parts, outdated, strict=True)]
    codes = np.concatenate([*live, nobody])
    codes.sort()
    return CityColumns(position, parts, outdated, codes, [codes.searchsorted(p.codes) for p in parts], fresh)


def _changed(rows: Rows, city: CityColumns, position: int) -> list[str] | None:
    """Whom later events touch; ``None`` where that is so many that all had better be packed again."""
    most = len(city.codes) // FRESH_SHARE - city.fresh
    sql = "SELECT DISTINCT originator_id FROM stored_events WHERE rowid>? AND rowid<=? LIMIT ?"
    touched = rows.all(sql, [city.position, position, max(most, 0) + 1]) if position > city.position else []
    return sorted(code for (code,) in touched if is_enterprise(code)) if len(touched) <= most else None


def _brought_up(rows: Rows, city: CityColumns, position: int, changed: list[str]) -> CityColumns:
    """The city with those who changed packed anew."""
    if not changed:
        return replace(city, position=position, kept={})
    codes = np.array(changed, "S18")
    outdated = [out | np.isin(part.codes, codes) for part, out in zip(city.parts, city.outdated, strict=True)]
    fresh = list(pack(_facts(rows, changed)))
    outdated += [part.chunk.zero > 0 for part in fresh]
    return _city(position, [*city.parts, *fresh], outdated, city.fresh + len(changed))


def _facts(rows: Rows, codes: list[str]) -> Iterator[tuple[str, EnterpriseFacts]]:
    facts = facts_of(rows, codes)
    for code in sorted(facts):
        yield code, facts[code]
