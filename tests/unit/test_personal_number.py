"""Numbers of natural persons are told from digits that happen to stand within other numbers."""

from __future__ import annotations

import pytest

from domain.things.personal_number import has_personal_number


@pytest.mark.parametrize("text", ["330282900307123", "编号330282900307123号", "330282 900307 123"])
def test_fifteen_digits_of_a_person_are_found(text: str) -> None:
    assert has_personal_number(text)


@pytest.mark.parametrize(
    "text", ["sheet-330282900307123b07970e3d", "sheet-a330282900307123", "0f330282900307123cc"]
)
def test_digits_within_a_digest_are_no_person(text: str) -> None:
    assert not has_personal_number(text)
