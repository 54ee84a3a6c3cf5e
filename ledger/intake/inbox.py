"""The inbox: a batch of messages is checked, deduplicated, appended and projected, all or nothing.

Whatever is refused is kept with its reasons (``ledger.intake.refusals``), in the same transaction,
so that a crash at any instruction loses nothing and repeats nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from domain.events.event import NOBODY, Attribution
from domain.faults.fault import Fault
from ledger.intake.batch import Batch, ReceivedMessage, Result
from ledger.intake.machine_keys import Scope
from ledger.intake.messages.decode import Message, Now, Refusal, decode, refusal_of
from ledger.intake.messages.schemas import TYPE_OF
from ledger.intake.tracing import tracer
from ledger.store.append import track, tracked
from ledger.store.application import Ledger
from ledger.store.rows import Conflict, Rows

BATCH_MESSAGES_MAX = 5_000
"""Most messages in one transaction."""
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
    decoded = check_messages(ledger, messages, scope)
    return record(ledger, messages, decoded, channel, offsets, attribution)


def check_messages(
    ledger: Ledger, messages: Sequence[bytes | Refusal], scope: Scope | None = None
) -> list[Message | Refusal]:
    """What messages say, each right in itself and the sender's to say, or why it is refused."""
    now = Now.bounds_at(ledger.clock())
    decoded = [message if isinstance(message, Refusal) else decode(message, now) for message in messages]
    if scope is None:
        return decoded
    return [_judge_scope(scope, raw, message) for raw, message in zip(messages, decoded, strict=True)]


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
                    unread = _read_on(rows, decoded, messages, offsets)
                    results = Batch(rows, ledger, channel, attribution).take(unread)
                    if offsets and unread:
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


def _judge_scope(scope: Scope, raw: bytes | Refusal, message: Message | Refusal) -> Message | Refusal:
    """Refuse what is not the sender's to say."""
    if isinstance(message, Refusal) or isinstance(raw, Refusal):
        return message
    event = message.fact
    if scope.allows(event.source, TYPE_OF[event.name]):
        return message
    field = "source" if event.source != scope.source else "type"
    args = {"source": scope.source, "types": ", ".join(sorted(scope.types)) or "—"}
    return refusal_of(raw, message, [Fault(f"{field}.foreign", field, args)])


def _read_on(
    rows: Rows,
    decoded: Sequence[Message | Refusal],
    messages: Sequence[bytes | Refusal],
    offsets: Offsets | None,
) -> list[ReceivedMessage]:
    """The messages that the stream's stored offset has not passed."""
    raws = [message.raw if isinstance(message, Refusal) else message for message in messages]
    if offsets is None:
        return [ReceivedMessage(raw, message) for raw, message in zip(raws, decoded, strict=True)]
    passed = tracked(rows, offsets.name)
    return [
        ReceivedMessage(raw, message, f"{offsets.stream}@{offset}")
        for offset, raw, message in zip(offsets.of_messages, raws, decoded, strict=True)
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
