"""What every test may use: a clock that stands still, a ledger on either store, the shared cases."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ledger.policies.versions import adopt_policy
from ledger.store.application import Ledger, open_ledger
from tests.lengths import ALL_LONG
from tests.postgres import TEMPLATE, Server

pytest_plugins = ["tests.brokers", "tests.grouping", "tests.office"]

HERE = Path(__file__).parent
POLICY = HERE.parent / "domain" / "policy" / "cixi-ecommerce-2024.yaml"
LATER = datetime(2031, 1, 1, tzinfo=UTC)
"""A present after every fact of the cases."""
STORES = ("sqlite", "postgres")


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--cases-dir`` runs any folder of worked cases; ``--long`` goes on for longer (``tests.lengths``)."""
    parser.addoption("--cases-dir", action="append", default=[], help="a folder of worked cases")
    parser.addoption(
        "--long", action="store_true", help="go through the long form of the tests that have one"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Say how long the tests go on before any of them is read."""
    if config.getoption("--long"):
        os.environ[ALL_LONG] = "1"


def pytest_collection_finish() -> None:
    """Look for circles less often, and not among what all tests are: it took a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test of a ledger runs on both stores, unless it names its own."""
    if "store_kind" not in metafunc.fixturenames or "case_file" in metafunc.fixturenames:
        return
    marks = metafunc.definition.iter_markers("parametrize")
    if not any("store_kind" in mark.args[0] for mark in marks):
        metafunc.parametrize("store_kind", STORES)


@pytest.fixture
def store_kind() -> str:
    """The store that a test runs on; given by ``pytest_generate_tests``."""
    raise NotImplementedError


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server, started for this run (or worker of it) when first asked for."""
    server = Server()
    try:
        name = server.create()
        open_ledger(server.url(name)).close()
        server.run(f"ALTER DATABASE {name} RENAME TO {TEMPLATE}")
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def new_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A ledger's file without an event, of which others are copies: making its tables takes longer."""
    path = tmp_path_factory.mktemp("new") / "ledger.db"
    open_ledger(str(path)).close()
    return path.read_bytes()


@pytest.fixture
def database_at(
    store_kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[[str], str]]:
    """The address of a database of one's own, by name: the same name, the same database."""
    if store_kind == "sqlite":
        new: bytes = request.getfixturevalue("new_file")

        def place(name: str) -> str:
            path = tmp_path / name
            if not path.exists():
                path.write_bytes(new)
            return str(path)

        yield place
        return
    server: Server = request.getfixturevalue("postgres")
    made: dict[str, str] = {}

    def address(name: str) -> str:
        if name not in made:
            made[name] = server.create(TEMPLATE)
        return server.url(made[name])

    yield address
    for database in made.values():
        server.drop(database)


@pytest.fixture
def open_at(database_at: Callable[[str], str]) -> Iterator[Callable[..., Ledger]]:
    """Open ledgers on databases of their own, with a clock that stands still."""
    opened: list[Ledger] = []

    def opener(now: datetime = LATER, name: str = "ledger.db", policy: bool = True) -> Ledger:
        ledger = open_ledger(database_at(name), clock=lambda: now)
        opened.append(ledger)
        if policy:
            adopt_policy(ledger, POLICY.read_text("utf-8"))
        return ledger

    yield opener
    for ledger in opened:
        ledger.close()
