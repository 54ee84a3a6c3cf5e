"""Samples can be drawn again by anyone, and what errors say of the population is exact."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from services.workbench.sampling import (
    FACTORS,
    FoundError,
    Item,
    SamplingFault,
    draw_at_random,
    draw_by_judgement,
    draw_monetary_units,
    interval_of,
    project_errors,
)

ITEMS = [Item(f"P{number}", f"C{number}", 100 + number * 37 % 900) for number in range(400)]
BIG = Item("BIG", "CB", 50_000)


@pytest.mark.parametrize("confidence", FACTORS)
def test_every_factor_is_the_poisson_limit_rounded_up_to_hundredths(confidence: int) -> None:
    def at_most(mean: float, errors: int) -> float:
        return math.exp(-mean) * sum(mean**n / math.factorial(n) for n in range(errors + 1))

    for errors, factor in enumerate(FACTORS[confidence]):
        assert at_most(factor / 100, errors) <= 1 - confidence / 100 + 1e-4
        assert at_most((factor - 2) / 100, errors) > 1 - confidence / 100


def test_every_interval_s_unit_is_drawn_and_items_of_an_interval_are_all_there() -> None:
    total = sum(item.fen for item in [*ITEMS, BIG])
    drawn = list(draw_monetary_units([*ITEMS, BIG], 5_000, "7"))
    small = [each for each in drawn if each.reason == "interval"]

    assert [each.item for each in drawn if each.reason == "top"] == [BIG]
    assert abs(len(small) - (total - BIG.fen) // 5_000) <= 1
    assert drawn == list(draw_monetary_units([*ITEMS, BIG], 5_000, "7"))
    assert drawn != list(draw_monetary_units([*ITEMS, BIG], 5_000, "8"))


def test_a_random_sample_follows_from_its_seed_and_not_from_the_order() -> None:
    drawn = draw_at_random(ITEMS, 25, "1")

    assert drawn == draw_at_random(ITEMS[::-1], 25, "1")
    assert len({each.item for each in drawn}) == 25
    assert drawn != draw_at_random(ITEMS, 25, "2")


def test_what_an_auditor_chooses_has_a_reason_and_is_there() -> None:
    [drawn] = draw_by_judgement(ITEMS, {"C3": "new owner"})

    assert (drawn.item, drawn.reason) == (ITEMS[3], "new owner")
    for reasons in ({"C3": " "}, {"nobody": "x"}):
        with pytest.raises(SamplingFault):
            draw_by_judgement(ITEMS, reasons)


def test_errors_are_projected_by_their_tainting_to_the_fen() -> None:
    interval = interval_of(30_000_00, 95)
    none = project_errors([], interval, 30_000_00, 95)
    one = project_errors([FoundError("P", 1_000_00, 750_00)], interval, 30_000_00, 95)
    top = project_errors([FoundError("P", 20_000_00, 19_000_00)], interval, 30_000_00, 95)
    under = project_errors([FoundError("P", 1_000_00, 1_100_00)], interval, 30_000_00, 95)

    assert interval == 10_000_00
    assert (none.upper_limit_fen, none.tolerable) == (30_000_00, True)
    assert one.projected_fen == 2_500_00
    assert one.upper_limit_fen == 30_000_00 + int(Fraction(1, 4) * Fraction(175, 100) * 10_000_00)
    assert not one.tolerable
    assert (top.known_fen, top.upper_limit_fen) == (1_000_00, 31_000_00)
    assert (under.projected_fen, under.understated_fen, under.upper_limit_fen) == (0, 1_000_00, 30_000_00)


def test_more_errors_than_the_table_has_are_refused() -> None:
    errors = [FoundError(f"P{n}", 100, 50) for n in range(10)]

    with pytest.raises(SamplingFault, match="look at more"):
        project_errors(errors, 10_000, 30_000, 95)
