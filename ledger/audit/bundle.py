"""Audit bundles: one file from which anyone can check a year, or one enterprise's part in it.

A bundle is a ZIP file (form ``subsidy-audit-bundle/1``):

``bundle.json``    what it is of, and what the ledger says: budget, factor, sums
``checkpoint``     the signed checkpoint that everything is held against
``leaves``         the hashes of all leaves, 32 bytes each (year bundles)
``events.ndjson``  policies first, then settlements, enterprises by code, and accounts by year
                   and code, each event with its salt; in an enterprise's bundle also with its
                   path to the root
``awards.ndjson``  the awards and payments that the ledger says follow
``seal``           a note over the SHA-256 of all others, signed with the ledger's key: its word
                   that no event of the enterprise is left out (enterprises' bundles; in a
                   year's bundle every position must be filled, so it needs none)

A year's bundle holds every event; an enterprise's bundle holds its own events and accounts,
the policy's, and those of closed years' settlements, and nothing of any other enterprise but
hashes. A settlement's events that tell of others (objections of others, and lists that were
not the final one) stand there with their leaf's hash and its path alone. What a closing says
is of the published list, so it is given whole (decision 0009).
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

from domain.events import account_id, settlement_id
from domain.events.content import Content
from domain.events.settlements import (
    BankStatementRecorded,
    ObjectionStep,
    OpenMattersAcknowledged,
    SettlementClosed,
    SettlementEvent,
    SettlementProposed,
)
from domain.log.entries import salt_of
from domain.log.merkle import HASH_BYTES, consistency_path, inclusion_path
from domain.log.notes import SignerKey
from domain.money.amounts import print_fen
from domain.policy.rulebook import Rulebook
from domain.settlement.payables import Line, payable_of
from domain.settlement.year import fold
from ledger.audit.checkpoints import StaleCheckpoint
from ledger.budget.pools import Pool, brought_in, lines_now, lines_of, merged, pool
from ledger.policies.versions import rulebook
from ledger.projections.enterprises import load
from ledger.store.application import Ledger
from ledger.store.log_tree import TILE_HASHES, Tree, secret_of
from ledger.store.moments import NOW
from ledger.store.rows import Row, Rows
from ledger.store.stored_events import SELECT, Stored, stored

FORMAT = "subsidy-audit-bundle/1"
SEALED = ("bundle.json", "checkpoint", "events.ndjson", "awards.ndjson")
Progress = Callable[[int, int], None]


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
        shared_pool = pool(ledger, rows, book, year, NOW)
        head = {
            "kind": "year",
            "policy": policy,
            "year": year,
            "size": size,
            **_budget_document(rows, shared_pool),
        }
        archive.writestr("bundle.json", _json_text({"format": FORMAT, **head}))
        archive.writestr("checkpoint", note)
        with archive.open("leaves", "w") as file:
            _write_leaves(rows, size, file)
        with archive.open("events.ndjson", "w") as file:
            _write_events(rows, size, file, progress)
        with archive.open("awards.ndjson", "w") as file:
            _write_awards(lines_now(rows, book, year), book, shared_pool, file)


def write_enterprise(
    ledger: Ledger, path: Path, code: str, policy: str, year: int, note: str, size: int, key: SignerKey
) -> None:
    """Write one enterprise's bundle: what concerns it, each event with its proof.

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
        shared_pool = pool(ledger, rows, book, year, NOW)
        head = {"kind": "enterprise", "enterprise": code, "policy": policy, "year": year, "size": size}
        if shared_pool.closing:
            head["log_path"] = [
                each.hex() for each in consistency_path(shared_pool.closing.log_size, size, Tree(rows).node)
            ]
        archive.writestr(
            "bundle.json", _json_text({"format": FORMAT, **head, **_budget_document(rows, shared_pool)})
        )
        archive.writestr("checkpoint", note)
        with archive.open("events.ndjson", "w") as file:
            _write_proved(rows, size, code, policy, file)
        if shared_pool.closing:
            lines = _closed_lines(rows, policy, year, code)
        else:
            own_lines = [line for line in lines_of(code, book, row.facts) if line.year == year]
            lines = merged(own_lines + brought_in(rows, book, year, code=code))
        with archive.open("awards.ndjson", "w") as file:
            _write_awards(iter(lines), book, shared_pool, file)
    _seal(path, key)


def _closed_lines(rows: Rows, policy: str, year: int, code: str) -> list[Line]:
    """An enterprise's awards in a closed year's list."""
    sql = (
        "SELECT code, measure, award_year, gross, withheld, pot FROM settlement_lines "
        "WHERE policy=? AND year=? AND code=? ORDER BY measure, award_year"
    )
    return [Line(*row) for row in rows.all(sql, [policy, year, code])]


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


def _budget_document(rows: Rows, shared_pool: Pool) -> dict[str, object]:
    """What the ledger says of the budget; the bundle's reader works it out again."""
    return {
        "closed": _closed_at(rows, shared_pool.closing) if shared_pool.closing else None,
        "period": shared_pool.budget.period,
        "budget": print_fen(shared_pool.budget.amount),
        "sharing": print_fen(shared_pool.total),
        "factor": f"{shared_pool.factor.numerator}/{shared_pool.factor.denominator}",
        **({"pots": pots} if (pots := _pots(shared_pool)) else {}),
    }


def _pots(shared_pool: Pool) -> list[list[str]]:
    """[pot, what there was to divide, what shares it] where there are several."""
    pots = shared_pool.shares.pots if shared_pool.shares.has_pots else {}
    return [
        [pot, print_fen(pot_budget.budget), print_fen(pot_budget.total)] for pot, pot_budget in pots.items()
    ]


def _closed_at(rows: Rows, closing: SettlementClosed) -> int:
    sql = "SELECT position FROM settlements WHERE policy=? AND year=?"
    return int(rows.all(sql, [closing.policy, closing.year])[0][0])


def _json_text(value: dict[str, object]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _write_leaves(rows: Rows, size: int, file: Any) -> None:
    tree = Tree(rows)
    for number in range((size + TILE_HASHES - 1) // TILE_HASHES):
        count = min(TILE_HASHES, size - number * TILE_HASHES)
        file.write(tree.tile(0, number)[: count * HASH_BYTES])


def _event(secret: bytes, row: Row) -> dict[str, object]:
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
    for chosen in PARTS:
        sql = f"{SELECT} WHERE {chosen} AND rowid<=? ORDER BY originator_id, originator_version"
        for row in rows.stream(sql, [size]):
            file.write(_json_text(_event(secret, row)).encode() + b"\n")
            count += 1
            if progress and count % 5_000 == 0:
                progress(count, size)


PARTS = (
    "originator_id LIKE 'policy:%'",
    "originator_id LIKE 'settlement:%'",
    "originator_id NOT LIKE 'policy:%' AND originator_id NOT LIKE 'settlement:%'",
)
"""The order in which a reader can work: what was known at a closing comes before the facts."""


def _write_proved(rows: Rows, size: int, code: str, policy: str, file: Any) -> None:
    secret, tree = secret_of(rows), Tree(rows)
    sql = f"{SELECT} WHERE originator_id=? AND rowid<=? ORDER BY originator_version"
    closed = "SELECT year FROM settlements WHERE policy=? AND stage='closed' AND position<=? ORDER BY year"
    years = [year for (year,) in rows.all(closed, [policy, size])]
    settlements = [settlement_id(policy, year) for year in years]
    accounts = [account_id(policy, year, code) for year in years]
    for originator in (f"policy:{policy}", *settlements, code, *accounts):
        event_rows = rows.all(sql, [originator, size])
        hidden = _of_others(code, [stored(row) for row in event_rows]) if originator in settlements else set()
        for row in event_rows:
            event = _event(secret, row) if row[0] not in hidden else _hidden(row, tree)
            path = inclusion_path(row[0] - 1, size, tree.node)
            file.write(_json_text({**event, "path": [each.hex() for each in path]}).encode() + b"\n")


def _hidden(row: Row, tree: Tree) -> dict[str, object]:
    """An event of which only its leaf is given."""
    place = {"position": row[0], "originator": row[1], "version": row[2]}
    return {**place, "leaf": tree.leaf(row[0]).hex()}


def _of_others(code: str, events: list[Stored]) -> set[int]:
    """Positions of a closed settlement's events that tell of others: objections, lists, open matters."""
    first = events[0].fact.content
    assert isinstance(first, SettlementEvent)
    state = fold(first.policy, first.year, [event.fact for event in events])
    raised = {each.objection for each in state.objections.values() if each.enterprise == code}

    def is_of_others(content: Content) -> bool:
        if isinstance(content, OpenMattersAcknowledged | BankStatementRecorded):
            return True
        if isinstance(content, SettlementProposed):
            return content.number != state.number
        return isinstance(content, ObjectionStep) and content.objection not in raised

    return {event.position for event in events if is_of_others(event.fact.content)}


def _write_awards(lines: Iterator[Line], book: Rulebook, shared_pool: Pool, file: BinaryIO | Any) -> None:
    for line in lines:
        paid = payable_of(line, book, shared_pool.shares)
        document = {
            "enterprise": line.code,
            "measure": line.measure,
            "year": line.year,
            "gross": print_fen(line.gross),
            "withheld": print_fen(paid.withheld),
            "reduction": print_fen(paid.reduction),
            "payable": print_fen(paid.payable),
        }
        file.write(_json_text(document).encode() + b"\n")
