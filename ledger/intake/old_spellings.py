"""How a batch finds facts that were recorded before spellings were canonical.

A message whose identity is that of an old event in another spelling is a repetition of it; what amends
such an event names it as it is stored; a thing that was recorded in another spelling is corrected to the
canonical one, so that the new report makes no second thing. Where two old facts are already counted apart,
they stay so until an officer decides (``ledger.things``).
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from domain.events import CATALOGUE
from domain.events.amendments import Amendment, FactCorrected, FieldValue
from domain.events.claims import ClaimEvent
from domain.events.content import Content, DatedThing
from domain.events.event import SEP, Event, digest_of, key_of
from domain.facts.canonical import identity_of
from domain.facts.folding import EnterpriseFacts
from ledger.intake.messages.decode import Message
from ledger.store.rows import Rows
from ledger.store.things.spellings import CLAIM, THING, OldSpelling, old_keys, spellings_of_enterprises

OTHER_SPELLING = "同一事项的另一种写法 · another spelling of the same thing"
"""The reason of a correction that only writes a thing in its canonical form."""


class OldSpellings:
    """What the messages of a batch may mean of what was stored before."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.keys: dict[str, str] = {}
        """Stored keys by canonical key."""
        self.claims: dict[tuple[str, str], str] = {}
        """Stored policy and claim by enterprise and canonical policy and claim."""
        self.things: dict[tuple[str, str, str], list[OldSpelling]] = {}
        """Old spellings by enterprise, kind and canonical identity."""

    def load(self, keys: set[str], codes: set[str]) -> None:
        """Load what is spelt otherwise of these identities, and in these enterprises."""
        self.keys = old_keys(self.rows, keys)
        for spelling in spellings_of_enterprises(self.rows, codes):
            if spelling.field == CLAIM:
                self.claims.setdefault((spelling.code, spelling.canonical), spelling.written)
            elif spelling.field == THING:
                of_thing = (spelling.code, spelling.event, spelling.canonical)
                self.things.setdefault(of_thing, []).append(spelling)

    def meet(self, message: Message, facts: EnterpriseFacts) -> tuple[Message, list[FactCorrected]]:
        """The message by the names of old events, and what leads old events to its spelling of a thing."""
        subject, event = message.subject, message.fact
        content = self.content_as_stored(subject, event.content, facts)
        if content is event.content:
            return message, self.corrections_for(subject, event, facts)
        event = replace(event, content=content)
        return replace(message, fact=event, digest=digest_of(subject, event)), []

    def content_as_stored(self, code: str, content: Content, facts: EnterpriseFacts) -> Content:
        """The content, naming old events and claims as they are stored; the same where it names none."""
        if isinstance(content, Amendment):
            stored_key = self.keys.get(key_of(content.of_source, content.of))
            if stored_key is not None:
                source, _, event_id = stored_key.partition(SEP)
                return replace(content, of_source=source, of=event_id)
        elif isinstance(content, ClaimEvent):
            canonical = SEP.join((content.policy, content.claim))
            written = self.claims.get((code, canonical))
            if written is not None and canonical not in facts.claims and written in facts.claims:
                return replace(content, claim=written.partition(SEP)[2])
        return content

    def corrections_for(self, code: str, event: Event, facts: EnterpriseFacts) -> list[FactCorrected]:
        """What leads the old reports of a thing to its canonical spelling, where nothing else has that."""
        content = event.content
        if not isinstance(content, DatedThing):
            return []
        records = facts.dated.get(event.name, {})
        identity = identity_of(content)
        old = [each for each in self.things.get((code, event.name, identity), ()) if each.written in records]
        if not old or identity in records:
            return []
        return [correct_spelling(each) for each in old if each.written == old[0].written]


def correct_spelling(spelling: OldSpelling) -> FactCorrected:
    """The correction that gives a thing its canonical spelling."""
    content_type = CATALOGUE[spelling.event]
    assert issubclass(content_type, DatedThing)
    parts = zip(
        content_type.identity, spelling.written.split(SEP), spelling.canonical.split(SEP), strict=True
    )
    changes: dict[str, FieldValue] = {name: after for name, before, after in parts if before != after}
    source, _, event_id = spelling.key.partition(SEP)
    return FactCorrected(
        of=event_id, of_source=source, of_type=spelling.event, reason=OTHER_SPELLING, changes=changes
    )


def amended_keys(corrections: Iterable[Amendment]) -> set[str]:
    """Keys of the events that amendments name."""
    return {key_of(each.of_source, each.of) for each in corrections}
