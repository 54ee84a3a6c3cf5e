"""The sheet 按比例分配: the apportionment to the fen as formulas that a spreadsheet works out anew.

A spreadsheet counts in doubles, which hold whole numbers up to 2**53, while an award times the
budget is larger. So the award is taken a few decimal digits at a time, as in long division:

    s1 = d1 · budget                 q1 = INT(s1 / total)      r1 = s1 − q1 · total
    s2 = r1 · base + d2 · budget     q2 = INT(s2 / total)      r2 = s2 − q2 · total   …

Every remainder is below ``total`` and every digit below ``base``, so every s is below
2 · total · base. That is kept at or below 2**44, where quotients, differences and comparisons
are exact also with the tolerance that LibreOffice gives them.

The spare fen go to the largest remainders. Instead of a rank for every award, which would cost
the square of their number, one cell finds the remainder at which the spare fen end (``LARGE``),
and awards that stand exactly there are numbered in order of credit code, measure and year.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from openpyxl.utils import get_column_letter

from domain.settlement.payables import Line, Payable, basis
from ledger.export.books import Books, NotExportable
from ledger.export.cells import LongSheet, Markup

SHEET = "按比例分配 Pro-rata"
ROWS_MAX = 1_048_576
"""Most rows of a sheet."""
STEP_MAX = 2**44
"""Largest whole number that a step of the division may reach."""
BASES = (1_000, 100, 10)
HEAD_ROW = 15
FIRST_ROW = HEAD_ROW + 1

BUDGET, TOTAL, BASE, SPARE, CUT, TIES, SHARED = "$B$1", "$B$2", "$B$4", "$B$6", "$B$7", "$B$9", "$B$10"


@dataclass(frozen=True, slots=True)
class Plan:
    """How many awards share a pot (``domain.money.dividing``), and how the division is cut up."""

    sheet: str
    pot: str
    rows: int
    largest: int
    base: int
    digits: int

    @property
    def last_row(self) -> int:
        """The last row of awards; an empty one where there is none."""
        return HEAD_ROW + max(self.rows, 1)

    def column(self, number: int) -> str:
        """The letters of a column after the digits' columns, counted from 0."""
        return get_column_letter(6 + self.digits + number)

    def range(self, letters: str) -> str:
        """All awards' cells of a column."""
        return f"${letters}${FIRST_ROW}:${letters}${self.last_row}"


def shared_by(books: Books, line: Line, pot: str = "") -> int:
    """What of an award shares a pot, in fen."""
    is_shared = line.pot == pot and books.inside(line)
    return basis(books.book.of_year(line.year), line.gross, line.withheld) if is_shared else 0


def plans(books: Books) -> list[Plan]:
    """A sheet for each pot; where there is one, without a number."""
    pots = list(books.pool.shares.pots)
    if pots == [""]:
        return [plan(books)]
    return [plan(books, pot, SHEET.replace(" ", f"{number} ")) for number, pot in enumerate(pots, start=1)]


def plan(books: Books, pot: str = "", sheet: str = SHEET) -> Plan:
    """Look through the awards once, so that the formulas can name their last row.

    Raises:
        NotExportable: where the sheet could not hold the awards, or not compute them exactly.
        ArithmeticError: where the awards do not sum to the pool's total.
    """
    rows = largest = total = 0
    for line in books.lines():
        fen = shared_by(books, line, pot)
        rows += fen > 0
        largest = max(largest, fen)
        total += fen
    if total != books.pool.shares.apportionment_of(pot).total:
        raise ArithmeticError(
            f"the awards sum to {total} fen, the pool to {books.pool.shares.apportionment_of(pot).total}"
        )
    if rows > ROWS_MAX - HEAD_ROW:
        raise NotExportable(f"{rows} awards do not fit a sheet of {ROWS_MAX} rows — export parquet instead")
    base = next((each for each in BASES if 2 * total * each <= STEP_MAX), None)
    if base is None:
        raise NotExportable(f"a sheet cannot divide {total} fen exactly — export parquet instead")
    digits = 1
    while base**digits <= largest:
        digits += 1
    return Plan(sheet, pot, rows, largest, base, digits)


def write_head(sheet: LongSheet, books: Books, plan: Plan) -> None:
    """The figures that all awards share, and the headings."""
    remainder, floor, _, _, share, paid, ledger = (plan.range(plan.column(n)) for n in range(7))
    basis_range = plan.range("D")
    figures: list[tuple[str, Markup]] = [
        ("预算（分） Budget, fen", sheet.whole_number(books.pool.shares.apportionment_of(plan.pot).budget)),
        ("参与分配合计 Sum that shares it", sheet.formula(f"SUM({basis_range})")),
        ("兑现系数 Factor", sheet.formula(f"IF({TOTAL}<={BUDGET},1,{BUDGET}/{TOTAL})", "0.0000%")),
        ("分段基数 Base of the digits", sheet.whole_number(plan.base)),
        ("向下取整合计 Sum of floors", sheet.formula(f"SUM({floor})")),
        ("尾差（分） Spare fen", sheet.formula(f"IF({TOTAL}<={BUDGET},0,{BUDGET}-$B$5)")),
        (
            "分界余数 Remainder at the cut",
            sheet.formula(f"IF({SPARE}>0,LARGE({remainder},{SPARE}),{TOTAL})"),
        ),
        ("余数大于分界的笔数 Above the cut", sheet.formula(f"SUMPRODUCT(--({remainder}>{CUT}))")),
        ("余数等于分界且补一分的笔数 At the cut, with a fen", sheet.formula(f"{SPARE}-$B$8")),
        ("分配合计 Sum of shares", sheet.formula(f"SUM({share})")),
        ("应兑现合计 Sum payable", sheet.formula(f"SUM({paid})")),
        ("计算精确 Computed exactly", sheet.formula(_exact(basis_range, plan), "General")),
        (
            "与账本一致 Same as the ledger",
            sheet.formula(f'IF(SUMPRODUCT(--({paid}<>{ledger}))=0,"YES","NO")', "General"),
        ),
    ]
    for label, cell in figures:
        sheet.append([sheet.heading(label), cell])
    sheet.append([sheet.heading(f"列支项 Pot: {plan.pot}")] if plan.pot else [])
    steps = [f"第{n}段 s{n}" for n in range(1, plan.digits + 1)]
    names = [
        "信用代码 Code",
        "条款 Measure",
        "年度 Year",
        "参与分配（分） Shares, fen",
        "另扣（分） Withheld after",
    ]
    names += [*steps, "余数 Remainder", "向下取整 Floor", "同余序号 Tie", "补一分 Spare fen"]
    names += ["分配（分） Share", "应兑现（分） Payable, fen", "账本应兑现（分） Ledger's"]
    sheet.append([sheet.heading(name) for name in names])


def _exact(basis_range: str, plan: Plan) -> str:
    fits = f"2*{TOTAL}*{BASE}<={STEP_MAX}"
    return f'IF(AND({fits},MAX({basis_range})<{plan.base**plan.digits}),"YES","NO")'


def write_award(sheet: LongSheet, books: Books, plan: Plan, row: int, line: Line, paid: Payable) -> None:
    """One award's row; ``paid`` is what the ledger says."""
    after = line.withheld if books.book.of_year(line.year).pro_rata == "standards-first" else 0
    cells = [sheet.text(line.code), sheet.text(line.measure), sheet.whole_number(line.year)]
    cells += [sheet.whole_number(shared_by(books, line, plan.pot)), sheet.whole_number(after)]
    worked_out = [sheet.formula(expression) for expression in _expressions(plan, row)]
    sheet.append([*cells, *worked_out, sheet.whole_number(paid.payable)])


def _expressions(plan: Plan, row: int) -> Iterator[str]:
    """The division, the remainder's place, and what follows."""
    quotients = []
    before = ""
    for number in range(plan.digits):
        unit = plan.base ** (plan.digits - 1 - number)
        digit = f"INT($D{row}/{unit})"
        if number:
            digit = f"({digit}-INT($D{row}/{unit * plan.base})*{BASE})"
        yield f"{before}{digit}*{BUDGET}"
        step = f"{get_column_letter(6 + number)}{row}"
        quotients.append(f"INT({step}/{TOTAL})*{unit}")
        rest_of_step = f"{step}-INT({step}/{TOTAL})*{TOTAL}"
        before = f"({rest_of_step})*{BASE}+"
    remainder, floor, tie, extra, share = (f"{plan.column(n)}{row}" for n in range(5))
    yield rest_of_step
    yield "+".join(quotients)
    so_far = f"{plan.column(2)}{row - 1}+" if row > FIRST_ROW else ""
    yield f"{so_far}IF({remainder}={CUT},1,0)"
    yield f"IF({remainder}>{CUT},1,IF(AND({remainder}={CUT},{tie}<={TIES}),1,0))"
    yield f"IF({TOTAL}<={BUDGET},$D{row},{floor}+{extra})"
    yield f"{share}-MIN({share},$E{row})"
