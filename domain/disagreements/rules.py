"""Which rules a ledger looks by: those of its policies, and usual ones beside them."""

from __future__ import annotations

from domain.disagreements.matters import REPLACED, REPORTED_TWICE
from domain.policy.model import DisagreementRule
from domain.policy.rulebook import Rulebook
from domain.vocabulary.kinds import Vocabulary
from domain.vocabulary.load import shipped_vocabulary

USUAL = ""
"""The policy of the rules that hold in every ledger."""
Rules = dict[str, list[tuple[str, DisagreementRule]]]

OF_NO_KIND = (
    DisagreementRule("project", "claimed-twice", "ClaimApproved", "note", ("policy", "measure", "item")),
    DisagreementRule("replaced", "replaced-code", "", "note"),
)
"""Usual rules that are about no kind of fact; the others stand in the kinds' declarations."""


def usual_rules(vocabulary: Vocabulary) -> tuple[DisagreementRule, ...]:
    """The rules that hold in every ledger with these kinds of fact; sums that add up need no declaration."""
    of_kinds = [
        DisagreementRule(rule.id, rule.kind, kind.name, rule.then, rule.same, rule.field, times=rule.times)
        for kind in vocabulary.kinds.values()
        for rule in kind.usual
    ]
    of_sums = [
        DisagreementRule(
            REPORTED_TWICE, REPORTED_TWICE, kind.name, "note", (*kind.group, "year", "currency"), "amount_fen"
        )
        for kind in vocabulary.kinds.values()
        if kind.folds_as == "amount"
    ]
    return (*of_kinds, *of_sums, *OF_NO_KIND)


def former_rules(books: dict[str, Rulebook]) -> Rules:
    """(policy, rule) by fact that a ledger no longer looks by, in the order of ``rules_of``."""
    rules, former = rules_of(books), Rules()
    of_versions = [
        (book.id, rule)
        for book in books.values()
        for version in book.versions[:-1]
        for rule in version.disagreements
    ]
    usual = [(USUAL, rule) for rule in usual_rules(shipped_vocabulary())]
    for policy, rule in [*usual, *of_versions]:
        fact = rule.fact or REPLACED
        present = {(name, each.id) for name, each in rules.get(fact, ())}
        if (policy, rule.id) not in present:
            former.setdefault(fact, []).append((policy, rule))
    return former


def rules_of(books: dict[str, Rulebook]) -> Rules:
    """(policy, rule) by the fact that they are about: each policy's latest, in place of usual ones."""
    rules: Rules = {}
    of_policies = [(book.id, rule) for book in books.values() for rule in book.versions[-1].disagreements]
    replaced = {(rule.kind, rule.fact, rule.same) for _, rule in of_policies}
    compared = {rule.fact for _, rule in of_policies if rule.kind == "two-sources"}
    usual = [
        (USUAL, rule)
        for rule in usual_rules(shipped_vocabulary())
        if (rule.kind, rule.fact, rule.same) not in replaced
        and not (rule.kind == REPORTED_TWICE and rule.fact in compared)
    ]
    for policy, rule in [*usual, *of_policies]:
        rules.setdefault(rule.fact or REPLACED, []).append((policy, rule))
    return rules
