"""Every enterprise's facts packed into columns once, so that a whole policy is computed in a blink.

One pass over the read model fills arrays, chunk by chunk; nothing else is kept of an enterprise
but its credit code. Whoever does not fit (``domain.rules.columns.chunks``) is read again and computed alone.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from domain.events import CATALOGUE, DatedThing
from domain.events.event import SEP
from domain.facts.folding import DatedRecord, EnterpriseFacts
from domain.policy.rulebook import Rulebook
from domain.rules.arithmetic import Column
from domain.rules.columns.chunks import (
    IDENTITIES,
    ITEMS_MAX,
    Approved,
    Awarded,
    Chunk,
    Figures,
    Group,
    Items,
    NumberedWords,
    Reported,
)
from domain.rules.evaluation import awards_of, evaluate_columns

CHUNK_ROWS = 1 << 16
"""Enterprises of a chunk: its columns stay in the processor's cache."""
WORDS_MAX = 1_000
"""Most different words of a field that are numbered in a chunk; a field with more cannot be selected on."""
GROUPS_MAX = 5_000
"""Most different groups and years of reports in a chunk; who reports more of them is set aside."""
CODE_BYTES = 18

Ints: TypeAlias = "array[int]"
FactsOf = Callable[[list[str]], dict[str, EnterpriseFacts]]
"""Reads the facts of some enterprises."""


class Packed(NamedTuple):
    """Some enterprises in order of credit code: their codes, and their facts as columns."""

    codes: NDArray[np.bytes_]
    chunk: Chunk


class _Words:
    """The words of one field of one event, numbered."""

    def __init__(self) -> None:
        self.numbers, self.numbering = array("i"), dict[str, int]()

    def add(self, word: str) -> None:
        numbering = self.numbering
        number = numbering.get(word)
        if number is None:
            number = numbering[word] = len(numbering)
        self.numbers.append(number)


class _DatedItems:
    """Dated things of one event."""

    def __init__(self, event: str) -> None:
        cls = cast("type[DatedThing]", CATALOGUE[event])
        self.rows, self.days, self.keys = array("i"), array("i"), array("q")
        self.names = (*cls.identity, *cls.attributes)
        self.words = {name: _Words() for name in self.names}

    def add(self, row: int, records: dict[str, DatedRecord], identities: dict[str, int]) -> None:
        """Take a row's things; ``identities`` numbers them."""
        by_day = list(records.items())
        if len(records) > 1:
            by_day.sort(key=lambda each: (each[1].on, each[0]))
        for identity, record in by_day:
            self.rows.append(row)
            self.days.append(int(record.on.replace("-", "")))
            self.keys.append(row * IDENTITIES + identities.setdefault(identity, len(identities)))
            fields = [*identity.split(SEP), *record.attributes[0].split(SEP)]
            for name, word in zip(self.names, fields, strict=False):
                if name in self.words:
                    self.words[name].add(word)
                    if len(self.words[name].numbering) > WORDS_MAX:
                        del self.words[name]

    def columns(self) -> Items:
        """The things as arrays."""
        words = {
            name: NumberedWords(_ints(each.numbers), each.numbering) for name, each in self.words.items()
        }
        return Items(_ints(self.rows), _ints(self.days), _ints(self.keys), words)


class _Reports:
    """Reports of one event, group and year."""

    def __init__(self) -> None:
        self.rows, self.total, self.latest = array("i"), array("q"), array("q")

    def columns(self) -> Reported:
        """The reports as arrays; most groups are reported once, so that both readings share one."""
        rows, total, latest = _ints(self.rows), _ints(self.total), _ints(self.latest)
        return Reported(rows, total, total if self.total == self.latest else latest)


class Packer:
    """Fills one chunk, enterprise by enterprise."""

    def __init__(self) -> None:
        self.codes: list[str] = []
        self.dated: dict[str, _DatedItems] = {}
        self.amounts: dict[tuple[str, str], _Reports] = {}
        self.figures: dict[tuple[str, str], tuple[Ints, Ints]] = {}
        self.approvals: dict[str, tuple[Ints, Ints, Ints]] = {}
        self.aside: list[int] = []

    def add(self, code: str, facts: EnterpriseFacts) -> None:  # noqa: C901 - one branch a kind of fact
        """Take an enterprise; codes come in order."""
        row = len(self.codes)
        self.codes.append(code)
        if not self._fits(facts):
            self.aside.append(row)
            return
        identities: dict[str, int] = {}
        for event, records in facts.dated.items():
            if event not in self.dated:
                self.dated[event] = _DatedItems(event)
            self.dated[event].add(row, records, identities)
        for event, reported in facts.amounts.items():
            for key, reports in reported.items():
                group = self.amounts.get((event, key))
                if group is None:
                    group = self.amounts[event, key] = _Reports()
                group.rows.append(row)
                group.total.append(reports.total)
                group.latest.append(reports.latest_amount)
        for event, years in facts.figures.items():
            for year, values in years.items():
                rows, figures = self.figures.setdefault((event, year), (array("i"), array("q")))
                rows.append(row)
                figures.append(values[0])
        for key, claims in facts.approvals.items():
            columns = self.approvals.setdefault(key, (array("i"), array("i"), array("q")))
            for claim in claims:
                for column, value in zip(columns, (row, claim.year, claim.amount), strict=True):
                    column.append(value)

    def _fits(self, facts: EnterpriseFacts) -> bool:
        """Whether an enterprise's facts fit into columns."""
        for records in facts.dated.values():
            if len(records) > ITEMS_MAX or any(len(each.attributes) > 1 for each in records.values()):
                return False
        if any(len(values) > 1 for years in facts.figures.values() for values in years.values()):
            return False
        if any(len(claims) > ITEMS_MAX for claims in facts.approvals.values()):
            return False
        keys = sum(len(reported) for reported in facts.amounts.values())
        if keys <= ITEMS_MAX and len(self.amounts) + keys <= GROUPS_MAX:
            return True
        new = sum((event, key) not in self.amounts for event, of in facts.amounts.items() for key in of)
        return keys <= ITEMS_MAX and len(self.amounts) + new <= GROUPS_MAX

    def packed(self) -> Packed:
        """The chunk."""
        chunk = Chunk(np.zeros(len(self.codes), np.int64), aside=tuple(self.aside))
        chunk.dated = {event: things.columns() for event, things in self.dated.items()}
        for (event, key), reports in self.amounts.items():
            *parts, year = key.split(SEP)
            groups = chunk.amounts.setdefault(event, {}).setdefault(int(year), {})
            groups[tuple(parts)] = reports.columns()
        for (event, year), (rows, values) in self.figures.items():
            chunk.figures.setdefault(event, {})[int(year)] = Figures(_ints(rows), _ints(values))
        for key, columns in self.approvals.items():
            chunk.approvals[key] = Approved(*(_ints(each) for each in columns))
        return Packed(np.array(self.codes, f"S{CODE_BYTES}"), chunk)


def _ints(values: Ints) -> Column:
    """An array over the same memory."""
    return np.asarray(values)


def pack(
    enterprises: Iterable[tuple[str, EnterpriseFacts]], chunk_rows: int = CHUNK_ROWS
) -> Iterator[Packed]:
    """Pack enterprises, given in order of credit code, chunk by chunk."""
    packer = Packer()
    for code, facts in enterprises:
        packer.add(code, facts)
        if len(packer.codes) == chunk_rows:
            yield packer.packed()
            packer = Packer()
    if packer.codes:
        yield packer.packed()


def awards_in(packed: Packed, book: Rulebook, facts_of: FactsOf) -> dict[Group, Awarded]:
    """Every award of a chunk's enterprises, those of the rows set aside included."""
    evaluated = evaluate_columns(packed.chunk, book)
    if not evaluated.aside:
        return evaluated.awards
    codes = [bytes(packed.codes[row]).decode("ascii") for row in evaluated.aside]
    facts = facts_of(codes)
    alone: dict[Group, list[tuple[int, int, int]]] = {}
    for row, code in zip(evaluated.aside, codes, strict=True):
        for year, awards in awards_of(facts[code], book).items():
            for measure, award in awards.items():
                if award.gross:
                    alone.setdefault((year, measure), []).append((row, award.gross, award.withheld))
    merged = {group: _merged(evaluated.awards.get(group), rows) for group, rows in alone.items()}
    return {**evaluated.awards, **merged}


def _merged(awarded: Awarded | None, alone: list[tuple[int, int, int]]) -> Awarded:
    """The awards in columns and those worked out alone, rows ascending."""
    columns = [np.array(values, np.int64) for values in zip(*alone, strict=True)]
    if awarded is None:
        return Awarded(*columns)
    rows, gross, withheld = (np.concatenate(both) for both in zip(awarded, columns, strict=True))
    order = rows.argsort()
    return Awarded(rows[order], gross[order], withheld[order])
