"""What an event says: one frozen class a kind, built on a few shapes.

A kind of fact is one of the shapes with fields of its own; a step of a claim, a policy, a settlement
or an account is a class of its own. ``domain.facts`` counts an event by its shape alone.

Units: ``amount_fen`` is fen, or hundredths of the ``currency`` beside it. ``on`` is a date in
Asia/Shanghai as ``YYYY-MM-DD``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import msgspec

from domain.money.amounts import FOREIGN
from domain.vocabulary.kinds import Kind

ContentValue = str | int | bool | tuple[object, ...] | dict[str, str | int | None] | None
"""The value of a field of a content, of whatever kind."""
StoredValues: TypeAlias = dict[str, Any]
"""What is stored of a content, as JSON has it."""


class Content(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The content of an event; its fields are what is stored of it, beside the envelope."""

    shape: ClassVar[str] = "other"
    aggregate_topic: ClassVar[str] = ""
    """The aggregate that such events belong to, as the eventsourcing library names classes."""
    class_version: ClassVar[int] = 1
    """Of the stored form. A class of version N has a step ``upcast_v1_v2`` … for each form before."""
    desk_fields: ClassVar[frozenset[str]] = frozenset()
    """Fields that only this ledger's own desk fills in: left out of what is stored where they are None."""

    def is_coherent(self) -> bool:
        """Whether the fields fit each other; a correction that breaks this has no effect."""
        return getattr(self, "currency", None) in (None, "CNY", *FOREIGN)

    def stored_values(self) -> Content | dict[str, ContentValue]:
        """What is written of it as JSON: itself, or its fields where some are left out."""
        if not self.desk_fields:
            return self
        return {
            name: value
            for name, value in self.fields_by_name().items()
            if value is not None or name not in self.desk_fields
        }

    def values_by_name(self) -> StoredValues:
        """Its fields as they are stored, for what shows or hands out an event as JSON."""
        return json_values(self.stored_values())

    # For rules that are about a field by its name; every other reader uses the attribute.

    @classmethod
    def has_field(cls, name: str) -> bool:
        """Whether such contents have a field of this name."""
        return name in cls.__struct_fields__

    def field_value(self, name: str) -> ContentValue:
        """A field by its name; ``None`` where it has no such field."""
        value: ContentValue = getattr(self, name) if name in self.__struct_fields__ else None
        return value

    def fields_by_name(self) -> dict[str, ContentValue]:
        """Its fields with their values, in the order in which they are stored."""
        return {name: getattr(self, name) for name in self.__struct_fields__}


def json_values(fields: object) -> StoredValues:
    """Fields as JSON has them: arrays are lists, also those that have names in the program."""
    values: StoredValues = msgspec.json.decode(msgspec.json.encode(fields))
    return values


class EnterpriseContent(Content, frozen=True, kw_only=True):
    """About one enterprise: the originator is its credit code."""

    aggregate_topic: ClassVar[str] = "domain.claims.enterprise:Enterprise"


class FactContent(EnterpriseContent, frozen=True, kw_only=True):
    """A fact that upstream systems report, of a kind that a vocabulary declares."""

    declaration: ClassVar[Kind]

    def is_coherent(self) -> bool:
        """Whether the fields keep the rules between fields of the kind."""
        return not self.declaration.faults_across(self.fields_by_name())


class EnterpriseStatus(FactContent, frozen=True, kw_only=True):
    """How an enterprise stands in the register: its name, its town or street (镇/街道).

    Of several, the one with the latest ``time`` holds. No award's sum depends on it; where a policy
    has budgets by town, the town says which of them pays.
    """

    shape: ClassVar[str] = "profile"
    name: str
    town: str
    size: str | None = None
    sector: str | None = None


class DatedThing(FactContent, frozen=True, kw_only=True):
    """Something that came to be on a day, known by its ``identity`` within the enterprise.

    The same identity may be recorded again; only its earliest day counts.
    """

    shape: ClassVar[str] = "dated"
    identity: ClassVar[tuple[str, ...]] = ()
    attributes: ClassVar[tuple[str, ...]] = ()
    if TYPE_CHECKING:
        on: str  # each kind has it, in its place among the fields of the message


class YearlyAmount(FactContent, frozen=True, kw_only=True):
    """An amount reported for a calendar year; reports of one ``group`` and year add up."""

    shape: ClassVar[str] = "amount"
    group: ClassVar[tuple[str, ...]] = ()
    year: int
    amount_fen: int
    currency: str


class YearlyFigure(FactContent, frozen=True, kw_only=True):
    """One figure of a calendar year; two that differ are a conflict."""

    shape: ClassVar[str] = "figure"
    year: int
    amount_fen: int
    currency: str
