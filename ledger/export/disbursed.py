"""Which award each payment of a closed year paid: what the bank moved, shared over an enterprise's awards.

The bank pays an enterprise, not an award. A payment fills the enterprise's awards in order of their
keys up to what is payable of each; what came back empties the award that a clawback names, or the
last ones first. So the parts add up to what the bank moved, to the fen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from domain.settlement.payables import Line, Payable
from ledger.store.stored_events import Stored


class Part(NamedTuple):
    """A part of one movement, in fen: below zero where money came back."""

    id: str
    day: str
    fen: int


@dataclass(slots=True)
class Disbursed:
    """One award, and the parts of movements that belong to it."""

    line: Line
    payable: Payable
    parts: list[Part] = field(default_factory=list)

    @property
    def fen(self) -> int:
        """What the enterprise has of the award."""
        return sum(part.fen for part in self.parts)


def shared_out(awards: Sequence[tuple[Line, Payable]], events: Sequence[Stored]) -> list[Disbursed]:
    """The awards of one enterprise with the parts of its account's movements."""
    found = [Disbursed(line, paid) for line, paid in awards]
    made: set[str] = set()
    measures: dict[str, str | None] = {}
    for event in events:
        name, content = event.fact.name, event.fact.content
        if name == "ClawbackOrdered":
            measures[content["clawback"]] = content["measure"]
        elif name == "PaymentMade":
            made.add(content["payment"])
            _fill(found, content["payment"], content["on"], content["amount_fen"])
        elif name == "PaymentFailed" and content["payment"] in made:
            _empty(found, f"{content['payment']}-returned", content["on"], content["amount_fen"], None)
        elif name == "ClawbackRecovered":
            named = f"{content['clawback']}-{event.version}"
            of = measures.get(content["clawback"])
            _empty(found, named, content["on"], content["amount_fen"], of)
    return found


def _fill(awards: list[Disbursed], name: str, day: str, fen: int) -> None:
    for award in awards:
        part = min(fen, max(0, award.payable.payable - award.fen))
        if part:
            award.parts.append(Part(f"{name}-{award.line.measure}-{award.line.year}", day, part))
            fen -= part
    if fen:
        raise ArithmeticError(f"{name} pays {fen} fen more than its enterprise's awards")


def _empty(awards: list[Disbursed], name: str, day: str, fen: int, measure: str | None) -> None:
    first = [award for award in awards if award.line.measure == measure]
    rest = [award for award in reversed(awards) if award.line.measure != measure]
    for award in (*first, *rest):
        part = min(fen, max(0, award.fen))
        if part:
            award.parts.append(Part(f"{name}-{award.line.measure}-{award.line.year}", day, -part))
            fen -= part
    if fen:
        raise ArithmeticError(f"{name} takes back {fen} fen more than was paid")
