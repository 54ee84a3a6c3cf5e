"""OpenFisca gives what the ledger gives, as far as its 32-bit floats reach; run by ``.ci/scale``."""

from __future__ import annotations

from tests.benchmarks.policy import measured

ENTERPRISES = 3_000
FLOAT_STEP_FEN = 64
"""The distance between neighbouring 32-bit floats just below ¥10,000,000.00, the budget."""


def test_openfisca_gives_the_same_awards_within_the_step_of_its_floats() -> None:
    """``measured`` raises where the columns differ from ``awards_of`` for any enterprise."""
    found = measured(ENTERPRISES)

    assert found["enterprises"] == ENTERPRISES
    assert found["largest_difference_fen"] <= FLOAT_STEP_FEN
    assert found["same"] > 0.95
