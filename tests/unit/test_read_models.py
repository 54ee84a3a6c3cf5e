"""Every read model is a table that a replay fills, and every table says what it holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.projections.registry import COMPARED, READ_MODELS, ReadModel
from ledger.store.application import open_ledger
from ledger.store.schema.audited import AUDITED, Guarding
from ledger.store.schema.tables import EVENTS, INDEXES, LIBRARY_TABLES, TABLES, Rebuilding, Table

ALL = {**TABLES, **LIBRARY_TABLES}


def test_every_table_says_how_an_audit_guards_it() -> None:
    assert set(AUDITED) == set(ALL)
    derived = {name for name, table in TABLES.items() if table.rebuilding is Rebuilding.REPLAYED}
    compared = {name for name, each in AUDITED.items() if each.guarding is Guarding.DERIVED}
    assert derived - compared == {"totals_history"}
    for each in AUDITED.values():
        assert any("一" <= character <= "鿿" for character in each.zh)
        assert each.en.isascii()


def test_a_read_model_is_a_table_that_a_replay_fills() -> None:
    filled = {name for name, table in TABLES.items() if table.rebuilding is Rebuilding.REPLAYED}

    assert len(READ_MODELS) == len({model.table for model in READ_MODELS})
    assert {model.table for model in READ_MODELS} == filled
    assert filled - set(COMPARED) == {"totals_history"}  # when a total moved follows from how events came


@pytest.mark.parametrize("model", COMPARED.values(), ids=list(COMPARED))
def test_what_is_compared_are_columns_and_leaves_out_positions_alone(model: ReadModel) -> None:
    compared = {*model.keys.split(", "), *model.values.split(", ")}
    columns = {column.name for column in TABLES[model.table].columns}

    assert columns - compared <= {"position"}
    assert compared <= columns


@pytest.mark.parametrize("table", ALL.values(), ids=list(ALL))
def test_a_table_says_in_both_languages_what_it_holds(table: Table) -> None:
    assert any("一" <= character <= "鿿" for character in table.holds_zh)
    assert table.holds_en.isascii()
    assert table.columns


def test_the_registry_names_every_table_of_a_ledger(tmp_path: Path) -> None:
    ledger = open_ledger(str(tmp_path / "ledger.db"))
    try:
        with ledger.store.reading() as rows:
            made = {row[0] for row in rows.all("SELECT name FROM sqlite_master WHERE type='table'")}
            columns = {
                name: [row[0] for row in rows.all("SELECT name FROM pragma_table_info(?)", [name])]
                for name in made
            }
    finally:
        ledger.close()

    assert {name for name in made if not name.startswith("sqlite_")} == set(ALL)
    for name, table in ALL.items():
        assert [column.name for column in table.columns] == columns[name], name
    assert {target.split()[0] for target in INDEXES.values()} <= set(TABLES)
    assert EVENTS in LIBRARY_TABLES
