"""Payments and clawbacks of a closed year."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from domain.faults.validation import FaultError
from domain.settlement.reconciliation import Kind
from ledger.export.banks.forms import list_forms
from ledger.intake.messages.fields import Choice, CreditCode, Day, MessageField, Money, Text
from ledger.intake.messages.schemas import Message
from ledger.settlement.paying import RESULTS_MAX
from services.api.answers import Answer, Yuan, currency, list_of, text, whole_number
from services.api.settlements.schemas import AcknowledgingBody

PAYEES_MAX = 10_000_000
"""Most characters of the payees' file in one call; the command line has no such limit."""


KINDS = [kind.value for kind in Kind]
STATEMENTS_MAX = 31
"""Most statements in one call: those of a month."""


class Codes(MessageField):
    """Credit codes, each once."""

    json_schema = {"type": "array", "maxItems": RESULTS_MAX, "items": CreditCode.json_schema}

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[str]:
        if not isinstance(value, list) or not 1 <= len(value) <= RESULTS_MAX:
            raise FaultError("field.type", wanted=f"a list of 1 to {RESULTS_MAX} credit codes")
        one = CreditCode()
        return [str(one.deserialize(each)) for each in value]


class Lines(MessageField):
    """A CSV file as one text: code, name, account, bank."""

    json_schema = {"type": "string", "minLength": 1, "maxLength": PAYEES_MAX}

    def settle(self, value: Any) -> list[str]:
        """Refuse what is too long."""
        if not 1 <= len(value) <= PAYEES_MAX:
            raise FaultError("text.length", limit=PAYEES_MAX)
        return str(value).removeprefix("\ufeff").splitlines()


class OrderBody(AcknowledgingBody):
    """What to pay: everything that is outstanding, or that of some enterprises."""

    enterprises = Codes(load_default=None)


class OrderedSchema(Answer):
    """A batch of payments that was ordered."""

    batch = text()
    payments = whole_number()
    total = Yuan()
    currency = currency()


class PaymentSchema(Answer):
    """One payment."""

    payment = text()
    batch = text()
    enterprise = text()
    amount = Yuan()
    status = text("ordered, made or failed")
    on = text()
    said = text("the bank's reference or reason")
    position = whole_number()


class PaymentsSchema(Answer):
    """A page of payments."""

    currency = currency()
    items = list_of(PaymentSchema)
    next = fields.String(required=True, allow_none=True)


class ResultBody(Message):
    """What the bank says of one payment."""

    payment = Text(required=True)
    status = Choice("made", "failed", required=True)
    amount_fen = Money(required=True, data_key="amount")
    on = Day(required=True)
    said = Text(200, required=True)


class Results(MessageField):
    """The bank's answers."""

    json_schema = {
        "type": "array",
        "minItems": 1,
        "maxItems": RESULTS_MAX,
        "items": {
            "type": "object",
            "additionalProperties": False,
            "required": ["payment", "status", "amount", "on", "said"],
            "properties": {
                (field.data_key or name): field.json_schema  # type: ignore[attr-defined]
                for name, field in ResultBody().fields.items()
            },
        },
    }

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[dict[str, Any]]:
        if not isinstance(value, list) or not 1 <= len(value) <= RESULTS_MAX:
            raise FaultError("field.type", wanted=f"a list of 1 to {RESULTS_MAX} results")
        loaded: list[dict[str, Any]] = ResultBody(many=True).load(value)
        return loaded


class ResultsBody(Message):
    """The bank's answers; all are recorded, or none."""

    results = Results(required=True)


class RecordedSchema(Answer):
    """How many answers were recorded, and how many were known."""

    recorded = whole_number()
    known = whole_number()


class Statements(MessageField):
    """The bank's statements, each as one text: camt.053, camt.054 or CSV."""

    json_schema = {
        "type": "array",
        "minItems": 1,
        "maxItems": STATEMENTS_MAX,
        "items": {"type": "string", "minLength": 1, "maxLength": PAYEES_MAX},
    }

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[bytes]:
        if not isinstance(value, list) or not 1 <= len(value) <= STATEMENTS_MAX:
            raise FaultError("field.type", wanted=f"a list of 1 to {STATEMENTS_MAX} texts")
        if not all(isinstance(each, str) and 1 <= len(each) <= PAYEES_MAX for each in value):
            raise FaultError("text.length", limit=PAYEES_MAX)
        return [each.encode("utf-8", "replace") for each in value]


class StatementsBody(Message):
    """Statements to record: what each was is kept, and what they confirm of payments."""

    statements = Statements(required=True)


class ReconciliationBody(Message):
    """Statements to hold the year's payments beside; nothing of them is kept."""

    statements = Statements(required=True)


class StatementSchema(Answer):
    """A statement: which file, of which accounts and days, and who recorded it before."""

    digest = text("SHA-256 of the file as UTF-8, hex")
    accounts = fields.List(fields.String(), required=True)
    from_day = text("of its first booking; empty where it has none")
    until_day = text("of its last booking; empty where it has none")
    entries = whole_number()
    recorded_by = fields.String(required=True, allow_none=True)


class RefusedStepSchema(Answer):
    """What a statement says of a payment and the ledger does not allow, with the reason."""

    payment = text()
    enterprise = text()
    status = text("made or failed")
    on = text()
    reference = text()
    amount = Yuan()
    code = text()
    rule = text()
    mend = text()


class StatementsRecordedSchema(Answer):
    """What statements brought: how many steps, and each that is not allowed."""

    statements = list_of(StatementSchema)
    recorded = whole_number()
    refused = list_of(RefusedStepSchema)


class ReconciliationTotal(Answer):
    """What all classes come to: ordered, recorded as paid, and booked less what came back."""

    number = whole_number()
    ordered = Yuan()
    told = Yuan()
    booked = Yuan()


class ReconciliationClass(ReconciliationTotal):
    """What one class comes to."""

    class_ = fields.String(required=True, data_key="class", validate=validate.OneOf(KINDS))


class BookedEntry(Answer):
    """One entry of a statement; the amount is below zero where money came in."""

    account = text()
    reference = text()
    on = text()
    amount = Yuan()
    currency = text()
    payment = text()
    reason = text()


class OpenLine(Answer):
    """A payment, or an entry of none, that somebody must look into."""

    class_ = fields.String(required=True, data_key="class", validate=validate.OneOf(KINDS))
    payment = fields.String(required=True, allow_none=True)
    enterprise = fields.String(required=True, allow_none=True)
    ordered = Yuan()
    told = Yuan()
    booked = Yuan()
    entries = list_of(BookedEntry)


class ReconciliationSchema(Answer):
    """A year's payments beside the bank's statements."""

    currency = currency()
    statements = list_of(StatementSchema)
    total = fields.Nested(ReconciliationTotal, required=True)
    classes = list_of(ReconciliationClass)
    open = list_of(OpenLine)


class ClawbackBody(Message):
    """What is ordered back; under a measure, by default what was paid too much of its award."""

    enterprise = CreditCode(required=True)
    amount_fen = Money(load_default=None, data_key="amount")
    measure = Text(load_default=None)
    reason = Text(2000, required=True)
    reference = Text(load_default=None)

    @validates_schema(skip_on_field_errors=True)
    def check_amount(self, data: dict[str, Any], **_: Any) -> None:
        """Only a measure says how much it is."""
        if data["amount_fen"] is None and data["measure"] is None:
            raise ValidationError({"amount": ["field.missing"]})


class RecoveryBody(Message):
    """What came back."""

    enterprise = CreditCode(required=True)
    amount_fen = Money(required=True, data_key="amount")
    on = Day(required=True)
    reference = Text(required=True)


class AccountSchema(Answer):
    """One enterprise's account of a closed year after a step."""

    enterprise = text()
    clawback = text()
    measure = fields.String(
        required=True, allow_none=True, metadata={"description": "the award that the clawback answers for"}
    )
    amount = Yuan(description="of the clawback")
    due = Yuan(description="what of the clawback has not come back")
    payable = Yuan()
    paid = Yuan()
    clawed_back = Yuan()
    recovered = Yuan()
    currency = currency()


class FileBody(Message):
    """What the bank's file needs beside the batch; accounts are not kept in the ledger."""

    form = Choice("csv", "pain.001", *list_forms(), required=True)
    on = Day(required=True)
    payer_name = Text(required=True)
    payer_account = Text(40, required=True)
    payer_bank = Text(40, required=True)
    payees = Lines(required=True)
