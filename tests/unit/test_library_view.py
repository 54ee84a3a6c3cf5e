"""The eventsourcing library reads all that the ledger wrote in bulk, and what older versions wrote."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from eventsourcing.persistence import Notification, StoredEvent

from domain.claims.enterprise import Enterprise
from domain.events.aggregate import RecordedEvent
from ledger.intake.inbox import ingest
from ledger.policies.versions import adopt_policy, set_budget
from ledger.projections.enterprises import load
from ledger.replay.comparison import replay
from ledger.store.application import Ledger, open_ledger
from ledger.store.stored_events import SELECT, Stored, events_of, histories, stored
from services.cli.policies.case_files import read_case
from services.cli.policies.cases import messages_of
from tests.events import CIXI, CIXI_TEXT, Feed, awards, take

HERE = Path(__file__).parents[1]
NOW = datetime(2031, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)
Opener = Callable[[], Ledger]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the ledger's file stands."""
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    """A ledger on SQLite, with the Cixi policy."""
    found = open_ledger(str(path), clock=lambda: NOW)
    adopt_policy(found, CIXI_TEXT)
    yield found
    found.close()


def fill(ledger: Ledger, case: str = "whole-year-2024") -> None:
    """Ingest a worked case whole, and set a budget."""
    ingest(ledger, messages_of(read_case(HERE / "cases" / f"{case}.json")), "tests")
    set_budget(ledger, CIXI, "2024", 12_345)


def fast(ledger: Ledger) -> list[Stored]:
    """Every event as the ledger's own reader sees it, by position."""
    with ledger.store.reading() as rows:
        return [stored(row) for row in rows.stream(f"{SELECT} ORDER BY rowid")]


def library_view(ledger: Ledger, code: str) -> Enterprise:
    """An enterprise as the library's repository rebuilds it."""
    found: Enterprise = ledger.application.repository.get(code)
    assert isinstance(found, Enterprise)
    return found


def test_the_notification_log_holds_every_event_at_its_position(ledger: Ledger) -> None:
    fill(ledger)
    found, start = list[Notification](), 1
    while notifications := ledger.application.recorder.select_notifications(start=start, limit=7):
        found += notifications
        start = int(notifications[-1].id) + 1

    read = [(int(n.id), ledger.application.mapper.to_domain_event(n)) for n in found]
    events = [(at, event) for at, event in read if isinstance(event, RecordedEvent)]

    mine = fast(ledger)
    assert len(mine) > 50
    assert [(at, e.originator_id, e.originator_version) for at, e in events] == [
        (e.position, e.originator, e.version) for e in mine
    ]
    assert [e.event for _, e in events] == [e.fact for e in mine]
    assert [e.timestamp.isoformat().replace("+00:00", "Z") for _, e in events] == [
        e.recorded_at for e in mine
    ]


def test_the_repository_rebuilds_every_enterprise_as_the_read_model_holds_it(ledger: Ledger) -> None:
    fill(ledger)
    with ledger.store.reading() as rows:
        found = list(histories(rows, rows.last_position()))
        models = load(rows, [each.code for each in found])

    assert len(found) >= 10
    for code, version, facts in found:
        enterprise = library_view(ledger, code)
        assert enterprise.version == models[code].version == version == len(facts)
        assert enterprise.events == facts
        assert enterprise.facts == models[code].facts


@pytest.mark.parametrize("case", ["correction-merges-keys", "correction-before-its-fact"])
def test_corrections_and_retractions_mean_the_same_to_both_readers(ledger: Ledger, case: str) -> None:
    fill(ledger, case)
    with ledger.store.reading() as rows:
        codes = [each.code for each in histories(rows, rows.last_position())]
        models = load(rows, codes)

    assert any(library_view(ledger, code).facts.amended for code in codes)
    for code in codes:
        assert library_view(ledger, code).facts == models[code].facts


def test_what_the_library_would_write_is_byte_for_byte_what_the_ledger_wrote(ledger: Ledger) -> None:
    fill(ledger)
    mapper = ledger.application.mapper
    for notification in ledger.application.recorder.select_notifications(start=1, limit=500):
        event = mapper.to_domain_event(notification)
        again = mapper.to_stored_event(event)
        assert again.topic == notification.topic
        assert json.loads(again.state) == json.loads(notification.state)


# --- an event of an older version ---------------------------------------------------------------


def old_event() -> StoredEvent:
    """The stored form that version 1 of SalesReported had."""
    golden: dict[str, Any] = json.loads(
        (HERE / "data" / "stored-v1" / "sales-reported.json").read_text("utf-8")
    )
    assert "class_version" not in golden["state"]
    assert "customs_code" not in golden["state"]
    state = json.dumps(golden["state"]).encode()
    return StoredEvent(golden["originator_id"], golden["originator_version"], golden["topic"], state)


def with_old_event(ledger: Ledger) -> Feed:
    """An enterprise 123.45 short of the first tier, and an old event of 123.45."""
    feed = Feed(1)
    take(ledger, feed.sales("domestic_own_brand", 2024, "49999876.55"))
    ledger.application.recorder.insert_events([old_event()])
    return feed


def test_an_event_of_an_older_version_is_read_by_both_readers_as_one_of_today(ledger: Ledger) -> None:
    feed = with_old_event(ledger)

    (theirs,) = [e for e in library_view(ledger, feed.code).events if e.event_id == "old-1"]
    with ledger.store.reading() as rows:
        mine = events_of(rows, feed.code)[-1]

    assert mine.fact == theirs
    assert mine.recorded_at == "2024-03-01T08:00:00.000001Z"
    assert mine.fact.content.values_by_name() == {
        "year": 2024,
        "amount_fen": 12_345,
        "currency": "CNY",
        "channel": "domestic_own_brand",
        "customs_code": None,
    }
    notification = ledger.application.recorder.select_notifications(start=mine.position, limit=1)[0]
    event = ledger.application.mapper.to_domain_event(notification)
    assert isinstance(event, RecordedEvent)
    assert event.event == mine.fact


def test_an_event_of_an_older_version_counts_in_a_replay(ledger: Ledger, tmp_path: Path) -> None:
    feed = with_old_event(ledger)
    assert awards(ledger, feed, CIXI, 2024) == {}

    first = replay(ledger, str(tmp_path / "first.db"), take_over=True)
    second = replay(ledger, str(tmp_path / "second.db"))

    assert not first.equal, "the event came in behind the ledger's back, and replay says so"
    assert second.equal
    assert awards(ledger, feed, CIXI, 2024) == {"brand.domestic-sales": "50000.00"}


# --- positions and durability -------------------------------------------------------------------


def positions(ledger: Ledger) -> list[int]:
    """Every position that holds an event."""
    return [event.position for event in fast(ledger)]


def behind_our_back(path: Path, *statements: str) -> None:
    """Change the file as someone with a database tool would."""
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        for statement in statements:
            raw.execute(statement)


def test_positions_survive_vacuum(ledger: Ledger, path: Path) -> None:
    fill(ledger)
    before = fast(ledger)

    behind_our_back(path, "DELETE FROM stored_events WHERE rowid IN (3, 9)", "VACUUM")

    assert fast(ledger) == [event for event in before if event.position not in (3, 9)]


def test_the_position_of_a_deleted_last_event_is_never_given_out_again(ledger: Ledger, path: Path) -> None:
    feed, other = Feed(1), Feed(2)
    take(ledger, feed.shop("tmall", "a", "2024-05-05"), feed.shop("jd", "b", "2024-05-05"))
    last = positions(ledger)[-1]

    behind_our_back(path, f"DELETE FROM stored_events WHERE rowid={last}", "VACUUM")
    (result,) = take(ledger, other.shop("tmall", "a", "2024-05-05"))

    assert result.position == last + 1
    assert positions(ledger)[-2:] == [last - 1, last + 1]


def test_the_library_s_own_insert_gives_out_no_position_twice_either(ledger: Ledger, path: Path) -> None:
    with_old_event(ledger)
    last = positions(ledger)[-1]

    behind_our_back(path, f"DELETE FROM stored_events WHERE rowid={last}")
    ledger.application.recorder.insert_events([old_event()])

    assert positions(ledger)[-1] == last + 1


def test_every_transaction_is_synchronous_to_the_disk(ledger: Ledger) -> None:
    full = 2
    for transaction in (ledger.store.reading, ledger.store.writing, ledger.store.reading):
        with transaction() as rows:
            assert rows.all("PRAGMA synchronous") == [(full,)]
            assert rows.all("PRAGMA journal_mode") == [("wal",)]


def test_a_ledger_opened_again_goes_on_where_it_stood(path: Path, ledger: Ledger) -> None:
    fill(ledger)
    last = positions(ledger)[-1]
    ledger.close()

    again = open_ledger(str(path), clock=lambda: NOW, create=False)
    try:
        (result,) = take(again, Feed(77).shop("tmall", "a", "2024-05-05"))
    finally:
        again.close()

    assert result.position == last + 1
