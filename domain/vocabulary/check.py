"""What a block of a vocabulary cannot mean though each of its fields is well-formed."""

from __future__ import annotations

import re

from domain.vocabulary.blocks import Block
from domain.vocabulary.kinds import (
    CODE_PATTERN,
    CurrencyAmong,
    CurrencyBy,
    Form,
    Kind,
    KindField,
    OnlyWith,
    Shape,
)

NAME = re.compile("[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]+)+")
"""Names of kinds: two words at least, each with a capital."""
FIELD_NAME = re.compile("[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
RESERVED = (
    *("person", "actor", "evidence", "changes", "of", "of_source", "of_type", "id", "subject", "time"),
    *("source", "event_id", "timestamp", "class_version", "said_by", "acting_as", "written"),
)
"""Names that mean something else in every event or message: a stored event has them beside its fields."""
NEEDS: dict[Shape, dict[str, Form]] = {
    "thing": {"on": "day"},
    "figure": {"year": "year", "amount": "amount", "currency": "currency"},
    "status": {"name": "text", "town": "text", "size": "choice", "sector": "text"},
}
"""Fields by which facts of a shape are counted (``domain.facts.folding``), each with its form."""
CHOSEN: tuple[Form, ...] = ("word", "choice", "currency")


def check_field(block: Block, field: KindField) -> None:
    """A field has a name of its own, and what its form needs and nothing else."""
    if not FIELD_NAME.fullmatch(field.wire) or field.wire in RESERVED:
        block.refuse(
            "", "is no name of a field of its own", "write a-z, 0-9 and _, and none of " + ", ".join(RESERVED)
        )
    if bool(field.values) != (field.form in CHOSEN) and field.form != "word":
        block.refuse(
            "values",
            f"does not go with the form {field.form}",
            "give values to a word or a choice, and to no other",
        )
    for value in field.values if field.form == "word" else ():
        if not re.fullmatch(CODE_PATTERN, value):
            block.refuse("values", f"has {value!r}, which no message can hold", "use a-z, 0-9, - and _")
    if field.form == "text" and not 1 <= field.length_max <= 2000:
        block.refuse("max", f"is {field.length_max}", "write from 1 to 2000 characters")
    if field.spelling == "number" and field.form != "text":
        block.refuse("letters", f"do not go with the form {field.form}", "say it of a text")
    if field.form == "whole" and field.low >= field.high:
        block.refuse("high", "is not above low", "write low and high")


def check_fields(block: Block, kind: Kind) -> None:
    """A kind has the fields by which its shape is counted, and is told apart by fields that it has."""
    by_wire = {field.wire: field for field in kind.fields}
    for wire, form in NEEDS.get(kind.shape, {}).items():
        field = by_wire.get(wire)
        if field is None or field.form != form or not (field.required or kind.shape == "status"):
            block.refuse(f"fields.{wire}", f"is needed by a {kind.shape}, as {form}", f"add {wire}")
    if kind.shape == "thing" and not kind.same:
        block.refuse("same", "is missing", "name the fields that make two things one")
    if kind.shape == "status" and set(by_wire) - set(NEEDS["status"]):
        block.refuse("fields", "has more than a status holds", "use " + ", ".join(NEEDS["status"]))
    for name in kind.same:
        field = by_wire.get(name)
        fits = (
            field
            and (field.required or kind.shape == "figure")
            and field.form not in ("whole", "year", "amount")
        )
        if not fits or kind.shape == "status" or kind.reports == "one":
            block.refuse(
                "same",
                f"names {name}, by which the kind cannot be told apart",
                "name required fields of text",
            )


def check_rules(block: Block, kind: Kind) -> None:
    """Rules name fields and values that the kind has, and say in which currency a figure is."""
    fields = {field.name: field for field in kind.fields}
    for place, rule in enumerate(kind.rules):
        path = f"rules.{place}"
        names = (rule.field,) if isinstance(rule, CurrencyAmong) else (rule.field, rule.by)
        for name in names:
            if name not in fields:
                block.refuse(path, f"names {name}, which is no field of the kind", "use its fields")
        if not isinstance(rule, OnlyWith) and rule.field != "currency":
            block.refuse(path, "is about a currency", "write field: currency")
        if (
            isinstance(rule, CurrencyBy)
            and rule.by in fields
            and set(rule.currencies) != set(fields[rule.by].values)
        ):
            block.refuse(path, f"does not name each value of {rule.by}", "give every value its currency")
        if (
            isinstance(rule, OnlyWith)
            and rule.by in fields
            and set(rule.values) - set(fields[rule.by].values)
        ):
            block.refuse(path, f"names a value that {rule.by} does not have", "use its values")
    _check_currency(block, kind)
    _check_usual(block, kind)


def _check_usual(block: Block, kind: Kind) -> None:
    """Rules of disagreements name fields of the kind, and what their own kind needs."""
    fields = kind.field_names
    for place, usual in enumerate(kind.usual):
        path = f"disagreements.{place}"
        if usual.kind != "outlier" and not usual.same:
            block.refuse(path, "names no field", "name in same what tells one matter from another")
        if usual.kind == "two-sources" and not usual.field:
            block.refuse(path, "compares nothing", "write field: amount_fen")
        if usual.kind == "outlier" and (usual.times < 2 or kind.folds_as != "amount"):
            block.refuse(path, "needs yearly amounts, and how many times is too many", "write times: 10")
        for name in (*usual.same, *filter(None, (usual.field,))):
            if name not in fields:
                block.refuse(path, f"names {name}, which is no field of the kind", "use its fields")


def _check_currency(block: Block, kind: Kind) -> None:
    """Amounts of one sum are in one currency: only a field of ``same`` keeps yuan and dollars apart."""
    currency_rules = [rule for rule in kind.rules if not isinstance(rule, OnlyWith)]
    if kind.shape != "figure":
        return
    if len(currency_rules) != 1:
        block.refuse(
            "rules", "does not say once in which currency it is", "add {field: currency, among: paid}"
        )
    elif isinstance(currency_rules[0], CurrencyAmong) and {"CNY", "USD"} <= set(currency_rules[0].currencies):
        block.refuse("rules", "would add yuan and dollars up", "name the currency by a field of same")
    elif isinstance(currency_rules[0], CurrencyBy) and currency_rules[0].by not in kind.same:
        block.refuse(
            "rules", f"tells currencies apart by {currency_rules[0].by}, and sums do not", "name it in same"
        )
