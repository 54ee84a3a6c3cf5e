"""Several budgets and groups of measures: what is paid is what an independent reckoning says, to the fen."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.events import STATES, SettlementClosed, SettlementProposed, topic_of
from domain.events.stored import state_of
from domain.money.amounts import print_fen
from domain.money.dividing import budget_id
from domain.policy.load import load_policy
from domain.policy.model import Policy
from domain.policy.rulebook import Rulebook
from domain.settlement.figures import division_of
from domain.settlement.payables import Line, division, payable_of
from ledger.budget.columns import Columns
from ledger.simulation.city import Awards, divided
from tests.contents import event_of
from tests.events import EXAMPLES
from tests.lengths import length_of
from tests.oracle import dividing as oracle
from tests.oracle.codes import credit_code

LINHAI, BINHAI, _ = EXAMPLES
TOWNS = ("古城街道", "大洋街道", "杜桥镇", "白水洋镇", "")
YEAR = 2026


def rules_of(policy: Policy) -> tuple[oracle.Named, list[frozenset[str]]]:
    """A policy's budgets and groups as the independent reckoning takes them."""
    named = {
        each.id: (each.amount, frozenset(each.towns), frozenset(each.measures), each.rest)
        for each in policy.budgets
    }
    return named, [frozenset(group) for group in policy.priorities]


def awards_for(policy: str) -> st.SearchStrategy[dict[tuple[int, str], int]]:
    """Awards (fen by enterprise and measure) that now fit, now exceed, now tie."""
    measures = [
        each.id for each in load_policy(EXAMPLES[policy]).measures.values() if each.kind != "recognition"
    ]
    fen = st.one_of(st.integers(1, 10), st.integers(1, 10**6), st.sampled_from((10**8, 10**9, 333_333_333)))
    return st.dictionaries(st.tuples(st.integers(1, 9), st.sampled_from(measures)), fen, max_size=30)


def town_of(number: int) -> str:
    return TOWNS[number % len(TOWNS)]


def lines_of(book: Rulebook, awards: dict[tuple[int, str], int]) -> list[Line]:
    return sorted(
        Line(credit_code(n), measure, YEAR, fen, 0, book.pot_of(YEAR, measure, town_of(n)))
        for (n, measure), fen in awards.items()
    )


@pytest.mark.parametrize("policy", [LINHAI, BINHAI])
@settings(max_examples=length_of("SUBSIDY_TEST_DIVISIONS"), deadline=None)
@given(data=st.data())
def test_all_ways_of_dividing_pay_what_an_independent_reckoning_says(
    policy: str, data: st.DataObject
) -> None:
    awards = data.draw(awards_for(policy))
    found = load_policy(EXAMPLES[policy])
    book, amounts = Rulebook([found]), found.amounts
    lines = lines_of(book, awards)
    named = [(credit_code(n), measure, town_of(n), fen) for (n, measure), fen in awards.items()]
    right = oracle.paid(named, *rules_of(found))

    shares = division(lines, book, amounts, found.pots)
    by_line = {(line.code, line.measure): payable_of(line, book, shares).payable for line in lines}
    in_columns, by_group, by_pot = Columns(lines, book).divide(amounts, found.pots)
    ranks = sorted({line.code for line in lines})
    groups = sorted({(line.year, line.measure) for line in lines}, key=lambda each: (each[1], each[0]))
    city = Awards(
        np.array([ranks.index(line.code) for line in lines], np.int64),
        np.array([groups.index((line.year, line.measure)) for line in lines], np.int64),
        np.array([line.gross for line in lines], np.int64),
        np.zeros(len(lines), np.int64),
        groups,
    )
    numbers = {credit_code(n): n for n, _ in awards}
    paid_in_city, _, inside = divided(city, book, amounts, [town_of(numbers[code]) for code in ranks])

    assert by_line == right
    assert in_columns == shares
    assert sum(by_group.values()) == sum(by_pot.values()) == inside == sum(right.values())
    assert paid_in_city.tolist() == [right[line.code, line.measure] for line in lines]
    for budget, amount in amounts.items():
        of_budget = sum(fen for pot, fen in by_pot.items() if budget_id(pot) == budget)
        wanted = sum(line.gross for line in lines if budget_id(line.pot) == budget)
        assert of_budget == min(amount, wanted), (budget, print_fen(of_budget))


def test_a_group_is_paid_only_from_what_those_before_it_leave() -> None:
    """Binhai: ¥4,000,000 for results; 3,900,000 for high-tech, so 100,000 are left for standards."""
    found = load_policy(EXAMPLES[BINHAI])
    book = Rulebook([found])
    fen = {"honour.high-tech": 390_000_000, "standard.led": 30_000_000, "results.project": 100_000_000}
    lines = lines_of(book, {(1, measure): amount for measure, amount in fen.items()})
    shares = division(lines, book, found.amounts, found.pots)

    assert [payable_of(line, book, shares).payable for line in lines] == [390_000_000, 0, 10_000_000]
    assert [str(shares.factor_of(f"results/{n}")) for n in (1, 2, 3)] == ["1", "1/3", "0"]


NEW_FIELDS = ("class_version", "pots", "budgets")
"""What version 1 of the two events lacks."""


@pytest.mark.parametrize("name", ["SettlementProposed", "SettlementClosed"])
def test_a_settlement_from_before_several_budgets_reads_as_one(name: str) -> None:
    """Version 1 of the two events: the sums and the cut of the only budget."""
    figures = {"budget_fen": 77_777, "sharing_fen": 135_055, "payable_fen": 77_777, "outside_fen": 0}
    cut = {"cut_remainder": "74883", "cut_key": ["91330282MA0000653T", "park.transformation", "2024"]}
    fields = {"year": 2024, **figures, **cut, "number": 1, "measures": ()}
    state = state_of(event_of(name, "urn:x", "1", "2025-01-01T00:00:00Z", fields), "2025-01-01T00:00:00Z")
    stored = {key: value for key, value in json.loads(state).items() if key not in NEW_FIELDS}
    event, _ = STATES.read_state(topic_of(name), json.dumps(stored).encode())
    assert isinstance(event.content, SettlementProposed | SettlementClosed)
    shares = division_of(event.content)

    assert (event.content.pots, event.content.budgets) == ((), ())
    assert str(shares.factor) == "77777/135055"
    assert shares.share(99_999, ("91330282MA0000653T", "park.transformation", "2024")) == 57_589
    assert shares.share(10_001, ("91330282MA0000651L", "talent.cooperation", "2024")) == 5_759
