"""Damages of a SQLite database, drawn from a seed: what disks, copies and hands do to a file."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

PAGE_BYTES = 4_096
HEADER_BYTES = 100
WAL_HEADER_BYTES, WAL_FRAME_BYTES = 32, 24 + PAGE_BYTES


class Patient(NamedTuple):
    """A ledger's files before they are damaged, and those of another ledger."""

    file: Path
    other: Path

    @property
    def wal(self) -> Path:
        """The write-ahead log."""
        return wal_of(self.file)


class Damage(NamedTuple):
    """One damage, and what became of which bytes."""

    kind: str
    detail: str


def wal_of(file: Path) -> Path:
    """The write-ahead log beside a database."""
    return file.with_name(file.name + "-wal")


def damage(patient: Patient, number: int) -> Damage:
    """Damage a ledger by the kind and at the places that a number draws."""
    names = list(KINDS)
    chooser = random.Random(number)
    name = names[number % len(names)]
    return Damage(name, KINDS[name](patient, chooser))


def _write(file: Path, offset: int, data: bytes) -> None:
    with file.open("r+b") as out:
        out.seek(offset)
        out.write(data)


def _flip(file: Path, chooser: random.Random, first: int = 0, count: int = 1) -> str:
    content = bytearray(file.read_bytes())
    places = sorted(chooser.randrange(first, len(content)) for _ in range(count))
    for place in places:
        content[place] ^= 1 << chooser.randrange(8)
    file.write_bytes(content)
    return f"bits at {places[:5]} of {file.name}"


def _flip_one(patient: Patient, chooser: random.Random) -> str:
    return _flip(patient.file, chooser)


def _flip_many(patient: Patient, chooser: random.Random) -> str:
    return _flip(patient.file, chooser, count=chooser.choice((8, 64, 512)))


def _flip_in_text(patient: Patient, chooser: random.Random) -> str:
    """A bit within what was stored, where no structure of a page is hit."""
    content = patient.file.read_bytes()
    places = [place for place in range(HEADER_BYTES, len(content)) if content[place : place + 6] == b'"event']
    place = chooser.choice(places) + chooser.randrange(200)
    _write(patient.file, place, bytes([content[place] ^ 1 << chooser.randrange(8)]))
    return f"a bit at {place}, within an event"


def _cut(patient: Patient, chooser: random.Random) -> str:
    size = chooser.randrange(1, patient.file.stat().st_size)
    with patient.file.open("r+b") as out:
        out.truncate(size)
    return f"cut to {size} bytes"


def _cut_at_page(patient: Patient, chooser: random.Random) -> str:
    pages = chooser.randrange(1, patient.file.stat().st_size // PAGE_BYTES)
    with patient.file.open("r+b") as out:
        out.truncate(pages * PAGE_BYTES)
    return f"cut to {pages} pages"


def _page(file: Path, chooser: random.Random, first: int = 0) -> int:
    return chooser.randrange(first, file.stat().st_size // PAGE_BYTES)


def _read_page(file: Path, page: int) -> bytes:
    return file.read_bytes()[page * PAGE_BYTES : (page + 1) * PAGE_BYTES]


def _zero(patient: Patient, chooser: random.Random) -> str:
    page = _page(patient.file, chooser)
    _write(patient.file, page * PAGE_BYTES, bytes(PAGE_BYTES))
    return f"page {page} is zeros"


def _mix(patient: Patient, chooser: random.Random) -> str:
    page = _page(patient.file, chooser)
    theirs = min(page, patient.other.stat().st_size // PAGE_BYTES - 1)
    _write(patient.file, page * PAGE_BYTES, _read_page(patient.other, theirs))
    return f"page {page} is one of another ledger"


def _swap(patient: Patient, chooser: random.Random) -> str:
    one, two = _page(patient.file, chooser), _page(patient.file, chooser)
    pages = _read_page(patient.file, one), _read_page(patient.file, two)
    _write(patient.file, one * PAGE_BYTES, pages[1])
    _write(patient.file, two * PAGE_BYTES, pages[0])
    return f"pages {one} and {two} changed places"


def _repeat(patient: Patient, chooser: random.Random) -> str:
    one, two = _page(patient.file, chooser), _page(patient.file, chooser, 1)
    _write(patient.file, two * PAGE_BYTES, _read_page(patient.file, one))
    return f"page {two} is a copy of page {one}"


def _header(patient: Patient, chooser: random.Random) -> str:
    place = chooser.randrange(HEADER_BYTES)
    count = chooser.choice((1, 4, 16))
    _write(patient.file, place, chooser.randbytes(count))
    return f"{count} bytes at {place} of the header"


def _noise(patient: Patient, chooser: random.Random) -> str:
    patient.file.write_bytes(chooser.randbytes(patient.file.stat().st_size))
    return "all of it is noise"


def _shift(patient: Patient, chooser: random.Random) -> str:
    content, place = patient.file.read_bytes(), chooser.randrange(1, patient.file.stat().st_size)
    patient.file.write_bytes(content[:place] + chooser.randbytes(7) + content[place:])
    return f"7 bytes put in at {place}"


def _tail(patient: Patient, chooser: random.Random) -> str:
    with patient.file.open("ab") as out:
        out.write(chooser.randbytes(chooser.choice((13, PAGE_BYTES))))
    return "bytes put behind its end"


def _folder(patient: Patient, _: random.Random) -> str:
    patient.file.unlink()
    patient.file.mkdir()
    return "a folder in its place"


def _empty(patient: Patient, _: random.Random) -> str:
    patient.file.write_bytes(b"")
    return "empty"


def _gone(patient: Patient, _: random.Random) -> str:
    patient.file.unlink()
    return "gone; its write-ahead log is left"


def _wal_cut(patient: Patient, chooser: random.Random) -> str:
    size = chooser.randrange(patient.wal.stat().st_size)
    with patient.wal.open("r+b") as out:
        out.truncate(size)
    return f"the write-ahead log cut to {size} bytes"


def _wal_flip(patient: Patient, chooser: random.Random) -> str:
    return _flip(patient.wal, chooser, count=chooser.choice((1, 20)))


def _wal_header(patient: Patient, chooser: random.Random) -> str:
    _write(patient.wal, chooser.randrange(WAL_HEADER_BYTES), chooser.randbytes(3))
    return "the head of the write-ahead log"


def _wal_foreign(patient: Patient, _: random.Random) -> str:
    shutil.copy(wal_of(patient.other), patient.wal)
    return "the write-ahead log of another ledger"


def _wal_gone(patient: Patient, _: random.Random) -> str:
    patient.wal.unlink()
    return "no write-ahead log"


def _wal_folder(patient: Patient, _: random.Random) -> str:
    patient.wal.unlink()
    patient.wal.mkdir()
    return "a folder in place of the write-ahead log"


KINDS: dict[str, Callable[[Patient, random.Random], str]] = {
    "flip": _flip_one,
    "cut": _cut,
    "zero": _zero,
    "mix": _mix,
    "swap": _swap,
    "event": _flip_in_text,
    "wal-cut": _wal_cut,
    "header": _header,
    "wal-foreign": _wal_foreign,
    "flips": _flip_many,
    "folder": _folder,
    "empty": _empty,
    "wal-flip": _wal_flip,
    "repeat": _repeat,
    "cut-at-page": _cut_at_page,
    "noise": _noise,
    "shift": _shift,
    "tail": _tail,
    "gone": _gone,
    "wal-header": _wal_header,
    "wal-gone": _wal_gone,
    "wal-folder": _wal_folder,
}
"""Every kind, those of most variety first."""
