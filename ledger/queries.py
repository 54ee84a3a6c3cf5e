"""What the ledger answers, as plain data: the API, the command line and the console call these.

Amounts are yuan as text with two decimals; every answer names the position it holds for.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from domain.awards import Award, awards_of, targets_of
from domain.events import CATALOGUE
from domain.facts import EnterpriseFacts, Fact
from domain.money import yuan
from domain.policy.model import Measure, Policy
from domain.policy.rulebook import Rulebook
from domain.settlement import Line, Payable, payable_of, shares_budget
from ledger.application import Ledger
from ledger.moments import NOW, Moment, facts_at
from ledger.policies import rulebook
from ledger.pools import Pool, facts_stream, lines_at, pool
from ledger.projections.enterprises import EnterpriseRow, load
from ledger.store import Rows, one
from ledger.stored import Stored, events_of

Answer = dict[str, Any]


class UnknownEnterprise(LookupError):
    """The ledger holds no event about this enterprise (at that moment)."""


def position(rows: Rows, at: Moment = NOW) -> int:
    """The position that an answer holds for."""
    return rows.last_position() if at.until is None else at.until


def percent(value: Fraction) -> str:
    """A factor as a percentage with four decimals, rounded down: ``62.5000 %``."""
    tenths = value.numerator * 1_000_000 // value.denominator
    return f"{tenths // 10_000}.{tenths % 10_000:04d}%"


def balance(ledger: Ledger, rows: Rows, code: str, policy: str, year: int, at: Moment = NOW) -> Answer:
    """One enterprise's balance under one policy for one award year.

    Raises:
        UnknownEnterprise, UnknownPolicy, NoRules, Unanswerable.
    """
    book = rulebook(rows, policy, at.until, at.rules_as_of)
    awards = awards_at(rows, code, book, at).get(year, {})
    found = pool(ledger, rows, book, year, at)
    lines = [_award_line(code, book, year, item, found) for item in sorted(awards.items())]
    return {
        "enterprise": code,
        "policy": policy,
        "year": year,
        "position": position(rows, at),
        "factor": _factor(found),
        "provisional": True,
        "awards": lines,
        **_sums([line[1] for line in _payables(code, book, year, awards, found)]),
        "paid": yuan(0),
    }


def awards_at(rows: Rows, code: str, book: Rulebook, at: Moment) -> dict[int, dict[str, Award]]:
    """An enterprise's awards by year, now or at a moment."""
    if at.is_now:
        outcome = enterprise_row(rows, code).outcomes.get(book.id)
        return outcome.awards if outcome else {}
    return awards_of(facts_of(rows, code, at), book)


def enterprise_row(rows: Rows, code: str) -> EnterpriseRow:
    """The read model's row of an enterprise.

    Raises:
        UnknownEnterprise: where there is none.
    """
    row = load(rows, [code]).get(code)
    if row is None:
        raise UnknownEnterprise(code)
    return row


def facts_of(rows: Rows, code: str, at: Moment) -> EnterpriseFacts:
    """An enterprise's folded facts, now or at a moment."""
    if at.as_of is None and at.until is None:
        return enterprise_row(rows, code).facts
    return facts_at([event.fact for event in history(rows, code, at)], at.as_of)


def history(rows: Rows, code: str, at: Moment = NOW) -> list[Stored]:
    """An enterprise's events as known at a moment, in order of recording.

    Raises:
        UnknownEnterprise: where nothing was known of it.
    """
    events = events_of(rows, code, at.until)
    if not events:
        raise UnknownEnterprise(code)
    return events


def _payables(
    code: str, book: Rulebook, year: int, awards: dict[str, Award], found: Pool
) -> Iterator[tuple[str, Payable]]:
    for measure, award in sorted(awards.items()):
        line = Line(code, measure, year, award.gross, award.withheld)
        yield measure, payable_of(line, book, found.shares)


def _award_line(code: str, book: Rulebook, year: int, item: tuple[str, Award], found: Pool) -> Answer:
    measure_id, award = item
    paid = payable_of(Line(code, measure_id, year, award.gross, award.withheld), book, found.shares)
    return {**_measure_head(book.of_year(year), measure_id), **_money(paid), "flags": list(award.flags)}


def _measure_head(policy: Policy, measure_id: str) -> Answer:
    measure = policy.measures.get(measure_id)
    return {
        "measure": measure_id,
        "article": measure.article if measure else "",
        "title": dict(measure.title) if measure else {"zh": measure_id, "en": measure_id},
    }


def _money(paid: Payable) -> Answer:
    return {
        "gross": yuan(paid.gross),
        "withheld": yuan(paid.withheld),
        "eligible": yuan(paid.gross - paid.withheld),
        "reduction": yuan(paid.reduction),
        "payable": yuan(paid.payable),
    }


def _sums(paid: list[Payable]) -> Answer:
    columns = [sum(column) for column in zip(*paid, strict=True)] if paid else [0, 0, 0, 0]
    return _money(Payable(*columns))


def _factor(found: Pool) -> Answer:
    value = found.factor
    return {"fraction": f"{value.numerator}/{value.denominator}", "percent": percent(value)}


def budget(ledger: Ledger, rows: Rows, policy: str, year: int, at: Moment = NOW) -> Answer:
    """The budget of the period that an award year belongs to: what shares it, and the factor."""
    book = rulebook(rows, policy, at.until, at.rules_as_of)
    found = pool(ledger, rows, book, year, at)
    totals = _measure_totals(rows, book, found, at)
    order = {measure_id: index for index, measure_id in enumerate(book.segments)}
    ordered = sorted(totals.items(), key=lambda item: (order.get(item[0][1], 0), item[0]))
    measures = [_measure_total(book, found, key, sums) for key, sums in ordered]
    payable = sum(found.payable.values())
    outside = sum(fen for (y, m), fen in found.payable.items() if not shares_budget(book.of_year(y), m))
    return {
        "policy": policy,
        "year": year,
        "period": found.budget.period,
        "position": position(rows, at),
        "appropriation": yuan(found.budget.amount),
        "gross": yuan(sum(sums[0] for sums in totals.values())),
        "withheld": yuan(sum(sums[1] for sums in totals.values())),
        "eligible": yuan(sum(sums[0] - sums[1] for sums in totals.values())),
        "sharing": yuan(found.total),
        "factor": _factor(found),
        "payable": yuan(payable),
        "outside_budget": yuan(outside),
        "headroom": yuan(max(0, found.budget.amount - found.total)),
        "excess": yuan(max(0, found.total - found.budget.amount)),
        "measures": measures,
        "articles": _by_article(book, found, totals, year),
    }


Sums = tuple[int, int, int]
"""(gross, withheld, enterprises)."""


def _measure_totals(rows: Rows, book: Rulebook, found: Pool, at: Moment) -> dict[tuple[int, str], Sums]:
    period = found.budget.period
    if at.as_of is None and at.rules_as_of is None:
        return {
            (year, name): (int(gross), int(withheld), int(number))
            for year, name, gross, withheld, number in _totals(rows, book.id, "measure", at)
            if book.period_of(year) == period and int(gross)
        }
    sums: dict[tuple[int, str], Sums] = {}
    for line in lines_at(rows, book, at):
        if book.period_of(line.year) == period:
            gross, withheld, number = sums.get((line.year, line.measure), (0, 0, 0))
            sums[line.year, line.measure] = (gross + line.gross, withheld + line.withheld, number + 1)
    return sums


def _totals(rows: Rows, policy: str, kind: str, at: Moment) -> list[Any]:
    """(year, name, gross, withheld, number) now, or as known at a position."""
    if at.until is None:
        sql = "SELECT year, name, gross, withheld, number FROM totals WHERE policy=? AND kind=?"
        return list(rows.all(f"{sql} ORDER BY year, name", [policy, kind]))
    found = []
    names = "SELECT year, name FROM totals WHERE policy=? AND kind=? ORDER BY year, name"
    then = (
        "SELECT gross, withheld, number FROM totals_history "
        "WHERE policy=? AND year=? AND kind=? AND name=? AND position<=? ORDER BY position DESC LIMIT 1"
    )
    for year, name in rows.all(names, [policy, kind]):
        row = one(rows, then, [policy, year, kind, name, at.until])
        if row is not None:
            found.append((year, name, *row))
    return found


def _measure_total(book: Rulebook, found: Pool, key: tuple[int, str], sums: Sums) -> Answer:
    year, measure_id = key
    gross, withheld, number = sums
    payable = found.payable.get(key, 0)
    return {
        **_measure_head(book.of_year(year), measure_id),
        "year": year,
        "enterprises": number,
        "gross": yuan(gross),
        "withheld": yuan(withheld),
        "eligible": yuan(gross - withheld),
        "payable": yuan(payable),
    }


def _by_article(book: Rulebook, found: Pool, totals: dict[tuple[int, str], Sums], year: int) -> list[Answer]:
    """Sums by article, in the policy's order; articles that pay nothing stand with zeros."""
    sums: dict[str, list[int]] = {m.article: [0, 0, 0] for m in book.of_year(year).measures.values()}
    for (award_year, measure_id), (gross, withheld, _) in totals.items():
        measure = book.of_year(award_year).measures.get(measure_id)
        entry = sums.setdefault(measure.article if measure else "", [0, 0, 0])
        entry[0] += gross
        entry[1] += withheld
        entry[2] += found.payable.get((award_year, measure_id), 0)
    return [
        {
            "article": article,
            "gross": yuan(g),
            "withheld": yuan(w),
            "eligible": yuan(g - w),
            "payable": yuan(p),
        }
        for article, (g, w, p) in sums.items()
    ]


def targets(ledger: Ledger, rows: Rows, policy: str, year: int, at: Moment = NOW) -> Answer:
    """Progress towards the policy's targets of a year."""
    book = rulebook(rows, policy, at.until, at.rules_as_of)
    if at.as_of is None and at.rules_as_of is None:
        values = {
            name: int(value)
            for of_year, name, value, _, _ in _totals(rows, policy, "target", at)
            if of_year == year
        }
    else:
        values = _targets_at(rows, book, year, at)
    governing = book.of_year(year)
    return {
        "policy": policy,
        "year": year,
        "position": position(rows, at),
        "targets": [
            {
                "target": target.id,
                "measure": target.measure,
                "article": governing.measures[target.measure].article,
                "lead": governing.measures[target.measure].lead,
                "title": dict(target.title),
                "unit": "yuan" if target.counts == "amount" else "count",
                "goal": _count(target.counts, target.goal),
                "reached": _count(target.counts, values.get(target.id, 0)),
                "percent": percent(Fraction(values.get(target.id, 0), target.goal or 1)),
            }
            for target in governing.targets.values()
        ],
    }


def _targets_at(rows: Rows, book: Rulebook, year: int, at: Moment) -> dict[str, int]:
    values: dict[str, int] = {}
    for _, facts in facts_stream(rows, at):
        for target, value in targets_of(facts, book).get(year, {}).items():
            values[target] = values.get(target, 0) + value
    return values


def _count(counts: str, value: int) -> str:
    return yuan(value) if counts == "amount" else str(value)


def enterprises(rows: Rows, policy: str, year: int, after: str, limit: int) -> list[Answer]:
    """Enterprises of the ledger in order of credit code, with their sums of one year."""
    sql = (
        "SELECT e.code, e.version, b.gross, b.withheld, b.eligible FROM enterprises e "
        "LEFT JOIN balances b ON b.policy=? AND b.year=? AND b.code=e.code "
        "WHERE e.code>? ORDER BY e.code LIMIT ?"
    )
    return [
        {
            "enterprise": code,
            "events": version,
            "gross": yuan(gross or 0),
            "withheld": yuan(withheld or 0),
            "eligible": yuan(eligible or 0),
        }
        for code, version, gross, withheld, eligible in rows.all(sql, [policy, year, after, limit])
    ]


def largest(ledger: Ledger, rows: Rows, policy: str, year: int, limit: int = 10) -> list[Answer]:
    """The enterprises with the largest awards of a year, with what they are paid."""
    sql = "SELECT code FROM balances WHERE policy=? AND year=? ORDER BY eligible DESC, code LIMIT ?"
    codes = [row[0] for row in rows.all(sql, [policy, year, limit])]
    return [balance(ledger, rows, code, policy, year) for code in codes]


def sources_of(events: list[Stored], measure: Measure, facts: EnterpriseFacts) -> list[Stored]:
    """The events that bear on a measure's award: its facts, claims, other awards, corrections."""
    wanted: list[tuple[str, dict[str, tuple[str, ...]]]] = []
    for name in ("earns", "of", "sales"):
        select = getattr(measure, name, None)
        if select is not None:
            wanted += [(fact, select.where) for fact in select.facts]
    chosen: list[Stored] = []
    keys: set[tuple[str, str]] = set()
    for event in events:
        if CATALOGUE[event.fact.name].shape != "amendment" and _bears(event.fact, measure, wanted, facts):
            chosen.append(event)
            keys.add((event.fact.source, event.fact.event_id))
    for event in events:
        content = event.fact.content
        if "of_source" in content and (content["of_source"], content["of"]) in keys:
            chosen.append(event)
    return sorted(chosen, key=lambda event: event.position)


def _bears(
    fact: Fact,
    measure: Measure,
    wanted: list[tuple[str, dict[str, tuple[str, ...]]]],
    facts: EnterpriseFacts,
) -> bool:
    content = facts.effective(fact) or fact.content
    if "measure" in content:
        return bool(content["measure"] == measure.id)
    return any(
        fact.name == name and all(content.get(k) in values for k, values in where.items() if k in content)
        for name, where in wanted
    )
