"""A policy over columns gives every award that it gives one enterprise at a time, to the fen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.events.event import Event
from domain.facts.folding import EnterpriseFacts, fold
from domain.policy.changes import Changes
from domain.policy.load import load_policy
from domain.policy.rulebook import Rulebook
from domain.rules.evaluation import awards_of
from ledger.intake.inbox import ingest_all
from ledger.intake.messages.decode import Message, Now, decode
from ledger.policies.versions import adopt_policy
from ledger.projections.enterprises import every_row
from ledger.simulation.packing import awards_in, pack
from ledger.store.application import open_ledger
from services.cli.policies.case_files import is_case, read_case
from services.cli.policies.cases import messages_of
from services.sample.city import city
from tests.conftest import LATER
from tests.events import CIXI_TEXT, EXAMPLES
from tests.histories import CODES, case_of, histories
from tests.lengths import length_of
from tests.test_worked_cases import HERE, SHARED

Award = tuple[str, int, str, int, int]
CIXI_POLICY = load_policy(CIXI_TEXT)
OTHER_VALUES = [
    {reading.id: option}
    for reading in CIXI_POLICY.readings.values()
    for option in reading.options
    if option != reading.value
]
"""Each reading that is open, under each of its other values."""


def facts_in(messages: Iterable[bytes]) -> dict[str, EnterpriseFacts]:
    """The facts of messages by enterprise, folded in the order in which they came."""
    found: dict[str, list[Event]] = {}
    for raw in messages:
        said = decode(raw, Now.bounds_at(LATER))
        assert isinstance(said, Message)
        found.setdefault(said.subject, []).append(said.fact)
    return {code: fold(facts) for code, facts in sorted(found.items())}


def one_by_one(city_facts: dict[str, EnterpriseFacts], book: Rulebook) -> list[Award]:
    return [
        (code, year, measure, award.gross, award.withheld)
        for code, facts in city_facts.items()
        for year, awards in awards_of(facts, book).items()
        for measure, award in awards.items()
        if award.gross
    ]


def in_columns(
    city_facts: dict[str, EnterpriseFacts], book: Rulebook, chunk_rows: int = 7
) -> Iterator[Award]:
    def facts_of(codes: list[str]) -> dict[str, EnterpriseFacts]:
        return {code: city_facts[code] for code in codes}

    for packed in pack(city_facts.items(), chunk_rows):
        codes = [bytes(code).decode() for code in packed.codes]
        for (year, measure), found in awards_in(packed, book, facts_of).items():
            assert (found.rows[1:] > found.rows[:-1]).all()
            for row, gross, withheld in zip(*(each.tolist() for each in found), strict=True):
                yield codes[row], year, measure, gross, withheld


def book_of(*changes: dict[str, str], text: str = CIXI_TEXT) -> Rulebook:
    together = {key: value for change in changes for key, value in change.items()}
    return Rulebook([load_policy(text, Changes(together, {}))])


def same(city_facts: dict[str, EnterpriseFacts], book: Rulebook, chunk_rows: int = 7) -> None:
    assert sorted(in_columns(city_facts, book, chunk_rows)) == sorted(one_by_one(city_facts, book))


def next_version(text: str, **readings: str) -> Rulebook:
    """A version from the middle of 2025 with other figures and readings, after the first."""
    later = (
        text.replace("version: 1", "version: 2")
        .replace("effective_from: 2024-01-01", "effective_from: 2025-06-01")
        .replace('unit_amount: "15000.00"', 'unit_amount: "17000.01"')
        .replace('amount: "10000.00"', 'amount: "12000.00"')
        .replace('percent: "85"', 'percent: "33.33"')
        .replace('percent: "10"', 'percent: "7.77"')
        .replace('cap: "10000.00"', 'cap: "17500.00"')
        .replace('award: "100000.00"', 'award: "150000.00"')
    )
    return Rulebook([load_policy(text), load_policy(later, Changes(readings, {}))])


BOOKS: dict[str, Callable[[], Rulebook]] = {
    "as it stands": book_of,
    **{f"{key} = {value}": partial(book_of, each) for each in OTHER_VALUES for key, value in each.items()},
    "every other value": partial(book_of, *OTHER_VALUES),
    **{name: partial(book_of, text=text) for name, text in EXAMPLES.items()},
    "two versions": partial(next_version, CIXI_TEXT),
    "two versions of other readings": partial(
        next_version, CIXI_TEXT, **{key: value for each in OTHER_VALUES for key, value in each.items()}
    ),
}


@cache
def book_named(name: str) -> Rulebook:
    return BOOKS[name]()


@cache
def facts_of_cases() -> list[dict[str, EnterpriseFacts]]:
    """The facts of each worked case, read once for all the books."""
    paths = (path for folder in (HERE / "cases", SHARED) for path in sorted(folder.rglob("*.json")))
    return [facts_in(_messages(read_case(path))) for path in paths if is_case(path)]


@pytest.mark.parametrize("name", BOOKS)
def test_worked_cases_come_out_the_same(name: str) -> None:
    for facts in facts_of_cases():
        same(facts, book_named(name))


def _messages(case: dict[str, Any]) -> list[bytes]:
    """A case's messages that are whole by themselves; a few cases hold what is refused."""
    return [raw for raw in messages_of(case) if isinstance(decode(raw, Now.bounds_at(LATER)), Message)]


@settings(
    max_examples=length_of("SUBSIDY_TEST_COLUMNS"), deadline=None, suppress_health_check=list(HealthCheck)
)
@given(
    history=histories(most=40),
    name=st.sampled_from(sorted(BOOKS)),
    readings=st.fixed_dictionaries(
        {r.id: st.sampled_from(sorted(r.options)) for r in CIXI_POLICY.readings.values()}
    ),
    chunk_rows=st.integers(1, 3),
)
def test_generated_histories_come_out_the_same(
    history: list[Any], name: str, readings: dict[str, str], chunk_rows: int
) -> None:
    city_facts = facts_in(messages_of(case_of(history, 2024, "0.00")))
    assert set(city_facts) <= set(CODES)

    same(city_facts, book_named(name), chunk_rows)
    same(city_facts, book_of(readings), chunk_rows)


@pytest.fixture(scope="module")
def sample_city(tmp_path_factory: pytest.TempPathFactory) -> dict[str, EnterpriseFacts]:
    """The facts of the sample year's 2,000 enterprises, as the ledger holds them."""
    ledger = open_ledger(str(tmp_path_factory.mktemp("city") / "city.db"))
    adopt_policy(ledger, CIXI_TEXT)
    for _ in ingest_all(ledger, city(), "tests"):
        pass
    with ledger.store.reading() as rows:
        found = {row.code: row.facts for row in every_row(rows)}
    ledger.close()
    return found


@pytest.mark.parametrize("name", BOOKS)
def test_the_sample_city_comes_out_the_same(sample_city: dict[str, EnterpriseFacts], name: str) -> None:
    same(sample_city, book_named(name), 1_500)


def test_most_of_the_sample_city_fits_into_columns(sample_city: dict[str, EnterpriseFacts]) -> None:
    aside = sum(len(packed.chunk.aside) for packed in pack(sample_city.items()))

    assert aside < len(sample_city) // 50
