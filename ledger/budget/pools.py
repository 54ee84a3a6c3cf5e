"""The budget of one period and its exact apportionment, now or at a moment of the past.

The total moves with every event and is read from the totals; the apportionment is worked out
once for a state of the totals and kept, so that reading a balance costs the same however many
awards there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, NamedTuple, cast

from domain.events.settlements import BudgetPart, SettlementClosed
from domain.facts.folding import EnterpriseFacts
from domain.money.amounts import Apportionment
from domain.money.dividing import Division, budget_id, budget_period
from domain.policy.rulebook import Rulebook
from domain.rules.evaluation import awards_of
from domain.settlement.figures import division_of
from domain.settlement.payables import Line, basis, shares_budget
from ledger.budget.repeatable import RepeatableLines
from ledger.policies.versions import Budget, budget_of, whole_budget
from ledger.projections.closings import closing_of, closings
from ledger.projections.enterprises import every_row
from ledger.projections.settlements import lines_listed
from ledger.store.application import Ledger
from ledger.store.moments import Moment, facts_at
from ledger.store.rows import Rows
from ledger.store.stored_events import histories

KEPT_POOLS_MAX = 64


@dataclass(frozen=True, slots=True)
class Pool:
    """A budget, what shares it, and how it is divided."""

    budget: Budget
    total: int
    """Fen that share the budget, before the reduction."""
    shares: Division
    payable: dict[tuple[int, str], int] = field(default_factory=dict)
    """Fen payable by year and measure, inside the budget and outside it."""
    paid: dict[str, int] = field(default_factory=dict)
    """Fen payable by pot, where there are several."""
    withheld: dict[tuple[int, str], int] = field(default_factory=dict)
    """Fen that highest-only takes off, by year and measure, where standards are reduced first."""
    closing: SettlementClosed | None = None
    """The content of ``SettlementClosed`` where the year is closed: then all of this is frozen."""
    brings_none: bool = False
    """Whether it is known that closed years bring nothing into an open one."""

    @property
    def factor(self) -> Fraction:
        """The share that is paid, exactly: of each award, or of several pots of all together."""
        return self.shares.factor

    def sharing(self, budget: str) -> int:
        """Fen that share a named budget."""
        return sum(each.total for pot, each in self.shares.pots.items() if budget_id(pot) == budget)


def open_years(rows: Rows, book: Rulebook, year: int, until: int | None = None) -> list[int]:
    """The award years that share a year's budget: those of its period not closed, as known at a position."""
    if book.period_of(year) != "life":
        return [year]
    year_rows = rows.all(
        "SELECT DISTINCT year FROM totals WHERE policy=? AND kind='measure' ORDER BY year", [book.id]
    )
    closed = closings(rows, book.id, until)
    return [each for (each,) in year_rows if book.period_of(each) == "life" and each not in closed]


def lines_now(rows: Rows, book: Rulebook, year: int, years: list[int] | None = None) -> Iterator[Line]:
    """Every award that shares a year's budget as it now stands, streamed in order of their keys.

    Of a closed year they are the frozen ones. To an open year belong what was accepted from
    closed years, and what pro-rata took off the year before where the policy carries it over.
    """
    if closing_of(rows, book.id, year) is not None:
        for line in lines_listed(rows, book.id, year):
            yield Line(*line[:5], line.pot)
        return
    open_award_years = open_years(rows, book, year) if years is None else years
    sql = (
        "SELECT code, measure, year, gross, withheld FROM awards "
        f"WHERE policy=? AND year IN ({','.join('?' * len(open_award_years))})"
    )
    values: list[Any] = [book.id, *open_award_years]
    extra, extra_values = _brought_in(rows, book, year)
    if extra:
        sql = (
            "SELECT code, measure, year, CAST(SUM(gross) AS BIGINT) AS gross, "
            "CAST(SUM(withheld) AS BIGINT) AS withheld "
            f"FROM ({sql} UNION ALL {extra}) AS shared GROUP BY code, measure, year"
        )
    if open_award_years or extra:
        award_rows = rows.stream(_in_order(book, sql), [*values, *extra_values])
        yield from (
            (line_in(book, row) for row in award_rows) if book.divides else (Line(*row) for row in award_rows)
        )


def _in_order(book: Rulebook, sql: str) -> str:
    """Awards in order of their keys, each with its enterprise's town where that says what pays it."""
    if not book.by_town:
        return f"{sql} ORDER BY code, measure, year"
    return (
        "SELECT a.code, a.measure, a.year, a.gross, a.withheld, COALESCE(e.town, '') "
        f"FROM ({sql}) AS a LEFT JOIN enterprises e ON e.code=a.code ORDER BY a.code, a.measure, a.year"
    )


def line_in(book: Rulebook, row: Sequence[Any], town: str = "") -> Line:
    """An award (code, measure, year, gross, withheld[, town]) with the pot that pays it."""
    code, measure, year, gross, withheld, *towns = row
    return Line(code, measure, year, gross, withheld, book.pot_of(year, measure, towns[0] if towns else town))


def _brought_in(
    rows: Rows, book: Rulebook, year: int, until: int | None = None, code: str | None = None
) -> tuple[str, list[Any]]:
    """What closed years bring into a year's budget, as SQL; empty where there is nothing."""
    bound = 2**62 if until is None else until
    filter_sql, filter_values = (" AND code=?", [code]) if code else ("", [])
    parts, values = [], list[Any]()
    any_adjustment = "SELECT 1 FROM adjustments WHERE policy=? AND into_year=? AND position<=? LIMIT 1"
    if rows.all(any_adjustment, [book.id, year, bound]):
        parts.append(
            "SELECT code, measure, year, amount AS gross, 0 AS withheld FROM adjustments "
            f"WHERE policy=? AND into_year=? AND position<=?{filter_sql}"
        )
        values += [book.id, year, bound, *filter_values]
    carries = book.of_year(year).procedure.reductions == "next-year"
    if carries and closing_of(rows, book.id, year - 1, until) is not None:
        parts.append(
            "SELECT code, measure, award_year AS year, reduction AS gross, 0 AS withheld "
            f"FROM settlement_lines WHERE policy=? AND year=? AND reduction>0{filter_sql}"
        )
        values += [book.id, year - 1, *filter_values]
    return " UNION ALL ".join(parts), values


def brought_in(
    rows: Rows, book: Rulebook, year: int, until: int | None = None, code: str | None = None
) -> list[Line]:
    """What closed years bring into a year's budget (of one enterprise), as known at a position."""
    sql, values = _brought_in(rows, book, year, until, code)
    if not sql:
        return []
    summed = (
        "SELECT code, measure, year, CAST(SUM(gross) AS BIGINT) AS gross, "
        "CAST(SUM(withheld) AS BIGINT) AS withheld "
        f"FROM ({sql}) AS shared GROUP BY code, measure, year"
    )
    return [line_in(book, row) for row in rows.all(_in_order(book, summed), values)]


def lines_at(rows: Rows, book: Rulebook, moment: Moment) -> Iterator[Line]:
    """Every award as it stood at a moment, by folding the facts again, streamed."""
    for code, facts in facts_stream(rows, moment):
        yield from lines_of(code, book, facts)


def lines_shared(rows: Rows, book: Rulebook, year: int, moment: Moment) -> Iterator[Line]:
    """The awards that share a year's budget at a moment, streamed in order of their keys.

    Other facts or rules than those of now change no other year that is closed: its awards are
    paid, and share nothing more than what it brings in. A closed year itself shares as it was
    closed, by itself.
    """
    if moment.is_now or frozen(rows, book, year, moment) is not None:
        yield from lines_now(rows, book, year)
        return
    closed = closings(rows, book.id, moment.until)
    extra: dict[str, list[Line]] = {}
    for line in brought_in(rows, book, year, moment.until):
        extra.setdefault(line.code, []).append(line)
    period = book.period_of(year)

    def shares(award_year: int) -> bool:
        return (
            award_year == year
            if year in closed
            else book.period_of(award_year) == period and award_year not in closed
        )

    for code, facts in facts_stream(rows, moment):
        enterprise_lines = [line for line in lines_of(code, book, facts) if shares(line.year)]
        yield from merged(enterprise_lines + in_town(book, extra.pop(code, []), facts))


def in_town(book: Rulebook, lines: list[Line], facts: EnterpriseFacts) -> list[Line]:
    """Lines paid by the pots of the town that the facts name."""
    if not book.by_town:
        return lines
    town = facts.profile.town if facts.profile else ""
    return [line._replace(pot=book.pot_of(line.year, line.measure, town)) for line in lines]


def merged(lines: list[Line]) -> list[Line]:
    """Lines in order of their keys, those of the same key as one."""
    lines_by_key: dict[tuple[str, ...], Line] = {}
    for line in lines:
        present = lines_by_key.get(line.key)
        lines_by_key[line.key] = (
            line
            if present is None
            else present._replace(gross=present.gross + line.gross, withheld=present.withheld + line.withheld)
        )
    return sorted(lines_by_key.values())


def frozen(rows: Rows, book: Rulebook, year: int, moment: Moment) -> SettlementClosed | None:
    """The closing that answers for a year at a moment; none where other facts or rules are asked for."""
    if moment.as_of is not None or not moment.own_rules:
        return None
    return closing_of(rows, book.id, year, moment.until)


def facts_stream(rows: Rows, moment: Moment) -> Iterator[tuple[str, EnterpriseFacts]]:
    """Every enterprise's facts as they stood at a moment, streamed in order of credit code."""
    if moment.as_of is None and moment.until is None:
        for row in every_row(rows):
            yield row.code, row.facts
        return
    until = moment.until if moment.until is not None else rows.last_position()
    for code, _, facts in histories(rows, until):
        yield code, facts_at(facts, moment.as_of)


def lines_of(code: str, book: Rulebook, facts: EnterpriseFacts) -> Iterator[Line]:
    """The awards of one enterprise, every year."""
    town = facts.profile.town if facts.profile else ""
    for year, awards in awards_of(facts, book).items():
        for measure, award in awards.items():
            if award.gross:
                yield line_in(book, (code, measure, year, award.gross, award.withheld), town)


def pool(ledger: Ledger, rows: Rows, book: Rulebook, year: int, moment: Moment) -> Pool:
    """The pool that an award year is paid from; that of a closed year is the frozen one."""
    if moment.is_now:
        return _present(ledger, rows, book, year)
    closing = frozen(rows, book, year, moment)
    if closing is not None:
        return pool_of(book, closing)
    budget = budget_of(rows, book, year, moment.until)
    position = rows.last_position() if moment.until is None else moment.until
    key = (book.id, _identity(book), year, budget, moment, position)
    cached: Pool | None = ledger.kept.get(key)
    if cached is None:
        cached = divide(list(lines_shared(rows, book, year, moment)), book, budget, year)
        keep(ledger, key, cached)
    return cached


def _present(ledger: Ledger, rows: Rows, book: Rulebook, year: int) -> Pool:
    """The pool as it now stands; of each year the last is kept, for the position that it holds for."""
    slot, state = ("present", book.id, year), (rows.last_position(), _identity(book))
    entry = ledger.kept.get(slot)
    if entry is not None and entry[0] == state:
        return cast(Pool, entry[1])
    closing = closing_of(rows, book.id, year)
    present = (
        pool_of(book, closing) if closing else _now(ledger, rows, book, year, budget_of(rows, book, year))
    )
    keep(ledger, slot, (state, present))
    return present


def pool_of(book: Rulebook, closing: SettlementClosed) -> Pool:
    """The pool of a closed year."""
    period = book.period_of(closing.year)
    only = BudgetPart("", closing.appropriation_fen, closing.carried_fen, closing.spent_fen)
    parts = [
        (
            part.name,
            Budget(
                budget_period(period, part.name),
                part.appropriation_fen + part.carried_fen - part.spent_fen,
                None,
                part.carried_fen,
                part.spent_fen,
            ),
        )
        for part in closing.budgets or (only,)
    ]
    paid = {share.pot: share.payable_fen for share in closing.pots}
    budget = whole_budget(period, parts)
    payable = {(sums.award_year, sums.measure): sums.payable_fen for sums in closing.measures}
    return Pool(budget, closing.sharing_fen, division_of(closing), payable, paid, closing=closing)


def _identity(book: Rulebook) -> tuple[tuple[int, str], ...]:
    return tuple((version.version, version.digest) for version in book.versions)


def _now(ledger: Ledger, rows: Rows, book: Rulebook, year: int, budget: Budget) -> Pool:
    years = open_years(rows, book, year)
    totals = _measure_totals(rows, book, years)
    extra = brought_in_sums(rows, book, year)
    state = rows.last_position() if book.by_town else max((each.position for each in totals), default=0)
    key = (book.id, _identity(book), budget, tuple(years), tuple(sorted(extra.items())), state)
    cached: Pool | None = ledger.kept.get(key)
    if cached is not None:
        return cached
    sums = {(each.award_year, each.measure): (each.gross_fen, each.withheld_fen) for each in totals}
    for group, fen in extra.items():
        gross, withheld = sums.get(group, (0, 0))
        sums[group] = (gross + fen, withheld)
    total = sum(
        basis(book.of_year(award_year), gross, withheld)
        for (award_year, measure), (gross, withheld) in sums.items()
        if shares_budget(book.of_year(award_year), measure)
    )
    if total <= budget.amount and not book.divides:
        payable = {group: gross - withheld for group, (gross, withheld) in sums.items()}
        unreduced = Division(budget.amount, {"": Apportionment(budget.amount, total)})
        present = Pool(budget, total, unreduced, payable)
    else:
        present = divide(RepeatableLines(lambda: lines_now(rows, book, year, years)), book, budget, year)
    present = replace(present, brings_none=not extra)
    keep(ledger, key, present)
    return present


class _MeasureTotal(NamedTuple):
    """What a measure awards in a year, and the last position that changed it."""

    award_year: int
    measure: str
    gross_fen: int
    withheld_fen: int
    position: int


def _measure_totals(rows: Rows, book: Rulebook, years: list[int]) -> list[_MeasureTotal]:
    """The totals by measure of some award years."""
    sql = "SELECT year, name, gross, withheld, position FROM totals WHERE policy=? AND kind='measure'"
    totals = (
        _MeasureTotal(year, measure, int(gross), int(withheld), position)
        for year, measure, gross, withheld, position in rows.all(sql, [book.id])
    )
    return [total for total in totals if total.award_year in years]


def brought_in_sums(
    rows: Rows, book: Rulebook, year: int, until: int | None = None
) -> dict[tuple[int, str], int]:
    """What closed years bring into a year's budget, by award year and measure, in fen."""
    sql, values = _brought_in(rows, book, year, until)
    if not sql:
        return {}
    summed = f"SELECT year, measure, CAST(SUM(gross) AS BIGINT) FROM ({sql}) AS shared GROUP BY year, measure"
    return {(of, measure): fen for of, measure, fen in rows.all(summed, values)}


def divide(lines: Iterable[Line], book: Rulebook, budget: Budget, year: int) -> Pool:
    """Divide a year's budget over awards in order of their keys, read twice (``RepeatableLines``).

    Raises:
        ArithmeticError: should the payments ever exceed a budget; nothing is then paid.
    """
    from ledger.budget.columns import Columns  # only dividing needs its arrays

    columns = Columns(lines, book)
    shares, payable, paid = columns.divide(budget.amounts, book.of_year(year).pots)
    for name, amount in budget.amounts.items():
        inside = sum(fen for pot, fen in paid.items() if budget_id(pot) == name)
        if inside > amount:
            raise ArithmeticError(f"{inside} fen payable out of {amount}")
    return Pool(budget, shares.total, shares, payable, paid, columns.withheld)


def outside(book: Rulebook, divided: Pool) -> int:
    """Fen payable out of other funds."""
    return sum(
        fen
        for (year, measure), fen in divided.payable.items()
        if not shares_budget(book.of_year(year), measure)
    )


def unspent(book: Rulebook, divided: Pool) -> int:
    """Fen of the budgets that no payment needs; never less than nothing."""
    return max(0, divided.budget.amount - sum(divided.payable.values()) + outside(book, divided))


def keep(ledger: Ledger, key: object, value: object) -> None:
    """Keep what was worked out for a state; what was kept first goes first."""
    with ledger.keeping:
        while len(ledger.kept) >= KEPT_POOLS_MAX:
            ledger.kept.pop(next(iter(ledger.kept)))
        ledger.kept[key] = value
