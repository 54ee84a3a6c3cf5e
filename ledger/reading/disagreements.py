"""Disagreements as they stand, for people and programs."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import msgspec

from domain.disagreements.matters import OF_ONE_ENTERPRISE, plain, words_of
from domain.events.event import SEP, Capacity, Speaker
from domain.money.amounts import print_fen
from domain.vocabulary.load import shipped_vocabulary
from ledger.projections.disagreements import AGREES, ENDED, SETTLED, WITHDRAWN
from ledger.reading.records import read_names
from ledger.store.rows import Rows
from ledger.store.stored_events import SELECT, stored

STAGES = ("open", "decided", "all")
SHOWN = 100
"""Most facts of one disagreement that a list shows."""
EVERY = 2**31
COUNTED = 10_000
"""What is counted beyond is said to be this many."""


class DisagreeingFact(msgspec.Struct, frozen=True):
    """A fact that disagrees with others."""

    enterprise: str
    name: str
    event: str
    source: str
    id: str
    value: str | int
    """What is compared; an amount in hundredths of the currency that it was reported in."""
    held: bool
    """Whether it waits, uncounted, for a decision."""
    outcome: str | None

    def wire_parts(self) -> dict[str, str | bool | None]:
        """Its fields, an amount as text."""
        value = print_fen(self.value) if isinstance(self.value, int) else self.value
        return {**{name: getattr(self, name) for name in self.__struct_fields__}, "value": value}


class Decision(msgspec.Struct, frozen=True):
    """Who decided last, why, and when (UTC); where it took two persons, who proposed it."""

    actor: str
    reason: str
    at: str
    proposed_by: str | None = None


class Disagreement(msgspec.Struct, frozen=True):
    """One disagreement, with its facts in the order in which they were found."""

    id: str
    policy: str
    rule: str
    kind: str
    words: dict[str, str]
    open: bool
    position: int
    total: int
    """How many facts there are; ``facts`` may be the first of them."""
    facts: list[DisagreeingFact]
    latest: int
    """The position of its latest change, which a decision says that it has seen."""
    decision: Decision | None
    """``None`` where nobody has decided."""


@cache
def names_of_values() -> dict[str, dict[str, str]]:
    """What values of code lists are called, as spreadsheets call them."""
    values = shipped_vocabulary().values
    return {plain(value): {"zh": words.zh, "en": words.en} for value, words in values.items()}


def list_disagreements(
    rows: Rows, after: tuple[int, str], limit: int, stage: str = "open", code: str | None = None
) -> list[Disagreement]:
    """Disagreements in the order in which they were found, those that wait for a decision by default."""
    where = {"open": " AND waiting=1", "decided": " AND waiting=0", "all": ""}[stage]
    values: list[Any] = [*after]
    if code is not None:
        where += " AND disagreement IN (SELECT disagreement FROM disagreements WHERE code=?)"
        values.append(code)
    sql = f"SELECT disagreement FROM disputes WHERE (position, disagreement)>(?,?){where}"
    named = rows.all(f"{sql} ORDER BY position, disagreement LIMIT ?", [*values, limit])
    return [entry for row in named if (entry := read_disagreement(rows, row[0], SHOWN))]


def count_open(rows: Rows) -> int:
    """How many wait for a decision; counted up to ``COUNTED``."""
    waiting = "SELECT 1 AS one FROM disputes WHERE waiting=1 LIMIT ?"
    return int(rows.all(f"SELECT COUNT(*) FROM ({waiting}) AS w", [COUNTED])[0][0])


def read_disagreement(
    rows: Rows, disagreement: str, most: int | None = None, code: str | None = None, until: int | None = None
) -> Disagreement | None:
    """One disagreement, as it stands or as it was known at a position.

    Args:
        most: how many of its facts are read.
        code: only the facts of this enterprise.
    """
    at = "disagreement=? AND position<=?"
    known = rows.last_position() if until is None else until
    bound: list[Any] = [disagreement, known]
    count, codes = _counted(rows, disagreement, known)
    whose = "" if code is None else " AND code=?"
    sql = f"SELECT {_COLUMNS} FROM disagreements WHERE {at}{whose} ORDER BY position, key LIMIT ?"
    values = [*bound, *([] if code is None else [code]), most or EVERY]
    disagreement_rows = [_Row(*row) for row in rows.all(sql, values)]
    if not disagreement_rows:
        return None
    if until is not None:
        disagreement_rows = [_as_known(rows, each, until) for each in disagreement_rows]
    names = read_names(rows, sorted({each.code for each in disagreement_rows}))
    head = disagreement_rows[0]
    said = sorted({each.value for each in disagreement_rows if each.value})
    if head.kind == "outlier":
        said = [str(_total(rows, disagreement, disagreement_rows, count))]
    agree = all(each.outcome in (AGREES, SETTLED, WITHDRAWN) for each in disagreement_rows) and any(
        each.outcome == AGREES for each in disagreement_rows
    )
    names_ = {**_as_written(rows, head), **names_of_values()}
    words = words_of(head.kind, head.event, head.matter, said, codes, names_, agree)
    waits = any(each.outcome is None for each in disagreement_rows) or (
        len(disagreement_rows) < count and _waits(rows, disagreement)
    )
    facts = [_fact(each, names) for each in disagreement_rows]
    told = (disagreement, head.policy, head.rule, head.kind, words)
    return Disagreement(*told, waits, head.position, count, facts, *_decision(rows, disagreement))


def _decision(rows: Rows, disagreement: str) -> tuple[int, Decision | None]:
    sql = "SELECT latest, decided, actor, reason FROM disputes WHERE disagreement=?"
    ((latest, decided, actor, reason),) = rows.all(sql, [disagreement])
    if decided is None:
        return latest, None
    when = "SELECT recorded_at FROM batches WHERE last_position>=? ORDER BY last_position LIMIT 1"
    (row,) = rows.all(f"{SELECT} WHERE rowid=?", [decided])
    capacity = stored(row).fact.acting_as or Capacity()
    proposer = capacity.proposed_by or Speaker()
    return latest, Decision(
        actor, reason, rows.all(when, [decided])[0][0], proposer.name or proposer.subject or None
    )


def _total(rows: Rows, disagreement: str, found: list[_Row], count: int) -> int:
    """What facts of a matter add up to, in hundredths; those that were taken back do not."""
    if len(found) == count:
        standing = [each for each in found if each.outcome not in ENDED]
        return sum(int(each.value) for each in standing or found)
    sql = (
        "SELECT SUM(CAST(value AS BIGINT)) FROM disagreements WHERE disagreement=? "
        "AND (outcome IS NULL OR outcome NOT IN (?,?))"
    )
    return int(rows.all(sql, [disagreement, *ENDED])[0][0] or 0)


def _as_written(rows: Rows, row: _Row) -> dict[str, dict[str, str]]:
    """Names that are compared without case and spaces, as a fact writes them."""
    if row.kind not in ("claimed-twice", *OF_ONE_ENTERPRISE):
        return {}
    at = "SELECT position FROM event_keys WHERE key=?"
    event_rows = rows.all(f"{SELECT} WHERE rowid=({at})", [row.key])
    values = stored(event_rows[0]).fact.content.fields_by_name().values() if event_rows else ()
    texts = [value for value in values if isinstance(value, str)]
    return {plain(value): {"zh": value, "en": value} for value in texts}


_COLUMNS = "disagreement, key, code, event, policy, rule, kind, matter, value, held, position, outcome"


class _Row(NamedTuple):
    disagreement: str
    key: str
    code: str
    event: str
    policy: str
    rule: str
    kind: str
    matter: str
    value: str
    held: int
    position: int
    outcome: str | None


def _counted(rows: Rows, disagreement: str, until: int) -> tuple[int, int]:
    """How many facts there are, and of how many enterprises; who took its fact back is not counted."""
    last = (
        "(SELECT s.outcome FROM disagreement_steps s WHERE s.disagreement=d.disagreement AND s.key=d.key "
        "AND s.position<=? ORDER BY s.position DESC LIMIT 1)"
    )
    of = "FROM disagreements d WHERE d.disagreement=? AND d.position<=?"
    rest = f"SELECT d.code, {last} AS outcome {of} LIMIT {COUNTED}"
    standing = "COUNT(DISTINCT CASE WHEN outcome='withdrawn' THEN NULL ELSE code END)"
    sql = f"SELECT COUNT(*), {standing}, COUNT(DISTINCT code) FROM ({rest}) AS c"
    count, left, ever = rows.all(sql, [until, disagreement, until])[0]
    return int(count), int(left if left > 1 else ever)


def _waits(rows: Rows, disagreement: str) -> bool:
    sql = "SELECT 1 FROM disputes WHERE disagreement=? AND waiting=1"
    return bool(rows.all(sql, [disagreement]))


def _as_known(rows: Rows, row: _Row, until: int) -> _Row:
    """A fact of a disagreement as it was known at a position."""
    sql = (
        "SELECT outcome, matter, value, held FROM disagreement_steps "
        "WHERE disagreement=? AND key=? AND position<=? ORDER BY position"
    )
    for outcome, matter, value, held in rows.all(sql, [row.disagreement, row.key, until]):
        row = row._replace(outcome=outcome)
        if matter is not None:
            row = row._replace(matter=matter, value=value, held=held)
    return row


def _fact(row: _Row, names: dict[str, tuple[str, str]]) -> DisagreeingFact:
    source, _, event_id = row.key.partition(SEP)
    return DisagreeingFact(
        enterprise=row.code,
        name=names.get(row.code, ("", ""))[0],
        event=row.event,
        source=source,
        id=event_id,
        value=int(row.value) if row.value.isdigit() else row.value,
        held=bool(row.held) and row.outcome is None,
        outcome=row.outcome,
    )


def list_of_enterprise(rows: Rows, code: str, until: int | None = None) -> list[Disagreement]:
    """What of one enterprise's facts disagrees, as known at a position, without naming anybody else."""
    sql = (
        "SELECT disagreement, MIN(position) AS first FROM disagreements WHERE code=? AND position<=? "
        "GROUP BY disagreement ORDER BY first, disagreement LIMIT ?"
    )
    bound = rows.last_position() if until is None else until
    entries = (
        read_disagreement(rows, row[0], SHOWN, code, until) for row in rows.all(sql, [code, bound, OWN])
    )
    return [entry for entry in entries if entry is not None]


OWN = 50
"""Most disagreements that an enterprise's explanation tells."""
