"""A second, independent reading of the ten measures (慈政办发〔2024〕8号).

It settles one worked case straight from the clauses and the default readings of
measures.md and shares no code with the product. All money is whole fen (int);
everything in between is an exact fraction.

    python tests/oracle/oracle.py FILE...
"""

import json
import sys
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

Fact = dict[str, Any]
Key = tuple[str, ...]
Row = dict[str, Any]

# 试行, 当年度: the policy lives from 2024-01-01 until it is repealed, so a year is enough.
LIFE_START = 2024
# 本政策意见总预算资金额为 1000 万元
BUDGET = "10000000.00"


# ---------------------------------------------------------------- money and facts


def fen(yuan: str) -> int:
    """An amount written in yuan (or dollars), in hundredths."""
    hundredths = Fraction(yuan) * 100
    if hundredths.denominator != 1:
        raise ValueError(f"more than two decimals: {yuan}")
    return hundredths.numerator


def yuan(amount: int) -> str:
    """A number of fen written in yuan with two decimals."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}.{abs(amount) % 100:02d}"


def standing_facts(arrived: Iterable[Fact]) -> list[Fact]:
    """What stands after duplicates, corrections and retractions.

    The same id counts once. Corrections merge their keys in order of arrival, so of two
    the later wins; they wait for their fact. A retraction beats all corrections. A
    correction or retraction can itself be neither corrected nor retracted.
    """
    by_id: dict[str, Fact] = {}
    for fact in arrived:
        by_id.setdefault(fact["id"], fact)
    standing: dict[str, Fact] = {
        key: dict(fact) for key, fact in by_id.items() if fact["fact"] not in ("corrected", "retracted")
    }
    for change in by_id.values():
        if change["fact"] == "corrected" and change["of"] in standing:
            standing[change["of"]].update(change["with"])
    for change in by_id.values():
        if change["fact"] == "retracted":
            standing.pop(change["of"], None)
    return list(standing.values())


def select(facts: Iterable[Fact], what: str, /, **wanted: str | int) -> list[Fact]:
    """The facts of one kind whose keys have the wanted values."""
    return [
        fact
        for fact in facts
        if fact["fact"] == what and all(fact[key] == value for key, value in wanted.items())
    ]


def total(facts: Iterable[Fact]) -> int:
    """Several reports add up."""
    return sum(fen(fact["amount"]) for fact in facts)


def year_of(day: str) -> int:
    """The year of an ISO date."""
    return int(day[:4])


def earliest_records(facts: Iterable[Fact], name: str) -> dict[str, list[Fact]]:
    """For each thing with this id key: its records of the earliest date (maybe several)."""
    earliest: dict[str, list[Fact]] = {}
    for fact in facts:
        known = earliest.get(fact[name])
        if known is None or fact["on"] < known[0]["on"]:
            earliest[fact[name]] = [fact]
        elif fact["on"] == known[0]["on"]:
            known.append(fact)
    return earliest


def new_years(facts: Iterable[Fact], name: str) -> list[int]:
    """For each thing that is new within the policy's life: the year in which it is new."""
    years = [year_of(records[0]["on"]) for records in earliest_records(facts, name).values()]
    return [year for year in years if year >= LIFE_START]


def once(years: list[int], year: int, amount: str) -> int:
    """Once for the life: paid in the first of the years only."""
    return fen(amount) if years and min(years) == year else 0


# ---------------------------------------------------------------- 二 stores, branches


def store(facts: list[Fact], year: int, platform: str, amount: str) -> int:
    """Tmall or JD: once per enterprise, in the year of its first new qualifying store."""
    shops = earliest_records(select(facts, "store_registered", platform=platform), "shop")
    qualifying = [
        records[0]
        for records in shops.values()
        if any(record["kind"] in ("flagship", "specialty") for record in records)
    ]
    years = [year_of(record["on"]) for record in qualifying]
    return once([y for y in years if y >= LIFE_START], year, amount)


def store_tmall(facts: list[Fact], year: int) -> int:
    """天猫: 1 万元."""
    return store(facts, year, "tmall", "10000.00")


def store_jd(facts: list[Fact], year: int) -> int:
    """京东: 0.5 万元."""
    return store(facts, year, "jd", "5000.00")


def store_cross_border(facts: list[Fact], year: int) -> int:
    """每家店铺 0.5 万元, 单个企业最高不超过 1 万元 (over the life)."""
    years = new_years(select(facts, "store_registered", platform="cross-border"), "shop")
    each, cap = fen("5000.00"), fen("10000.00")
    before = min(cap, each * sum(1 for y in years if y < year))
    up_to_now = min(cap, each * sum(1 for y in years if y <= year))
    return up_to_now - before


def direct_sales_branch(facts: list[Fact], year: int) -> int:
    """注册直销分公司并进限: 10 万元 once, in the year of one branch's later condition."""
    registered = earliest_records(select(facts, "direct_sales_branch_registered"), "branch")
    admitted = earliest_records(select(facts, "above_quota_admitted"), "branch")
    years = [
        year_of(max(registered[branch][0]["on"], admitted[branch][0]["on"]))
        for branch in registered.keys() & admitted.keys()
    ]
    return once([y for y in years if y >= LIFE_START], year, "100000.00")


# ---------------------------------------------------------------- 三 contribution growth


def online_sales(facts: list[Fact], year: int) -> int:
    """The online sales of a year, all reports together."""
    return total(select(facts, "sales_reported", channel="online", year=year))


def growth_share(sales: int) -> Fraction:
    """1 亿 / 2 亿 / 5 亿（含）以上: 85 % / 90 % / 95 %."""
    for threshold, percent in (("500000000", 95), ("200000000", 90), ("100000000", 85)):
        if sales >= fen(threshold):
            return Fraction(percent, 100)
    return Fraction(0)


def qualifying_year(facts: list[Fact], year: int) -> int | None:
    """The first year of the life, up to the given one, with online sales of 1 亿."""
    for candidate in range(LIFE_START, year + 1):
        if growth_share(online_sales(facts, candidate)) > 0:
            return candidate
    return None


def contribution_growth(facts: list[Fact], year: int) -> int:
    """The share of the increase over the mean of the three years before the first one."""
    first = qualifying_year(facts, year)
    if first is None or year > first + 2:
        return 0
    assessed: dict[int, set[int]] = {}
    for fact in select(facts, "contribution_assessed"):
        assessed.setdefault(fact["year"], set()).add(fen(fact["amount"]))
    base_years = [y for y in range(first - 3, first) if y in assessed]
    if not base_years or year not in assessed:
        return 0
    if any(len(assessed[y]) > 1 for y in [*base_years, year]):
        return 0  # two different figures stand: held
    base = Fraction(sum(min(assessed[y]) for y in base_years), len(base_years))
    increase = min(assessed[year]) - base
    if increase <= 0:
        return 0
    award = increase * growth_share(online_sales(facts, year))
    return award.numerator // award.denominator


# ---------------------------------------------------------------- 四 brands


def brand_tier(facts: list[Fact], year: int) -> int:
    """0.5 亿 / 1 亿 / 2 亿 / 5 亿（含）: 5 万 / 10 万 / 20 万 / 30 万."""
    sales = total(select(facts, "sales_reported", channel="domestic_own_brand", year=year))
    tiers = (
        ("500000000", "300000"),
        ("200000000", "200000"),
        ("100000000", "100000"),
        ("50000000", "50000"),
    )
    for threshold, award in tiers:
        if sales >= fen(threshold):
            return fen(award)
    return 0


def brand_domestic_sales(facts: list[Fact], year: int) -> int:
    """The tier of the year less what all earlier years of the life have earned."""
    earlier = max((brand_tier(facts, y) for y in range(LIFE_START, year)), default=0)
    return max(0, brand_tier(facts, year) - earlier)


def brand_dtc_export(facts: list[Fact], year: int) -> int:
    """每 100 万美元 1.5 万元, 最高不超过 300 万元 (per year)."""
    dollars = total(select(facts, "sales_reported", channel="dtc_export_usd", year=year))
    return min(dollars // fen("1000000") * fen("15000"), fen("3000000"))


def certificate(facts: list[Fact], year: int, kind: str, amount: str) -> int:
    """Per enterprise and kind, once for the life, in the year of the first new one."""
    return once(new_years(select(facts, "brand_certified", kind=kind), "ref"), year, amount)


def brand_famous_export(facts: list[Fact], year: int) -> int:
    """入选浙江跨境电商出口知名品牌: 10 万元."""
    return certificate(facts, year, "famous_export", "100000.00")


def brand_service_trademark(facts: list[Fact], year: int) -> int:
    """新取得服务商标注册: 0.5 万元."""
    return certificate(facts, year, "service_trademark", "5000.00")


# ---------------------------------------------------------------- 六 warehouses


def warehouse(facts: list[Fact], year: int, level: str, amount: str) -> int:
    """Each warehouse once at each level, in the year of its earliest record."""
    years = new_years(select(facts, "warehouse_recognised", level=level), "warehouse")
    return fen(amount) * years.count(year)


def warehouse_ningbo(facts: list[Fact], year: int) -> int:
    """宁波优秀海外仓: 25 万元."""
    return warehouse(facts, year, "ningbo", "250000.00")


def warehouse_provincial(facts: list[Fact], year: int) -> int:
    """省级公共海外仓: 50 万元."""
    return warehouse(facts, year, "provincial", "500000.00")


# ---------------------------------------------------------------- claims and 九 design


def approved(facts: list[Fact], year: int, measure: str) -> int | None:
    """The approved claims of a measure and year, item by item; None if there are none."""
    first_of_item: dict[str, Fact] = {}
    for fact in select(facts, "claim_approved", measure=measure):
        first_of_item.setdefault(fact["item"], fact)  # a second approval is refused
    claims = [fact for fact in first_of_item.values() if fact["year"] == year]
    return total(claims) if claims else None


def claim(measure: str) -> Callable[[list[Fact], int], int]:
    """The award of a discretionary measure: what was approved (within the cap)."""
    return lambda facts, year: approved(facts, year, measure) or 0


def design(amount: int, threshold: str, percent: int, cap: str, limit: int | None) -> int:
    """A percentage from a threshold on, capped; an approved claim may carry less."""
    if amount < fen(threshold):
        return 0
    award = min(amount * percent // 100, fen(cap))
    return award if limit is None else min(award, limit)


def design_procurement(facts: list[Fact], year: int) -> int:
    """采购额 20 万元以上: 不超过 10%、最高 50 万元."""
    amount = total(select(facts, "design_purchased", year=year))
    limit = approved(facts, year, "design.procurement")
    return design(amount, "200000", 10, "500000", limit)


def design_services(facts: list[Fact], year: int) -> int:
    """销售收入 30 万元以上: 不超过 3%、最高 15 万元."""
    amount = total(select(facts, "design_services_sold", year=year))
    limit = approved(facts, year, "design.services")
    return design(amount, "300000", 3, "150000", limit)


# ---------------------------------------------------------------- settlement

# Rows of measures.md that pay. Targets, recognitions and 现行政策 (五) pay nothing.
MEASURES: dict[str, Callable[[list[Fact], int], int]] = {
    "park.transformation": claim("park.transformation"),
    "store.tmall": store_tmall,
    "store.jd": store_jd,
    "store.cross-border": store_cross_border,
    "direct-sales.branch": direct_sales_branch,
    "scale.contribution-growth": contribution_growth,
    "brand.domestic-sales": brand_domestic_sales,
    "brand.dtc-export": brand_dtc_export,
    "brand.famous-export": brand_famous_export,
    "brand.design-centre": claim("brand.design-centre"),
    "brand.service-trademark": brand_service_trademark,
    "standard.provincial": claim("standard.provincial"),
    "standard.ningbo": claim("standard.ningbo"),
    "standard.cixi": claim("standard.cixi"),
    "logistics.warehouse-ningbo": warehouse_ningbo,
    "logistics.warehouse-provincial": warehouse_provincial,
    "talent.team": claim("talent.team"),
    "talent.cooperation": claim("talent.cooperation"),
    "design.procurement": design_procurement,
    "design.services": design_services,
    "climate.event": claim("climate.event"),
}


def withheld(facts: list[Fact], year: int, measure: str, gross: int) -> int:
    """从高不重复: what other Cixi policies paid for the matter is not paid again."""
    others = select(facts, "other_award_recorded", authority="cixi", measure=measure, year=year)
    return min(gross, total(others))


def gross_awards(facts: list[Fact], year: int) -> dict[Key, tuple[int, int]]:
    """(gross, withheld) for each (enterprise, measure) with a gross award."""
    awards: dict[Key, tuple[int, int]] = {}
    if year < LIFE_START:
        return awards
    for enterprise in sorted({fact["enterprise"] for fact in facts}):
        own = [fact for fact in facts if fact["enterprise"] == enterprise]
        for measure in sorted(MEASURES):
            gross = MEASURES[measure](own, year)
            if gross > 0:
                awards[enterprise, measure] = gross, withheld(own, year, measure, gross)
    return awards


def pro_rata(eligible: dict[Key, int], factor: Fraction) -> dict[Key, int]:
    """按比例下调: the same proportion for all, to the fen, by largest remainder."""
    exact = {key: amount * factor for key, amount in eligible.items()}
    paid = {key: share.numerator // share.denominator for key, share in exact.items()}
    left_over = sum(exact.values(), Fraction(0)) - sum(paid.values())
    by_remainder = sorted(exact, key=lambda key: (paid[key] - exact[key], key))
    for key in by_remainder[: int(left_over)]:
        paid[key] += 1
    return paid


def settle(case: dict[str, Any]) -> dict[str, Any]:
    """The `expect` block of a case, without the workings."""
    awards = gross_awards(standing_facts(case["facts"]), case["year"])
    eligible = {key: gross - held for key, (gross, held) in awards.items()}
    eligible_total = sum(eligible.values())
    budget = fen(case.get("budget", BUDGET))
    factor = Fraction(budget, eligible_total) if eligible_total > budget else Fraction(1)
    paid = pro_rata(eligible, factor)
    per_enterprise: dict[str, int] = {}
    for (enterprise, _), amount in paid.items():
        per_enterprise[enterprise] = per_enterprise.get(enterprise, 0) + amount
    return {
        "awards": [
            {
                "enterprise": key[0],
                "measure": key[1],
                "gross": yuan(gross),
                "withheld": yuan(held),
                "eligible": yuan(eligible[key]),
                "payable": yuan(paid[key]),
            }
            for key, (gross, held) in awards.items()
        ],
        "gross_total": yuan(sum(gross for gross, _ in awards.values())),
        "eligible_total": yuan(eligible_total),
        "factor": f"{factor.numerator}/{factor.denominator}",
        "payable": {code: yuan(amount) for code, amount in per_enterprise.items()},
        "payable_total": yuan(sum(paid.values())),
    }


# ---------------------------------------------------------------- command line


def by_key(rows: Iterable[Row]) -> dict[Key, dict[str, str]]:
    """Award rows by enterprise and measure, without their workings."""
    return {
        (row["enterprise"], row["measure"]): {k: v for k, v in row.items() if k != "working"} for row in rows
    }


def differences(case: dict[str, Any]) -> list[str]:
    """One line for each figure in which the case's expectation and the oracle differ."""
    expected, computed = case["expect"], settle(case)
    lines = []
    want, have = by_key(expected["awards"]), by_key(computed["awards"])
    for key in sorted(want.keys() | have.keys()):
        if want.get(key) != have.get(key):
            lines.append(f"{' '.join(key)}: expected {want.get(key)}, oracle {have.get(key)}")
    if len(expected["awards"]) != len(want):
        lines.append("awards: two rows for one enterprise and measure")
    for name in sorted((expected.keys() | computed.keys()) - {"awards"}):
        if expected.get(name) != computed.get(name):
            lines.append(f"{name}: expected {expected.get(name)}, oracle {computed.get(name)}")
    return lines


def main(paths: list[str]) -> int:
    """Print OK or the differences for each case file; 1 if any differs."""
    if not paths:
        print("usage: python tests/oracle/oracle.py FILE...", file=sys.stderr)
        return 2
    failed = False
    for path in paths:
        lines = differences(json.loads(Path(path).read_text(encoding="utf-8")))
        print(f"{path}: {'OK' if not lines else 'DIFFERS'}")
        for line in lines:
            print(f"  {line}")
        failed = failed or bool(lines)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
