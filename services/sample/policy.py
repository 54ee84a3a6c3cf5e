"""The policy and year that the sample city is made for."""

from __future__ import annotations

from importlib.resources import files

POLICY_FILE = "cixi-ecommerce-2024.yaml"
POLICY, YEAR = "cixi-ecommerce-2024", 2024


def policy_text() -> str:
    """The policy of Cixi, as it comes with the ledger."""
    return files("domain.policy").joinpath(POLICY_FILE).read_text("utf-8")
