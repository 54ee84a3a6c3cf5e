"""Families of facts as tables: which columns a table has follows from the message schemas alone."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from domain.events import CATALOGUE
from domain.vocabulary.words import Words, words
from ledger.intake.messages.fields import Choice, MessageField, Slug
from ledger.intake.messages.schemas import DATA, TYPE_OF, Envelope

FAMILIES: dict[str, tuple[str, ...]] = {
    "enterprises": ("EnterpriseRegistered", "EnterpriseReplaced"),
    "shops": ("StoreRegistered", "DirectSalesBranchRegistered", "AboveQuotaAdmitted"),
    "sales": ("SalesReported", "ContributionAssessed"),
    "brands": ("BrandCertified", "StandardPublished"),
    "recognitions": ("WarehouseRecognised", "RecognitionGranted"),
    "design": ("DesignPurchased", "DesignServicesSold", "ResearchSpent"),
    "other-awards": ("OtherAwardRecorded",),
    "claims": ("ClaimSubmitted", "ClaimApproved", "ClaimRejected", "ClaimWithdrawn"),
    "retractions": ("FactRetracted",),
}
"""Each family's tables, by the class names of their events."""
NOT_TABULAR = ("FactCorrected",)
"""A correction changes any fields of any fact: it has no columns of its own."""

LISTS = "选项 Lists"
"""The hidden sheet of a template that its drop-downs take their values from."""
BACK = ("id", "faults")
"""Columns that only rows that come back have."""
UNREAD = ("note", "faults")
EXAMPLE_MARKS = ("示例", "example")
"""How the note of a row begins that is not read."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table; ``field`` is the field of the message that it fills."""

    key: str
    """Its name on the wire, or ``note``, ``id``."""
    field: MessageField | None
    path: str
    """Where a fault of the message names it: ``data.amount``, ``subject``."""
    required: bool
    words: Words
    offers: tuple[str, ...] = ()
    """Values that it offers; of a choice, all there are."""

    @property
    def headings(self) -> tuple[str, str]:
        """Its heading in Chinese, with unit and a mark where it is required, and in English."""
        zh, en = self.words["zh"], self.words["en"]
        if "unit_zh" in self.words:
            zh, en = f"{zh}（{self.words['unit_zh']}）", f"{en} ({self.words['unit_en']})"
        return (f"{zh}*", f"{en} *") if self.required else (zh, en)


@cache
def columns_of(name: str) -> tuple[Column, ...]:
    """The columns of an event's table, in the order of its schema."""
    envelope = Envelope().fields
    dated = CATALOGUE[name].shape == "dated"
    made = [
        _column(name, "note", None, "", False),
        _column(name, "subject", envelope["subject"], "subject", True),
    ]
    for key, field in DATA[name]().fields.items():
        wire = field.data_key or key
        made.append(_column(name, wire, field, f"data.{wire}", field.required))
    made.append(_column(name, "time", envelope["time"], "time", not dated))
    made += [_column(name, key, None, key, False) for key in BACK]
    return tuple(made)


def _column(name: str, key: str, field: Any, path: str, required: bool) -> Column:
    offers = tuple(words()["offers"].get(f"{name}.{key}", ()))
    if isinstance(field, Choice):
        offers = tuple(field.json_schema["enum"])
    return Column(key, field, path, bool(required), words()["columns"][key], offers)


def label(value: str, language: str = "zh") -> str:
    """What people call a value; the value itself where they have no word of their own."""
    name = _NAME_OF.get(value)
    found = words()["types"].get(name) if name else words()["values"].get(value)
    return str(found[language]) if found else value


_NAME_OF = {type_: name for name, type_ in TYPE_OF.items()}


def folded(text: str) -> str:
    """A text as it is compared: full-width characters, case, blanks and marks make no difference."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter for letter in plain if letter not in "*_-—:： \u3000" and not letter.isspace())


@cache
def values_of(name: str, key: str) -> dict[str, str]:
    """What may stand in a column of a list, folded, with the value that it means."""
    column = next(column for column in columns_of(name) if column.key == key)
    return {folded(said): value for value in column.offers for said in _said(value)}


@cache
def of_other_lists(name: str) -> dict[str, tuple[str, str]]:
    """Every word that a list offers, folded: (table, key of the column), this table's own first."""
    ordered = ((value, place) for value, places in _offered().items() for place in places)
    found: dict[str, tuple[str, str]] = {}
    for value, place in sorted(ordered, key=lambda each: each[1][0] != name):
        for said in _said(value):
            found.setdefault(folded(said), place)
    return found


@cache
def _offered() -> dict[str, list[tuple[str, str]]]:
    """Every value that a list offers, with the lists' tables and columns."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name in (name for names in FAMILIES.values() for name in names):
        for column in columns_of(name):
            for value in column.offers:
                found.setdefault(value, []).append((name, column.key))
    return found


def _said(value: str) -> tuple[str, str, str]:
    return value, label(value), label(value, "en")


def both(said: Callable[[str], str]) -> Words:
    """What fills the words of a fault, in both languages."""
    return {language: said(language) for language in ("zh", "en")}


def names_of(column: Column) -> Iterator[str]:
    """Everything a column may be called, folded, without a unit."""
    for said in (column.key, column.words["zh"], column.words["en"], *column.words.get("also", ())):
        yield folded(str(said))


def family_of(name: str) -> str:
    """The family that a table belongs to."""
    return next(family for family, names in FAMILIES.items() if name in names)


def is_list(field: MessageField | None) -> bool:
    """Whether a column holds words of a list."""
    return isinstance(field, Choice | Slug)
