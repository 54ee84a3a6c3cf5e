"""What the finance bureau needs of a settlement: the sums of every kind, and each enterprise's payments.

Whatever follows from other figures is a live formula, so that the sheets can be checked in any
spreadsheet program; the sums must be those of the head, or nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from domain.money.amounts import CURRENCIES
from domain.money.capitals import in_words
from ledger.export import official
from ledger.export.books import NotExportable, Tick, no_tick
from ledger.export.official import CENTRED, FOOTNOTE, HEAD, MONEY, NOTE, TOTAL, TOTAL_MONEY, WORDS, Form

if TYPE_CHECKING:
    from openpyxl.cell.cell import Cell

SUMMARY, ACCOUNTS = "汇总", "支付明细"
SUMMARY_WIDTHS = (46, 12, 20, 20, 20, 20)
ACCOUNT_WIDTHS = (8, 23, 40, 18, 18, 18, 18, 18, 18, 18)
ACCOUNT_HEADS = (
    *("序号", "统一社会信用代码", "企业名称", "应兑现", "支付在途", "已支付"),
    *("支付失败", "应追回", "已追回", "尚未支付"),
)
ACCOUNT_HEAD_ROW = 4
_MONEY = "DEFGHIJ"
"""The columns of amounts in the sheet of accounts: payable, ordered, paid, failed, clawback,
recovered, outstanding."""


class Part(NamedTuple):
    """A measure's, an article's or a lead unit's share: how many enterprises, and sums in fen."""

    name: str
    enterprises: int
    gross: int
    withheld: int
    reduction: int
    payable: int


class Account(NamedTuple):
    """One enterprise, in fen."""

    code: str
    name: str
    payable: int
    ordered: int
    paid: int
    failed: int
    """Of what is to be ordered still, as much as came back from the bank."""
    clawback: int
    recovered: int


@dataclass(frozen=True, slots=True)
class SummaryHead:
    """The settlement's own figures, in fen; ``number`` is the document's, ``position`` the ledger's.

    ``title`` says what is summed up; each sheet adds what it is.
    """

    title: str
    number: str
    year: int
    budget: int
    gross: int
    withheld: int
    reduction: int
    payable: int
    count: int
    digest: str
    position: int
    authority: str = ""
    issued_on: str = ""
    currency: str = "CNY"
    pots: tuple[str, ...] = ()
    """Of several budgets, what each had, what shared it, and its factor."""


def write_xlsx(
    path: Path,
    head: SummaryHead,
    by_article: Iterable[Part],
    by_measure: Iterable[Part],
    by_lead: Iterable[Part],
    accounts: Iterable[Account],
    tick: Tick = no_tick,
) -> None:
    """Write both sheets; accounts are streamed.

    Raises:
        NotExportable: where figures do not add up, or a sheet has too few rows; then nothing is
            written.
    """
    if head.gross - head.withheld - head.reduction != head.payable:
        raise NotExportable("应奖励减去扣除和下调，与应兑现不符")
    official.room_for(head.count)
    with official.workbook(path) as book:
        summary = Form(book, SUMMARY, SUMMARY_WIDTHS, landscape=False)
        detail = Form(book, ACCOUNTS, ACCOUNT_WIDTHS, landscape=True)
        _figures(summary, head, _accounts(detail, head, accounts, tick))
        for name, parts in (("按条款", by_article), ("按奖励项目", by_measure), ("按牵头单位", by_lead)):
            _parts(summary, head, name, list(parts))
        for pot_words in head.pots:
            summary.spread(f"{pot_words}。", FOOTNOTE)
        summary.spread(f"依据账本第 {head.position} 号记录生成，摘要（SHA-256）：{head.digest}。", FOOTNOTE)
        summary.signed(head.authority, head.issued_on)


def _accounts(form: Form, head: SummaryHead, accounts: Iterable[Account], tick: Tick) -> int:
    """The sheet of enterprises; returns the row of its totals."""
    form.freeze(ACCOUNT_HEAD_ROW, ACCOUNT_HEAD_ROW)
    form.title(f"{head.title}支付明细表")
    form.spread("　　".join(filter(None, (head.number, f"{head.year}年度"))), NOTE)
    form.spread(f"单位：{CURRENCIES[head.currency].unit}", official.RIGHT)
    form.heads(ACCOUNT_HEADS)
    count = payable = 0
    for account in accounts:
        official.room_for(form.row)
        count, payable, row = count + 1, payable + account.payable, form.row
        enterprise = [form.number(count), form.text(account.code, CENTRED), form.text(account.name, WORDS)]
        form.add([*enterprise, *map(form.money, account[2:]), form.sum(f"D{row}-F{row}")])
        tick()
    if (count, payable) != (head.count, head.payable):
        raise NotExportable(
            f"支付明细 {count} 户共 {payable} 分，与汇总 {head.count} 户共 {head.payable} 分不符"
        )
    first, total = ACCOUNT_HEAD_ROW + 1, form.row
    form.merge(f"A{total}:C{total}")
    label = [form.text(f"合计（{count} 户）" if not index else "", TOTAL) for index in range(3)]
    sums = [f"SUM({letter}{first}:{letter}{total - 1})" if count else "0" for letter in _MONEY]
    form.add([*label, *(form.sum(account, TOTAL_MONEY) for account in sums)], official.TOTAL_POINTS)
    return total


def _figures(form: Form, head: SummaryHead, total_row: int) -> None:
    """The settlement in one table."""
    form.title(f"{head.title}汇总表")
    form.spread("　　".join(filter(None, (head.number, f"{head.year}年度"))), NOTE)
    form.spread(f"单位：{CURRENCIES[head.currency].unit}", official.RIGHT)
    _row(form, form.text("项目", HEAD), form.text("金额", HEAD), form.text("说明", HEAD), HEAD)
    figures = (
        ("预算", head.budget, ""),
        ("应奖励", head.gross, ""),
        ("从高不重复扣除", head.withheld, ""),
        ("按比例下调", head.reduction, ""),
        (f"应兑现（{head.count} 户）", head.payable, "应奖励 − 从高不重复扣除 − 按比例下调"),
    )
    place = {label.split("（")[0]: form.row + index for index, (label, _, _) in enumerate(figures)}
    for label, fen, note in figures:
        _row(form, form.text(label, WORDS), form.money(fen), form.text(note, WORDS))
    words = (form.text(in_words("应兑现", head.payable, head.currency), WORDS),)
    form.merge(f"A{form.row}:{form.last}{form.row}")
    form.add([*words, *(form.text("", WORDS) for _ in SUMMARY_WIDTHS[1:])], 22)
    first = form.row
    derived = (
        ("支付在途", _total("E", total_row), "支付明细合计，已下达、银行尚未答复"),
        ("已支付", _total("F", total_row), "支付明细合计"),
        ("支付失败", _total("G", total_row), "支付明细合计，失败后尚未重新下达，更正账户后重新下达"),
        ("尚未支付", f"B{place['应兑现']}-B{first + 1}", "应兑现 − 已支付"),
        ("应追回", _total("H", total_row), "支付明细合计"),
        ("已追回", _total("I", total_row), "支付明细合计"),
        ("尚未追回", f"B{first + 4}-B{first + 5}", "应追回 − 已追回"),
        ("预算结余", f"B{place['预算']}-B{first + 1}+B{first + 5}", "预算 − 已支付 + 已追回"),
    )
    for label, expression, note in derived:
        _row(form, form.text(label, WORDS), form.sum(expression), form.text(note, WORDS))


def _row(form: Form, label: Cell, amount: Cell, note: Cell, style: str = MONEY) -> None:
    """A figure: its name, its amount across two columns, what it is."""
    filler = [form.text("", style) for _ in range(3)]
    form.merge(f"B{form.row}:C{form.row}")
    form.merge(f"D{form.row}:F{form.row}")
    form.add([label, amount, filler[0], note, *filler[1:]], 22)


def _total(letter: str, row: int) -> str:
    return f"'{ACCOUNTS}'!{letter}{row}"


def _parts(form: Form, head: SummaryHead, name: str, parts: list[Part]) -> None:
    """One way of dividing the settlement up, with its sums."""
    if not parts:
        return
    if sum(part.payable for part in parts) != head.payable:
        raise NotExportable(f"{name}的应兑现合计，与汇总不符")
    form.spread("", FOOTNOTE, 14)
    form.heads((name, "户数", "应奖励", "从高不重复扣除", "按比例下调", "应兑现"))
    first = form.row
    for part in parts:
        form.add([form.text(part.name, WORDS), form.number(part.enterprises), *map(form.money, part[2:])])
    sums = [form.sum(f"SUM({letter}{first}:{letter}{form.row - 1})", TOTAL_MONEY) for letter in "CDEF"]
    # enterprises are not added up: one can have a share in several parts
    form.add([form.text("合计", TOTAL), form.number(head.count, TOTAL), *sums])
