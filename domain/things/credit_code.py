"""Unified social credit codes, GB 32100-2015 (with its amendment 1).

18 characters: registering department, kind of organisation, six digits of administrative
division, nine characters of organisation code, one check character (weights 3**i mod 31).

python-stdnum computes the check character; its own validity test is not used, since it takes
digits only for the first two characters and so refuses the departments A (Central Military
Commission), N (agriculture) and Y (others), which exist.

Codes that Fujian issued in its trial before 2016 end in another check character. Real ones stand in
github.com/bluesky335/IDCheck (README) and github.com/chinabugotech/hutool (issues 2020 and 4119); all
have an organisation code that begins with M000, whose own check character is right.
"""

from __future__ import annotations

import re
from functools import lru_cache

from stdnum.cn.uscc import calc_check_digit

LEGACY_CODES: frozenset[str] = frozenset()
"""Single codes of other places that a business licence bears though their check character is another."""
_LEGACY = re.compile(r"9[1-3]35[0-9]{4}M000[0-9A-Z]{4}[0-9X][0-9A-Z]")
_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
"""Of the characters of an organisation code, GB 11714-1997."""
_SHAPE = re.compile(r"[1-9ANY][1-9][0-9]{6}[0-9A-HJ-NP-RTUWXY]{10}")


def fault_of(code: str) -> str | None:
    """Say what is wrong with a credit code: ``"shape"``, ``"check"`` or ``None`` when valid.

    Blanks, hyphens and lower case are faults: one enterprise has one spelling.
    """
    if not _SHAPE.fullmatch(code):
        return "shape"
    return None if calc_check_digit(code[:17]) == code[17] or has_legacy_check(code) else "check"


def has_legacy_check(code: str) -> bool:
    """Whether a code was issued before 2016 with a check character that is not that of GB 32100-2015.

    Its organisation code must have the check character of GB 11714, so that a slip is still found in
    nine of its characters; whoever decides on money compares such a code with the business licence.
    """
    if code in LEGACY_CODES:
        return True
    if not _LEGACY.fullmatch(code) or calc_check_digit(code[:17]) == code[17]:
        return False
    values = [int(character, 36) for character in code[8:16]]
    check = -sum(value * weight for value, weight in zip(values, _WEIGHTS, strict=True)) % 11
    return code[16] == ("X" if check == 10 else str(check))


@lru_cache(maxsize=65_536)
def is_valid(code: str) -> bool:
    """Whether the code has the form and the check character of GB 32100-2015."""
    return fault_of(code) is None


def complete(first17: str) -> str:
    """Append the check character to the first seventeen characters of a code."""
    return first17 + str(calc_check_digit(first17))
