"""The page that specifies what the ledger hands out: prose from ``about_formats``, the rest from the code."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator
from typing import Any, NamedTuple

from docs.generate import vectors
from docs.generate.languages import read_about
from docs.generate.tables import table_in
from domain.events import CATALOGUE
from domain.events.accounts import AwardLine
from domain.events.claims import Evidence
from domain.events.event import Capacity, Speaker
from domain.events.settlements import BudgetPart, MeasureSum, OpenItem, OpenMatter, PotShare
from domain.settlement.public_list import FORMAT as LIST_FORMAT
from domain.settlement.receipt import FORMAT as RECEIPT_FORMAT
from domain.vocabulary.kinds import Words
from ledger.audit.bundle import FORMAT as BUNDLE_FORMAT
from ledger.audit.bundle import SEALED

FIELDS = Words("字段，依次", "Fields, in order")
TYPE_NAMES = {
    str: Words("文字", "text"),
    int: Words("整数", "whole number"),
    bool: Words("布尔", "boolean"),
}
EARLIER = {
    "SalesReported": Words(
        "`amount`（文字）代替 `amount_fen`；没有 `customs_code`",
        "`amount`, text, in place of `amount_fen`; no `customs_code`",
    ),
    "SettlementProposed": Words("没有 `budgets`、`pots`，即为空", "no `budgets` and `pots`: they are empty"),
    "SettlementPublished": Words(
        "没有 `list_root`、`list_lines`，即为 null", "no `list_root` and `list_lines`: they are null"
    ),
    "SettlementClosed": Words("没有 `budgets`、`pots`，即为空", "no `budgets` and `pots`: they are empty"),
}
"""What version 1 of a kind was, of each kind that has a version 2."""
PARTS: tuple[type, ...] = (
    AwardLine,
    BudgetPart,
    PotShare,
    MeasureSum,
    OpenMatter,
    OpenItem,
    Evidence,
    Speaker,
    Capacity,
)
WIDTH = 64
"""Hexadecimal digits on a line of an example."""


class _Block(NamedTuple):
    """A part of an entry, with what it is."""

    digits: str
    what: str


def formats_page(language: str) -> Iterator[str]:
    """The parts of the page, its head apart."""
    inserts = {
        "leaf": _fenced(_leaf_example()),
        "key": _fenced(_key_example()),
        "note": _fenced(vectors.notes()["checkpoint"]["note"]),  # type: ignore[index]
        "events": _events(language),
        "parts": _parts(language),
        "earlier": _earlier(language),
        "listbody": _fenced(
            f"{LIST_FORMAT}\n<policy> <year> <number>\n<lines> <root>\n<position>\n<published>\n"
        ),
        "list": _fenced(str(vectors.public_list()["file"])),
        "sealbody": _fenced(f"{RECEIPT_FORMAT}\n<enterprise> <policy> <year>\n<document>\n<marks>\n"),
        "bundleseal": _fenced(
            "".join(f"{line}\n" for line in [BUNDLE_FORMAT, *(f"{name} <SHA-256>" for name in SEALED)])
        ),
    }
    yield re.sub(r"@@(\w+)@@", lambda match: inserts[match[1]], read_about("formats", language))


def _fenced(text: str) -> str:
    return f"```text\n{text.rstrip()}\n```"


def _leaf_example() -> str:
    vector: dict[str, Any] = vectors.leaves()[0]
    entry, owner, topic = vector["entry"], vector["originator"].encode(), vector["topic"].encode()
    ends = (32, 16, 16, 8, 2 * len(owner), 8, 2 * len(topic), 2 * len(vector["state"].encode()))
    parts, start = [], 0
    for end in ends:
        parts.append(entry[start : start + end])
        start += end
    lines = [part[at : at + WIDTH] for part in parts for at in range(0, len(part), WIDTH)]
    return "\n".join([*lines, "", f"SHA-256(00 || ...) = {vector['leaf']}"])


def _key_example() -> str:
    keys: Any = vectors.notes()["keys"]
    return "\n".join(key["vkey"] for key in keys)


def _events(language: str) -> str:
    rows = [
        (f"`{name}`", str(kind.class_version), _fields(kind, language, getattr(kind, "desk_fields", ())))
        for name, kind in CATALOGUE.items()
    ]
    return table_in(language, (Words("种类", "Kind"), Words("版本", "Version"), FIELDS), rows)


def _parts(language: str) -> str:
    rows = [
        (
            f"`{part.__name__}`",
            Words("数组", "array").in_language(language)
            if issubclass(part, tuple)
            else Words("对象", "object").in_language(language),
            _fields(part, language),
        )
        for part in PARTS
    ]
    return table_in(language, (Words("部分", "Part"), Words("存为", "Stored as"), FIELDS), rows)


def _earlier(language: str) -> str:
    kinds = [name for name, kind in CATALOGUE.items() if kind.class_version > 1]
    rows = [(f"`{name}`", "1", EARLIER[name].in_language(language)) for name in kinds]
    heads = Words("种类", "Kind"), Words("版本", "Version"), Words("不同之处", "How it differs")
    return table_in(language, heads, rows)


def _fields(kind: Any, language: str, desk: frozenset[str] | tuple[str, ...] = ()) -> str:
    hints = typing.get_type_hints(kind)
    names = getattr(kind, "__struct_fields__", None) or kind._fields
    optional = {*desk, *(["pot"] if kind is AwardLine else [])} | (
        set(names) if kind in (Speaker, Capacity) else set()
    )
    marks = {name: "?" if name in optional else "" for name in names}
    return "; ".join(f"`{name}`{marks[name]} {_type_name(hints[name], language)}" for name in names)


def _type_name(hint: Any, language: str) -> str:
    if hint in TYPE_NAMES:
        return TYPE_NAMES[hint].in_language(language)
    parts = typing.get_args(hint)
    origin = typing.get_origin(hint)
    if origin is tuple:
        return f"[{_type_name(parts[0], language)} …]"
    if origin is dict:
        return f"{{{_type_name(parts[1], language)} …}}"
    if origin in (typing.Union, types.UnionType):
        if len(parts) > 4:
            return Words("对象", "object").in_language(language)
        return " / ".join("null" if part is type(None) else _type_name(part, language) for part in parts)
    return f"`{hint.__name__}`"
