"""The one registry of tables: what each holds, in words and as columns, and whether it can be rebuilt.

Totals are kept as text, since they may exceed 64 bits. docs/architecture.md lists the tables from here;
read models are declared once more, with how a replay compares them, in ``ledger.projections.registry``.
"""

from __future__ import annotations

from ledger.store.schema.indexes import INDEXES as INDEXES
from ledger.store.schema.table import Rebuilding as Rebuilding
from ledger.store.schema.table import Table as Table

TABLES: dict[str, Table] = {
    "schema_version": Table(
        "数据表的版本",
        "the version of the tables",
        Rebuilding.NEVER,
        "version {int} PRIMARY KEY, name TEXT NOT NULL",
    ),
    "event_keys": Table(
        "身份与内容摘要",
        "identities, with digests of their content",
        Rebuilding.NEVER,
        "key TEXT PRIMARY KEY, digest {blob} NOT NULL, position {int} NOT NULL",
        clustered=True,
    ),
    "batches": Table(
        "每批的入账时间",
        "recorded times",
        Rebuilding.NEVER,
        "last_position {int} PRIMARY KEY, recorded_at TEXT NOT NULL",
    ),
    "correlations": Table(
        "哪次调用带来了哪些数据",
        "what came with which call",
        Rebuilding.DELETABLE,
        "correlation TEXT NOT NULL, first {int} NOT NULL, last {int} NOT NULL, refused TEXT NOT NULL, "
        "PRIMARY KEY (correlation, first, refused)",
        clustered=True,
    ),
    "tiles": Table(
        "日志的散列值，按块存放",
        "the log's hashes, tile by tile",
        Rebuilding.AUDITED,
        "level {int} NOT NULL, number {int} NOT NULL, hashes {blob} NOT NULL, PRIMARY KEY (level, number)",
        clustered=True,
    ),
    "log_secret": Table(
        "计入日志各叶的密钥",
        "the secret that goes into the log's leaves",
        Rebuilding.NEVER,
        "id {int} PRIMARY KEY, secret {blob} NOT NULL",
    ),
    "checkpoints": Table(
        "签发过的检查点",
        "checkpoints that were signed",
        Rebuilding.AUDITED,
        "size {int} PRIMARY KEY, made_at TEXT NOT NULL, root {blob} NOT NULL, note TEXT NOT NULL",
    ),
    "matters": Table(
        "每条数据所属的事项，用来发现不一致",
        "the matter of each fact, by which disagreements are found",
        Rebuilding.NEVER,
        "matter TEXT NOT NULL, key TEXT NOT NULL, code TEXT NOT NULL, source TEXT NOT NULL, "
        "value TEXT NOT NULL, PRIMARY KEY (matter, code, key)",
        clustered=True,
    ),
    "disagreements": Table(
        "互相矛盾的数据，及其结果",
        "facts that disagree, and the outcome of each",
        Rebuilding.NEVER,
        "disagreement TEXT NOT NULL, key TEXT NOT NULL, code TEXT NOT NULL, event TEXT NOT NULL, "
        "policy TEXT NOT NULL, rule TEXT NOT NULL, kind TEXT NOT NULL, matter TEXT NOT NULL, "
        "value TEXT NOT NULL, held {int} NOT NULL, position {int} NOT NULL, outcome TEXT, "
        "PRIMARY KEY (disagreement, key)",
    ),
    "disagreement_steps": Table(
        "这些结果的历次变化",
        "every change of such an outcome",
        Rebuilding.NEVER,
        "disagreement TEXT NOT NULL, key TEXT NOT NULL, position {int} NOT NULL, outcome TEXT, "
        "matter TEXT, value TEXT, held {int}, PRIMARY KEY (disagreement, key, position)",
    ),
    "disputes": Table(
        "有数据不一致的事项，待决定或已决定",
        "matters with facts that disagree, waiting or decided",
        Rebuilding.NEVER,
        "disagreement TEXT PRIMARY KEY, position {int} NOT NULL, waiting {int} NOT NULL, "
        "latest {int} NOT NULL, decided {int}, actor TEXT, reason TEXT",
    ),
    "table_sums": Table(
        "各表行数与校验和，随每次写入更新",
        "the count and the sum of tables' rows, kept with every write",
        Rebuilding.NEVER,
        "name TEXT PRIMARY KEY, row_count {int} NOT NULL, total {blob} NOT NULL",
        since=6,
    ),
    "certificates": Table(
        "重建的结果",
        "what rebuilds found",
        Rebuilding.NEVER,
        "number {int} PRIMARY KEY, made_at TEXT NOT NULL, position {int} NOT NULL, reached {int} NOT NULL, "
        "live TEXT NOT NULL, rebuilt TEXT NOT NULL, swapped {int} NOT NULL, differences TEXT NOT NULL",
    ),
    "refused": Table(
        "退回的数据与原因",
        "refused messages, with reasons",
        Rebuilding.NEVER,
        "digest TEXT PRIMARY KEY, number {int} NOT NULL, first_at TEXT NOT NULL, last_at TEXT NOT NULL, "
        "times {int} NOT NULL, channel TEXT NOT NULL, source TEXT, event_id TEXT, subject TEXT, "
        "type TEXT, raw {blob} NOT NULL, faults TEXT NOT NULL, resolved TEXT, "
        "origin TEXT, dead_lettered {int}, sender TEXT NOT NULL DEFAULT ''",
    ),
    "person_keys": Table(
        "申报所留姓名的密钥",
        "keys of the names that claims keep",
        Rebuilding.ERASABLE,
        "policy TEXT NOT NULL, claim TEXT NOT NULL, code TEXT NOT NULL, key {blob} NOT NULL, "
        "PRIMARY KEY (policy, code, claim)",
    ),
    "machine_keys": Table(
        "上游系统的密钥（只存摘要）",
        "keys of upstream systems (their digests only)",
        Rebuilding.NEVER,
        "key_id TEXT PRIMARY KEY, digest TEXT NOT NULL, name TEXT NOT NULL, source TEXT NOT NULL, "
        "types TEXT NOT NULL, made_at TEXT NOT NULL, revoked_at TEXT",
    ),
    "used_tokens": Table(
        "已用过的令牌，到期即删",
        "tokens that were used, until they expire",
        Rebuilding.NEVER,
        "token_id TEXT PRIMARY KEY, until TEXT NOT NULL",
    ),
    "sessions": Table(
        "登录网页的人员，退出或到期即失效",
        "people signed in to the pages, until they sign out or it ends",
        Rebuilding.NEVER,
        "session TEXT PRIMARY KEY, issuer TEXT NOT NULL, subject TEXT NOT NULL, name TEXT NOT NULL, "
        "roles TEXT NOT NULL, enterprise TEXT NOT NULL, since {int} NOT NULL, checked {int} NOT NULL, "
        "tokens TEXT NOT NULL, ended TEXT NOT NULL",
        since=6,
    ),
    "looks": Table(
        "谁查阅过哪家企业",
        "who read whose data",
        Rebuilding.NEVER,
        "number {int} PRIMARY KEY, at TEXT NOT NULL, actor TEXT NOT NULL, address TEXT NOT NULL, "
        "method TEXT NOT NULL, path TEXT NOT NULL, code TEXT NOT NULL, times {int} NOT NULL, "
        "issuer TEXT NOT NULL DEFAULT '', subject TEXT NOT NULL DEFAULT ''",
    ),
    "policies": Table(
        "政策各版本",
        "the versions of policies",
        Rebuilding.FROM_EVENTS,
        "policy TEXT NOT NULL, version {int} NOT NULL, digest TEXT NOT NULL, "
        "effective_from TEXT NOT NULL, position {int} NOT NULL, document TEXT NOT NULL, "
        "PRIMARY KEY (policy, version)",
    ),
    "budgets": Table(
        "各期预算",
        "the budget of each period",
        Rebuilding.FROM_EVENTS,
        "policy TEXT NOT NULL, period TEXT NOT NULL, position {int} NOT NULL, amount TEXT NOT NULL, "
        "PRIMARY KEY (policy, period, position)",
    ),
    "spellings": Table(
        "规范写法之前入账的数据，及其今天的写法",
        "facts recorded before spellings were canonical, and how they would be spelt today",
        Rebuilding.FROM_EVENTS,
        "position {int} NOT NULL, field TEXT NOT NULL, code TEXT NOT NULL, event TEXT NOT NULL, "
        "written TEXT NOT NULL, canonical TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (position, field)",
        since=6,
    ),
    "enterprises": Table(
        "每家企业的事实与奖励、名称与镇街",
        "each enterprise's facts and awards, its name and town",
        Rebuilding.REPLAYED,
        "code TEXT PRIMARY KEY, version {int} NOT NULL, name TEXT NOT NULL DEFAULT '', "
        "town TEXT NOT NULL DEFAULT '', facts {blob} NOT NULL, outcome {blob} NOT NULL",
    ),
    "folded_entries": Table(
        "数据较多的企业的事实，逐项存放",
        "the facts of enterprises with many, entry by entry",
        Rebuilding.REPLAYED,
        "code TEXT NOT NULL, part TEXT NOT NULL, entry TEXT NOT NULL, value {blob} NOT NULL, "
        "PRIMARY KEY (code, part, entry)",
        clustered=True,
        since=9,
    ),
    "awards": Table(
        "每家企业每年度的每项奖励",
        "each award of an enterprise's year",
        Rebuilding.REPLAYED,
        "policy TEXT NOT NULL, year {int} NOT NULL, code TEXT NOT NULL, measure TEXT NOT NULL, "
        "gross {int} NOT NULL, withheld {int} NOT NULL, PRIMARY KEY (policy, year, code, measure)",
        clustered=True,
    ),
    "balances": Table(
        "每家企业每年度的合计",
        "each enterprise's sum of a year",
        Rebuilding.REPLAYED,
        "policy TEXT NOT NULL, year {int} NOT NULL, code TEXT NOT NULL, gross {int} NOT NULL, "
        "withheld {int} NOT NULL, eligible {int} NOT NULL, PRIMARY KEY (policy, year, code)",
        clustered=True,
    ),
    "totals": Table(
        "全市合计（条款、目标，目标又按月、按镇街）",
        "the city's totals (of measures, of targets, of targets by month and by town)",
        Rebuilding.REPLAYED,
        "policy TEXT NOT NULL, year {int} NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, "
        "position {int} NOT NULL, gross TEXT NOT NULL, withheld TEXT NOT NULL, number TEXT NOT NULL, "
        "PRIMARY KEY (policy, year, kind, name)",
        clustered=True,
    ),
    "totals_history": Table(
        "全市合计的历史",
        "the past of the city's totals",
        Rebuilding.REPLAYED,
        "policy TEXT NOT NULL, year {int} NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, "
        "position {int} NOT NULL, gross TEXT NOT NULL, withheld TEXT NOT NULL, number TEXT NOT NULL, "
        "PRIMARY KEY (policy, year, kind, name, position)",
        clustered=True,
    ),
    "claims": Table(
        "申报进展",
        "where claims stand",
        Rebuilding.REPLAYED,
        "policy TEXT NOT NULL, claim TEXT NOT NULL, code TEXT NOT NULL, measure TEXT NOT NULL, "
        "item TEXT NOT NULL, year {int} NOT NULL, status TEXT NOT NULL, amount TEXT, "
        "position {int} NOT NULL, "
        "PRIMARY KEY (policy, code, claim)",
    ),
    "settlements": Table(
        "各年度兑现办到哪一步",
        "at which stage each year's settlement stands",
        Rebuilding.REPLAYED,
        "policy TEXT NOT NULL, year {int} NOT NULL, stage TEXT NOT NULL, position {int} NOT NULL, "
        "PRIMARY KEY (policy, year)",
    ),
    "settlement_lines": Table(
        "各年度兑现名单的各行",
        "the lines of each year's list",
        Rebuilding.REPLAYED,
        "policy TEXT NOT NULL, year {int} NOT NULL, code TEXT NOT NULL, measure TEXT NOT NULL, "
        "award_year {int} NOT NULL, gross {int} NOT NULL, withheld {int} NOT NULL, "
        "reduction {int} NOT NULL, payable {int} NOT NULL, pot TEXT NOT NULL DEFAULT '', "
        "PRIMARY KEY (policy, year, code, measure, award_year)",
        clustered=True,
    ),
    "accounts": Table(
        "每家企业每年度应付、已下达、已拨付、已追回的金额",
        "what each enterprise is owed for a year, what was ordered, paid, clawed back",
        Rebuilding.REPLAYED,
        "policy TEXT NOT NULL, year {int} NOT NULL, code TEXT NOT NULL, version {int} NOT NULL, "
        "payable {int} NOT NULL, ordered {int} NOT NULL, paid {int} NOT NULL, clawed {int} NOT NULL, "
        "recovered {int} NOT NULL, PRIMARY KEY (policy, year, code)",
        clustered=True,
    ),
    "payments": Table(
        "每笔拨付及其结果",
        "each payment, and what became of it",
        Rebuilding.REPLAYED,
        "policy TEXT NOT NULL, year {int} NOT NULL, payment TEXT NOT NULL, code TEXT NOT NULL, "
        "batch TEXT NOT NULL, amount {int} NOT NULL, status TEXT NOT NULL, day TEXT NOT NULL, "
        "said TEXT NOT NULL, position {int} NOT NULL, PRIMARY KEY (policy, year, payment)",
        clustered=True,
    ),
    "clawbacks": Table(
        "每项追回",
        "each clawback",
        Rebuilding.REPLAYED,
        "policy TEXT NOT NULL, year {int} NOT NULL, code TEXT NOT NULL, clawback TEXT NOT NULL, "
        "measure TEXT NOT NULL, award {int} NOT NULL, amount {int} NOT NULL, reason TEXT NOT NULL, "
        "position {int} NOT NULL, PRIMARY KEY (policy, year, code, clawback)",
    ),
    "recoveries": Table(
        "每笔追回到账，按银行流水号",
        "what came back of clawbacks, by the bank's reference",
        Rebuilding.REPLAYED,
        "policy TEXT NOT NULL, year {int} NOT NULL, code TEXT NOT NULL, version {int} NOT NULL, "
        "clawback TEXT NOT NULL, reference TEXT NOT NULL, amount {int} NOT NULL, day TEXT NOT NULL, "
        "position {int} NOT NULL, PRIMARY KEY (policy, year, code, version)",
        since=6,
    ),
    "used_keys": Table(
        "已用过的请求编号与首次答复，到期即删",
        "keys of requests that were used, with the first answer, until they expire",
        Rebuilding.DELETABLE,
        "person TEXT NOT NULL, key TEXT NOT NULL, request {blob} NOT NULL, until TEXT NOT NULL, "
        "answer {blob} NOT NULL, PRIMARY KEY (person, key)",
        since=6,
    ),
    "adjustments": Table(
        "每项已受理的调整",
        "each adjustment that was accepted",
        Rebuilding.REPLAYED,
        "policy TEXT NOT NULL, year {int} NOT NULL, code TEXT NOT NULL, adjustment TEXT NOT NULL, "
        "measure TEXT NOT NULL, into_year {int} NOT NULL, amount {int} NOT NULL, reason TEXT NOT NULL, "
        "position {int} NOT NULL, PRIMARY KEY (policy, year, code, adjustment)",
    ),
    "waiting_steps": Table(
        "须由第二人确认的事项，及其结果",
        "steps that need a second person, and what became of each",
        Rebuilding.REPLAYED,
        "waiting TEXT PRIMARY KEY, step TEXT NOT NULL, policy TEXT NOT NULL, about TEXT NOT NULL, "
        "request TEXT NOT NULL, proposed_at TEXT NOT NULL, until TEXT NOT NULL, issuer TEXT NOT NULL, "
        "subject TEXT NOT NULL, name TEXT NOT NULL, stage TEXT NOT NULL, ended_at TEXT NOT NULL, "
        "ended_issuer TEXT NOT NULL, ended_subject TEXT NOT NULL, ended_name TEXT NOT NULL, "
        "position {int} NOT NULL",
        since=6,
    ),
    "taken_steps": Table(
        "各年度每个人何时第一次办理了哪一步，用于分离不相容职务",
        "who took which step of a year, and when first; parted duties are told apart by it",
        Rebuilding.REPLAYED,
        "policy TEXT NOT NULL, year {int} NOT NULL, step TEXT NOT NULL, issuer TEXT NOT NULL, "
        "subject TEXT NOT NULL, name TEXT NOT NULL, day TEXT NOT NULL, position {int} NOT NULL, "
        "PRIMARY KEY (policy, year, step, issuer, subject, name)",
        since=10,
    ),
}

EVENTS = "stored_events"
LIBRARY_TABLES: dict[str, Table] = {
    EVENTS: Table(
        "全部数据",
        "every event",
        Rebuilding.NEVER,
        "rowid {int} NOT NULL, originator_id TEXT NOT NULL, originator_version {int} NOT NULL, "
        "topic TEXT NOT NULL, state {blob} NOT NULL, PRIMARY KEY (rowid)",
    ),
    "tracking": Table(
        "从Kafka各分区读到哪里",
        "how far each partition of Kafka was read",
        Rebuilding.NEVER,
        "application_name TEXT NOT NULL, notification_id {int} NOT NULL, PRIMARY KEY (application_name)",
    ),
}
"""What the eventsourcing library makes itself."""
ALL_TABLES = {**TABLES, **LIBRARY_TABLES}

SQL_TYPES = {
    "sqlite": {"TEXT": "TEXT", "blob": "BLOB", "int": "INTEGER"},
    "postgres": {"TEXT": 'TEXT COLLATE "C"', "blob": "BYTEA", "int": "BIGINT"},
}
