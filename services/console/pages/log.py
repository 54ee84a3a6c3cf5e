"""One event of the log: in words and as data, what bears on it, and its proof for the browser to check."""

from __future__ import annotations

import json
from typing import Any

from flask import redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from domain.events import is_enterprise
from domain.events.accounts import AccountEvent
from domain.events.amendments import FollowUp
from domain.events.event import key_of
from domain.events.settlements import ObjectionRaised
from ledger.intake.messages.schemas import TYPE_OF
from ledger.reading.records import read_names
from ledger.store.rows import Rows
from ledger.store.stored_events import SELECT, Stored, events_of, stored
from services.console import forms, telling
from services.console.blueprint import console
from services.console.pages.home import open_policy
from services.console.rendering import page
from services.web.looking import tells_of
from services.web.problems import Problem

SHOWN_BYTES = 20_000
"""Most bytes of an event's data that the page shows; the log has the whole."""
CORRECTIONS = 50


@console.get("/<policy>/<int:year>/log/<int:position>")
def event_page(policy: str, year: int, position: int) -> BaseResponse:
    """Show one event."""
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
        }
    tells_of([code] if code else [])
    return page("event.html", section="audit_page", policy=policy, year=year, place=last, **values)


@console.get("/<policy>/<int:year>/log")
def go_to_event(policy: str, year: int) -> BaseResponse:
    """Go to the event at the position that a form names."""
    said = request.args.get("position", "").strip().lstrip("#").replace(",", "")
    if not said.isdecimal() or len(said) > 18:
        raise Problem("position-unknown")
    return redirect(url_for("console.event_page", policy=policy, year=year, position=int(said)))


def event_at(rows: Rows, position: int) -> Stored:
    """The event at a position.

    Raises:
        Problem: where there is none.
    """
    found = rows.all(f"{SELECT} WHERE rowid=?", [position]) if position < 2**62 else []
    if not found:
        raise Problem("position-unknown")
    return stored(found[0])


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
    said = {
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
    text = json.dumps(said, ensure_ascii=False, indent=2)
    return text if len(text) <= SHOWN_BYTES else text[:SHOWN_BYTES] + "\n…"


def line_of(event: Stored, names: dict[str, tuple[str, str]], wording: telling.Wording) -> dict[str, Any]:
    """An event as a line of a list."""
    code = enterprise_of(event)
    said = telling.describe_event(event, wording)
    return {
        "position": event.position,
        "recorded_at": event.recorded_at,
        "title": said.title,
        "content": said.content,
        "code": code,
        "name": names.get(code, ("", ""))[0],
        "originator": event.originator,
    }
