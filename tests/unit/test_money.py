"""Money: text in, text out, and a budget divided to the fen."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.money.amounts import AMOUNT_FEN_MAX, MoneyError, apportion, parse_fen, print_fen

steady = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
Amounts = list[tuple[tuple[str, ...], int]]

CODES = st.tuples(st.sampled_from("ABCDEFGH"), st.sampled_from(["a.one", "b.two", "c"]))
SMALL = st.dictionaries(CODES, st.integers(0, 40), min_size=1).map(lambda d: list(d.items()))
LARGE = st.dictionaries(CODES, st.integers(0, AMOUNT_FEN_MAX), min_size=1).map(lambda d: list(d.items()))


def shares_of(amounts: Amounts, budget: int) -> dict[tuple[str, ...], int]:
    """Every share of an apportionment."""
    found = apportion(amounts, budget)
    return {key: found.share(amount, key) for key, amount in amounts}


def by_hand(amounts: Amounts, budget: int) -> dict[tuple[str, ...], int]:
    """Largest remainder as a clerk would do it: floors first, then the spare fen one by one."""
    total = sum(amount for _, amount in amounts)
    if total <= budget:
        return dict(amounts)
    exact = {key: Fraction(amount * budget, total) for key, amount in amounts}
    paid = {key: int(share) for key, share in exact.items()}
    waiting = set(paid)
    while sum(paid.values()) < budget:
        largest = max(exact[key] - int(exact[key]) for key in waiting)
        winner = min(key for key in waiting if exact[key] - int(exact[key]) == largest)
        waiting.remove(winner)
        paid[winner] += 1
    return paid


@pytest.mark.parametrize(
    ("text", "fen"),
    [("0", 0), ("0.01", 1), ("0.1", 10), ("1234.56", 123456), ("999999999999.99", AMOUNT_FEN_MAX)],
)
def test_yuan_text_becomes_whole_fen(text: str, fen: int) -> None:
    assert parse_fen(text) == fen


@pytest.mark.parametrize(
    "text",
    [
        *("", " 1", "1 ", "1\n", "-1", "+1", "01", ".5", "1.", "1.234", "1e3", "1,000.00", "NaN", "Infinity"),
        *("１２", "٣", "0x10", "1_000", "1000000000000", "¥1"),
    ],
)
def test_anything_but_plain_digits_with_two_decimals_is_refused(text: str) -> None:
    with pytest.raises(MoneyError):
        parse_fen(text)


@pytest.mark.parametrize("value", [1, 1.5, None, True, b"1"])
def test_a_value_that_is_not_text_is_refused(value: object) -> None:
    with pytest.raises(MoneyError):
        parse_fen(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "fen"),
    [("-0.50", -50), ("0.00", 0), ("1000000000000.00", 10**14), ("-12345678901234.56", -1234567890123456)],
)
def test_a_sum_that_was_printed_is_read_back_whatever_its_size_and_sign(text: str, fen: int) -> None:
    assert parse_fen(text, printed=True) == fen
    assert print_fen(fen) == text


@pytest.mark.parametrize(
    "text", ["", "12", "1.5", "--1.00", "-", "１２.００", "1,000.00", "¥1.00", "9" * 50 + ".00"]
)
def test_what_was_never_printed_is_no_sum(text: str) -> None:
    with pytest.raises(MoneyError):
        parse_fen(text, printed=True)


@steady
@given(st.integers(0, AMOUNT_FEN_MAX))
def test_what_is_printed_reads_back_the_same(fen: int) -> None:
    assert parse_fen(print_fen(fen)) == fen
    assert parse_fen(print_fen(fen, grouped=True).replace(",", "")) == fen
    assert print_fen(fen, "CNY") == "¥" + print_fen(fen, grouped=True)


@pytest.mark.parametrize(
    ("fen", "plain", "shown"),
    [
        (-1, "-0.01", "-¥0.01"),
        (-123456, "-1234.56", "-¥1,234.56"),
        (100_000_000, "1000000.00", "¥1,000,000.00"),
    ],
)
def test_negative_and_large_sums_print_with_sign_and_groups(fen: int, plain: str, shown: str) -> None:
    assert (print_fen(fen), print_fen(fen, "CNY")) == (plain, shown)


@steady
@given(st.one_of(SMALL, LARGE), st.integers(0, AMOUNT_FEN_MAX))
def test_the_shares_sum_to_exactly_the_smaller_of_budget_and_total(amounts: Amounts, budget: int) -> None:
    total = sum(amount for _, amount in amounts)

    assert sum(shares_of(amounts, budget).values()) == min(budget, total)


@steady
@given(SMALL, st.integers(0, 200))
def test_a_small_budget_sums_exactly_too(amounts: Amounts, budget: int) -> None:
    total = sum(amount for _, amount in amounts)

    assert sum(shares_of(amounts, budget).values()) == min(budget, total)


@steady
@given(st.one_of(SMALL, LARGE), st.data())
def test_each_share_lies_within_one_fen_of_the_exact_share(amounts: Amounts, data: st.DataObject) -> None:
    total = sum(amount for _, amount in amounts)
    budget = data.draw(st.integers(0, total))

    for key, share in shares_of(amounts, budget).items():
        exact = Fraction(dict(amounts)[key] * budget, total) if total else Fraction(0)
        assert abs(share - exact) < 1
        assert 0 <= share <= dict(amounts)[key]


@steady
@given(st.one_of(SMALL, LARGE), st.data())
def test_the_shares_are_those_of_largest_remainder_done_by_hand(
    amounts: Amounts, data: st.DataObject
) -> None:
    budget = data.draw(st.integers(0, sum(amount for _, amount in amounts)))

    assert shares_of(amounts, budget) == by_hand(amounts, budget)


@steady
@given(st.one_of(SMALL, LARGE), st.data())
def test_the_order_of_the_amounts_is_irrelevant(amounts: Amounts, data: st.DataObject) -> None:
    budget = data.draw(st.integers(0, sum(amount for _, amount in amounts)))
    shuffled = data.draw(st.permutations(amounts))

    assert apportion(shuffled, budget) == apportion(amounts, budget)


def test_equal_remainders_get_the_spare_fen_in_order_of_their_keys() -> None:
    amounts: Amounts = [(("C", "x"), 10), (("A", "y"), 10), (("B", "x"), 10), (("A", "x"), 10)]

    assert shares_of(amounts, 38) == {("A", "x"): 10, ("A", "y"): 10, ("B", "x"): 9, ("C", "x"): 9}


def test_a_budget_of_nothing_pays_nothing_and_one_equal_to_the_total_pays_all() -> None:
    amounts: Amounts = [(("A",), 3), (("B",), 4)]

    assert shares_of(amounts, 0) == {("A",): 0, ("B",): 0}
    assert shares_of(amounts, 7) == {("A",): 3, ("B",): 4}
    assert not apportion(amounts, 7).reduces
    assert apportion(amounts, 6).reduces
    assert shares_of([], 5) == {}
