"""A reform's report over all recorded years is what adopting it in an empty past would have given."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from domain.money.amounts import parse_fen
from ledger.intake.inbox import ingest_all
from ledger.policies.versions import adopt_policy
from ledger.store.application import Ledger
from ledger.store.moments import Moment
from services.cli.main import main
from services.sample.city import city
from tests import answers as queries
from tests.answers import reform
from tests.events import CIXI
from tests.integration.closings import closed
from tests.integration.test_trial import SECOND

LIFE = SECOND.replace('per: "@budget-period"', "per: life", 1)
PARTS = ("measures", "towns", "sizes")


def filled(open_at: Callable[..., Ledger], name: str = "ledger.db") -> Ledger:
    ledger = open_at(name=name)
    for year in (2024, 2025):
        for _ in ingest_all(ledger, city(150, seed=5, year=year), "tests"):
            pass
    return ledger


@pytest.mark.parametrize("text", [SECOND, LIFE], ids=["a figure", "one budget for the life"])
def test_every_year_is_what_the_ledger_says_before_and_after_adopting(
    open_at: Callable[..., Ledger], text: str
) -> None:
    ledger, adopted = filled(open_at), filled(open_at, "adopted.db")
    with ledger.store.reading() as rows:
        found = reform(ledger, rows, CIXI, Moment(rules=text))
        own = {year: queries.budget(ledger, rows, CIXI, year) for year in (2024, 2025)}
        assert rows.last_position() == found["position"]
    adopt_policy(adopted, text)
    with adopted.store.reading() as rows:
        then = {year: queries.budget(adopted, rows, CIXI, year) for year in (2024, 2025)}
        paid = {
            (year, each["enterprise"]): queries.balance(adopted, rows, each["enterprise"], CIXI, year)[
                "payable"
            ]
            for year in (2024, 2025)
            for each in queries.enterprises(rows, CIXI, year, "", 1_000)
        }

    assert [each["year"] for each in found["years"]] == [2024, 2025]
    for each in found["years"]:
        for side, said in (("before", own), ("after", then)):
            assert each[side]["sharing"] == said[each["year"]]["sharing"]
            assert each[side]["factor"]["fraction"] == said[each["year"]]["factor"]["fraction"]
        mine = sum(parse_fen(fen) for (year, _), fen in paid.items() if year == each["year"])
        assert parse_fen(each["after"]["payable"]) == mine
    for each in (*found["winners"], *found["losers"]):
        both = sum(parse_fen(paid.get((year, each["enterprise"]), "0.00")) for year in (2024, 2025))
        assert parse_fen(each["after"]) == both
    assert found["total"]["gaining"] + found["total"]["losing"] > 0


def test_parts_add_up_to_the_whole(open_at: Callable[..., Ledger]) -> None:
    ledger = filled(open_at)
    with ledger.store.reading() as rows:
        found = reform(ledger, rows, CIXI, Moment(rules=SECOND))

    for side in ("before", "after"):
        whole = parse_fen(found["total"][side])
        assert sum(parse_fen(each[side]["payable"]) for each in found["years"]) == whole > 0
        for part in PARTS:
            assert sum(parse_fen(each[side]) for each in found[part]) == whole
    for part in ("towns", "sizes"):  # an enterprise has one of each, but several measures
        for counted in ("gaining", "losing", "unchanged"):
            assert sum(each[counted] for each in found[part]) == found["total"][counted]
    assert {each["size"] for each in found["sizes"]} > {"small", "micro"}


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_closed_years_are_worked_out_anew_each_from_its_own_appropriation(
    open_at: Callable[..., Ledger],
) -> None:
    scene = closed(open_at)
    with scene.ledger.store.reading() as rows:
        same = reform(scene.ledger, rows, CIXI, Moment(rules_as_of="2030-01-01"))

    assert same["total"]["gaining"] == same["total"]["losing"] == 0
    assert [each["before"]["appropriation"] for each in same["years"]] == ["4000000.00", "10000000.00"]


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_the_rules_of_another_day_alone_may_be_asked_for(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at()
    later = SECOND.replace("effective_from: 2024-01-01", "effective_from: 2024-07-01", 1)
    adopt_policy(ledger, later)
    for _ in ingest_all(ledger, city(60, seed=5), "tests"):
        pass
    with ledger.store.reading() as rows:
        found = reform(ledger, rows, CIXI, Moment(rules_as_of="2024-03-01"))
    assert [each["version"] for each in found["rules_before"]] == [1, 2]
    assert [each["version"] for each in found["rules_after"]] == [1]


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_the_report_is_one_page_in_both_languages_with_charts_and_an_empty_state(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    filled(open_at).close()
    open_at(name="empty.db").close()
    file, out = tmp_path / "edited.yaml", tmp_path / "report.html"
    file.write_text(SECOND, "utf-8")

    def said(*words: str, database: str = "ledger.db", lang: str = "zh") -> str:
        command = ["--database", str(tmp_path / database), "--language", lang, "policy", "reform", *words]
        done = CliRunner().invoke(main, command)
        assert done.exit_code == 0, done.output
        return done.stdout

    found = json.loads(said(str(file), "--json"))
    assert "增加" in said(str(file))
    for lang, title, empty in (
        ("zh", "政策调整影响报告", "还没有可比较的奖励"),
        ("en", "Report of a reform", "no award to"),
    ):
        said(str(file), "--out", str(out), lang=lang)
        page = out.read_text("utf-8")
        assert title in page
        assert page.count("<svg") == len(PARTS)
        for each in found["winners"]:
            assert each["enterprise"] in page
        said(str(file), "--out", str(out), database="empty.db", lang=lang)
        assert empty in out.read_text("utf-8")


def test_nothing_asked_is_refused() -> None:
    done = CliRunner().invoke(main, ["policy", "reform"])
    assert done.exit_code == 2
    assert "--rules-as-of" in done.output
