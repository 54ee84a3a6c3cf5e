"""Whatever must be impossible is tried through the API: it is refused in words, and changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from string import Template
from threading import Barrier
from typing import Any, NamedTuple

import pytest
from werkzeug.test import TestResponse

from domain.faults.registry import read_codes
from ledger.replay.comparison import fingerprint, replay
from ledger.store.application import Ledger
from tests.events import CIXI, CIXI_TEXT, Feed, message, naming
from tests.integration.api_client import Api, is_problem, step_at
from tests.integration.bureau import Bureau, Clock, check, fen

TEXT = naming(CIXI_TEXT.replace("claims_until: null", 'claims_until: "06-30"'), ("urn:tests",))
NEXT = TEXT.replace("version: 1", "version: 2")
CODE, OTHER = Feed(1).code, Feed(2).code
SAID = {"amount": "40000.00", "opinion": "in order"}
WHY = {"reason": "tests"}
MAKE = "application/json"


class Try(NamedTuple):
    """A step that must be refused: with which code, by whom (``name:roles:enterprise``), where, what."""

    code: str
    who: str
    path: str
    body: Any = None
    status: int = 409
    method: str = "POST"
    media: str = MAKE


def claim_body(claim: str = "new", measure: str = "climate.event", item: str = "new", **more: Any) -> Any:
    named = {"enterprise": CODE, "policy": CIXI, "claim": claim, "measure": measure, "item": item}
    return {**named, "year": 2024, **more}


def money(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "CNY"}


def answer(payment: str, status: str, amount: str, on: str = "2025-05-14", said: str = "bank") -> Any:
    return {"results": [{"payment": payment, "status": status, "amount": amount, "on": on, "said": said}]}


RESOLVED = {"outcome": "dismissed", **WHY}
BACK = {"enterprise": CODE, "amount": "1.00", **WHY}
CAME = {"enterprise": CODE, "amount": "1.00", "on": "2025-05-06", "reference": "R"}
RETURN = {**CAME, "on": "2025-06-13"}
FILE = {"form": "csv", "on": "2025-05-14", "payer_name": "F", "payer_account": "1", "payer_bank": "2"}
FILE["payees"] = "code,account,bank,name\n"
ACCEPT = {"enterprise": OTHER, "measure": "store.tmall", "into_year": 2025, **WHY}

CLAIMS = [
    Try("claim.currency", "Lin:officer", "/v1/claims", claim_body(**{**money("1.00"), "currency": "MOP"})),
    Try("claim.cap", "Lin:officer", "/v1/claims", claim_body(measure="standard.cixi", **money("30000.01"))),
    Try("claim.cap", "Gao:officer", "$C/standard/review", {"amount": "30000.01", "opinion": "generous"}),
    Try("claim.cap", "Shen:reviewer", "$C/capped/approval", {"amount": "30000.01"}),
    Try("claim.above-review", "Shen:reviewer", "$C/reviewed/approval", {"amount": "40000.01"}),
    Try("claim.own", "Lin:officer", "$C/mine/review", SAID),
    Try("claim.own", "Lin:reviewer", "$C/mine-reviewed/approval", {}),
    Try("claim.own", "Lin:reviewer", "$C/mine/rejection", WHY),
    Try("claim.own", "Lin:officer,reviewer", "$C/appealed/review", SAID),
    Try("claim.involved", "Gao:officer", "$C/appealed/review", SAID),
    Try("claim.involved", "Shen:reviewer,officer", "$C/appealed/review", SAID),
    Try("claim.same-reviewer", "Gao:officer,reviewer", "$C/reviewed/approval", {}),
    Try("claim.same-reviewer", "Gao:officer,reviewer", "$C/reviewed/rejection", WHY),
    Try("claim.status", "Gao:officer", "$C/approved/review", SAID),
    Try("claim.status", "Gao:officer", "$C/reviewed/review", SAID),
    Try("claim.status", "Shen:reviewer", "$C/mine/approval", {}),
    Try("claim.status", "Wu:reviewer", "$C/approved/approval", {}),
    Try("claim.status", "Wu:reviewer", "$C/approved/rejection", WHY),
    Try("claim.status", "Lin:officer", "$C/approved/withdrawal", {}),
    Try("claim.status", "Lin:officer", "$C/mine/appeal", WHY),
    Try("claim.known", "Lin:officer", "/v1/claims", claim_body("mine")),
    Try("claim.unknown", "Gao:officer", "$C/nowhere/review", SAID),
    Try("claim.item-claimed", "Lin:officer", "/v1/claims", claim_body(item="mine")),
    Try("claim.item-claimed", "Lin:officer", "/v1/claims", claim_body(item="approved")),
    Try("claim.item", "Shen:reviewer", "$C/overtaken/approval", {}),
    Try("measure.unknown", "Lin:officer", "/v1/claims", claim_body(measure="nothing")),
    Try("measure.no-claims", "Lin:officer", "/v1/claims", claim_body(measure="store.tmall")),
    Try("measure.not-in-year", "Lin:officer", "/v1/claims", {**claim_body(), "year": 2019}),
    Try("amount.zero", "Lin:officer", "/v1/claims", claim_body(**money("0.00"))),
    Try("amount.zero", "Gao:officer", "$C/standard/review", {"amount": "0.00", "opinion": "none"}),
    Try("amount.zero", "Shen:reviewer", "$C/reviewed/approval", {"amount": "0"}),
    Try("role.enterprise", f"clerk:enterprise:{OTHER}", "/v1/claims", claim_body(), 403),
    Try("role.enterprise", f"clerk:enterprise:{OTHER}", "$C/mine/withdrawal", {}, 403),
    Try("role.enterprise", "clerk:enterprise", "$C/rejected/appeal", WHY, 403),
    Try("role.enterprise", "clerk:enterprise:91330282MA0000000X", "$C/mine/withdrawal", {}, 403),
    Try("actor.missing", "", "$C/mine/withdrawal", {}, 403),
    Try("actor.name", "Li\u200bn:officer", "$C/mine/withdrawal", {}, 403),
    Try("actor.name", f"{201 * 'L'}:officer", "$C/mine/withdrawal", {}, 403),
    Try("role.missing", "Lin:king", "$C/mine/withdrawal", {}, 403),
]
LATE_CLAIMS = [
    Try("claim.late", "Lin:officer", "/v1/claims", claim_body()),
    Try("claim.appeal-late", "Lin:officer", "$C/rejected/appeal", WHY),
]
OPEN = [
    Try("settlement.no-year", "Lin:officer", f"/v1/policies/{CIXI}/years/2019/settlement/proposal", {}),
    Try("settlement.not-proposed", "Lin:officer", "$Y/settlement/publication", {}),
    Try("settlement.not-published", "Lin:officer", "$Y/settlement/objections", WHY),
    Try("settlement.not-published", "Shen:reviewer", "$Y/settlement/closing", {}),
    Try("objection.unknown", "Shen:reviewer", "$Y/settlement/objections/none/resolution", RESOLVED),
    Try("settlement.not-closed", "Qian:finance", "$Y/payments", {}),
    Try("settlement.not-closed", "Qian:finance", "$Y/payments/results", answer("p", "made", "1.00")),
    Try("settlement.not-closed", "Lin:officer", "$Y/clawbacks", BACK),
    Try("settlement.not-closed", "Qian:finance", "$Y/clawbacks/c/recoveries", CAME),
    Try("settlement.not-closed", "Lin:officer", "$Y/adjustments", {**ACCEPT, "amount": "1.00"}),
    Try("settlement.not-closed", "Lin:officer", "$Y/adjustments", None, method="GET"),
]
PROPOSED = [
    Try("settlement.not-published", "Shen:reviewer", "$Y/settlement/closing", {}),
    Try("settlement.not-published", "Lin:officer", "$Y/settlement/objections", WHY),
    Try("settlement.not-closed", "Qian:finance", "$Y/payments", {}),
]
PUBLISHED = [
    Try("settlement.not-proposed", "Lin:officer", "$Y/settlement/publication", {}),
    Try("settlement.notice", "Shen:reviewer", "$Y/settlement/closing", {}),
    Try("role.enterprise", f"clerk:enterprise:{OTHER}", "$Y/settlement/objections",
        {"enterprise": CODE, **WHY}, 403),
    Try("settlement.not-closed", "Qian:finance", "$Y/payments", {}),
]  # fmt: skip
OBJECTED = [
    Try("objection.open", "Shen:reviewer", "$Y/settlement/closing", {}),
    Try("objection.own", "Wu:reviewer,officer", "$Y/settlement/objections/$objection/resolution", RESOLVED),
    Try("objection.resolved", "Shen:reviewer", "$Y/settlement/objections/$resolved/resolution", RESOLVED),
    Try("objection.late", "Lin:officer", "$Y/settlement/objections", WHY),
]
UPHELD = [
    Try("objection.upheld", "Shen:reviewer", "$Y/settlement/closing", {}),
    Try("objection.resolved", "Shen:reviewer", "$Y/settlement/objections/$objection/resolution", RESOLVED),
]
DUE = [Try("settlement.same-person", "Lin:officer,reviewer", "$Y/settlement/closing", {})]
CLOSED = [
    Try("settlement.closed", "Shen:reviewer", "$Y/settlement/closing", {}),
    Try("settlement.closed", "Lin:officer", "$Y/settlement/proposal", {}),
    Try("settlement.closed", "Lin:officer", "$Y/settlement/publication", {}),
    Try("settlement.closed", "Lin:officer", "$Y/settlement/objections", WHY),
    Try("settlement.closed", "Shen:reviewer", "$Y/settlement/objections/$objection/resolution", RESOLVED),
    Try("settlement.closed", "", f"/v1/policies/{CIXI}/budgets/2024", money("1.00"), method="PUT"),
    Try("settlement.closed", "Lin:officer", "/v1/claims", claim_body()),
    Try("settlement.closed", "Shen:reviewer", "$C/reviewed/approval", {}),
    Try("settlement.closed", "Shen:reviewer", "$C/reviewed/rejection", WHY),
    Try("settlement.closed", "Lin:officer", "$C/mine/withdrawal", {}),
    Try("settlement.closed", "Lin:officer", "$C/rejected/appeal", WHY),
    Try("settlement.closed", "Lin:officer", "/v1/claims/proposals", {"policy": CIXI, "year": 2024}),
    Try("policy.closed-year", "", "/v1/policies", NEXT, media="application/yaml"),
    Try("adjustment.into", "Lin:officer", "$Y/adjustments", {**ACCEPT, "into_year": 2024, "amount": "1.00"}),
    Try("adjustment.into", "Lin:officer", "$Y/adjustments", {**ACCEPT, "into_year": 2023, "amount": "1.00"}),
    Try("adjustment.amount", "Lin:officer", "$Y/adjustments", {**ACCEPT, "amount": "1.00"}),
    Try("adjustment.amount", "Lin:officer", "$Y/adjustments", {**ACCEPT, "enterprise": CODE, "amount": "0"}),
    Try("clawback.above-paid", "Lin:officer", "$Y/clawbacks", BACK),
    Try("clawback.unknown", "Qian:finance", "$Y/clawbacks/none/recoveries", CAME),
    Try("payment.unknown", "Qian:finance", "$Y/payments/results", answer("none", "made", "1.00")),
    Try("payment.nothing", "Qian:finance", "$Y/payments", {"enterprises": [Feed(9).code]}),
    Try("payment.no-batch", "Qian:finance", "$Y/payments/2024-007/file", FILE),
]
ORDERED = [
    Try("payment.nothing", "Qian:finance", "$Y/payments", {}),
    Try("payment.nothing", "Qian:finance", "$Y/payments", {"enterprises": [CODE]}),
    Try("payment.amount", "Qian:finance", "$Y/payments/results", answer("$payment", "made", "$more")),
    Try("payment.amount", "Qian:finance", "$Y/payments/results", answer("$payment", "made", "$less")),
    Try("payment.amount", "Qian:finance", "$Y/payments/results", answer("$payment", "failed", "$more")),
    Try("date.future", "Qian:finance", "$Y/payments/results",
        answer("$payment", "made", "$amount", "2025-12-31")),
    Try("date.before", "Qian:finance", "$Y/payments/results",
        answer("$payment", "made", "$amount", "2000-01-01")),
    Try("date.before", "Qian:finance", "$Y/payments/results",
        answer("$payment", "failed", "$amount", "2025-05-13")),
    Try("date.past", "Qian:finance", "$Y/payments/$batch/file", {**FILE, "on": "2000-01-01"}),
    Try("date.past", "Qian:finance", "$Y/payments/$batch/file", {**FILE, "on": "2025-05-13"}),
    Try("date.far", "Qian:finance", "$Y/payments/$batch/file", {**FILE, "on": "2026-05-14"}),
    Try("clawback.above-paid", "Lin:officer", "$Y/clawbacks", BACK),
]  # fmt: skip
PAID = [
    Try("payment.nothing", "Qian:finance", "$Y/payments", {}),
    Try("payment.status", "Qian:finance", "$Y/payments/results",
        answer("$payment", "made", "$amount", said="another reference")),
    Try("payment.status", "Qian:finance", "$Y/payments/results",
        answer("$payment", "made", "$amount", "2025-05-13")),
    Try("payment.contradiction", "Qian:finance", "$Y/payments/results",
        answer("$payment", "failed", "$amount", "2025-05-14")),
    Try("clawback.above-paid", "Lin:officer", "$Y/clawbacks", {**BACK, "amount": "$more"}),
    Try("amount.zero", "Lin:officer", "$Y/clawbacks", {**BACK, "amount": "0.00"}),
]  # fmt: skip
CLAWED = [
    Try("clawback.above-paid", "Lin:officer", "$Y/clawbacks", {**BACK, "amount": "$amount"}),
    Try("clawback.above-due", "Qian:finance", "$Y/clawbacks/$clawback/recoveries",
        {**RETURN, "amount": "2.01"}),
    Try("clawback.unknown", "Qian:finance", "$Y/clawbacks/$clawback/recoveries",
        {**RETURN, "enterprise": OTHER}),
    Try("amount.zero", "Qian:finance", "$Y/clawbacks/$clawback/recoveries", {**RETURN, "amount": "0.00"}),
    Try("date.future", "Qian:finance", "$Y/clawbacks/$clawback/recoveries", {**RETURN, "on": "2025-12-31"}),
    Try("date.before", "Qian:finance", "$Y/clawbacks/$clawback/recoveries", {**RETURN, "on": "2025-06-12"}),
    Try("payment.clawed", "Qian:finance", "$Y/payments/results",
        answer("$payment", "failed", "$amount", "2025-06-13")),
]  # fmt: skip

ELSEWHERE = {
    "matters.barred": "test_open_matters",
    "matters.none": "test_open_matters",
    "matters.open": "test_open_matters",
    "matters.other": "test_open_matters",
    "matters.reason": "test_open_matters",
    "amend.gone": "test_amendments",
    "amend.moved": "test_amendments",
    "amend.same": "test_amendments",
    "amend.unknown": "test_amendments",
    "merge.unknown": "test_old_spellings",
    "merge.reason": "test_old_spellings",
    "person.other-door": "test_users_of_the_system",
    "actor.user": "test_users_of_the_system: the command line alone",
    "second.same-person": "test_two_persons",
    "second.other": "test_two_persons",
    "second.outdated": "test_two_persons",
    "second.gone": "test_two_persons",
    "second.unknown": "test_two_persons",
    "second.withdraw": "test_two_persons",
    "duty.parted": "test_parted_duties",
    "duty.proposer": "test_parted_duties",
    "recovery.no-reference": "test_repeated_steps: no text of the API is empty",
    "refusal.other-fact": "test_api_writing",
    "refusal.unlike": "test_api_writing",
    "refusal.known": "test_api_writing",
    "sample.checked": "test_two_persons_shown",
    "sample.other": "test_one_service",
    "port.taken": "test_one_service",
    "port.closed": "test_one_service",
    "origin.unset": "test_proxies",
    "settlement.list-altered": "test_a_list_that_somebody_altered_behind_the_ledger_is_not_closed",
    "settlement.outdated": "test_year_api",
    "budget.spent": "test_year_api",
    "clawback.no-difference": "a test of its own below",
    "clawback.difference": "a test of its own below",
    "clawback.unnamed": "test_overpaid",
    "clawback.nothing-overpaid": "test_overpaid",
    "clawback.no-amount": "test_overpaid: the command line alone; the API asks for the field",
    "objection.known": "test_settling: its number is the ledger's own, so no request can bring it about",
    "objection.many": "test_settling",
    "clawback.undecided": "test_disagreements_decided",
    "disagreement.moved": "test_disagreements_decided",
    "disagreement.over": "test_disagreements_decided",
    "disagreement.unknown": "test_disagreements",
    "disagreement.fact": "test_disagreements",
    "disagreement.reason": "test_disagreements",
    "receipt.not-listed": "test_receipts",
    "receipt.checkpoint-foreign": "test_receipts",
    "receipt.checkpoint-older": "test_receipts",
    "settlement.list-unproved": "test_receipts",
    "document.whose": "test_documents",
    "payment.no-payee": "test_documents",
    "clawback.reference": "test_repeated_steps",
    "recovery.reference": "a test below, and test_repeated_steps",
    "payment.ordered-again": "test_repeated_steps",
    "payment.reference": "test_bank_answers",
    "clock.reason": "test_clock_corrected: the command line alone",
    "clock.day": "test_clock_corrected",
    "clock.not-ahead": "test_clock_corrected",
    "clock.server": "test_clock_corrected",
    "clawback.known": "test_accounts: its number is the ledger's own, so no request can bring it about",
}
"""Codes that other tests bring about."""
WHO = ("host", "identity", "token", "key", "scope", "rate", "machine", "sign-in")
"""Beginnings of codes that say who asks: the tests of identity and of signing in bring them about."""


class World:
    """A bureau on its way through a year; ``names`` are what the tries speak of."""

    def __init__(self, ledger: Ledger, text: str = TEXT) -> None:
        self.bureau = Bureau(ledger, Clock())
        self.bureau.api.post("/v1/policies", text.encode(), 201, "application/yaml")
        self.names = {"Y": self.bureau.year("")[:-1], "C": f"/v1/claims/{CIXI}/{CODE}"}
        for code in (CODE, OTHER):
            data = {"platform": "tmall", "kind": "flagship", "shop": code, "on": "2024-03-04"}
            self.bureau.publish("store-registered", code, f"shop-{code}", **data)

    def claims(self) -> None:
        """Claims at every stage of their lives; ``mine`` are Lin's."""
        bureau = self.bureau
        gao, shen, lin = bureau.second, bureau.reviewer, bureau.officer

        def step(by: Api, claim: str, name: str, body: Any) -> None:
            by.post(f"{self.names['C']}/{claim}/{name}", body)

        for name in ("mine", "mine-reviewed"):
            lin.post("/v1/claims", claim_body(name, item=name), 201)
        for name in ("standard", "capped"):
            bureau.enterprise(CODE).post(
                "/v1/claims", claim_body(name, measure="standard.cixi", item=name), 201
            )
        for name in ("reviewed", "approved", "rejected", "appealed", "overtaken"):
            bureau.enterprise(CODE).post("/v1/claims", claim_body(name, item=name), 201)
        for name in ("reviewed", "approved", "rejected", "appealed", "overtaken", "mine-reviewed"):
            step(gao, name, "review", SAID)
        step(gao, "capped", "review", {"amount": "30000.00", "opinion": "all of it"})
        step(shen, "approved", "approval", {})
        step(shen, "rejected", "rejection", WHY)
        step(shen, "appealed", "rejection", WHY)
        step(lin, "appealed", "appeal", WHY)
        named = {"policy": CIXI, "measure": "climate.event", "item": "overtaken", "claim": "upstream's"}
        bureau.publish("claim-approved", CODE, "overtaking", **named, year=2024, **money("1.00"))

    def publish(self) -> None:
        self.bureau.propose_and_publish()

    def object_(self, by: Api) -> str:
        said = by.post(self.bureau.year("settlement/objections"), WHY)
        return str(said["objections"][-1]["objection"])

    def resolve(self, objection: str, outcome: str) -> None:
        path = self.bureau.year(f"settlement/objections/{objection}/resolution")
        self.bureau.reviewer.post(path, {"outcome": outcome, **WHY})

    def close(self) -> None:
        self.publish()
        self.names["objection"] = self.object_(self.bureau.officer)
        self.resolve(self.names["objection"], "dismissed")
        self.bureau.clock.pass_(days=8)
        self.bureau.reviewer.post(self.bureau.year("settlement/closing"), {})

    def order(self) -> None:
        bureau = self.bureau
        bureau.finance.post(bureau.year("payments"), {}, 201)
        [payment] = bureau.pages(f"{bureau.year('payments')}?enterprise={CODE}")
        amount = fen(payment["amount"])
        self.names |= {name: payment[name] for name in ("payment", "amount", "batch")}
        self.names |= {"more": f"{amount // 100 + 1}.00", "less": f"{amount // 100 - 1}.00"}

    def pay(self) -> None:
        self.bureau.clock.pass_(days=30)
        body = answer(self.names["payment"], "made", self.names["amount"], "2025-05-20")
        self.bureau.finance.post(self.bureau.year("payments/results"), body)

    def claw_back(self) -> None:
        made = self.bureau.officer.post(self.bureau.year("clawbacks"), {**BACK, "amount": "2.00"}, 201)
        self.names["clawback"] = made["clawback"]

    def filled(self, value: Any) -> Any:
        """A path or body with names put in."""
        if isinstance(value, str):
            return Template(value).safe_substitute(self.names)
        if isinstance(value, dict):
            return {key: self.filled(each) for key, each in value.items()}
        return [self.filled(each) for each in value] if isinstance(value, list) else value

    def send(self, tried: Try) -> TestResponse:
        name, roles, enterprise, *_ = [*tried.who.split(":"), "", ""]
        api = self.bureau.api.by(name or " ", roles or None, enterprise or None)
        body = tried.body.encode() if isinstance(tried.body, str) else self.filled(tried.body)
        return api.send(tried.method, self.filled(tried.path), body, tried.media)

    def refuses(self, tries: list[Try]) -> None:
        """Every try is refused with its code and in words, and changes nothing."""
        with self.bureau.ledger.store.reading() as rows:
            before = rows.last_position(), fingerprint(rows)
        for tried in tries:
            response = self.send(tried)
            assert response.status_code == tried.status, (tried, response.data.decode())
            codes = [fault["code"] for fault in is_problem(response)["faults"]]
            assert codes == [tried.code], (tried, codes)
        with self.bureau.ledger.store.reading() as rows:
            assert (rows.last_position(), fingerprint(rows)) == before


@pytest.fixture
def world(open_at: Callable[..., Ledger]) -> World:
    """A bureau with a policy and two enterprises."""
    return World(open_at(policy=False))


def test_impossible_steps_of_claims_are_refused(world: World) -> None:
    world.claims()
    world.refuses(CLAIMS)
    world.bureau.clock.pass_(days=15)
    assert world.bureau.officer.post(f"{world.names['C']}/rejected/appeal", WHY)["status"] == "appealed"


def test_claims_and_appeals_after_their_days_are_refused(world: World) -> None:
    world.claims()
    world.bureau.clock.pass_(days=16)
    world.refuses(LATE_CLAIMS[1:])
    world.bureau.clock.pass_(days=39)
    assert world.bureau.clock().isoformat()[:10] == "2025-06-30"
    world.bureau.officer.post("/v1/claims", claim_body("last", item="last"), 201)
    world.bureau.clock.pass_(days=1)
    world.refuses(LATE_CLAIMS)


def test_impossible_steps_of_a_settlement_are_refused_at_every_stage(world: World) -> None:
    bureau = world.bureau
    world.refuses(OPEN)
    bureau.officer.post(bureau.year("settlement/proposal"), {})
    world.refuses(PROPOSED)
    bureau.officer.post(bureau.year("settlement/publication"), {})
    world.refuses(PUBLISHED)
    world.names["objection"] = world.object_(bureau.api.by("Wu", "officer"))
    world.names["resolved"] = world.object_(bureau.second)
    world.resolve(world.names["resolved"], "dismissed")
    bureau.clock.pass_(days=8)
    world.refuses(OBJECTED)
    world.resolve(world.names["objection"], "upheld")
    world.refuses(UPHELD)
    world.publish()
    bureau.clock.pass_(days=6)
    world.refuses(PUBLISHED[1:2])
    bureau.clock.pass_(days=1)
    world.refuses(DUE)
    bureau.reviewer.post(bureau.year("settlement/closing"), {})
    world.refuses(CLOSED[:1])


def test_nothing_of_a_closed_year_can_be_changed(world: World) -> None:
    world.claims()
    world.close()
    world.refuses(CLOSED)
    check(world.bureau)


def test_no_adjustment_goes_into_a_year_that_is_closed_too(world: World) -> None:
    world.close()
    bureau = world.bureau
    bureau.settle(2025)
    data = {"platform": "jd", "kind": "flagship", "shop": "late", "on": "2024-03-04"}
    bureau.publish("store-registered", OTHER, "late", **data)
    [late] = bureau.pages(bureau.year("adjustments"))
    body = {**ACCEPT, "measure": late["measure"], "amount": late["difference"]}
    world.refuses([Try("settlement.closed", "Lin:officer", "$Y/adjustments", body)])
    bureau.officer.post(bureau.year("adjustments"), {**body, "into_year": 2026}, 201)
    body["into_year"] = 2026
    world.refuses([Try("adjustment.amount", "Lin:officer", "$Y/adjustments", body)])


def test_nothing_is_paid_twice_or_too_much_and_nothing_taken_back_that_was_not_paid(
    world: World, tmp_path: Path
) -> None:
    world.close()
    world.order()
    world.refuses(ORDERED)
    world.pay()
    world.refuses(PAID)
    world.claw_back()
    world.refuses(CLAWED)
    bureau = world.bureau
    path = bureau.year(f"clawbacks/{world.names['clawback']}/recoveries")
    bureau.finance.post(path, {**RETURN, "amount": "2.00"})
    body = {**RETURN, "amount": "0.01"}
    place = "$Y/clawbacks/$clawback/recoveries"
    world.refuses([Try("recovery.reference", "Qian:finance", place, body)])
    world.refuses([Try("recovery.reference", "Qian:finance", place, {**body, "reference": " ｒ "})])
    world.refuses([Try("clawback.above-due", "Qian:finance", place, {**body, "reference": "R2"})])
    world.refuses(PAID[:1])
    check(bureau)
    assert replay(bureau.ledger, str(tmp_path / "replay.db")).equal


def test_a_clawback_that_answers_for_an_award_is_what_was_paid_of_it_too_much(
    world: World, tmp_path: Path
) -> None:
    world.close()
    world.order()
    world.pay()
    bureau, amount = world.bureau, world.names["amount"]
    named = {**BACK, "measure": "store.tmall", "amount": amount}
    world.refuses([Try("clawback.no-difference", "Lin:officer", "$Y/clawbacks", named)])
    retracted = {"of": f"shop-{CODE}", "of_type": "subsidy.store-registered.v1", "reason": "no such shop"}
    bureau.publish("fact-retracted", CODE, "gone", **retracted)
    [wrong] = bureau.pages(bureau.year("adjustments"))
    assert (wrong["difference"], wrong["paid_too_much"]) == ("-" + wrong["settled"], amount)
    part = {**named, "amount": "$less"}
    world.refuses([Try("clawback.difference", "Lin:officer", "$Y/clawbacks", part)])
    bureau.officer.post(bureau.year("clawbacks"), named, 201)
    assert list(bureau.pages(bureau.year("adjustments"))) == [], "the clawback has answered for it"
    data = {"platform": "tmall", "kind": "flagship", "shop": "found after all", "on": "2024-03-05"}
    bureau.publish("store-registered", CODE, "again", **data)
    [right] = bureau.pages(bureau.year("adjustments"))
    assert (right["difference"], right["paid_too_much"]) == (wrong["settled"], "0.00")
    check(bureau)
    assert replay(bureau.ledger, str(tmp_path / "replay.db")).equal


def test_of_several_answers_of_the_bank_none_is_recorded_where_one_must_not_be(world: World) -> None:
    world.close()
    world.order()
    good = answer(world.names["payment"], "made", world.names["amount"], "2025-05-14")["results"]
    bad = answer("none", "made", "1.00")["results"] + answer("nor", "made", "1.00")["results"]
    said = world.bureau.finance.post(world.bureau.year("payments/results"), {"results": [*good, *bad]}, 409)
    assert [(fault["field"], fault["code"]) for fault in said["faults"]] == [
        ("results.1.payment", "payment.unknown"),
        ("results.2.payment", "payment.unknown"),
    ]
    assert world.bureau.balance(CODE)["paid"] == "0.00"
    twice = {"results": [*good, *good]}
    counts = world.bureau.finance.post(world.bureau.year("payments/results"), twice)
    assert counts == {"recorded": 1, "known": 1}


def test_a_list_that_somebody_altered_behind_the_ledger_is_not_closed(world: World) -> None:
    world.publish()
    world.bureau.clock.pass_(days=8)
    alter = "UPDATE settlement_lines SET payable=payable+?, reduction=reduction-? WHERE code=?"
    with world.bureau.ledger.store.writing() as rows:
        rows.run(alter, [1, 1, CODE])
    world.refuses([Try("settlement.list-altered", "Shen:reviewer", "$Y/settlement/closing", {})])
    with world.bureau.ledger.store.writing() as rows:
        rows.run(alter, [-1, -1, CODE])
    world.bureau.reviewer.post(world.bureau.year("settlement/closing"), {})


def test_upstreams_cannot_touch_what_the_desk_does(world: World) -> None:
    world.claims()
    named = {"policy": CIXI, "measure": "climate.event", "year": 2024, **money("1.00")}
    with world.bureau.ledger.store.reading() as rows:
        [[position]] = rows.all("SELECT MAX(rowid) FROM stored_events WHERE originator_id=?", [CODE])
    own = world.bureau.api.get(f"/v1/enterprises/{CODE}/events?limit=1000")["items"]
    desk = next(each["id"] for each in own if each["source"] == "urn:subsidy-ledger")
    retraction = {"of": desk, "of_source": "urn:subsidy-ledger", "reason": "no"}
    early = {
        "of": "soon",
        "of_type": "subsidy.claim-approved.v1",
        "reason": "no",
        "changes": {"claim": "mine"},
    }
    assert position == world.bureau.position()
    for code, type_, data, source in (
        ("claim.desk", "claim-approved", {**named, "claim": "mine", "item": "mine"}, "urn:tests"),
        ("claim.desk", "claim-submitted", {**named, "claim": "approved", "item": "x"}, "urn:tests"),
        ("claim.desk", "fact-corrected", {**early, "of": "overtaking"}, "urn:tests"),
        ("source.reserved", "claim-approved", {**named, "claim": "x", "item": "x"}, "urn:subsidy-ledger"),
        ("amend.ledger", "fact-retracted",
         {**retraction, "of_type": "subsidy.claim-submitted.v1"}, "urn:tests"),
    ):  # fmt: skip
        body = {
            **message(type_, CODE, f"upstream {code} {type_}", "2025-05-06T01:00:00Z", data),
            "source": source,
        }
        response = world.bureau.api.send("POST", "/v1/events", body, "application/cloudevents+json")
        assert response.status_code >= 400, (code, response.data)
        assert [fault["code"] for fault in is_problem(response)["faults"]] == [code]
    assert position == world.bureau.position()
    world.bureau.publish("fact-corrected", CODE, "too early", **early)
    data = {**named, "claim": "elsewhere", "item": "elsewhere"}
    body = message("claim-approved", CODE, "soon", "2025-05-06T01:00:00Z", data)
    response = world.bureau.api.send("POST", "/v1/events", body, "application/cloudevents+json")
    assert [fault["code"] for fault in is_problem(response)["faults"]] == ["claim.desk"]
    assert world.bureau.api.get(f"{world.names['C']}/mine")["status"] == "submitted"


def test_a_late_fact_is_kept_changes_no_figure_of_the_closed_year_and_waits_as_an_adjustment(
    world: World,
) -> None:
    world.close()
    before = world.bureau.balance(CODE)
    position = world.bureau.position()
    data = {"platform": "jd", "kind": "flagship", "shop": "late", "on": "2024-03-04"}
    assert world.bureau.publish("store-registered", CODE, "late", **data)["status"] == "accepted"
    assert world.bureau.position() == position + 1
    assert {**world.bureau.balance(CODE), "position": 0} == {**before, "position": 0}
    [late] = world.bureau.pages(world.bureau.year("adjustments"))
    assert (late["enterprise"], late["settled"]) == (CODE, "0.00")


def at_once(steps: list[Callable[[], TestResponse]]) -> list[TestResponse]:
    """Take steps at the same instant, each in a thread of its own."""
    together = Barrier(len(steps))

    def take(step: Callable[[], TestResponse]) -> TestResponse:
        together.wait()
        return step()

    with ThreadPoolExecutor(len(steps)) as pool:
        return list(pool.map(take, steps))


@pytest.fixture
def two(open_at: Callable[..., Ledger]) -> tuple[World, Bureau]:
    """Two services over one database."""
    world = World(open_at(policy=False))
    return world, Bureau(open_at(policy=False), world.bureau.clock)


def race(two: tuple[World, Bureau], path: str, body: Any, who: tuple[str, str], won: int) -> str:
    """Four take the same step at once: exactly one wins, the others are told why not."""
    world, other = two
    apis = [bureau.api.by(*who) for bureau in (world.bureau, other, world.bureau, other)]
    if step := step_at(path):
        body = {**body, **apis[0].acknowledge(path, step)}
    found = at_once([lambda api=api: api.send("POST", path, body, MAKE) for api in apis])  # type: ignore[misc]
    assert sorted(each.status_code for each in found) == [won, 409, 409, 409]
    codes = {
        fault["code"] for each in found if each.status_code == 409 for fault in is_problem(each)["faults"]
    }
    [code] = codes
    return str(code)


def repeated(two: tuple[World, Bureau], path: str, body: Any, who: tuple[str, str]) -> list[int]:
    """Four send the same once more at once: it is recorded once, and all are answered alike."""
    world, other = two
    apis = [bureau.api.by(*who) for bureau in (world.bureau, other, world.bureau, other)]
    position = world.bureau.position()
    answers = at_once([lambda api=api: api.send("POST", path, body, MAKE) for api in apis])  # type: ignore[misc]
    assert world.bureau.position() == position + 1
    assert len({answer.data for answer in answers}) == 1
    replays = [answer for answer in answers if answer.headers.get("Idempotency-Replayed") == "true"]
    assert len(replays) == 3
    return sorted(answer.status_code for answer in answers)


def test_of_approvals_closings_orders_and_recoveries_at_once_exactly_one_wins(
    two: tuple[World, Bureau], tmp_path: Path
) -> None:
    world, _ = two
    bureau = world.bureau
    world.claims()
    assert race(two, f"{world.names['C']}/reviewed/approval", {}, ("Shen", "reviewer"), 200) == "claim.status"
    world.publish()
    bureau.clock.pass_(days=8)
    assert race(two, bureau.year("settlement/closing"), {}, ("Shen", "reviewer"), 200) == "settlement.closed"
    assert race(two, bureau.year("payments"), {}, ("Qian", "finance"), 201) == "payment.nothing"
    ordered = list(bureau.pages(bureau.year("payments")))
    assert sum(fen(each["amount"]) for each in ordered) == fen(
        bureau.api.get(bureau.year("settlement"))["accounts"]["payable"]
    )
    [mine] = [each for each in ordered if each["enterprise"] == CODE]
    body = bureau.results((mine["payment"], "made", mine["amount"]))
    bureau.finance.post(bureau.year("payments/results"), body)
    path = bureau.year("clawbacks")
    body = {**BACK, "amount": mine["amount"]}
    assert repeated(two, path, body, ("Lin", "officer")) == [200, 200, 200, 201]
    world.refuses([Try("clawback.above-paid", "Lin:officer", "$Y/clawbacks", {**body, "reason": "other"})])
    path = bureau.year(f"clawbacks/2024-{CODE}-01/recoveries")
    body = {**CAME, "amount": mine["amount"], "on": bureau.today()}
    assert repeated(two, path, body, ("Qian", "finance")) == [200, 200, 200, 200]
    account = bureau.balance(CODE)
    assert account["clawed_back"] == account["recovered"] == mine["amount"]
    check(bureau)
    assert replay(bureau.ledger, str(tmp_path / "replay.db")).equal


def test_every_code_of_a_step_that_is_not_allowed_is_brought_about_by_some_test() -> None:
    tables = (CLAIMS, LATE_CLAIMS, OPEN, PROPOSED, PUBLISHED, OBJECTED, UPHELD, DUE, CLOSED, ORDERED, PAID)
    tried = {each.code for table in (*tables, CLAWED) for each in table}
    ours = {code for code in read_codes("steps", "identity") if code.partition(".")[0] not in WHO}
    assert ours - tried == set(ELSEWHERE)
    written = "".join(path.read_text("utf-8") for path in Path(__file__).parent.parent.rglob("test_*.py"))
    written = written.replace("\\.", ".")  # as expressions that an error is matched with write it
    for code in ELSEWHERE:
        assert len(re.findall(re.escape(f'"{code}"'), written)) >= 2, f"{code} is only listed"
