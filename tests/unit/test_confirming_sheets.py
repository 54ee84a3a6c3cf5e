"""Who is named beside who sent a sheet; and what was stored before there was such a field stays as it is."""

from __future__ import annotations

import msgspec

from domain.authority.roles import Actor
from domain.events.event import Attribution, Capacity, Speaker
from domain.events.speaking import confirm_attribution, confirmer_of

KEY = Actor("tax", frozenset({"upstream"}), publisher="k-1", source="urn:tax")
LIN = Actor("Lin", frozenset({"officer"}), issuer="https://id", subject="1")
CHEN = Actor("Chen", frozenset({"officer"}), issuer="https://id", subject="2")


def said_by(actor: Actor) -> Attribution:
    speaker = Speaker(publisher=actor.publisher, issuer=actor.issuer, subject=actor.subject, name=actor.name)
    return Attribution(speaker, Capacity(role="officer"))


def test_another_person_or_program_is_named_and_the_same_one_is_not() -> None:
    assert confirmer_of(said_by(LIN), CHEN) == Speaker(issuer="https://id", subject="2", name="Chen")
    assert confirmer_of(said_by(LIN), Actor("Another name", LIN.roles, None, "https://id", "1")) is None
    assert confirmer_of(said_by(KEY), KEY) is None
    confirmer = confirmer_of(said_by(KEY), LIN)
    assert confirmer is not None
    assert confirmer.subject == "1"
    assert confirmer_of(said_by(LIN), KEY) == Speaker(publisher="k-1", name="tax")
    assert confirmer_of(said_by(LIN), Actor("", frozenset())) is None, "nobody who is known"


def test_the_senders_authority_stays_and_nothing_is_stored_where_one_person_did_both() -> None:
    attribution = said_by(LIN)
    assert confirm_attribution(attribution, None) is attribution
    both = confirm_attribution(attribution, Speaker(name="Chen"))
    assert both.said_by == attribution.said_by
    assert msgspec.json.encode(both.acting_as) == b'{"role":"officer","confirmed_by":{"name":"Chen"}}'
    assert msgspec.json.encode(attribution.acting_as) == b'{"role":"officer"}'
    before = msgspec.json.decode(b'{"role":"officer","on_behalf_of":"x"}', type=Capacity)
    assert before.confirmed_by is None
