"""The template workbook of a family: headings, units, lists, help and an example, from the schemas.

What a table asks for follows from the message schemas (``ledger.intake.sheets.tables``), so that a
template can't ask for anything else than what is read.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from domain.things.credit_code import complete
from ledger.intake.messages.fields import Choice, CreditCode, Day, Instant, Money, Text, WholeNumber
from ledger.intake.sheets.tables import BACK, LISTS, SHIPPED_TABLES, Column, Table, Tables

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
_ENGLISH_HEAD = PatternFill("solid", fgColor="D9E2EC")
_SHADE = PatternFill("solid", fgColor="EDEDED")


def write_template(family: str, out: Path, tables: Tables = SHIPPED_TABLES) -> None:
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
    family_tables = [tables.by_name[name] for name in tables.families[family]]
    for table in family_tables:
        _add_table(workbook, lists, table)
    title = tables.titles[family]
    _add_help(workbook.create_sheet(HELP), f"{title.zh} · {title.en}", family_tables)
    workbook.move_sheet(lists, offset=len(workbook.sheetnames))
    workbook.active = 0
    workbook.save(out)


def file_name(family: str, tables: Tables = SHIPPED_TABLES) -> str:
    """What a template is called."""
    return f"{tables.titles[family].zh}-{family}.xlsx"


def sheet_title(table: Table) -> str:
    """The title of a table's sheet; it says which facts the sheet holds."""
    return f"{table.title.zh} {table.title.en}"[:31].strip()


def template_columns(table: Table) -> list[Column]:
    """The columns of a template."""
    return [column for column in table.columns if column.key not in BACK]


def _add_table(workbook: Workbook, lists: Worksheet, table: Table) -> None:
    sheet = workbook.create_sheet(sheet_title(table))
    sheet.freeze_panes = f"B{EXAMPLE_ROW}"
    for place, column in enumerate(template_columns(table), 1):
        letter = get_column_letter(place)
        headings = column.headings
        dimension = sheet.column_dimensions[letter]
        dimension.width = WIDTHS.get(column.key, max(14, 2 * len(headings.zh) + 4))
        dimension.number_format = format_of(column)
        for row, heading in enumerate((headings.zh, headings.en), 1):
            cell = sheet.cell(row, place, heading)
            cell.font = Font(bold=row == 1, color="FFFFFF" if row == 1 else "444444")
            cell.fill = _HEAD if row == 1 else _ENGLISH_HEAD
            cell.alignment = Alignment(wrap_text=True, vertical="center")
        cell = sheet.cell(EXAMPLE_ROW, place, example_of(column))
        cell.font, cell.fill = Font(italic=True, color="666666"), _SHADE
        cell.number_format = format_of(column)
        cells = f"{letter}{EXAMPLE_ROW}:{letter}{LAST_ROW}"
        sheet.add_data_validation(_validation(lists, table, column, cells))


def format_of(column: Column) -> str:
    """How a column is shown: amounts and years as numbers, everything else as text."""
    if isinstance(column.field, Money):
        return "#,##0.00"
    if isinstance(column.field, WholeNumber):
        return "0"
    return "@"


def example_of(column: Column) -> str | int | Decimal | None:
    """What stands in the example."""
    if column.key == "subject":
        return EXAMPLE_CODE
    example, labels = column.words.example, column.offered("zh")
    if example == "":
        return None
    if isinstance(column.field, WholeNumber):
        return int(example) if example else None
    if isinstance(column.field, Money):
        return Decimal(example or "0")
    if labels and example not in labels:
        return labels[0]
    return example


def _validation(lists: Worksheet, table: Table, column: Column, cells: str) -> DataValidation:
    """The column's list, or its help alone."""
    choices = column.offered("zh")
    rule = DataValidation(type="list" if choices else None, allow_blank=True, showErrorMessage=bool(choices))
    if choices:
        text = ",".join(choices)
        plain = len(text) <= LIST_MAX and not any("," in choice for choice in choices)
        rule.formula1 = f'"{text}"' if plain else _add_list(lists, table, column, choices)
        rule.errorStyle = "stop" if isinstance(column.field, Choice) else "information"
        rule.errorTitle = column.words.title.zh
        rule.error = "请从下拉列表中选择 · Choose from the list"
    rule.showInputMessage = True
    rule.promptTitle = column.words.title.zh[:32]
    rule.prompt = help_of(column)[:PROMPT_MAX]
    rule.add(cells)
    return rule


def _add_list(lists: Worksheet, table: Table, column: Column, choices: list[str]) -> str:
    """The cells of a list on the sheet of lists, where it is added."""
    place = lists.max_column + 1 if lists["A1"].value else 1
    lists.cell(1, place, f"{table.name}.{column.key}")
    for row, choice in enumerate(choices, 2):
        lists.cell(row, place, choice)
    letter = get_column_letter(place)
    return f"'{LISTS}'!${letter}$2:${letter}${len(choices) + 1}"


def help_of(column: Column) -> str:
    """What a column is for, in both languages."""
    needed = "必填 required" if column.required else "可不填 optional"
    return f"{column.words.help.zh}。{column.words.help.en}. {needed}"


def form_of(column: Column) -> str:
    """The form of what is filled in."""
    field = column.field
    if column.offers:
        return " / ".join(f"{words.zh} ({value})" for value, words in column.offers.items())
    if isinstance(field, Money):
        return "1234.56"
    if isinstance(field, WholeNumber):
        return f"{field.low} – {field.high}"
    if isinstance(field, Day | Instant):
        return "2024-03-01"
    if isinstance(field, CreditCode):
        return "GB 32100-2015"
    if isinstance(field, Text):
        return f"≤ {field.max_length} 字 characters"
    return ""


def _add_help(sheet: Worksheet, title: str, tables: list[Table]) -> None:
    lines = (
        title,
        "从示例行之下开始填写；示例行不读取。带 * 的列必填。各列顺序可变，可以删去不用的可选列。",
        "Fill in below the example, which is not read. Columns with * are required; their order is free.",
        "信用代码、文号等先设为文本格式（模板已设好），以免被改成数值。金额最多两位小数。",
        "Codes and references are text (as set here), lest they become numbers. At most two decimals.",
    )
    for row, line in enumerate(lines, 1):
        sheet.cell(row, 1, line).font = Font(bold=row == 1)
    heads = ("工作表 sheet", "列 column", "English", "字段 field", "必填 required", "说明 help", "格式 form")
    row = len(lines) + 2
    for place, head in enumerate(heads, 1):
        sheet.cell(row, place, head).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(place)].width = (26, 22, 22, 18, 14, 70, 60)[place - 1]
    for table in tables:
        for column in template_columns(table):
            row += 1
            needed = "是 yes" if column.required else "否 no"
            help_text = f"{column.words.help.zh} · {column.words.help.en}"
            headings = (column.headings.zh, column.headings.en)
            values = (sheet_title(table), *headings, column.key, needed, help_text, form_of(column))
            for place, value in enumerate(values, 1):
                sheet.cell(row, place, value).alignment = Alignment(wrap_text=True, vertical="top")
