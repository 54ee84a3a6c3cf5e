"""The kinds of document and the places of each, read from places.yaml beside this file."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import msgspec
import yaml


class DocumentKind(msgspec.Struct, frozen=True):
    """A kind of document: what it is called."""

    zh: str
    en: str


class Column(msgspec.Struct, frozen=True):
    """A column of a table: its English name, and what stands in it."""

    en: str
    zh: str
    means: str


class Place(msgspec.Struct, frozen=True):
    """A single place: its English name, the documents that have it, and what stands there."""

    en: str
    documents: tuple[str, ...] = msgspec.field(name="in")
    zh: str
    means: str


class Table(msgspec.Struct, frozen=True):
    """A table: its English name, the documents that have it, what its rows are, and its columns."""

    en: str
    documents: tuple[str, ...] = msgspec.field(name="in")
    zh: str
    means: str
    columns: dict[str, Column]


class Catalogue(msgspec.Struct, frozen=True):
    """The kinds of document by their names, and every place and table by its Chinese name."""

    documents: dict[str, DocumentKind]
    values: dict[str, Place]
    tables: dict[str, Table]


@cache
def read_catalogue() -> Catalogue:
    """The file, read once."""
    text = files(__package__).joinpath("places.yaml").read_text("utf-8")
    return msgspec.convert(yaml.safe_load(text), Catalogue)


def document_kinds() -> tuple[str, ...]:
    """The names of the kinds of document, in the order of the file."""
    return tuple(read_catalogue().documents)


def values_of(document: str) -> list[str]:
    """The names of a document's single places."""
    return [name for name, place in read_catalogue().values.items() if document in place.documents]


def columns_of(document: str) -> dict[str, tuple[str, ...]]:
    """The columns of a document's tables."""
    tables = read_catalogue().tables.items()
    return {name: tuple(table.columns) for name, table in tables if document in table.documents}


@cache
def aliases(document: str) -> dict[str, str]:
    """The English names of a document's places, each with its Chinese one."""
    names = {read_catalogue().values[name].en: name for name in values_of(document)}
    for name in columns_of(document):
        table = read_catalogue().tables[name]
        names |= {f"{table.en}.{column.en}": f"{name}.{key}" for key, column in table.columns.items()}
    return names
