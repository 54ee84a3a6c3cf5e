"""Tables of generated pages."""

from __future__ import annotations

from collections.abc import Iterable

from domain.vocabulary.kinds import Words


def table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table in Markdown; a bar within a cell is escaped."""
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def table_in(language: str, heads: tuple[Words, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """The same with its heads in a language."""
    return table(tuple(head.in_language(language) for head in heads), rows)
