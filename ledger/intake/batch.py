"""One batch of messages in one transaction: each is judged, what is right is accepted, all is committed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from domain.authority import writes
from domain.disagreements.matters import REPLACED
from domain.events.aggregate import OUR_SOURCE
from domain.events.amendments import Amendment, FactCorrected, FollowUp
from domain.events.event import NOBODY, Attribution, Event, key_of
from domain.events.event import digest_of as digest_of_event
from domain.events.instants import instant
from domain.faults.fault import Fault
from domain.intake.authorising import JUDGED_BY_CASE, NO_SENDER, Sender, judge_sender
from domain.intake.judging import Case, Target, judge_event
from domain.policy.rulebook import Rulebook
from ledger.intake.disagreements import Finder
from ledger.intake.findings import Company, ReportedFact
from ledger.intake.messages.decode import Message, Refusal, refusal_of
from ledger.intake.messages.senders import Senders
from ledger.intake.messages.wiping import wipe_refusal
from ledger.intake.reconciling import Changes
from ledger.intake.refusals import Keeping, digest_of, settle_accepted
from ledger.intake.workspace import Identity, TouchedEnterprise, Workspace, complete_places
from ledger.policies.versions import rulebooks
from ledger.projections.disagreements import DisagreementTables, Hold
from ledger.projections.enterprises import Writer
from ledger.store.append import append, recorded_time
from ledger.store.application import Ledger
from ledger.store.correlation import current, note_refused
from ledger.store.persons import erased_digest, seal
from ledger.store.rows import Rows

DESK = "desk"
"""The channel of steps that the ledger's own desk takes (``ledger.claims.desk``)."""

REPEATABLE = ("claim.outside", "claim.foreign", "amend.foreign")
"""What is recorded already may be sent again by its source, also where it would not be allowed anew."""

Status = Literal["accepted", "duplicate", "refused"]


class Result(msgspec.Struct, frozen=True, gc=False):
    """What became of one message."""

    status: Status
    event_id: str | None = None
    source: str | None = None
    position: int | None = None
    refusal: str | None = None
    """Under which digest a refused message is kept; none where its sender's quota was used up."""
    faults: tuple[Fault, ...] = ()
    """Why it was refused; of a duplicate, that what it repeats counts no more."""

    @property
    def is_unkept(self) -> bool:
        """Whether it was refused and is not kept: its sender has it still, and is told so."""
        return self.status == "refused" and self.refusal is None


class ReceivedMessage(msgspec.Struct, frozen=True, gc=False):
    """The bytes of a message, what they say, where in a stream they stood, and who sent them."""

    raw: bytes
    decoded: Message | Refusal
    origin: str | None = None
    sender: Sender = NO_SENDER


class Batch:
    """One batch in one transaction."""

    def __init__(self, rows: Rows, ledger: Ledger, channel: str, attribution: Attribution = NOBODY) -> None:
        self.rows, self.channel, self.attribution = rows, channel, attribution
        self.senders = Senders()
        self.recorded_at = recorded_time(rows, ledger.clock())
        self.now = instant(ledger.clock())
        self.books: dict[str, Rulebook] = rulebooks(rows)
        self.workspace = Workspace(rows)
        self.accepted: list[tuple[str, int, Event]] = []
        self.keys: list[tuple[str, bytes]] = []
        self.correlation = current.get()
        self.correlations: list[str] = []
        self.refusals: list[Refusal] = []

    def take(self, messages: Sequence[ReceivedMessage]) -> list[Result]:
        """Judge every message, and commit what came of them."""
        self.workspace.load_messages([m.decoded for m in messages if isinstance(m.decoded, Message)])
        judged = [m.decoded for m in messages if m.sender.writer.mode != writes.TRIAL]
        self.workspace.read_steps_of_claims([m for m in judged if isinstance(m, Message)])
        first = self.rows.last_position() + 1
        results = []
        for message in messages:
            result = self.take_message(message.raw, message.decoded, first, message.sender)
            if result.status == "refused":
                refusal, actor = self.refusals[-1], message.sender.writer.actor
                refusal.origin, refusal.sender = message.origin, actor.identity
            results.append(result)
        if self.accepted:
            self._note_disagreements(first)
            self.commit()
        unkept = _keep_refused(self, messages) if self.refusals else {}
        return [_without_unkept(result, unkept) for result in results] if unkept else results

    def take_message(
        self, raw: bytes, message: Message | Refusal, first: int, sender: Sender = NO_SENDER
    ) -> Result:
        """Judge one message by who sent it and all that the ledger knows, and accept it where it is right.

        Args:
            first: the position of the batch's first event.
        """
        if isinstance(message, Refusal):
            return self._refuse(message)
        event, key = message.fact, message.fact.key
        unallowed = self._judge_sender(message, sender.writer)
        identity = self.workspace.identities.get(key)
        is_repeatable = unallowed is None or unallowed.code in REPEATABLE
        if identity is not None and is_repeatable and self._is_known(message, identity):
            return _repeat(message, identity.position, self.workspace.enterprises.get(message.subject))
        if unallowed is not None:
            return self._refuse(refusal_of(raw, message, [unallowed]))
        if identity is not None:
            return self._refuse(refusal_of(raw, message, [Fault("identity.reused", "id")]))
        workspace, code = self.workspace, message.subject
        enterprise = workspace.enterprises.get(code) or workspace.enterprise(code)
        corrections: Sequence[FactCorrected] = ()
        if self.workspace.old is not None:
            message, corrections = self.workspace.meet_old_spellings(message, enterprise)
            if message.fact is not event and (fault := self._judge_sender(message, sender.writer)):
                return self._refuse(refusal_of(raw, message, [fault]))
            event = message.fact
        is_amendment = isinstance(event.content, Amendment)
        target = self.workspace.target_of(event.content) if is_amendment else None
        faults = self._judge(message, enterprise, target)
        if faults:
            return self._refuse(refusal_of(raw, message, faults))
        position = first + len(self.accepted)
        event = self._accept(message, enterprise, sender.attribution)
        self.keys.append((key, message.digest))
        self.workspace.identities[key] = Identity(message.digest, position, message.subject, event, True)
        if target is None or not isinstance(event.content, Amendment):
            enterprise.count(event)
        else:
            self.workspace.count_follow_up(message.subject, event, target.event)
        if corrections:
            self.record_holds([Hold(message.subject, content) for content in corrections])
        return Result("accepted", event.event_id, event.source, position)

    def _is_known(self, message: Message, identity: Identity) -> bool:
        """Whether a message says what the event of its identity says."""
        digests = (message.digest, erased_digest(message.subject, message.fact))
        return identity.digest in digests or self.workspace.says_the_same(identity, message)

    def record_holds(self, holds: Sequence[Hold]) -> None:
        """Record events that the ledger makes about facts of enterprises."""
        workspace, codes = self.workspace, {hold.code for hold in holds}
        workspace.load_enterprises([code for code in codes if code not in workspace.enterprises])
        contents = [hold.content for hold in holds if isinstance(hold.content, FollowUp)]
        workspace.load_targets({key_of(content.of_source, content.of) for content in contents})
        for code, content in holds:
            enterprise = workspace.enterprises[code]
            enterprise.row.version += 1
            place = f"{code}@{enterprise.row.version}"
            event = Event(content, OUR_SOURCE, place, self.now, *self.attribution)
            self.accepted.append((code, enterprise.row.version, event))
            self.keys.append((event.key, digest_of_event(code, event)))
            self.correlations.append(self.correlation)
            enterprise.new_events.append(event)
            workspace.count_own(code, event)

    def look_back(self, codes: Sequence[str]) -> None:
        """Compare what is recorded of these enterprises, as if it arrived now; safe to repeat."""
        workspace = self.workspace
        workspace.enterprises = {}
        workspace.load_enterprises(codes)
        workspace.read_histories(set(workspace.enterprises))
        tables = DisagreementTables(self.rows)
        finder = Finder(tables, self.books, workspace.history_of, workspace.read_histories, whole=True)
        reported = [
            ReportedFact(code, event, enterprise.row.facts, company=Company.OTHER_SOURCES)
            for code, enterprise in workspace.enterprises.items()
            for event in workspace.histories.get(code, [])
            if event.name in finder.rules or REPLACED in enterprise.row.facts.dated
        ]
        changes = finder.find(reported)
        if changes.holds:
            self.record_holds(changes.holds)
            self.commit()
        changes.added_parties = tables.without_known(changes.added_parties)
        changes.write(tables, self.rows.last_position())

    def commit(self) -> None:
        """Append what was accepted, and move the read models that follow."""
        workspace = self.workspace
        workspace.fold_stale()
        complete_places(workspace)
        first = self.rows.last_position() + 1
        last = append(self.rows, self.accepted, self.recorded_at, self.correlations)
        keys = [(key, digest, first + place) for place, (key, digest) in enumerate(self.keys)]
        self.rows.run_many("INSERT INTO event_keys VALUES (?,?,?)", keys)
        writer = Writer(self.rows, self.books, last)
        for code in sorted(workspace.enterprises):
            enterprise = workspace.enterprises[code]
            if not enterprise.new_events:
                continue
            writer.put(enterprise.row, enterprise.outcomes_before, enterprise.claims_before)
        writer.finish()
        settle_accepted(self.rows, [(event.source, event.event_id) for _, _, event in self.accepted])

    def find_disagreements(self, tables: DisagreementTables) -> Changes:
        """What this batch changes of what disagrees."""
        workspace = self.workspace
        workspace.fold_stale()
        finder = Finder(tables, self.books, workspace.history_of, workspace.read_histories)
        reported = []
        for code, _, event in self.accepted:
            enterprise = workspace.enterprises[code]
            facts = enterprise.row.facts
            if isinstance(event.content, Amendment):
                target = workspace.target_of(event.content)
                if target is not None:
                    moved = enterprise.company_of(target.event) if enterprise.moved else Company.NONE
                    reported.append(ReportedFact(code, target.event, facts, True, moved))
            elif event.name in finder.rules or REPLACED in facts.dated:
                reported.append(enterprise.report(event))
        return finder.find(reported)

    def _judge_sender(self, message: Message, writer: writes.Writer) -> Fault | None:
        """The fault of what is not the sender's to say."""
        if writer.mode == writes.TRIAL:
            return None
        if not isinstance(message.fact.content, JUDGED_BY_CASE):
            return self.senders.judge(writer, message.fact)
        grounds = self.workspace.grounds_of(message.subject, message.fact, self.books)
        return judge_sender(writer, message.fact, grounds)

    def _judge(self, message: Message, enterprise: TouchedEnterprise, target: Target | None) -> list[Fault]:
        at_desk = target is not None and self.workspace.is_amended_at_desk(target)
        at_the_desk = self.channel == DESK
        case = Case(message.subject, enterprise.row.facts, self.books, at_the_desk, target, at_desk)
        return judge_event(message.fact, case)

    def _accept(self, message: Message, enterprise: TouchedEnterprise, attribution: Attribution) -> Event:
        """Take a message's event as the enterprise's next; as it will be stored."""
        event = seal(self.rows, message.subject, message.fact)
        if attribution is not NOBODY and event.said_by is None:
            event = _attribute(event, self.senders.attribute(attribution, event.source))
        enterprise.row.version += 1
        self.accepted.append((message.subject, enterprise.row.version, event))
        self.correlations.append(message.correlation or self.correlation)
        enterprise.new_events.append(event)
        return event

    def _refuse(self, refusal: Refusal) -> Result:
        refusal = wipe_refusal(refusal)
        self.refusals.append(refusal)
        digest = digest_of(refusal.raw)
        return Result("refused", refusal.event_id, refusal.source, None, digest, tuple(refusal.faults))

    def _note_disagreements(self, first: int) -> None:
        """Write what disagrees, and record what has to be held for a decision, or counts again."""
        tables = DisagreementTables(self.rows)
        changes = self.find_disagreements(tables)
        changes.write(tables, first + len(self.accepted) - 1)
        self.record_holds(changes.holds)


def _keep_refused(batch: Batch, messages: Sequence[ReceivedMessage]) -> Mapping[str, Fault]:
    """Keep what was refused, as far as its senders' quotas go; by digest, why one was not kept."""
    quotas = {m.sender.writer.actor.identity: m.sender.quota for m in messages if m.sender.quota}
    keeping = Keeping(batch.rows, batch.channel, batch.now)
    keeping.keep(batch.refusals, quotas)
    named = ((each.correlation or batch.correlation, digest_of(each.raw)) for each in batch.refusals)
    note_refused(batch.rows, [(id_, digest) for id_, digest in named if digest in keeping.new])
    return keeping.unkept


def _without_unkept(result: Result, unkept: Mapping[str, Fault]) -> Result:
    """A result as its sender is told it: of what was not kept, that it was not."""
    fault = unkept.get(result.refusal or "")
    if fault is None:
        return result
    return Result("refused", result.event_id, result.source, faults=(fault, *result.faults))


def _attribute(event: Event, speaking: Attribution) -> Event:
    said = (event.content, event.source, event.event_id, event.time)
    return Event(*said, *speaking, event.written, event.based_on)


def _repeat(message: Message, position: int | None, enterprise: TouchedEnterprise | None) -> Result:
    """The result of a message that is known; it is told where what it repeats was retracted."""
    event = message.fact
    is_retracted = enterprise is not None and enterprise.row.facts.is_retracted(event)
    faults = (Fault("identity.retracted", "id"),) if is_retracted else ()
    return Result("duplicate", event.event_id, event.source, position, faults=faults)
