"""What was paid too much of an award of a closed year that late facts lowered, until it has come back.

An award is paid by the year's factor: of a gross award that falls away, only its paid share comes back.

    unpaid -> to-order -> ordered -> recovered
                 \\-> covered             nothing
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class OverpaidStage(StrEnum):
    """How far what was paid too much has come back."""

    UNPAID = "unpaid"
    """The list pays too much, and nothing is paid yet: what is ordered back follows the payment."""
    TO_ORDER = "to-order"
    """It is to be ordered back."""
    ORDERED = "ordered"
    """It is ordered back, and not all of it has come."""
    RECOVERED = "recovered"
    """All of it came back."""
    COVERED = "covered"
    """Clawbacks that name no award have ordered back all that was paid."""
    NOTHING = "nothing"
    """The award fell, and yet nothing of it was paid too much."""


OPEN_STAGES = frozenset({OverpaidStage.UNPAID, OverpaidStage.TO_ORDER, OverpaidStage.ORDERED})
"""Those that somebody must still do something about."""

STAGE_WORDS: Mapping[OverpaidStage, tuple[str, str]] = {
    OverpaidStage.UNPAID: ("尚未拨付", "not paid yet"),
    OverpaidStage.TO_ORDER: ("待下达追回", "to be ordered back"),
    OverpaidStage.ORDERED: ("追回中", "ordered back"),
    OverpaidStage.RECOVERED: ("已收回", "recovered"),
    OverpaidStage.COVERED: ("已由其他追回覆盖", "covered by other clawbacks"),
    OverpaidStage.NOTHING: ("没有多付", "nothing paid too much"),
}
"""Each stage in Chinese and English."""


class Overpayment(NamedTuple):
    """A lowered award of a closed year, in fen."""

    code: str
    measure: str
    awarded_fen: int
    """The gross award of the list, less what highest-only withheld, with what was accepted since."""
    now_fen: int
    """The same as late facts have it."""
    share_fen: int
    """What of the award the list pays."""
    is_paid: bool
    """Whether the bank paid it."""
    excess_fen: int
    """What of the share is beyond what the award is now paid, and not ordered back under its name."""
    left_fen: int
    """What was paid to the enterprise for the year and is not ordered back, under any name."""
    ordered_fen: int
    """What clawbacks that name the award ordered back."""
    recovered_fen: int
    """What of that came back."""

    @property
    def paid_fen(self) -> int:
        """What of the award was paid."""
        return self.share_fen if self.is_paid else 0

    @property
    def to_order_fen(self) -> int:
        """What is to be ordered back still: never more than was paid and is not ordered back."""
        return min(self.excess_fen, self.left_fen)

    @property
    def overpaid_fen(self) -> int:
        """What was paid too much, whether it is ordered back or not."""
        return self.ordered_fen + self.to_order_fen

    @property
    def due_fen(self) -> int:
        """What of it has not come back."""
        return self.overpaid_fen - self.recovered_fen

    @property
    def stage(self) -> OverpaidStage:
        """How far it has come back."""
        if self.to_order_fen:
            return OverpaidStage.TO_ORDER
        if self.due_fen:
            return OverpaidStage.ORDERED
        if self.ordered_fen:
            return OverpaidStage.RECOVERED
        if self.excess_fen:
            return OverpaidStage.COVERED if self.is_paid else OverpaidStage.UNPAID
        return OverpaidStage.NOTHING
