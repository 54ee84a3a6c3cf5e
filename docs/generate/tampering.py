"""One kind of tampering: what is done straight on a database, and who names it."""

from __future__ import annotations

from typing import NamedTuple

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
    fits_sums: bool = False
    """Whether counts and sums of the tables are then made to fit."""
