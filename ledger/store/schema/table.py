"""What a table is, as it is declared: what it holds, its columns, and whether it can be rebuilt."""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple


class Rebuilding(Enum):
    """Whether a table can be made again from the events, in zh-CN and English."""

    NEVER = ("否", "no")
    DELETABLE = ("否，可删除", "no; can be deleted")
    ERASABLE = ("否，可删除", "no; can be erased")
    AUDITED = ("否，核对时与事件比对", "no; an audit holds it against the events")
    FROM_EVENTS = ("由事件", "from the events")
    REPLAYED = ("是", "yes")


class Column(NamedTuple):
    """One column of a table."""

    name: str
    kind: str
    """``text``, ``integer`` or ``blob``."""
    nullable: bool


class Table(NamedTuple):
    """One table: what it holds, and its columns as SQL in which ``{int}`` and ``{blob}`` are the store's."""

    holds_zh: str
    holds_en: str
    rebuilding: Rebuilding
    definition: str
    clustered: bool = False
    """Whether SQLite keeps its rows in the order of the key."""
    since: int = 1
    """The version of the schema that it came with; a table of a new version is made by ``migrate``."""

    @property
    def key(self) -> tuple[str, ...]:
        """The columns of its primary key, in order."""
        match = _KEY.search(self.definition)
        if match:
            return tuple(match[1].split(", "))
        own = _OWN_KEY.search(self.definition)
        return (own[1],) if own else ()

    @property
    def columns(self) -> tuple[Column, ...]:
        """Its columns, in order."""
        parts = re.sub(r",\s*PRIMARY KEY \(.*", "", self.definition).split(",")
        return tuple(_column(part.strip()) for part in parts)


def _column(part: str) -> Column:
    match = _COLUMN.match(part)
    assert match, part
    bound = "NOT NULL" in match[3] or "PRIMARY KEY" in match[3]
    return Column(match[1], _KINDS[match[2]], not bound)


_KEY = re.compile(r"PRIMARY KEY \(([^)]*)\)")
_OWN_KEY = re.compile(r"(\w+) \S+ (?:NOT NULL )?PRIMARY KEY")
_COLUMN = re.compile(r"(\w+) (TEXT|\{int\}|\{blob\})(.*)")
_KINDS = {"TEXT": "text", "{int}": "integer", "{blob}": "blob"}
