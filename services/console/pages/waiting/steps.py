"""Steps that wait for a second person: what each would do, and the forms that confirm or withdraw it."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from werkzeug.wrappers import Response as BaseResponse

from domain.authority.persons import is_same_person, is_told_apart
from domain.authority.two_persons import TWO_PERSON_STEPS, confirming_roles
from domain.events.instants import instant
from ledger.waiting import reading
from ledger.waiting.reading import WaitingStep
from ledger.waiting.second_person import withdraw_step
from services.console import asking, forms, language
from services.console.blueprint import console
from services.console.menu import add_to_menu
from services.console.pages.home import open_policy
from services.console.refusals import Refusal, named_roles, take
from services.console.rendering import page
from services.web.identity.gate import settings_of
from services.web.problems import Problem
from services.web.waiting.confirming import confirm_step
from services.web.waiting.document import waiting_document

add_to_menu("waiting_page", "nav-waiting", 75)
ROWS = 25
STAGES = ("waiting", "all")


@console.get("/<policy>/<int:year>/waiting")
def waiting_page(policy: str, year: int) -> BaseResponse:
    """List what waits, of every policy and year."""
    open_policy(policy, year)
    return _show(policy, year)


@console.post("/<policy>/<int:year>/waiting/<waiting>")
def end_waiting(policy: str, year: int, waiting: str) -> BaseResponse:
    """Confirm a step, or take its proposal back."""
    open_policy(policy, year)
    return _end(waiting, policy, year)


@console.get("/waiting")
def first_waiting_page() -> BaseResponse:
    """List what waits in a ledger that has no policy yet: its first one."""
    return _show()


@console.post("/waiting")
def end_first_waiting() -> BaseResponse:
    """Confirm the adoption of a ledger's first policy, or take its proposal back."""
    return _end(request.form.get("waiting", ""))


def _end(waiting: str, policy: str = "", year: int = 0) -> BaseResponse:
    step = request.form.get("step")
    if step not in ("confirm", "withdraw"):
        raise Problem("route-unknown")

    def act() -> str:
        taken = confirm_step if step == "confirm" else withdraw_step
        done = taken(forms.opened(), waiting, forms.actor())
        title = TWO_PERSON_STEPS[done.step]
        named = title.zh if language.chosen() == "zh" else title.en
        return language.words_for(f"waiting-did-{step}", step=named)

    def show(refusal: Refusal) -> BaseResponse:
        return _show(policy, year, refusal, 409)

    return take(waiting, act, lambda: _address(policy, year), show)


def _address(policy: str, year: int) -> str:
    if policy:
        return url_for("console.waiting_page", policy=policy, year=year)
    return url_for("console.home")


def _show(policy: str = "", year: int = 0, refusal: Refusal | None = None, status: int = 200) -> BaseResponse:
    which = asking.choice("stage", STAGES, "waiting")
    after = asking.cursor("waiting-steps", str, str) or ("", "")
    now = instant(forms.opened().clock())
    with forms.opened().store.reading() as rows:
        steps = reading.list_waiting_steps(rows, (after[0], after[1]), ROWS + 1, which)
        entries = [{**waiting_document(rows, step, now), **_may(step)} for step in steps[:ROWS]]
        waiting, place = reading.count_waiting(rows), rows.last_position()
    last = steps[ROWS - 1] if len(steps) > ROWS else None
    return page(
        "waiting.html",
        status,
        section="waiting_page",
        policy=policy,
        year=year,
        place=place,
        which=which,
        stages=STAGES,
        waiting=waiting,
        entries=entries,
        next=asking.further("waiting-steps", last.proposed_at, last.waiting) if last else "",
        first=asking.beginning(),
        refusal=refusal,
        declared=settings_of().mode == "local",
    )


def _may(step: WaitingStep) -> dict[str, Any]:
    """What whoever looks may do with a proposal, and which roles may confirm it."""
    actor = forms.actor()
    own = is_same_person(actor.person, step.proposer)
    roles = confirming_roles(step.step)
    return {
        "own": own,
        "other_door": not own and not is_told_apart(actor.person, step.proposer),
        "may_confirm": is_told_apart(actor.person, step.proposer) and bool(actor.roles & set(roles)),
        "may_withdraw": own or "operator" in actor.roles,
        "roles": named_roles(list(roles)),
    }
