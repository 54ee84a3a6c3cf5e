"""What a batch knows of the ledger: identities that are taken, the enterprises it touches, their events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from msgspec.structs import replace

from domain.events.amendments import Amendment, FactCorrected
from domain.events.claims import ClaimEvent
from domain.events.content import Content, YearlyAmount
from domain.events.event import SEP, Event, digest_of, key_of
from domain.events.speaking import is_said_at_desk
from domain.facts.canonical import canonical_event
from domain.facts.folding import EnterpriseFacts, amount_key, file_key, fold
from domain.intake.authorising import Grounds, find_holders, note_holder
from domain.intake.judging import Target
from domain.policy.rulebook import Rulebook
from ledger.intake.findings import Company
from ledger.intake.messages.decode import Message
from ledger.intake.old_spellings import OldSpellings, amended_keys
from ledger.projections.enterprises import EnterpriseRow, Outcome, load
from ledger.store.rows import Rows
from ledger.store.stored_events import SELECT, stored
from ledger.store.things.spellings import has_spellings


@dataclass(slots=True)
class Identity:
    """An event whose identity is taken: stored, or earlier in this batch."""

    digest: bytes
    position: int | None
    subject: str = ""
    event: Event | None = None


@dataclass(slots=True)
class TouchedEnterprise:
    """An enterprise that a batch changes."""

    row: EnterpriseRow
    outcomes_before: dict[str, Outcome]
    new_events: list[Event] = field(default_factory=list)
    is_stale: bool = False
    """Whether its facts no longer follow from its events, and must be folded again."""
    was_folded: bool = False
    sums: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By key of a new event that adds to a yearly amount reported before: the sum, by kind and group."""
    shared_sums: set[tuple[str, str]] = field(default_factory=set)
    """Those to which another source reports than that of the latest report."""
    holders: dict[str, str] | None = None
    """Whose its claims are, where that was asked for (``domain.intake.authorising``)."""

    def count(self, event: Event, *, is_known: bool) -> None:
        """Count an event that was accepted; ``is_known`` of an amendment, whether its fact counts."""
        if isinstance(event.content, YearlyAmount):
            self.note_source(event, event.content)
        if not self.row.facts.add(event, known=is_known):
            self.is_stale = True
        elif self.holders is not None:
            note_holder(self.holders, event, self.row.facts)

    def note_source(self, event: Event, content: YearlyAmount) -> None:
        """Note of a report, before it is counted, to which sum it adds, and whether others report to that."""
        name = event.name
        groups = self.row.facts.amounts.get(name)
        if groups is not None and (reports := groups.get(key := amount_key(content))) is not None:
            self.sums[event.key] = name, key
            if reports.latest.split(SEP, 2)[1] != event.source:
                self.shared_sums.add((name, key))

    def company_of(self, event: Event) -> Company:
        """Who else reports to the yearly amount that an event adds to."""
        reported = self.sums.get(event.key)
        if reported is None:
            return Company.NONE
        return Company.OTHER_SOURCES if reported in self.shared_sums else Company.OWN_SOURCE


class Workspace:
    """Loaded once for a batch, kept true to it while its messages are taken."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.identities: dict[str, Identity] = {}
        self.enterprises: dict[str, TouchedEnterprise] = {}
        self.histories: dict[str, list[Event]] = {}
        self.amended_at_desk: dict[str, set[str]] = {}
        """Keys of the facts that the desk amended, of enterprises whose facts are to be amended."""
        self.old = OldSpellings(rows) if has_spellings(rows) else None
        """What is stored in spellings that are not canonical; none in most ledgers."""

    def load_messages(self, messages: Sequence[Message]) -> None:
        """Load what messages need: their identities, the events they amend, their enterprises."""
        amendments = [
            (message.subject, content)
            for message in messages
            if isinstance(content := message.fact.content, Amendment)
        ]
        amended = {key_of(amendment.of_source, amendment.of) for _, amendment in amendments}
        sql = "SELECT key, digest, position FROM event_keys WHERE key IN ({})"
        for key, digest, position in self.rows.all_in(sql, {m.fact.key for m in messages} | amended):
            self.identities[key] = Identity(bytes(digest), position)
        if self.old is not None:
            self._load_old(self.old, {m.fact.key for m in messages} | amended, messages)
            amended |= {self.old.keys[key] for key in amended if key in self.old.keys}
        self._read_amended([self.identities[key] for key in amended if key in self.identities])
        self.read_histories({subject for subject, _ in amendments})
        self.load_enterprises({message.subject for message in messages})

    def load_enterprises(self, codes: Iterable[str]) -> None:
        """Load the enterprises that the read model has."""
        for code, row in load(self.rows, codes).items():
            self.enterprises[code] = TouchedEnterprise(row, dict(row.outcomes))

    def enterprise(self, code: str) -> TouchedEnterprise:
        """An enterprise as the batch leaves it so far; one that nothing is known of yet is new."""
        enterprise = self.enterprises.get(code)
        if enterprise is None:
            enterprise = self.enterprises[code] = TouchedEnterprise(EnterpriseRow(code), {})
        return enterprise

    def read_histories(self, codes: Iterable[str]) -> None:
        """Read the recorded events of enterprises, once each: their facts may have to be folded again."""
        unread = [code for code in codes if code not in self.histories]
        self.histories |= {code: [] for code in unread}
        sql = f"{SELECT} WHERE originator_id IN ({{}})"
        for event in sorted(map(stored, self.rows.all_in(sql, unread)), key=attrgetter("version")):
            self.histories[event.originator].append(event.fact)

    def history_of(self, code: str) -> list[Event]:
        """All events of an enterprise, those of this batch included."""
        self.read_histories({code})
        return [*self.histories[code], *self.enterprises[code].new_events]

    def target_of(self, content: Content) -> Target | None:
        """The event that an amendment names, where the ledger has it."""
        if not isinstance(content, Amendment):
            return None
        identity = self.identities.get(key_of(content.of_source, content.of))
        if identity is None or identity.event is None:
            return None
        return Target(identity.subject, identity.event)

    def grounds_of(self, code: str, event: Event, books: Mapping[str, Rulebook]) -> Grounds:
        """What a sender's right to say an event of an enterprise is judged on."""
        if self.enterprise(code).is_stale and isinstance(event.content, Amendment | ClaimEvent):
            self.fold_again(code)
        facts, target = self.enterprise(code).row.facts, self.target_of(event.content)
        if target is None:
            return Grounds(books, facts, None, self._holders_in(code, event, None))
        amended = replace(target.event, content=facts.corrected(target.event) or target.event.content)
        return Grounds(books, facts, amended, self._holders_in(code, event, amended))

    def _holders_in(self, code: str, event: Event, amended: Event | None) -> dict[str, str]:
        """Whose the enterprise's claims are, where an event may touch one that is known: by policy and claim.

        Its history is read for these events alone.
        """
        if amended is None and not self.touches_known_claim(code, event):
            return {}
        if amended is not None and not isinstance(amended.content, ClaimEvent):
            return {}
        enterprise = self.enterprise(code)
        if enterprise.holders is None:
            enterprise.holders = find_holders(self.history_of(code), enterprise.row.facts)
        return enterprise.holders

    def read_histories_of_claims(self, messages: Sequence[Message]) -> None:
        """Read at once the histories that tell whose the claims are that messages touch."""
        steps = [message for message in messages if isinstance(message.fact.content, ClaimEvent)]
        self.read_histories({m.subject for m in steps if self.touches_known_claim(m.subject, m.fact)})

    def touches_known_claim(self, code: str, event: Event) -> bool:
        """Whether an event is a step of a claim that is known, or one that corrections came before."""
        step = event.content
        if not isinstance(step, ClaimEvent):
            return False
        facts = self.enterprise(code).row.facts
        return bool(facts.amended) or file_key(step.policy, step.claim) in facts.claims

    def is_amended_at_desk(self, target: Target) -> bool:
        """Whether two persons at the desk amended an event that an amendment names, before this batch."""
        code = target.subject
        if code not in self.amended_at_desk:
            self.read_histories({code})
            self.amended_at_desk[code] = {
                key_of(content.of_source, content.of)
                for event in self.histories[code]
                if isinstance(content := event.content, Amendment) and is_said_at_desk(event)
            }
        return target.event.key in self.amended_at_desk[code]

    def fold_again(self, code: str) -> None:
        """Fold an enterprise's events again, those of this batch included."""
        enterprise = self.enterprises[code]
        enterprise.row.facts, enterprise.holders = self.folded(code), None
        enterprise.is_stale, enterprise.was_folded = False, True

    def folded(self, code: str) -> EnterpriseFacts:
        """An enterprise's facts from all of its loaded events, those of this batch included."""
        return fold([*self.histories.get(code, []), *self.enterprises[code].new_events])

    def _load_old(self, old: OldSpellings, keys: set[str], messages: Sequence[Message]) -> None:
        """Load what the messages mean that is stored in other spellings."""
        old.load(keys - self.identities.keys(), {message.subject for message in messages})
        sql = "SELECT key, digest, position FROM event_keys WHERE key IN ({})"
        stored_keys = {key: (digest, at) for key, digest, at in self.rows.all_in(sql, set(old.keys.values()))}
        for canonical, key in old.keys.items():
            if key in stored_keys:
                digest, position = stored_keys[key]
                self.identities[canonical] = self.identities[key] = Identity(bytes(digest), position)

    def load_targets(self, keys: set[str]) -> None:
        """Load stored events that amendments of the ledger itself name."""
        sql = "SELECT key, digest, position FROM event_keys WHERE key IN ({})"
        for key, digest, position in self.rows.all_in(sql, keys - self.identities.keys()):
            self.identities[key] = Identity(bytes(digest), position)
        self._read_amended([self.identities[key] for key in keys if self.identities[key].event is None])

    def meet_old_spellings(
        self, message: Message, enterprise: TouchedEnterprise
    ) -> tuple[Message, list[FactCorrected]]:
        """A message by the names of old events, and what leads old events to its spelling of a thing."""
        if self.old is None:
            return message, []
        message, corrections = self.old.meet(message, enterprise.row.facts)
        self.load_targets(amended_keys(corrections))
        return message, corrections

    def says_the_same(self, identity: Identity, message: Message) -> bool:
        """Whether an event says what a message says, once its spellings are canonical."""
        if identity.event is None:
            self._read_amended([identity])
        event = identity.event
        if event is None or identity.subject != message.subject:
            return False
        return digest_of(identity.subject, canonical_event(event)) == message.digest

    def _read_amended(self, identities: Sequence[Identity]) -> None:
        """Read the stored events that amendments of this batch name."""
        at = {identity.position: identity for identity in identities}
        for event in map(stored, self.rows.all_in(f"{SELECT} WHERE rowid IN ({{}})", at)):
            at[event.position].subject, at[event.position].event = event.originator, event.fact
