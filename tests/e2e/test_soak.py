"""A service under mixed load on PostgreSQL, while the database and workers die now and then.

Load comes from threads of this process: facts published, balances and budgets read. A call that
fails is tried again; one that retries do not cure is a defect. ``SUBSIDY_TEST_SOAK`` is how many
seconds it goes on (the full run is 1800). Printed: what was survived, memory at the beginning and
the end, and the 99th percentile of a balance beside that of a handler that does nothing.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from ledger.intake.inbox import ingest_all
from ledger.policies.versions import adopt_policy
from ledger.store.application import open_ledger
from services.sample.city import city
from tests.commands import ROOT
from tests.e2e.processes import wait_until
from tests.events import CITY_TEXT
from tests.lengths import length_of
from tests.postgres import Server
from tests.processes import Ports

SECONDS = length_of("SUBSIDY_TEST_SOAK")
BLOW_SECONDS = max(6, min(120, SECONDS // 12))
TRIES = 60
"""How often a call is tried again, half a second apart: a database starts within that."""
POLICY = "cixi-ecommerce-2024"


class Service:
    """Two workers of the service, started as an operator would."""

    def __init__(self, database: str, folder: Path) -> None:
        self.ports = Ports()
        self.port = self.ports.take()
        prefix = "SUBSIDY_LEDGER_"
        environment = {
            **os.environ,
            f"{prefix}DATABASE": database,
            f"{prefix}PORT": str(self.port),
            f"{prefix}WORKERS": "2",
            f"{prefix}SIGNING_KEY": str(folder / "soak.key"),
        }
        command = [sys.executable, "-m", "services.cli", "serve"]
        self.process = subprocess.Popen(
            command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def workers(self) -> list[int]:
        """The processes that serve."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(child) for child in children]

    def memory(self) -> int:
        """Bytes resident of the largest worker."""
        sizes = [0]
        for pid in self.workers():
            try:
                pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
            except OSError:
                continue
            sizes.append(int(pages) * os.sysconf("SC_PAGE_SIZE"))
        return max(sizes)

    def end(self) -> None:
        """Stop."""
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.ports.release()


class Load:
    """Callers that go on until they are told to stop."""

    def __init__(self, port: int, codes: list[str], messages: Iterator[bytes]) -> None:
        self.port, self.codes, self.messages = port, codes, messages
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.took: dict[str, list[float]] = {"balance": [], "empty": [], "budget": [], "publish": []}
        self.failed: list[str] = []
        self.retried: Counter[str] = Counter()

    def run(self, kind: str, seed: int) -> None:
        """One caller."""
        chance = random.Random(seed)
        connection: http.client.HTTPConnection | None = None
        while not self.stop.is_set():
            method, path, body = self._asked(kind, chance)
            if method == "":
                return
            for _ in range(TRIES):
                began = time.perf_counter()
                try:
                    connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
                    headers = {"Content-Type": "application/cloudevents+json"} if body else {}
                    connection.request(method, path, body, headers)
                    answer = connection.getresponse()
                    said = answer.read()
                    status = answer.status
                except (OSError, http.client.HTTPException):
                    connection, status, said = None, 0, b""
                if status and status not in (500, 502, 503):
                    with self.lock:
                        self.took[kind].append(time.perf_counter() - began)
                    if status >= 400 and status != 422:
                        self.failed.append(f"{method} {path}: {status} {said[:200]!r}")
                    break
                if status == 500:
                    self.failed.append(f"{method} {path}: 500 {said[:200]!r}")
                    break
                self.retried[f"{status}"] += 1
                time.sleep(0.5)
            else:
                self.failed.append(f"{method} {path}: given up after {TRIES} tries")
            if kind != "publish":
                time.sleep(0.002)

    def _asked(self, kind: str, chance: random.Random) -> tuple[str, str, bytes | None]:
        if kind == "publish":
            with self.lock:
                message = next(self.messages, None)
            return ("POST", "/v1/events", message) if message is not None else ("", "", None)
        if kind == "empty":
            return "GET", "/health/live", None
        if kind == "budget":
            return "GET", f"/v1/policies/{POLICY}/years/2024/budget", None
        return "GET", f"/v1/enterprises/{chance.choice(self.codes)}/balances/{POLICY}/2024", None


def p99(values: list[float]) -> float:
    """The 99th percentile."""
    return sorted(values)[len(values) * 99 // 100] if values else 0.0


@pytest.mark.slow
def test_mixed_load_goes_on_while_the_database_and_workers_die(tmp_path: Path) -> None:
    server = Server()
    survived: Counter[str] = Counter()
    try:
        url = server.url(server.create())
        ledger = open_ledger(url)
        adopt_policy(ledger, CITY_TEXT)
        for _ in ingest_all(ledger, islice(city(400, seed=21), 2_000), "file"):
            pass
        with ledger.store.reading() as rows:
            codes = [row[0] for row in rows.all("SELECT code FROM enterprises ORDER BY code LIMIT 200")]
        ledger.close()
        service = Service(url, tmp_path)
        try:
            wait_until(lambda: _ready(service.port), 40, "the service does not get ready")
            load = Load(service.port, codes, city(2_000_000, seed=22))
            kinds = ("balance", "balance", "empty", "budget", "publish")
            threads = [threading.Thread(target=load.run, args=(k, i)) for i, k in enumerate(kinds)]
            for thread in threads:
                thread.start()
            time.sleep(min(10, SECONDS / 4))
            before = service.memory()
            until = time.monotonic() + SECONDS
            chance = random.Random(5)
            while time.monotonic() < until:
                time.sleep(min(BLOW_SECONDS, max(0.5, until - time.monotonic())))
                if chance.random() < 0.5:
                    server.kill()
                    time.sleep(1)
                    server.start()
                    survived["database killed"] += 1
                else:
                    os.kill(chance.choice(service.workers()), signal.SIGKILL)
                    survived["worker killed"] += 1
            time.sleep(8)
            load.stop.set()
            for thread in threads:
                thread.join(60)
            after = service.memory()
        finally:
            service.end()
        figures = {
            "seconds": SECONDS,
            "survived": dict(survived),
            "calls": {kind: len(values) for kind, values in load.took.items()},
            "retried": dict(load.retried),
            "p99 ms of a balance": round(p99(load.took["balance"]) * 1000, 1),
            "p99 ms of nothing": round(p99(load.took["empty"]) * 1000, 1),
            "memory MB": [before >> 20, after >> 20],
        }
        print(json.dumps(figures))
        assert load.failed == []
        assert sum(survived.values()) >= 1
        assert all(load.took.values()), figures
        assert after < before * 1.5 + (48 << 20), figures
    finally:
        server.remove()


def _ready(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
