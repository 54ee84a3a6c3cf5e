"""Rows for spreadsheets, right ones and wrong ones, written as officers type them.

A right row is one that the issue's words allow; a wrong one has one mistake in one cell. What is
expected of a mistake is written beside it, from the rules that ``docs/errors.md`` states.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from ledger.intake.messages.fields import (
    Choice,
    CreditCode,
    Day,
    Instant,
    Money,
    Sha256,
    Slug,
    Text,
    WholeNumber,
)
from ledger.intake.sheets.tables import SHIPPED_TABLES, Column
from ledger.intake.sheets.template import template_columns
from tests.events import CIXI
from tests.oracle.codes import credit_code

Typed = tuple[str, str]
"""(kind as ``tests.office`` knows it, value)."""

DAYS: tuple[Typed, ...] = (
    ("text", "2024-03-05"),
    ("text", "2024/3/5"),
    ("text", "2024年3月5日"),
    ("text", "20240305"),
    ("text", "２０２４－０３－０５"),
    ("date", "2024;3;5"),
    ("number", "45356"),
    ("text", " 2024.03.05　"),
)
"""Ways to write the fifth of March 2024."""
AMOUNTS: tuple[Typed, ...] = (
    ("number", "1500.25"),
    ("text", "1500.25"),
    ("text", "1,500.25"),
    ("text", "¥1,500.25"),
    ("text", "１５００．２５元"),
    ("text", "0.150025万元"),
    ("formula", "=3000.5/2"),
    ("text", " 1500.25　"),
)
"""Ways to write ¥1,500.25."""
YEARS: tuple[Typed, ...] = (
    ("number", "2024"),
    ("text", "2024"),
    ("text", "2024年"),
    ("text", "２０２４年度"),
)

CHOSEN = {
    "size": "小型",
    "currency": "CNY",
    "channel": "网络销售",
    "platform": "天猫",
    "level": "宁波市",
    "authority": "宁波市",
    "of_type": "店铺注册",
}
KINDS = {"StoreRegistered": "旗舰店", "BrandCertified": "服务商标", "RecognitionGranted": "信用评价"}


NOTHING_BEFORE = {"retracted": 0, "repeated": 0}
"""Counts of rows that say what was said before, where there are none."""
OF_SUCCESSORS = 100_000
"""From which number on codes are those of successors."""


def right(name: str, number: int) -> dict[str, Typed]:
    """A right row, the ``number``-th of its table, by key of its columns."""
    return {
        column.key: _right(name, column, number)
        for column in template_columns(SHIPPED_TABLES.by_name[name])
        if column.key != "note"
    }


def _right(name: str, column: Column, number: int) -> Typed:
    key, field = column.key, column.field
    if isinstance(field, Sha256):
        return "text", hashlib.sha256(f"{number}".encode()).hexdigest()
    if isinstance(field, CreditCode):
        code = credit_code(number + OF_SUCCESSORS if key == "by" else number)
        return "text", (code, f" {code}　", code.lower(), _wide(code))[number % 4]
    if isinstance(field, Money):
        return AMOUNTS[number % len(AMOUNTS)]
    if key == "floor_area_m2":
        return "text", "20,000"
    if isinstance(field, WholeNumber):
        return YEARS[number % len(YEARS)]
    if isinstance(field, Day | Instant):
        return DAYS[number % len(DAYS)]
    if key == "customs_code":
        return "text", ""
    if key == "kind":
        return "text", KINDS[name]
    if isinstance(field, Choice | Slug):
        return "text", CHOSEN[key]
    fixed = {"policy": CIXI, "measure": "standard.cixi", "person": "", "of_source": ""}
    return "text", fixed.get(key, f"{column.words.title.zh}（第{number}号）")


def _wide(text: str) -> str:
    return "".join(chr(ord(letter) + 0xFEE0) for letter in text)


class Mistake(NamedTuple):
    """One way to fill in a cell wrongly, and the code of what is wrong."""

    way: str
    key: str
    typed: Typed
    code: str


SHORT_CODE = credit_code(1)[:17]
OF_CODES = (
    ("a code of 17 characters", "text", SHORT_CODE, "code.shape"),
    ("a code of 19 characters", "text", credit_code(1) + "0", "code.shape"),
    (
        "a wrong check character",
        "text",
        SHORT_CODE + ("A" if credit_code(1)[17] != "A" else "B"),
        "code.check",
    ),
    ("a code with the letter O", "text", "91330282MAO0000001", "code.shape"),
    ("a code with hyphens", "text", "91330282-MA0000001D", "code.shape"),
    ("a code that became a number", "number", "913302820000000000", "cell.digits"),
    ("a code saved in scientific form", "text", "9.13303E+17", "cell.digits"),
    ("a name in place of the code", "text", "某某公司", "code.shape"),
)
OF_TEXTS = (
    ("a text of 201 characters", "text", "长" * 201, "text.length"),
    ("a text that became a date", "date", "2024;3;5", "cell.date"),
    ("a text that became a long number", "number", "1234567890123456789", "cell.digits"),
    ("a text on two lines", "formula", '="甲"&CHAR(10)&"乙"', "text.form"),
)
OF_DIGESTS = (
    ("a digest cut short", "text", "a" * 63, "text.form"),
    ("a digest with a letter too many", "text", "a" * 65, "text.form"),
    ("a digest with another letter", "text", "g" * 64, "text.form"),
    ("a digest that became a date", "date", "2024;3;5", "cell.date"),
)
OF_DAYS = (
    ("the thirtieth of February", "text", "2024-02-30", "date.form"),
    ("a thirteenth month", "text", "2024/13/1", "date.form"),
    ("a year of two digits", "text", "24/3/5", "date.form"),
    ("the day before the year", "text", "5/3/2024", "date.form"),
    ("digits that are no day", "number", "20240230", "date.form"),
    ("a day in words", "text", "去年三月", "date.form"),
    ("a day in the last century", "text", "1999-12-31", "date.form"),
    ("a day to come", "text", "2099-01-01", "date.future"),
)
OF_TIMES = (
    ("the thirty-first of June", "text", "2024-06-31", "cell.time"),
    ("an hour that does not exist", "text", "2024-03-05 25:00", "cell.time"),
    ("a moment in words", "text", "昨天", "cell.time"),
    ("a moment to come", "text", "2099-01-01", "time.future"),
    ("a moment in the last century", "text", "1999年12月31日", "cell.time"),
    ("a year alone", "number", "2024", "cell.time"),
)
OF_AMOUNTS = (
    ("a negative amount", "number", "-5", "money.negative"),
    ("a negative amount in brackets", "text", "(100.00)", "money.negative"),
    ("three decimals as text", "text", "12.345", "money.decimals"),
    ("three decimals as a number", "number", "12.345", "money.decimals"),
    ("an amount of a part of a fen in 万元", "text", "0.0000015万元", "money.decimals"),
    ("an amount in words", "text", "一百元", "money.form"),
    ("an amount in 亿", "text", "1.5亿元", "money.form"),
    ("separators at the wrong places", "text", "1,50,0", "money.form"),
    ("an amount above the limit", "number", "10000000000000", "money.form"),
    ("an amount that became a date", "date", "2024;3;5", "cell.date"),
)
OF_YEARS = (
    ("half a year", "number", "2024.5", "cell.whole"),
    ("a year in Chinese numerals", "text", "二〇二四", "cell.whole"),
    ("a year before 2000", "number", "1999", "year.range"),
    ("a year after 2100", "number", "2101", "year.range"),
    ("a year to come", "number", "2099", "year.future"),
    ("a year that became a date", "date", "2024;1;1", "cell.date"),
    ("two years", "text", "2024-2025", "cell.whole"),
)
OF_LISTS = (
    ("a word that is not in the list", "text", "没有这一项", "cell.choice"),
    ("a date in place of a word", "date", "2024;3;5", "cell.date"),
)
OF_ANY = (
    ("a formula with an error", "formula", "=1/0", "cell.error"),
    ("a truth", "formula", "=TRUE()", "cell.truth"),
)
BY_KIND: tuple[tuple[type, tuple[tuple[str, str, str, str], ...]], ...] = (
    (CreditCode, OF_CODES),
    (Money, OF_AMOUNTS),
    (WholeNumber, OF_YEARS),
    (Day, OF_DAYS),
    (Instant, OF_TIMES),
    (Choice, OF_LISTS),
    (Slug, OF_LISTS),
    (Sha256, OF_DIGESTS),
    (Text, OF_TEXTS),
)


def mistakes(name: str) -> Iterator[Mistake]:
    """Every mistake that a table's columns allow; each way is one mistake in one column."""
    for column in SHIPPED_TABLES.by_name[name].columns:
        if column.field is None or column.key == "floor_area_m2":
            continue
        found = next(said for kind, said in BY_KIND if isinstance(column.field, kind))
        for way, kind, value, code in (*found, *OF_ANY):
            if not _fits(column, way):
                continue
            yield Mistake(f"{column.key}: {way}", column.key, (kind, value), code)
        if column.required:
            yield Mistake(f"{column.key}: nothing", column.key, ("clear", ""), "field.missing")


def _fits(column: Column, way: str) -> bool:
    """Names of persons and reasons may be longer, and a town's is shorter, which is the same mistake."""
    return not (column.key == "reason" and way == "a text of 201 characters")


def chosen(names: tuple[str, ...], count: int) -> list[tuple[str, Mistake]]:
    """Different mistakes for the tables of a family, spread over tables and columns."""
    queues: list[tuple[str, list[Mistake]]] = []
    for name in names:
        by_key: dict[str, list[Mistake]] = {}
        for each in mistakes(name):
            by_key.setdefault(each.key, []).append(each)
        queues += [(name, found) for found in by_key.values()]
    picked: list[tuple[str, Mistake]] = []
    while len(picked) < count and any(queue for _, queue in queues):
        for name, queue in queues:
            if queue and len(picked) < count:
                picked.append((name, queue.pop(0)))
    return picked
