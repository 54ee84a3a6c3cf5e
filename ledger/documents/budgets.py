"""The budgets of a year as documents tell them: each with its factor, and what other funds pay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from domain.events.settlements import SettlementProposed
from domain.money.dividing import Division, budget_id
from domain.money.wire import factor_form
from domain.policy.model import Policy
from domain.policy.rulebook import Rulebook
from domain.rules.words import OTHER_FUNDS, pot_words
from domain.settlement.figures import Shares, division_of
from domain.settlement.payables import basis, shares_budget
from domain.settlement.year import SettledLine
from ledger.documents.places import Fen, Record, Value
from ledger.reading.explanations import shared_words

OTHER_FUNDS_NAME: dict[str, str] = {"zh": "其他资金", "en": "other funds"}
ALONE: dict[str, str] = {"zh": "本政策预算", "en": "the policy's budget"}
AFTER_OTHERS: dict[str, str] = {"zh": "（前类列支后所余）", "en": " (what the classes before leave)"}


def budgets(policy: Policy, proposal: SettlementProposed, lang: str) -> Iterator[Record]:
    """A row for each budget (of several classes of measures, for each class), and one for other funds."""
    division = division_of(proposal)
    paid = {share.pot: share.payable_fen for share in proposal.pots}
    paid = paid or {"": proposal.payable_fen - proposal.outside_fen}
    amounts = {
        part.name: part.appropriation_fen + part.carried_fen - part.spent_fen for part in proposal.budgets
    }
    unshared = set(amounts) - {budget_id(pot) for pot in division.pots}
    for name, pots in groupby(sorted({*division.pots, *unshared}), key=budget_id):
        budget_pots = list(pots)
        amount = amounts[name] if name in amounts else division.apportionment_of(budget_pots[0]).budget
        unspent = amount - sum(paid.get(pot, 0) for pot in budget_pots)
        for pot in budget_pots:
            had = amount if pot == budget_pots[0] else division.apportionment_of(pot).budget
            yield {
                "预算": _name(policy, pot, lang) + (AFTER_OTHERS[lang] if pot != budget_pots[0] else ""),
                **_division(division, pot, had),
                "应兑现": Fen(paid.get(pot, 0)),
                "结余": Fen(unspent) if pot == budget_pots[-1] else "",
            }
    if proposal.outside_fen:
        yield {"预算": OTHER_FUNDS_NAME[lang], **_UNDIVIDED, "应兑现": Fen(proposal.outside_fen), "结余": ""}


class LineSums(NamedTuple):
    """The sums of some lines of a list, in fen."""

    gross: int
    withheld: int
    reduction: int
    payable: int

    def record(self) -> dict[str, Value]:
        """The sums by the names of their places."""
        return {
            "应奖励": Fen(self.gross),
            "从高扣除": Fen(self.withheld),
            "下调": Fen(self.reduction),
            "应兑现": Fen(self.payable),
        }


def sum_lines(lines: Sequence[SettledLine]) -> LineSums:
    """The sums of some lines of a list, in fen."""
    return LineSums(
        sum(line.gross for line in lines),
        sum(line.withheld for line in lines),
        sum(line.reduction for line in lines),
        sum(line.payable for line in lines),
    )


def funds(
    book: Rulebook, policy: Policy, shares: Shares, lines: list[SettledLine], lang: str
) -> Iterator[Record]:
    """A row for each budget that pays an enterprise, and one for other funds: its sums, and the grounds."""
    division = division_of(shares)
    lines_by_pot: dict[str | None, list[SettledLine]] = {}
    for line in lines:
        inside = shares_budget(book.of_year(line.award_year), line.measure)
        lines_by_pot.setdefault(line.pot if inside else None, []).append(line)
    for pot, pot_lines in sorted(lines_by_pot.items(), key=lambda item: (item[0] is None, item[0])):
        sums = sum_lines(pot_lines)
        before = sum(_before(book, line) for line in pot_lines)
        words = OTHER_FUNDS if pot is None else shared_words(policy, division, pot, before, sums.reduction)
        yield {
            "预算": OTHER_FUNDS_NAME[lang] if pot is None else _name(policy, pot, lang),
            **(
                _UNDIVIDED if pot is None else _division(division, pot, division.apportionment_of(pot).budget)
            ),
            **sums.record(),
            "说明": words[lang],
        }


def _before(book: Rulebook, line: SettledLine) -> int:
    """What of an award shared its budget."""
    return basis(book.of_year(line.award_year), line.gross, line.withheld)


_UNDIVIDED: dict[str, Value] = {"可分配预算": "", "参与分配": "", "兑现系数": "", "兑现比例": ""}


def _division(division: Division, pot: str, had: int) -> dict[str, Value]:
    value = factor_form(division.factor_of(pot))
    return {
        "可分配预算": Fen(had),
        "参与分配": Fen(division.apportionment_of(pot).total),
        "兑现系数": value["fraction"],
        "兑现比例": value["percent"],
    }


def _name(policy: Policy, pot: str, lang: str) -> str:
    return pot_words(policy, pot)[lang] if pot else ALONE[lang]
