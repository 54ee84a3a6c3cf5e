"""Who says an event, from the person or program that takes the step."""

from __future__ import annotations

from msgspec.structs import replace

from domain.authority.persons import LOCAL, Person, is_same_person
from domain.authority.roles import MAY, Actor
from domain.events.aggregate import OUR_SOURCE
from domain.events.event import NOBODY, Attribution, Capacity, Event, Speaker


def attribute_step(actor: Actor, action: str) -> Attribution:
    """Who takes a step, in the first of their roles that may take it; an enterprise says which one it is."""
    role = next((role for role in MAY.get(action, ()) if role in actor.roles), "")
    return _attribution(actor, role, (actor.enterprise or "") if role == "enterprise" else "")


def attribute_message(actor: Actor, source: str = "") -> Attribution:
    """Who sends messages: an upstream system for its ``source``, or a person for the source of each."""
    role = next((role for role in ("operator", "officer", "upstream") if role in actor.roles), "")
    return _attribution(actor, role, source)


def speak_for(attribution: Attribution, source: str) -> Attribution:
    """An attribution that says on behalf of which source; one that names somebody stays."""
    capacity = attribution.acting_as or Capacity()
    if capacity.on_behalf_of:
        return attribution
    return attribution._replace(acting_as=replace(capacity, on_behalf_of=source))


def confirmer_of(attribution: Attribution, actor: Actor) -> Speaker | None:
    """Who confirms what somebody else sent; none where it is who sent it, or nobody who is known."""
    sender, confirmer = attribution.said_by or Speaker(), _speaker(actor)
    if confirmer == Speaker():
        return None
    if sender.publisher or confirmer.publisher:
        return None if sender.publisher == confirmer.publisher else confirmer
    person = Person(sender.issuer, sender.subject, sender.name)
    return None if is_same_person(person, actor.person) else confirmer


def confirm_attribution(attribution: Attribution, confirmer: Speaker | None) -> Attribution:
    """The attribution of what one sent and another confirmed."""
    if confirmer is None:
        return attribution
    capacity = attribution.acting_as or Capacity()
    return attribution._replace(acting_as=replace(capacity, confirmed_by=confirmer))


def is_said_at_desk(event: Event) -> bool:
    """Whether persons said it on behalf of the ledger's own desk."""
    return event.acting_as is not None and event.acting_as.on_behalf_of == OUR_SOURCE


def person_of(event: Event, name: str) -> Person:
    """The person who took a step at this ledger's desk; ``name`` is what the step itself says of them."""
    speaker = event.said_by or Speaker()
    return Person(speaker.issuer, speaker.subject, name)


def _attribution(actor: Actor, role: str, on_behalf_of: str) -> Attribution:
    speaker = _speaker(actor)
    if speaker == Speaker():
        if not role:
            return NOBODY
        speaker = Speaker(issuer=LOCAL)  # who reached a ledger without identities, and gave no name
    first = actor.proposed_by
    proposer = Speaker(issuer=first.issuer, subject=first.subject, name=first.name) if first else None
    return Attribution(speaker, Capacity(role=role, on_behalf_of=on_behalf_of, proposed_by=proposer))


def _speaker(actor: Actor) -> Speaker:
    return Speaker(publisher=actor.publisher, issuer=actor.issuer, subject=actor.subject, name=actor.name)
