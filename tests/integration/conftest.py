"""What tests of the API use."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ledger.export.books import Books, books_of
from ledger.store.application import Ledger
from tests.events import CIXI, CIXI_TEXT
from tests.integration.api_client import Api
from tests.integration.towns import OTHER_READINGS, filled


@pytest.fixture
def api(open_at: Callable[..., Ledger]) -> Api:
    """The API of a ledger that holds the policy, and no event yet."""
    return Api(open_at())


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
