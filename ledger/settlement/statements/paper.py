"""The reconciliation with the bank as an official table: what each class comes to, and what is open."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from domain.money.amounts import CURRENCIES
from domain.policy.model import Policy
from domain.settlement.reconciliation import KIND_WORDS, Reconciliation, StatementFile
from ledger.export import official
from ledger.export.official import CENTRED, FOOTNOTE, MONEY, NOTE, TOTAL, TOTAL_MONEY, WORDS, Form

CLASSES, OPEN, STATEMENTS = "对账汇总", "待核实明细", "依据的对账单"
CLASS_WIDTHS, OPEN_WIDTHS = (28, 8, 20, 20, 20), (20, 34, 24, 18, 18, 18, 14)
STATEMENT_WIDTHS = (30, 14, 14, 10, 18, 74)
STATEMENT_HEADS = ("账号", "首笔记账日", "末笔记账日", "记账笔数", "登记人", "文件摘要（SHA-256）")
CLASS_HEADS = ("情形", "笔数", "已下达", "已登记付出", "银行净支出")
OPEN_HEADS = ("情形", "支付编号", "银行流水号", "已下达", "已登记付出", "银行净支出", "记账日期")


def write_reconciliation(
    path: Path,
    reconciliation: Reconciliation,
    statements: Sequence[StatementFile],
    policy: Policy,
    year: int,
    day: str,
) -> None:
    """Write the classes, what is open and the statements; ``day`` is that of the reconciliation, in China.

    Raises:
        NotExportable: where a sheet has too few rows; then nothing is written.
    """
    title = f"{policy.title['zh']}{year}年度拨付"
    unit = f"单位：{CURRENCIES[policy.currency].unit}"
    with official.workbook(path) as book:
        summary = Form(book, CLASSES, CLASS_WIDTHS, landscape=True)
        _write_classes(summary, reconciliation, f"{title}银行对账表", unit)
        summary.signed(policy.issuer, day)
        _write_open(Form(book, OPEN, OPEN_WIDTHS, landscape=True), reconciliation, title, unit)
        _write_statements(Form(book, STATEMENTS, STATEMENT_WIDTHS, landscape=True), statements, title)


def _write_classes(form: Form, reconciliation: Reconciliation, title: str, unit: str) -> None:
    form.title(title)
    form.spread(unit, official.RIGHT)
    form.heads(CLASS_HEADS)
    first = form.row
    for kind, total in reconciliation.sums.items():
        amounts = (total.ordered_fen, total.told_fen, total.booked_fen)
        form.add(
            [form.text(KIND_WORDS[kind][0], WORDS), form.number(total.number), *map(form.money, amounts)]
        )
    sums = [form.sum(f"SUM({letter}{first}:{letter}{form.row - 1})", TOTAL_MONEY) for letter in "CDE"]
    form.add([form.text("合计", TOTAL), form.number(reconciliation.total.number, TOTAL), *sums])
    form.spread("银行净支出为对账单中的支出减去退回；与本年度拨付无关的记账列入“未说明”。", FOOTNOTE)


def _write_statements(form: Form, statements: Sequence[StatementFile], title: str) -> None:
    """Each statement that the reconciliation rests on, by the digest of its file."""
    form.title(f"{title}银行对账{STATEMENTS}")
    form.spread("登记人为把该文件登记入账本的人员；摘要可由文件重新计算。", NOTE)
    form.heads(STATEMENT_HEADS)
    for statement in statements:
        official.room_for(form.row)
        form.add(
            [
                form.text("\n".join(statement.accounts) or "—", CENTRED),
                *(form.text(day or "—", CENTRED) for day in statement.days),
                form.number(len(statement.entries)),
                form.text(statement.recorded_by or "未登记", WORDS),
                form.text(statement.digest, WORDS),
            ]
        )


def _write_open(form: Form, reconciliation: Reconciliation, title: str, unit: str) -> None:
    form.freeze(3, 3)
    form.title(f"{title}待核实明细")
    form.spread(unit, NOTE)
    form.heads(OPEN_HEADS)
    for line in reconciliation.open_lines:
        official.room_for(form.row)
        references = "\n".join(entry.reference for entry in line.entries)
        days = "\n".join(entry.booked_on for entry in line.entries)
        amounts = (line.ordered_fen, line.told_fen, line.booked_fen)
        form.add(
            [
                form.text(KIND_WORDS[line.kind][0], WORDS),
                form.text(line.payment.payment if line.payment else "—", CENTRED),
                form.text(references or "—", CENTRED),
                *(form.money(fen, MONEY) for fen in amounts),
                form.text(days or "—", CENTRED),
            ]
        )
