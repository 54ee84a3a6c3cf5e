"""What a batch knows of the ledger: identities that are taken, the enterprises it touches, their events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter

from msgspec.structs import replace

from domain.disagreements.matters import Party
from domain.events.amendments import Amendment, FactCorrected, FollowUp
from domain.events.claims import ClaimEvent
from domain.events.content import Content, YearlyAmount
from domain.events.event import SEP, Event, digest_of, key_of
from domain.events.speaking import is_said_at_desk
from domain.facts.approved_items import ApprovedItems
from domain.facts.canonical import canonical_event
from domain.facts.claim_steps import DECISIONS, ClaimSteps
from domain.facts.folding import Claim, amount_key, file_key, fold
from domain.facts.moving import move, names
from domain.intake.authorising import Grounds
from domain.intake.judging import Target
from domain.policy.rulebook import Rulebook
from ledger.intake.findings import Company, ReportedFact
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
    claims_before: dict[str, Claim] = field(default_factory=dict)
    is_stale: bool = False
    """Whether what no message is judged on must be folded again before the facts are stored."""
    sums: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By key of a new event that adds to a yearly amount reported before: the sum, by kind and group."""
    sole_reports: dict[str, Party] = field(default_factory=dict)
    """By key of such an event, the only report made before, where no more were."""
    shared_sums: set[tuple[str, str]] = field(default_factory=set)
    """Those to which another source reports than that of the latest report."""
    moved: set[str] = field(default_factory=set)
    """Keys of the events that corrections took to another yearly amount."""
    steps: ClaimSteps | None = None
    """The steps of its claims, where they were asked for."""
    items: ApprovedItems | None = None
    """Its approvals by item, where they were asked for."""

    def count(self, event: Event) -> None:
        """Count an event that was accepted, and that says nothing of another one which is counted."""
        facts = self.row.facts
        if isinstance(event.content, YearlyAmount):
            self.note_source(event, event.content)
        if not facts.add(event):
            self.is_stale = True
        self._note_step(event)

    def count_follow_up(self, follow_up: FollowUp, fact: Event) -> str | None:
        """Count what an event says of another one; the claim that now follows from its other steps."""
        if not names(follow_up, fact):
            self.row.facts.note(follow_up)
            self.is_stale = True
            return None
        moved = move(self.row.facts, fact, follow_up)
        if moved.is_moved:
            self.moved.add(fact.key)
        if not moved.is_complete:
            self.is_stale = True
        self._note_step(fact)
        return moved.lost_claim

    def _note_step(self, event: Event) -> None:
        if self.steps is not None:
            self.steps.note(event, self.row.facts)
        if self.items is not None:
            self.items.note(event, self.row.facts)

    def approved_items(self) -> ApprovedItems:
        """Its approvals by item."""
        if self.items is None:
            self.items = ApprovedItems(self.row.facts)
        return self.items

    def restore_claim(self, claim: str) -> None:
        """Work out where a claim stands whose latest step went; its steps are read."""
        assert self.steps is not None
        self.steps.restore_claim(claim, self.row.facts)
        if self.items is not None:
            self.items.note_claim(claim, self.row.facts)

    def note_source(self, event: Event, content: YearlyAmount) -> None:
        """Note of a report, before it is counted, to which sum it adds, and whether others report to that."""
        name = event.name
        groups = self.row.facts.amounts.get(name)
        if groups is not None and (reports := groups.get(key := amount_key(content))) is not None:
            event_key, (_, source, event_id) = event.key, reports.latest.split(SEP, 2)
            self.sums[event_key] = name, key
            if source != event.source:
                self.shared_sums.add((name, key))
            if reports.count == 1:
                amount = str(reports.latest_amount)
                self.sole_reports[event_key] = Party(key_of(source, event_id), self.row.code, source, amount)

    def company_of(self, event: Event) -> Company:
        """Who else reports to the yearly amount that an event adds to."""
        if event.key in self.moved:
            return Company.OTHER_SOURCES
        reported = self.sums.get(event.key)
        if reported is None:
            return Company.NONE
        return Company.OTHER_SOURCES if reported in self.shared_sums else Company.OWN_SOURCE

    def report(self, event: Event) -> ReportedFact:
        """A new event, with who else reports to the yearly amount that it adds to."""
        code, facts = self.row.code, self.row.facts
        if not self.sums:
            return ReportedFact(code, event, facts)
        # What was amended since is not what was counted then: it is read again.
        sole = None if facts.amended else self.sole_reports.get(event.key)
        return ReportedFact(code, event, facts, company=self.company_of(event), sole_before=sole)


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
        amended = {
            key_of(content.of_source, content.of)
            for message in messages
            if isinstance(content := message.fact.content, Amendment)
        }
        sql = "SELECT key, digest, position FROM event_keys WHERE key IN ({})"
        for key, digest, position in self.rows.all_in(sql, {m.fact.key for m in messages} | amended):
            self.identities[key] = Identity(bytes(digest), position)
        if self.old is not None:
            self._load_old(self.old, {m.fact.key for m in messages} | amended, messages)
            amended |= {self.old.keys[key] for key in amended if key in self.old.keys}
        self._read_amended([self.identities[key] for key in amended if key in self.identities])
        self.load_enterprises({message.subject for message in messages})

    def load_enterprises(self, codes: Iterable[str]) -> None:
        """Load the enterprises that the read model has."""
        for code, row in load(self.rows, codes).items():
            self.enterprises[code] = TouchedEnterprise(
                row, dict(row.outcomes), claims_before=dict(row.facts.claims)
            )

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
        if code not in self.histories:
            self.read_histories({code})
        return [*self.histories[code], *self.enterprises[code].new_events]

    def target_of(self, content: Content) -> Target | None:
        """The event that a follow-up names, where the ledger has it."""
        if not isinstance(content, FollowUp):
            return None
        identity = self.identities.get(key_of(content.of_source, content.of))
        if identity is None or identity.event is None:
            return None
        return Target(identity.subject, identity.event)

    def grounds_of(self, code: str, event: Event, books: Mapping[str, Rulebook]) -> Grounds:
        """What a sender's right to say an event of an enterprise is judged on."""
        facts, target = self.enterprise(code).row.facts, self.target_of(event.content)
        if target is None:
            return Grounds(books, facts, None, partial(self._holder_in, code))
        amended = replace(target.event, content=facts.corrected(target.event) or target.event.content)
        return Grounds(books, facts, amended, partial(self._holder_in, code))

    def _holder_in(self, code: str, claim: str) -> str | None:
        """Whose one of the enterprise's claims is; its history is read for a claim that is known alone."""
        enterprise = self.enterprise(code)
        if claim not in enterprise.row.facts.claims:
            return None
        return self.steps_of_claims(code).find_holder(claim, enterprise.row.facts)

    def steps_of_claims(self, code: str) -> ClaimSteps:
        """The steps of an enterprise's claims, those of this batch included."""
        enterprise = self.enterprise(code)
        if enterprise.steps is None:
            enterprise.steps = ClaimSteps(self.history_of(code), enterprise.row.facts)
        return enterprise.steps

    def count_follow_up(self, code: str, follow_up: FollowUp, fact: Event) -> None:
        """Count what an accepted event says of another one of its enterprise, which is counted."""
        enterprise = self.enterprises[code]
        lost_claim = enterprise.count_follow_up(follow_up, fact)
        if lost_claim is not None:
            self.steps_of_claims(code)
            enterprise.restore_claim(lost_claim)

    def count_own(self, code: str, event: Event) -> None:
        """Count an event that the ledger makes about a fact."""
        if not isinstance(event.content, FollowUp):
            return
        target = self.target_of(event.content)
        if target is not None:
            self.count_follow_up(code, event.content, target.event)
        else:
            self.enterprises[code].count(event)
            self.enterprises[code].is_stale = True

    def read_histories_of_claims(self, messages: Sequence[Message]) -> None:
        """Read at once the histories that tell whose the claims are that messages touch."""
        self.read_histories({m.subject for m in messages if self._touches_held_claim(m)})

    def _touches_held_claim(self, message: Message) -> bool:
        """Whether a message is a step of a claim that is known, of those that only its holder takes."""
        step = message.fact.content
        if isinstance(step, Amendment) and (target := self.target_of(step)) is not None:
            step = target.event.content
        if not isinstance(step, ClaimEvent) or isinstance(step, DECISIONS):
            return False
        return file_key(step.policy, step.claim) in self.enterprise(message.subject).row.facts.claims

    def is_amended_at_desk(self, target: Target) -> bool:
        """Whether two persons at the desk amended an event that an amendment names, before this batch."""
        code = target.subject
        amended = self.enterprise(code).row.facts.amendments_of(target.event)
        if amended is None or not (amended.changes or amended.retracted):
            return False
        if code not in self.amended_at_desk:
            self.read_histories({code})
            self.amended_at_desk[code] = {
                key_of(content.of_source, content.of)
                for event in self.histories[code]
                if isinstance(content := event.content, Amendment) and is_said_at_desk(event)
            }
        return target.event.key in self.amended_at_desk[code]

    def fold_stale(self) -> None:
        """Fold the events of enterprises again whose facts follow from them no longer, each once."""
        stale = [code for code, enterprise in self.enterprises.items() if enterprise.is_stale]
        self.read_histories(stale)
        for code in stale:
            enterprise = self.enterprises[code]
            enterprise.row.facts, enterprise.is_stale = fold(self.history_of(code)), False

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
        unread = [identity for key in keys if (identity := self.identities.get(key)) and not identity.event]
        self._read_amended(unread)

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
