"""Spreadsheets: a template to fill in; a file sent, previewed, confirmed, and given back marked."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from flask import Response, current_app, request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wsgi import get_input_stream

from domain.faults.fault import Fault
from ledger.intake.sheets.faults import SheetError
from ledger.intake.sheets.tables import SHIPPED_TABLES
from services.api.resource import Resource, require_media
from services.api.sheets.schemas import ConfirmationBody, SheetQuery, SheetSchema
from services.web.fault_words import describe_fault
from services.web.fields import Query
from services.web.identity.gate import requester
from services.web.problems import Problem, language
from services.web.sheets.answers import owner, preview_of, sent_by
from services.web.sheets.desk import SheetDesk, Waiting, faults_of, persons_of
from services.web.sheets.words import unread_said

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEDIA_TYPES = (XLSX, "text/csv", "application/octet-stream")
_FILE = {"schema": {"type": "string", "format": "binary"}}
REQUEST_BODY = {"required": True, "content": dict.fromkeys(MEDIA_TYPES, _FILE)}

blueprint = Resource("sheets", __name__, "/v1/sheets", "电子表格 · spreadsheets of facts")


def desk() -> SheetDesk:
    """The sheets that wait."""
    return cast(SheetDesk, current_app.extensions["subsidy-sheets"])


@blueprint.reads("/templates/<family>", "表格模板", Query, media_type=XLSX)
def template(_: dict[str, Any], family: str) -> Response:
    """Give the workbook to fill in for one family of facts."""
    from ledger.intake.sheets import template as templates  # only a workbook needs openpyxl

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.xlsx"
        templates.write_template(family, path)
        return workbook_answer(path, templates.file_name(family))


def workbook_answer(path: Path, name: str) -> Response:
    """A workbook as a download."""
    response = current_app.response_class(path.read_bytes(), mimetype=XLSX)
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return response


@blueprint.writes(
    "POST", "", "上传表格", {202: SheetSchema}, request_body=REQUEST_BODY, query=SheetQuery, takes_key=False
)
def send(query: dict[str, Any]) -> Any:
    """Send a workbook or CSV file; nothing is recorded before its preview is confirmed."""
    require_media(MEDIA_TYPES)
    short_type = query.get("type")
    table_name = SHIPPED_TABLES.name_of(short_type)
    if short_type is not None and table_name is None:
        choices = ", ".join(SHIPPED_TABLES.by_short_type)
        raise Problem("request-invalid", [Fault("value.choice", "type", {"choices": choices})])
    limit: int = current_app.config["MAX_CONTENT_LENGTH"]
    body = get_input_stream(request.environ, max_content_length=limit + 1)
    if (request.content_length or 0) > limit:
        raise RequestEntityTooLarge
    sent = sent_by(requester(), query.get("name", ""), query.get("source", ""), table_name)
    try:
        name = desk().send(body, sent, limit)
    except SheetError as error:
        raise Problem("sheet-refused", error.faults) from None
    answer = _answer(desk().find(name, owner(requester())))
    return answer, 202, {"Location": f"/v1/sheets/{name}"}


@blueprint.reads("/<sheet>", "一份表格的预览", Query, SheetSchema)
def waiting_sheet(_: dict[str, Any], sheet: str) -> dict[str, Any]:
    """Give how far a file is, and what it would do once that is known."""
    return _answer(desk().find(sheet, owner(requester())))


@blueprint.writes(
    "POST", "/<sheet>/confirmation", "确认入账", {200: SheetSchema}, body=ConfirmationBody, takes_key=False
)
def confirm(body: dict[str, Any], sheet: str) -> Any:
    """Record what was previewed, and rows that were left out where ``anew`` names them as other reports.

    Where the ledger moved and the preview would differ, nothing is recorded and it is made again.
    """
    waiting = desk().find(sheet, owner(requester()))
    stage = waiting.state()["stage"]
    if stage == "ready":
        try:
            desk().confirm(waiting, body["preview"], requester(), body["anew"])
        except SheetError as error:
            raise Problem("request-invalid", error.faults) from None
    elif stage not in ("recording", "recorded"):
        raise Problem("sheet-not-ready", named=sheet)
    return _answer(waiting)


@blueprint.reads("/<sheet>/workbook", "标出问题的工作簿", Query, media_type=XLSX)
def workbook(_: dict[str, Any], sheet: str) -> Response:
    """Give the file back as a workbook, with what is wrong marked in its cells."""
    waiting = desk().find(sheet, owner(requester()))
    state = waiting.state()
    if state["stage"] not in ("ready", "recorded"):
        raise Problem("sheet-not-ready", named=sheet)
    return workbook_answer(desk().marked(waiting), f"{Path(state['file_name']).stem}-marked.xlsx")


def _answer(waiting: Waiting) -> dict[str, Any]:
    state, lang = desk().wait(waiting), language()
    preview = preview_of(waiting, state, requester())
    recorded = preview.pop("recorded") if preview else None
    if preview:
        for rows in ("faulty", "left_out"):
            preview[rows] = [_row(each, lang) for each in preview[rows]]
        preview["unread"] = unread_said(preview["unread"], lang)
    sent_by_name, confirmed_by_name = persons_of(state)
    names = ("accepted", "duplicate", "refused", "unkept")
    return {
        "sheet": waiting.name,
        "stage": state["stage"],
        "done": state["done"],
        "file_name": state["file_name"],
        "sent_by": sent_by_name,
        "confirmed_by": confirmed_by_name or None,
        "moved": bool(state.get("moved")),
        "faults": [describe_fault(fault, lang) for fault in faults_of(state)],
        "preview": preview,
        "recorded": dict(zip(names, [*recorded, 0][: len(names)], strict=True)) if recorded else None,
    }


def _row(row: dict[str, Any], lang: str) -> dict[str, Any]:
    faults = [{**describe_fault(each["fault"], lang), "cell": each["cell"]} for each in row["faults"]]
    return {**row, "faults": faults}
