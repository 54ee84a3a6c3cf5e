"""Every reading of the Cixi file, and what its other value changes, on the smallest facts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from domain.events import CATALOGUE
from domain.events.event import Event
from domain.facts.folding import EnterpriseFacts, fold
from domain.policy.changes import Changes
from domain.policy.load import load_policy
from domain.policy.rulebook import Rulebook
from domain.rules.awards import NO_HISTORY, SHORT_HISTORY, Awards
from domain.rules.evaluation import awards_of
from domain.settlement.payables import Line, division, payable_of
from tests.contents import event_of
from tests.events import CIXI, CIXI_TEXT

YI = 10_000_000_000
"""亿, 100,000,000 yuan in fen."""
WAN = 1_000_000
"""万, 10,000 yuan in fen."""


def fact(name: str, number: int = 0, time: str = "2024-12-31T00:00:00.000000Z", /, **content: Any) -> Event:
    """A fact as the ledger stores it."""
    known = {"currency": "CNY"} if "currency" in CATALOGUE[name].__struct_fields__ else {}
    return event_of(name, "urn:tests", f"{number}:{sorted(content.items())}", time, {**known, **content})


def store(platform: str, shop: str, on: str) -> Event:
    return fact("StoreRegistered", platform=platform, kind="flagship", shop=shop, on=on)


def sales(channel: str, year: int, amount: int, number: int = 0, day: str = "31") -> Event:
    time = f"2024-12-{day}T00:00:00.000000Z"
    return fact("SalesReported", number, time, channel=channel, year=year, amount_fen=amount)


def assessed(year: int, amount: int) -> Event:
    return fact("ContributionAssessed", year=year, amount_fen=amount)


def warehouse(level: str, on: str) -> Event:
    return fact("WarehouseRecognised", level=level, warehouse="w", on=on)


def other(measure: str, amount: int) -> Event:
    named: dict[str, Any] = {"policy": CIXI, "measure": measure, "authority": "cixi", "other_policy": "x"}
    return fact("OtherAwardRecorded", year=2024, amount_fen=amount, **named)


def approved(measure: str, amount: int, year: int = 2024) -> Event:
    named: dict[str, Any] = {"policy": CIXI, "measure": measure, "item": "i", "claim": "c"}
    return fact("ClaimApproved", year=year, amount_fen=amount, **named)


class Case(NamedTuple):
    """The measure and years looked at, the facts, and the figures under each value, in fen."""

    measure: str
    facts: list[Event]
    under: dict[str, dict[int, int]]


GROWTH = [
    sales("online", 2024, 1 * YI),
    sales("online", 2025, 5 * YI),
    sales("online", 2026, 1 * YI),
    *(assessed(year, 100 * WAN) for year in (2021, 2022, 2023)),
    assessed(2024, 200 * WAN),
    assessed(2025, 400 * WAN),
    assessed(2026, 100 * WAN),
    assessed(2027, 900 * WAN),
]

CASES = {
    "life-start": Case(
        "store.tmall",
        [store("tmall", "s", "2024-02-05"), store("jd", "j", "2024-02-06")],
        {"2024-01-01": {2024: WAN}, "2024-02-06": {}},
    ),
    "inclusive": Case(
        "brand.domestic-sales",
        [sales("domestic_own_brand", 2024, YI // 2)],
        {"yes": {2024: 5 * WAN}, "no": {}},
    ),
    "several-reports": Case(
        "brand.domestic-sales",
        [
            sales("domestic_own_brand", 2024, YI // 2, 1, "30"),
            sales("domestic_own_brand", 2024, YI // 2 + 1, 2, "29"),
        ],
        {"add-up": {2024: 10 * WAN}, "latest": {2024: 5 * WAN}},
    ),
    "rounding": Case(
        # 10 % of 200,000.05 yuan is 20,000.005
        "design.procurement",
        [fact("DesignPurchased", year=2024, amount_fen=20_000_005)],
        {"down": {2024: 2_000_000}, "half-up": {2024: 2_000_001}},
    ),
    "store-awards": Case(
        "store.jd",
        [store("jd", "a", "2024-03-01"), store("jd", "b", "2024-03-02"), store("jd", "c", "2025-01-01")],
        {"enterprise": {2024: WAN // 2}, "item": {2024: WAN, 2025: WAN // 2}},
    ),
    "cross-border-cap": Case(
        "store.cross-border",
        [store("cross-border", shop, f"{2024 + year}-05-0{shop}") for year in (0, 1) for shop in "123"]
        + [store("cross-border", f"2025-{n}", "2025-09-09") for n in (1, 2, 3)],
        {"life": {2024: WAN}, "year": {2024: WAN, 2025: WAN}},
    ),
    "direct-sales-award": Case(
        "direct-sales.branch",
        [
            fact(name, branch=branch, on=on)
            for name in ("DirectSalesBranchRegistered", "AboveQuotaAdmitted")
            for branch, on in (("a", "2024-05-05"), ("b", "2025-06-06"))
        ],
        {"enterprise": {2024: 10 * WAN}, "item": {2024: 10 * WAN, 2025: 10 * WAN}},
    ),
    "brand-sales-base": Case(
        "brand.domestic-sales",
        [sales("domestic_own_brand", 2024, YI // 2), sales("domestic_online", 2024, 2 * YI)],
        {"domestic_own_brand": {2024: 5 * WAN}, "domestic_online": {2024: 20 * WAN}},
    ),
    "brand-tiers": Case(
        "brand.domestic-sales",
        [sales("domestic_own_brand", 2024, YI // 2), sales("domestic_own_brand", 2025, 2 * YI)],
        {"difference": {2024: 5 * WAN, 2025: 15 * WAN}, "each-in-full": {2024: 5 * WAN, 2025: 30 * WAN}},
    ),
    "dtc-units": Case(
        # US$1,999,999.99: one whole million, or 1.99999999 of them at 15,000 = 29,999.99985
        "brand.dtc-export",
        [sales("dtc_own_brand_export", 2024, 199_999_999)],
        {"whole": {2024: 1_500_000}, "pro-rata": {2024: 2_999_999}},
    ),
    "contribution-years": Case(
        # qualifying: base 100; 85 % of 100, 95 % of 300, nothing of 0; from 2025 on: base
        # (100 + 100 + 200) / 3 = 133.33…: 95 % of 266.66…, nothing, and no sales in 2027
        "scale.contribution-growth",
        GROWTH,
        {"qualifying": {2024: 85 * WAN, 2025: 285 * WAN}, "following": {2025: 253_333_333}},
    ),
    "contribution-share": Case(
        "scale.contribution-growth",
        GROWTH,
        {
            "each-year": {2024: 85 * WAN, 2025: 285 * WAN},
            "qualifying-year": {2024: 85 * WAN, 2025: 255 * WAN},
        },
    ),
    "contribution-history": Case(
        # one year of history: base 30, or 30 / 3 = 10; 85 % of 70, or of 90
        "scale.contribution-growth",
        [sales("online", 2024, YI), assessed(2023, 30 * WAN), assessed(2024, 100 * WAN)],
        {"existing": {2024: 595_000_00}, "zero": {2024: 765_000_00}},
    ),
    "certificates": Case(
        "brand.service-trademark",
        [
            fact("BrandCertified", kind="service_trademark", ref=ref, on=on)
            for ref, on in (("a", "2024-04-04"), ("b", "2024-05-05"), ("c", "2025-04-04"))
        ],
        {"enterprise": {2024: WAN // 2}, "year": {2024: WAN // 2, 2025: WAN // 2}},
    ),
    "warehouses": Case(
        "logistics.warehouse-provincial",
        [warehouse("ningbo", "2024-04-04"), warehouse("provincial", "2025-05-05")],
        {"both": {2025: 50 * WAN}, "difference": {2025: 25 * WAN}},
    ),
    "design-amounts": Case(
        "design.services",
        [
            fact("DesignServicesSold", year=2024, amount_fen=100 * WAN),
            fact("DesignServicesSold", year=2025, amount_fen=100 * WAN),
            approved("design.services", 2 * WAN, 2025),
        ],
        {"full": {2024: 3 * WAN, 2025: 2 * WAN}, "claim-only": {2025: 2 * WAN}},
    ),
}


def book_with(**readings: str) -> Rulebook:
    """The Cixi policy under some readings."""
    named = {name.replace("_", "-"): value for name, value in readings.items()}
    return Rulebook([load_policy(CIXI_TEXT, Changes(named, {}))])


def settled(facts: list[Event], reading: str, value: str) -> Awards:
    """The awards of some facts under one value of one reading."""
    book = Rulebook([load_policy(CIXI_TEXT, Changes({reading: value}, {}))])
    return awards_of(fold(facts), book)


def gross(awards: Awards, measure: str) -> dict[int, int]:
    """One measure's gross by year."""
    return {
        year: lines[measure].gross
        for year, lines in awards.items()
        if measure in lines and lines[measure].gross
    }


@pytest.mark.parametrize(("reading", "value"), [(r, v) for r, case in CASES.items() for v in case.under])
def test_a_reading_gives_the_figures_of_its_words(reading: str, value: str) -> None:
    case = CASES[reading]

    assert gross(settled(case.facts, reading, value), case.measure) == case.under[value]


def test_every_reading_of_the_file_is_tried_here() -> None:
    elsewhere = {"budget-period", "talent-funds", "highest-only", "pro-rata"}
    in_years = {"notice-days", "unspent-budget", "reductions"}  # tests/test_worked_years.py
    readings = load_policy(CIXI_TEXT).readings

    assert set(CASES) | elsewhere | in_years == set(readings)
    for name, case in CASES.items():
        assert set(case.under) == set(readings[name].options)
        assert next(iter(case.under)) == readings[name].value
        assert len({str(figures) for figures in case.under.values()}) == 2


def test_the_later_of_two_days_within_the_life_pays_under_either_start() -> None:
    facts = CASES["life-start"].facts

    assert gross(settled(facts, "life-start", "2024-02-06"), "store.jd") == {2024: WAN // 2}


def test_the_same_warehouse_earns_no_difference_where_the_higher_level_came_first() -> None:
    facts = [warehouse("provincial", "2024-04-04"), warehouse("ningbo", "2025-05-05")]

    awards = settled(facts, "warehouses", "difference")

    assert gross(awards, "logistics.warehouse-provincial") == {2024: 50 * WAN}
    assert gross(awards, "logistics.warehouse-ningbo") == {}
    assert gross(settled(facts, "warehouses", "both"), "logistics.warehouse-ningbo") == {2025: 25 * WAN}


def test_short_history_is_flagged_and_none_at_all_is_held_or_counts_as_zero() -> None:
    none = [sales("online", 2024, YI), assessed(2024, 100 * WAN)]
    short = CASES["contribution-history"].facts

    def growth(facts: list[Event], value: str) -> tuple[int, tuple[str, ...]]:
        award = settled(facts, "contribution-history", value)[2024]["scale.contribution-growth"]
        return award.gross, award.flags

    assert growth(short, "existing") == (595_000_00, (SHORT_HISTORY,))
    assert growth(none, "existing") == (0, (NO_HISTORY,))
    assert growth(none, "zero") == (85 * WAN, (SHORT_HISTORY,))


@pytest.mark.parametrize(
    ("paid", "top_up", "barred"),
    [(0, 0, 0), (1, 1, WAN), (WAN - 1, WAN - 1, WAN), (WAN, WAN, WAN), (WAN + 1, WAN, WAN)],
)
def test_another_award_is_topped_up_or_bars(paid: int, top_up: int, barred: int) -> None:
    facts = [store("tmall", "s", "2024-05-05"), other("store.tmall", paid)]

    withheld = {
        value: settled(facts, "highest-only", value)[2024]["store.tmall"].withheld
        for value in ("top-up", "barred")
    }

    assert withheld == {"top-up": top_up, "barred": barred}


def payable(book: Rulebook, facts: dict[str, list[Event]], budget: int) -> dict[str, int]:
    """What each enterprise is paid out of one budget, by ``code:measure:year``."""
    lines = [
        Line(code, measure, year, award.gross, award.withheld)
        for code, mine in facts.items()
        for year, awards in awards_of(fold(mine), book).items()
        for measure, award in awards.items()
    ]
    shares = division(lines, book, {"": budget}, [""])
    return {f"{x.code}:{x.measure}:{x.year}": payable_of(x, book, shares).payable for x in lines}


def test_the_talent_award_shares_the_budget_or_is_paid_beside_it() -> None:
    facts = {"a": [approved("talent.team", 300 * WAN)], "b": [store("tmall", "s", "2024-05-05")]}

    inside = payable(book_with(talent_funds="inside"), facts, 301 * WAN // 2)
    outside = payable(book_with(talent_funds="outside"), facts, 301 * WAN // 2)

    assert inside == {"a:talent.team:2024": 150 * WAN, "b:store.tmall:2024": WAN // 2}
    assert outside == {"a:talent.team:2024": 300 * WAN, "b:store.tmall:2024": WAN}


def test_highest_only_comes_before_the_reduction_or_after_it() -> None:
    """Two awards of 10,000, one with 4,000 from elsewhere, and 10,000 to pay them from.

    After highest-only: 6,000 and 10,000 share 10,000, so 3,750 and 6,250. Standards first:
    both are cut to 5,000, and the first then tops 4,000 up to 5,000, so 1,000 and 5,000.
    """
    tmall = store("tmall", "s", "2024-05-05")
    facts = {"a": [tmall, other("store.tmall", 4_000_00)], "b": [tmall]}

    after = payable(book_with(pro_rata="after-highest-only"), facts, WAN)
    first = payable(book_with(pro_rata="standards-first"), facts, WAN)

    assert after == {"a:store.tmall:2024": 3_750_00, "b:store.tmall:2024": 6_250_00}
    assert first == {"a:store.tmall:2024": 1_000_00, "b:store.tmall:2024": 5_000_00}


def test_the_budget_is_one_for_each_year_or_one_for_the_life() -> None:
    yearly, whole = book_with(budget_period="year"), book_with(budget_period="life")

    assert [yearly.period_of(year) for year in (2024, 2025)] == ["2024", "2025"]
    assert [whole.period_of(year) for year in (2024, 2025)] == ["life", "life"]


@pytest.mark.parametrize("empty", [EnterpriseFacts, lambda: fold([])])
def test_no_facts_give_no_awards_under_any_reading(empty: Callable[[], EnterpriseFacts]) -> None:
    for name, reading in load_policy(CIXI_TEXT).readings.items():
        for value in reading.options:
            book = Rulebook([load_policy(CIXI_TEXT, Changes({name: value}, {}))])
            assert awards_of(empty(), book) == {}
