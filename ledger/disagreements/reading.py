"""Disagreements as they stand, for people and programs."""

from __future__ import annotations

from typing import Any, NamedTuple

from domain.disagreements import words_of
from domain.facts import SEP
from domain.money import yuan
from ledger import queries
from ledger.store import Row, Rows

COLUMNS = "disagreement, key, code, event, policy, rule, kind, matter, value, held, position, outcome"
STAGES = ("open", "decided", "all")


class Listed(NamedTuple):
    """One disagreement, with its facts in the order in which they were found."""

    id: str
    policy: str
    rule: str
    kind: str
    words: dict[str, str]
    open: bool
    position: int
    facts: list[dict[str, Any]]


def listed(
    rows: Rows, after: tuple[int, str], limit: int, stage: str = "open", code: str | None = None
) -> list[Listed]:
    """Disagreements in the order in which they were found, those that wait for a decision by default."""
    having, values = "", list[Any]()
    if stage != "all":
        having = f" HAVING SUM(CASE WHEN outcome IS NULL THEN 1 ELSE 0 END){'>' if stage == 'open' else '='}0"
    where = ""
    if code is not None:
        where = " WHERE disagreement IN (SELECT disagreement FROM disagreements WHERE code=?)"
        values.append(code)
    sql = (
        f"SELECT disagreement, MIN(position) AS first FROM disagreements{where} GROUP BY disagreement{having}"
    )
    page = f"SELECT disagreement FROM ({sql}) AS d WHERE (first, disagreement)>(?,?)"
    order = f"{page} ORDER BY first, disagreement LIMIT ?"
    named = [row[0] for row in rows.all(order, [*values, *after, limit])]
    found = {each.id: each for each in _read(rows, named)}
    return [found[each] for each in named]


def one(rows: Rows, disagreement: str) -> Listed | None:
    """One disagreement."""
    return next(iter(_read(rows, [disagreement])), None)


def count_open(rows: Rows) -> int:
    """How many wait for a decision."""
    sql = "SELECT COUNT(DISTINCT disagreement) FROM disagreements WHERE outcome IS NULL"
    return int(rows.all(sql)[0][0])


def _read(rows: Rows, named: list[str]) -> list[Listed]:
    groups: dict[str, list[Row]] = {}
    for row in rows.all_in(f"SELECT {COLUMNS} FROM disagreements WHERE disagreement IN ({{}})", named):
        groups.setdefault(row[0], []).append(row)
    codes = sorted({row[2] for group in groups.values() for row in group})
    names = queries.names_of(rows, codes)
    return [_listed(sorted(group, key=lambda r: (r[10], r[1])), names) for group in groups.values()]


def _listed(group: list[Row], names: dict[str, tuple[str, str]]) -> Listed:
    head = group[0]
    values = sorted({row[8] for row in group if row[8]})
    words = words_of(head[6], head[3], head[7], values, len({row[2] for row in group}))
    return Listed(
        head[0],
        head[4],
        head[5],
        head[6],
        words,
        any(row[11] is None for row in group),
        min(row[10] for row in group),
        [_fact(row, names) for row in group],
    )


def _fact(row: Row, names: dict[str, tuple[str, str]]) -> dict[str, Any]:
    source, _, event_id = row[1].partition(SEP)
    return {
        "enterprise": row[2],
        "name": names.get(row[2], ("", ""))[0],
        "event": row[3],
        "source": source,
        "id": event_id,
        "value": yuan(int(row[8])) if row[8].isdigit() else row[8],
        "held": bool(row[9]) and row[11] is None,
        "outcome": row[11],
    }


def of_enterprise(rows: Rows, code: str, limit: int = 50) -> list[dict[str, Any]]:
    """What of one enterprise's facts disagrees, without naming anybody else."""
    found = []
    for each in listed(rows, (-1, ""), limit, "all", code):
        mine = [fact for fact in each.facts if fact["enterprise"] == code]
        found.append({"disagreement": each.id, "kind": each.kind, "words": each.words, "facts": mine})
    return found
