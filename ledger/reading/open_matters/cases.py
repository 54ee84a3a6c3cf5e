"""What waits for somebody at the desk, as the ledger holds it now."""

from __future__ import annotations

from collections.abc import Iterator

from domain.claims.steps import OPEN
from domain.events import settlement_id
from domain.events.amendments import FactHeld
from domain.events.event import SEP, Event
from domain.events.instants import day_of
from domain.events.settlements import OpenItem, OpenMatter
from domain.facts.folding import fold
from domain.policy.rulebook import Rulebook
from domain.rules.evaluation import awards_of
from domain.settlement.open_cases import (
    PlacedFact,
    find_in_enterprise,
    find_objections,
    find_waiting,
    touched_fen,
)
from domain.settlement.open_matters import DISAGREEMENT, ITEMS_MAX, REFUSAL, Finding
from ledger.projections.disagreements import undecided
from ledger.store.rows import Rows
from ledger.store.stored_events import events_of
from ledger.waiting.reading import list_waiting_requests


def find_open_cases(rows: Rows, book: Rulebook, year: int, now: str, step: str = "") -> Iterator[Finding]:
    """Facts that disagree, claims, objections and steps of a second person.

    They are of the policy's years up to ``year``; ``now`` (UTC, fixed width) says what has lapsed; of the
    year's own ``step`` no request is told. It costs reading
    the events of each enterprise with a fact that disagrees or a claim that waits.
    """
    for code in sorted({*undecided(rows), *_codes_with_claims(rows, book.id, year)}):
        yield from find_in_enterprise(code, _placed_facts(rows, code), book, year)
    yield from _find_noted(rows, book, year)
    for (listed,) in rows.all(
        "SELECT year FROM settlements WHERE policy=? AND year<=? AND stage<>'closed'", [book.id, year]
    ):
        yield from find_objections(int(listed), _placed_facts(rows, settlement_id(book.id, int(listed))))
    yield from find_waiting(list_waiting_requests(rows), book.id, year, now, step)


def sum_up_refused(rows: Rows) -> tuple[OpenMatter, ...]:
    """Refused messages that nobody has settled, as one matter, or none; there may be very many of them."""
    count, first_at = rows.all("SELECT count(*), min(first_at) FROM refused WHERE resolved IS NULL")[0]
    if not count:
        return ()
    sql = "SELECT digest, first_at FROM refused WHERE resolved IS NULL ORDER BY number LIMIT ?"
    items = tuple(
        OpenItem("", 0, "", digest, 0, day_of(day), ()) for digest, day in rows.all(sql, [ITEMS_MAX])
    )
    return (OpenMatter(REFUSAL, int(count), 0, day_of(first_at), "", items),)


def _codes_with_claims(rows: Rows, policy: str, year: int) -> list[str]:
    marks = ",".join("?" * len(OPEN))
    sql = f"SELECT DISTINCT code FROM claims WHERE policy=? AND year<=? AND status IN ({marks})"
    return [str(code) for (code,) in rows.all(sql, [policy, year, *OPEN])]


def _placed_facts(rows: Rows, originator: str) -> list[PlacedFact]:
    """The events of an enterprise or a settlement, each with its position and day."""
    return [
        PlacedFact(event.position, day_of(event.recorded_at), event.fact)
        for event in events_of(rows, originator)
    ]


_NOTED = (
    "SELECT d.disagreement, d.key, d.code, d.event FROM disagreements d JOIN disputes s "
    "ON s.disagreement=d.disagreement WHERE s.waiting=1 AND d.outcome IS NULL AND d.held=0 "
    "AND d.policy IN ('', ?) "
    "ORDER BY d.disagreement, d.code, d.position"
)


def _find_noted(rows: Rows, book: Rulebook, year: int) -> Iterator[Finding]:
    """Facts that disagree and count all the same, until somebody decides; no event says so."""
    by_enterprise: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for disagreement, key, code, event in rows.all(_NOTED, [book.id]):
        by_enterprise.setdefault((disagreement, code), []).append((key, event))
    for (disagreement, code), noted in by_enterprise.items():
        facts = _placed_facts(rows, code)
        events = [fact.event for fact in facts]
        holds = [_hold(disagreement, book.id, key, event) for key, event in noted]
        touched = touched_fen(awards_of(fold(events), book), awards_of(fold([*events, *holds]), book), year)
        keys = {key for key, _ in noted}
        placed = [fact for fact in facts if fact.event.key in keys]
        if touched is not None and placed:
            positions = tuple(fact.position for fact in placed)
            item = OpenItem(code, 0, "", disagreement, touched, placed[-1].day, positions)
            yield Finding(DISAGREEMENT, item)


def _hold(disagreement: str, policy: str, key: str, event: str) -> Event:
    """An event that is never recorded: as if the fact did not count."""
    source, _, event_id = key.partition(SEP)
    hold = FactHeld(
        disagreement=disagreement, of_source=source, of=event_id, of_type=event, policy=policy, rule=""
    )
    return Event(hold, "", "", "")
