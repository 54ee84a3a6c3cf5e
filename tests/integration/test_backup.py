"""Backups that were opened elsewhere and replayed, and keys that were changed."""

from __future__ import annotations

import json
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from domain.log.notes import NoteError, SignerKey, VerifierKey, open_checkpoint
from domain.log.statements import read_key_statement
from ledger.audit import backup as backups
from ledger.audit import checkpoints, rotation
from ledger.audit.backup import back_up, verify_backup
from ledger.audit.check import check_log
from ledger.intake.inbox import ingest
from ledger.log.key_record import ROTATIONS, load_key
from ledger.store.application import Ledger, open_ledger
from services.doctor import keys as doctor_of_keys
from services.sample.city import city
from services.server.app import create_app
from tests.postgres import Server

Run = Callable[..., Any]


@pytest.fixture
def ledger(open_at: Callable[..., Ledger]) -> Ledger:
    """A small city's, on either store."""
    found = open_at()
    ingest(found, list(city(20, seed=4)), "tests")
    return found


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    checkpoints.load_or_make_key(tmp_path / "signing.key")
    return tmp_path / "signing.key"


@pytest.fixture
def elsewhere(store_kind: str, request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Where a dump is restored to; nothing for a file, which is opened in a copy."""
    if store_kind == "sqlite":
        yield []
        return
    server: Server = request.getfixturevalue("postgres")
    name = server.create()
    yield ["--into", server.url(name)]
    server.drop(name)


def test_a_backup_is_restored_elsewhere_and_replays_to_the_same(
    run: Run, ledger: Ledger, elsewhere: list[str], tmp_path: Path
) -> None:
    copy = tmp_path / "backup"

    made = run("backup", str(copy))
    before = copy.read_bytes()
    found = json.loads(run("verify-backup", str(copy), "--json", *elsewhere).output)

    with ledger.store.reading() as rows:
        assert found["position"] == rows.last_position()
    assert (found["equal"], found["checkpoints"]) == (True, 1)
    assert f"{found['position']:,} events" in made.output
    assert copy.read_bytes() == before
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert sorted(file.name for file in tmp_path.glob("backup*")) == ["backup", "backup.checkpoint"]


def test_a_backup_is_never_written_over(run: Run, tmp_path: Path) -> None:
    (tmp_path / "backup").write_text("of last week")

    assert "exists" in run("backup", str(tmp_path / "backup"), status=1).output
    assert (tmp_path / "backup").read_text() == "of last week"


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_backup_made_while_others_write_fits_the_checkpoint_beside_it(
    ledger: Ledger, key_file: Path, database_at: Callable[[str], str], tmp_path: Path
) -> None:
    stop, database = threading.Event(), database_at("ledger.db")

    def write() -> None:
        with closing(open_ledger(database)) as other:
            for seed in range(100, 200):
                ingest(other, list(city(3, seed=seed)), "tests")
                if stop.is_set():
                    return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = [back_up(ledger, database, tmp_path / f"copy-{n}.db", load_key(key_file)) for n in range(3)]
    finally:
        stop.set()
        writer.join(60)

    for each in made:
        found = verify_backup(each.file, None, [load_key(key_file).verifier], [each.note.read_text()])
        assert (found.equal, found.position) == (True, each.size)


@pytest.mark.parametrize("store_kind", ["sqlite"])
@pytest.mark.parametrize(
    ("altered", "named"),
    [
        ("UPDATE balances SET eligible=eligible+1", "balances"),
        ("UPDATE stored_events SET originator_version=99 WHERE rowid=7", "#7"),
        ("DELETE FROM stored_events WHERE rowid=(SELECT MAX(rowid) FROM stored_events)", "missing"),
    ],
)
def test_what_differs_in_a_backup_is_named(run: Run, tmp_path: Path, altered: str, named: str) -> None:
    copy = tmp_path / "backup.db"
    run("backup", str(copy))
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute(altered)
        connection.commit()

    said = run("verify-backup", str(copy), status=1).output

    assert named in said
    assert "not equal" in said


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_backup_of_another_history_does_not_fit_a_kept_checkpoint(
    run: Run, open_at: Callable[..., Ledger], key_file: Path, tmp_path: Path
) -> None:
    other = open_at(name="other.db")
    ingest(other, list(city(20, seed=5)), "tests")
    stolen = SignerKey(load_key(key_file).name, load_key(key_file).seed)  # nothing is noted beside it
    (tmp_path / "kept").write_text(checkpoints.current(other, stolen), "utf-8")
    run("backup", str(tmp_path / "backup.db"))

    said = run(
        "verify-backup", str(tmp_path / "backup.db"), "--checkpoint", str(tmp_path / "kept"), status=1
    ).output

    assert "the auditor's checkpoint" in said


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_full_disk_leaves_no_half_backup(ledger: Ledger, key_file: Path, database_at: Run) -> None:
    """/dev/full takes nothing; a folder that is none cannot be written to either."""
    to = key_file / "backup.db"

    with pytest.raises((OSError, sqlite3.OperationalError)):
        back_up(ledger, database_at("ledger.db"), to, load_key(key_file))


def test_a_password_is_in_no_list_of_processes() -> None:
    address, environment = backups._without_password(
        "postgresql://ledger:p%40ss@db:5432/ledger?sslmode=require"
    )

    assert address == "postgresql://ledger@db:5432/ledger?sslmode=require"
    assert environment["PGPASSWORD"] == "p@ss"


@pytest.mark.parametrize("store_kind", ["postgres"])
def test_a_dump_needs_somewhere_to_go_and_the_programs(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("backup", str(tmp_path / "dump"))
    assert "--into" in run("verify-backup", str(tmp_path / "dump"), status=1).output
    monkeypatch.setenv("PATH", str(tmp_path))

    assert "pg_dump -Fc -f other" in run("backup", str(tmp_path / "other"), status=1).output
    assert (
        "pg_restore is not installed"
        in run("verify-backup", str(tmp_path / "dump"), "--into", "postgresql://x/y", status=1).output
    )


@pytest.mark.parametrize("store_kind", ["postgres"])
def test_a_dump_into_a_database_that_is_not_empty_says_so(
    run: Run, database_at: Callable[[str], str], tmp_path: Path
) -> None:
    run("backup", str(tmp_path / "dump"))
    said = run("verify-backup", str(tmp_path / "dump"), "--into", database_at("ledger.db"), status=1).output

    assert "pg_restore" in said


# --- keys -----------------------------------------------------------------------------------------


def test_both_keys_vouch_and_old_checkpoints_stay_verifiable(
    run: Run, ledger: Ledger, key_file: Path
) -> None:
    old = load_key(key_file).verifier
    before = checkpoints.current(ledger, load_key(key_file))
    ingest(ledger, list(city(1, seed=77)), "tests")

    said = json.loads(run("rotate-key", "--json").output)

    new = load_key(key_file).verifier
    assert (said["old"], said["new"]) == (str(old), str(new))
    assert old != new
    assert old.name == new.name
    assert read_key_statement(said["statement"])[:2] == (old, new)
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    signed = checkpoints.current(ledger, load_key(key_file))
    for key in (old, new):
        assert open_checkpoint(signed, [key])
    assert open_checkpoint(before, [old])
    assert run("log-keys").output.split() == [str(key) for key in (new, rotation.trusted(key_file)[0])]
    with ledger.store.reading() as rows:
        assert check_log(rows, [new, old]) == []
        assert {each.level for each in doctor_of_keys.check(rows, key_file)} == {"ok"}


def test_a_chain_of_rotations_is_followed_and_a_forged_link_is_not(
    run: Run, key_file: Path, tmp_path: Path
) -> None:
    first = load_key(key_file).verifier
    run("rotate-key")
    run("rotate-key")
    statements = key_file.with_name(key_file.name + ROTATIONS)

    chain = rotation.trusted(key_file)

    assert (len(chain), chain[0], chain[-1]) == (3, first, load_key(key_file).verifier)
    first_text, second_text = (str(key).partition("@")[0] for key in chain[:2])
    statements.write_text(statements.read_text().replace(second_text, first_text))
    with pytest.raises((NoteError, ValueError)):
        rotation.trusted(key_file)


@pytest.mark.parametrize("store_kind", ["sqlite"])
@pytest.mark.usefixtures("cut_off_rotation")
def test_a_rotation_that_was_cut_off_is_finished(ledger: Ledger, key_file: Path) -> None:
    half = rotation.trusted(key_file)[-1]
    assert load_key(key_file).verifier != half

    made = rotation.rotate(ledger, key_file)

    assert made.new == half == load_key(key_file).verifier
    assert len(rotation.trusted(key_file)) == 2


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_the_service_names_retired_keys_too(run: Run, ledger: Ledger, key_file: Path) -> None:
    run("rotate-key")
    app = create_app(ledger)
    app.config["SIGNING_KEY"] = str(key_file)

    found = app.test_client().get("/v1/log/keys").get_json()["keys"]

    assert [VerifierKey.parse(text) for text in found] == rotation.trusted(key_file)[::-1]


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_lost_key_cannot_be_rotated(run: Run, key_file: Path) -> None:
    key_file.unlink()

    assert "signing.key" in run("rotate-key", status=1).output
    assert not key_file.exists()
