"""What a batch knows of the ledger: identities that are taken, the enterprises it touches, their events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter

from msgspec.structs import replace

from domain.disagreements.matters import Party
from domain.events.amendments import Amendment, FactCorrected, FollowUp
from domain.events.claims import ClaimApproved, ClaimEvent
from domain.events.content import Content, YearlyAmount
from domain.events.event import SEP, Event, digest_of, key_of
from domain.facts.canonical import canonical_event
from domain.facts.claim_steps import DECISIONS, StandingStep, find_holder, restore_claim
from domain.facts.claims import Claim, file_key, item_key
from domain.facts.folding import amendable_key, amended_key, amount_key, fold
from domain.facts.moving import NOBODYS, move, names
from domain.facts.places import Group, group_of, place_of, places_of, restore_group
from domain.intake.authorising import Grounds
from domain.intake.judging import Target
from domain.policy.rulebook import Rulebook
from ledger.intake.findings import Company, ReportedFact
from ledger.intake.messages.decode import Message
from ledger.intake.old_spellings import OldSpellings, amended_keys
from ledger.projections.disagreements import DisagreementTables
from ledger.projections.enterprises import EnterpriseRow, Outcome, load
from ledger.store.folded.entries import GrowingField, ask_for, is_apart, is_many
from ledger.store.folded.places import StoredPlaces
from ledger.store.rows import DamagedStore, Rows
from ledger.store.stored_events import SELECT, stored
from ledger.store.things.spellings import has_spellings


@dataclass(slots=True)
class Identity:
    """An event whose identity is taken: stored, or earlier in this batch."""

    digest: bytes
    position: int | None
    subject: str = ""
    event: Event | None = None
    is_new: bool = False
    """Whether it comes with this batch, and so after all that is stored."""


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
    moved: dict[str, Company] = field(default_factory=dict)
    """Of the events that corrections took to another yearly amount, by key, who else reports to that."""
    places: StoredPlaces | None = None
    """The places of its facts, where they are kept."""
    tables: DisagreementTables | None = None  # beside the places
    lost: set[Group] = field(default_factory=set)
    """What a fact counted for that may have been the earliest or latest; it is restored with ``places``."""

    def count(self, event: Event) -> None:
        """Count an event that was accepted, and that says nothing of another one which is counted."""
        facts = self.row.facts
        if isinstance(event.content, YearlyAmount):
            self.note_source(event, event.content)
        if not facts.add(event):
            self.is_stale = True
        if self.places is not None and (group := group_of(event, facts.effective(event))) is not None:
            self.places.add(place_of(event, group))

    def count_follow_up(self, follow_up: Event, fact: Event) -> str | None:
        """Count what an event says of another one; the claim that now follows from its other steps."""
        if not (isinstance(follow_up.content, FollowUp) and names(follow_up.content, fact)):
            self.row.facts.note(follow_up)
            self.is_stale = True
            return None
        before = self._group_of(fact)
        moved = move(self.row.facts, fact, follow_up)
        after = self._group_of(fact)
        if moved.is_moved:
            self.moved[fact.key] = self._company_at(fact, after)
        groups = self._move_place(fact, before, after)
        if not moved.is_complete:
            self.lost |= groups
            self.is_stale |= self.places is None
        return moved.lost_claim

    def _company_at(self, fact: Event, group: Group | None) -> Company:
        """Who reports to the sum that a correction takes a fact to; not yet known is taken for others.

        Of a sum that is no matter yet all reports are from one source: the last one tells which. A report
        that is held has no place, and is compared all the same.
        """
        if self.places is None or self.tables is None or group is None:
            return Company.OTHER_SOURCES
        if self.row.facts.held and self.tables.is_any_aside(self.row.code, group.kind):
            return Company.OTHER_SOURCES
        last = self.places.last_under(group.prefix)
        if last is None:
            return Company.NONE
        source = last.removeprefix(group.prefix).split(SEP)[1]
        return Company.OWN_SOURCE if source == fact.source else Company.OTHER_SOURCES

    def _group_of(self, fact: Event) -> Group | None:
        return None if self.places is None else group_of(fact, self.row.facts.effective(fact))

    def _move_place(self, fact: Event, before: Group | None, after: Group | None) -> set[Group]:
        """Move a fact from one group to another; the groups."""
        if self.places is not None and before != after:
            if before is not None:
                self.places.remove(place_of(fact, before))
            if after is not None:
                self.places.add(place_of(fact, after))
        return {group for group in (before, after) if group is not None}

    def note_source(self, event: Event, content: YearlyAmount) -> None:
        """Note of a report, before it is counted, to which sum it adds, and whether others report to that."""
        name = event.name
        groups = self.row.facts.amounts.get(name)
        if groups is not None and (reports := groups.get(key := amount_key(content))) is not None:
            latest = reports.latest
            if latest == NOBODYS and self.places is not None:  # it went in this batch
                group = Group(content.shape, name, key)
                latest = (self.places.last_under(group.prefix) or latest).removeprefix(group.prefix)
            event_key, (_, source, event_id) = event.key, latest.split(SEP, 2)
            self.sums[event_key] = name, key
            if source != event.source:
                self.shared_sums.add((name, key))
            if reports.count == 1:
                amount = str(reports.latest_amount)
                self.sole_reports[event_key] = Party(key_of(source, event_id), self.row.code, source, amount)

    def company_of(self, event: Event) -> Company:
        """Who else reports to the yearly amount that an event adds to."""
        if (moved := self.moved.get(event.key)) is not None:
            return moved
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
        _ask_for_entries(self, messages)

    def load_enterprises(self, codes: Iterable[str]) -> None:
        """Load the enterprises that the read model has."""
        for code, row in load(self.rows, codes, whole=False).items():
            claims = {} if is_apart(row.facts) else dict(row.facts.claims)
            enterprise = TouchedEnterprise(row, dict(row.outcomes), claims_before=claims)
            if is_apart(row.facts):
                row.places = enterprise.places = StoredPlaces(self.rows, code)
                enterprise.tables = DisagreementTables(self.rows)
            self.enterprises[code] = enterprise

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
        ask_for(self.enterprises[code].row.facts, {"amended": None})
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
        """Whose one of the enterprise's claims is; the steps of that claim alone are read."""
        return find_holder(self.steps_of(code, claim))

    def steps_of(self, code: str, claim: str) -> list[StandingStep]:
        """The steps that stand of a claim in order of recording, those of this batch included."""
        facts = self.enterprise(code).row.facts
        keys = facts.steps.get(claim, ())
        self.load_targets(set(keys))
        events = [self._event_of(key) for key in keys]
        events.sort(key=lambda event: _recording_order(self.identities[event.key]))
        steps = ((event, facts.corrected(event)) for event in events)
        return [StandingStep(event, step) for event, step in steps if isinstance(step, ClaimEvent)]

    def count_follow_up(self, code: str, follow_up: Event, fact: Event) -> None:
        """Count what an accepted event says of another one of its enterprise, which is counted."""
        enterprise = self.enterprises[code]
        lost_claim = enterprise.count_follow_up(follow_up, fact)
        if lost_claim is not None:
            restore_claim(enterprise.row.facts, lost_claim, self.steps_of(code, lost_claim))

    def count_own(self, code: str, event: Event) -> None:
        """Count an event that the ledger makes about a fact."""
        if not isinstance(event.content, FollowUp):
            return
        target = self.target_of(event.content)
        if target is not None:
            self.count_follow_up(code, event, target.event)
        else:
            self.enterprises[code].count(event)
            self.enterprises[code].is_stale = True

    def read_steps_of_claims(self, messages: Sequence[Message]) -> None:
        """Read at once the steps that tell whose the claims are that messages touch."""
        self.load_targets({key for message in messages for key in self._keys_of_steps(message)})

    def _keys_of_steps(self, message: Message) -> Sequence[str]:
        """Of a message that is a step which only a claim's holder takes, the steps of that claim."""
        step = message.fact.content
        if isinstance(step, Amendment) and (target := self.target_of(step)) is not None:
            step = target.event.content
        if not isinstance(step, ClaimEvent) or isinstance(step, DECISIONS):
            return ()
        steps = self.enterprise(message.subject).row.facts.steps
        return steps.get(file_key(step.policy, step.claim), ())

    def is_amended_at_desk(self, target: Target) -> bool:
        """Whether two persons at the desk amended an event that an amendment names."""
        amended = self.enterprise(target.subject).row.facts.amendments_of(target.event)
        return amended is not None and amended.at_desk

    def fold_stale(self) -> None:
        """Restore what follows from the events no longer, or fold these again, of each enterprise once."""
        for enterprise in self.enterprises.values():
            if enterprise.places is not None and not enterprise.is_stale:
                for group in sorted(enterprise.lost):
                    restore_group(enterprise.row.facts, group, enterprise.places, self._event_of)
                enterprise.lost.clear()
        stale = [code for code, enterprise in self.enterprises.items() if enterprise.is_stale]
        self.read_histories(stale)
        for code in stale:
            enterprise = self.enterprises[code]
            enterprise.row.facts, enterprise.is_stale = fold(self.history_of(code)), False
            enterprise.places = None

    def _event_of(self, key: str) -> Event:
        """A recorded event, or one of this batch.

        Raises:
            DamagedStore: where there is none, though facts of its enterprise name it.
        """
        self.load_targets({key})
        identity = self.identities.get(key)
        if identity is None or identity.event is None:
            raise DamagedStore("database.unreadable-row", reason=f"event_keys {key.replace(SEP, ' ')}")
        return identity.event

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


def complete_places(workspace: Workspace) -> None:
    """Work out all places of the facts of enterprises with many events whose places are not at hand."""
    for code, enterprise in workspace.enterprises.items():
        if enterprise.new_events and enterprise.places is None and is_many(enterprise.row.version):
            enterprise.row.places = places_of(workspace.history_of(code), enterprise.row.facts)


def _ask_for_entries(workspace: Workspace, messages: Sequence[Message]) -> None:
    """Read at once what messages touch of facts that are read entry by entry."""
    keys: dict[str, dict[GrowingField, set[str]]] = {}
    for message in messages:
        enterprise = workspace.enterprises.get(message.subject)
        if enterprise is None or not is_apart(enterprise.row.facts):
            continue
        fields = keys.setdefault(message.subject, {})
        target = workspace.target_of(message.fact.content)
        for event in (message.fact, target.event) if target is not None else (message.fact,):
            for field_name, key in _keys_of_entries(event):
                fields.setdefault(field_name, set()).add(key)
    for code, fields in keys.items():
        ask_for(workspace.enterprises[code].row.facts, fields)


def _recording_order(identity: Identity) -> tuple[bool, int]:
    """What events are recorded by, first to last."""
    return identity.is_new, identity.position or 0


def _keys_of_entries(event: Event) -> Iterator[tuple[GrowingField, str]]:
    """What an event touches of the growing fields of its enterprise's facts."""
    content = event.content
    yield "amended", amended_key(content) if isinstance(content, FollowUp) else amendable_key(event)
    if isinstance(content, ClaimEvent):
        claim = file_key(content.policy, content.claim)
        yield "claims", claim
        yield "steps", claim
        if isinstance(content, ClaimApproved):
            yield "items", item_key(content)
