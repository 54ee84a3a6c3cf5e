"""Kinds of fact as values: what ``domain.vocabulary.load`` reads out of a vocabulary file.

From a kind's declaration follow its event, the schema and the decoder of its message, the columns
of its table, its words on pages and in documents, and the rules by which facts of it disagree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

FieldValues = Mapping[str, object]
"""What a fact says, by field name, as it is stored."""

FaultOfField = tuple[str, dict[str, str]]
"""(code of the fault, what fills its words)."""

CODE_PATTERN = "[a-z0-9][a-z0-9_-]{0,39}"
"""A word of an upstream code list, whole."""
TYPE_PREFIX = "subsidy."
ONLY_WITH = "field.only-with"
"""The fault of a field that stands where it may not."""

Shape = Literal["thing", "figure", "status"]
Reports = Literal["earliest", "sum", "one", "latest"]
Spelling = Literal["text", "identity", "number"]
Form = Literal["text", "word", "choice", "credit-code", "day", "year", "amount", "currency", "whole"]

SHAPES: dict[tuple[Shape, Reports], str] = {
    ("status", "latest"): "profile",
    ("thing", "earliest"): "dated",
    ("figure", "sum"): "amount",
    ("figure", "one"): "figure",
}
"""How ``domain.facts.folding`` counts a kind, by its shape and by what several reports of one matter mean."""


@dataclass(frozen=True, slots=True)
class Words:
    """The same words in both languages."""

    zh: str
    en: str

    def in_language(self, language: str) -> str:
        """The words in ``zh`` or ``en``."""
        return self.en if language == "en" else self.zh


@dataclass(frozen=True, slots=True)
class ColumnWords:
    """What a column of a table says about itself."""

    title: Words
    help: Words
    unit: Words | None = None
    also: tuple[str, ...] = ()
    """What else its heading may be."""
    example: str | None = None
    """What stands in the example of a table; empty: nothing, ``None``: the first value offered."""

    @property
    def with_unit(self) -> Words:
        """Its title, and its unit where it has one."""
        if self.unit is None:
            return self.title
        return Words(f"{self.title.zh}（{self.unit.zh}）", f"{self.title.en} ({self.unit.en})")


@dataclass(frozen=True, slots=True)
class KindField:
    """One field of a kind, with everything that a message, a table and a page need of it."""

    name: str
    """As it is stored: an amount ends in ``_fen``."""
    wire: str
    """As it is called in messages and tables."""
    form: Form
    required: bool
    words: ColumnWords
    label: Words
    """What pages call it."""
    length_max: int = 200
    """Characters of a text."""
    low: int = 0
    high: int = 0
    """Bounds of a whole number, both included."""
    values: tuple[str, ...] = ()
    """All values of a choice; of a word, those that are offered among others."""
    spelling: Spelling = "text"
    """In which canonical form a text is kept (``domain.things.spelling``): an identity tells things apart;
    in a number letters are alike too."""

    @property
    def stored_type(self) -> type[int] | type[str]:
        """As what it is stored; where it is not required, ``None`` stands for nothing."""
        return int if self.form in ("year", "amount", "whole") else str


@dataclass(frozen=True, slots=True)
class CurrencyAmong:
    """The amount is in one of a few currencies, of which the first is the usual one."""

    field: str
    currencies: tuple[str, ...]

    @property
    def reads(self) -> tuple[str, ...]:
        """The fields that it reads."""
        return (self.field,)

    def fault_of(self, values: FieldValues) -> FaultOfField | None:
        """What is wrong with the currency of a fact."""
        if values.get(self.field) in (None, *self.currencies):
            return None
        return "currency.wrong", {"wanted": self.currencies[0]}


@dataclass(frozen=True, slots=True)
class CurrencyBy:
    """The amount is in the currency that belongs to the value of another field, or in one of ``also_in``."""

    field: str
    by: str
    currencies: Mapping[str, str]
    also_in: frozenset[str]

    @property
    def reads(self) -> tuple[str, ...]:
        """The fields that it reads."""
        return self.field, self.by

    def fault_of(self, values: FieldValues) -> FaultOfField | None:
        """What is wrong with the currency of a fact."""
        currency = self.currencies.get(str(values[self.by]), "")
        if values[self.field] == currency or values[self.field] in self.also_in:
            return None
        return "currency.wrong", {"wanted": currency}


@dataclass(frozen=True, slots=True)
class OnlyWith:
    """A field is given only where another one has one of a few values."""

    field: str
    by: str
    values: tuple[str, ...]
    code: str = ONLY_WITH
    """Of the fault; one of its own where it was published before there were such rules."""

    @property
    def reads(self) -> tuple[str, ...]:
        """The fields that it reads."""
        return self.field, self.by

    def fault_of(self, values: FieldValues) -> FaultOfField | None:
        """What is wrong with the field of a fact."""
        if values.get(self.field) is None or values.get(self.by) in self.values:
            return None
        if self.code != ONLY_WITH:
            return self.code, {}
        return self.code, {"by": self.by, "values": ", ".join(self.values)}


FieldRule = CurrencyAmong | CurrencyBy | OnlyWith


@dataclass(frozen=True, slots=True)
class UsualRule:
    """A rule by which facts of the kind disagree in every ledger (``domain.disagreements``)."""

    id: str
    kind: str
    same: tuple[str, ...] = ()
    field: str = ""
    times: int = 0
    then: str = "note"


@dataclass(frozen=True, slots=True)
class Example:
    """A message of the kind as an upstream would send it; ``data`` is by names on the wire."""

    id: str
    source: str
    time: str
    data: Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fact."""

    name: str
    """As its event's class: ``StoreRegistered``."""
    shape: Shape
    reports: Reports
    family: str
    title: Words
    description: str
    """One sentence in English, of its JSON Schema."""
    documentation: Words
    """The same in the documentation, as long as it needs to be."""
    claim: Words
    """What a fact of the kind claims, in a sentence: ``the same shop is reported by …``."""
    condition: Words
    """What a measure waits for that needs one: ``admission above quota``."""
    fields: tuple[KindField, ...]
    """In the order of the message."""
    same: tuple[str, ...]
    """The fields that make two things one, or the reports of one year parts of one sum."""
    rules: tuple[FieldRule, ...]
    usual: tuple[UsualRule, ...]
    example: Example
    of_register: bool = False
    """Whether it says who the enterprise is: such facts may come after its credit code was replaced."""

    @property
    def type(self) -> str:
        """Its type of message: ``subsidy.store-registered.v1``."""
        return type_of(self.name)

    @property
    def folds_as(self) -> str:
        """How ``domain.facts.folding`` counts it."""
        return SHAPES[self.shape, self.reports]

    @property
    def field_names(self) -> tuple[str, ...]:
        """The fields as they are stored, in the order of the message."""
        return tuple(field.name for field in self.fields)

    @property
    def identity(self) -> tuple[str, ...]:
        """The fields that make two things one; of other shapes, none."""
        return self.same if self.shape == "thing" else ()

    @property
    def group(self) -> tuple[str, ...]:
        """The fields by which yearly amounts are kept apart; of other shapes, none."""
        return self.same if self.folds_as == "amount" else ()

    @property
    def attributes(self) -> tuple[str, ...]:
        """What else is known of a thing, beside its identity and its day; of other shapes, none."""
        if self.shape != "thing":
            return ()
        return tuple(name for name in self.field_names if name not in (*self.same, "on"))

    @property
    def selectable(self) -> tuple[str, ...]:
        """The fields by whose values a measure may choose facts of the kind."""
        return (*self.identity, *self.attributes, *self.group)

    def field(self, name: str) -> KindField:
        """The field of a name, as it is stored.

        Raises:
            KeyError: where there is none.
        """
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)

    @property
    def ruled_fields(self) -> tuple[str, ...]:
        """The fields that its rules read."""
        return tuple(dict.fromkeys(name for rule in self.rules for name in rule.reads))

    def faults_across(self, values: FieldValues) -> dict[str, FaultOfField]:
        """By field, what only several fields of a fact together can have wrong."""
        faults: dict[str, FaultOfField] = {}
        for rule in self.rules:
            fault = rule.fault_of(values)
            if fault is not None:
                faults[rule.field] = fault
        return faults


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Kinds of fact with the words that they share."""

    families: Mapping[str, Words]
    kinds: Mapping[str, Kind]
    """By name, in the order in which they are published."""
    fields: Mapping[str, KindField]
    """Fields that several kinds have, by name on the wire."""
    values: Mapping[str, Words]
    """What values of code lists are called, whichever field they stand in."""

    @property
    def coded(self) -> frozenset[str]:
        """Names of the fields that hold a word of an upstream code list, in every kind that has them."""
        kinds = self.kinds.values()
        return frozenset(field.name for kind in kinds for field in kind.fields if field.form == "word")


def kebab(name: str) -> str:
    """``StoreRegistered`` → ``store-registered``."""
    return re.sub(r"(?<!^)([A-Z])", r"-\1", name).lower()


def type_of(name: str) -> str:
    """The type of message of an event: ``StoreRegistered`` → ``subsidy.store-registered.v1``."""
    return f"{TYPE_PREFIX}{kebab(name)}.v1"
