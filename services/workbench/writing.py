"""Papers as workbooks: the first sheet says what the paper was made from, the next ones hold its rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from domain.events.instants import SHANGHAI
from domain.money.amounts import decimal_of, print_fen
from domain.vocabulary.kinds import Words
from services.workbench.papers.paper import FINDING, Cell, Column, Paper, Parameters
from services.workbench.papers.registry import FINDINGS_BY_SLUG, PAPERS
from services.workbench.papers.terms import in_words
from services.workbench.tables import AboutBundle, read_about

PAPERS_FOLDER = "papers"
ROWS_MAX = 1_000_000
"""Most rows of one sheet; more go on in another."""
MONEY = "#,##0.00"
UNITS = {
    "fen": Words("元", "CNY"),
    "count": Words("个", "count"),
    "position": Words("账本序号", "position in the log"),
    "date": Words("日期", "date"),
    "text": Words("文字", "text"),
}
ORIGIN_WORDS = {
    "bundle": Words("审计包", "Bundle"),
    "sha256": Words("审计包 SHA-256", "SHA-256 of the bundle"),
    "policy": Words("政策", "Policy"),
    "year": Words("年度", "Year"),
    "size": Words("检查点所含数据条数", "Events of the checkpoint"),
    "root": Words("检查点根散列", "Root of the checkpoint"),
    "signed_by": Words("签署人", "Signed by"),
    "verdict": Words("核验结论", "Verdict of the verifier"),
    "faults": Words("核验发现的不符", "What does not verify"),
    "closed": Words("办结序号", "Closed at"),
    "opened_at": Words("展开时间（UTC）", "Opened at (UTC)"),
    "program": Words("程序版本", "Version of verifier and workbench"),
}


def write_papers(
    file: sqlite3.Connection,
    folder: Path,
    parameters: Parameters,
    language: str,
    papers: tuple[Paper, ...] = PAPERS,
) -> Iterator[Path]:
    """Write every paper as a workbook; what was there before is replaced."""
    out = folder / PAPERS_FOLDER
    out.mkdir(exist_ok=True)
    for paper in papers:
        path = out / f"{paper.slug}.xlsx"
        write_paper(file, path, paper, parameters, language)
        yield path


def write_paper(
    file: sqlite3.Connection, path: Path, paper: Paper, parameters: Parameters, language: str
) -> None:
    """Write one paper, row by row."""
    book = Workbook(write_only=True)
    front = book.create_sheet(Words("说明", "About").in_language(language))
    sheet = _begin_sheet(book, paper, language, 1)
    count = total = sheets = 0
    places = [place for place, column in enumerate(paper.columns) if column.unit == "fen"]
    for row in paper.rows(file, parameters):
        if count and count % ROWS_MAX == 0:
            sheets += 1
            sheet = _begin_sheet(book, paper, language, sheets + 1)
        count += 1
        total += int(row[places[0]] or 0) if places else 0
        sheet.append(
            [_cell(sheet, value, column, language) for value, column in zip(row, paper.columns, strict=True)]
        )
    for name, value in describe_paper(paper, read_about(file), parameters, language, count, total):
        front.append([_text(front, name, bold=True), _text(front, value)])
    front.column_dimensions["A"].width, front.column_dimensions["B"].width = 34, 90
    book.save(path)


def describe_paper(
    paper: Paper, origin: AboutBundle, parameters: Parameters, language: str, count: int, total_fen: int
) -> Iterator[tuple[str, str]]:
    """What stands before a paper's rows: its origin, parameters, population, and what was not looked at."""

    def words(zh: str, en: str) -> str:
        return Words(zh, en).in_language(language)

    yield paper.title.in_language(language), paper.slug
    for name, value in origin._asdict().items():
        if value != "":
            yield ORIGIN_WORDS[name].in_language(language), str(value)
    dated = datetime.now(UTC).astimezone(SHANGHAI)
    yield words("底稿日期", "Date of the paper"), f"{dated:%Y-%m-%d %H:%M} (UTC+8)"
    for name, value in msgspec.to_builtins(parameters).items():
        shown = print_fen(value, "CNY") if name.endswith("_fen") else str(value)
        yield f"{words('参数', 'Parameter')} {name.removesuffix('_fen')}", shown
    yield words("行数", "Rows"), f"{count:,}"
    if any(column.unit == "fen" for column in paper.columns):
        yield words("金额合计", "Total"), print_fen(total_fen, "CNY")
    yield words("查看了", "Looked at"), paper.looked.in_language(language)
    yield words("没有查看", "Not looked at"), paper.not_looked.in_language(language)


def head_of(column: Column, language: str) -> str:
    """A column's head, with its unit."""
    title = column.words.in_language(language)
    if column.unit == "text":
        return title
    unit = UNITS[column.unit].in_language(language)
    return f"{title} ({unit})" if language == "en" else f"{title}（{unit}）"


def show_cell(value: Cell, column: Column, language: str) -> str:
    """A cell as text: amounts as money, exceptions by their words."""
    if value is None:
        return ""
    if column.unit == "fen":
        return print_fen(int(value), "CNY")
    if column == FINDING:
        return FINDINGS_BY_SLUG[str(value)].in_language(language)
    if column.unit == "count" and isinstance(value, int):
        return f"{value:,}"
    return in_words(str(value), language)


def _begin_sheet(book: Workbook, paper: Paper, language: str, number: int) -> Any:
    sheet: Any = book.create_sheet(f"{paper.slug[:26]}-{number}")
    sheet.freeze_panes = "A2"
    for place in range(len(paper.columns)):
        sheet.column_dimensions[chr(ord("A") + place)].width = 24
    sheet.append([_text(sheet, head_of(column, language), bold=True) for column in paper.columns])
    return sheet


def _cell(sheet: WriteOnlyWorksheet, value: Cell, column: Column, language: str) -> Any:
    if value is None or isinstance(value, str):
        return _text(sheet, show_cell(value, column, language))
    number: Any = decimal_of(value) if column.unit == "fen" else value
    cell = WriteOnlyCell(sheet, number)
    if column.unit == "fen":
        cell.number_format = MONEY
    return cell


def _text(sheet: WriteOnlyWorksheet, text: str, bold: bool = False) -> Any:
    """Text as text: nothing in it is a formula."""
    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub(" ", text))
    cell.data_type = "s"
    if bold:
        cell.font = Font(bold=True)
    return cell
