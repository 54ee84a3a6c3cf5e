"""The payments of a closed year: batches, the bank's files, clawbacks."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from flask import flash, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from domain.events import account_id
from domain.events.accounts import PaymentOrdered
from ledger.export.banks.forms import BankForm, list_forms, read_form
from ledger.intake.messages.fields import Choice, CreditCode
from ledger.log.key_record import read_restores
from ledger.policies.versions import rulebook
from ledger.projections.closings import accounts_of, settlement_of, today
from ledger.reading.accounts import sum_accounts
from ledger.reading.records import read_names
from ledger.settlement import adjusting
from ledger.settlement.files import Payer, suffix_of, write_payments
from ledger.store.rows import Rows
from ledger.store.stored_events import events_of
from services.api.payments.schemas import FileBody
from services.console import forms, language
from services.console.blueprint import console
from services.console.files import sent
from services.console.pages.home import open_policy
from services.console.refusals import (
    CAUGHT,
    Refusal,
    lines_of,
    read,
    refusal_of,
    upload,
)
from services.console.rendering import page
from services.console.shown import next_page, title_of
from services.web.fields import Cursor, Query
from services.web.identity.access import ACCESS

SECTION = "settlement_page"
PAGE = 100
WARNINGS_SHOWN = 10
"""Most oddities of payees, and lines of a statement that were refused, that the next page tells."""
CLAWED = 50
"""Most clawbacks that stand on the page of the settlement."""

Form = MultiDict[str, str]


def state_of(rows: Rows, policy: str, year: int, closed: bool) -> dict[str, Any]:
    """What the settlement's page shows of payments: batches, clawbacks, pending adjustments."""
    if not closed:
        return {"batches": [], "clawbacks": [], "pending": 0, "today": today(forms.opened().clock())}
    return {
        "batches": batches(rows, policy, year),
        "clawbacks": clawbacks(rows, policy, year),
        "pending": adjusting.pending_count(forms.opened(), rows, policy, year, PAGE),
        "today": today(forms.opened().clock()),
    }


def batches(rows: Rows, policy: str, year: int) -> list[dict[str, Any]]:
    """Every batch: how many payments and fen by status, who ordered it, when."""
    sql = (
        "SELECT batch, status, COUNT(*), CAST(SUM(amount) AS BIGINT), MIN(code) FROM payments "
        "WHERE policy=? AND year=? GROUP BY batch, status ORDER BY batch, status"
    )
    batches: dict[str, dict[str, Any]] = {}
    for batch, status, count, total, code in rows.all(sql, [policy, year]):
        batch_row = batches.setdefault(
            batch, {"batch": batch, "count": 0, "total": 0, "code": code, "status": {}}
        )
        batch_row["count"] += count
        batch_row["total"] += total
        batch_row["status"][status] = (count, total)
    for batch_row in batches.values():
        for event in events_of(rows, account_id(policy, year, batch_row["code"])):
            content = event.fact.content
            if isinstance(content, PaymentOrdered) and content.batch == batch_row["batch"]:
                batch_row["actor"], batch_row["at"] = content.actor, event.recorded_at
    return list(batches.values())


def clawbacks(rows: Rows, policy: str, year: int) -> list[dict[str, Any]]:
    """The first clawbacks, each with what of it came back."""
    sql = (
        "SELECT code FROM accounts WHERE policy=? AND year=? AND clawed>0 "
        "ORDER BY clawed=recovered, code LIMIT ?"
    )
    codes = [code for (code,) in rows.all(sql, [policy, year, CLAWED])]
    names, book = read_names(rows, codes), rulebook(rows, policy)
    clawbacks = []
    for code, (account, _) in sorted(accounts_of(rows, policy, year, codes).items()):
        for name, clawback in account.clawbacks.items():
            due = clawback.amount - clawback.recovered
            measure = clawback.ordered.measure if clawback.ordered else None
            title = title_of(book, measure, year) if measure else None
            described: dict[str, Any] = {"clawback": name, "enterprise": code, "title": title}
            described["name"] = names.get(code, ("", ""))[0]
            clawbacks.append(
                {**described, "amount": clawback.amount, "recovered": clawback.recovered, "due": due}
            )
    return clawbacks


@console.post("/<policy>/<int:year>/payments/file")
def payment_file(policy: str, year: int) -> BaseResponse:
    """Give a batch as a file for the bank; accounts come with the form and are not kept."""
    open_policy(policy, year)
    try:
        forms.named(ACCESS["payments.file"])
        names = ("form", "on", "payer_name", "payer_account", "payer_bank")
        payees = lines_of(upload("payees"))
        body = read(FileBody, {**request.form.to_dict(), "payees": "-"}, *names, "payees")
        payer = Payer(body["payer_name"], body["payer_account"], body["payer_bank"])
        batch = request.form.get("batch", "")
        suffix, bank_form = suffix_of(body["form"])
        folder = tempfile.TemporaryDirectory()
        path = Path(folder.name) / f"{policy}-{year}-payments{suffix}"
        try:
            with forms.opened().store.reading() as rows:
                written = write_payments(
                    forms.opened(), rows, policy, year, batch, path, payees, payer, body["on"], bank_form
                )
        except BaseException:
            folder.cleanup()
            raise
        for warning in written.warnings[:WARNINGS_SHOWN]:
            flash(warning.describe(language.chosen()))
        return sent(folder, path, f"{policy}-{batch}{suffix}")
    except CAUGHT as error:
        return _payments(policy, year, refusal_of("file", error))


class PaymentsQuery(Query):
    """Which payments."""

    enterprise = CreditCode()
    status = Choice("ordered", "made", "failed")
    cursor = Cursor("payments", str)


@console.get("/<policy>/<int:year>/payments")
def payments_page(policy: str, year: int) -> BaseResponse:
    """Show the payments of a year, a page at a time."""
    return _payments(policy, year)


def _payments(policy: str, year: int, refusal: Refusal | None = None) -> BaseResponse:
    book = open_policy(policy, year)
    names = ("enterprise", "status", "cursor")
    asked = {name: text for name in names if (text := request.args.get(name, "").strip())}
    faults = PaymentsQuery().validate(asked)
    wanted = {} if faults else PaymentsQuery().load(asked)
    columns = {"enterprise": "code=?", "status": "status=?", "cursor": "payment>?"}
    where = "".join(f" AND {columns[name]}" for name in wanted)
    values = [value[0] if name == "cursor" else value for name, value in wanted.items()]
    sql = (
        "SELECT payment, batch, code, amount, status, day, said, position FROM payments "
        f"WHERE policy=? AND year=?{where} ORDER BY payment LIMIT ?"
    )
    with forms.opened().store.reading() as rows:
        payment_rows = [] if faults else rows.all(sql, [policy, year, *values, PAGE + 1])
        page_values = {
            "names": read_names(rows, [row[2] for row in payment_rows]),
            "sums": sum_accounts(rows, policy, year),
            "batches": batches(rows, policy, year),
            "stage": settlement_of(rows, policy, year).stage,
            "restores": read_restores(rows),
            "place": rows.last_position(),
        }
    return page(
        "payments.html",
        422 if refusal else 200,
        section=SECTION,
        policy=policy,
        year=year,
        asked=asked,
        wrong=bool(faults),
        currency=book.latest.currency,
        payments=payment_rows[:PAGE],
        next=next_page("payments", payment_rows[PAGE - 1][:1]) if len(payment_rows) > PAGE else "",
        refusal=refusal,
        given=request.form if refusal else {},
        today=today(forms.opened().clock()),
        bank_forms=[(name, _title_of(read_form(name))) for name in list_forms()],
        **page_values,
    )


def _title_of(form: BankForm) -> str:
    title = form.zh if language.chosen() == "zh" else form.en
    return title if form.confirmed else language.words_for("pay-form-unconfirmed", form=title)
