"""Places in a template, ``{{应兑现合计}}``: which there are, and what stands in them.

A place is named in Chinese or English; one with a full stop, ``{{名单.企业名称}}``, stands for a
column of a table, and the row (or paragraph) that it stands in is repeated for each record. There
is no code in a template: nothing in it is ever carried out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from domain.money.amounts import print_fen
from ledger.export.books import NotExportable

PLACE = re.compile(r"\{\{\s*([^{}]{1,80}?)\s*\}\}")


class Fen(int):
    """An amount in fen: text in a paragraph, a number in a spreadsheet's cell."""

    def __str__(self) -> str:
        return ("-" if self < 0 else "") + print_fen(abs(self), grouped=True)


Value = str | int | Fen
Record = Mapping[str, Value]


class UnknownPlace(NamedTuple):
    """A place in a template that no document has."""

    name: str
    location: str


class TemplateError(NotExportable):
    """A template that cannot be filled: every place that there is not, and where it stands."""

    def __init__(self, faults: list[UnknownPlace], names: list[str]) -> None:
        self.faults, self.known = faults, names
        unknown_names = "; ".join(f"{each.location}: {{{{{each.name}}}}}" for each in faults[:20])
        super().__init__(
            f"模板中有不能填的位置 · the template has places that there are not: {unknown_names} — "
            f"可用 · there are: {', '.join(names)}"
        )


@dataclass(frozen=True)
class Filling:
    """What stands in a document's places; tables are gone through once, record by record."""

    values: Mapping[str, Value]
    tables: Mapping[str, Callable[[], Iterable[Record]]] = field(default_factory=dict)
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    """How many records the tables have whose length depends on the number of enterprises."""

    def check_rows(self, tables: Iterable[str | None], rows_max: int, mend: str) -> None:
        """See, before anything is written, that the tables of a template are no longer than its form allows.

        Raises:
            NotExportable: where one is; the text says which, its rows and the mend.
        """
        for table in tables:
            count = self.counts.get(table or "", 0)
            if count > rows_max:
                raise NotExportable(
                    f"{table}: {count:,} 行，至多 {rows_max:,} 行 · rows, more than fit — {mend}"
                )

    def names(self) -> list[str]:
        """Every place that a template may have, by its first name."""
        return [*self.values, *(f"{table}.{name}" for table, found in self.columns.items() for name in found)]


def places_in(text: str) -> list[str]:
    """The names of the places in a text."""
    return PLACE.findall(text)


def table_of(text: str, aliases: Mapping[str, str]) -> str | None:
    """The table whose column stands in a text; the first one where there are several."""
    for name in places_in(text):
        table, dot, _ = aliases.get(name, name).partition(".")
        if dot:
            return table
    return None


def filled(text: str, values: Mapping[str, Value], aliases: Mapping[str, str]) -> str:
    """A text with its places filled; a place that has no value here stays."""

    def value(match: re.Match[str]) -> str:
        name = aliases.get(match[1], match[1])
        return str(values[name]) if name in values else match[0]

    return PLACE.sub(value, text)


def single(text: str, values: Mapping[str, Value], aliases: Mapping[str, str]) -> Value | None:
    """The value of a text that is one place and nothing else; ``None`` for any other text."""
    match = PLACE.fullmatch(text.strip())
    return values.get(aliases.get(match[1], match[1])) if match else None


def unknown(
    texts: Iterable[tuple[str, str]], names: set[str], aliases: Mapping[str, str]
) -> Iterator[UnknownPlace]:
    """The places of some texts (where they stand, text) that there are not."""
    for location, text in texts:
        for name in places_in(text):
            if aliases.get(name, name) not in names:
                yield UnknownPlace(name, location)
        if "{{" in PLACE.sub("", text) or "}}" in PLACE.sub("", text):
            yield UnknownPlace(PLACE.sub("", text).strip()[:40], location)
