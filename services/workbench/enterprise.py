"""One enterprise from the opened bundle: its history, and why its awards are what they are."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from domain.events import STATES
from domain.events.event import Capacity, Event
from domain.facts.folding import fold
from domain.money.amounts import print_fen
from domain.policy.load import load_adopted
from domain.policy.rulebook import Rulebook
from domain.rules.awards import Award
from domain.rules.evaluation import awards_of
from domain.rules.steps import Step
from domain.rules.words import flag_words, words_of
from services.workbench.papers.paper import Parameters


class HistoryEntry(NamedTuple):
    """An event of an enterprise or of its account, readable."""

    position: int
    day: str
    minute: str
    kind: str
    source: str
    id: str
    speaker: str
    content: str


class ExplainedSum(NamedTuple):
    """An award with the words of its steps; sums in fen are those of the verified list."""

    measure: str
    title: str
    quote: str
    gross_fen: int
    withheld_fen: int
    reduction_fen: int
    payable_fen: int
    lines: list[str]


def read_history(file: sqlite3.Connection, code: str) -> Iterator[HistoryEntry]:
    """Every event of an enterprise and of its accounts, in the order of the log."""
    sql = (
        "SELECT position, day, minute, kind, source, id, speaker, content FROM events "
        "WHERE originator=? OR (originator LIKE 'account:%' AND originator LIKE ?) ORDER BY position"
    )
    for row in file.execute(sql, (code, f"%:{code}")):
        yield HistoryEntry._make((*row[:7], _readable(row[7])))


def _readable(content: str) -> str:
    """The fields of an event as words: amounts as money, what is empty left out."""
    parts = []
    for name, value in json.loads(content).items():
        if value is None or value == []:
            continue
        if name.endswith("_fen") and isinstance(value, int):
            parts.append(f"{name.removesuffix('_fen')} {print_fen(value, grouped=True)}")
        elif isinstance(value, str | int):
            parts.append(f"{name} {value}")
        else:
            parts.append(f"{name} {json.dumps(value, ensure_ascii=False)}")
    return "  ".join(parts)


def find_enterprises(file: sqlite3.Connection, sought: str, limit: int = 50) -> list[tuple[str, str, str]]:
    """Enterprises by a part of code or name, or by a payment's number: code, name, town."""
    sql = (
        "SELECT code, COALESCE(name, ''), COALESCE(town, '') FROM enterprises WHERE code LIKE ? OR "
        "name LIKE ? "
        "UNION SELECT p.code, COALESCE(e.name, ''), COALESCE(e.town, '') FROM payments p LEFT JOIN "
        "enterprises e "
        "ON e.code=p.code WHERE p.payment=? ORDER BY 1 LIMIT ?"
    )
    pattern = f"%{sought}%"
    return list(file.execute(sql, (pattern, pattern, sought, limit)))


def read_book(file: sqlite3.Connection, policy: str, until: int) -> Rulebook:
    """The policy's versions as known at a position."""
    sql = "SELECT content FROM events WHERE kind='PolicyAdopted' AND position<=? ORDER BY position"
    documents = [json.loads(row[0]) for row in file.execute(sql, [until])]
    return Rulebook([load_adopted(each["document"]) for each in documents if each["policy"] == policy])


def known_position(file: sqlite3.Connection, parameters: Parameters) -> int:
    """The last position that counts for the year's list: the closing's, else the last there is."""
    sql = (
        "SELECT json_extract(content, '$.known') FROM events WHERE kind='SettlementClosed' AND originator=? "
        "ORDER BY position DESC LIMIT 1"
    )
    row = file.execute(sql, [f"settlement:{parameters.policy}:{parameters.year}"]).fetchone()
    return int(row[0] if row else file.execute("SELECT MAX(position) FROM events").fetchone()[0])


def explain_enterprise(
    file: sqlite3.Connection, parameters: Parameters, code: str, language: str
) -> list[ExplainedSum]:
    """Why an enterprise gets what it gets: worked out again from its facts, in the ledger's own words."""
    until = known_position(file, parameters)
    book = read_book(file, parameters.policy, until)
    policy = book.of_year(parameters.year)
    trace: list[Step] = []
    awards = awards_of(fold(read_events(file, code, until)), book, trace).get(parameters.year, {})
    steps = [step for step in trace if step.year == parameters.year]
    explained = []
    for measure_id in sorted({*awards, *(step.measure for step in steps)}):
        measure = policy.measures.get(measure_id) or book.segments[measure_id][-1].measure
        award = awards.get(measure_id, Award())
        lines = [words_of(step, policy.currency)[language] for step in steps if step.measure == measure_id]
        lines += [flag_words(flag)[language] for flag in award.flags]
        sums = file.execute(
            "SELECT gross_fen, withheld_fen, reduction_fen, payable_fen FROM list_lines "
            "WHERE code=? AND measure=? AND year=?",
            (code, measure_id, parameters.year),
        ).fetchone() or (award.gross, award.withheld, 0, 0)
        quote = f"{measure.article}、{measure.quote}"
        named = (measure_id, dict(measure.title)[language], quote)
        explained.append(ExplainedSum._make((*named, *sums, lines)))
    return explained


def read_events(file: sqlite3.Connection, code: str, until: int) -> list[Event]:
    """An enterprise's events up to a position, as their classes."""
    sql = (
        "SELECT kind, source, id, time, role, on_behalf_of, content FROM events "
        "WHERE originator=? AND position<=? ORDER BY version"
    )
    return [
        Event(
            STATES.read_content(kind, json.loads(content)),
            *(source, event_id, time),
            acting_as=Capacity(role=role, on_behalf_of=behalf) if role or behalf else None,
        )
        for kind, source, event_id, time, role, behalf, content in file.execute(sql, (code, until))
    ]
