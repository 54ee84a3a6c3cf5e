"""The clock once stood ahead: recorded times, which never run back, go back to the present by an event.

An append while the clock stands ahead stamps itself with the future, and so every later event until then.
The operator puts the clock right and records that: ``ClockCorrected`` names the last time that was
stamped and the one from which recorded times go on. What was stamped stays stamped.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from domain.authority.roles import NotAllowed
from domain.events import ClockCorrected
from domain.events.aggregate import OUR_SOURCE
from domain.events.event import Attribution, Event
from domain.events.instants import day_of, instant
from domain.events.stored import TOPIC_PREFIX
from ledger.store.append import append, last_recorded
from ledger.store.application import Ledger
from ledger.store.moments import read_corrections
from ledger.store.rows import Rows, read_row

AHEAD_SECONDS_MIN = 60
"""How far recorded times must be ahead of the clock to be corrected; less is soon caught up with."""
IDLE_MAX = timedelta(days=30)
"""From how long on nothing having been recorded is told."""
LEAPT_LATELY = timedelta(days=7)
"""For how long after it: a ledger that was idle is then in use again."""


class Leap(NamedTuple):
    """Where recorded times leapt: the first event after it, its recorded time, and how far."""

    position: int
    recorded_at: str
    seconds: float


class CorrectedClock(NamedTuple):
    """What was recorded, where, and what bears times ahead of the present."""

    position: int
    content: ClockCorrected
    first_ahead: int
    """The position of the first event that is stamped ahead of the present; the last is just before."""
    events_by_kind: dict[str, int]
    """How many of them there are of each kind."""


def seconds_ahead(rows: Rows, now: datetime) -> float:
    """How far the last recorded time is ahead of a moment; 0 or less where it is not."""
    last = last_recorded(rows)
    return (datetime.fromisoformat(last) - now).total_seconds() if last else 0


def seconds_beside_server(ledger: Ledger, rows: Rows) -> float | None:
    """How far this machine's clock and the database server's are apart; ``None`` of a database in a file."""
    if ledger.dialect == "sqlite":
        return None
    theirs: datetime = rows.all("SELECT clock_timestamp()")[0][0]
    return abs((theirs.astimezone(UTC) - datetime.now(UTC)).total_seconds())


def find_leap(rows: Rows) -> Leap | None:
    """Where recorded times lately leapt further than a ledger in use is idle; ``None`` where they did not.

    While a clock stands ahead, nothing else tells: all that the machine says agrees with it.
    """
    last = last_recorded(rows)
    if last is None:
        return None
    since = max((each.position for each in read_corrections(rows)), default=0)
    lately = instant(datetime.fromisoformat(last) - LEAPT_LATELY)
    batch = _first_batch(rows, since, "recorded_at>=?", lately)
    sql = "SELECT last_position, recorded_at FROM batches WHERE last_position>=? AND last_position<? "
    before = read_row(rows, f"{sql}ORDER BY last_position DESC LIMIT 1", [since, batch])
    if before is None:
        return None
    (stamp,) = rows.all("SELECT recorded_at FROM batches WHERE last_position=?", [batch])[0]
    gap = datetime.fromisoformat(stamp) - datetime.fromisoformat(before[1])
    return Leap(int(before[0]) + 1, str(stamp), gap.total_seconds()) if gap >= IDLE_MAX else None


def correct_clock(
    ledger: Ledger, attribution: Attribution, actor: str, day: str, reason: str
) -> CorrectedClock:
    """Record that the clock stood ahead; recorded times go on from the present.

    Args:
        day: today's date in Asia/Shanghai as the operator knows it: a clock that stands in the past, as
            after a battery's end, would make every recorded time look ahead.

    Raises:
        NotAllowed: without a reason; on a day that is not the clock's; where recorded times are not ahead;
            where the database server's clock says another time.
    """
    if not reason.strip():
        raise NotAllowed("clock.reason", "reason")
    with ledger.store.writing() as rows:
        now = instant(ledger.clock())
        if day != day_of(now):
            raise NotAllowed("clock.day", "day", today=day_of(now))
        ahead = seconds_ahead(rows, datetime.fromisoformat(now))
        if ahead < AHEAD_SECONDS_MIN:
            raise NotAllowed(
                "clock.not-ahead", "clock", seconds=max(0, round(ahead)), least=AHEAD_SECONDS_MIN
            )
        apart = seconds_beside_server(ledger, rows)
        if apart is not None and apart >= AHEAD_SECONDS_MIN:
            raise NotAllowed("clock.server", "clock", seconds=round(apart))
        return _record(rows, now, attribution, actor, reason)


def _record(rows: Rows, now: str, attribution: Attribution, actor: str, reason: str) -> CorrectedClock:
    corrections = read_corrections(rows)
    first_ahead = _first_after(rows, now, corrections[-1].position if corrections else 0)
    sql = "SELECT topic, COUNT(*) FROM stored_events WHERE rowid>=? GROUP BY topic ORDER BY topic"
    counts = {str(topic).removeprefix(TOPIC_PREFIX): int(n) for topic, n in rows.all(sql, [first_ahead])}
    content = ClockCorrected(
        stamped_until=last_recorded(rows) or now, resumed_at=now, actor=actor, reason=reason
    )
    version = len(corrections) + 1
    place = f"{content.ORIGINATOR}:{version}"
    event = Event(content, OUR_SOURCE, place, now, *attribution)
    position = append(rows, [(content.ORIGINATOR, version, event)], now)
    return CorrectedClock(position, content, first_ahead, counts)


def _first_after(rows: Rows, instant: str, since: int) -> int:
    """The position of the first event that was recorded after an instant, at or after a position."""
    batch = _first_batch(rows, since, "recorded_at>?", instant)
    before = rows.all("SELECT COALESCE(MAX(last_position), 0) FROM batches WHERE last_position<?", [batch])
    return int(before[0][0]) + 1


def _first_batch(rows: Rows, since: int, condition: str, instant: str) -> int:
    """The last position of the first batch, from a position on, whose recorded time meets a condition."""
    sql = f"SELECT MIN(last_position) FROM batches WHERE last_position>=? AND {condition}"
    return int(rows.all(sql, [since, instant])[0][0])
