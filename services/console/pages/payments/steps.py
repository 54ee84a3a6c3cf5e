"""Steps of payments that the forms take: order, the bank's answers, clawbacks and what came back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from flask import flash
from werkzeug.datastructures import MultiDict

from domain.authority.roles import NotAllowed
from domain.money.amounts import print_fen
from domain.settlement.reconciliation import UntoldStep
from ledger.policies.versions import rulebook
from ledger.settlement import paying
from ledger.settlement.bank_answers import record_answers
from ledger.settlement.open_matters import Acknowledging
from ledger.settlement.statements.reading import is_statement
from ledger.settlement.statements.reconciling import record_statements
from ledger.store.application import Ledger
from services.api.payments.schemas import ClawbackBody, RecoveryBody
from services.api.settlements.open_matters import read_acknowledging
from services.console import forms, language
from services.console.refusals import describe_refusal, read, upload

REFUSED_SHOWN = 10
"""Most lines of a statement that were refused, which the next page tells."""

Form = MultiDict[str, str]


def acknowledging_in(form: Form) -> Acknowledging | None:
    """What a form acknowledges; ``None`` where it names no list.

    Raises:
        NotAllowed: where it names a list without a reason.
    """
    return read_acknowledging(form.get("acknowledges"), " ".join(form.get("reason", "").split()))


def _order(ledger: Ledger, policy: str, year: int, form: Form) -> str:
    acknowledging = acknowledging_in(form)
    made = paying.order_payments(ledger, policy, year, forms.actor(), acknowledging=acknowledging)
    return language.words_for(
        "pay-did-order",
        batch=made.batch,
        count=made.payments,
        total=print_fen(made.total, made.currency),
    )


def _results(ledger: Ledger, policy: str, year: int, _: Form) -> str:
    data = upload("file").stream.read()
    if is_statement(data):
        confirmed = record_statements(ledger, policy, year, forms.actor(), [data])
        counts = {"recorded": confirmed.recorded, "refused": len(confirmed.refused)}
        for line in _refused_lines(confirmed.refused[:REFUSED_SHOWN], read_currency(ledger, policy)):
            flash(line)
        return language.words_for("pay-did-statement", **counts)
    done = record_answers(ledger, policy, year, forms.actor(), data)
    words = "pay-did-results-passed" if done.pending or done.outdated else "pay-did-results"
    return language.words_for(words, **done._asdict())


def _refused_lines(refused: Sequence[tuple[UntoldStep, NotAllowed]], currency: str) -> Iterator[str]:
    """What a statement says and the ledger does not allow, line by line, with the reason."""
    for step, fault in refused:
        entry = step.entry
        yield language.words_for(
            "pay-statement-refused",
            payment=step.payment.payment,
            on=entry.booked_on,
            reference=entry.reference,
            amount=print_fen(entry.net_fen, currency),
            why=describe_refusal(fault),
        )


def read_currency(ledger: Ledger, policy: str) -> str:
    """What a policy pays in."""
    with ledger.store.reading() as rows:
        return rulebook(rows, policy).latest.currency


def claw_back(ledger: Ledger, policy: str, year: int, form: Form) -> str:
    """Order back what a form asks for; the notice comes back."""
    body = read(ClawbackBody, form, "enterprise", "amount", "measure", "reason", "reference")
    what = (body["enterprise"], forms.actor(), body["amount_fen"], body["reason"], body["measure"])
    name, account = paying.claw_back(ledger, policy, year, *what, body["reference"])
    if account.repeated:
        return language.words_for("pay-did-before", clawback=name)
    return language.words_for(
        "pay-did-claw", clawback=name, amount=print_fen(body["amount_fen"], read_currency(ledger, policy))
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
        "pay-did-recover", amount=print_fen(body["amount_fen"], read_currency(ledger, policy))
    )


ACTS: dict[str, Callable[[Ledger, str, int, Form], str]] = {
    "order": _order,
    "results": _results,
    "claw-back": claw_back,
    "recovery": _recovery,
}
