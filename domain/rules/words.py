"""Explanations in words, zh-CN and English, rendered from the values that made the figures."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, get_args, get_type_hints

from domain.money.amounts import print_fen
from domain.money.dividing import GROUP
from domain.policy.model import Policy, Words
from domain.rules.awards import AWAITING, CONFLICT, NO_HISTORY, SHORT_HISTORY
from domain.rules.findings import Finding, Templates
from domain.rules.steps import Step
from domain.vocabulary.load import shipped_vocabulary

FLAGS: dict[str, Templates] = {
    CONFLICT: ("核定数互相矛盾，待更正", "contradicting assessments, to be corrected"),
    AWAITING: ("待核定地方综合贡献", "waits for the year's assessment"),
    SHORT_HISTORY: (
        "历史不足，基数按实有年度平均，待复核",
        "short history: the base is the mean of fewer years, to be reviewed",
    ),
    NO_HISTORY: ("没有基数年度的核定数", "no assessment of the base years"),
}

CONDITIONS: dict[str, Templates] = {
    kind.name: (kind.condition.zh, kind.condition.en) for kind in shipped_vocabulary().kinds.values()
}

LANGUAGES = ("zh", "en")


def flag_words(flag: str) -> Words:
    """What a flag of an award says, in both languages."""
    return dict(zip(LANGUAGES, FLAGS[flag], strict=True))


@cache
def _units(finding_class: type[Finding]) -> dict[str, str]:
    """The unit of each value of a kind of finding, in the order of a document; ``""`` for none."""
    annotations = get_type_hints(finding_class, include_extras=True)
    names = [name for name in finding_class.__struct_fields__ if name not in Step.__struct_fields__]
    return {name: _unit(annotations[name]) for name in names}


def _unit(annotation: Any) -> str:
    """The unit that stands in an annotation, or in a part of it."""
    if metadata := getattr(annotation, "__metadata__", ()):
        return str(metadata[0])
    return next(filter(None, map(_unit, get_args(annotation))), "")


def words_of(finding: Finding, currency: str = "CNY") -> Words:
    """What a step or a hint says, in both languages; ``currency`` is the policy's."""
    units = _units(type(finding))
    templates = finding.words
    if finding.uncapped is not None and getattr(finding, "cap", None) is None:
        templates = finding.uncapped
    values = {name: getattr(finding, name) for name in units}
    reported = values.get("currency", currency)
    words = {}
    for place, language in enumerate(LANGUAGES):
        texts = {
            name: _text(value, units[name], place, reported if units[name] == "reported" else currency)
            for name, value in values.items()
        }
        words[language] = templates[place].format(**texts)
    return words


_UNLIMITED: Templates = ("不设上限", "none")
_JOINT: Templates = ("、", ", ")


def _text(value: Any, unit: str, place: int, currency: str) -> str:
    """A value for readers: fen as ¥1,234.56, rates as percentages, no cap as such."""
    if value is None:
        return _UNLIMITED[place]
    if isinstance(value, list):
        return _JOINT[place].join(_text(part, unit, place, currency) for part in value)
    if unit == "rate":
        return f"{value // 100}.{value % 100:02d}%".replace(".00%", "%")
    if unit == "condition":
        return CONDITIONS[value][place] if value in CONDITIONS else str(value)
    if unit in ("fen", "reported"):
        return print_fen(value, currency)
    return str(value)


def values_of(finding: Finding) -> dict[str, Any]:
    """The values of a step or a hint as data for JSON: fen as yuan text, everything else as it is."""
    values = {}
    for name, unit in _units(type(finding)).items():
        value, as_data = getattr(finding, name), _AS_DATA.get(unit)
        if as_data is None or value is None:
            values[name] = value
        else:
            values[name] = [as_data(part) for part in value] if isinstance(value, list) else as_data(value)
    return values


_AS_DATA: dict[str, Callable[[int], str]] = {"fen": print_fen, "reported": print_fen}


def step_document(step: Step, currency: str = "CNY") -> dict[str, Any]:
    """One step as data for JSON, with its words."""
    return {"op": step.code, "values": values_of(step), "words": words_of(step, currency)}


def highest_only_words(
    compared: int, competing: int, withheld: int, rule: str, currency: str = "CNY", *, reduced: bool = False
) -> Words:
    """Both sums, which of them wins, and what would flip it.

    ``compared`` is what is held against the ``competing`` award, in fen: the award, or what the budget left
    of it where it was ``reduced`` before.
    """

    def money(fen: int) -> str:
        return print_fen(fen, currency)

    eligible = compared - withheld
    this_policy = {
        "zh": f"本政策{'下调后 ' if reduced else ' '}{money(compared)}",
        "en": f"this policy gives {money(compared)}{' once reduced' if reduced else ''}",
    }
    if not competing:
        return {
            "zh": f"{this_policy['zh']}，没有我市其他政策对同一事项的奖励；若另有奖励，两者取高",
            "en": f"{this_policy['en']}, no other policy of the city gave anything for it; "
            "if one did, the higher of the two would be paid",
        }
    if rule == "barred":
        flip = ("；若撤回其他奖励，则全额发放", "; without the other award it would be paid in full")
    elif eligible:
        flip = (
            f"；若其他奖励达到 {money(compared)}，则不再发放",
            f"; if the other reached {money(compared)}, nothing would be paid",
        )
    elif compared:
        flip = (
            f"；若其他奖励低于 {money(compared)}，则补足差额",
            f"; were the other below {money(compared)}, the difference would be paid",
        )
    else:
        flip = ("", "")
    return {
        "zh": f"{this_policy['zh']}，我市其他政策对同一事项已给 {money(competing)}，从高不重复："
        f"扣除 {money(withheld)}，余 {money(eligible)}{flip[0]}",
        "en": f"{this_policy['en']}, other policies of the city gave {money(competing)} for the same matter: "
        f"{money(withheld)} withheld, {money(eligible)} left{flip[1]}",
    }


def carried_over_words(reduction_fen: int, year: int, currency: str) -> Words:
    """That what the budget took off an award shares the budget of ``year``."""
    money = print_fen(reduction_fen, currency)
    return {
        "zh": f"下调的 {money} 结转 {year} 年度参与分配",
        "en": f"the {money} that it was reduced by shares the budget of {year}",
    }


def carried_in_words(reduction_fen: int, year: int, currency: str) -> Words:
    """That what the budget of ``year`` took off comes into this one."""
    money = print_fen(reduction_fen, currency)
    return {
        "zh": f"{year} 年度按比例下调的 {money} 结转本年度",
        "en": f"{money} that the budget of {year} took off is carried into this year",
    }


def adjustment_words(fen: int, year: int, currency: str) -> Words:
    """That an amount was accepted after ``year`` was closed."""
    money = print_fen(fen, currency)
    return {
        "zh": f"{year} 年度办结后补记的 {money} 计入本年度",
        "en": f"{money} was accepted into this year after {year} was closed",
    }


OTHER_FUNDS: Words = {
    "zh": "由其他资金列支，不计入本预算",
    "en": "paid from other funds, outside this budget",
}
"""What is said of an award that shares no budget."""


def pro_rata_words(
    sharing: int, budget: int, fraction: str, percent: str, before: int, after: int, currency: str = "CNY"
) -> Words:
    """Whether and how the budget reduced an award."""

    def money(fen: int) -> str:
        return print_fen(fen, currency)

    if sharing <= budget:
        return {
            "zh": f"参与分配 {money(sharing)}，未超过预算 {money(budget)}，不下调",
            "en": f"{money(sharing)} shares the budget of {money(budget)} and is within it: not reduced",
        }
    return {
        "zh": f"参与分配 {money(sharing)}，超过预算 {money(budget)}，按 {fraction}（{percent}）下调："
        f"{money(before)} → {money(after)}（尾差按最大余数法分配）",
        "en": f"{money(sharing)} shares the budget of {money(budget)}, which is less; reduced to "
        f"{fraction} ({percent}): {money(before)} → {money(after)} (spare fen by largest remainder)",
    }


def of_pot(policy: Policy, pot: str, words: Words) -> Words:
    """Words about a budget, begun with its name where there are several."""
    if not pot:
        return words
    named = pot_words(policy, pot)
    return {"zh": f"{named['zh']}：{words['zh']}", "en": f"{named['en']}: {words['en']}"}


def pot_words(policy: Policy, pot: str) -> Words:
    """What one of several pots is called: its budget, and the class of measures that is paid in its turn."""
    budget, _, group = pot.partition(GROUP)
    name = next((each.name for each in policy.budgets if each.id == budget), {"zh": budget, "en": budget})
    en = filter(None, (name["en"], f"class {group}" if group else ""))
    return {"zh": name["zh"] + (f"第{group}类" if group else ""), "en": ", ".join(en)}
