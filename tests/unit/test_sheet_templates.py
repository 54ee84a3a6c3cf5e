"""Templates follow from the message schemas: every table, column, list and unit, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml

from domain.money.amounts import CURRENCIES
from domain.vocabulary.words import words
from ledger.intake.messages.fields import Choice, Money
from ledger.intake.messages.schemas import DATA, TYPE_OF
from ledger.intake.sheets.families import FAMILIES, NOT_TABULAR, columns_of, label
from ledger.intake.sheets.template import EXAMPLE_ROW, HELP, title_of, write
from services.web.json_schemas import data_schema

CONSOLE = Path(__file__).parent.parent.parent / "services" / "console" / "words" / "events.yaml"
TABLES = [(family, name) for family, names in FAMILIES.items() for name in names]


@pytest.fixture(scope="module")
def workbooks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("templates")
    for family in FAMILIES:
        write(family, folder / f"{family}.xlsx")
    return {family: openpyxl.load_workbook(folder / f"{family}.xlsx") for family in FAMILIES}


def test_every_message_has_its_table_but_those_that_have_no_columns() -> None:
    named = [name for _, name in TABLES]

    assert sorted([*named, *NOT_TABULAR]) == sorted(DATA)
    assert set(words()["families"]) == set(FAMILIES)
    assert set(words()["types"]) == set(named)


@pytest.mark.parametrize(("family", "name"), TABLES)
def test_a_table_has_the_columns_of_its_schema_and_no_others(
    workbooks: dict[str, Any], family: str, name: str
) -> None:
    sheet, schema = workbooks[family][title_of(name)], data_schema(name)
    columns = {column.key: column for column in columns_of(name)}
    shown = [key for key in columns if columns[key].headings[0] in [cell.value for cell in sheet[1]]]

    assert shown == ["note", "subject", *schema["properties"], "time"]
    assert [cell.value for cell in sheet[1]] == [columns[key].headings[0] for key in shown]
    assert [cell.value for cell in sheet[2]] == [columns[key].headings[1] for key in shown]
    starred = {key for key, head in zip(shown, sheet[1], strict=True) if head.value.endswith("*")}
    assert starred - {"time"} == {"subject", *schema.get("required", [])}


@pytest.mark.parametrize(("family", "name"), TABLES)
def test_a_choice_is_a_list_of_its_words_and_every_column_has_its_help(
    workbooks: dict[str, Any], family: str, name: str
) -> None:
    workbook = workbooks[family]
    sheet = workbook[title_of(name)]
    rules = {
        str(rule.sqref).split(":")[0].rstrip("0123456789"): rule
        for rule in sheet.data_validations.dataValidation
    }
    for cell, column in zip(
        sheet[1], [c for c in columns_of(name) if c.key not in ("id", "faults")], strict=True
    ):
        rule = rules[cell.column_letter]
        assert column.words["help_zh"] in rule.prompt
        assert column.words["help_en"] in rule.prompt
        if isinstance(column.field, Choice):
            assert offered(workbook, rule.formula1) == [label(each) for each in sorted(column.field.choices)]
            assert rule.errorStyle in (None, "stop")
        if isinstance(column.field, Money):
            assert cell.value in ("金额（元）*", "金额（元）")
    said = {row[3].value for row in workbook[HELP].iter_rows(min_row=8) if row[0].value == title_of(name)}
    assert said == {column.key for column in columns_of(name)} - {"id", "faults"}


def offered(workbook: Any, formula: str) -> list[str]:
    """The words of a list, wherever they stand."""
    if formula.startswith('"'):
        return formula.strip('"').split(",")
    sheet, _, cells = formula.partition("!")
    return [cell.value for (cell,) in workbook[sheet.strip("'")][cells.replace("$", "")]]


@pytest.mark.parametrize(("family", "name"), TABLES)
def test_the_example_is_marked_as_one(workbooks: dict[str, Any], family: str, name: str) -> None:
    row = workbooks[family][title_of(name)][EXAMPLE_ROW]

    assert row[0].value.startswith("示例")
    assert "Example" in row[0].value
    needed = [column for column in columns_of(name) if column.required]
    heads = [cell.value for cell in workbooks[family][title_of(name)][1]]
    assert all(row[heads.index(column.headings[0])].value for column in needed)


def test_spreadsheets_and_pages_call_the_same_things_the_same() -> None:
    pages = yaml.safe_load(CONSOLE.read_text("utf-8"))

    for value, said in words()["values"].items():
        if value not in CURRENCIES:
            assert said == pages[f"value-{value}"]
    for name, said in words()["types"].items():
        assert said == pages[f"event-{name}"]
    assert label(TYPE_OF["StoreRegistered"]) == "店铺注册"
