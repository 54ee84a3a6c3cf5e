"""A closed year's overpayments: awards that late facts lowered, with what was paid of them too much."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from domain.authority.roles import NotAllowed
from domain.money.amounts import Amount
from domain.settlement.figures import division_of
from domain.settlement.overpaid import Overpayment
from domain.settlement.payables import Line, payable_as_now
from ledger.policies.versions import rulebook
from ledger.projections.closings import must_be_closed
from ledger.settlement.pending import Pending, pending, pot_now
from ledger.store.rows import Rows

PENDING_MAX = 1_000_000
"""Most adjustments of a year that are looked through: more than a year has awards."""
AwardKey = tuple[str, str]
"""An award of a year: credit code and measure."""


class _SettledRow(NamedTuple):
    """An award as it was settled, in fen."""

    awarded_fen: int = 0
    payable_fen: int = 0
    pot: str | None = None


class _AnsweredRow(NamedTuple):
    """What clawbacks under an award's name answer for, ordered back and recovered, in fen."""

    award_fen: int = 0
    ordered_fen: int = 0
    recovered_fen: int = 0


class _AccountRow(NamedTuple):
    """What was paid to an enterprise for the year, and ordered back, in fen."""

    paid_fen: int = 0
    clawed_fen: int = 0


class ClawbackSum(NamedTuple):
    """What is ordered back, and by how much the award is lowered that it answers for, in fen."""

    amount_fen: int
    award_fen: int = 0


def list_overpayments(
    rows: Rows, policy: str, year: int, code: str | None = None, after: str = "", limit: int = 1_000
) -> list[Overpayment]:
    """Awards of a closed year that are lower than they were settled, or for which something was ordered back.

    They come in order of credit code and measure, those that are over included. Of all enterprises it costs
    one pass over the year's awards; of one, nothing to speak of.

    Raises:
        UnknownPolicy; NotAllowed: before the closing.
    """
    adjustments = pending(rows, policy, year, code, after, PENDING_MAX)
    answered = _read_answered(rows, policy, year, code, after)
    lowered = {(each.code, each.measure) for each in adjustments if each.amount < 0}
    keys = sorted(lowered | answered.keys())[:limit]
    return _measure(rows, policy, year, keys, adjustments, answered)


def match_overpayments(
    rows: Rows, policy: str, year: int, adjustments: Sequence[Pending]
) -> dict[AwardKey, Overpayment]:
    """The overpayments of those of these adjustments that lower an award, by credit code and measure.

    The adjustments of an enterprise are all among them.

    Raises:
        UnknownPolicy; NotAllowed: before the closing.
    """
    keys = [(each.code, each.measure) for each in adjustments if each.amount < 0]
    answered = _read_answered(rows, policy, year, None, "")
    overpayments = _measure(rows, policy, year, keys, adjustments, answered)
    return dict(zip(keys, overpayments, strict=True))


def _measure(
    rows: Rows,
    policy: str,
    year: int,
    keys: Sequence[AwardKey],
    adjustments: Sequence[Pending],
    answered: Mapping[AwardKey, _AnsweredRow],
) -> list[Overpayment]:
    """The overpayment of each key, in their order; what was paid to an enterprise is ordered back once."""
    price = _Price(rows, policy, year)
    codes = sorted({enterprise for enterprise, _ in keys})
    lines = _read_settled(rows, policy, year, codes)
    accounts = _read_accounts(rows, policy, year, codes)
    accepted_fen = _read_accepted(rows, policy, year, codes)
    left_fen = {each: account.paid_fen - account.clawed_fen for each, account in accounts.items()}
    adjustment_by_key = {(each.code, each.measure): each for each in adjustments}
    overpayments = list[Overpayment]()
    for key in keys:
        enterprise, measure = key
        line = lines.get(key, _SettledRow())
        answer = answered.get(key, _AnsweredRow())
        adjustment = adjustment_by_key.get(key)
        awarded_fen = line.awarded_fen + accepted_fen.get(key, 0)
        excess_fen = 0
        if adjustment is not None and adjustment.amount < 0:
            excess_fen = max(line.payable_fen - answer.ordered_fen - price.value(adjustment, line.pot), 0)
        overpayment = Overpayment(
            code=enterprise,
            measure=measure,
            awarded_fen=awarded_fen,
            now_fen=adjustment.now if adjustment else awarded_fen - answer.award_fen,
            share_fen=line.payable_fen,
            is_paid=accounts.get(enterprise, _AccountRow()).paid_fen > 0,
            excess_fen=excess_fen,
            left_fen=left_fen.get(enterprise, 0),
            ordered_fen=answer.ordered_fen,
            recovered_fen=answer.recovered_fen,
        )
        left_fen[enterprise] = overpayment.left_fen - overpayment.to_order_fen
        overpayments.append(overpayment)
    return overpayments


class _Price:
    """What awards as they now are would be paid, by a closed year's own factor."""

    def __init__(self, rows: Rows, policy: str, year: int) -> None:
        self.rows, self.year, self.book = rows, year, rulebook(rows, policy)
        self.shares = division_of(must_be_closed(rows, policy, year))

    def value(self, adjustment: Pending, pot: str | None) -> int:
        """Fen; ``pot`` is the award's own where it was settled."""
        code, measure = adjustment.code, adjustment.measure
        pot = pot_now(self.rows, self.book, code, measure, self.year) if pot is None else pot
        line = Line(code, measure, self.year, adjustment.now, 0, pot)
        return payable_as_now(line, adjustment.accepted, self.book, self.shares)


def sum_to_order(rows: Rows, policy: str, year: int) -> dict[str, int]:
    """What is to be ordered back still of a closed year, in fen by credit code."""
    to_order = dict[str, int]()
    for overpayment in list_overpayments(rows, policy, year, limit=PENDING_MAX):
        if overpayment.to_order_fen:
            fen = to_order.get(overpayment.code, 0) + overpayment.to_order_fen
            to_order[overpayment.code] = fen
    return to_order


def name_clawback(
    rows: Rows, policy: str, year: int, code: str, measure: str | None, amount_fen: int | None, currency: str
) -> ClawbackSum:
    """What a clawback comes to: under an award's name just what was paid of it too much, the default.

    Raises:
        NotAllowed: under the name of an award that late facts did not lower or of which nothing is to be
            ordered back, by another amount; without a name while some award has something to be ordered back,
            or without an amount.
    """
    overpayments = {each.measure: each for each in list_overpayments(rows, policy, year, code)}
    if measure is None:
        if amount_fen is None:
            raise NotAllowed("clawback.no-amount", "amount")
        waiting = next((each for each in overpayments.values() if each.to_order_fen), None)
        if waiting is not None:
            overpaid = Amount(waiting.to_order_fen, currency)
            raise NotAllowed("clawback.unnamed", "measure", measure=waiting.measure, overpaid=overpaid)
        return ClawbackSum(amount_fen)
    overpayment = overpayments.get(measure)
    adjustments = {each.measure: each.amount for each in pending(rows, policy, year, code)}
    difference_fen = adjustments.get(measure, 0)
    if overpayment is None or difference_fen >= 0:
        raise NotAllowed("clawback.no-difference", "measure", measure=measure)
    if not overpayment.to_order_fen:
        left = Amount(overpayment.left_fen, currency)
        raise NotAllowed("clawback.nothing-overpaid", "measure", measure=measure, left=left)
    if amount_fen not in (None, overpayment.to_order_fen):
        raise NotAllowed(
            "clawback.difference", "amount", difference=Amount(overpayment.to_order_fen, currency)
        )
    return ClawbackSum(overpayment.to_order_fen, -difference_fen)


def _read_answered(
    rows: Rows, policy: str, year: int, code: str | None, after: str
) -> dict[AwardKey, _AnsweredRow]:
    of_code, codes = (" AND c.code=?", [code]) if code else ("", [])
    sql = (
        "SELECT c.code, c.measure, CAST(SUM(c.award) AS BIGINT), CAST(SUM(c.amount) AS BIGINT), "
        "CAST(SUM(COALESCE(r.amount, 0)) AS BIGINT) FROM clawbacks c LEFT JOIN "
        "(SELECT clawback, SUM(amount) AS amount FROM recoveries WHERE policy=? AND year=? "
        "GROUP BY clawback) r ON r.clawback=c.clawback "
        f"WHERE c.policy=? AND c.year=? AND c.measure<>'' AND c.code>?{of_code} GROUP BY c.code, c.measure"
    )
    answered = rows.all(sql, [policy, year, policy, year, after, *codes])
    return {(str(row[0]), str(row[1])): _AnsweredRow(*map(int, row[2:])) for row in answered}


def _read_settled(rows: Rows, policy: str, year: int, codes: list[str]) -> dict[AwardKey, _SettledRow]:
    sql = (
        "SELECT code, measure, gross - withheld, payable, pot FROM settlement_lines "
        "WHERE policy=? AND year=? AND award_year=? AND code IN ({})"
    )
    lines = rows.all_in(sql, codes, [policy, year, year])
    return {
        (str(code), str(measure)): _SettledRow(int(awarded), int(payable), str(pot))
        for code, measure, awarded, payable, pot in lines
    }


def _read_accounts(rows: Rows, policy: str, year: int, codes: Iterable[str]) -> dict[str, _AccountRow]:
    sql = "SELECT code, paid, clawed FROM accounts WHERE policy=? AND year=? AND code IN ({})"
    accounts = rows.all_in(sql, list(codes), [policy, year])
    return {str(code): _AccountRow(int(paid), int(clawed)) for code, paid, clawed in accounts}


def _read_accepted(rows: Rows, policy: str, year: int, codes: Iterable[str]) -> dict[AwardKey, int]:
    sql = "SELECT code, measure, amount FROM adjustments WHERE policy=? AND year=? AND code IN ({})"
    sums = dict[AwardKey, int]()
    for code, measure, fen in rows.all_in(sql, list(codes), [policy, year]):
        sums[str(code), str(measure)] = sums.get((str(code), str(measure)), 0) + int(fen)
    return sums
