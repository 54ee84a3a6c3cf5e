"""Mistakes in the rules about facts that disagree: each has a field, a rule and a mend, in both languages."""

from __future__ import annotations

import re

import pytest

from domain.policy.load import load_policy
from tests.unit.test_policy_faults import CIXI, faults_of

FAIR = "{id: shop, kind: claimed-twice, fact: StoreRegistered, same: [platform, shop], then: hold}"

MISTAKES = {
    # name: (the rule as written, field below disagreements/0, words of the rule broken)
    "an event of no enterprise": (
        FAIR.replace("StoreRegistered", "BudgetAppropriated"),
        "/fact",
        "is no event of an enterprise",
    ),
    "no event": (FAIR.replace("StoreRegistered", "ShopOpened"), "/fact", "is no event of an enterprise"),
    "a field that the event lacks": (FAIR.replace("shop]", "colour]"), "/same", "colour is no field of"),
    "nothing to compare": (FAIR.replace("same: [platform, shop], ", ""), "/same", "names no field"),
    "a figure that the event lacks": (
        "{id: s, kind: two-sources, fact: ContributionAssessed, same: [year], field: litres, then: note}",
        "/field",
        "is no field of ContributionAssessed",
    ),
    "an outlier without a factor": (
        "{id: s, kind: outlier, fact: SalesReported, then: note}",
        "",
        "needs yearly amounts",
    ),
    "an outlier of what has no amount": (
        '{id: s, kind: outlier, fact: StoreRegistered, times: "10", then: note}',
        "",
        "needs yearly amounts",
    ),
    "an unknown kind": (FAIR.replace("claimed-twice", "same-shop"), "/kind", "is not known here"),
    "neither noted nor held": (FAIR.replace("hold", "refuse"), "/then", "is not known here"),
}


def _file(rule: str) -> str:
    return f"{CIXI}\ndisagreements:\n- {rule}\n"


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_has_its_field_its_rule_and_its_mend(name: str) -> None:
    rule, field, said = MISTAKES[name]
    (fault,) = faults_of(_file(rule))

    assert fault.field == f"disagreements/0{field}"
    assert said in fault.rule
    assert all(re.search("[一-鿿]", text) for text in fault.words("zh"))


def test_a_fair_rule_is_read() -> None:
    (rule,) = load_policy(_file(FAIR)).disagreements

    assert (rule.kind, rule.fact, rule.same, rule.then) == (
        "claimed-twice",
        "StoreRegistered",
        ("platform", "shop"),
        "hold",
    )
