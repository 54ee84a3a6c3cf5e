"""What an operator watches: read from the ledger, changing nothing."""

from __future__ import annotations

import random
import shutil
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from domain.facts.folding import fold
from domain.log.entries import leaf_of, salt_of
from ledger.policies.versions import rulebooks
from ledger.projections.enterprises import outcomes_of
from ledger.projections.said import say, say_row
from ledger.store.application import Ledger
from ledger.store.log_tree import Tree, secret_of
from ledger.store.moments import known_since
from ledger.store.rows import Rows, read_row
from ledger.store.stored_events import SELECT, events_of

SHOWN_MAX = 10
"""Most differences that are named."""


class Waiting(NamedTuple):
    """Payments that were ordered and not answered."""

    number: int
    oldest_seconds: int


def database_file(ledger: Ledger, rows: Rows) -> Path | None:
    """The ledger's file; ``None`` where it is on a server, or in memory."""
    if ledger.dialect != "sqlite":
        return None
    name = rows.all("PRAGMA database_list")[0][2]
    return Path(name) if name else None


def disk_free(ledger: Ledger, rows: Rows) -> int | None:
    """Bytes left where the ledger's file lies; ``None`` where that cannot be seen from here."""
    file = database_file(ledger, rows)
    return shutil.disk_usage(file.parent).free if file else None


def seconds_since(instant: str | None, now: datetime) -> int:
    """Whole seconds from a stored instant to now; 0 for none, or one ahead of now."""
    return max(0, int((now - datetime.fromisoformat(instant)).total_seconds())) if instant else 0


def unsigned_seconds(rows: Rows, now: datetime) -> int:
    """How long the oldest event that no kept checkpoint covers has waited for one."""
    row = read_row(rows, "SELECT COALESCE(MAX(size), 0) FROM checkpoints")
    signed = int(row[0]) if row else 0
    return seconds_since(known_since(rows, signed + 1), now) if rows.last_position() > signed else 0


def ordered_payments(rows: Rows, now: datetime) -> Waiting:
    """How many payments wait for the bank's answer, and how long the oldest has."""
    sql = "SELECT COUNT(*), MIN(position) FROM payments WHERE status='ordered'"
    count, first = rows.all(sql)[0]
    return Waiting(int(count), seconds_since(known_since(rows, first), now) if count else 0)


def sampled_differences(rows: Rows, size: int, chooser: random.Random) -> tuple[int, list[str]]:
    """Fold a random sample of enterprises again; how many, and those whose read models differ."""
    codes = [row[0] for row in rows.all("SELECT code FROM enterprises ORDER BY code")]
    chosen = sorted(chooser.sample(codes, min(size, len(codes))))
    books = rulebooks(rows)
    stored = {
        code: (version, bytes(facts), bytes(outcome))
        for code, version, facts, outcome in rows.all_in(_STORED, chosen)
    }
    differences = []
    for code in chosen:
        try:
            facts = fold([event.fact for event in events_of(rows, code)])
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            differences.append(f"stored_events: {code} ({type(error).__name__})")
            continue
        outcomes = outcomes_of(facts, books)
        awards = {
            (policy, year, measure, award.gross, award.withheld)
            for policy, outcome in outcomes.items()
            for year, measures in outcome.awards.items()
            for measure, award in measures.items()
            if award.gross
        }
        if say(facts, outcomes) != say_row(rows, code, *stored[code]):
            differences.append(f"enterprises: {code}")
        elif {tuple(row) for row in rows.all(_AWARDS, [code])} != awards:
            differences.append(f"awards: {code}")
        elif {tuple(row) for row in rows.all(_BALANCES, [code])} != _balances(awards):
            differences.append(f"balances: {code}")
        if len(differences) >= SHOWN_MAX:
            break
    return len(chosen), differences


_STORED = "SELECT code, version, facts, outcome FROM enterprises WHERE code IN ({})"
_AWARDS = "SELECT policy, year, measure, gross, withheld FROM awards WHERE code=?"
_BALANCES = "SELECT policy, year, gross, withheld, eligible FROM balances WHERE code=?"


def _balances(awards: set[tuple[str, int, str, int, int]]) -> set[tuple[object, ...]]:
    sums: dict[tuple[str, int], tuple[int, int]] = {}
    for policy, year, _, gross, withheld in awards:
        had = sums.get((policy, year), (0, 0))
        sums[policy, year] = (had[0] + gross, had[1] + withheld)
    return {(*key, gross, withheld, gross - withheld) for key, (gross, withheld) in sums.items()}


def altered_tail(rows: Rows, most: int) -> tuple[int, list[str]]:
    """Hash the last events again and hold them against the log; how many, and what differs."""
    last = rows.last_position()
    first = max(1, last - most + 1)
    tree, secret = Tree(rows), secret_of(rows)
    differences, expected = [], first
    if tree.size() != last:
        differences.append(f"the log has {tree.size()} leaves, the ledger {last} events")
    for row in rows.stream(f"{SELECT} WHERE rowid>=? ORDER BY rowid", [first]):
        position, state = int(row[0]), row[4].encode() if isinstance(row[4], str) else bytes(row[4])
        if position != expected:
            differences.append(f"#{expected}: the event is missing")
        leaf = leaf_of(salt_of(secret, position), position, row[1], row[2], row[3], state)
        if tree.leaf(position) != leaf:
            differences.append(f"#{position}: the event is not the one that was logged")
        expected = position + 1
        if len(differences) >= SHOWN_MAX:
            break
    else:
        if expected != last + 1:
            differences.append(f"#{expected}: the event is missing")
    return last - first + 1, differences


def broken_checkpoint(rows: Rows) -> str | None:
    """What is wrong with the last kept checkpoint's root, recomputed from the log; ``None`` if nothing."""
    row = read_row(rows, "SELECT size, root FROM checkpoints ORDER BY size DESC LIMIT 1")
    if row is None or row[0] == 0:
        return None
    size, tree = int(row[0]), Tree(rows)
    if size > tree.size():
        return f"{size} events were signed for, the log has {tree.size()}"
    try:
        same = tree.root(size) == bytes(row[1])
    except LookupError as error:
        return str(error)
    return None if same else f"the log of {size} events no longer has the root that was signed"


def broken_accounts(rows: Rows) -> list[str]:
    """Accounts of closed years that no history allows: more paid than payable, or recovered than clawed."""
    sql = (
        "SELECT policy, year, code FROM accounts WHERE paid+ordered>payable OR recovered>clawed "
        "OR clawed>paid OR ordered<0 OR paid<0 ORDER BY policy, year, code LIMIT ?"
    )
    return [" ".join(str(each) for each in row) for row in rows.all(sql, [SHOWN_MAX])]
