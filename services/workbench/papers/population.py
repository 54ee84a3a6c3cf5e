"""Population and totals: what there is, and that list, closing and payments agree to the fen."""

from __future__ import annotations

from domain.vocabulary.kinds import Words
from services.workbench.papers.paper import FINDINGS, Paper, ask_each, column

POPULATION = Paper(
    "population",
    Words("总体与合计", "Population and totals"),
    Words(
        "审计包内的全部数据、本年度名单、付款和追回",
        "all facts, the year's list, payments and clawbacks in it",
    ),
    Words("包外的数据，如未报送的企业", "what is not in the bundle, such as enterprises never reported"),
    (
        column("类别", "Part"),
        column("分组", "Group"),
        column("笔数", "Count", "count"),
        column("金额", "Amount", "fen"),
    ),
    ask_each(
        "SELECT '‹facts›', kind, COUNT(*), SUM(amount_fen) FROM facts GROUP BY kind ORDER BY kind",
        "SELECT '‹awards by measure›', measure, COUNT(*), SUM(payable_fen) FROM list_lines WHERE year=:year "
        "GROUP BY measure ORDER BY measure",
        "SELECT '‹awards by town›', COALESCE(e.town, ''), COUNT(*), SUM(payable_fen) FROM list_lines l "
        "LEFT JOIN enterprises e ON e.code=l.code WHERE l.year=:year GROUP BY 2 ORDER BY 2",
        "SELECT '‹awards›', '', COUNT(*), SUM(payable_fen) FROM list_lines WHERE year=:year",
        "SELECT '‹payments by month›', SUBSTR(date, 1, 7), COUNT(*), SUM(amount_fen) FROM payments "
        "WHERE step='made' AND year=:year AND policy=:policy GROUP BY 2 ORDER BY 2",
        "SELECT '‹payments› ‹' || step || '›', '', COUNT(*), SUM(amount_fen) FROM payments "
        "WHERE year=:year AND policy=:policy GROUP BY step ORDER BY step",
        "SELECT '‹clawbacks› ‹' || step || '›', '', COUNT(*), SUM(amount_fen) FROM clawbacks "
        "WHERE year=:year AND policy=:policy GROUP BY step ORDER BY step",
    ),
)

_LIST = "(SELECT COALESCE(SUM(payable_fen), 0) AS fen FROM list_lines WHERE year=:year)"
_SETTLED = (
    "(SELECT COALESCE(SUM(payable_fen), 0) AS fen FROM settled WHERE policy=:policy AND year=:year "
    "AND award_year=:year)"
)
_CLOSED = (
    "(SELECT position, payable_fen AS fen FROM settlements WHERE policy=:policy AND year=:year "
    "AND step='closed' ORDER BY position DESC LIMIT 1)"
)
_ACCOUNTS = (
    "SELECT a.code, a.fen AS payable, COALESCE(p.fen, 0) AS paid, COALESCE(p.latest, a.position) AS position "
    "FROM (SELECT code, SUM(payable_fen) AS fen, MAX(position) AS position FROM settled "
    "WHERE policy=:policy AND year=:year GROUP BY code) a "
    "LEFT JOIN (SELECT code, SUM(amount_fen) AS fen, MAX(position) AS latest FROM payments "
    "WHERE policy=:policy AND year=:year AND step='made' GROUP BY code) p ON p.code=a.code"
)

_CLAWED_BACK = (
    "SELECT code, SUM(CASE WHEN step='ordered' THEN amount_fen ELSE 0 END) AS ordered, "
    "SUM(CASE WHEN step='recovered' THEN amount_fen ELSE 0 END) AS recovered, "
    "COALESCE((SELECT SUM(p.amount_fen) FROM payments p WHERE p.code=c.code AND p.policy=c.policy "
    "AND p.year=c.year AND p.step='made'), 0) AS paid, MAX(position) AS position "
    "FROM clawbacks c WHERE policy=:policy AND year=:year GROUP BY code, policy, year"
)
_SUMS = "'‹{0}› ' || money({0}) || ', ‹{1}› ' || money({1})"

AGREEMENT = Paper(
    "agreement",
    Words("名单、办结与付款是否一致", "List, closing and payments agree"),
    Words(
        "本年度名单合计、办结金额、逐户应付与实付", "the list's total, the closing, each account's payments"
    ),
    Words("银行对账单：请另行向银行函证", "bank statements: confirm with the bank"),
    FINDINGS,
    ask_each(
        "SELECT '', 'list-not-closing', ABS(c.fen-s.fen), c.position, "
        f"'‹settled› ' || money(s.fen) || ', ‹closing› ' || money(c.fen) FROM {_CLOSED} c, "
        "(SELECT COALESCE(SUM(payable_fen), 0) AS fen FROM settled WHERE policy=:policy AND year=:year) s "
        "WHERE c.fen<>s.fen",
        f"SELECT '', 'list-not-settled', ABS(l.fen-s.fen), c.position, "
        f"'‹list› ' || money(l.fen) || ', ‹settled› ' || money(s.fen) "
        f"FROM {_CLOSED} c, {_LIST} l, {_SETTLED} s "
        "WHERE l.fen<>s.fen",
        "SELECT code, 'paid-above-award', paid-payable, position, "
        f"'‹paid› ' || money(paid) || ', ‹payable› ' || money(payable) FROM ({_ACCOUNTS}) "
        "WHERE paid>payable ORDER BY 3 DESC",
        "SELECT code, 'paid-below-award', payable-paid, position, "
        f"'‹paid› ' || money(paid) || ', ‹payable› ' || money(payable) FROM ({_ACCOUNTS}) "
        "WHERE paid<payable AND EXISTS (SELECT 1 FROM payments p WHERE p.policy=:policy AND p.year=:year "
        "AND p.step='made') ORDER BY 3 DESC",
        "SELECT p.code, 'paid-without-award', p.amount_fen, p.position, p.payment FROM payments p "
        "WHERE p.step='made' AND p.policy=:policy AND p.year=:year AND NOT EXISTS (SELECT 1 FROM settled s "
        "WHERE s.code=p.code AND s.policy=p.policy AND s.year=p.year) ORDER BY 3 DESC",
        "SELECT p.code, 'paid-without-order', p.amount_fen, p.position, p.payment FROM payments p "
        "WHERE p.step='made' AND p.policy=:policy AND p.year=:year AND NOT EXISTS (SELECT 1 FROM payments o "
        "WHERE o.payment=p.payment AND o.step='ordered') ORDER BY 3 DESC",
        "SELECT MAX(code), 'paid-twice', SUM(amount_fen)-MIN(amount_fen), MAX(position), payment || ' ×' || "
        "COUNT(*) FROM payments WHERE step='made' AND policy=:policy AND year=:year GROUP BY payment "
        "HAVING COUNT(*)>1 ORDER BY 3 DESC",
        f"SELECT code, 'clawed-back-above-paid', ordered-paid, position, {_SUMS.format('ordered', 'paid')} "
        f"FROM ({_CLAWED_BACK}) WHERE ordered>paid ORDER BY 3 DESC",
        f"SELECT code, 'recovered-above-clawback', recovered-ordered, position, "
        f"{_SUMS.format('recovered', 'ordered')} FROM ({_CLAWED_BACK}) WHERE recovered>ordered "
        "ORDER BY 3 DESC",
    ),
    {
        "list-not-closing": Words("逐户金额与办结金额不符", "the parts do not come to the closing's sum"),
        "list-not-settled": Words("名单与逐户金额不符", "the list does not come to the parts"),
        "paid-above-award": Words("实付超过应付", "paid more than was awarded"),
        "paid-below-award": Words("实付少于应付", "paid less than was awarded"),
        "paid-without-award": Words("没有奖励而付款", "paid without an award"),
        "paid-without-order": Words("没有付款指令而付款", "paid without an order"),
        "paid-twice": Words("一笔付款登记了两次付讫", "one payment recorded as made twice"),
        "clawed-back-above-paid": Words("追回金额超过实付", "clawed back more than was paid"),
        "recovered-above-clawback": Words("收回金额超过追回决定", "recovered more than was clawed back"),
    },
)
