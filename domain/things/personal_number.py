"""Numbers of natural persons' identity cards (GB 11643-1999): found wherever they stand, and wiped out.

18 characters: six digits of administrative division, the date of birth, three digits, and a check
character (ISO 7064, MOD 11-2); before 1999 15 digits, with the year in two digits and no check
character. Numbers of documents and systems often hold a division, a day and a serial number as well; so
one whose day lies in ``OF_DOCUMENTS`` is taken for a person's only where an enterprise's code is asked for.
15 digits between letters are none: a digest in hexadecimal digits often has such, and no check character
would tell them apart.

Digits are read in every script and width, and whatever is no letter and no digit may stand between them:
blanks, stops, strokes, dashes, marks, controls. A number begins and ends where digits do. 15 digits with
others beside them, or with more than a blank or hyphen in them, are a number only in its own groups
(division, day of birth, serial) or digit by digit: a bank's account is often written in groups as well.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from stdnum.cn.ric import calc_check_digit

from domain.things.spelling import canonical_identity

OF_DOCUMENTS = range(2013, 2050)
"""Years in which a day within a number is likelier that of a document than that of a birth."""
OF_OLD_DOCUMENTS = range(2000, 2030)
"""The same for numbers of 15 digits, whose year has two."""
WIPED = "******************"
"""Stands where a number was."""
LENGTH, LENGTH_MIN = 18, 15

_DIVISION = "(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3])[0-9]{4}"
"""Provinces by GB/T 2260, and residence permits of residents of Hong Kong, Macao and Taiwan."""
_DAY = "(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_NUMBER = re.compile(
    f"{_DIVISION}(?:(?P<day>(?:19|20)[0-9]{{2}}{_DAY})[0-9]{{3}}[0-9Xx]|(?P<old_day>[0-9]{{2}}{_DAY})[0-9]{{3}})"
)
_BEGINNING = re.compile(f"(?={_DIVISION}(?:19|20)?[0-9]{{2}}{_DAY})")
_GROUPS = frozenset({6, 8, 10, 12})
"""After how many digits a group of 15 ends: division, year, month and day of birth."""
_EACH_DIGIT = frozenset(range(1, LENGTH_MIN))
_HAN_DIGITS = "〇一二三四五六七八九"
_MANY_DIGITS = re.compile(rf"(?<![0-9])(?:[0-9零{_HAN_DIGITS}][\W_]*+){{14}}[0-9零{_HAN_DIGITS}]")
_DIGITS = b"0123456789"
_RUN = re.compile(r"[0-9](?:[\W_]*+[0-9]){14,}(?:[\W_]*+[Xx])?")
"""Digits, with a check character at the end perhaps, between which no letter stands."""
_LETTER = re.compile("[A-Za-z]")
_FOLDED = str.maketrans(dict.fromkeys("ХхΧχ×✕✖╳", "X"))
_OF_HAN = str.maketrans(f"零{_HAN_DIGITS}", "00123456789")
_HAN_DIGIT = re.compile(f"[零{_HAN_DIGITS}]")


class CardNumber(NamedTuple):
    """What has the form of a number: where it stands in a text, its characters, and its day in 8 digits."""

    start: int
    end: int
    characters: str
    day: str

    def is_persons(self, as_code: bool) -> bool:
        """Whether it is a person's: its day is one of births, and its check character right."""
        year, is_old = int(self.day[:4]), len(self.characters) == LENGTH_MIN
        of_document = year - 1900 + 2000 in OF_OLD_DOCUMENTS if is_old else year in OF_DOCUMENTS
        if of_document and not as_code:
            return False
        try:
            date(year, int(self.day[4:6]), int(self.day[6:]))
        except ValueError:
            return False
        return is_old or calc_check_digit(self.characters) == self.characters[-1]


def has_personal_number(text: str, as_code: bool = False) -> bool:
    """Whether a number of an identity card stands in a text, in any digits, whatever separates them.

    Args:
        as_code: whether the text is given as an enterprise's code, which no document's number is.
    """
    return any(number.is_persons(as_code) for number in _find_in_any_spelling(text))


def wipe_personal_numbers(text: str, as_code: bool = False) -> str:
    """The text without the numbers of identity cards that stand in it; the same where there are none.

    Args:
        as_code: whether it is given as an enterprise's code: then a number with a slip in it goes too.
    """
    if as_code and may_hold_number(text):
        return WIPED
    if not has_personal_number(text):
        return text
    wiped = _cut(text, [number for number in _find_numbers(text) if number.is_persons(False)])
    return WIPED if has_personal_number(wiped) else wiped


def has_few_digits(text: str) -> bool:
    """Whether a text in canonical form has too few digits for a number: a quick look, as most have."""
    if text.isascii():
        return len(text) - len(text.encode().translate(None, _DIGITS)) < LENGTH_MIN
    return _MANY_DIGITS.search(text) is None


def may_hold_number(text: str) -> bool:
    """Whether something in a text has the form of a number, whatever its day and check character."""
    return any(_find_in_any_spelling(text))


def wipe_alike(text: str) -> str:
    """The text without anything that has the form of a number: for what nobody reads back, as logs."""
    if not may_hold_number(text):
        return text
    wiped = _cut(text, list(_find_numbers(text)))
    return WIPED if may_hold_number(wiped) else wiped


def _cut(text: str, numbers: list[CardNumber]) -> str:
    parts, at = [], 0
    for number in numbers:
        if number.start >= at:
            parts += [text[at : number.start], WIPED]
            at = number.end
    return "".join([*parts, text[at:]])


def _find_in_any_spelling(text: str) -> Iterator[CardNumber]:
    """Everything in a text that has the form of a number, by the spellings in which it may be read."""
    if len(text) < LENGTH_MIN or (text.isascii() and not _MANY_DIGITS.search(text)):
        return
    if not text.isascii() and sum(map(str.isnumeric, text)) < LENGTH_MIN - 1:
        return
    spellings = {text}
    if not text.isascii():
        spellings = {_fold_digits(text), _fold_digits(canonical_identity(text))}
        if len(_HAN_DIGIT.findall(text)) >= LENGTH_MIN - 1:
            spellings.add(_fold_digits(text.translate(_OF_HAN)))
    for spelling in spellings:
        yield from _find_numbers(spelling)


def _fold_digits(text: str) -> str:
    """A text with the digits of every script as those of ASCII, and one letter X."""
    narrow = unicodedata.normalize("NFKC", text).translate(_FOLDED)
    return narrow if narrow.isascii() else "".join(_digit_of(letter) for letter in narrow)


def _digit_of(letter: str) -> str:
    digit = -1 if letter.isascii() else unicodedata.digit(letter, -1)
    return letter if digit < 0 else str(digit)


def _find_numbers(text: str) -> Iterator[CardNumber]:
    """Everything in a text of ASCII digits that has the form of a number, from left to right."""
    for run in _RUN.finditer(text):
        places = [at for at in range(run.start(), run.end()) if text[at] in "0123456789Xx"]
        characters = "".join(text[at] for at in places).upper()
        for begun in _BEGINNING.finditer(characters):
            first = begun.start()
            if first == 0 or places[first - 1] != places[first] - 1:
                for length in (LENGTH, LENGTH_MIN):
                    number = _number_at(text, places, characters, first, length)
                    if number is not None:
                        yield number


def _number_at(text: str, places: list[int], characters: str, first: int, length: int) -> CardNumber | None:
    """The number of a length that begins with the first of the digits at these places, where it is one."""
    is_whole = len(places) == length
    if length == LENGTH_MIN and not is_whole and places[first + 5 : first + 6] != [places[first] + 5]:
        return None  # its first group is none: asked first, since of long rows of digits all may begin one
    match = _NUMBER.fullmatch(characters, first, first + length)
    if match is None or len(match[0]) < length:
        return None
    own = places[first : first + length]
    start, end = own[0], own[-1] + 1
    if text[end : end + 1].isdecimal():
        return None
    if length == LENGTH:
        return CardNumber(start, end, match[0], match["day"])
    gaps = frozenset(n for n in range(1, length) if own[n] != own[n - 1] + 1)
    is_grouped = gaps <= _GROUPS or (is_whole and gaps == _EACH_DIGIT)
    separators = (text[own[n - 1] + 1 : own[n]] for n in gaps)
    if not is_grouped and not (is_whole and all(each in (" ", "-") for each in separators)):
        return None
    if _LETTER.match(text, end) or (start > 0 and _LETTER.match(text, start - 1)):
        return None
    return CardNumber(start, end, match[0], f"19{match['old_day']}")
