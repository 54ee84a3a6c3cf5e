"""An event as it would be read in today: what was stored before there were canonical spellings, in theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from domain.events.claims import ClaimEvent
from domain.events.content import Content, DatedThing, FactContent
from domain.events.event import SEP, Event
from domain.things.spelling import canonical_identity, canonical_number, canonical_text
from domain.vocabulary.kinds import Spelling

FORMS: dict[Spelling, Callable[[str], str]] = {
    "text": canonical_text,
    "identity": canonical_identity,
    "number": canonical_number,
}
_OF_CLAIMS: dict[str, Spelling] = {
    "claim": "identity",
    "policy": "identity",
    "measure": "identity",
    "item": "identity",
    "reason": "text",
}
_OF_FOLLOW_UPS: dict[str, Spelling] = {"of": "identity", "of_source": "identity", "reason": "text"}


def spellings_of(content_type: type[Content]) -> Mapping[str, Spelling]:
    """The texts of a kind of event, each with the form in which it is kept."""
    if issubclass(content_type, FactContent):
        fields = content_type.declaration.fields
        return {field.name: field.spelling for field in fields if field.form == "text"}
    return _OF_CLAIMS if issubclass(content_type, ClaimEvent) else _OF_FOLLOW_UPS


def canonical_content(content: Content) -> Content:
    """The content with its texts in canonical form; the same object where they are."""
    changes = {}
    for name, spelling in spellings_of(type(content)).items():
        value = content.field_value(name)
        if isinstance(value, str) and (canonical := FORMS[spelling](value)) != value:
            changes[name] = canonical
    return replace(content, **changes) if changes else content


def canonical_event(event: Event) -> Event:
    """The event with its identity and texts in canonical form."""
    return replace(
        event,
        content=canonical_content(event.content),
        source=canonical_identity(event.source),
        event_id=canonical_identity(event.event_id),
    )


def identity_of(thing: DatedThing) -> str:
    """What tells a thing from others of its kind within the enterprise, as facts are kept by it."""
    return SEP.join([str(thing.field_value(part)) for part in thing.identity])
