"""Refused data: what came and was not taken, with the reasons; corrected and sent again, or dismissed."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from domain.authority.roles import NotAllowed
from domain.events import CATALOGUE
from domain.things.credit_code import is_valid
from ledger.intake import refusals as kept
from ledger.intake.batch import Result
from ledger.intake.messages.schemas import TYPE_OF
from ledger.intake.refusals import Refused
from ledger.intake.settling import dismiss_refusal, resubmit_refusal
from services.console import asking, forms, language, refusals, telling
from services.console.blueprint import console
from services.console.menu import add_to_menu
from services.console.pages.home import open_policy
from services.console.rendering import choices, page
from services.web.fault_words import describe_fault
from services.web.identity.access import ACCESS
from services.web.identity.gate import sender_of
from services.web.looking import tells_of
from services.web.problems import Problem

add_to_menu("refused_page", "nav-refused", 50)
SECTION = "refused_page"
CHANNEL = "console"
ROWS = 50
REASON_MAX = 2_000
SHOWN_BYTES = 64 * 1024
"""How much of a refused text a page shows; what is longer is not sent again from here."""
_NAME_OF = {type_: name for name, type_ in TYPE_OF.items()}
assert set(_NAME_OF.values()) <= set(CATALOGUE)


@console.get("/<policy>/<int:year>/refused")
def refused_page(policy: str, year: int) -> Response:
    """List refused messages, the newest first."""
    open_policy(policy, year)
    which = asking.choice("open", ("true", "false"), "true")
    below = asking.cursor("refused-heads", int)
    with forms.opened().store.reading() as rows:
        found = kept.heads(rows, below[0] if below else None, ROWS + 1, which == "true")
        waiting = kept.count_open(rows)
        place = rows.last_position()
    shown = found[:ROWS]
    return page(
        "refused.html",
        policy=policy,
        year=year,
        place=place,
        choices=choices(),
        which=which,
        waiting=waiting,
        refused=[_line(each) for each in shown],
        next=asking.further("refused-heads", shown[-1].number) if len(found) > ROWS else "",
        first=asking.beginning(),
    )


def _line(refused: Refused) -> dict[str, Any]:
    """A refused message in words."""
    lang = language.chosen()
    return {
        "head": refused,
        "kind": telling.kind_in_words(_NAME_OF[refused.type]) if refused.type in _NAME_OF else refused.type,
        "faults": [describe_fault(fault, lang) for fault in refused.faults],
    }


@console.get("/<policy>/<int:year>/refused/<digest>")
def refused_message(policy: str, year: int, digest: str) -> Response:
    """Show one refused message with its text and reasons."""
    return _message(policy, year, digest)


def _found(digest: str) -> tuple[Refused, int]:
    """A refused message, and the ledger's last position."""
    with forms.opened().store.reading() as rows:
        found, place = kept.find(rows, digest), rows.last_position()
    if found is None:
        raise Problem("refusal-unknown")
    return found, place


def _message(
    policy: str,
    year: int,
    digest: str,
    again: Result | None = None,
    refusal: refusals.Refusal | None = None,
) -> Response:
    open_policy(policy, year)
    found, place = _found(digest)
    if found.subject and is_valid(found.subject):
        tells_of([found.subject])
    lang = language.chosen()
    shown = found.raw[:SHOWN_BYTES].decode("utf-8", "ignore" if is_cut(found) else "replace")
    return page(
        "refused-message.html",
        refusals.REFUSED if again or refusal else 200,
        section=SECTION,
        policy=policy,
        year=year,
        place=place,
        digest=digest,
        message=_line(found),
        text=request.form.get("text", shown) if again or refusal else shown,
        refusal=refusal,
        cut=is_cut(found),
        size=len(found.raw),
        unreadable="\ufffd" in shown,
        again=[describe_fault(fault, lang) for fault in again.faults] if again else None,
    )


def is_cut(refused: Refused) -> bool:
    """Whether a page shows the beginning of the text only."""
    return len(refused.raw) > SHOWN_BYTES


@console.post("/<policy>/<int:year>/refused/<digest>")
def settle_refused(policy: str, year: int, digest: str) -> BaseResponse:
    """Send a refused message again, corrected, or dismiss it."""
    open_policy(policy, year)
    found, _ = _found(digest)
    step = request.form.get("step")
    try:
        forms.named(ACCESS["refused.resubmit"])
    except NotAllowed as error:
        return _message(policy, year, digest, refusal=refusals.refusal_of(step or "", error))
    if step == "dismiss":
        return _dismiss(policy, year, digest)
    if step != "resubmit" or is_cut(found):
        raise Problem("route-unknown")
    sent = request.form.get("text", "").replace("\r\n", "\n").encode("utf-8", "replace")
    actor = forms.actor()
    try:
        result = resubmit_refusal(forms.opened(), digest, sent, CHANNEL, actor, sender_of(actor))
    except NotAllowed as error:
        return _message(policy, year, digest, refusal=refusals.refusal_of(step, error))
    if result.status == "refused":
        return _message(policy, year, digest, result)
    key = "refused-taken" if result.status == "accepted" else "refused-repeated"
    flash(language.words_for(key, number=f"{result.position or 0:,}"))
    return redirect(url_for("console.refused_message", policy=policy, year=year, digest=digest), 303)


def _dismiss(policy: str, year: int, digest: str) -> BaseResponse:
    reason = request.form.get("reason", "").strip()[:REASON_MAX]

    def act() -> str:
        dismiss_refusal(forms.opened(), digest, forms.actor(), reason)
        return language.words_for("refused-dismissed")

    def after() -> str:
        return url_for("console.refused_page", policy=policy, year=year)

    def show(refusal: refusals.Refusal) -> BaseResponse:
        return _message(policy, year, digest, refusal=refusal)

    return refusals.take("dismiss", act, after, show)
