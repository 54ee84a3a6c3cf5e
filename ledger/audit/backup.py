"""A backup that can be trusted: a copy of one moment, and beside it a signed checkpoint of that moment.

It counts once it was opened elsewhere, every event hashed again, held against the checkpoint, and
every read model built again from them (``verify``). The backup itself is never written to.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

from domain.log.notes import Checkpoint, SignerKey, VerifierKey, parse_note
from ledger.audit.check import check_log
from ledger.audit.checkpoints import signed, signed_copy
from ledger.audit.watching import database_file
from ledger.log.key_record import hold_key, make_durable
from ledger.replay.comparison import replay
from ledger.store.application import SCHEMES, Ledger, open_ledger
from ledger.store.sqlite import SQLiteRows

NOTE = ".checkpoint"
PART = ".part"
PAGES = 4_096
"""Pages copied at a time; writers go on between."""
DUMP, RESTORE = "pg_dump", "pg_restore"

Progress = Callable[[int, int], None]


class BackupError(Exception):
    """A backup that cannot be made or read; the text says the mend."""


class Backup(NamedTuple):
    """A backup that was made."""

    file: Path
    note: Path
    size: int
    """Events in it."""


class BackupContent(NamedTuple):
    """What a backup turned out to hold."""

    position: int
    enterprises: int
    fingerprint: str
    log: tuple[str, ...]
    read_models: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not self.log and not self.read_models


def back_up(ledger: Ledger, database: str, to: Path, key: SignerKey) -> Backup:
    """Copy the ledger as it stands at one moment, while others write.

    Raises:
        BackupError: where the file exists, or what makes the copy is lacking.
        ArithmeticError: where the log does not grow out of what was signed before.
    """
    if to.exists():
        raise BackupError(f"{to} exists — name a file that does not")
    part = to.with_name(to.name + PART)
    part.unlink(missing_ok=True)
    try:
        note = (
            _dump_database(ledger, database, part, key)
            if database.startswith(SCHEMES)
            else _copy_file(ledger, part, key)
        )
        make_durable(part)
        beside = to.with_name(to.name + NOTE)
        beside.write_text(note, "utf-8")
        make_durable(beside)
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)
    make_durable(to.parent)
    return Backup(to, beside, Checkpoint.parse(parse_note(note)[0]).size)


def _copy_file(ledger: Ledger, part: Path, key: SignerKey) -> str:
    """SQLite's online backup; the checkpoint is signed for what the copy holds, not for what came since."""
    with ledger.store.reading() as rows:
        file = database_file(ledger, rows)
    if file is None:
        raise BackupError("the ledger is in memory — a file or a server is needed")
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(part)) as target:
        source.backup(target, pages=PAGES)
    os.chmod(part, 0o600)  # it holds the log's secret, and the keys of names
    with closing(sqlite3.connect(f"file:{part}?mode=ro&immutable=1", uri=True)) as copy:
        return signed_copy(ledger, SQLiteRows(copy), key)


def _dump_database(ledger: Ledger, url: str, part: Path, key: SignerKey) -> str:
    """``pg_dump`` of the very snapshot that the checkpoint is signed for."""
    program = shutil.which(DUMP)
    address, environment = _without_password(url)
    if program is None:
        there = f'{DUMP} -Fc -f {part.name.removesuffix(PART)} "$SUBSIDY_LEDGER_DATABASE"'
        raise BackupError(f"{DUMP} is not installed here — install postgresql-client, or run there: {there}")
    with ExitStack() as stack:
        with hold_key(key) as record:
            rows = stack.enter_context(ledger.store.reading())
            note = signed(rows, record)
        snapshot = rows.all("SELECT pg_export_snapshot()")[0][0]
        _run([program, "-Fc", f"--snapshot={snapshot}", "-f", str(part), address], environment)
    os.chmod(part, 0o600)
    return note


def _without_password(url: str) -> tuple[str, dict[str, str]]:
    """A database's address without its password, which goes where no list of processes shows it."""
    parts = urlsplit(url)
    if parts.password is None:
        return url, dict(os.environ)
    place = parts.netloc.rpartition("@")[2]
    bare = urlunsplit(parts._replace(netloc=f"{parts.username or ''}@{place}"))
    return bare, {**os.environ, "PGPASSWORD": unquote(parts.password)}


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - a list
    if done.returncode:
        reason = (done.stderr.strip() or f"exit status {done.returncode}").splitlines()[0]
        raise BackupError(f"{Path(command[0]).name}: {reason} — mend that, then run this again")


def verify_backup(
    file: Path,
    into: str | None,
    keys: list[VerifierKey],
    notes: list[str],
    progress: Progress | None = None,
) -> BackupContent:
    """Open a backup elsewhere and hold it against its checkpoint and against a replay of its events.

    Args:
        file: what ``back_up`` made.
        into: an empty PostgreSQL database, for a dump.
        keys: whose signatures count; with none, checkpoints are held against the events only.
        notes: checkpoints that the backup must fit.

    Raises:
        BackupError: where it cannot be opened.
    """
    with tempfile.TemporaryDirectory(prefix="verify-backup-") as folder:
        database = _restore(file, into, Path(folder))
        ledger = open_ledger(database, create=False)
        try:
            with ledger.store.reading() as rows:
                position = rows.last_position()
                findings = check_log(rows, keys, notes, progress)
            certificate = replay(ledger, f"{folder}/replica.db", progress)
        finally:
            ledger.close()
    log = tuple(f"#{finding.position}: {finding.description}" for finding in findings)
    enterprises, fingerprint = certificate.enterprises, certificate.replayed
    return BackupContent(position, enterprises, fingerprint, log, certificate.differences)


def _restore(file: Path, into: str | None, folder: Path) -> str:
    """The address of a database that holds what the backup holds."""
    with file.open("rb") as content:
        dump = content.read(5) == b"PGDMP"
    if not dump:
        copy = folder / "copy.db"
        shutil.copyfile(file, copy)
        return str(copy)
    if into is None:
        raise BackupError(f"{file} is PostgreSQL's — give an empty database to restore it into: --into URL")
    program = shutil.which(RESTORE)
    if program is None:
        raise BackupError(f"{RESTORE} is not installed here — install postgresql-client")
    address, environment = _without_password(into)
    _run([program, "--exit-on-error", "--no-owner", "-d", address, str(file)], environment)
    return into
