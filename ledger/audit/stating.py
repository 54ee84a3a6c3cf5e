"""What stands beside the log is stated in it by digest: at an interval, and on demand."""

from __future__ import annotations

from domain.events.event import NOBODY, Attribution
from ledger.intake.machine_keys import read_earlier_keys, state_earlier_keys
from ledger.log.digests import STATED, count_unstated, state_rows
from ledger.store.application import Ledger


def state_tables(ledger: Ledger, attribution: Attribution = NOBODY) -> dict[str, int]:
    """State every row that is not stated yet; how many there were, by table.

    Each part is a transaction of its own, and nothing is written where nothing is new.
    """
    with ledger.store.reading() as rows:
        unstated = {table: count for table, count in count_unstated(rows).items() if count}
        knows_keys = read_earlier_keys(rows) is not None
    if not knows_keys:
        with ledger.store.writing() as rows:
            state_earlier_keys(rows, ledger.clock(), attribution)
    for table in STATED:
        more = table in unstated
        while more:
            with ledger.store.writing() as rows:
                more = state_rows(rows, table, ledger.clock(), attribution)
    return unstated
