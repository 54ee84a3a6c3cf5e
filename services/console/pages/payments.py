"""Paying a closed year: batches, the bank's files and answers, clawbacks, late adjustments."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import flash, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from domain.events import account_id
from domain.events.accounts import PaymentOrdered
from domain.money.amounts import print_fen
from domain.settlement.reconciliation import KIND_WORDS, Reconciliation
from ledger.export.banks.forms import BankForm, list_forms, read_form
from ledger.intake.messages.fields import Choice, CreditCode
from ledger.log.key_record import read_restores
from ledger.policies.versions import rulebook
from ledger.projections.closings import accounts_of, settlement_of, today
from ledger.projections.disagreements import undecided
from ledger.reading.accounts import sum_accounts
from ledger.reading.records import read_names
from ledger.settlement import adjusting, paying
from ledger.settlement.bank_answers import record_answers
from ledger.settlement.files import Payer, suffix_of, write_payments
from ledger.settlement.statements.reading import is_statement
from ledger.settlement.statements.reconciling import (
    read_statements,
    reconcile_year,
    record_statement,
)
from ledger.store.application import Ledger
from ledger.store.rows import Rows
from ledger.store.stored_events import events_of
from services.api.payments.schemas import ClawbackBody, FileBody, RecoveryBody
from services.api.settlements.schemas import AdjustmentBody
from services.console import forms, language
from services.console.blueprint import console
from services.console.files import sent
from services.console.pages.home import open_policy
from services.console.refusals import CAUGHT, Refusal, lines_of, read, refusal_of, take, upload
from services.console.rendering import page
from services.console.shown import awards_titled, next_page
from services.web.fields import Cursor, Query
from services.web.identity.access import ACCESS

SECTION = "settlement_page"
PAGE = 100
WARNINGS_SHOWN = 20
"""Most oddities of payees that the next page tells."""
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
    names = read_names(rows, codes)
    clawbacks = []
    for code, (account, _) in sorted(accounts_of(rows, policy, year, codes).items()):
        for name, clawback in account.clawbacks.items():
            due = clawback.amount - clawback.recovered
            described = {"clawback": name, "enterprise": code, "name": names.get(code, ("", ""))[0]}
            clawbacks.append(
                {**described, "amount": clawback.amount, "recovered": clawback.recovered, "due": due}
            )
    return clawbacks


def _order(ledger: Ledger, policy: str, year: int, _: Form) -> str:
    made = paying.order_payments(ledger, policy, year, forms.actor())
    return language.words_for(
        "pay-did-order",
        batch=made.batch,
        count=made.payments,
        total=print_fen(made.total, made.currency),
    )


def _results(ledger: Ledger, policy: str, year: int, _: Form) -> str:
    data = upload("file").stream.read()
    if is_statement(data):
        with ledger.store.reading() as rows:
            entries = read_statements(rows, policy, [data])
        confirmed = record_statement(ledger, policy, year, forms.actor(), entries)
        counts = {"recorded": confirmed.recorded, "refused": len(confirmed.refused)}
        return language.words_for("pay-did-statement", **counts)
    done = record_answers(ledger, policy, year, forms.actor(), data)
    words = "pay-did-results-passed" if done.pending or done.outdated else "pay-did-results"
    return language.words_for(words, **done._asdict())


def _currency(ledger: Ledger, policy: str) -> str:
    """What a policy pays in."""
    with ledger.store.reading() as rows:
        return rulebook(rows, policy).latest.currency


def _claw_back(ledger: Ledger, policy: str, year: int, form: Form) -> str:
    body = read(ClawbackBody, form, "enterprise", "amount", "measure", "reason", "reference")
    what = (body["enterprise"], forms.actor(), body["amount_fen"], body["reason"], body["measure"])
    name, account = paying.claw_back(ledger, policy, year, *what, body["reference"])
    if account.repeated:
        return language.words_for("pay-did-before", clawback=name)
    return language.words_for(
        "pay-did-claw", clawback=name, amount=print_fen(body["amount_fen"], _currency(ledger, policy))
    )


def _recovery(ledger: Ledger, policy: str, year: int, form: Form) -> str:
    clawback, _, code = form.get("clawback", "").partition(" ")
    given = {**form.to_dict(), "enterprise": code}
    body = read(RecoveryBody, given, "enterprise", "amount", "on", "reference")
    what = (forms.actor(), clawback, body["amount_fen"], body["on"], body["reference"])
    account = paying.recover(ledger, policy, year, body["enterprise"], *what)
    if account.repeated:
        return language.words_for("pay-did-before", clawback=clawback)
    return language.words_for(
        "pay-did-recover", amount=print_fen(body["amount_fen"], _currency(ledger, policy))
    )


ACTS: dict[str, Callable[[Ledger, str, int, Form], str]] = {
    "order": _order,
    "results": _results,
    "claw-back": _claw_back,
    "recovery": _recovery,
}


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


@console.get("/<policy>/<int:year>/reconciliation")
def reconciliation_page(policy: str, year: int) -> BaseResponse:
    """Ask for the bank's statements, which are held beside the year's payments."""
    return _reconciliation(policy, year)


@console.post("/<policy>/<int:year>/reconciliation")
def reconcile_statements(policy: str, year: int) -> BaseResponse:
    """Show the year's payments beside the statements of the form; nothing of them is kept."""
    open_policy(policy, year)
    try:
        data = [file.stream.read() for file in request.files.getlist("file") if file.filename]
        if not data:
            upload("file")
        with forms.opened().store.reading() as rows:
            entries = read_statements(rows, policy, data)
            return _reconciliation(policy, year, reconcile_year(rows, policy, year, entries))
    except CAUGHT as error:
        return _reconciliation(policy, year, refusal=refusal_of("reconciliation", error))


def _reconciliation(
    policy: str, year: int, found: Reconciliation | None = None, refusal: Refusal | None = None
) -> BaseResponse:
    book = open_policy(policy, year)
    with forms.opened().store.reading() as rows:
        stage = settlement_of(rows, policy, year).stage
    names = {kind: zh if language.chosen() == "zh" else en for kind, (zh, en) in KIND_WORDS.items()}
    shown = {"found": found, "kinds": names, "stage": stage, "open_max": PAGE, "refusal": refusal}
    status = 422 if refusal else 200
    currency = book.latest.currency
    return page(
        "reconciliation.html", status, section=SECTION, policy=policy, year=year, currency=currency, **shown
    )


def _title_of(form: BankForm) -> str:
    title = form.zh if language.chosen() == "zh" else form.en
    return title if form.confirmed else language.words_for("pay-form-unconfirmed", form=title)


@console.get("/<policy>/<int:year>/adjustments")
def adjustments_page(policy: str, year: int) -> BaseResponse:
    """Show what late facts would change in a closed year."""
    return _adjustments(policy, year)


@console.post("/<policy>/<int:year>/adjustments/<step>")
def adjust(policy: str, year: int, step: str) -> BaseResponse:
    """Accept what is missing into an open year, or claw back what was too much."""
    open_policy(policy, year)
    act = _claw_back if step == "claw-back" else _accept

    def show(refusal: Refusal) -> BaseResponse:
        return _adjustments(policy, year, refusal)

    def after() -> str:
        return url_for("console.adjustments_page", policy=policy, year=year)

    return take(step, lambda: act(forms.opened(), policy, year, request.form), after, show)


def _accept(ledger: Ledger, policy: str, year: int, form: Form) -> str:
    into = form.get("into_year", "")
    names = ("enterprise", "measure", "amount", "reason")
    body = read(AdjustmentBody, form, *names, into_year=int(into) if into.isdecimal() else into)
    what = (body["enterprise"], body["measure"], body["into_year"], forms.actor())
    adjusting.accept(ledger, policy, year, *what, body["amount_fen"], body["reason"])
    return language.words_for(
        "adjust-did-accept",
        amount=print_fen(body["amount_fen"], _currency(ledger, policy)),
        year=body["into_year"],
    )


class AdjustmentsQuery(Query):
    """Which adjustments."""

    enterprise = CreditCode()
    cursor = Cursor("adjustments", str)


def _adjustments(policy: str, year: int, refusal: Refusal | None = None) -> BaseResponse:
    asked = {name: t for name in ("enterprise", "cursor") if (t := request.args.get(name, "").strip())}
    faults = AdjustmentsQuery().validate(asked)
    wanted = {} if faults else AdjustmentsQuery().load(asked)
    after, code = (wanted["cursor"][0] if "cursor" in wanted else ""), wanted.get("enterprise")
    proposals: list[adjusting.Pending] = []
    book = open_policy(policy, year)
    with forms.opened().store.reading() as rows:
        stage = settlement_of(rows, policy, year).stage
        if stage == "closed" and not faults:
            proposals = adjusting.pending(rows, policy, year, code, after, PAGE + 1)
        names = read_names(rows, [each.code for each in proposals])
        titles = awards_titled(book, [(each.measure, year) for each in proposals])
        back = {
            (each.code, each.measure): adjusting.paid_too_much(rows, book, year, each)
            for each in proposals
            if each.amount < 0
        }
        open_ = undecided(rows, {each.code for each in proposals})
        place = rows.last_position()
    count = adjusting.whole_enterprises(proposals, PAGE)
    return page(
        "adjustments.html",
        409 if refusal else 200,
        section=SECTION,
        policy=policy,
        year=year,
        place=place,
        currency=book.latest.currency,
        stage=stage,
        asked=asked,
        wrong=bool(faults),
        pending=proposals[:count],
        back=back,
        undecided=open_,
        names=names,
        titles=titles,
        into=[each for each in range(year + 1, year + 4) if book.covers_year(each)],
        refusal=refusal,
        given=request.form if refusal else {},
        next=next_page("adjustments", (proposals[count - 1].code,)) if len(proposals) > PAGE else "",
    )
