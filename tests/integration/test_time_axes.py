"""The axes of time: an answer for a past moment equals a fresh ledger of only what was known then.

``SUBSIDY_TEST_MOMENTS`` says how many random moments are tried.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from domain.events import CATALOGUE
from domain.events.instants import instant
from domain.facts.folding import fold
from domain.policy.rulebook import NoRules
from ledger.intake.inbox import ingest
from ledger.policies.versions import adopt_policy
from ledger.store.application import Ledger, open_ledger
from ledger.store.moments import NOW, Moment, happened, moment
from ledger.store.stored_events import Stored, events_of
from services.sample.city import city
from tests import answers as queries
from tests.answers import UnknownEnterprise
from tests.events import CIXI, CIXI_TEXT
from tests.lengths import length_of

MOMENTS = min(length_of("SUBSIDY_TEST_MOMENTS"), 1_000)
BEGIN = datetime(2031, 1, 1, tzinfo=UTC)
SECOND = CIXI_TEXT.replace("version: 1\neffective_from: 2024-01-01", "version: 2\neffective_from: 2024-07-01")
BATCH = 9
Batches = list[tuple[datetime, list[bytes]]]


def test_answers_for_random_moments_equal_a_fresh_replay(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    rng = random.Random(11)
    ledger, batches, taken = filled(open_at)
    with ledger.store.reading() as rows:
        codes = [row[0] for row in rows.all("SELECT code FROM enterprises ORDER BY code")]
        events = {code: events_of(rows, code) for code in codes}
    end = batches[-1][0]
    for number in range(MOMENTS):
        asked = {
            "as_known": at_random(rng, BEGIN, end + timedelta(minutes=1)) if rng.random() < 0.7 else None,
            "as_of": day_at_random(rng) if rng.random() < 0.6 else None,
            "rules_as_of": day_at_random(rng) if rng.random() < 0.3 else None,
        }
        with ledger.store.reading() as rows:
            at = moment(rows, asked["as_of"], asked["as_known"], asked["rules_as_of"])
            found = answers(ledger, codes, at)
        chosen = known(batches, taken, events, at)
        fresh = open_ledger(str(tmp_path / f"{number}.db"), clock=lambda: BEGIN)
        try:
            fill(fresh, chosen, asked["rules_as_of"])
            assert found == answers(fresh, codes, NOW), asked
        finally:
            fresh.close()


def still(now: datetime) -> Callable[[], datetime]:
    """A clock that stands."""
    return lambda: now


def filled(open_at: Callable[..., Ledger]) -> tuple[Ledger, Batches, dict[int, bytes]]:
    """A ledger filled minute by minute, and which message stands at each position."""
    ledger = open_at(BEGIN)
    adopt_policy(ledger, SECOND)
    messages, batches, taken = list(city(20, seed=5)), [], {}
    for number, start in enumerate(range(0, len(messages), BATCH), start=1):
        now = BEGIN + timedelta(minutes=number)
        ledger.clock = still(now)
        part = messages[start : start + BATCH]
        for raw, result in zip(part, ingest(ledger, part, "tests"), strict=True):
            if result.status == "accepted" and result.position is not None:
                taken[result.position] = raw
        batches.append((now, part))
    return ledger, batches, taken


def known(
    batches: Batches, taken: dict[int, bytes], events: dict[str, list[Stored]], at: Moment
) -> list[bytes]:
    """The messages whose events were known, and had happened, by a moment."""
    found = []
    for stored in events.values():
        mine = [event for event in stored if at.until is None or event.position <= at.until]
        whole = fold([event.fact for event in mine])
        for event in mine:
            if at.as_of is not None and CATALOGUE[event.fact.name].shape != "amendment":
                content = whole.effective(event.fact)
                if content is None or happened(event.fact, content) >= at.as_of:
                    continue
            found.append(event.position)
    return [taken[position] for position in sorted(found)]


def fill(fresh: Ledger, chosen: list[bytes], rules_as_of: str | None) -> None:
    """Take in only what was known; only the versions in force by then are adopted."""
    for text, effective in ((CIXI_TEXT, "2024-01-01"), (SECOND, "2024-07-01")):
        if rules_as_of is None or effective <= rules_as_of:
            adopt_policy(fresh, text)
    results = ingest(fresh, chosen, "tests")
    assert [result.faults for result in results if result.status != "accepted"] == []


def answers(ledger: Ledger, codes: list[str], at: Moment) -> dict[str, Any]:
    """What the ledger says of every enterprise and of the budget."""
    found: dict[str, Any] = {}
    with ledger.store.reading() as rows:
        for code in codes:
            try:
                said = queries.balance(ledger, rows, code, CIXI, 2024, at)
                earned = [each for each in said["awards"] if each["gross"] != "0.00"]
                found[code] = {**without_place(said), "awards": earned} if earned else None
            except (UnknownEnterprise, NoRules, LookupError):
                found[code] = None
        try:
            found["budget"] = without_place(queries.budget(ledger, rows, CIXI, 2024, at))
        except (NoRules, LookupError):
            found["budget"] = None
    return found


def without_place(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer but for where in its own log it was given."""
    left_out = ("position", "as_of", "as_known", "rules_as_of")
    return {key: value for key, value in answer.items() if key not in left_out}


def at_random(rng: random.Random, begin: datetime, end: datetime) -> str:
    moment_found = begin + timedelta(seconds=rng.randrange(int((end - begin).total_seconds())))
    return instant(moment_found).replace("Z", "+00:00")


def day_at_random(rng: random.Random) -> str:
    return (date(2024, 1, 1) + timedelta(days=rng.randrange(600))).isoformat()
