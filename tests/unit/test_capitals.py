"""Amounts in Chinese capitals: the rules' own examples, and read back for every amount."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.money.capitals import CAPITALS_FEN_MAX, DIGITS, capitals

UNITS = {"拾": 10, "佰": 100, "仟": 1000}


def whole_of(words: str) -> int:
    """The number that words stand for, by another road than they were made: split at the last 亿, then 万."""
    for name, unit in (("亿", 10**8), ("万", 10**4)):
        if name in words:
            high, low = words.rsplit(name, 1) if name == "亿" else words.split(name, 1)
            return whole_of(high) * unit + whole_of(low)
    return sum(
        DIGITS.index(digit) * UNITS.get(unit, 1)
        for digit, unit in re.findall(rf"([{DIGITS}])([拾佰仟]?)", words)
    )


def fen_of(words: str) -> int:
    """The fen that an amount in capitals stands for."""
    sign = -1 if words.startswith("负") else 1
    found = re.fullmatch(r"负?(?:(.+)元(整|零)?)?(?:(.)角)?(?:(.)分)?", words)
    assert found, words
    yuan, _, jiao, fen = found.groups()
    cents = 10 * DIGITS.index(jiao or "零") + DIGITS.index(fen or "零")
    return sign * (100 * (whole_of(yuan) if yuan else 0) + cents)


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        # the examples of the rules themselves
        (140950, "壹仟肆佰零玖元伍角"),
        (600714, "陆仟零柒元壹角肆分"),
        (168032, "壹仟陆佰捌拾元零叁角贰分"),
        (10700053, "壹拾万柒仟元零伍角叁分"),
        (1640902, "壹万陆仟肆佰零玖元零贰分"),
        (32504, "叁佰贰拾伍元零肆分"),
        # nothing, and less than a yuan
        (0, "零元整"),
        (1, "壹分"),
        (10, "壹角"),
        (11, "壹角壹分"),
        # 拾 always has its 壹
        (1000, "壹拾元整"),
        (1001, "壹拾元零壹分"),
        (1010, "壹拾元零壹角"),
        (1100, "壹拾壹元整"),
        (100000, "壹仟元整"),
        (10000001, "壹拾万元零壹分"),
        # zeros inside, across 万 and 亿
        (100100, "壹仟零壹元整"),
        (1000100, "壹万零壹元整"),
        (1001000, "壹万零壹拾元整"),
        (1010000, "壹万零壹佰元整"),
        (1100000, "壹万壹仟元整"),
        (1001000000, "壹仟零壹万元整"),
        (10000000000, "壹亿元整"),
        (10000000100, "壹亿零壹元整"),
        (10001000000, "壹亿零壹万元整"),
        (10100000000, "壹亿零壹佰万元整"),
        (11000000000, "壹亿壹仟万元整"),
        (10010000100, "壹亿零壹拾万零壹元整"),
        (1000900000050, "壹佰亿零玖佰万元零伍角"),
        (100000000000000, "壹万亿元整"),
        (100010000000000, "壹万零壹亿元整"),
        (100000001000000, "壹万亿零壹万元整"),
        (99999999999999, "玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"),
        (-150, "负壹元伍角"),
    ],
)
def test_hard_amounts(fen: int, words: str) -> None:
    assert capitals(fen) == words
    assert fen_of(words) == fen


@given(st.integers(-CAPITALS_FEN_MAX, CAPITALS_FEN_MAX) | st.integers(0, 10**7))
@example(CAPITALS_FEN_MAX)
def test_every_amount_reads_back(fen: int) -> None:
    assert fen_of(capitals(fen)) == fen


@given(st.lists(st.sampled_from("0000123456789"), min_size=1, max_size=18).map(lambda d: int("".join(d))))
def test_a_zero_is_never_doubled_nor_last_and_whole_amounts_alone_end_in_zheng(fen: int) -> None:
    words = capitals(fen)

    assert "零零" not in words
    assert not re.search(r"零[元万亿角分拾佰仟]", words.removeprefix("零元"))
    assert words.endswith("整") == (fen % 100 == 0)
    assert not re.search(r"亿万|万万|亿亿", words)


def test_beyond_the_largest_is_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        capitals(CAPITALS_FEN_MAX + 1)
