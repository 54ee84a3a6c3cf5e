"""The facts of many enterprises side by side, and the evaluation of a policy over them.

An enterprise is a row of a ``Chunk``. Every array is NumPy's, which is named for types only: operators and
methods do all the work, and the arithmetic is that of one enterprise. Only rows that have a fact are
touched, so a measure costs what its facts cost.

A few enterprises do not fit: several records of one thing on one day, figures that conflict, more
items than ``ITEMS_MAX``, two warehouses' levels under the reading ``difference``, amounts whose
products would pass 63 bits. Whoever packs or evaluates sets them aside, and ``awards_of`` answers
for them row by row; the answer is the same for every enterprise either way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from domain.policy.rulebook import Rulebook
from domain.rules.arithmetic import Column, Mask

ITEMS_MAX = 1_000
"""Most items or approvals of one enterprise in columns: as many of the largest amounts add up in 63 bits."""
PRODUCT_MAX = 2**62
"""Twice as much still fits: rounding half up doubles a product."""
IDENTITIES = 1 << 20
"""A row's identities are numbered below this; more than ``ITEMS_MAX`` are never packed."""

Group = tuple[int, str]
"""(award year, measure)."""


class Reported(NamedTuple):
    """Reports of one group and year: a row has one entry at most; rows ascend."""

    rows: Column
    total: Column
    latest: Column


class Figures(NamedTuple):
    """Figures of one year."""

    rows: Column
    values: Column


class Approved(NamedTuple):
    """Approved claims for one measure, rows ascending."""

    rows: Column
    years: Column
    amounts: Column


class NumberedWords(NamedTuple):
    """The words of one field: the number of each thing's word, and the numbers of all words."""

    numbers: Column
    numbering: dict[str, int]


class Items(NamedTuple):
    """Dated things, by row and day: on which day each came to be, and what it is."""

    rows: Column
    days: Column
    keys: Column
    """Row and identity as one number; the same thing has the same key in every kind of event."""
    words: dict[str, NumberedWords]
    """By field."""

    def only(self, mask: Mask) -> Items:
        """The things that a mask keeps; their words are not carried along."""
        return Items(self.rows[mask], self.days[mask], self.keys[mask], {})


class Awarded(NamedTuple):
    """What one measure gives for one year: rows ascending, in fen, gross above zero."""

    rows: Column
    gross: Column
    withheld: Column


@dataclass(slots=True)
class Chunk:
    """The facts of some enterprises as columns."""

    zero: Column
    """A zero for each row."""
    dated: dict[str, Items] = field(default_factory=dict)
    """By event."""
    amounts: dict[str, dict[int, dict[tuple[str, ...], Reported]]] = field(default_factory=dict)
    """By event, year and group."""
    figures: dict[str, dict[int, Figures]] = field(default_factory=dict)
    """By event and year."""
    approvals: dict[str, Approved] = field(default_factory=dict)
    """By policy and measure, joined as in ``domain.facts.folding``."""
    aside: tuple[int, ...] = ()
    """Rows that did not fit, and have nothing in the columns."""


class Evaluated(NamedTuple):
    """Awards by year and measure, and the rows whose awards must be worked out one by one."""

    awards: dict[Group, Awarded]
    aside: tuple[int, ...]


@dataclass(slots=True)
class ColumnEvaluation:
    """A chunk under one policy: its facts, the rules, its awards so far, and who is set aside."""

    chunk: Chunk
    book: Rulebook
    amounts: dict[Group, list[tuple[Column, Column]]] = field(default_factory=dict)
    aside: set[int] = field(default_factory=set)

    def give(self, measure: str, year: int, rows: Column, fen: Column) -> None:
        """Add to the awards of some rows, each of which is named once."""
        if len(rows):
            self.amounts.setdefault((year, measure), []).append((rows, fen))

    def fits(self, rows: Column, product: int) -> bool:
        """Whether a product fits into 63 bits; otherwise the rows are set aside."""
        if product >= PRODUCT_MAX:
            self.aside.update(rows.tolist())
        return product < PRODUCT_MAX
