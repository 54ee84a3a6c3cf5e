"""Spreadsheets: a template to fill in, a file sent, its preview, and the step that records it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Response, current_app, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from domain.authority.roles import NotAllowed
from ledger.intake.sheets.faults import SheetError
from ledger.intake.sheets.holding import STATES
from ledger.intake.sheets.tables import SHIPPED_TABLES
from ledger.policies.versions import rulebooks
from services.console import forms, language
from services.console.blueprint import console
from services.console.files import sent
from services.console.menu import add_to_menu
from services.console.pages.home import open_policy
from services.console.refusals import REFUSED, Refusal, Refused, refusal_of, upload
from services.console.rendering import page
from services.console.shown import fragment_wanted
from services.web.fault_words import describe_fault
from services.web.identity.access import ACCESS
from services.web.problems import Problem
from services.web.sheets.answers import owner, preview_of, sent_by
from services.web.sheets.desk import WORKING, SheetDesk, UnknownSheet, Waiting, faults_of, persons_of
from services.web.sheets.words import STATE_WORDS, stage_said, unread_said

add_to_menu("sheets_page", "nav-sheets", 40)
SECTION = "sheets_page"
SOURCE_MAX = 200


def desk() -> SheetDesk:
    """The sheets that wait."""
    found: SheetDesk = current_app.extensions["subsidy-sheets"]
    return found


@console.get("/<policy>/<int:year>/sheets")
def sheets_page(policy: str, year: int) -> Response:
    """Give templates, and ask for a file."""
    open_policy(policy, year)
    return _sheets(policy, year)


def _sheets(policy: str, year: int, refusal: Refusal | None = None) -> Response:
    lang = language.chosen()
    tables = SHIPPED_TABLES
    return page(
        "sheets.html",
        REFUSED if refusal else 200,
        section=SECTION,
        policy=policy,
        year=year,
        place=_place(),
        families=[
            (
                family,
                tables.titles[family].in_language(lang),
                [tables.by_name[name].title.in_language(lang) for name in names],
            )
            for family, names in tables.families.items()
        ],
        types=[(short, table.title.in_language(lang)) for short, table in tables.by_short_type.items()],
        given=request.form,
        refusal=refusal,
    )


def _place() -> int:
    with forms.opened().store.reading() as rows:
        return rows.last_position()


@console.get("/<policy>/<int:year>/sheets/templates/<family>")
def sheet_template(policy: str, year: int, family: str) -> Response:
    """Give the template of a family."""
    open_policy(policy, year)
    if family not in SHIPPED_TABLES.families:
        raise Problem("route-unknown")
    from ledger.intake.sheets import template  # only a workbook needs openpyxl

    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name) / "template.xlsx"
    template.write_template(family, path)
    return sent(folder, path, template.file_name(family))


@console.post("/<policy>/<int:year>/sheets")
def send_sheet(policy: str, year: int) -> BaseResponse:
    """Take a file and show what it would do."""
    open_policy(policy, year)
    try:
        actor = forms.named(ACCESS["sheets.send"])
        file = upload("file")
        source = " ".join(request.form.get("source", "").split())[:SOURCE_MAX]
        table_name = SHIPPED_TABLES.name_of(request.form.get("type"))
        name = desk().send(file.stream, sent_by(actor, file.filename or "", source, table_name))
    except (NotAllowed, Refused) as error:
        return _sheets(policy, year, refusal_of("send", error))
    except SheetError as error:
        return _sheets(policy, year, _refusal(error.faults))
    return redirect(url_for("console.sheet_page", policy=policy, year=year, sheet=name), 303)


def _refusal(faults: Any, step: str = "send") -> Refusal:
    found = [dict(describe_fault(each, language.chosen())) for each in faults]
    return Refusal(step, found, len(found))


def _found(sheet: str) -> Waiting:
    if not re.fullmatch("[0-9a-f]{32}", sheet):
        raise Problem("sheet-unknown")
    try:
        return desk().find(sheet, owner(forms.actor()))
    except UnknownSheet:
        raise Problem("sheet-unknown") from None


@console.get("/<policy>/<int:year>/sheets/<sheet>")
def sheet_page(policy: str, year: int, sheet: str) -> Response:
    """Show how far a file is, and what it would do once that is known."""
    open_policy(policy, year)
    return _sheet(policy, year, _found(sheet))


def _sheet(policy: str, year: int, waiting: Waiting, refusal: Refusal | None = None) -> Response:
    state = desk().wait(waiting)
    lang = language.chosen()
    values: dict[str, Any] = {
        "policy": policy,
        "year": year,
        "section": SECTION,
        "place": _place(),
        "sheet": waiting.name,
        "state": state,
        "stage": stage_said(state["stage"], lang),
        "persons": persons_of(state),
        "working_on": state["stage"] in WORKING,
        "again": url_for("console.sheet_page", policy=policy, year=year, sheet=waiting.name),
        "faults": [describe_fault(each, lang) for each in faults_of(state)],
        "found": _shown(waiting, state, lang),
        "states": [(each, STATE_WORDS[each][lang]) for each in STATES],
        "refusal": refusal,
        "currencies": _currencies(),
    }
    if fragment_wanted():
        response = page("sheet-state.html", **values)
        if not values["working_on"]:
            response.headers["HX-Refresh"] = "true"
        return response
    return page("sheet.html", REFUSED if refusal else 200, **values)


def _currencies() -> dict[str, str]:
    """What each policy pays in."""
    with forms.opened().store.reading() as rows:
        return {policy: book.latest.currency for policy, book in rulebooks(rows).items()}


def _shown(waiting: Waiting, state: dict[str, Any], lang: str) -> dict[str, Any] | None:
    """The preview in words."""
    found = preview_of(waiting, state, forms.actor())
    if found is None:
        return None
    shown = {name: list(_lines_of(found[name], lang)) for name in ("faulty", "left_out")}
    return {**found, **shown, "unread": unread_said(found["unread"], lang)}


def _lines_of(rows: list[dict[str, Any]], lang: str) -> Iterator[dict[str, Any]]:
    """A line for each fault of rows."""
    for row in rows:
        for each in row["faults"]:
            heading = each["heading"].in_language(lang) if each["heading"] else ""
            fault = describe_fault(each["fault"], lang)
            yield {**row, "cell": each["cell"], "heading": heading, "fault": fault}


@console.post("/<policy>/<int:year>/sheets/<sheet>")
def confirm_sheet(policy: str, year: int, sheet: str) -> BaseResponse:
    """Record what was previewed."""
    open_policy(policy, year)
    waiting = _found(sheet)
    try:
        forms.named(ACCESS["sheets.confirm"])
    except NotAllowed as error:
        return _sheet(policy, year, waiting, refusal_of("confirm", error))
    if waiting.state()["stage"] == "ready":
        try:
            agreed, anew = request.form.get("preview", ""), request.form.getlist("anew")
            desk().confirm(waiting, agreed, forms.actor(), anew)
        except SheetError as error:
            return _sheet(policy, year, waiting, _refusal(error.faults, "confirm"))
        desk().wait(waiting)
    return redirect(url_for("console.sheet_page", policy=policy, year=year, sheet=sheet), 303)


@console.get("/<policy>/<int:year>/sheets/<sheet>/workbook")
def sheet_workbook(policy: str, year: int, sheet: str) -> Response:
    """Give the file back with what is wrong marked in its cells."""
    open_policy(policy, year)
    waiting = _found(sheet)
    state = waiting.state()
    if state["stage"] not in ("ready", "recorded"):
        raise Problem("sheet-not-ready", named=sheet)
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name) / "marked.xlsx"
    desk().marked(waiting).replace(path)
    return sent(
        folder, path, f"{Path(state['file_name']).stem}-{language.words_for('sheet-marked-name')}.xlsx"
    )
