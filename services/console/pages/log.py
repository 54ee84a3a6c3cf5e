"""One event of the log: in words and as data, what bears on it, and its proof for the browser to check."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from flask import redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from domain.authority.roles import MAY, NotAllowed
from domain.authority.two_persons import confirming_roles
from domain.authority.writes import require
from domain.events import is_enterprise
from domain.events.accounts import AccountEvent
from domain.events.amendments import FollowUp
from domain.events.event import key_of
from domain.events.settlements import ObjectionRaised
from ledger.amendments.amending import (
    STEP,
    StandingFact,
    amend_fact,
    read_amendment,
    read_changes,
    read_standing_fact,
)
from ledger.intake.messages.fields import Choice, Day
from ledger.intake.messages.schemas import (
    DATA,
    DOCUMENT_MEMBERS,
    TYPE_OF,
    UNCHANGEABLE,
    CitingBody,
    read_document,
)
from ledger.reading.records import read_names
from ledger.store.rows import Rows
from ledger.store.stored_events import SELECT, Stored, events_of, stored
from ledger.waiting.reading import WaitingStep, find_pending
from services.api.amendments.schemas import CORRECTION, RETRACTION
from services.api.wire import content_document
from services.console import forms, language, telling
from services.console.blueprint import console
from services.console.pages.home import open_policy
from services.console.refusals import Refusal, named_roles, read, take
from services.console.rendering import page
from services.web.looking import tells_of
from services.web.problems import Problem

SHOWN_BYTES = 20_000
"""Most bytes of an event's data that the page shows; the log has the whole."""
CORRECTIONS = 50
AMENDMENTS = (CORRECTION, RETRACTION)
"""What the form of a fact may ask for."""


@console.get("/<policy>/<int:year>/log/<int:position>")
def event_page(policy: str, year: int, position: int) -> BaseResponse:
    """Show one event."""
    return _event(policy, year, position)


@console.post("/<policy>/<int:year>/log/<int:position>")
def amend_event(policy: str, year: int, position: int) -> BaseResponse:
    """Correct or retract what a source said; a reviewer confirms it."""
    open_policy(policy, year)
    step = request.form.get("step", "")
    if step not in AMENDMENTS:
        raise Problem("route-unknown")

    def act() -> str:
        ledger, actor = forms.opened(), forms.actor()
        require(actor, STEP)
        with ledger.store.reading() as rows:
            fact = event_at(rows, position).fact
            standing = read_standing_fact(rows, fact.source, fact.event_id)
        named = (fact.source, fact.event_id)
        changes = None
        if step == CORRECTION:
            changes = read_changes(ledger, *named, _changed_texts(standing))
        amendment = read_amendment(ledger, *named, request.form.get("reason", ""), changes)
        members = read(CitingBody, request.form, *DOCUMENT_MEMBERS)
        amend_fact(ledger, amendment, actor, read_document(members))
        return language.words_for(f"amend-did-{step}")

    def show(refusal: Refusal) -> BaseResponse:
        return _event(policy, year, position, _with_labels(refusal, position), 409)

    return take(step, act, lambda: url_for("console.event_page", **(request.view_args or {})), show)


def _with_labels(refusal: Refusal, position: int) -> Refusal:
    """A refusal whose fields are called as the form calls them."""
    with forms.opened().store.reading() as rows:
        event = event_at(rows, position).fact
    fields = DATA[event.name]().fields if event.name in DATA else {}
    labels = {
        f"changes.{field.data_key or key}": telling.field_in_words(event.name, key)
        for key, field in fields.items()
    }
    faults = [{**each, "field": labels.get(str(each["field"]), each["field"])} for each in refusal.found]
    return refusal._replace(found=faults)


def _changed_texts(standing: StandingFact) -> dict[str, str]:
    """What the form says otherwise than the fact said when the form was shown.

    Raises:
        NotAllowed: where the fact says something else meanwhile.
    """
    form, shown_texts = request.form, {field.name: field.value for field in fields_of(standing)}
    if any(form.get(f"was-{name}", "") != value for name, value in shown_texts.items()):
        raise NotAllowed("amend.moved", "id")
    texts = {name: " ".join(form.get(f"to-{name}", value).split()) for name, value in shown_texts.items()}
    return {name: text for name, text in texts.items() if text != shown_texts[name]}


def _event(
    policy: str, year: int, position: int, refusal: Refusal | None = None, status: int = 200
) -> BaseResponse:
    open_policy(policy, year)
    with forms.opened().store.reading() as rows:
        last = rows.last_position()
        event = event_at(rows, position)
        wording = telling.read_wording(rows, policy)
        code = enterprise_of(event)
        amends, amended = bearing(rows, event)
        values: dict[str, Any] = {
            "event": event,
            "told": telling.describe_event(event, wording),
            "code": code,
            "name": read_names(rows, [code]).get(code, ("", ""))[0] if code else "",
            "type": TYPE_OF.get(event.fact.name, event.fact.name),
            "data": data_of(event),
            "amends": [telling.describe_event(each, wording) for each in amends],
            "amended": [telling.describe_event(each, wording) for each in amended],
            "before": position - 1,
            "after": position + 1 if position < last else 0,
            "speakers": telling.speakers_of(event.fact),
            "amending": _amending(rows, event),
            "refusal": refusal,
            "given": request.form if refusal else {},
            "roles": [named_roles([role]) for role in (*MAY[STEP][:1], *confirming_roles(STEP))],
        }
    tells_of([code] if code else [])
    return page("event.html", status, section="audit_page", policy=policy, year=year, place=last, **values)


class AmendableField(NamedTuple):
    """One field of a fact for a form: its name in messages, what it says, and how it is put in."""

    name: str
    label: str
    value: str
    kind: str
    """``date``, or ``text``."""
    choices: list[tuple[str, str]]
    """Values with their words; none where anything may be written."""
    required: bool


class Amending(NamedTuple):
    """The form that amends a fact, and what waits of it."""

    fields: list[AmendableField]
    waiting: WaitingStep | None


def _amending(rows: Rows, event: Stored) -> Amending | None:
    """The form of a fact that a source said and that holds; none of other events."""
    if not telling.is_amendable(event.fact):
        return None
    try:
        standing = read_standing_fact(rows, event.fact.source, event.fact.event_id)
    except NotAllowed:
        return None
    return Amending(fields_of(standing), find_pending(rows, STEP, standing.matter_id))


def fields_of(standing: StandingFact) -> list[AmendableField]:
    """The fields of a fact as it stands, for a form; names of persons are left out."""
    name = standing.event.fact.name
    values = content_document(standing.content)
    return [
        AmendableField(
            wire := field.data_key or key,
            telling.field_in_words(name, key),
            str(values.get(wire, "")),
            "date" if isinstance(field, Day) else "text",
            [(value, telling.value_in_words(value)) for value in sorted(field.choices)]
            if isinstance(field, Choice)
            else [],
            field.required,
        )
        for key, field in DATA[name]().fields.items()
        if key not in UNCHANGEABLE
    ]


@console.get("/<policy>/<int:year>/log")
def go_to_event(policy: str, year: int) -> BaseResponse:
    """Go to the event at the position that a form names."""
    position_text = request.args.get("position", "").strip().lstrip("#").replace(",", "")
    if not position_text.isdecimal() or len(position_text) > 18:
        raise Problem("position-unknown")
    return redirect(url_for("console.event_page", policy=policy, year=year, position=int(position_text)))


def event_at(rows: Rows, position: int) -> Stored:
    """The event at a position.

    Raises:
        Problem: where there is none.
    """
    event_rows = rows.all(f"{SELECT} WHERE rowid=?", [position]) if position < 2**62 else []
    if not event_rows:
        raise Problem("position-unknown")
    return stored(event_rows[0])


def enterprise_of(event: Stored) -> str:
    """The enterprise that an event is about; empty for one about a policy or the whole year."""
    if is_enterprise(event.originator):
        return event.originator
    content = event.fact.content
    if isinstance(content, AccountEvent):
        return content.enterprise
    return (content.enterprise or "") if isinstance(content, ObjectionRaised) else ""


def bearing(rows: Rows, event: Stored) -> tuple[list[Stored], list[Stored]]:
    """What an event corrects or takes back, and what corrects it or takes it back."""
    if not is_enterprise(event.originator):
        return [], []
    events = events_of(rows, event.originator)
    key, target = event.fact.key, _target_of(event)
    amends = [other for other in events if other.fact.key == target]
    amended_by = [other for other in events if _target_of(other) == key]
    return amends[:CORRECTIONS], amended_by[:CORRECTIONS]


def _target_of(event: Stored) -> str | None:
    """The key of the event that an amendment or hold names."""
    content = event.fact.content
    return key_of(content.of_source, content.of) if isinstance(content, FollowUp) else None


def data_of(event: Stored) -> str:
    """An event's data as text, cut where it is very long."""
    fact = event.fact
    members = {
        "position": event.position,
        "originator": event.originator,
        "version": event.version,
        "recorded_at": event.recorded_at,
        "event": fact.name,
        "source": fact.source,
        "id": fact.event_id,
        "time": fact.time,
        "content": fact.content.values_by_name(),
    }
    text = json.dumps(members, ensure_ascii=False, indent=2)
    return text if len(text) <= SHOWN_BYTES else text[:SHOWN_BYTES] + "\n…"


def line_of(event: Stored, names: dict[str, tuple[str, str]], wording: telling.Wording) -> dict[str, Any]:
    """An event as a line of a list."""
    code = enterprise_of(event)
    event_in_words = telling.describe_event(event, wording)
    return {
        "position": event.position,
        "recorded_at": event.recorded_at,
        "title": event_in_words.title,
        "content": event_in_words.content,
        "code": code,
        "name": names.get(code, ("", ""))[0],
        "originator": event.originator,
    }
