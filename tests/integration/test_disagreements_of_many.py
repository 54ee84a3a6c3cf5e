"""Of an enterprise with many events the same disagrees as of one whose facts are all read each time."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.intake.inbox import ingest
from ledger.policies.versions import adopt_policy
from ledger.store.application import Ledger, open_ledger
from ledger.store.folded import entries
from tests.events import CIXI_TEXT, Feed, take
from tests.integration.test_disagreements import (
    test_neither_the_order_of_arrival_nor_the_batches_change_what_is_found as any_order,
)

HISTORIES, STEPS = 60, 14
SOURCES = ("urn:tests", "urn:tests:other")
RULES = {
    "usual rules": "",
    "two sources are held": "disagreements:\n- {id: s, kind: two-sources, fact: SalesReported, "
    "same: [channel, year], field: amount_fen, then: hold}\n",
    "years far above are held": "disagreements:\n- {id: o, kind: outlier, fact: SalesReported, "
    "times: 3, then: hold}\n",
}


def reported(rng: random.Random) -> list[bytes]:
    """Reports of one enterprise, corrected and retracted, in years far above those before and near them."""
    feed, messages, reports = Feed(1), list[bytes](), list[str]()
    for _ in range(STEPS):
        step = rng.choice(["report", "report", "report", "correct", "move", "retract", "replace"])
        if step == "report" or not reports:
            amount = rng.choice(["1.00", "2.00", "30.00", "100.00"])
            sent = feed.sales(rng.choice(["online", "domestic_own_brand"]), rng.randint(2022, 2024), amount)
            messages.append(sent.replace(b'"urn:tests"', f'"{rng.choice(SOURCES)}"'.encode()))
            reports.append(messages[-1].decode())
        elif step == "replace":
            by, on = Feed(999).code, f"202{rng.randint(2, 4)}-06-01"
            messages.append(feed.send("enterprise-replaced", by=by, on=on))
        else:
            messages.append(amend(feed, step, rng))
    return messages


def amend(feed: Feed, step: str, rng: random.Random) -> bytes:
    """What becomes of an earlier message; one that does not fit what it names is refused in every ledger."""
    of, of_source = f"e1-{rng.randint(1, feed.count)}", rng.choice(SOURCES)
    head: dict[str, Any] = {"of": of, "of_type": "subsidy.sales-reported.v1", "reason": "tests"}
    if of_source != SOURCES[0]:
        head["of_source"] = of_source
    if step == "retract":
        sent = feed.send("fact-retracted", **head)
    elif step == "move":
        sent = feed.send("fact-corrected", changes={"year": rng.randint(2022, 2024)}, **head)
    else:
        sent = feed.send("fact-corrected", changes={"amount": rng.choice(["1.00", "70.00"])}, **head)
    return sent.replace(b'"urn:tests"', f'"{of_source}"'.encode(), 1)


def what_disagrees(path: Path, rules: str, messages: list[bytes], sizes: list[int]) -> tuple[object, ...]:
    """The disagreements, the awards and the matters of a ledger that takes messages in batches."""
    ledger = open_ledger(str(path))
    adopt_policy(ledger, f"{CIXI_TEXT.rstrip()}\n{rules}")
    left = list(messages)
    for size in sizes:
        ingest(ledger, left[:size], "tests")
        del left[:size]
    tables = {
        "disagreements": "disagreement, key, matter, value, held, outcome, position",
        "matters": "matter, key, value",
        "awards": "policy, year, measure, gross, withheld",
        "stored_events": "originator_id, topic",
    }
    with ledger.store.reading() as rows:
        kept = tuple(
            sorted(map(tuple, rows.all(f"SELECT {what} FROM {name}"))) for name, what in tables.items()
        )
    ledger.close()
    return kept


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES.keys())
def test_the_same_disagrees_however_facts_are_kept(
    rules: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disagreeing = 0
    for number in range(HISTORIES):
        rng = random.Random(number)
        messages = reported(rng)
        sizes = [rng.randint(1, 3) for _ in messages]

        kept = []
        for many in (2, 10_000):
            monkeypatch.setattr(entries, "MANY_EVENTS", many)
            kept.append(what_disagrees(tmp_path / f"{number}-{many}.db", rules, messages, sizes))

        assert kept[0] == kept[1], f"history {number}"
        disagreeing += bool(kept[0][0])
    assert disagreeing > HISTORIES // 4


def test_neither_order_nor_batches_change_what_is_found_of_many_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "MANY_EVENTS", 2)

    any_order(tmp_path)


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_rule_that_takes_the_place_of_another_ends_what_that_one_found(
    open_at: Callable[..., Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next report is enough, though by the new rule nothing is out of line."""
    monkeypatch.setattr(entries, "MANY_EVENTS", 2)
    ledger, feed = open_at(), Feed(1)
    take(
        ledger, *(feed.sales("online", 2022 + year, amount) for year, amount in enumerate(["1.00", "90.00"]))
    )
    take(ledger, feed.sales("online", 2023, "1.00"))

    rule = RULES["years far above are held"].replace("times: 3, then: hold", "times: 500, then: note")
    adopt_policy(ledger, CIXI_TEXT.rstrip().replace("version: 1", "version: 2", 1) + f"\n{rule}")
    take(ledger, feed.sales("online", 2023, "1.00"))

    with ledger.store.reading() as rows:
        outcomes = {outcome for (outcome,) in rows.all("SELECT outcome FROM disagreements")}
    assert outcomes == {"settled"}
