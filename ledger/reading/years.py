"""Which years a policy has in the ledger."""

from __future__ import annotations

from ledger.store.rows import Rows


def list_years(rows: Rows, policy: str) -> list[int]:
    """The years of a policy that have awards, a budget set for them, or a settlement, in order."""
    awarded = rows.all("SELECT DISTINCT year FROM totals WHERE policy=? AND kind='measure'", [policy])
    settled = rows.all("SELECT DISTINCT year FROM settlements WHERE policy=?", [policy])
    periods = rows.all("SELECT DISTINCT period FROM budgets WHERE policy=?", [policy])
    budgeted = {period.partition(".")[0] for (period,) in periods}
    years = {int(year) for (year,) in (*awarded, *settled)}
    return sorted(years | {int(period) for period in budgeted if period.isdigit()})
