"""Aggregates of the eventsourcing library inside one transaction of ours.

Its repository rebuilds them from this transaction's rows; what their commands triggered goes through
the one append, so that events, log and read models are committed together or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any, TypeVar
from uuid import UUID

from eventsourcing.application import AggregateNotFoundError, Repository
from eventsourcing.domain import CanMutateAggregate
from eventsourcing.persistence import AggregateRecorder, EventStore, JSONTranscoder, Mapper, StoredEvent

from domain.events import STATES
from domain.events.aggregate import RecordedEvent, Stream
from domain.events.event import Event
from domain.events.instants import instant
from domain.events.stored import state_of, topic_of
from ledger.store.append import append_states, recorded_time
from ledger.store.rows import Row, Rows
from ledger.store.stored_events import Stored

S = TypeVar("S", bound=Stream)


class EventMapper(Mapper[str]):
    """Reads and writes stored events as the ledger's own bulk paths do: one stored form, one reader."""

    def __init__(self) -> None:
        super().__init__(JSONTranscoder())

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        """The stored form of a recorded event."""
        event: Event = domain_event.event
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=topic_of(event.name),
            state=state_of(event, instant(domain_event.timestamp)),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> RecordedEvent:
        """The event in its place.

        Raises:
            UnreadableState: where no event of the catalogue has such a state.
        """
        event, recorded_at = STATES.read_state(stored_event.topic, bytes(stored_event.state))
        return RecordedEvent(
            originator_id=str(stored_event.originator_id),
            originator_version=stored_event.originator_version,
            timestamp=datetime.fromisoformat(recorded_at),
            event=event,
        )


_MAPPER = EventMapper()
_COLUMNS = "originator_id, originator_version, topic, state"


class _RowsRecorder(AggregateRecorder):
    """The library's recorder over one transaction."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        """Append the events as one batch, recorded at ``recorded_at``; their positions come back."""
        states = [
            (str(event.originator_id), event.originator_version, event.topic, event.state)
            for event in stored_events
        ]
        last = append_states(self.rows, states, kwargs["recorded_at"])
        return range(last - len(states) + 1, last + 1)

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """The stored events of one originator."""
        sql = f"SELECT {_COLUMNS} FROM stored_events WHERE originator_id=?"
        values: list[Any] = [str(originator_id)]
        for bound, sign in ((gt, ">"), (lte, "<=")):
            if bound is not None:
                sql += f" AND originator_version{sign}?"
                values.append(bound)
        sql += f" ORDER BY originator_version {'DESC' if desc else 'ASC'}"
        if limit is not None:
            sql += " LIMIT ?"
            values.append(limit)
        return [_stored_event(row) for row in self.rows.all(sql, values)]


def _stored_event(row: Row) -> StoredEvent:
    originator, version, topic, state = row
    return StoredEvent(originator_id=originator, originator_version=version, topic=topic, state=bytes(state))


def _event_store(rows: Rows) -> EventStore[str]:
    return EventStore(_MAPPER, _RowsRecorder(rows))


def load_stream(rows: Rows, aggregate: type[S], originator: str, now: datetime) -> S:
    """An aggregate as this transaction sees it; one without events yet where there are none."""
    try:
        stream: S = Repository(_event_store(rows)).get(originator, projector_func=_project)
    except AggregateNotFoundError:
        return aggregate.opened(originator, now)
    return stream


def load_streams(rows: Rows, aggregate: type[S], originators: Iterable[str], now: datetime) -> dict[str, S]:
    """Many aggregates in one query: what a settlement of thousands of accounts can afford."""
    identities = list(originators)
    sql = f"SELECT {_COLUMNS} FROM stored_events WHERE originator_id IN ({{}})"
    event_rows = sorted(rows.all_in(sql, identities), key=lambda row: (row[0], row[1]))
    streams = {originator: aggregate.opened(originator, now) for originator in identities}
    for originator, events in groupby(event_rows, key=lambda row: str(row[0])):
        _project(streams[originator], (_MAPPER.to_domain_event(_stored_event(row)) for row in events))
    return streams


def _project(stream: Any, events: Iterable[CanMutateAggregate[str]]) -> Any:
    for event in events:
        stream = event.mutate(stream)
    return stream


def save_streams(rows: Rows, streams: Iterable[Stream], now: datetime) -> list[Stored]:
    """Append what the aggregates' commands triggered, as one batch; the events as they were stored.

    Raises:
        Conflict: where another writer has stored one of their versions.
    """
    events = [event for stream in streams for event in collect_events(stream)]
    if not events:
        return []
    recorded_at = recorded_time(rows, now)
    moment = datetime.fromisoformat(recorded_at)
    timed_events = [replace(event, timestamp=moment) for event in events]
    recordings = _event_store(rows).put(timed_events, recorded_at=recorded_at)
    return [
        Stored(
            int(recording.notification.id),
            event.originator_id,
            event.originator_version,
            recorded_at,
            event.event,
        )
        for recording, event in zip(recordings, timed_events, strict=True)
    ]


def collect_events(stream: Stream) -> Iterator[RecordedEvent]:
    """What an aggregate's commands triggered, each once."""
    for event in stream.collect_events():
        assert isinstance(event, RecordedEvent)
        yield event
