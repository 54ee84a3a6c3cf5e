"""The same thing more than once: documents, things, amounts, spellings, bank references."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from domain.vocabulary.kinds import Words
from services.workbench.papers.paper import COUNTING, FINDINGS, Paper, PaperRow, Parameters, payable_of


def _plain(text: str | None) -> str:
    """A thing's identity without blanks, dashes and signs: what differs in spelling alone is the same."""
    return "".join(letter for letter in (text or "").casefold() if letter.isalnum())


_OTHER_COUNTS = COUNTING.replace("f.", "o.")
_DOCUMENTS = (
    "SELECT e.code, 'same-document', COALESCE(c.amount_fen, 0), e.position, e.claim || ' ' || e.title || "
    "' SHA-256 ' || e.sha256 FROM evidence e LEFT JOIN claims c ON c.position=e.position WHERE e.sha256 IN "
    "(SELECT sha256 FROM evidence GROUP BY sha256 HAVING COUNT(DISTINCT code || ' ' || claim)>1) "
    "ORDER BY e.sha256, e.position"
)
_THINGS = (
    f"SELECT f.code, 'same-thing', {payable_of('f.code')}, f.position, f.kind || ' ' || f.thing FROM facts f "
    f"WHERE f.thing<>'' AND {COUNTING} AND EXISTS (SELECT 1 FROM facts o WHERE o.kind=f.kind AND "
    f"o.thing=f.thing AND o.code<>f.code AND {_OTHER_COUNTS}) ORDER BY f.kind, f.thing, f.position"
)
_AMOUNTS = (
    "SELECT f.code, 'same-amount', f.amount_fen, f.position, f.kind || ' ' || f.year FROM facts f JOIN "
    "(SELECT kind, year, amount_fen FROM facts WHERE amount_fen>:trivial_fen AND amount_fen%1000000<>0 "
    "GROUP BY kind, year, amount_fen HAVING COUNT(DISTINCT code)>1) s "
    "ON s.kind=f.kind AND s.year=f.year AND s.amount_fen=f.amount_fen "
    f"WHERE {COUNTING} ORDER BY f.amount_fen DESC, f.position"
)
_SPELLINGS = (
    "SELECT f.code, 'spelt-otherwise', {payable}, f.position, f.kind || ' ' || f.thing || ' / ' || o.thing "
    "FROM facts f JOIN facts o ON o.code=f.code AND o.kind=f.kind AND o.thing<f.thing "
    f"AND plain(o.thing)=plain(f.thing) WHERE f.thing<>'' AND {COUNTING} ORDER BY f.position"
).replace("{payable}", payable_of("f.code"))
_REFERENCES = (
    "SELECT p.code, 'same-bank-reference', p.amount_fen, p.position, p.words || ' ' || p.payment "
    "FROM payments p "
    "WHERE p.step='made' AND p.words<>'' AND p.words IN (SELECT words FROM payments WHERE step='made' "
    "GROUP BY words HAVING COUNT(DISTINCT payment)>1) ORDER BY p.words, p.position"
)

_SPLIT = (
    "SELECT c.code, 'split-claim', SUM(c.amount_fen), MAX(c.position), c.measure || ' ×' || "
    "COUNT(DISTINCT c.claim) || ' ' || e.day FROM claims c JOIN events e ON e.position=c.position "
    "WHERE c.step='submitted' GROUP BY c.code, c.measure, c.year, e.day HAVING COUNT(DISTINCT c.claim)>1 "
    "ORDER BY 3 DESC"
)


def _find_duplicates(file: sqlite3.Connection, parameters: Parameters) -> Iterator[PaperRow]:
    file.create_function("plain", 1, _plain, deterministic=True)
    for sql in (_DOCUMENTS, _THINGS, _AMOUNTS, _SPELLINGS, _REFERENCES, _SPLIT):
        yield from file.execute(sql, parameters.bound())


DUPLICATES = Paper(
    "duplicates",
    Words("重复", "Duplicates"),
    Words(
        "同一材料、同一事物、同一金额（整万元的除外）出现在多家企业或多次出现；写法不同的同一事物；同一银行流水号",
        "one document, thing or amount (but whole ten thousands) at several; spellings; bank references",
    ),
    Words("材料的内容：包内只有其散列", "what documents say: the bundle has their hashes alone"),
    FINDINGS,
    _find_duplicates,
    {
        "same-document": Words("同一材料用于多项申请", "one document for several claims"),
        "same-thing": Words("同一事物由多家企业报送", "one thing of several enterprises"),
        "same-amount": Words("多家企业金额相同", "one amount of several enterprises"),
        "spelt-otherwise": Words("写法不同的同一事物", "one thing in two spellings"),
        "split-claim": Words("同一企业同日就同一条款多次申请", "several claims of one measure on one day"),
        "same-bank-reference": Words("多笔付款用同一银行流水号", "one bank reference of several payments"),
    },
)
