"""What the ledger answers, as plain data: the API, the command line and the console call these.

Amounts are yuan as text with two decimals; every answer names the position it holds for.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from domain.events import account_id
from domain.events.amendments import Amendment, HoldEvent
from domain.events.event import Event
from domain.facts.folding import EnterpriseFacts
from domain.facts.months import MONTHS
from domain.money.amounts import yuan
from domain.policy.model import Measure, Policy, Target
from domain.policy.rulebook import Rulebook
from domain.rules.awards import Award
from domain.rules.evaluation import awards_of
from domain.settlement.accounts import Account
from domain.settlement.payables import Line, Payable, payable_of
from ledger.budget.factors import fraction_said, parts_of
from ledger.budget.factors import percent as percent
from ledger.budget.pools import (
    Pool,
    brought_in,
    in_town,
    line_in,
    lines_shared,
    merged,
    open_years,
    outside,
    pool,
    unspent,
)
from ledger.policies.versions import rulebook_at
from ledger.projections.closings import closing_of, settlement_of
from ledger.projections.enterprises import EnterpriseRow, load
from ledger.reading.progress import Reached, reached
from ledger.reading.search import ANY, Search
from ledger.reading.totals import totals_of
from ledger.store.application import Ledger
from ledger.store.moments import NOW, Moment, facts_at
from ledger.store.rows import Rows, one
from ledger.store.stored_events import Stored, events_of

Answer = dict[str, Any]


class UnknownEnterprise(LookupError):
    """The ledger holds no event about this enterprise (at that moment)."""


def position(rows: Rows, at: Moment = NOW) -> int:
    """The position that an answer holds for."""
    return rows.last_position() if at.until is None else at.until


def currency_of(policy: Policy) -> Answer:
    """The currency of an answer's amounts; left out where it is yuan."""
    return {} if policy.currency == "CNY" else {"currency": policy.currency}


def balance(ledger: Ledger, rows: Rows, code: str, policy: str, year: int, at: Moment = NOW) -> Answer:
    """One enterprise's balance under one policy for one award year.

    Raises:
        UnknownEnterprise, UnknownPolicy, NoRules, Unanswerable.
    """
    book = rulebook_at(rows, policy, at)
    found = pool(ledger, rows, book, year, at)
    awards = {} if found.closing else awards_at(rows, code, book, at).get(year, {})
    lines = _lines(rows, code, book, year, at, found, awards)
    flags = {measure: award.flags for measure, award in awards.items() if award.flags}
    shown = {(line.year, line.measure): line for line in lines}
    for measure in flags:
        shown.setdefault((year, measure), Line(code, measure, year, 0, 0))
    ordered = sorted(shown.values(), key=lambda line: (line.measure, line.year))
    return {
        "enterprise": code,
        "policy": policy,
        "year": year,
        **currency_of(book.latest),
        "position": position(rows, at),
        "factor": _factor(found),
        "provisional": found.closing is None,
        "awards": [
            _award_line(book, line, flags.get(line.measure, ()) if line.year == year else (), found)
            for line in ordered
        ],
        **_sums([payable_of(line, book, found.shares) for line in lines]),
        **account(rows, code, policy, year, at),
    }


def lines_of_enterprise(
    rows: Rows, code: str, book: Rulebook, year: int, at: Moment, found: Pool
) -> list[Line]:
    """One enterprise's awards that a year pays: its own, and what closed years bring in."""
    awards = {} if found.closing else awards_at(rows, code, book, at).get(year, {})
    return _lines(rows, code, book, year, at, found, awards)


def _lines(
    rows: Rows, code: str, book: Rulebook, year: int, at: Moment, found: Pool, awards: dict[str, Award]
) -> list[Line]:
    if found.closing:
        enterprise_row(rows, code)
        sql = (
            "SELECT code, measure, award_year, gross, withheld, pot FROM settlement_lines "
            "WHERE policy=? AND year=? AND code=? ORDER BY measure, award_year"
        )
        return [Line(*row) for row in rows.all(sql, [book.id, year, code])]
    town = town_of(rows, code, at) if book.by_town else ""
    own = [
        line_in(book, (code, measure, year, a.gross, a.withheld), town)
        for measure, a in awards.items()
        if a.gross
    ]
    brought = brought_in(rows, book, year, at.until, code)
    if book.by_town and not at.is_now:
        brought = in_town(book, brought, facts_of(rows, code, at))
    return merged(own + brought)


def town_of(rows: Rows, code: str, at: Moment) -> str:
    """An enterprise's town as the register said it at a moment; ``""`` where it said none."""
    if at.as_of is None and at.until is None:
        return enterprise_row(rows, code).town
    profile = facts_of(rows, code, at).profile
    return profile.town if profile else ""


def account(rows: Rows, code: str, policy: str, year: int, at: Moment = NOW) -> Answer:
    """What one enterprise was paid and must pay back for a year, as known at a moment."""
    if at.until is None:
        columns = "payable, ordered, paid, clawed, recovered"
        sql = f"SELECT {columns} FROM accounts WHERE policy=? AND year=? AND code=?"
        row = one(rows, sql, [policy, year, code]) or (0, 0, 0, 0, 0)
    else:
        folded = Account()
        for event in events_of(rows, account_id(policy, year, code), at.until):
            folded.apply(event.fact.content)
        row = (folded.payable, folded.ordered, folded.paid, folded.clawed, folded.recovered)
    payable, ordered, paid, clawed, recovered = row
    return {
        "ordered": yuan(ordered),
        "paid": yuan(paid),
        "outstanding": yuan(payable - ordered - paid),
        "clawed_back": yuan(clawed),
        "recovered": yuan(recovered),
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


def names_of(rows: Rows, codes: list[str]) -> dict[str, tuple[str, str]]:
    """Names and towns by credit code, as the register last said them."""
    sql = "SELECT code, name, town FROM enterprises WHERE code IN ({})"
    return {code: (name, town) for code, name, town in rows.all_in(sql, codes)}


def accounts_sums(rows: Rows, policy: str, year: int) -> Answer:
    """What a closed year's accounts add up to."""
    columns = ("payable", "ordered", "paid", "clawed", "recovered")
    sums = ", ".join(f"CAST(COALESCE(SUM({name}), 0) AS BIGINT)" for name in columns)
    row = rows.all(f"SELECT {sums} FROM accounts WHERE policy=? AND year=?", [policy, year])[0]
    payable, ordered, paid, clawed, recovered = row
    return {
        "payable": yuan(payable),
        "ordered": yuan(ordered),
        "paid": yuan(paid),
        "outstanding": yuan(payable - ordered - paid),
        "clawed_back": yuan(clawed),
        "recovered": yuan(recovered),
    }


def _award_line(book: Rulebook, line: Line, flags: tuple[str, ...], found: Pool) -> Answer:
    paid = payable_of(line, book, found.shares)
    head = _measure_head(book.of_year(line.year), line.measure)
    pot = {"pot": line.pot, "factor": fraction_said(found.shares.factor_of(line.pot))} if line.pot else {}
    return {**head, "award_year": line.year, **pot, **_money(paid), "flags": list(flags)}


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
    return fraction_said(found.factor)


def budget(ledger: Ledger, rows: Rows, policy: str, year: int, at: Moment = NOW) -> Answer:
    """The budget of the period that an award year belongs to: what shares it, and the factor."""
    book = rulebook_at(rows, policy, at)
    found = pool(ledger, rows, book, year, at)
    totals = _measure_totals(rows, book, year, found, at)
    order = {measure_id: index for index, measure_id in enumerate(book.segments)}
    ordered = sorted(totals.items(), key=lambda item: (order.get(item[0][1], 0), item[0]))
    measures = [_measure_total(book, found, key, sums) for key, sums in ordered]
    payable = sum(found.payable.values())
    return {
        "policy": policy,
        "year": year,
        "period": found.budget.period,
        **currency_of(book.latest),
        "position": position(rows, at),
        "stage": settlement_of(rows, policy, year, at.until).stage,
        "appropriation": yuan(found.budget.appropriation),
        "carried": yuan(found.budget.carried),
        "spent": yuan(found.budget.spent),
        "available": yuan(found.budget.amount),
        "gross": yuan(sum(sums[0] for sums in totals.values())),
        "withheld": yuan(sum(sums[1] for sums in totals.values())),
        "eligible": yuan(sum(sums[0] - sums[1] for sums in totals.values())),
        "sharing": yuan(found.total),
        "factor": _factor(found),
        "payable": yuan(payable),
        "outside_budget": yuan(outside(book, found)),
        "headroom": yuan(unspent(book, found)),
        "excess": yuan(sum(max(0, found.sharing(of) - fen) for of, fen in found.budget.amounts.items())),
        **parts_of(book, found, year),
        "measures": measures,
        "articles": _by_article(book, found, totals, year),
    }


Sums = tuple[int, int, int]
"""(gross, withheld, enterprises)."""


def _measure_totals(
    rows: Rows, book: Rulebook, year: int, found: Pool, at: Moment
) -> dict[tuple[int, str], Sums]:
    if found.closing:
        listed = found.closing["measures"]
        return {(of, name): (gross, withheld, number) for of, name, gross, withheld, _, number in listed}
    sums: dict[tuple[int, str], Sums] = {}
    if at.as_of is None and at.own_rules:
        years = open_years(rows, book, year, at.until)
        for of, name, gross, withheld, number in totals_of(rows, book.id, "measure", at):
            if of in years and int(gross):
                sums[of, name] = (int(gross), int(withheld), int(number))
        shared: Iterable[Line] = brought_in(rows, book, year, at.until)
    else:
        shared = lines_shared(rows, book, year, at)
    for line in shared:
        gross, withheld, number = sums.get((line.year, line.measure), (0, 0, 0))
        sums[line.year, line.measure] = (gross + line.gross, withheld + line.withheld, number + 1)
    return {of: (gross, found.withheld.get(of, withheld), n) for of, (gross, withheld, n) in sums.items()}


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
    """Progress towards the policy's targets of a year, by month and by town, and who leads on what.

    ``by_month`` says what was reached by the end of each month (``domain.rules.targets`` says which
    month a report counts in); ``by_town`` divides what is reached.
    """
    book = rulebook_at(rows, policy, at)
    found = reached(rows, book, year, at)
    governing = book.of_year(year)
    return {
        "policy": policy,
        "year": year,
        **currency_of(governing),
        "position": position(rows, at),
        "targets": [
            _target(governing, target, year, found.get(target.id, Reached()))
            for target in governing.targets.values()
        ],
        "leads": _by_lead(rows, book, pool(ledger, rows, book, year, at), year, at),
    }


def _target(policy: Policy, target: Target, year: int, found: Reached) -> Answer:
    measure, counts = policy.measures[target.measure], target.counts
    return {
        "target": target.id,
        "measure": target.measure,
        "article": measure.article,
        "lead": measure.lead,
        "title": dict(target.title),
        "unit": "yuan" if counts == "amount" else "count",
        "goal": _count(counts, target.goal),
        "reached": _count(counts, found.whole),
        "percent": percent(Fraction(found.whole, target.goal or 1)),
        "by_month": [
            {"month": f"{year:04d}-{month:02d}", "reached": _count(counts, value)}
            for month, value in zip(MONTHS, found.by_month(), strict=True)
        ],
        "by_town": [{"town": town, "reached": _count(counts, value)} for town, value in found.by_town()],
    }


def _by_lead(rows: Rows, book: Rulebook, found: Pool, year: int, at: Moment) -> list[Answer]:
    """The lead units in the policy's order: their targets, and what their measures award in the year."""
    governing = book.of_year(year)
    leads: dict[str, Answer] = {}
    for measure in governing.measures.values():
        leads.setdefault(measure.lead, {"targets": [], "gross": 0, "payable": 0})
    for target in governing.targets.values():
        leads[governing.measures[target.measure].lead]["targets"].append(target.id)
    for (of_year, measure_id), (gross, _, _) in _measure_totals(rows, book, year, found, at).items():
        governed = governing.measures.get(measure_id)
        if of_year == year and governed is not None:
            leads[governed.lead]["gross"] += gross
            leads[governed.lead]["payable"] += found.payable.get((year, measure_id), 0)
    return [
        {**sums, "lead": lead, "gross": yuan(sums["gross"]), "payable": yuan(sums["payable"])}
        for lead, sums in leads.items()
    ]


def _count(counts: str, value: int) -> str:
    return yuan(value) if counts == "amount" else str(value)


def enterprises(
    rows: Rows, policy: str, year: int, after: str, limit: int, search: Search = ANY
) -> list[Answer]:
    """Enterprises of the ledger in order of credit code, with their sums of one year.

    Those of a closed year are the frozen ones.
    """
    conditions, values = search.clause()
    sums, of_sums = "b.gross, b.withheld", list[Any]()
    if closing_of(rows, policy, year) is not None:
        listed = "FROM settlement_lines s WHERE s.policy=? AND s.year=? AND s.code=e.code"
        sums = ", ".join(f"(SELECT CAST(SUM({name}) AS BIGINT) {listed})" for name in ("gross", "withheld"))
        of_sums = [policy, year, policy, year]
    sql = (
        f"SELECT e.code, e.name, e.town, e.version, {sums} "
        f"FROM (SELECT code FROM enterprises WHERE code>?{conditions} ORDER BY code LIMIT ?) found "
        "JOIN enterprises e ON e.code=found.code "
        "LEFT JOIN balances b ON b.policy=? AND b.year=? AND b.code=e.code ORDER BY e.code"
    )
    return [
        {
            "enterprise": code,
            "name": name,
            "town": town,
            "events": version,
            "gross": yuan(gross or 0),
            "withheld": yuan(withheld or 0),
            "eligible": yuan((gross or 0) - (withheld or 0)),
        }
        for code, name, town, version, gross, withheld in rows.all(
            sql, [*of_sums, after, *values, limit, policy, year]
        )
    ]


def largest(ledger: Ledger, rows: Rows, policy: str, year: int, limit: int = 10) -> list[Answer]:
    """The enterprises with the largest awards of a year, with what they are paid."""
    sql = "SELECT code FROM balances WHERE policy=? AND year=? ORDER BY eligible DESC, code LIMIT ?"
    if closing_of(rows, policy, year) is not None:
        sql = (
            "SELECT code FROM settlement_lines WHERE policy=? AND year=? GROUP BY code "
            "ORDER BY SUM(gross - withheld) DESC, code LIMIT ?"
        )
    codes = [row[0] for row in rows.all(sql, [policy, year, limit])]
    return [balance(ledger, rows, code, policy, year) for code in codes]


def sources_of(events: list[Stored], measure: Measure, facts: EnterpriseFacts) -> list[Stored]:
    """The events that bear on a measure's award: its facts, claims, other awards, corrections."""
    wanted: list[tuple[str, dict[str, tuple[str, ...]]]] = []
    for name in ("earns", "counted_on", "sales"):
        select = getattr(measure, name, None)
        if select is not None:
            wanted += [(fact, select.where) for fact in select.facts]
    chosen: list[Stored] = []
    keys: set[tuple[str, str]] = set()
    for event in events:
        if not isinstance(event.fact.content, Amendment) and _bears(event.fact, measure, wanted, facts):
            chosen.append(event)
            keys.add((event.fact.source, event.fact.event_id))
    for event in events:
        content = event.fact.content
        if isinstance(content, Amendment | HoldEvent) and (content.of_source, content.of) in keys:
            chosen.append(event)
    return sorted(chosen, key=lambda event: event.position)


def _bears(
    fact: Event,
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
