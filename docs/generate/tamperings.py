"""The one registry of kinds of tampering: each is done straight on the database and named, or says why not.

``tests/integration/test_every_tampering.py`` does each on both stores; docs/audited.md lists them. ``P`` in
a statement stands for the column that holds an event's position.
"""

from __future__ import annotations

from typing import NamedTuple

from docs.generate.tables import table

AUDIT, REPLAY, OUTSIDE, UNSEEN = "audit", "replay", "outside", "unseen"
"""Who names it: the audit of the tables, its replay, only a checkpoint that was kept elsewhere, nobody."""
BOTH, SQLITE, POSTGRES = ("sqlite", "postgres"), ("sqlite",), ("postgres",)


class Tampering(NamedTuple):
    """One kind: in zh-CN and English, as statements, and words of the finding that names it."""

    zh: str
    en: str
    statements: tuple[str, ...]
    words: str
    seen_by: str = AUDIT
    stores: tuple[str, ...] = BOTH
    why_zh: str = ""
    """Where nobody sees it: why not."""
    why_en: str = ""


_LAST = "(SELECT MAX(P) FROM stored_events)"
_COPY = "originator_id, originator_version, topic, state, P"

EVENTS = (
    Tampering(
        "改动一条数据",
        "an event changed",
        ("UPDATE stored_events SET topic='domain.events:BrandCertified' WHERE P=20",),
        "it was changed",
    ),
    Tampering(
        "删去中间一条",
        "an event deleted in the middle",
        ("DELETE FROM stored_events WHERE P=30",),
        "its position is empty",
    ),
    Tampering(
        "删去最后一条",
        "the last event deleted",
        (f"DELETE FROM stored_events WHERE P={_LAST}",),
        "cut off the end",
    ),
    Tampering(
        "两条对调",
        "two events swapped",
        (
            "UPDATE stored_events SET P=100000 WHERE P=20",
            "UPDATE stored_events SET P=20 WHERE P=21",
            "UPDATE stored_events SET P=21 WHERE P=100000",
        ),
        "it was changed",
    ),
    Tampering(
        "末尾添加一条",
        "an event added at the end",
        (
            f"INSERT INTO stored_events ({_COPY}) SELECT originator_id, 9000, topic, state, {_LAST}+1 "
            "FROM stored_events WHERE P=20",
        ),
        "inserted beside it",
    ),
    Tampering(
        "一条改归别的企业",
        "an event given to another enterprise",
        ("UPDATE stored_events SET originator_id='91330282MA7LX06K0F', originator_version=9000 WHERE P=20",),
        "it was changed",
    ),
    Tampering(
        "改动一条的版本号",
        "an event's version changed",
        ("UPDATE stored_events SET originator_version=9000 WHERE P=20",),
        "the versions of",
    ),
    Tampering("清空全部数据", "every event deleted", ("DELETE FROM stored_events",), "it was emptied"),
)
BESIDE = (
    Tampering(
        "清空身份表", "every identity deleted", ("DELETE FROM event_keys",), "its identity is not kept"
    ),
    Tampering(
        "删去一个身份",
        "an identity deleted",
        ("DELETE FROM event_keys WHERE position=20",),
        "its identity is not kept",
    ),
    Tampering(
        "改动内容摘要",
        "a digest changed",
        ("UPDATE event_keys SET digest=(SELECT digest FROM event_keys WHERE position=21) WHERE position=20",),
        "is not the one of what it says",
    ),
    Tampering(
        "身份指向别处",
        "an identity moved",
        ("UPDATE event_keys SET position=99999 WHERE position=20",),
        "one identity",
    ),
    Tampering(
        "添加无主的身份",
        "an identity of nobody added",
        ("INSERT INTO event_keys SELECT 'x', digest, 99999 FROM event_keys WHERE position=20",),
        "no event there has",
    ),
    Tampering(
        "改动入账时间",
        "a recorded time changed",
        ("UPDATE batches SET recorded_at='2020-01-01T00:00:00.000000Z'",),
        "not the one of its batch",
    ),
    Tampering("删去入账时间", "recorded times deleted", ("DELETE FROM batches",), "not the one of its batch"),
    Tampering(
        "添加没有数据的一批",
        "a batch without events added",
        ("INSERT INTO batches VALUES (0, '2031-01-01T00:00:00.000000Z')",),
        "no events",
    ),
    Tampering(
        "改动日志的散列值",
        "a tile of hashes changed",
        ("UPDATE tiles SET hashes=(SELECT secret FROM log_secret) WHERE level=0 AND number=0",),
        "not the one that was logged",
    ),
    Tampering("删去日志的散列值", "the tiles of hashes deleted", ("DELETE FROM tiles",), "not in the log"),
    Tampering("删去日志密钥", "the log's secret deleted", ("DELETE FROM log_secret",), "no secret"),
    Tampering("删去检查点", "checkpoints deleted", ("DELETE FROM checkpoints",), "checkpoints: it holds 0"),
    Tampering(
        "改动检查点的根",
        "a checkpoint's root changed",
        ("UPDATE checkpoints SET root=(SELECT secret FROM log_secret)",),
        "checkpoint",
    ),
    Tampering(
        "改动检查点的文字", "a checkpoint's note changed", ("UPDATE checkpoints SET note='x'",), "checkpoint"
    ),
    Tampering(
        "改动政策文本",
        "a policy's text changed",
        ("UPDATE policies SET document=document || ' '",),
        "is not the one that was adopted",
    ),
    Tampering("删去政策", "a policy deleted", ("DELETE FROM policies",), "is missing beside the log"),
    Tampering("改动预算", "a budget changed", ("UPDATE budgets SET amount='99'",), "the budget of"),
    Tampering(
        "添加预算",
        "a budget added",
        ("INSERT INTO budgets SELECT policy, '2031', position, amount FROM budgets",),
        "the budget of",
    ),
)


def _model(zh: str, en: str, sql: str, words: str, seen_by: str = REPLAY) -> Tampering:
    return Tampering(zh, en, (sql,), words, seen_by)


_PAID = "policy, year, code, batch, amount, status, day, said, position, payment"
MODELS = (
    _model("改动一项奖励", "an award changed", "UPDATE awards SET gross=gross+1", "awards: "),
    _model(
        "添加一项奖励",
        "an award added",
        "INSERT INTO awards SELECT policy, year, 'nobody', measure, gross, withheld FROM awards LIMIT 1",
        "awards: ",
    ),
    _model("删去企业合计", "balances deleted", "DELETE FROM balances", "balances: "),
    _model("改动全市合计", "totals changed", "UPDATE totals SET gross='1'", "totals: "),
    _model("改动申报进展", "claims changed", "UPDATE claims SET status='rejected'", "claims: "),
    _model("改动企业数据", "enterprises changed", "UPDATE enterprises SET name='x'", "enterprises: "),
    _model("改动年度进度", "a year's stage changed", "UPDATE settlements SET stage='x'", "stands at", AUDIT),
    _model(
        "改动名单",
        "the list changed",
        "UPDATE settlement_lines SET payable=payable+1",
        "settlement_lines",
        AUDIT,
    ),
    _model("改动账户", "accounts changed", "UPDATE accounts SET paid=paid+1", "accounts: ", AUDIT),
    _model("改动拨付结果", "payments changed", "UPDATE payments SET status='failed'", "payments: ", AUDIT),
    _model("删去拨付", "payments deleted", "DELETE FROM payments", "payments: ", AUDIT),
    _model(
        "添加拨付",
        "payments doubled",
        f"INSERT INTO payments ({_PAID}) SELECT {_PAID} || '-x' FROM payments",
        "payments: ",
        REPLAY,
    ),
    _model("改动追回", "clawbacks changed", "UPDATE clawbacks SET amount=1", "clawbacks: "),
    _model("改动调整", "adjustments changed", "UPDATE adjustments SET amount=1", "adjustments: ", AUDIT),
    _model("删去追回到账", "recoveries deleted", "DELETE FROM recoveries", "recoveries: "),
)


def _kept(zh: str, en: str, sql: str, name: str) -> Tampering:
    return Tampering(zh, en, (sql,), f"{name}: ")


KEPT = (
    _kept("删去退回的数据", "refused messages deleted", "DELETE FROM refused", "refused"),
    _kept("改动退回的数据", "refused messages changed", "UPDATE refused SET channel='x'", "refused"),
    _kept("标为不再处理", "refused messages dismissed", "UPDATE refused SET resolved='dismissed'", "refused"),
    _kept("删去查阅记录", "looks deleted", "DELETE FROM looks", "looks"),
    _kept("改动查阅人", "who looked changed", "UPDATE looks SET actor='x'", "looks"),
    _kept("删去重建结果", "certificates deleted", "DELETE FROM certificates", "certificates"),
    _kept("改动重建结果", "certificates changed", "UPDATE certificates SET live='x'", "certificates"),
    _kept("删去上游密钥", "machines' keys deleted", "DELETE FROM machine_keys", "machine_keys"),
    _kept("扩大密钥的权限", "a key's right widened", "UPDATE machine_keys SET types=''", "machine_keys"),
    _kept("改动不一致的结果", "disagreements changed", "UPDATE disagreements SET value='x'", "disagreements"),
    _kept("删去不一致", "disagreements deleted", "DELETE FROM disagreements", "disagreements"),
    _kept("删去结果的变化", "their steps deleted", "DELETE FROM disagreement_steps", "disagreement_steps"),
    _kept("改动决定人", "who decided changed", "UPDATE disputes SET actor='x'", "disputes"),
    _kept("删去决定", "decisions deleted", "DELETE FROM disputes", "disputes"),
    _kept("删去事项", "matters deleted", "DELETE FROM matters", "matters"),
    _kept("改动合计的历史", "past totals changed", "UPDATE totals_history SET gross='1'", "totals_history"),
    _kept("删去合计的历史", "past totals deleted", "DELETE FROM totals_history", "totals_history"),
    _kept("改动Kafka位置", "an offset set ahead", "UPDATE tracking SET notification_id=999", "tracking"),
    _kept("删去Kafka位置", "offsets deleted", "DELETE FROM tracking", "tracking"),
    _kept("删去姓名密钥", "keys of names deleted", "DELETE FROM person_keys", "person_keys"),
    _kept("删去请求编号", "used keys of requests deleted", "DELETE FROM used_keys", "used_keys"),
    Tampering("清空校验和", "the sums deleted", ("DELETE FROM table_sums",), "it was deleted"),
)


def _schema(zh: str, en: str, sql: str, words: str, stores: tuple[str, ...] = BOTH) -> Tampering:
    return Tampering(zh, en, tuple(sql.split(" ;; ")), f"the schema: {words}", AUDIT, stores)


_TRIGGER = "CREATE TRIGGER drops BEFORE INSERT ON stored_events BEGIN SELECT RAISE(IGNORE); END"
_DOUBLES = "CREATE TRIGGER doubles AFTER INSERT ON payments BEGIN INSERT INTO batches VALUES (NEW.position, 'x'); END"
_FUNCTION = "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
SCHEMA = (
    _schema("多出一张表", "a table more", "CREATE TABLE extra (x INTEGER)", "a table extra"),
    _schema("多出视图", "a view", "CREATE VIEW extra AS SELECT 1 AS x", "a view extra"),
    _schema(
        "以视图替换表",
        "a view in place of a table",
        "ALTER TABLE looks RENAME TO kept_looks ;; CREATE VIEW looks AS SELECT * FROM kept_looks",
        "the table looks is missing",
    ),
    _schema(
        "少了索引", "an index dropped", "DROP INDEX refused_number", "the index refused_number is missing"
    ),
    _schema(
        "多出索引", "an index more", "CREATE UNIQUE INDEX more ON looks (number)", "an index stands there"
    ),
    _schema("多出列", "a column more", "ALTER TABLE refused ADD COLUMN note TEXT", "the table refused has"),
    _schema(
        "少了列", "a column dropped", "ALTER TABLE refused DROP COLUMN origin", "the table refused lacks"
    ),
    _schema("触发器丢弃数据", "a trigger that drops rows", _TRIGGER, "a trigger drops", SQLITE),
    _schema("触发器添加数据", "a trigger that adds rows", _DOUBLES, "a trigger doubles", SQLITE),
    _schema(
        "少了主键",
        "a primary key dropped",
        "CREATE TABLE loose (token_id TEXT NOT NULL, until TEXT NOT NULL) ;; DROP TABLE used_tokens ;; "
        "ALTER TABLE loose RENAME TO used_tokens",
        "the table used_tokens has lost its primary key",
        SQLITE,
    ),
    _schema(
        "触发器丢弃数据",
        "a trigger that drops rows",
        f"{_FUNCTION} ;; CREATE TRIGGER drops BEFORE INSERT ON payments "
        "FOR EACH ROW EXECUTE FUNCTION nothing()",
        "a trigger drops",
        POSTGRES,
    ),
    _schema(
        "规则丢弃数据",
        "a rule that drops rows",
        "CREATE RULE drops AS ON INSERT TO payments DO INSTEAD NOTHING",
        "a rule drops",
        POSTGRES,
    ),
    _schema(
        "表不写日志",
        "an unlogged table",
        "ALTER TABLE stored_events SET UNLOGGED",
        "the table stored_events is UNLOGGED",
        POSTGRES,
    ),
    _schema(
        "少了主键",
        "a primary key dropped",
        "ALTER TABLE event_keys DROP CONSTRAINT event_keys_pkey",
        "the table event_keys has lost its primary key",
        POSTGRES,
    ),
    _schema(
        "少了序号的唯一索引",
        "the unique index of positions dropped",
        "DROP INDEX stored_events_notification_id_idx",
        "the index stored_events_notification_id_idx is missing",
        POSTGRES,
    ),
    _schema(
        "子表继承",
        "a child table by INHERITS",
        "CREATE TABLE child () INHERITS (payments)",
        "a child table",
        POSTGRES,
    ),
    _schema(
        "行级安全",
        "row security",
        "ALTER TABLE payments ENABLE ROW LEVEL SECURITY ;; CREATE POLICY few ON payments USING (amount>1)",
        "row security is on",
        POSTGRES,
    ),
    _schema(
        "改了排序规则",
        "a collation changed",
        'ALTER TABLE matters ALTER COLUMN matter TYPE TEXT COLLATE "default"',
        "the column matter",
        POSTGRES,
    ),
    _schema(
        "可以为空",
        "a column that may be empty",
        "ALTER TABLE machine_keys ALTER COLUMN digest DROP NOT NULL",
        "the column digest",
        POSTGRES,
    ),
    _schema(
        "默认值",
        "a default changed",
        "ALTER TABLE machine_keys ALTER COLUMN types SET DEFAULT ''",
        "the column types",
        POSTGRES,
    ),
    _schema(
        "约束",
        "a constraint more",
        "ALTER TABLE payments ADD CHECK (amount<>1)",
        "a constraint",
        POSTGRES,
    ),
    _schema("函数", "a function more", _FUNCTION, "a function nothing()", POSTGRES),
    _schema(
        "别的模式中的同名表",
        "a second schema with tables of the same names",
        "CREATE SCHEMA other ;; CREATE TABLE other.payments (LIKE payments)",
        "the schema other",
        POSTGRES,
    ),
)

_REASON = (
    "令牌、调用编号可以删除，任何金额和证明都不依赖它们",
    "tokens and ids of calls may be deleted; no figure or proof depends on them",
)
UNGUARDED = (
    Tampering(
        "删去调用编号",
        "ids of calls deleted",
        ("DELETE FROM correlations",),
        "",
        UNSEEN,
        BOTH,
        *_REASON,
    ),
    Tampering(
        "删去已用过的令牌",
        "used tokens deleted",
        ("DELETE FROM used_tokens",),
        "",
        UNSEEN,
        BOTH,
        *_REASON,
    ),
    Tampering(
        "删去一行并重算其校验和",
        "a row deleted and its sum recomputed",
        ("DELETE FROM looks", "UPDATE table_sums SET row_count=0, total=ZERO WHERE name='looks'"),
        "",
        UNSEEN,
        BOTH,
        "能改数据库并懂得校验和的人，可以使两者相符；请限制谁能直接登录数据库，并对照备份",
        "whoever writes to the database and knows the sums can make both fit: limit who may log in to it, "
        "and compare with backups",
    ),
    Tampering(
        "切去末尾并重做一切",
        "the end cut off, and everything made anew",
        (),
        "",
        OUTSIDE,
        BOTH,
        "账本自己前后一致，只有外面留存的检查点能发现",
        "the ledger then agrees with itself: only a checkpoint kept elsewhere tells",
    ),
)
TAMPERINGS = (*EVENTS, *BESIDE, *MODELS, *KEPT, *SCHEMA, *UNGUARDED)
_SEEN_BY = {
    AUDIT: "核对 · audit",
    REPLAY: "核对中的重放 · the audit's replay",
    OUTSIDE: "只有外部检查点 · an outside checkpoint alone",
    UNSEEN: "看不到 · cannot be seen",
}


def tampering_tables() -> list[str]:
    """The parts of the page about tampering: what is named and by what, then what cannot be seen and why."""
    named = [
        (f"{each.zh} · {each.en}", " · ".join(each.stores), _SEEN_BY[each.seen_by])
        for each in TAMPERINGS
        if each.seen_by in (AUDIT, REPLAY)
    ]
    unseen = [
        (f"{each.zh} · {each.en}", _SEEN_BY[each.seen_by], f"{each.why_zh} · {each.why_en}")
        for each in TAMPERINGS
        if each.seen_by not in (AUDIT, REPLAY)
    ]
    return [
        "## 试过的篡改 · Tampering that was tried",
        "每一种都由测试直接在数据库上做过。Each was done by a test, straight on the database.",
        table(("篡改 · tampering", "数据库 · store", "由谁发现 · named by"), named),
        "## 看不到的 · What cannot be seen",
        table(("篡改 · tampering", "由谁发现 · named by", "原因 · why"), unseen),
    ]
