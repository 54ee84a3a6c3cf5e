"""A draft of the opinion: scope, basis, materiality, exceptions, what was not looked at, and a suggestion."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from docx import Document

from domain.money.amounts import print_fen
from domain.vocabulary.kinds import Words
from services.workbench.papers.paper import Parameters
from services.workbench.papers.registry import EXCEPTIONS, FINDINGS_BY_SLUG, PAPERS
from services.workbench.papers.terms import in_words
from services.workbench.tables import AboutBundle, read_about
from services.workbench.writing import ORIGIN_WORDS

FILE = "opinion.docx"
EXCEPTIONS_TOLD = 50
"""Most exceptions that the draft tells one by one; the paper has all of them."""
MISSTATEMENTS = frozenset(
    (
        *("list-not-closing", "list-not-settled", "paid-above-award"),
        *("paid-below-award", "paid-without-award", "paid-without-order", "paid-twice"),
        *("clawed-back-above-paid", "recovered-above-clawback"),
    )
)
"""Exceptions that are differences of money."""
BREACHES = frozenset(
    (
        *("conflict-in-matter", "confirmed-by-oneself", "approval-not-as-reviewed", "approval-above-claim"),
        *("approval-without-review", "approval-without-evidence", "same-document"),
        *("spelt-otherwise", "same-bank-reference"),
    )
)
"""Exceptions against a rule of the procedure; every other one is a lead, to be looked into."""
PERVASIVE = 5
"""Differences of so many times materiality are taken to be pervasive."""
KINDS = {
    "unqualified": Words("无保留意见", "unqualified"),
    "qualified": Words("保留意见", "qualified"),
    "adverse": Words("否定意见", "adverse"),
}
RULE = Words(
    "建议按以下规则得出，由审计人员判断：审计包核验不符，或金额差异达到重要性的 5 倍，建议否定意见；"
    "金额差异或违反程序的例外事项合计达到重要性，建议保留意见；其余建议无保留意见。"
    "线索（如异常数值、关联企业）本身不影响建议。",
    "The suggestion follows this rule, and the auditor judges: adverse where the bundle does not verify, or "
    "differences of money reach five times materiality; qualified where differences, or exceptions against "
    "the procedure, together reach materiality; else unqualified. Leads (outliers, related parties and the "
    "like) do not change it by themselves.",
)


class ExceptionRow(NamedTuple):
    """An exception as ``EXCEPTIONS`` ranks them."""

    rank: int
    paper: str
    code: str
    finding: str
    fen: int
    position: int
    detail: str


class Suggestion(NamedTuple):
    """Which opinion the rule suggests, and the sums that it rests on, in fen."""

    kind: str
    misstated_fen: int
    breached_fen: int


def suggest_opinion(origin: AboutBundle, rows: Sequence[ExceptionRow], materiality_fen: int) -> Suggestion:
    """The opinion that ``RULE`` suggests."""
    misstated = sum(row.fen for row in rows if row.finding in MISSTATEMENTS)
    breached = sum(row.fen for row in rows if row.finding in BREACHES)
    if origin.verdict != "VERIFIED" or misstated >= PERVASIVE * materiality_fen:
        kind = "adverse"
    else:
        kind = "qualified" if max(misstated, breached) >= materiality_fen else "unqualified"
    return Suggestion(kind, misstated, breached)


def write_opinion(
    file: sqlite3.Connection, folder: Path, parameters: Parameters, language: str
) -> Suggestion:
    """Write the draft as a Word document into the folder."""
    origin = read_about(file)
    rows = [
        ExceptionRow._make((*row[:4], row[4] or 0, *row[5:])) for row in EXCEPTIONS.rows(file, parameters)
    ]
    suggestion = suggest_opinion(origin, rows, parameters.materiality_fen)
    document = Document()
    document.add_heading(Words("审计意见（草稿）", "Audit opinion (draft)").in_language(language), 0)
    for section in (
        _scope(file, origin, parameters),
        _basis(origin, language),
        _materiality(parameters, language),
        _exceptions(rows, suggestion, language),
        _not_looked_at(language),
        _suggested(suggestion),
    ):
        _add_section(document, section, language)
    document.save(str(folder / FILE))
    return suggestion


class _Section(NamedTuple):
    """A section of the draft: its heading, paragraphs, then a table or bullets in the draft's language."""

    heading: Words
    paragraphs: tuple[Words, ...] = ()
    table: Sequence[tuple[str, ...]] = ()
    bullets: Sequence[str] = ()


def _scope(file: sqlite3.Connection, origin: AboutBundle, parameters: Parameters) -> _Section:
    payable_fen, enterprises = file.execute(
        "SELECT COALESCE(SUM(payable_fen), 0), COUNT(DISTINCT code) FROM list_lines WHERE year=?",
        [parameters.year],
    ).fetchone()
    paid_fen = file.execute(
        "SELECT COALESCE(SUM(amount_fen), 0) FROM payments WHERE step='made' AND policy=? AND year=?",
        [parameters.policy, parameters.year],
    ).fetchone()[0]
    payable, paid = _money(payable_fen), _money(paid_fen)
    population = Words(
        f"政策 {origin.policy} {origin.year} 年度：{enterprises:,} 家企业，应付 {payable}，已付 {paid}。",
        f"Policy {origin.policy}, {origin.year}: {enterprises:,} enterprises, payable {payable}, "
        f"paid {paid}.",
    )
    return _Section(Words("一、范围", "1. Scope"), (population,))


def _basis(origin: AboutBundle, language: str) -> _Section:
    rows = [
        (ORIGIN_WORDS[name].in_language(language), str(value))
        for name, value in origin._asdict().items()
        if value
    ]
    return _Section(Words("二、依据", "2. Basis"), table=rows)


def _materiality(parameters: Parameters, language: str) -> _Section:
    rows = (
        (Words("重要性", "Overall materiality"), _money(parameters.materiality_fen)),
        (Words("实际执行的重要性", "Performance materiality"), _money(parameters.performance_fen)),
        (Words("明显微小错报", "Clearly trivial"), _money(parameters.trivial_fen)),
        (Words("可信度", "Confidence"), f"{parameters.confidence} %"),
    )
    table = [(name.in_language(language), value) for name, value in rows]
    return _Section(Words("三、重要性", "3. Materiality"), table=table)


def _exceptions(rows: Sequence[ExceptionRow], suggestion: Suggestion, language: str) -> _Section:
    misstated, breached = _money(suggestion.misstated_fen), _money(suggestion.breached_fen)
    total = Words(
        f"共 {len(rows):,} 项，金额差异 {misstated}，违反程序 {breached}；"
        f"以下按金额列前 {EXCEPTIONS_TOLD} 项，其余见底稿 exceptions。",
        f"{len(rows):,} in all: differences of money {misstated}, against the procedure {breached}. "
        f"The first {EXCEPTIONS_TOLD} by money follow; the paper exceptions has the rest.",
    )
    table = [
        (
            str(row.rank),
            FINDINGS_BY_SLUG[row.finding].in_language(language),
            _money(row.fen),
            f"{row.code} {in_words(row.detail, language)} #{row.position}".strip(),
        )
        for row in rows[:EXCEPTIONS_TOLD]
    ]
    return _Section(Words("四、例外事项", "4. Exceptions"), (total,), table)


def _not_looked_at(language: str) -> _Section:
    bullets = [
        f"{paper.title.in_language(language)}: {paper.not_looked.in_language(language)}" for paper in PAPERS
    ]
    return _Section(Words("五、没有查看的内容", "5. What was not looked at"), bullets=bullets)


def _suggested(suggestion: Suggestion) -> _Section:
    kind = KINDS[suggestion.kind]
    paragraphs = (
        Words(f"建议：{kind.zh}。", f"Suggested: {kind.en}."),
        RULE,
        Words("审计人员：＿＿＿＿＿＿　　日期：＿＿＿＿＿＿", "Auditor: ______    Date: ______"),
    )
    return _Section(Words("六、意见", "6. Opinion"), paragraphs)


def _money(fen: int) -> str:
    return print_fen(fen, "CNY")


def _add_section(document: Any, section: _Section, language: str) -> None:
    document.add_heading(section.heading.in_language(language), 1)
    for paragraph in section.paragraphs:
        document.add_paragraph(paragraph.in_language(language))
    _add_table(document, section.table)
    for bullet in section.bullets:
        document.add_paragraph(bullet, style="List Bullet")


def _add_table(document: Any, rows: Sequence[tuple[str, ...]]) -> None:
    if not rows:
        return
    table = document.add_table(rows=0, cols=len(rows[0]))
    table.style = "Table Grid"
    for row in rows:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)
