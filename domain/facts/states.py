"""From the stored state of an event, as JSON values, to the fact that it records."""

from __future__ import annotations

from typing import Any

from domain.events import CATALOGUE, topic_of
from domain.facts.folding import Fact

_CLASS_OF = {topic_of(name): (name, cls, cls.class_version) for name, cls in CATALOGUE.items()}


class UnreadableState(ValueError):
    """A stored state that no event of the catalogue can have."""


def fact_from(topic: str, values: dict[str, Any]) -> tuple[Fact, str]:
    """The fact, brought up to today's version of its class, and its recorded time (UTC, fixed width).

    ``values`` is taken over and changed.

    Raises:
        UnreadableState: where the state is none of the catalogue's.
    """
    try:
        recorded_at = values["timestamp"]["_data_"].replace("+00:00", "Z")
    except (KeyError, TypeError, AttributeError) as error:
        raise UnreadableState(f"{topic}: {type(error).__name__} {error}") from None
    return fact_in(topic, values), recorded_at


def fact_in(topic: str, values: dict[str, Any]) -> Fact:
    """The fact alone, as ``fact_from`` reads it.

    Raises:
        UnreadableState: where the state is none of the catalogue's.
    """
    try:
        name, cls, latest = _CLASS_OF[topic]
        pop = values.pop
        version = pop("class_version", 1)
        while version < latest:
            getattr(cls, f"upcast_v{version}_v{version + 1}")(values)
            version += 1
        pop("timestamp")
        return Fact(name, pop("source"), pop("event_id"), pop("time"), values)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UnreadableState(f"{topic}: {type(error).__name__} {error}") from None
