"""Spreadsheets that wait: what they hold, and what they would do."""

from __future__ import annotations

from marshmallow import fields

from ledger.intake.messages.fields import Text
from ledger.intake.messages.schemas import Message
from ledger.intake.sheets.holding import STATES
from services.api.answers import Answer, FaultSaid, list_of, text, whole_number, words
from services.web.fields import Query
from services.web.sheets.words import STAGES

_nullable = {"allow_none": True, "required": True}


class SheetQuery(Query):
    """What a sender says of a file."""

    source = Text(metadata={"description": "数据来源 · whose facts they are"})
    name = Text(120, metadata={"description": "文件名 · the file's name"})
    type = Text(metadata={"description": "CSV的数据类别 · which facts a CSV file holds"})


class SheetCountsSchema(Answer):
    """How many rows are new, known already, retracted since, repeated, contradictory or wrong."""

    new, known, retracted, repeated, contradictory, wrong = (whole_number() for _ in STATES)


class CellFault(FaultSaid):
    """What is wrong with one cell, or with a row as a whole."""

    cell = text("like D5; empty for the row as a whole")


class FaultyRow(Answer):
    """One row that is not taken."""

    sheet = text()
    row = whole_number()
    state = text()
    faults = list_of(CellFault)


class LeftOutRow(FaultyRow):
    """One row that says what was said before, and why it is left out."""

    anew = fields.String(
        **_nullable,  # type: ignore[arg-type]
        metadata={"description": "how the confirmation names it to report it anew; null: it counts once"},
    )


class DoubtsSchema(Answer):
    """How many rows disagree with others of the file or of the ledger."""

    noted = whole_number()
    held = whole_number(metadata={"description": "rows that count for no award until somebody decides"})


class DoubtfulRow(Answer):
    """One row that disagrees with another fact."""

    sheet = text()
    row = whole_number()
    enterprise = text()
    kind = text()
    held = fields.Boolean(required=True)
    words = words()


class PreviewSchema(Answer):
    """What recording the file would do; amounts are yuan."""

    preview = text("to be sent back to confirm it")
    sha256 = text()
    source = text()
    position = whole_number(metadata={"description": "the ledger's position that it holds for"})
    rows = whole_number()
    counts = fields.Nested(SheetCountsSchema, required=True)
    unread = fields.List(
        fields.String(), required=True, metadata={"description": "sheets passed over, each with the reason"}
    )
    consequences = fields.List(
        fields.Dict(),
        **_nullable,  # type: ignore[arg-type]
        metadata={"description": "budget periods, targets and closed years that would move; null: not yours"},
    )
    disagreements = fields.Nested(DoubtsSchema, **_nullable)  # type: ignore[arg-type]
    faulty = list_of(FaultyRow)
    left_out = list_of(LeftOutRow)
    doubtful = list_of(DoubtfulRow)


class SheetRecordedSchema(Answer):
    """What became of the rows."""

    accepted = whole_number()
    duplicate = whole_number()
    refused = whole_number()
    unkept = whole_number(
        metadata={"description": "of the refused, those over the sender's quota: mend them in the workbook"}
    )


class SheetSchema(Answer):
    """One spreadsheet that waits."""

    sheet = text("its name")
    stage = fields.String(required=True, metadata={"enum": list(STAGES)})
    done = whole_number(metadata={"description": "rows done at this stage"})
    file_name = text()
    sent_by = text("the name of who sent it")
    confirmed_by = fields.String(
        **_nullable,  # type: ignore[arg-type]
        metadata={"description": "who had it recorded, where somebody else sent it"},
    )
    moved = fields.Boolean(
        required=True, metadata={"description": "the ledger moved since the preview that was confirmed"}
    )
    faults = list_of(FaultSaid)
    preview = fields.Nested(PreviewSchema, **_nullable)  # type: ignore[arg-type]
    recorded = fields.Nested(SheetRecordedSchema, **_nullable)  # type: ignore[arg-type]


class ConfirmationBody(Message):
    """Agreement to what was previewed."""

    preview = Text(required=True)
    anew = fields.List(
        Text(),
        load_default=list,
        metadata={"description": "rows of left_out to report anew, as their anew; retracted: all of those"},
    )
