"""Whether two persons are the same: by issuer and subject; a name is only shown, and decides nothing else.

A subject is a person's name at their issuer (OpenID Connect Core 1.0, 2 and 5.7: only ``iss`` and
``sub`` together identify an end user; a name may change, and two may have the same). Where nobody
checked who somebody is (local mode, and what was recorded before subjects were kept), names are all
there is: those that may be mistaken for each other count as one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import yaml

LOCAL = "local"
"""The issuer of persons whose names are declared and checked by nobody."""
OPERATING_SYSTEM = "os"
"""The issuer of users of the operating system; the subject is the number of the user."""
_VARIATIONS = frozenset((*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
"""Variation selectors (Unicode Standard, 23.4)."""
_DOTTED = re.compile("i\u0307+")
"""What folding the case of a capital İ leaves."""
_WITHIN_ASCII = str.maketrans({"0": "o", "1": "l", "|": "l", "m": "rn"})


class Person(NamedTuple):
    """A person: ``issuer`` and ``subject`` where they were recorded, and the ``name`` that is shown."""

    issuer: str
    subject: str
    name: str


def local_person(name: str) -> Person:
    """A person who said their own name, and whom nobody checked."""
    return Person(LOCAL, canonical_name(name), name)


def is_same_person(one: Person, other: Person) -> bool:
    """Whether two may not take two steps that need two persons.

    One issuer knows its subjects apart. Everything else is compared by names: of one who was
    checked with one who was not, and of two issuers, where a name alike is reason to refuse.
    """
    if one.issuer == other.issuer and one.issuer not in ("", LOCAL) and one.subject and other.subject:
        return one.subject == other.subject
    return not _readings(one.name or one.subject).isdisjoint(_readings(other.name or other.subject))


def is_told_apart(one: Person, other: Person) -> bool:
    """Whether two are shown to be two persons, by whoever vouches for them.

    One human may be a user of the operating system and a subject of the identity service, and neither
    knows of the other: such two are never told apart. Of what was recorded before subjects were, and of
    names that are only declared, names are all there is.
    """
    issuers = {one.issuer, other.issuer}
    if OPERATING_SYSTEM in issuers and len(issuers) > 1 and issuers.isdisjoint(("", LOCAL)):
        return False
    return not is_same_person(one, other)


def is_among(person: Person, persons: Iterable[Person]) -> bool:
    """Whether somebody is one of several."""
    return any(is_same_person(person, other) for other in persons)


def canonical_name(name: str) -> str:
    """A name as local mode tells persons apart: width, case, blanks, what nobody sees, and lookalikes folded.

    NFKC, then case folding, then the skeleton of Unicode Technical Standard 39 for what resembles
    Latin letters and digits.
    """
    return _as_ascii(_visible(name).casefold())


def _readings(name: str) -> frozenset[str]:
    """What a name may be taken for: a capital looks like other letters than its small one (Ν, ν: N, v)."""
    looks = _visible("".join("l" if letter == "I" else _looks_like(letter) for letter in name))
    return frozenset((canonical_name(name), _as_ascii(looks.casefold())))


def _visible(name: str) -> str:
    letters = unicodedata.normalize("NFKC", name)
    if letters.isascii():
        return "".join(letter for letter in letters if letter.isprintable() and letter != " ")
    return "".join(letter for letter in letters if _is_seen(letter))


def _is_seen(letter: str) -> bool:
    if not letter.isprintable() or letter.isspace():  # controls, formats, unassigned, blanks
        return False
    return ord(letter) not in _VARIATIONS and _lookalikes().get(letter) != ""


def _as_ascii(folded: str) -> str:
    small = "".join(_looks_like(letter, small=True) for letter in folded)
    undotted = _DOTTED.sub("i", small.casefold())
    return unicodedata.normalize("NFC", undotted.translate(_WITHIN_ASCII))


def _looks_like(letter: str, small: bool = False) -> str:
    """What a letter is read as; ``small``: a small letter that resembles none is read as its capital is."""
    if letter.isascii():
        return letter
    looks = _lookalikes()
    return looks.get(letter) or (looks.get(letter.upper()) if small else None) or letter


@cache
def _lookalikes() -> dict[str, str]:
    text = files(__package__).joinpath("lookalikes.yaml").read_text("utf-8")
    by_letter: dict[str, str] = yaml.safe_load(text)
    return {letter: read_as for read_as, letters in by_letter.items() for letter in letters}
