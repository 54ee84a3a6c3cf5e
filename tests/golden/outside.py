"""The product as those outside have it: its two commands, and its HTTP API on a port.

Nothing of the product is imported here. The commands are found in ``pyproject.toml``, where they
are called what they are called on any machine, so that no move of a module changes these tests.
"""

from __future__ import annotations

import contextvars
import gc
import http.client
import io
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from pkgutil import resolve_name
from typing import NamedTuple
from unittest.mock import patch

from tests.processes import Ports, Watchman

ROOT = Path(__file__).parents[2]
COMMANDS: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
LEDGER, VERIFIER = "subsidy-ledger", "subsidy-ledger-verify"
START_SECONDS_MAX = 60
CRASHED = 70
"""The exit status that stands for an error which a command let out."""
SERVE = """
import sys
from pkgutil import resolve_name
run, mark = resolve_name(sys.argv.pop(1)), sys.argv.pop(1)
sys.exit(run())
"""
"""What a service runs: the product's command, with a mark among its arguments for the watchman."""


class Answer(NamedTuple):
    """What was answered: an exit status and what was printed, or an HTTP status and its body."""

    status: int
    body: bytes
    media: str = ""


def settings(database: str, key_file: Path) -> dict[str, str]:
    """The environment of a ledger; whatever this machine sets for another ledger is left out."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("SUBSIDY_LEDGER_")}
    return own | {
        "SUBSIDY_LEDGER_DATABASE": database,
        "SUBSIDY_LEDGER_SIGNING_KEY": str(key_file),
        "SUBSIDY_LEDGER_SHEETS": str(key_file.with_name("sheets")),
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }


def run_command(command: str, arguments: list[str], environment: dict[str, str]) -> Answer:
    """Run one of the product's commands in this process, which spares its start."""
    out = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    with (
        _own_collector(),
        patch.dict(os.environ, environment, clear=True),
        patch.object(sys, "argv", [command, *arguments]),
        redirect_stdout(out),
        redirect_stderr(io.StringIO()) as complaints,
    ):
        try:
            ended = contextvars.copy_context().run(resolve_name(COMMANDS[command]))
        except SystemExit as end:
            ended = end.code
        except Exception as error:
            return Answer(CRASHED, f"crashed: {error!r}".encode())
    body = out.buffer.getvalue()
    return Answer(int(ended or 0), body or complaints.getvalue().encode())


@contextmanager
def _own_collector() -> Iterator[None]:
    """Keep a command from tuning the collector of garbage for good, as it does in its own process."""
    with ExitStack() as stack:
        for name in ("collect", "freeze", "set_threshold"):
            stack.enter_context(patch.object(gc, name, lambda *_: 0))
        yield


class Service:
    """The HTTP API of one ledger."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def get(self, path: str) -> Answer:
        """Ask for a path, in the product's first language."""
        self._connection.request("GET", path, headers={"Accept-Language": "zh-CN"})
        response = self._connection.getresponse()
        return Answer(response.status, response.read(), response.headers.get_content_type())

    def close(self) -> None:
        """Ask no more."""
        self._connection.close()


@contextmanager
def serving(environment: dict[str, str], log: Path) -> Iterator[Service]:
    """``subsidy-ledger serve`` in a process of its own, once it is ready."""
    ports = Ports()
    port = ports.take()
    mark = str(log)
    watchman = Watchman(mark)
    command = [sys.executable, "-c", SERVE, COMMANDS[LEDGER], mark, "serve", "--port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            env={**environment, "SUBSIDY_LEDGER_WORKERS": "1"},
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    service = Service(port)
    try:
        _wait(service, process, log)
        yield service
    finally:
        service.close()
        process.terminate()
        try:
            process.wait(START_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        watchman.dismiss()
        ports.release()


def _wait(service: Service, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS_MAX
    while True:
        try:
            if service.get("/health/ready").status == 200:
                return
        except OSError:
            service.close()
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"the service does not start: {log.read_text('utf-8', 'replace')[-3_000:]}")
        time.sleep(0.05)
