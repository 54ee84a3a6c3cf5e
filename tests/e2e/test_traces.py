"""Traces leave real processes for a receiver of OpenTelemetry's own protocol."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer

from ledger.store.application import Ledger
from services.runtime import tracing
from tests.brokers import KafkaCluster
from tests.commands import ROOT
from tests.e2e.processes import Commands, taken, wait_until
from tests.integration.test_following import CODE, PARENT, TRACE, shop
from tests.otlp import Receiver, Span
from tests.processes import Ports


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as found:
        yield found


def named(spans: list[Span], name: str) -> list[Span]:
    return [span for span in spans if span.name == name]


def test_a_request_goes_on_in_its_callers_trace_and_nobody_is_named(
    receiver: Receiver, tmp_path: Path, open_at: Callable[..., Ledger], database_at: Callable[[str], str]
) -> None:
    open_at().close()
    ports = Ports()
    port = ports.take()
    command = [sys.executable, "-m", "services.cli", "--database", database_at("ledger.db"), "serve"]
    log = (tmp_path / "log").open("wb")
    settings = {"SUBSIDY_LEDGER_LOGS": "json", "SUBSIDY_LEDGER_SIGNING_KEY": str(tmp_path / "key")}
    environment = {**os.environ, **receiver.environment, **settings}
    service = subprocess.Popen([*command, "--port", str(port)], cwd=ROOT, env=environment, stderr=log)

    def ask(method: str, path: str, body: bytes | None = None) -> int:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            media = {"Content-Type": "application/cloudevents+json"} if body else {}
            connection.request(method, path, body, {"traceparent": PARENT, **media})
            return connection.getresponse().status
        except OSError:
            return 0

    try:
        wait_until(lambda: ask("GET", "/health/ready") == 200, 60, "the service is not ready")
        assert ask("POST", "/v1/events", json.dumps(shop("a")).encode()) == 201
        assert ask("GET", f"/v1/enterprises/{CODE}") == 200
        spans = receiver.wait(lambda each: bool(named(each, "GET /v1/enterprises/<code>")))
    finally:
        service.terminate()
        service.wait(45)
        ports.release()
        log.close()

    [post] = named(spans, "POST /v1/events")
    [record] = named(spans, "record")
    assert (post.trace, post.parent) == (TRACE, PARENT.split("-")[2])
    assert post.attributes["http.response.status_code"] == "201"
    assert (record.trace, record.parent) == (TRACE, post.span)
    assert record.attributes == {"ledger.channel": "http", "ledger.accepted": "1"}
    assert {span.service for span in spans} == {"subsidy-ledger-serve"}
    assert CODE not in str(spans)
    lines = [
        json.loads(line) for line in (tmp_path / "log").read_text("utf-8").splitlines() if line[:1] == "{"
    ]
    assert {line["trace"] for line in lines if line.get("path") == "/v1/events"} == {TRACE}


@pytest.mark.slow
def test_a_record_is_linked_to_its_senders_trace_and_what_is_published_carries_ours(
    receiver: Receiver,
    kafka: KafkaCluster,
    database_at: Callable[[str], str],
    open_at: Callable[..., Ledger],
    monkeypatch: pytest.MonkeyPatch,
    store_kind: str,
) -> None:
    for name, value in receiver.environment.items():
        monkeypatch.setenv(name, value)
    commands = Commands(database_at("ledger.db"), kafka, f"traces-{store_kind}")
    commands.adopt()
    commands.topics(1)
    servers = kafka.bootstrap.split(",")
    producer = KafkaProducer(bootstrap_servers=servers)
    sent = json.dumps(shop("a")).encode()
    producer.send(commands.topic, key=CODE.encode(), value=sent, headers=[("traceparent", PARENT.encode())])
    producer.flush()
    producer.close()
    ledger = open_at(policy=False)
    try:
        commands.start("consume")
        wait_until(lambda: taken(ledger) == 1, 60, "the record was not taken")
        commands.start("publish")
        reader = KafkaConsumer(
            f"{commands.topic}.published", bootstrap_servers=servers, auto_offset_reset="earliest"
        )
        headers = dict(next(iter(reader)).headers)
        reader.close()
        spans = receiver.wait(
            lambda each: (
                bool(named(each, f"consume {commands.topic}"))
                and bool(named(each, f"publish {commands.topic}.published"))
            )
        )
    finally:
        commands.end()

    [consumed] = named(spans, f"consume {commands.topic}")
    [record] = [span for span in named(spans, "record") if span.trace == consumed.trace]
    assert consumed.links == (TRACE,)
    assert record.parent == consumed.span
    published = {span.trace: span.span for span in named(spans, f"publish {commands.topic}.published")}
    _, of_trace, of_span, _ = headers["traceparent"].decode().split("-")
    assert published[of_trace] == of_span


def test_without_the_variables_no_span_is_made() -> None:
    assert not tracing.traces_wanted()
    assert tracing.trace_id() is None
