"""Templates follow from the message schemas: every table, column, list and unit, and nothing else."""

from __future__ import annotations

from typing import Any

import openpyxl
import pytest
from flask import Flask

from domain.money.amounts import CURRENCIES
from domain.vocabulary.load import shipped_vocabulary
from ledger.intake.messages.fields import Choice, Money
from ledger.intake.messages.schemas import DATA, DOCUMENT_MEMBERS
from ledger.intake.sheets.tables import NOT_TABULAR, SHIPPED_TABLES
from ledger.intake.sheets.template import EXAMPLE_ROW, HELP, sheet_title, write_template
from services.console import telling
from services.web.json_schemas import data_schema

FAMILIES = SHIPPED_TABLES.families
TABLES = [(family, name) for family, names in FAMILIES.items() for name in names]


@pytest.fixture(scope="module")
def workbooks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("templates")
    for family in FAMILIES:
        write_template(family, folder / f"{family}.xlsx")
    return {family: openpyxl.load_workbook(folder / f"{family}.xlsx") for family in FAMILIES}


def test_every_message_has_its_table_but_those_that_have_no_columns() -> None:
    named = [name for _, name in TABLES]

    assert sorted([*named, *NOT_TABULAR]) == sorted(DATA)
    assert set(SHIPPED_TABLES.titles) == set(FAMILIES)
    assert set(SHIPPED_TABLES.by_name) == set(named)


@pytest.mark.parametrize(("family", "name"), TABLES)
def test_a_table_has_the_columns_of_its_schema_and_no_others(
    workbooks: dict[str, Any], family: str, name: str
) -> None:
    table = SHIPPED_TABLES.by_name[name]
    sheet, schema = workbooks[family][sheet_title(table)], data_schema(name)
    columns = table.by_key
    shown = [key for key in columns if columns[key].headings.zh in [cell.value for cell in sheet[1]]]

    assert shown == ["note", "subject", *schema["properties"], "time", *DOCUMENT_MEMBERS]
    assert [cell.value for cell in sheet[1]] == [columns[key].headings.zh for key in shown]
    assert [cell.value for cell in sheet[2]] == [columns[key].headings.en for key in shown]
    starred = {key for key, head in zip(shown, sheet[1], strict=True) if head.value.endswith("*")}
    assert starred - {"time"} == {"subject", *schema.get("required", [])}


@pytest.mark.parametrize(("family", "name"), TABLES)
def test_a_choice_is_a_list_of_its_words_and_every_column_has_its_help(
    workbooks: dict[str, Any], family: str, name: str
) -> None:
    workbook = workbooks[family]
    table = SHIPPED_TABLES.by_name[name]
    sheet = workbook[sheet_title(table)]
    rules = {
        str(rule.sqref).split(":")[0].rstrip("0123456789"): rule
        for rule in sheet.data_validations.dataValidation
    }
    for cell, column in zip(
        sheet[1], [c for c in table.columns if c.key not in ("id", "faults")], strict=True
    ):
        rule = rules[cell.column_letter]
        assert column.words.help.zh in rule.prompt
        assert column.words.help.en in rule.prompt
        if isinstance(column.field, Choice):
            assert offered(workbook, rule.formula1) == [
                column.offers[each].zh for each in sorted(column.field.choices)
            ]
            assert rule.errorStyle in (None, "stop")
        if isinstance(column.field, Money):
            assert cell.value in ("金额（元）*", "金额（元）")
    said = {row[3].value for row in workbook[HELP].iter_rows(min_row=8) if row[0].value == sheet_title(table)}
    assert said == {column.key for column in table.columns} - {"id", "faults"}


def offered(workbook: Any, formula: str) -> list[str]:
    """The words of a list, wherever they stand."""
    if formula.startswith('"'):
        return formula.strip('"').split(",")
    sheet, _, cells = formula.partition("!")
    return [cell.value for (cell,) in workbook[sheet.strip("'")][cells.replace("$", "")]]


@pytest.mark.parametrize(("family", "name"), TABLES)
def test_the_example_is_marked_as_one(workbooks: dict[str, Any], family: str, name: str) -> None:
    table = SHIPPED_TABLES.by_name[name]
    row = workbooks[family][sheet_title(table)][EXAMPLE_ROW]

    assert row[0].value.startswith("示例")
    assert "Example" in row[0].value
    needed = [column for column in table.columns if column.required]
    heads = [cell.value for cell in workbooks[family][sheet_title(table)][1]]
    assert all(row[heads.index(column.headings.zh)].value for column in needed)


WORDING = telling.Wording({}, "CNY", {})


def test_spreadsheets_and_pages_call_the_same_things_the_same() -> None:
    app = Flask(__name__)
    for lang in ("zh", "en"):
        with app.test_request_context(f"/?lang={lang}"):
            for value, words in shipped_vocabulary().values.items():
                if value not in CURRENCIES:
                    assert telling.content_in_words("StoreRegistered", {"kind": value}, WORDING) == [
                        ({"zh": "类别", "en": "kind"}[lang], words.in_language(lang))
                    ]
            for name, table in SHIPPED_TABLES.by_name.items():
                assert telling.kind_in_words(name) == table.title.in_language(lang)
    assert SHIPPED_TABLES.by_name["StoreRegistered"].title.zh == "店铺注册"
