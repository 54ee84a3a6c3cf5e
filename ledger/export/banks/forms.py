"""Payments in the form that a bank's import takes: what each form is like stands in forms/NAME.yaml.

There is one writer; another bank is another file. The forms say where they come from and whether the bank
confirmed them: a bureau tries one with a small batch before it relies on it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from domain.money.amounts import print_fen
from ledger.export.books import NotExportable, Tick, no_tick
from ledger.export.file_faults import Faults
from ledger.export.payment_files import (
    Payee,
    PaymentFile,
    PaymentLine,
    Payments,
    check,
    clean,
    fitted,
    still_the_same,
)

ROWS_MAX = 1_000_000
"""Most payments of a form that names no limit: what a sheet holds."""


class FormColumn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A column: its heading, which value stands in it (``VALUES``), and how long that may be."""

    heading: str
    value: str
    most: int = 0
    """Most characters or bytes; 0 where the form names no limit."""
    texts: tuple[str, str] = ("", "")
    """What stands for the bank's own accounts, and for those of others (``same_bank``)."""


class BankForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A form, as its file says it."""

    zh: str
    en: str
    source_zh: str
    source_en: str
    confirmed: bool
    """Whether the bank confirmed it."""
    file: Literal["csv", "txt", "xlsx"]
    columns: tuple[FormColumn, ...]
    encoding: Literal["utf-8", "utf-8-sig", "gb18030"] = "utf-8"
    separator: str = ","
    has_headings: bool = True
    amounts: Literal["yuan", "fen"] = "yuan"
    days: Literal["2025-04-01", "20250401"] = "2025-04-01"
    lengths: Literal["characters", "bytes"] = "characters"
    rows_max: int = ROWS_MAX
    own_bank: str = ""
    """The first digits of the CNAPS numbers of the bank's own branches."""


class _Row(msgspec.Struct, frozen=True):
    """One payment as the values of a form see it."""

    number: int
    line: PaymentLine
    payee: Payee
    file: PaymentFile
    form: BankForm


VALUES: Mapping[str, Callable[[_Row], str]] = {
    "number": lambda row: str(row.number),
    "payment": lambda row: row.line.payment,
    "code": lambda row: row.line.code,
    "enterprise": lambda row: fitted(row.line.name),
    "holder": lambda row: fitted(row.payee.name),
    "account": lambda row: row.payee.account,
    "bank": lambda row: row.payee.bank,
    "amount": lambda row: str(row.line.amount) if row.form.amounts == "fen" else print_fen(row.line.amount),
    "currency": lambda row: row.file.currency,
    "purpose": lambda row: row.file.purpose,
    "on": lambda row: row.file.on if row.form.days == "2025-04-01" else row.file.on.replace("-", ""),
    "batch": lambda row: row.file.batch,
    "payer_name": lambda row: row.file.debtor.name,
    "payer_account": lambda row: row.file.debtor.account,
    "payer_bank": lambda row: row.file.debtor.bank,
    "empty": lambda row: "",
}
"""What may stand in a column, beside ``same_bank``."""


def list_forms() -> list[str]:
    """The names of the forms, in order."""
    folder = files(__package__).joinpath("forms")
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))


@cache
def read_form(name: str) -> BankForm:
    """A form by its name.

    Raises:
        NotExportable: for a name that none has.
    """
    if name not in list_forms():
        raise NotExportable(f"没有银行文件格式 {name} — 可用：{'、'.join(list_forms())}")
    text = files(__package__).joinpath("forms", f"{name}.yaml").read_text("utf-8")
    form = msgspec.convert(yaml.safe_load(text), BankForm)
    unknown = [column.value for column in form.columns if column.value not in (*VALUES, "same_bank")]
    if unknown:
        raise ValueError(f"forms/{name}.yaml: no value is called {unknown}")
    return form


def write_form(
    path: Path,
    form: BankForm,
    file: PaymentFile,
    lines: Payments,
    payees: Mapping[str, Payee],
    tick: Tick = no_tick,
) -> None:
    """Write a batch in a bank's form; a value that does not fit is told with the line of its payee.

    Raises:
        NoPayee, NotExportable, FileError: before anything is written.
    """
    if path.suffix != f".{form.file}":
        raise NotExportable(f"{path.suffix or path.name}：{form.zh} — 文件名应以 .{form.file} 结尾")
    check(file, lines, payees)
    if file.count > form.rows_max:
        raise NotExportable(
            f"{form.zh}最多 {form.rows_max} 笔，本批 {file.count} 笔 — 按企业分批下达后分别导出"
        )
    _check_lengths(form, file, lines, payees)
    heads = [[column.heading for column in form.columns]] if form.has_headings else []
    rows = _rows(form, file, still_the_same(file, lines, tick), payees)
    if form.file == "xlsx":
        _write_sheet(path, form, heads, rows)
        return
    with path.open("w", encoding=form.encoding, newline="") as out:
        for row in chain(heads, rows):
            out.write(_text_row(form, row))


def _rows(
    form: BankForm, file: PaymentFile, lines: Iterator[PaymentLine], payees: Mapping[str, Payee]
) -> Iterator[list[str]]:
    for number, line in enumerate(lines, 1):
        row = _Row(number, line, payees[line.code], file, form)
        yield [_value(column, row) for column in form.columns]


def _value(column: FormColumn, row: _Row) -> str:
    if column.value == "same_bank":
        return column.texts[0 if row.payee.bank.startswith(row.form.own_bank) else 1]
    return clean(VALUES[column.value](row))


def _check_lengths(form: BankForm, file: PaymentFile, lines: Payments, payees: Mapping[str, Payee]) -> None:
    faults = Faults()
    payments = iter(lines() if callable(lines) else lines)
    for number, line in enumerate(payments, 1):
        row = _Row(number, line, payees[line.code], file, form)
        for column in form.columns:
            value = _value(column, row)
            length = len(value.encode("gb18030")) if form.lengths == "bytes" else len(value)
            if column.most and length > column.most:
                faults.add(
                    row.payee.line, column.heading, "form.length", value=value[:40], most=str(column.most)
                )
            if form.file == "txt" and form.separator in value:
                faults.add(row.payee.line, column.heading, "form.separator", value=value[:40])
    faults.raise_any()


def _text_row(form: BankForm, row: list[str]) -> str:
    if form.file == "txt":
        return form.separator.join(row) + "\r\n"
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=form.separator, lineterminator="\r\n").writerow(row)
    return out.getvalue()


def _write_sheet(path: Path, form: BankForm, heads: list[list[str]], rows: Iterator[list[str]]) -> None:
    """A workbook whose every cell is text, amounts too, so that no program changes a digit."""
    from openpyxl import Workbook

    from ledger.export.cells import heading_cell, text_cell

    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet("付款")
    for head in heads:
        sheet.append([heading_cell(sheet, value) for value in head])
    for row in rows:
        cells = [text_cell(sheet, value) for value in row]
        for cell in cells:
            cell.number_format = "@"
        sheet.append(cells)
    book.save(path)
