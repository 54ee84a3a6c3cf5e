"""The office's documents of a year: public list, payment table, decision letter, report."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from flask import Response, current_app

from ledger.documents.collecting import DocumentRequest
from ledger.intake.messages.fields import Choice, Day, Text
from ledger.projections.closings import today
from services.api.resource import Resource, ledger
from services.runtime.settings import Settings
from services.web.documents.making import FORMS, make
from services.web.documents.schema import TEXT_MAX
from services.web.fields import Query

TYPES = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}
blueprint = Resource("documents", __name__, "", "公文 · documents")


class LetterQuery(Query):
    """In which form and language, and what the office writes on it."""

    form = Choice(*FORMS, load_default="docx")
    language = Choice("zh", "en", load_default="zh")
    number = Text(60, metadata={"description": "文号 · the document's number"})
    on = Day(metadata={"description": "成文日期，默认今天 · the day of issue; today by default"})
    issuer = Text(TEXT_MAX, metadata={"description": "发文机关 · the issuing office"})
    contact = Text(TEXT_MAX, metadata={"description": "联系方式 · whom to ask"})


class DocumentQuery(LetterQuery):
    """For documents about all enterprises."""

    addressee = Text(TEXT_MAX, metadata={"description": "主送机关 · whom it is for"})
    batch = Text(60, metadata={"description": "拨付批次（拨付表） · which batch, for payments"})


@blueprint.reads(
    "/v1/policies/<policy>/years/<year>/documents/<document>",
    "公示、拨付表、年度报告",
    DocumentQuery,
    media_type=TYPES["docx"],
    or_types=(TYPES["xlsx"], TYPES["pdf"]),
)
def document(query: dict[str, Any], policy: str, year: int, document: str) -> Response:
    """Give a document of a year: list, payments or report; from the office's template where there is one."""
    return _write_document(query, document, policy, year)


@blueprint.reads(
    "/v1/enterprises/<code>/letters/<policy>/<year>",
    "兑现决定书",
    LetterQuery,
    media_type=TYPES["docx"],
    or_types=(TYPES["xlsx"], TYPES["pdf"]),
)
def letter(query: dict[str, Any], code: str, policy: str, year: int) -> Response:
    """Give the decision letter to an enterprise."""
    return _write_document({**query, "enterprise": code}, "letter", policy, year)


def _write_document(query: dict[str, Any], document: str, policy: str, year: int) -> Response:
    form, lang = query.pop("form"), query.pop("language")
    on = query.pop("on", None) or today(ledger().clock())
    document_request = DocumentRequest(document, policy, year, on, lang, **query)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{policy}-{year}-{document}.{form}"
        with ledger().store.reading() as rows:
            make(ledger(), rows, document_request, path, None, Settings.from_env().templates)
        response = current_app.response_class(path.read_bytes(), mimetype=TYPES[form])
    response.headers["Content-Disposition"] = f'attachment; filename="{path.name}"'
    return response
