"""A publisher's key as the eventsourcing library's aggregate: who made it, for what, and who ended it."""

from __future__ import annotations

from datetime import datetime

from domain.authority.publishers import Scope
from domain.authority.roles import Actor
from domain.authority.writes import require
from domain.events.aggregate import Stream
from domain.events.speaking import attribute_step
from domain.events.upkeep.publisher_keys import KEYS, PublisherKeyEnded, PublisherKeyMade


class PublisherKey(Stream):
    """One key, by its number; one that was made before keys were recorded has no event that makes it."""

    @property
    def key(self) -> str:
        """The key's number."""
        return str(self.id).removeprefix(f"{KEYS}:")

    def make(self, actor: Actor, system: str, scope: Scope, digest: str, now: datetime) -> None:
        """Make it for a system, bound to what it may say.

        Raises:
            NotAllowed: where the actor may not.
        """
        require(actor, "key.make")
        made = PublisherKeyMade(
            key=self.key,
            system=system,
            of_source=scope.source,
            types=tuple(sorted(scope.types)),
            digest=digest,
        )
        self.record(made, now, attribution=attribute_step(actor, "key.make"))

    def end(self, actor: Actor, now: datetime) -> None:
        """End it.

        Raises:
            NotAllowed: where the actor may not.
        """
        require(actor, "key.end")
        self.record(PublisherKeyEnded(key=self.key), now, attribution=attribute_step(actor, "key.end"))
