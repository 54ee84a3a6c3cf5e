"""The keys of publishers in a bundle: each is made once and ended once."""

from __future__ import annotations

from domain.events import EarlierKeysFound, PublisherKeyEnded, PublisherKeyMade
from services.verify.streams.procedure import PlacedEvent, ReportFault


def check_key_events(key: str, events: list[PlacedEvent], fault: ReportFault) -> None:
    """Hold the events of one key to what can become of a key."""
    ended = False
    for placed in events:
        content = placed.event.content
        if not isinstance(content, PublisherKeyMade | PublisherKeyEnded) or content.key != key:
            fault(placed.position, f"{placed.event.name} is no event of the key {key}")
        elif ended:
            fault(placed.position, f"{placed.event.name} of the key {key}, which had ended")
        elif isinstance(content, PublisherKeyMade) and placed.version != 1:
            fault(placed.position, f"the key {key} was made twice")
        ended = ended or isinstance(content, PublisherKeyEnded)


def check_earlier_keys(events: list[PlacedEvent], fault: ReportFault) -> None:
    """The keys that are older than their record are stated once."""
    for placed in events:
        if not isinstance(placed.event.content, EarlierKeysFound) or placed.version != 1:
            fault(placed.position, f"{placed.event.name} does not belong among the keys' digests")
