"""From a payment to its order, award, facts and evidence, and back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from domain.money.amounts import print_fen
from domain.vocabulary.kinds import Words
from services.workbench.papers.paper import Paper, ask, column

_OTHER = "(SELECT MAX(position) FROM payments o WHERE o.payment=p.payment AND o.step='{step}')"
TRAILS = Paper(
    "trails",
    Words("付款追溯", "Payment trails"),
    Words(
        "每笔付款的指令、结果、所付奖励及其数据和材料件数",
        "each payment with order, outcome, awards, facts, evidence",
    ),
    Words("材料原件：包内只有其散列", "the documents themselves: the bundle has their hashes alone"),
    (
        column("付款编号", "Payment"),
        column("统一社会信用代码", "Credit code"),
        column("金额", "Amount", "fen"),
        column("指令序号", "Ordered at", "position"),
        column("付讫序号", "Made at", "position"),
        column("退回序号", "Failed at", "position"),
        column("奖励项数", "Awards", "count"),
        column("应付", "Payable", "fen"),
        column("数据条数", "Facts", "count"),
        column("材料件数", "Evidence", "count"),
    ),
    ask(
        f"SELECT p.payment, p.code, p.amount_fen, p.position, {_OTHER.format(step='made')}, "
        f"{_OTHER.format(step='failed')}, (SELECT COUNT(*) FROM settled s WHERE s.code=p.code AND "
        "s.year=p.year "
        "AND s.policy=p.policy), (SELECT SUM(payable_fen) FROM settled s WHERE s.code=p.code AND "
        "s.year=p.year "
        "AND s.policy=p.policy), (SELECT COUNT(*) FROM facts f WHERE f.code=p.code), "
        "(SELECT COUNT(*) FROM evidence e WHERE e.code=p.code) FROM payments p WHERE p.step='ordered' "
        "AND p.policy=:policy AND p.year=:year ORDER BY p.position"
    ),
)


class TrailStep(NamedTuple):
    """One step of a trail: what it is, where it stands in the log, and what it says."""

    step: str
    position: int
    words: str


_STEPS = {
    "payment": (
        "SELECT position, step, payment, amount_fen, date || ' ' || words || ' ' || person FROM payments"
    ),
    "clawback": (
        "SELECT position, step, clawback, amount_fen, date || ' ' || words || ' ' || person FROM clawbacks"
    ),
    "award": "SELECT position, measure, award_year, payable_fen, '/ ' || gross_fen || ' fen' FROM settled",
    "claim": "SELECT position, step, claim, amount_fen, measure || ' ' || item || ' ' || person FROM claims",
    "evidence": "SELECT position, title, location, NULL, sha256 FROM evidence",
    "correction": "SELECT position, step, id, NULL, reason FROM corrections",
    "hold": "SELECT position, step, id, NULL, rule || ' ' || person || ' ' || reason FROM holds",
    "fact": "SELECT position, kind, id, amount_fen, date || ' ' || thing || ' ' || source FROM facts",
}


def follow_trail(file: sqlite3.Connection, sought: str) -> Iterator[TrailStep]:
    """Everything that leads to a payment, or to an enterprise's payments: the payment first, facts last."""
    row = file.execute("SELECT code FROM payments WHERE payment=? LIMIT 1", [sought]).fetchone()
    code, payment = (row[0], sought) if row else (sought, "")
    for step, sql in _STEPS.items():
        narrowed = " AND payment=?" if step == "payment" and payment else ""
        bound = [code, payment] if narrowed else [code]
        for position, *texts in file.execute(f"{sql} WHERE code=?{narrowed} ORDER BY position", bound):
            first, second, fen, more = texts
            money = f" {print_fen(fen, 'CNY')}" if fen is not None else ""
            yield TrailStep(step, position, f"{first} {second}{money} {more}".strip())
