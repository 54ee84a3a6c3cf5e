"""What commands print, and how they end: on a made-up year, in the forms that people and programs ask for."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from domain.money.amounts import parse_fen, print_fen
from ledger.export.file_faults import FORMULA_STARTS
from ledger.intake.sheets.tables import SHIPPED_TABLES
from ledger.policies.versions import adopt_policy, set_budget
from ledger.store.application import open_ledger
from services.cli.main import main
from services.cli.registry import ENTRIES
from services.cli.statuses import ExitStatus
from services.cli.words.speaking import commands_of, count_cells
from services.sample.enterprise import code_of
from services.sample.recording import sort_by_week
from tests.conftest import HERE
from tests.events import CIXI, POLICIES

CODE = code_of(13, 1)
ENTERPRISES = 60


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ledger of a small sample city; it is only read."""
    database = tmp_path_factory.mktemp("city") / "ledger.db"
    done = run(database, "sample", f"--enterprises={ENTERPRISES}")
    assert done.exit_code == 0, done.output
    return database


def run(database: Path, *words: str, language: str = "en", **environment: str) -> Result:
    line = ["--database", str(database), "--language", language, *words]
    return CliRunner(env=environment).invoke(main, line)


# --- policy and year ----------------------------------------------------------------------------


def test_the_only_policy_and_year_need_not_be_named(city: Path) -> None:
    alone, named = run(city, "budget"), run(city, "budget", "--policy", CIXI, "--year", "2024")

    assert alone.exit_code == 0
    assert alone.output == named.output


def test_what_is_set_once_need_not_be_named(city: Path) -> None:
    other = run(city, "budget", "--json", SUBSIDY_LEDGER_YEAR="2025")
    wrong = run(city, "budget", SUBSIDY_LEDGER_YEAR="soon")
    unknown = run(city, "budget", SUBSIDY_LEDGER_POLICY="none")

    assert json.loads(other.output)["year"] == 2025
    assert (wrong.exit_code, "soon" in wrong.output) == (ExitStatus.MISUSED, True)
    assert (unknown.exit_code, "adopt FILE" in unknown.output) == (ExitStatus.NOT_DONE, True)


def test_of_several_policies_or_years_one_must_be_named_and_all_are(tmp_path: Path) -> None:
    database = tmp_path / "ledger.db"
    ledger = open_ledger(str(database))
    text = (POLICIES / f"{CIXI}.yaml").read_text("utf-8")
    adopt_policy(ledger, text)
    ledger.close()
    none = run(database, "budget")
    ledger = open_ledger(str(database))
    set_budget(ledger, CIXI, "2024", 100)
    set_budget(ledger, CIXI, "2026", 100)
    ledger.close()
    years = run(database, "settle", "status", language="zh")
    ledger = open_ledger(str(database))
    adopt_policy(ledger, text.replace(f"id: {CIXI}", "id: another"))
    ledger.close()
    policies = run(database, "budget", "--year", "2024")

    assert [none.exit_code, years.exit_code, policies.exit_code] == [ExitStatus.MISUSED] * 3
    assert "no year of" in none.output
    assert "2024、2026 — 用 --year 写明" in years.output
    assert f"another, {CIXI} — name one by --policy" in policies.output


def test_no_command_has_a_policy_or_a_year_of_its_own() -> None:
    options = {
        (path, option.name): option.default
        for path, command in every_command()
        for option in command.params
        if isinstance(option, click.Option) and option.name in ("policy", "year") and not option.required
    }

    assert len(options) > 40
    assert {key: value for key, value in options.items() if isinstance(value, str | int)} == {}


def every_command() -> Iterator[tuple[str, click.Command]]:
    waiting = [(entry.name, entry.load()) for entry in ENTRIES]
    while waiting:
        path, command = waiting.pop()
        yield path, command
        waiting += [(f"{path} {name}", inner) for name, inner in commands_of(command)]


# --- how commands end ---------------------------------------------------------------------------


def test_what_is_refused_is_told_by_the_status(tmp_path: Path) -> None:
    database, file = tmp_path / "ledger.db", tmp_path / "facts.ndjson"
    file.write_text('{"specversion": "1.0"}\n', "utf-8")

    counted, as_json = run(database, "ingest", str(file)), run(database, "ingest", str(file), "--json")
    piped = CliRunner().invoke(main, ["--database", str(database), "ingest", "-"], input="{}\n")
    file.write_text("", "utf-8")

    assert [each.exit_code for each in (counted, as_json, piped)] == [ExitStatus.REFUSED] * 3
    assert json.loads(as_json.output)["refused"] == 1
    assert run(database, "ingest", str(file)).exit_code == ExitStatus.DONE


def test_rows_of_a_spreadsheet_that_are_refused_are_told_likewise(tmp_path: Path) -> None:
    database, sheet = tmp_path / "ledger.db", tmp_path / "rows.csv"
    assert run(database, "migrate").exit_code == 0
    heads = [column.headings.zh for column in SHIPPED_TABLES.by_name["EnterpriseRegistered"].columns]
    sheet.write_text("\n".join([",".join(heads), ",".join("x" for _ in heads)]), "utf-8")

    done = run(database, "ingest", str(sheet), "--type", "enterprise-registered")

    assert done.exit_code == ExitStatus.REFUSED, done.output


# --- tables for people and for programs -----------------------------------------------------------

TABLES: dict[str, tuple[str, ...]] = {
    "balance": (CODE,),
    "budget": (),
    "claim list": (),
    "disagreements list": ("--stage", "all"),
    "enterprises": (),
    "keys list": (),
    "looks": (),
    "policies": (),
    "sessions": (),
    "settle status": (),
    "targets": (),
    "things merges": (),
    "trace": ("--event", "urn:cixi:market-supervision", "SJ2024-0000013-00"),
    "what-if": ("--budget", "8000000.00"),
}


@pytest.mark.parametrize("command", TABLES)
def test_a_table_fits_80_columns_and_comes_as_csv_and_json(
    city: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (*command.split(), *TABLES[command])
    monkeypatch.setattr("services.cli.tables.PIPED_COLUMNS", 80)
    shown = run(city, *words)
    as_csv, as_json = run(city, *words, "--csv"), run(city, *words, "--json")

    assert [shown.exit_code, as_csv.exit_code, as_json.exit_code] == [0, 0, 0], shown.output
    assert max(map(count_cells, shown.stdout.splitlines())) <= 80
    assert "," in as_csv.stdout.splitlines()[0]
    assert "┃" not in as_csv.stdout
    json.loads(as_json.stdout)


LINES = {"explain": (CODE,), "outlook": (CODE,), "history": (CODE,), "refused": (), "things codes": ()}
"""Commands whose page is lines of text, with what they are about."""


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("command", LINES)
def test_a_page_of_lines_comes_as_csv_a_row_for_each(city: Path, command: str, language: str) -> None:
    words = (*command.split(), *LINES[command])
    page = run(city, *words, language=language).stdout.splitlines()
    as_csv = run(city, *words, "--csv", language=language)
    heads, *rows = csv.reader(io.StringIO(as_csv.stdout))

    assert all(heads)
    assert len(set(heads)) == len(heads)
    assert {len(row) for row in rows} <= {len(heads)}
    assert not any(cell.startswith(FORMULA_STARTS) for row in rows for cell in row)
    assert ("Id" in heads or "Measure" in heads or "Enterprise" in heads) == (language == "en")
    shown = [line for line in page if line.strip()]
    if command == "refused":
        shown = [line for line in shown if line.startswith("    ")]
    assert len(rows) == len(shown) - (command == "explain")  # its title stands beside the table


def test_sums_of_an_explanations_rows_add_up(city: Path) -> None:
    balance = json.loads(run(city, "balance", CODE, "--json").stdout)
    rows = list(csv.DictReader(io.StringIO(run(city, "explain", CODE, "--csv").stdout)))

    for column in ("Gross", "Payable"):
        total = sum(parse_fen(row[column]) for row in rows if row[column])
        assert print_fen(total) == balance[column.lower()]


# --- pipes and terminals ---------------------------------------------------------------------------


def test_progress_is_shown_on_a_terminal_alone(tmp_path: Path) -> None:
    piped = CliRunner().invoke(main, ["--database", str(tmp_path / "a.db"), "sample", "--enterprises=5"])
    line = ("-m", "services.cli", "--database", str(tmp_path / "b.db"), "sample", "--enterprises=5")
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent), "TERM": "xterm"}
    controller, terminal = pty.openpty()
    on_terminal = subprocess.run(
        [sys.executable, *line], stdout=subprocess.PIPE, stderr=terminal, env=environment, check=True
    )
    shown = os.read(controller, 65_536)

    assert piped.stderr == ""
    assert on_terminal.stdout.decode() == piped.stdout
    assert b"\x1b[" in shown
    assert b"\x1b[" not in on_terminal.stdout


# --- the sample's year -----------------------------------------------------------------------------


def test_the_samples_year_is_recorded_over_the_year(city: Path) -> None:
    ledger = open_ledger(str(city), create=False)
    with ledger.store.reading() as rows:
        months = {at[:7] for (at,) in rows.all("SELECT recorded_at FROM batches")}
    ledger.close()
    then, now = run(city, "budget", "--as-known", "2024-09-30", "--json"), run(city, "budget", "--json")
    changed = run(city, "diff", CODE, "--from", "2024-06-30", "--json")

    assert len(months) >= 14
    assert (min(months), max(months)) == ("2023-12", "2025-04")
    assert 0 < json.loads(then.output)["position"] < json.loads(now.output)["position"]
    assert json.loads(changed.output)["awards"]


def test_messages_are_sorted_by_week_and_stay_in_order_within_it(tmp_path: Path) -> None:
    from datetime import date

    times = ["2024-01-09T10:00:00+08:00", "2024-01-01T09:00:00+08:00", "2024-01-08T10:00:00+08:00"]
    messages = [f'{{"time":"{time}","n":{n}}}'.encode() for n, time in enumerate(times)]

    first, second = sort_by_week(messages, date(2024, 1, 1), tmp_path)

    assert first.file.read_bytes().splitlines() == [messages[1]]
    assert second.file.read_bytes().splitlines() == [messages[0], messages[2]]
    assert second.last - first.last == timedelta(days=8, hours=1)
