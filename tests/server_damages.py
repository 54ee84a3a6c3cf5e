"""Damages of a PostgreSQL server's files while it is stopped, drawn from a seed."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import psycopg

from tests.damages import Damage
from tests.postgres import Server

PAGE_BYTES = 8_192
PAGE_HEADER_BYTES = 24
RELATIONS = (
    "SELECT c.relname, c.relkind, pg_relation_filepath(c.oid), o.relnamespace='pg_catalog'::regnamespace "
    "FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid=c.oid "
    "JOIN pg_class t ON t.oid=coalesce(i.indrelid, c.oid) LEFT JOIN pg_class u ON u.reltoastrelid=t.oid "
    "JOIN pg_class o ON o.oid=coalesce(u.oid, t.oid) WHERE pg_relation_size(c.oid)>0 "
    "AND o.relnamespace IN ('public'::regnamespace, 'pg_catalog'::regnamespace) "
    "AND pg_relation_filepath(c.oid) LIKE 'base/%' ORDER BY c.oid"
)
CATALOGUE = "catalogue"


class Chart(NamedTuple):
    """Where the parts of a ledger lie in a server's folder: files by kind."""

    files: dict[str, list[str]]
    """``table``, ``index``, ``toast`` and ``catalogue``, each in the order in which they were made."""
    base: str
    """The folder of the database."""


class ServerPatient(NamedTuple):
    """A stopped server's folder, where what lies in it, and what it held earlier."""

    data: Path
    chart: Chart
    other: Path
    """The folder of another ledger's database, whose files have the same names."""
    earlier: Path
    """The ledger's files as they were before the last facts."""


def draw_chart(url: str) -> Chart:
    """Find the files of a ledger."""
    files: dict[str, list[str]] = {"table": [], "index": [], "toast": [], CATALOGUE: []}
    with psycopg.connect(url) as connection:
        for name, kind, path, is_system in connection.execute(RELATIONS).fetchall():
            if is_system:
                files[CATALOGUE].append(path)
            elif name.startswith("pg_toast"):
                files["toast"].append(path)
            else:
                files["index" if kind == "i" else "table"].append(path)
    return Chart(files, str(Path(files["table"][0]).parent))


def copy_data(source: Path, target: Path) -> None:
    """Copy a stopped server's folder with its owner."""
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


def damage_server(patient: ServerPatient, number: int) -> Damage:
    """Damage a server's files by the kind and at the places that a number draws."""
    names = list(FILE_KINDS)
    chooser = random.Random(number)
    name = names[number % len(names)]
    return Damage(name, FILE_KINDS[name](patient, chooser))


def _pick(patient: ServerPatient, chooser: random.Random, *kinds: str) -> Path:
    """One of the ledger's files; those of more pages come more often."""
    paths = [patient.data / path for kind in kinds for path in patient.chart.files[kind]]
    weights = [min(8, path.stat().st_size // PAGE_BYTES) for path in paths]
    return chooser.choices(paths, weights)[0]


def _any(patient: ServerPatient, chooser: random.Random) -> Path:
    return _pick(patient, chooser, chooser.choice(("table", "index", "toast")))


def _page(file: Path, chooser: random.Random) -> int:
    return chooser.randrange(file.stat().st_size // PAGE_BYTES)


def _read(file: Path, page: int) -> bytes:
    with file.open("rb") as source:
        source.seek(page * PAGE_BYTES)
        return source.read(PAGE_BYTES)


def _write(file: Path, offset: int, data: bytes) -> None:
    with file.open("r+b") as out:
        out.seek(offset)
        out.write(data)


def _flip_at(file: Path, places: list[int], chooser: random.Random) -> str:
    content = bytearray(file.read_bytes())
    for place in places:
        content[place] ^= 1 << chooser.randrange(8)
    _write(file, 0, bytes(content))
    return f"bits at {places[:5]} of {file.name}"


def _flip_in(kind: str, count: int) -> Callable[[ServerPatient, random.Random], str]:
    """Bits where a page holds something: at its head, its list of rows, and its rows."""

    def flip(patient: ServerPatient, chooser: random.Random) -> str:
        file = _pick(patient, chooser, kind)
        content = file.read_bytes()
        held = [place for place, byte in enumerate(content) if byte]
        return f"{kind}: {_flip_at(file, sorted(chooser.choices(held, k=count)), chooser)}"

    return flip


def _flip_head(patient: ServerPatient, chooser: random.Random) -> str:
    file = _any(patient, chooser)
    place = _page(file, chooser) * PAGE_BYTES + chooser.randrange(PAGE_HEADER_BYTES)
    return f"a page's head: {_flip_at(file, [place], chooser)}"


def _flip_pointer(patient: ServerPatient, chooser: random.Random) -> str:
    file = _any(patient, chooser)
    page = _page(file, chooser)
    lower = int.from_bytes(_read(file, page)[12:14], "little")
    place = page * PAGE_BYTES + chooser.randrange(PAGE_HEADER_BYTES, max(lower, PAGE_HEADER_BYTES + 1))
    return f"a page's list of rows: {_flip_at(file, [place], chooser)}"


def _zero(patient: ServerPatient, chooser: random.Random) -> str:
    file = _any(patient, chooser)
    page = _page(file, chooser)
    _write(file, page * PAGE_BYTES, bytes(PAGE_BYTES))
    return f"page {page} of {file.name} is zeros"


def _zero_half(patient: ServerPatient, chooser: random.Random) -> str:
    file = _any(patient, chooser)
    page = _page(file, chooser)
    _write(file, page * PAGE_BYTES + PAGE_BYTES // 2, bytes(PAGE_BYTES // 2))
    return f"the second half of page {page} of {file.name} is zeros"


def _noise(patient: ServerPatient, chooser: random.Random) -> str:
    file = _any(patient, chooser)
    page = _page(file, chooser)
    _write(file, page * PAGE_BYTES, chooser.randbytes(PAGE_BYTES))
    return f"page {page} of {file.name} is noise"


def _cut(patient: ServerPatient, chooser: random.Random) -> str:
    file = _any(patient, chooser)
    size = chooser.randrange(file.stat().st_size)
    with file.open("r+b") as out:
        out.truncate(size)
    return f"{file.name} cut to {size} bytes"


def _cut_at_page(patient: ServerPatient, chooser: random.Random) -> str:
    file = _any(patient, chooser)
    page = _page(file, chooser)
    with file.open("r+b") as out:
        out.truncate(page * PAGE_BYTES)
    return f"{file.name} cut to {page} pages"


def _gone(patient: ServerPatient, chooser: random.Random) -> str:
    file = _any(patient, chooser)
    file.unlink()
    return f"{file.name} is gone"


def _mix(patient: ServerPatient, chooser: random.Random) -> str:
    file = _any(patient, chooser)
    theirs, page = patient.other / file.name, _page(file, chooser)
    if not theirs.exists() or theirs.stat().st_size <= page * PAGE_BYTES:
        return _zero(patient, chooser)
    _write(file, page * PAGE_BYTES, _read(theirs, page))
    return f"page {page} of {file.name} is another ledger's"


def _foreign(patient: ServerPatient, chooser: random.Random) -> str:
    file = _any(patient, chooser)
    theirs = patient.other / file.name
    file.write_bytes(theirs.read_bytes() if theirs.exists() else b"")
    return f"{file.name} is another ledger's"


def _swap(patient: ServerPatient, chooser: random.Random) -> str:
    file = _any(patient, chooser)
    one, two = _page(file, chooser), _page(file, chooser)
    pages = _read(file, one), _read(file, two)
    _write(file, one * PAGE_BYTES, pages[1])
    _write(file, two * PAGE_BYTES, pages[0])
    return f"pages {one} and {two} of {file.name} changed places"


def _repeat(patient: ServerPatient, chooser: random.Random) -> str:
    source, file = _any(patient, chooser), _any(patient, chooser)
    page = _page(file, chooser)
    _write(file, page * PAGE_BYTES, _read(source, _page(source, chooser)))
    return f"page {page} of {file.name} is one of {source.name}"


def _lost_page(patient: ServerPatient, chooser: random.Random) -> str:
    """A page that the disk said it had written."""
    pages = _changed_pages(patient)
    file, page = chooser.choice(pages)
    _write(file, page * PAGE_BYTES, _read(patient.earlier / file.name, page))
    return f"page {page} of {file.name} is as it was before"


def _lost_file(patient: ServerPatient, chooser: random.Random) -> str:
    file = chooser.choice(sorted({file for file, _ in _changed_pages(patient)}))
    file.write_bytes((patient.earlier / file.name).read_bytes())
    return f"{file.name} is as it was before"


def _changed_pages(patient: ServerPatient) -> list[tuple[Path, int]]:
    """Every page of the ledger's that the last facts changed."""
    pages = []
    for kind in ("table", "index", "toast"):
        for path in patient.chart.files[kind]:
            file = patient.data / path
            before = patient.earlier / file.name
            for page in range(before.stat().st_size // PAGE_BYTES if before.exists() else 0):
                if _read(before, page) != _read(file, page):
                    pages.append((file, page))
    return pages


def _clog(patient: ServerPatient, chooser: random.Random) -> str:
    file = patient.data / "pg_xact" / "0000"
    how = chooser.choice(("zero", "ones", "flip", "cut", "gone"))
    content = file.read_bytes()
    held = max((place for place, byte in enumerate(content) if byte), default=0) + 1
    if how == "zero":
        _write(file, 0, bytes(held))
    elif how == "ones":
        _write(file, 0, b"\xaa" * held)
    elif how == "flip":
        _flip_at(file, [chooser.randrange(max(0, held - 24), held) for _ in range(4)], chooser)
    elif how == "cut":
        file.write_bytes(b"")
    else:
        file.unlink()
    return f"pg_xact: {how}"


def _map(patient: ServerPatient, chooser: random.Random) -> str:
    """What a server keeps beside a table: which pages are visible to all, and where there is room."""
    folder = patient.data / patient.chart.base
    names = {Path(path).name for kind in ("table", "toast", "index") for path in patient.chart.files[kind]}
    maps = sorted(
        file for file in folder.iterdir() if "_" in file.name and file.name.partition("_")[0] in names
    )
    file = chooser.choice(maps)
    how = chooser.choice(("ones", "zero", "noise", "cut", "gone"))
    if how == "gone":
        file.unlink()
    elif how == "cut":
        file.write_bytes(b"")
    else:
        data = {"ones": b"\xff" * 64, "zero": bytes(64), "noise": chooser.randbytes(64)}[how]
        _write(file, PAGE_HEADER_BYTES, data)
    return f"{file.name}: {how}"


def _catalogue(patient: ServerPatient, chooser: random.Random) -> str:
    file = _pick(patient, chooser, CATALOGUE)
    page = _page(file, chooser)
    how = chooser.choice(("zero", "flip", "noise", "gone"))
    if how == "zero":
        _write(file, page * PAGE_BYTES, bytes(PAGE_BYTES))
    elif how == "noise":
        _write(file, page * PAGE_BYTES, chooser.randbytes(PAGE_BYTES))
    elif how == "gone":
        file.unlink()
    else:
        held = [place for place, byte in enumerate(file.read_bytes()) if byte]
        _flip_at(file, sorted(chooser.choices(held, k=64)), chooser)
    return f"the catalogue's {file.name}, page {page}: {how}"


def _control(patient: ServerPatient, chooser: random.Random) -> str:
    name = chooser.choice(("global/pg_control", "global/pg_filenode.map", "PG_VERSION", "pg_wal"))
    file = patient.data / name
    if file.is_dir():
        for each in file.iterdir():
            if each.is_file():
                each.unlink()
        return "no write-ahead log"
    return f"{name}: {_flip_at(file, [chooser.randrange(min(64, file.stat().st_size))], chooser)}"


FILE_KINDS: dict[str, Callable[[ServerPatient, random.Random], str]] = {
    "flip-index": _flip_in("index", 1),
    "flip-table": _flip_in("table", 1),
    "lost-page": _lost_page,
    "cut": _cut,
    "flip-pointer": _flip_pointer,
    "mix": _mix,
    "flips-table": _flip_in("table", 32),
    "zero": _zero,
    "clog": _clog,
    "flip-toast": _flip_in("toast", 4),
    "catalogue": _catalogue,
    "repeat": _repeat,
    "flips-index": _flip_in("index", 32),
    "flip-head": _flip_head,
    "swap": _swap,
    "cut-at-page": _cut_at_page,
    "gone": _gone,
    "foreign": _foreign,
    "map": _map,
    "zero-half": _zero_half,
    "lost-file": _lost_file,
    "noise": _noise,
    "control": _control,
}
"""Every kind, those of most variety first."""


def start_damaged(server: Server) -> bool:
    """Start a server on damaged files; whether it came up."""
    try:
        server.start(*SETTINGS, within=5)
    except RuntimeError:
        return False
    return True


SETTINGS = ("statement_timeout=20s", "restart_after_crash=on", "autovacuum=off")
"""A damaged index may lead in a circle."""
