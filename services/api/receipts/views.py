"""Receipts: the proof of what an enterprise is paid, as a file and on paper; and what checks them."""

from __future__ import annotations

from typing import Any

from flask import Response

from ledger.audit import checkpoints
from ledger.settlement.receipts import make_receipt
from services.api.log import views as log
from services.api.receipts.schemas import ReceiptSchema
from services.api.resource import Resource, ledger
from services.web import checkpage
from services.web.fields import Query
from services.web.receipts import page

HTML = "text/html"
blueprint = Resource("receipts", __name__, "", "兑现凭据 · receipts")


def _make_receipt(code: str, policy: str, year: int) -> dict[str, Any]:
    key = log.signer()
    note = checkpoints.current(ledger(), key)
    with ledger().store.reading() as rows:
        return make_receipt(ledger(), rows, code, policy, year, note, key)


@blueprint.reads("/v1/enterprises/<code>/receipts/<policy>/<year>", "兑现凭据", Query, ReceiptSchema)
def receipt_of_year(_: dict[str, Any], code: str, policy: str, year: int) -> dict[str, Any]:
    """Give an enterprise's receipt of a closed year, with every proof that checking it takes."""
    return _make_receipt(code, policy, year)


@blueprint.reads(
    "/v1/enterprises/<code>/receipts/<policy>/<year>/page", "纸质兑现凭据", Query, media_type=HTML
)
def printed(_: dict[str, Any], code: str, policy: str, year: int) -> Response:
    """Show the receipt as it is printed; the code on it ties the paper to the file."""
    response = Response(page.receipt_page(_make_receipt(code, policy, year)), mimetype=HTML)
    response.headers["Content-Security-Policy"] = page.policy() + "; frame-ancestors 'none'"
    return response


@blueprint.reads("/check", "核验网页", Query, media_type=HTML)
def check(_: dict[str, Any]) -> Response:
    """Give the page on which anyone checks a receipt or a published list, in their own browser."""
    response = Response(checkpage.page(log.keys({})["keys"]), mimetype=HTML)
    response.headers["Content-Security-Policy"] = checkpage.policy() + "; frame-ancestors 'none'"
    response.headers["Content-Disposition"] = 'inline; filename="check.html"'
    return response
