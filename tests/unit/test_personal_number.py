"""Numbers of natural persons are told from digits that happen to stand within other numbers."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest
from stdnum.cn.ric import calc_check_digit

from domain.things.credit_code import complete
from domain.things.personal_number import has_personal_number, may_hold_number, wipe_personal_numbers
from ledger.store.things.wiping import wipe_message

PERSON = "330282199003071230"
PERSON = PERSON[:17] + calc_check_digit(PERSON)
WITH_X = next(
    number + "X"
    for number in (f"33028219900307{serial:03d}" for serial in range(1_000))
    if calc_check_digit(number + "0") == "X"
)


@pytest.mark.parametrize("text", ["330282900307123", "编号330282900307123号", "330282 900307 123"])
def test_fifteen_digits_of_a_person_are_found(text: str) -> None:
    assert has_personal_number(text)


@pytest.mark.parametrize(
    "text", ["sheet-330282900307123b07970e3d", "sheet-a330282900307123", "0f330282900307123cc"]
)
def test_digits_within_a_digest_are_no_person(text: str) -> None:
    assert not has_personal_number(text)


SEPARATORS = (
    *(
        "  ",
        "\t",
        "\n",
        ".",
        "/",
        "\\",
        "_",
        "·",
        "、",
        "，",
        ":",
        "|",
        "*",
        "'",
        "\u2013",
        "\u2014",
        "\u2212",
    ),
    *(
        "\u2010",
        "\uff0d",
        "\u30fb",
        "\u00ad",
        "\u200b",
        "\u200f",
        "\x00",
        "\x07",
        "\u0301",
        "\u20dd",
        "\ufe0f",
    ),
    *("\u2063", "\ufffc", "\u0600", "\u3000", " - ", "...", "\U000e0020"),
)
ZEROS = ("\u0660", "\u06f0", "\u0966", "\uff10", "\U0001d7ce", "\U0001d7d8", "\u1810", "\U0001fbf0")


@pytest.mark.parametrize("number", [PERSON, WITH_X, "330282900307123"])
@pytest.mark.parametrize("separator", SEPARATORS)
def test_a_number_is_found_whatever_stands_between_its_digits(number: str, separator: str) -> None:
    grouped = separator.join(
        (
            number[:6],
            number[6 : -4 if len(number) == 18 else -3],
            number[-4:] if len(number) == 18 else number[-3:],
        )
    )
    for text in (grouped, separator.join(number), f"张三{grouped}，", f"1 {grouped}", f"{grouped} 2"):
        assert has_personal_number(text), ascii(text)
        assert wipe_personal_numbers(text) != text
        kept = wipe_message(json.dumps({"subject": 1, "data": {"shop": text}}).encode())
        assert not may_hold_number(json.loads(kept)["data"]["shop"]), ascii(text)
        kept = wipe_message(json.dumps({"data": {"shop": text}}).encode()[:-1])
        assert not may_hold_number(kept.decode().replace("\\t", "").replace("\\n", "")), kept


@pytest.mark.parametrize("zero", ZEROS)
def test_a_number_is_found_in_the_digits_of_any_script(zero: str) -> None:
    text = "".join(chr(ord(zero) + int(digit)) if digit != "X" else digit for digit in WITH_X)
    assert has_personal_number(text)
    assert has_personal_number(f"{text[:6]}\u0301{text[6:14]}.{text[14:]}")


@pytest.mark.parametrize("letter", ["x", "Ⅹ", "×", "\u0425", "\uff38"])
def test_the_check_character_is_read_in_other_letters(letter: str) -> None:
    assert has_personal_number(WITH_X[:-1] + letter)


def test_a_number_in_chinese_numerals_is_found() -> None:
    numerals = dict(zip("0123456789", "〇一二三四五六七八九", strict=True))
    assert has_personal_number("".join(numerals.get(digit, digit) for digit in PERSON))


Make = Callable[[random.Random], str]


def _digits(chance: random.Random, length: int) -> str:
    return "".join(chance.choice("0123456789") for _ in range(length))


def _account(chance: random.Random) -> str:
    """A bank's account, 16 to 19 digits, as banks group them."""
    number = chance.choice(("6222", "6228", "3300", "1202", "4367")) + _digits(
        chance, chance.choice((12, 13, 15))
    )
    separator = chance.choice(("", " ", "-", "  "))
    return separator.join(number[at : at + 4] for at in range(0, len(number), 4))


def _document(chance: random.Random) -> str:
    """A document's number with division, day of 2013 to 2026 and serial number."""
    day = f"{chance.randint(2013, 2026)}{chance.randint(1, 12):02d}{chance.randint(1, 28):02d}"
    division = chance.choice(("330282", "110101", "440305"))
    separator = chance.choice(("", "-", "/", "."))
    return separator.join((division, day, _digits(chance, 4)))


def _credit_code(chance: random.Random) -> str:
    return complete(chance.choice(("9133", "9111", "1210", "9244")) + _digits(chance, 13))


def _date_and_time(chance: random.Random) -> str:
    day = f"{chance.randint(1990, 2026)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"
    clock = ":".join(f"{chance.randint(0, most):02d}" for most in (23, 59, 59))
    return f"{day} {clock}.{_digits(chance, 6)}"


def _amounts(chance: random.Random) -> str:
    return " / ".join(f"{chance.randint(0, 99_999_999):,}.{chance.randint(0, 99):02d}" for _ in range(3))


def _telephones(chance: random.Random) -> str:
    return "、".join(f"13{_digits(chance, 9)}" for _ in range(3))


@pytest.mark.parametrize(
    "make",
    [_account, _document, _credit_code, _date_and_time, _amounts, _telephones],
    ids=lambda make: make.__name__,
)
def test_numbers_of_other_things_are_no_persons(make: Make) -> None:
    chance = random.Random(11643)
    texts = [make(chance) for _ in range(20_000)]
    taken = [text for text in texts if has_personal_number(text)]
    assert len(taken) <= 4, taken[:10]
