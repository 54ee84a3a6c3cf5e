"""The page of what late facts would change in a closed year, and the two answers to it."""

from __future__ import annotations

from flask import request, url_for
from werkzeug.wrappers import Response as BaseResponse

from domain.money.amounts import print_fen
from ledger.intake.messages.fields import CreditCode
from ledger.projections.closings import settlement_of
from ledger.projections.disagreements import undecided
from ledger.reading.records import read_names
from ledger.settlement import adjusting
from ledger.settlement.overpaid import list_overpayments, match_overpayments
from ledger.store.application import Ledger
from services.api.settlements.schemas import AdjustmentBody
from services.console import forms, language
from services.console.blueprint import console
from services.console.pages.home import open_policy
from services.console.pages.payments.steps import Form, claw_back, read_currency
from services.console.refusals import Refusal, read, take
from services.console.rendering import page
from services.console.shown import awards_titled, next_page, stages_in_words
from services.web.fields import Cursor, Query

SECTION = "settlement_page"
PAGE = 100


@console.get("/<policy>/<int:year>/adjustments")
def adjustments_page(policy: str, year: int) -> BaseResponse:
    """Show what late facts would change in a closed year."""
    return _adjustments(policy, year)


@console.post("/<policy>/<int:year>/adjustments/<step>")
def adjust(policy: str, year: int, step: str) -> BaseResponse:
    """Accept what is missing into an open year, or claw back what was too much."""
    open_policy(policy, year)
    act = claw_back if step == "claw-back" else _accept

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
        amount=print_fen(body["amount_fen"], read_currency(ledger, policy)),
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
        overpaid = match_overpayments(rows, policy, year, proposals) if proposals else {}
        overpayments = list_overpayments(rows, policy, year, code, after, PAGE) if stage == "closed" else []
        measures = [*(each.measure for each in proposals), *(each.measure for each in overpayments)]
        titles = awards_titled(book, [(measure, year) for measure in measures])
        names |= read_names(rows, [each.code for each in overpayments])
        disagreements = undecided(rows, {each.code for each in proposals})
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
        overpaid=overpaid,
        overpayments=overpayments,
        stages=stages_in_words(),
        undecided=disagreements,
        names=names,
        titles=titles,
        into=[each for each in range(year + 1, year + 4) if book.covers_year(each)],
        refusal=refusal,
        given=request.form if refusal else {},
        next=next_page("adjustments", (proposals[count - 1].code,)) if len(proposals) > PAGE else "",
    )
