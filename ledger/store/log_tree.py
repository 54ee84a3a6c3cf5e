"""The Merkle log over the ledger's notification log, kept in tiles of 256 hashes.

Tile (0, n) holds the hashes of leaves 256n … 256n+255; tile (k, n) the roots of 256 full tiles
of the level below (the layout of C2SP tlog-tiles). Appending touches the last tile of each
level, in the transaction that stores the events.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from domain.log.entries import leaf_of, salt_of
from domain.log.merkle import HASH_BYTES, node_hash, root_at
from ledger.store.rows import Rows, read_row

TILE_HASHES = 256
TILE_LEVELS = 8
SECRET_BYTES = 32
TILES_KEPT_MAX = 512


def secret_of(rows: Rows) -> bytes:
    """The log's secret, from which the salts of its leaves are made."""
    row = read_row(rows, "SELECT secret FROM log_secret")
    if row is None:
        raise LookupError("the log has no secret: the database was not migrated, or it was emptied")
    return bytes(row[0])


def begin_log(rows: Rows) -> None:
    """Give a new log its secret."""
    if read_row(rows, "SELECT secret FROM log_secret") is None:
        rows.run("INSERT INTO log_secret VALUES (?,?)", [1, os.urandom(SECRET_BYTES)])


def append_events(rows: Rows, first_position: int, events: Sequence[tuple[str, int, str, bytes]]) -> None:
    """Add stored events (originator, version, topic, state) to the log, in order of position."""
    secret = secret_of(rows)
    leaves = [
        leaf_of(salt_of(secret, position), position, *event)
        for position, event in enumerate(events, start=first_position)
    ]
    _append(rows, 0, first_position - 1, leaves)


def _append(rows: Rows, level: int, start: int, hashes: Sequence[bytes]) -> None:
    """Add hashes to a level from an index on; full tiles give a hash to the level above."""
    above: list[bytes] = []
    written: list[tuple[int, int, bytes]] = []
    done = 0
    while done < len(hashes):
        number, offset = divmod(start + done, TILE_HASHES)
        room = min(TILE_HASHES - offset, len(hashes) - done)
        before = _tile(rows, level, number)[: offset * HASH_BYTES] if offset else b""
        tile = before + b"".join(hashes[done : done + room])
        written.append((level, number, tile))
        if len(tile) == TILE_HASHES * HASH_BYTES:
            above.append(_root_of_tile(tile, 0, TILE_LEVELS))
        done += room
    rows.run_many(
        "INSERT INTO tiles (level, number, hashes) VALUES (?,?,?) "
        "ON CONFLICT (level, number) DO UPDATE SET hashes=excluded.hashes",
        written,
    )
    if above:
        _append(rows, level + 1, start // TILE_HASHES, above)


def _tile(rows: Rows, level: int, number: int) -> bytes:
    row = read_row(rows, "SELECT hashes FROM tiles WHERE level=? AND number=?", [level, number])
    return b"" if row is None else bytes(row[0])


def _root_of_tile(tile: bytes, offset: int, levels: int) -> bytes:
    """The root over ``2**levels`` hashes of a tile, from an offset on."""
    start = offset * HASH_BYTES
    count = 1 << levels
    hashes = [tile[start + i * HASH_BYTES : start + (i + 1) * HASH_BYTES] for i in range(count)]
    while len(hashes) > 1:
        hashes = [node_hash(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]


class Tree:
    """Reads the log's hashes; keeps the tiles that it has read, up to a bound."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.kept: dict[tuple[int, int], bytes] = {}

    def node(self, level: int, index: int) -> bytes:
        """The hash of the full subtree over leaves ``[index << level, (index + 1) << level)``."""
        tile_level, inside = divmod(level, TILE_LEVELS)
        number, offset = divmod(index << inside, TILE_HASHES)
        tile = self.tile(tile_level, number)
        if len(tile) < (offset + (1 << inside)) * HASH_BYTES:
            raise LookupError(f"the log has no node {index} at level {level}: its tiles are incomplete")
        return _root_of_tile(tile, offset, inside)

    def tile(self, level: int, number: int) -> bytes:
        """A tile's hashes, one after the other; empty where there is none."""
        key = (level, number)
        if key not in self.kept:
            if len(self.kept) >= TILES_KEPT_MAX:
                self.kept.clear()
            self.kept[key] = _tile(self.rows, level, number)
        return self.kept[key]

    def leaf(self, position: int) -> bytes:
        """The hash of the leaf of a position; empty where the log has none."""
        number, offset = divmod(position - 1, TILE_HASHES)
        return self.tile(0, number)[offset * HASH_BYTES : (offset + 1) * HASH_BYTES]

    def size(self) -> int:
        """How many leaves the log has."""
        row = read_row(
            self.rows, "SELECT number, hashes FROM tiles WHERE level=0 ORDER BY number DESC LIMIT 1"
        )
        return 0 if row is None else int(row[0]) * TILE_HASHES + len(row[1]) // HASH_BYTES

    def root(self, size: int) -> bytes:
        """The root of the first ``size`` leaves."""
        return root_at(size, self.node)
