"""A worked case's file: its form, and everything that is wrong with it at once."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields

from domain.faults.fault import Fault
from domain.faults.registry import CASE_AREAS, MESSAGE_AREAS
from domain.faults.validation import FaultError, faults_from
from domain.vocabulary.kinds import kebab
from domain.vocabulary.load import shipped_vocabulary
from ledger.intake.messages.fields import REQUIRED, Choice, Money, Text, WholeNumber
from ledger.intake.messages.schemas import Message

NAMES = {
    **{kebab(kind).replace("-", "_"): kind for kind in (*shipped_vocabulary().kinds, "ClaimApproved")},
    "corrected": "FactCorrected",
    "retracted": "FactRetracted",
}
"""Kinds of facts as cases name them, with the class names of their events."""


class CaseError(ValueError):
    """A case file that cannot be used; ``faults`` says of each fault its field, rule and mend."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = faults
        super().__init__("; ".join(fault_line(fault, "en") for fault in faults))

    def lines(self, language: str) -> list[str]:
        """Every fault on a line of its own, in ``zh`` or ``en``."""
        return [fault_line(fault, language) for fault in self.faults]


_FORMS_ZH = {
    "a JSON object": "JSON 对象",
    "a JSON array": "JSON 数组",
    "text": "文本",
    "a whole number": "整数",
}


def fault_line(fault: Fault, language: str) -> str:
    """A fault on one line, in ``zh`` or ``en``."""
    if language == "zh" and "wanted" in fault.args:
        form = fault.args["wanted"]
        fault = fault._replace(args={**fault.args, "wanted": _FORMS_ZH.get(str(form), form)})
    words = fault.words(language, (*MESSAGE_AREAS, *CASE_AREAS))
    colon = ": " if language == "en" else "："
    return f"{words['field']}{colon}{words['rule']} — {words['mend']}"


_GROUP = {"invalid": [("field.type", {"wanted": "a JSON object"})], **REQUIRED}
_LIST = {"invalid": [("field.type", {"wanted": "a JSON array"})], **REQUIRED}


def _group(schema: type[Schema]) -> fields.Nested:
    return fields.Nested(schema, required=True, error_messages=_GROUP)


def _rows(inner: fields.Field[Any], **kwargs: Any) -> fields.List[Any]:
    return fields.List(inner, error_messages=_LIST, **kwargs)


def _by_name(values: fields.Field[Any], **kwargs: Any) -> fields.Dict:
    return fields.Dict(keys=Text(), values=values, error_messages=_GROUP, **kwargs)


class _Fact(Message):
    """One fact; its other keys are those of its kind, which the ledger itself checks."""

    id = Text(required=True)
    enterprise = Text(required=True)
    fact = Choice(*NAMES, required=True)

    class Meta:
        """Whatever its kind has besides."""

        unknown = INCLUDE


class _Retracted(_Fact):
    """A fact is taken back."""

    fact_id = Text(required=True, data_key="of")


class _Corrected(_Retracted):
    """Some keys of a fact are others."""

    changes = fields.Dict(required=True, data_key="with", error_messages=_GROUP)


_FACTS = {"corrected": _Corrected, "retracted": _Retracted}


class _AnyFact(fields.Field[Any]):
    """A fact, by its kind."""

    default_error_messages = REQUIRED

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        kind = value.get("fact") if isinstance(value, dict) else None
        return _FACTS.get(kind if isinstance(kind, str) else "", _Fact)().load(value)


class _Fraction(Text):
    """A factor in lowest terms."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if not re.fullmatch("[0-9]+/[0-9]+", text):
            raise FaultError("text.form", form="1/1")
        return text


class _Award(Message):
    """One award above zero; ``working`` is for people."""

    enterprise = Text(required=True)
    measure = Text(required=True)
    gross = Money(required=True)
    withheld = Money(required=True)
    eligible = Money(required=True)
    payable = Money(required=True)
    working = fields.Raw()


class _Expect(Message):
    """What must come of it; ``refused`` are the ids of facts that the ledger must refuse."""

    awards = _rows(_group(_Award), required=True)
    gross_total = Money()
    eligible_total = Money()
    factor = _Fraction()
    payable = _by_name(Money())
    payable_total = Money()
    pots = _by_name(_Fraction())
    refused = _rows(Text())


class _Case(Message):
    """What a case file must hold."""

    policy = Text(required=True)
    year = WholeNumber(2000, 2100, "year.range", required=True)
    budget = Money()
    budgets = _by_name(Money())
    facts = _rows(_AnyFact(required=True), required=True)
    expect = _group(_Expect)

    class Meta:
        """Words for people stand beside it."""

        unknown = INCLUDE


def is_case(path: Path) -> bool:
    """Whether a file of a folder has facts at its top; what cannot be read is told when it is run."""
    try:
        content = json.loads(path.read_text("utf-8-sig"))
    except ValueError:
        return True
    return isinstance(content, dict) and "facts" in content


def read_case(path: Path) -> dict[str, Any]:
    """A case file, as it stands.

    Raises:
        CaseError: where it is not one, with everything that is wrong with its form.
    """
    try:
        case: dict[str, Any] = json.loads(path.read_text("utf-8-sig"))
        _Case().load(case)
    except ValidationError as error:
        raise CaseError(
            [each._replace(field=_place(each.field)) for each in faults_from(error.messages)]
        ) from None
    except UnicodeDecodeError:
        raise CaseError([Fault("json.utf8", "file")]) from None
    except (ValueError, RecursionError) as error:
        raise CaseError([Fault("json.syntax", "file", {"detail": str(error)})]) from None
    return case


def _place(field: str) -> str:
    """A field of a message as a place in a file."""
    printable = field.encode("utf-8", "backslashreplace").decode()
    return "file" if field == "message" else printable.replace(".", "/").removesuffix("/value")
