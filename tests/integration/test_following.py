"""A correlation id leads from what was sent to what was paid, and each payment back to who ordered it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ledger.audit.looks import list_looks
from ledger.intake.inbox import Offsets, ingest
from ledger.settlement import paying
from ledger.settlement.paying import Result
from ledger.store import correlation
from ledger.store.application import Ledger
from tests import acknowledging
from tests.events import CIXI, message
from tests.integration.api_client import BATCH, Api
from tests.integration.bureau import Clock
from tests.integration.closings import FINANCE, OFFICER, REVIEWER

CODE, OTHER = "91330282MA0000001D", "91330282MA0000002G"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    """No test works under another's id."""
    token = correlation.current.set("")
    yield
    correlation.current.reset(token)


def shop(event_id: str, code: str = CODE, **more: Any) -> dict[str, Any]:
    """A flagship store on JD, which earns ¥5,000.00 (article 一)."""
    data = {"platform": "jd", "kind": "flagship", "shop": event_id, "on": "2024-03-01"}
    return {**message("store-registered", code, event_id, "2024-03-01T01:00:00Z", data), **more}


def trace(api: Api, status: int = 200, **query: str) -> Any:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    return api.get(f"/v1/traces?{asked}", status)


def settle_and_pay(ledger: Ledger, clock: Clock) -> str:
    """Close the year, order and pay under ids of their own; the payment's name."""
    ledger.clock = clock
    acknowledging.propose(ledger, CIXI, 2024, OFFICER)
    acknowledging.publish(ledger, CIXI, 2024, OFFICER)
    clock.pass_(days=8)
    acknowledging.close(ledger, CIXI, 2024, REVIEWER)
    correlation.current.set("order-7")
    acknowledging.order_payments(ledger, CIXI, 2024, FINANCE)
    with ledger.store.reading() as rows:
        [(payment, amount)] = rows.all("SELECT payment, amount FROM payments WHERE code=?", [CODE])
    correlation.current.set("bank-answer-9")
    made = Result(payment, "made", amount, clock().date().isoformat(), "ICBC 1")
    paying.record_results(ledger, CIXI, 2024, FINANCE, [made])
    return str(payment)


def test_a_request_leads_to_the_payment_and_the_payment_to_its_order(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at()
    api = Api(ledger)
    sent = api.client.post(
        "/v1/events", data=json.dumps([shop("a"), shop("b", OTHER)]), content_type=BATCH,
        headers={"Subsidy-Request": "town-upload-31"},
    )  # fmt: skip
    assert sent.headers["Subsidy-Request"] == "town-upload-31"
    payment = settle_and_pay(ledger, Clock())

    found = trace(api, correlation="town-upload-31")

    assert [(e["id"], e["subject"]) for e in found["events"]] == [("a", CODE), ("b", OTHER)]
    assert [(a["enterprise"], a["measure"], a["eligible"], a["listed"]) for a in found["awards"]] == [
        (CODE, "store.jd", "5000.00", "5000.00"),
        (OTHER, "store.jd", "5000.00", "5000.00"),
    ]
    mine = next(each for each in found["payments"] if each["enterprise"] == CODE)
    assert (mine["payment"], mine["amount"], mine["status"]) == (payment, "5000.00", "made")
    assert [(s["event"], s["correlation"]) for s in mine["steps"]] == [
        ("PaymentOrdered", "order-7"),
        ("PaymentMade", "bank-answer-9"),
    ]
    assert found["whole"] is True
    back = trace(api, correlation="bank-answer-9")
    assert [each["event"] for each in back["events"]] == ["PaymentMade"]
    assert [each["payment"] for each in back["payments"]] == [payment]


def test_an_upstreams_own_id_goes_before_that_of_the_call(api: Api) -> None:
    both = [shop("a", correlationid="case-1"), shop("b", traceparent=PARENT), shop("c")]
    api.client.post(
        "/v1/events", data=json.dumps(both), content_type=BATCH, headers={"Subsidy-Request": "call-1"}
    )

    for id_, event in (("case-1", "a"), (TRACE, "b"), ("call-1", "c")):
        assert [each["id"] for each in trace(api, correlation=id_)["events"]] == [event]


def test_what_was_refused_is_found_too_with_its_reason(api: Api) -> None:
    wrong = shop("a", correlationid="case-2")
    wrong["data"]["on"] = "2024-02-30"
    api.client.post("/v1/events", data=json.dumps([wrong, wrong]), content_type=BATCH)

    [refused] = trace(api, correlation="case-2")["refused"]

    assert (refused["id"], refused["resolved"]) == ("a", None)
    assert refused["codes"] != []
    assert api.get(f"/v1/refused/{refused['digest']}")["digest"] == refused["digest"]
    assert trace(api, source=wrong["source"], event="a")["refused"] == [refused]


def test_an_event_is_found_by_what_its_upstream_calls_it(api: Api) -> None:
    sent = shop("a")
    api.client.post(
        "/v1/events", data=json.dumps([sent]), content_type=BATCH, headers={"traceparent": PARENT}
    )

    found = trace(api, source=sent["source"], event="a")

    assert found["correlation"] == TRACE
    assert [each["id"] for each in found["events"]] == ["a"]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("correlation=never", 404, "trace-unknown"),
        ("source=urn:x&event=never", 404, "trace-unknown"),
        ("", 422, "request-invalid"),
        ("source=urn:x", 422, "request-invalid"),
        ("correlation=a&event=b", 422, "request-invalid"),
        ("correlation=" + "x" * 201, 422, "request-invalid"),
    ],
)
def test_a_question_without_an_answer_says_so(api: Api, query: str, status: int, code: str) -> None:
    answer = api.get(f"/v1/traces?{query}", status)

    assert answer["code"] == code
    if status == 422:
        assert all(fault["field"] and fault["rule"] and fault["mend"] for fault in answer["faults"])


def test_a_batch_costs_one_row_and_neighbours_of_one_id_stand_together(
    open_at: Callable[..., Ledger],
) -> None:
    ledger = open_at()
    correlation.current.set("file-1")
    ingest(ledger, [json.dumps(shop(f"s{number}")).encode() for number in range(300)], "tests")

    with ledger.store.reading() as rows:
        spans = correlation.spans_of(rows, "file-1", 10)
        last = rows.last_position()

    assert spans == [correlation.Span(last - 299, last)]


def test_records_of_a_stream_are_found_by_where_they_stood(open_at: Callable[..., Ledger]) -> None:
    """A batch of a stream works under the place of its first record (``services.kafka.consumer``)."""
    ledger = open_at()
    correlation.current.set("facts/0@17")
    offsets = Offsets("kafka:facts:x:0", [17, 18], "facts/0")
    ingest(ledger, [json.dumps(shop("a")).encode(), b"{}"], "kafka", offsets)

    found = Api(ledger).get("/v1/traces?correlation=facts/0@17")

    assert [each["id"] for each in found["events"]] == ["a"]
    assert len(found["refused"]) == 1


def test_following_is_noted_as_a_look_at_each_enterprise(api: Api) -> None:
    api.client.post("/v1/events", data=json.dumps([shop("a"), shop("b", OTHER)]), content_type=BATCH,
                    headers={"Subsidy-Request": "call-2"})  # fmt: skip
    trace(api.by("Zhou", "auditor"), correlation="call-2")
    api.app.extensions["subsidy-looks"].flush()

    with api.ledger.store.reading() as rows:
        seen = {(each.actor, each.code) for each in list_looks(rows)}

    assert seen == {("Zhou", CODE), ("Zhou", OTHER)}


def test_a_ledger_of_the_schema_before_gains_the_table(open_at: Callable[..., Ledger]) -> None:
    from ledger.store.schema.migrations import SCHEMA_VERSION, create_tables, version_of

    ledger = open_at()
    with ledger.store.writing() as rows:
        rows.run("DROP TABLE correlations")
        rows.run("DELETE FROM schema_version WHERE version>=2")

    create_tables(ledger.store, ledger.dialect)

    with ledger.store.reading() as rows:
        assert version_of(rows) == SCHEMA_VERSION
        assert rows.all("SELECT COUNT(*) FROM correlations") == [(0,)]
