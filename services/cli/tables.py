"""Tables for readers and for programs: they fit the terminal, and no code or amount is broken in two.

What is printed is not echoed by click, which writes UTF-8 to a terminal of ASCII.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from shutil import get_terminal_size
from typing import Any, ClassVar, Literal, Self, TypeVar

import click

from domain.money.amounts import parse_fen, print_fen
from ledger.export.file_faults import FORMULA_STARTS
from services.cli.words.speaking import count_cells, wrap

F = TypeVar("F", bound=Callable[..., Any])

PIPED_COLUMNS = 140
"""Width of a table that is not printed on a terminal."""
NAME_COLUMNS_MIN = 10
"""The least width into which names give way."""
_WORD = re.compile(r"[!-~]+")
ROOM_MIN = 20
"""The least width of what stands beside a heading."""
CSV = "services.cli.csv"
"""Under which a click context's ``meta`` says that tables are printed as CSV."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; what it holds says whether it may be broken into lines."""

    heading: str
    breaks: ClassVar[bool] = False
    right: ClassVar[bool] = False


class Names(Column):
    """Words, which give way where a table is too wide."""

    breaks = True


class Codes(Column):
    """Codes, dates and numbers of things, which are never broken."""


class Sums(Column):
    """Amounts and counts, which are never broken."""

    right = True


class Money(str):
    """An amount in a table: as readers have it, with its sign and grouped; ``plain`` for programs."""

    plain: str

    def __new__(cls, fen: int, currency: str) -> Self:
        """The amount of so many hundredths of a currency."""
        printed = super().__new__(cls, print_fen(fen, currency))
        printed.plain = print_fen(fen)
        return printed

    @classmethod
    def read(cls, amount: str, currency: str) -> Self:
        """An amount as the answers of the API have it."""
        return cls(parse_fen(amount, printed=True), currency)


def csv_option(command: F) -> F:
    """``--csv`` prints the tables of a command for programs and spreadsheets."""
    return click.option(
        "--csv", is_flag=True, expose_value=False, callback=_choose_csv, help="Print rows as CSV."
    )(command)


def _choose_csv(context: click.Context, _: click.Parameter, is_chosen: bool) -> None:
    if is_chosen:
        context.meta[CSV] = True


def prints_csv() -> bool:
    """Whether the command that runs was asked for CSV."""
    context = click.get_current_context(silent=True)
    return context is not None and CSV in context.meta


def note(text: str) -> None:
    """Say what stands beside tables; beside those of CSV on standard error."""
    print(text, file=sys.stderr if prints_csv() else sys.stdout)


def list_differences(differences: Iterable[str], heading: str) -> None:
    """Say what does not match, a line each; as CSV under a heading."""
    if prints_csv():
        table("", [Names(heading)], [(difference,) for difference in differences])
        return
    for difference in differences:
        print(f"! {difference}")


def table(title: str, columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; one that no terminal of this width could hold, row after row.

    As CSV, a row is printed as it comes, so that many need not be held.
    """
    if prints_csv():
        _print_csv(columns, rows)
        return
    lines = [list(row) for row in rows]
    width = _width()
    for is_dense, frame in ((False, 3 * len(columns) + 1), (True, 2 * (len(columns) - 1))):
        widths = divide_width(columns, lines, width - frame)
        if sum(widths) + frame <= width:
            _print_table(title, columns, lines, widths, is_dense)
            return
    _print_records(title, columns, lines)


def _width() -> int:
    return get_terminal_size().columns if sys.stdout.isatty() else PIPED_COLUMNS


def divide_width(columns: Sequence[Column], lines: Sequence[Sequence[str]], width: int) -> list[int]:
    """The width of each column: what it holds, or less where names have to give way, the widest first."""
    cells = [[column.heading, *(line[n] for line in lines)] for n, column in enumerate(columns)]
    widths = [max(map(count_cells, "\n".join(texts).split("\n"))) for texts in cells]
    least = [
        min(full, max(NAME_COLUMNS_MIN, *(count_cells(word) for word in _WORD.findall(" ".join(texts))), 0))
        if column.breaks
        else full
        for column, texts, full in zip(columns, cells, widths, strict=True)
    ]
    while sum(widths) > width:
        spare = [full - low for full, low in zip(widths, least, strict=True)]
        if not any(spare):
            break
        widest = max((n for n, cut in enumerate(spare) if cut), key=lambda n: widths[n])
        widths[widest] -= 1
    return widths


def _print_table(
    title: str,
    columns: Sequence[Column],
    lines: Sequence[Sequence[str]],
    widths: Sequence[int],
    is_dense: bool,
) -> None:
    from rich import box  # only what prints a table needs it
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    printed = Table(title=title, title_justify="left")
    if is_dense:
        printed = Table(
            title=title,
            title_justify="left",
            box=box.SIMPLE_HEAD,
            pad_edge=False,
            show_edge=False,
            padding=(0, 1, 0, 0),
        )
    for column, width in zip(columns, widths, strict=True):
        justify: Literal["right", "left"] = "right" if column.right else "left"
        printed.add_column(
            Text(column.heading), justify=justify, no_wrap=not column.breaks, overflow="fold", width=width
        )
    for line in lines:
        printed.add_row(*map(Text, line))
    Console(soft_wrap=False, width=_width()).print(printed)


def _print_records(title: str, columns: Sequence[Column], lines: Sequence[Sequence[str]]) -> None:
    """A row is a few lines, each with its heading before it."""
    if title:
        print(title)
    widest = max(count_cells(column.heading) for column in columns)
    room = _width() - widest - 4
    for line in lines:
        for column, cell in zip(columns, line, strict=True):
            heading = column.heading + " " * (widest - count_cells(column.heading))
            parts = [part for text in cell.split("\n") for part in wrap(text, max(room, ROOM_MIN))] or [""]
            for part in parts:
                print(f"  {heading}  {part}".rstrip())
                heading = " " * widest
        print()


def _print_csv(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> None:
    """A line for each row; an empty line stands between one table and the next."""
    context = click.get_current_context()
    if context.meta[CSV] == "begun":
        print()
    context.meta[CSV] = "begun"
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow([column.heading for column in columns])
    for row in rows:
        out.writerow([cell.plain if isinstance(cell, Money) else _inert(cell) for cell in row])
    sys.stdout.flush()


def _inert(text: str) -> str:
    """A text that no spreadsheet takes for a formula, nor its carriage return for the end of a row."""
    is_formula = text.startswith(FORMULA_STARTS) and not _is_number(text)
    return (f"'{text}" if is_formula else text).replace("\r", "\n")


def _is_number(text: str) -> bool:
    return text.lstrip("+-").replace(".", "", 1).replace(",", "").isdigit()
