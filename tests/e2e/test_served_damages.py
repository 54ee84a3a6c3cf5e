"""The service as a process on a damaged file: it says why it does not start, or answers without a defect."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from flask import Response
from werkzeug.test import EnvironBuilder

from ledger.store.rows import DamagedStore
from services.cli.statuses import ExitStatus
from services.server.app import Api
from services.server.front import ANSWER_MEMORY_BYTES, answer_whole
from services.web import problems
from tests.conftest import HERE
from tests.damages import damage
from tests.events import Feed
from tests.integration.test_api_server import ask
from tests.integration.test_damages import CHINESE, CODE, PATHS, YEAR, Ward, make_ward
from tests.lengths import length_of
from tests.processes import Ports, Watchman

START_SECONDS_MAX, END_SECONDS_MAX = 40, 40
READS = (
    *PATHS,
    "/health/live",
    "/v1/policies",
    "/v1/refused",
    f"/v1/enterprises/{CODE}/history",
    f"/v1/enterprises/{CODE}/events",
    "/v1/log/checkpoint",
    "/v1/looks",
    "/metrics",
    f"/console/{YEAR}/log",
    f"/console/{YEAR}/enterprises",
)
PROBLEMS = (404, 409, 422, 503)
"""What a damaged ledger may answer beside 200: what it does not hold, does not allow, and cannot read."""


class Served(NamedTuple):
    """A service that was started: where it answers, its process, and where it writes."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def has_begun(self) -> bool:
        """Wait until it answers, or has ended by itself."""
        end = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < end:
            if self.process.poll() is not None:
                return False
            with contextlib.suppress(OSError):
                ask(self.port, "GET", "/health/live")
                return True
            time.sleep(0.05)
        raise AssertionError(f"it neither answers nor ends: {self.log.read_text('utf-8')}")


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Ward:
    return make_ward(tmp_path_factory.mktemp("made"), tmp_path_factory.mktemp("copied"))


@contextlib.contextmanager
def serving(file: Path, language: str) -> Iterator[Served]:
    """The service on a file; all of its processes are ended afterwards."""
    ports, mark = Ports(), f"--database={file}"
    port = ports.take()
    log, watchman = file.parent / "serve.log", Watchman(mark)
    command = [
        sys.executable,
        "-m",
        "services.cli",
        mark,
        "--language",
        language,
        "serve",
        "--port",
        str(port),
    ]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": str(HERE.parent)},
            cwd=file.parent,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        yield Served(port, process, log)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(END_SECONDS_MAX)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        watchman.dismiss()
        ports.release()


@pytest.mark.parametrize("number", range(length_of("SUBSIDY_TEST_SERVED_DAMAGES")))
def test_a_service_on_a_damaged_file_says_what_it_cannot_do(ward: Ward, tmp_path: Path, number: int) -> None:
    patient, language = ward.admit(tmp_path / "damaged"), ("zh", "en")[number % 2]
    done = damage(patient, number)
    with serving(patient.file, language) as service:
        if service.has_begun():
            check_answers(service.port, str(done))
            service.process.send_signal(signal.SIGTERM)
            assert service.process.wait(END_SECONDS_MAX) == ExitStatus.DONE, done
        else:
            assert service.process.returncode == ExitStatus.NOT_DONE, done
            check_refusal(service.log.read_text("utf-8"), language)
        assert "Traceback" not in service.log.read_text("utf-8"), (done, service.log.read_text("utf-8"))


def check_answers(port: int, done: str) -> None:
    """Every read, and one write, is answered or refused in the form of every error."""
    answers = {path: ask(port, "GET", path) for path in READS}
    answers["POST /v1/events"] = ask(port, "POST", "/v1/events", Feed(2).shop("jd", "more", "2024-03-05"))
    for path, (status, body) in answers.items():
        assert status in (200, 201, *PROBLEMS), (done, path, status, body[:500])
        if status >= 400 and path.split()[-1].startswith("/v1/"):
            assert {"type", "title", "detail", "status"} <= set(json.loads(body)), (done, path)


def check_refusal(log: str, language: str) -> None:
    """The last line says what is wrong, and what to do, in the reader's language."""
    _, told, sentence = log.partition("错误：" if language == "zh" else "Error: ")
    assert told, log
    assert sentence.count("\n") == 1, log
    assert " — " in sentence, log
    assert (CHINESE.search(sentence) is not None) == (language == "zh"), log


def test_what_breaks_off_in_mid_answer_is_a_problem_and_none_of_what_came_before() -> None:
    app = Api("half")
    problems.register(app)

    @app.get("/half")
    def half() -> Response:
        def pieces() -> Iterator[bytes]:
            yield b"x" * (ANSWER_MEMORY_BYTES + 1)
            raise DamagedStore("database.damaged", path="ledger.db", reason="half of it")

        return Response(pieces())

    answer = answer_whole(app, EnvironBuilder("/half").get_environ())
    assert answer.status == 503
    assert isinstance(answer.body, bytes)
    assert json.loads(answer.body)["code"] == "store-unsuitable"
    assert dict(answer.headers)[b"content-length"] == str(len(answer.body)).encode()
