"""Words that papers compose details of, marked as ``‹made›``, so that each paper is in one language."""

from __future__ import annotations

import re

from domain.vocabulary.kinds import Words

TERMS = {
    "facts": Words("数据", "facts"),
    "awards": Words("奖励", "awards"),
    "awards by measure": Words("奖励（按条款）", "awards by measure"),
    "awards by town": Words("奖励（按镇街）", "awards by town"),
    "payments": Words("付款", "payments"),
    "payments by month": Words("付款（按月）", "payments by month"),
    "clawbacks": Words("追回", "clawbacks"),
    "ordered": Words("已下达", "ordered"),
    "made": Words("已付讫", "made"),
    "failed": Words("已退回", "failed"),
    "recovered": Words("已收回", "recovered"),
    "list": Words("名单", "list"),
    "closing": Words("办结", "closing"),
    "settled": Words("逐户", "settled"),
    "paid": Words("实付", "paid"),
    "payable": Words("应付", "payable"),
    "corrected": Words("更正", "corrected"),
    "retracted": Words("撤回", "retracted"),
    "acted": Words("办理", "acted"),
    "proposed": Words("提出", "proposed"),
    "confirmed": Words("确认", "confirmed"),
    "counts": Words("计入", "counts"),
    "does-not-count": Words("不计入", "does not count"),
    "not-applicable": Words("不适用", "not applicable"),
    "range": Words("最大与最小之比", "range"),
    "count": Words("笔数", "count"),
    "conforming": Words("符合", "conforming"),
    "nonconforming": Words("不符合", "nonconforming"),
    "mean deviation": Words("平均偏差", "mean deviation"),
}
"""By what stands between the marks."""
_MARKED = re.compile(r"‹([a-z -]+)›")


def in_words(text: str, language: str) -> str:
    """A text with its terms in one language; what stands between such marks and is none stays."""
    return _MARKED.sub(
        lambda found: TERMS[found[1]].in_language(language) if found[1] in TERMS else found[0], text
    )
