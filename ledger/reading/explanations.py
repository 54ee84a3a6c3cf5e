"""Why each fen: the explanation of an enterprise's awards, as a versioned document.

The document's form is ``subsidy-explanation/1``; keys are only ever added to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from domain.facts.folding import EnterpriseFacts
from domain.money.amounts import printed, yuan
from domain.money.dividing import Division
from domain.money.wire import currency_form, factor_form, print_percent
from domain.policy.model import Policy, Words
from domain.policy.rulebook import Rulebook
from domain.rules.awards import Award
from domain.rules.evaluation import awards_of
from domain.rules.outlook import outlook_of
from domain.rules.steps import Step
from domain.rules.words import (
    OTHER_FUNDS,
    flag_words,
    highest_only_words,
    of_pot,
    pot_words,
    pro_rata_words,
    step_document,
    values_of,
    words_of,
)
from domain.settlement.payables import Line, Payable, basis, payable_of, shares_budget
from ledger.budget.pools import Pool, pool
from ledger.policies.versions import rulebook, rulebook_at
from ledger.projections.closings import closing_of
from ledger.reading.balances import list_lines
from ledger.reading.disagreements import list_of_enterprise
from ledger.reading.records import read_facts, read_history, read_position
from ledger.reading.sources import list_sources
from ledger.store.application import Ledger
from ledger.store.moments import NOW, Moment
from ledger.store.persons import ERASED, name_of
from ledger.store.rows import Rows
from ledger.store.stored_events import Stored

FORMAT = "subsidy-explanation/1"
SOURCES_MAX = 200
"""Most source events listed for one award; the count is always whole."""


class ReadingUsed(msgspec.Struct, frozen=True):
    """How an open point of the policy was read."""

    reading: str
    value: str
    words: dict[str, str]
    basis: str
    open: str
    """What is open; empty where nothing is."""


class Carried(msgspec.Struct, frozen=True):
    """What the budget took off an award (yuan) shares again in a year."""

    year: int
    amount: str
    words: Words


class HighestOnly(msgspec.Struct, frozen=True):
    """An award beside that of another policy; amounts in yuan."""

    quote: str
    rule: str
    this: str
    other: str
    higher: Literal["this", "other"]
    withheld: str
    words: Words


class ProRata(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether and how the budget reduced an award; amounts in yuan."""

    quote: str
    applies: bool
    pot: str = ""
    """What pays it, where there are several budgets."""
    name: Words | None = None
    budget: str
    sharing: str
    factor: str
    percent: str
    words: Words


class SourceDocument(msgspec.Struct, frozen=True):
    """A source event for readers: where it stands, what it says."""

    position: int
    source: str
    id: str
    event: str
    time: str
    recorded_at: str
    content: dict[str, Any]


def explain(
    ledger: Ledger, rows: Rows, code: str, policy: str, year: int, at: Moment = NOW
) -> dict[str, Any]:
    """The explanation of every award of one enterprise for one year.

    Raises:
        UnknownEnterprise, UnknownPolicy, NoRules, Unanswerable.
    """
    book = rulebook_at(rows, policy, at)
    found = pool(ledger, rows, book, year, at)
    if found.closing:  # a closed year is explained by what was known when its list was made
        at = Moment(until=found.closing.known)
        book = rulebook(rows, policy, at.until)
    events = read_history(rows, code, at)
    facts = read_facts(rows, code, at)
    trace: list[Step] = []
    awards = awards_of(facts, book, trace)
    governing = book.of_year(year)
    measures = sorted({step.measure for step in trace if step.year == year} | set(awards.get(year, {})))
    explained = []
    for measure in measures:
        steps = [step for step in trace if step.measure == measure and step.year == year]
        award = awards.get(year, {}).get(measure, Award())
        pot = book.pot_of(year, measure, facts.profile.town if facts.profile else "")
        explained.append(_award(rows, code, book, year, measure, award, steps, found, pot, events, facts))
    lines = list_lines(rows, code, book, year, at, found)
    explanation: dict[str, Any] = {
        "format": FORMAT,
        "enterprise": code,
        "policy": policy,
        "policy_title": dict(governing.title),
        "document": governing.number,
        "policy_version": governing.version,
        "policy_digest": governing.digest,
        "year": year,
        **currency_form(governing.currency),
        "position": read_position(rows, at),
        "awards": explained,
        "brought_in": [
            _brought_in(rows, book, line, year, found, at.until) for line in lines if line.year != year
        ],
        "disagreements": [
            {"disagreement": entry.id, "kind": entry.kind, "words": entry.words, "facts": entry.facts}
            for entry in list_of_enterprise(rows, code, at.until)
        ],
    }
    document: dict[str, Any] = msgspec.to_builtins(explanation)
    return document


def _award(
    rows: Rows,
    code: str,
    book: Rulebook,
    year: int,
    measure_id: str,
    award: Award,
    steps: list[Step],
    found: Pool,
    pot: str,
    events: list[Stored],
    facts: EnterpriseFacts,
) -> dict[str, Any]:
    policy = book.of_year(year)
    measure = policy.measures.get(measure_id) or book.segments[measure_id][-1].measure
    paid = payable_of(Line(code, measure_id, year, award.gross, award.withheld, pot), book, found.shares)
    sources = list_sources(events, measure, facts)
    return {
        "measure": measure_id,
        "article": measure.article,
        "title": dict(measure.title),
        "quote": measure.quote,
        "kind": measure.kind,
        "lead": measure.lead,
        "readings": [_reading(policy, name) for name in (*measure.readings, *policy.general_readings)],
        "sources": [source_document(rows, event) for event in sources[:SOURCES_MAX]],
        "sources_count": len(sources),
        "steps": [step_document(step, policy.currency) for step in steps],
        "gross": yuan(paid.gross),
        "order": order_of(policy, measure_id),
        **_carried(book, year, paid),
        "highest_only": _highest_only(policy, award, paid),
        "pro_rata": _pro_rata(
            policy, measure_id, basis(policy, award.gross, award.withheld), found, pot, paid
        ),
        "withheld": yuan(paid.withheld),
        "eligible": yuan(paid.gross - paid.withheld),
        "reduction": yuan(paid.reduction),
        "payable": yuan(paid.payable),
        "flags": [{"code": flag, "words": flag_words(flag)} for flag in award.flags],
    }


def _carried(book: Rulebook, year: int, paid: Payable) -> dict[str, Carried]:
    """Where what the budget took off an award shares again, as words; nothing where it lapses."""
    after = year + 1
    if not (
        paid.reduction and book.covers_year(after) and book.of_year(after).procedure.reductions == "next-year"
    ):
        return {}
    money = printed(paid.reduction, book.of_year(year).currency)
    words = {
        "zh": f"下调的 {money} 结转 {after} 年度参与分配",
        "en": f"the {money} that it was reduced by shares the budget of {after}",
    }
    return {"carried": Carried(after, yuan(paid.reduction), words)}


def _brought_in(
    rows: Rows, book: Rulebook, line: Line, year: int, found: Pool, until: int | None
) -> dict[str, Any]:
    """An award of another year that this one pays: where it comes from, and what is paid of it."""
    own = book.of_year(line.year)
    measure = own.measures.get(line.measure)
    paid = payable_of(line, book, found.shares)
    inside = shares_budget(own, line.measure)
    before = basis(own, line.gross, line.withheld)
    words = of_pot(own, line.pot, shared_words(own, found.shares, line.pot, before, paid.reduction))
    shared = words if inside else OTHER_FUNDS
    carried = _carried(book, year, paid)
    parts = [*_origins(rows, book, line, year, until), shared, *(each.words for each in carried.values())]
    return {
        "measure": line.measure,
        "article": measure.article if measure else "",
        "title": dict(measure.title) if measure else {"zh": line.measure, "en": line.measure},
        "award_year": line.year,
        **{name: yuan(fen) for name, fen in zip(Payable._fields, paid, strict=True)},
        "words": {
            "zh": "；".join(each["zh"] for each in parts),
            "en": "; ".join(each["en"] for each in parts),
        },
        **carried,
    }


def _origins(rows: Rows, book: Rulebook, line: Line, year: int, until: int | None) -> Iterator[Words]:
    """What closed years brought into an award: the year before's reduction, accepted adjustments."""
    currency, carries = book.of_year(year).currency, book.of_year(year).procedure.reductions == "next-year"
    if carries and closing_of(rows, book.id, year - 1, until) is not None:
        sql = (
            "SELECT reduction FROM settlement_lines "
            "WHERE policy=? AND year=? AND code=? AND measure=? AND award_year=? AND reduction>0"
        )
        for (fen,) in rows.all(sql, [book.id, year - 1, line.code, line.measure, line.year]):
            money, before = printed(fen, currency), year - 1
            yield {
                "zh": f"{before} 年度按比例下调的 {money} 结转本年度",
                "en": f"{money} that the budget of {before} took off is carried into this year",
            }
    sql = (
        "SELECT amount FROM adjustments "
        "WHERE policy=? AND into_year=? AND code=? AND measure=? AND year=? AND position<=? ORDER BY position"
    )
    bound = 2**62 if until is None else until
    for (fen,) in rows.all(sql, [book.id, year, line.code, line.measure, line.year, bound]):
        money = printed(fen, currency)
        yield {
            "zh": f"{line.year} 年度办结后补记的 {money} 计入本年度",
            "en": f"{money} was accepted into this year after {line.year} was closed",
        }


def _reading(policy: Policy, name: str) -> ReadingUsed:
    reading = policy.readings[name]
    words = dict(reading.options[reading.value])
    return ReadingUsed(name, reading.value, words, reading.basis, reading.open)


def source_document(rows: Rows, event: Stored) -> SourceDocument:
    """What readers see of a source event."""
    values = event.fact.content.values_by_name()
    content = {name: value for name, value in values.items() if value is not None}
    if "amount_fen" in content:
        content["amount"] = yuan(content.pop("amount_fen"))
    if "person" in content:
        content["person"] = name_of(rows, event.originator, event.fact) or ERASED
    if isinstance(content.get("changes"), dict) and "amount_fen" in content["changes"]:
        changes = dict(content["changes"])
        changes["amount"] = yuan(changes.pop("amount_fen"))
        content["changes"] = changes
    fact = event.fact
    head = (event.position, fact.source, fact.event_id, fact.name, fact.time)
    return SourceDocument(*head, event.recorded_at, content)


def order_of(policy: Policy, measure: str) -> list[str]:
    """The steps after an award's arithmetic, in the order in which they are taken (reading ``pro-rata``)."""
    reduced_first = policy.pro_rata == "standards-first" and shares_budget(policy, measure)
    return ["pro_rata", "highest_only"] if reduced_first else ["highest_only", "pro_rata"]


def after_steps(award: dict[str, Any]) -> list[dict[str, Any]]:
    """What an explained award says after its arithmetic, in the order in which it was done."""
    return [award[name] for name in award["order"]]


def _highest_only(policy: Policy, award: Award, paid: Payable) -> HighestOnly:
    clause = policy.clause("highest-only")
    # Where the standards are reduced first, it is what is left of the award that is compared.
    reduced = policy.pro_rata == "standards-first" and paid.reduction > 0
    this = award.gross - paid.reduction if reduced else award.gross
    return HighestOnly(
        quote=clause.quote,
        rule=policy.highest_only,
        this=yuan(this),
        other=yuan(award.other),
        higher="this" if this >= award.other else "other",
        withheld=yuan(paid.withheld),
        words=highest_only_words(
            this, award.other, paid.withheld, policy.highest_only, policy.currency, reduced=reduced
        ),
    )


def _pro_rata(policy: Policy, measure: str, before: int, found: Pool, pot: str, paid: Payable) -> ProRata:
    clause = policy.clause("pro-rata")
    shares, value = found.shares.apportionment_of(pot), found.shares.factor_of(pot)
    inside = shares_budget(policy, measure)
    shared = shared_words(policy, found.shares, pot, before, paid.reduction)
    words = of_pot(policy, pot, shared) if inside else OTHER_FUNDS
    return ProRata(
        quote=clause.quote,
        applies=inside,
        pot=pot,
        name=pot_words(policy, pot) if pot else None,
        budget=yuan(shares.budget),
        sharing=yuan(shares.total),
        factor=f"{value.numerator}/{value.denominator}",
        percent=print_percent(value),
        words=words,
    )


def shared_words(policy: Policy, shares: Division, pot: str, before: int, reduction: int) -> Words:
    """Whether and how a pot reduced what was ``before``, in fen."""
    mine, value = shares.apportionment_of(pot), factor_form(shares.factor_of(pot))
    after = before - reduction
    said = (value["fraction"], value["percent"], before, after, policy.currency)
    return pro_rata_words(mine.total, mine.budget, *said)


def outlook(
    ledger: Ledger, rows: Rows, code: str, policy: str, year: int, at: Moment = NOW
) -> dict[str, Any]:
    """What an enterprise could still earn in a year, before the budget's reduction."""
    book = rulebook_at(rows, policy, at)
    facts = read_facts(rows, code, at)
    hints = outlook_of(facts, book, awards_of(facts, book), year)
    governing = book.of_year(year)
    return {
        "enterprise": code,
        "policy": policy,
        "year": year,
        **currency_form(governing.currency),
        "position": read_position(rows, at),
        "hints": [
            {
                "measure": hint.measure,
                "article": governing.measures[hint.measure].article,
                "title": dict(governing.measures[hint.measure].title),
                "hint": hint.code,
                "values": values_of(hint),
                "words": words_of(hint, governing.currency),
            }
            for hint in hints
        ],
    }
