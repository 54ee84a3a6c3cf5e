"""Facts that disagree: which do, by rules that are rows of data, and how it is told.

The kinds:

``claimed-twice``  two enterprises report the same thing (a shop, a branch, a trademark)
``two-sources``    two sources report different figures for one matter of one enterprise
``reported-twice`` two sources report the same sum for one matter of one enterprise, where reports add up
``outlier``        a yearly amount many times what the enterprise reported in its best year before
``replaced-code``  a fact that is dated after its enterprise's credit code was replaced

A *matter* is what two facts are about; facts of one matter are compared with each other alone.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from domain.events.amendments import FactCorrected, FactRetracted
from domain.events.claims import ClaimEvent
from domain.events.content import Content, ContentValue, DatedThing, YearlyAmount, YearlyFigure
from domain.events.event import SEP
from domain.facts.folding import EnterpriseFacts
from domain.money.amounts import CURRENCIES, FOREIGN, print_fen
from domain.policy.model import DisagreementRule
from domain.things.spelling import canonical_identity
from domain.vocabulary.kinds import Words
from domain.vocabulary.load import shipped_vocabulary

REPLACED = "EnterpriseReplaced"
REPORTED_TWICE = "reported-twice"
OF_ONE_ENTERPRISE = ("two-sources", REPORTED_TWICE)
"""Kinds that compare what several sources say of one enterprise."""
NEVER_LATE = (
    *(kind.name for kind in shipped_vocabulary().kinds.values() if kind.of_register),
    FactCorrected.__name__,
    FactRetracted.__name__,
)
"""Events that a replaced code may still have."""


class Party(NamedTuple):
    """One of the facts that disagree."""

    key: str
    code: str
    source: str
    value: str


_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Characters that leave no trace on paper (Unicode's Default_Ignorable_Code_Point)."""


def plain(value: Any) -> str:
    """A name or number as it is compared: width, case, spaces and what nobody sees tell no two apart.

    Matters that are stored are found by it, so it stays as it is, whatever becomes of canonical forms.
    """
    text = str(value)
    if not text.isascii():
        text = _UNSEEN.sub("", unicodedata.normalize("NFKC", text))
    return "".join(text.casefold().split())


def matter_of(rule: DisagreementRule, code: str, content: Content) -> str:
    """What a fact is about, under a rule; two sources are compared within one enterprise only."""
    values = tuple([content.field_value(name) for name in rule.same])
    if rule.kind in OF_ONE_ENTERPRISE:
        return SEP.join((rule.kind, rule.fact, code, *rule.same, *_read_plain(values)))
    return SEP.join((rule.kind, rule.fact, "", *rule.same, *map(plain, values)))


@lru_cache(maxsize=4_096)
def _read_plain(values: tuple[ContentValue, ...]) -> tuple[str, ...]:
    """``plain`` of values of which enterprises share most: years, channels, currencies."""
    return tuple(map(plain, values))


def disagreement_id(policy: str, rule: str, matter: str) -> str:
    """What a disagreement is called: the same for the same matter, whoever came first."""
    return hashlib.sha256(SEP.join((policy, rule, matter)).encode()).hexdigest()[:16]


def disagree(rule: DisagreementRule, parties: Collection[Party], adds_up: bool) -> bool:
    """Whether the facts of one matter disagree.

    Args:
        adds_up: whether several reports of one source are parts of a sum, as yearly amounts are.
    """
    if rule.kind == "claimed-twice":
        return len({party.code for party in parties}) > 1
    sources: dict[str, set[str]] = {}
    sums: dict[str, int] = {}
    for party in parties:
        source = canonical_identity(party.source)
        sources.setdefault(source, set()).add(party.value)
        if party.value.isdigit():
            sums[source] = sums.get(source, 0) + int(party.value)
    if len(sources) < 2:
        return False
    if rule.kind == REPORTED_TWICE:
        return len(set(sums.values()) - {0}) < len([fen for fen in sums.values() if fen])
    if not all(party.value.isdigit() for party in parties):
        return len({frozenset(values) for values in sources.values()}) > 1
    ends = [(sums[source],) * 2 if adds_up else _ends(values) for source, values in sources.items()]
    return any(
        (higher[1] - lower[0]) * 10_000 > rule.tolerance * higher[1]
        for lower, higher in itertools.permutations(ends, 2)
    )


def _ends(values: Iterable[str]) -> tuple[int, int]:
    figures = [int(value) for value in values]
    return min(figures), max(figures)


class Report(NamedTuple):
    """A yearly amount that an enterprise reported, as corrections leave it."""

    key: str
    content: YearlyAmount
    measures: bool = True
    """Whether later years are measured by it: not once somebody decided against it."""


class OutOfLine(NamedTuple):
    """A year that is many times the best year before, ``best`` in hundredths."""

    year: int
    best: int
    keys: list[str]


def out_of_line(reports: Iterable[Report], group: Iterable[str], times: int) -> list[OutOfLine]:
    """Years whose reports add up to many times the enterprise's best year before, in any order of arrival.

    Args:
        reports: the enterprise's reports of one kind.
        group: the fields that tell one series of years from another; so does the currency.
    """
    years_by_series: dict[tuple[str, ...], dict[int, list[Report]]] = {}
    for report in reports:
        years = years_by_series.setdefault(series_of(report.content, group), {})
        years.setdefault(report.content.year, []).append(report)
    outliers = []
    for years in years_by_series.values():
        best = 0
        for year, year_reports in sorted(years.items()):
            total = sum(report.content.amount_fen for report in year_reports)
            if best and total > best * times:
                outliers.append(OutOfLine(year, best, [report.key for report in year_reports]))
            measuring = [report for report in year_reports if report.measures]
            best = max(best, sum(report.content.amount_fen for report in measuring))
    return outliers


def series_of(content: YearlyAmount, group: Iterable[str]) -> tuple[str, ...]:
    """What tells one series of years from another."""
    return (*(str(content.field_value(part) or "") for part in group), content.currency)


class YearSum(NamedTuple):
    """What a year's reports of one series come to, by the sums of what counts."""

    key: str
    """Of the sum."""
    head: str
    """The key without the year."""
    year: int
    best: int
    """The best year before, in hundredths, where this is many times that; otherwise 0."""


def years_of_sums(facts: EnterpriseFacts, name: str, times: int) -> list[YearSum]:
    """What ``out_of_line`` tells of reports, told by their sums: where none is held or set aside."""
    totals_by_head: dict[str, list[tuple[int, str, int]]] = {}
    for key, reports in facts.amounts.get(name, {}).items():
        head, _, year = key.rpartition(SEP)
        totals_by_head.setdefault(head, []).append((int(year), key, reports.total))
    years = []
    for head, totals in totals_by_head.items():
        best = 0
        for number, key, total in sorted(totals):
            years.append(YearSum(key, head, number, best if best and total > best * times else 0))
            best = max(best, total)
    return years


def series_at(head: str, group_size: int) -> list[tuple[str, ...]]:
    """The series that the key of a sum may be of: it names no currency where its group says which it is."""
    parts = tuple(head.split(SEP)) if head else ()
    if len(parts) > group_size:
        return [parts]
    return [(*parts, currency) for currency in CURRENCIES if currency not in FOREIGN]


def may_be_out_of_line(facts: EnterpriseFacts, name: str, times: int) -> bool:
    """Whether a look at the reports themselves can find any: sums leave out what is held."""
    if facts.held:
        return True
    series = [key.rpartition(SEP)[0] for key in facts.amounts.get(name, ())]
    if len(set(series)) == len(series):
        return False  # nothing has a year before
    best: dict[str, int] = {}
    years = [
        (*key.rpartition(SEP)[::2], reports.total) for key, reports in facts.amounts.get(name, {}).items()
    ]
    for head, _, total in sorted(years, key=lambda row: int(row[1])):
        if head in best and total > best[head] * times:
            return True
        best[head] = max(best.get(head, 0), total)
    return False


def day_of(time: str, content: Content) -> str:
    """The day that a fact is about: its own, the first of its year, or that of its time in China."""
    if isinstance(content, DatedThing):
        return content.on
    if isinstance(content, YearlyAmount | YearlyFigure | ClaimEvent):
        return f"{content.year}-01-01"
    return f"{datetime.fromisoformat(time) + timedelta(hours=8):%Y-%m-%d}"


def replaced_on(facts: EnterpriseFacts) -> tuple[str, str] | None:
    """(day, code that takes the place) of the earliest replacement of an enterprise's code."""
    records = facts.dated.get(REPLACED, {})
    return min(((record.on, by) for by, record in records.items()), default=None)


_WORDS = {
    "claimed-twice": (
        "同一{what}（{matter}）由{count}家企业报送",
        "the same {what} ({matter}) is reported by {count} enterprises",
    ),
    "two-sources": (
        "不同来源对同一事项（{matter}）报送的数不一致：{values}",
        "sources differ about one matter ({matter}): {values}",
    ),
    "reported-twice": (
        "不同来源对同一事项（{matter}）报送了相同的合计，可能重复计算：{values}",
        "sources report the same sum of one matter ({matter}), which may count twice: {values}",
    ),
    "agree": (
        "不同来源对同一事项（{matter}）报送的数一致，只计一次：{values}",
        "sources agree about one matter ({matter}), which counts once: {values}",
    ),
    "outlier": (
        "{year}年合计{value}，是该企业以往最高年度{best}的{times}倍以上",
        "{value} in {year} is more than {times} times the enterprise's best year before, {best}",
    ),
    "replaced-code": (
        "信用代码已于{on}由{by}接替，此后仍有数据以原代码报送",
        "the credit code was replaced by {by} on {on}, and facts dated later still come under it",
    ),
}
PROJECT, ANYTHING = Words("项目", "project"), Words("事项", "thing")
"""What an approved claim is for, and what a fact of no kind claims."""


def words_of(
    kind: str,
    event: str,
    matter: str,
    values: list[str],
    codes: int,
    names: Mapping[str, Mapping[str, str]],
    agree: bool = False,
) -> dict[str, str]:
    """A disagreement in a sentence, in both languages.

    Args:
        matter: as ``matter_of`` made it; for ``outlier`` best, times and year; for
            ``replaced-code`` the day and the code that takes the place.
        values: the values of the facts, each once; for ``outlier`` their sum.
        names: what values of code lists are called, in each language.
        agree: whether the sources say the same.
    """
    parts = matter.split(SEP)
    zh, en = _WORDS["agree" if agree else kind]
    if kind in ("claimed-twice", *OF_ONE_ENTERPRISE):
        half = (len(parts) - 3) // 2
        claimed, sentences = _claimed(event), {}
        for language, form, comma in (("zh", zh, "、"), ("en", en, ", ")):
            subject = " ".join(names.get(part, {}).get(language, part) for part in parts[3 + half :])
            amounts = comma.join(_money(value) for value in values)
            sentences[language] = form.format(
                what=claimed.in_language(language), matter=subject, count=codes, values=amounts
            )
        return sentences
    if kind == "outlier":
        best, times, year = parts[1:]
        args = {"value": "、".join(map(_money, values)), "best": _money(best), "times": times, "year": year}
    else:
        args = {"on": parts[1], "by": parts[2]}
    return {"zh": zh.format(**args), "en": en.format(**args)}


def _claimed(event: str) -> Words:
    """What a fact of an event claims, within a sentence."""
    kind = shipped_vocabulary().kinds.get(event)
    return kind.claim if kind else PROJECT if event == "ClaimApproved" else ANYTHING


def _money(value: str) -> str:
    return print_fen(int(value), grouped=True) if value.isdigit() else value
