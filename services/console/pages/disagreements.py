"""Facts that disagree: what, whose, held or not; and the form that decides which of them count."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from werkzeug.wrappers import Response as BaseResponse

from domain.authority.roles import MAY
from domain.money.amounts import print_fen
from domain.money.wire import wire_form
from domain.things.credit_code import is_valid
from ledger.disagreements import deciding
from ledger.reading import disagreements as reading
from ledger.reading.disagreements import STAGES, Disagreement
from services.api.disagreements.schemas import DecisionBody
from services.console import asking, forms, language, telling
from services.console.blueprint import console
from services.console.menu import add_to_menu
from services.console.pages.home import open_policy
from services.console.refusals import Refusal, named_roles, read, take
from services.console.rendering import choices, page

add_to_menu("disagreements_page", "nav-disagreements", 60)
SECTION = "disagreements_page"
ROWS = 25
SEP = "\x1f"
"""Joins source and id in a form's value; no text of an event holds it."""


@console.get("/<policy>/<int:year>/disagreements")
def disagreements_page(policy: str, year: int) -> BaseResponse:
    """List disagreements, those that wait for a decision first of all."""
    return _show(policy, year)


@console.get("/<policy>/<int:year>/disagreements/<disagreement>")
def disagreement_page(policy: str, year: int, disagreement: str) -> BaseResponse:
    """Show one."""
    return _show(policy, year, only=disagreement)


@console.post("/<policy>/<int:year>/disagreements/<disagreement>")
def decide_disagreement(policy: str, year: int, disagreement: str) -> BaseResponse:
    """Decide one."""
    open_policy(policy, year)

    def act() -> str:
        facts = [value.split(SEP, 1) for value in request.form.getlist("counts") if SEP in value]
        counting = [{"source": source, "id": named} for source, named in facts]
        seen = request.form.get("seen", "")
        more = {"counting": counting, **({"seen": int(seen)} if seen.isdecimal() else {})}
        body = read(DecisionBody, request.form, "reason", **more)
        said = (body["counting"], body["reason"], body["seen"])
        deciding.decide(forms.opened(), disagreement, forms.actor(), *said)
        return language.words_for("disagree-decided")

    def show(refusal: Refusal) -> BaseResponse:
        return _show(policy, year, refusal, 409, only=disagreement)

    return take(
        disagreement, act, lambda: url_for("console.disagreements_page", policy=policy, year=year), show
    )


def _show(
    policy: str, year: int, refusal: Refusal | None = None, status: int = 200, only: str = ""
) -> BaseResponse:
    open_policy(policy, year)
    which = asking.choice("stage", STAGES, "open")
    code = asking.text("enterprise")
    valid = code if is_valid(code) else ""
    after = asking.cursor("disagreements", int, str) or (-1, "")
    with forms.opened().store.reading() as rows:
        if only:
            one = reading.read_disagreement(rows, only, reading.SHOWN)
            found = [] if one is None else [one]
        else:
            found = reading.list_disagreements(rows, (after[0], after[1]), ROWS + 1, which, valid or None)
        waiting = reading.count_open(rows)
        place = rows.last_position()
    shown = found[:ROWS]
    more = len(found) > ROWS
    return page(
        "disagreements.html",
        status,
        policy=policy,
        year=year,
        place=place,
        choices=choices(),
        which="" if only else which,
        stages=STAGES,
        waiting=waiting,
        found=[_line(each) for each in shown],
        next=asking.further("disagreements", shown[-1].position, shown[-1].id) if more else "",
        first=asking.beginning(),
        refusal=refusal,
        refused_step=refusal.step if refusal else "",
        given=request.form if refusal else {},
        ticked=set(request.form.getlist("counts")) if refusal else set(),
        sep=SEP,
        roles=named_roles(list(MAY["disagreement.decide"])),
    )


def _line(entry: Disagreement) -> dict[str, Any]:
    """A disagreement in words."""
    facts = [
        {**wire_form(fact), "kind": telling.kind_in_words(fact.event), "shown": _shown(fact.value)}
        for fact in entry.facts
    ]
    return {"head": entry, "words": entry.words[language.chosen()], "facts": facts}


def _shown(value: str | int) -> str:
    """An amount with thousands apart, in whatever currency it was reported; other values as they are."""
    return print_fen(value, grouped=True) if isinstance(value, int) else value
