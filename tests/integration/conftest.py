"""What tests of the API use."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ledger.application import Ledger
from tests.integration.api_client import Api


@pytest.fixture
def api(open_at: Callable[..., Ledger]) -> Api:
    """The API of a ledger that holds the policy, and no event yet."""
    return Api(open_at())
