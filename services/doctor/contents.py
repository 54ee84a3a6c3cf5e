"""What the ledger holds: read models, the log, what waits, and closed years."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta

from domain.settlement.open_matters import (
    ADJUSTMENT,
    CLAWBACK_EXCESS,
    DISAGREEMENT,
    OVERPAYMENT,
    PAYMENT_FAILED,
    PAYMENT_UNANSWERED,
    REFUSAL,
)
from ledger.audit import watching
from ledger.audit.check import check_log
from ledger.intake import refusals
from ledger.replay.comparison import replay
from ledger.settlement.open_matters import list_open_matters
from ledger.store.append import tracked
from ledger.store.application import Ledger
from ledger.store.rows import Rows
from ledger.things.merging import list_merges
from services.doctor.findings import Finding, Limits, error, ok, warning
from services.verify.open_matters import summarise_open

NAMED_CHARS = 60
"""Of a row that differs, as far as its table and key go."""
REBUILT = (
    "subsidy-ledger audit 查明；事件完好则 subsidy-ledger replay --take-over",
    "subsidy-ledger audit tells why; where the events are whole, subsidy-ledger replay --take-over",
)
ALTERED = (
    "停止写入，留存现场，按 docs/operations/runbooks.md 从备份恢复",
    "stop writing, keep it as it is, and restore as docs/operations/runbooks.md says",
)

TO_MEND = frozenset({OVERPAYMENT, CLAWBACK_EXCESS, PAYMENT_FAILED, ADJUSTMENT, DISAGREEMENT})
"""Open matters that do not come to an end in the ordinary course."""


def check(ledger: Ledger, rows: Rows, now: datetime, limits: Limits) -> Iterator[Finding]:
    """The findings of quick looks: a sample of read models, the log's tail, what waits, payments."""
    yield _sampled(rows, limits)
    yield from _log(rows, now, limits)
    yield from _waiting(rows, limits)
    yield _spellings(rows)
    yield from _settled(rows, now, limits)
    yield from _open_matters(ledger, rows)


def check_deeply(ledger: Ledger, rows: Rows) -> Iterator[Finding]:
    """Every event hashed again, and every read model built again."""
    findings = check_log(rows, [])
    if findings:
        named = "; ".join(f"#{each.position} {each.description}" for each in findings[:5])
        statement = f"{len(findings)} 处不符：{named}", f"{len(findings)} things do not match: {named}"
        yield error("log.events", statement, ALTERED)
        return
    yield ok("log.events", "每条数据都与日志相符", "every event is the one that was logged")
    with tempfile.TemporaryDirectory() as folder:
        comparison = replay(ledger, f"{folder}/replica.db")
    if comparison.equal:
        yield ok("projections.replay", "从头重放，一致", "replayed from the start: equal")
        return
    count = len(comparison.differences)
    named = "; ".join(f"{each[:NAMED_CHARS]} …" for each in comparison.differences[:3])
    statement = f"从头重放，{count} 行不一致：{named}", f"{count} rows differ from a replay: {named}"
    yield error("projections.replay", statement, REBUILT)


def _spellings(rows: Rows) -> Finding:
    """Facts that count apart and may be one thing in several spellings, from before an upgrade."""
    count = len(list_merges(rows))
    if not count:
        return ok("things.spellings", "没有待决定的不同写法", "no spellings wait for a decision")
    statement = (
        f"{count} 组不同写法可能是同一事项",
        f"{count} groups may be one thing in several spellings",
    )
    mend = "subsidy-ledger things merges 查看并决定", "see and decide by subsidy-ledger things merges"
    return warning("things.spellings", statement, mend)


def _sampled(rows: Rows, limits: Limits) -> Finding:
    count, differences = watching.sampled_differences(rows, limits.sample, random.Random())  # noqa: S311 - no secret
    if differences:
        statement = (
            f"抽查 {count} 家，不一致：{differences}",
            f"of {count} enterprises sampled, these differ: {differences}",
        )
        return error("projections.sample", statement, REBUILT)
    return ok("projections.sample", f"抽查 {count} 家，一致", f"{count} enterprises sampled: equal")


def _log(rows: Rows, now: datetime, limits: Limits) -> Iterator[Finding]:
    broken = watching.broken_checkpoint(rows)
    if broken:
        yield error(
            "log.checkpoint",
            (f"日志与检查点不符：{broken}", f"the log and the checkpoint: {broken}"),
            ALTERED,
        )
    else:
        yield ok("log.checkpoint", "日志与最后的检查点相符", "the log leads to the last checkpoint's root")
    count, differences = watching.altered_tail(rows, limits.tail)
    if differences:
        statement = f"最后 {count} 条中：{differences}", f"among the last {count} events: {differences}"
        yield error("log.tail", statement, ALTERED)
    else:
        yield ok(
            "log.tail", f"最后 {count} 条与日志相符", f"the last {count} events are those that were logged"
        )
    waited = timedelta(seconds=watching.unsigned_seconds(rows, now))
    if waited > limits.unsigned:
        statement = f"已有 {waited.days} 天没有签署检查点", f"no checkpoint was signed for {waited.days} days"
        mend = (
            "运行 subsidy-ledger publish，或每天 subsidy-ledger checkpoint",
            "run subsidy-ledger publish, or checkpoint daily",
        )
        yield warning("log.unsigned", statement, mend)


def _waiting(rows: Rows, limits: Limits) -> Iterator[Finding]:
    position = tracked(rows, "outbox")
    if position is not None:
        lag = rows.last_position() - position
        statement = f"待发布 {lag:,} 条", f"{lag:,} events wait to be published"
        mend = (
            "看 subsidy-ledger publish 是否在运行，及其日志",
            "see that subsidy-ledger publish runs, and its log",
        )
        yield warning("outbox.lag", statement, mend) if lag > limits.lag else ok("outbox.lag", *statement)
    waiting = refusals.count_open(rows)
    statement = f"{waiting:,} 条退回的数据无人处理", f"{waiting:,} refused messages wait"
    mend = (
        "subsidy-ledger refused 查看，改正重送或注明不再处理",
        "see subsidy-ledger refused; send corrected ones, or dismiss",
    )
    yield (
        warning("refused.open", statement, mend)
        if waiting
        else ok("refused.open", "没有待处理的退回数据", "none refused waits")
    )


def _open_matters(ledger: Ledger, rows: Rows) -> Iterator[Finding]:
    """What nobody has dealt with, by policy; refused messages and unanswered payments are told above."""
    for open_matters in list_open_matters(ledger, rows):
        matters = tuple(
            matter for matter in open_matters.matters if matter.kind not in (REFUSAL, PAYMENT_UNANSWERED)
        )
        if not matters:
            yield ok(
                "settlement.open",
                f"{open_matters.policy}：没有未了事项",
                f"{open_matters.policy}: nothing is open",
            )
            continue
        summary = summarise_open(matters, open_matters.currency)
        statement = f"{open_matters.policy}：{summary.zh}", f"{open_matters.policy}: {summary.en}"
        if any(matter.kind in TO_MEND for matter in matters):
            command = f"subsidy-ledger settle open --policy {open_matters.policy} --year {open_matters.year}"
            mend = f"用 {command} 查看并逐项办理", f"see each by {command}, and deal with it"
            yield warning("settlement.open", statement, mend)
        else:
            yield ok("settlement.open", *statement)


def _settled(rows: Rows, now: datetime, limits: Limits) -> Iterator[Finding]:
    payments = watching.ordered_payments(rows, now)
    waited = timedelta(seconds=payments.oldest_seconds)
    if waited > limits.payments:
        zh = f"{payments.number:,} 笔拨付没有银行回执，最早的已 {waited.days} 天"
        en = f"{payments.number:,} payments have no answer of the bank, the oldest for {waited.days} days"
        mend = (
            "向银行索取回执，用 subsidy-ledger pay results 登记",
            "ask the bank, then subsidy-ledger pay results",
        )
        yield warning("settlement.payments", (zh, en), mend)
    else:
        yield ok("settlement.payments", "没有久未答复的拨付", "no payment has waited long")
    broken = watching.broken_accounts(rows)
    if broken:
        statement = f"账户不可能如此：{broken}", f"no history allows these accounts: {broken}"
        yield error("settlement.accounts", statement, REBUILT)
