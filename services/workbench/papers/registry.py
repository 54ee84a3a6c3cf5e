"""The one registry of papers, and the paper that ranks all their exceptions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from domain.vocabulary.kinds import Words
from services.workbench.papers.changes import HOLDS, LATE, OPEN_HOLDS, OVERRIDES
from services.workbench.papers.duplicates import DUPLICATES
from services.workbench.papers.figures import BENFORD, OUTLIERS, YEARS
from services.workbench.papers.paper import (
    AMOUNT,
    DETAIL,
    ENTERPRISE,
    FINDING,
    POSITION,
    Paper,
    PaperRow,
    column,
)
from services.workbench.papers.paper import Parameters as Parameters
from services.workbench.papers.parties import PARTIES
from services.workbench.papers.persons import DUTIES, SEGREGATION, WHEN
from services.workbench.papers.population import AGREEMENT, POPULATION
from services.workbench.papers.trails import TRAILS

QUESTIONS: tuple[Paper, ...] = (
    *(POPULATION, AGREEMENT, TRAILS, DUTIES, SEGREGATION, WHEN, LATE, HOLDS, OPEN_HOLDS, OVERRIDES),
    *(DUPLICATES, PARTIES, OUTLIERS, BENFORD, YEARS),
)
"""The questions, in the order of the papers."""


def _rank(file: sqlite3.Connection, parameters: Parameters) -> Iterator[PaperRow]:
    ranked: list[PaperRow] = []
    for paper in QUESTIONS:
        if paper.findings is not None:
            ranked += [(row[2] or 0, paper.slug, *row) for row in paper.rows(file, parameters)]
    ranked.sort(key=lambda row: (-int(row[0] or 0), str(row[1]), str(row[2])))
    for place, (_, slug, *row) in enumerate(ranked, start=1):
        yield place, slug, *row


EXCEPTIONS = Paper(
    "exceptions",
    Words("例外事项（按金额）", "Exceptions by money"),
    Words("各底稿的全部例外事项", "every exception of every paper"),
    Words("各底稿没有查看的内容", "what each paper did not look at"),
    (
        column("次序", "Rank", "count"),
        column("底稿", "Paper"),
        *(ENTERPRISE, FINDING, AMOUNT, POSITION, DETAIL),
    ),
    _rank,
)
PAPERS: tuple[Paper, ...] = (EXCEPTIONS, *QUESTIONS)
PAPERS_BY_SLUG = {paper.slug: paper for paper in PAPERS}
FINDINGS_BY_SLUG: dict[str, Words] = {
    slug: words for paper in QUESTIONS for slug, words in (paper.findings or {}).items()
}
"""What exceptions may be found, by the slugs that name them for ever."""
