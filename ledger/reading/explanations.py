"""Why each fen: the explanation of an enterprise's awards, and what it could still earn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from domain.facts.folding import EnterpriseFacts
from domain.money.dividing import Division
from domain.money.wire import print_fraction, print_percent
from domain.policy.model import Policy, Words
from domain.policy.rulebook import Rulebook
from domain.rules.awards import Award
from domain.rules.evaluation import awards_of
from domain.rules.outlook import outlook_of
from domain.rules.steps import Step
from domain.rules.words import (
    OTHER_FUNDS,
    adjustment_words,
    carried_in_words,
    carried_over_words,
    flag_words,
    highest_only_words,
    of_pot,
    pot_words,
    pro_rata_words,
    words_of,
)
from domain.settlement.payables import Line, Payable, basis, payable_of, shares_budget
from ledger.budget.pools import Pool, pool
from ledger.policies.versions import rulebook, rulebook_at
from ledger.projections.closings import closing_of
from ledger.reading.balances import head_of, list_lines
from ledger.reading.disagreements import list_of_enterprise
from ledger.reading.explained import (
    BroughtIn,
    CarriedOver,
    ExplainedAward,
    ExplainedHint,
    ExplainedReading,
    ExplainedStep,
    Explanation,
    Flag,
    HighestOnly,
    Outlook,
    OwnDisagreement,
    ProRata,
    Source,
)
from ledger.reading.records import list_sources, read_facts, read_history, read_position
from ledger.store.application import Ledger
from ledger.store.moments import NOW, Moment
from ledger.store.persons import ERASED, name_of
from ledger.store.rows import Rows
from ledger.store.stored_events import Stored

SOURCES_MAX = 200
"""Most source events listed for one award; the count is always whole."""


class _Scene(NamedTuple):
    """What the awards of an enterprise and year are explained by."""

    rows: Rows
    book: Rulebook
    year: int
    year_pool: Pool
    events: list[Stored]
    facts: EnterpriseFacts

    @property
    def policy(self) -> Policy:
        """The rules that govern the year."""
        return self.book.of_year(self.year)


def explain_awards(
    ledger: Ledger, rows: Rows, code: str, policy: str, year: int, at: Moment = NOW
) -> Explanation:
    """The explanation of every award of one enterprise for one year.

    Raises:
        UnknownEnterprise, UnknownPolicy, NoRules, Unanswerable.
    """
    book = rulebook_at(rows, policy, at)
    year_pool = pool(ledger, rows, book, year, at)
    if year_pool.closing:  # a closed year is explained by what was known when its list was made
        at = Moment(until=year_pool.closing.known)
        book = rulebook(rows, policy, at.until)
    events, facts = read_history(rows, code, at), read_facts(rows, code, at)
    scene = _Scene(rows, book, year, year_pool, events, facts)
    trace: list[Step] = []
    awards = awards_of(facts, book, trace).get(year, {})
    steps: dict[str, list[Step]] = {measure: [] for measure in awards}
    for step in trace:
        if step.year == year:
            steps.setdefault(step.measure, []).append(step)
    lines = list_lines(rows, code, book, year, at, year_pool)
    return Explanation(
        enterprise=code,
        policy=policy,
        policy_title=dict(scene.policy.title),
        document=scene.policy.number,
        policy_version=scene.policy.version,
        policy_digest=scene.policy.digest,
        year=year,
        currency=scene.policy.currency,
        position=read_position(rows, at),
        awards=tuple(
            _explain_award(scene, code, measure, awards.get(measure, Award()), steps[measure])
            for measure in sorted(steps)
        ),
        brought_in=tuple(_brought_in(scene, line, at.until) for line in lines if line.year != year),
        disagreements=tuple(
            OwnDisagreement(
                disagreement=entry.id, kind=entry.kind, words=entry.words, facts=tuple(entry.facts)
            )
            for entry in list_of_enterprise(rows, code, at.until)
        ),
    )


def _explain_award(
    scene: _Scene, code: str, measure_id: str, award: Award, steps: list[Step]
) -> ExplainedAward:
    book, policy, facts = scene.book, scene.policy, scene.facts
    measure = policy.measures.get(measure_id) or book.segments[measure_id][-1].measure
    pot = book.pot_of(scene.year, measure_id, facts.profile.town if facts.profile else "")
    line = Line(code, measure_id, scene.year, award.gross, award.withheld, pot)
    paid = payable_of(line, book, scene.year_pool.shares)
    sources = list_sources(scene.events, measure, facts)
    return ExplainedAward(
        measure=measure_id,
        article=measure.article,
        title=dict(measure.title),
        quote=measure.quote,
        kind=measure.kind,
        lead=measure.lead,
        readings=tuple(_reading(policy, name) for name in (*measure.readings, *policy.general_readings)),
        sources=tuple(_source(scene.rows, event) for event in sources[:SOURCES_MAX]),
        sources_count=len(sources),
        steps=tuple(ExplainedStep(step=step, words=words_of(step, policy.currency)) for step in steps),
        gross_fen=paid.gross,
        order=_order_of_reductions(policy, measure_id),
        carried=_carried(book, scene.year, paid),
        highest_only=_highest_only(policy, award, paid),
        pro_rata=_pro_rata(policy, line, scene.year_pool.shares, paid),
        withheld_fen=paid.withheld,
        eligible_fen=paid.gross - paid.withheld,
        reduction_fen=paid.reduction,
        payable_fen=paid.payable,
        flags=tuple(Flag(code=flag, words=flag_words(flag)) for flag in award.flags),
    )


def _carried(book: Rulebook, year: int, paid: Payable) -> CarriedOver | None:
    """Where what the budget took off an award shares again; nothing where it lapses."""
    after = year + 1
    if not paid.reduction or not book.covers_year(after):
        return None
    if book.of_year(after).procedure.reductions != "next-year":
        return None
    words = carried_over_words(paid.reduction, after, book.of_year(year).currency)
    return CarriedOver(year=after, amount_fen=paid.reduction, words=words)


def _brought_in(scene: _Scene, line: Line, until: int | None) -> BroughtIn:
    """An award of another year that this one pays: where it comes from, and what is paid of it."""
    own = scene.book.of_year(line.year)
    shares = scene.year_pool.shares
    paid = payable_of(line, scene.book, shares)
    shared = OTHER_FUNDS
    if shares_budget(own, line.measure):
        before = basis(own, line.gross, line.withheld)
        shared = of_pot(own, line.pot, shared_words(own, shares, line.pot, before, paid.reduction))
    carried = _carried(scene.book, scene.year, paid)
    parts = [*_origins(scene, line, until), shared, *([carried.words] if carried else [])]
    head = head_of(own, line.measure)
    return BroughtIn(
        measure=line.measure,
        article=head.article,
        title=head.title,
        award_year=line.year,
        gross_fen=paid.gross,
        withheld_fen=paid.withheld,
        reduction_fen=paid.reduction,
        payable_fen=paid.payable,
        words={
            "zh": "；".join(words["zh"] for words in parts),
            "en": "; ".join(words["en"] for words in parts),
        },
        carried=carried,
    )


def _origins(scene: _Scene, line: Line, until: int | None) -> Iterator[Words]:
    """What closed years brought into an award: the year before's reduction, accepted adjustments."""
    rows, policy, year, currency = scene.rows, scene.book.id, scene.year, scene.policy.currency
    carries = scene.policy.procedure.reductions == "next-year"
    if carries and closing_of(rows, policy, year - 1, until) is not None:
        sql = (
            "SELECT reduction FROM settlement_lines "
            "WHERE policy=? AND year=? AND code=? AND measure=? AND award_year=? AND reduction>0"
        )
        for (fen,) in rows.all(sql, [policy, year - 1, line.code, line.measure, line.year]):
            yield carried_in_words(fen, year - 1, currency)
    sql = (
        "SELECT amount FROM adjustments "
        "WHERE policy=? AND into_year=? AND code=? AND measure=? AND year=? AND position<=? ORDER BY position"
    )
    bound = 2**62 if until is None else until
    for (fen,) in rows.all(sql, [policy, year, line.code, line.measure, line.year, bound]):
        yield adjustment_words(fen, line.year, currency)


def _reading(policy: Policy, name: str) -> ExplainedReading:
    reading = policy.readings[name]
    return ExplainedReading(
        reading=name,
        value=reading.value,
        words=dict(reading.options[reading.value]),
        basis=reading.basis,
        open=reading.open,
    )


def _source(rows: Rows, event: Stored) -> Source:
    values = event.fact.content.values_by_name()
    content = _amount_last({name: value for name, value in values.items() if value is not None})
    if isinstance(content.get("changes"), dict):
        content["changes"] = _amount_last(content["changes"])
    if "person" in content:
        content["person"] = name_of(rows, event.originator, event.fact) or ERASED
    return Source(
        position=event.position,
        source=event.fact.source,
        id=event.fact.event_id,
        event=event.fact.name,
        time=event.fact.time,
        recorded_at=event.recorded_at,
        content=content,
        based_on=event.fact.based_on,
    )


def _amount_last(content: dict[str, Any]) -> dict[str, Any]:
    return dict(sorted(content.items(), key=lambda item: item[0] == "amount_fen"))


def _order_of_reductions(policy: Policy, measure: str) -> tuple[str, str]:
    reduced_first = policy.pro_rata == "standards-first" and shares_budget(policy, measure)
    return ("pro_rata", "highest_only") if reduced_first else ("highest_only", "pro_rata")


def _highest_only(policy: Policy, award: Award, paid: Payable) -> HighestOnly:
    # Where the standards are reduced first, it is what is left of the award that is compared.
    reduced = policy.pro_rata == "standards-first" and paid.reduction > 0
    compared = award.gross - paid.reduction if reduced else award.gross
    return HighestOnly(
        quote=policy.clause("highest-only").quote,
        rule=policy.highest_only,
        this_fen=compared,
        other_fen=award.other,
        higher="this" if compared >= award.other else "other",
        withheld_fen=paid.withheld,
        words=highest_only_words(
            compared, award.other, paid.withheld, policy.highest_only, policy.currency, reduced=reduced
        ),
    )


def _pro_rata(policy: Policy, line: Line, shares: Division, paid: Payable) -> ProRata:
    pot, applies = line.pot, shares_budget(policy, line.measure)
    before = basis(policy, line.gross, line.withheld)
    shared = shared_words(policy, shares, pot, before, paid.reduction)
    return ProRata(
        quote=policy.clause("pro-rata").quote,
        applies=applies,
        pot=pot or None,
        name=pot_words(policy, pot) if pot else None,
        budget_fen=shares.apportionment_of(pot).budget,
        sharing_fen=shares.apportionment_of(pot).total,
        factor=shares.factor_of(pot),
        words=of_pot(policy, pot, shared) if applies else OTHER_FUNDS,
    )


def shared_words(policy: Policy, shares: Division, pot: str, before: int, reduction: int) -> Words:
    """Whether and how a pot reduced what was ``before``, in fen."""
    share, factor = shares.apportionment_of(pot), shares.factor_of(pot)
    printed = print_fraction(factor), print_percent(factor)
    return pro_rata_words(share.total, share.budget, *printed, before, before - reduction, policy.currency)


def read_outlook(ledger: Ledger, rows: Rows, code: str, policy: str, year: int, at: Moment = NOW) -> Outlook:
    """What an enterprise could still earn in a year, before the budget's reduction.

    Raises:
        UnknownEnterprise, UnknownPolicy, NoRules, Unanswerable.
    """
    book = rulebook_at(rows, policy, at)
    facts = read_facts(rows, code, at)
    governing = book.of_year(year)
    return Outlook(
        enterprise=code,
        policy=policy,
        year=year,
        currency=governing.currency,
        position=read_position(rows, at),
        hints=tuple(
            ExplainedHint(
                measure=hint.measure,
                article=governing.measures[hint.measure].article,
                title=dict(governing.measures[hint.measure].title),
                finding=hint,
                words=words_of(hint, governing.currency),
            )
            for hint in outlook_of(facts, book, awards_of(facts, book), year)
        ),
    )
