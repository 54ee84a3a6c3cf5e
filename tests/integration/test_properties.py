"""Any history settles as the oracle settles it, whatever the order, the batches and the repeats."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.money.amounts import parse_fen
from ledger.intake.inbox import ingest
from ledger.policies.versions import adopt_policy, set_budget
from ledger.replay.comparison import fingerprint, replay
from ledger.store.application import Ledger, open_ledger
from services.cli.policies.cases import messages_of, read_back
from tests import answers as queries
from tests.conftest import LATER
from tests.events import CIXI, CIXI_TEXT
from tests.histories import BUDGETS, YEARS, Fact, batches, case_of, facts, histories, shuffled
from tests.lengths import length_of
from tests.oracle import oracle

EXAMPLES = length_of("SUBSIDY_TEST_EXAMPLES")
thorough = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
SEEDS = st.integers(0, 2**16)
Opener = Callable[[], Any]


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Opener:
    """Open a ledger with the policy adopted: a copy of one file, gone when it is left."""
    folder = tmp_path_factory.mktemp("ledgers")
    template, numbers = folder / "template.db", itertools.count()
    made = open_ledger(str(template), clock=lambda: LATER)
    adopt_policy(made, CIXI_TEXT)
    with made.store.reading() as rows:
        rows.all("PRAGMA wal_checkpoint(TRUNCATE)")
    made.close()

    @contextmanager
    def opener() -> Iterator[Ledger]:
        path = folder / f"{next(numbers)}.db"
        shutil.copy(template, path)
        ledger = open_ledger(str(path), clock=lambda: LATER)
        try:
            yield ledger
        finally:
            ledger.close()
            for left in folder.glob(f"{path.name}*"):
                left.unlink()

    return opener


def fill(ledger: Ledger, cut: list[list[bytes]], budget: str = "10000000.00") -> None:
    """Set every year's budget and ingest batches; nothing may be refused."""
    for year in YEARS:
        set_budget(ledger, CIXI, str(year), parse_fen(budget))
    for batch in cut:
        results = ingest(ledger, batch, "tests")
        assert [(r.event_id, r.faults) for r in results if r.status == "refused"] == []


def figures(ledger: Ledger, history: list[Fact], budget: str = "10000000.00") -> dict[int, Any]:
    """Everything the ledger says of every year: awards, payments, factor."""
    return {year: read_back(ledger, case_of(history, year, budget)) for year in YEARS}


def targets(ledger: Ledger) -> list[Any]:
    """Progress of every year's targets, without the position."""
    with ledger.store.reading() as rows:
        return [queries.targets(ledger, rows, CIXI, year)["targets"] for year in YEARS]


@thorough
@given(history=histories(), budget=BUDGETS, seed=SEEDS)
def test_a_history_settles_as_the_oracle_settles_it(
    fresh: Opener, history: list[Fact], budget: str, seed: int
) -> None:
    expected = {year: oracle.settle(case_of(history, year, budget)) for year in YEARS}

    with fresh() as ledger:
        fill(ledger, batches(shuffled(history, seed), seed), budget)
        assert figures(ledger, history, budget) == expected


@thorough
@given(history=histories(), budget=BUDGETS, seed=SEEDS)
def test_the_payments_are_exactly_the_smaller_of_budget_and_awards(
    fresh: Opener, history: list[Fact], budget: str, seed: int
) -> None:
    with fresh() as ledger:
        fill(ledger, batches(shuffled(history, seed), seed), budget)
        for found in figures(ledger, history, budget).values():
            eligible = parse_fen(found["eligible_total"])
            assert parse_fen(found["payable_total"]) == min(parse_fen(budget), eligible)


@thorough
@given(history=histories(), seeds=st.tuples(SEEDS, SEEDS))
def test_order_batches_and_repeats_change_nothing(
    fresh: Opener, history: list[Fact], seeds: tuple[int, int]
) -> None:
    with fresh() as one, fresh() as other:
        for ledger, seed in ((one, seeds[0]), (other, seeds[1])):
            fill(ledger, batches(shuffled(history, seed), seed))
        assert figures(one, history) == figures(other, history)
        assert targets(one) == targets(other)
        with one.store.reading() as rows, other.store.reading() as again:
            assert rows.last_position() == again.last_position()


@thorough
@given(history=histories(), seed=SEEDS)
def test_a_history_sent_twice_is_sent_once(fresh: Opener, history: list[Fact], seed: int) -> None:
    messages = messages_of(case_of(history, YEARS[0], "0.00"))
    with fresh() as ledger:
        fill(ledger, [messages])
        with ledger.store.reading() as rows:
            before = (rows.last_position(), fingerprint(rows))

        for batch in batches(shuffled(history, seed), seed):
            assert {result.status for result in ingest(ledger, batch, "tests")} == {"duplicate"}

        with ledger.store.reading() as rows:
            assert (rows.last_position(), fingerprint(rows)) == before


@thorough
@given(standing=facts(), data=st.data(), seed=SEEDS)
def test_a_retraction_equals_never_having_arrived(
    fresh: Opener, standing: list[Fact], data: st.DataObject, seed: int
) -> None:
    gone = data.draw(st.lists(st.sampled_from(standing), min_size=1, unique_by=lambda fact: fact["id"]))
    retractions = [
        {"id": f"r{n}", "enterprise": fact["enterprise"], "fact": "retracted", "of": fact["id"]}
        for n, fact in enumerate(gone)
    ]
    without = [fact for fact in standing if fact not in gone]

    with fresh() as one, fresh() as other:
        fill(one, batches(shuffled([*standing, *retractions], seed), seed))
        fill(other, [messages_of(case_of(without, YEARS[0], "0.00"))])
        assert figures(one, standing) == figures(other, without)
        assert targets(one) == targets(other)


def without_retracted_claims(history: list[Fact]) -> list[Fact]:
    """The history less the retractions of claims."""
    claims = {fact["id"] for fact in history if fact["fact"] == "claim_approved"}
    return [fact for fact in history if fact["fact"] != "retracted" or fact["of"] not in claims]


@thorough
@given(history=histories().map(without_retracted_claims), seed=SEEDS)
def test_a_replay_from_nothing_equals_the_live_read_models(
    fresh: Opener, tmp_path_factory: pytest.TempPathFactory, history: list[Fact], seed: int
) -> None:
    replica = tmp_path_factory.mktemp("replica") / "again.db"
    with fresh() as ledger:
        fill(ledger, batches(shuffled(history, seed), seed))

        certificate = replay(ledger, str(replica))

    shutil.rmtree(replica.parent)
    assert certificate.differences == ()
    assert certificate.equal


def test_the_generated_histories_earn_and_exceed_and_reach_every_kind_of_fact() -> None:
    """The properties would be empty words if the histories earned nothing."""
    measures: set[str] = set()
    kinds: set[str] = set()
    reduced = withheld = 0

    @settings(thorough, max_examples=400, database=None, derandomize=True)
    @given(history=histories(), budget=BUDGETS)
    def look(history: list[Fact], budget: str) -> None:
        nonlocal reduced, withheld
        kinds.update(fact["fact"] for fact in history)
        for year in YEARS:
            found = oracle.settle(case_of(history, year, budget))
            measures.update(row["measure"] for row in found["awards"])
            reduced += found["factor"] != "1/1"
            withheld += any(row["withheld"] != "0.00" for row in found["awards"])

    look()

    assert len(kinds) == 14
    assert measures == set(oracle.MEASURES)
    assert reduced > 30
    assert withheld > 30
