"""Addresses of tiles as C2SP tlog-tiles writes them, and the form of its bundles of entries.

Tile ``<N>`` of a level is written in groups of three digits, all but the last after an ``x``:
``x001/x234/067``; of a partial tile, ``.p/<W>`` says how many hashes it holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

TILE_WIDTH = 256
LEVEL_MAX = 63
ENTRY_BYTES_MAX = 65_535
"""Longest entry that a bundle can hold: its length is written in two bytes."""
_PLACE = re.compile(r"((?:x[0-9]{3}/){0,6})([0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


class TilePlace(NamedTuple):
    """Which tile of a level, and how many of its hashes: 256 of a full one."""

    number: int
    width: int


def parse_tile_place(text: str) -> TilePlace | None:
    """The place that the last part of an address names; ``None`` where it is none, or written otherwise."""
    match = _PLACE.fullmatch(text)
    if match is None:
        return None
    number = int(match[1].replace("x", "").replace("/", "") + match[2])
    width = int(match[3]) if match[3] else TILE_WIDTH
    place = TilePlace(number, width)
    return place if width <= TILE_WIDTH and write_tile_place(place) == text else None


def write_tile_place(place: TilePlace) -> str:
    """A place as its address has it."""
    digits = str(place.number)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return path if place.width == TILE_WIDTH else f"{path}.p/{place.width}"


def write_entries(entries: Iterable[bytes]) -> bytes:
    """A bundle of entries: each after its length in two bytes, big-endian.

    Raises:
        OverflowError: for an entry that is too long for the form.
    """
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)
