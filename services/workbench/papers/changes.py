"""What came late, was held, or was decided otherwise than those before had said."""

from __future__ import annotations

from domain.vocabulary.kinds import Words
from services.workbench.papers.paper import FINDINGS, Paper, ask, ask_each, column, payable_of

_STAGES = (
    "WITH stages AS (SELECT "
    "(SELECT MAX(position) FROM settlements WHERE policy=:policy AND year=:year AND "
    "step='published') AS listed, "
    "(SELECT MAX(position) FROM settlements WHERE policy=:policy AND year=:year AND step='closed') "
    "AS closed) "
)
_FIRST_PAID = (
    "(SELECT MIN(position) FROM payments p WHERE p.code=x.code AND p.policy=:policy AND p.year=:year "
    "AND p.step='made')"
)
_WHEN = (
    f"CASE WHEN x.position>{_FIRST_PAID} THEN '{{what}}-after-payment' "
    "WHEN x.position>stages.closed THEN '{what}-after-closing' ELSE '{what}-after-publication' END"
)

LATE = Paper(
    "late",
    Words("逾期与更正的数据", "Late and corrected facts"),
    Words(
        "公示、办结、付款之后才到账本或被更正、撤回的本年度数据",
        "facts of the year that came, or were corrected, after list, closing or payment",
    ),
    Words("公示以前的更正", "corrections from before the publication"),
    FINDINGS,
    ask_each(
        f"{_STAGES} SELECT x.code, {_WHEN.format(what='fact')}, {payable_of('x.code')}, x.position, "
        "x.kind || ' ' || x.source || ' ' || x.id FROM facts x, stages WHERE x.year=:year AND "
        "x.position>stages.listed AND x.shape<>'profile' ORDER BY 3 DESC, 4",
        f"{_STAGES} SELECT x.code, {_WHEN.format(what='correction')}, {payable_of('x.code')}, x.position, "
        "'‹' || x.step || '› ' || x.kind || ' ' || x.source || ' ' || x.id || ': ' || x.reason "
        "FROM corrections x JOIN facts f ON f.source=x.source AND f.id=x.id AND f.kind=x.kind, stages "
        "WHERE f.year=:year AND x.position>stages.listed ORDER BY 3 DESC, 4",
    ),
    {
        "fact-after-publication": Words("公示后才报送", "came after the publication"),
        "fact-after-closing": Words("办结后才报送", "came after the closing"),
        "fact-after-payment": Words("付款后才报送", "came after the payment"),
        "correction-after-publication": Words("公示后更正或撤回", "corrected after the publication"),
        "correction-after-closing": Words("办结后更正或撤回", "corrected after the closing"),
        "correction-after-payment": Words("付款后更正或撤回", "corrected after the payment"),
    },
)

_DECIDED = (
    "(SELECT {what} FROM holds d WHERE d.disagreement=h.disagreement AND d.source=h.source AND d.id=h.id "
    "AND d.step<>'held' AND d.position>h.position ORDER BY d.position DESC LIMIT 1)"
)
_FACT_FEN = "(SELECT f.amount_fen FROM facts f WHERE f.source=h.source AND f.id=h.id AND f.kind=h.kind)"

HOLDS = Paper(
    "holds",
    Words("待核实数据与决定", "Holds and their decisions"),
    Words("每条暂不计入的数据及其决定", "every fact that was held, with the decision"),
    Words("决定所依据的线下材料", "documents outside the ledger that a decision rests on"),
    (
        column("统一社会信用代码", "Credit code"),
        column("疑点", "Disagreement"),
        column("数据", "Fact"),
        column("金额", "Amount", "fen"),
        column("暂缓序号", "Held at", "position"),
        column("决定", "Decision"),
        column("决定序号", "Decided at", "position"),
        column("决定人", "By"),
        column("理由", "Reason"),
    ),
    ask(
        f"SELECT h.code, h.disagreement, h.kind || ' ' || h.source || ' ' || h.id, {_FACT_FEN}, h.position, "
        f"'‹' || {_DECIDED.format(what='step')} || '›', {_DECIDED.format(what='position')}, "
        f"{_DECIDED.format(what='person')}, "
        f"{_DECIDED.format(what='reason')} FROM holds h WHERE h.step='held' ORDER BY h.position"
    ),
)

OPEN_HOLDS = Paper(
    "open-holds",
    Words("未决的疑点", "Holds that were not decided"),
    Words("暂不计入而没有决定的数据", "facts that were held and never decided"),
    Words("其他系统中的疑点", "doubts recorded in other systems"),
    FINDINGS,
    ask(
        f"SELECT h.code, 'hold-open', COALESCE({_FACT_FEN}, 0), h.position, "
        "h.rule || ' ' || h.kind || ' ' || h.source || ' ' || h.id FROM holds h WHERE h.step='held' AND "
        f"{_DECIDED.format(what='position')} IS NULL ORDER BY 3 DESC, 4"
    ),
    {"hold-open": Words("疑点没有决定", "held and never decided")},
)

_BEFORE = (
    "(SELECT b.{what} FROM claims b WHERE b.code=a.code AND b.claim=a.claim AND b.step='{step}' "
    "AND b.position<a.position ORDER BY b.position DESC LIMIT 1)"
)
_REVIEWED = _BEFORE.format(what="amount_fen", step="reviewed")
_ASKED = _BEFORE.format(what="amount_fen", step="submitted")

OVERRIDES = Paper(
    "overrides",
    Words("改变前一环节意见的决定", "Overrides"),
    Words(
        "核准金额与初审、申请金额不同，未经初审的核准，驳回后又核准，带提示仍办理的事项",
        "approvals other than reviewed or asked for, without review, after a rejection; acknowledgements",
    ),
    Words("上游部门核准的事项的内部过程", "how bureaus upstream came to the approvals that they sent"),
    FINDINGS,
    ask_each(
        f"SELECT code, 'approval-not-as-reviewed', ABS(amount_fen-{_REVIEWED}), position, claim || ': "
        "' || person "
        f"FROM claims a WHERE step='approved' AND amount_fen<>{_REVIEWED} ORDER BY 3 DESC",
        f"SELECT code, 'approval-above-claim', amount_fen-{_ASKED}, position, claim || ': ' || person "
        f"FROM claims a WHERE step='approved' AND amount_fen>{_ASKED} ORDER BY 3 DESC",
        "SELECT code, 'approval-without-review', amount_fen, position, claim || ': ' || person FROM claims a "
        f"WHERE step='approved' AND person<>'' AND {_REVIEWED} IS NULL ORDER BY 3 DESC",
        "SELECT code, 'approval-after-rejection', amount_fen, position, claim || ': ' || person FROM "
        "claims a "
        f"WHERE step='approved' AND {_BEFORE.format(what='position', step='rejected')} IS NOT NULL "
        "ORDER BY 3 DESC",
        "SELECT code, 'approval-without-evidence', amount_fen, position, claim || ': ' || person FROM "
        "claims a WHERE step='approved' AND person<>'' AND NOT EXISTS (SELECT 1 FROM evidence e WHERE "
        "e.code=a.code AND e.claim=a.claim) AND NOT EXISTS "
        "(SELECT 1 FROM claims s JOIN events v ON v.position=s.position "
        "WHERE s.code=a.code AND s.claim=a.claim AND v.document<>'') ORDER BY 3 DESC",
        "SELECT '', 'acknowledged', COALESCE(json_extract(content, '$.amount_fen'), 0), position, "
        "kind || ': ' || speaker || ' ' || SUBSTR(content, 1, 200) FROM events WHERE kind LIKE '%cknowledg%' "
        "ORDER BY position",
    ),
    {
        "approval-not-as-reviewed": Words("核准金额与初审不同", "approved otherwise than reviewed"),
        "approval-above-claim": Words("核准金额高于申请", "approved above the claim"),
        "approval-without-review": Words("未经初审即核准", "approved without a review"),
        "approval-after-rejection": Words("驳回后又核准", "approved after a rejection"),
        "approval-without-evidence": Words("没有材料而核准", "approved without any evidence"),
        "acknowledged": Words("知悉提示后仍办理", "taken although a warning was shown"),
    },
)
