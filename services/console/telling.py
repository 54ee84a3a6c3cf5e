"""Events told to readers: their kind and content in words, never the name that a claim keeps sealed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from flask import current_app, request, url_for

from domain.money.amounts import grouped
from domain.money.amounts import printed as printed_in
from ledger.store.persons import SEALED
from ledger.store.stored_events import Stored
from services.console import language
from services.web.amounts import printed

Titles = Mapping[str, str]
"""The titles of measures by id, in the reader's language."""

QUIET = frozenset(("policy", "currency", "of_source", "of_type", "evidence", "digest", "document", "lines"))
"""Content that says nothing to a reader beside the rest."""
CHOSEN = frozenset(("channel", "platform", "kind", "level", "size", "authority", "customs_code"))


class Told(NamedTuple):
    """One event for a reader."""

    position: int
    recorded_at: str
    time: str
    source: str
    kind: str
    """Its class name, for whoever styles it."""
    title: str
    content: list[tuple[str, str]]
    """Labels and values in words."""


def told(event: Stored, titles: Titles, known: Collection[str] = ()) -> Told:
    """An event in words; content that the page says already is ``known``, and left out."""
    fact = event.fact
    content = {key: value for key, value in fact.content.items() if key not in known}
    said = content_in_words(content, titles)
    return Told(event.position, event.recorded_at, fact.time, fact.source, fact.name, kind(fact.name), said)


def kind(name: str) -> str:
    """What kind of event it is."""
    return _known(f"event-{name}", name)


def content_in_words(content: Mapping[str, Any], titles: Titles) -> list[tuple[str, str]]:
    """The content of an event as labels and values."""
    said = []
    for key, value in content.items():
        if value is None or key in QUIET or f"content-{key}" not in language.words():
            continue
        said.append((language.said(f"content-{key}"), _value(key, value, content, titles)))
    return said


def _value(key: str, value: Any, content: Mapping[str, Any], titles: Titles) -> str:
    if key == "person":
        return SEALED
    if key.endswith("_fen") and isinstance(value, int):
        return _amount(value, content)
    if key == "measure":
        return titles.get(str(value), str(value))
    if key == "changes" and isinstance(value, dict):
        # Sales may be in dollars; a correction of the sum alone does not say which they are.
        named = {"currency": ""} if content.get("of_type") == "SalesReported" else {}
        inner = content_in_words({**named, **value}, titles)
        return "；".join(f"{label} {text}" for label, text in inner)
    if key in CHOSEN:
        return _known(f"value-{value}", str(value))
    return str(value)


def _amount(value: int, content: Mapping[str, Any]) -> str:
    """An amount in the currency that the event names, else in that of its policy."""
    currency = content.get("currency")
    if currency == "":
        return grouped(value)
    return printed_in(value, currency) if currency else printed(value, content.get("policy"))


def _known(key: str, otherwise: str) -> str:
    return language.said(key) if key in language.words() else otherwise


def event_address(position: int) -> str:
    """The page of one event, of the policy and year that this page is about; empty where there is none."""
    if "console.event_page" not in current_app.view_functions:
        return ""
    about = {name: (request.view_args or {})[name] for name in ("policy", "year")}
    return url_for("console.event_page", position=position, **about)
