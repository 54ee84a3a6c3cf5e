"""Several workers are one service: a form of one is good at the next, and each tells what all counted."""

from __future__ import annotations

import http.client
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from services.console.forms_key import KEY_BYTES, read_forms_key
from services.runtime.settings import Settings, SettingsError
from services.server import shared, worker
from tests.integration.test_api_server import ask, served

FORMS, METHODS = 24, 30
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
Service = tuple[int, int]
"""A port, and the process that the workers are children of."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Four workers of one ledger."""
    folder = tmp_path_factory.mktemp("workers")
    with served(str(folder / "ledger.db"), folder, workers=4) as (port, process):
        yield port, process.pid


def workers_of(parent: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


class Browser:
    """One person's cookies; each request goes over a connection of its own, so to any worker."""

    def __init__(self, port: int) -> None:
        self.port, self.cookies = port, dict[str, str]()

    def send(self, method: str, path: str, form: dict[str, str] | None = None) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, path, urlencode(form) if form is not None else None, headers)
        response = connection.getresponse()
        text = response.read().decode()
        for cookie in response.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        connection.close()
        return response.status, text


def test_every_form_works_and_the_name_stays_whichever_worker_answers(service: Service) -> None:
    browser = Browser(service[0])
    statuses = []
    for number in range(FORMS):
        token = TOKEN.search(browser.send("GET", "/console/who")[1])
        assert token, "the page has a form"
        name = f"officer {number}"
        form = {"csrf_token": token[1], "name": name, "roles": "officer"}
        statuses.append(browser.send("POST", "/console/who", form)[0])
        assert name in browser.send("GET", "/console/")[1]
    assert statuses == [302] * FORMS


def counted(port: int, series: str) -> int:
    text = ask(port, "GET", "/metrics")[1].decode()
    lines = [line for line in text.splitlines() if line.startswith(f"subsidy_requests_total{{{series}")]
    return sum(int(float(line.rpartition(" ")[2])) for line in lines)


LIVE = 'endpoint="health.live",method="GET"'


def test_requests_are_counted_once_whichever_worker_answers_and_whichever_dies(service: Service) -> None:
    port, parent = service
    before = counted(port, LIVE)
    for _ in range(40):
        assert ask(port, "GET", "/health/live")[0] == 200
    assert [counted(port, LIVE) - before for _ in range(12)] == [40] * 12

    first = workers_of(parent)
    os.kill(first[0], signal.SIGKILL)
    until = time.monotonic() + 20
    while len(workers_of(parent)) < len(first) or first[0] in workers_of(parent):
        assert time.monotonic() < until, "another worker takes its place"
        time.sleep(0.1)
    assert [counted(port, LIVE) - before for _ in range(12)] == [40] * 12
    text = ask(port, "GET", "/metrics")[1].decode()
    assert "pid=" not in text, "nothing is told of one worker"
    assert text.count("\nsubsidy_database_up ") == 1


def test_a_method_that_nobody_knows_is_no_label_of_its_own(service: Service) -> None:
    port = service[0]
    for number in range(METHODS):
        assert ask(port, f"MADEUP{number}", "/v1/policies")[0] in (405, 501)
    text = ask(port, "GET", "/metrics")[1].decode()
    assert "MADEUP" not in text
    methods = set(re.findall(r'method="([^"]*)"', text))
    assert methods <= {"GET", "POST", "_OTHER"}
    assert counted(port, 'endpoint="unknown",method="_OTHER"') == METHODS


def test_wrong_credentials_are_counted_by_all_workers_together(service: Service) -> None:
    began, statuses = time.monotonic(), []
    for _ in range(90):
        connection = http.client.HTTPConnection("127.0.0.1", service[0], timeout=30)
        connection.request("GET", "/v1/policies", headers={"Authorization": "Bearer wrong"})
        response = connection.getresponse()
        statuses.append(response.status)
        response.read()
        connection.close()
    allowed = statuses.count(401)
    assert statuses.count(429) == len(statuses) - allowed > 0
    assert 60 <= allowed <= 61 + int(time.monotonic() - began), "sixty, and one a second"


def test_the_key_of_forms_outlives_a_restart_and_is_made_anew_where_a_crash_cut_it(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db.key.forms"
    first = read_forms_key(file)
    assert (len(first), file.stat().st_mode & 0o777) == (KEY_BYTES, 0o600)
    assert read_forms_key(file) == first
    file.write_bytes(b"")
    second = read_forms_key(file)
    assert len(second) == KEY_BYTES
    assert second != first
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_without_room_for_the_key_is_told_before_anything_is_served(tmp_path: Path) -> None:
    settings = Settings(database=str(tmp_path / "ledger.db"), signing_key=str(tmp_path / "none" / "log.key"))
    with pytest.raises(SettingsError, match="SIGNING_KEY"):
        worker.prepare(settings)


def test_what_workers_shared_is_gone_with_the_service_and_after_one_that_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left = tmp_path / "subsidy-workers-left"
    left.mkdir()
    (left / "in-use").touch()
    (left / "counter_7.db").write_bytes(b"x")
    os.utime(left, (0, 0))
    with shared.share_folder() as folder:
        assert shared.find_shared_folder() == folder
        assert not left.exists()
        os.utime(folder, (0, 0))
        with shared.share_folder() as other:
            assert folder.exists(), "a service that runs keeps its own"
            assert other != folder
        monkeypatch.setenv(shared.VARIABLE, str(folder))
    assert list(tmp_path.iterdir()) == []
