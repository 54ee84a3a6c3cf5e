"""Nothing that is open is passed over in silence: it is found, told, and acknowledged by whoever goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ledger.store.application import Ledger
from services.doctor.contents import check
from services.doctor.findings import Finding, Limits
from tests.events import CIXI, CIXI_TEXT, Feed, message, naming, take
from tests.integration.bureau import Bureau, Clock

DIFFER = 'kind: two-sources, fact: SalesReported, same: [channel, year], field: amount_fen, tolerance: "5"'
TEXT = (
    naming(CIXI_TEXT, ("urn:tests",)).rstrip("\n") + f"\ndisagreements:\n- {{id: d, {DIFFER}, then: hold}}\n"
)
WHY = {"reason": "late facts"}


class Open:
    """A bureau of which things are left open, one after the other."""

    def __init__(self, ledger: Ledger) -> None:
        self.bureau = Bureau(ledger, Clock())
        self.bureau.api.post("/v1/policies", TEXT.encode(), 201, "application/yaml")
        self.enterprise = Feed(1)
        self.code = self.enterprise.code
        for feed in (self.enterprise, Feed(2)):
            take(ledger, feed.shop("tmall", f"shop {feed.code}", "2024-03-04"))

    def matters(self, year: int = 2024) -> dict[str, tuple[int, str]]:
        """Count and amount by kind, as the API lists them: those with most money first."""
        answer = self.bureau.api.get(self.bureau.year("open-matters", year))
        listed = {each["kind"]: (each["count"], each["amount"]) for each in answer["matters"]}
        assert answer["count"] == sum(count for count, _ in listed.values())
        return listed

    def item(self, kind: str) -> dict[str, Any]:
        """The first thing of a kind."""
        answer = self.bureau.api.get(self.bureau.year("open-matters"))
        return next(each["items"][0] for each in answer["matters"] if each["kind"] == kind)

    def pay(self, status: str = "made") -> str:
        """Order everything and answer for each payment; the id of the first enterprise's."""
        bureau = self.bureau
        bureau.finance.post(bureau.year("payments"), {}, 201)
        ordered = [each for each in bureau.pages(bureau.year("payments")) if each["status"] == "ordered"]
        answers = [(each["payment"], status, each["amount"]) for each in ordered]
        bureau.finance.post(bureau.year("payments/results"), bureau.results(*answers))
        return next(str(payment) for payment, *_ in answers if self.code in payment)


@pytest.fixture
def left_open(open_at: Callable[..., Ledger]) -> Open:
    """A bureau with two awards of 2024."""
    return Open(open_at(policy=False))


def test_what_waits_at_the_desk_is_listed_until_somebody_deals_with_it(left_open: Open) -> None:
    bureau, third = left_open.bureau, Feed(3)
    assert left_open.matters() == {}
    asked = bureau.asked(left_open.code, "c", "climate.event", "fair", amount="40000.00", currency="CNY")
    bureau.officer.post("/v1/claims", asked, 201)
    bureau.api.send("POST", "/v1/events", {"type": "nothing"}, "application/cloudevents+json")
    for source, amount in (("urn:tests", "20000000.00"), ("urn:others", "30000000.00")):
        sale = {"channel": "online", "year": 2024, "currency": "CNY", "amount": amount}
        body = message("sales-reported", third.code, "sale", "2025-05-06T01:00:00Z", sale)
        bureau.api.publish({**body, "source": source})

    listed = left_open.matters()
    assert listed["claim"] == (1, "40000.00")
    assert listed["refusal"] == (1, "0.00")
    assert listed["disagreement"][0] == 1
    assert left_open.item("disagreement")["enterprise"] == third.code
    assert left_open.item("claim")["reference"] == "c"
    assert set(left_open.matters(2023)) == {"refusal", "disagreement"}

    bureau.officer.post(bureau.claim_path(left_open.code, "c", "withdrawal"), {})
    assert "claim" not in left_open.matters()


def test_a_held_fact_is_listed_with_the_awards_that_it_touches(left_open: Open) -> None:
    bureau, third = left_open.bureau, Feed(3)
    for source, amount in (("urn:tests", "50000000.00"), ("urn:others", "60000000.00")):
        for year, share in ((2023, "9000000.00"), (2024, amount)):
            sale = {"channel": "domestic_own_brand", "year": year, "currency": "CNY", "amount": share}
            body = message("sales-reported", third.code, f"{year}", "2025-05-06T01:00:00Z", sale)
            bureau.api.publish({**body, "source": source})
    before = bureau.balance(third.code)["gross"]
    touched = left_open.item("disagreement")["amount"]
    matter = next(iter(bureau.pages("/v1/disagreements")))
    counting = [{"source": each["source"], "id": each["id"]} for each in matter["facts"]]
    body = {"counting": counting, **WHY}
    bureau.officer.post(f"/v1/disagreements/{matter['disagreement']}/decision", body)
    after = bureau.balance(third.code)["gross"]

    assert "disagreement" not in left_open.matters()
    assert (before, touched, after) == ("0.00", "100000.00", "100000.00")


def test_payments_and_clawbacks_are_listed_until_they_are_answered(left_open: Open) -> None:
    bureau = left_open.bureau
    bureau.settle()
    assert left_open.matters() == {}
    bureau.finance.post(bureau.year("payments"), {}, 201)
    count, amount = left_open.matters()["payment-unanswered"]
    assert (count, amount) == (2, bureau.api.get(bureau.year("settlement"))["accounts"]["ordered"])

    ordered = list(bureau.pages(bureau.year("payments")))
    answers = [(each["payment"], "failed", each["amount"]) for each in ordered]
    bureau.finance.post(bureau.year("payments/results"), bureau.results(*answers))
    assert left_open.matters() == {"payment-failed": (2, amount)}
    left_open.pay()
    assert left_open.matters() == {}

    take(bureau.ledger, left_open.enterprise.retract("e1-1", "store-registered"))
    listed = left_open.matters()
    assert set(listed) == {"overpayment"}
    overpaid = listed["overpayment"][1]
    assert left_open.item("overpayment")["measure"] == "store.tmall"
    back = {"enterprise": left_open.code, "amount": overpaid, "measure": "store.tmall", **WHY}
    clawback = bureau.officer.post(bureau.year("clawbacks"), back, 201)["clawback"]
    assert left_open.matters() == {"clawback-due": (1, overpaid)}

    came = {"enterprise": left_open.code, "amount": overpaid, "on": bureau.today(), "reference": "R"}
    bureau.finance.post(bureau.year(f"clawbacks/{clawback}/recoveries"), came)
    assert left_open.matters() == {}


def test_what_late_facts_add_is_listed_until_it_is_accepted(left_open: Open) -> None:
    bureau = left_open.bureau
    bureau.settle()
    take(bureau.ledger, left_open.enterprise.shop("jd", "late", "2024-03-04"))
    count, missing = left_open.matters()["adjustment"]
    into = {"enterprise": left_open.code, "measure": "store.jd", "amount": missing, "into_year": 2025, **WHY}
    bureau.officer.post(bureau.year("adjustments"), into, 201)

    assert count == 1
    assert left_open.matters() == {}


def test_the_doctor_tells_what_is_open(left_open: Open) -> None:
    bureau = left_open.bureau

    def told() -> Finding:
        with bureau.ledger.store.reading() as rows:
            findings = list(check(bureau.ledger, rows, bureau.clock(), Limits()))
        return next(each for each in findings if each.check == "settlement.open")

    assert (told().level, told().zh) == ("ok", f"{CIXI}：没有未了事项")
    bureau.settle()
    left_open.pay()
    take(bureau.ledger, left_open.enterprise.retract("e1-1", "store-registered"))
    amount = left_open.matters()["overpayment"][1]
    assert told().level == "warning"
    assert f"有 1 项未了事项，涉及 ¥{float(amount):,.2f}：多付的资金尚未下达追回 1" in told().zh
    assert f"settle open --policy {CIXI} --year 2024" in told().mend_en
    assert json.dumps(told().document())
