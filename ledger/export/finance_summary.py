"""What the finance bureau needs of a settlement: the sums of every kind, and each enterprise's payments.

Beside a sum stands what is to be done next about it, which follows from the accounts as they are. What late
facts made too much of what was paid has a sheet of its own, where there is any.

Whatever follows from other figures is a live formula, so that the sheets can be checked in any
spreadsheet program; the sums must be those of the head, or nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from domain.money.amounts import CURRENCIES, print_fen
from domain.money.capitals import in_words
from ledger.export import official
from ledger.export.books import NotExportable, Tick, no_tick
from ledger.export.official import CENTRED, FOOTNOTE, HEAD, MONEY, NOTE, TOTAL, TOTAL_MONEY, WORDS, Form

if TYPE_CHECKING:
    from openpyxl.cell.cell import Cell

SUMMARY, ACCOUNTS, OVERPAID = "汇总", "支付明细", "多付与追回"
SUMMARY_WIDTHS = (46, 12, 20, 20, 20, 20)
ACCOUNT_WIDTHS = (8, 23, 40, 18, 18, 18, 18, 18, 18, 18)
ACCOUNT_HEADS = (
    *("序号", "统一社会信用代码", "企业名称", "应兑现", "支付在途", "已支付"),
    *("支付失败", "应追回", "已追回", "尚未支付"),
)
OVERPAID_WIDTHS = (8, 23, 36, 36, 18, 18, 18, 18, 18, 18, 16)
OVERPAID_HEADS = (
    *("序号", "统一社会信用代码", "企业名称", "奖励项目", "办结时应奖励", "其中已拨付", "多付"),
    *("已下达追回", "已收回", "尚未收回", "状态"),
)
ACCOUNT_HEAD_ROW = 4
NOTE_CHARS = 28
"""How many characters of a note stand on one line."""
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


class OverpaidLine(NamedTuple):
    """An award that late facts lowered after it was settled, in fen, with its enterprise and its title."""

    code: str
    name: str
    title: str
    awarded: int
    paid: int
    overpaid: int
    ordered: int
    recovered: int
    due: int
    stage: str
    to_order: int = 0


class AccountTotals(NamedTuple):
    """What the accounts come to, in fen; ``row`` is that of the totals in their sheet."""

    row: int
    payable: int
    ordered: int
    paid: int
    failed: int
    clawback: int
    recovered: int

    @property
    def outstanding(self) -> int:
        """What is not paid."""
        return self.payable - self.paid


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
    is_closed: bool = True
    """Whether payments may be ordered."""


def write_xlsx(
    path: Path,
    head: SummaryHead,
    by_article: Iterable[Part],
    by_measure: Iterable[Part],
    by_lead: Iterable[Part],
    accounts: Iterable[Account],
    tick: Tick = no_tick,
    overpaid: Sequence[OverpaidLine] = (),
) -> None:
    """Write the sheets; accounts are streamed.

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
        to_order = sum(line.to_order for line in overpaid)
        _figures(summary, head, _accounts(detail, head, accounts, tick), to_order)
        if overpaid:
            _write_overpaid(Form(book, OVERPAID, OVERPAID_WIDTHS, landscape=True), head, overpaid)
        for name, parts in (("按条款", by_article), ("按奖励项目", by_measure), ("按牵头单位", by_lead)):
            _parts(summary, head, name, list(parts))
        for pot_words in head.pots:
            summary.spread(f"{pot_words}。", FOOTNOTE)
        summary.spread(f"依据账本第 {head.position} 号记录生成，摘要（SHA-256）：{head.digest}。", FOOTNOTE)
        summary.signed(head.authority, head.issued_on)


def _accounts(form: Form, head: SummaryHead, accounts: Iterable[Account], tick: Tick) -> AccountTotals:
    """The sheet of enterprises; returns its totals."""
    form.freeze(ACCOUNT_HEAD_ROW, ACCOUNT_HEAD_ROW)
    form.title(f"{head.title}支付明细表")
    form.spread("　　".join(filter(None, (head.number, f"{head.year}年度"))), NOTE)
    form.spread(f"单位：{CURRENCIES[head.currency].unit}", official.RIGHT)
    form.heads(ACCOUNT_HEADS)
    count, sums = 0, [0] * 6
    for account in accounts:
        official.room_for(form.row)
        count, row = count + 1, form.row
        sums = [total + fen for total, fen in zip(sums, account[2:], strict=True)]
        enterprise = [form.number(count), form.text(account.code, CENTRED), form.text(account.name, WORDS)]
        form.add([*enterprise, *map(form.money, account[2:]), form.sum(f"D{row}-F{row}")])
        tick()
    if (count, sums[0]) != (head.count, head.payable):
        raise NotExportable(
            f"支付明细 {count} 户共 {sums[0]} 分，与汇总 {head.count} 户共 {head.payable} 分不符"
        )
    first, total = ACCOUNT_HEAD_ROW + 1, form.row
    form.merge(f"A{total}:C{total}")
    label = [form.text(f"合计（{count} 户）" if not index else "", TOTAL) for index in range(3)]
    formulas = [f"SUM({letter}{first}:{letter}{total - 1})" if count else "0" for letter in _MONEY]
    form.add([*label, *(form.sum(formula, TOTAL_MONEY) for formula in formulas)], official.TOTAL_POINTS)
    return AccountTotals(total, *sums)


def _write_overpaid(form: Form, head: SummaryHead, lines: Sequence[OverpaidLine]) -> None:
    """The sheet of what was paid too much, award by award, with its sums."""
    form.freeze(ACCOUNT_HEAD_ROW, ACCOUNT_HEAD_ROW)
    form.title(f"{head.title}{OVERPAID}表")
    form.spread("　　".join(filter(None, (head.number, f"{head.year}年度"))), NOTE)
    form.spread(f"单位：{CURRENCIES[head.currency].unit}", official.RIGHT)
    form.heads(OVERPAID_HEADS)
    for number, line in enumerate(lines, 1):
        official.room_for(form.row)
        texts = [form.text(line.code, CENTRED), form.text(line.name, WORDS), form.text(line.title, WORDS)]
        money = [form.money(fen) for fen in line[3:9]]
        form.add([form.number(number), *texts, *money, form.text(line.stage, CENTRED)])
    first, total = ACCOUNT_HEAD_ROW + 1, form.row
    form.merge(f"A{total}:D{total}")
    label = [form.text("合计" if not index else "", TOTAL) for index in range(4)]
    sums = [form.sum(f"SUM({letter}{first}:{letter}{total - 1})", TOTAL_MONEY) for letter in "EFGHIJ"]
    form.add([*label, *sums, form.text("", TOTAL)], official.TOTAL_POINTS)
    form.spread("追回的是奖励中已拨付的部分，不是应奖励的全额；多付 = 已下达追回 + 待下达追回。", FOOTNOTE)


def describe_next_steps(totals: AccountTotals, to_order: int, is_closed: bool, currency: str) -> list[str]:
    """What is to be done next about each figure that follows from the accounts, in their order.

    ``to_order`` is what was paid too much and is not ordered back, in fen.
    """
    waiting = totals.outstanding - totals.ordered - totals.failed
    again = "失败的，更正账户后重新下达" if totals.failed else ""
    first = ("尚未下达的，下达拨付" if is_closed else "办结后下达拨付") if waiting else ""
    under_way = "在途的，等待银行答复" if totals.ordered else ""
    unpaid = [again, first, under_way] if totals.outstanding else ["已全部支付"]
    too_much = f"另有多付 {print_fen(to_order, currency)} 待下达追回，见“{OVERPAID}”" if to_order else ""
    back = "催告企业退回，到账后登记" if totals.clawback > totals.recovered else "没有待收回的"
    return [
        "已下达，等待银行答复，收到后登记" if totals.ordered else "没有在途的支付",
        "支付明细合计",
        "失败后尚未重新下达，更正账户后重新下达" if totals.failed else "没有须重新下达的",
        "；".join(filter(None, ["应兑现 − 已支付", *unpaid])),
        "；".join(filter(None, ["支付明细合计", too_much])),
        "支付明细合计",
        f"应追回 − 已追回；{back}",
        "预算 − 已支付 + 已追回",
    ]


def _figures(form: Form, head: SummaryHead, totals: AccountTotals, to_order: int) -> None:
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
        ("支付在途", _total("E", totals.row)),
        ("已支付", _total("F", totals.row)),
        ("支付失败", _total("G", totals.row)),
        ("尚未支付", f"B{place['应兑现']}-B{first + 1}"),
        ("应追回", _total("H", totals.row)),
        ("已追回", _total("I", totals.row)),
        ("尚未追回", f"B{first + 4}-B{first + 5}"),
        ("预算结余", f"B{place['预算']}-B{first + 1}+B{first + 5}"),
    )
    notes = describe_next_steps(totals, to_order, head.is_closed, head.currency)
    for (label, expression), note in zip(derived, notes, strict=True):
        _row(form, form.text(label, WORDS), form.sum(expression), form.text(note, WORDS))


def _row(form: Form, label: Cell, amount: Cell, note: Cell, style: str = MONEY) -> None:
    """A figure: its name, its amount across two columns, what it is and what is to be done about it."""
    filler = [form.text("", style) for _ in range(3)]
    form.merge(f"B{form.row}:C{form.row}")
    form.merge(f"D{form.row}:F{form.row}")
    lines = -(-len(str(note.value or "")) // NOTE_CHARS)
    form.add([label, amount, filler[0], note, *filler[1:]], 22 if lines <= 1 else 16 * lines)


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
