"""Audit bundles: one file from which anyone can check a year, or one enterprise's part in it.

A bundle is a ZIP file (form ``subsidy-audit-bundle/1``):

``bundle.json``    what it is of, and what the ledger says: budget, factor, sums
``checkpoint``     the signed checkpoint that everything is held against
``leaves``         the hashes of all leaves, 32 bytes each (year bundles)
``events.ndjson``  policies first, then enterprises by code, each event with its salt;
                   in an enterprise's bundle also with its path to the root
``awards.ndjson``  the awards and payments that the ledger says follow
``seal``           a note over the SHA-256 of all others, signed with the ledger's key: its word
                   that no event of the enterprise is left out (enterprises' bundles; in a
                   year's bundle every position must be filled, so it needs none)

A year's bundle holds every event; an enterprise's bundle holds its own events and the
policies', and nothing of any other enterprise but hashes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, cast

from domain.entries import salt_of
from domain.merkle import HASH_BYTES, inclusion_path
from domain.money import yuan
from domain.notes import SignerKey
from domain.policy.rulebook import Rulebook
from domain.settlement import Line, payable_of
from ledger.application import Ledger
from ledger.audit.tree import TILE_HASHES, Tree, secret_of
from ledger.moments import NOW
from ledger.policies import rulebook
from ledger.pools import Pool, lines_now, lines_of, pool
from ledger.projections.enterprises import load
from ledger.store import Row, Rows
from ledger.stored import SELECT

FORMAT = "subsidy-audit-bundle/1"
SEALED = ("bundle.json", "checkpoint", "events.ndjson", "awards.ndjson")
Progress = Callable[[int, int], None]


class StaleCheckpoint(ValueError):
    """The ledger has grown past the checkpoint; make the checkpoint again, then the bundle."""


def write_year(
    ledger: Ledger,
    path: Path,
    policy: str,
    year: int,
    note: str,
    size: int,
    progress: Progress | None = None,
) -> None:
    """Write the bundle of a year: every event up to the checkpoint, and the awards of its period.

    Raises:
        StaleCheckpoint: where events have been recorded since the checkpoint.
    """
    with ledger.store.reading() as rows, _archive(path) as archive:
        _must_be_current(rows, size)
        book = rulebook(rows, policy)
        found = pool(ledger, rows, book, year, NOW)
        head = {"kind": "year", "policy": policy, "year": year, "size": size, **_said(found)}
        archive.writestr("bundle.json", _json({"format": FORMAT, **head}))
        archive.writestr("checkpoint", note)
        with archive.open("leaves", "w") as file:
            _write_leaves(rows, size, file)
        with archive.open("events.ndjson", "w") as file:
            _write_events(rows, size, file, progress)
        with archive.open("awards.ndjson", "w") as file:
            _write_awards(lines_now(rows, book, year), book, found, file)


def write_enterprise(
    ledger: Ledger, path: Path, code: str, policy: str, year: int, note: str, size: int, key: SignerKey
) -> None:
    """Write one enterprise's bundle: its events and the policies', each with its proof.

    Raises:
        StaleCheckpoint: where events have been recorded since the checkpoint.
        LookupError: where the ledger knows nothing of the enterprise.
    """
    with ledger.store.reading() as rows, _archive(path) as archive:
        _must_be_current(rows, size)
        row = load(rows, [code]).get(code)
        if row is None:
            raise LookupError(code)
        book = rulebook(rows, policy)
        found = pool(ledger, rows, book, year, NOW)
        head = {"kind": "enterprise", "enterprise": code, "policy": policy, "year": year, "size": size}
        archive.writestr("bundle.json", _json({"format": FORMAT, **head, **_said(found)}))
        archive.writestr("checkpoint", note)
        with archive.open("events.ndjson", "w") as file:
            _write_proved(rows, size, code, policy, file)
        lines = [line for line in lines_of(code, book, row.facts) if line.year == year]
        with archive.open("awards.ndjson", "w") as file:
            _write_awards(iter(lines), book, found, file)
    _seal(path, key)


def _seal(path: Path, key: SignerKey) -> None:
    """Sign what an enterprise's bundle holds."""
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        lines = [FORMAT]
        for name in SEALED:
            with archive.open(name) as file:
                lines.append(f"{name} {hashlib.file_digest(cast(BytesIO, file), 'sha256').hexdigest()}")
        body = "\n".join(lines) + "\n"
        archive.writestr("seal", body + "\n" + key.sign(body))


def _archive(path: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1)


def _must_be_current(rows: Rows, size: int) -> None:
    if rows.last_position() != size:
        raise StaleCheckpoint(f"the checkpoint is of {size} events, the ledger holds {rows.last_position()}")


def _said(found: Pool) -> dict[str, Any]:
    """What the ledger says of the budget; the bundle's reader works it out again."""
    return {
        "period": found.budget.period,
        "budget": yuan(found.budget.amount),
        "sharing": yuan(found.total),
        "factor": f"{found.factor.numerator}/{found.factor.denominator}",
    }


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _write_leaves(rows: Rows, size: int, file: Any) -> None:
    tree = Tree(rows)
    for number in range((size + TILE_HASHES - 1) // TILE_HASHES):
        count = min(TILE_HASHES, size - number * TILE_HASHES)
        file.write(tree.tile(0, number)[: count * HASH_BYTES])


def _event(secret: bytes, row: Row) -> dict[str, Any]:
    return {
        "position": row[0],
        "originator": row[1],
        "version": row[2],
        "topic": row[3],
        "salt": salt_of(secret, row[0]).hex(),
        "state": base64.b64encode(row[4]).decode(),
    }


def _write_events(rows: Rows, size: int, file: Any, progress: Progress | None) -> None:
    secret, count = secret_of(rows), 0
    for chosen in ("originator_id LIKE 'policy:%'", "originator_id NOT LIKE 'policy:%'"):
        sql = f"{SELECT} WHERE {chosen} AND rowid<=? ORDER BY originator_id, originator_version"
        for row in rows.stream(sql, [size]):
            file.write(_json(_event(secret, row)).encode() + b"\n")
            count += 1
            if progress and count % 5_000 == 0:
                progress(count, size)


def _write_proved(rows: Rows, size: int, code: str, policy: str, file: Any) -> None:
    secret, tree = secret_of(rows), Tree(rows)
    sql = f"{SELECT} WHERE originator_id=? AND rowid<=? ORDER BY originator_version"
    for originator in (f"policy:{policy}", code):
        for row in rows.stream(sql, [originator, size]):
            path = inclusion_path(row[0] - 1, size, tree.node)
            event = {**_event(secret, row), "path": [each.hex() for each in path]}
            file.write(_json(event).encode() + b"\n")


def _write_awards(lines: Iterator[Line], book: Rulebook, found: Pool, file: BinaryIO | Any) -> None:
    for line in lines:
        paid = payable_of(line, book, found.shares)
        said = {
            "enterprise": line.code,
            "measure": line.measure,
            "year": line.year,
            "gross": yuan(line.gross),
            "withheld": yuan(paid.withheld),
            "reduction": yuan(paid.reduction),
            "payable": yuan(paid.payable),
        }
        file.write(_json(said).encode() + b"\n")
