"""One thing has one spelling: the canonical form of ids, sources, references, names of things, and texts.

An *identity* (the id or source of an event, a reference, what a shop, branch or warehouse is called, a
claim's item) is written in Unicode's form NFKC (UAX #15), so that width and composition tell no two apart;
what leaves no trace on paper is left out (Default_Ignorable_Code_Point, UAX #44); blanks of every kind are
one blank between words and none at the ends. In a text with Chinese characters parentheses are the wide
ones, as registers print them. Where a scheme says that letters are alike, they are capitals, and dashes
are the hyphen. A *reference* (what a bank or a caller knows a step by) keeps its letters' case, and is
compared without it and without blanks.

A *text* (the name of an enterprise, a reason) keeps its width: it is written in form NFC.

Characters that turn the order of reading, that no text may hold, that stand for what was lost, or that
control a device or how others are shown, are refused rather than left out (``UNFIT``, and every format
character that does leave a trace): whoever sends one hides something, or has a broken file.

Private use characters stay beside letters of a script without case: registers write rare characters of
names with them. So do unassigned ones, which a later Unicode assigns. An identity without such letters
has no use for them, and is refused.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

UNFIT = (
    "\x00-\x1f\x7f-\x9f"  # controls of C0, delete, C1
    "\ufffc"  # stands for an object that is not there
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional controls, UAX #9
    "\u206a-\u206f\u2028\u2029\ufff9-\ufffb"  # deprecated controls, separators of lines, annotations
    "\ud800-\udfff"  # lone surrogates
    "\ufdd0-\ufdef\ufffe\uffff"  # noncharacters, The Unicode Standard 23.7
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0x110000, 0x10000))
)
"""Characters that no id, name or text may hold, as they stand in a class of a regular expression."""

_UNFIT = re.compile(f"[{UNFIT}]")
_UNSEEN = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+"
)
"""Characters that leave no trace on paper, but those that are unfit."""
_BLANKS = re.compile("[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000]+")
_WORD = "[!-'*-~\u3001\u3002\u3008-\u3011\u3014\u3015\u3400-\u4dbf\u4e00-\u9fff\uff08\uff09]+"
_USUAL = re.compile(f"(?=[^\u3400-\u9fff]*[\u3400-\u4dbf\u4e00-\u9fff]){_WORD}(?: {_WORD})*")
"""Texts of Chinese characters, as most are, that are canonical as they stand."""
matches_usual = _USUAL.fullmatch
"""Matches a text of Chinese characters that is canonical and fit as it stands, but for letters' case."""
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]")
_WIDE = str.maketrans("()", "（）")
_DASHES = str.maketrans(
    dict.fromkeys(
        "\u058a\u05be\u1400\u1806\u2010\u2011\u2012\u2013\u2014\u2015\u2e3a\u2e3b\ufe31\ufe32\ufe58\ufe63\uff0d\U00010ead"
        "\u02d7\u2043\u207b\u208b\u2212\u23af\u2500\u2501\u2796",
        "-",
    )
)
"""What is read as a hyphen: all of Unicode's dashes but doubled and waved ones, and what looks like them."""
_LONG_MARKS = re.compile("(?<![\u3031-\u3035\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f])[\u30fc\uff70]+")
"""Marks of a long vowel that follow no kana, whose vowel they would lengthen: they are typed for a dash."""


def find_unfit(text: str, is_identity: bool = False) -> str | None:
    """The first character that no text, or no identity, may hold, as ``U+202E``; None where all may stand."""
    match = _UNFIT.search(text)
    character = match[0] if match else None
    if character is None and not text.isascii() and not _USUAL.fullmatch(text):
        character = _find_traceful(text, is_identity)
    return None if character is None else f"U+{ord(character):04X}"


def _find_traceful(text: str, is_identity: bool) -> str | None:
    """The first format character that is not left out, or in an identity one that no letter is beside."""
    seen = _UNSEEN.sub("", text)
    categories = {letter: unicodedata.category(letter) for letter in seen if not letter.isascii()}
    without_use = {"Cf", "Cn", "Co"} if is_identity and "Lo" not in categories.values() else {"Cf"}
    return next((letter for letter, category in categories.items() if category in without_use), None)


def _is_plain(text: str) -> bool:
    """Whether a text is ASCII with single blanks between its words: every form of it is the text itself."""
    return text.isascii() and "  " not in text and text[:1] != " " and text[-1:] != " "


def canonical_identity(text: str) -> str:
    """The one spelling of an id, a source, a reference, or what a thing is called.

    Empty where nothing of the text is seen. Canonical texts come back as the same object.
    """
    if _is_plain(text) or _USUAL.fullmatch(text):
        return text
    return _settle(text, "NFKC")


def canonical_number(text: str) -> str:
    """The one spelling of an identity whose letters are alike: of a warehouse, a certificate, a standard."""
    if _is_plain(text) or _USUAL.fullmatch(text):
        capitals = text.upper()
        return text if capitals == text else capitals
    before, after = "", text
    while after != before:
        before = after
        after = canonical_identity(_fold_dashes(after.casefold().upper()))
    return text if after == text else after


def _fold_dashes(text: str) -> str:
    """One hyphen for every dash."""
    return _LONG_MARKS.sub(lambda marks: "-" * len(marks[0]), text.translate(_DASHES))


def canonical_reference(text: str) -> str:
    """The one spelling of what a bank or a caller knows a step by; letters keep their case."""
    return canonical_identity(_fold_dashes(canonical_identity(text)))


def fold_reference(text: str) -> str:
    """A reference as references are compared: without case and blanks too, as banks print them apart."""
    letters = _UNFIT.sub("", canonical_reference(text)).casefold()
    return "".join(letter for letter in letters if letter.isprintable() and letter != " ")


def is_same_item(item: str, other: str) -> bool:
    """Whether two claims are for the same thing, which is paid once under any letters and dashes."""
    return item == other or canonical_number(item) == canonical_number(other)


def canonical_text(text: str) -> str:
    """A name or sentence as it is kept: composed, without blanks at its ends or what nobody sees."""
    if _is_plain(text) or _USUAL.fullmatch(text):
        return text
    return _settle(text, "NFC")


def _settle(text: str, form: Literal["NFC", "NFKC"]) -> str:
    """Apply the steps of a canonical form until nothing changes: some make room for others."""
    before, after = "", text
    while after != before:
        before = after
        after = unicodedata.normalize(form, _UNSEEN.sub("", before))
        after = _BLANKS.sub(" ", after).strip(" ")
        if form == "NFKC" and ("(" in after or ")" in after) and _HAN.search(after):
            after = after.translate(_WIDE)
    return text if after == text else after
