"""The log as C2SP tlog-tiles has it: the tiles of the store are of that very layout."""

from __future__ import annotations

from domain.log.entries import entry_of, salt_of
from domain.log.merkle import HASH_BYTES
from domain.log.tiles import TILE_WIDTH, TilePlace, write_entries
from ledger.store.log_tree import Tree, secret_of
from ledger.store.rows import Rows
from ledger.store.stored_events import SELECT


def read_tile(rows: Rows, level: int, place: TilePlace) -> bytes | None:
    """The hashes of a tile; ``None`` where the log has no such tile, or not as many hashes in it yet."""
    tile = Tree(rows).tile(level, place.number)[: place.width * HASH_BYTES]
    return tile if len(tile) == place.width * HASH_BYTES else None


def read_entries(rows: Rows, place: TilePlace) -> bytes | None:
    """The entries that a tile's leaves are the hashes of; ``None`` where the log has not as many yet.

    Raises:
        OverflowError: where one is longer than the form can say.
    """
    first, secret = place.number * TILE_WIDTH + 1, secret_of(rows)
    entry_rows = rows.all(f"{SELECT} WHERE rowid>=? AND rowid<? ORDER BY rowid", [first, first + place.width])
    if len(entry_rows) != place.width:
        return None
    return write_entries(
        entry_of(salt_of(secret, row[0]), int(row[0]), str(row[1]), int(row[2]), str(row[3]), bytes(row[4]))
        for row in entry_rows
    )
