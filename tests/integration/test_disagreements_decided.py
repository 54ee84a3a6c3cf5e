"""Decisions about facts that disagree, and what else happens to the same facts: claims, payments, errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from domain.authority.roles import Actor, NotAllowed
from domain.events.claims import ClaimSubmitted
from ledger.claims import desk
from ledger.disagreements.deciding import decide
from ledger.disagreements.looking_back import look_back
from ledger.intake.inbox import ingest
from ledger.policies.versions import adopt_policy
from ledger.reading.disagreements import Disagreement, read_disagreement
from ledger.replay.comparison import replay
from ledger.store.application import Ledger
from services.console import language
from services.server.app import create_app
from tests.events import CIXI, message, take
from tests.integration.bureau import Bureau, Clock
from tests.integration.test_console_desk import HERE, Browser
from tests.integration.test_disagreements import CODES, OFFICER, found_in, gross, policy_with

SHOP = {"platform": "tmall", "kind": "flagship", "shop": "X", "on": "2024-03-01"}
GAO = Actor("Gao", frozenset({"officer"}))
SHEN, WU = (Actor(name, frozenset({"reviewer"})) for name in ("Shen", "Wu"))
AMOUNT = 30_000_00


@pytest.fixture
def ledger(open_at: Callable[..., Ledger], tmp_path: Path) -> Iterator[Ledger]:
    """A ledger whose policy holds shops and projects that two enterprises claim; it replays at the end."""
    opened = open_at(policy=False)
    adopt_policy(opened, policy_with(["shop", "project", "replaced", "design-outlier"]))
    yield opened
    assert replay(opened, str(tmp_path / "again.db")).equal


def tell(ledger: Ledger, letter: str, type_: str, id_: str, data: dict[str, Any], **envelope: str) -> None:
    made = message(type_, CODES[letter], id_, "2025-01-01T00:00:00Z", data)
    take(ledger, json.dumps({**made, **envelope}).encode())


def retract(ledger: Ledger, letter: str, type_: str, id_: str) -> None:
    of = {"of": id_, "of_type": f"subsidy.{type_}.v1", "reason": "an error"}
    tell(ledger, letter, "fact-retracted", f"{id_}-r", of)


def shops(ledger: Ledger, letters: str) -> Disagreement:
    for letter in letters:
        tell(ledger, letter, "store-registered", f"{letter}-1", SHOP)
    (found,) = found_in(ledger)
    return found


def for_(ledger: Ledger, letters: str, **more: Any) -> None:
    """Decide everything that is open or was decided for these enterprises."""
    for each in found_in(ledger, "all"):
        codes = {CODES[letter] for letter in letters}
        counting = [
            (fact.source, fact.id)
            for fact in each.facts
            if fact.enterprise in codes and fact.outcome != "withdrawn"
        ]
        decide(ledger, each.id, OFFICER, counting, "seen the papers", **more)


def outcomes(ledger: Ledger) -> dict[str, str | None]:
    return {fact.id: fact.outcome for each in found_in(ledger, "all") for fact in each.facts}


# --- claims ---------------------------------------------------------------------------------------


def claims(ledger: Ledger, letters: str = "ab") -> None:
    """One project, approved for several enterprises."""
    evidence = [{"title": "t", "location": "x", "sha256": "0" * 64}]
    for letter in letters:
        said = {"policy": CIXI, "claim": f"k{letter}", "measure": "climate.event", "item": "对接会"}
        whole = {**said, "year": 2024, "amount_fen": AMOUNT, "evidence": evidence}
        desk.submit(ledger, CODES[letter], OFFICER, msgspec.convert(whole, ClaimSubmitted))
        desk.review(ledger, CODES[letter], CIXI, f"k{letter}", GAO, AMOUNT, "fine")
        desk.approve(ledger, CODES[letter], CIXI, f"k{letter}", SHEN, AMOUNT)


Step = Callable[[Ledger], object]
STEPS: dict[str, Step] = {
    "approve": lambda ledger: desk.approve(ledger, CODES["a"], CIXI, "ka", WU, AMOUNT),
    "reject": lambda ledger: desk.reject(ledger, CODES["a"], CIXI, "ka", WU, "no"),
    "review": lambda ledger: desk.review(ledger, CODES["a"], CIXI, "ka", GAO, AMOUNT, "again"),
}


@pytest.mark.parametrize("step", STEPS)
def test_an_approval_that_is_held_or_decided_against_is_an_approval_still(ledger: Ledger, step: str) -> None:
    claims(ledger)
    assert gross(ledger) == {"a": "0.00", "b": "0.00", "c": "0.00"}
    with pytest.raises(NotAllowed) as held:
        STEPS[step](ledger)
    for_(ledger, "b")
    with pytest.raises(NotAllowed) as against:
        STEPS[step](ledger)
    assert {held.value.code, against.value.code} == {"claim.status"}
    assert gross(ledger) == {"a": "0.00", "b": "30000.00", "c": "0.00"}
    for_(ledger, "ab")
    assert gross(ledger) == {"a": "30000.00", "b": "30000.00", "c": "0.00"}


# --- settled years --------------------------------------------------------------------------------


def test_nothing_is_clawed_back_while_the_fact_is_held(ledger: Ledger) -> None:
    bureau = Bureau(ledger, Clock())
    tell(ledger, "a", "store-registered", "a-1", SHOP)
    assert bureau.officer.get(bureau.year("settlement"))["undecided"] == 0
    bureau.settle()
    bureau.finance.post(bureau.year("payments"), {}, 201)
    (paid,) = bureau.finance.get(bureau.year("payments"))["items"]
    said = bureau.results((paid["payment"], "made", "10000.00"), on=bureau.clock.now.date().isoformat())
    bureau.finance.post(bureau.year("payments/results"), said)
    found = shops(ledger, "b")
    (late,) = bureau.officer.get(bureau.year("adjustments"))["items"]
    assert (late["paid_too_much"], late["undecided"]) == ("10000.00", found.id)
    assert bureau.officer.get(bureau.year("settlement"))["undecided"] == 2
    for measure in ({}, {"measure": "store.tmall"}):
        body = {"enterprise": CODES["a"], "amount": "10000.00", "reason": "x", **measure}
        refused = bureau.officer.send("POST", bureau.year("clawbacks"), body, "application/json")
        (fault,) = refused.get_json()["faults"]
        assert (fault["code"], found.id in fault["rule"]) == ("clawback.undecided", True)
    for_(ledger, "b")
    late = {each["enterprise"]: each for each in bureau.officer.get(bureau.year("adjustments"))["items"]}
    assert {code: each["difference"] for code, each in late.items()} == {
        CODES["a"]: "-10000.00",
        CODES["b"]: "10000.00",
    }
    assert {each["undecided"] for each in late.values()} == {None}
    bureau.officer.post(bureau.year("clawbacks"), body, 201)


# --- what was decided, and then changes -----------------------------------------------------------


def test_a_decision_counts_for_what_was_seen(ledger: Ledger) -> None:
    seen = shops(ledger, "ab")
    tell(ledger, "c", "store-registered", "c-1", SHOP)
    with pytest.raises(NotAllowed) as moved:
        for_(ledger, "a", seen=seen.latest)
    assert moved.value.code == "disagreement.moved"
    assert outcomes(ledger) == {"a-1": None, "b-1": None, "c-1": None}
    (now,) = found_in(ledger)
    for_(ledger, "a", seen=now.latest)
    assert gross(ledger) == {"a": "10000.00", "b": "0.00", "c": "0.00"}


def test_who_decided_and_why_is_told_and_the_same_again_records_nothing(ledger: Ledger) -> None:
    shops(ledger, "ab")
    for_(ledger, "a")
    (made,) = found_in(ledger, "decided")
    assert made.decision is not None
    assert (made.decision.actor, made.decision.reason) == ("Lin", "seen the papers")
    with ledger.store.reading() as rows:
        before = rows.last_position()
    for_(ledger, "a")
    with ledger.store.reading() as rows:
        assert rows.last_position() == before
    for_(ledger, "b")
    assert gross(ledger) == {"a": "0.00", "b": "10000.00", "c": "0.00"}


def test_once_the_winner_takes_its_fact_back_the_others_are_decided_anew(ledger: Ledger) -> None:
    shops(ledger, "ab")
    for_(ledger, "a")
    retract(ledger, "a", "store-registered", "a-1")
    assert outcomes(ledger) == {"a-1": "withdrawn", "b-1": None}
    assert len(found_in(ledger)) == 1
    assert gross(ledger)["b"] == "0.00"
    tell(ledger, "c", "store-registered", "c-1", SHOP)
    retract(ledger, "c", "store-registered", "c-1")
    assert outcomes(ledger)["b-1"] is None, "what a person decided, only a person undoes"
    for_(ledger, "b")
    assert gross(ledger) == {"a": "0.00", "b": "10000.00", "c": "0.00"}


def test_a_winner_among_several_leaves_the_decision_as_it_is(ledger: Ledger) -> None:
    shops(ledger, "abc")
    for_(ledger, "ab")
    retract(ledger, "a", "store-registered", "a-1")
    assert outcomes(ledger) == {"a-1": "withdrawn", "b-1": "counts", "c-1": "does-not-count"}


def test_what_was_decided_against_a_replaced_code_is_open_once_it_was_not_replaced(ledger: Ledger) -> None:
    tell(ledger, "a", "enterprise-replaced", "a-0", {"by": CODES["c"], "on": "2024-02-01"})
    shops(ledger, "a")
    for_(ledger, "")
    assert outcomes(ledger) == {"a-1": "does-not-count"}
    retract(ledger, "a", "enterprise-replaced", "a-0")
    assert outcomes(ledger) == {"a-1": None}


def test_a_year_that_was_decided_against_is_no_measure_of_later_ones(ledger: Ledger) -> None:
    def design(year: int, amount: str) -> None:
        said = {"year": year, "amount": amount, "currency": "CNY"}
        tell(ledger, "a", "design-purchased", f"a-{year}", said)

    design(2022, "1000.00")
    design(2023, "900000.00")
    for_(ledger, "")
    design(2024, "1000000.00")
    assert outcomes(ledger) == {"a-2023": "does-not-count", "a-2024": None}
    words = {each.words["en"] for each in found_in(ledger)}
    assert words == {"1,000,000.00 in 2024 is more than 10 times the enterprise's best year before, 1,000.00"}


# --- several rules, several sources -----------------------------------------------------------------


def sourced(ledger: Ledger, source: str, id_: str, year: int, amount: str) -> None:
    said = {"year": year, "amount": amount, "currency": "CNY"}
    tell(ledger, "a", "design-purchased", id_, said, source=source)


def corrected(ledger: Ledger, source: str, id_: str, **changes: Any) -> None:
    of = {"of": id_, "of_source": source, "of_type": "subsidy.design-purchased.v1", "reason": "an error"}
    tell(ledger, "a", "fact-corrected", f"{id_}-c{len(changes)}", {**of, "changes": changes})


@pytest.fixture
def sources(open_at: Callable[..., Ledger], tmp_path: Path) -> Iterator[Ledger]:
    """A ledger whose policy holds design purchases that two sources tell otherwise, or that leap."""
    opened = open_at(policy=False)
    adopt_policy(opened, policy_with(["design-sources", "design-outlier"]))
    yield opened
    assert replay(opened, str(tmp_path / "again.db")).equal


def kinds(ledger: Ledger, stage: str = "open") -> list[str]:
    return sorted(each.kind for each in found_in(ledger, stage))


def test_another_kind_of_report_leaves_a_held_year_as_it_is(ledger: Ledger) -> None:
    sales = {"channel": "online", "currency": "CNY"}
    for year, amount in ((2022, "1000.00"), (2023, "90000.00")):
        tell(ledger, "a", "sales-reported", f"s-{year}", {**sales, "year": year, "amount": amount})
    (before,) = found_in(ledger)
    tell(ledger, "a", "design-purchased", "d-1", {"year": 2022, "amount": "5.00", "currency": "CNY"})
    assert [each.id for each in found_in(ledger)] == [before.id]


def test_an_item_whose_approval_is_held_is_not_approved_again(ledger: Ledger) -> None:
    said = {"policy": CIXI, "measure": "climate.event", "item": "会", "year": 2024}
    paid = {"amount": "30000.00", "currency": "CNY"}
    for letter in "ab":
        tell(ledger, letter, "claim-approved", f"{letter}-1", {**said, **paid, "claim": f"k{letter}"})
    again = message(
        "claim-approved", CODES["a"], "a-2", "2025-01-01T00:00:00Z", {**said, **paid, "claim": "k2"}
    )
    (result,) = ingest(ledger, [json.dumps(again).encode()], "tests")
    assert [fault.code for fault in result.faults] == ["claim.item"]


def test_where_sources_agree_there_is_nothing_to_decide(sources: Ledger) -> None:
    sourced(sources, "urn:a", "x", 2024, "1000000.00")
    sourced(sources, "urn:b", "y", 2024, "1000000.00")
    (agreed,) = found_in(sources, "decided")
    assert "一致" in agreed.words["zh"]
    for counting in ([], [("urn:b", "y")]):
        with pytest.raises(NotAllowed) as over:
            decide(sources, agreed.id, OFFICER, counting, "why")
        assert over.value.code == "disagreement.over"
    assert gross(sources)["a"] == "100000.00"


def test_what_was_chosen_and_then_says_otherwise_is_decided_anew(sources: Ledger) -> None:
    sourced(sources, "urn:a", "x", 2024, "1000000.00")
    sourced(sources, "urn:b", "y", 2024, "2000000.00")
    (found,) = found_in(sources)
    decide(sources, found.id, OFFICER, [("urn:b", "y")], "seen the contract")
    assert gross(sources)["a"] == "200000.00"
    corrected(sources, "urn:b", "y", amount="1000000.00")
    assert outcomes(sources) == {"x": None, "y": "agrees"}
    decide(sources, found.id, OFFICER, [("urn:a", "x")], "they agree")
    assert gross(sources)["a"] == "100000.00"


def test_what_sources_say_alike_is_one_year_s_amount(sources: Ledger) -> None:
    sourced(sources, "urn:a", "w", 2022, "1000.00")
    for source, id_ in (("urn:a", "x"), ("urn:b", "y")):
        sourced(sources, source, id_, 2023, "6000.00")
    assert kinds(sources) == [], "6,000 is no more than ten times 1,000"
    assert kinds(sources, "decided") == ["two-sources"]


def test_a_decision_measures_later_years_anew(sources: Ledger) -> None:
    for year, amount in ((2022, "1000.00"), (2023, "900000.00"), (2024, "1000000.00")):
        sourced(sources, "urn:a", f"d-{year}", year, amount)
    (held,) = found_in(sources)
    decide(sources, held.id, OFFICER, [], "no such purchase")
    assert outcomes(sources) == {"d-2023": "does-not-count", "d-2024": None}


def test_a_report_moved_to_another_year_measures_anew(sources: Ledger) -> None:
    sourced(sources, "urn:a", "p", 2023, "100.00")
    sourced(sources, "urn:a", "q", 2024, "5000.00")
    (held,) = found_in(sources)
    decide(sources, held.id, OFFICER, [], "no")
    sourced(sources, "urn:a", "r", 2024, "5000.00")
    corrected(sources, "urn:a", "q", year=2023)
    assert kinds(sources) == [], "5,000 in 2024 is no more than ten times 5,100"


def test_a_matter_whose_facts_were_all_taken_back_is_over(ledger: Ledger) -> None:
    found = shops(ledger, "ab")
    for letter in "ab":
        retract(ledger, letter, "store-registered", f"{letter}-1")
    with pytest.raises(NotAllowed) as over:
        decide(ledger, found.id, OFFICER, [], "why")
    assert over.value.code == "disagreement.over"


def test_where_nothing_counted_another_retraction_opens_nothing(ledger: Ledger) -> None:
    shops(ledger, "abc")
    for_(ledger, "")
    retract(ledger, "b", "store-registered", "b-1")
    assert outcomes(ledger) == {"a-1": "does-not-count", "b-1": "withdrawn", "c-1": "does-not-count"}


def test_a_rule_that_comes_to_hold_holds_what_was_only_noted(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at(policy=False)
    noted = policy_with(["shop"]).replace("then: hold", "then: note")
    adopt_policy(ledger, noted)
    shops(ledger, "ab")
    assert gross(ledger)["a"] == "10000.00"
    version = policy_with(["shop"]).replace("version: 1\n", "version: 2\n", 1)
    adopt_policy(ledger, version)
    with ledger.store.reading() as rows:
        before = rows.last_position()
        known = read_disagreement(rows, found_in(ledger)[0].id, until=before)
    list(look_back(ledger))
    assert gross(ledger) == {"a": "0.00", "b": "0.00", "c": "0.00"}
    with ledger.store.reading() as rows:
        after = read_disagreement(rows, found_in(ledger)[0].id, until=before)
    assert known is not None
    assert after is not None
    assert [fact.held for fact in after.facts] == [fact.held for fact in known.facts] == [False, False]


# --- on the page ----------------------------------------------------------------------------------


def test_a_decision_that_is_refused_keeps_what_was_ticked_and_typed(ledger: Ledger) -> None:
    found = shops(ledger, "ab")
    officer = Browser(create_app(ledger).test_client(), "zh")
    officer.works("林", "officer")
    page, fact = f"{HERE}/disagreements/{found.id}", found.facts[0]
    ticked = f"{fact.source}\x1f{fact.id}"
    text = officer.post(page, 409, counts=ticked, reason="理由" * 1001, seen=str(found.latest)).text
    assert text.count(" checked") == 1
    assert "理由理由" in text
    tell(ledger, "c", "store-registered", "c-1", SHOP)
    text = officer.post(page, 409, counts=ticked, reason="执照", seen=str(found.latest)).text
    assert 'role="alert"' in text
    assert "该事项此后有变化" in text
    for_(ledger, "a")
    text = officer.post(page, 409, counts=ticked, reason=" ").text
    assert 'role="alert"' in text
    assert "Lin" in text
    for lang in language.LANGUAGES:
        assert officer.client.get(f"{page}?lang={lang}").status_code == 200
    assert "没有数据不一致" in officer.client.get(f"{HERE}/disagreements/unknown?lang=zh").text


def test_names_are_told_as_they_were_written(ledger: Ledger) -> None:
    for letter, shop in (("a", "Q One 店"), ("b", "ｑone店")):
        tell(ledger, letter, "store-registered", f"{letter}-1", {**SHOP, "shop": shop})
    (found,) = found_in(ledger)
    assert found.words["zh"] == "同一店铺（天猫 Q One 店）由2家企业报送"
