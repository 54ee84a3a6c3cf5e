"""The inbox: a batch of messages is checked, deduplicated, appended and projected, all or nothing.

Whatever is refused is kept with its reasons (``ledger.intake.refusals``), in the same transaction,
so that a crash at any instruction loses nothing and repeats nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Literal, NamedTuple

from domain.disagreements.matters import REPLACED
from domain.disagreements.rules import rules_of
from domain.events.aggregate import OUR_SOURCE
from domain.events.amendments import Amendment
from domain.events.claims import ClaimApproved
from domain.events.content import Content, YearlyAmount
from domain.events.event import NOBODY, Attribution, Event, key_of
from domain.events.event import digest_of as digest_of_event
from domain.events.instants import instant
from domain.facts.folding import EnterpriseFacts, fold
from domain.faults.fault import Fault
from domain.intake.judging import Case, Target, judge_event
from domain.policy.rulebook import Rulebook
from ledger.intake.disagreements import Changes, Finder, Said
from ledger.intake.machine_keys import Scope
from ledger.intake.messages.decode import Message, Now, Refusal, decode, refusal_of
from ledger.intake.messages.schemas import TYPE_OF
from ledger.intake.refusals import digest_of, keep, settle_accepted
from ledger.intake.tracing import tracer
from ledger.policies.versions import rulebooks
from ledger.projections.disagreements import Hold, Kept
from ledger.projections.enterprises import EnterpriseRow, Writer, load
from ledger.store.append import append, recorded_time, track, tracked
from ledger.store.application import Ledger
from ledger.store.correlation import current, note_refused
from ledger.store.persons import erased_digest, seal
from ledger.store.rows import Conflict, Rows
from ledger.store.stored_events import SELECT, stored

BATCH_MESSAGES_MAX = 5_000
"""Most messages in one transaction."""
CONFLICT_TRIES = 20
REFOLDED_FOR = (Amendment, ClaimApproved, YearlyAmount)
"""What is judged on facts that a correction of the same batch may have changed."""
DESK = "desk"
"""The channel of steps that the ledger's own desk takes (``ledger.claims.desk``)."""


@dataclass(frozen=True, slots=True)
class Offsets:
    """Where a batch stands in a stream that the ledger reads on from: one offset a message, upwards.

    The last one is stored with the events, in their transaction; messages at or below the
    stored offset have been taken before and are passed over.
    """

    name: str
    of_messages: Sequence[int]
    stream: str
    """What people call the stream, kept beside what is refused: ``topic/partition``."""


Status = Literal["accepted", "duplicate", "refused"]


class Result(NamedTuple):
    """What became of one message."""

    status: Status
    event_id: str | None = None
    source: str | None = None
    position: int | None = None
    refusal: str | None = None
    """Under which digest a refused message is kept."""
    faults: tuple[Fault, ...] = ()


@dataclass(slots=True)
class Totals:
    """Counts of a long ingest."""

    accepted: int = 0
    duplicate: int = 0
    refused: int = 0

    def add(self, results: Iterable[Result]) -> None:
        """Count results."""
        for result in results:
            setattr(self, result.status, getattr(self, result.status) + 1)


def ingest(
    ledger: Ledger,
    messages: Sequence[bytes | Refusal],
    channel: str,
    offsets: Offsets | None = None,
    scope: Scope | None = None,
    attribution: Attribution = NOBODY,
) -> list[Result]:
    """Take one batch to a commit; the results stand in the order of the messages.

    Args:
        messages: each the bytes of one CloudEvents message in JSON, or a refusal to be kept.
        channel: how they came, kept beside what is refused: ``http``, ``file``, ``kafka``.
        scope: what the sender may say; ``None`` where that is not limited.
        offsets: where they stand in a stream; results of messages passed over are left out.
        attribution: who sent them and in what role, where that is known.
    """
    if len(messages) > BATCH_MESSAGES_MAX:
        raise ValueError(f"a batch has at most {BATCH_MESSAGES_MAX} messages")
    decoded = checked(ledger, messages, scope)
    return record(ledger, messages, decoded, channel, offsets, attribution)


def checked(
    ledger: Ledger, messages: Sequence[bytes | Refusal], scope: Scope | None = None
) -> list[Message | Refusal]:
    """What messages say, each right in itself and the sender's to say, or why it is refused."""
    now = Now.at(ledger.clock())
    decoded = [each if isinstance(each, Refusal) else decode(each, now) for each in messages]
    if scope is None:
        return decoded
    return [_within(scope, raw, said) for raw, said in zip(messages, decoded, strict=True)]


def record(
    ledger: Ledger,
    messages: Sequence[bytes | Refusal],
    decoded: Sequence[Message | Refusal],
    channel: str,
    offsets: Offsets | None = None,
    attribution: Attribution = NOBODY,
) -> list[Result]:
    """Take checked messages to a commit: duplicates, rules that need the ledger, events, balances."""
    with tracer.start_as_current_span("record", attributes={"ledger.channel": channel}) as span:
        for attempt in range(CONFLICT_TRIES):
            try:
                with ledger.store.writing() as rows:
                    fresh = _fresh(rows, decoded, messages, offsets)
                    results = Batch(rows, ledger, channel, attribution).take(fresh)
                    if offsets and fresh:
                        track(rows, offsets.name, offsets.of_messages[-1])
            except Conflict:
                if attempt + 1 == CONFLICT_TRIES:
                    raise
                continue
            if span.is_recording():
                counts = Counter(result.status for result in results)
                span.set_attributes({f"ledger.{status}": number for status, number in counts.items()})
            return results
    raise AssertionError("unreachable")


def _within(scope: Scope, raw: bytes | Refusal, said: Message | Refusal) -> Message | Refusal:
    """Refuse what is not the sender's to say."""
    if isinstance(said, Refusal) or isinstance(raw, Refusal):
        return said
    type_ = TYPE_OF[said.fact.name]
    if scope.allows(said.fact.source, type_):
        return said
    wrong = "source" if said.fact.source != scope.source else "type"
    args = {"source": scope.source, "types": ", ".join(sorted(scope.types)) or "—"}
    return refusal_of(raw, said, [Fault(f"{wrong}.foreign", wrong, args)])


Decoded = tuple[bytes, Message | Refusal, str | None]
"""(bytes, what they say, where in a stream they stood)."""


def _fresh(
    rows: Rows,
    decoded: Sequence[Message | Refusal],
    messages: Sequence[bytes | Refusal],
    offsets: Offsets | None,
) -> list[Decoded]:
    """The messages that the stream's stored offset has not passed."""
    raws = [each.raw if isinstance(each, Refusal) else each for each in messages]
    if offsets is None:
        return [(raw, said, None) for raw, said in zip(raws, decoded, strict=True)]
    passed = tracked(rows, offsets.name)
    return [
        (raw, said, f"{offsets.stream}@{offset}")
        for offset, raw, said in zip(offsets.of_messages, raws, decoded, strict=True)
        if passed is None or offset > passed
    ]


def ingest_all(
    ledger: Ledger,
    messages: Iterable[bytes],
    channel: str,
    batch: int = 2_000,
    attribution: Attribution = NOBODY,
) -> Iterator[list[Result]]:
    """Ingest any number of messages, a batch at a time, in bounded memory."""
    waiting: list[bytes] = []
    for message in messages:
        waiting.append(message)
        if len(waiting) >= batch:
            yield ingest(ledger, waiting, channel, attribution=attribution)
            waiting = []
    if waiting:
        yield ingest(ledger, waiting, channel, attribution=attribution)


@dataclass(slots=True)
class _Known:
    """An event whose identity is taken: stored, or earlier in this batch."""

    digest: bytes
    position: int | None
    subject: str = ""
    fact: Event | None = None


@dataclass(slots=True)
class _Touched:
    """An enterprise that this batch changes."""

    row: EnterpriseRow
    before: dict[str, Any]
    new: list[Event] = field(default_factory=list)
    refold: bool = False
    refolded: bool = False


class Batch:
    """One batch in one transaction."""

    def __init__(
        self,
        rows: Rows,
        ledger: Ledger,
        channel: str,
        attribution: Attribution = NOBODY,
    ) -> None:
        self.rows, self.channel = rows, channel
        self.attribution = attribution
        self.recorded_at = recorded_time(rows, ledger.clock())
        self.now = instant(ledger.clock())
        self.books: dict[str, Rulebook] = rulebooks(rows)
        self.known: dict[str, _Known] = {}
        self.touched: dict[str, _Touched] = {}
        self.histories: dict[str, list[Event]] = {}
        self.accepted: list[tuple[str, int, Event]] = []
        self.keys: list[tuple[str, bytes]] = []
        self.correlation = current.get()
        self.correlations: list[str] = []
        self.refusals: list[Refusal] = []

    def take(self, decoded: Sequence[Decoded]) -> list[Result]:
        """Process every message and write what came of it."""
        self._look_up([said for _, said, _ in decoded if isinstance(said, Message)])
        first = self.rows.last_position() + 1
        results = []
        for raw, said, origin in decoded:
            refused = len(self.refusals)
            results.append(self._one(raw, said, first))
            for refusal in self.refusals[refused:]:
                refusal.origin = origin
        if self.accepted:
            self._disagreements(first)
            self._write()
        keep(self.rows, self.refusals, self.channel, self.now)
        came = [(each.correlation or self.correlation, digest_of(each.raw)) for each in self.refusals]
        note_refused(self.rows, came)
        return results

    def _look_up(self, messages: list[Message]) -> None:
        """Load what the batch needs to know: identities already taken, enterprises touched."""
        amendments = [m.fact.content for m in messages if isinstance(m.fact.content, Amendment)]
        amended = {key_of(amendment.of_source, amendment.of) for amendment in amendments}
        sql = "SELECT key, digest, position FROM event_keys WHERE key IN ({})"
        for key, digest, position in self.rows.all_in(sql, {m.fact.key for m in messages} | amended):
            self.known[key] = _Known(bytes(digest), position)
        self._read([self.known[key] for key in amended if key in self.known])
        self._read_histories({m.subject for m in messages if isinstance(m.fact.content, Amendment)})
        codes = {message.subject for message in messages}
        for code, row in load(self.rows, codes).items():
            self.touched[code] = _Touched(row, dict(row.outcomes))

    def _read(self, amended: list[_Known]) -> None:
        """Read the stored events that amendments of this batch name."""
        at = {known.position: known for known in amended}
        for event in map(stored, self.rows.all_in(f"{SELECT} WHERE rowid IN ({{}})", at)):
            at[event.position].subject, at[event.position].fact = event.originator, event.fact

    def _read_histories(self, codes: set[str]) -> None:
        """Read the events of enterprises whose facts an amendment may have folded again."""
        sql = f"{SELECT} WHERE originator_id IN ({{}})"
        for event in sorted(map(stored, self.rows.all_in(sql, codes)), key=attrgetter("version")):
            self.histories.setdefault(event.originator, []).append(event.fact)

    def _folded(self, code: str, touched: _Touched) -> EnterpriseFacts:
        """An enterprise's facts from all of its events, those of this batch included."""
        return fold([*self.histories.get(code, []), *touched.new])

    def _one(self, raw: bytes, message: Message | Refusal, first: int) -> Result:
        if isinstance(message, Refusal):
            return self._refuse(message)
        fact = message.fact
        key = fact.key
        known = self.known.get(key)
        if known is not None:
            if known.digest in (message.digest, erased_digest(message.subject, fact)):
                return Result("duplicate", fact.event_id, fact.source, known.position)
            fault = Fault("identity.reused", "id")
            return self._refuse(refusal_of(raw, message, [fault]))
        touched = self.touched.setdefault(message.subject, _Touched(EnterpriseRow(message.subject), {}))
        faults = self._judge(message, touched)
        if faults:
            return self._refuse(refusal_of(raw, message, faults))
        fact = seal(self.rows, message.subject, fact)
        if self.attribution is not NOBODY and fact.said_by is None:
            said_by, acting_as = self.attribution
            fact = fact._replace(said_by=said_by, acting_as=acting_as)
        position = first + len(self.accepted)
        touched.row.version += 1
        self.accepted.append((message.subject, touched.row.version, fact))
        self.keys.append((key, message.digest))
        self.correlations.append(message.correlation or self.correlation)
        self.known[key] = _Known(message.digest, position, message.subject, fact)
        touched.new.append(fact)
        target_known = self._target(fact.content) is not None
        if not touched.row.facts.add(fact, known=target_known):
            touched.refold = True
        return Result("accepted", fact.event_id, fact.source, position)

    def _refuse(self, refusal: Refusal) -> Result:
        self.refusals.append(refusal)
        digest = digest_of(refusal.raw)
        return Result("refused", refusal.event_id, refusal.source, None, digest, tuple(refusal.faults))

    # --- the rules that need the ledger -------------------------------------------------------

    def _judge(self, message: Message, touched: _Touched) -> list[Fault]:
        """What is against the rules, by all that the ledger knows of the enterprise."""
        content = message.fact.content
        if touched.refold and isinstance(content, REFOLDED_FOR):
            self._refold(message.subject, touched)
        target = self._target(content)
        return judge_event(
            message.fact,
            Case(message.subject, touched.row.facts, self.books, self.channel == DESK, target),
        )

    def _refold(self, code: str, touched: _Touched) -> None:
        """Fold an enterprise's events again, those of this batch included."""
        touched.row.facts = self._folded(code, touched)
        touched.refold = False
        touched.refolded = True

    def _target(self, content: Content) -> Target | None:
        """The event that an amendment names, where the ledger has it."""
        if not isinstance(content, Amendment):
            return None
        known = self.known.get(key_of(content.of_source, content.of))
        if known is None or known.fact is None:
            return None
        return Target(known.subject, known.fact)

    # --- facts that disagree ------------------------------------------------------------------

    def _disagreements(self, first: int) -> None:
        """Write what disagrees, and record what has to be held for a decision, or counts again."""
        kept = Kept(self.rows)
        changes = self._disagreeing(kept)
        changes.write(kept, first + len(self.accepted) - 1)
        self.record_holds(changes.holds)

    def _disagreeing(self, kept: Kept) -> Changes:
        """What this batch changes of what disagrees."""
        for code, touched in self.touched.items():
            if touched.refold:
                self._refold(code, touched)
        rules, said = rules_of(self.books), []
        for code, _, fact in self.accepted:
            facts = self.touched[code].row.facts
            if isinstance(fact.content, Amendment):
                target = self._target(fact.content)
                if target is not None:
                    said.append(Said(code, target.event, facts, amended=True))
            elif fact.name in rules or REPLACED in facts.dated:
                said.append(Said(code, fact, facts))
        return Finder(kept, rules, self._history).find(said)

    def look_back(self, codes: Sequence[str]) -> None:
        """Compare what is recorded of these enterprises, as if it arrived now; safe to repeat."""
        self.touched = {
            code: _Touched(row, dict(row.outcomes)) for code, row in load(self.rows, codes).items()
        }
        self._read_histories(set(self.touched))
        rules, kept = rules_of(self.books), Kept(self.rows)
        said = [
            Said(code, fact, touched.row.facts)
            for code, touched in self.touched.items()
            for fact in self.histories.get(code, [])
            if fact.name in rules or REPLACED in touched.row.facts.dated
        ]
        changes = Finder(kept, rules, self._history).find(said)
        if changes.holds:
            self.record_holds(changes.holds)
            self._write()
        changes.write(kept, self.rows.last_position())

    def _history(self, code: str) -> list[Event]:
        """All facts of an enterprise, those of this batch included."""
        if code not in self.histories:
            self._read_histories({code})
        return [*self.histories.get(code, []), *self.touched[code].new]

    def record_holds(self, holds: Sequence[Hold]) -> None:
        """Record events that the ledger makes about facts of enterprises."""
        codes = {hold.code for hold in holds}
        for code, row in load(self.rows, [code for code in codes if code not in self.touched]).items():
            self.touched[code] = _Touched(row, dict(row.outcomes))
        self._read_histories({code for code in codes if code not in self.histories})
        for code, content in holds:
            touched = self.touched[code]
            touched.row.version += 1
            place = f"{code}@{touched.row.version}"
            fact = Event(content, OUR_SOURCE, place, self.now, *self.attribution)
            self.accepted.append((code, touched.row.version, fact))
            self.keys.append((fact.key, digest_of_event(code, fact)))
            self.correlations.append(self.correlation)
            touched.new.append(fact)
            touched.refold = True

    def commit(self) -> None:
        """Write what was recorded without messages."""
        self._write()

    # --- writing ------------------------------------------------------------------------------

    def _write(self) -> None:
        first = self.rows.last_position() + 1
        last = append(self.rows, self.accepted, self.recorded_at, self.correlations)
        keys = [(key, digest, first + i) for i, (key, digest) in enumerate(self.keys)]
        self.rows.run_many("INSERT INTO event_keys VALUES (?,?,?)", keys)
        writer = Writer(self.rows, self.books, last)
        for code in sorted(self.touched):
            touched = self.touched[code]
            if not touched.new:
                continue
            if touched.refold:
                touched.row.facts = self._folded(code, touched)
            writer.put(touched.row, touched.before, touched.refold or touched.refolded)
        writer.finish()
        settle_accepted(self.rows, [(fact.source, fact.event_id) for _, _, fact in self.accepted])
