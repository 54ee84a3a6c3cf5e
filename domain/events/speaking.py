"""Who says an event, from the person or program that takes the step."""

from __future__ import annotations

from domain.authority.roles import MAY, Actor
from domain.events.event import Capacity, Speaker


def speaker_of(actor: Actor) -> Speaker:
    """The person, as events name them."""
    return Speaker(issuer=actor.issuer, subject=actor.subject, name=actor.name)


def capacity_of(actor: Actor, action: str) -> Capacity:
    """The role in which an actor takes a step: the first that may; for an enterprise, which one."""
    role = next((role for role in MAY.get(action, ()) if role in actor.roles), "")
    return Capacity(role=role, on_behalf_of=(actor.enterprise or "") if role == "enterprise" else "")
