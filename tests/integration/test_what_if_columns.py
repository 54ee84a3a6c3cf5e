"""A what-if over columns says what the same what-if says award by award, also as events go on coming."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from domain.policy.changes import Changes
from domain.settlement.payables import payable_of
from ledger.budget.pools import divide, lines_now, pool
from ledger.intake.inbox import ingest_all
from ledger.policies.versions import adopt_policy, budget_of, rulebook
from ledger.simulation import city as cities
from ledger.simulation.what_if import lines_under
from ledger.store.application import Ledger, open_ledger
from ledger.store.moments import NOW
from ledger.store.rows import Rows
from services.sample.city import city
from tests.answers import what_if
from tests.events import CIXI, CIXI_TEXT
from tests.integration.test_columns import OTHER_VALUES

YEAR = 2024


def paid(lines: Any, book: Any, found: Any) -> dict[str, int]:
    out: dict[str, int] = {}
    for line in lines:
        out[line.code] = out.get(line.code, 0) + payable_of(line, book, found.shares).payable
    return out


def award_by_award(
    ledger: Ledger, rows: Rows, readings: dict[str, str]
) -> tuple[dict[str, int], dict[str, int], int]:
    """(fen by enterprise before, after, fen that would share the budget)."""
    now, then = rulebook(rows, CIXI), rulebook(rows, CIXI, changes=Changes(readings, {}))
    before = paid(lines_now(rows, now, YEAR), now, pool(ledger, rows, now, YEAR, NOW))
    lines = sorted(lines_under(rows, now, then, YEAR))
    found = divide(lines, then, budget_of(rows, then, YEAR), YEAR)
    return before, paid(lines, then, found), found.total


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ledger, Iterator[bytes]]]:
    """A ledger with most of a small sample year, and the messages that are still to come."""
    ledger = open_ledger(str(tmp_path_factory.mktemp("city") / "city.db"))
    adopt_policy(ledger, CIXI_TEXT)
    messages = city(400)
    for _ in ingest_all(ledger, islice(messages, 2_500), "tests"):
        pass
    yield ledger, messages
    ledger.close()


def same(ledger: Ledger, readings: dict[str, str]) -> None:
    with ledger.store.reading() as rows:
        before, after, sharing = award_by_award(ledger, rows, readings)
        found = what_if(ledger, rows, CIXI, YEAR, readings, limit=1_000)
    moves = {code: after.get(code, 0) - before.get(code, 0) for code in before.keys() | after.keys()}
    ordered = sorted(moves.items(), key=lambda move: (-move[1], move[0]))
    assert [each["enterprise"] for each in found["winners"]] == [code for code, move in ordered if move > 0]
    assert [each["enterprise"] for each in found["losers"]] == [code for code, m in ordered[::-1] if m < 0]
    for each in (*found["winners"], *found["losers"]):
        was, now = before.get(each["enterprise"], 0), after.get(each["enterprise"], 0)
        texts = [each["before"], each["after"], each["difference"]]
        assert [round(float(text) * 100) for text in texts] == [was, now, now - was]
    assert found["unchanged"] == sum(move == 0 for move in moves.values())
    assert round(float(found["after"]["sharing"]) * 100) == sharing
    assert found["after"]["enterprises"] == sum(1 for fen in after.values() if fen)


@pytest.mark.parametrize("readings", OTHER_VALUES, ids=str)
def test_each_reading_gives_the_same_answer(
    filled: tuple[Ledger, Iterator[bytes]], readings: dict[str, str]
) -> None:
    same(filled[0], readings)


def test_what_comes_later_is_packed_beside(filled: tuple[Ledger, Iterator[bytes]]) -> None:
    ledger, messages = filled
    with ledger.store.reading() as rows:
        whole = len(cities.city_columns(ledger, rows).codes)
    parts = set()
    while batch := list(islice(messages, 20)):
        for _ in ingest_all(ledger, batch, "tests"):
            pass
        same(ledger, {"dtc-units": "pro-rata", "store-awards": "item"})
        with ledger.store.reading() as rows:
            parts.add(len(cities.city_columns(ledger, rows).parts))
    with ledger.store.reading() as rows:
        again = cities.packed(rows, rows.last_position())
        kept = cities.city_columns(ledger, rows)
    assert len(parts) > 1, "packed anew beside, not all again each time"
    assert kept.codes.tolist() == again.codes.tolist()
    assert whole <= len(kept.codes)


def test_a_city_without_an_enterprise_answers(tmp_path: Path) -> None:
    ledger = open_ledger(str(tmp_path / "empty.db"))
    adopt_policy(ledger, CIXI_TEXT)

    with ledger.store.reading() as rows:
        found = what_if(ledger, rows, CIXI, YEAR, {"dtc-units": "pro-rata"})

    assert (found["gaining"], found["losing"], found["unchanged"]) == (0, 0, 0)
    ledger.close()
