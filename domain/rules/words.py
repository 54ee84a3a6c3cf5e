"""Explanations in words, zh-CN and English, rendered from the values that made the figures."""

from __future__ import annotations

from typing import Any

from domain.money.amounts import printed, yuan
from domain.money.dividing import GROUP
from domain.policy.model import Policy, Words
from domain.rules.awards import AWAITING, CONFLICT, NO_HISTORY, SHORT_HISTORY, Step

MONEY = frozenset(
    (
        *("amount", "unit_amount", "unit", "cap", "left", "full", "capped", "approved", "result"),
        *("earned", "paid", "threshold", "current", "sales", "short", "more"),
    )
)
"""Names of values that are fen (or US cents where ``currency`` says so)."""

STEPS: dict[str, tuple[str, str]] = {
    "fixed": ("{on} 新增“{item}”：{result}", "“{item}” new on {on}: {result}"),
    "fixed-difference": (
        "{on} 新增“{item}”：{amount}，扣除同一对象另一级别已给的部分，得 {result}",
        "“{item}” new on {on}: {amount}, less what the other level gave for the same thing: {result}",
    ),
    "unit": (
        "{on} 新增“{item}”：每家 {unit_amount}，上限 {cap}，尚余 {left}，得 {result}",
        "“{item}” new on {on}: {unit_amount} each, cap {cap}, {left} left of it, so {result}",
    ),
    "units-of": (
        "{amount} ÷ {unit} = {units} 个整数单位；按每单位 {unit_amount} 计 {full}，上限 {cap}，得 {result}",
        "{amount} ÷ {unit} = {units} whole units; at {unit_amount} each {full}; cap {cap}; so {result}",
    ),
    "tier": (
        "{amount} 达到奖励 {earned} 的档次，减去以前年度已给的 {paid}，得 {result}",
        "{amount} reaches the tier that gives {earned}; less {paid} of earlier years: {result}",
    ),
    "below": ("{amount} 未达到 {threshold}，不予奖励", "{amount} is below {threshold}: nothing"),
    "percent": (
        "{amount} × {rate} = {full}，上限 {cap}，得 {capped}",
        "{amount} × {rate} = {full}; cap {cap}; so {capped}",
    ),
    "claimed": (
        "批准的申报金额为 {approved}，与计算金额 {capped} 取低，得 {result}",
        "the approved claim carries {approved}; the lower of it and {capped} is {result}",
    ),
    "growth": (
        "（{current} − {first}至{last}年 {base} 的平均值）× {rate} = {result}",
        "({current} − the mean of {base}, {first} to {last}) × {rate} = {result}",
    ),
    "awaiting": (
        "本年度地方综合贡献尚未核定，暂不计算",
        "the year's contribution has not been assessed: no award yet",
    ),
    "conflict": (
        "{years} 年有互相矛盾的核定数，更正前暂不发放",
        "the assessments of {years} contradict each other: held until one is corrected",
    ),
    "no-history": (
        "{first}至{last}年没有核定数，无法计算基数",
        "there is no assessment from {first} to {last}, so no base",
    ),
    "approved-open": ("“{item}”批准 {approved}", "“{item}” approved {approved}"),
    "unit-open": ("{on} 新增“{item}”：{unit_amount}", "“{item}” new on {on}: {unit_amount}"),
    "units-of-open": (
        "{amount} ÷ {unit} = {units} 个整数单位；按每单位 {unit_amount} 计，得 {result}",
        "{amount} ÷ {unit} = {units} whole units; at {unit_amount} each {result}",
    ),
    "percent-open": ("{amount} × {rate} = {full}", "{amount} × {rate} = {full}"),
    "approved": (
        "“{item}”批准 {approved}，每件上限 {cap}，得 {result}",
        "“{item}” approved {approved}; cap {cap} each; so {result}",
    ),
}
"""The words of each step of the arithmetic, by operation."""

FLAGS: dict[str, tuple[str, str]] = {
    CONFLICT: ("核定数互相矛盾，待更正", "contradicting assessments, to be corrected"),
    AWAITING: ("待核定地方综合贡献", "waits for the year's assessment"),
    SHORT_HISTORY: (
        "历史不足，基数按实有年度平均，待复核",
        "short history: the base is the mean of fewer years, to be reviewed",
    ),
    NO_HISTORY: ("没有基数年度的核定数", "no assessment of the base years"),
}

HINTS: dict[str, tuple[str, str]] = {
    "fixed": ("符合条件后可得 {amount}", "{amount} once the condition is met"),
    "missing-condition": (
        "“{item}”还缺一个条件（{missing}），具备后可得 {amount}",
        "“{item}” lacks one condition ({missing}); with it, {amount}",
    ),
    "unit": (
        "每新增一家可得 {unit_amount}，上限内尚余 {left}",
        "{unit_amount} for each new one, {left} left within the cap",
    ),
    "next-unit": (
        "再增加 {short} 可多得 {unit_amount}，上限内尚余 {left}",
        "{short} more earns another {unit_amount}; {left} left within the cap",
    ),
    "next-tier": (
        "距下一档次 {threshold} 还差 {short}，达到后再得 {more}",
        "{short} short of the next tier at {threshold}, which gives {more} more",
    ),
    "threshold": ("距起点 {threshold} 还差 {short}", "{short} short of the threshold of {threshold}"),
    "unused-cap": ("上限 {cap} 内尚余 {left}", "{left} left within the cap of {cap}"),
    "next-share": (
        "网络销售距 {threshold} 还差 {short}，达到后比例为 {rate}",
        "online sales {short} short of {threshold}, from which the share is {rate}",
    ),
    "awaiting": ("待核定本年度地方综合贡献", "waits for the year's contribution to be assessed"),
    "claim": ("可申报项目，每件上限 {cap}", "by claim, cap {cap} for each item"),
    "claim-open": ("可申报项目，由主管部门核定金额", "by claim, the amount is decided by the bureau"),
}
"""What an enterprise could still earn, by kind of hint."""

CONDITIONS: dict[str, tuple[str, str]] = {
    "AboveQuotaAdmitted": ("进限", "admission above quota"),
    "DirectSalesBranchRegistered": ("注册直销分公司", "registration of the branch"),
}


def said(table: dict[str, tuple[str, str]], key: str, values: dict[str, Any], currency: str = "CNY") -> Words:
    """The words of an entry with its values, in both languages; ``currency`` is the policy's."""
    zh, en = table[key]
    return {
        "zh": zh.format(**shown(values, "zh", currency)),
        "en": en.format(**shown(values, "en", currency)),
    }


def shown(values: dict[str, Any], language: str, currency: str = "CNY") -> dict[str, str]:
    """Values for readers: fen as ¥1,234.56, rates as percentages, no cap as such."""
    unlimited = "不设上限" if language == "zh" else "none"
    found: dict[str, str] = {}
    for name, value in values.items():
        if value is None:
            found[name] = unlimited
        elif name == "rate":
            found[name] = f"{value // 100}.{value % 100:02d}%".replace(".00%", "%")
        elif name == "missing":
            found[name] = CONDITIONS.get(value, (value, value))[language == "en"]
        elif name in MONEY:
            reported = name in ("amount", "unit", "short", "threshold")
            found[name] = printed(value, values.get("currency", currency) if reported else currency)
        elif name == "base":
            found[name] = ("、" if language == "zh" else ", ").join(printed(each, currency) for each in value)
        elif isinstance(value, list | tuple):
            found[name] = ("、" if language == "zh" else ", ").join(str(each) for each in value)
        else:
            found[name] = str(value)
    return found


def plain(values: dict[str, Any]) -> dict[str, Any]:
    """Values as data: fen as yuan text, everything else as it is."""
    return {
        name: [yuan(each) for each in value]
        if name == "base"
        else yuan(value)
        if name in MONEY and isinstance(value, int)
        else value
        for name, value in values.items()
    }


def step_document(step: Step, currency: str = "CNY") -> dict[str, Any]:
    """One step as data with its words; without a cap, the words do not speak of one."""
    uncapped = "cap" in step.values and step.values["cap"] is None
    worded = f"{step.op}-open" if uncapped else step.op
    return {"op": step.op, "values": plain(step.values), "words": said(STEPS, worded, step.values, currency)}


def highest_only_words(
    this: int, other: int, withheld: int, rule: str, currency: str = "CNY", *, reduced: bool = False
) -> Words:
    """Both sums, which of them wins, and what would flip it.

    ``this`` is what is compared with the ``other`` award, in fen: the award, or what the budget left of
    it where it was ``reduced`` before.
    """

    def money(fen: int) -> str:
        return printed(fen, currency)

    eligible = this - withheld
    mine = {
        "zh": f"本政策{'下调后 ' if reduced else ' '}{money(this)}",
        "en": f"this policy gives {money(this)}{' once reduced' if reduced else ''}",
    }
    if not other:
        return {
            "zh": f"{mine['zh']}，没有我市其他政策对同一事项的奖励；若另有奖励，两者取高",
            "en": f"{mine['en']}, no other policy of the city gave anything for it; "
            "if one did, the higher of the two would be paid",
        }
    if rule == "barred":
        flip = ("；若撤回其他奖励，则全额发放", "; without the other award it would be paid in full")
    elif eligible:
        flip = (
            f"；若其他奖励达到 {money(this)}，则不再发放",
            f"; if the other reached {money(this)}, nothing would be paid",
        )
    elif this:
        flip = (
            f"；若其他奖励低于 {money(this)}，则补足差额",
            f"; were the other below {money(this)}, the difference would be paid",
        )
    else:
        flip = ("", "")
    return {
        "zh": f"{mine['zh']}，我市其他政策对同一事项已给 {money(other)}，从高不重复："
        f"扣除 {money(withheld)}，余 {money(eligible)}{flip[0]}",
        "en": f"{mine['en']}, other policies of the city gave {money(other)} for the same matter: "
        f"{money(withheld)} withheld, {money(eligible)} left{flip[1]}",
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
        return printed(fen, currency)

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
