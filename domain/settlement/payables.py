"""From awards to payments: which amounts share which budget, and what each is reduced to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from domain.money.amounts import apportion
from domain.money.dividing import Division, factor, in_turn
from domain.policy.model import Policy
from domain.policy.rulebook import Rulebook


class Line(NamedTuple):
    """One award: fen before and withheld by highest-only, and the pot that pays it."""

    code: str
    measure: str
    year: int
    gross: int
    withheld: int
    pot: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """Order in which equal remainders get the spare fen: code, then measure, then year."""
        return (self.code, self.measure, f"{self.year:04d}")


class Payable(NamedTuple):
    """What is paid of one award, in fen: gross = withheld + reduction + payable."""

    gross: int
    withheld: int
    reduction: int
    payable: int


def shares_budget(policy: Policy, measure: str) -> bool:
    """Whether a measure is paid from this policy's budget (reading ``talent-funds``)."""
    rule = policy.measures.get(measure)
    return rule is None or rule.funds == "inside"


def basis(policy: Policy, gross: int, withheld: int) -> int:
    """What of an award is reduced (reading ``pro-rata``), in fen."""
    return gross if policy.pro_rata == "standards-first" else gross - withheld


class Shares(Protocol):
    """What says how much is paid of an award: a ``Division``, or what is known of one."""

    def share(self, amount: int, key: tuple[str, ...], pot: str = "") -> int:
        """The fen paid for ``amount`` out of a pot."""


def division(
    lines: Iterable[Line], book: Rulebook, amounts: Mapping[str, int], pots: Iterable[str]
) -> Division:
    """Divide budgets (fen by name) over the awards that share them, by largest remainder.

    ``pots`` are the policy's own; awards of earlier years may come out of others.
    """
    shared: dict[str, list[tuple[tuple[str, ...], int]]] = {pot: [] for pot in pots}
    for line in lines:
        policy = book.of_year(line.year)
        fen = basis(policy, line.gross, line.withheld)
        if fen and shares_budget(policy, line.measure):
            shared.setdefault(line.pot, []).append((line.key, fen))
    return in_turn(shared, amounts, lambda pot, budget: apportion(shared[pot], budget))


def payable_of(line: Line, book: Rulebook, shares: Shares) -> Payable:
    """What one award is paid once its budget is divided.

    Where the standards are reduced first, highest-only then takes off at most what is left.
    """
    policy = book.of_year(line.year)
    eligible = line.gross - line.withheld
    if not shares_budget(policy, line.measure):
        return Payable(line.gross, line.withheld, 0, eligible)
    share = shares.share(basis(policy, line.gross, line.withheld), line.key, line.pot)
    if policy.pro_rata == "standards-first":
        withheld = min(share, line.withheld)
        return Payable(line.gross, withheld, line.gross - share, share - withheld)
    return Payable(line.gross, line.withheld, eligible - share, share)


__all__ = ["Line", "Payable", "Shares", "basis", "division", "factor", "payable_of", "shares_budget"]


def payable_as_now(line: Line, accepted_fen: int, book: Rulebook, shares: Shares) -> int:
    """What a closed year's list would pay of an award as late facts have it, by its own division, in fen.

    ``accepted_fen`` is what of it was accepted since: another year pays that.
    """
    left_fen = max(line.gross - line.withheld - max(accepted_fen, 0), 0)
    return payable_of(line._replace(gross=left_fen, withheld=0), book, shares).payable
