"""The one registry of kinds of tampering: each is done straight on the database and named, or says why not.

``tests/integration/test_every_tampering.py`` does each on both stores; docs/audited.md lists them. ``P`` in
a statement stands for the column that holds an event's position.
"""

from __future__ import annotations

from docs.generate.tampered_rows import LOGGED
from docs.generate.tampered_schemas import SCHEMA
from docs.generate.tampering import AUDIT, BOTH, OUTSIDE, REPLAY, SQLITE, UNSEEN, Tampering

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
    Tampering(
        "改低已给出的序号",
        "the position last given out lowered",
        ("UPDATE sqlite_sequence SET seq=3",),
        "the position last given out is 3",
        AUDIT,
        SQLITE,
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
    _model(
        "添加一项逐项存放的事实",
        "an entry added to an enterprise's facts",
        "INSERT INTO folded_entries (code, part, entry, value) SELECT MIN(code), 'claims', 'c', ZERO "
        "FROM enterprises",
        "folded_entries: ",
    ),
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
    _model(
        "改动追回的出处",
        "where a clawback comes from",
        "UPDATE clawbacks SET position=position+1",
        "clawbacks: ",
    ),
    _model(
        "改动到账的出处",
        "where a recovery comes from",
        "UPDATE recoveries SET position=position+1",
        "recoveries: ",
    ),
    _model(
        "改动合计的时点", "when totals changed", "UPDATE totals SET position=position+1", "totals: ", AUDIT
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
    _kept("改动报送人", "who sent a refused message changed", "UPDATE refused SET sender='x'", "refused"),
    _kept("删去查阅记录", "looks deleted", "DELETE FROM looks", "looks"),
    _kept("改动查阅人", "who looked changed", "UPDATE looks SET actor='x'", "looks"),
    _kept("删去重建结果", "certificates deleted", "DELETE FROM certificates", "certificates"),
    _kept("改动重建结果", "certificates changed", "UPDATE certificates SET live='x'", "certificates"),
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
    Tampering(
        "添加别的校验和",
        "a sum of no table added",
        ("INSERT INTO table_sums SELECT 'nothing', row_count, total FROM table_sums WHERE name='looks'",),
        "no table of the ledger",
    ),
    Tampering(
        "改动库表版本记录",
        "the record of upgrades changed",
        ("DELETE FROM schema_version WHERE version=3",),
        "schema_version: the step 3",
    ),
    Tampering("清空校验和", "the sums deleted", ("DELETE FROM table_sums",), "it was deleted"),
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
        "改动申报最近变动的序号",
        "the position at which a claim last changed",
        ("UPDATE claims SET position=position+1",),
        "",
        UNSEEN,
        BOTH,
        "只供显示，取决于当时与哪些数据同批入账；申报的进展和金额由重放核对",
        "it is shown alone, and depends on what came in the same batch; a replay gives stage and amount",
    ),
    Tampering(
        "合并同一时刻的两批",
        "two batches of one instant made one",
        (
            "DELETE FROM batches WHERE last_position=(SELECT MIN(last_position) FROM batches) AND recorded_at="
            "(SELECT recorded_at FROM batches ORDER BY last_position LIMIT 1 OFFSET 1)",
        ),
        "",
        UNSEEN,
        BOTH,
        "同一微秒入账的两批，先后由序号决定；过去某一时点的回答不变",
        "of two batches of one microsecond positions tell the order; no answer of a past moment changes",
    ),
    Tampering(
        "统计信息、注释、存储参数",
        "statistics, remarks, parameters of storage",
        ("ANALYZE",),
        "",
        UNSEEN,
        BOTH,
        "只影响快慢，不影响存了什么",
        "they make statements faster or slower and change nothing that is stored",
    ),
    Tampering(
        "序列的当前值",
        "where a sequence stands",
        ("SELECT setval('stored_events_notification_id_seq', 1)",),
        "",
        UNSEEN,
        ("postgres",),
        "序号由账本自己给出，不取自序列",
        "the ledger gives positions itself and takes none from the sequence",
    ),
    Tampering(
        "授权给某一用户，或发布给别处",
        "rights given to a named role, or rows published elsewhere",
        ("GRANT UPDATE ON payments TO pg_monitor", "CREATE PUBLICATION elsewhere FOR ALL TABLES"),
        "",
        UNSEEN,
        ("postgres",),
        "谁可以登录和写入由运行人员决定，请定期查看；他们改动了什么，核对会指出",
        "who may log in and write is the operator's choice, to be looked at now and then; what they change is named",
    ),
    Tampering(
        "删去只有校验和的一行，并重算校验和",
        "a row that has the sum alone deleted, and the sum recomputed",
        ("DELETE FROM tracking", "UPDATE table_sums SET row_count=0, total=ZERO WHERE name='tracking'"),
        "",
        UNSEEN,
        BOTH,
        "能改数据库并懂得校验和的人，可以使两者相符；请限制谁能直接登录数据库，并对照备份",
        "whoever writes to the database and knows the sums can make both fit: limit who may log in to it, "
        "and compare with backups",
    ),
    Tampering(
        "换上较旧的副本",
        "an older copy put in its place",
        (),
        "",
        OUTSIDE,
        BOTH,
        "密钥最后签署之前的一段，由密钥旁的记录和外部检查点发现，账本也不再入账；其后入账的一段，没有签过，无从发现：请缩短签署的间隔",
        "what was signed for is missed by the record beside the key, by outside checkpoints, and by every append; "
        "what came after the last signature leaves no trace: sign often",
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
TAMPERINGS = (*EVENTS, *BESIDE, *MODELS, *KEPT, *LOGGED, *SCHEMA, *UNGUARDED)
