"""Finding enterprises: by a part of the name or the beginning of the credit code, and by town."""

from __future__ import annotations

from typing import NamedTuple

_ESCAPE = "!"


class Search(NamedTuple):
    """What enterprises are looked for; an empty text asks for nothing.

    ``text`` is a part of the name or the beginning of the credit code, whatever the case of
    its letters A to Z; ``town`` is the whole name of a town or street.
    """

    text: str = ""
    town: str = ""

    def matches(self, code: str, name: str, town: str) -> bool:
        """Whether an enterprise is meant; the same as ``clause`` says in SQL."""
        text = _lower(self.text)
        return self.town in ("", town) and (_lower(code).startswith(text) or text in _lower(name))

    def clause(self) -> tuple[str, list[str]]:
        """Conditions on the table of enterprises, to be added to others, with their values.

        They read nothing but what ``enterprises_by_name`` and ``enterprises_by_town`` hold, so
        that a search passes over index pages and never over the facts of enterprises.
        """
        sql, values = "", []
        if self.town:
            sql += " AND town=?"
            values.append(self.town)
        if self.text:
            # On either store LOWER changes A to Z alone: SQLite's does, and the columns' collation is C.
            like = f"LIKE ? ESCAPE '{_ESCAPE}'"
            sql += f" AND (LOWER(code) {like} OR LOWER(name) {like})"
            text = _escaped(_lower(self.text))
            values += [f"{text}%", f"%{text}%"]
        return sql, values


ANY = Search()


def _lower(text: str) -> str:
    """Small letters for A to Z, as the stores do it."""
    return "".join(each.lower() if each.isascii() else each for each in text)


def _escaped(text: str) -> str:
    for special in (_ESCAPE, "%", "_"):
        text = text.replace(special, _ESCAPE + special)
    return text
