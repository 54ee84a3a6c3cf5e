"""Facts of an enterprise with many events stand entry by entry, and say what a fold of its events says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from domain.facts.folding import EnterpriseFacts, fold
from ledger.projections.enterprises import load
from ledger.replay.comparison import fingerprint, replay
from ledger.replay.rebuild import certified
from ledger.store.application import Ledger
from ledger.store.folded import entries
from ledger.store.rows import Rows
from ledger.store.schema.comparing import check_schema
from ledger.store.schema.migrations import SCHEMA_VERSION, create_tables
from ledger.store.stored_events import events_of
from tests.benchmarks.one_enterprise import MAKES
from tests.events import Feed, take

FEW_EVENTS = 4
FEED = Feed(1)


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Facts are kept entry by entry from the fourth event on."""
    monkeypatch.setattr(entries, "MANY_EVENTS", FEW_EVENTS)


def said(count: int = 3) -> list[bytes]:
    """Reports, corrections, retractions, approvals, claims and things of one enterprise, in turns."""
    feed = Feed(FEED.number)
    turns = [[make(feed, number * 100 + of) for of, make in enumerate(MAKES)] for number in range(count)]
    return [message for turn in turns for messages in turn for message in messages]


def whole_facts(ledger: Ledger) -> EnterpriseFacts:
    with ledger.store.reading() as rows:
        return load(rows, [FEED.code])[FEED.code].facts


def folded_facts(ledger: Ledger) -> EnterpriseFacts:
    with ledger.store.reading() as rows:
        return fold([event.fact for event in events_of(rows, FEED.code)])


def parts_of(rows: Rows) -> set[str]:
    return {part for (part,) in rows.all("SELECT DISTINCT part FROM folded_entries")}


@pytest.mark.parametrize("size", [1, 7, 100])
def test_entries_say_what_a_fold_of_all_events_says(
    open_at: Callable[..., Ledger], tmp_path: Path, size: int
) -> None:
    """After batches of any size; a replay lays out the same rows."""
    ledger = open_at()

    for batch in chunks(said(), size):
        take(ledger, *batch)

    facts, folded = whole_facts(ledger), folded_facts(ledger)
    for years in (*facts.approved.values(), *folded.approved.values()):
        for approved in years.values():
            approved.highest = 0  # a bound, which may lie higher where an approval went
    assert facts == folded
    assert replay(ledger, str(tmp_path / "replica.db")).differences == ()
    with ledger.store.reading() as rows:
        assert parts_of(rows) == {"items", "claims", "steps", "amended", "places"}


def chunks(messages: list[bytes], size: int) -> list[list[bytes]]:
    return [messages[start : start + size] for start in range(0, len(messages), size)]


def test_a_fingerprint_does_not_tell_how_facts_are_laid_out(
    open_at: Callable[..., Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was kept before there were entries still holds."""
    prints = set()
    for name, many in (("apart.db", FEW_EVENTS), ("whole.db", 10_000)):
        monkeypatch.setattr(entries, "MANY_EVENTS", many)
        ledger = open_at(name=name)
        take(ledger, *said())
        with ledger.store.reading() as rows:
            prints.add(fingerprint(rows))

    assert len(prints) == 1


@pytest.mark.parametrize(
    "tamper",
    [
        "DELETE FROM folded_entries WHERE part='claims'",
        "DELETE FROM folded_entries WHERE part='steps'",
        "UPDATE folded_entries SET value=(SELECT value FROM folded_entries WHERE part='claims' LIMIT 1)",
        "INSERT INTO folded_entries SELECT 'nobody', part, entry, value FROM folded_entries",
    ],
)
def test_an_entry_that_was_altered_differs_from_a_replay(
    open_at: Callable[..., Ledger], tmp_path: Path, tamper: str
) -> None:
    ledger = open_at()
    take(ledger, *said())
    with ledger.store.writing() as rows:
        rows.guard = None  # type: ignore[attr-defined]
        rows.run(tamper)

    certificate = replay(ledger, str(tmp_path / "replica.db"))

    assert any(each.startswith("folded_entries: ") for each in certificate.differences)
    assert not certificate.equal


def test_a_rebuild_takes_over_and_goes_on(open_at: Callable[..., Ledger], tmp_path: Path) -> None:
    ledger, messages = open_at(), said(6)
    take(ledger, *messages[:40])

    assert certified(ledger, str(tmp_path / "replica.db")).swapped

    take(ledger, *messages[40:])
    assert replay(ledger, str(tmp_path / "again.db")).differences == ()


@pytest.mark.parametrize("many", [FEW_EVENTS, 10_000])
def test_an_upgrade_lays_out_what_version_8_kept(
    open_at: Callable[..., Ledger], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    """Of enterprises with few events and with many, which go on as if they had always been kept so."""
    monkeypatch.setattr(entries, "MANY_EVENTS", many)
    ledger, messages = open_at(), said(6)
    take(ledger, *messages[:40])
    keep_as_version_8(ledger)

    assert create_tables(ledger.store, ledger.dialect) == 8 < SCHEMA_VERSION

    with ledger.store.reading() as rows:
        assert check_schema(rows) == []
    assert replay(ledger, str(tmp_path / "replica.db")).differences == ()
    take(ledger, *messages[40:])
    assert replay(ledger, str(tmp_path / "again.db")).differences == ()


def keep_as_version_8(ledger: Ledger) -> None:
    """Leave the tables as the program of before left them."""
    with ledger.store.writing() as rows:
        codes = [code for (code,) in rows.all("SELECT code FROM enterprises")]
        for code, row in load(rows, codes).items():
            facts = row.facts
            old = {
                "dated": facts.dated,
                "amounts": facts.amounts,
                "figures": facts.figures,
                "approvals": facts.approvals,
                "claims": facts.claims,
                "amended": {
                    key: {"changes": each.changes, "retracted": each.retracted, "held": each.held}
                    for key, each in facts.amended.items()
                },
                "profile": facts.profile,
            }
            rows.run("UPDATE enterprises SET facts=? WHERE code=?", [msgspec.msgpack.encode(old), code])
        rows.run("DROP TABLE folded_entries")
        rows.run("DROP INDEX disagreements_by_code")
        rows.run("CREATE INDEX disagreements_by_code ON disagreements (code)")
        rows.run("DELETE FROM schema_version WHERE version>=9")


def test_a_row_that_cannot_be_read_is_left_to_be_named_after_the_upgrade(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    """An upgrade repairs nothing unseen."""
    ledger = open_at()
    take(ledger, *said())
    keep_as_version_8(ledger)
    with ledger.store.writing() as rows:
        rows.run("UPDATE enterprises SET facts=? WHERE code=?", [b"\xc1", FEED.code])

    create_tables(ledger.store, ledger.dialect)

    assert not replay(ledger, str(tmp_path / "replica.db")).equal
