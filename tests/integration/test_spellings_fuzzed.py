"""Spellings of one thing are one thing, and different things stay different, on both stores."""

from __future__ import annotations

import itertools
import json
import unicodedata
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.things.spelling import canonical_identity, canonical_number
from ledger.intake.inbox import ingest
from ledger.projections.enterprises import load
from ledger.store.application import Ledger
from tests.events import Feed
from tests.lengths import length_of

Opener = Callable[..., Ledger]
Speller = Callable[[str], str]
steady = settings(
    max_examples=length_of("SUBSIDY_TEST_EXAMPLES"),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def widened(text: str) -> str:
    return "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in text)


def spread(text: str) -> str:
    return text.replace(" ", "\u3000\u00a0 ")


SPELLERS: list[Speller] = [
    widened,
    spread,
    lambda text: unicodedata.normalize("NFD", text),
    lambda text: f" {text}\u3000",
    lambda text: f"\ufeff{text}\u200b",
    lambda text: text[:1] + "\u00ad" + text[1:],
    lambda text: "\u2060".join(text),
]
NUMBER_SPELLERS: list[Speller] = [*SPELLERS, str.lower, str.upper, lambda text: text.replace("-", "\u2013")]
NAMES = st.text(st.sampled_from("AEaeé示例仓店（）1234-. "), min_size=1, max_size=8).filter(
    lambda text: canonical_identity(text) != ""
)


def respelt(name: str, spellers: list[Speller]) -> str:
    for speller in spellers:
        name = speller(name)
    return name


def things_of(ledger: Ledger, code: str, kind: str) -> int:
    with ledger.store.reading() as rows:
        return len(load(rows, {code})[code].facts.dated[kind])


def test_a_name_in_any_spelling_is_one_shop_and_another_name_another(open_at: Opener) -> None:
    ledger, numbers = open_at(policy=False), itertools.count(1)

    @steady
    @given(NAMES, NAMES, st.lists(st.sampled_from(SPELLERS), max_size=4))
    def spelt(name: str, other: str, spellers: list[Speller]) -> None:
        feed = Feed(next(numbers))
        shops = [name, respelt(name, spellers), other]
        results = ingest(ledger, [feed.shop("tmall", shop, "2024-03-01") for shop in shops], "tests")
        assert {result.status for result in results} == {"accepted"}
        is_one = canonical_identity(name) == canonical_identity(other)
        assert things_of(ledger, feed.code, "StoreRegistered") == (1 if is_one else 2)

    spelt()


def test_a_number_in_any_spelling_is_one_warehouse_and_another_number_another(open_at: Opener) -> None:
    ledger, numbers = open_at(policy=False), itertools.count(1)

    @steady
    @given(NAMES, NAMES, st.lists(st.sampled_from(NUMBER_SPELLERS), max_size=4))
    def spelt(name: str, other: str, spellers: list[Speller]) -> None:
        feed = Feed(next(numbers))
        facts = [
            feed.send("warehouse-recognised", level="ningbo", warehouse=each, on="2024-03-01")
            for each in (name, respelt(name, spellers), other)
        ]
        assert {result.status for result in ingest(ledger, facts, "tests")} == {"accepted"}
        is_one = canonical_number(name) == canonical_number(other)
        assert things_of(ledger, feed.code, "WarehouseRecognised") == (1 if is_one else 2)

    spelt()


def test_an_id_and_source_in_any_spelling_are_one_message(open_at: Opener) -> None:
    ledger, numbers = open_at(policy=False), itertools.count(1)

    @steady
    @given(
        NAMES,
        st.lists(st.sampled_from(SPELLERS), max_size=3),
        st.lists(st.sampled_from(SPELLERS), max_size=3),
    )
    def spelt(name: str, of_id: list[Speller], of_source: list[Speller]) -> None:
        feed = Feed(next(numbers))
        first = {
            **json.loads(feed.sales("online", 2024, "1.00")),
            "id": f"{name}{feed.number}",
            "source": name,
        }
        again = {**first, "id": respelt(first["id"], of_id), "source": respelt(name, of_source)}
        raws = [json.dumps(each, ensure_ascii=False).encode() for each in (first, again)]
        assert [result.status for result in ingest(ledger, raws, "tests")] == ["accepted", "duplicate"]

    spelt()
