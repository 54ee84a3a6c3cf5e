"""What an office writes on a document, checked like every other input."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError

from domain.faults.validation import faults_from
from ledger.intake.messages.fields import CreditCode, Day, Text
from ledger.intake.messages.schemas import Message

TEXT_MAX = 200


class OnDocument(Message):
    """The office's own words on a document; each is empty by default."""

    number = Text(60)
    on = Day()
    issuer = Text(TEXT_MAX)
    addressee = Text(TEXT_MAX)
    contact = Text(TEXT_MAX)
    enterprise = CreditCode()
    batch = Text(60)


def written(texts: dict[str, str]) -> dict[str, Any]:
    """The checked values of an office's texts, by field.

    Raises:
        ValidationError: with every field that is wrong.
    """
    checked: dict[str, Any] = OnDocument().load(texts)
    return checked


def faults(error: ValidationError, lang: str) -> str:
    """Every fault in a line: field, rule and mend."""
    fault_words = (fault.words(lang) for fault in faults_from(error.messages))
    return "\n".join(f"{each['field']}: {each['rule']} — {each['mend']}" for each in fault_words)
