"""A year's settlement, step by step: who did what and when, and the one form that is due now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from domain.authority.roles import MAY
from domain.settlement.open_matters import KINDS
from domain.settlement.year import Settlement
from ledger.intake.messages.fields import CreditCode
from ledger.projections.closings import settlement_of, today
from ledger.reading.budgets import YearBudget, read_budget
from ledger.reading.records import read_names
from ledger.settlement import closing, proposing
from ledger.settlement.open_matters import OpenMatters, read_open_matters
from ledger.store.application import Ledger
from ledger.store.rows import Rows
from services.api.settlements.document import settlement_document
from services.api.settlements.schemas import ObjectionBody, ResolutionBody
from services.console import forms, language
from services.console.blueprint import console
from services.console.menu import add_to_menu
from services.console.pages.home import open_policy
from services.console.pages.payments import batches
from services.console.pages.payments import steps as payment_steps
from services.console.refusals import Refusal, named_roles, read, take
from services.console.rendering import choices, page
from services.console.shown import awards_titled, next_page
from services.web.fields import Cursor, Query
from services.web.problems import Problem

add_to_menu("settlement_page", "nav-settlement", 70)
SECTION = "settlement_page"
LINES = 100

Form = MultiDict[str, str]
Act = Callable[[Ledger, str, int, Form], str]
ACTS: dict[str, Act] = {**payment_steps.ACTS}
"""What each form of the page does; the notice comes back."""


@console.get("/<policy>/<int:year>/settlement")
def settlement_page(policy: str, year: int) -> BaseResponse:
    """Show where the year stands, and what is due."""
    return _show(policy, year)


@console.post("/<policy>/<int:year>/settlement/<step>")
def settlement_step(policy: str, year: int, step: str) -> BaseResponse:
    """Take one step."""
    open_policy(policy, year)
    act = ACTS.get(step)
    if act is None:
        raise Problem("route-unknown")

    def show(refusal: Refusal) -> BaseResponse:
        return _show(policy, year, refusal, 409)

    def after() -> str:
        return url_for("console.settlement_page", policy=policy, year=year) + f"#{STEP_OF.get(step, step)}"

    return take(step, lambda: act(forms.opened(), policy, year, request.form), after, show)


STEP_OF = {
    "order": "pay",
    "results": "pay",
    "claw-back": "recover",
    "recovery": "recover",
    "resolve": "object",
}
"""Under which step of the page a form stands, where it is not its own."""


def _show(policy: str, year: int, refusal: Refusal | None = None, status: int = 200) -> BaseResponse:
    book = open_policy(policy, year)
    ledger = forms.opened()
    with ledger.store.reading() as rows:
        state = settlement_of(rows, policy, year)
        said = settlement_document(rows, state)
        about = [each.enterprise for each in state.objections.values() if each.enterprise]
        values = {
            **batches.state_of(rows, policy, year, state.stage == "closed"),
            "names": read_names(rows, about),
            "now": _now(rows, policy, year) if state.stage != "closed" else None,
            "covered": book.covers_year(year),
            "procedure": book.of_year(year).procedure,
        }
    return page(
        "settlement.html",
        status,
        policy=policy,
        year=year,
        place=said["position"],
        choices=choices(),
        currency=book.latest.currency,
        settlement=said,
        state=state,
        due=due(state, today(ledger.clock())),
        refusal=refusal,
        given=request.form if refusal else {},
        open_matters=_read_open_matters(ledger, policy, year, refusal),
        kinds={kind: title._asdict() for kind, title in KINDS.items()},
        whose=roles_for,
        **values,
    )


ASKED = {
    "propose": "settlement.propose",
    "publish": "settlement.publish",
    "close": "settlement.close",
    "order": "payment.order",
}
"""The forms that open matters are acknowledged in, each with its step."""


def _read_open_matters(ledger: Ledger, policy: str, year: int, refusal: Refusal | None) -> OpenMatters | None:
    """What must be acknowledged, for a form that was refused since it was not."""
    if refusal is None or not any(str(each.get("code", "")).startswith("matters.") for each in refusal.found):
        return None
    with ledger.store.reading() as rows:
        return read_open_matters(ledger, rows, policy, year, ASKED[refusal.step])


def _now(rows: Rows, policy: str, year: int) -> YearBudget:
    """What a list proposed now would rest on."""
    return read_budget(forms.opened(), rows, policy, year)


def roles_for(action: str) -> str:
    """Which roles may take a step, in words."""
    return named_roles(list(MAY[action]))


def due(state: Settlement, day: str) -> dict[str, str]:
    """What may be done now (``""``), or the key of the sentence that says what must happen first."""
    closed, published = state.stage == "closed", state.stage == "published"
    until = state.publication.until_day if state.publication else ""
    steps = {
        "propose": "" if not closed else "settle-is-closed",
        "publish": "" if state.stage == "proposed" else "settle-propose-first",
        "object": "" if published and day <= until else "settle-publish-first",
        "close": "settle-publish-first",
        "pay": "" if closed else "settle-close-first",
        "recover": "" if closed else "settle-close-first",
    }
    if published:
        steps["publish"] = "settle-is-published"
        if day > until:
            steps["object"] = "settle-objections-over"
        steps["close"] = _close(state, day, until)
    if closed:
        steps |= dict.fromkeys(("publish", "object", "close"), "settle-is-closed")
    return steps


def _close(state: Settlement, day: str, until: str) -> str:
    if state.open_objections:
        return "settle-resolve-first"
    if state.upheld:
        return "settle-upheld"
    return "settle-wait" if day <= until else ""


def _propose(ledger: Ledger, policy: str, year: int, form: Form) -> str:
    proposing.propose(ledger, policy, year, forms.actor(), payment_steps.acknowledging_in(form))
    return language.words_for("settle-did-propose")


def _publish(ledger: Ledger, policy: str, year: int, form: Form) -> str:
    state = proposing.publish(ledger, policy, year, forms.actor(), payment_steps.acknowledging_in(form))
    return language.words_for("settle-did-publish", until=state.present_publication().until_day)


def _object(ledger: Ledger, policy: str, year: int, form: Form) -> str:
    body = read(ObjectionBody, form, "enterprise", "reason")
    proposing.raise_objection(ledger, policy, year, forms.actor(), body["enterprise"], body["reason"])
    return language.words_for("settle-did-object")


def _resolve(ledger: Ledger, policy: str, year: int, form: Form) -> str:
    body = read(ResolutionBody, form, "outcome", "reason")
    what = (form.get("objection", ""), body["outcome"], body["reason"])
    proposing.resolve_objection(ledger, policy, year, forms.actor(), *what)
    return language.words_for("settle-did-resolve")


def _close_year(ledger: Ledger, policy: str, year: int, form: Form) -> str:
    closing.close(ledger, policy, year, forms.actor(), payment_steps.acknowledging_in(form))
    return language.words_for("settle-did-close", year=year)


ACTS |= {
    "propose": _propose,
    "publish": _publish,
    "object": _object,
    "resolve": _resolve,
    "close": _close_year,
}


@console.get("/<policy>/<int:year>/open-matters")
def open_matters_page(policy: str, year: int) -> BaseResponse:
    """Show what of the year and the years before it is open, and what was acknowledged of it."""
    open_policy(policy, year)
    ledger = forms.opened()
    with ledger.store.reading() as rows:
        open_matters = read_open_matters(ledger, rows, policy, year)
        acknowledgements = settlement_of(rows, policy, year).acknowledgements
        position = rows.last_position()
    return page(
        "open-matters.html",
        section=SECTION,
        policy=policy,
        year=year,
        place=position,
        open_matters=open_matters,
        kinds={kind: title._asdict() for kind, title in KINDS.items()},
        acknowledgements=acknowledgements,
    )


class LinesQuery(Query):
    """Which part of the list."""

    enterprise = CreditCode()
    cursor = Cursor("lines", str, str, int)


@console.get("/<policy>/<int:year>/settlement/lines")
def settlement_lines(policy: str, year: int) -> BaseResponse:
    """Show the list, a page at a time."""
    book = open_policy(policy, year)
    asked = {name: text.strip() for name, text in request.args.items() if name in ("enterprise", "cursor")}
    query = LinesQuery()
    faults = query.validate({name: text for name, text in asked.items() if text})
    wanted = {} if faults else query.load({name: text for name, text in asked.items() if text})
    where, values = "", list[Any]()
    if "enterprise" in wanted:
        where, values = " AND code=?", [wanted["enterprise"]]
    if "cursor" in wanted:
        where, values = f"{where} AND (code, measure, award_year)>(?,?,?)", [*values, *wanted["cursor"]]
    sql = (
        "SELECT code, measure, award_year, gross, withheld, reduction, payable FROM settlement_lines "
        f"WHERE policy=? AND year=?{where} ORDER BY code, measure, award_year LIMIT ?"
    )
    with forms.opened().store.reading() as rows:
        state = settlement_of(rows, policy, year)
        found = [] if faults else rows.all(sql, [policy, year, *values, LINES + 1])
        names = read_names(rows, [row[0] for row in found])
        titles = awards_titled(book, [(row[1], row[2]) for row in found])
        position = rows.last_position()
    return page(
        "settlement-lines.html",
        section=SECTION,
        policy=policy,
        year=year,
        place=position,
        state=state,
        currency=book.latest.currency,
        lines=found[:LINES],
        names=names,
        titles=titles,
        asked=asked.get("enterprise", ""),
        wrong=bool(faults),
        next=next_page("lines", found[LINES - 1][:3]) if len(found) > LINES else "",
    )
