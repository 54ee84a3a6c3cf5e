"""Clients that stall, in ten ways at once: others go on, health answers, and each of them is ended."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import socket
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from domain.authority.roles import NotAllowed
from ledger.policies.versions import adopt_policy
from ledger.store.application import open_ledger
from services.api.events.streams import STREAM_BATCH_MESSAGES
from services.runtime.settings import Settings, SettingsError
from services.sample.policy import policy_text
from services.server.app import create_app
from services.server.front import Front
from services.server.listening import hold_port
from services.web.arriving import ARRIVING, ARRIVING_A_CALLER_MAX
from tests.benchmarks.measured import HEAD, Measured
from tests.events import CIXI_TEXT, Feed
from tests.integration.test_api_server import ask, served
from tests.integration.test_identity import City
from tests.lengths import LENGTHS, length_of
from tests.processes import Ports
from tests.stalled import WAYS, stalling

STALL_SECONDS = length_of("SUBSIDY_TEST_STALL_SECONDS")
ENDED_SECONDS_MAX = 9 + 3 * STALL_SECONDS
"""By when a stalled client must be ended: a write of the kernel's is tried at growing intervals."""
STOPPED_SECONDS_MAX = 10
"""A stop takes two seconds, on a busy machine more; a worker that hangs is waited for 30 s."""
ANSWERED_SECONDS_MAX = 5
P99_RATIO_MAX = 3
BALANCE = f"/v1/enterprises/{Feed(1).code}/balances/cixi-ecommerce-2024/2024"
STATUSES = {
    "half a message": {"408"},
    "a byte at a time": {"408"},
    "a stream that pauses": {"408", "429"},  # one caller has few at once
    "half a sheet": {"408"},
    "no body after 100-continue": {"408"},
    "half a form": {"408"},
    "an idle connection": {"200"},
}
"""How each is ended, where it is not just closed."""


class Asked(NamedTuple):
    """Requests of some seconds: how long each balance took, and what was not answered as it should be."""

    seconds: list[float]
    failures: list[str]

    @property
    def p99(self) -> float:
        """The slowest of a hundred."""
        return sorted(self.seconds)[len(self.seconds) * 99 // 100]


def ask_for(seconds: float, port: int, health_port: int) -> Asked:
    """Ask for a balance, send a fact, and ask for health on both ports, each on a connection of its own."""
    asked = Asked([], [])
    fact = Feed(1).shop("tmall", "one", "2024-03-01")
    requests = (
        (port, "GET", BALANCE, None),
        (port, "POST", "/v1/events", fact),
        (port, "GET", "/health/ready", None),
        (health_port, "GET", "/health/ready", None),
    )
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for at, method, path, body in requests:
            began = time.monotonic()
            connection = http.client.HTTPConnection("127.0.0.1", at, timeout=ANSWERED_SECONDS_MAX)
            try:
                connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
                status = connection.getresponse().status
            except OSError as error:
                asked.failures.append(f"{path}: {error!r}")
                continue
            finally:
                connection.close()
            if status != 200:
                asked.failures.append(f"{path}: {status}")
            if path == BALANCE:
                asked.seconds.append(time.monotonic() - began)
        time.sleep(0.02)
    return asked


@pytest.fixture
def health_port(monkeypatch: pytest.MonkeyPatch) -> int:
    """The port for health of the services that the test starts, which end stalls early."""
    ports = Ports()
    port = ports.take()
    monkeypatch.setenv("SUBSIDY_LEDGER_STALL_SECONDS", str(STALL_SECONDS))
    monkeypatch.setenv("SUBSIDY_LEDGER_HEALTH_PORT", str(port))
    return port


def test_clients_that_stall_hold_up_nobody_and_are_ended(tmp_path: Path, health_port: int) -> None:
    seconds, clients = length_of("SUBSIDY_TEST_STALLS"), length_of("SUBSIDY_TEST_STALLED")
    with served(str(tmp_path / "stalls.db"), tmp_path) as (port, process):
        assert ask(port, "POST", "/v1/policies", CIXI_TEXT.encode(), "application/yaml")[0] == 201
        assert ask(port, "POST", "/v1/events", Feed(1).shop("tmall", "one", "2024-03-01"))[0] == 201
        alone = ask_for(min(seconds, 60) / 2, port, health_port)
        with stalling(port, clients, ENDED_SECONDS_MAX) as ended:
            beside = ask_for(seconds, port, health_port)
        after = ask_for(0.5, port, health_port)
        open_files = len(os.listdir(f"/proc/{process.pid}/fd"))
        with stalling(port, clients, ENDED_SECONDS_MAX, once=True):
            time.sleep(0.5)
            told = time.monotonic()
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers get it too
            assert process.wait(40) == 0
            stopped_seconds = time.monotonic() - told
    detail = f"{len(beside.seconds)} balances, {len(ended)} stalls; {stopped_seconds:.1f} s to stop: "
    detail += f"{alone.p99 * 1e3:.1f} ms alone, {beside.p99 * 1e3:.1f} ms beside"
    work = f"balance, p99, beside {clients * len(WAYS)} stalled clients"
    row = Measured(work, "alone", P99_RATIO_MAX, beside.p99 / alone.p99, detail, True)
    print(HEAD, row.line(), sep="\n")
    assert alone.failures + beside.failures + after.failures == []
    assert [each for each in ended if each.seconds is None] == []
    statuses = {(each.way, each.status) for each in ended}
    for way in WAYS:
        of_way = {status for name, status in statuses if name == way.name}
        assert of_way, f"nobody was ended: {way.name}"
        assert of_way <= STATUSES.get(way.name, set()) | {"closed"}, way.name
    assert {name for name, status in statuses if status != "closed"} == set(STATUSES)
    assert open_files < 100
    assert stopped_seconds < STOPPED_SECONDS_MAX
    if seconds > LENGTHS["SUBSIDY_TEST_STALLS"].short:  # a few seconds of a busy machine tell nothing
        assert row.reached, row.line()


def test_workers_stop_in_seconds_while_clients_stall(tmp_path: Path, health_port: int) -> None:
    with served(str(tmp_path / "stops.db"), tmp_path, workers=2) as (port, process):
        with stalling(port, 2, ENDED_SECONDS_MAX, once=True):
            time.sleep(0.5)
            assert ask(health_port, "GET", "/health/ready")[0] == 200
            told = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(40) == 0
        assert time.monotonic() - told < STOPPED_SECONDS_MAX
        hold_port("127.0.0.1", health_port).close()


class Idle:
    """A body of which nothing comes."""

    def __init__(self) -> None:
        self.ended = False


def test_the_idle_streams_of_one_caller_leave_those_of_others_their_place(tmp_path: Path) -> None:
    city = City(tmp_path)
    first, second = city.token("officer"), city.token("officer", sub="u2")
    idle = [Idle() for _ in range(ARRIVING_A_CALLER_MAX)]

    def send(token: str, body: Idle) -> int:
        answer = city.ask(token, "/v1/policies", environ_overrides={ARRIVING: body})
        return answer.status_code

    assert [send(first, body) for body in idle] == [200] * ARRIVING_A_CALLER_MAX
    answer = city.ask(first, "/v1/policies", environ_overrides={ARRIVING: Idle()})
    assert answer.status_code == 429
    assert [fault["code"] for fault in answer.get_json()["faults"]] == ["body.arriving"]
    assert send(second, Idle()) == 200
    unknown = city.ask(None, "/v1/policies", environ_overrides={ARRIVING: Idle()})
    assert unknown.status_code == 413
    assert [fault["code"] for fault in unknown.get_json()["faults"]] == ["body.unknown"]
    idle[0].ended = True
    assert send(first, Idle()) == 200
    city.ledger.close()


def test_the_port_for_health_is_one_services_own() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"SUBSIDY_LEDGER_HEALTH_PORT": "8080"})
    assert caught.value.variable == "SUBSIDY_LEDGER_HEALTH_PORT"
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(NotAllowed, match=r"port\.taken.*SUBSIDY_LEDGER_HEALTH_PORT"):
            hold_port("127.0.0.1", other.getsockname()[1], "SUBSIDY_LEDGER_HEALTH_PORT")


def test_a_stream_that_stalls_tells_how_many_messages_were_dealt_with(tmp_path: Path) -> None:
    facts = (Feed(n).shop("tmall", "one", "2024-03-01") for n in range(1, STREAM_BATCH_MESSAGES + 1))
    pieces = iter([b"\n".join(facts) + b"\n{"])
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if piece := next(pieces, None):
            return {"type": "http.request", "body": piece, "more_body": True}
        await asyncio.Event().wait()  # nothing comes any more
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    media = (b"content-type", b"application/x-ndjson")
    headers = [(b"host", b"localhost"), (b"transfer-encoding", b"chunked"), media]
    where = {"scheme": "http", "path": "/v1/events", "raw_path": b"/v1/events", "query_string": b""}
    scope = {"method": "POST", "http_version": "1.1", "headers": headers, **where}
    ledger = open_ledger(str(tmp_path / "stream.db"))
    adopt_policy(ledger, policy_text())
    asyncio.run(Front(create_app(ledger), STALL_SECONDS / 10, 0)(scope, receive, send))
    start, body = sent
    assert start["status"] == 408
    assert (b"connection", b"close") in start["headers"]
    assert json.loads(body["body"])["recorded"] == STREAM_BATCH_MESSAGES
    ledger.close()
