"""Publishing over HTTP: one event, a batch, a stream; what is wrong is named, and never a 500."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from ledger.intake.inbox import BATCH_MESSAGES_MAX
from ledger.intake.messages.decode import MESSAGE_BYTES_MAX
from ledger.intake.messages.lines import read_lines
from services.server.app import BODY_BYTES_MAX
from tests.events import CIXI, Feed
from tests.integration.api_client import BATCH, ONE, STREAM, Api, balance_path


def shop(number: int = 1) -> dict[str, Any]:
    """An event that is right."""
    event: dict[str, Any] = json.loads(Feed(number).shop("tmall", f"shop {number}", "2024-03-01"))
    return event


def test_one_event_is_accepted_with_its_position_and_pays(api: Api) -> None:
    event = shop()
    said = api.publish(event)
    assert said["status"] == "accepted"
    assert (said["id"], said["source"]) == (event["id"], event["source"])
    assert said["position"] > 0
    assert api.get(balance_path(event["subject"]))["gross"] != "0.00"


def test_the_same_event_again_answers_200_and_changes_nothing(api: Api) -> None:
    first = api.publish(shop())
    again = api.publish(shop(), status=200)
    assert again["status"] == "duplicate"
    assert again["position"] == first["position"]


def test_the_same_id_with_other_content_is_refused_and_kept(api: Api) -> None:
    event = shop()
    api.publish(event)
    event["data"]["shop"] = "another"
    said = api.publish(event, status=422)
    assert said["code"] == "message-refused"
    assert [fault["code"] for fault in said["faults"]] == ["identity.reused"]
    kept = api.get(f"/v1/refused/{said['refusal']}")
    assert json.loads(kept["raw"]) == event


@pytest.mark.parametrize("media", [BATCH, "application/json"])
def test_a_batch_answers_with_a_result_for_each_message(api: Api, media: str) -> None:
    wrong = shop(2)
    del wrong["data"]["on"]
    said = api.post("/v1/events", [shop(1), shop(1), wrong, 7], media=media)
    assert said["counts"] == {"messages": 4, "accepted": 1, "duplicate": 1, "refused": 2}
    assert [each["status"] for each in said["results"]] == ["accepted", "duplicate", "refused", "refused"]
    assert said["results"][2]["faults"][0]["field"] == "data.on"


def test_a_refused_message_of_a_batch_is_kept_with_the_very_bytes_it_came_with(api: Api) -> None:
    raw = b'{ "specversion" :"1.0",\n "id": "\\u0061" }'
    said = api.post("/v1/events", b"[ " + raw + b" ]", media=BATCH)
    kept = api.get(f"/v1/refused/{said['results'][0]['refusal']}")
    assert kept["raw"].encode() == raw


def test_a_stream_answers_a_line_for_each_message_and_a_summary(api: Api) -> None:
    events = [shop(1), shop(2), shop(1)]
    body = b"\n".join(json.dumps(event).encode() for event in events) + b"\n\nnot json\r\n"
    *results, summary = api.stream(body)
    assert [(each["line"], each["status"]) for each in results] == [
        (1, "accepted"),
        (2, "accepted"),
        (3, "duplicate"),
        (5, "refused"),
    ]
    assert summary == {"summary": {"messages": 4, "accepted": 2, "duplicate": 1, "refused": 1}}


def test_a_stream_of_several_batches_takes_every_message_once(api: Api) -> None:
    body = b"\n".join(json.dumps(shop(number)).encode() for number in range(1, 4_502))
    *results, summary = api.stream(body)
    assert summary["summary"]["accepted"] == 4_501
    assert [each["line"] for each in results] == list(range(1, 4_502))
    assert len({each["position"] for each in results}) == 4_501


def test_a_line_of_a_stream_that_is_too_long_is_refused_and_the_next_one_taken(api: Api) -> None:
    long = b'{"id": "' + b"x" * (3 * MESSAGE_BYTES_MAX) + b'"}'
    *results, summary = api.stream(long + b"\n" + json.dumps(shop()).encode())
    assert results[0]["faults"][0]["code"] == "size.message"
    assert results[1]["status"] == "accepted"
    assert summary["summary"]["refused"] == 1
    kept = api.get(f"/v1/refused/{results[0]['refusal']}")
    assert len(kept["raw"]) == MESSAGE_BYTES_MAX + 1


@pytest.mark.parametrize("chunk", [1, 7, 65_536])
def test_lines_are_the_same_however_a_stream_is_cut(chunk: int) -> None:
    whole = b"one\n\n two \r\n" + b"x" * (MESSAGE_BYTES_MAX + 10) + b"\nlast"

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(chunk)

    found = list(read_lines(Slow(whole)))
    assert [(number, line[:4]) for number, line in found] == [
        (1, b"one"),
        (3, b"two"),
        (4, b"xxxx"),
        (5, b"last"),
    ]
    assert len(found[2][1]) == MESSAGE_BYTES_MAX + 1


def changed(**values: Any) -> dict[str, Any]:
    """An event with other values in the envelope."""
    return {**shop(), **values}


def sales(**values: Any) -> dict[str, Any]:
    """Sales with other values in their data."""
    event: dict[str, Any] = json.loads(Feed(1).sales("online", 2024, "100.00"))
    event["data"] |= values
    return event


def claim(**values: Any) -> dict[str, Any]:
    """An approved claim with other values in its data."""
    event: dict[str, Any] = json.loads(Feed(1).approved("design.procurement", "item", 2024, "100.00"))
    event["data"] |= values
    return event


def without(event: dict[str, Any], name: str) -> dict[str, Any]:
    """An event without one field of its data."""
    return {**event, "data": {k: v for k, v in event["data"].items() if k != name}}


RIGHT_CODE = shop()["subject"]
WRONG_CODE = RIGHT_CODE[:-1] + ("1" if RIGHT_CODE[-1] != "1" else "2")
TWICE = json.dumps(shop()).replace('"data": {', '"data": {"on": "2024-01-01", ').encode()

BAD: dict[str, tuple[Any, str, str]] = {
    "wrong check character": (changed(subject=WRONG_CODE), "subject", "code.check"),
    "no credit code": (changed(subject="x"), "subject", "code.shape"),
    "negative money": (sales(amount="-1.00"), "data.amount", "money.negative"),
    "three decimals": (sales(amount="1.005"), "data.amount", "money.decimals"),
    "float money": (sales(amount=1.5), "data.amount", "money.type"),
    "not a number": (json.dumps(sales(amount=float("nan"))).encode(), "message", "json.number"),
    "future date": (
        changed(data={**shop()["data"], "on": "2031-02-01"}),
        "data.on",
        "date.future",
    ),
    "future time": (changed(time="2031-02-01T00:00:00Z"), "time", "time.future"),
    "future year": (sales(year=2032), "data.year", "year.future"),
    "unknown type": (changed(type="subsidy.nothing.v1"), "type", "type.unknown"),
    "unknown version": (changed(type="subsidy.store-registered.v9"), "type", "type.version"),
    "missing field": (without(shop(), "shop"), "data.shop", "field.missing"),
    "unknown field": (changed(colour="red"), "colour", "field.unknown"),
    "wrong currency": (sales(currency="USD"), "data.currency", "currency.wrong"),
    "unknown currency": (sales(currency="JPY"), "data.currency", "value.choice"),
    "currency of no policy": (sales(currency="EUR"), "data.currency", "currency.wrong"),
    "oversized message": (changed(id="x" * 70_000), "message", "size.message"),
    "invalid UTF-8": (b'{"id": "\xff\xfe"}', "message", "json.utf8"),
    "deep nesting": (b'{"a":' * 50 + b"1" + b"}" * 50, "message", "json.depth"),
    "absurd nesting": (b'{"a":' * 10_000, "message", "json.depth"),
    "unknown measure": (claim(measure="no.such"), "data.measure", "measure.unknown"),
    "unknown policy": (claim(policy="no-such"), "data.policy", "policy.unknown"),
    "duplicate keys": (TWICE, "on", "json.duplicate"),
    "half a surrogate pair as a key": (
        b'{"\\ud800": 1, "\\ud800": 2}',
        "?",
        "json.duplicate",
    ),
    "half a surrogate pair as a name": (changed(id="\ud800"), "id", "text.form"),
    "a control character": (changed(id="a\x00b"), "id", "text.form"),
    "not an object": (b"7", "message", "field.type"),
    "not JSON": (b"{nonsense", "message", "json.syntax"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_422_and_names_field_rule_and_mend(api: Api, name: str) -> None:
    body, field, code = BAD[name]
    said = api.publish(body, status=422)
    assert (field, code) in [(fault["field"], fault["code"]) for fault in said["faults"]]
    api.get(f"/v1/refused/{said['refusal']}")
    assert api.get("/v1/refused")["open"] == 1


def test_all_faults_of_a_message_come_at_once(api: Api) -> None:
    event = without(sales(amount="-1.00", currency="JPY"), "channel")
    said = api.publish({**event, "subject": WRONG_CODE, "time": "yesterday"}, status=422)
    assert {fault["field"] for fault in said["faults"]} == {
        "subject",
        "time",
        "data.amount",
        "data.currency",
        "data.channel",
    }


def test_faults_are_told_in_the_language_that_is_asked_for(api: Api) -> None:
    body = json.dumps(sales(amount=1.5))
    chinese = api.client.post("/v1/events", data=body, content_type=ONE)
    english = api.client.post("/v1/events", data=body, content_type=ONE, headers={"Accept-Language": "en-GB"})
    assert chinese.headers["Content-Language"] == "zh-CN"
    assert "金额" in chinese.json["faults"][0]["rule"]  # type: ignore[index]
    assert "must be text" in english.json["faults"][0]["rule"]  # type: ignore[index]


def test_a_body_over_the_limit_is_413_and_names_the_limit(api: Api) -> None:
    said = api.publish(b"[" + b" " * BODY_BYTES_MAX + b"]", status=413)
    assert said["code"] == "body-large"
    assert str(BODY_BYTES_MAX) in said["faults"][0]["rule"]


def test_a_body_over_the_limit_is_413_also_when_its_length_is_not_told(api: Api) -> None:
    body = io.BytesIO(b"[" + b" " * BODY_BYTES_MAX + b"]")
    response = api.client.post(
        "/v1/events",
        input_stream=body,
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
    )
    assert response.status_code == 413


def test_a_batch_of_too_many_messages_is_413_and_nothing_of_it_is_taken(api: Api) -> None:
    said = api.post("/v1/events", [{}] * (BATCH_MESSAGES_MAX + 1), 413, BATCH)
    assert said["faults"][0]["code"] == "batch.large"
    assert api.get("/v1/refused")["items"] == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{}", "batch.array"),
        (b"[1,", "json.syntax"),
        (b"[nonsense]", "json.syntax"),
        (b"[" * 100_000, "json.depth"),
    ],
)
def test_a_batch_that_cannot_be_split_is_400(api: Api, body: bytes, code: str) -> None:
    said = api.post("/v1/events", body, 400, BATCH)
    assert said["code"] == "body-json"
    assert said["faults"][0]["code"] == code


@pytest.mark.parametrize("media", [ONE, BATCH, "application/json"])
def test_an_empty_body_is_400(api: Api, media: str) -> None:
    assert api.post("/v1/events", b"", 400, media)["code"] == "body-empty"


def test_other_types_of_content_are_415_and_say_which_are_taken(api: Api) -> None:
    said = api.post("/v1/events", b"id=1", 415, "application/x-www-form-urlencoded")
    assert STREAM in said["faults"][0]["rule"]


def test_a_compressed_body_is_415(api: Api) -> None:
    response = api.client.post(
        "/v1/events", data=b"\x1f\x8b", content_type=ONE, headers={"Content-Encoding": "gzip"}
    )
    assert response.status_code == 415


def test_a_write_from_another_sites_page_is_refused(api: Api) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        response = api.client.post("/v1/events", json=shop(), headers=headers)
        assert response.status_code == 403
    assert api.get(f"/v1/enterprises?policy={CIXI}&year=2024")["items"] == []
