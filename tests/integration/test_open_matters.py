"""Nothing that is open is passed over in silence: it is found, told, and acknowledged by whoever goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domain.events import settlement_id
from domain.events.settlements import OPEN_KINDS
from domain.log.notes import SignerKey
from domain.money.amounts import print_fen
from domain.settlement.open_matters import KINDS
from ledger.audit import checkpoints
from ledger.audit.bundle import write_year
from ledger.policies.versions import adopt_policy
from ledger.projections.closings import settlement_of
from ledger.replay.comparison import replay
from ledger.settlement.open_matters import read_open_matters
from ledger.store.application import Ledger
from ledger.store.stored_events import events_of
from services.doctor.contents import check
from services.doctor.findings import Finding, Limits
from services.verify import main
from services.verify.command import verify
from tests.events import CIXI, CIXI_TEXT, Feed, message, naming, take
from tests.integration.api_client import Api, is_problem, year_path
from tests.integration.bureau import Bureau, Clock
from tests.integration.checked import CheckedApi
from tests.integration.closings import closed

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


def refuse(api: Api, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The fault of a step that is refused."""
    response = api.send("POST", path, body)
    assert response.status_code == 409, response.data.decode()
    fault: dict[str, Any]
    [fault] = is_problem(response)["faults"]
    return fault


def test_a_step_is_taken_over_open_matters_by_who_acknowledges_them_alone(left_open: Open) -> None:
    bureau = left_open.bureau
    asked = bureau.asked(left_open.code, "c", "climate.event", "fair", amount="40000.00", currency="CNY")
    bureau.officer.post("/v1/claims", asked, 201)
    path = bureau.year("settlement/proposal")
    fault = refuse(bureau.officer, path, {})
    listed = bureau.api.get(bureau.year("open-matters") + "?step=settlement.propose")
    assert fault["code"] == "matters.open"
    assert "claims that are not decided: 1 (¥40,000.00)" in fault["rule"]
    assert listed["digest"] in fault["mend"]

    body = {"acknowledges": listed["digest"]}
    assert refuse(bureau.officer, path, body)["code"] == "matters.reason"
    other = {"acknowledges": "0" * 64, "reason": "decided after the list"}
    assert refuse(bureau.officer, path, other)["code"] == "matters.other"
    before = bureau.position()
    proposed = bureau.officer.post(path, {**body, "reason": "decided after the list"})
    assert proposed["proposal"]["known"] == before + 1
    [said] = acknowledged(bureau)
    assert (said["step"], said["by"]) == ("settlement.propose", "Lin")
    assert said["reason"] == "decided after the list"
    assert (said["digest"], said["matters"]) == (listed["digest"], listed["matters"])

    bureau.officer.post(bureau.claim_path(left_open.code, "c", "withdrawal"), {})
    stale = {"acknowledges": listed["digest"], "reason": "r"}
    assert refuse(bureau.officer, bureau.year("settlement/publication"), stale)["code"] == "matters.none"
    bureau.officer.post(bureau.year("settlement/publication"), {})


def test_a_list_is_not_outdated_by_messages_that_are_refused_meanwhile(left_open: Open) -> None:
    bureau = left_open.bureau
    nonsense = "application/cloudevents+json"
    bureau.api.send("POST", "/v1/events", {"type": "nothing"}, nonsense)
    listed = bureau.api.get(bureau.year("open-matters") + "?step=settlement.propose")
    for number in range(30):
        bureau.api.send("POST", "/v1/events", {"type": f"nothing {number}"}, nonsense)

    body = {"acknowledges": listed["digest"], "reason": "sent again after the list"}
    bureau.officer.post(bureau.year("settlement/proposal"), body)

    [said] = acknowledged(bureau)
    [refused] = said["matters"]
    assert (refused["kind"], refused["count"], len(refused["items"])) == ("refusal", 31, 20)


def acknowledged(bureau: Bureau) -> list[dict[str, Any]]:
    """What was acknowledged of the year."""
    said: list[dict[str, Any]] = bureau.api.get(bureau.year("open-matters"))["acknowledged"]
    return said


def test_payments_of_a_closed_year_are_ordered_over_an_overpayment_only_by_who_knows_of_it(
    left_open: Open, tmp_path: Path
) -> None:
    bureau = left_open.bureau
    bureau.settle()
    left_open.pay("failed")
    take(bureau.ledger, left_open.enterprise.retract("e1-1", "store-registered"))
    fault = refuse(bureau.finance, bureau.year("payments"), {})
    assert "paid too much" in fault["rule"]
    assert "failed" not in fault["rule"]
    left_open.pay()
    assert [each["step"] for each in acknowledged(bureau)] == ["payment.order"]
    assert bureau.api.get(bureau.year("settlement"))["stage"] == "closed"
    assert replay(bureau.ledger, str(tmp_path / "replica.db")).equal


class TwoPersons:
    """A ledger that checks identities, with a list that is proposed, and officers."""

    def __init__(self, ledger: Ledger) -> None:
        ledger.clock = Clock()
        self.ledger, self.api = ledger, CheckedApi(ledger)
        adopt_policy(ledger, TEXT)
        take(ledger, Feed(1).shop("tmall", "a", "2024-03-04"))
        self.lin, self.wu, self.gao = (self.api.person(name, "officer") for name in ("lin", "wu", "gao"))
        self.lin.post(year_path("settlement/proposal", 2024), {})

    def claim(self) -> None:
        """Something that is open from now on."""
        claim = {"enterprise": Feed(1).code, "policy": CIXI, "claim": "c", "measure": "climate.event"}
        self.lin.post("/v1/claims", {**claim, "item": "fair", "year": 2024}, 201)


@pytest.fixture
def two_persons(open_at: Callable[..., Ledger]) -> TwoPersons:
    """A list that two persons are to publish."""
    return TwoPersons(open_at(policy=False))


def test_an_acknowledgement_stays_with_a_request_and_is_of_both_persons(two_persons: TwoPersons) -> None:
    two_persons.claim()
    wu, gao, ledger = two_persons.wu, two_persons.gao, two_persons.ledger
    listed = wu.get(year_path("open-matters?step=settlement.publish", 2024))
    body = {"acknowledges": listed["digest"], "reason": "for two"}
    waiting = wu.post(year_path("settlement/publication", 2024), body, 202)
    assert any(line["value"]["en"] == "for two" for line in waiting["summary"])
    gao.post(f"/v1/waiting-steps/{waiting['waiting']}/confirmation", {})

    with ledger.store.reading() as rows:
        last = settlement_of(rows, CIXI, 2024).acknowledgements[-1]
        event = events_of(rows, settlement_id(CIXI, 2024))[-2].fact
    assert (last.step, last.reason) == ("settlement.publish", "for two")
    assert event.said_by is not None
    assert event.acting_as is not None
    assert event.acting_as.proposed_by is not None
    assert (event.said_by.subject, event.acting_as.proposed_by.subject) == ("gao", "wu")


def test_a_request_is_outdated_once_something_else_is_open(two_persons: TwoPersons) -> None:
    waiting = two_persons.lin.post(year_path("settlement/publication", 2024), {}, 202)
    two_persons.claim()
    fault = refuse(two_persons.wu, f"/v1/waiting-steps/{waiting['waiting']}/confirmation", {})
    assert fault["code"] == "second.outdated"


def test_a_policy_may_let_nobody_go_on_over_some_open_matters(open_at: Callable[..., Ledger]) -> None:
    barring = TEXT.replace("  notice_days:", "  bars: [claim, overpayment]\n  notice_days:", 1)
    assert barring != TEXT
    bureau = Bureau(open_at(policy=False), Clock())
    bureau.api.post("/v1/policies", barring.encode(), 201, "application/yaml")
    asked = bureau.asked(Feed(1).code, "c", "climate.event", "fair")
    bureau.officer.post("/v1/claims", asked, 201)
    path = bureau.year("settlement/proposal")
    known = bureau.officer.acknowledge(path, "settlement.propose")
    fault = refuse(bureau.officer, path, known)
    assert (fault["code"], fault["mend"]) == ("matters.barred", "deal with them first")
    bureau.officer.post(bureau.claim_path(Feed(1).code, "c", "withdrawal"), {})
    bureau.officer.post(path, {})


def test_the_kinds_that_a_policy_may_name_are_those_that_there_are() -> None:
    assert tuple(KINDS) == OPEN_KINDS


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_bundle_tells_what_its_events_leave_open_as_the_ledger_does(
    open_at: Callable[..., Ledger], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger, file, key = closed(open_at).ledger, tmp_path / "year.zip", SignerKey("ledger", b"\x01" * 32)
    note = checkpoints.current(ledger, key)
    with ledger.store.reading() as rows:
        listed = read_open_matters(ledger, rows, CIXI, 2025)
        size = rows.last_position()
        acknowledged = [
            each for year in (2024, 2025) for each in settlement_of(rows, CIXI, year).acknowledgements
        ]
    write_year(ledger, file, CIXI, 2025, note, size)
    _, verdict = verify(file, [key.verifier])

    told_by_events = [each for each in listed.matters if each.kind not in ("refusal", "disagreement")]
    assert verdict.faults == []
    assert list(verdict.matters) == told_by_events
    assert {each.kind for each in told_by_events} >= {"overpayment", "claim", "clawback-due"}
    assert [each.digest for each in verdict.acknowledged] == [each.digest for each in acknowledged]

    assert main([str(file), "--key", str(key.verifier), "--quiet"]) == 0
    text = capsys.readouterr().out
    count = sum(each.item_count for each in told_by_events)
    amount = print_fen(sum(each.amount_fen for each in told_by_events), "CNY")
    assert f"※ 核对一致；另有 {count:,} 项未了事项，涉及 {amount}，见下。" in text
    assert f"{count:,} matters are open all the same, about {amount}, see below." in text
    assert "known to the tests" in text
    assert text.endswith("VERIFIED\n")
