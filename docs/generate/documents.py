"""The page about documents: how a template is edited, and every place that it may have."""

from __future__ import annotations

from docs.generate.languages import list_items, read_about
from docs.generate.tables import table_in
from domain.vocabulary.kinds import Words
from ledger.documents.catalogue import Column, Place, Table, read_catalogue

PLACE, MEANING = Words("位置", "Place"), Words("含义", "Meaning")
DOCUMENT, ALL = Words("文件", "Document"), Words("全部", "all")


def documents_page(language: str) -> list[str]:
    """The parts of the page, its head apart."""
    catalogue = read_catalogue()
    values = [
        (
            f"`{{{{{Words(name, place.en).in_language(language)}}}}}`",
            _meaning(place, language),
            _documents(place.documents, language),
        )
        for name, place in catalogue.values.items()
    ]
    parts = [
        read_about("documents", language),
        f"## {Words('可填的位置', 'Places').in_language(language)}",
        table_in(language, (PLACE, MEANING, DOCUMENT), values),
    ]
    for name, table in catalogue.tables.items():
        title = Words(name, table.en).in_language(language)
        colon = Words("：", ": ").in_language(language)
        columns = [
            (
                f"`{{{{{title}.{Words(key, column.en).in_language(language)}}}}}`",
                _meaning(column, language),
            )
            for key, column in table.columns.items()
        ]
        parts += [
            f"### {{{{{title}.…}}}}",
            f"{_documents(table.documents, language)}{colon}{_meaning(table, language)}",
            table_in(language, (PLACE, MEANING), columns),
        ]
    return parts


def _meaning(place: Place | Table | Column, language: str) -> str:
    return Words(place.zh, place.means).in_language(language)


def _documents(named: tuple[str, ...], language: str) -> str:
    kinds = read_catalogue().documents
    if len(named) == len(kinds):
        return ALL.in_language(language)
    return list_items(
        (Words(kinds[name].zh, kinds[name].en).in_language(language) for name in named), language
    )
