"""Whatever kind of value somebody writes into a SQLite file, the audit says where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from domain.log.notes import SignerKey
from ledger.audit.check import check_log
from ledger.audit.checkpoints import current
from ledger.store.application import Ledger, open_ledger
from ledger.store.schema.tables import EVENTS, TABLES
from ledger.store.value_kinds import columns_of
from services.cli.main import main
from tests.events import CIXI_TEXT
from tests.integration.closings import Closed, closed

HELD = {
    (EVENTS, "rowid"),
    *(
        (table, name)
        for table, name in [
            ("schema_version", "version"),
            ("batches", "last_position"),
            ("certificates", "number"),
        ]
    ),
    *((table, name) for table, name in [("checkpoints", "size"), ("log_secret", "id"), ("looks", "number")]),
}
"""Keys that SQLite itself holds to be whole numbers."""
WRONG = {"text": b"\x00\xff", "integer": "many", "blob": "words"}
COLUMNS = [
    (table, column)
    for table in (EVENTS, *TABLES)
    for column, (kind, empty) in columns_of(table).items()
    if (table, column) not in HELD and not empty
]


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Closed]:
    """A ledger with closed years, so that every table has rows."""
    path = tmp_path_factory.mktemp("kinds") / "ledger.db"
    opened: list[Ledger] = []

    def opener(**_: Any) -> Ledger:
        opened.append(open_ledger(str(path)))
        return opened[-1]

    found = closed(opener, CIXI_TEXT, years=(2024,))
    with found.ledger.store.writing() as rows:
        rows.run("INSERT INTO looks VALUES (1,'2025','a','b','GET','/','c',1,'','')")
        rows.run("INSERT INTO sessions VALUES ('s','i','u','n','officer','',1,1,'t','')")
        rows.run("INSERT INTO used_tokens VALUES ('t','2025')")
        rows.run("INSERT INTO used_keys VALUES ('p','k',x'00','2025',x'00')")
        rows.run("INSERT INTO machine_keys VALUES ('k','d','n','s','t','2025',NULL)")
        rows.run("INSERT INTO person_keys VALUES ('p','c','e',x'00')")
        rows.run("INSERT INTO certificates VALUES (1,'t',1,1,'a','b',1,'[]')")
        rows.run("INSERT INTO folded_entries VALUES ('c','p','e',x'00')")
        rows.run("INSERT INTO correlations VALUES ('c',1,2,'')")
        rows.run("INSERT INTO spellings VALUES (1,'id','e','event','w','c','k')")
        columns = ("w", "budget.set", "p", "a", "{}", "2025", "2025", "i", "s", "n", "waits", "", "", "", "")
        marks = ",".join("?" * (len(columns) + 1))
        rows.run(f"INSERT INTO waiting_steps VALUES ({marks})", [*columns, 1])
    current(found.ledger, SignerKey("ledger", b"\x01" * 32))
    yield found
    found.ledger.close()


def findings(ledger: Ledger) -> list[str]:
    with ledger.store.reading() as rows:
        return [each.description for each in check_log(rows, [])]


class Undone(Exception):
    """Takes the tampering back."""


def tampered(ledger: Ledger, table: str, column: str) -> list[str]:
    """What the audit says after one row's column was rewritten; then it is as it was."""
    kind, _ = columns_of(table)[column]
    found: list[str] = []
    with suppress(Undone), ledger.store.writing() as rows:
        [key] = rows.all(f"SELECT {column} FROM {table} LIMIT 1")[0]
        rows.run(f"UPDATE {table} SET {column}=? WHERE {column}=?", [WRONG[kind], key])
        found += [each.description for each in check_log(rows, [])]
        raise Undone
    return found


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=lambda each: str(each))
def test_a_value_of_another_kind_is_found_and_named(year: Closed, table: str, column: str) -> None:
    said = tampered(year.ledger, table, column)

    assert any(what.startswith(f"{table}.{column} holds") for what in said)


def test_an_untouched_ledger_has_no_such_value(year: Closed) -> None:
    assert findings(year.ledger) == []


@pytest.mark.parametrize("command", [["audit"], ["replay"], ["doctor", "--deep"]])
def test_commands_say_it_in_a_line(tmp_path: Path, command: list[str]) -> None:
    database = str(tmp_path / "ledger.db")
    runner = CliRunner(env={"SUBSIDY_LEDGER_SIGNING_KEY": str(tmp_path / "key")})
    made = runner.invoke(
        main, ["--database", database, "adopt", str(Path("domain/policy/cixi-ecommerce-2024.yaml"))]
    )
    assert made.exit_code == 0, made.output
    ledger = open_ledger(database)
    with ledger.store.writing() as rows:
        rows.run("UPDATE stored_events SET state=CAST(state AS TEXT)")
    ledger.close()

    said = runner.invoke(main, ["--database", database, *command])

    assert said.exit_code in (1, 2)
    assert isinstance(said.exception, SystemExit), said.exception
    assert "stored_events.state" in said.output
