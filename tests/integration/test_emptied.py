"""An emptied, wrong or foreign database is told as such; what only reads makes and upgrades nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ledger.audit.check import check_log
from ledger.intake.inbox import Offsets, ingest
from ledger.store.application import Ledger, open_ledger
from ledger.store.rows import UnsuitableStore
from services.cli.main import main
from services.sample.city import city
from tests.conftest import POLICY
from tests.oracle.codes import credit_code

CODE = credit_code(1)
READS = [
    ["audit"],
    ["replay"],
    ["doctor"],
    ["budget"],
    ["balance", CODE],
    ["refused"],
    ["policies"],
    ["enterprises"],
    ["looks"],
    ["checkpoint"],
    ["export", "xlsx", "--out", "books.xlsx"],
    ["history", CODE],
]


def run(database: str, *words: str) -> Result:
    return CliRunner().invoke(main, ["--database", database, "--language", "en", *words])


@pytest.mark.parametrize("words", READS, ids=lambda words: words[0])
def test_what_reads_makes_no_ledger_and_answers_from_none(tmp_path: Path, words: list[str]) -> None:
    missing, empty, foreign = (tmp_path / name for name in ("missing.db", "empty.db", "foreign.db"))
    empty.touch()
    with closing(sqlite3.connect(foreign)) as raw:
        raw.execute("CREATE TABLE invoices (number INTEGER)")
    before = foreign.read_bytes()

    for file in (missing, empty, foreign):
        result = run(str(file), *words)
        assert result.exit_code != 0, (file.name, result.output)
    assert not missing.exists()
    assert empty.read_bytes() == b""
    assert foreign.read_bytes() == before
    assert {file.name for file in tmp_path.iterdir()} <= {"empty.db", "foreign.db"}


@pytest.mark.parametrize("words", READS, ids=lambda words: words[0])
def test_a_ledger_without_events_answers_nothing(tmp_path: Path, words: list[str]) -> None:
    open_ledger(str(tmp_path / "ledger.db")).close()

    result = run(str(tmp_path / "ledger.db"), *words)

    assert result.exit_code != 0, result.output
    assert "holds no event" in result.output


def test_what_sets_up_refuses_the_tables_of_something_else(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "foreign.db")) as raw:
        raw.execute("CREATE TABLE invoices (number INTEGER)")
    before = (tmp_path / "foreign.db").read_bytes()

    for words in (["migrate"], ["adopt", str(POLICY)], ["sample", "--enterprises", "2"]):
        result = run(str(tmp_path / "foreign.db"), *words)
        assert result.exit_code == 1
        assert "invoices" in result.output
    assert (tmp_path / "foreign.db").read_bytes() == before


def test_a_database_of_something_else_is_refused(
    database_at: Callable[[str], str], open_at: Callable[..., Ledger]
) -> None:
    ledger = open_at(name="other")
    with ledger.store.migrating() as rows:
        for table in rows.table_names():
            rows.run(f"DROP TABLE {table}")
        rows.run("CREATE TABLE invoices (number INTEGER)")

    with pytest.raises(UnsuitableStore, match="invoices"):
        open_ledger(database_at("other"))
    with pytest.raises(UnsuitableStore, match="invoices"):
        open_ledger(database_at("other"), create=False)


@pytest.mark.parametrize("kept", ["checkpoints", "batches", "tiles", "event_keys", "policies", ""])
def test_an_emptied_ledger_is_not_well(open_at: Callable[..., Ledger], kept: str) -> None:
    ledger = open_at()
    ingest(ledger, list(city(2)), "tests")
    with ledger.store.writing() as rows:
        for table in rows.table_names():
            if table not in (kept, "schema_version", "log_secret"):
                rows.run(f"DELETE FROM {table}")

    with ledger.store.reading() as rows:
        (finding,) = check_log(rows, [])
    assert "holds no event" in finding.description
    if kept in ("batches", "tiles", "event_keys", "policies"):
        assert kept in finding.description
        assert "emptied" in finding.description


@pytest.mark.parametrize(
    "offsets", [None, Offsets("kafka:facts:id:0", [7], "facts/0")], ids=["file", "kafka"]
)
def test_a_new_ledger_in_which_nothing_was_right_yet_tells_why(
    tmp_path: Path, offsets: Offsets | None
) -> None:
    """Neither the mark that ``migrate`` leaves nor the place in a stream says that there were events."""
    database = str(tmp_path / "ledger.db")
    run(database, "migrate")
    with closing(open_ledger(database)) as ledger:
        ingest(ledger, [b"{}"], "tests", offsets)

    result = run(database, "refused")

    assert result.exit_code == 0, result.output
    assert "specversion" in result.output


def test_an_audit_ends_in_plain_sentences_in_both_languages(tmp_path: Path) -> None:
    database = str(tmp_path / "ledger.db")
    run(database, "sample", "--enterprises", "3")
    kept = tmp_path / "kept"
    kept.write_text(run(database, "checkpoint").output, "utf-8")
    key = run(database, "log-keys").output.split()[0]

    alone, held = run(database, "audit"), run(database, "audit", "--checkpoint", str(kept), "--key", key)

    assert (alone.exit_code, held.exit_code) == (0, 0), (alone.output, held.output)
    assert "not held against a checkpoint kept elsewhere" in alone.output
    assert "no signature was verified" in alone.output
    assert "agrees with the 1 checkpoints" in held.output
    assert "not held" not in held.output
    for answer in (alone, held):
        assert answer.output.rstrip().endswith("Conclusion: nothing was found that does not match.")
    chinese = CliRunner().invoke(main, ["--database", database, "audit"]).output
    assert "没有与外部留存的检查点比对" in chinese
    assert chinese.rstrip().endswith("结论：没有发现不符。")

    with closing(sqlite3.connect(database)) as raw:
        raw.execute("DELETE FROM event_keys")
        raw.commit()
    altered = run(database, "audit")
    assert altered.exit_code == 1
    assert "things do not match" in altered.output.splitlines()[-1]
    assert "were not replayed" in altered.output
