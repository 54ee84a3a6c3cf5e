"""The budget of a year: what there is, what shares it, how it is divided, and what measures give."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

import msgspec

from domain.policy.model import Words
from domain.policy.rulebook import Rulebook
from domain.settlement.payables import Line
from ledger.budget.factors import NamedBudget, PotFigures, list_budgets, list_pots
from ledger.budget.pools import Pool, brought_in, lines_shared, open_years, outside, pool, unspent
from ledger.policies.versions import rulebook_at
from ledger.projections.closings import settlement_of
from ledger.reading.balances import head_of
from ledger.reading.records import read_position
from ledger.reading.totals import totals_of
from ledger.store.application import Ledger
from ledger.store.moments import NOW, Moment
from ledger.store.rows import Rows

AwardGroup = tuple[int, str]
"""(award year, measure)."""


class MeasureTotal(msgspec.Struct, frozen=True, kw_only=True):
    """What one measure gives the city in one award year."""

    measure: str
    article: str
    title: Words
    year: int
    enterprises: int
    gross_fen: int
    withheld_fen: int
    eligible_fen: int
    payable_fen: int


class ArticleTotal(msgspec.Struct, frozen=True, kw_only=True):
    """What one article of the policy gives the city."""

    article: str
    gross_fen: int
    withheld_fen: int
    eligible_fen: int
    payable_fen: int


class YearBudget(msgspec.Struct, frozen=True, kw_only=True):
    """The budget that a year is paid from, what shares it, and how it is divided."""

    policy: str
    year: int
    period: str
    currency: str
    position: int
    stage: str
    """``open``, ``proposed``, ``published`` or ``closed``."""
    appropriation_fen: int
    carried_fen: int
    spent_fen: int
    available_fen: int
    gross_fen: int
    withheld_fen: int
    eligible_fen: int
    sharing_fen: int
    factor: Fraction
    payable_fen: int
    outside_budget_fen: int
    headroom_fen: int
    excess_fen: int
    budgets: tuple[NamedBudget, ...]
    pots: tuple[PotFigures, ...]
    measures: tuple[MeasureTotal, ...]
    articles: tuple[ArticleTotal, ...]


class GroupSums(NamedTuple):
    """What a measure gives in an award year, in fen, to how many."""

    gross: int
    withheld: int
    enterprises: int


def read_budget(ledger: Ledger, rows: Rows, policy: str, year: int, at: Moment = NOW) -> YearBudget:
    """The budget of the period that an award year belongs to: what shares it, and the factor.

    Raises:
        UnknownPolicy, NoRules, Unanswerable.
    """
    book = rulebook_at(rows, policy, at)
    year_pool = pool(ledger, rows, book, year, at)
    budget, governing = year_pool.budget, book.of_year(year)
    groups = sum_groups(rows, book, year, year_pool, at)
    gross, withheld = (sum(column) for column in _gross_and_withheld(groups))
    return YearBudget(
        policy=policy,
        year=year,
        period=budget.period,
        currency=book.latest.currency,
        position=read_position(rows, at),
        stage=settlement_of(rows, policy, year, at.until).stage,
        appropriation_fen=budget.appropriation,
        carried_fen=budget.carried,
        spent_fen=budget.spent,
        available_fen=budget.amount,
        gross_fen=gross,
        withheld_fen=withheld,
        eligible_fen=gross - withheld,
        sharing_fen=year_pool.total,
        factor=year_pool.factor,
        payable_fen=sum(year_pool.payable.values()),
        outside_budget_fen=outside(book, year_pool),
        headroom_fen=unspent(book, year_pool),
        excess_fen=sum(max(0, year_pool.sharing(name) - fen) for name, fen in budget.amounts.items()),
        budgets=list_budgets(book, year_pool, year),
        pots=list_pots(governing, year_pool.shares, year_pool.paid),
        measures=_list_measures(book, year_pool, groups),
        articles=_list_articles(book, year_pool, groups, year),
    )


def _gross_and_withheld(groups: dict[AwardGroup, GroupSums]) -> tuple[list[int], list[int]]:
    return [sums.gross for sums in groups.values()], [sums.withheld for sums in groups.values()]


def sum_groups(
    rows: Rows, book: Rulebook, year: int, year_pool: Pool, at: Moment
) -> dict[AwardGroup, GroupSums]:
    """What shares a year's budget, or is paid beside it, by award year and measure."""
    if year_pool.closing:
        return {
            (sums.award_year, sums.measure): GroupSums(sums.gross_fen, sums.withheld_fen, sums.enterprises)
            for sums in year_pool.closing.measures
        }
    groups: dict[AwardGroup, GroupSums] = {}
    if at.as_of is None and at.own_rules:
        years = open_years(rows, book, year, at.until)
        for award_year, measure, gross, withheld, number in totals_of(rows, book.id, "measure", at):
            if award_year in years and int(gross):
                groups[award_year, measure] = GroupSums(int(gross), int(withheld), int(number))
        shared: Iterable[Line] = brought_in(rows, book, year, at.until)
    else:
        shared = lines_shared(rows, book, year, at)
    for line in shared:
        gross, withheld, number = groups.get((line.year, line.measure), (0, 0, 0))
        sums = GroupSums(gross + line.gross, withheld + line.withheld, number + 1)
        groups[line.year, line.measure] = sums
    return {
        group: sums._replace(withheld=year_pool.withheld.get(group, sums.withheld))
        for group, sums in groups.items()
    }


def _list_measures(
    book: Rulebook, year_pool: Pool, groups: dict[AwardGroup, GroupSums]
) -> tuple[MeasureTotal, ...]:
    order = {measure_id: index for index, measure_id in enumerate(book.segments)}
    totals = []
    for group, sums in sorted(groups.items(), key=lambda item: (order.get(item[0][1], 0), item[0])):
        award_year, measure_id = group
        head = head_of(book.of_year(award_year), measure_id)
        totals.append(
            MeasureTotal(
                measure=measure_id,
                article=head.article,
                title=head.title,
                year=award_year,
                enterprises=sums.enterprises,
                gross_fen=sums.gross,
                withheld_fen=sums.withheld,
                eligible_fen=sums.gross - sums.withheld,
                payable_fen=year_pool.payable.get(group, 0),
            )
        )
    return tuple(totals)


def _list_articles(
    book: Rulebook, year_pool: Pool, groups: dict[AwardGroup, GroupSums], year: int
) -> tuple[ArticleTotal, ...]:
    """Sums by article, in the policy's order; articles that pay nothing stand with zeros."""
    sums: dict[str, list[int]] = {m.article: [0, 0, 0] for m in book.of_year(year).measures.values()}
    for (award_year, measure_id), group in groups.items():
        measure = book.of_year(award_year).measures.get(measure_id)
        entry = sums.setdefault(measure.article if measure else "", [0, 0, 0])
        entry[0] += group.gross
        entry[1] += group.withheld
        entry[2] += year_pool.payable.get((award_year, measure_id), 0)
    return tuple(
        ArticleTotal(
            article=article,
            gross_fen=gross,
            withheld_fen=withheld,
            eligible_fen=gross - withheld,
            payable_fen=payable,
        )
        for article, (gross, withheld, payable) in sums.items()
    )
