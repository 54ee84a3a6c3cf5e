"""Numbers of natural persons' identity cards (GB 11643-1999): found wherever they stand, and wiped out.

18 characters: six digits of administrative division, the date of birth, three digits, and a check
character (ISO 7064, MOD 11-2); before 1999 15 digits, with the year in two digits and no check
character. Numbers of documents and systems often hold a division, a day and a serial number as well; so
one whose day lies in ``OF_DOCUMENTS`` is taken for a person's only where an enterprise's code is asked for.
15 digits between letters are none: a digest in hexadecimal digits often has such, and no check character
would tell them apart.
"""

from __future__ import annotations

import re
from datetime import date

from stdnum.cn.ric import calc_check_digit

from domain.things.spelling import canonical_identity

OF_DOCUMENTS = range(2013, 2050)
"""Years in which a day within a number is likelier that of a document than that of a birth."""
OF_OLD_DOCUMENTS = range(2000, 2030)
"""The same for numbers of 15 digits, whose year has two."""
WIPED = "******************"
"""Stands where a number was."""

_DIVISION = "(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3])[0-9]{4}"
"""Provinces by GB/T 2260, and residence permits of residents of Hong Kong, Macao and Taiwan."""
_DAY = "(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_NUMBER = re.compile(
    f"(?<![0-9])(?:{_DIVISION}(?P<day>(?:19|20)[0-9]{{2}}{_DAY})[0-9]{{3}}[0-9Xx]"
    f"|(?<![A-Za-z]){_DIVISION}(?P<old_day>[0-9]{{2}}{_DAY})[0-9]{{3}}(?![A-Za-z]))(?![0-9])"
)
_MANY_DIGITS = re.compile(r"(?<![0-9])(?:[0-9][ \-]?+){14}[0-9]")
finds_many_digits = _MANY_DIGITS.search
"""Finds as many digits as a number has; a text without a match, whose digits are narrow, holds none."""
_SEPARATOR = re.compile(r"(?<=[0-9])[ \-](?=[0-9Xx])")
LENGTH_MIN = 15


def has_personal_number(text: str, as_code: bool = False) -> bool:
    """Whether a number of an identity card stands in a text, in any width, with blanks or hyphens in it.

    Args:
        as_code: whether the text is given as an enterprise's code, which no document's number is.
    """
    if len(text) < LENGTH_MIN or (text.isascii() and not _MANY_DIGITS.search(text)):
        return False
    if not text.isascii() and not any(map(str.isnumeric, text)):
        return False
    return any(_is_persons(match, as_code) for each in _spellings(text) for match in _NUMBER.finditer(each))


def wipe_personal_numbers(text: str, as_code: bool = False) -> str:
    """The text without the numbers of identity cards that stand in it; the same where there are none.

    Args:
        as_code: whether it is given as an enterprise's code: then a number with a slip in it goes too.
    """
    if as_code and may_hold_number(text):
        return WIPED
    if not has_personal_number(text):
        return text
    wiped = _NUMBER.sub(lambda match: WIPED if _is_persons(match, False) else match[0], text)
    return WIPED if has_personal_number(wiped) else wiped


def may_hold_number(text: str) -> bool:
    """Whether something in a text has the form of a number, whatever its day and check character."""
    if len(text) < LENGTH_MIN or (text.isascii() and not _MANY_DIGITS.search(text)):
        return False
    return any(_NUMBER.search(each) for each in _spellings(text))


def wipe_alike(text: str) -> str:
    """The text without anything that has the form of a number: for what nobody reads back, as logs."""
    if not may_hold_number(text):
        return text
    wiped = _NUMBER.sub(WIPED, text)
    return WIPED if may_hold_number(wiped) else wiped


def _spellings(text: str) -> tuple[str, ...]:
    """A text as numbers are looked for in it: narrow, and with what separates digits left out."""
    narrow = text if text.isascii() else canonical_identity(text)
    joined = _SEPARATOR.sub("", narrow)
    return (narrow,) if joined == narrow else (narrow, joined)


def _is_persons(match: re.Match[str], as_code: bool) -> bool:
    digits = match["day"] or f"19{match['old_day']}"
    year = int(digits[:4])
    of_document = year in OF_DOCUMENTS if match["day"] else year - 1900 + 2000 in OF_OLD_DOCUMENTS
    if of_document and not as_code:
        return False
    try:
        date(year, int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    number = match[0].upper()
    return len(number) == LENGTH_MIN or calc_check_digit(number) == number[-1]
