"""One thing has one spelling: the canonical form of ids, sources, references, names of things, and texts.

An *identity* (the id or source of an event, a reference, what a shop, branch or warehouse is called, a
claim's item) is written in Unicode's form NFKC (UAX #15), so that width and composition tell no two apart;
what leaves no trace on paper is left out (Default_Ignorable_Code_Point, UAX #44); blanks of every kind are
one blank between words and none at the ends. In a text with Chinese characters parentheses are the wide
ones, as registers print them. Where a scheme says that letters are alike, they are capitals, and dashes
are the hyphen.

A *text* (the name of an enterprise, a reason) keeps its width: it is written in form NFC.

Characters that turn the order of reading, that no text may hold, or that control a device are refused
rather than left out (``UNFIT``): whoever sends one hides something, or has a broken file.

Private use characters stay: registers write rare characters of names with them. So do unassigned ones,
which a later Unicode assigns.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

UNFIT = (
    "\x00-\x1f\x7f-\x9f"  # controls of C0, delete, C1
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
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−﹘", "-"))


def find_unfit(text: str) -> str | None:
    """The first character that no id, name or text may hold, as ``U+202E``; None where all may stand."""
    match = _UNFIT.search(text)
    return f"U+{ord(match[0]):04X}" if match else None


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
        after = canonical_identity(after.casefold().upper().translate(_DASHES))
    return text if after == text else after


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
