"""The steps of an award's arithmetic, one class a kind, with their words in zh-CN and English."""

from __future__ import annotations

from domain.rules.findings import Fen, Finding, Rate, Reported


class Step(Finding, frozen=True, kw_only=True):
    """One step towards a measure's award for a year."""

    year: int


class FixedGiven(Step, frozen=True, kw_only=True):
    """A fixed sum for something new."""

    code = "fixed"
    words = ("{on} 新增“{item}”：{result}", "“{item}” new on {on}: {result}")
    on: str
    item: str
    amount: Fen
    result: Fen
    once: str


class DifferenceGiven(FixedGiven, frozen=True, kw_only=True):
    """A fixed sum, less what another measure gave for the same thing."""

    code = "fixed-difference"
    words = (
        "{on} 新增“{item}”：{amount}，扣除同一对象另一级别已给的部分，得 {result}",
        "“{item}” new on {on}: {amount}, less what the other level gave for the same thing: {result}",
    )


class UnitGiven(Step, frozen=True, kw_only=True):
    """A sum for one new unit, within the room that the cap leaves."""

    code = "unit"
    words = (
        "{on} 新增“{item}”：每家 {unit_amount}，上限 {cap}，尚余 {left}，得 {result}",
        "“{item}” new on {on}: {unit_amount} each, cap {cap}, {left} left of it, so {result}",
    )
    uncapped = ("{on} 新增“{item}”：{unit_amount}", "“{item}” new on {on}: {unit_amount}")
    left: Fen | None
    result: Fen
    cap_per: str
    on: str
    item: str
    unit_amount: Fen
    cap: Fen | None


class UnitsGiven(Step, frozen=True, kw_only=True):
    """A sum for each unit of a year's amount, within the room that the cap leaves."""

    code = "units-of"
    words = (
        "{amount} ÷ {unit} = {units} 个整数单位；按每单位 {unit_amount} 计 {full}，上限 {cap}，得 {result}",
        "{amount} ÷ {unit} = {units} whole units; at {unit_amount} each {full}; cap {cap}; so {result}",
    )
    uncapped = (
        "{amount} ÷ {unit} = {units} 个整数单位；按每单位 {unit_amount} 计，得 {result}",
        "{amount} ÷ {unit} = {units} whole units; at {unit_amount} each {result}",
    )
    amount: Reported
    currency: str
    unit: Reported
    units: int
    parts: str
    unit_amount: Fen
    full: Fen
    cap: Fen | None
    left: Fen | None
    result: Fen


class TierReached(Step, frozen=True, kw_only=True):
    """What the tier reached gives, less what earlier years gave."""

    code = "tier"
    words = (
        "{amount} 达到奖励 {earned} 的档次，减去以前年度已给的 {paid}，得 {result}",
        "{amount} reaches the tier that gives {earned}; less {paid} of earlier years: {result}",
    )
    amount: Fen
    earned: Fen
    paid: Fen
    result: Fen


class BelowThreshold(Step, frozen=True, kw_only=True):
    """An amount that earns nothing."""

    code = "below"
    words = ("{amount} 未达到 {threshold}，不予奖励", "{amount} is below {threshold}: nothing")
    amount: Fen
    threshold: Fen


class PercentageGiven(Step, frozen=True, kw_only=True):
    """A percentage of an amount, and its cap."""

    code = "percent"
    words = (
        "{amount} × {rate} = {full}，上限 {cap}，得 {capped}",
        "{amount} × {rate} = {full}; cap {cap}; so {capped}",
    )
    uncapped = ("{amount} × {rate} = {full}", "{amount} × {rate} = {full}")
    full: Fen
    cap: Fen | None
    capped: Fen
    amount: Fen
    threshold: Fen
    rate: Rate


class ClaimCompared(Step, frozen=True, kw_only=True):
    """The lower of what was computed and what an approved claim carries."""

    code = "claimed"
    words = (
        "批准的申报金额为 {approved}，与计算金额 {capped} 取低，得 {result}",
        "the approved claim carries {approved}; the lower of it and {capped} is {result}",
    )
    approved: Fen
    capped: Fen
    result: Fen


class GrowthShared(Step, frozen=True, kw_only=True):
    """A share of a figure's growth over the mean of the base years."""

    code = "growth"
    words = (
        "（{current} − {first}至{last}年 {base} 的平均值）× {rate} = {result}",
        "({current} − the mean of {base}, {first} to {last}) × {rate} = {result}",
    )
    first: int
    last: int
    result: Fen
    current: Fen
    base: list[Fen]
    count: int
    rate: Rate
    sales: Fen


class AssessmentAwaited(Step, frozen=True, kw_only=True):
    """A year whose figure has not been assessed."""

    code = "awaiting"
    words = (
        "本年度地方综合贡献尚未核定，暂不计算",
        "the year's contribution has not been assessed: no award yet",
    )


class AssessmentsConflict(Step, frozen=True, kw_only=True):
    """Years whose assessments contradict each other."""

    code = "conflict"
    words = (
        "{years} 年有互相矛盾的核定数，更正前暂不发放",
        "the assessments of {years} contradict each other: held until one is corrected",
    )
    years: list[int]


class BaseMissing(Step, frozen=True, kw_only=True):
    """Base years none of which was assessed."""

    code = "no-history"
    words = (
        "{first}至{last}年没有核定数，无法计算基数",
        "there is no assessment from {first} to {last}, so no base",
    )
    first: int
    last: int


class ClaimApproved(Step, frozen=True, kw_only=True):
    """What an approved claim carries, and its cap."""

    code = "approved"
    words = (
        "“{item}”批准 {approved}，每件上限 {cap}，得 {result}",
        "“{item}” approved {approved}; cap {cap} each; so {result}",
    )
    uncapped = ("“{item}”批准 {approved}", "“{item}” approved {approved}")
    result: Fen
    item: str
    approved: Fen
    cap: Fen | None
