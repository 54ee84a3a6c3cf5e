"""Claims: the queue of a year, a new claim, and one claim with the steps that are due."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Response, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from domain.events.claims import ClaimSubmitted
from domain.money.amounts import print_fen
from ledger.claims import casework, desk
from ledger.claims.casework import STATUSES, Casefile
from ledger.intake.messages.schemas import DOCUMENT_MEMBERS, read_document
from ledger.policies.versions import rulebook
from ledger.reading.balances import read_balance
from ledger.reading.records import UnknownEnterprise, read_enterprise, read_names
from services.api.claims.schemas import ApprovalBody, ClaimBody, ReasonBody, ReviewBody, WithdrawalBody
from services.console import asking, forms, language, refusals, telling
from services.console.blueprint import console
from services.console.menu import add_to_menu
from services.console.pages.home import open_policy
from services.console.refusals import Refusal, Refused
from services.console.rendering import choices, page
from services.console.shown import field_name
from services.web.problems import Problem

add_to_menu("claims_page", "nav-claims", 30)
SECTION = "claims_page"
ROWS = 50
DOCUMENTS = 3
"""Rows for documents that a new form has."""
DOCUMENTS_MAX = 50
DUE = {
    "submitted": ("review", "reject", "withdraw"),
    "appealed": ("review", "reject", "withdraw"),
    "reviewed": ("approve", "reject", "withdraw"),
    "rejected": ("appeal",),
}
"""The steps that a claim can take from each status."""
TEXTS = ("enterprise", "claim", "measure", "item", "amount", "person", *DOCUMENT_MEMBERS)
SAID = ("claim", "policy", "measure", "item", "year")
"""What the head of a claim's page says of it, and its steps need not."""
DOCUMENT = ("title", "location", "sha256")


@console.get("/<policy>/<int:year>/claims")
def claims_page(policy: str, year: int) -> BaseResponse:
    """Show the queue."""
    return _queue(policy, year)


def _queue(policy: str, year: int, refusal: Refusal | None = None) -> BaseResponse:
    book = open_policy(policy, year)
    status = asking.choice("status", (*STATUSES, "all"), "")
    after = asking.cursor("claims-queue", str, str)
    with forms.opened().store.reading() as rows:
        counts = casework.counts(rows, policy, year)
        status = status or next((each for each in STATUSES if counts[each]), "all")
        wanted = None if status == "all" else status
        queued = casework.queue(rows, policy, year, wanted, after, ROWS + 1)
        place = rows.last_position()
    listed_claims, last = queued[:ROWS], queued[ROWS - 1] if len(queued) > ROWS else None
    return page(
        "claims.html",
        refusals.REFUSED if refusal else 200,
        policy=policy,
        year=year,
        place=place,
        choices=choices(),
        counts={"all": sum(counts.values()), **counts},
        which=status,
        claims=listed_claims,
        currency=book.latest.currency,
        titles=telling.titles_of(book),
        refusal=_worded(refusal),
        next=asking.further("claims-queue", last.code, last.claim) if last else "",
        first=asking.beginning(),
    )


@console.post("/<policy>/<int:year>/claims")
def propose_claims(policy: str, year: int) -> BaseResponse:
    """Propose the claims that the facts already earn (免申即享)."""
    open_policy(policy, year)

    def act() -> str:
        proposals = desk.propose(forms.opened(), policy, year, forms.actor())
        return language.words_for(
            "claims-proposed" if proposals else "claims-proposed-none", number=len(proposals)
        )

    def after() -> str:
        return url_for("console.claims_page", policy=policy, year=year, status="submitted")

    return refusals.take("propose", act, after, lambda refusal: _queue(policy, year, refusal))


# --- a new claim ------------------------------------------------------------------------------


@console.get("/<policy>/<int:year>/claims/new")
def new_claim(policy: str, year: int) -> BaseResponse:
    """Show the form of a new claim."""
    return _new(policy, year, MultiDict({"enterprise": asking.text("enterprise", 18)}))


def _new(
    policy: str, year: int, typed: MultiDict[str, str], refusal: Refusal | None = None, more: int = 0
) -> BaseResponse:
    book = open_policy(policy, year)
    with forms.opened().store.reading() as rows:
        code = typed.get("enterprise", "")
        name = read_names(rows, [code]).get(code, ("", ""))[0] if code.isascii() else ""
        place = rows.last_position()
    number = min(max(len(typed.getlist("title")), DOCUMENTS) + more, DOCUMENTS_MAX)
    return page(
        "claim-new.html",
        refusals.REFUSED if refusal else 200,
        section=SECTION,
        policy=policy,
        year=year,
        place=place,
        name=name,
        measures=[each for each in book.of_year(year).measures.values() if each.takes_claims],
        typed={field: typed.get(field, "") for field in TEXTS},
        documents=[_row(typed, index) for index in range(number)],
        refusal=_worded(refusal),
        currency=book.latest.currency,
    )


def _row(typed: MultiDict[str, str], index: int) -> dict[str, str]:
    """One row of the documents that were typed."""
    columns = {name: typed.getlist(name) for name in DOCUMENT}
    return {name: texts[index] if index < len(texts) else "" for name, texts in columns.items()}


@console.post("/<policy>/<int:year>/claims/new")
def submit_claim(policy: str, year: int) -> BaseResponse:
    """Submit a claim, or show the form with more rows for documents."""
    open_policy(policy, year)
    if "more" in request.form:
        return _new(policy, year, request.form, more=DOCUMENTS)
    where = ["", ""]

    def act() -> str:
        application_fields = _asked(policy, year)
        code = application_fields.pop("enterprise")
        with forms.opened().store.reading() as rows:
            read_enterprise(rows, code)
        application = msgspec.convert(application_fields, ClaimSubmitted)
        recorded = desk.submit(
            forms.opened(), code, forms.actor(), application, read_document(application_fields)
        )
        where[:] = [code, recorded.claim]
        return _done(recorded)

    def after() -> str:
        return url_for("console.claim_page", policy=policy, year=year, code=where[0], claim=where[1])

    try:
        return refusals.take("submit", act, after, lambda refusal: _new(policy, year, request.form, refusal))
    except UnknownEnterprise:
        words = {
            "field": language.words_for("credit-code"),
            "rule": language.words_for("claims-enterprise-unknown"),
        }
        faults = [{**words, "mend": language.words_for("claims-enterprise-mend")}]
        return _new(policy, year, request.form, refusals.refusal_of("submit", Refused(faults)))


def _asked(policy: str, year: int) -> dict[str, Any]:
    """The form's claim, checked as the interface checks it.

    Raises:
        Refused: with everything that is wrong.
    """
    number = min(len(request.form.getlist("title")), DOCUMENTS_MAX)
    rows = [_row(request.form, index) for index in range(number)]
    documents = [{name: text.strip() for name, text in row.items() if text.strip()} for row in rows]
    more = {"policy": policy, "year": year, "evidence": [each for each in documents if each]}
    amount = request.form.get("amount", "").replace(",", "").strip()
    with forms.opened().store.reading() as stored:
        currency = {"currency": rulebook(stored, policy).latest.currency} if amount else {}
    texts = {**request.form, "amount": amount}
    fields = refusals.read(ClaimBody, texts, *TEXTS, **more, **currency)
    return {**fields, "evidence": fields["evidence"] or None}


def _worded(refusal: Refusal | None) -> Refusal | None:
    """A refusal with its fields as the form's labels say them."""
    if refusal is None:
        return None
    return refusal._replace(found=[{**each, "field": _label(each["field"])} for each in refusal.found])


def _label(field: str) -> str:
    head, _, name = field.rpartition(".")
    if head.partition(".")[0] == "evidence" and name in DOCUMENT:
        return language.words_for(f"claims-document-{name}")
    return field_name(field)


def _done(recorded: desk.Recorded) -> str:
    status = language.words_for(f"claim-status-{recorded.status}")
    return language.words_for("claims-done", status=status, number=f"{recorded.position:,}")


# --- one claim --------------------------------------------------------------------------------


@console.get("/<policy>/<int:year>/claims/<code>/<path:claim>")
def claim_page(policy: str, year: int, code: str, claim: str) -> BaseResponse:
    """Show one claim's file, what bears on it, and the forms of the steps that are due."""
    return _claim(policy, year, code, claim)


def _claim(policy: str, year: int, code: str, claim: str, refusal: Refusal | None = None) -> Response:
    book = open_policy(policy, year)
    currency, ledger = book.latest.currency, forms.opened()
    with ledger.store.reading() as rows:
        wording = telling.read_wording(rows, policy)
        casefile = casework.casefile(rows, policy, code, claim)
        if casefile is None:
            raise Problem("claim-unknown", named=claim)
        name, town = read_names(rows, [code]).get(code, ("", ""))
        balance = read_balance(ledger, rows, code, policy, casefile.file.year)
        place = rows.last_position()
    titles, measure = wording.titles, casefile.measure
    return page(
        "claim.html",
        refusals.REFUSED if refusal else 200,
        section=SECTION,
        policy=policy,
        year=year,
        code=code,
        place=place,
        name=name or code,
        town=town,
        case=casefile,
        title=titles.get(casefile.measure_id, casefile.measure_id),
        currency=currency,
        cap=None if measure is None or measure.cap_fen is None else print_fen(measure.cap_fen, currency),
        asked=_amount_asked(casefile, currency),
        recommended=None if casefile.file.amount is None else print_fen(casefile.file.amount),
        award=next((award for award in balance.awards if award.measure == casefile.measure_id), None),
        steps=[telling.describe_event(event, wording, SAID) for event in casefile.events],
        bearing=[telling.describe_event(event, wording) for event in casefile.bearing],
        due=DUE.get(casefile.file.status, ()),
        refusal=_worded(refusal),
        typed=request.form if refusal else {},
    )


def _amount_asked(casefile: Casefile, currency: str) -> str | None:
    """What the claim was submitted with, where it named an amount."""
    contents = (event.fact.content for event in casefile.events)
    amounts = [
        content.amount_fen
        for content in contents
        if isinstance(content, ClaimSubmitted) and content.amount_fen is not None
    ]
    return print_fen(amounts[0], currency) if amounts else None


@console.post("/<policy>/<int:year>/claims/<code>/<path:claim>")
def take_step(policy: str, year: int, code: str, claim: str) -> BaseResponse:
    """Take the step that a form of the claim's page asks for."""
    open_policy(policy, year)
    step = request.form.get("step", "")
    if step not in STEPS:
        raise Problem("route-unknown")
    return refusals.take(
        step,
        lambda: _done(_taken(step, policy, code, claim)),
        lambda: url_for("console.claim_page", policy=policy, year=year, code=code, claim=claim),
        lambda refusal: _claim(policy, year, code, claim, refusal),
    )


STEPS = {
    "review": (ReviewBody, ("amount", "opinion")),
    "approve": (ApprovalBody, ("amount",)),
    "reject": (ReasonBody, ("reason",)),
    "withdraw": (WithdrawalBody, ()),
    "appeal": (ReasonBody, ("reason",)),
}
"""The steps, each with what its form says."""


def _taken(step: str, policy: str, code: str, claim: str) -> desk.Recorded:
    ledger, actor, case = forms.opened(), forms.actor(), (code, policy, claim)
    schema, names = STEPS[step]
    texts = {**request.form, "amount": request.form.get("amount", "").replace(",", "")}
    fields = refusals.read(schema, texts, *names, *DOCUMENT_MEMBERS)
    based_on = read_document(fields)
    if step == "review":
        return desk.review(ledger, *case, actor, fields["amount_fen"], fields["opinion"], based_on)
    if step == "approve":
        return desk.approve(ledger, *case, actor, fields["amount_fen"], based_on)
    if step == "reject":
        return desk.reject(ledger, *case, actor, fields["reason"], based_on)
    if step == "appeal":
        return desk.appeal(ledger, *case, actor, fields["reason"], based_on)
    return desk.withdraw(ledger, *case, actor, based_on)
