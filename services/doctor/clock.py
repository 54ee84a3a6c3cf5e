"""The clock: recorded times must not be ahead of it, nor leap, and the database's must agree with it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from ledger.audit.clock import find_leap, seconds_ahead, seconds_beside_server
from ledger.store.application import Ledger
from ledger.store.moments import read_corrections
from ledger.store.rows import Rows
from services.doctor.findings import Finding, Limits, error, ok, warning

DAY_SECONDS, HOUR_SECONDS = 86_400, 3_600
MEND = (
    "开启时间同步（chrony 或 systemd-timesyncd）",
    "let the clock be synchronised (chrony, systemd-timesyncd)",
)
CORRECT = (
    "先核对本机时钟；时钟无误的，是它曾经超前：subsidy-ledger correct-clock 今天的日期 --reason 原因"
    "（见 docs/operations/runbooks.md）",
    "look at this machine's clock first; where it is right, it once stood ahead: "
    "subsidy-ledger correct-clock TODAY --reason … (docs/operations/runbooks.en.md)",
)
LEAPT = (
    "其间账本确实无人使用的，不必处理；否则把时钟校准，再运行 subsidy-ledger correct-clock",
    "where nobody used the ledger meanwhile, nothing is to be done; otherwise put the clock right, then "
    "run subsidy-ledger correct-clock",
)


class Duration(NamedTuple):
    """A length of time in words."""

    zh: str
    en: str


def check(ledger: Ledger, rows: Rows, now: datetime, limits: Limits) -> Iterator[Finding]:
    """The last recorded time, leaps and corrections, and the database's clock against ours."""
    yield from _recorded(rows, now, limits)
    for position, content in read_corrections(rows):
        zh = f"第 {position} 条起入账时间由 {content.stamped_until} 更正到 {content.resumed_at}"
        yield ok("clock.corrected", f"{zh}；登记人 {content.actor}：{content.reason}", content.statement)
    skew = seconds_beside_server(ledger, rows)
    if skew is None:
        return
    statement = (
        f"本机与数据库的时钟相差 {skew:.1f} 秒",
        f"this machine's clock and the database's differ by {skew:.1f} s",
    )
    yield _judged("clock.skew", skew, limits, statement, statement)


def _recorded(rows: Rows, now: datetime, limits: Limits) -> Iterator[Finding]:
    ahead = seconds_ahead(rows, now)
    duration = write_duration(ahead)
    statement = (
        f"账本最后的入账时间在将来，超前本机时钟 {duration.zh}",
        f"the ledger's last recorded time is in the future by {duration.en}",
    )
    well = ("入账时间不超前", "no recorded time is ahead of the clock")
    mend = CORRECT if ahead > limits.clock_error_seconds else MEND
    yield _judged("clock.recorded", ahead, limits, statement, well, mend)
    leap = find_leap(rows)
    if leap is not None:
        gap = write_duration(leap.seconds)
        zh = f"第 {leap.position} 条（{leap.recorded_at}）的入账时间比上一条晚 {gap.zh}"
        en = f"the event #{leap.position} ({leap.recorded_at}) was recorded {gap.en} after the one before it"
        yield warning("clock.leap", (zh, en), LEAPT)


def write_duration(seconds: float) -> Duration:
    """A length of time, in days from two days on, in hours from two hours on, in seconds otherwise."""
    for unit, zh, en in ((DAY_SECONDS, "天", "days"), (HOUR_SECONDS, "小时", "hours")):
        if seconds >= 2 * unit:
            return Duration(f"{seconds // unit:,.0f} {zh}", f"{seconds // unit:,.0f} {en}")
    return Duration(f"{seconds:.0f} 秒", f"{seconds:.0f} s")


def _judged(
    check: str,
    seconds: float,
    limits: Limits,
    statement: tuple[str, str],
    well: tuple[str, str],
    mend: tuple[str, str] = MEND,
) -> Finding:
    if seconds > limits.clock_error_seconds:
        return error(check, statement, mend)
    return warning(check, statement, mend) if seconds > limits.clock_warning_seconds else ok(check, *well)
