"""Balances: what an enterprise earns under a policy in a year, and what it is paid of it."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

import msgspec

from domain.policy.model import Policy, Words
from domain.policy.rulebook import Rulebook
from domain.rules.awards import Award
from domain.settlement.payables import Line, Payable, payable_of
from ledger.budget.pools import Pool, brought_in, in_town, line_in, merged, pool
from ledger.policies.versions import rulebook, rulebook_at
from ledger.projections.closings import closing_of
from ledger.reading.accounts import AccountSums, read_account
from ledger.reading.records import read_awards, read_enterprise, read_facts, read_position, read_town
from ledger.store.application import Ledger
from ledger.store.moments import NOW, Moment
from ledger.store.rows import Rows


class AwardLine(msgspec.Struct, frozen=True, kw_only=True):
    """What one measure gives an enterprise in a year, and what is paid of it."""

    measure: str
    article: str
    title: Words
    award_year: int
    """Another year than the balance's for what closed years bring in."""
    pot: str | None = None
    """What pays it; ``None`` where all awards share one budget."""
    factor: Fraction | None = None
    """That of the pot, where there are several."""
    gross_fen: int
    withheld_fen: int
    eligible_fen: int
    reduction_fen: int
    payable_fen: int
    flags: tuple[str, ...]


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """An enterprise's balance of one policy and year, with its account once the year is closed."""

    enterprise: str
    policy: str
    year: int
    currency: str
    position: int
    factor: Fraction
    provisional: bool
    awards: tuple[AwardLine, ...]
    gross_fen: int
    withheld_fen: int
    eligible_fen: int
    reduction_fen: int
    payable_fen: int
    ordered_fen: int
    paid_fen: int
    outstanding_fen: int
    clawed_back_fen: int
    recovered_fen: int


class MeasureHead(NamedTuple):
    """What a measure is called; of one that is no more, by its id."""

    article: str
    title: Words


def head_of(policy: Policy, measure_id: str) -> MeasureHead:
    """The article and title of a measure."""
    measure = policy.measures.get(measure_id)
    if measure is None:
        return MeasureHead("", {"zh": measure_id, "en": measure_id})
    return MeasureHead(measure.article, dict(measure.title))


def read_balance(ledger: Ledger, rows: Rows, code: str, policy: str, year: int, at: Moment = NOW) -> Balance:
    """One enterprise's balance under one policy for one award year.

    Raises:
        UnknownEnterprise, UnknownPolicy, NoRules, Unanswerable.
    """
    book = rulebook_at(rows, policy, at)
    budget = pool(ledger, rows, book, year, at)
    awards = {} if budget.closing else read_awards(rows, code, book, at).get(year, {})
    lines = _list_lines(rows, code, book, year, at, budget, awards)
    flags = {measure: award.flags for measure, award in awards.items() if award.flags}
    by_key = {(line.year, line.measure): line for line in lines}
    for measure in flags:
        by_key.setdefault((year, measure), Line(code, measure, year, 0, 0))
    ordered = sorted(by_key.values(), key=lambda line: (line.measure, line.year))
    sums = add_payables(payable_of(line, book, budget.shares) for line in lines)
    has_account = not at.is_now or budget.closing is not None  # the closing opens it
    account = read_account(rows, code, policy, year, at) if has_account else AccountSums()
    return Balance(
        enterprise=code,
        policy=policy,
        year=year,
        currency=book.latest.currency,
        position=read_position(rows, at),
        factor=budget.factor,
        provisional=budget.closing is None,
        awards=tuple(
            _award_line(book, line, flags.get(line.measure, ()) if line.year == year else (), budget)
            for line in ordered
        ),
        gross_fen=sums.gross,
        withheld_fen=sums.withheld,
        eligible_fen=sums.gross - sums.withheld,
        reduction_fen=sums.reduction,
        payable_fen=sums.payable,
        ordered_fen=account.ordered_fen,
        paid_fen=account.paid_fen,
        outstanding_fen=account.outstanding_fen,
        clawed_back_fen=account.clawed_back_fen,
        recovered_fen=account.recovered_fen,
    )


def _award_line(book: Rulebook, line: Line, flags: tuple[str, ...], budget: Pool) -> AwardLine:
    paid = payable_of(line, book, budget.shares)
    head = head_of(book.of_year(line.year), line.measure)
    return AwardLine(
        measure=line.measure,
        article=head.article,
        title=head.title,
        award_year=line.year,
        pot=line.pot or None,
        factor=budget.shares.factor_of(line.pot) if line.pot else None,
        gross_fen=paid.gross,
        withheld_fen=paid.withheld,
        eligible_fen=paid.gross - paid.withheld,
        reduction_fen=paid.reduction,
        payable_fen=paid.payable,
        flags=flags,
    )


def add_payables(payables: Iterable[Payable]) -> Payable:
    """What several awards come to together, in fen."""
    columns = [sum(column) for column in zip(*payables, strict=True)]
    return Payable(*columns) if columns else Payable(0, 0, 0, 0)


def list_lines(rows: Rows, code: str, book: Rulebook, year: int, at: Moment, budget: Pool) -> list[Line]:
    """One enterprise's awards that a year pays: its own, and what closed years bring in."""
    awards = {} if budget.closing else read_awards(rows, code, book, at).get(year, {})
    return _list_lines(rows, code, book, year, at, budget, awards)


def _list_lines(
    rows: Rows, code: str, book: Rulebook, year: int, at: Moment, budget: Pool, awards: dict[str, Award]
) -> list[Line]:
    if budget.closing:
        read_enterprise(rows, code)
        sql = (
            "SELECT code, measure, award_year, gross, withheld, pot FROM settlement_lines "
            "WHERE policy=? AND year=? AND code=? ORDER BY measure, award_year"
        )
        return [Line(*row) for row in rows.all(sql, [book.id, year, code])]
    town = read_town(rows, code, at) if book.by_town else ""
    own = [
        line_in(book, (code, measure, year, award.gross, award.withheld), town)
        for measure, award in awards.items()
        if award.gross
    ]
    brought = [] if budget.brings_none else brought_in(rows, book, year, at.until, code)
    if book.by_town and not at.is_now:
        brought = in_town(book, brought, read_facts(rows, code, at))
    return merged(own + brought)


def list_largest(ledger: Ledger, rows: Rows, policy: str, year: int, limit: int = 10) -> list[Balance]:
    """The balances of the enterprises with the largest awards of a year."""
    sql = "SELECT code FROM balances WHERE policy=? AND year=? ORDER BY eligible DESC, code LIMIT ?"
    if closing_of(rows, policy, year) is not None:
        sql = (
            "SELECT code FROM settlement_lines WHERE policy=? AND year=? GROUP BY code "
            "ORDER BY SUM(gross - withheld) DESC, code LIMIT ?"
        )
    codes = [row[0] for row in rows.all(sql, [policy, year, limit])]
    return [read_balance(ledger, rows, code, policy, year) for code in codes]


def read_payables(
    ledger: Ledger, rows: Rows, policy: str, year: int, codes: Iterable[str]
) -> dict[str, Payable]:
    """What a few enterprises earn in a year and are paid of it, in fen, each as its balance says."""
    book = rulebook(rows, policy)
    budget = pool(ledger, rows, book, year, NOW)
    return {
        code: add_payables(
            payable_of(line, book, budget.shares) for line in list_lines(rows, code, book, year, NOW, budget)
        )
        for code in codes
    }
