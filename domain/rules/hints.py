"""What an enterprise could still earn, one class a kind of hint, with its words in zh-CN and English."""

from __future__ import annotations

from typing import NamedTuple

from domain.facts.folding import EnterpriseFacts
from domain.policy.model import Policy, Select
from domain.policy.rulebook import Rulebook
from domain.rules.awards import Awards
from domain.rules.findings import Condition, Fen, Finding, Rate, Reported
from domain.rules.selection import amounts_by_year


class Hint(Finding, frozen=True, kw_only=True):
    """One thing still to be earned."""


class FixedOpen(Hint, frozen=True, kw_only=True):
    """A fixed sum whose condition is not met yet."""

    code = "fixed"
    words = ("符合条件后可得 {amount}", "{amount} once the condition is met")
    amount: Fen


class ConditionMissing(Hint, frozen=True, kw_only=True):
    """Something that meets all conditions of a fixed sum but one."""

    code = "missing-condition"
    words = (
        "“{item}”还缺一个条件（{missing}），具备后可得 {amount}",
        "“{item}” lacks one condition ({missing}); with it, {amount}",
    )
    item: str
    missing: Condition
    amount: Fen


class UnitOpen(Hint, frozen=True, kw_only=True):
    """A sum for each new unit, and the room that the cap leaves."""

    code = "unit"
    words = (
        "每新增一家可得 {unit_amount}，上限内尚余 {left}",
        "{unit_amount} for each new one, {left} left within the cap",
    )
    unit_amount: Fen
    left: Fen | None


class NextUnit(Hint, frozen=True, kw_only=True):
    """How much more earns another unit."""

    code = "next-unit"
    words = (
        "再增加 {short} 可多得 {unit_amount}，上限内尚余 {left}",
        "{short} more earns another {unit_amount}; {left} left within the cap",
    )
    short: Reported
    unit_amount: Fen
    left: Fen | None
    currency: str


class NextTier(Hint, frozen=True, kw_only=True):
    """How much more reaches the next tier that pays."""

    code = "next-tier"
    words = (
        "距下一档次 {threshold} 还差 {short}，达到后再得 {more}",
        "{short} short of the next tier at {threshold}, which gives {more} more",
    )
    threshold: Fen
    short: Fen
    more: Fen


class ThresholdAhead(Hint, frozen=True, kw_only=True):
    """How much more reaches the threshold of a percentage."""

    code = "threshold"
    words = ("距起点 {threshold} 还差 {short}", "{short} short of the threshold of {threshold}")
    threshold: Fen
    short: Fen


class CapUnused(Hint, frozen=True, kw_only=True):
    """What a cap still leaves."""

    code = "unused-cap"
    words = ("上限 {cap} 内尚余 {left}", "{left} left within the cap of {cap}")
    cap: Fen
    left: Fen


class NextShare(Hint, frozen=True, kw_only=True):
    """How many more sales reach the next share of the growth."""

    code = "next-share"
    words = (
        "网络销售距 {threshold} 还差 {short}，达到后比例为 {rate}",
        "online sales {short} short of {threshold}, from which the share is {rate}",
    )
    threshold: Fen
    short: Fen
    rate: Rate


class AssessmentOpen(Hint, frozen=True, kw_only=True):
    """An award that waits for the year's assessment."""

    code = "awaiting"
    words = ("待核定本年度地方综合贡献", "waits for the year's contribution to be assessed")


class ClaimOpen(Hint, frozen=True, kw_only=True):
    """What can be claimed, and its cap."""

    code = "claim"
    words = ("可申报项目，每件上限 {cap}", "by claim, cap {cap} for each item")
    cap: Fen


class UncappedClaimOpen(Hint, frozen=True, kw_only=True):
    """What can be claimed where the policy names no cap."""

    code = "claim-open"
    words = ("可申报项目，由主管部门核定金额", "by claim, the amount is decided by the bureau")


class Standing(NamedTuple):
    """How an enterprise stands in a year under a policy: its facts, and its awards so far."""

    facts: EnterpriseFacts
    book: Rulebook
    policy: Policy
    awards: Awards
    year: int

    def amount_of_year(self, select: Select) -> int:
        """What the selected reports of the year come to; zero where there are none."""
        return amounts_by_year(self.facts, select, self.policy.reports).get(self.year, 0)

    def shortfall(self, threshold: int, amount: int) -> int:
        """How much more reaches a threshold."""
        return threshold - amount + (0 if self.policy.inclusive else 1)

    def earned(self, measure: str, period: str) -> int:
        """What a measure has given, in fen: in this ``year``, or in the whole ``life`` up to it."""
        return sum(
            awards[measure].gross
            for year, awards in self.awards.items()
            if measure in awards and (year == self.year or (period == "life" and year < self.year))
        )
