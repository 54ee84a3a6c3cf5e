"""Whether two persons are the same: by subject where an issuer knows them, else by names that look alike."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.authority.persons import (
    Person,
    canonical_name,
    is_among,
    is_same_person,
    is_told_apart,
    local_person,
)
from domain.authority.roles import NotAllowed, declared_actor

ISSUER = "https://login.example"
ALIKE = (
    ("clerk", "Clerk"),
    ("clerk", "ｃｌｅｒｋ"),
    ("clerk", "сlеrk"),  # Cyrillic
    ("clerk", "ϲlerk"),  # Greek
    ("Clerk", "CIerk"),  # a capital I
    ("Clerk", "C1erk"),
    ("Oleg", "0leg"),
    ("Kim", "Kirn"),
    ("clerk", "𝐜𝐥𝐞𝐫𝐤"),
    ("clerk", "ᴄʟᴇʀᴋ"),
    ("clerk", "cl\u200berk"),
    ("clerk", "\u202eclerk\u202c"),
    ("clerk", " cl\u3000erk\u00a0"),
    ("clerk", "cle\ufe0frk"),
    ("clerk", "c\u034flerk"),
    ("José", "Jose\u0301"),
    ("Nina", "Νina"),
    ("nana", "ΝΑΝΑ"),
    ("νίκος", "ΝΊΚΟΣ"),
    ("Straße", "STRASSE"),
    ("iris", "İRİS"),
    ("Lin", "Lın"),
    ("王伟", "王 伟"),
    ("王伟", "王\u200d伟"),
    ("㈱王", "(株)王"),
)
UNLIKE = (
    ("officer-1", "officer-2"),
    ("王伟", "王维"),
    ("Ann", "Avn"),
    ("Yu", "Uu"),
    ("Иван", "Игорь"),
    ("José", "Jose"),
)


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_names_that_may_be_mistaken_for_each_other_are_one_person_where_nobody_was_checked(
    one: str, other: str
) -> None:
    for first, second in ((one, other), (other, one)):
        assert is_same_person(local_person(first), local_person(second))
        assert is_same_person(Person("", "", first), local_person(second)), "of before subjects were kept"
        assert is_same_person(Person("", "", first), Person(ISSUER, "u1", second)), "one checked, one not"
        assert is_same_person(Person("os", "1000", first), Person(ISSUER, "u1", second)), "of two issuers"


@pytest.mark.parametrize(("one", "other"), UNLIKE)
def test_other_names_are_other_persons(one: str, other: str) -> None:
    assert not is_same_person(local_person(one), local_person(other))
    assert not is_among(Person("", "", one), [local_person(other), Person(ISSUER, "u", other)])


def test_an_issuer_knows_its_subjects_apart_whatever_they_are_called() -> None:
    assert is_same_person(Person(ISSUER, "u1", "clerk"), Person(ISSUER, "u1", "Somebody Else"))
    assert not is_same_person(Person(ISSUER, "u1", "Wang Wei"), Person(ISSUER, "u2", "Wang Wei"))
    assert not is_same_person(Person(ISSUER, "u1", "Lin"), Person(ISSUER, "U1", "Lin")), (
        "a subject has its case"
    )


@given(st.text(max_size=30))
def test_the_canonical_form_of_a_name_is_its_own(name: str) -> None:
    canonical = canonical_name(name)
    assert canonical_name(canonical) == canonical
    assert canonical_name(unicodedata.normalize("NFD", name)) == canonical
    assert is_same_person(local_person(name), local_person(canonical))


@pytest.mark.parametrize("name", ["L\u202ein", "\u200b", "Li\x00n", "\ufffd", "x" * 201, "\ufe0f", "\u115f"])
def test_a_name_that_cannot_be_shown_is_refused(name: str) -> None:
    with pytest.raises(NotAllowed) as refused:
        declared_actor(name, frozenset({"officer"}))
    assert refused.value.code == "actor.name"


def test_who_says_their_own_name_is_known_as_such() -> None:
    actor = declared_actor("  Lin Wei ", frozenset({"officer"}))
    assert (actor.name, actor.issuer, actor.subject) == ("Lin Wei", "local", "linwei")


LIN, GAO = Person(ISSUER, "u1", "Lin"), Person(ISSUER, "u2", "Gao")
LIN_OF_SYSTEM, GAO_OF_SYSTEM = Person("os", "1000", "lin2"), Person("os", "1001", "gao2")


def test_two_are_told_apart_by_one_who_vouches_for_both() -> None:
    assert is_told_apart(LIN, GAO)
    assert is_told_apart(LIN_OF_SYSTEM, GAO_OF_SYSTEM)
    assert not is_told_apart(LIN, LIN._replace(name="another"))
    for subject in (LIN, GAO):
        for user in (LIN_OF_SYSTEM, GAO_OF_SYSTEM):
            assert not is_same_person(subject, user)
            assert not is_told_apart(subject, user)
            assert not is_told_apart(user, subject)


@pytest.mark.parametrize("before", [local_person("Mei"), Person("", "", "Mei")])
def test_where_nobody_was_checked_names_are_all_there_is(before: Person) -> None:
    for person in (LIN, LIN_OF_SYSTEM):
        assert is_told_apart(person, before)
        assert not is_told_apart(person, before._replace(name=person.name))
