"""One person does not decide a list or order its payments and record what the bank did, at any door."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domain.authority.duties import parted_duties
from domain.authority.persons import OPERATING_SYSTEM
from domain.authority.roles import Actor, NotAllowed
from ledger.documents.collecting import DocumentRequest, collect_document
from ledger.policies.versions import adopt_policy
from ledger.replay.comparison import replay
from ledger.settlement import paying
from ledger.store.application import Ledger
from ledger.store.repeats.taken_steps import fill_taken_steps, read_taken_steps
from services.verify.command import verify
from services.verify.conclusion import conclude
from tests.events import CIXI, CIXI_TEXT, Feed, take
from tests.integration.api_client import Api
from tests.integration.bureau import MAY, Clock
from tests.integration.closings import Closed, closed
from tests.integration.test_bundles import KEY
from tests.integration.test_settled_bundles import bundled
from tests.integration.test_two_persons import YEAR, Office, codes_of, last_position, office_of

ROW = (
    "  mask: [person]\n  same_person:\n  - duties: order-and-record\n"
    "    reason: {zh: 财务只有两人, en: finance has two persons}\n"
)


@pytest.fixture
def office(open_at: Callable[..., Ledger]) -> Office:
    """A year whose list the third person proposed, and which the first and second have led to payment."""
    ledger, clock = open_at(), Clock(MAY)
    ledger.clock = clock
    office = office_of(ledger, clock)
    take(ledger, Feed(2).send("brand-certified", kind="famous_export", ref="b2", on="2024-05-01"))
    office.third.post(f"{YEAR}/settlement/proposal", {}, 200)
    for path, done in (("settlement/publication", 200), ("settlement/closing", 200), ("payments", 201)):
        office.first.post(f"{YEAR}/{path}", {}, 202)
        office.second.post(f"{YEAR}/{path}", {}, done)
        clock.pass_(days=8)
    return office


def record(
    api: Api, office: Office, done: int, code: str = Feed(1).code, said: str = "made", last: bool = False
) -> Any:
    """Record what the bank did with the first, or the last, payment of an enterprise."""
    payments = [each for each in office.first.get(f"{YEAR}/payments")["items"] if each["enterprise"] == code]
    payment = payments[-1 if last else 0]
    result = {"payment": payment["payment"], "status": said, "amount": payment["amount"]}
    day = office.clock().date().isoformat()
    body = {"results": [{**result, "on": day, "said": f"b {payment['payment']}"}]}
    return api.post(f"{YEAR}/payments/results", body, done)


def claw_back(office: Office, api: Api, status: int) -> Any:
    body = {"enterprise": Feed(1).code, "amount": "1.00", "reason": "too much"}
    return api.post(f"{YEAR}/clawbacks", body, status)


def test_who_proposed_confirmed_or_ordered_records_no_result_and_who_did_not_does(office: Office) -> None:
    for api in (office.first, office.second, office.third):
        assert codes_of(record(api, office, 409)) == ["duty.parted"]
    recorder = office.api.person("u4", "finance")
    record(recorder, office, 200)

    claw_back(office, office.first, 202)
    claw_back(office, office.second, 201)
    path = f"{YEAR}/clawbacks/2024-{Feed(1).code}-01/recoveries"
    on = office.clock().date().isoformat()
    back = {"enterprise": Feed(1).code, "amount": "1.00", "on": on, "reference": "R"}
    assert codes_of(office.second.post(path, back, 409)) == ["duty.parted"]
    recorder.post(path, back, 200)


def test_who_recorded_money_orders_none_back_neither_as_the_first_nor_as_the_second(office: Office) -> None:
    recorder = office.api.person("u4", "officer", "finance")
    other = office.api.person("u5", "officer", "finance")
    record(recorder, office, 200)
    assert codes_of(claw_back(office, recorder, 409)) == ["duty.parted"]

    waiting = claw_back(office, other, 202)["waiting"]
    assert record(other, office, 200, Feed(2).code)["recorded"] == 1, "nothing that waits is a duty yet"
    before = last_position(office.ledger)
    refused = office.second.post(f"/v1/waiting-steps/{waiting}/confirmation", {}, 409)
    assert codes_of(refused) == ["duty.proposer"]
    assert last_position(office.ledger) == before, "the proposal waits as before"


def test_a_policy_lets_one_person_hold_both_and_says_why(office: Office) -> None:
    record(office.api.person("u4", "finance"), office, 200, said="failed")
    finance, other = (office.api.person(name, "finance") for name in ("u7", "u8"))
    finance.post(f"{YEAR}/payments", {}, 202)
    other.post(f"{YEAR}/payments", {}, 201)
    assert codes_of(record(finance, office, 409, last=True)) == ["duty.parted"]

    text = CIXI_TEXT.replace("  mask: [person]\n", ROW)
    text = text.replace("version: 1", "version: 2", 1).replace("from: 2024-01-01", "from: 2025-01-01", 1)
    adopt_policy(office.ledger, text)
    record(finance, office, 200, last=True)
    refused = record(office.first, office, 409)
    assert "list-and-record" in refused["faults"][0]["mend"], "the row allows what it names alone"


def test_where_names_are_only_declared_one_person_does_all(open_at: Callable[..., Ledger]) -> None:
    ledger, clock = open_at(), Clock(MAY)
    ledger.clock = clock
    office = office_of(ledger, clock)
    api = Api(ledger).by("Qian", "finance")
    Api(ledger).by("Lin").post(f"{YEAR}/settlement/proposal", {}, 200)
    Api(ledger).by("Lin").post(f"{YEAR}/settlement/publication", {}, 200)
    clock.pass_(days=8)
    Api(ledger).by("Shen", "reviewer").post(f"{YEAR}/settlement/closing", {}, 200)
    api.post(f"{YEAR}/payments", {}, 201)
    record(api, office, 200)


def test_who_took_which_step_is_the_same_from_the_events_again(office: Office, tmp_path: Path) -> None:
    record(office.api.person("u4", "finance"), office, 200)
    certificate = replay(office.ledger, str(tmp_path / "replica.db"))
    assert certificate.equal, certificate.differences
    with office.ledger.store.writing() as rows:
        before = read_taken_steps(rows, CIXI, 2024)
        rows.run("DELETE FROM taken_steps")
        fill_taken_steps(rows)
        assert read_taken_steps(rows, CIXI, 2024) == before
    assert [(each.step, each.person.subject) for each in before] == [
        ("settlement.propose", "u3"),
        *((step, f"u{number}") for step in STEPS_OF_TWO for number in (1, 2)),
        ("payment.record", "u4"),
    ]


STEPS_OF_TWO = ("settlement.publish", "settlement.close", "payment.order")


def test_the_verifier_names_who_held_both_and_finds_no_fault_in_it(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before_the_rule:
        before_the_rule.setattr("ledger.policies.duties.require_parted_duties", lambda *_: None)
        record(office.first, office, 200)
        record(office.first, office, 200, Feed(2).code)
    scene = Closed(office.ledger, office.clock, Feed(1).code, "")
    head, verdict = verify(bundled(scene, tmp_path, 2024), [KEY.verifier])
    assert verdict.faults == []
    assert [remark.partition(" (")[0] for remark in verdict.remarks] == ["2024: Person 1"] * 2
    assert "recording results of payments on 2025-05-30 at position" in verdict.remarks[1]
    assert any("2 处同一人兼办不相容职务" in sentence.zh for sentence in conclude(head, verdict, 0))


def test_the_report_of_the_year_says_which_duties_one_person_may_hold_and_why(
    open_at: Callable[..., Ledger],
) -> None:
    scene = closed(open_at, CIXI_TEXT.replace("  mask: [person]\n", ROW), years=(2024,))
    for language, reason in (("zh", "理由：财务只有两人。"), ("en", "since: finance has two persons. ")):
        request = DocumentRequest("report", CIXI, 2024, "2025-05-30", lang=language)
        with scene.ledger.store.reading() as rows:
            sentence = collect_document(scene.ledger, rows, request).values["兼办职务"]
        assert str(sentence).endswith(reason)
        assert parted_duties()["order-and-record"].title._asdict()[language] in str(sentence)


def test_a_user_of_the_operating_system_is_not_told_apart_from_who_ordered_elsewhere(office: Office) -> None:
    user = Actor("zhou", frozenset({"finance"}), issuer=OPERATING_SYSTEM, subject="1001")
    with pytest.raises(NotAllowed) as refused:
        paying.record_results(office.ledger, CIXI, 2024, user, [])
    assert refused.value.code == "person.other-door"
