"""The three axes of time on every read: true at, known at, rules as of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from domain.events import ClockCorrected
from domain.events.amendments import FollowUp
from domain.events.content import Content, DatedThing
from domain.events.event import Event
from domain.events.instants import SHANGHAI, instant
from domain.facts.folding import EnterpriseFacts, fold
from ledger.store.append import last_recorded
from ledger.store.rows import Rows, read_row
from ledger.store.stored_events import events_of


class Unanswerable(ValueError):
    """A question about a moment that the ledger cannot answer; the text says why."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Which past a read asks for; ``None`` means the present on that axis.

    ``as_of`` is an exclusive UTC bound on when facts happened, ``until`` the last position
    known, ``rules_as_of`` a day by which rules were in force, ``rules`` an edited policy file.
    """

    as_of: str | None = None
    until: int | None = None
    rules_as_of: str | None = None
    as_known: str | None = None
    rules: str | None = None
    """An edited policy file's text, in place of the version of its number, or beside the ledger's own."""

    @property
    def is_now(self) -> bool:
        """Whether the read models hold the answer."""
        return self.as_of is None and self.until is None and self.own_rules

    @property
    def own_rules(self) -> bool:
        """Whether the ledger's own rules are asked for, all of them."""
        return self.rules_as_of is None and self.rules is None


NOW = Moment()


def moment(
    rows: Rows,
    as_of: str | None = None,
    as_known: str | None = None,
    rules_as_of: str | None = None,
    now: datetime | None = None,
    rules: str | None = None,
) -> Moment:
    """Turn a reader's dates and times into bounds.

    A date means its end in Asia/Shanghai; a time must carry its offset.

    Raises:
        Unanswerable: for text that is no date or time, for moments before the ledger's first
            record, and for a future ``as_known``.
    """
    until = None
    bound = None if as_known is None else _bound("as_known", as_known)
    if bound is not None:
        _refuse_future(bound, as_known or "", now)
        until = _position(rows, bound, as_known or "")
    day = None
    if rules_as_of is not None:
        _bound("rules_as_of", rules_as_of)
        day = rules_as_of[:10]
    fact_bound = None if as_of is None else _bound("as_of", as_of)
    return Moment(fact_bound, until, day, as_known, rules)


def _refuse_future(bound: str, as_known: str, now: datetime | None) -> None:
    """Nobody knows what the ledger will have learnt; the day that ``now`` lies in may be asked for."""
    if now is not None and bound > instant(now + timedelta(days=1)):
        raise Unanswerable(f"as_known={as_known} lies in the future: ask again when it has passed")


def _bound(name: str, text: str) -> str:
    """An exclusive UTC bound: the end of a date, or just after an instant."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            following = date.fromisoformat(text) + timedelta(days=1)
            return instant(datetime(following.year, following.month, following.day, tzinfo=SHANGHAI))
        when = datetime.fromisoformat(text.replace(" ", "+"))
        if when.tzinfo is None:
            raise ValueError
        return instant(when + timedelta(microseconds=1))
    except (ValueError, OverflowError):
        rule = "is not a date like 2024-03-01 nor a time with its offset like 2024-03-01T09:30:00+08:00"
        raise Unanswerable(f"{name} {rule}") from None


def _position(rows: Rows, bound: str, as_known: str) -> int:
    """The last position known before a bound.

    Raises:
        Unanswerable: where nothing was.
    """
    position = position_before(rows, bound)
    if position is None:
        first = known_since(rows, 1)
        began = f"it holds nothing before {first}" if first else "it is empty"
        raise Unanswerable(f"as_known={as_known}: the ledger knew nothing then; {began}")
    return position


class Correction(NamedTuple):
    """A correction of the clock, and where it stands: recorded times run on from there."""

    position: int
    content: ClockCorrected


def read_corrections(rows: Rows) -> list[Correction]:
    """The corrections of the clock, in order; as a rule there is none."""
    return [
        Correction(event.position, event.fact.content)
        for event in events_of(rows, ClockCorrected.ORIGINATOR)
        if isinstance(event.fact.content, ClockCorrected)
    ]


def position_before(rows: Rows, bound: str) -> int | None:
    """The last position of all whose recorded time is before a UTC instant; ``None`` where there is none.

    That is what the ledger knew then. Between two corrections of the clock recorded times never run
    back, so it is one look-up in the last such span that had begun by then.
    """
    begun = [each.position for each in read_corrections(rows) if each.content.resumed_at < bound]
    row = read_row(
        rows,
        "SELECT last_position FROM batches WHERE recorded_at<? AND last_position>=? "
        "ORDER BY recorded_at DESC, last_position DESC LIMIT 1",
        [bound, max(begun, default=0)],
    )
    return None if row is None else int(row[0])


def recorded_at(rows: Rows, position: int) -> str | None:
    """When the event at a position was recorded, as it is stamped; ``None`` where there is none."""
    sql = "SELECT recorded_at FROM batches WHERE last_position>=? ORDER BY last_position LIMIT 1"
    row = read_row(rows, sql, [position])
    return str(row[0]) if row else None


def known_since(rows: Rows, position: int) -> str | None:
    """Since when ``as_known`` counts the event at a position: its recorded time, or an earlier correction.

    Of an event that a clock ahead of time had stamped, that is the correction which came after it.
    """
    stamp = recorded_at(rows, position)
    later = [each.content.resumed_at for each in read_corrections(rows) if each.position > position]
    return None if stamp is None else min([stamp, *later])


def known_between(rows: Rows, first_position: int = 1) -> tuple[str, str] | None:
    """Since when the ledger knows a position, and when it learnt the last; ``None`` of an empty ledger."""
    first, last = known_since(rows, first_position), last_recorded(rows)
    return None if first is None or last is None else (first, last)


def recorded_times(rows: Rows, most: int, first_position: int = 1) -> list[str]:
    """The last recorded times since a position, oldest first, each once; none is ahead of the last of all."""
    sql = (
        "SELECT DISTINCT recorded_at FROM batches WHERE recorded_at<=? AND last_position>=? "
        "ORDER BY recorded_at DESC LIMIT ?"
    )
    time_rows = rows.all(sql, [last_recorded(rows) or "", first_position, most])
    return [str(row[0]) for row in reversed(time_rows)]


def happened(fact: Event, content: Content) -> str:
    """When a fact came to be, in UTC: the start of its day, or its time."""
    if not isinstance(content, DatedThing):
        return fact.time
    day = date.fromisoformat(content.on)
    return instant(datetime(day.year, day.month, day.day, tzinfo=SHANGHAI))


def facts_at(facts: list[Event], as_of: str | None) -> EnterpriseFacts:
    """Fold the facts that had happened before a bound, as they stand corrected.

    Corrections and retractions say what was true all along, so they apply whenever they came.
    """
    if as_of is None:
        return fold(facts)
    folded = fold(facts)
    facts_before = []
    for fact in facts:
        if isinstance(fact.content, FollowUp):
            facts_before.append(fact)
        else:
            content = folded.effective(fact)
            if content is not None and happened(fact, content) < as_of:
                facts_before.append(fact)
    return fold(facts_before)
