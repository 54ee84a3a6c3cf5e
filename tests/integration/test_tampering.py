"""Tampering straight on the database: the audit finds each kind and names the position."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from domain.events.event import digest_of
from domain.log.notes import Checkpoint, SignerKey
from ledger.audit.bundle import write_year
from ledger.audit.check import Finding, check_log
from ledger.audit.checkpoints import current
from ledger.intake.inbox import ingest
from ledger.policies.versions import set_budget
from ledger.replay.comparison import replay
from ledger.store.application import Ledger
from ledger.store.log_tree import Tree, append_events
from ledger.store.rows import Rows
from ledger.store.stored_events import SELECT, stored
from services.sample.city import city
from services.verify import Broken, verify
from tests.events import CIXI

KEY, STRANGER = SignerKey("ledger", b"\x01" * 32), SignerKey("ledger", b"\x02" * 32)
BATCH = 60
AT = 111
"""The position that most of the tests tamper with."""


class Scene(NamedTuple):
    """A ledger with three checkpoints kept, and those that its auditor took home."""

    ledger: Ledger
    kept: list[str]
    size: int


def now(notes: list[str]) -> int:
    return int(notes[-1].split("\n")[1])


@pytest.fixture
def scene(open_at: Callable[..., Ledger]) -> Scene:
    ledger = open_at()
    ticks = itertools.count()
    ledger.clock = lambda: datetime(2031, 1, 1, tzinfo=UTC) + timedelta(minutes=next(ticks))
    set_budget(ledger, CIXI, "2024", 100_000_00)
    notes = [current(ledger, KEY)]
    messages = list(city(20, seed=3))
    for start in range(0, len(messages), BATCH):
        ingest(ledger, messages[start : start + BATCH], "tests")
        notes.append(current(ledger, KEY))
    assert now(notes) > AT
    assert audit(ledger, *notes) == []
    return Scene(ledger, notes, now(notes))


def audit(ledger: Ledger, *trusted: str) -> list[Finding]:
    with ledger.store.reading() as rows:
        return check_log(rows, [KEY.verifier], list(trusted))


def tamper(ledger: Ledger, sql: str, *values: object) -> None:
    with ledger.store.writing() as rows:
        rows.run(sql, values)


def state_at(ledger: Ledger, position: int) -> bytes:
    with ledger.store.reading() as rows:
        return bytes(rows.all(f"{SELECT} WHERE rowid=?", [position])[0][4])


def money_at(ledger: Ledger, after: int) -> int:
    """The first position from ``after`` on whose event holds an amount."""
    return next(at for at in itertools.count(after) if b'"amount_fen":' in state_at(ledger, at))


def positions(found: list[Finding]) -> list[int]:
    return [finding.position for finding in found]


def bundle_fails(scene: Scene, tmp_path: Path, note: str | None = None) -> bool:
    """Whether no bundle that verifies can be written of the tampered ledger."""
    note = note or scene.kept[-1]
    path = tmp_path / "year.zip"
    try:
        write_year(scene.ledger, path, CIXI, 2024, note, int(note.split("\n")[1]))
        return bool(verify(path, [KEY.verifier])[1].faults)
    except (Broken, ValueError, LookupError):
        return True


def test_an_amount_changed_in_a_state(scene: Scene, tmp_path: Path) -> None:
    at = money_at(scene.ledger, AT)
    changed = state_at(scene.ledger, at).replace(b'"amount_fen":', b'"amount_fen":1')

    tamper(scene.ledger, "UPDATE stored_events SET state=? WHERE rowid=?", changed, at)

    assert Finding(at, "the event is not the one that was logged: it was changed") in audit(scene.ledger)
    assert bundle_fails(scene, tmp_path)


def test_two_events_swapped(scene: Scene, tmp_path: Path) -> None:
    for old, new in ((AT, 10_000), (AT + 1, AT), (10_000, AT + 1)):
        tamper(scene.ledger, "UPDATE stored_events SET rowid=? WHERE rowid=?", new, old)

    assert {AT, AT + 1} <= set(positions(audit(scene.ledger)))
    assert bundle_fails(scene, tmp_path)


@pytest.mark.parametrize("tiles_too", [False, True])
def test_the_last_event_deleted(scene: Scene, tmp_path: Path, tiles_too: bool) -> None:
    tamper(scene.ledger, "DELETE FROM stored_events WHERE rowid=?", scene.size)
    if tiles_too:
        cut_tiles(scene.ledger, scene.size - 1)
        tamper(
            scene.ledger, "UPDATE batches SET last_position=last_position-1 WHERE last_position=?", scene.size
        )

    assert scene.size in positions(audit(scene.ledger))
    assert bundle_fails(scene, tmp_path)


def test_an_event_deleted_in_the_middle(scene: Scene, tmp_path: Path) -> None:
    tamper(scene.ledger, "DELETE FROM stored_events WHERE rowid=?", AT)

    assert Finding(AT, "the event is missing: its position is empty") in audit(scene.ledger)
    assert bundle_fails(scene, tmp_path)


@pytest.mark.parametrize("position", [-1, 0, None])
def test_an_event_inserted(scene: Scene, tmp_path: Path, position: int | None) -> None:
    position = scene.size + 1 if position is None else position
    with scene.ledger.store.writing() as rows:
        _, originator, _, topic, state = rows.all(f"{SELECT} WHERE rowid=?", [AT])[0]
        columns = "originator_id, originator_version, topic, state, rowid"
        given = [originator, 10_000, topic, state, position]
        rows.run(f"INSERT INTO stored_events ({columns}) VALUES (?,?,?,?,?)", given)

    assert position in positions(audit(scene.ledger))
    if position > 0:
        assert bundle_fails(scene, tmp_path)


@pytest.mark.parametrize("column", ["document", "digest", "effective_from"])
def test_a_policy_version_changed_beside_the_log(scene: Scene, tmp_path: Path, column: str) -> None:
    value = {
        "document": "replace(document, '10000.00', '90000.00')",
        "digest": "'0'",
        "effective_from": "'2020'",
    }

    tamper(scene.ledger, f"UPDATE policies SET {column}={value[column]}")

    assert positions(audit(scene.ledger)) == [1]


def test_a_policy_version_changed_in_its_event(scene: Scene, tmp_path: Path) -> None:
    changed = state_at(scene.ledger, 1).replace(b"10000.00", b"90000.00")
    assert changed != state_at(scene.ledger, 1)

    tamper(scene.ledger, "UPDATE stored_events SET state=? WHERE rowid=1", changed)

    found = audit(scene.ledger)
    assert Finding(1, "the event is not the one that was logged: it was changed") in found
    assert bundle_fails(scene, tmp_path)


def test_a_budget_changed_beside_the_log(scene: Scene, tmp_path: Path) -> None:
    tamper(scene.ledger, "UPDATE budgets SET amount='99'")

    assert set(positions(audit(scene.ledger))) == {2}
    assert bundle_fails(scene, tmp_path)


def test_an_old_checkpoint_replayed(scene: Scene) -> None:
    """Everything is put back as it was at an older checkpoint; only the auditor holds the newer one."""
    old = int(scene.kept[2].split("\n")[1])
    cut(scene.ledger, old)

    assert audit(scene.ledger) == []
    found = audit(scene.ledger, scene.kept[-1])
    assert positions(found) == [old + 1]
    assert f"of {scene.size} events" in found[0].description


def cut(ledger: Ledger, size: int) -> None:
    """Put a ledger back to a size, without a trace in it."""
    cut_tiles(ledger, size)
    tamper(ledger, "DELETE FROM stored_events WHERE rowid>?", size)
    tamper(ledger, "DELETE FROM batches WHERE last_position>?", size)
    tamper(ledger, "DELETE FROM event_keys WHERE position>?", size)
    tamper(ledger, "DELETE FROM checkpoints WHERE size>?", size)
    if ledger.dialect == "sqlite":
        tamper(ledger, "UPDATE sqlite_sequence SET seq=? WHERE name='stored_events'", size)


def cut_tiles(ledger: Ledger, size: int) -> None:
    """Cut the log's hashes off, and grow them anew from the events that are left."""
    with ledger.store.writing() as rows:
        rows.run("DELETE FROM tiles")
        events = [tuple(row[1:]) for row in rows.all(f"{SELECT} WHERE rowid<=? ORDER BY rowid", [size])]
        append_events(rows, 1, [(e[0], e[1], e[2], bytes(e[3])) for e in events])


def test_a_recorded_time_changed_in_the_event(scene: Scene, tmp_path: Path) -> None:
    changed = state_at(scene.ledger, AT).replace(b"2031-01-01T00", b"2030-01-01T00")
    assert changed != state_at(scene.ledger, AT)

    tamper(scene.ledger, "UPDATE stored_events SET state=? WHERE rowid=?", changed, AT)

    found = audit(scene.ledger)
    assert Finding(AT, "the event was recorded before the one before it") in found
    assert set(positions(found)) >= {AT}
    assert bundle_fails(scene, tmp_path)


def test_a_recorded_time_changed_beside_the_log(scene: Scene) -> None:
    at = int(scene.kept[2].split("\n")[1])

    tamper(
        scene.ledger, "UPDATE batches SET recorded_at='2030-01-01T00:00:00.000000Z' WHERE last_position=?", at
    )

    found = audit(scene.ledger)
    assert at in positions(found)
    assert {finding.description for finding in found} == {"the recorded time is not the one of its batch"}


def test_batches_that_have_no_events(scene: Scene) -> None:
    for at in (0, scene.size + 5):
        tamper(scene.ledger, "INSERT INTO batches VALUES (?,?)", at, "2020-01-01T00:00:00.000000Z")

    assert {0, scene.size + 5} <= set(positions(audit(scene.ledger)))


def forge_identity(ledger: Ledger, at: int) -> None:
    """Keep the digest of what an event now says, as whoever knows of it would."""
    with ledger.store.reading() as rows:
        event = stored(rows.all(f"{SELECT} WHERE rowid=?", [at])[0])
    digest = digest_of(event.originator, event.fact)
    tamper(ledger, "UPDATE event_keys SET digest=? WHERE position=?", digest, at)


def fork(scene: Scene, key: SignerKey, resign: bool) -> int:
    """Rewrite an event, and all hashes and checkpoints after it, so that they fit one another."""
    at = money_at(scene.ledger, AT)
    changed = state_at(scene.ledger, at).replace(b'"amount_fen":', b'"amount_fen":1')
    tamper(scene.ledger, "UPDATE stored_events SET state=? WHERE rowid=?", changed, at)
    forge_identity(scene.ledger, at)
    cut_tiles(scene.ledger, scene.size)
    if resign:
        with scene.ledger.store.writing() as rows:
            tree = Tree(rows)
            for (size,) in rows.all("SELECT size FROM checkpoints"):
                made = Checkpoint(key.name, size, tree.root(size))
                note = made.body + "\n" + key.sign(made.body)
                rows.run("UPDATE checkpoints SET root=?, note=? WHERE size=?", [made.root, note, size])
    return at


def named(scene: Scene, found: list[Finding], at: int) -> bool:
    """Whether a finding's span, from its position to the next checkpoint, holds the position."""
    ends = [int(note.split("\n")[1]) for note in scene.kept]
    end = min(size for size in ends if size >= at)
    begin = max((size for size in ends if size < at), default=0) + 1
    span = f"something from position {begin} to {end} was altered"
    return any(finding.position == begin and span in finding.description for finding in found)


def test_a_forked_history_against_the_checkpoints_kept(scene: Scene, tmp_path: Path) -> None:
    at = fork(scene, KEY, resign=False)

    assert named(scene, audit(scene.ledger), at)
    with pytest.raises(ArithmeticError):
        current(scene.ledger, STRANGER)
    assert bundle_fails(scene, tmp_path)


def test_a_forked_history_signed_with_another_key(scene: Scene, tmp_path: Path) -> None:
    at = fork(scene, STRANGER, resign=True)

    found = audit(scene.ledger, *scene.kept)
    assert named(scene, found, at)
    assert sum("does not verify" in f.description or "not signed" in f.description for f in found) == len(
        scene.kept
    )
    assert bundle_fails(scene, tmp_path, note_of(scene))


def note_of(scene: Scene) -> str:
    with scene.ledger.store.reading() as rows:
        return str(rows.all("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1")[0][0])


def test_a_forked_history_signed_with_the_stolen_key(scene: Scene) -> None:
    """The ledger then agrees with itself: only a checkpoint kept elsewhere tells."""
    at = fork(scene, KEY, resign=True)

    assert audit(scene.ledger) == []
    assert named(scene, audit(scene.ledger, *scene.kept), at)


READ_MODEL = {
    "awards": "UPDATE awards SET gross=gross+1 WHERE code=(SELECT MIN(code) FROM awards)",
    "balances": "UPDATE balances SET eligible=eligible+1 WHERE code=(SELECT MIN(code) FROM balances)",
    "totals": "UPDATE totals SET gross='1' WHERE name=(SELECT MIN(name) FROM totals)",
    "claims": "DELETE FROM claims WHERE claim=(SELECT MIN(claim) FROM claims)",
}


@pytest.mark.parametrize("model", READ_MODEL)
def test_a_read_model_altered(scene: Scene, tmp_path: Path, model: str) -> None:
    key = {"awards": "code", "balances": "code", "totals": "name", "claims": "claim"}[model]
    with scene.ledger.store.writing() as rows:
        (row,) = rows.all(f"SELECT MIN({key}) FROM {model}")
        rows.run(READ_MODEL[model])

    found = replay(scene.ledger, str(tmp_path / "replica.db"))

    assert not found.equal
    assert all(
        difference.startswith(f"{model}: ") and row[0] in difference for difference in found.differences
    )
    assert found.differences
    # Totals are held against their own past as well, without a replay.
    assert [model in each.description for each in audit(scene.ledger)] == [True] * (model == "totals")
    if model == "awards":
        assert bundle_fails(scene, tmp_path)


BESIDE: dict[str, Callable[[Rows], None]] = {
    "a tile emptied": lambda rows: rows.run("UPDATE tiles SET hashes=? WHERE level=0 AND number=0", [b""]),
    "a tile changed": lambda rows: rows.run(
        "UPDATE tiles SET hashes=? WHERE level=0 AND number=0", [b"\x00" * 32 * 100]
    ),
    "every tile deleted": lambda rows: rows.run("DELETE FROM tiles"),
    "the secret changed": lambda rows: rows.run("UPDATE log_secret SET secret=?", [b"\x00" * 32]),
    "the secret deleted": lambda rows: rows.run("DELETE FROM log_secret"),
    "a kept root changed": lambda rows: rows.run("UPDATE checkpoints SET root=?", [b"\x00" * 32]),
    "a kept note cut": lambda rows: rows.run("UPDATE checkpoints SET note='x'"),
    "a state that is no JSON": lambda rows: rows.run(
        "UPDATE stored_events SET state=? WHERE rowid=1", [b"["]
    ),
    "a state without its content": lambda rows: rows.run(
        "UPDATE stored_events SET state=? WHERE rowid=1",
        [
            b'{"timestamp":{"_type_":"datetime_iso","_data_":"2031-01-01T00:00:00+00:00"},'
            b'"source":"s","event_id":"e","time":"t"}'
        ],
    ),
    "a budget that is no number": lambda rows: rows.run("UPDATE budgets SET amount='x'"),
}


@pytest.mark.parametrize("what", BESIDE)
def test_whatever_stands_beside_the_events_is_checked_too(scene: Scene, what: str) -> None:
    with scene.ledger.store.writing() as rows:
        BESIDE[what](rows)

    assert audit(scene.ledger)
