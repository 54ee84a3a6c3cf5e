"""The template workbook of a family: headings, units, lists, help and an example, from the schemas.

What a table asks for follows from the message schemas (``ledger.intake.sheets.families``), so that a
template can't ask for anything else than what is read.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from domain.things.credit_code import complete
from domain.vocabulary.words import words
from ledger.intake.messages.fields import CreditCode, Day, Instant, Money, Text, Whole
from ledger.intake.messages.schemas import TYPE_OF
from ledger.intake.sheets.families import BACK, FAMILIES, LISTS, Column, columns_of, label

LAST_ROW = 1_048_576
HEAD_ROWS = 2
EXAMPLE_ROW = HEAD_ROWS + 1
EXAMPLE_CODE = complete("91330282MA2EXAMP1"[:17].replace("I", "1").replace("O", "0"))
HELP = "说明 Help"
PROMPT_MAX = 255
LIST_MAX = 250
"""Characters of a list that stands in its rule; a longer one stands on the sheet of lists."""
WIDTHS = {"note": 24, "subject": 24, "amount": 18}
_HEAD = PatternFill("solid", fgColor="1F4E79")
_OTHER = PatternFill("solid", fgColor="D9E2EC")
_SHADE = PatternFill("solid", fgColor="EDEDED")


def write(family: str, out: Path) -> None:
    """Write the template of a family.

    Raises:
        KeyError: where there is no such family.
    """
    workbook = Workbook()
    first = workbook.active
    assert first is not None
    workbook.remove(first)
    lists = workbook.create_sheet(LISTS)
    lists.sheet_state = "hidden"
    for name in FAMILIES[family]:
        _table(workbook, lists, name)
    _help(workbook.create_sheet(HELP), family)
    workbook.move_sheet(lists, offset=len(workbook.sheetnames))
    workbook.active = 0
    workbook.save(out)


def file_name(family: str) -> str:
    """What a template is called."""
    return f"{words()['families'][family]['zh']}-{family}.xlsx"


def title_of(name: str) -> str:
    """The title of a table's sheet; it says which facts the sheet holds."""
    said = words()["types"][name]
    return f"{said['zh']} {said['en']}"[:31].strip()


def shown_columns(name: str) -> list[Column]:
    """The columns of a template."""
    return [column for column in columns_of(name) if column.key not in BACK]


def _table(workbook: Workbook, lists: Worksheet, name: str) -> None:
    sheet = workbook.create_sheet(title_of(name))
    sheet.freeze_panes = f"B{EXAMPLE_ROW}"
    for at, column in enumerate(shown_columns(name), 1):
        letter = get_column_letter(at)
        dimension = sheet.column_dimensions[letter]
        dimension.width = WIDTHS.get(column.key, max(14, 2 * len(column.headings[0]) + 4))
        dimension.number_format = format_of(column)
        for row, said in enumerate(column.headings, 1):
            cell = sheet.cell(row, at, said)
            cell.font = Font(bold=row == 1, color="FFFFFF" if row == 1 else "444444")
            cell.fill = _HEAD if row == 1 else _OTHER
            cell.alignment = Alignment(wrap_text=True, vertical="center")
        cell = sheet.cell(EXAMPLE_ROW, at, example_of(name, column))
        cell.font, cell.fill = Font(italic=True, color="666666"), _SHADE
        cell.number_format = format_of(column)
        sheet.add_data_validation(_rule(lists, name, column, f"{letter}{EXAMPLE_ROW}:{letter}{LAST_ROW}"))


def format_of(column: Column) -> str:
    """How a column is shown: amounts and years as numbers, everything else as text."""
    if isinstance(column.field, Money):
        return "#,##0.00"
    if isinstance(column.field, Whole):
        return "0"
    return "@"


def example_of(name: str, column: Column) -> Any:
    """What stands in the example."""
    if column.key == "subject":
        return EXAMPLE_CODE
    if column.key == "channel":
        return label("online")
    if column.key == "of_type":
        return label(TYPE_OF["StoreRegistered"])
    said = str(column.words.get("example", ""))
    if column.words.get("example") == "":
        return None
    if isinstance(column.field, Whole):
        return int(said) if said else None
    if isinstance(column.field, Money):
        return Decimal(said)
    if column.offers and said not in [label(each) for each in column.offers]:
        return label(column.offers[0])
    return said or None


def _rule(lists: Worksheet, name: str, column: Column, where: str) -> DataValidation:
    """The column's list, or its help alone."""
    choices = [label(each) for each in column.offers]
    rule = DataValidation(type="list" if choices else None, allow_blank=True, showErrorMessage=bool(choices))
    if choices:
        text = ",".join(choices)
        plain = len(text) <= LIST_MAX and not any("," in each for each in choices)
        rule.formula1 = f'"{text}"' if plain else _listed(lists, name, column, choices)
        closed = set(choices) == {label(each) for each in getattr(column.field, "choices", ())}
        rule.errorStyle = "stop" if closed else "information"
        rule.errorTitle = column.words["zh"]
        rule.error = "请从下拉列表中选择 · Choose from the list"
    rule.showInputMessage = True
    rule.promptTitle = column.words["zh"][:32]
    rule.prompt = help_of(column)[:PROMPT_MAX]
    rule.add(where)
    return rule


def _listed(lists: Worksheet, name: str, column: Column, choices: list[str]) -> str:
    at = lists.max_column + 1 if lists["A1"].value else 1
    lists.cell(1, at, f"{name}.{column.key}")
    for row, said in enumerate(choices, 2):
        lists.cell(row, at, said)
    letter = get_column_letter(at)
    return f"'{LISTS}'!${letter}$2:${letter}${len(choices) + 1}"


def help_of(column: Column) -> str:
    """What a column is for, in both languages."""
    needed = "必填 required" if column.required else "可不填 optional"
    return f"{column.words['help_zh']}。{column.words['help_en']}. {needed}"


def form_of(column: Column) -> str:
    """The form of what is filled in."""
    field = column.field
    if column.offers:
        return " / ".join(f"{label(each)} ({each})" for each in column.offers)
    if isinstance(field, Money):
        return "1234.56"
    if isinstance(field, Whole):
        return f"{field.low} – {field.high}"
    if isinstance(field, Day | Instant):
        return "2024-03-01"
    if isinstance(field, CreditCode):
        return "GB 32100-2015"
    if isinstance(field, Text):
        return f"≤ {field.max_length} 字 characters"
    return ""


def _help(sheet: Worksheet, family: str) -> None:
    said = words()["families"][family]
    lines = (
        f"{said['zh']} · {said['en']}",
        "从示例行之下开始填写；示例行不读取。带 * 的列必填。各列顺序可变，可以删去不用的可选列。",
        "Fill in below the example, which is not read. Columns with * are required; their order is free.",
        "信用代码、文号等先设为文本格式（模板已设好），以免被改成数值。金额最多两位小数。",
        "Codes and references are text (as set here), lest they become numbers. At most two decimals.",
    )
    for row, line in enumerate(lines, 1):
        sheet.cell(row, 1, line).font = Font(bold=row == 1)
    heads = ("工作表 sheet", "列 column", "English", "字段 field", "必填 required", "说明 help", "格式 form")
    row = len(lines) + 2
    for at, head in enumerate(heads, 1):
        sheet.cell(row, at, head).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(at)].width = (26, 22, 22, 18, 14, 70, 60)[at - 1]
    for name in FAMILIES[family]:
        for column in shown_columns(name):
            row += 1
            needed = "是 yes" if column.required else "否 no"
            help_ = f"{column.words['help_zh']} · {column.words['help_en']}"
            values = (title_of(name), *column.headings, column.key, needed, help_, form_of(column))
            for at, value in enumerate(values, 1):
                sheet.cell(row, at, value).alignment = Alignment(wrap_text=True, vertical="top")
