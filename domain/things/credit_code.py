"""Unified social credit codes, GB 32100-2015 (with its amendment 1).

18 characters: registering department, kind of organisation, six digits of administrative
division, nine characters of organisation code, one check character (weights 3**i mod 31).

python-stdnum computes the check character; its own validity test is not used, since it takes
digits only for the first two characters and so refuses the departments A (Central Military
Commission), N (agriculture) and Y (others), which exist.
"""

from __future__ import annotations

import re
from functools import lru_cache

from stdnum.cn.uscc import calc_check_digit

_SHAPE = re.compile(r"[1-9ANY][1-9][0-9]{6}[0-9A-HJ-NP-RTUWXY]{10}")


def fault_of(code: str) -> str | None:
    """Say what is wrong with a credit code: ``"shape"``, ``"check"`` or ``None`` when valid.

    Blanks, hyphens and lower case are faults: one enterprise has one spelling.
    """
    if not _SHAPE.fullmatch(code):
        return "shape"
    return None if calc_check_digit(code[:17]) == code[17] else "check"


@lru_cache(maxsize=65_536)
def is_valid(code: str) -> bool:
    """Whether the code has the form and the check character of GB 32100-2015."""
    return fault_of(code) is None


def complete(first17: str) -> str:
    """Append the check character to the first seventeen characters of a code."""
    return first17 + str(calc_check_digit(first17))
