"""Where identities are checked, steps that move money take two persons: one proposes, another confirms."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, get_args

import pytest
from msgspec.structs import replace

from domain.authority.two_persons import TWO_PERSON_STEPS
from domain.events.event import Speaker
from domain.events.second_person import Request, StepConfirmed
from ledger.intake.inbox import ingest
from ledger.intake.refusals import newest
from ledger.replay.comparison import replay
from ledger.settlement import adjusting
from ledger.store.application import Ledger
from ledger.store.stored_events import SELECT, Stored, stored
from services.verify.streams.procedure import PlacedEvent, check_proposals
from tests.events import CIXI, CIXI_TEXT, YONGJIA_TEXT, Feed, take
from tests.integration.api_client import Api
from tests.integration.bureau import MAY, Clock
from tests.integration.checked import ISSUER, CheckedApi

YAML = "application/yaml"
BUDGET = f"/v1/policies/{CIXI}/budgets/2024"
YEAR = f"/v1/policies/{CIXI}/years/2024"
ALL_ROLES = ("officer", "reviewer", "finance", "operator")


class Office(NamedTuple):
    """A ledger with facts of a year, and three persons who have every role."""

    ledger: Ledger
    clock: Clock
    api: CheckedApi
    first: Api
    second: Api
    third: Api


@pytest.fixture
def office(open_at: Callable[..., Ledger]) -> Office:
    ledger, clock = open_at(), Clock(MAY)
    ledger.clock = clock
    return office_of(ledger, clock)


def office_of(ledger: Ledger, clock: Clock) -> Office:
    feed = Feed(1)
    take(ledger, feed.sales("online", 2023, "80000000.00"), feed.sales("online", 2024, "90000000.00"))
    take(ledger, feed.send("brand-certified", kind="famous_export", ref="b1", on="2024-05-01"))
    api = CheckedApi(ledger)
    persons = (api.person(f"u{number}", *ALL_ROLES, name=f"Person {number}") for number in (1, 2, 3))
    return Office(ledger, clock, api, *persons)


def all_events(ledger: Ledger) -> list[Stored]:
    with ledger.store.reading() as rows:
        return [stored(row) for row in rows.all(f"{SELECT} ORDER BY rowid")]


def codes_of(problem: Any) -> list[str]:
    return [fault["code"] for fault in problem["faults"]]


def yuan(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "CNY"}


def test_a_budget_is_set_by_two_subjects_and_the_event_names_both(office: Office) -> None:
    before = office.first.get(f"{YEAR}/budget")["available"]
    waiting = office.first.put(BUDGET, yuan("1.00"), 202)

    assert (waiting["step"], waiting["stage"]) == ("budget.set", "waiting")
    assert waiting["proposed_by"] == {"issuer": ISSUER, "subject": "u1", "name": "Person 1"}
    values = {line["label"]["en"]: line["value"]["en"] for line in waiting["summary"]}
    assert values["New budget"] == "¥1.00"
    assert office.first.get(f"{YEAR}/budget")["available"] == before
    assert codes_of(office.first.put(BUDGET, yuan("1.00"), 409)) == ["second.same-person"]
    assert office.first.get(f"{YEAR}/budget")["available"] == before

    office.second.put(BUDGET, yuan("1.00"), 200)
    assert office.first.get(f"{YEAR}/budget")["available"] == "1.00"
    confirmed, budget = all_events(office.ledger)[-2:]
    assert isinstance(confirmed.fact.content, StepConfirmed)
    assert budget.fact.name == "BudgetSet"
    assert budget.fact.said_by == Speaker(issuer=ISSUER, subject="u2", name="Person 2")
    assert budget.fact.acting_as is not None
    assert budget.fact.acting_as.proposed_by == Speaker(issuer=ISSUER, subject="u1", name="Person 1")
    ended = office.first.get(f"/v1/waiting-steps/{waiting['waiting']}")
    assert (ended["stage"], ended["ended_by"]["subject"]) == ("confirmed", "u2")


@pytest.mark.parametrize("name", ["Person 1", "ＰＥＲＳＯＮ １", "person 1", "-", "Рerson 1"])
def test_a_person_is_the_subject_whatever_name_is_shown(office: Office, name: str) -> None:
    office.first.put(BUDGET, yuan("2.00"), 202)
    renamed = office.api.person("u1", *ALL_ROLES, name=name)
    namesake = office.api.person("u9", *ALL_ROLES, name="Person 1")

    assert codes_of(renamed.put(BUDGET, yuan("2.00"), 409)) == ["second.same-person"]
    namesake.put(BUDGET, yuan("2.00"), 200)


def test_something_else_of_the_same_matter_waits_its_turn(office: Office) -> None:
    waiting = office.first.put(BUDGET, yuan("2.00"), 202)["waiting"]

    refused = office.second.put(BUDGET, yuan("3.00"), 409)
    assert codes_of(refused) == ["second.other"]
    assert waiting in refused["faults"][0]["rule"]
    office.second.put(f"/v1/policies/{CIXI}/budgets/2025", yuan("3.00"), 202)
    office.first.post(f"/v1/waiting-steps/{waiting}/withdrawal", {}, 200)
    office.second.put(BUDGET, yuan("3.00"), 202)
    assert office.first.get("/v1/waiting-steps")["waiting"] == 2


def test_a_policy_is_adopted_by_two_subjects(office: Office) -> None:
    body = YONGJIA_TEXT.encode()
    waiting = office.first.post("/v1/policies", body, 202, YAML)

    assert office.first.post("/v1/policies", body, 409, YAML)["faults"][0]["code"] == "second.same-person"
    policies = [policy["policy"] for policy in office.first.get("/v1/policies")["items"]]
    assert policies == [CIXI]
    confirmed = office.second.post(f"/v1/waiting-steps/{waiting['waiting']}/confirmation", {}, 200)
    assert confirmed["stage"] == "confirmed"
    assert len(office.first.get("/v1/policies")["items"]) == 2
    assert office.first.post("/v1/policies", body, 200, YAML)["new"] is False


def test_a_new_version_shows_what_it_changes(office: Office) -> None:
    changed = CIXI_TEXT.replace("version: 1", "version: 2", 1).replace('"@notice-days"', "5")
    waiting = office.first.post("/v1/policies", changed.encode(), 202, YAML)

    lines = [f"{line['label']['en']}: {line['value']['en']}" for line in waiting["summary"]]
    assert any(line.endswith(" → 5") for line in lines), lines


def two(office: Office, act: Callable[[Api, int], Any], done: int) -> None:
    """Take a step as two persons do; one alone gets nowhere."""
    waiting = act(office.first, 202)["waiting"]
    position = last_position(office.ledger)
    assert codes_of(act(office.first, 409)) == ["second.same-person"]
    own = office.first.post(f"/v1/waiting-steps/{waiting}/confirmation", {}, 409)
    assert codes_of(own) == ["second.same-person"]
    assert last_position(office.ledger) == position, "nothing was recorded"
    act(office.second, done)


def last_position(ledger: Ledger) -> int:
    with ledger.store.reading() as rows:
        return rows.last_position()


def test_a_year_is_settled_and_paid_by_two_subjects_at_each_step(office: Office) -> None:
    ledger, code = office.ledger, Feed(1).code
    office.third.post(f"{YEAR}/settlement/proposal", {}, 200)
    two(office, lambda api, status: api.post(f"{YEAR}/settlement/publication", {}, status), 200)
    office.clock.pass_(days=8)
    refused = office.third.post(f"{YEAR}/settlement/closing", {}, 409)
    assert codes_of(refused) == ["settlement.same-person"], "who proposed the list closes nothing"
    two(office, lambda api, status: api.post(f"{YEAR}/settlement/closing", {}, status), 200)
    order: dict[str, Any] = {"enterprises": None}
    two(office, lambda api, status: api.post(f"{YEAR}/payments", order, status), 201)
    (payment,) = office.first.get(f"{YEAR}/payments")["items"]
    result = {"payment": payment["payment"], "status": "made", "amount": payment["amount"]}
    day = office.clock.now.date().isoformat()
    recorder = office.api.person("u4", "finance")
    recorder.post(f"{YEAR}/payments/results", {"results": [{**result, "on": day, "said": "b"}]}, 200)
    back = {"enterprise": code, "amount": "1.00", "reason": "too much"}
    two(office, lambda api, status: api.post(f"{YEAR}/clawbacks", back, status), 201)

    late = Feed(1)
    late.count = 90
    take(ledger, late.shop("tmall", "late shop", "2024-06-01"))
    with ledger.store.reading() as rows:
        (missing,) = adjusting.pending(rows, CIXI, 2024)
    amount = f"{missing.amount // 100}.{missing.amount % 100:02d}"
    added: dict[str, Any] = {
        "enterprise": code,
        "measure": missing.measure,
        "amount": amount,
        "reason": "late",
    }
    added |= {"into_year": 2025}
    two(office, lambda api, status: api.post(f"{YEAR}/adjustments", added, status), 201)

    for name in ("SettlementPublished", "SettlementClosed", "PaymentOrdered", "ClawbackOrdered"):
        (event,) = [each.fact for each in all_events(ledger) if each.fact.name == name]
        assert event.said_by is not None
        assert event.acting_as is not None
        assert event.acting_as.proposed_by is not None
        assert (event.said_by.subject, event.acting_as.proposed_by.subject) == ("u2", "u1")


def test_facts_that_disagree_are_decided_by_two_subjects(office: Office) -> None:
    other = Feed(2)
    take(office.ledger, other.send("brand-certified", kind="famous_export", ref="b1", on="2024-05-01"))
    (disagreement,) = office.first.get("/v1/disagreements")["items"]
    path = f"/v1/disagreements/{disagreement['disagreement']}/decision"
    counting = [{"source": fact["source"], "id": fact["id"]} for fact in disagreement["facts"][:1]]
    body = {"counting": counting, "reason": "the certificate says so"}

    two(office, lambda api, status: api.post(path, body, status), 200)
    assert office.first.get("/v1/disagreements")["open"] == 0
    decision = office.first.get("/v1/disagreements?stage=decided")["items"][0]["decision"]
    assert (decision["actor"], decision["proposed_by"]) == ("Person 2", "Person 1")
    names_both(office.ledger, "FactDecided", "u2", "u1")


def names_both(ledger: Ledger, name: str, confirmer: str, proposer: str) -> None:
    """Each event of a name says who confirmed the step, and who proposed it."""
    events = [each.fact for each in all_events(ledger) if each.fact.name == name]
    assert events
    for event in events:
        assert event.said_by is not None
        assert event.acting_as is not None
        assert event.acting_as.proposed_by is not None
        assert (event.said_by.subject, event.acting_as.proposed_by.subject) == (confirmer, proposer)


def wrong_sales(amount: str = "much") -> dict[str, Any]:
    """A message that is refused while its amount is no amount."""
    message: dict[str, Any] = json.loads(Feed(1).sales("online", 2024, "1.00"))
    return {**message, "id": "refused", "data": {**message["data"], "amount": amount}}


UNREADABLE = (
    b"what is this?",
    b"",
    json.dumps({**wrong_sales(), "subject": 7}).encode(),
    json.dumps(wrong_sales()).encode("utf-16"),
)


@pytest.mark.parametrize("text", [json.dumps(wrong_sales()).encode(), *UNREADABLE])
def test_a_refused_message_is_dismissed_by_two_whatever_can_be_read_of_it(
    office: Office, text: bytes
) -> None:
    ingest(office.ledger, [text], "tests")
    with office.ledger.store.reading() as rows:
        (refused,) = newest(rows, 1)
    assert (refused.subject == Feed(1).code) == (text not in UNREADABLE)

    two(office, lambda api, status: api.post(f"/v1/refused/{refused.digest}/dismissal", None, status), 200)
    assert office.first.get(f"/v1/refused/{refused.digest}")["resolved"] == "dismissed"


def test_one_person_gets_no_refusal_settled_by_another_fact_while_its_dismissal_waits(
    office: Office,
) -> None:
    known = json.loads(Feed(2).sales("online", 2024, "1.00"))
    ingest(office.ledger, [json.dumps(wrong_sales()).encode(), json.dumps(known).encode()], "tests")
    with office.ledger.store.reading() as rows:
        (refused,) = newest(rows, 1)
    path = f"/v1/refused/{refused.digest}"
    waiting = office.first.post(f"{path}/dismissal", None, 202)["waiting"]

    assert codes_of(office.first.post(f"{path}/resubmission", known, 409)) == ["refusal.other-fact"]
    assert office.first.get(path)["resolved"] is None
    office.first.post(f"{path}/resubmission", wrong_sales("1.00"), 201)
    confirmation = f"/v1/waiting-steps/{waiting}/confirmation"
    assert office.second.post(confirmation, {}, 409)["code"] == "refusal-settled"
    assert office.first.get(path)["resolved"] == "resubmitted"


def test_what_is_confirmed_is_judged_anew(office: Office) -> None:
    """A budget that was set otherwise meanwhile, and a list that was proposed again."""
    office.third.post(f"{YEAR}/settlement/proposal", {}, 200)
    waiting = office.first.post(f"{YEAR}/settlement/publication", {}, 202)["waiting"]
    take(office.ledger, Feed(2).send("brand-certified", kind="famous_export", ref="b3", on="2024-05-01"))
    office.third.post(f"{YEAR}/settlement/proposal", {}, 200)

    confirmation = f"/v1/waiting-steps/{waiting}/confirmation"
    assert codes_of(office.second.post(confirmation, {}, 409)) == ["second.outdated"]
    assert office.first.get(f"{YEAR}/settlement")["stage"] == "proposed"
    again = office.second.post(f"{YEAR}/settlement/publication", {}, 202)["waiting"]
    assert again != waiting, "the new list is proposed for publication anew"
    assert office.first.get(f"/v1/waiting-steps/{waiting}")["stage"] == "replaced"
    assert codes_of(office.third.post(confirmation, {}, 409)) == ["second.gone"]
    office.first.post(f"/v1/waiting-steps/{again}/confirmation", {}, 200)
    assert office.first.get(f"{YEAR}/settlement")["stage"] == "published"


def test_a_step_that_has_become_impossible_is_refused_when_it_is_confirmed(office: Office) -> None:
    waiting = office.first.put(BUDGET, yuan("5.00"), 202)["waiting"]
    local = Api(office.ledger).by("somebody", "reviewer,officer")
    local.post(f"{YEAR}/settlement/proposal", {}, 200)
    local.post(f"{YEAR}/settlement/publication", {}, 200)
    office.clock.pass_(days=8)
    Api(office.ledger).by("another", "reviewer").post(f"{YEAR}/settlement/closing", {}, 200)

    refused = office.second.post(f"/v1/waiting-steps/{waiting}/confirmation", {}, 409)
    assert codes_of(refused) == ["settlement.closed"]
    assert office.first.get(f"/v1/waiting-steps/{waiting}")["stage"] == "waiting"


def test_a_proposal_lapses(office: Office) -> None:
    waiting = office.first.put(BUDGET, yuan("5.00"), 202)["waiting"]
    office.clock.pass_(days=31)

    assert office.first.get(f"/v1/waiting-steps/{waiting}")["stage"] == "lapsed"
    assert codes_of(office.second.post(f"/v1/waiting-steps/{waiting}/confirmation", {}, 409)) == [
        "second.gone"
    ]
    again = office.second.put(BUDGET, yuan("6.00"), 202)
    assert again["proposed_by"]["subject"] == "u2"


def test_a_proposal_is_withdrawn_by_who_made_it_or_an_operator(office: Office) -> None:
    officer = office.api.person("u4", "officer")
    finance, other = office.api.person("u5", "finance"), office.api.person("u6", "finance")
    waiting = finance.put(BUDGET, yuan("5.00"), 202)["waiting"]
    withdrawal = f"/v1/waiting-steps/{waiting}/withdrawal"

    assert codes_of(officer.post(withdrawal, {}, 409)) == ["second.withdraw"]
    assert codes_of(other.post(withdrawal, {}, 409)) == ["second.withdraw"]
    confirmation = f"/v1/waiting-steps/{waiting}/confirmation"
    assert codes_of(officer.post(confirmation, {}, 403)) == ["role.missing"]
    assert office.api.person("u7", "operator").post(withdrawal, {}, 200)["stage"] == "withdrawn"
    assert codes_of(other.post(confirmation, {}, 409)) == ["second.gone"]
    assert codes_of(finance.post(withdrawal, {}, 409)) == ["second.gone"]
    for path in ("withdrawal", "confirmation"):
        unknown = other.post(f"/v1/waiting-steps/{'0' * 16}/{path}", {}, 409)
        assert codes_of(unknown) == ["second.unknown"]


def test_the_verifier_names_a_step_that_one_person_proposed_and_confirmed(office: Office) -> None:
    office.first.put(BUDGET, yuan("5.00"), 202)
    office.second.put(BUDGET, yuan("5.00"), 200)
    placed = [
        PlacedEvent(each.position, each.version, each.fact)
        for each in all_events(office.ledger)
        if each.originator.startswith("waiting:")
    ]
    faults: list[tuple[int, str]] = []
    check_proposals(placed, lambda *fault: faults.append(fault))
    assert faults == []

    proposed, confirmed = placed
    forged = confirmed._replace(event=replace(confirmed.event, said_by=proposed.event.said_by))
    check_proposals([proposed, forged], lambda *fault: faults.append(fault))
    check_proposals([confirmed], lambda *fault: faults.append(fault))
    assert ["proposed and confirmed" in words for _, words in faults] == [True, False]


def test_two_confirmations_at_once_execute_once(office: Office) -> None:
    office.third.post(f"{YEAR}/settlement/proposal", {}, 200)
    office.first.post(f"{YEAR}/settlement/publication", {}, 202)
    office.second.post(f"{YEAR}/settlement/publication", {}, 200)
    office.clock.pass_(days=8)
    office.first.post(f"{YEAR}/settlement/closing", {}, 202)
    office.second.post(f"{YEAR}/settlement/closing", {}, 200)
    waiting = office.first.post(f"{YEAR}/payments", {"enterprises": None}, 202)["waiting"]
    path = f"/v1/waiting-steps/{waiting}/confirmation"

    with ThreadPoolExecutor(8) as pool:
        clients = [office.second, office.third] * 4
        statuses = list(
            pool.map(
                lambda api: api.app.test_client().post(path, json={}, headers=api.headers).status_code,
                clients,
            )
        )

    assert sorted(statuses) == [200] + [409] * 7
    assert len(office.first.get(f"{YEAR}/payments")["items"]) == 1


def test_proposals_at_once_leave_one(office: Office) -> None:
    def put(api: Api) -> int:
        client = api.app.test_client()
        return client.put(BUDGET, json=yuan("7.00"), headers=api.headers).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(put, [office.first] * 8))

    assert statuses == [202] + [409] * 7
    assert office.first.get("/v1/waiting-steps")["waiting"] == 1


def test_where_names_are_only_declared_one_person_suffices(open_at: Callable[..., Ledger]) -> None:
    api = Api(open_at())
    api.by("Lin").put(BUDGET, yuan("1.00"), 200)
    assert api.get("/v1/waiting-steps?stage=all")["items"] == []


def test_a_replay_gives_the_waiting_steps_again(office: Office, tmp_path: Path) -> None:
    office.first.put(BUDGET, yuan("5.00"), 202)
    office.second.put(BUDGET, yuan("5.00"), 200)
    withdrawn = office.first.put(BUDGET, yuan("6.00"), 202)["waiting"]
    office.first.post(f"/v1/waiting-steps/{withdrawn}/withdrawal", {}, 200)
    office.first.put(BUDGET, yuan("7.00"), 202)

    certificate = replay(office.ledger, str(tmp_path / "replica.db"))
    assert certificate.equal, certificate.differences
    with office.ledger.store.writing() as rows:
        rows.run("UPDATE waiting_steps SET name='Somebody' WHERE stage='waiting'")
    altered = replay(office.ledger, str(tmp_path / "again.db"))
    assert "waiting_steps" in altered.differences[0]


def test_every_step_of_the_table_is_tried_here() -> None:
    text = Path(__file__).read_text("utf-8")
    paths = {
        "policy.adopt": "/v1/policies",
        "budget.set": "BUDGET",
        "settlement.publish": "settlement/publication",
        "settlement.close": "settlement/closing",
        "payment.order": "/payments",
        "clawback.order": "/clawbacks",
        "adjustment.accept": "/adjustments",
        "disagreement.decide": "/decision",
        "refusal.dismiss": "/dismissal",
    }
    elsewhere = {"amendment.make": "test_amendments.py", "merge.decide": "test_old_spellings.py"}
    assert set(paths) | set(elsewhere) == set(TWO_PERSON_STEPS)
    assert all(path in text for path in paths.values())
    assert all(Path(__file__).with_name(name).exists() for name in elsewhere.values())


def test_each_step_of_the_table_has_its_one_request() -> None:
    tags = [str(request.__struct_config__.tag) for request in get_args(Request)]
    assert sorted(tags) == sorted(TWO_PERSON_STEPS)
