"""The page on which a year's payments are held beside the bank's statements."""

from __future__ import annotations

from collections.abc import Sequence

from flask import request
from werkzeug.wrappers import Response as BaseResponse

from domain.settlement.reconciliation import KIND_WORDS, Reconciliation, StatementFile
from ledger.projections.closings import settlement_of
from ledger.settlement.statements.reconciling import (
    list_entries,
    read_statement_files,
    reconcile_year,
)
from services.console import forms, language
from services.console.blueprint import console
from services.console.pages.home import open_policy
from services.console.refusals import CAUGHT, Refusal, refusal_of, upload
from services.console.rendering import page

SECTION = "settlement_page"
OPEN_SHOWN = 100
"""Most open lines that the page lists."""


@console.get("/<policy>/<int:year>/reconciliation")
def reconciliation_page(policy: str, year: int) -> BaseResponse:
    """Ask for the bank's statements, which are held beside the year's payments."""
    return _reconciliation(policy, year)


@console.post("/<policy>/<int:year>/reconciliation")
def reconcile_statements(policy: str, year: int) -> BaseResponse:
    """Show the year's payments beside the statements of the form; nothing is recorded."""
    open_policy(policy, year)
    try:
        data = [file.stream.read() for file in request.files.getlist("file") if file.filename]
        if not data:
            upload("file")
        with forms.opened().store.reading() as rows:
            statements = read_statement_files(rows, policy, year, data)
            reconciliation = reconcile_year(rows, policy, year, list_entries(statements))
            return _reconciliation(policy, year, reconciliation, statements)
    except CAUGHT as error:
        return _reconciliation(policy, year, refusal=refusal_of("reconciliation", error))


def _reconciliation(
    policy: str,
    year: int,
    reconciliation: Reconciliation | None = None,
    statements: Sequence[StatementFile] = (),
    refusal: Refusal | None = None,
) -> BaseResponse:
    book = open_policy(policy, year)
    with forms.opened().store.reading() as rows:
        stage = settlement_of(rows, policy, year).stage
    names = {kind: zh if language.chosen() == "zh" else en for kind, (zh, en) in KIND_WORDS.items()}
    shown: dict[str, object] = {
        "found": reconciliation,
        "statements": statements,
        "kinds": names,
        "stage": stage,
        "open_max": OPEN_SHOWN,
        "refusal": refusal,
    }
    status = 422 if refusal else 200
    currency = book.latest.currency
    return page(
        "reconciliation.html", status, section=SECTION, policy=policy, year=year, currency=currency, **shown
    )
