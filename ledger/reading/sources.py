"""The events that an award rests on."""

from __future__ import annotations

from domain.events.amendments import Amendment, HoldEvent
from domain.events.event import Event
from domain.facts.folding import EnterpriseFacts
from domain.policy.model import Measure
from ledger.store.stored_events import Stored


def list_sources(events: list[Stored], measure: Measure, facts: EnterpriseFacts) -> list[Stored]:
    """The events that bear on a measure's award: its facts, claims, other awards, corrections."""
    wanted: list[tuple[str, dict[str, tuple[str, ...]]]] = []
    for name in ("earns", "counted_on", "sales"):
        select = getattr(measure, name, None)
        if select is not None:
            wanted += [(fact, select.where) for fact in select.facts]
    chosen: list[Stored] = []
    keys: set[tuple[str, str]] = set()
    for event in events:
        if not isinstance(event.fact.content, Amendment) and _bears_on(event.fact, measure, wanted, facts):
            chosen.append(event)
            keys.add((event.fact.source, event.fact.event_id))
    for event in events:
        content = event.fact.content
        if isinstance(content, Amendment | HoldEvent) and (content.of_source, content.of) in keys:
            chosen.append(event)
    return sorted(chosen, key=lambda event: event.position)


def _bears_on(
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
