"""Two versions of a policy file compared: what was added, taken away or changed, in words.

Measures, readings, targets and clauses are known by their ids, so that their order says nothing; nor
does that of a list of names or values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from domain.money.amounts import CURRENCIES, MoneyError, parse_fen, print_fen
from domain.policy.model import Words
from domain.policy.source import raw_file

Path = tuple[str, ...]


class Difference(NamedTuple):
    """One thing that differs: where it stands in the file, and its value in each; ``None`` for none."""

    path: Path
    before: str | None
    after: str | None

    def path_words(self, language: str, titles: dict[str, Words]) -> str:
        """Where it stands, in words; ``titles`` are those of measures, readings and targets by id."""
        words, fields = [], self.path
        if len(fields) > 1 and fields[1] in titles and fields[0] in ("measures", "targets", "readings"):
            title = titles[fields[1]].get(language, "")
            words.append(f"{title}（{fields[1]}）" if language == "zh" else f"{title} ({fields[1]})")
            fields = fields[2:]
        words += [FIELDS.get(field, {}).get(language, field) for field in fields]
        return " · ".join(words)


def differences(before: str, after: str) -> list[Difference]:
    """What differs between two policy files, in the order of their fields.

    Raises:
        PolicyError: where one of them is no YAML of that form.
    """
    was, now = dict(_leaves(raw_file(before))), dict(_leaves(raw_file(after)))
    order = [*was, *(path for path in now if path not in was)]
    return list(_joined([Difference(p, was.get(p), now.get(p)) for p in order if was.get(p) != now.get(p)]))


def titles_in(*texts: str) -> dict[str, Words]:
    """The titles of measures and targets, and what readings are about, by id."""
    titles: dict[str, Words] = {}
    for text in texts:
        raw = raw_file(text)
        for name in ("measures", "targets"):
            for row in raw.get(name) or []:
                if isinstance(row, dict) and isinstance(row.get("title"), dict):
                    titles[str(row.get("id"))] = row["title"]
        for name, reading in (raw.get("readings") or {}).items():
            if isinstance(reading, dict):
                titles.setdefault(name, {"zh": "理解", "en": "reading"})
    return titles


def currency_in(text: str) -> str:
    """What a policy file's amounts are in; yuan where it does not say."""
    budget = raw_file(text).get("budget")
    currency = budget.get("currency") if isinstance(budget, dict) else None
    return currency if currency in CURRENCIES else "CNY"


def value_words(value: str | None, language: str, currency: str = "CNY") -> str:
    """A value as people write it; amounts in the file's currency."""
    if value is None:
        return "无" if language == "zh" else "none"
    try:
        return print_fen(parse_fen(value, printed=True), currency)
    except MoneyError:
        return value


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*path, str(key)))
    elif isinstance(value, list) and all(isinstance(item, dict) and "id" in item for item in value) and value:
        for item in value:
            yield from _leaves(item, (*path, str(item["id"])))
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        # Tiers, and classes of measures: their order says something.
        for place, item in enumerate(value, start=1):
            yield from _leaves(item, (*path, str(place)))
    elif isinstance(value, list):
        yield path, ", ".join(sorted(str(item) for item in value))
    else:
        yield path, "—" if value is None else str(value)


def _joined(differences: list[Difference]) -> Iterator[Difference]:
    """What was added or taken away as a row is told in one line, by its id."""
    rows: dict[Path, list[Difference]] = {}
    for difference in differences:
        rows.setdefault(difference.path[:2], []).append(difference)
    for difference in differences:
        row = difference.path[:2]
        if len(difference.path) <= 2 or row[0] not in _LISTS or not _is_one_sided(rows[row]):
            yield difference
        elif difference is rows[row][0]:
            added = difference.before is None
            yield Difference(row, None if added else row[1], row[1] if added else None)


def _is_one_sided(row: list[Difference]) -> bool:
    """Whether all of a row, its id among it, stands in one of the files only."""
    added, removed = (all(getattr(each, side) is None for each in row) for side in ("before", "after"))
    return (added or removed) and any(each.path[2:] == ("id",) for each in row)


_LISTS = ("measures", "readings", "targets", "clauses", "disagreements")
"""Parts of a file whose rows have an id of their own."""

FIELDS: dict[str, dict[str, str]] = {
    "version": {"zh": "版本", "en": "version"},
    "effective_from": {"zh": "施行日期", "en": "effective date"},
    "title": {"zh": "名称", "en": "title"},
    "document": {"zh": "文件", "en": "document"},
    "number": {"zh": "文号", "en": "number"},
    "issued": {"zh": "印发日期", "en": "issued"},
    "issuer": {"zh": "印发单位", "en": "issuer"},
    "repeals": {"zh": "废止文件", "en": "repeals"},
    "life": {"zh": "有效期", "en": "life"},
    "from": {"zh": "起", "en": "from"},
    "until": {"zh": "止", "en": "until"},
    "budget": {"zh": "预算", "en": "budget"},
    "amount": {"zh": "金额", "en": "amount"},
    "parts": {"zh": "分项预算", "en": "named budgets"},
    "towns": {"zh": "适用镇街", "en": "towns"},
    "rest": {"zh": "包括其余", "en": "takes the rest"},
    "name": {"zh": "名称", "en": "name"},
    "priorities": {"zh": "兑现顺序", "en": "order of payment"},
    "currency": {"zh": "币种", "en": "currency"},
    "per": {"zh": "预算期", "en": "period"},
    "inclusive": {"zh": "门槛是否含本数", "en": "thresholds inclusive"},
    "reports": {"zh": "多次报送", "en": "several reports"},
    "rounding": {"zh": "取整", "en": "rounding"},
    "highest_only": {"zh": "从高不重复", "en": "highest-only"},
    "authorities": {"zh": "比较的部门", "en": "authorities"},
    "rule": {"zh": "办法", "en": "rule"},
    "pro_rata": {"zh": "按比例下调", "en": "pro-rata"},
    "approvals_from": {"zh": "可报送审核结果的来源", "en": "sources of decisions about claims"},
    "amendments_from": {"zh": "可更正他人数据的来源", "en": "sources that may amend what others said"},
    "settlement": {"zh": "年度兑现", "en": "settlement"},
    "notice_days": {"zh": "公示天数", "en": "days of publication"},
    "appeal_days": {"zh": "申诉天数", "en": "days to appeal"},
    "claims_until": {"zh": "申报截止", "en": "claims until"},
    "unspent": {"zh": "结余", "en": "unspent budget"},
    "reductions": {"zh": "下调部分", "en": "reductions"},
    "mask": {"zh": "公示时隐去", "en": "masked in the list"},
    "same_person": {"zh": "可由一人兼办", "en": "one person may hold"},
    "duties": {"zh": "职务", "en": "duties"},
    "reason": {"zh": "理由", "en": "reason"},
    "bars": {"zh": "未了则不能办理的事项", "en": "open matters that bar a step"},
    "clauses": {"zh": "条文", "en": "clauses"},
    "readings": {"zh": "理解", "en": "readings"},
    "value": {"zh": "取值", "en": "value"},
    "options": {"zh": "可选项", "en": "options"},
    "basis": {"zh": "依据", "en": "basis"},
    "why": {"zh": "理由", "en": "why"},
    "open": {"zh": "待定程度", "en": "how open"},
    "measures": {"zh": "条款", "en": "measures"},
    "targets": {"zh": "目标", "en": "targets"},
    "article": {"zh": "条", "en": "article"},
    "quote": {"zh": "原文", "en": "quote"},
    "lead": {"zh": "牵头单位", "en": "lead unit"},
    "kind": {"zh": "种类", "en": "kind"},
    "funds": {"zh": "资金来源", "en": "funds"},
    "earns": {"zh": "依据的事实", "en": "earned by"},
    "of": {"zh": "依据的数额", "en": "counted on"},
    "sales": {"zh": "销售额", "en": "sales"},
    "fact": {"zh": "数据类型", "en": "event"},
    "where": {"zh": "条件", "en": "where"},
    "once": {"zh": "给予次数", "en": "once for"},
    "cap": {"zh": "上限", "en": "cap"},
    "cap_per": {"zh": "上限按", "en": "cap per"},
    "unit": {"zh": "单位", "en": "unit"},
    "unit_amount": {"zh": "每单位金额", "en": "amount a unit"},
    "partial": {"zh": "不足一单位", "en": "parts of a unit"},
    "threshold": {"zh": "门槛", "en": "threshold"},
    "percent": {"zh": "比例（%）", "en": "per cent"},
    "tiers": {"zh": "档次", "en": "tiers"},
    "shares": {"zh": "分成档次", "en": "shares"},
    "award": {"zh": "奖励", "en": "award"},
    "claims": {"zh": "申报", "en": "claims"},
    "stacks_with": {"zh": "可与之叠加", "en": "stacks with"},
    "nets": {"zh": "抵扣", "en": "set off against"},
    "goal": {"zh": "目标值", "en": "goal"},
    "counts": {"zh": "统计", "en": "counts"},
    "disagreements": {"zh": "数据不一致", "en": "facts that disagree"},
    "tolerance": {"zh": "允许相差（%）", "en": "tolerance (per cent)"},
    "times": {"zh": "倍数", "en": "times"},
    "then": {"zh": "发现后", "en": "when found"},
}
"""What the fields of a policy file are called."""
