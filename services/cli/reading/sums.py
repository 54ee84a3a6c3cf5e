"""The four sums of an award, as tables have them."""

from __future__ import annotations

from domain.policy.model import Words
from ledger.reading.balances import AwardLine, Balance
from services.cli.common import Context
from services.cli.tables import Column, Money, Sums


def money_columns(context: Context) -> list[Column]:
    """Headings of the four sums."""
    return [
        Sums(context.words("应奖励", "Gross")),
        Sums(context.words("从高不重复扣除", "Withheld")),
        Sums(context.words("按比例下调", "Reduced")),
        Sums(context.words("应兑现", "Payable")),
    ]


def list_sums(sums: AwardLine | Balance, currency: str) -> tuple[Money, ...]:
    """The four sums of an award or a balance, as cells."""
    fen = (sums.gross_fen, sums.withheld_fen, sums.reduction_fen, sums.payable_fen)
    return tuple(Money(each, currency) for each in fen)


def name_award(title: Words, award_year: int, year: int, context: Context) -> str:
    """A measure's title, with the award's year where it is another one."""
    words = title[context.language]
    return words if award_year == year else f"{words} ({award_year})"
