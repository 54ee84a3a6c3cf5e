"""The forms in which the books of a period are handed out, from the command line and the console alike."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from ledger.export.books import Books, Tick


@contextmanager
def whole_or_nothing(out: Path) -> Iterator[Path]:
    """A file beside ``out`` that takes its place once everything is written.

    A link stays, and its file is replaced. Into a device or a pipe it is copied: no file takes its place.

    Raises:
        ClickException: where ``out`` cannot be written.
    """
    try:
        with ExitStack() as stack:
            if is_device(out):
                part = Path(stack.enter_context(TemporaryDirectory())) / f"{out.name}.part"
                yield part
                with part.open("rb") as written, out.open("wb") as device:
                    shutil.copyfileobj(written, device)
            else:
                file = out.resolve()
                part = file.with_name(file.name + ".part")
                stack.callback(part.unlink, missing_ok=True)
                yield part
                os.replace(part, file)
    except OSError as error:
        raise click.ClickException(
            f"{out}: {error.strerror or error} — name a file that can be written"
        ) from error


def is_device(path: Path) -> bool:
    """Whether something stands there that bytes pass through: a device, a pipe, a socket."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _hledger(books: Books, out: Path, tick: Tick) -> list[Path]:
    from ledger.export import journal

    with whole_or_nothing(out) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        journal.write(file, books.accounts(), books.transactions(), tick, books.policy.currency)
    return [out]


def _beancount(books: Books, out: Path, tick: Tick) -> list[Path]:
    from ledger.export import beancount

    title = f"{books.policy.title['zh']} {books.period}"
    with whole_or_nothing(out) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        beancount.write(
            file,
            title,
            books.first_day(),
            books.accounts(),
            books.transactions(),
            tick,
            books.policy.currency,
        )
    return [out]


def _xlsx(books: Books, out: Path, tick: Tick) -> list[Path]:
    from ledger.export import spreadsheet

    with whole_or_nothing(out) as part:
        spreadsheet.write(part, books, tick)
    return [out]


def _parquet(books: Books, out: Path, tick: Tick) -> list[Path]:
    from ledger.export import columnar

    events = out.with_name(f"{out.stem}-events{out.suffix}")
    with whole_or_nothing(out) as part:
        columnar.write_awards(part, books, tick)
    with whole_or_nothing(events) as part:
        columnar.write_events(part, books, tick)
    return [out, events]


def _giving(books: Books, out: Path, tick: Tick) -> list[Path]:
    from ledger.export import giving

    with whole_or_nothing(out) as part, part.open("wb") as file:
        giving.write(file, books, tick=tick)
    return [out]


FORMATS: dict[str, Callable[[Books, Path, Tick], list[Path]]] = {
    "hledger": _hledger,
    "beancount": _beancount,
    "xlsx": _xlsx,
    "parquet": _parquet,
    "360giving": _giving,
}
"""What writes each format; the libraries are loaded only when they are needed."""
