"""The inbox: a batch of messages is checked, deduplicated, appended and projected, all or nothing.

Whatever is refused is kept with its reasons (``ledger.intake.refusals``), in the same transaction,
so that a crash at any instruction loses nothing and repeats nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

from domain.authority.writes import IDENTITY
from domain.intake.authorising import NO_SENDER, Sender
from ledger.intake.batch import Batch, ReceivedMessage, Result
from ledger.intake.messages.decode import Message, Now, Refusal, decode
from ledger.intake.tracing import tracer
from ledger.store.append import track, tracked
from ledger.store.application import Ledger
from ledger.store.rows import Conflict, Rows

BATCH_MESSAGES_MAX = 5_000
"""Most messages in one call."""
TURN_MESSAGES = 500
"""Most messages in one transaction, for which others wait who would write."""
CALLER_TURN_MESSAGES = 10
"""Most of a caller in a lane of their own while others write too, who wait for their answers meanwhile."""
CONFLICT_TRIES = 20


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

    def of_turn(self, turn: slice) -> Offsets:
        """Those of some of the messages."""
        return replace(self, of_messages=self.of_messages[turn])


@dataclass(slots=True)
class Totals:
    """Counts of a long ingest."""

    accepted: int = 0
    duplicate: int = 0
    refused: int = 0
    retracted: int = 0
    """Of the duplicates, how many repeat what was retracted."""
    unkept: int = 0
    """Of the refused, how many are not kept, as the sender's quota was used up."""

    def add(self, results: Iterable[Result]) -> None:
        """Count results."""
        for result in results:
            setattr(self, result.status, getattr(self, result.status) + 1)
            self.retracted += result.status == "duplicate" and bool(result.faults)
            self.unkept += result.is_unkept


def ingest(
    ledger: Ledger,
    messages: Sequence[bytes | Refusal],
    channel: str,
    offsets: Offsets | None = None,
    sender: Sender | Sequence[Sender] = NO_SENDER,
    turn_messages: int | None = None,
) -> list[Result]:
    """Take messages in, a few hundred to a commit; the results stand in their order.

    Where the ledger fails in the middle, what was taken before it is recorded, and sent again it is known.

    Args:
        messages: each the bytes of one CloudEvents message in JSON, or a refusal to be kept.
        channel: how they came, kept beside what is refused: ``http``, ``file``, ``kafka``.
        offsets: where they stand in a stream; results of messages passed over are left out.
        sender: who sent them, or of each message who did. Every door that others can reach says it.
        turn_messages: most messages in one commit, where it is neither ``TURN_MESSAGES`` nor, of a caller
            whose identity was checked and who is not alone, ``CALLER_TURN_MESSAGES``.

    Raises:
        LaneFull: where enough requests of the sender are under way.
    """
    if len(messages) > BATCH_MESSAGES_MAX:
        raise ValueError(f"a batch has at most {BATCH_MESSAGES_MAX} messages")
    results, lane, start = list[Result](), lane_of(sender), 0
    if lane:
        ledger.company.note_arrival(lane)
    with ledger.lanes.counting(lane):
        while start < len(messages):
            with ledger.lanes.take(lane):
                in_company = bool(lane) and ledger.company.is_met()
                step = turn_messages or (CALLER_TURN_MESSAGES if in_company else TURN_MESSAGES)
                turn = slice(start, start + step)
                of_turn, read_on = messages[turn], None if offsets is None else offsets.of_turn(turn)
                senders = sender if isinstance(sender, Sender) else sender[turn]
                with ledger.lanes.take_beside_others(lane) if in_company else nullcontext():
                    decoded = check_messages(ledger, of_turn)
                    results += record(ledger, of_turn, decoded, channel, read_on, senders)
                    if lane:
                        ledger.lanes.note_work(lane)
            start = turn.stop
    return results


def lane_of(sender: Sender | Sequence[Sender]) -> str:
    """Whose requests wait for each other: those of one caller whose identity was checked."""
    if not isinstance(sender, Sender) or sender.writer.mode != IDENTITY:
        return ""
    return sender.writer.actor.identity


def check_messages(ledger: Ledger, messages: Sequence[bytes | Refusal]) -> list[Message | Refusal]:
    """What messages say, each right in itself, or why it is refused."""
    now = Now.bounds_at(ledger.clock())
    return [message if isinstance(message, Refusal) else decode(message, now) for message in messages]


def record(
    ledger: Ledger,
    messages: Sequence[bytes | Refusal],
    decoded: Sequence[Message | Refusal],
    channel: str,
    offsets: Offsets | None = None,
    sender: Sender | Sequence[Sender] = NO_SENDER,
) -> list[Result]:
    """Take checked messages to a commit: duplicates, rules that need the ledger, events, balances."""
    lane = lane_of(sender)
    with tracer.start_as_current_span("record", attributes={"ledger.channel": channel}) as span:
        for attempt in range(CONFLICT_TRIES):
            try:
                with ledger.store.writing() as rows:
                    before = rows.last_position() if lane else 0
                    unread = _read_on(rows, _received(decoded, messages, sender, offsets), offsets)
                    results = Batch(rows, ledger, channel).take(unread)
                    if offsets and unread:
                        track(rows, offsets.name, offsets.of_messages[-1])
                    if lane:  # whoever has none is noticed by the positions in between
                        ledger.company.note(lane, before, rows.last_position())
            except Conflict:
                if attempt + 1 == CONFLICT_TRIES:
                    raise
                continue
            if span.is_recording():
                counts = Counter(result.status for result in results)
                span.set_attributes({f"ledger.{status}": number for status, number in counts.items()})
            return results
    raise AssertionError("unreachable")


def _received(
    decoded: Sequence[Message | Refusal],
    messages: Sequence[bytes | Refusal],
    sender: Sender | Sequence[Sender],
    offsets: Offsets | None,
) -> list[ReceivedMessage]:
    """The messages with who sent each, and where in a stream it stood."""
    senders = [sender] * len(messages) if isinstance(sender, Sender) else sender
    origins = (
        [None] * len(messages)
        if offsets is None
        else [f"{offsets.stream}@{offset}" for offset in offsets.of_messages]
    )
    return [
        ReceivedMessage(raw.raw if isinstance(raw, Refusal) else raw, message, origin, of_message)
        for raw, message, origin, of_message in zip(messages, decoded, origins, senders, strict=True)
    ]


def _read_on(rows: Rows, received: list[ReceivedMessage], offsets: Offsets | None) -> list[ReceivedMessage]:
    """The messages that the stream's stored offset has not passed."""
    passed = None if offsets is None else tracked(rows, offsets.name)
    if offsets is None or passed is None:
        return received
    return [message for offset, message in zip(offsets.of_messages, received, strict=True) if offset > passed]


def ingest_all(
    ledger: Ledger,
    messages: Iterable[bytes],
    channel: str,
    batch: int = 2_000,
    sender: Sender = NO_SENDER,
) -> Iterator[list[Result]]:
    """Ingest any number of messages, a batch to a commit, in bounded memory.

    Who reads a file in says how long others wait: what an enterprise has is computed once a commit.
    """
    waiting: list[bytes] = []
    for message in messages:
        waiting.append(message)
        if len(waiting) >= batch:
            yield ingest(ledger, waiting, channel, sender=sender, turn_messages=batch)
            waiting = []
    if waiting:
        yield ingest(ledger, waiting, channel, sender=sender, turn_messages=batch)
