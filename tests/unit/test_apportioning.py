"""Apportioning a column gives the very shares that apportioning a list does, to the fen."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from domain.money.amounts import AMOUNT_FEN_MAX, apportion
from domain.money.apportioning import INT64_MAX, PIECE, Cut, cut_of, exact_sum, shares

steady = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
Amounts = list[int]

SAME = st.tuples(st.integers(0, 30), st.sampled_from([0, 1, 500_000, AMOUNT_FEN_MAX])).map(
    lambda p: [p[1]] * p[0]
)
SMALL = st.lists(st.integers(0, 12), max_size=60)
ANY = st.lists(st.integers(0, AMOUNT_FEN_MAX), max_size=60)
MIXED = st.lists(st.sampled_from([0, 0, 1, 2, 500_000, 500_000, 10**9, AMOUNT_FEN_MAX]), max_size=60)
HUGE = st.lists(st.sampled_from([0, 1, INT64_MAX - 1, INT64_MAX]), min_size=1, max_size=20)
BUDGETS = st.one_of(
    st.integers(0, 20), st.integers(0, AMOUNT_FEN_MAX), st.sampled_from([0, 1, 10**9, 2**62, 2**80])
)


def check(amounts: Amounts, budget: int, piece: int = PIECE) -> None:
    """Hold a column's cut and shares to the list's."""
    keys = [(f"{place:06d}",) for place in range(len(amounts))]
    by_list = apportion(list(zip(keys, amounts, strict=True)), budget)
    column = np.array(amounts, dtype=np.int64)

    cut = cut_of(column, budget, piece)

    key = keys[cut.place] if cut.place >= 0 else ()
    assert (cut.total, cut.remainder, key) == (by_list.total, by_list.cut_remainder, by_list.cut_key)
    found = [int(share) for share in shares(column, budget, cut, piece)]
    assert found == [by_list.share(amount, key) for amount, key in zip(amounts, keys, strict=True)]
    assert sum(found) == min(budget, sum(amounts))
    assert [int(amount) for amount in column] == amounts, "what was passed in is left as it was"


@steady
@given(st.one_of(SMALL, ANY, MIXED, SAME, HUGE), BUDGETS)
@example([], 0)
@example([0, 0], 0)
@example([AMOUNT_FEN_MAX] * 3, AMOUNT_FEN_MAX)
@example([INT64_MAX] * 3, 3 * INT64_MAX - 1)
@example([3, 3, 3], 1)
def test_a_column_is_divided_as_a_list_is(amounts: Amounts, budget: int) -> None:
    check(amounts, budget)


@steady
@given(st.one_of(SMALL, MIXED, SAME), BUDGETS, st.integers(1, 7))
def test_pieces_of_any_size_give_the_same(amounts: Amounts, budget: int, size: int) -> None:
    check(amounts, budget, size)


def test_one_huge_amount_among_many_small_ones_is_exact() -> None:
    amounts = [500_000] * 100_000
    amounts[77_777] = AMOUNT_FEN_MAX

    check(amounts, AMOUNT_FEN_MAX // 3)


def test_ties_over_several_pieces_go_to_the_first() -> None:
    column = np.full(100_000, 500_000, dtype=np.int64)

    cut = cut_of(column, 100_000 * 500_000 - 1)

    assert cut == Cut(50_000_000_000, 49_999_500_000, 99_998)
    assert list(shares(column, 100_000 * 500_000 - 1, cut)[-3:]) == [500_000, 500_000, 499_999]


def test_a_sum_beyond_64_bits_does_not_wrap() -> None:
    assert exact_sum(np.array([INT64_MAX] * 5, dtype=np.int64)) == 5 * INT64_MAX
