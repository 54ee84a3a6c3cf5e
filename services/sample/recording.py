"""A made-up city's year taken in as it would have come: week by week, each recorded as of when it was sent.

So a replay, a history and a question about a moment of the past have a year to tell of.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import msgspec

from domain.authority.roles import Actor
from domain.events.instants import SHANGHAI
from domain.intake.authorising import Sender
from ledger.intake.batch import Result
from ledger.intake.inbox import ingest_all
from ledger.policies.versions import adopt_policy
from ledger.store.application import Ledger, utc_now
from services.sample.city import city
from services.sample.policy import YEAR, policy_text

ENTERPRISES, SEED = 2_000, 1
"""Of the city that is made up where nothing else is asked for."""
TOGETHER = 2_000
"""Messages that are recorded together."""


class _Sent(msgspec.Struct):
    """When a message was sent."""

    time: str


class Week(msgspec.Struct):
    """What was sent in a week, in the order in which it came, and when the last of it was."""

    file: Path
    last: datetime


class CityClock:
    """The present of a made-up past; never later than the real one."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """When what is recorded now is recorded."""
        return min(self.now, utc_now())


def record_city(
    ledger: Ledger, enterprises: int, seed: int, caller: Actor, sender: Sender
) -> Iterator[list[Result]]:
    """Adopt the policy on the first day of its year, and take in the year; what became of each message."""
    clock = CityClock(datetime(YEAR, 1, 1, tzinfo=SHANGHAI).astimezone(UTC))
    past = Ledger(ledger.store, ledger.application, ledger.dialect, clock)
    adopt_policy(past, policy_text(), caller)
    with tempfile.TemporaryDirectory() as folder:
        for week in sort_by_week(city(enterprises, seed, YEAR), date(YEAR, 1, 1), Path(folder)):
            clock.now = week.last
            with week.file.open("rb") as messages:
                lines = (line.rstrip(b"\n") for line in messages)
                yield from ingest_all(past, lines, "sample", TOGETHER, sender)


def sort_by_week(messages: Iterable[bytes], first: date, folder: Path) -> list[Week]:
    """Write messages to a file for each week since a day; the weeks in which something was sent, in order."""
    decoder, latest = msgspec.json.Decoder(_Sent), dict[int, str]()
    with ExitStack() as opened:
        files = dict[int, BinaryIO]()
        for message in messages:
            sent = decoder.decode(message).time
            week = (date.fromisoformat(sent[:10]) - first).days // 7
            if week not in files:
                files[week] = opened.enter_context((folder / str(week)).open("wb"))
            files[week].write(message + b"\n")
            latest[week] = max(sent, latest.get(week, ""))
    return [
        Week(folder / str(week), datetime.fromisoformat(latest[week]) + timedelta(minutes=1))
        for week in sorted(latest)
    ]
