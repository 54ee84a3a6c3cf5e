"""Health means it: ready says whether requests can be answered, live never asks the database."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from ledger.store.application import Ledger
from ledger.store.rows import Rows, StoreUnavailable
from ledger.store.schema.migrations import SCHEMA_VERSION
from services.runtime.identity_settings import IdentitySettings
from services.server.app import create_app
from tests.conftest import HERE
from tests.e2e.processes import wait_until
from tests.integration.test_api_server import ask
from tests.postgres import Server
from tests.processes import Ports


def test_ready_names_the_mend_where_the_tables_are_older(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at()
    client = create_app(ledger).test_client()
    with ledger.store.writing() as rows:
        rows.run("UPDATE schema_version SET version=version-?", [SCHEMA_VERSION])

    answer = client.get("/health/ready", headers={"Accept-Language": "en"})

    assert answer.status_code == 503
    assert answer.get_json()["code"] == "store-unsuitable"
    assert "subsidy-ledger migrate" in answer.get_data(as_text=True)


def test_ready_names_the_mend_where_the_tables_are_newer(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at()
    client = create_app(ledger).test_client()
    with ledger.store.writing() as rows:
        rows.run("UPDATE schema_version SET version=version+10")

    answer = client.get("/health/ready")

    assert answer.status_code == 503
    assert "使用较新的 subsidy-ledger" in answer.get_data(as_text=True)


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_schema_that_fits_is_ready(open_at: Callable[..., Ledger]) -> None:
    assert create_app(open_at()).test_client().get("/health/ready").get_json() == {
        "status": "ready",
        "position": 1,
    }


class Away:
    """A store that is away, and counts who asked it."""

    def __init__(self) -> None:
        self.asked = 0

    @contextmanager
    def _away(self) -> Iterator[Rows]:
        self.asked += 1
        raise StoreUnavailable("database.cut-off", reason="away")
        yield

    def reading(self) -> AbstractContextManager[Rows]:
        """Refuse."""
        return self._away()

    writing = reading


@pytest.mark.parametrize("store_kind", ["sqlite"])
@pytest.mark.parametrize("mode", ["local", "required"])
def test_live_never_asks_the_database_and_ready_always_does(
    open_at: Callable[..., Ledger], mode: str
) -> None:
    ledger, away = open_at(), Away()
    client: FlaskClient = create_app(ledger, IdentitySettings(mode=mode)).test_client()
    store: Any = ledger.store
    ledger.store = away  # type: ignore[assignment]
    try:
        assert client.get("/health/live").status_code == 200
        assert away.asked == 0
        answers = [client.get("/health/ready") for _ in range(2)]
    finally:
        ledger.store = store

    assert [each.status_code for each in answers] == [503, 503]
    assert away.asked == 2
    assert answers[0].get_json()["code"] == "store-unavailable"


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server that this test alone stops."""
    server = Server()
    yield server
    server.remove()


@pytest.mark.slow
def test_a_service_is_ready_again_when_its_database_is_back_and_ends_gracefully(
    own_server: Server, tmp_path: Path
) -> None:
    """Alive all the while; SIGTERM ends it with status 0."""
    ports = Ports()
    port = ports.take()
    url = own_server.url(own_server.create())
    command = [sys.executable, "-m", "services.cli", "--database", url]
    subprocess.run([*command, "migrate"], cwd=HERE.parent, check=True, capture_output=True)
    service = subprocess.Popen(
        [*command, "serve", "--port", str(port)], cwd=HERE.parent, stdout=subprocess.DEVNULL
    )

    def status(path: str) -> int:
        try:
            return ask(port, "GET", path)[0]
        except OSError:
            return 0

    try:
        wait_until(lambda: status("/health/ready") == 200, 60, "the service is not ready")
        own_server.kill()
        wait_until(lambda: status("/health/ready") == 503, 60, "it says that it is ready")
        assert status("/health/live") == 200
        own_server.start()
        wait_until(lambda: status("/health/ready") == 200, 60, "it is not ready again")
        service.send_signal(signal.SIGTERM)
        assert service.wait(45) == 0
    finally:
        service.kill()
        service.wait()
        ports.release()
