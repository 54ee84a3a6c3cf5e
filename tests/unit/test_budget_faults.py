"""Mistakes in budgets, priorities and currencies: each has its line, its field, its rule and its mend."""

from __future__ import annotations

import pytest

from tests.events import EXAMPLES
from tests.unit.test_policy_faults import faults_of

LINHAI, BINHAI, HENGQIN = EXAMPLES

MISTAKES = {
    # name: (policy, what stands there, what is written instead, field, words of the rule in it)
    "a town in two budgets": (
        LINHAI,
        "towns: [杜桥镇]",
        "towns: [杜桥镇, 大洋街道]",
        "budget/parts/1/towns",
        "大洋街道 stands twice",
    ),
    "a town twice in a budget": (
        LINHAI,
        "towns: [杜桥镇]",
        "towns: [杜桥镇, 杜桥镇]",
        "budget/parts/1/towns",
        "杜桥镇 stands twice",
    ),
    "a town with a blank": (
        LINHAI,
        "towns: [杜桥镇]",
        'towns: ["杜桥镇 "]',
        "budget/parts/1/towns/0",
        "has blanks around it",
    ),
    "a town after a wide blank, beside itself": (
        LINHAI,
        "towns: [杜桥镇]",
        'towns: ["　杜桥镇", 杜桥镇]',
        "budget/parts/1/towns/0",
        "has blanks around it",
    ),
    "a town that no register holds": (
        LINHAI,
        "towns: [杜桥镇]",
        f"towns: [{'镇' * 41}]",
        "budget/parts/1/towns/0",
        "has more than 40 characters",
    ),
    "a share of what is assessed in another currency": (
        HENGQIN,
        """    kind: percentage
    of: {fact: DesignPurchased, currency: MOP}
    threshold: "100000.00"
    percent: "15"
    cap: "150000.00"
    claims: full
""",
        """    kind: growth-share
    of: {fact: ContributionAssessed, currency: MOP}
    sales: {fact: SalesReported, currency: MOP}
    shares: [{from: "100.00", percent: "10"}]
    base_years: 2
    award_years: 2
    first_year: following
    share_by: each-year
    history: existing
""",
        "measures/3/of",
        "is assessed in CNY, the policy pays in MOP",
    ),
    "two budgets of one id": (LINHAI, "id: duqiao", "id: city", "budget/parts/1/id", "city stands twice"),
    "no budget for other towns": (
        LINHAI,
        'rest: "yes"',
        "towns: [白水洋镇]",
        "budget/parts",
        "leaves towns without a budget",
    ),
    "two budgets for the rest": (
        LINHAI,
        "towns: [杜桥镇]",
        'rest: "yes"',
        "budget/parts/2/rest",
        "is the second budget that takes the rest",
    ),
    "towns and measures in one budget": (
        LINHAI,
        "towns: [杜桥镇]",
        "towns: [杜桥镇]\n      measures: [live.base]",
        "budget/parts/1",
        "names both towns and measures",
    ),
    "towns here, measures there": (
        LINHAI,
        "towns: [杜桥镇]",
        "measures: [live.base]",
        "budget/parts/1/measures",
        "names measures, another budget names towns",
    ),
    "a budget for nothing": (
        BINHAI,
        "      measures: [research.expense, platform.centre]\n",
        "",
        "budget/parts/0",
        "pays nothing",
    ),
    "a budget without an amount": (
        LINHAI,
        '      amount: "2000000.00"\n',
        "",
        "budget/parts/1/amount",
        "is missing",
    ),
    "a budget whose amount is no money": (
        LINHAI,
        'amount: "2000000.00"',
        'amount: "200万"',
        "budget/parts/1/amount",
        "is not an amount",
    ),
    "a budget without a name": (
        LINHAI,
        "      name: {zh: 杜桥镇预算, en: Budget of Duqiao}\n",
        "",
        "budget/parts/1/name",
        "is missing",
    ),
    "an id that is none": (LINHAI, "id: duqiao", "id: 杜桥", "budget/parts/1/id", "is not an id"),
    "one amount and several": (
        LINHAI,
        "  per: year\n",
        '  per: year\n  amount: "6500000.00"\n',
        "budget",
        "needs either amount or parts",
    ),
    "neither one amount nor several": (
        HENGQIN,
        'amount: "5000000.00", ',
        "",
        "budget",
        "needs either amount or parts",
    ),
    "a single part": (
        HENGQIN,
        'amount: "5000000.00"',
        'parts: [{id: a, name: {zh: 甲, en: a}, amount: "1.00", rest: "yes"}]',
        "budget/parts",
        "does not have 2 to 100 items",
    ),
    "a measure in no budget": (
        BINHAI,
        "measures: [research.expense, platform.centre]",
        "measures: [research.expense]",
        "measures/4/id",
        "platform.centre stands in no budget",
    ),
    "a measure in two budgets": (
        BINHAI,
        "measures: [research.expense, platform.centre]",
        "measures: [research.expense, platform.centre, standard.led]",
        "budget/parts/1/measures/1",
        "standard.led stands twice",
    ),
    "a budget of an unknown measure": (
        BINHAI,
        "measures: [research.expense, platform.centre]",
        "measures: [research.expense, platform.centre, research.lab]",
        "budget/parts/0/measures/2",
        "names a measure that the file does not have",
    ),
    "a measure in no group": (
        BINHAI,
        "    - [honour.high-tech, research.expense]",
        "    - [research.expense]",
        "measures/0/id",
        "honour.high-tech stands in no group",
    ),
    "a measure in two groups": (
        BINHAI,
        "    - [results.project]",
        "    - [results.project, standard.led]",
        "pro_rata/priorities/2/1",
        "standard.led stands twice",
    ),
    "a group of an unknown measure": (
        BINHAI,
        "    - [results.project]",
        "    - [results.project, results.fair]",
        "pro_rata/priorities/2/1",
        "names a measure that the file does not have",
    ),
    "a group of what pays nothing": (
        LINHAI,
        "pro_rata: {rule: after-highest-only}",
        "pro_rata: {rule: after-highest-only, priorities: [[shop.opened, sales.tier, export.dtc, "
        "design.purchased], [live.base, training.held]]}",
        "pro_rata/priorities/1/1",
        "training.held pays nothing",
    ),
    "a single group": (
        LINHAI,
        "pro_rata: {rule: after-highest-only}",
        "pro_rata: {rule: after-highest-only, priorities: [[shop.opened]]}",
        "pro_rata/priorities",
        "does not have 2 to 9 items",
    ),
    "an empty group": (
        BINHAI,
        "    - [results.project]",
        "    - [results.project]\n    - []",
        "pro_rata/priorities/3",
        "does not have 1 or more items",
    ),
    "a currency without two decimals": (
        HENGQIN,
        "currency: MOP, per",
        "currency: JPY, per",
        "budget/currency",
        "'JPY' is not known here",
    ),
    "a share of another currency": (
        HENGQIN,
        "of: {fact: DesignPurchased, currency: MOP}",
        "of: {fact: DesignPurchased}",
        "measures/3/of",
        "is not in MOP, which the policy pays in",
    ),
    "an amount in an unknown currency": (
        HENGQIN,
        "of: {fact: DesignPurchased, currency: MOP}",
        "of: {fact: DesignPurchased, currency: mop}",
        "measures/3/of/currency",
        "'mop' is not known here",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_is_named_with_its_line_and_mend(name: str) -> None:
    policy, old, new, field, rule = MISTAKES[name]
    text = EXAMPLES[policy]
    assert text.count(old) >= 1
    line = text.count("\n", 0, text.index(old)) + 1

    found = [fault for fault in faults_of(text.replace(old, new, 1)) if fault.field == field]

    assert [rule in fault.rule for fault in found] == [True]
    if field.startswith(("budget/parts/", "pro_rata")) and new:
        assert abs(found[0].line - line) <= 8
    assert found[0].line > 1
