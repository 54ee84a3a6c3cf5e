"""A clock that once stood ahead: recorded times go back by an event, and every moment has one answer."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from domain.authority.roles import Actor, NotAllowed
from domain.events import ClockCorrected
from domain.events.claims import ClaimSubmitted
from domain.events.event import NOBODY
from domain.events.instants import day_of, instant
from domain.log.notes import SignerKey
from ledger.audit.bundle import write_year
from ledger.audit.check import check_log
from ledger.audit.checkpoints import current
from ledger.audit.clock import CorrectedClock, correct_clock, find_leap
from ledger.audit.watching import unsigned_seconds
from ledger.claims import desk
from ledger.export.payment_files import Payer
from ledger.intake.inbox import ingest
from ledger.reading.overview import factor_over_time
from ledger.replay.comparison import replay
from ledger.settlement import paying
from ledger.settlement.files import write_payments
from ledger.settlement.paying import Result
from ledger.store.append import append_ours, last_recorded
from ledger.store.application import Ledger, open_ledger
from ledger.store.moments import Unanswerable, known_since, moment, position_before
from ledger.store.rows import Rows
from ledger.store.stored_events import SELECT, events_of, stored
from services.cli.main import main
from services.console.pages.replay import points_known
from services.doctor import clock as doctor_of_clocks
from services.doctor.findings import Limits
from services.sample.city import city
from services.verify.command import verify
from tests import acknowledging
from tests.conftest import HERE
from tests.events import CIXI, Feed
from tests.integration.api_client import Api
from tests.integration.bureau import Clock
from tests.integration.closings import FINANCE, OFFICER, REVIEWER, earners, list_and_close
from tests.integration.test_time_axes import answers

BEGIN = datetime(2031, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1_461)
KEY = SignerKey("ledger", b"\x01" * 32)


def correct(ledger: Ledger) -> CorrectedClock:
    return correct_clock(ledger, NOBODY, "root", day_of(instant(ledger.clock())), "the battery died")


def send(ledger: Ledger, feed: Feed) -> None:
    """One more fact."""
    message = feed.shop("tmall", f"shop {feed.count}", "2024-03-01")
    assert [result.status for result in ingest(ledger, [message], "tests")] == ["accepted"]


def jumped(ledger: Ledger) -> tuple[Clock, Feed]:
    """Facts of ten minutes; two while the clock stands four years ahead; one when it is right again."""
    clock, feed = Clock(BEGIN), Feed(1)
    ledger.clock = clock
    for _ in range(10):
        clock.pass_(minutes=1)
        send(ledger, feed)
    clock.now += AHEAD
    send(ledger, feed)
    clock.pass_(minutes=1)
    send(ledger, feed)
    clock.now = BEGIN + timedelta(minutes=12)
    send(ledger, feed)
    return clock, feed


def stamps(rows: Rows) -> list[tuple[int, str]]:
    """The last position and the recorded time of every batch, past the product."""
    sql = "SELECT last_position, recorded_at FROM batches ORDER BY last_position"
    return [(int(row[0]), str(row[1])) for row in rows.all(sql)]


def is_replayed(ledger: Ledger, folder: Path) -> bool:
    """Whether a replay gives every figure again."""
    return replay(ledger, str(folder / "replayed.db")).equal


def findings(ledger: Ledger) -> list[str]:
    with ledger.store.reading() as rows:
        return [each.description for each in check_log(rows, [])]


def test_recorded_times_go_on_from_the_corrected_present(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    ledger = open_at(BEGIN)
    clock, feed = jumped(ledger)
    with ledger.store.reading() as rows:
        before = stamps(rows)
    clock.pass_(minutes=1)

    corrected = correct(ledger)
    clock.pass_(minutes=1)
    send(ledger, feed)

    with ledger.store.reading() as rows:
        after = stamps(rows)
        event = stored(rows.all(f"{SELECT} WHERE rowid=?", [corrected.position])[0])
    ahead = instant(BEGIN + AHEAD + timedelta(minutes=11))
    assert [stamp for _, stamp in before[-2:]] == [ahead, ahead]
    assert after[: len(before)] == before, "what was stamped stays stamped"
    assert [stamp for _, stamp in after[len(before) :]] == [
        instant(BEGIN + timedelta(minutes=13)),
        instant(BEGIN + timedelta(minutes=14)),
    ]
    assert event.fact.content == corrected.content
    assert corrected.content.stamped_until == ahead
    assert (corrected.first_ahead, corrected.position) == (before[-4][0] + 1, before[-1][0] + 1)
    assert sum(corrected.events_by_kind.values()) == 3
    assert findings(ledger) == []
    assert is_replayed(ledger, tmp_path)


def test_every_moment_has_one_answer_by_one_rule(open_at: Callable[..., Ledger], tmp_path: Path) -> None:
    """The ledger knew all up to the last position that is stamped by then; so it never knows less later."""
    ledger, rng = open_at(BEGIN), random.Random(7)
    clock, feed = Clock(BEGIN), Feed(1)
    ledger.clock = clock
    for _ in range(8):
        for _ in range(rng.randrange(1, 4)):
            clock.pass_(minutes=rng.randrange(1, 5))
            send(ledger, feed)
        present, clock.now = clock.now, clock.now + timedelta(days=rng.randrange(1, 3))
        send(ledger, feed)
        clock.now = present + timedelta(minutes=1)
        correct(ledger)
    clock.pass_(days=5)  # past everything that was ever stamped
    send(ledger, feed)

    with ledger.store.reading() as rows:
        batches = stamps(rows)
        times = sorted({stamp for _, stamp in batches})
        asked = [
            instant(datetime.fromisoformat(time) + timedelta(microseconds=n))
            for time in times
            for n in (0, 1)
        ]
        found = [position_before(rows, bound) or 0 for bound in asked]
        since = {position: known_since(rows, position) for position, _ in batches}

    assert found == [max([p for p, stamp in batches if stamp < bound], default=0) for bound in asked]
    assert found == sorted(found)
    for position, first in since.items():
        assert first == min(stamp for other, stamp in batches if other >= position)


def test_answers_for_moments_beside_the_jump_equal_a_fresh_ledger(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    ledger = open_at(BEGIN)
    messages = [each for each in city(12, seed=5) if b'"specversion"' in each]
    parts = [messages[place::4] for place in range(4)]
    clock = Clock(BEGIN)
    ledger.clock = clock
    taken: list[list[bytes]] = []

    def take(part: list[bytes]) -> None:
        results = ingest(ledger, part, "tests")
        taken.append([raw for raw, each in zip(part, results, strict=True) if each.status == "accepted"])

    clock.pass_(minutes=1)
    take(parts[0])
    clock.now += AHEAD
    take(parts[1])
    clock.now = BEGIN + timedelta(minutes=3)
    take(parts[2])
    clock.pass_(minutes=1)
    correct(ledger)
    clock.pass_(minutes=1)
    take(parts[3])
    with ledger.store.reading() as rows:
        codes = [row[0] for row in rows.all("SELECT code FROM enterprises ORDER BY code")]
    expected = {
        BEGIN + timedelta(minutes=2): 1,
        BEGIN + timedelta(minutes=3, seconds=30): 1,
        BEGIN + timedelta(minutes=4): 3,
        BEGIN + timedelta(minutes=5): 4,
        BEGIN + AHEAD - timedelta(days=1): 4,
        BEGIN + AHEAD + timedelta(minutes=1): 4,
    }

    for when, count in expected.items():
        with ledger.store.reading() as rows:
            found = answers(ledger, codes, moment(rows, as_known=when.isoformat()))
        fresh = open_at(BEGIN, f"fresh-{when.timestamp()}.db")
        for part in taken[:count]:
            ingest(fresh, part, "tests")
        with fresh.store.reading() as rows:
            assert found == answers(fresh, codes, moment(rows)), (when, count)


def test_the_future_is_not_answered_once_the_clock_is_right(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at(BEGIN)
    clock, _ = jumped(ledger)
    correct(ledger)
    with ledger.store.reading() as rows, pytest.raises(Unanswerable, match="future"):
        moment(rows, as_known=(BEGIN + AHEAD).isoformat(), now=clock())
    with ledger.store.reading() as rows:
        days = [day for day, _ in factor_over_time(rows, CIXI, 2024)]
        points = [point.value for point in points_known(rows, CIXI)]
    assert days == [day_of(instant(clock()))]
    assert points == sorted(points)
    assert points[-1] == instant(clock())


def test_a_ledger_that_began_while_the_clock_stood_ahead(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at(BEGIN + AHEAD)
    ledger.clock = Clock(BEGIN)
    corrected = correct(ledger)

    assert corrected.first_ahead == 1
    with ledger.store.reading() as rows:
        with pytest.raises(Unanswerable, match="nothing before 2031-01-01"):
            moment(rows, as_known="2030-06-01")
        assert moment(rows, as_known="2031-01-01").until == corrected.position
        assert len(factor_over_time(rows, CIXI, 2024)) == 1
    assert findings(ledger) == []


def test_a_clock_that_is_set_back_a_little_goes_on_as_ever(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at(BEGIN)
    clock, feed = Clock(BEGIN), Feed(1)
    ledger.clock = clock
    clock.pass_(minutes=1)
    send(ledger, feed)
    clock.pass_(seconds=-5)
    send(ledger, feed)

    with pytest.raises(NotAllowed) as refused:
        correct(ledger)
    assert (refused.value.code, refused.value.args_["seconds"]) == ("clock.not-ahead", 5)
    clock.pass_(seconds=6)
    send(ledger, feed)

    with ledger.store.reading() as rows:
        times = [stamp for _, stamp in stamps(rows)][-3:]
    assert times == [instant(BEGIN + timedelta(seconds=each)) for each in (60, 60, 61)]
    assert findings(ledger) == []


def test_what_is_no_correction_is_refused(
    open_at: Callable[..., Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = open_at(BEGIN)
    jumped(ledger)
    with ledger.store.reading() as rows:
        size = rows.last_position()

    def code_of(day: str, reason: str) -> str:
        with pytest.raises(NotAllowed) as refused:
            correct_clock(ledger, NOBODY, "root", day, reason)
        return refused.value.code

    assert code_of("2031-01-01", " ") == "clock.reason"
    assert code_of("2026-01-01", "the battery died") == "clock.day"
    assert code_of("tomorrow", "the battery died") == "clock.day"
    with monkeypatch.context() as patch:
        patch.setattr("ledger.audit.clock.seconds_beside_server", lambda *_: 61.0)
        assert code_of("2031-01-01", "the battery died") == "clock.server"
    with ledger.store.reading() as rows:
        assert rows.last_position() == size
    correct(ledger)
    assert code_of("2031-01-01", "once more") == "clock.not-ahead"


@pytest.mark.parametrize("times", ["other", "forward"])
def test_a_correction_that_does_not_fit_the_times_is_found(
    times: str, open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    """The audit sees the times before it; a bundle alone shows whether it goes back, and to its own time."""
    ledger = open_at(BEGIN)
    content = ClockCorrected(
        stamped_until=instant(BEGIN + (AHEAD if times == "other" else timedelta())),
        resumed_at=instant(BEGIN),
        actor="root",
        reason="to hide something",
    )
    with ledger.store.writing() as rows:
        append_ours(rows, BEGIN, [(ClockCorrected.ORIGINATOR, 1, content)])
        size = rows.last_position()
    write_year(ledger, tmp_path / "year.zip", CIXI, 2024, current(ledger, KEY), size)

    assert findings(ledger) == ["the clock was corrected from and to other times than those of the events"]
    wrong = "the clock was corrected to another time than that of the event, or not back"
    expected = [f"position {size}: {wrong}"] if times == "forward" else []
    assert verify(tmp_path / "year.zip", [KEY.verifier])[1].faults == expected


def test_times_that_run_back_elsewhere_are_still_found(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at(BEGIN)
    jumped(ledger)
    correct(ledger)
    with ledger.store.writing() as rows:
        last = rows.last_position()
        earlier = instant(BEGIN)
        rows.run("UPDATE batches SET recorded_at=? WHERE last_position=?", [earlier, last])

    assert findings(ledger) == ["the recorded time is not the one of its batch"]


def test_it_lasts_over_a_restart(open_at: Callable[..., Ledger], database_at: Callable[[str], str]) -> None:
    ledger = open_at(BEGIN)
    clock, feed = jumped(ledger)
    correct(ledger)
    ledger.close()

    clock.pass_(hours=1)
    again = open_ledger(database_at("ledger.db"), clock=clock)
    try:
        send(again, feed)
        with again.store.reading() as rows:
            assert last_recorded(rows) == instant(clock())
        clock.now += AHEAD
        send(again, feed)
        clock.now -= AHEAD
        second = correct(again)
        with again.store.reading() as rows:
            event = stored(rows.all(f"{SELECT} WHERE rowid=?", [second.position])[0])
        assert (event.originator, event.version) == ("log:clock", 2)
        assert findings(again) == []
    finally:
        again.close()


def test_processes_that_write_meanwhile_agree_on_the_times(
    open_at: Callable[..., Ledger], database_at: Callable[[str], str], tmp_path: Path
) -> None:
    """Others record facts from processes of their own while one corrects the clock."""
    ledger = open_at(datetime.now(UTC) + AHEAD)
    ledger.close()
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent), "SUBSIDY_LEDGER_LANGUAGE": "en"}
    environment["SUBSIDY_LEDGER_SIGNING_KEY"] = str(tmp_path / "key")

    def start(*words: str) -> subprocess.Popen[bytes]:
        line = [sys.executable, "-m", "services.cli", "--database", database_at("ledger.db"), *words]
        return subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    files = [tmp_path / f"{number}.ndjson" for number in range(2)]
    for number, file in enumerate(files):
        feed = Feed(number + 1)
        lines = [feed.shop("tmall", f"shop {n}", "2024-03-01") for n in range(400)]
        file.write_bytes(b"\n".join(lines) + b"\n")
    today = day_of(instant(datetime.now(UTC)))
    started = [
        start("ingest", "--batch", "10", str(files[0])),
        start("ingest", "--batch", "10", str(files[1])),
    ]
    started.insert(1, start("correct-clock", today, "--reason", "the battery died"))
    said = [process.communicate(timeout=120)[0].decode() for process in started]

    assert [process.returncode for process in started] == [0, 0, 0], said
    again = open_ledger(database_at("ledger.db"))
    try:
        with again.store.reading() as rows:
            batches = stamps(rows)
        falls = [later for (_, one), (_, later) in pairwise(batches) if later < one]
        assert len(falls) == 1
        assert findings(again) == []
    finally:
        again.close()


def test_bundles_and_pages_of_events_follow(open_at: Callable[..., Ledger], tmp_path: Path) -> None:
    ledger = open_at(BEGIN)
    _, feed = jumped(ledger)
    corrected = correct(ledger)
    send(ledger, feed)
    note = current(ledger, KEY)
    bundle = tmp_path / "bundle.zip"

    with ledger.store.reading() as rows:
        size = rows.last_position()
    write_year(ledger, bundle, CIXI, 2024, note, size)
    _, verdict = verify(bundle, [KEY.verifier])

    assert verdict.faults == []
    assert corrected.content.statement in verdict.remarks
    api, path, seen = Api(ledger), f"/v1/enterprises/{feed.code}/events?limit=5", []
    while path:
        page = api.get(path)
        seen += [(each["position"], each["recorded_at"]) for each in page["items"]]
        path = page.get("next") or ""
    with ledger.store.reading() as rows:
        own = [(event.position, event.recorded_at) for event in events_of(rows, feed.code)]
    assert seen == own
    assert [position for position, _ in seen] == sorted(position for position, _ in seen)
    assert sum(later < one for (_, one), (_, later) in pairwise(seen)) == 1


def test_what_waits_for_a_checkpoint_counts_from_the_correction(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at(BEGIN)
    ledger.clock = clock = Clock(BEGIN)
    current(ledger, KEY)
    clock.now += AHEAD
    send(ledger, Feed(1))
    clock.now = BEGIN + timedelta(minutes=1)
    with ledger.store.reading() as rows:
        assert unsigned_seconds(rows, clock()) == 0
    correct(ledger)
    clock.pass_(hours=30)
    with ledger.store.reading() as rows:
        assert unsigned_seconds(rows, clock()) == 30 * 3_600


def test_a_list_that_was_published_ahead_is_published_anew(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    ledger = open_at(BEGIN)
    ledger.clock = clock = Clock(BEGIN)
    ingest(ledger, [each for each in city(8, seed=3) if b'"specversion"' in each], "tests")
    clock.now += AHEAD
    acknowledging.propose(ledger, CIXI, 2024, OFFICER)
    acknowledging.publish(ledger, CIXI, 2024, OFFICER)
    clock.now = BEGIN + timedelta(days=1)
    corrected = correct(ledger)
    clock.pass_(days=30)

    assert corrected.events_by_kind == {"SettlementProposed": 1, "SettlementPublished": 1}
    with pytest.raises(NotAllowed) as early:
        acknowledging.close(ledger, CIXI, 2024, REVIEWER)
    assert early.value.code == "settlement.notice"
    list_and_close(ledger, clock, 2024)
    assert findings(ledger) == []
    assert is_replayed(ledger, tmp_path)


def test_orders_of_a_clock_ahead_hold_nothing_up(open_at: Callable[..., Ledger], tmp_path: Path) -> None:
    """A payment and a clawback that are dated years ahead are paid, answered and paid back today."""
    ledger = open_at(BEGIN)
    ledger.clock = clock = Clock(BEGIN)
    ingest(ledger, [each for each in city(8, seed=3) if b'"specversion"' in each], "tests")
    list_and_close(ledger, clock, 2024)
    code, other = earners(ledger, 2024)[:2]
    acknowledging.order_payments(ledger, CIXI, 2024, FINANCE, [other])
    answer(ledger, other, day_of(instant(clock())))
    present, clock.now = clock.now, clock.now + AHEAD
    batch = acknowledging.order_payments(ledger, CIXI, 2024, FINANCE, [code]).batch
    clawback, _ = paying.claw_back(ledger, CIXI, 2024, other, OFFICER, 1_00, "paid twice")
    clock.now = present + timedelta(days=2)
    correct(ledger)
    day = day_of(instant(clock()))
    payees = ["统一社会信用代码,账号,行号,户名", f"{code},622200011,102332000017,企业"]

    with ledger.store.reading() as rows:
        payer = Payer("慈溪市财政局", "3901120009000012345", "102332000017")
        write_payments(ledger, rows, CIXI, 2024, batch, tmp_path / "pay.csv", payees, payer, day)
    answer(ledger, code, day)
    account = paying.recover(ledger, CIXI, 2024, other, FINANCE, clawback, 1_00, day, "R-9")

    assert (account.clawed, account.recovered) == (1_00, 1_00)
    assert findings(ledger) == []
    assert is_replayed(ledger, tmp_path)


def test_a_claim_that_was_handed_in_ahead_is_decided_today(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    """Its steps stay in order, so they bear the time ahead; nobody has to wait for it."""
    ledger = open_at(BEGIN)
    ledger.clock = clock = Clock(BEGIN + AHEAD)
    feed = Feed(1)
    send(ledger, feed)
    claim = ClaimSubmitted(claim="c-1", policy=CIXI, measure="standard.cixi", item="1", year=2024)
    desk.submit(ledger, feed.code, Actor("clerk", frozenset({"enterprise"}), feed.code), claim)
    clock.now = BEGIN + timedelta(days=1)
    correct(ledger)
    clock.pass_(days=1)

    desk.review(ledger, feed.code, CIXI, "c-1", OFFICER, 10_000_00, "in order")
    desk.approve(ledger, feed.code, CIXI, "c-1", REVIEWER)

    with ledger.store.reading() as rows:
        [(status, amount)] = rows.all("SELECT status, amount FROM claims")
        steps = [event for event in events_of(rows, feed.code) if "Claim" in event.fact.name]
    assert (status, amount) == ("approved", "1000000")
    assert [event.fact.time for event in steps] == sorted({event.fact.time for event in steps})
    assert [event.recorded_at for event in steps[1:]] == [instant(clock())] * 2
    assert findings(ledger) == []
    assert is_replayed(ledger, tmp_path)


def answer(ledger: Ledger, code: str, day: str) -> None:
    """The bank paid an enterprise on a day."""
    with ledger.store.reading() as rows:
        [(payment, amount)] = rows.all("SELECT payment, amount FROM payments WHERE code=?", [code])
    results = [Result(str(payment), "made", int(amount), day, f"R {code}")]
    assert paying.record_results(ledger, CIXI, 2024, FINANCE, results)[0] == 1


# --- what an operator sees -------------------------------------------------------------------------


def looked_at(ledger: Ledger, now: datetime) -> dict[str, Any]:
    with ledger.store.reading() as rows:
        return {each.check: each for each in doctor_of_clocks.check(ledger, rows, now, Limits())}


def test_the_doctor_names_it_and_its_mend(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at(BEGIN)
    clock, _ = jumped(ledger)

    before = looked_at(ledger, clock())
    correct(ledger)
    after = looked_at(ledger, clock())

    assert before["clock.recorded"].level == "error"
    assert before["clock.recorded"].zh == "账本最后的入账时间在将来，超前本机时钟 1,460 天"
    assert before["clock.recorded"].en == "the ledger's last recorded time is in the future by 1,460 days"
    assert "correct-clock" in before["clock.recorded"].mend_en
    assert before["clock.leap"].level == "warning"
    assert after["clock.recorded"].level == "ok"
    assert "clock.leap" not in after
    assert "the battery died" in after["clock.corrected"].en


def test_a_leap_is_told_while_the_clock_still_stands_ahead(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at(BEGIN)
    ledger.clock = clock = Clock(BEGIN)
    feed = Feed(1)
    clock.pass_(days=29)
    send(ledger, feed)
    with ledger.store.reading() as rows:
        assert find_leap(rows) is None
    clock.now += AHEAD
    send(ledger, feed)
    with ledger.store.reading() as rows:
        leap = find_leap(rows)
        assert leap is not None
        assert (leap.position, leap.seconds) == (rows.last_position(), AHEAD.total_seconds())
    for _ in range(8):
        clock.pass_(days=1)
        send(ledger, feed)
    with ledger.store.reading() as rows:
        assert find_leap(rows) is None, "told for a week: a ledger that was idle is then in use again"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_command(
    language: str, open_at: Callable[..., Ledger], database_at: Callable[[str], str], tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    open_at(now).close()
    today = day_of(instant(now))

    def run(*words: str) -> Any:
        line = ["--language", language, "--database", database_at("ledger.db"), "correct-clock", *words]
        return CliRunner().invoke(main, line, env={"SUBSIDY_LEDGER_SIGNING_KEY": str(tmp_path / "key")})

    early = run(today, "--reason", "x")
    assert early.exit_code == 1
    assert ("不必更正" if language == "zh" else "nothing is to be corrected") in early.stderr
    assert run(today).exit_code == 2
    ahead = open_ledger(database_at("ledger.db"), clock=lambda: now + AHEAD)
    send(ahead, Feed(1))
    ahead.close()
    wrong = run("2020-01-01", "--reason", "x")
    assert wrong.exit_code == 1
    assert today in wrong.stderr

    done = run(today, "--reason", "the battery died")

    assert done.exit_code == 0, done.output
    assert "StoreRegistered 1" in done.output
    assert ("照旧不改" if language == "zh" else "stay stamped") in done.output
    ahead = open_ledger(database_at("ledger.db"), clock=lambda: now + AHEAD)
    send(ahead, Feed(2))
    ahead.close()
    told = json.loads(run(today, "--reason", "again", "--json").stdout)
    assert told["ahead"] == {
        "first": told["position"] - 1,
        "last": told["position"] - 1,
        "events": {"StoreRegistered": 1},
    }
    assert told["reason"] == "again"
