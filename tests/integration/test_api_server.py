"""The service as a process: it starts, answers, takes a stream, and stops when told."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.runtime.settings import Settings, SettingsError
from tests.conftest import HERE
from tests.events import CIXI_TEXT, Feed
from tests.processes import Ports, Watchman

START_SECONDS_MAX = 30


@contextmanager
def served(database: str, folder: Path, *, workers: int = 1) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A server on a port of its own, stopped at the end."""
    ports = Ports()
    port = ports.take()
    env = {
        **os.environ,
        "SUBSIDY_LEDGER_DATABASE": database,
        "SUBSIDY_LEDGER_PORT": str(port),
        "SUBSIDY_LEDGER_WORKERS": str(workers),
        "PYTHONPATH": str(HERE.parent),
    }
    command = [sys.executable, "-m", "services.server.process", f"test-{port}"]
    watchman = Watchman(f"test-{port}")
    process = subprocess.Popen(command, env=env, cwd=folder, start_new_session=True)
    try:
        wait_for(port, process)
        yield port, process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(40)
        watchman.dismiss()
        ports.release()


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until the server is ready."""
    end = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < end and process.poll() is None:
        try:
            if ask(port, "GET", "/health/ready")[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server did not become ready")


def ask(
    port: int, method: str, path: str, body: object = None, media: str = "application/json"
) -> tuple[int, bytes]:
    """One request; a body that is an iterator goes in chunks."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Content-Type": media} if body is not None else {}
    connection.request(method, path, body=body, headers=headers, encode_chunked=hasattr(body, "__next__"))  # type: ignore[arg-type]
    response = connection.getresponse()
    said = response.status, response.read()
    connection.close()
    return said


def test_the_server_answers_on_its_port_takes_a_long_stream_and_stops_when_told(
    database_at: Callable[[str], str], tmp_path: Path
) -> None:
    with served(database_at("served.db"), tmp_path) as (port, process):
        assert ask(port, "POST", "/v1/policies", CIXI_TEXT.encode(), "application/yaml")[0] == 201
        events = (Feed(n).shop("tmall", f"shop {n}", "2024-03-01") + b"\n" for n in range(1, 12_001))
        status, said = ask(port, "POST", "/v1/events", events, "application/x-ndjson")
        assert status == 200
        lines = said.splitlines()
        assert json.loads(lines[-1])["summary"]["accepted"] == 12_000
        assert len(lines) == 12_001
        status, said = ask(port, "GET", "/v1/policies/cixi-ecommerce-2024/years/2024/budget")
        assert json.loads(said)["measures"][0]["enterprises"] == 12_000
        large = (b" " * 1_048_576 for _ in range(17))
        assert ask(port, "POST", "/v1/events", large)[0] == 413
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_several_workers_serve_one_ledger(database_at: Callable[[str], str], tmp_path: Path) -> None:
    with served(database_at("served.db"), tmp_path, workers=2) as (port, _):
        assert ask(port, "POST", "/v1/policies", CIXI_TEXT.encode(), "application/yaml")[0] == 201
        event = Feed(1).shop("tmall", "one", "2024-03-01")
        assert ask(port, "POST", "/v1/events", event)[0] == 201
        path = f"/v1/enterprises/{Feed(1).code}/balances/cixi-ecommerce-2024/2024"
        answers = {ask(port, "GET", path) for _ in range(20)}
        assert [status for status, _ in answers] == [200]


def test_an_address_beyond_this_machine_is_refused_unless_asked_for() -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1"):
        with pytest.raises(SettingsError, match="SUBSIDY_LEDGER_HOST"):
            Settings.from_env({"SUBSIDY_LEDGER_HOST": host}).check_open()
        Settings.from_env({"SUBSIDY_LEDGER_HOST": host, "SUBSIDY_LEDGER_ALLOW_OPEN": "1"}).check_open()
    for host in ("127.0.0.1", "::1", "localhost", "127.0.0.9"):
        Settings.from_env({"SUBSIDY_LEDGER_HOST": host}).check_open()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "８０"),
        ("WORKERS", "many"),
        ("HOST", "example.org"),
        ("DATABASE", " "),
        ("ALLOW_OPEN", "yes"),
    ],
)
def test_a_bad_setting_names_the_variable_the_rule_and_the_mend(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({f"SUBSIDY_LEDGER_{name}": value})
    assert caught.value.variable == f"SUBSIDY_LEDGER_{name}"
    assert caught.value.words("en")["rule"]
    assert caught.value.words("en")["mend"]


def test_a_port_that_is_taken_stops_the_server_with_an_error(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        env = {
            **os.environ,
            "SUBSIDY_LEDGER_DATABASE": str(tmp_path / "x.db"),
            "SUBSIDY_LEDGER_PORT": str(taken.getsockname()[1]),
            "PYTHONPATH": str(HERE.parent),
        }
        done = subprocess.run(
            [sys.executable, "-m", "services.server.process"],
            env=env,
            cwd=tmp_path,
            capture_output=True,
            timeout=60,
        )
    assert done.returncode != 0


def send_broken(port: int, path: str, media: str, body: bytes, length: int | None) -> int:
    """The status of a request whose body breaks off: of a told length, or after a whole chunk."""
    told = f"Content-Length: {length}" if length else "Transfer-Encoding: chunked"
    who = "Subsidy-Actor: Li\r\nSubsidy-Roles: operator,officer"
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {media}\r\n{told}\r\n{who}\r\n\r\n"
    sent = body if length else b"%x\r\n%s\r\n" % (len(body), body)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(head.encode() + sent)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    return int(answer.split()[1]) if answer else 0


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_body_that_breaks_off_is_not_taken_for_a_whole_one(
    database_at: Callable[[str], str], tmp_path: Path
) -> None:
    policy, table = CIXI_TEXT.encode(), "统一社会信用代码,年度,渠道,金额,币种,报送日期\n".encode()
    event = Feed(1).sales("online", 2024, "1.00")
    with served(database_at("ledger.db"), tmp_path) as (port, _):
        for path, media, body in (
            ("/v1/policies", "application/yaml", policy),
            ("/v1/sheets?type=sales-reported&source=urn:t", "text/csv", table),
            ("/v1/events", "application/cloudevents+json", event),
            ("/v1/events", "application/x-ndjson", event + b"\n"),
        ):
            assert send_broken(port, path, media, body, len(body) + 1) in (0, 400), media
        half = event + b"\n" + event[:100]
        assert send_broken(port, "/v1/events", "application/x-ndjson", half, None) in (0, 400)
        assert json.loads(ask(port, "GET", "/v1/refused")[1])["items"] == []
        for path, media, body in (
            ("/v1/policies", "application/yaml", policy),
            ("/v1/policies", "text/yaml", policy),
            ("/v1/sheets?type=sales-reported&source=urn:t", "text/csv", table),
        ):
            assert send_broken(port, path, media, body, None) == 411, media
        assert json.loads(ask(port, "GET", "/v1/policies")[1])["items"] == []
        assert ask(port, "POST", "/v1/policies", policy, "application/yaml")[0] == 201
        assert ask(port, "POST", "/v1/events", iter([event]), "application/cloudevents+json")[0] == 201
