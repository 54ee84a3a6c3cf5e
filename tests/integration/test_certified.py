"""A certified rebuild goes on while events arrive, takes over only when equal, and keeps what it found."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from ledger.intake.inbox import ingest, ingest_all
from ledger.intake.machine_keys import make_key
from ledger.replay import rebuild as rebuilding
from ledger.replay.comparison import fingerprint, replay
from ledger.replay.rebuild import certified
from ledger.store.application import Ledger, open_ledger
from services.cli.main import main
from services.sample.city import city
from tests import acknowledging
from tests.events import CIXI, OPERATOR
from tests.integration.closings import OFFICER, closed
from tests.lengths import length_of

ENTERPRISES = length_of("SUBSIDY_TEST_REBUILD")
"""How many enterprises the ledger holds that is rebuilt while more arrive (the full run is 190,000)."""


def filled(open_at: Callable[..., Ledger], enterprises: int = 60) -> Ledger:
    ledger = open_at()
    for _ in ingest_all(ledger, city(enterprises, seed=4), "tests"):
        pass
    return ledger


def fingerprint_of(ledger: Ledger) -> str:
    with ledger.store.reading() as rows:
        return fingerprint(rows)


def kept(ledger: Ledger) -> list[tuple[int, list[str]]]:
    with ledger.store.reading() as rows:
        sql = "SELECT swapped, differences FROM certificates ORDER BY number"
        return [(swapped, json.loads(said)) for swapped, said in rows.all(sql)]


def test_an_equal_rebuild_takes_over_and_is_kept(open_at: Callable[..., Ledger], tmp_path: Path) -> None:
    ledger = filled(open_at)
    before = fingerprint_of(ledger)

    found = certified(ledger, str(tmp_path / "new.db"))

    assert (found.swapped, found.reason, found.differences) == (True, "", ())
    assert found.certificate.live == found.certificate.replayed == before
    assert fingerprint_of(ledger) == before
    assert kept(ledger) == [(1, [""])]


def test_events_that_arrive_meanwhile_are_counted_before_it_takes_over(
    open_at: Callable[..., Ledger], database_at: Callable[[str], str], tmp_path: Path
) -> None:
    """Another writer goes on from before the rebuild until it has ended."""
    ledger = filled(open_at, ENTERPRISES)
    enough, stop = threading.Event(), threading.Event()
    problems: list[BaseException] = []

    def write() -> None:
        try:
            other = open_ledger(database_at("ledger.db"), clock=ledger.clock)
            more = itertools.islice(city(10_000_000, seed=8), 0, None)
            while not stop.is_set():
                ingest(other, list(itertools.islice(more, 20)), "tests")
                enough.set()
            other.close()
        except BaseException as error:
            problems.append(error)
            enough.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert enough.wait(30)
    try:
        found = certified(ledger, str(tmp_path / "new.db"))
    finally:
        stop.set()
        writer.join()

    assert problems == []
    assert (found.swapped, found.differences) == (True, ())
    assert found.position > found.certificate.position
    assert replay(ledger, str(tmp_path / "after.db")).equal


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE awards SET gross=gross+1 WHERE code=(SELECT MIN(code) FROM awards)",
        "DELETE FROM balances WHERE code=(SELECT MAX(code) FROM balances)",
        "UPDATE enterprises SET town='nowhere' WHERE code=(SELECT MIN(code) FROM enterprises)",
        "UPDATE totals SET gross='1' WHERE kind='measure' AND gross<>'0'",
    ],
)
def test_one_row_altered_by_hand_keeps_it_from_taking_over(
    open_at: Callable[..., Ledger], tmp_path: Path, sql: str
) -> None:
    ledger = filled(open_at)
    with ledger.store.writing() as rows:
        rows.run(sql)
    before = fingerprint_of(ledger)

    found = certified(ledger, str(tmp_path / "new.db"))

    assert (found.swapped, found.reason) == (False, "differs")
    assert found.differences != ()
    assert fingerprint_of(ledger) == before
    [(swapped, said)] = kept(ledger)
    assert (swapped, said[0]) == (0, "differs")


def test_a_row_altered_while_it_was_built_is_found_before_it_takes_over(
    open_at: Callable[..., Ledger], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an enterprise that events arrived for meanwhile."""
    ledger = filled(open_at)

    def meanwhile(*given: object, **named: object) -> object:
        found = replay(*given, **named)  # type: ignore[arg-type]
        ingest(ledger, list(itertools.islice(city(5, seed=77), 10)), "tests")
        with ledger.store.writing() as rows:
            code = rows.all("SELECT originator_id FROM stored_events ORDER BY rowid DESC LIMIT 1")[0][0]
            rows.run("UPDATE enterprises SET version=version+1 WHERE code=?", [code])
        return found

    monkeypatch.setattr(rebuilding, "replay", meanwhile)
    found = certified(ledger, str(tmp_path / "new.db"))

    assert (found.swapped, found.reason) == (False, "differs")
    assert any(each.startswith("enterprises:") for each in found.differences)


def test_a_step_that_changes_a_whole_year_meanwhile_asks_for_another_run(
    open_at: Callable[..., Ledger], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = filled(open_at)

    def meanwhile(*given: object, **named: object) -> object:
        found = replay(*given, **named)  # type: ignore[arg-type]
        acknowledging.propose(ledger, CIXI, 2024, OFFICER)
        return found

    monkeypatch.setattr(rebuilding, "replay", meanwhile)
    assert certified(ledger, str(tmp_path / "new.db")).reason == "steps"
    monkeypatch.undo()
    assert certified(ledger, str(tmp_path / "again.db")).swapped


def test_closed_years_are_rebuilt_with_the_rest(open_at: Callable[..., Ledger], tmp_path: Path) -> None:
    year = closed(open_at)

    assert certified(year.ledger, str(tmp_path / "new.db")).swapped
    assert replay(year.ledger, str(tmp_path / "after.db")).equal


@pytest.mark.parametrize("enterprises", [0, 1])
def test_an_empty_ledger_and_one_of_a_single_enterprise(
    open_at: Callable[..., Ledger], tmp_path: Path, enterprises: int
) -> None:
    assert certified(filled(open_at, enterprises), str(tmp_path / "new.db")).swapped


def test_the_command_says_what_it_did(
    open_at: Callable[..., Ledger], database_at: Callable[[str], str]
) -> None:
    ledger = filled(open_at)
    command = ["--database", database_at("ledger.db"), "--language", "en", "rebuild"]

    good = CliRunner().invoke(main, command)
    with ledger.store.writing() as rows:
        rows.run("UPDATE awards SET gross=gross+1 WHERE code=(SELECT MIN(code) FROM awards)")
    bad = CliRunner().invoke(main, command)

    assert (good.exit_code, bad.exit_code) == (0, 1), good.output
    assert "equal" in good.output
    assert "certificate 1" in good.output
    assert "nothing was swapped" in bad.output
    assert "awards:" in bad.output


def test_an_event_that_no_figure_follows_from_does_not_hold_a_rebuild_up(
    open_at: Callable[..., Ledger], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = filled(open_at)

    def meanwhile(*given: object, **named: object) -> object:
        found = replay(*given, **named)  # type: ignore[arg-type]
        make_key(ledger, OPERATOR, "tax", "urn:tax", [])
        return found

    monkeypatch.setattr(rebuilding, "replay", meanwhile)
    assert certified(ledger, str(tmp_path / "new.db")).swapped
