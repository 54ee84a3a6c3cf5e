"""The budgets of a year as documents tell them: each with its factor, and what other funds pay."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from domain.events.settlements import SettlementProposed
from domain.money.dividing import Division, budget_id
from domain.policy.model import Policy
from domain.policy.rulebook import Rulebook
from domain.rules.words import OTHER_FUNDS, pot_words
from domain.settlement.figures import Shares, division_of
from domain.settlement.payables import basis, shares_budget
from domain.settlement.year import SettledLine
from ledger.budget.factors import fraction_said
from ledger.documents.places import Fen, Record, Value
from ledger.reading.explanations import shared_words

OTHER: dict[str, str] = {"zh": "其他资金", "en": "other funds"}
ALONE: dict[str, str] = {"zh": "本政策预算", "en": "the policy's budget"}
REST: dict[str, str] = {"zh": "（前类列支后所余）", "en": " (what the classes before leave)"}


def budgets(policy: Policy, said: SettlementProposed, lang: str) -> Iterator[Record]:
    """A row for each budget (of several classes of measures, for each class), and one for other funds.

    ``said`` is a proposal.
    """
    division = division_of(said)
    paid = {share.pot: share.payable_fen for share in said.pots}
    paid = paid or {"": said.payable_fen - said.outside_fen}
    amounts = {part.name: part.appropriation_fen + part.carried_fen - part.spent_fen for part in said.budgets}
    unshared = set(amounts) - {budget_id(pot) for pot in division.pots}
    for name, pots in groupby(sorted({*division.pots, *unshared}), key=budget_id):
        mine = list(pots)
        amount = amounts[name] if name in amounts else division.of(mine[0]).budget
        left = amount - sum(paid.get(pot, 0) for pot in mine)
        for pot in mine:
            had = amount if pot == mine[0] else division.of(pot).budget
            yield {
                "预算": _name(policy, pot, lang) + (REST[lang] if pot != mine[0] else ""),
                **_division(division, pot, had),
                "应兑现": Fen(paid.get(pot, 0)),
                "结余": Fen(left) if pot == mine[-1] else "",
            }
    if said.outside_fen:
        yield {"预算": OTHER[lang], **_UNDIVIDED, "应兑现": Fen(said.outside_fen), "结余": ""}


def funds(
    book: Rulebook, policy: Policy, said: Shares, lines: list[SettledLine], lang: str
) -> Iterator[Record]:
    """A row for each budget that pays an enterprise, and one for other funds: its sums, and the grounds."""
    division = division_of(said)
    found: dict[str | None, list[SettledLine]] = {}
    for line in lines:
        inside = shares_budget(book.of_year(line.award_year), line.measure)
        found.setdefault(line.pot if inside else None, []).append(line)
    for pot, mine in sorted(found.items(), key=lambda item: (item[0] is None, item[0])):
        sums = [sum(column) for column in list(zip(*mine, strict=True))[3:7]]
        before = sum(_before(book, line) for line in mine)
        words = OTHER_FUNDS if pot is None else shared_words(policy, division, pot, before, sums[2])
        yield {
            "预算": OTHER[lang] if pot is None else _name(policy, pot, lang),
            **(_UNDIVIDED if pot is None else _division(division, pot, division.of(pot).budget)),
            **dict(zip(("应奖励", "从高扣除", "下调", "应兑现"), map(Fen, sums), strict=True)),
            "说明": words[lang],
        }


def _before(book: Rulebook, line: SettledLine) -> int:
    """What of an award shared its budget."""
    return basis(book.of_year(line.award_year), line.gross, line.withheld)


_UNDIVIDED: dict[str, Value] = {"可分配预算": "", "参与分配": "", "兑现系数": "", "兑现比例": ""}


def _division(division: Division, pot: str, had: int) -> dict[str, Value]:
    value = fraction_said(division.factor_of(pot))
    return {
        "可分配预算": Fen(had),
        "参与分配": Fen(division.of(pot).total),
        "兑现系数": value["fraction"],
        "兑现比例": value["percent"],
    }


def _name(policy: Policy, pot: str, lang: str) -> str:
    return pot_words(policy, pot)[lang] if pot else ALONE[lang]
