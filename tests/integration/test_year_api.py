"""A whole year through the HTTP API: from the policy's adoption to the last clawback that came back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from domain.money.amounts import print_fen
from ledger.replay.comparison import fingerprint, replay
from ledger.store.application import Ledger
from services.sample.city import city
from tests.events import CIXI, CIXI_TEXT, Feed
from tests.integration.api_client import balance_path
from tests.integration.bureau import (
    Bureau,
    Clock,
    all_of_year,
    check,
    check_the_past,
    fen,
    posted,
    remember,
)

CITY = list(city(300, seed=3))
BUDGET = "4000000.00"
DOCUMENT = {"title": "t", "location": "oa://2025/17", "sha256": "0" * 64}
SAID = {"opinion": "in order"}
WHY = {"reason": "tests"}


def adopted(ledger: Ledger, text: str = CIXI_TEXT) -> Bureau:
    """A bureau whose policy came in through the API."""
    bureau = Bureau(ledger, Clock())
    bureau.api.post("/v1/policies", text.encode(), 201, "application/yaml")
    return bureau


def published(bureau: Bureau, messages: list[bytes]) -> list[bytes]:
    """Publish a stream; the messages that were accepted."""
    *results, summary = bureau.api.stream(b"\n".join(messages))
    assert len(results) == len(messages), summary
    return [raw for raw, result in zip(messages, results, strict=True) if result["status"] == "accepted"]


def decide_claims(bureau: Bureau, codes: list[str]) -> None:
    """Claims submitted, reviewed, approved, rejected, appealed, withdrawn and proposed."""
    officer, second, reviewer, other = bureau.officer, bureau.second, bureau.reviewer, bureau.other_reviewer
    first, next_, third, fourth = codes[60:64]

    def step(by: Any, code: str, claim: str, name: str, body: Any) -> None:
        assert by.post(bureau.claim_path(code, claim, name), body)["claim"] == claim

    for code, claim in ((first, "A/1"), (next_, "A-2"), (third, "A-3")):
        body = bureau.asked(code, claim, "climate.event", "fair", amount="90000.00", currency="CNY")
        made = bureau.enterprise(code).post("/v1/claims", {**body, "evidence": [DOCUMENT]}, 201)
        assert made["status"] == "submitted"
    step(officer, first, "A/1", "review", {"amount": "80000.00", **SAID})
    step(reviewer, first, "A/1", "approval", {"amount": "75000.55"})
    step(officer, next_, "A-2", "review", {"amount": "60000.00", **SAID})
    step(reviewer, next_, "A-2", "rejection", WHY)
    bureau.clock.pass_(days=15)
    step(bureau.enterprise(next_), next_, "A-2", "appeal", WHY)
    step(second, next_, "A-2", "review", {"amount": "50000.00", **SAID})
    step(other, next_, "A-2", "approval", {})
    step(bureau.enterprise(third), third, "A-3", "withdrawal", {})
    bureau.publish(
        "standard-published", fourth, "S-1", level="ningbo", standard="DB3302/T 9", on="2024-04-04"
    )
    body = {"policy": CIXI, "year": 2024}
    [made] = [
        each for each in officer.post("/v1/claims/proposals", body)["items"] if "DB3302/T 9" in each["claim"]
    ]
    step(second, fourth, made["claim"], "review", {"amount": "40000.00", **SAID})
    step(reviewer, fourth, made["claim"], "approval", {})
    file = bureau.api.get(bureau.claim_path(next_, "A-2"))
    steps = ["submitted", "reviewed", "rejected", "appealed", "reviewed", "approved"]
    assert [each["step"] for each in file["steps"]] == steps
    assert file["evidence"] == [DOCUMENT]
    assert bureau.api.get(bureau.claim_path(first, "A/1"))["amount"] == "75000.55"


def settle_with_objections(bureau: Bureau, codes: list[str]) -> None:
    """Proposed, published, objected to, proposed again, objected to in vain, closed."""
    year = bureau.year
    target = next(bureau.pages(year("settlement/lines")), None)
    assert target is None
    proposed = bureau.officer.post(year("settlement/proposal"), {})
    assert fen(proposed["proposal"]["sharing"]) > fen(proposed["proposal"]["available"]) == fen(BUDGET)
    assert proposed["stage"] == "proposed"
    check(bureau)
    out = bureau.officer.post(year("settlement/publication"), {})["publication"]
    assert (out["from_day"], out["until_day"]) == ("2025-05-21", "2025-05-27")
    check(bureau)
    who = codes[70]
    raised = bureau.enterprise(who).post(
        year("settlement/objections"), {"enterprise": who, "reason": "our shop is missing"}
    )
    objection = raised["objections"][0]["objection"]
    path = year(f"settlement/objections/{objection}/resolution")
    upheld = bureau.reviewer.post(path, {"outcome": "upheld", "reason": "so it is"})
    assert upheld["upheld"]
    data = {"platform": "tmall", "kind": "flagship", "shop": "missing", "on": "2024-08-08"}
    bureau.publish("store-registered", who, "late-shop", **data)
    again = bureau.propose_and_publish()
    assert (again["proposal"]["number"], again["upheld"]) == (2, False)
    assert again["proposal"]["awards"] > proposed["proposal"]["awards"]
    raised = bureau.officer.post(year("settlement/objections"), {"reason": "too little for all"})
    second = raised["objections"][1]["objection"]
    bureau.clock.pass_(days=3)
    path = year(f"settlement/objections/{second}/resolution")
    bureau.other_reviewer.post(path, {"outcome": "dismissed", "reason": "the budget is the budget"})
    check(bureau)
    bureau.clock.pass_(days=4)
    closed = bureau.reviewer.post(year("settlement/closing"), {})
    assert closed["stage"] == "closed"
    assert closed["closing"]["closed_by"] == "Shen"
    assert closed["closing"]["first_position"] == closed["closing"]["log_size"] + 1 - again_accounts(closed)


def again_accounts(closed: Any) -> int:
    """How many accounts a closing opened."""
    return int(closed["proposal"]["enterprises"])


def pay(bureau: Bureau) -> str:
    """Ordered, answered, some failed, ordered again, answered; the first payee comes back."""
    year, finance = bureau.year, bureau.finance
    made = finance.post(year("payments"), {}, 201)
    check(bureau)
    ordered = list(bureau.pages(f"{year('payments')}?batch={made['batch']}"))
    assert len(ordered) == made["payments"]
    assert sum(fen(each["amount"]) for each in ordered) == fen(made["total"])
    bureau.clock.pass_(days=30)
    answers = [
        (each["payment"], "failed" if index % 10 == 3 else "made", each["amount"])
        for index, each in enumerate(ordered)
    ]
    body = bureau.results(*answers)
    assert finance.post(year("payments/results"), body) == {"recorded": len(ordered), "known": 0}
    assert finance.post(year("payments/results"), body) == {"recorded": 0, "known": len(ordered)}
    check(bureau)
    back = bureau.results((ordered[0]["payment"], "failed", ordered[0]["amount"]), said="account closed")
    finance.post(year("payments/results"), back)
    check(bureau)
    again = finance.post(year("payments"), {}, 201)
    failed = [each for each in answers if each[1] == "failed"]
    assert again["payments"] == len(failed) + 1
    check(bureau)
    reordered = list(bureau.pages(f"{year('payments')}?batch={again['batch']}"))
    answers = [(each["payment"], "made", each["amount"]) for each in reordered]
    finance.post(year("payments/results"), bureau.results(*answers))
    accounts = bureau.api.get(year("settlement"))["accounts"]
    assert accounts["paid"] == accounts["payable"]
    assert accounts["outstanding"] == accounts["ordered"] == "0.00"
    check(bureau)
    return str(max(ordered, key=lambda each: fen(each["amount"]))["enterprise"])


def claw_back(bureau: Bureau, code: str) -> None:
    """Ordered back, come back in part, come back in whole."""
    paid = fen(bureau.balance(code)["paid"])
    body = {"enterprise": code, "amount": print_fen(paid // 2), "reason": "the branch was closed"}
    made = bureau.officer.post(bureau.year("clawbacks"), body, 201)
    assert made["clawed_back"] == print_fen(paid // 2)
    check(bureau)
    path = bureau.year(f"clawbacks/{made['clawback']}/recoveries")
    for part in (paid // 2 - 1, 1):
        returned = {"on": bureau.today(), "reference": f"R{part}"}
        body = {"enterprise": code, "amount": print_fen(part), **returned}
        after = bureau.finance.post(path, body)
        check(bureau)
    assert after["recovered"] == after["clawed_back"]
    assert posted(bureau, 2024)[f"assets:clawback:{code}"] == 0


def late_facts(bureau: Bureau, codes: list[str], frozen: dict[str, Any]) -> None:
    """What comes after the closing changes nothing in it, and is accepted into the next year."""
    known, new = codes[71], Feed(77).code
    data = {"platform": "tmall", "kind": "flagship", "on": "2024-09-09"}
    for code in (known, new):
        bureau.publish("store-registered", code, f"very-late-{code}", shop=f"late {code}", **data)
    bureau.publish("sales-reported", codes[13], "huge", channel="online", year=2024, amount="9000000000.00",
                   currency="CNY")  # fmt: skip
    assert all_of_year(bureau, 2024, codes) == frozen
    pending = {each["enterprise"]: each for each in bureau.pages(bureau.year("adjustments"))}
    assert {known, new} <= set(pending)
    assert pending[new]["settled"] == "0.00"
    difference = pending[new]["difference"]
    before = bureau.api.get(bureau.year("budget", 2025))
    body = {"enterprise": new, "measure": pending[new]["measure"], "into_year": 2025, "amount": difference}
    made = bureau.officer.post(bureau.year("adjustments"), {**body, **WHY}, 201)
    assert (made["year"], made["into_year"], made["amount"]) == (2024, 2025, difference)
    after = bureau.api.get(bureau.year("budget", 2025))
    for name in ("gross", "sharing"):
        assert fen(after[name]) - fen(before[name]) == fen(difference)
    [award] = [each for each in bureau.balance(new, 2025)["awards"] if each["award_year"] == 2024]
    assert award["gross"] == difference
    assert new not in {each["enterprise"] for each in bureau.pages(bureau.year("adjustments"))}
    assert bureau.balance(new)["awards"] == []
    check(bureau, 2025)
    assert all_of_year(bureau, 2024, codes) == frozen
    bureau.propose_and_publish(2025)
    check(bureau, 2025)
    remember_all(bureau, codes)
    [line] = [
        each for each in bureau.pages(bureau.year("settlement/lines", 2025)) if each["enterprise"] == new
    ]
    assert (line["award_year"], line["gross"]) == (2024, difference)


def remember_all(bureau: Bureau, codes: list[str]) -> None:
    """Note budgets and balances of both years, and why, of some enterprises."""
    some = [*codes[:3], *codes[60:72:3], codes[13]]
    paths = [bureau.year("budget", year) for year in (2024, 2025)]
    paths += [balance_path(code, year) for code in some for year in (2024, 2025)]
    paths += [f"/v1/enterprises/{code}/explanations/{CIXI}/2024" for code in some]
    remember(bureau, *paths)


def whole_year(bureau: Bureau, messages: list[bytes]) -> list[bytes]:
    """The scenario; the messages that were accepted come back."""
    assert bureau.api.put(f"/v1/policies/{CIXI}/budgets/2024", {"amount": BUDGET, "currency": "CNY"})
    accepted = published(bureau, messages)
    codes = sorted({str(json.loads(raw)["subject"]) for raw in accepted})
    check(bureau)
    remember_all(bureau, codes)
    decide_claims(bureau, codes)
    check(bureau)
    remember_all(bureau, codes)
    settle_with_objections(bureau, codes)
    check(bureau)
    remember_all(bureau, codes)
    assert list(bureau.pages(bureau.year("adjustments"))) == []
    payee = pay(bureau)
    remember_all(bureau, codes)
    claw_back(bureau, payee)
    remember_all(bureau, codes)
    frozen = all_of_year(bureau, 2024, codes)
    late_facts(bureau, codes, frozen)
    return accepted


def test_a_year_from_adoption_to_the_last_recovered_clawback_holds_at_every_stage_and_replays_to_the_same(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    bureau = adopted(open_at(policy=False))
    accepted = whole_year(bureau, CITY)
    check_the_past(bureau)
    certificates = [replay(bureau.ledger, str(tmp_path / f"{number}.db")) for number in (1, 2)]
    assert [each.differences for each in certificates] == [(), ()]
    assert certificates[0] == certificates[1]
    with bureau.ledger.store.reading() as rows:
        assert fingerprint(rows) == certificates[0].replayed

    shuffled = list(accepted)
    Random(5).shuffle(shuffled)
    other = adopted(open_at(name="other.db", policy=False))
    other.is_followed = False
    assert sorted(whole_year(other, shuffled)) == sorted(accepted)
    other.is_followed = True
    check(other)
    with other.ledger.store.reading() as rows:
        assert fingerprint(rows) == certificates[0].replayed


def one_shop(bureau: Bureau, number: int, year: int = 2024, shops: int = 1) -> str:
    """An enterprise with new shops of a year."""
    feed = Feed(number)
    for shop in range(shops):
        data = {"platform": "tmall", "kind": "flagship", "shop": f"{number}-{shop}", "on": f"{year}-03-04"}
        bureau.publish("store-registered", feed.code, f"shop-{number}-{year}-{shop}", **data)
    return feed.code


def set_budget(bureau: Bureau, period: str, amount: str) -> Any:
    """Set a budget; what is answered is what was set."""
    path = f"/v1/policies/{bureau.policy}/budgets/{period}"
    found = bureau.api.put(path, {"amount": amount, "currency": "CNY"})
    assert found["amount"] == amount
    return found


def test_a_list_whose_budget_was_set_anew_since_it_was_proposed_is_not_closed(
    open_at: Callable[..., Ledger],
) -> None:
    bureau = adopted(open_at(policy=False))
    one_shop(bureau, 1)
    bureau.propose_and_publish()
    set_budget(bureau, "2024", "1.00")
    bureau.clock.pass_(days=8)
    said = bureau.reviewer.post(bureau.year("settlement/closing"), {}, 409)
    assert [fault["code"] for fault in said["faults"]] == ["settlement.outdated"]
    bureau.settle()
    assert bureau.api.get(bureau.year("settlement"))["accounts"]["payable"] == "1.00"
    check(bureau)


def test_two_years_of_one_budget_for_life_cannot_both_be_closed_on_the_whole_of_it(
    open_at: Callable[..., Ledger],
) -> None:
    text = CIXI_TEXT.replace("  budget-period:\n    value: year", "  budget-period:\n    value: life")
    bureau = adopted(open_at(policy=False), text)
    set_budget(bureau, "life", "15000.00")
    code = one_shop(bureau, 1)
    one_shop(bureau, 2, 2025)
    bureau.propose_and_publish(2024)
    bureau.propose_and_publish(2025)
    bureau.clock.pass_(days=8)
    bureau.reviewer.post(bureau.year("settlement/closing", 2024), {})
    said = bureau.reviewer.post(bureau.year("settlement/closing", 2025), {}, 409)
    assert [fault["code"] for fault in said["faults"]] == ["settlement.outdated"]
    first = fen(bureau.balance(code)["payable"])
    closed = bureau.settle(2025)
    assert closed["proposal"]["spent"] == print_fen(first)
    assert first + fen(closed["accounts"]["payable"]) <= 1_500_000
    said = bureau.api.send("PUT", f"/v1/policies/{CIXI}/budgets/life", {"amount": "1.00", "currency": "CNY"})
    assert said.status_code == 409
    assert [fault["code"] for fault in said.get_json(force=True)["faults"]] == ["budget.spent"]
    for year in (2024, 2025):
        check(bureau, year)


def test_an_adjustment_accepted_while_the_list_is_out_is_not_lost(open_at: Callable[..., Ledger]) -> None:
    bureau = adopted(open_at(policy=False))
    one_shop(bureau, 1)
    bureau.settle(2024)
    code = one_shop(bureau, 2)
    bureau.propose_and_publish(2025)
    [late] = bureau.pages(bureau.year("adjustments"))
    body = {"enterprise": code, "measure": late["measure"], "into_year": 2025, "amount": late["difference"]}
    bureau.officer.post(bureau.year("adjustments"), {**body, **WHY}, 201)
    bureau.clock.pass_(days=8)
    said = bureau.reviewer.post(bureau.year("settlement/closing", 2025), {}, 409)
    assert [fault["code"] for fault in said["faults"]] == ["settlement.outdated"]
    bureau.settle(2025)
    assert bureau.balance(code, 2025)["payable"] == late["difference"]


def test_what_a_year_leaves_and_what_was_taken_off_go_to_the_next_year_where_the_policy_says_so(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    text = CIXI_TEXT.replace("unspent-budget:\n    value: lapses", "unspent-budget:\n    value: next-year")
    text = text.replace("reductions:\n    value: final", "reductions:\n    value: next-year")
    bureau = adopted(open_at(policy=False), text)
    set_budget(bureau, "2024", "3000.00")
    set_budget(bureau, "2025", "100000.00")
    code = one_shop(bureau, 1)
    whole = fen(bureau.balance(code)["gross"])
    assert whole > 300_000
    bureau.settle(2024)
    check(bureau)
    assert bureau.balance(code)["payable"] == "3000.00"
    carried = bureau.balance(code, 2025)
    assert fen(carried["payable"]) == whole - 300_000
    check(bureau, 2025)
    bureau.settle(2025)
    check(bureau, 2025)
    budget = bureau.api.get(bureau.year("budget", 2026))
    assert fen(budget["carried"]) == 10_000_000 - (whole - 300_000)
    set_budget(bureau, "2026", "7.00")
    after = bureau.api.get(bureau.year("budget", 2026))
    assert fen(after["available"]) == 700 + fen(budget["carried"])
    assert replay(bureau.ledger, str(tmp_path / "replay.db")).equal


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_year_whose_standards_are_reduced_first_has_nothing_to_adjust_when_it_is_closed(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    text = CIXI_TEXT.replace("value: after-highest-only", "value: standards-first")
    bureau = adopted(open_at(policy=False), text)
    published(bureau, CITY)
    set_budget(bureau, "2024", "400000.00")
    bureau.settle()
    check(bureau)
    lines = list(bureau.pages(bureau.year("settlement/lines")))
    assert any(line["withheld"] != "0.00" and line["payable"] == "0.00" for line in lines)
    assert list(bureau.pages(bureau.year("adjustments"))) == []
    code = one_shop(bureau, 5)
    assert {each["enterprise"] for each in bureau.pages(bureau.year("adjustments"))} == {code}
    assert replay(bureau.ledger, str(tmp_path / "replay.db")).equal


def test_a_year_with_nothing_in_it_is_closed_and_pays_nothing(open_at: Callable[..., Ledger]) -> None:
    bureau = adopted(open_at(policy=False))
    closed = bureau.settle()
    assert (closed["proposal"]["awards"], closed["accounts"]["payable"]) == (0, "0.00")
    check(bureau)
    said = bureau.finance.post(bureau.year("payments"), {}, 409)
    assert [fault["code"] for fault in said["faults"]] == ["payment.nothing"]
    assert bureau.api.get(balance_path(one_shop(bureau, 1)))["payable"] == "0.00"
