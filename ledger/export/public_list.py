"""The public list (公示名单): who is to be paid how much for what, as it is put up for objections.

It holds no bank account and no person; credit codes and the names of individual businesses can be
masked. Both forms are streamed, and the sums must be those of the head.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TextIO

from domain.money.amounts import CURRENCIES, print_fen
from domain.money.capitals import in_words
from domain.things import masking
from domain.things.masking import CODE, PERSON
from ledger.export import official
from ledger.export.books import NotExportable, Tick, no_tick
from ledger.export.official import CENTRED, FOOTNOTE, HEAD, NOTE, TOTAL, TOTAL_MONEY, WORDS, Form, zh_day
from ledger.export.payment_files import csv_text

SHEET = "公示名单"
MONEY_HEADS = ("应奖励", "从高不重复扣除", "按比例下调", "应兑现")
HEADS = ("序号", "统一社会信用代码", "企业名称", "所在镇（街道）", "奖励项目（应奖励／应兑现）")

WIDTHS = (8, 22, 30, 14, 46, 16, 18, 16, 16)
HEAD_ROWS = (6, 7)
"""The rows that hold the heads of the columns."""
FIRST_ROW = 8


class MeasureShare(NamedTuple):
    """What an enterprise is awarded under one measure, in fen."""

    title: str
    gross: int
    payable: int


class PublicLine(NamedTuple):
    """An enterprise: what it is awarded by measure, and its sums in fen."""

    code: str
    name: str
    town: str
    measures: Sequence[MeasureShare]
    gross: int
    withheld: int
    reduction: int
    payable: int

    @property
    def sums(self) -> tuple[int, int, int, int]:
        """Gross, withheld, reduction and payable, in fen."""
        return self.gross, self.withheld, self.reduction, self.payable


@dataclass(frozen=True, slots=True)
class PublicHead:
    """What stands above and below the list; amounts in fen, days ``YYYY-MM-DD``.

    ``total`` is what shares the budget, ``factor`` says the fraction and the percentage, ``digest``
    is the list's in hexadecimal, ``position`` the ledger's.
    """

    title: str
    number: str
    year: int
    from_day: str
    until_day: str
    budget: int
    total: int
    payable: int
    factor: str
    digest: str
    position: int
    count: int
    contact: str = ""
    authority: str = ""
    """Who signs, in Chinese."""
    issued_on: str = ""
    """The day it is signed; where empty there is room for it."""
    root: str = ""
    """The root of the list as data (``domain.settlement.public_list``), in hex, once it is published."""
    currency: str = "CNY"
    pots: tuple[str, ...] = ()
    """Of several budgets, what each had, what shared it, and its factor."""


def masked(line: PublicLine, mask: tuple[str, ...]) -> PublicLine:
    """A line with what must not be seen hidden (see ``domain.things.masking.masked``)."""
    code, name = masking.masked(line.code, line.name, line.town, mask)
    return line._replace(code=code, name=name)


def _checked(head: PublicHead, lines: Iterable[PublicLine], tick: Tick) -> Iterator[PublicLine]:
    """The lines; each adds up, and so do all of them.

    Raises:
        NotExportable.
    """
    count = payable = 0
    for line in lines:
        by_measure = (
            sum(share.gross for share in line.measures),
            sum(share.payable for share in line.measures),
        )
        due = line.gross - line.withheld - line.reduction
        if due != line.payable or by_measure != (line.gross, line.payable):
            raise NotExportable(f"{line.code} 的各项金额与合计不符（分）：{line.sums} {by_measure}")
        count, payable = count + 1, payable + line.payable
        yield line
        tick()
    if (count, payable) != (head.count, head.payable):
        raise NotExportable(
            f"名单 {count} 户共 {payable} 分，与公示所记 {head.count} 户共 {head.payable} 分不符"
        )


def measure_words(share: MeasureShare) -> str:
    """What an enterprise is awarded under one measure in words: its title, gross and payable in yuan."""
    return f"{share.title} {print_fen(share.gross, grouped=True)}／{print_fen(share.payable, grouped=True)}"


def _measures(line: PublicLine, between: str) -> str:
    return between.join(measure_words(share) for share in line.measures)


def write_csv(
    out: TextIO, head: PublicHead, lines: Iterable[PublicLine], mask: tuple[str, ...], tick: Tick = no_tick
) -> None:
    """Write the list as CSV: UTF-8 with a byte order mark, amounts in plain yuan.

    ``out`` is opened with ``newline=""``.

    Raises:
        NotExportable: at the end, where the sums are not those of the head.
    """
    out.write("\ufeff")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(
        [*HEADS, *(f"{listed_line}（{CURRENCIES[head.currency].unit}）" for listed_line in MONEY_HEADS)]
    )
    for number, listed_line in enumerate(_checked(head, lines, tick), 1):
        line = masked(listed_line, mask)
        texts = (line.code, line.name, line.town, _measures(line, "；"))
        writer.writerow([number, *map(csv_text, texts), *map(print_fen, line.sums)])


def write_xlsx(
    path: Path, head: PublicHead, lines: Iterable[PublicLine], mask: tuple[str, ...], tick: Tick = no_tick
) -> None:
    """Write the list as an official annex, ready for print on A4 across.

    Raises:
        NotExportable: where the sums are not those of the head, or a sheet has too few rows; then
            nothing is written.
    """
    official.room_for(FIRST_ROW + head.count)
    with official.workbook(path) as book:
        form = Form(book, SHEET, WIDTHS, landscape=True)
        form.freeze(*HEAD_ROWS)
        _above(form, head)
        for number, listed_line in enumerate(_checked(head, lines, tick), 1):
            official.room_for(form.row)
            _line(form, number, masked(listed_line, mask))
        _below(form, head, mask)


def _line(form: Form, number: int, line: PublicLine) -> None:
    cells = [form.number(number), form.text(line.code, CENTRED), form.text(line.name, WORDS)]
    cells += [form.text(line.town, CENTRED), form.text(_measures(line, "\n"), WORDS)]
    form.add([*cells, *map(form.money, line.sums)])


def _above(form: Form, head: PublicHead) -> None:
    unit = CURRENCIES[head.currency].unit
    sums = (head.budget, head.total, head.payable)
    budget, total, payable = (print_fen(fen, grouped=True) for fen in sums)
    form.spread("附件", official.ANNEX, 24)
    form.title(head.title)
    days = f"公示期：{zh_day(head.from_day)}至{zh_day(head.until_day)}" if head.from_day else "未公示"
    form.spread("　　".join(filter(None, (head.number, f"{head.year}年度", days))), NOTE)
    form.spread(
        f"预算 {budget} {unit}，参与分配 {total} {unit}，兑现系数 {head.factor}，应兑现 {payable} {unit}",
        NOTE,
    )
    form.spread(f"单位：{CURRENCIES[head.currency].unit}", official.RIGHT)
    top, below = HEAD_ROWS
    names = (*HEADS, "金额", "", "", "")
    form.heads(names)
    form.add(form.text(name, HEAD) for name in ("",) * len(HEADS) + MONEY_HEADS)
    for letter in "ABCDE":
        form.merge(f"{letter}{top}:{letter}{below}")
    form.merge(f"F{top}:{form.last}{top}")


def _below(form: Form, head: PublicHead, mask: tuple[str, ...]) -> None:
    total, last = form.row, form.row - 1
    sums = [f"SUM({letter}{FIRST_ROW}:{letter}{last})" if last >= FIRST_ROW else "0" for letter in "FGHI"]
    form.merge(f"A{total}:E{total}")
    label = [form.text(f"合计（{head.count} 户）" if not index else "", TOTAL) for index in range(5)]
    form.add([*label, *(form.sum(each, TOTAL_MONEY) for each in sums)], official.TOTAL_POINTS)
    words = in_words("应兑现合计", head.payable, head.currency)
    form.merge(f"A{form.row}:{form.last}{form.row}")
    form.add([form.text(words if not index else "", WORDS) for index in range(len(WIDTHS))], 22)
    for note in _notes(head, mask):
        form.spread(note, FOOTNOTE)
    form.signed(head.authority, head.issued_on)


def _notes(head: PublicHead, mask: tuple[str, ...]) -> Iterator[str]:
    """What a reader has to know, numbered."""
    yield "注：1. 应兑现 = 应奖励 − 从高不重复扣除 − 按比例下调。"
    contact = f"，联系方式：{head.contact}" if head.contact else ""
    yield f"　　2. 对名单有异议的，请在公示期内以书面形式提出{contact}。"
    hidden = [{CODE: "信用代码中间六位", PERSON: "个体工商户名称中的人名"}[pot_words] for pot_words in mask]
    after = f"{'、'.join(hidden)}以 * 号隐去；" if hidden else ""
    yield f"　　3. {after}本名单依据账本第 {head.position} 号记录生成，摘要（SHA-256）：{head.digest}。"
    if head.root:
        yield f"　　4. 名单数据可逐笔重算和核对，校验值：{head.root}。"
    for number, pot_words in enumerate(head.pots, start=5 if head.root else 4):
        yield f"　　{number}. {pot_words}。"
