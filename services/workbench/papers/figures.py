"""Figures that stand out: outliers, growth, shares of the total, first digits, year against year.

Floats are for display and ranking of statistics alone; no amount is computed with them.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from fractions import Fraction
from statistics import median

from domain.money.amounts import print_fen
from domain.vocabulary.kinds import Words
from services.workbench.papers.paper import COUNTING, FINDINGS, Paper, PaperRow, Parameters, ask, column

LEAST = 10
"""Fewest amounts of one kind and year that a robust z is worked out of."""
NORMAL = 0.6745
"""The median absolute deviation of a standard normal distribution (Iglewicz and Hoaglin 1993)."""
_SUMS = (
    "SELECT f.kind, f.year, f.code, SUM(f.amount_fen), MAX(f.position) FROM facts f WHERE f.amount_fen>0 AND "
    f"f.currency IN ('CNY', '') AND {COUNTING} AND f.year IN (:year, :year-1) "
    "GROUP BY f.kind, f.year, f.code ORDER BY f.kind, f.year, f.code"
)
_SHARES = (
    "SELECT code, 'large-share', SUM(payable_fen), 0, "
    "(SUM(payable_fen) * 100 / (SELECT SUM(payable_fen) FROM list_lines WHERE year=:year)) || ' %' "
    "FROM list_lines WHERE year=:year GROUP BY code HAVING SUM(payable_fen) * 100 >= :share_percent * "
    "(SELECT SUM(payable_fen) FROM list_lines WHERE year=:year) AND SUM(payable_fen)>0 ORDER BY 3 DESC"
)


def _find_outliers(file: sqlite3.Connection, parameters: Parameters) -> Iterator[PaperRow]:
    groups: dict[tuple[str, int], dict[str, tuple[int, int]]] = {}
    for kind, year, code, fen, position in file.execute(_SUMS, parameters.bound()):
        groups.setdefault((kind, year), {})[code] = (fen, position)
    for (kind, year), amounts in groups.items():
        if year != parameters.year:
            continue
        yield from _far_from_median(kind, amounts, parameters)
        before = groups.get((kind, year - 1), {})
        for code, (fen, position) in amounts.items():
            base = before.get(code, (0, 0))[0]
            if base and fen >= parameters.growth_times * base:
                times = Fraction(fen, base)
                yield (
                    code,
                    "grew",
                    fen - base,
                    position,
                    f"{kind}: ×{int(times)} ({print_fen(base, 'CNY')} → {print_fen(fen, 'CNY')})",
                )
    yield from file.execute(_SHARES, parameters.bound())


def _far_from_median(
    kind: str, amounts: dict[str, tuple[int, int]], parameters: Parameters
) -> Iterator[PaperRow]:
    if len(amounts) < LEAST:
        return
    logs = {code: math.log(fen) for code, (fen, _) in amounts.items()}
    middle = median(logs.values())
    spread = median(abs(value - middle) for value in logs.values())
    if not spread:
        return
    for code, value in logs.items():
        z = NORMAL * (value - middle) / spread
        if z * 10 > parameters.outlier_tenths:
            fen, position = amounts[code]
            yield code, "outlier", fen, position, f"{kind}: z {z:.1f}, n {len(logs)}"


OUTLIERS = Paper(
    "outliers",
    Words("异常数值", "Outliers"),
    Words(
        "本年度各类金额的稳健 z 值（取对数）、比上年增长倍数、占全年应付的比例",
        "robust z of the year's amounts by kind (of logarithms), growth over last year, share of the total",
    ),
    Words(
        "不足 10 家的类别；外币金额", "kinds with fewer than 10 enterprises; amounts in foreign currencies"
    ),
    FINDINGS,
    _find_outliers,
    {
        "outlier": Words("远高于同类", "far above others of its kind"),
        "grew": Words("比上年成倍增长", "grew many times over last year"),
        "large-share": Words("占全年应付的比例大", "a large share of the year's total"),
    },
)


def _count_digits(file: sqlite3.Connection, parameters: Parameters) -> Iterator[PaperRow]:
    sql = (
        "SELECT f.kind, SUBSTR(CAST(f.amount_fen AS TEXT), 1, 1), COUNT(*), MIN(f.amount_fen), "
        "MAX(f.amount_fen) "
        f"FROM facts f WHERE f.amount_fen>0 AND {COUNTING} GROUP BY 1, 2 ORDER BY 1, 2"
    )
    counted: dict[str, dict[int, int]] = {}
    least: dict[str, int] = {}
    most: dict[str, int] = {}
    for kind, digit, count, low, high in file.execute(sql):
        counted.setdefault(kind, {})[int(digit)] = count
        least[kind], most[kind] = min(low, least.get(kind, low)), max(high, most.get(kind, high))
    for kind, digits in counted.items():
        n = sum(digits.values())
        wide = most[kind] // least[kind]
        if n < parameters.benford_least or wide < 1000:
            yield kind, n, None, None, None, f"‹not-applicable›: ‹count› {n:,}, ‹range› ×{wide:,}"
            continue
        expected = {digit: math.log10(1 + 1 / digit) for digit in range(1, 10)}
        deviation = sum(abs(digits.get(d, 0) / n - expected[d]) for d in expected) / 9
        verdict = "‹nonconforming›" if deviation > NONCONFORMING else "‹conforming›"
        for digit, share in expected.items():
            words = f"{verdict}: ‹mean deviation› {deviation:.4f}"
            yield kind, n, digit, digits.get(digit, 0), round(share * n), words


NONCONFORMING = 0.015
"""Mean absolute deviation of first digits above which they do not conform (Nigrini 2012, table 7.1)."""

BENFORD = Paper(
    "benford",
    Words("首位数字（本福特定律）", "First digits (Benford)"),
    Words(
        "各类金额的首位数字；不足规定笔数或最大最小之比不足 1000 倍的不适用",
        "first digits by kind; not where there are too few, or the range is below ×1,000",
    ),
    Words(
        "不符只是线索，不是错误；按政策定额的奖励不适用",
        "a deviation is a lead, no error; fixed awards never fit",
    ),
    (
        column("类别", "Kind"),
        column("笔数", "Count", "count"),
        column("首位数字", "Digit", "count"),
        column("实有", "Observed", "count"),
        column("应有", "Expected", "count"),
        column("结论", "Verdict"),
    ),
    _count_digits,
)

YEARS = Paper(
    "years",
    Words("年度对比", "Year against year"),
    Words("包内各年度逐条款的金额和家数", "each measure's sums and enterprises, of every closed year in it"),
    Words("未办结的年度", "years that are not closed"),
    (
        column("条款", "Measure"),
        column("年度", "Year", "count"),
        column("家数", "Enterprises", "count"),
        column("应奖励", "Gross", "fen"),
        column("应付", "Payable", "fen"),
        column("比上年增减", "Change on last year", "fen"),
    ),
    ask(
        "SELECT measure, year, COUNT(DISTINCT code), SUM(gross_fen), SUM(payable_fen), SUM(payable_fen) - "
        "LAG(SUM(payable_fen)) OVER (PARTITION BY measure ORDER BY year) FROM settled WHERE policy=:policy "
        "GROUP BY measure, year ORDER BY measure, year"
    ),
)
