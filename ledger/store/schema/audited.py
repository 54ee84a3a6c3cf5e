"""How an audit guards each table: derived and compared, in the log, summed with every write, or not at all.

A table that is declared (``ledger.store.schema.tables``) says here which, unless a replay makes it again;
docs/audited.md lists them. A table of the last kind says why.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from ledger.store.schema.tables import TABLES, Rebuilding


class Guarding(Enum):
    """What an audit holds a table against, in zh-CN and English."""

    DERIVED = ("由日志推得，核对时逐行比对", "derived from the log, and compared row by row")
    LOGGED = ("内容或摘要在日志中", "its content, or a digest of it, is in the log")
    SUMMED = (
        "每次写入时同时写下行数与校验和，核对时重算",
        "a count and a sum are kept with each write, and recomputed",
    )
    NEITHER = ("不核对", "not checked")


class Audited(NamedTuple):
    """How one table is guarded, and in one sentence against what, or why not."""

    guarding: Guarding
    zh: str
    en: str
    is_summed: bool = False
    """Whether a count and a sum are kept beside, for the rows that the log says nothing of yet."""


_D, _L, _S, _N = Guarding.DERIVED, Guarding.LOGGED, Guarding.SUMMED, Guarding.NEITHER
_REPLAYED = Audited(_D, "重放得出同样的各行", "a replay gives the same rows")

_STATED = (
    "按期以摘要记入日志；尚未记入的各行有校验和",
    "stated in the log by a digest of each period; rows that are not stated yet have the sum",
)

AUDITED: dict[str, Audited] = {
    **{name: _REPLAYED for name, table in TABLES.items() if table.rebuilding is Rebuilding.REPLAYED},
    "stored_events": Audited(
        _L, "日志本身：每条重算散列，与树、检查点比对", "the log itself: each is hashed again"
    ),
    "event_keys": Audited(
        _D, "由每条数据重算身份与摘要，双向比对", "keys and digests are recomputed, both ways"
    ),
    "batches": Audited(_D, "与每条数据所载的记录时间比对", "held against the recorded time in each event"),
    "tiles": Audited(_D, "由数据重算", "recomputed from the events"),
    "policies": Audited(_D, "与采用政策的事件比对", "held against the events that adopted them"),
    "budgets": Audited(_D, "与设定预算的事件比对", "held against the events that set them"),
    "used_keys": Audited(_S, "答复时写下，到期删去", "written with an answer, gone when they expire"),
    "checkpoints": Audited(
        _S, "并与事件推得的根、外部留存的检查点比对", "and held against the roots of the events"
    ),
    "totals_history": Audited(_S, "最后一行另与合计比对", "and its last rows against the totals"),
    "matters": Audited(_S, "何时发现取决于当时的规则", "what was found depends on the rules of its day"),
    "disagreements": Audited(_S, "决定另与事件比对", "and decisions against their events"),
    "disagreement_steps": Audited(_S, "历次变化", "every change of an outcome"),
    "disputes": Audited(_S, "决定另与事件比对", "and decisions against their events"),
    "spellings": Audited(
        _S, "升级时由事件推得，此后不变", "derived from the events by an upgrade, then never written"
    ),
    "certificates": Audited(_L, *_STATED, is_summed=True),
    "refused": Audited(
        _L,
        f"{_STATED[0]}；原文与其摘要、办结与事件比对；次数、最近一次的原因和报送人只有校验和",
        f"{_STATED[1]}; its bytes are held against their digest, how it was settled against events; how "
        "often it came, its last faults and who sent it have the sum alone",
        is_summed=True,
    ),
    "person_keys": Audited(
        _S, "不能进日志：删除后须再无从得知", "no part of the log: what is erased must be gone"
    ),
    "machine_keys": Audited(
        _D,
        "与发放、停用密钥的事件逐行比对；记入日志之前发放的，与日志中的摘要比对",
        "held against the events that made and ended keys; those made before keys were recorded, against "
        "a digest in the log",
        is_summed=True,
    ),
    "looks": Audited(_L, *_STATED, is_summed=True),
    "tracking": Audited(_S, "与所收的数据同时写下", "written with what was taken in"),
    "table_sums": Audited(
        _N, "即上述校验和；与各表相互核对", "these are the sums; they and the tables check each other"
    ),
    "schema_version": Audited(
        _D, "与程序所知的各步比对；结构本身另逐项比对", "held against the steps that the program knows"
    ),
    "log_secret": Audited(
        _N, "改动它，日志每一条都不符", "where it is changed, every event differs from the log"
    ),
    "correlations": Audited(
        _N,
        "可随时删除；任何金额和证明都不依赖它",
        "may be deleted at any time; no figure or proof depends on it",
    ),
    "used_tokens": Audited(
        _N,
        "令牌到期即删；到期的令牌无论如何不再有效",
        "rows go when tokens expire, which then count for nothing",
    ),
    "sessions": Audited(
        _N,
        "登录到期即删；每行另有密封的内容，改动过的登录不再有效",
        "rows go when sessions end; each is sealed as well, and one that was altered holds no longer",
    ),
}
"""By table; every table of the registry, and those of the eventsourcing library."""

SUMMED = tuple(
    table for table, audited in AUDITED.items() if audited.guarding is Guarding.SUMMED or audited.is_summed
)
"""Tables whose rows are counted and summed with every write (``ledger.store.guard``)."""
