"""Families of facts as tables: which columns a table has follows from the message schemas alone."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as field_of
from functools import cached_property

from domain.vocabulary.kinds import TYPE_PREFIX, ColumnWords, Vocabulary, Words
from domain.vocabulary.load import shipped_vocabulary
from domain.vocabulary.words import table_words
from ledger.intake.messages.decode import SHIPPED_DECODER, Decoder
from ledger.intake.messages.fields import Choice, MessageField, Slug
from ledger.intake.messages.schemas import DOCUMENT_MEMBERS, Envelope, MessageTypes

OTHER_FAMILIES: dict[str, tuple[str, ...]] = {
    "claims": ("ClaimSubmitted", "ClaimApproved", "ClaimRejected", "ClaimWithdrawn"),
    "retractions": ("FactRetracted",),
}
"""Families of tables that hold no kind of fact, by the class names of their events."""
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
    words: ColumnWords
    offers: Mapping[str, Words] = field_of(default_factory=dict)
    """Values that it offers, with what people call them; of a choice, all there are."""

    @property
    def headings(self) -> Words:
        """Its heading with unit, and a mark where it is required."""
        heading = self.words.with_unit
        return Words(f"{heading.zh}*", f"{heading.en} *") if self.required else heading

    @property
    def is_list(self) -> bool:
        """Whether it holds words of a list."""
        return isinstance(self.field, Choice | Slug)

    @property
    def names(self) -> Iterator[str]:
        """Everything that it may be called, folded, without a unit."""
        for name in (self.key, self.words.title.zh, self.words.title.en, *self.words.also):
            yield folded(name)

    def offered(self, language: str) -> list[str]:
        """What people call the values that it offers."""
        return [words.in_language(language) for words in self.offers.values()]


@dataclass(frozen=True)
class Table:
    """The table of one event; ``name`` is its class name."""

    name: str
    type: str
    family: str
    title: Words
    columns: tuple[Column, ...]
    """In the order of its message, with what stands before and behind its data."""
    dated: bool
    """Whether a fact has a day of its own, from which its time follows."""

    @property
    def short_type(self) -> str:
        """The middle of its message type: ``store-registered``."""
        return self.type.removeprefix(TYPE_PREFIX).removesuffix(".v1")

    @cached_property
    def by_key(self) -> Mapping[str, Column]:
        """Its columns by key."""
        return {column.key: column for column in self.columns}

    @cached_property
    def by_heading(self) -> Mapping[str, Column]:
        """Its columns by everything that each may be called, folded."""
        return {name: column for column in self.columns for name in column.names}

    @cached_property
    def values(self) -> Mapping[str, Mapping[str, str]]:
        """What may stand in each column of a list, folded, with the value that it means."""
        return {
            column.key: {
                text: value for value, words in column.offers.items() for text in _texts(value, words)
            }
            for column in self.columns
        }


@dataclass(frozen=True)
class Tables:
    """The tables in which the messages of a vocabulary may come."""

    vocabulary: Vocabulary
    decoder: Decoder

    @property
    def types(self) -> MessageTypes:
        """The types of the messages that their rows become."""
        return self.decoder.types

    @cached_property
    def families(self) -> Mapping[str, tuple[str, ...]]:
        """Each family's tables, by the class names of their events."""
        kinds = self.vocabulary.kinds.values()
        of_kinds = {
            family: tuple(kind.name for kind in kinds if kind.family == family)
            for family in self.vocabulary.families
        }
        return of_kinds | OTHER_FAMILIES

    @cached_property
    def titles(self) -> Mapping[str, Words]:
        """What families are called."""
        return {**self.vocabulary.families, **table_words().families}

    @cached_property
    def by_name(self) -> Mapping[str, Table]:
        """Every table by the class name of its event, in the order of the types of messages."""
        family_of = {name: family for family, names in self.families.items() for name in names}
        return {
            name: self._table(name, family_of[name]) for name in self.types.schemas if name not in NOT_TABULAR
        }

    @cached_property
    def by_short_type(self) -> Mapping[str, Table]:
        """Every table by the middle of its message type: ``store-registered``."""
        return {table.short_type: table for table in self.by_name.values()}

    def name_of(self, short_type: str | None) -> str | None:
        """The class name of a table's event by the middle of its message type; ``None``: there is none."""
        table = self.by_short_type.get(short_type or "")
        return table.name if table else None

    def elsewhere(self, table: Table, text: str) -> tuple[Table, Column] | None:
        """The list that offers a word, folded; of several, the table's own, or else the first."""
        places = self._offering.get(text, ())
        return next((place for place in places if place[0] is table), places[0] if places else None)

    @cached_property
    def _offering(self) -> Mapping[str, list[tuple[Table, Column]]]:
        """Every word that lists offer, folded, with their tables and columns in the order of the families."""
        places: dict[str, list[tuple[Table, Column]]] = {}
        for table in (self.by_name[name] for names in self.families.values() for name in names):
            for column in table.columns:
                for text in table.values[column.key]:
                    places.setdefault(text, []).append((table, column))
        return places

    def _table(self, name: str, family: str) -> Table:
        envelope = Envelope().fields
        kind = self.types.schemas[name].kind
        dated = kind is not None and kind.folds_as == "dated"
        columns = [
            self._column(name, "note", None, ""),
            self._column(name, "subject", envelope["subject"], "subject", required=True),
        ]
        for key, message_field in self.types.schemas[name]().fields.items():
            wire = message_field.data_key or key
            columns.append(
                self._column(name, wire, message_field, f"data.{wire}", required=message_field.required)
            )
        columns.append(self._column(name, "time", envelope["time"], "time", required=not dated))
        columns += [self._column(name, key, envelope[key], key) for key in DOCUMENT_MEMBERS]
        columns += [self._column(name, key, None, key) for key in BACK]
        title = kind.title if kind is not None else table_words().tables[name]
        return Table(name, self.types.type_of[name], family, title, tuple(columns), dated)

    def _column(
        self, name: str, key: str, message_field: object, path: str, required: bool = False
    ) -> Column:
        kind = self.types.schemas[name].kind
        declared = {each.wire: each for each in kind.fields} if kind is not None else self.vocabulary.fields
        words = declared[key].words if key in declared else table_words().columns[key]
        values: tuple[str, ...] = ()
        if isinstance(message_field, Choice):
            values = tuple(sorted(message_field.choices))
        elif isinstance(message_field, Slug) and key in declared:
            values = declared[key].values
        offers = {value: self._value_words(value) for value in values}
        field_or_none = message_field if isinstance(message_field, MessageField) else None
        return Column(key, field_or_none, path, required, words, offers)

    def _value_words(self, value: str) -> Words:
        """What people call a value; the value itself where they have no word of their own."""
        name = self.types.types.get(value)
        kind = self.vocabulary.kinds.get(name or "")
        if kind is not None:
            return kind.title
        if name in table_words().tables:
            return table_words().tables[name or ""]
        return self.vocabulary.values.get(value, Words(value, value))


def folded(text: str) -> str:
    """A text as it is compared: full-width characters, case, blanks and marks make no difference."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter for letter in plain if letter not in "*_-—:： \u3000" and not letter.isspace())


def _texts(value: str, words: Words) -> Iterator[str]:
    """Everything that may be written for a value, folded."""
    yield from map(folded, (value, words.zh, words.en))


def in_both(words: Callable[[str], str]) -> dict[str, str]:
    """What fills the words of a fault, in both languages."""
    return {language: words(language) for language in ("zh", "en")}


SHIPPED_TABLES = Tables(shipped_vocabulary(), SHIPPED_DECODER)
"""The tables as the program comes."""
