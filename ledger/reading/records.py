"""What the ledger knows of an enterprise, now or at a moment: its facts, events and awards.

And which of its events an award rests on.
"""

from __future__ import annotations

from collections.abc import Iterable

from domain.events.amendments import Amendment, FollowUp
from domain.events.event import Event
from domain.facts.folding import EnterpriseFacts
from domain.policy.model import Measure, Select
from domain.policy.rulebook import Rulebook
from domain.rules.awards import Award
from domain.rules.evaluation import awards_of
from ledger.projections.enterprises import EnterpriseRow, load, load_outcomes
from ledger.store.moments import NOW, Moment, facts_at
from ledger.store.rows import Rows, read_row
from ledger.store.stored_events import Stored, events_of


class UnknownEnterprise(LookupError):
    """The ledger holds no event about this enterprise (at that moment)."""


def read_position(rows: Rows, at: Moment = NOW) -> int:
    """The position that an answer holds for."""
    return rows.last_position() if at.until is None else at.until


def read_enterprise(rows: Rows, code: str, *, whole: bool = False) -> EnterpriseRow:
    """The read model's row of an enterprise.

    Args:
        rows: the transaction.
        code: the enterprise.
        whole: whether all its facts are read; otherwise those of which it has many within the transaction
            alone, as they are asked for.

    Raises:
        UnknownEnterprise: where there is none.
    """
    row = load(rows, [code], whole=whole).get(code)
    if row is None:
        raise UnknownEnterprise(code)
    return row


def read_history(rows: Rows, code: str, at: Moment = NOW) -> list[Stored]:
    """An enterprise's events as known at a moment, in order of recording.

    Raises:
        UnknownEnterprise: where nothing was known of it.
    """
    events = events_of(rows, code, at.until)
    if not events:
        raise UnknownEnterprise(code)
    return events


def count_events(rows: Rows, code: str, at: Moment) -> int:
    """How many events of an enterprise the ledger knew at a moment."""
    sql = "SELECT COUNT(*) FROM stored_events WHERE originator_id=? AND rowid<=?"
    row = read_row(rows, sql, [code, 2**62 if at.until is None else at.until])
    return int(row[0]) if row else 0


def read_facts(rows: Rows, code: str, at: Moment) -> EnterpriseFacts:
    """An enterprise's folded facts, now or at a moment.

    Raises:
        UnknownEnterprise.
    """
    if at.as_of is None and at.until is None:
        return read_enterprise(rows, code, whole=True).facts
    return facts_at([event.fact for event in read_history(rows, code, at)], at.as_of)


def read_awards(rows: Rows, code: str, book: Rulebook, at: Moment) -> dict[int, dict[str, Award]]:
    """An enterprise's awards by year and measure, now or at a moment.

    Raises:
        UnknownEnterprise.
    """
    if at.is_now:
        outcomes = load_outcomes(rows, code)
        if outcomes is None:
            raise UnknownEnterprise(code)
        outcome = outcomes.get(book.id)
        return outcome.awards if outcome else {}
    return awards_of(read_facts(rows, code, at), book)


def read_town(rows: Rows, code: str, at: Moment) -> str:
    """An enterprise's town as the register said it at a moment; ``""`` where it said none."""
    if at.as_of is None and at.until is None:
        return read_enterprise(rows, code).town
    profile = read_facts(rows, code, at).profile
    return profile.town if profile else ""


def read_names(rows: Rows, codes: list[str]) -> dict[str, tuple[str, str]]:
    """Names and towns by credit code, as the register last said them."""
    sql = "SELECT code, name, town FROM enterprises WHERE code IN ({})"
    return {code: (name, town) for code, name, town in rows.all_in(sql, codes)}


def list_sources(events: list[Stored], measure: Measure, facts: EnterpriseFacts) -> list[Stored]:
    """The events that bear on a measure's award: its facts, claims, other awards, corrections."""
    selects: list[Select | None] = [getattr(measure, name, None) for name in ("earns", "counted_on", "sales")]
    selections = [select for select in selects if select is not None]
    sources: list[Stored] = []
    keys: set[tuple[str, str]] = set()
    for event in events:
        if not isinstance(event.fact.content, Amendment) and _bears_on(
            event.fact, measure, selections, facts
        ):
            sources.append(event)
            keys.add((event.fact.source, event.fact.event_id))
    for event in events:
        content = event.fact.content
        if isinstance(content, FollowUp) and (content.of_source, content.of) in keys:
            sources.append(event)
    return sorted(sources, key=lambda event: event.position)


def _bears_on(
    fact: Event,
    measure: Measure,
    selections: Iterable[Select],
    facts: EnterpriseFacts,
) -> bool:
    content = facts.effective(fact) or fact.content
    if content.has_field("measure"):
        return content.field_value("measure") == measure.id
    return any(
        fact.name in select.facts
        and all(
            content.field_value(name) in values
            for name, values in select.where.items()
            if content.has_field(name)
        )
        for select in selections
    )
