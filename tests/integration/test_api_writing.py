"""Writing over HTTP beside events: refusals put right, policies adopted, budgets set, what if."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ledger.store.rows import StoreUnavailable
from tests.events import CIXI, CIXI_TEXT, Feed, take
from tests.integration.api_client import ENGLISH, STREAM, Api, year_path


def refused_sales(api: Api) -> tuple[dict[str, Any], str]:
    """A message with a fault, refused; with the digest under which it is kept."""
    event: dict[str, Any] = json.loads(Feed(1).sales("online", 2024, "100.00"))
    event["data"]["amount"] = "100.005"
    return event, api.publish(event, 422)["refusal"]


def test_a_refused_message_is_listed_corrected_and_sent_again(api: Api) -> None:
    event, digest = refused_sales(api)
    listed = api.get("/v1/refused?open=true", Accept_Language="en")
    assert [(item["digest"], item["faults"][0]["code"]) for item in listed["items"]] == [
        (digest, "money.decimals")
    ]
    whole = api.get(f"/v1/refused/{digest}")
    assert set(whole["faults"][0]["mend"]) == {"zh", "en"}
    event["data"]["amount"] = "100.00"
    said = api.post(f"/v1/refused/{digest}/resubmission", event, 201)
    assert said["status"] == "accepted"
    assert api.get(f"/v1/refused/{digest}")["resolved"] == "resubmitted"
    assert api.get("/v1/refused?open=true")["items"] == []
    assert len(api.get("/v1/refused")["items"]) == 1


def test_a_correction_that_was_recorded_already_settles_the_refusal(api: Api) -> None:
    event, digest = refused_sales(api)
    right = {**event, "data": {**event["data"], "amount": "100.00"}}
    api.publish(right)
    api.publish(event, 422)
    assert api.get("/v1/refused")["open"] == 1
    path = f"/v1/refused/{digest}/resubmission"
    assert api.post(path, right)["status"] == "duplicate"
    assert api.get("/v1/refused")["open"] == 0
    position = api.get("/health/ready")["position"]
    assert api.post(path, right)["status"] == "duplicate"
    assert api.get("/health/ready")["position"] == position, "once more changes nothing"


OTHER_FACTS = (
    ("id", {"id": "another"}),
    ("source", {"source": "urn:another"}),
    ("subject", {"subject": Feed(2).code}),
    ("type", {"type": "subsidy.research-spent.v1"}),
)


@pytest.mark.parametrize(("field", "changed"), OTHER_FACTS)
@pytest.mark.parametrize("is_recorded", [False, True])
def test_a_refusal_is_not_settled_by_what_reports_another_fact(
    api: Api, field: str, changed: dict[str, str], is_recorded: bool
) -> None:
    event, digest = refused_sales(api)
    other = {**event, **changed, "data": {**event["data"], "amount": "100.00"}}
    if field == "type":
        del other["data"]["channel"]
    if is_recorded:
        api.publish(other)
        api.publish(event, 422)
    position = api.get("/health/ready")["position"]
    said = api.post(f"/v1/refused/{digest}/resubmission", other, 409)
    assert [(fault["code"], fault["field"]) for fault in said["faults"]] == [("refusal.other-fact", field)]
    assert api.get(f"/v1/refused/{digest}")["resolved"] is None
    assert api.get("/health/ready")["position"] == position


def test_an_id_that_is_taken_is_corrected_by_a_new_one_alone(api: Api) -> None:
    event, _ = refused_sales(api)
    event["data"]["amount"] = "100.00"
    api.publish(event)
    reused = {**event, "data": {**event["data"], "amount": "200.00"}}
    path = f"/v1/refused/{api.publish(reused, 422)['refusal']}/resubmission"
    assert api.post(path, event, 409)["faults"][0]["code"] == "refusal.known"
    assert api.get("/v1/refused")["open"] == 1
    assert api.post(path, {**reused, "id": "new"}, 201)["status"] == "accepted"
    assert api.get("/v1/refused")["open"] == 0


def test_a_text_that_is_no_message_is_corrected_by_what_its_enterprise_reports(api: Api) -> None:
    feed, other = Feed(1), Feed(2)
    broken, right = feed.sales("online", 2024, "1.00")[:-1], feed.sales("online", 2024, "2.00")
    paths = [f"/v1/refused/{api.publish(text, 422)['refusal']}/resubmission" for text in (broken, b"{")]
    foreign = json.loads(other.sales("online", 2024, "1.00"))
    for path in paths:
        assert api.post(path, foreign, 409)["faults"][0]["code"] == "refusal.unlike"
    assert api.post(paths[1], json.loads(right), 409)["faults"][0]["code"] == "refusal.unlike"
    api.publish(json.loads(right))
    assert api.post(paths[0], json.loads(right), 409)["faults"][0]["code"] == "refusal.known"
    assert api.post(paths[0], json.loads(broken + b"}"), 201)["status"] == "accepted"
    assert api.get("/v1/refused")["open"] == 1


def test_a_correction_that_is_wrong_too_leaves_the_refusal_open(api: Api) -> None:
    event, digest = refused_sales(api)
    event["data"]["amount"] = "-1.00"
    assert api.post(f"/v1/refused/{digest}/resubmission", event, 422)["refusal"] != digest
    assert api.get("/v1/refused")["open"] == 2


def test_a_refused_message_can_be_dismissed_and_stays_in_the_list(api: Api) -> None:
    _, digest = refused_sales(api)
    path = f"/v1/refused/{digest}/dismissal"
    assert api.post(path)["resolved"] == "dismissed"
    assert api.post(path)["resolved"] == "dismissed"
    assert [item["resolved"] for item in api.get("/v1/refused")["items"]] == ["dismissed"]


def test_what_was_sent_again_cannot_be_dismissed(api: Api) -> None:
    event, digest = refused_sales(api)
    event["data"]["amount"] = "100.00"
    api.post(f"/v1/refused/{digest}/resubmission", event, 201)
    assert api.post(f"/v1/refused/{digest}/dismissal", status=409)["code"] == "refusal-settled"


def test_settling_what_was_never_refused_is_404_and_takes_nothing(api: Api) -> None:
    event = json.loads(Feed(1).sales("online", 2024, "100.00"))
    for what in ("resubmission", "dismissal"):
        assert api.post(f"/v1/refused/{'0' * 64}/{what}", event, 404)["code"] == "refusal-unknown"
    assert api.get(f"/v1/enterprises?policy={CIXI}&year=2024")["items"] == []


def test_pages_of_refused_messages_hold_each_one_exactly_once(api: Api) -> None:
    api.stream(b"\n".join(b"{%d" % number for number in range(7)))
    found: list[int] = []
    link = "/v1/refused?limit=3"
    while link:
        page = api.get(link)
        found += [item["number"] for item in page["items"]]
        link = page["next"]
    assert found == sorted(set(found))
    assert len(found) == 7


def test_adopting_a_policy_again_changes_nothing(api: Api) -> None:
    position = api.get("/health/ready")["position"]
    said = api.post("/v1/policies", CIXI_TEXT.encode(), 200, "application/yaml")
    assert said["new"] is False
    assert api.get("/health/ready")["position"] == position


def test_a_wrong_policy_file_names_every_line_field_rule_and_mend(api: Api) -> None:
    wrong = CIXI_TEXT.replace("effective_from: 2024-01-01", "effective_from: soon", 1).replace(
        "version: 1", "version: 0", 1
    )
    said = api.post("/v1/policies", wrong.encode(), 422, "application/yaml")
    assert said["code"] == "policy-refused"
    assert {fault["field"] for fault in said["faults"]} == {"version", "effective_from"}
    assert all(fault["line"] > 1 for fault in said["faults"])


@pytest.mark.parametrize(
    "body", [b"[", b"\xff\xfe", b"a: \x00", b"- 1", b"a: {b: [" + b"[" * 5_000, b"!!python/none x"]
)
def test_a_file_that_is_no_policy_is_refused(api: Api, body: bytes) -> None:
    assert api.post("/v1/policies", body, 422, "application/yaml")["faults"]


def test_a_policy_file_of_aliases_is_refused_before_it_can_unfold(api: Api) -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    said = api.post("/v1/policies", "\n".join(lines).encode(), 422, "application/yaml")
    assert ["alias" in fault["rule"] for fault in said["faults"]] == [True]


def test_a_policy_file_must_be_sent_as_yaml(api: Api) -> None:
    assert api.post("/v1/policies", {"id": "x"}, 415)["code"] == "media-wrong"


def test_a_budget_is_set_and_holds(api: Api) -> None:
    take(api.ledger, Feed(1).shop("tmall", "one", "2024-03-01"))
    path = f"/v1/policies/{CIXI}/budgets/2024"
    said = api.put(path, {"amount": "0.01", "currency": "CNY"})
    assert (said["period"], said["amount"]) == ("2024", "0.01")
    assert api.put(path, {"amount": "0.01", "currency": "CNY"}) == said
    budget = api.get(year_path("budget"))
    assert (budget["appropriation"], budget["payable"]) == ("0.01", "0.01")


def test_a_budget_of_nothing_pays_nothing(api: Api) -> None:
    take(api.ledger, Feed(1).shop("tmall", "one", "2024-03-01"))
    api.put(f"/v1/policies/{CIXI}/budgets/2024", {"amount": "0", "currency": "CNY"})
    assert api.get(year_path("budget"))["payable"] == "0.00"


@pytest.mark.parametrize("period", ["life", "1999", "20244", "²", "x"])
def test_a_period_that_the_policy_does_not_have_is_404(api: Api, period: str) -> None:
    said = api.put(f"/v1/policies/{CIXI}/budgets/{period}", {"amount": "1.00", "currency": "CNY"}, 404)
    assert said["code"] == "period-unknown"


@pytest.mark.parametrize(
    ("body", "status", "faults"),
    [
        ({"amount": 1, "currency": "USD", "x": 1}, 422, {"amount", "currency", "x"}),
        ({}, 422, {"amount", "currency"}),
        ([], 422, {"message"}),
        (b"{", 400, {"message"}),
        (b"\xff", 400, {"message"}),
        (b'{"amount": "1", "amount": "2", "currency": "CNY"}', 400, {"amount"}),
        (b"[" * 60_000, 400, {"message"}),
    ],
)
def test_a_wrong_budget_names_every_field(api: Api, body: Any, status: int, faults: set[str]) -> None:
    said = api.put(f"/v1/policies/{CIXI}/budgets/2024", body, status)
    assert {fault["field"] for fault in said["faults"]} == faults


def test_what_if_tells_who_gains_and_changes_nothing(api: Api) -> None:
    feed = Feed(1)
    take(api.ledger, feed.shop("tmall", "one", "2024-03-01"))
    before = api.get(year_path("budget"))
    asked = {
        "policy": CIXI,
        "year": 2024,
        "figures": {"store.tmall/amount": "99999.00"},
        "budget": "20000000.00",
    }
    said = api.post("/v1/what-if", asked)
    assert [move["enterprise"] for move in said["winners"]] == [feed.code]
    assert said["changes"]["budget"] == "20000000.00"
    assert api.get(year_path("budget")) == before


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"readings": {"no-such": "x"}}, "policy-refused"),
        ({"figures": {"store.tmall/nothing": "1.00"}}, "policy-refused"),
        ({"figures": {"store.tmall/amount": "much"}}, "policy-refused"),
        ({"figures": {"store.tmall/amount": 5}}, "request-invalid"),
        ({"figures": [1]}, "request-invalid"),
        ({"readings": {"\ud800": "x"}}, "request-invalid"),
        ({"budget": 1.5}, "request-invalid"),
        ({"year": 99}, "request-invalid"),
        ({"limit": 0}, "request-invalid"),
        ({"colour": "red"}, "request-invalid"),
    ],
)
def test_a_wrong_what_if_says_what_is_wrong(api: Api, change: dict[str, Any], code: str) -> None:
    said = api.post("/v1/what-if", {"policy": CIXI, "year": 2024, **change}, 422)
    assert said["code"] == code
    assert said["faults"]


def test_a_parameter_of_a_write_that_does_not_exist_is_a_fault(api: Api) -> None:
    for path in ("/v1/events?x=1", "/v1/what-if?x=1", "/v1/policies?x=1"):
        assert api.post(path, {}, 422)["faults"][0]["code"] == "query.unknown"


def test_a_ledger_that_cannot_be_reached_is_503_and_says_when_to_try_again(api: Api) -> None:
    class Away:
        def reading(self) -> Any:
            raise StoreUnavailable("database.disk", reason="gone")

        writing = reading

    api.ledger.store = Away()  # type: ignore[assignment]
    line = Feed(1).shop("tmall", "one", "2024-03-01")
    for response in (
        api.client.get(year_path("budget"), headers=ENGLISH),
        api.send("POST", "/v1/events", line, "application/json"),
        api.send("POST", "/v1/events", line, STREAM),
        api.client.get("/health/ready"),
    ):
        said = api.checked(response, 503)
        assert said["code"] == "store-unavailable"
        assert int(response.headers["Retry-After"]) > 0
        assert "disk" not in response.data.decode()
    assert api.client.get("/health/live").status_code == 200
