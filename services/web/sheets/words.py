"""Words of previews that the command line, the API and the console share."""

from __future__ import annotations

from collections.abc import Iterable

from domain.faults.fault import Fault
from domain.vocabulary.words import table_words

STATE_WORDS = {
    "new": {"zh": "新数据", "en": "new"},
    "known": {"zh": "已入账", "en": "known"},
    "retracted": {"zh": "已撤回", "en": "retracted"},
    "repeated": {"zh": "重复行", "en": "repeated"},
    "contradictory": {"zh": "相互矛盾", "en": "contradictory"},
    "wrong": {"zh": "有误", "en": "wrong"},
}
STAGES = {
    "waiting": {"zh": "等待读取", "en": "waiting"},
    "reading": {"zh": "读取", "en": "reading"},
    "trying": {"zh": "核对", "en": "checking"},
    "weighing": {"zh": "试算", "en": "working out"},
    "ready": {"zh": "可以入账", "en": "ready"},
    "recording": {"zh": "入账", "en": "recording"},
    "recorded": {"zh": "已入账", "en": "recorded"},
    "failed": {"zh": "不能读取", "en": "cannot be read"},
}


def unread_said(unread: Iterable[tuple[str, str]], language: str) -> list[str]:
    """Sheets that were not read, each with the reason."""
    pairs = [(title, table_words().unread[reason].in_language(language)) for title, reason in unread]
    return [f"{title} ({why})" if language == "en" else f"{title}（{why}）" for title, why in pairs]


def stage_said(stage: str, language: str) -> str:
    """A stage of the work in words."""
    return STAGES[stage][language]


def fault_words(fault: Fault, language: str) -> str:
    """A fault on one line."""
    words = fault.words(language)
    return f"{words['field']}: {words['rule']} — {words['mend']}"
