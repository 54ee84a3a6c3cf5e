"""What answers are made of: the parts that several resources share, and the form of a problem."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from domain.money.amounts import PRINTED_PATTERN


class Answer(Schema):
    """An answer of the API; its fields are all there is."""


class Yuan(fields.String):
    """An amount of yuan as text with two decimals."""

    def __init__(self, description: str | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("required", True)
        metadata = {"pattern": f"^{PRINTED_PATTERN}$", "examples": ["1234.56"]}
        described = {"description": description} if description else {}
        super().__init__(metadata={**metadata, **described}, **kwargs)


def text(description: str | None = None, **kwargs: Any) -> fields.String:
    """A text of an answer that is always there."""
    kwargs.setdefault("required", True)
    return fields.String(metadata={"description": description} if description else {}, **kwargs)


def whole_number(**kwargs: Any) -> fields.Integer:
    """A whole number of an answer that is always there."""
    kwargs.setdefault("required", True)
    return fields.Integer(**kwargs)


def currency() -> fields.String:
    """The currency of an answer's amounts, left out where it is yuan."""
    return text("of the amounts (ISO 4217); left out where it is CNY", required=False)


def list_of(schema: type[Schema]) -> fields.List[Any]:
    """A list of an answer that is always there."""
    return fields.List(fields.Nested(schema), required=True)


class Words(Answer):
    """The same words in Chinese and English."""

    zh = text()
    en = text()


def words() -> fields.Nested:
    """Words in both languages."""
    return fields.Nested(Words, required=True)


class Factor(Answer):
    """The share of each award that the budget pays."""

    fraction = text("exactly, like 5/8")
    percent = text("rounded down to four decimals")


class Pot(Answer):
    """What is divided at once: one of several budgets, or a group of measures that one pays in its turn."""

    pot = text("like east, /2 or east/2: the budget, and the place of the group")
    budget = text("empty where there is one")
    name = words()
    available = Yuan()
    sharing = Yuan()
    factor = fields.Nested(Factor, required=True)
    payable = Yuan()


class Sums(Answer):
    """What was earned, held back, and is paid, in yuan."""

    gross = Yuan()
    withheld = Yuan()
    eligible = Yuan()
    reduction = Yuan()
    payable = Yuan()


class FaultSaid(Answer):
    """One thing that is wrong, in the reader's language."""

    field = text()
    code = text()
    rule = text()
    mend = text()
    line = fields.Integer(metadata={"description": "of a policy file"})


class ProblemSchema(Answer):
    """RFC 9457 problem details."""

    type = text("urn:subsidy-ledger:problem: and the code")
    title = text()
    status = whole_number()
    detail = text()
    instance = text()
    code = text()
    faults = list_of(FaultSaid)
    refusal = fields.String(metadata={"description": "under which digest a refused message is kept"})
    recorded = fields.Integer(metadata={"description": "messages of a stream that are kept already"})
