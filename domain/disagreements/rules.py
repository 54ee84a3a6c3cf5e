"""Which rules a ledger looks by: those of its policies, and usual ones beside them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import cast

import yaml

from domain.disagreements.matters import REPLACED
from domain.policy.model import DisagreementRule
from domain.policy.rulebook import Rulebook
from domain.policy.schema import DisagreementSchema

USUAL = ""
"""The policy of the rules that hold in every ledger."""
Rules = dict[str, list[tuple[str, DisagreementRule]]]


@cache
def usual() -> tuple[DisagreementRule, ...]:
    """The rules that hold in every ledger."""
    text = files(__package__).joinpath("usual.yaml").read_text("utf-8")
    rows = yaml.safe_load(text)["disagreements"]
    return tuple(cast(DisagreementRule, DisagreementSchema().load(row)) for row in rows)


def rules_of(books: dict[str, Rulebook]) -> Rules:
    """(policy, rule) by the fact that they are about: each policy's latest, in place of usual ones."""
    found: Rules = {}
    own = [(book.id, rule) for book in books.values() for rule in book.versions[-1].disagreements]
    taken = {(rule.kind, rule.fact, rule.same) for _, rule in own}
    rest = [(USUAL, rule) for rule in usual() if (rule.kind, rule.fact, rule.same) not in taken]
    for policy, rule in [*rest, *own]:
        found.setdefault(rule.fact or REPLACED, []).append((policy, rule))
    return found
