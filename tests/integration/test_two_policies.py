"""Policies are data: two cities in one ledger, new versions, new measures, and no code changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from fractions import Fraction

import pytest

from domain.events import PolicyAdopted
from domain.money.amounts import parse_fen
from domain.policy.faults import PolicyError
from domain.policy.record import PolicyRecord
from ledger.intake.inbox import ingest
from ledger.policies.versions import adopt_policy, set_budget
from ledger.store.application import Ledger
from tests import answers as queries
from tests.events import CIXI, CIXI_TEXT, YONGJIA, YONGJIA_TEXT, Feed, awards, budget, take

Opener = Callable[..., Ledger]


@pytest.fixture
def ledger(open_at: Opener) -> Ledger:
    """A ledger with both policies."""
    found = open_at()
    adopt_policy(found, YONGJIA_TEXT)
    return found


def edited(*edits: tuple[str, str]) -> str:
    """The Cixi file as version 2, in force from 1 July 2025, with some lines changed."""
    text = CIXI_TEXT.replace("version: 1\n", "version: 2\n")
    text = text.replace("effective_from: 2024-01-01", "effective_from: 2025-07-01")
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


TMALL_TWENTY = (
    'amount: "10000.00"\n    once: "@store-awards"',
    'amount: "20000.00"\n    once: "@store-awards"',
)


def fill(ledger: Ledger) -> tuple[Feed, Feed, Feed, Feed]:
    """Facts of four enterprises that both policies look at."""
    a, b, c, d = Feed(1), Feed(2), Feed(3), Feed(4)
    rooms = [("r1", "2025-02-28"), ("r2", "2025-03-01"), ("r3", "2025-09-09"), ("r4", "2026-05-05")]
    take(
        ledger,
        *(a.shop("douyin", shop, on, "official") for shop, on in rooms),
        a.shop("douyin", "r9", "2027-01-01", "private"),
        *(a.shop("xiaohongshu", f"x{n}", f"2025-0{n}-15") for n in (4, 5, 6)),
        a.shop("xiaohongshu", "x7", "2026-01-01"),
        a.shop("tmall", "t1", "2025-04-04"),
        a.other("room.opened", 2026, "1.00", "wenzhou", YONGJIA),
        b.sales("online", 2025, "5000000.00", "2025-12-01T00:00:00Z"),
        b.sales("online", 2025, "1000000.00", "2025-12-31T00:00:00Z"),
        b.sales("online", 2026, "1000000.01"),
        b.sales("online", 2027, "3000000.01"),
        b.of_year("contribution-assessed", 2026, "100000.00"),
        b.of_year("contribution-assessed", 2027, "90000.02"),
        c.sales("dtc_own_brand_export", 2025, "10001.00"),
        c.sales("dtc_own_brand_export", 2026, "2500000.00"),
        c.of_year("design-purchased", 2025, "200000.00"),
        c.of_year("design-purchased", 2026, "200000.00"),
        c.approved("hosts.training", "training", 2025, "15000.00", YONGJIA),
        d.approved("project.base", "base-1", 2025, "300000.00", YONGJIA),
        d.approved("project.base", "base-2", 2025, "290000.00", YONGJIA),
        *(d.send("brand-certified", kind="quality_certification", ref=q, on="2025-08-08") for q in "pq"),
        d.other("brand.level", 2025, "100.00", "wenzhou", YONGJIA),
        d.other("brand.level", 2025, "100.00", "ningbo", YONGJIA),
    )
    return a, b, c, d


def test_the_second_policy_pays_what_its_own_text_says(ledger: Ledger) -> None:
    """Worked by hand from the second file; every kind of measure that pays is among them."""
    a, b, c, d = fill(ledger)
    figures = {
        (name, year): awards(ledger, feed, YONGJIA, year)
        for name, feed in zip("abcd", (a, b, c, d), strict=True)
        for year in (2025, 2026, 2027, 2028)
    }

    assert {key: value for key, value in figures.items() if value} == {
        # r1 lies before the life, r2 pays for the year, r3 is the same year's second;
        # three shops at 300 within 700 a year
        ("a", 2025): {"room.opened": "8000.50", "room.each": "700.00"},
        ("a", 2026): {"room.opened": "8000.50", "room.each": "300.00"},
        # 2025: the later report of exactly 1,000,000 counts, and is not above it
        ("b", 2026): {"sales.online": "10000.00"},
        # each tier in full: 10,000 + 40,000 - 10,000; base (0 + 100,000) / 2, the award year
        # follows 2026: (90,000.02 - 50,000) x 33.33 % = 13,332.006666, half up
        ("b", 2027): {"sales.online": "40000.00", "tax.growth": "13332.01"},
        # 10,001 / 3,000 x 100 = 333.3666, half up; 12.5 % of 200,000 capped at 20,000, approved 15,000
        ("c", 2025): {"export.units": "333.37", "hosts.training": "15000.00"},
        # 2,500,000 / 3,000 x 100 = 83,333.33; no approved claim, so nothing for training
        ("c", 2026): {"export.units": "83333.33"},
        ("d", 2025): {"project.base": "590000.00", "brand.level": "3000.00"},
    }


def test_the_first_policy_is_unmoved_by_the_second(ledger: Ledger, open_at: Opener) -> None:
    a, b, c, d = fill(ledger)

    assert awards(ledger, a, CIXI, 2025) == {"store.tmall": "10000.00"}
    assert awards(ledger, c, CIXI, 2025) == {"design.procurement": "20000.00"}
    assert awards(ledger, c, CIXI, 2026) == {"brand.dtc-export": "30000.00", "design.procurement": "20000.00"}
    assert awards(ledger, b, CIXI, 2027) == awards(ledger, d, CIXI, 2025) == {}
    assert budget(ledger, CIXI, 2025)["gross"] == "30000.00"
    assert budget(ledger, CIXI, 2025)["factor"]["fraction"] == "1/1"


def test_another_award_bars_but_one_that_stacks_does_not(ledger: Ledger) -> None:
    a, _, _, d = fill(ledger)

    assert awards(ledger, a, YONGJIA, 2026, "withheld") == {"room.opened": "8000.50"}
    assert awards(ledger, d, YONGJIA, 2025, "withheld") == {}


def test_a_budget_for_the_whole_life_is_shared_by_all_its_years(ledger: Ledger) -> None:
    """748,999.21 inside the budget of 600,000 over three years; 15,000 from other funds."""
    feeds = fill(ledger)
    found = budget(ledger, YONGJIA, 2025)

    assert (found["period"], found["appropriation"]) == ("life", "600000.00")
    assert (found["sharing"], found["excess"]) == ("748999.21", "148999.21")
    assert found["factor"]["fraction"] == str(Fraction(60_000_000, 74_899_921))
    assert (found["payable"], found["outside_budget"]) == ("615000.00", "15000.00")
    assert found["measures"] == budget(ledger, YONGJIA, 2027)["measures"]
    paid = 0
    for feed in feeds:
        for year in (2025, 2026, 2027):
            eligible = awards(ledger, feed, YONGJIA, year, "eligible")
            for measure, payable in awards(ledger, feed, YONGJIA, year, "payable").items():
                if measure == "hosts.training":
                    assert payable == eligible[measure] == "15000.00"
                    continue
                exact = Fraction(parse_fen(eligible[measure]) * 60_000_000, 74_899_921)
                assert abs(parse_fen(payable) - exact) < 1
                paid += parse_fen(payable)
    assert paid == 60_000_000


def test_the_budget_of_a_life_can_be_set_and_no_other_period_of_it(ledger: Ledger) -> None:
    fill(ledger)

    set_budget(ledger, YONGJIA, "life", parse_fen("800000.00"))

    assert budget(ledger, YONGJIA, 2026)["factor"]["fraction"] == "1/1"
    assert budget(ledger, YONGJIA, 2026)["headroom"] == "51000.79"
    assert budget(ledger, CIXI, 2026)["appropriation"] == "10000000.00"
    with pytest.raises(ValueError, match="2025"):
        set_budget(ledger, YONGJIA, "2025", 1)


def test_a_claim_names_a_measure_of_its_own_policy(ledger: Ledger) -> None:
    feed = Feed(9)
    messages = [
        feed.approved("project.base", "i", 2025, "1.00", CIXI),
        feed.approved("standard.cixi", "i", 2025, "1.00", YONGJIA),
        feed.approved("project.base", "i", 2025, "300000.01", YONGJIA),
        feed.approved("room.opened", "i", 2025, "1.00", YONGJIA),
        feed.approved("x", "i", 2025, "1.00", "nowhere-2025"),
    ]

    codes = [[fault.code for fault in result.faults] for result in ingest(ledger, messages, "tests")]

    assert codes == [
        ["measure.unknown"],
        ["measure.unknown"],
        ["claim.cap"],
        ["measure.no-claims"],
        ["policy.unknown"],
    ]


def test_targets_of_the_second_policy_count_its_own_rooms(ledger: Ledger) -> None:
    fill(ledger)
    with ledger.store.reading() as rows:
        found = queries.targets(ledger, rows, YONGJIA, 2025)["targets"]

    assert [(t["target"], t["goal"], t["reached"]) for t in found] == [("rooms", "50", "3")]


def test_an_amended_figure_holds_from_its_day_and_history_keeps_the_old_one(ledger: Ledger) -> None:
    before, after, late = Feed(21), Feed(22), Feed(23)
    take(ledger, before.shop("tmall", "s", "2025-06-30"), after.shop("tmall", "s", "2025-07-01"))

    adopt_policy(ledger, edited(TMALL_TWENTY))
    take(ledger, late.shop("tmall", "s", "2025-06-30"))

    assert awards(ledger, before, CIXI, 2025) == {"store.tmall": "10000.00"}
    assert awards(ledger, after, CIXI, 2025) == {"store.tmall": "20000.00"}
    assert awards(ledger, late, CIXI, 2025) == {"store.tmall": "10000.00"}
    assert budget(ledger, CIXI, 2025)["gross"] == "40000.00"


def test_an_amended_cap_governs_the_year_that_ends_under_it(ledger: Ledger) -> None:
    feed = Feed(24)
    take(ledger, *(feed.of_year("design-purchased", year, "10000000.00") for year in (2024, 2025, 2026)))

    adopt_policy(ledger, edited(('cap: "500000.00"', 'cap: "600000.00"')))

    given = [awards(ledger, feed, CIXI, year)["design.procurement"] for year in (2024, 2025, 2026)]
    assert given == ["500000.00", "600000.00", "600000.00"]


def test_a_store_paid_under_the_old_version_is_not_paid_again_under_the_new(ledger: Ledger) -> None:
    feed = Feed(25)
    adopt_policy(ledger, edited(TMALL_TWENTY))

    take(ledger, feed.shop("tmall", "new", "2025-08-01"), feed.shop("tmall", "old", "2025-03-01"))

    assert awards(ledger, feed, CIXI, 2025) == {"store.tmall": "10000.00"}


NEW_MEASURE = """measures:
  - id: store.douyin
    article: 二
    title: {zh: 新开设抖音店铺, en: New shop on Douyin}
    quote: 新开设抖音店铺的企业，给予一次性补助 0.3 万元
    lead: 市商务局
    kind: fixed
    earns: {fact: StoreRegistered, where: {platform: [douyin]}}
    amount: "3000.00"
    once: enterprise

"""


def test_a_measure_is_added_by_yaml_alone_and_pays_from_its_day(ledger: Ledger) -> None:
    early, due = Feed(26), Feed(27)
    take(ledger, early.shop("douyin", "s", "2025-06-30"), due.shop("douyin", "s", "2025-07-01"))
    assert awards(ledger, due, CIXI, 2025) == {}

    adopt_policy(ledger, edited(("measures:\n", NEW_MEASURE)))

    assert awards(ledger, early, CIXI, 2025) == {}
    assert awards(ledger, due, CIXI, 2025) == {"store.douyin": "3000.00"}
    named = {m["measure"]: m["payable"] for m in budget(ledger, CIXI, 2025)["measures"]}
    assert named == {"store.douyin": "3000.00"}


def test_sales_without_a_channel_are_those_of_every_channel_in_the_same_currency(open_at: Opener) -> None:
    named = 'of: {fact: SalesReported, where: {channel: ["@brand-sales-base"]}}'
    assert named in CIXI_TEXT
    ledger, feed = open_at(policy=False), Feed(28)
    adopt_policy(ledger, CIXI_TEXT.replace(named, "of: {fact: SalesReported}", 1))
    take(ledger, feed.sales("domestic_online", 2024, "30000000.00"))
    take(ledger, feed.sales("dtc_own_brand_export", 2024, "40000000.00"))
    assert "brand.domestic-sales" not in awards(ledger, feed, CIXI, 2024), "dollars are no yuan"

    take(ledger, feed.sales("domestic_own_brand", 2024, "20000000.00"))
    assert awards(ledger, feed, CIXI, 2024)["brand.domestic-sales"] == "50000.00"


def test_a_version_may_begin_the_policy_s_life_on_another_day_while_it_takes_effect_by_then(
    ledger: Ledger,
) -> None:
    early, due = Feed(26), Feed(27)
    take(ledger, early.shop("tmall", "s", "2024-02-05"), due.shop("tmall", "s", "2024-02-06"))
    assert awards(ledger, early, CIXI, 2024) == {"store.tmall": "10000.00"}
    started = ('life-start:\n    value: "2024-01-01"', 'life-start:\n    value: "2024-02-06"')

    adopt_policy(ledger, edited(started, ("effective_from: 2025-07-01", "effective_from: 2024-01-01")))

    assert awards(ledger, early, CIXI, 2024) == {}
    assert awards(ledger, due, CIXI, 2024) == {"store.tmall": "10000.00"}


@pytest.mark.parametrize(
    ("edits", "field", "rule"),
    [
        ([("version: 2\n", "version: 1\n")], "version", "version 1, which is adopted already"),
        ([("effective_from: 2025-07-01", "effective_from: 2023-12-31")], "effective_from", "lies before"),
        (
            [("kind: discretionary\n    cap: null\n", "kind: recognition\n")],
            "measures/park.transformation/kind",
            "was of kind discretionary in version 1",
        ),
        (
            [('life-start:\n    value: "2024-01-01"', 'life-start:\n    value: "2024-02-06"')],
            "life/from",
            "begins the policy's life on 2024-02-06, version 1 on 2024-01-01",
        ),
    ],
)
def test_a_version_that_does_not_follow_the_adopted_one_is_refused(
    edits: list[tuple[str, str]], field: str, rule: str, ledger: Ledger
) -> None:
    with ledger.store.reading() as rows:
        position = rows.last_position()

    with pytest.raises(PolicyError) as caught:
        adopt_policy(ledger, edited(*edits))

    assert [fault.field for fault in caught.value.faults] == [field]
    assert rule in caught.value.faults[0].rule
    with ledger.store.reading() as rows:
        assert rows.last_position() == position


def test_adopting_a_file_twice_changes_nothing(ledger: Ledger) -> None:
    a, *_ = fill(ledger)
    with ledger.store.reading() as rows:
        position = rows.last_position()
    before = awards(ledger, a, YONGJIA, 2025, "payable")

    answers = [adopt_policy(ledger, text) for text in (CIXI_TEXT, YONGJIA_TEXT, YONGJIA_TEXT)]

    assert [new for _, new in answers] == [False, False, False]
    assert awards(ledger, a, YONGJIA, 2025, "payable") == before
    with ledger.store.reading() as rows:
        assert rows.last_position() == position


def test_the_ledger_holds_the_digest_and_the_whole_text_of_what_it_adopted(ledger: Ledger) -> None:
    record: PolicyRecord = ledger.application.repository.get(f"policy:{YONGJIA}")

    (recorded,) = record.events
    event = recorded.content
    assert isinstance(event, PolicyAdopted)
    assert event.digest == hashlib.sha256(YONGJIA_TEXT.encode()).hexdigest()
    assert event.document == YONGJIA_TEXT


def test_facts_that_came_before_the_policy_count_once_it_is_adopted(open_at: Opener) -> None:
    ledger = open_at(policy=False)
    feed = Feed(31)
    take(ledger, feed.shop("tmall", "s", "2025-04-04"), feed.shop("douyin", "s", "2025-04-04", "official"))

    adopt_policy(ledger, CIXI_TEXT)
    adopt_policy(ledger, YONGJIA_TEXT)

    assert awards(ledger, feed, CIXI, 2025) == {"store.tmall": "10000.00"}
    assert awards(ledger, feed, YONGJIA, 2025) == {"room.opened": "8000.50"}
