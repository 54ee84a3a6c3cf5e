"""The read model of who took which step of a year, by which parted duties are told apart."""

from __future__ import annotations

from collections.abc import Iterable

from domain.authority.duties import TakenStep
from domain.authority.persons import Person
from domain.events.accounts import AccountEvent
from domain.events.settlements import SettlementEvent
from domain.events.stored import topic_of
from domain.settlement.taken_steps import STEP_OF, taken_steps_of
from ledger.store.rows import Rows
from ledger.store.stored_events import SELECT, Stored, stored

_EARLIER = "CASE WHEN excluded.position<taken_steps.position THEN excluded.{0} ELSE taken_steps.{0} END"


def put_taken_steps(rows: Rows, events: Iterable[Stored]) -> None:
    """Note who took which step of a year: of each person the first time counts, in any order."""
    first: dict[tuple[str, int, str, Person], tuple[int, str]] = {}
    for event in events:
        content = event.fact.content
        if not isinstance(content, SettlementEvent | AccountEvent):
            continue
        for step, person, day in taken_steps_of(event.fact):
            key = (content.policy, content.year, step, person)
            place = (event.position, day)
            first[key] = min(first.get(key, place), place)
    rows.run_many(
        "INSERT INTO taken_steps (policy, year, step, issuer, subject, name, position, day) "
        "VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (policy, year, step, issuer, subject, name) DO UPDATE "
        f"SET day={_EARLIER.format('day')}, position={_EARLIER.format('position')}",
        [(*key[:3], *key[3], *place) for key, place in first.items()],
    )


def fill_taken_steps(rows: Rows) -> None:
    """Note who took the steps that were recorded before there was the table."""
    for kind in STEP_OF:
        recorded = rows.stream(f"{SELECT} WHERE topic=? ORDER BY rowid", [topic_of(kind.__name__)])
        put_taken_steps(rows, map(stored, recorded))


def read_taken_steps(rows: Rows, policy: str, year: int) -> list[TakenStep]:
    """Every step of parted duties of a year, in the order in which its person first took it."""
    sql = (
        "SELECT step, issuer, subject, name, day FROM taken_steps WHERE policy=? AND year=? "
        "ORDER BY position, step, issuer, subject, name"
    )
    return [
        TakenStep(step, Person(issuer, subject, name), day)
        for step, issuer, subject, name, day in rows.all(sql, [policy, year])
    ]
