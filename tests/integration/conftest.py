"""What tests of the API use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ledger.audit import rotation
from ledger.export.books import Books, books_of
from ledger.policies.versions import set_budget
from ledger.store.application import Ledger
from services.cli.main import main
from services.runtime.variables import PREFIX
from tests.events import CIXI, CIXI_TEXT
from tests.integration.api_client import Api
from tests.integration.towns import OTHER_READINGS, filled


@pytest.fixture
def api(open_at: Callable[..., Ledger]) -> Api:
    """The API of a ledger that holds the policy, and no event yet."""
    return Api(open_at())


@pytest.fixture
def ledger(open_at: Callable[..., Ledger]) -> Ledger:
    """A ledger with a budget."""
    opened = open_at()
    set_budget(opened, CIXI, "2024", 5_000_000_00)
    return opened


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """Where the signing key may stand."""
    return tmp_path / "signing.key"


@pytest.fixture
def run(ledger: Ledger, key_file: Path, database_at: Callable[[str], str]) -> Callable[..., Any]:
    """The command line on that ledger."""
    env = {f"{PREFIX}DATABASE": database_at("ledger.db"), f"{PREFIX}SIGNING_KEY": str(key_file)}

    def command(*arguments: str, status: int = 0) -> Any:
        done = CliRunner().invoke(main, ["--language", "en", *arguments], env=env)
        assert done.exit_code == status, done.output
        return done

    return command


@pytest.fixture
def cut_off_rotation(ledger: Ledger, key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new signing key was made and vouched for, but does not stand in the old one's place yet."""

    def cut(*_: object) -> None:
        raise OSError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(rotation, "_put_in_place", cut)
        with pytest.raises(OSError, match="power"):
            rotation.rotate(ledger, key_file)


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """The sample city's books."""
    yield from _books(filled(tmp_path_factory.mktemp("town") / "ledger.db", CIXI_TEXT, 300))


@pytest.fixture(scope="session")
def other_town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """A city of two years under the other readings: one budget for life, standards first, talent outside."""
    assert "  budget-period:\n    value: life\n" in OTHER_READINGS
    assert "value: standards-first\n" in OTHER_READINGS
    assert "  talent-funds:\n    value: outside\n" in OTHER_READINGS
    path = tmp_path_factory.mktemp("other") / "ledger.db"
    yield from _books(filled(path, OTHER_READINGS, 120, (2024, 2025)))


def _books(ledger: Ledger) -> Iterator[Books]:
    with ledger.store.reading() as rows:
        yield books_of(ledger, rows, CIXI, 2024)
    ledger.close()


@pytest.fixture(params=["town", "other_town"])
def books(request: pytest.FixtureRequest) -> Books:
    """Each of the cities."""
    found: Books = request.getfixturevalue(request.param)
    return found
