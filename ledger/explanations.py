"""Why each fen: the explanation of an enterprise's awards, as a versioned document.

The document's form is ``subsidy-explanation/1``; keys are only ever added to it.
"""

from __future__ import annotations

from typing import Any

from domain.awards import Award, Step, awards_of
from domain.facts import EnterpriseFacts
from domain.money import yuan
from domain.outlook import outlook_of
from domain.policy.model import Policy
from domain.policy.rulebook import Rulebook
from domain.settlement import Line, basis, payable_of, shares_budget
from domain.words import (
    FLAGS,
    HINTS,
    highest_only_words,
    plain,
    pot_words,
    pro_rata_words,
    said,
    step_document,
)
from ledger import queries
from ledger.application import Ledger
from ledger.disagreements.reading import of_enterprise
from ledger.moments import NOW, Moment
from ledger.persons import ERASED, name_of
from ledger.policies import rulebook, rulebook_at
from ledger.pools import Pool, pool
from ledger.store import Rows
from ledger.stored import Stored

FORMAT = "subsidy-explanation/1"
SOURCES_MAX = 200
"""Most source events listed for one award; the count is always whole."""


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
        at = Moment(until=found.closing["known"])
        book = rulebook(rows, policy, at.until)
    events = queries.history(rows, code, at)
    facts = queries.facts_of(rows, code, at)
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
    return {
        "format": FORMAT,
        "enterprise": code,
        "policy": policy,
        "policy_title": dict(governing.title),
        "document": governing.number,
        "policy_version": governing.version,
        "policy_digest": governing.digest,
        "year": year,
        **queries.currency_of(governing),
        "position": queries.position(rows, at),
        "awards": explained,
        "disagreements": of_enterprise(rows, code, at.until),
    }


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
    sources = queries.sources_of(events, measure, facts)
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
        "highest_only": _highest_only(policy, award),
        "pro_rata": _pro_rata(
            policy, measure_id, award, found, pot, paid.gross - paid.reduction - paid.withheld
        ),
        "withheld": yuan(paid.withheld),
        "eligible": yuan(paid.gross - paid.withheld),
        "reduction": yuan(paid.reduction),
        "payable": yuan(paid.payable),
        "flags": [{"code": flag, "words": said(FLAGS, flag, {})} for flag in award.flags],
    }


def _reading(policy: Policy, name: str) -> dict[str, Any]:
    reading = policy.readings[name]
    return {
        "reading": name,
        "value": reading.value,
        "words": dict(reading.options[reading.value]),
        "basis": reading.basis,
        "open": reading.open,
    }


def source_document(rows: Rows, event: Stored) -> dict[str, Any]:
    """A source event for readers: where it stands, what it says."""
    content = {key: value for key, value in event.fact.content.items() if value is not None}
    if "amount_fen" in content:
        content["amount"] = yuan(content.pop("amount_fen"))
    if "person" in content:
        content["person"] = name_of(rows, event.originator, event.fact) or ERASED
    if isinstance(content.get("changes"), dict) and "amount_fen" in content["changes"]:
        changes = dict(content["changes"])
        changes["amount"] = yuan(changes.pop("amount_fen"))
        content["changes"] = changes
    return {
        "position": event.position,
        "source": event.fact.source,
        "id": event.fact.event_id,
        "event": event.fact.name,
        "time": event.fact.time,
        "recorded_at": event.recorded_at,
        "content": content,
    }


def _highest_only(policy: Policy, award: Award) -> dict[str, Any]:
    clause = policy.clause("highest-only")
    return {
        "quote": clause.quote,
        "rule": policy.highest_only,
        "this": yuan(award.gross),
        "other": yuan(award.other),
        "higher": "this" if award.gross >= award.other else "other",
        "withheld": yuan(award.withheld),
        "words": highest_only_words(
            award.gross, award.other, award.withheld, policy.highest_only, policy.currency
        ),
    }


def _pro_rata(
    policy: Policy, measure: str, award: Award, found: Pool, pot: str, payable: int
) -> dict[str, Any]:
    clause = policy.clause("pro-rata")
    shares, value = found.shares.of(pot), found.shares.factor_of(pot)
    fraction = f"{value.numerator}/{value.denominator}"
    inside = shares_budget(policy, measure)
    words = (
        pro_rata_words(
            shares.total,
            shares.budget,
            fraction,
            queries.percent(value),
            basis(policy, award.gross, award.withheld),
            payable,
            policy.currency,
        )
        if inside
        else {"zh": "由其他资金列支，不计入本预算", "en": "paid from other funds, outside this budget"}
    )
    if inside and pot:
        named = pot_words(policy, pot)
        words = {"zh": f"{named['zh']}：{words['zh']}", "en": f"{named['en']}: {words['en']}"}
    return {
        "quote": clause.quote,
        "applies": inside,
        **({"pot": pot} if pot else {}),
        "budget": yuan(shares.budget),
        "sharing": yuan(shares.total),
        "factor": fraction,
        "percent": queries.percent(value),
        "words": words,
    }


def outlook(
    ledger: Ledger, rows: Rows, code: str, policy: str, year: int, at: Moment = NOW
) -> dict[str, Any]:
    """What an enterprise could still earn in a year, before the budget's reduction."""
    book = rulebook_at(rows, policy, at)
    facts = queries.facts_of(rows, code, at)
    hints = outlook_of(facts, book, awards_of(facts, book), year)
    governing = book.of_year(year)
    return {
        "enterprise": code,
        "policy": policy,
        "year": year,
        **queries.currency_of(governing),
        "position": queries.position(rows, at),
        "hints": [
            {
                "measure": hint.measure,
                "article": governing.measures[hint.measure].article,
                "title": dict(governing.measures[hint.measure].title),
                "hint": hint.code,
                "values": plain(hint.values),
                "words": said(HINTS, hint.code, hint.values, governing.currency),
            }
            for hint in hints
        ],
    }
