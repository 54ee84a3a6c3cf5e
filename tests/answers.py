"""What the ledger answers, as programs get it over HTTP and from the command line's ``--json``."""

from __future__ import annotations

from ledger.reading.explanations import after_steps, explain, outlook
from ledger.reading.queries import (
    UnknownEnterprise,
    accounts_sums,
    balance,
    budget,
    enterprise_row,
    enterprises,
    history,
    largest,
    names_of,
    targets,
)
from ledger.reading.standing import sums_of, towns
from ledger.simulation.reform import reform
from ledger.simulation.trial import trial
from ledger.simulation.what_if import what_if

__all__ = [
    "UnknownEnterprise",
    "accounts_sums",
    "after_steps",
    "balance",
    "budget",
    "enterprise_row",
    "enterprises",
    "explain",
    "history",
    "largest",
    "names_of",
    "outlook",
    "reform",
    "sums_of",
    "targets",
    "towns",
    "trial",
    "what_if",
]
