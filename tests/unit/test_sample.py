"""The made-up city: the same for a seed everywhere, complete, and spoilt on purpose only."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pytest

from domain.money.amounts import parse_fen
from domain.policy.load import load_policy
from domain.policy.model import Unpaid
from domain.things.credit_code import is_valid
from ledger.intake.batch import Result
from ledger.intake.inbox import ingest_all
from ledger.intake.messages.schemas import TYPES
from ledger.store.application import Ledger
from services.sample.city import WINDOW, city
from services.sample.enterprise import POLICY, code_of
from tests import answers as queries
from tests.conftest import POLICY as POLICY_FILE

ROOT = Path(__file__).parents[2]
SOON_AFTER = datetime(2025, 5, 1, tzinfo=UTC)
"""A present after which nothing of the city of 2024 lies in the future."""
INTENDED = {
    "code.check",
    "identity.reused",
    "money.negative",
    "money.decimals",
    "value.choice",
    "date.future",
    "measure.unknown",
    "claim.cap",
}


def digest(enterprises: int, seed: int) -> str:
    return hashlib.sha256(b"\n".join(city(enterprises, seed))).hexdigest()


@lru_cache(maxsize=1)
def read(enterprises: int) -> list[dict[str, Any]]:
    return [msgspec.json.decode(raw) for raw in city(enterprises)]


def taken_in(ledger: Ledger, enterprises: int) -> list[Result]:
    return [result for batch in ingest_all(ledger, city(enterprises), "file") for result in batch]


def budget_of(ledger: Ledger) -> dict[str, Any]:
    with ledger.store.reading() as rows:
        return queries.budget(ledger, rows, POLICY, 2024)


@pytest.mark.parametrize(("hash_seed", "zone"), [("0", "UTC"), ("4711", "Pacific/Kiritimati")])
def test_a_seed_gives_the_same_bytes_under_any_hash_seed_and_time_zone(hash_seed: str, zone: str) -> None:
    program = "from tests.unit.test_sample import digest; print(digest(300, 7))"
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": zone}
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == digest(300, 7)


def test_another_seed_gives_other_enterprises() -> None:
    first, second = ({msgspec.json.decode(raw)["subject"] for raw in city(50, seed)} for seed in (1, 2))
    assert not first & second


def test_each_message_is_compact_json_in_utf_8() -> None:
    for raw in city(200):
        assert msgspec.json.encode(msgspec.json.decode(raw)) == raw


@pytest.mark.parametrize("enterprises", [60, 400])
def test_every_measure_that_can_pay_is_earned(open_at: Callable[..., Ledger], enterprises: int) -> None:
    ledger = open_at()
    taken_in(ledger, enterprises)
    gross = {each["measure"]: parse_fen(each["gross"]) for each in budget_of(ledger)["measures"]}
    measures = load_policy(POLICY_FILE.read_text("utf-8")).measures
    paying = {name for name, measure in measures.items() if not isinstance(measure, Unpaid)}
    assert paying == {name for name, fen in gross.items() if fen > 0}


@pytest.mark.parametrize("enterprises", [60, 400])
def test_every_type_of_message_is_taken_in(open_at: Callable[..., Ledger], enterprises: int) -> None:
    messages = list(city(enterprises))
    results = [result for batch in ingest_all(open_at(), messages, "file") for result in batch]
    pairs = zip(messages, results, strict=True)
    taken = {msgspec.json.decode(raw)["type"] for raw, result in pairs if result.status == "accepted"}
    assert taken == set(TYPES)


@pytest.mark.parametrize("enterprises", [60, 400])
def test_messages_are_refused_in_every_intended_way_and_no_other(
    open_at: Callable[..., Ledger], enterprises: int
) -> None:
    results = taken_in(open_at(SOON_AFTER), enterprises)
    refused = [result for result in results if result.status == "refused"]
    assert {fault.code for result in refused for fault in result.faults} == INTENDED
    assert all(len(result.faults) == 1 for result in refused)
    assert any(result.status == "duplicate" for result in results)


def test_a_city_of_2000_exceeds_the_budget(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at(SOON_AFTER)
    results = taken_in(ledger, 2_000)
    budget = budget_of(ledger)
    numerator, denominator = map(int, budget["factor"]["fraction"].split("/"))
    assert parse_fen(budget["eligible"]) > 2 * parse_fen(budget["appropriation"])
    assert 0.25 < numerator / denominator < 0.7
    assert budget["payable"] == "10000000.00"
    assert parse_fen(budget["withheld"]) > 0
    shares = Counter(result.status for result in results)
    assert 0.02 < shares["duplicate"] / len(results) < 0.04
    assert 0.005 < shares["refused"] / len(results) < 0.015


def test_an_enterprise_has_about_six_messages_and_some_are_amended() -> None:
    messages = read(2_000)
    types = Counter(message["type"] for message in messages)
    assert 5 <= len(messages) / 2_000 <= 7
    assert 0.010 < types["subsidy.fact-corrected.v1"] / len(messages) < 0.020
    assert 0.003 < types["subsidy.fact-retracted.v1"] / len(messages) < 0.009


def test_some_corrections_come_before_their_fact_and_others_after() -> None:
    messages = read(2_000)
    first = {(m["source"], m["id"]): place for place, m in reversed(list(enumerate(messages)))}
    before = []
    for place, message in enumerate(messages):
        if message["type"] == "subsidy.fact-corrected.v1":
            data = message["data"]
            before.append(place < first[data.get("of_source", message["source"]), data["of"]])
    assert 0.2 < sum(before) / len(before) < 0.8


def test_only_repeats_and_a_reused_id_share_an_id() -> None:
    said: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for message in read(2_000):
        said.setdefault((message["source"], message["id"]), []).append(message)
    several = [each for each in said.values() if len(each) > 1]
    repeated = [each for each in several if each[0] == each[1]]
    reused = [each for each in several if each not in repeated]
    assert all(len(each) == 2 for each in several)
    assert reused
    assert all(one["data"]["amount"] != other["data"]["amount"] for one, other in reused)
    assert len(repeated) > 200


def test_the_enterprises_have_valid_codes_of_cixi_in_several_forms() -> None:
    codes = {message["subject"] for message in read(2_000)}
    valid = {code for code in codes if is_valid(code)}
    wrong = len(codes) - len(valid)
    assert len(valid) == 2_000
    assert 0 < wrong < 40
    assert {code[2:8] for code in codes} == {"330282"}
    heads = Counter(code[:2] for code in valid)
    assert heads.keys() == {"91", "92", "93", "N2"}
    assert heads["91"] == 1_600


def test_codes_differ_up_to_beyond_a_million_enterprises() -> None:
    indices = [*range(0, 1_000_000, 101), 999_999, 2_000_000]
    codes = {code_of(index, 1) for index in indices}
    assert len(codes) == len(indices)
    assert all(is_valid(code) for code in codes)


def test_everything_was_said_between_january_and_the_next_april() -> None:
    times = sorted(message["time"] for message in read(2_000))
    assert "2024-01-01" < times[0] < "2024-01-05"
    assert "2025-04-20" < times[-1] < "2025-05-01"
    later = [msgspec.json.decode(raw)["time"] for raw in city(100, year=2026)]
    assert {time[:4] for time in later} == {"2026", "2027"}


def test_sizes_are_skewed() -> None:
    figures = [m["data"] for m in read(2_000) if m["data"].get("channel") == "domestic_online"]
    proper = [each["amount"] for each in figures if re.fullmatch(r"\d+\.\d\d", each["amount"])]
    sales = sorted(parse_fen(amount) for amount in proper)
    middle = sales[len(sales) // 2]
    assert sum(sales) / len(sales) > 3 * middle
    assert sum(fen > 10_000_000_000 for fen in sales) > 10
    assert sum(fen % 100 != 0 for fen in sales) > 0.9 * len(sales)


def test_the_messages_of_an_enterprise_stay_near_each_other_and_mix_with_others() -> None:
    first: dict[str, int] = {}
    neighbours = 0
    before = ""
    for place, message in enumerate(read(2_000)):
        code = message["subject"]
        assert place - first.setdefault(code, place) < 3 * WINDOW
        neighbours += code == before
        before = code
    assert neighbours < 100


def test_memory_does_not_grow_with_the_stream() -> None:
    tracemalloc.start()
    try:
        stream = city(1_000_000)
        assert sum(1 for _ in islice(stream, 10_000)) == 10_000
        early = tracemalloc.get_traced_memory()[1]
        assert sum(1 for _ in islice(stream, 30_000)) == 30_000
        late = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert early < 4_000_000
    assert late < 1.2 * early


@pytest.mark.parametrize(("enterprises", "year"), [(-1, 2024), (31**6 + 1, 2024), (10, 2002), (10, 2091)])
def test_a_city_that_cannot_be_is_refused_at_once(enterprises: int, year: int) -> None:
    with pytest.raises(ValueError, match="a city"):
        city(enterprises, 1, year)


def test_an_empty_city_says_nothing() -> None:
    assert list(city(0)) == []
