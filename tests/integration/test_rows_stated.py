"""Rows that are no events, stated in the log by digest: each once, in parts, and left as they were."""

from __future__ import annotations

import hashlib
import itertools
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.events import RowsDigested, digests_id
from domain.events.event import NOBODY
from domain.events.instants import instant
from domain.log.notes import SignerKey
from ledger.audit.bundle import write_year
from ledger.audit.check import check_log
from ledger.audit.checkpoints import current
from ledger.audit.clock import correct_clock
from ledger.audit.looks import Look, list_looks, note
from ledger.audit.stating import state_tables
from ledger.intake.inbox import ingest
from ledger.intake.refusals import find
from ledger.intake.settling import dismiss_refusal
from ledger.log import digests
from ledger.log.digests import count_unstated, read_stating
from ledger.store.append import append_ours
from ledger.store.application import Ledger
from ledger.store.persons import erase
from ledger.store.stored_events import events_of
from services.checkpoints.sender import Sender
from services.runtime.settings import Settings
from services.verify import verify
from tests.conftest import LATER
from tests.events import CIXI, Feed
from tests.integration.closings import OFFICER
from tests.integration.test_persons import NAME, claim

KEY = SignerKey("ledger", b"\x01" * 32)
AT = "2026-01-01T00:00:0{}.000000Z"


def look(ledger: Ledger, second: int, actor: str = "lin") -> None:
    with ledger.store.writing() as rows:
        note(rows, [Look(AT.format(second), actor, "::1", "GET", "/", "code")])


def stated(ledger: Ledger, table: str) -> list[RowsDigested]:
    with ledger.store.reading() as rows:
        contents = [event.fact.content for event in events_of(rows, digests_id(table))]
    return [content for content in contents if isinstance(content, RowsDigested)]


def findings(ledger: Ledger) -> list[str]:
    with ledger.store.reading() as rows:
        return [each.description for each in check_log(rows, [])]


def last_position(ledger: Ledger) -> int:
    with ledger.store.reading() as rows:
        return rows.last_position()


def test_rows_are_stated_though_the_clock_once_stood_ahead(open_at: Callable[..., Ledger]) -> None:
    ledger, now = open_at(), [LATER + timedelta(days=1_500)]
    ledger.clock = lambda: now[0]
    look(ledger, 1)
    state_tables(ledger)
    sender = Sender(ledger, Settings())
    look(ledger, 2)
    now[0] -= timedelta(seconds=5)
    sender.state()
    assert len(stated(ledger, "looks")) == 1, "a small step back hastens nothing"

    now[0] = LATER
    sender.state()

    assert len(stated(ledger, "looks")) == 2
    correct_clock(ledger, NOBODY, "root", "2031-01-01", "the battery died")
    ingest(ledger, [b"[1]"], "tests")
    state_tables(ledger)
    with ledger.store.reading() as rows:
        assert digests.read_stated_at(rows) == instant(LATER), "the last of all, not the greatest time"


def test_each_period_follows_the_one_before_and_can_be_worked_out_by_hand(ledger: Ledger) -> None:
    look(ledger, 1)
    look(ledger, 2, "wu")
    assert state_tables(ledger) == {"looks": 2}
    look(ledger, 3, "chen")
    assert state_tables(ledger) == {"looks": 1}
    before = last_position(ledger)
    assert state_tables(ledger) == {}
    assert last_position(ledger) == before, "where nothing is new nothing is written"

    first, second = stated(ledger, "looks")
    assert (first.first, first.last, first.rows) == (1, 2, 2)
    assert (second.first, second.last, second.rows) == (3, 3, 1)
    row = [3, AT.format(3), "chen", "::1", "GET", "/", "code", 1, "", ""]
    line = json.dumps(row, separators=(",", ":"))
    assert second.digest == hashlib.sha256(f"{first.digest}\n{line}\n".encode()).hexdigest()
    assert findings(ledger) == []


def test_a_look_alike_leaves_the_stated_row_as_it_was(ledger: Ledger) -> None:
    look(ledger, 1)
    look(ledger, 2)
    state_tables(ledger)
    look(ledger, 3)
    look(ledger, 4)
    with ledger.store.reading() as rows:
        assert [each.times for each in list_looks(rows)] == [2, 2]
        assert count_unstated(rows)["looks"] == 1
    assert findings(ledger) == []


def test_an_old_ledgers_rows_are_stated_in_parts(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "ROWS_MAX", 2)
    for number in range(5):
        look(ledger, number, f"actor {number}")
    state_tables(ledger)
    assert [(each.first, each.last, each.rows) for each in stated(ledger, "looks")] == [
        (1, 2, 2),
        (3, 4, 2),
        (5, 5, 1),
    ]
    assert findings(ledger) == []


def test_only_new_rows_are_read_for_a_new_digest(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it costs does not grow with the history: only rows after the last digest are taken in."""
    for number in range(5):
        look(ledger, number, f"actor {number}")
    state_tables(ledger)
    taken = list[int]()
    add = digests.RunningDigest.add

    def counting(self: digests.RunningDigest, row: Any) -> None:
        taken.append(int(row[0]))
        add(self, row)

    monkeypatch.setattr(digests.RunningDigest, "add", counting)
    look(ledger, 6, "new")
    state_tables(ledger)
    assert taken == [6]


def test_a_period_that_was_altered_is_named_and_the_others_are_not(ledger: Ledger) -> None:
    for number in range(4):
        look(ledger, number, f"actor {number}")
        state_tables(ledger)
    with ledger.store.writing() as rows:  # through the guard: the sums fit
        rows.run("UPDATE looks SET actor='x' WHERE number=2")
    assert findings(ledger) == [
        "looks: the rows 2 to 2 are not those that the log states: something was changed"
    ]


def test_a_refused_message_may_come_again_be_settled_and_be_erased(ledger: Ledger) -> None:
    """What may change of it is not in the digest; its bytes are held against their own."""
    feed, ticks = Feed(1), itertools.count()
    ledger.clock = lambda: datetime(2031, 1, 1, tzinfo=UTC) + timedelta(minutes=next(ticks))
    old, again, settled = (
        str(ingest(ledger, [text], "tests")[0].refusal) for text in (b"[1]", b"[2]", b"[3]")
    )
    with ledger.store.writing() as rows:  # as a program of before settled it
        rows.run("UPDATE refused SET resolved='dismissed' WHERE digest=?", [old])
    state_tables(ledger)
    dismiss_refusal(ledger, again, OFFICER, "sent twice")
    dismiss_refusal(ledger, settled, OFFICER, "sent twice")
    ingest(ledger, [b"[2]"], "tests")
    wrong = json.loads(feed.shop("tmall", "s", "2024-03-01"))
    ingest(ledger, [json.dumps({**wrong, "data": {}}).encode()], "tests")
    state_tables(ledger)
    assert ingest(ledger, [json.dumps(wrong).encode()], "tests")[0].status == "accepted"
    with ledger.store.reading() as rows:
        resolved = {digest: getattr(find(rows, digest), "resolved", "") for digest in (old, again, settled)}
    assert resolved == {old: "dismissed", again: None, settled: "dismissed"}
    assert findings(ledger) == []


def test_a_message_that_was_settled_by_a_clock_ahead_may_come_again(ledger: Ledger) -> None:
    ahead, now = timedelta(days=1_500), [LATER]
    ledger.clock = lambda: now[0]
    digests = [str(ingest(ledger, [text], "tests")[0].refusal) for text in (b"[1]", b"[2]")]
    now[0] += ahead
    for digest in digests:
        dismiss_refusal(ledger, digest, OFFICER, "sent twice")
    now[0] = LATER + timedelta(hours=1)
    ingest(ledger, [b"[1]"], "tests")
    now[0] += timedelta(hours=1)
    correct_clock(ledger, NOBODY, "root", "2031-01-01", "the battery died")
    ingest(ledger, [b"[2]"], "tests")

    with ledger.store.reading() as rows:
        assert [getattr(find(rows, digest), "resolved", "") for digest in digests] == [None, None]
    assert findings(ledger) == []


def test_a_name_that_is_erased_leaves_nothing_that_the_audit_takes_for_tampering(ledger: Ledger) -> None:
    feed = Feed(1)
    sent = claim(feed)
    for message in (sent, sent.replace(NAME.encode(), "李四".encode())):
        ingest(ledger, [message], "tests")
    state_tables(ledger)
    assert erase(ledger, CIXI, "c-1", feed.code).refused == 1
    assert findings(ledger) == []


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_the_service_states_rows_at_an_interval_and_never_for_a_read(ledger: Ledger, tmp_path: Path) -> None:
    now = datetime(2031, 1, 1, tzinfo=UTC)
    ledger.clock = lambda: now
    settings = Settings(signing_key=str(tmp_path / "signing.key"), checkpoints_every=3_600)
    sender, before = Sender(ledger, settings), last_position(ledger)
    look(ledger, 1)
    sender.state()
    assert last_position(ledger) == before, "a look alone writes no event"
    now += timedelta(seconds=3_601)
    sender.state()
    assert [each.rows for each in stated(ledger, "looks")] == [1]
    look(ledger, 2, "wu")
    Sender(ledger, settings).state()
    assert len(stated(ledger, "looks")) == 1, "a service that was started again keeps the interval"
    now += timedelta(seconds=3_601)
    sender.state()
    assert len(stated(ledger, "looks")) == 2


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_command_and_audit_say_what_is_stated_and_what_is_not_yet(
    ledger: Ledger, run: Callable[..., Any]
) -> None:
    look(ledger, 1)
    assert "Rows that the log does not state yet (they have the sum alone): looks 1;" in run("audit").output
    assert run("log-rows").output == "looks 1\n"
    assert run("log-rows").output == "no row waits to be stated\n"
    assert "does not state yet" not in run("audit").output
    with ledger.store.reading() as rows:
        [event] = events_of(rows, digests_id("looks"))
    assert event.fact.said_by is not None
    assert event.fact.said_by.issuer == "os"


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_the_verifier_holds_digests_to_each_other_and_finds_no_row_in_a_bundle(
    ledger: Ledger, tmp_path: Path
) -> None:
    look(ledger, 1, "secret name")
    look(ledger, 2, "wu")
    state_tables(ledger)
    path, faults = verified(ledger, tmp_path)
    assert faults == []
    with zipfile.ZipFile(path) as archive:
        assert b"secret name" not in archive.read("events.ndjson")

    with ledger.store.reading() as rows:
        version = read_stating(rows, "looks").version
    gap = RowsDigested(table="looks", first=9, last=9, rows=2, digest="0" * 64)
    with ledger.store.writing() as rows:
        append_ours(rows, ledger.clock(), [(digests_id("looks"), version + 1, gap)])
    _, faults = verified(ledger, tmp_path)
    assert any("a digest of looks begins at row 9, not at 3" in fault for fault in faults)
    assert any("states 2 rows, which cannot be" in fault for fault in faults)
    assert findings(ledger) == ["looks: this event does not follow the digest before it"]


def verified(ledger: Ledger, folder: Path) -> tuple[Path, list[str]]:
    note_signed = current(ledger, KEY)
    write_year(ledger, folder / "year.zip", CIXI, 2024, note_signed, int(note_signed.split("\n")[1]))
    return folder / "year.zip", verify(folder / "year.zip", [KEY.verifier])[1].faults
