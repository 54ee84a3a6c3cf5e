"""The events that an award rests on."""

from __future__ import annotations

from collections.abc import Iterable

from domain.events.amendments import Amendment, HoldEvent
from domain.events.event import Event
from domain.facts.folding import EnterpriseFacts
from domain.policy.model import Measure, Select
from ledger.store.stored_events import Stored


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
        if isinstance(content, Amendment | HoldEvent) and (content.of_source, content.of) in keys:
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
