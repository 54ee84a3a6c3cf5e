"""The one registry of read models: each table that a replay builds anew, and how it is compared.

A new read model is its table (``ledger.store.schema.tables``), a declaration here, and the module that
writes it. What a replay compares, merges and swaps follows from the declarations; so does what is written
when events of settlements and accounts are recorded, and when they are replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ledger.projections.settlements import put_adjustments, put_clawbacks, put_payments, put_stages
from ledger.projections.waiting import put_waiting_steps
from ledger.store.repeats.recoveries import put_recoveries
from ledger.store.repeats.taken_steps import put_taken_steps
from ledger.store.rows import Rows
from ledger.store.stored_events import Stored


class ReadModel(NamedTuple):
    """One table that follows from the events."""

    table: str
    keys: str = ""
    """Columns that name a row; empty where a replay does not compare the table."""
    values: str = ""
    """Columns that a replay must give again; positions of change are not compared."""
    where: str = ""
    """Which rows count."""
    of_enterprise: bool = False
    """Whether each row belongs to one enterprise, so that ranges of enterprises can be built apart."""
    swapped: bool = True
    """Whether a rebuild takes over; a table that says when its rows last changed stays where it is."""

    is_fingerprinted: bool = True
    """Whether a fingerprint takes its rows; not those that only lay out what it takes from elsewhere."""
    follow: Callable[[Rows, Sequence[Stored]], None] | None = None
    """Writes what events of settlements and accounts say; called with those of a transaction."""

    @property
    def selection(self) -> str:
        """The compared columns, without an order."""
        return f"SELECT {self.keys}, {self.values} FROM {self.table}"

    @property
    def comparison(self) -> str:
        """The compared rows in the order of their keys."""
        return f"{self.selection} {self.where} ORDER BY {self.keys}"


READ_MODELS = (
    ReadModel("awards", "policy, year, code, measure", "gross, withheld", of_enterprise=True),
    ReadModel("balances", "policy, year, code", "gross, withheld, eligible", of_enterprise=True),
    ReadModel(
        "totals",
        "policy, year, kind, name",
        "gross, withheld, number",
        # A total that has come back to zero equals one that never was.
        where="WHERE NOT (gross='0' AND withheld='0' AND number='0')",
        swapped=False,
    ),
    ReadModel("totals_history", swapped=False),
    ReadModel(
        "claims",
        "policy, code, claim",
        "measure, item, year, status, amount",
        of_enterprise=True,
        swapped=False,
    ),
    ReadModel("settlements", "policy, year", "stage", follow=put_stages),
    ReadModel(
        "settlement_lines",
        "policy, year, code, measure, award_year",
        "gross, withheld, reduction, payable, pot",
    ),
    ReadModel("accounts", "policy, year, code", "version, payable, ordered, paid, clawed, recovered"),
    ReadModel(
        "payments",
        "policy, year, payment",
        "code, batch, amount, status, day, said",
        follow=put_payments,
    ),
    ReadModel(
        "clawbacks", "policy, year, code, clawback", "measure, award, amount, reason", follow=put_clawbacks
    ),
    ReadModel(
        "adjustments",
        "policy, year, code, adjustment",
        "measure, into_year, amount, reason",
        follow=put_adjustments,
    ),
    ReadModel("enterprises", "code", "version, facts, outcome, name, town", of_enterprise=True),
    ReadModel("folded_entries", "code, part, entry", "value", of_enterprise=True, is_fingerprinted=False),
    ReadModel(
        "recoveries",
        "policy, year, code, version",
        "clawback, reference, amount, day",
        follow=put_recoveries,
    ),
    ReadModel(
        "waiting_steps",
        "waiting",
        "step, policy, about, request, proposed_at, until, issuer, subject, name, stage, "
        "ended_at, ended_issuer, ended_subject, ended_name",
        follow=put_waiting_steps,
    ),
    ReadModel(
        "taken_steps",
        "policy, year, step, issuer, subject, name",
        "day",
        is_fingerprinted=False,
        follow=put_taken_steps,
    ),
)
"""In the order in which fingerprints take them: a fingerprint that is kept holds for ever."""

COMPARED = {model.table: model for model in READ_MODELS if model.keys}
"""What a replay must give again, by table."""
OF_ENTERPRISE = {model.table: model for model in READ_MODELS if model.of_enterprise}
"""What a replay builds range by range of enterprises, by table."""


def follow_events(rows: Rows, events: Sequence[Stored]) -> None:
    """Have every read model that follows events of settlements and accounts take these in."""
    for model in READ_MODELS:
        if model.follow is not None:
            model.follow(rows, events)
