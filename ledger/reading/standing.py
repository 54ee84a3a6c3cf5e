"""What enterprises stand at in a year, a page of them at a time; and the towns that they are in."""

from __future__ import annotations

from collections.abc import Iterable

from domain.money.amounts import yuan
from domain.settlement.payables import payable_of
from ledger.budget.pools import pool
from ledger.policies.versions import rulebook
from ledger.reading import queries
from ledger.store.application import Ledger
from ledger.store.moments import NOW
from ledger.store.rows import Rows, one

TOWNS_MAX = 200
"""Most towns that one answer names."""

Sums = dict[str, str]
"""``gross``, ``withheld``, ``reduction`` and ``payable``, in yuan."""


def towns(rows: Rows) -> list[str]:
    """The towns and streets that enterprises are in: one step in the index for each."""
    found: list[str] = []
    while len(found) < TOWNS_MAX:
        sql = "SELECT MIN(town) FROM enterprises WHERE town>?"
        row = one(rows, sql, [found[-1] if found else ""])
        if row is None or row[0] is None:
            break
        found.append(row[0])
    return found


def sums_of(ledger: Ledger, rows: Rows, policy: str, year: int, codes: Iterable[str]) -> dict[str, Sums]:
    """What a few enterprises earn in a year and are paid of it, each as its balance says."""
    book = rulebook(rows, policy)
    found = pool(ledger, rows, book, year, NOW)
    sums = {}
    for code in codes:
        lines = queries.lines_of_enterprise(rows, code, book, year, NOW, found)
        paid = [payable_of(line, book, found.shares) for line in lines]
        sums[code] = {
            "gross": yuan(sum(each.gross for each in paid)),
            "withheld": yuan(sum(each.withheld for each in paid)),
            "reduction": yuan(sum(each.reduction for each in paid)),
            "payable": yuan(sum(each.payable for each in paid)),
        }
    return sums
