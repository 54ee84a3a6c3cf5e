"""Payments of a closed year: ordered in batches, answered by the bank, clawed back."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from flask import Response, current_app

from domain.money.amounts import print_fen
from domain.money.wire import currency_form
from domain.settlement.accounts import Account
from ledger.intake.messages.fields import Choice, CreditCode, Text
from ledger.policies.versions import rulebook
from ledger.settlement import paying
from ledger.settlement.files import Payer, suffix_of, write_payments
from ledger.settlement.statements.reconciling import (
    list_entries,
    read_statement_files,
    reconcile_year,
    record_statements,
)
from services.api.paging import PageAnswer, page
from services.api.payments.document import reconciliation_document, recorded_document
from services.api.payments.schemas import (
    AccountSchema,
    ClawbackBody,
    FileBody,
    OrderBody,
    OrderedSchema,
    PaymentsSchema,
    ReconciliationBody,
    ReconciliationSchema,
    RecordedSchema,
    RecoveryBody,
    ResultsBody,
    StatementsBody,
    StatementsRecordedSchema,
)
from services.api.resource import Resource, ledger
from services.api.settlements.open_matters import read_acknowledging
from services.api.waiting.schemas import WaitingStepSchema
from services.web import problems
from services.web.fields import Cursor, Query, limit_field
from services.web.identity.gate import requester
from services.web.repeats import REPLAYED

YEAR = "/<policy>/years/<year>"
blueprint = Resource("payments", __name__, "/v1/policies", "拨付与追回 · payments and clawbacks")


class PaymentsQuery(Query):
    """Which payments."""

    enterprise = CreditCode()
    batch = Text()
    status = Choice("ordered", "made", "failed")
    cursor = Cursor("payments", str)
    limit = limit_field()


@blueprint.reads(f"{YEAR}/payments", "拨付", PaymentsQuery, PaymentsSchema)
def payments(query: dict[str, Any], policy: str, year: int) -> PageAnswer:
    """List the payments of a year as they now stand."""
    columns = {"enterprise": "code", "batch": "batch", "status": "status"}
    where, values = "", list[Any]()
    for name, column in columns.items():
        if name in query:
            where, values = f"{where} AND {column}=?", [*values, query[name]]
    if "cursor" in query:
        where, values = f"{where} AND payment>?", [*values, *query["cursor"]]
    sql = (
        "SELECT payment, batch, code, amount, status, day, said, position FROM payments "
        f"WHERE policy=? AND year=?{where} ORDER BY payment LIMIT ?"
    )
    names = ("payment", "batch", "enterprise", "amount", "status", "on", "said", "position")
    with ledger().store.reading() as rows:
        paid_in = currency_form(rulebook(rows, policy).latest.currency)
        payment_rows = rows.all(sql, [policy, year, *values, query["limit"] + 1])
    items = [dict(zip(names, row, strict=True)) for row in payment_rows]
    for item in items:
        item["amount"] = print_fen(item["amount"])
    return page(items, query["limit"], ("payments", "payment"), paid_in)


@blueprint.writes(
    "POST", f"{YEAR}/payments", "下达拨付", {201: OrderedSchema, 202: WaitingStepSchema}, body=OrderBody
)
def order(body: dict[str, Any], policy: str, year: int) -> Any:
    """Order everything that is outstanding to be paid, as one batch."""
    acknowledging = read_acknowledging(body["acknowledges"], body["reason"])
    made = paying.order_payments(ledger(), policy, year, requester(), body["enterprises"], acknowledging)
    said = {"batch": made.batch, "payments": made.payments, "total": print_fen(made.total)}
    return {**said, **_paid_in(policy)}, 201, {}


@blueprint.writes(
    "POST",
    f"{YEAR}/payments/<batch>/file",
    "银行拨付文件",
    {200: None},
    body=FileBody,
    media_type="application/octet-stream",
    takes_key=False,
)
def file(body: dict[str, Any], policy: str, year: int, batch: str) -> Response:
    """Write a batch for the bank, as CSV, ISO 20022 pain.001 or in a bank's form; nothing is recorded."""
    suffix, form = suffix_of(body["form"])
    payer = Payer(body["payer_name"], body["payer_account"], body["payer_bank"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{policy}-{batch}{suffix}"
        with ledger().store.reading() as rows:
            write_payments(ledger(), rows, policy, year, batch, path, body["payees"], payer, body["on"], form)
        response = current_app.response_class(path.read_bytes(), mimetype="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="{path.name}"'
    return response


@blueprint.writes("POST", f"{YEAR}/payments/results", "登记银行回执", {200: RecordedSchema}, body=ResultsBody)
def results(body: dict[str, Any], policy: str, year: int) -> Any:
    """Record what the bank did; the same answer again changes nothing."""
    said = [
        paying.Result(each["payment"], each["status"], each["amount_fen"], each["on"], each["said"])
        for each in body["results"]
    ]
    recorded, repeated = paying.record_results(ledger(), policy, year, requester(), said)
    return {"recorded": recorded, "known": repeated}


@blueprint.writes(
    "POST",
    f"{YEAR}/payments/reconciliation",
    "银行对账",
    {200: ReconciliationSchema},
    body=ReconciliationBody,
    takes_key=False,
)
def reconciliation(body: dict[str, Any], policy: str, year: int) -> Any:
    """Hold the year's payments beside bank statements, to the fen; nothing is recorded."""
    with ledger().store.reading() as rows:
        statements = read_statement_files(rows, policy, year, body["statements"])
        reconciliation = reconcile_year(rows, policy, year, list_entries(statements))
    return {**_paid_in(policy), **reconciliation_document(reconciliation, statements)}


@blueprint.writes(
    "POST",
    f"{YEAR}/payments/statements",
    "登记银行对账单",
    {200: StatementsRecordedSchema},
    body=StatementsBody,
)
def statements(body: dict[str, Any], policy: str, year: int) -> Any:
    """Record which bank statements were brought, each file once, and what they confirm of payments."""
    done = record_statements(ledger(), policy, year, requester(), body["statements"])
    return recorded_document(done, problems.language())


@blueprint.writes(
    "POST",
    f"{YEAR}/clawbacks",
    "追回",
    {200: AccountSchema, 201: AccountSchema, 202: WaitingStepSchema},
    body=ClawbackBody,
)
def claw_back(body: dict[str, Any], policy: str, year: int) -> Any:
    """Order back what was paid too much; the same once more on the same day records nothing.

    Under the ``measure`` of an award that late facts lowered, ``amount`` may be left out: it is what was paid
    too much (``overpayments``). Without one it is refused while some award has something to be ordered back.

    Of two that are alike, the second one has a ``reference`` or an Idempotency-Key of its own.
    """
    code = body["enterprise"]
    about = (body["amount_fen"], body["reason"], body["measure"], body["reference"])
    name, account = paying.claw_back(ledger(), policy, year, code, requester(), *about)
    return _repeatable(_account(policy, code, name, account), account, 201)


@blueprint.writes(
    "POST", f"{YEAR}/clawbacks/<clawback>/recoveries", "登记追回到账", {200: AccountSchema}, body=RecoveryBody
)
def recover(body: dict[str, Any], policy: str, year: int, clawback: str) -> Any:
    """Record that an enterprise paid back; a bank's reference counts once."""
    code = body["enterprise"]
    what = (clawback, body["amount_fen"], body["on"], body["reference"])
    account = paying.recover(ledger(), policy, year, code, requester(), *what)
    return _repeatable(_account(policy, code, clawback, account), account, 200)


def _repeatable(document: dict[str, Any], account: Account, status: int) -> Any:
    """The answer to a step of an account; one that had been recorded before says so."""
    return (document, 200, REPLAYED) if account.repeated else (document, status, {})


def _paid_in(policy: str) -> dict[str, Any]:
    with ledger().store.reading() as rows:
        return currency_form(rulebook(rows, policy).latest.currency)


def _account(policy: str, code: str, clawback: str, account: Account) -> dict[str, Any]:
    clawed = account.clawbacks[clawback]
    return {
        "enterprise": code,
        "clawback": clawback,
        "measure": clawed.ordered.measure if clawed.ordered else None,
        "amount": print_fen(clawed.amount),
        "due": print_fen(clawed.amount - clawed.recovered),
        "payable": print_fen(account.payable),
        "paid": print_fen(account.paid),
        "clawed_back": print_fen(account.clawed),
        "recovered": print_fen(account.recovered),
        **_paid_in(policy),
    }
