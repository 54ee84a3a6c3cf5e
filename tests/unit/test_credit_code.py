"""Unified social credit codes against published ones, the standard's table, and python-stdnum."""

from __future__ import annotations

import random

import pytest
from stdnum.cn import uscc

from domain.things.credit_code import complete, fault_of, has_legacy_check, is_valid
from tests.oracle.codes import ALPHABET, check_character

PUBLISHED = {
    "91110000600037341L": "the example of python-stdnum's documentation",
    "91330100799655058B": "Alibaba (China) Network Technology",
    "9144030071526726XG": "Tencent Computer Systems",
    "914403001922038216": "Huawei Technologies",
    "91110000802100433B": "Baidu Online Network Technology",
    "91110108551385082Q": "Xiaomi Technology",
    "91440300100012316L": "Ping An Insurance (Group)",
    "91100000100003962T": "Industrial and Commercial Bank of China",
    "911100001000044477": "China Construction Bank",
    "911000001000013428": "Bank of China",
    "91110000710925462X": "PetroChina",
    "91110000710926094P": "China Petroleum & Chemical",
    "9152000071430580XT": "Kweichow Moutai",
    "91440300192317458F": "BYD",
    "91440400192548256N": "Gree Electric Appliances",
    "91440606722473344C": "Midea Group",
    "91370200264574251E": "Haier Smart Home",
    "91350900587527783P": "Contemporary Amperex Technology",
    "9144030027939873X7": "ZTE",
    "91440300192181490G": "China Vanke",
    "91310000132260250X": "SAIC Motor",
    "12100000400000624D": "Tsinghua University (department 1: public institutions)",
    "12100000400002259P": "Peking University",
    "12100000470095016Q": "Zhejiang University",
}


def generated(number: int, departments: str, seed: int) -> list[str]:
    """Codes of made-up organisations with the right check character."""
    chance = random.Random(seed)
    found = []
    for _ in range(number):
        head = chance.choice(departments) + chance.choice("12359")
        place = "".join(chance.choice("0123456789") for _ in range(6))
        first17 = head + place + "".join(chance.choice(ALPHABET) for _ in range(9))
        found.append(first17 + check_character(first17))
    return found


@pytest.mark.parametrize("code", PUBLISHED)
def test_a_published_code_is_valid(code: str) -> None:
    assert fault_of(code) is None
    assert complete(code[:17]) == code


def test_two_thousand_generated_codes_get_the_verdict_of_stdnum() -> None:
    for code in generated(2_000, "123456789", seed=1):
        assert is_valid(code)
        assert uscc.is_valid(code)


def test_a_changed_check_character_gets_the_verdict_of_stdnum() -> None:
    chance = random.Random(2)
    for code in generated(2_000, "123456789", seed=3):
        changed = code[:17] + chance.choice(ALPHABET)
        assert is_valid(changed) == uscc.is_valid(changed) == (changed == code)


@pytest.mark.parametrize("department", "ANY")
def test_departments_by_letter_are_valid_here_and_refused_by_stdnum(department: str) -> None:
    for code in generated(50, department, seed=4):
        assert is_valid(code)
        assert not uscc.is_valid(code), "stdnum has learnt it: use its own test"


@pytest.mark.parametrize("code", list(PUBLISHED)[:6])
def test_every_wrong_check_character_is_a_fault_of_the_check(code: str) -> None:
    for character in ALPHABET:
        if character != code[17]:
            assert fault_of(code[:17] + character) == "check"


@pytest.mark.parametrize("code", list(PUBLISHED)[:6])
def test_every_single_wrong_digit_is_found(code: str) -> None:
    for place in range(2, 8):
        for digit in "0123456789":
            if digit != code[place]:
                assert not is_valid(code[:place] + digit + code[place + 1 :])


def test_two_neighbours_that_changed_places_are_found() -> None:
    code = "91330100799655058B"

    for place in range(2, 16):
        swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
        assert is_valid(swapped) == (swapped == code)


@pytest.mark.parametrize("letter", "IOZSV")
@pytest.mark.parametrize("place", [8, 12, 16, 17])
def test_letters_that_the_standard_leaves_out_are_a_fault_of_the_shape(letter: str, place: int) -> None:
    code = "91330100799655058B"

    assert fault_of(code[:place] + letter + code[place + 1 :]) == "shape"


@pytest.mark.parametrize(
    "code",
    [
        *("", " ", "91330100799655058b", "9144030071526726xg"),
        *(" 91330100799655058B", "91330100799655058B ", "91330100799655058B\n", "9133 0100 7996 5505 8B"),
        *("9133-0100-7996-5505-8B", "91330100-79965505-8B", "91330100799655058", "91330100799655058BB"),
        *("９1330100799655058B", "9133010079965505８B", "91330100799655058Ｂ", "٩1330100799655058B"),
        *("01330100799655058B", "B1330100799655058B", "90330100799655058B", "9A330100799655058B"),
        *("9133010A799655058B", "91330100799655058\x00"),
    ],
)
def test_another_spelling_is_a_fault_of_the_shape(code: str) -> None:
    assert fault_of(code) == "shape"
    assert not is_valid(code)


@pytest.mark.parametrize("kind", "12359")
def test_the_kind_of_organisation_is_part_of_the_check(kind: str) -> None:
    first17 = f"9{kind}330282MA0000001"

    assert complete(first17)[17] == check_character(first17)
    assert is_valid(complete(first17))


LEGACY = {
    "91350100M0001TGQXM": "福建恒跃柳工机械销售有限公司 (IDCheck)",
    "91350211M0000XUF46": "厦门云上晴空航空科技有限公司 (IDCheck)",
    "91350203M0001FUE2P": "厦门黑脉网络科技有限公司 (IDCheck)",
    "91350211M00013FA1N": "hutool, test of CreditCodeUtil",
    "91350203M0001QKT19": "hutool, issue 4119",
}
"""Published codes that licences bear though their check character is not that of the standard."""


@pytest.mark.parametrize("code", LEGACY)
def test_a_real_code_with_a_legacy_check_character_is_valid_and_in_doubt(code: str) -> None:
    assert is_valid(code)
    assert has_legacy_check(code)


@pytest.mark.parametrize(
    "code",
    [
        "91350203M0001QKT29",
        "91350203M0002QKT19",
        "91330203M0001QKT19",
        "91350203MA0001QK19",
    ],
)
def test_a_slip_is_no_legacy_code(code: str) -> None:
    assert not is_valid(code)
    assert not has_legacy_check(code)
