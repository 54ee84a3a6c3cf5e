"""Events told to readers: their kind and content in words, never the name that a claim keeps sealed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from flask import current_app, request, url_for

from domain.events.aggregate import OUR_SOURCE
from domain.events.event import Capacity, Event
from domain.money.amounts import print_fen
from domain.policy.rulebook import Rulebook
from domain.vocabulary.kinds import CurrencyBy, Form, Vocabulary
from domain.vocabulary.load import shipped_vocabulary
from ledger.intake.messages.schemas import AMENDABLE
from ledger.policies.versions import rulebooks
from ledger.store.persons import SEALED
from ledger.store.rows import Rows
from ledger.store.stored_events import Stored
from services.console import language

Titles = Mapping[str, str]
"""The titles of measures by id, in the reader's language."""


class Wording(NamedTuple):
    """What events are told with."""

    titles: Titles
    currency: str
    """That of the policy that the page is about."""
    currencies: Mapping[str, str]
    """That of each policy."""
    vocabulary: Vocabulary = shipped_vocabulary()


def read_wording(rows: Rows, policy: str) -> Wording:
    """How events are told on a page about a policy."""
    books = rulebooks(rows)
    currencies = {name: book.latest.currency for name, book in books.items()}
    return Wording(titles_of(books[policy]), currencies[policy], currencies)


def titles_of(book: Rulebook) -> dict[str, str]:
    """The titles of a policy's measures, in the reader's language."""
    return {
        name: language.chosen_words(dict(segments[-1].measure.title))
        for name, segments in book.segments.items()
    }


QUIET = frozenset(("policy", "currency", "of_source", "of_type", "evidence", "digest", "document", "lines"))
"""Content that says nothing to a reader beside the rest."""
CODED: tuple[Form, ...] = ("word", "choice")
"""Forms of fields whose values people call otherwise."""


class EventInWords(NamedTuple):
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
    may_be_amended: bool = False
    """Whether it is what a source said."""


def describe_event(event: Stored, wording: Wording, omitted: Collection[str] = ()) -> EventInWords:
    """An event in words; content that the page says already is left out."""
    fact = event.fact
    content = {key: value for key, value in fact.content.fields_by_name().items() if key not in omitted}
    pairs = [*content_in_words(fact.name, content, wording), *document_of(fact)]
    title = kind_in_words(fact.name, wording.vocabulary)
    named = (fact.time, fact.source, fact.name, title, pairs, is_amendable(fact))
    return EventInWords(event.position, event.recorded_at, *named)


def speakers_of(event: Event) -> list[tuple[str, str]]:
    """Who said an event, on whose behalf, and who proposed it: labels and values; none where unrecorded."""
    speaker, capacity = event.said_by, event.acting_as or Capacity()
    if speaker is None:
        return []
    role = _known(f"role-{capacity.role}", capacity.role)
    name = speaker.name or speaker.publisher or speaker.subject or "—"
    words = [(language.words_for("event-said-by"), f"{name}（{role}）" if role else name)]
    if capacity.on_behalf_of:
        behalf = (
            language.words_for("event-desk") if capacity.on_behalf_of == OUR_SOURCE else capacity.on_behalf_of
        )
        words.append((language.words_for("event-on-behalf-of"), behalf))
    if capacity.proposed_by is not None:
        first = capacity.proposed_by
        words.append((language.words_for("event-proposed-by"), first.name or first.subject))
    if capacity.confirmed_by is not None:
        other = capacity.confirmed_by
        words.append(
            (language.words_for("event-confirmed-by"), other.name or other.publisher or other.subject)
        )
    return words


def document_of(event: Event) -> list[tuple[str, str]]:
    """The document that an event rests on: labels and values; none where none was named."""
    document = event.based_on
    if document is None:
        return []
    pairs = (
        ("event-document-number", document.number),
        ("event-document-sha256", document.sha256),
        ("event-document-issued-on", document.issued_on),
        ("event-document-issuer", document.issuer),
    )
    return [(language.words_for(label), value) for label, value in pairs if value]


def is_amendable(event: Event) -> bool:
    """Whether an event is a fact or step of a claim that a source said, so that the desk may amend it."""
    return event.name in AMENDABLE.values() and event.source != OUR_SOURCE


def field_in_words(name: str, field: str) -> str:
    """What a field of an event of this class name is called."""
    declared = shipped_vocabulary().kinds.get(name)
    if declared is not None:
        return declared.field(field).label.in_language(language.chosen())
    return _known(f"content-{field}", field)


def value_in_words(value: str) -> str:
    """What a value of a code list is called."""
    words = shipped_vocabulary().values.get(value)
    return words.in_language(language.chosen()) if words else value


def kind_in_words(name: str, vocabulary: Vocabulary | None = None) -> str:
    """What kind of event it is."""
    declared = (vocabulary or shipped_vocabulary()).kinds.get(name)
    return declared.title.in_language(language.chosen()) if declared else _known(f"event-{name}", name)


def content_in_words(name: str, content: Mapping[str, Any], wording: Wording) -> list[tuple[str, str]]:
    """The content of an event as labels and values; ``name`` is its class name."""
    declared = wording.vocabulary.kinds.get(name)
    fields = {field.name: field for field in declared.fields} if declared else {}
    pairs = []
    for key, value in content.items():
        if value is None or key in QUIET:
            continue
        if key in fields:
            label = fields[key].label.in_language(language.chosen())
        elif f"content-{key}" in language.words():
            label = language.words_for(f"content-{key}")
        else:
            continue
        coded = key in fields and fields[key].form in CODED
        pairs.append((label, _coded(str(value), wording) if coded else _value(key, value, content, wording)))
    return pairs


def _coded(value: str, wording: Wording) -> str:
    """What people call a value of a code list."""
    words = wording.vocabulary.values.get(value)
    return words.in_language(language.chosen()) if words else value


def _value(key: str, value: Any, content: Mapping[str, Any], wording: Wording) -> str:
    if key == "person":
        return SEALED
    if key.endswith("_fen") and isinstance(value, int):
        return _amount(value, content, wording)
    if key == "measure":
        return wording.titles.get(str(value), str(value))
    if key == "changes" and isinstance(value, dict):
        amended = str(content.get("of_type", ""))
        declared = wording.vocabulary.kinds.get(amended)
        # Sales may be in dollars; a correction of the sum alone does not say which they are.
        unclear = declared is not None and any(isinstance(rule, CurrencyBy) for rule in declared.rules)
        pairs = content_in_words(amended, {**({"currency": ""} if unclear else {}), **value}, wording)
        return "；".join(f"{label} {text}" for label, text in pairs)
    return str(value)


def _amount(fen: int, content: Mapping[str, Any], wording: Wording) -> str:
    """An amount in the currency that the event names, else in that of its policy, else in the page's."""
    currency, policy = content.get("currency"), content.get("policy")
    if currency == "":
        return print_fen(fen, grouped=True)
    of_policy = wording.currency if policy is None else wording.currencies.get(policy, "CNY")
    return print_fen(fen, currency or of_policy)


def _known(key: str, otherwise: str) -> str:
    return language.words_for(key) if key in language.words() else otherwise


def event_address(position: int) -> str:
    """The page of one event, of the policy and year that this page is about; empty where there is none."""
    if "console.event_page" not in current_app.view_functions:
        return ""
    about = {name: (request.view_args or {})[name] for name in ("policy", "year")}
    return url_for("console.event_page", position=position, **about)
