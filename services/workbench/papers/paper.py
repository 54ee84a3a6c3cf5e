"""A paper: one question to the opened bundle, its words, its columns with their units."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from domain.money.amounts import print_fen
from domain.vocabulary.kinds import Words

Cell = str | int | None
PaperRow = tuple[Cell, ...]


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """What an auditor decides before looking; it stands on every paper. Amounts are fen."""

    policy: str
    year: int
    materiality_fen: int
    """Overall materiality."""
    performance_fen: int
    trivial_fen: int
    """Differences below it are clearly trivial."""
    confidence: int = 95
    """Per cent; those of the table of factors alone."""
    seed: str = "0"
    opens: str = "08:00"
    closes: str = "18:00"
    burst: int = 5
    """So many decisions of one person in one minute are looked at."""
    outlier_tenths: int = 35
    """Robust z, in tenths, above which an amount is an outlier."""
    growth_times: int = 5
    share_percent: int = 10
    benford_least: int = 300
    payees: str = ""
    """The payee file (CSV: credit code, account) that was given; empty where none was."""

    def bound(self) -> dict[str, Cell]:
        """Its values by name, as SQL takes them."""
        values: dict[str, Cell] = msgspec.to_builtins(self)
        return values


def _show_money(fen: int) -> str:
    return print_fen(fen, "CNY")


Query = Callable[[sqlite3.Connection, Parameters], Iterable[PaperRow]]


class Column(NamedTuple):
    """A column: its words and the unit of its cells (text, fen, count, position, date)."""

    words: Words
    unit: str = "text"


def column(zh: str, en: str, unit: str = "text") -> Column:
    """A column."""
    return Column(Words(zh, en), unit)


ENTERPRISE = column("统一社会信用代码", "Credit code")
FINDING = column("情形", "Finding")
AMOUNT = column("金额", "Amount", "fen")
POSITION = column("账本序号", "Position", "position")
DETAIL = column("说明", "Detail")
FINDINGS = (ENTERPRISE, FINDING, AMOUNT, POSITION, DETAIL)
"""The columns of every paper of exceptions, so that all of them can be ranked together."""


@dataclass(frozen=True, slots=True)
class Paper:
    """One question, with what it looked at and what it did not.

    ``slug`` names it for ever; the slugs of ``findings`` name what a paper of exceptions may find.
    """

    slug: str
    title: Words
    looked: Words
    not_looked: Words
    columns: tuple[Column, ...]
    query: Query
    findings: dict[str, Words] | None = None
    """None where its rows are no exceptions."""

    def rows(self, file: sqlite3.Connection, parameters: Parameters) -> Iterator[PaperRow]:
        """The rows, streamed; their words are marked, see ``terms``."""
        file.create_function("money", 1, _show_money, deterministic=True)
        yield from self.query(file, parameters)


def ask(sql: str) -> Query:
    """A query in SQL; parameters stand in it by name."""

    def query(file: sqlite3.Connection, parameters: Parameters) -> Iterator[PaperRow]:
        yield from file.execute(sql, parameters.bound())

    return query


def ask_each(*queries: str) -> Query:
    """Several queries in SQL, one after the other."""

    def query(file: sqlite3.Connection, parameters: Parameters) -> Iterator[PaperRow]:
        for sql in queries:
            yield from file.execute(sql, parameters.bound())

    return query


PAYABLE = "(SELECT SUM(payable_fen) FROM list_lines l WHERE l.code={code} AND l.year=:year)"
"""What an enterprise is to be paid for the year, in fen; of no award, none."""


def payable_of(code: str) -> str:
    """The SQL of what an enterprise is to be paid; ``code`` is the SQL of its credit code."""
    return f"COALESCE({PAYABLE.format(code=code)}, 0)"


COUNTING = (
    "NOT EXISTS (SELECT 1 FROM corrections c WHERE c.source=f.source AND c.id=f.id AND c.kind=f.kind "
    "AND c.code=f.code AND c.step='retracted')"
)
"""That a fact ``f`` was not retracted."""
