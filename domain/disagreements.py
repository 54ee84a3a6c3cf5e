"""Facts that disagree: which do, by rules that are rows of data, and how it is told.

The kinds:

``claimed-twice``  two enterprises report the same thing (a shop, a branch, a trademark)
``two-sources``    two sources report different figures for one matter of one enterprise
``outlier``        a yearly amount many times what the enterprise reported in its best year before
``replaced-code``  a fact that is dated after its enterprise's credit code was replaced

A *matter* is what two facts are about; facts of one matter are compared with each other alone.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable
from typing import Any, NamedTuple

from domain.facts import SEP, EnterpriseFacts, Fact
from domain.money import yuan
from domain.policy.model import DisagreementRule

REPLACED = "EnterpriseReplaced"
NEVER_LATE = frozenset({REPLACED, "FactCorrected", "FactRetracted", "EnterpriseRegistered"})
"""Events that a replaced code may still have."""


class Party(NamedTuple):
    """One of the facts that disagree."""

    key: str
    code: str
    source: str
    value: str


def plain(value: Any) -> str:
    """A name or number as it is compared: width, case and spaces do not tell two apart."""
    return "".join(unicodedata.normalize("NFKC", str(value)).casefold().split())


def matter_of(rule: DisagreementRule, code: str, content: dict[str, Any]) -> str:
    """What a fact is about, under a rule; two sources are compared within one enterprise only."""
    whose = code if rule.kind == "two-sources" else ""
    values = (plain(content.get(name)) for name in rule.same)
    return SEP.join((rule.kind, rule.fact, whose, *rule.same, *values))


def disagreement_id(policy: str, rule: str, matter: str) -> str:
    """What a disagreement is called: the same for the same matter, whoever came first."""
    return hashlib.sha256(SEP.join((policy, rule, matter)).encode()).hexdigest()[:16]


def disagree(rule: DisagreementRule, one: Party, other: Party) -> bool:
    """Whether two facts of one matter disagree."""
    if rule.kind == "claimed-twice":
        return one.code != other.code
    if one.source == other.source:
        return False
    if not (one.value.lstrip("-").isdigit() and other.value.lstrip("-").isdigit()):
        return one.value != other.value
    low, high = sorted((int(one.value), int(other.value)))
    return (high - low) * 10_000 > rule.tolerance * abs(high)


def best_before(facts: EnterpriseFacts, fact: Fact, group: Iterable[str]) -> int:
    """The largest sum of an earlier year that the enterprise reported of the same kind, in hundredths."""
    content = fact.content
    start = SEP.join(str(content.get(part) or "") for part in group)
    best = 0
    for key, reports in facts.amounts.get(fact.name, {}).items():
        head, _, year = key.rpartition(SEP)
        if year.isdigit() and int(year) < content["year"] and head.startswith(start):
            best = max(best, reports.total)
    return best


def day_of(fact: Fact) -> str:
    """The day that a fact is about: its own, or that of its time."""
    return str(fact.content.get("on") or fact.time[:10])


def replaced_on(facts: EnterpriseFacts) -> tuple[str, str] | None:
    """(day, code that takes the place) of the earliest replacement of an enterprise's code."""
    found = facts.dated.get(REPLACED, {})
    return min(((str(record[0]), by) for by, record in found.items()), default=None)


_WORDS = {
    "claimed-twice": (
        "同一{what}（{matter}）由{count}家企业报送",
        "the same {what} ({matter}) is reported by {count} enterprises",
    ),
    "two-sources": (
        "不同来源对同一事项（{matter}）报送的数不一致：{values}",
        "sources differ about one matter ({matter}): {values}",
    ),
    "outlier": (
        "金额{value}是该企业以往最高年度{best}的{times}倍以上",
        "{value} is more than {times} times the enterprise's best year before, {best}",
    ),
    "replaced-code": (
        "信用代码已于{on}由{by}接替，此后仍有数据以原代码报送",
        "the credit code was replaced by {by} on {on}, and facts dated later still come under it",
    ),
}
WHAT = {
    "StoreRegistered": ("店铺", "shop"),
    "DirectSalesBranchRegistered": ("直销分公司", "branch"),
    "AboveQuotaAdmitted": ("进限单位", "admission"),
    "BrandCertified": ("品牌、商标或认证", "brand, trademark or certificate"),
    "StandardPublished": ("标准", "standard"),
    "WarehouseRecognised": ("海外仓", "warehouse"),
    "RecognitionGranted": ("荣誉", "honour"),
    "ClaimApproved": ("项目", "project"),
}
"""What a fact claims, in words."""


def words_of(kind: str, event: str, matter: str, values: list[str], codes: int) -> dict[str, str]:
    """A disagreement in a sentence, in both languages.

    Args:
        matter: as ``matter_of`` made it, or for kinds of one fact ``[best or day, times or code]``.
        values: the values of the facts, each once.
    """
    parts = matter.split(SEP)
    zh, en = _WORDS[kind]
    if kind in ("claimed-twice", "two-sources"):
        half = (len(parts) - 3) // 2
        about = " ".join(parts[3 + half :])
        what = WHAT.get(event, ("事项", "thing"))
        said = "、".join(_money(value) for value in values)
        args = {"matter": about, "count": codes, "values": said}
        return {"zh": zh.format(what=what[0], **args), "en": en.format(what=what[1], **args)}
    if kind == "outlier":
        args = {"value": _money(values[0]), "best": _money(parts[1]), "times": parts[2]}
    else:
        args = {"on": parts[1], "by": parts[2]}
    return {"zh": zh.format(**args), "en": en.format(**args)}


def _money(value: str) -> str:
    return yuan(int(value)) if value.isdigit() else value
