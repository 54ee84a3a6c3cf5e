"""Every worked case comes out to the fen: as it stands, shuffled, and in batches of one."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.policies.versions import adopt_policy
from ledger.store.application import Ledger
from services.cli.policies.case_files import is_case, read_case
from services.cli.policies.cases import expected, messages_of, settle
from tests.events import CIXI, POLICIES

HERE = Path(__file__).parent
SHARED = HERE.parent.parent / "shared" / "cases"


def folders(config: pytest.Config) -> list[Path]:
    """The folders asked for; without any, our own and the shared one where it stands beside us."""
    asked = [Path(folder) for folder in config.getoption("--cases-dir")]
    if asked:
        return asked
    return [HERE / "cases", *([SHARED] if SHARED.is_dir() else [])]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a case file and store; a folder without a case is an error.

    In order of arrival every case runs on both stores; other orders, which the stores do not
    see, run on PostgreSQL for every fifth case.
    """
    if "case_file" not in metafunc.fixturenames:
        return
    files: list[Path] = []
    for folder in folders(metafunc.config):
        found = list(filter(is_case, sorted(folder.rglob("*.json"))))
        if not found:
            raise pytest.UsageError(f"no worked case in {folder}")
        files += found
    whole = metafunc.function is test_case_comes_out_to_the_fen
    chosen = [("sqlite", path) for path in files]
    chosen += [("postgres", path) for path in (files if whole else files[::5])]
    ids = [f"{path.stem}-{store}" for store, path in chosen]
    metafunc.parametrize(("store_kind", "case_file"), chosen, ids=ids)


def shuffled(case: dict[str, Any], seed: int) -> list[bytes]:
    """The case's messages in another order; corrections of one fact keep their order."""
    facts, messages = case["facts"], messages_of(case)
    order = list(range(len(facts)))
    random.Random(seed).shuffle(order)
    places: dict[str, list[int]] = {}
    for place, index in enumerate(order):
        if facts[index]["fact"] == "corrected":
            places.setdefault(facts[index]["of"], []).append(place)
    for spots in places.values():
        same = sorted(order[place] for place in spots)
        for place, index in zip(spots, same, strict=True):
            order[place] = index
    return [messages[index] for index in order]


def ready(open_at: Callable[..., Ledger], case: dict[str, Any]) -> Ledger:
    """A ledger that has Cixi's policy, and the case's."""
    ledger = open_at()
    if (path := POLICIES / f"{case['policy']}.yaml").name != f"{CIXI}.yaml":
        adopt_policy(ledger, path.read_text("utf-8"))
    return ledger


def test_case_comes_out_to_the_fen(case_file: Path, open_at: Callable[..., Ledger]) -> None:
    """In order of arrival, as one batch."""
    case = read_case(case_file)

    assert expected(case) == settle(ready(open_at, case), case, [messages_of(case)])


@pytest.mark.parametrize("seed", [1, 2])
def test_order_of_arrival_changes_nothing(case_file: Path, seed: int, open_at: Callable[..., Ledger]) -> None:
    """Shuffled."""
    case = read_case(case_file)

    assert expected(case) == settle(ready(open_at, case), case, [shuffled(case, seed)])


def test_batches_of_one_change_nothing(case_file: Path, open_at: Callable[..., Ledger]) -> None:
    """Shuffled again, one message a batch."""
    case = read_case(case_file)

    assert expected(case) == settle(ready(open_at, case), case, [[m] for m in shuffled(case, 3)])
