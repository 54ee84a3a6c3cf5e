"""A port has one service, and a service ends whole: at once when told, with its workers when killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from domain.authority.roles import NotAllowed
from domain.faults.registry import read_codes
from services.server.listening import hold_port
from tests.conftest import HERE
from tests.integration.test_api_server import ask, wait_for
from tests.processes import Ports, Watchman

ENDS_SECONDS_MAX = 15
"""A Ctrl-C takes 0.1 s, on a machine busy with other tests more; a worker that hangs is waited for 30 s."""


@pytest.fixture
def port() -> Iterator[int]:
    """A port of this test's own; what a test leaves there is killed."""
    ports = Ports()
    port = ports.take()
    watchman = Watchman(f"--port={port}")
    yield port
    watchman.dismiss()
    ports.release()


def start(port: int, folder: Path, *command: str) -> subprocess.Popen[bytes]:
    """``subsidy-ledger`` on a ledger in a folder, in a session of its own, as on a terminal."""
    words = [sys.executable, "-m", "services.cli", "--database", str(folder / "ledger.db"), "--language=en"]
    return subprocess.Popen(
        [*words, *(command or ("serve", f"--port={port}"))],
        env={**os.environ, "PYTHONPATH": str(HERE.parent), "SUBSIDY_LEDGER_WORKERS": "2"},
        cwd=folder,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def workers_of(process: subprocess.Popen[bytes]) -> list[int]:
    """The processes that a service has started."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("ascii")
    return [int(pid) for pid in children.split()]


def wait_until_gone(pids: list[int]) -> None:
    """Wait until none of some processes runs."""
    end = time.monotonic() + ENDS_SECONDS_MAX
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < end, f"some of {pids} still run"
        time.sleep(0.02)


def test_a_service_keeps_its_port_and_ends_at_once_with_all_that_it_started(
    tmp_path: Path, port: int
) -> None:
    first = start(port, tmp_path)
    wait_for(port, first)

    second = start(port, tmp_path)
    said, _ = second.communicate(timeout=60)
    assert second.returncode == 1
    assert said.decode().splitlines() == [
        f"Error: port: 127.0.0.1:{port} is taken by another program, perhaps a service that was started "
        "before — stop that program (ss -ltnp shows it), or choose another port by --port "
        "(SUBSIDY_LEDGER_PORT)"
    ]

    workers = workers_of(first)
    assert len(workers) == 2
    told = time.monotonic()
    os.killpg(first.pid, signal.SIGINT)  # as a terminal does: the workers get it too
    first.communicate(timeout=60)
    assert time.monotonic() - told < ENDS_SECONDS_MAX
    assert first.returncode == 0
    wait_until_gone(workers)

    again = start(port, tmp_path)
    wait_for(port, again)
    assert ask(port, "GET", "/health/ready")[0] == 200
    workers = workers_of(again)
    again.kill()
    again.communicate(timeout=60)
    wait_until_gone(workers)
    hold_port("127.0.0.1", port).close()


def test_a_port_that_cannot_be_had_says_why() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(NotAllowed, match=r"port\.taken"):
            hold_port("localhost", taken)
        with pytest.raises(NotAllowed, match=r"port\.taken"):
            hold_port("0.0.0.0", taken)
    with pytest.raises(NotAllowed, match=r"port\.closed"):
        hold_port("192.0.2.1", taken)


def test_two_that_start_at_once_do_not_share_a_port(port: int) -> None:
    with closing(hold_port("127.0.0.1", port)), socket.socket() as worker:
        with pytest.raises(NotAllowed, match=r"port\.taken"):
            hold_port("127.0.0.1", port)
        worker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        worker.bind(("127.0.0.1", port))
        worker.listen()
        socket.create_connection(("127.0.0.1", port)).close()


def test_the_sample_goes_only_into_a_ledger_of_its_own(tmp_path: Path, port: int) -> None:
    policy = str(HERE.parent / "domain" / "policy" / "cixi-ecommerce-2024.yaml")
    others, own = tmp_path / "others", tmp_path / "own"
    others.mkdir()
    own.mkdir()
    said = start(port, others, "adopt", policy).communicate(timeout=60)[0]
    assert b"v1" in said
    refused = start(port, others, "sample", "--enterprises=5")
    said = refused.communicate(timeout=60)[0]
    assert refused.returncode == 1
    rule = read_codes("steps")["sample.other"].rule_en
    assert said.decode().startswith(f"Error: database: {rule}")
    for _ in range(2):
        sample = start(port, own, "sample", "--enterprises=5")
        sample.communicate(timeout=60)
        assert sample.returncode == 0


def test_the_sample_begins_nothing_where_its_service_has_no_port(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        os.environ["SUBSIDY_LEDGER_PORT"] = str(other.getsockname()[1])
        try:
            sample = start(0, tmp_path, "sample", "--serve")
        finally:
            del os.environ["SUBSIDY_LEDGER_PORT"]
        said = sample.communicate(timeout=60)[0]
    assert b"is taken by another program" in said
    assert not (tmp_path / "ledger.db").exists()
