"""Every fen explained: article, quote, readings, sources and steps, and what is still to be earned."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from jsonschema import Draft202012Validator

from domain.money.amounts import parse_fen, print_fen
from domain.policy.load import load_policy
from ledger.intake.inbox import ingest
from ledger.policies.versions import adopt_policy, set_budget
from ledger.reading.explanations import SOURCES_MAX
from ledger.store.application import Ledger, open_ledger
from services.cli.policies.case_files import read_case
from services.cli.policies.cases import messages_of
from tests import answers as queries
from tests.answers import after_steps, explain, outlook
from tests.conftest import LATER
from tests.events import CIXI, CIXI_TEXT, YONGJIA, YONGJIA_TEXT, Feed, take
from tests.oracle import oracle

ROOT = Path(__file__).parents[2]
SCHEMA: dict[str, Any] = json.loads(
    (ROOT / "docs" / "schemas" / "explanation-1.schema.json").read_text("utf-8")
)
CASES = sorted((ROOT / "tests" / "cases").glob("*.json"))
SUMS = ("gross", "withheld", "eligible", "reduction", "payable")
CJK = re.compile(r"[\u4e00-\u9fff]")
Document = dict[str, Any]


def closed(schema: Any) -> Any:
    """The schema without leave to add keys, so that no key goes undescribed."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(value) for key, value in schema.items()}
    if schema.get("type") == "object" and isinstance(schema.get("properties"), dict):
        found["additionalProperties"] = False
    return found


def opened(path: Path) -> Ledger:
    """A ledger with both policies."""
    ledger = open_ledger(str(path / "ledger.db"), clock=lambda: LATER)
    adopt_policy(ledger, CIXI_TEXT)
    adopt_policy(ledger, YONGJIA_TEXT)
    return ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    found = opened(tmp_path)
    yield found
    found.close()


@pytest.fixture(scope="module")
def explained(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, Document, Document]]:
    """Every enterprise of every worked case: the case's name, its explanation, its balance."""
    found = []
    for path in CASES:
        case = read_case(path)
        ledger = opened(tmp_path_factory.mktemp(path.stem))
        ingest(ledger, messages_of(case), "tests")
        with ledger.store.reading() as rows:
            for each in queries.enterprises(rows, CIXI, case["year"], "", 1_000):
                asked = (ledger, rows, each["enterprise"], CIXI, case["year"])
                found.append((path.stem, explain(*asked), queries.balance(*asked)))
        ledger.close()
    return found


Explained = list[tuple[str, Document, Document]]


def test_the_schema_is_a_schema_and_refuses_what_is_no_explanation() -> None:
    Draft202012Validator.check_schema(SCHEMA)

    assert not Draft202012Validator(SCHEMA).is_valid({"format": "subsidy-explanation/2"})
    assert not Draft202012Validator(SCHEMA).is_valid({})


def test_every_explanation_of_every_worked_case_fits_its_schema(explained: Explained) -> None:
    validator = jsonschema_rs.Draft202012Validator(closed(SCHEMA))  # ten times as fast as jsonschema's

    faults = [
        f"{name}: {error.instance_path}: {error.message}"
        for name, document, _ in explained
        for error in validator.iter_errors(document)
    ]

    assert faults == []
    assert len(explained) > 100


def test_every_measure_that_pays_is_explained_somewhere_in_the_cases(explained: Explained) -> None:
    paying = {a["measure"] for _, d, _ in explained for a in d["awards"] if a["payable"] != "0.00"}

    assert paying == set(oracle.MEASURES)


def test_the_figures_of_an_explanation_are_those_of_the_balance(explained: Explained) -> None:
    for name, document, balance in explained:
        mine = {a["measure"]: {key: a[key] for key in SUMS} for a in document["awards"]}
        theirs = {a["measure"]: {key: a[key] for key in SUMS} for a in balance["awards"]}

        assert theirs.items() <= mine.items(), name
        assert all(mine[measure]["gross"] == "0.00" for measure in mine.keys() - theirs.keys()), name
        for key in SUMS:
            assert sum(parse_fen(award[key]) for award in mine.values()) == parse_fen(balance[key]), name


def test_the_figures_of_one_award_add_up(explained: Explained) -> None:
    for name, document, _ in explained:
        for award in document["awards"]:
            gross, withheld, eligible, reduction, payable = (parse_fen(award[key]) for key in SUMS)
            assert gross == withheld + reduction + payable, name
            assert eligible == gross - withheld, name
            assert award["highest_only"]["this"] == award["gross"]
            assert award["highest_only"]["withheld"] == award["withheld"]
            assert award["pro_rata"]["applies"] or not reduction


def result_of(steps: list[Document]) -> int:
    """What the steps of an award come to, in fen."""
    total = sum(parse_fen(step["values"]["result"]) for step in steps if "result" in step["values"])
    claimed = any(step["op"] == "claimed" for step in steps)
    return total + sum(
        parse_fen(step["values"]["capped"]) for step in steps if step["op"] == "percent" and not claimed
    )


def test_the_steps_of_an_award_come_to_its_gross(explained: Explained) -> None:
    for name, document, _ in explained:
        for award in document["awards"]:
            assert result_of(award["steps"]) == parse_fen(award["gross"]), (name, award["measure"])


def test_every_paying_award_has_its_article_quote_readings_and_sources(explained: Explained) -> None:
    policy = load_policy(CIXI_TEXT)
    for name, document, _ in explained:
        assert document["policy_digest"] == policy.digest
        for award in document["awards"]:
            measure = policy.measures[award["measure"]]
            assert (award["article"], award["quote"], award["lead"]) == (
                measure.article,
                measure.quote,
                measure.lead,
            )
            named = [reading["reading"] for reading in award["readings"]]
            assert named == [*measure.readings, *policy.general_readings]
            assert all(r["value"] == policy.readings[r["reading"]].value for r in award["readings"])
            if award["gross"] != "0.00":
                assert award["sources_count"] == len(award["sources"]) <= SOURCES_MAX, name
                assert award["sources"], name
                assert award["steps"], name


def test_every_word_stands_in_both_languages_with_its_figures(explained: Explained) -> None:
    seen: set[str] = set()
    for _, document, _ in explained:
        for award in document["awards"]:
            for step in award["steps"]:
                seen.add(step["op"])
                zh, en = step["words"]["zh"], step["words"]["en"]
                assert CJK.search(zh)
                assert not CJK.search(re.sub("“.*?”", "", en)), en
                assert "{" not in zh + en
                if "result" in step["values"]:
                    shown = print_fen(parse_fen(step["values"]["result"]), "CNY")
                    assert shown in zh
                    assert shown in en
            for part in ("highest_only", "pro_rata"):
                words = award[part]["words"]
                assert CJK.search(words["zh"])
                assert not CJK.search(words["en"])
            assert all(flag["words"]["zh"] != flag["words"]["en"] for flag in award["flags"])

    assert seen >= {"fixed", "unit", "units-of", "tier", "below", "percent", "claimed", "growth", "approved"}
    assert seen >= {"awaiting", "conflict", "no-history"}


def test_the_sources_of_an_award_are_events_of_the_enterprise_with_their_corrections(ledger: Ledger) -> None:
    feed, stranger = Feed(1), Feed(2)
    sent = [feed.sales("domestic_own_brand", 2024, "60000000.00"), stranger.shop("tmall", "x", "2024-05-05")]
    wrong = feed.last
    sent += [
        feed.correct(wrong, "sales-reported", amount="70000000.00"),
        feed.shop("tmall", "t", "2024-05-05"),
        feed.other("brand.domestic-sales", 2024, "20000.00", "cixi"),
    ]
    take(ledger, *sent)
    with ledger.store.reading() as rows:
        document = explain(ledger, rows, feed.code, CIXI, 2024)

    award = {each["measure"]: each for each in document["awards"]}["brand.domestic-sales"]
    assert [s["event"] for s in award["sources"]] == ["SalesReported", "FactCorrected", "OtherAwardRecorded"]
    assert award["sources"][0]["content"]["amount"] == "60000000.00"
    assert award["sources"][1]["content"]["changes"] == {"amount": "70000000.00"}
    assert (award["highest_only"]["other"], award["withheld"], award["payable"]) == (
        "20000.00",
        "20000.00",
        "30000.00",
    )
    assert "¥50,000.00" in award["highest_only"]["words"]["en"]


def test_an_award_from_other_funds_says_so(ledger: Ledger) -> None:
    feed = Feed(1)
    take(
        ledger,
        feed.of_year("design-purchased", 2025, "200000.00"),
        feed.approved("hosts.training", "t", 2025, "15000.00", YONGJIA),
    )
    with ledger.store.reading() as rows:
        (award,) = explain(ledger, rows, feed.code, YONGJIA, 2025)["awards"]

    assert Draft202012Validator(SCHEMA["$defs"]["pro_rata"] | {"$defs": SCHEMA["$defs"]}).is_valid(
        award["pro_rata"]
    )
    assert award["pro_rata"]["applies"] is False
    assert award["pro_rata"]["words"]["en"] == "paid from other funds, outside this budget"
    assert [step["op"] for step in award["steps"]] == ["percent", "claimed"]
    assert award["payable"] == "15000.00"


FIRST = CIXI_TEXT.replace("value: after-highest-only", "value: standards-first")
OTHERS = {
    # the other award: withheld, payable, and what is said of half of 50,000.00
    "30000.00": ("25000.00", "0.00", "were the other below ¥25,000.00, the difference would be paid"),
    "10000.00": ("10000.00", "15000.00", "if the other reached ¥25,000.00, nothing would be paid"),
}


@pytest.mark.parametrize("other", OTHERS)
def test_where_standards_are_reduced_first_the_steps_and_the_year_s_figures_follow(
    tmp_path: Path, other: str
) -> None:
    """Two awards of 50,000.00 out of 50,000.00: each is halved, then compared with the other award."""
    withheld, payable, flip = OTHERS[other]
    ledger = open_ledger(str(tmp_path / "ledger.db"), clock=lambda: LATER)
    adopt_policy(ledger, FIRST)
    set_budget(ledger, CIXI, "2024", 50_000_00)
    feeds = Feed(1), Feed(2)
    take(
        ledger,
        *(feed.sales("domestic_own_brand", 2024, "60000000.00") for feed in feeds),
        feeds[0].other("brand.domestic-sales", 2024, other, "cixi"),
    )
    with ledger.store.reading() as rows:
        document = explain(ledger, rows, feeds[0].code, CIXI, 2024)
        balances = [queries.balance(ledger, rows, feed.code, CIXI, 2024) for feed in feeds]
        year = queries.budget(ledger, rows, CIXI, 2024)
    ledger.close()
    (award,) = document["awards"]
    reduced, compared = after_steps(award)

    assert list(Draft202012Validator(closed(SCHEMA)).iter_errors(json.loads(json.dumps(document)))) == []
    assert award["order"] == ["pro_rata", "highest_only"]
    assert "1/2 (50.0000%): ¥50,000.00 → ¥25,000.00" in reduced["words"]["en"]
    assert (compared["this"], compared["withheld"]) == ("25000.00", withheld)
    assert "this policy gives ¥25,000.00 once reduced" in compared["words"]["en"]
    assert flip in compared["words"]["en"]
    assert (award["reduction"], award["payable"]) == ("25000.00", payable)
    for name in SUMS:
        of_all = sum(parse_fen(each[name]) for each in balances)
        assert name == "reduction" or parse_fen(year[name]) == of_all, name
    assert parse_fen(year["headroom"]) == 50_000_00 - parse_fen(year["payable"])
    measure = next(each for each in year["measures"] if each["measure"] == "brand.domestic-sales")
    assert (measure["withheld"], measure["payable"]) == (year["withheld"], year["payable"])


# --- what is still to be earned -----------------------------------------------------------------


def hints(ledger: Ledger, feed: Feed, year: int = 2024, policy: str = CIXI) -> dict[str, Document]:
    """The hints of a year by measure, each with its words in both languages."""
    with ledger.store.reading() as rows:
        found = outlook(ledger, rows, feed.code, policy, year)["hints"]
    assert all(CJK.search(hint["words"]["zh"]) and hint["words"]["en"] for hint in found)
    return {hint["measure"]: hint for hint in found}


def test_the_next_tier_is_shown_with_what_is_lacking_and_what_it_gives(ledger: Ledger) -> None:
    feed, top = Feed(1), Feed(2)
    take(
        ledger,
        feed.sales("domestic_own_brand", 2024, "60000000.00"),
        top.sales("domestic_own_brand", 2024, "500000000.00"),
    )

    hint = hints(ledger, feed)["brand.domestic-sales"]

    assert hint["hint"] == "next-tier"
    assert hint["values"] == {"threshold": "100000000.00", "short": "40000000.00", "more": "50000.00"}
    assert "brand.domestic-sales" not in hints(ledger, top)


def test_an_unused_cap_is_shown_and_a_used_one_is_not(ledger: Ledger) -> None:
    feed, full = Feed(1), Feed(2)
    take(
        ledger,
        feed.of_year("design-purchased", 2024, "1000000.00"),
        feed.shop("cross-border", "a", "2024-05-05"),
        full.of_year("design-purchased", 2024, "5000000.00"),
        *(full.shop("cross-border", shop, "2024-05-05") for shop in "ab"),
    )

    found = hints(ledger, feed)

    assert found["design.procurement"]["hint"] == "unused-cap"
    assert found["design.procurement"]["values"] == {"cap": "500000.00", "left": "400000.00"}
    assert found["store.cross-border"]["values"] == {"unit_amount": "5000.00", "left": "5000.00"}
    assert not {"design.procurement", "store.cross-border"} & hints(ledger, full).keys()


@pytest.mark.parametrize(
    ("have", "missing", "zh"),
    [
        ("direct-sales-branch-registered", "AboveQuotaAdmitted", "进限"),
        ("above-quota-admitted", "DirectSalesBranchRegistered", "注册直销分公司"),
    ],
)
def test_a_missing_second_condition_is_named(ledger: Ledger, have: str, missing: str, zh: str) -> None:
    feed = Feed(1)
    take(ledger, feed.send(have, branch="b-1", on="2024-05-05"))

    hint = hints(ledger, feed)["direct-sales.branch"]

    assert hint["hint"] == "missing-condition"
    assert hint["values"] == {"item": "b-1", "missing": missing, "amount": "100000.00"}
    assert zh in hint["words"]["zh"]
    assert "¥100,000.00" in hint["words"]["en"]


def test_what_is_earned_once_is_hinted_at_no_more(ledger: Ledger) -> None:
    feed = Feed(1)
    take(ledger, feed.shop("tmall", "t", "2024-05-05"))

    assert "store.tmall" not in hints(ledger, feed, 2024).keys() | hints(ledger, feed, 2025).keys()
    assert hints(ledger, feed)["store.jd"]["values"] == {"amount": "5000.00"}


def test_thresholds_units_and_shares_ahead_are_shown(ledger: Ledger) -> None:
    feed = Feed(1)
    take(
        ledger,
        feed.of_year("design-services-sold", 2024, "299999.99"),
        feed.sales("dtc_own_brand_export", 2024, "1999999.99"),
        feed.sales("online", 2024, "150000000.00"),
    )

    found = hints(ledger, feed)

    assert found["design.services"]["values"] == {"threshold": "300000.00", "short": "0.01"}
    assert "US$0.01" in found["brand.dtc-export"]["words"]["en"]
    assert found["brand.dtc-export"]["values"]["left"] == "2985000.00"
    assert found["scale.contribution-growth"]["hint"] == "next-share"
    assert found["scale.contribution-growth"]["values"]["short"] == "50000000.00"
    assert "90%" in found["scale.contribution-growth"]["words"]["zh"]


def test_claims_are_open_with_their_caps(ledger: Ledger) -> None:
    feed = Feed(1)
    take(ledger, feed.shop("other", "t", "2024-05-05"))

    found = hints(ledger, feed)

    assert found["standard.ningbo"]["values"] == {"cap": "50000.00"}
    assert found["park.transformation"]["hint"] == "claim-open"
    assert not {"scale.targets", "climate.top-ten", "finance.capital-market"} & found.keys()
