"""The Cixi file holds every row and reading of the policy, quoted from its text."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest

from domain.policy.load import load_policy
from domain.policy.model import Clause, GrowthShare, Measure, Percentage, Tiered

HERE = Path(__file__).parent
CIXI = (HERE.parents[1] / "domain" / "policy" / "cixi-ecommerce-2024.yaml").read_text("utf-8")
OFFICIAL = (HERE.parent / "data" / "policy-text.txt").read_text("utf-8")
POLICY = load_policy(CIXI)

ROWS = {
    "park.transformation": ("一", "discretionary"),
    "park.provincial-demonstration": ("一", "target"),
    "store.tmall": ("二", "fixed"),
    "store.jd": ("二", "fixed"),
    "store.cross-border": ("二", "per-unit"),
    "direct-sales.branch": ("二", "fixed"),
    "scale.contribution-growth": ("三", "growth-share"),
    "scale.targets": ("三", "target"),
    "brand.domestic-sales": ("四", "tiered"),
    "brand.dtc-export": ("四", "per-unit"),
    "brand.famous-export": ("四", "fixed"),
    "brand.design-centre": ("四", "discretionary"),
    "brand.service-trademark": ("四", "fixed"),
    "standard.provincial": ("四", "discretionary"),
    "standard.ningbo": ("四", "discretionary"),
    "standard.cixi": ("四", "discretionary"),
    "brand.quality-certification": ("四", "recognition"),
    "finance.capital-market": ("五", "other-policy"),
    "logistics.warehouse-ningbo": ("六", "fixed"),
    "logistics.warehouse-provincial": ("六", "fixed"),
    "talent.team": ("七", "discretionary"),
    "talent.cooperation": ("七", "discretionary"),
    "compliance.training": ("八", "recognition"),
    "design.procurement": ("九", "percentage"),
    "design.services": ("九", "percentage"),
    "climate.top-ten": ("十", "recognition"),
    "climate.event": ("十", "discretionary"),
}
"""The table of measures.md: id, article and kind."""

READINGS = {
    "life-start": ("2024-01-01", "2024-02-06"),
    "budget-period": ("year", "life"),
    "store-awards": ("enterprise", "item"),
    "cross-border-cap": ("life", "year"),
    "direct-sales-award": ("enterprise", "item"),
    "brand-sales-base": ("domestic_own_brand", "domestic_online"),
    "brand-tiers": ("difference", "each-in-full"),
    "inclusive": ("yes", "no"),
    "dtc-units": ("whole", "pro-rata"),
    "contribution-years": ("qualifying", "following"),
    "contribution-share": ("each-year", "qualifying-year"),
    "contribution-history": ("existing", "zero"),
    "certificates": ("enterprise", "year"),
    "warehouses": ("both", "difference"),
    "design-amounts": ("full", "claim-only"),
    "several-reports": ("add-up", "latest"),
    "rounding": ("down", "half-up"),
    "talent-funds": ("inside", "outside"),
    "highest-only": ("top-up", "barred"),
    "pro-rata": ("after-highest-only", "standards-first"),
}
"""The readings of measures.md that have another reading: default, then the other."""

FIGURES = {
    "store.tmall": ["10000.00"],
    "store.jd": ["5000.00"],
    "store.cross-border": ["5000.00", "10000.00"],
    "direct-sales.branch": ["100000.00"],
    "brand.dtc-export": ["1000000.00", "15000.00", "3000000.00"],
    "brand.famous-export": ["100000.00"],
    "brand.service-trademark": ["5000.00"],
    "standard.provincial": ["100000.00"],
    "standard.ningbo": ["50000.00"],
    "standard.cixi": ["30000.00"],
    "logistics.warehouse-ningbo": ["250000.00"],
    "logistics.warehouse-provincial": ["500000.00"],
    "talent.team": ["10000000.00"],
    "design.procurement": ["200000.00", "500000.00"],
    "design.services": ["300000.00", "150000.00"],
}
"""Amounts, thresholds and caps of measures.md, as they must stand in the measure's block."""


def folded(text: str) -> str:
    """Without white space and with punctuation of one width: the official text mixes both."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text.replace("……", "\x01"))).replace("\x01", "……")


def stands_in(quote: str, text: str) -> bool:
    """Whether the parts of a quote stand in a text, in order, with anything where it says ……."""
    at, whole = 0, folded(text)
    for part in folded(quote).split("……"):
        at = whole.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return True


def articles() -> dict[str, str]:
    """The official text of each article, by its number."""
    parts = re.split(r"^([一二三四五六七八九十])、", OFFICIAL, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def block_of(measure: str) -> str:
    """A measure's block in the file."""
    return CIXI.split(f"- id: {measure}\n", 1)[1].split("\n  - id: ")[0]


def test_the_file_holds_exactly_the_rows_of_the_table() -> None:
    assert {m.id: (m.article, m.kind) for m in POLICY.measures.values()} == ROWS


def test_the_ten_articles_are_found_in_the_official_text() -> None:
    assert list(articles()) == list("一二三四五六七八九十")


@pytest.mark.parametrize("measure", POLICY.measures.values(), ids=lambda m: m.id)
def test_the_quote_of_a_measure_stands_in_its_article(measure: Measure) -> None:
    assert len(measure.quote) >= 10
    assert stands_in(measure.quote, articles()[measure.article])


@pytest.mark.parametrize("measure", POLICY.measures.values(), ids=lambda m: m.id)
def test_the_lead_office_of_a_measure_is_the_one_its_article_names(measure: Measure) -> None:
    assert stands_in(f"牵头单位：{measure.lead}", articles()[measure.article])


def test_a_quote_that_does_not_stand_in_the_text_would_be_found() -> None:
    assert not stands_in("给予一次性补助 2 万元", OFFICIAL)
    assert not stands_in("作废……原文件", OFFICIAL)
    assert stands_in("原文件……作废", OFFICIAL)


@pytest.mark.parametrize("clause", POLICY.clauses, ids=lambda c: c.id)
def test_the_quote_of_a_closing_clause_stands_after_the_articles(clause: Clause) -> None:
    closing = OFFICIAL[OFFICIAL.index("本政策意见总预算资金额") :]

    assert stands_in(clause.quote, closing)


def test_every_closing_clause_is_there_once() -> None:
    assert sorted(c.id for c in POLICY.clauses) == ["budget", "highest-only", "pro-rata", "repeal"]


def test_the_document_is_named_as_it_was_published() -> None:
    assert (POLICY.number, POLICY.issued) == ("慈政办发〔2024〕8号", "2024-02-06")
    assert stands_in(POLICY.number, OFFICIAL)
    assert stands_in(POLICY.repeals[0], OFFICIAL)
    assert POLICY.budget == 1_000_000_000


@pytest.mark.parametrize("reading", READINGS)
def test_a_reading_stands_with_its_default_and_the_other_reading(reading: str) -> None:
    default, other = READINGS[reading]
    found = POLICY.readings[reading]

    assert found.value == default
    assert set(found.options) == {default, other}
    assert all(words["zh"] and words["en"] for words in (*found.options.values(), found.why))
    assert len({words["zh"] for words in found.options.values()}) == 2
    assert found.open in ("low", "medium", "high")


PROCEDURAL = {"notice-days", "unspent-budget", "reductions"}
"""Readings on how a year is settled, on which the text is silent; they bear on no award."""


def test_the_file_has_no_reading_that_the_table_does_not_name() -> None:
    assert set(POLICY.readings) - PROCEDURAL == set(READINGS)


def test_every_reading_bears_on_a_measure_or_on_all_or_on_the_settlement() -> None:
    used = {name for measure in POLICY.measures.values() for name in measure.readings}

    assert used | set(POLICY.general_readings) == set(READINGS)
    procedure = POLICY.procedure
    assert str(procedure.notice_days) == POLICY.readings["notice-days"].value
    assert procedure.unspent == POLICY.readings["unspent-budget"].value
    assert procedure.reductions == POLICY.readings["reductions"].value


@pytest.mark.parametrize("reading", [name for name in READINGS if name != "inclusive"])
def test_the_basis_of_a_reading_stands_in_the_official_text(reading: str) -> None:
    assert stands_in(POLICY.readings[reading].basis, OFFICIAL)


@pytest.mark.parametrize("measure", FIGURES)
def test_the_figures_of_a_measure_are_those_of_the_table(measure: str) -> None:
    figures = re.findall(r'"([0-9]+\.[0-9]{2})"', block_of(measure))

    assert figures == FIGURES[measure]


def test_the_tiers_and_shares_are_those_of_the_table() -> None:
    brand, growth = POLICY.measures["brand.domestic-sales"], POLICY.measures["scale.contribution-growth"]
    assert isinstance(brand, Tiered)
    assert isinstance(growth, GrowthShare)

    assert [(t.start, t.gives) for t in brand.tiers] == [
        (5_000_000_000, 5_000_000),
        (10_000_000_000, 10_000_000),
        (20_000_000_000, 20_000_000),
        (50_000_000_000, 30_000_000),
    ]
    assert [(s.start, s.gives) for s in growth.shares] == [
        (10_000_000_000, 8_500),
        (20_000_000_000, 9_000),
        (50_000_000_000, 9_500),
    ]
    assert {m.id: m.rate for m in POLICY.measures.values() if isinstance(m, Percentage)} == {
        "design.procurement": 1_000,
        "design.services": 300,
    }


def test_the_targets_are_those_of_the_table() -> None:
    assert {t.id: (t.measure, t.goal, t.threshold) for t in POLICY.targets.values()} == {
        "demonstration-park-area": ("park.provincial-demonstration", 100_000, 0),
        "new-cross-border-shops": ("store.cross-border", 100, 0),
        "newly-admitted": ("direct-sales.branch", 20, 0),
        "domestic-over-1yi": ("scale.targets", 20, 10_000_000_000),
        "domestic-over-2yi": ("scale.targets", 8, 20_000_000_000),
        "domestic-over-5yi": ("scale.targets", 3, 50_000_000_000),
        "domestic-over-10yi": ("scale.targets", 1, 100_000_000_000),
        "b2b-pilot-exports": ("scale.targets", 2_000_000_000_000, 0),
        "b2b-pilot-exports-by-code": ("scale.targets", 100_000_000_000, 0),
    }


def test_only_the_two_overseas_warehouses_stack_with_ningbo() -> None:
    stacking = {m.id: m.stacks_with for m in POLICY.measures.values() if m.stacks_with}

    assert stacking == {
        "logistics.warehouse-ningbo": ("ningbo",),
        "logistics.warehouse-provincial": ("ningbo",),
    }
