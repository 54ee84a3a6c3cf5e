"""The clock: recorded times must not be ahead of it, and the database's must agree with it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from ledger.store.application import Ledger
from ledger.store.rows import Rows
from services.doctor.findings import Finding, Limits, error, ok, warning

MEND = (
    "开启时间同步（chrony 或 systemd-timesyncd）",
    "let the clock be synchronised (chrony, systemd-timesyncd)",
)


def check(ledger: Ledger, rows: Rows, now: datetime, limits: Limits) -> Iterator[Finding]:
    """The last recorded time, and the database's clock, against ours."""
    last = rows.all("SELECT MAX(recorded_at) FROM batches")[0][0]
    ahead = (datetime.fromisoformat(last) - now).total_seconds() if last else 0.0
    statement = (
        f"最后一批的记录时间超前本机时钟 {ahead:.0f} 秒",
        f"the last batch was recorded {ahead:.0f} s ahead of the clock",
    )
    yield _judged(
        "clock.recorded",
        ahead,
        limits,
        statement,
        ("记录时间不超前", "no recorded time is ahead of the clock"),
    )
    if ledger.dialect == "sqlite":
        return
    theirs: datetime = rows.all("SELECT clock_timestamp()")[0][0]
    skew = abs((theirs.astimezone(UTC) - datetime.now(UTC)).total_seconds())
    statement = (
        f"本机与数据库的时钟相差 {skew:.1f} 秒",
        f"this machine's clock and the database's differ by {skew:.1f} s",
    )
    yield _judged("clock.skew", skew, limits, statement, statement)


def _judged(
    check: str, seconds: float, limits: Limits, statement: tuple[str, str], well: tuple[str, str]
) -> Finding:
    if seconds > limits.clock_error_seconds:
        return error(check, statement, MEND)
    return warning(check, statement, MEND) if seconds > limits.clock_warning_seconds else ok(check, *well)
