"""Where the console begins: the year, or what to do with an empty ledger; and who is working."""

from __future__ import annotations

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from domain.authority.writes import LOCAL
from domain.events.speaking import attribute_message
from domain.faults.fault import Fault
from domain.intake.authorising import Sender
from domain.policy.rulebook import Rulebook
from ledger.policies.versions import rulebooks
from ledger.waiting.reading import count_waiting
from services.console import forms
from services.console.blueprint import console
from services.console.menu import add_to_menu, menu_entries
from services.console.rendering import choices, page
from services.sample.recording import ENTERPRISES, SEED, record_city
from services.web.identity.gate import settings_of
from services.web.problems import Problem

add_to_menu("year_page", "nav-year", 10)


@console.get("/")
def home() -> BaseResponse:
    """Go to the last year of the first policy; an empty ledger explains itself."""
    found = choices()
    if not found:
        with forms.opened().store.reading() as rows:
            waiting = count_waiting(rows)
        return page("first-run.html", waiting=waiting)
    policy = next(iter(found))
    return redirect(url_for("console.year_page", policy=policy, year=found[policy][-1]))


@console.get("/choose")
def choose() -> BaseResponse:
    """Show the same section of another policy and year."""
    policy, _, year = request.args.get("of", "").rpartition("/")
    endpoint = request.args.get("to", "year_page")
    known = choices()
    in_menu = {entry.endpoint for entry in menu_entries()}
    if policy not in known or endpoint not in in_menu or not year.isdigit() or not 2000 <= int(year) <= 2100:
        raise Problem("route-unknown")
    return redirect(url_for(f"console.{endpoint}", policy=policy, year=int(year)))


@console.get("/who")
def who() -> Response:
    """Ask who is working."""
    return page("who.html", roles=forms.WORKING_ROLES, back=forms.back())


@console.post("/who")
def start_work() -> BaseResponse:
    """Work under a name."""
    forms.start_work(request.form.get("name", ""), request.form.getlist("roles"))
    return redirect(forms.back())


@console.post("/leave")
def leave() -> BaseResponse:
    """Stop working."""
    forms.stop_work()
    return redirect(url_for("console.home"))


@console.context_processor
def _menu() -> dict[str, object]:
    """What the frame of every page needs."""
    return {"menu": menu_entries(), "section": (request.endpoint or "").rpartition(".")[2]}


def open_policy(policy: str, year: int) -> Rulebook:
    """The rules that a page is about.

    Raises:
        Problem: for a policy that the ledger does not hold, as a page; for a year that none has.
    """
    with forms.opened().store.reading() as rows:
        book = rulebooks(rows).get(policy)
    if book is None:
        raise Problem("policy-unknown", named=policy)
    if not 2000 <= year <= 2100:
        raise Problem("route-unknown")
    return book


@console.post("/sample")
def make_sample() -> BaseResponse:
    """Take the sample year into an empty ledger.

    Raises:
        Problem: where the ledger holds anything already, or knows its persons: it is no trial then.
    """
    ledger = forms.opened()
    if settings_of().mode != LOCAL:
        raise Problem("step-refused", [Fault("sample.checked", "sample")])
    with ledger.store.reading() as rows:
        if rows.last_position():
            raise Problem("sample-not-empty")
    who = forms.actor()
    for _ in record_city(ledger, ENTERPRISES, SEED, who, Sender(attribution=attribute_message(who))):
        pass
    return redirect(url_for("console.home"))
