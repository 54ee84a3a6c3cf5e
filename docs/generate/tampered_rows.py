"""Tampering with rows that the log knows: counts and sums are made to fit, and the log still tells."""

from __future__ import annotations

from docs.generate.tampering import Tampering


def _fitted(zh: str, en: str, sql: str, words: str) -> Tampering:
    """One whose counts and sums are made to fit, so that only the log tells."""
    and_sums = "，并使校验和相符", ", and the sums made to fit"
    return Tampering(zh + and_sums[0], en + and_sums[1], (sql,), words, fits_sums=True)


_KEY = "'forged', digest, name, source, types, made_at, NULL FROM machine_keys LIMIT 1"
_LOOK = "0, at, actor, address, method, path, code, times, issuer, subject FROM looks LIMIT 1"
_REFUSED = (
    "'x', 0, first_at, last_at, times, channel, source, event_id, subject, type, raw, faults, resolved, "
    "origin, dead_lettered, sender FROM refused LIMIT 1"
)
_RAW = "(SELECT secret FROM log_secret)"
LOGGED = (
    _fitted(
        "删去上游密钥", "machines' keys deleted", "DELETE FROM machine_keys", "is missing: it was deleted"
    ),
    _fitted(
        "添加密钥", "a key added", f"INSERT INTO machine_keys SELECT {_KEY}", "rows were added or deleted"
    ),
    _fitted(
        "扩大密钥的权限", "a key's right widened", "UPDATE machine_keys SET types=''", "otherwise: types"
    ),
    _fitted(
        "换成别的密钥", "a key's secret exchanged", "UPDATE machine_keys SET digest='x'", "otherwise: digest"
    ),
    _fitted(
        "恢复已停用的密钥",
        "a key that ended put in use again",
        "UPDATE machine_keys SET revoked_at=NULL",
        "otherwise: revoked_at",
    ),
    _fitted(
        "停用密钥而不留记录",
        "a key ended without a record",
        "UPDATE machine_keys SET revoked_at='2026-01-01T00:00:00.000000Z'",
        "otherwise: revoked_at",
    ),
    _fitted("删去查阅记录", "looks deleted", "DELETE FROM looks", "looks: the rows 1 to"),
    _fitted("改动查阅人", "who looked changed", "UPDATE looks SET actor='x'", "looks: the rows 1 to"),
    _fitted(
        "改动查阅次数",
        "how often somebody looked changed",
        "UPDATE looks SET times=7",
        "looks: the rows 1 to",
    ),
    _fitted("添加查阅记录", "a look added", f"INSERT INTO looks SELECT {_LOOK}", "rows were added"),
    _fitted("删去退回的数据", "refused messages deleted", "DELETE FROM refused", "refused: the rows 1 to"),
    _fitted(
        "改动退回数据的渠道",
        "refused messages' channel changed",
        "UPDATE refused SET channel='x'",
        "was changed",
    ),
    _fitted(
        "改动退回的原文", "refused messages' bytes changed", f"UPDATE refused SET raw={_RAW}", "of its digest"
    ),
    _fitted(
        "添加退回的数据",
        "a refused message added",
        f"INSERT INTO refused SELECT {_REFUSED}",
        "rows were added",
    ),
    _fitted(
        "标为不再处理",
        "a refused message dismissed",
        "UPDATE refused SET resolved='dismissed' WHERE channel='late'",
        "was dismissed",
    ),
    _fitted(
        "重新打开已了结的",
        "a settled message opened again",
        "UPDATE refused SET resolved=NULL",
        "is open, though it was settled since",
    ),
    _fitted(
        "删去重建结果", "certificates deleted", "DELETE FROM certificates", "certificates: the rows 1 to"
    ),
    _fitted(
        "改动重建结果",
        "certificates changed",
        "UPDATE certificates SET live='x'",
        "certificates: the rows 1 to",
    ),
)
