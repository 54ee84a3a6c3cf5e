"""A workbook (xlsx): summary, enterprises, awards with their explanations, and the apportionment.

Written row by row, so that its size does not matter to memory. Text from outside is written as
text and never as a formula.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from openpyxl import Workbook

from domain.money.wire import print_fraction, print_percent
from domain.settlement.payables import Payable
from ledger.export import pro_rata_sheet
from ledger.export.books import Books, NotExportable, PaidAward, Tick, no_tick
from ledger.export.cells import YUAN_FORMAT, LongSheet
from ledger.reading.budgets import read_budget
from ledger.reading.explained import ExplainedAward
from ledger.reading.explanations import explain_awards

SUMMARY, ENTERPRISES, AWARDS = "汇总 Summary", "企业 Enterprises", "奖励明细 Awards"
MONEY = ("应奖励 Gross", "从高不重复扣除 Withheld", "按比例下调 Reduced", "应兑现 Payable")
ENTERPRISE_COLUMNS = ("信用代码 Code", "笔数 Awards", *MONEY)
AWARD_COLUMNS = (
    *("信用代码 Code", "条款 Measure", "条 Article", "名称 Title", "年度 Year"),
    *MONEY,
    "说明 Explanation",
)

BROUGHT_IN = "{year}年度办结后到达的数据所增加的奖励，由调整转入"
"""The explanation of an award that a closed year brings in."""


def write(out: Path, books: Books, tick: Tick = no_tick) -> None:
    """Write the workbook.

    Raises:
        NotExportable: where there are more awards than a sheet has rows, or sums too large for
            a spreadsheet to divide exactly.
    """
    if sum(1 for _ in books.lines()) >= pro_rata_sheet.ROWS_MAX:
        raise NotExportable("more awards than a sheet has rows — export parquet instead")
    plans = {plan.pot: plan for plan in pro_rata_sheet.plans(books)}
    workbook = Workbook(write_only=True)
    workbook.calculation.fullCalcOnLoad = True
    summary = LongSheet(workbook, SUMMARY, (46, 22, 22, 22, 22, 22, 22))
    enterprises = LongSheet(workbook, ENTERPRISES, (22, 10, 18, 18, 18, 18), frozen="B2")
    awards = LongSheet(workbook, AWARDS, (22, 26, 8, 30, 8, 18, 18, 18, 18, 90), frozen="B2")
    shares = {
        pot: LongSheet(workbook, plan.sheet, (46, 26, 10, *(20,) * (9 + plan.digits)))
        for pot, plan in plans.items()
    }
    enterprises.append([enterprises.heading(name) for name in ENTERPRISE_COLUMNS])
    awards.append([awards.heading(name) for name in AWARD_COLUMNS])
    for pot, plan in plans.items():
        pro_rata_sheet.write_head(shares[pot], books, plan)
    row_of, count = dict.fromkeys(plans, pro_rata_sheet.FIRST_ROW), 0
    for code, group in groupby(books.awards(), key=lambda item: item[0].code):
        enterprise_awards = list(group)
        _enterprise(enterprises, code, [paid for _, paid in enterprise_awards])
        _awards(awards, books, code, enterprise_awards)
        for line, paid in enterprise_awards:
            if line.pot in plans and pro_rata_sheet.shared_by(books, line, line.pot):
                row, pot = row_of[line.pot], line.pot
                pro_rata_sheet.write_award(shares[pot], books, plans[pot], row, line, paid)
                row_of[pot] += 1
            count += 1
            tick()
    _summary(summary, books, count, [plan.sheet for plan in plans.values()])
    workbook.save(out)


def _enterprise(sheet: LongSheet, code: str, paid: list[Payable]) -> None:
    sums = (sum(column) for column in zip(*paid, strict=True))
    sheet.append([sheet.text(code), sheet.whole_number(len(paid)), *(sheet.yuan(fen) for fen in sums)])


def _awards(sheet: LongSheet, books: Books, code: str, enterprise_awards: list[PaidAward]) -> None:
    """Awards of one enterprise, each explained."""
    explained = {
        (year, award.measure): award
        for year in sorted({line.year for line, _ in enterprise_awards})
        for award in explain_awards(books.ledger, books.rows, code, books.book.id, year, books.moment).awards
    }
    for line, paid in enterprise_awards:
        award = explained.get((line.year, line.measure))
        measure = books.book.measure_of_year(line.measure, line.year)
        title = measure.title["zh"] if measure else line.measure
        head = (code, line.measure, measure.article if measure else "", title)
        # What an adjustment brings in from a closed year has no explanation of its own there.
        explanation = "\n".join(_words(award)) if award else BROUGHT_IN.format(year=line.year)
        sheet.append(
            [
                *(sheet.text(each) for each in head),
                sheet.whole_number(line.year),
                *(sheet.yuan(fen) for fen in paid),
                sheet.text(explanation, wrap=True),
            ]
        )


def _words(award: ExplainedAward) -> Iterator[str]:
    """An explanation in Chinese, a line each: steps, then highest-only and reduction, flags, documents."""
    for part in (*award.steps, *award.reductions, *award.flags):
        yield part.words["zh"]
    for source in award.sources:
        if source.based_on is not None:
            yield f"依据 #{source.position}：{source.based_on.citation}"


def _summary(sheet: LongSheet, books: Books, count: int, recomputed: list[str]) -> None:
    budget = read_budget(books.ledger, books.rows, books.book.id, books.year, books.moment)
    policy = books.policy
    facts = (
        ("政策 Policy", f"{policy.title['zh']} {policy.number}"),
        ("政策编号 Policy id", f"{books.book.id} v{policy.version}"),
        ("政策文件摘要 SHA-256", policy.digest),
        ("预算期间 Budget period", books.period),
        ("币种 Currency", policy.currency),
        ("账本位置 Ledger position", str(books.position)),
        ("奖励笔数 Awards", str(count)),
        ("兑现系数 Factor", f"{print_fraction(budget.factor)} = {print_percent(budget.factor)}"),
    )
    for label, value in facts:
        sheet.append([sheet.heading(label), sheet.text(value)])
    sums = (
        ("预算 Budget", budget.appropriation_fen),
        ("应奖励 Gross", budget.gross_fen),
        ("从高不重复扣除 Withheld", budget.withheld_fen),
        ("参与分配 Sharing the budget", budget.sharing_fen),
        ("应兑现 Payable", budget.payable_fen),
        ("其中预算外 Of it outside the budget", budget.outside_budget_fen),
    )
    for label, fen in sums:
        sheet.append([sheet.heading(label), sheet.yuan(fen)])
    cells = "+".join(f"'{name}'!$B$11" for name in recomputed)
    recomputed_sum = sheet.formula(f"({cells})/100" if len(recomputed) > 1 else f"{cells}/100", YUAN_FORMAT)
    sheet.append([sheet.heading("预算内应兑现，本表重算 Payable inside, recomputed here"), recomputed_sum])
    sheet.append([])
    names = ("条款 Measure", "条 Article", "年度 Year", "企业数 Enterprises", MONEY[0], MONEY[1], MONEY[3])
    sheet.append([sheet.heading(name) for name in names])
    for total in budget.measures:
        sheet.append(
            [
                sheet.text(f"{total.title['zh']} {total.measure}"),
                sheet.text(total.article),
                sheet.whole_number(total.year),
                sheet.whole_number(total.enterprises),
                *(sheet.yuan(fen) for fen in (total.gross_fen, total.withheld_fen, total.payable_fen)),
            ]
        )
