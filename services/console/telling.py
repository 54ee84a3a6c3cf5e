"""Events told to readers: their kind and content in words, never the name that a claim keeps sealed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from flask import current_app, request, url_for

from domain.money.amounts import grouped
from domain.money.amounts import printed as printed_in
from domain.vocabulary.kinds import CurrencyBy, Form
from domain.vocabulary.load import shipped_vocabulary
from ledger.store.persons import SEALED
from ledger.store.stored_events import Stored
from services.console import language
from services.web.amounts import printed

Titles = Mapping[str, str]
"""The titles of measures by id, in the reader's language."""

QUIET = frozenset(("policy", "currency", "of_source", "of_type", "evidence", "digest", "document", "lines"))
"""Content that says nothing to a reader beside the rest."""
CODED: tuple[Form, ...] = ("word", "choice")
"""Forms of fields whose values people call otherwise."""


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
    content = {key: value for key, value in fact.content.fields_by_name().items() if key not in known}
    pairs = content_in_words(fact.name, content, titles)
    return Told(event.position, event.recorded_at, fact.time, fact.source, fact.name, kind(fact.name), pairs)


def kind(name: str) -> str:
    """What kind of event it is."""
    declared = shipped_vocabulary().kinds.get(name)
    return declared.title.in_language(language.chosen()) if declared else _known(f"event-{name}", name)


def content_in_words(name: str, content: Mapping[str, Any], titles: Titles) -> list[tuple[str, str]]:
    """The content of an event as labels and values; ``name`` is its class name."""
    declared = shipped_vocabulary().kinds.get(name)
    fields = {field.name: field for field in declared.fields} if declared else {}
    pairs = []
    for key, value in content.items():
        if value is None or key in QUIET:
            continue
        if key in fields:
            label = fields[key].label.in_language(language.chosen())
        elif f"content-{key}" in language.words():
            label = language.said(f"content-{key}")
        else:
            continue
        coded = key in fields and fields[key].form in CODED
        pairs.append((label, _coded(str(value)) if coded else _value(key, value, content, titles)))
    return pairs


def _coded(value: str) -> str:
    """What people call a value of a code list."""
    words = shipped_vocabulary().values.get(value)
    return words.in_language(language.chosen()) if words else value


def _value(key: str, value: Any, content: Mapping[str, Any], titles: Titles) -> str:
    if key == "person":
        return SEALED
    if key.endswith("_fen") and isinstance(value, int):
        return _amount(value, content)
    if key == "measure":
        return titles.get(str(value), str(value))
    if key == "changes" and isinstance(value, dict):
        amended = str(content.get("of_type", ""))
        declared = shipped_vocabulary().kinds.get(amended)
        # Sales may be in dollars; a correction of the sum alone does not say which they are.
        unclear = declared is not None and any(isinstance(rule, CurrencyBy) for rule in declared.rules)
        pairs = content_in_words(amended, {**({"currency": ""} if unclear else {}), **value}, titles)
        return "；".join(f"{label} {text}" for label, text in pairs)
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
