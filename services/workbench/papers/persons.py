"""Who did what, when, and who held duties that should be apart."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from domain.authority.duties import parted_duties
from domain.settlement.taken_steps import STEP_OF
from domain.vocabulary.kinds import Words
from services.workbench.papers.paper import FINDINGS, Paper, PaperRow, Parameters, ask, ask_each, column

DUTIES = Paper(
    "duties",
    Words("人员与办理事项", "Who did what"),
    Words("每个人的各项办理", "every step of every person"),
    Words("同一人使用的不同账号", "several accounts of one person"),
    (
        column("人员", "Person"),
        column("环节", "Step"),
        column("以何身份", "Part"),
        column("次数", "Count", "count"),
        column("金额", "Amount", "fen"),
        column("最早", "First", "date"),
        column("最晚", "Last", "date"),
    ),
    ask(
        "SELECT person, step, '‹' || part || '›', COUNT(*), SUM(amount_fen), MIN(day), MAX(day) FROM acts "
        "GROUP BY identity, person, step, part ORDER BY person, identity, step, part"
    ),
)


class _Conflict(NamedTuple):
    """Two steps that one person should not take; of one matter, or of any."""

    first: str
    second: str
    same_matter: bool


CONFLICTS = (
    _Conflict("ClaimSubmitted", "ClaimReviewed", True),
    _Conflict("ClaimSubmitted", "ClaimApproved", True),
    _Conflict("ClaimReviewed", "ClaimApproved", True),
    _Conflict("SettlementProposed", "SettlementClosed", True),
    _Conflict("ObjectionRaised", "ObjectionResolved", True),
    _Conflict("ClaimApproved", "PaymentOrdered", False),
    _Conflict("SettlementProposed", "PaymentOrdered", False),
    _Conflict("SettlementClosed", "PaymentOrdered", False),
    _Conflict("BudgetSet", "PaymentOrdered", False),
    _Conflict("PolicyAdopted", "ClaimApproved", False),
    _Conflict("FactCorrected", "ClaimApproved", False),
    _Conflict("FactDecided", "PaymentOrdered", False),
    *(
        _Conflict(first.__name__, second.__name__, False)
        for duties in parted_duties().values()
        for first, first_step in STEP_OF.items()
        if first_step in duties.first
        for second, second_step in STEP_OF.items()
        if second_step in duties.second
    ),
)
"""Those that the ledger parts itself (``domain.authority.duties``), and more that an auditor asks about."""
_SAME = (
    "SELECT b.code, 'conflict-in-matter', COALESCE(b.amount_fen, a.amount_fen, 0), b.position, "
    "a.person || ': ' || ? || ' #' || a.position || ', ' || ? || ' #' || b.position || ' (' || "
    "a.matter || ')' "
    "FROM acts a JOIN acts b ON b.matter=a.matter AND b.identity=a.identity AND b.step=? "
    "WHERE a.step=? ORDER BY 3 DESC, 4"
)
_ANY = (
    "SELECT '', 'conflicting-duties', COALESCE(b.fen, 0), b.position, a.person || ': ' || ? || ' ×' "
    "|| a.times "
    "|| ', ' || ? || ' ×' || b.times FROM "
    "(SELECT identity, MAX(person) AS person, COUNT(*) AS times FROM acts WHERE step=? "
    "GROUP BY identity) a JOIN "
    "(SELECT identity, COUNT(*) AS times, SUM(amount_fen) AS fen, MIN(position) AS position FROM acts "
    "WHERE step=? GROUP BY identity) b ON b.identity=a.identity ORDER BY 3 DESC"
)


def _find_conflicts(file: sqlite3.Connection, parameters: Parameters) -> Iterator[PaperRow]:
    for conflict in CONFLICTS:
        named = (conflict.first, conflict.second)
        if conflict.same_matter:
            yield from file.execute(_SAME, (*named, conflict.second, conflict.first))
        else:
            yield from file.execute(_ANY, (*named, *named))
    yield from file.execute(
        "SELECT a.code, 'confirmed-by-oneself', COALESCE(a.amount_fen, 0), a.position, a.person || "
        "': ' || a.step "
        "FROM acts a JOIN acts b ON b.position=a.position AND b.identity=a.identity AND b.part<>a.part "
        "WHERE a.part='acted' ORDER BY 3 DESC"
    )


SEGREGATION = Paper(
    "segregation",
    Words("不相容职务", "Segregation of duties"),
    Words("同一事项和全年内，应由不同人办理的环节", "steps that should be of several persons"),
    Words("系统外的审批和线下授权", "approvals outside the ledger, powers given on paper"),
    FINDINGS,
    _find_conflicts,
    {
        "conflict-in-matter": Words(
            "同一事项由同一人办理两个环节", "one person took both steps of one matter"
        ),
        "conflicting-duties": Words("同一人兼办不相容的职务", "one person held both duties"),
        "confirmed-by-oneself": Words("提出和确认是同一人", "proposed and confirmed by one person"),
    },
)

_DECISIONS = (
    "('ClaimReviewed','ClaimApproved','ClaimRejected','FactDecided','FactCorrected','FactRetracted',"
    "'ObjectionResolved','SpellingsDecided','AdjustmentAccepted','RefusalDismissed')"
)
_DID = "person || ': ' || step || ', ' || day || ' ' || minute"

WHEN = Paper(
    "when",
    Words("办理时间", "When it was done"),
    Words(
        "工作时间以外、周末、同一分钟内的多次决定", "outside hours, at weekends, many decisions in one minute"
    ),
    Words(
        "法定节假日和调休：按周一至周五计",
        "public holidays and shifted working days: Monday to Friday count as working days",
    ),
    FINDINGS,
    ask_each(
        f"SELECT code, 'outside-hours', COALESCE(amount_fen, 0), position, {_DID} FROM acts "
        "WHERE weekday<6 AND (minute<:opens OR minute>=:closes) ORDER BY 3 DESC, 4",
        f"SELECT code, 'at-weekend', COALESCE(amount_fen, 0), position, {_DID} FROM acts "
        "WHERE weekday>5 ORDER BY 3 DESC, 4",
        "SELECT '', 'many-in-a-minute', COALESCE(SUM(amount_fen), 0), MIN(position), MAX(person) || ': ' "
        "|| step || "
        f"' ×' || COUNT(*) || ', ' || day || ' ' || minute FROM acts WHERE step IN {_DECISIONS} "
        "GROUP BY identity, step, day, minute HAVING COUNT(*)>=:burst ORDER BY 3 DESC, 4",
    ),
    {
        "outside-hours": Words("工作时间以外办理", "done outside working hours"),
        "at-weekend": Words("周末办理", "done at a weekend"),
        "many-in-a-minute": Words("同一分钟内多次决定", "many decisions within a minute"),
    },
)
