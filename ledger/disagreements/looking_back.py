"""Looking back: comparing facts that were recorded before anybody looked, or by other rules."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.intake.batch import DESK, Batch
from ledger.store.application import Ledger

ENTERPRISES = 200
"""Enterprises of one transaction: writers wait for no more than that."""


def look_back(ledger: Ledger) -> Iterator[int]:
    """Compare everything recorded by the rules of now; yields how many enterprises are done, now and then.

    What a rule holds is held, as if it had arrived today. It may be stopped and repeated: what was
    found before is left as it stands.
    """
    at, done = "", 0
    sql = "SELECT code FROM enterprises WHERE code>? ORDER BY code LIMIT ?"
    while True:
        with ledger.store.writing() as rows:
            codes = [code for (code,) in rows.all(sql, [at, ENTERPRISES])]
            if not codes:
                return
            Batch(rows, ledger, DESK).look_back(codes)
        at, done = codes[-1], done + len(codes)
        yield done
