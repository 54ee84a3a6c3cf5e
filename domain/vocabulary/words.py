"""What tables are called that hold no kind of fact, and columns that are no field of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from domain.vocabulary.blocks import Block, VocabularyError, VocabularyFault, parse_vocabulary
from domain.vocabulary.kinds import ColumnWords, Words
from domain.vocabulary.load import read_column, read_words


@dataclass(frozen=True, slots=True)
class TableWords:
    """Words of spreadsheets beside those of the kinds."""

    families: Mapping[str, Words]
    tables: Mapping[str, Words]
    """Titles of the tables of claim steps and retractions, by class name of their event."""
    columns: Mapping[str, ColumnWords]
    unread: Mapping[str, Words]
    """Why a sheet was not read, by reason."""


@cache
def table_words() -> TableWords:
    """The words of tables that hold no kind of fact."""
    faults: list[VocabularyFault] = []
    text = files(__package__).joinpath("words.yaml").read_text("utf-8")
    block = Block("words.yaml", "", parse_vocabulary(text), faults)
    columns = block.inner("columns")
    words = TableWords(
        families=read_words(block.inner("families")),
        tables=read_words(block.inner("tables")),
        columns={key: _column(columns.inner(key)) for key in columns.values},
        unread=read_words(block.inner("unread")),
    )
    block.finish()
    if faults:
        raise VocabularyError(faults)
    return words


def _column(block: Block) -> ColumnWords:
    words = read_column(block)
    block.finish()
    return words
