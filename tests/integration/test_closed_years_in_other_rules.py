"""Closed years stay as they were closed, whatever facts or rules an open year is looked at by."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from ledger.audit.bundle import write_enterprise, write_year
from ledger.audit.checkpoints import current
from ledger.policies.versions import adopt_policy, set_budget
from ledger.reading.overview import factor_at
from ledger.store.application import Ledger
from ledger.store.moments import Moment
from services.verify import verify
from tests import acknowledging
from tests import answers as queries
from tests.answers import trial, what_if
from tests.events import CIXI, CIXI_TEXT, EXAMPLES, Feed, take
from tests.integration.bureau import Bureau, Clock
from tests.integration.closings import OFFICER, REVIEWER
from tests.integration.test_bundles import KEY

YEARS = (2024, 2025)
READINGS = {"budget-period": ("year", "life"), "reductions": ("final", "next-year")}


def policy_with(reading: str, budget: str) -> str:
    """The city's policy with the other value of a reading, and another budget."""
    was, now = READINGS[reading]
    before = f"  {reading}:\n    value: {was}\n"
    assert before in CIXI_TEXT
    text = CIXI_TEXT.replace(before, f"  {reading}:\n    value: {now}\n", 1)
    return text.replace('budget: {amount: "10000000.00"', f'budget: {{amount: "{budget}"', 1)


@pytest.mark.parametrize(
    ("reading", "budget", "factor", "payable"),
    [
        # For life: 2 shops take 20,000 of 30,000 in 2024; what is left is shared by 3 shops of 2025.
        ("budget-period", "30000.00", Fraction(10_000, 30_000), 10_000_00),
        # A year: 2 shops get 12,000 for 20,000 in 2024; 8,000 and 3 shops of 2025 share 12,000 again.
        ("reductions", "12000.00", Fraction(12_000, 38_000), 12_000_00),
    ],
    ids=["a budget for life", "reductions carried over"],
)
def test_an_open_year_after_a_closed_one_by_other_rules(
    open_at: Callable[..., Ledger], reading: str, budget: str, factor: Fraction, payable: int
) -> None:
    ledger = open_at(policy=False)
    bureau, text = Bureau(ledger, Clock()), policy_with(reading, budget)
    adopt_policy(ledger, text)
    feeds = [Feed(number) for number in range(1, 6)]
    for feed in feeds[:2]:
        take(ledger, feed.shop("tmall", "x", "2024-05-01"))
    bureau.settle()
    for feed in feeds[2:]:
        take(ledger, feed.shop("tmall", "x", "2025-05-01"))

    now = datetime(2026, 12, 31, tzinfo=UTC)
    moments = [Moment(), Moment(as_of=now.strftime("%Y-%m-%dT%H:%M:%S.%f")), Moment(rules=text)]
    moments.append(Moment(until=bureau.position()))
    with ledger.store.reading() as rows:
        found = [queries.budget(ledger, rows, CIXI, 2025, at) for at in moments]
        one = [queries.balance(ledger, rows, feeds[0].code, CIXI, 2025, at)["payable"] for at in moments]
        tried = trial(ledger, rows, text, 2025)
        closed = [queries.budget(ledger, rows, CIXI, 2024, at)["payable"] for at in moments]
        compared = what_if(ledger, rows, CIXI, 2024, at=Moment(rules=text))
        tried_2024 = trial(ledger, rows, text, 2024)
    assert len(set(closed)) == 1, "a closed year shares as it was closed"
    assert (
        (compared["gaining"], compared["losing"]) == (tried_2024["gaining"], tried_2024["losing"]) == (0, 0)
    )
    for each in [*found, tried["before"], tried["after"]]:
        said: dict[str, Any] = each["factor"]
        assert Fraction(said["fraction"]) == factor
        assert each["payable"] == f"{payable // 100}.{payable % 100:02d}"
    assert len(set(one)) == 1


def test_what_a_life_budget_was_known_to_share_is_not_changed_by_a_later_closing(
    open_at: Callable[..., Ledger],
) -> None:
    ledger = open_at(policy=False)
    bureau = Bureau(ledger, Clock())
    adopt_policy(ledger, policy_with("budget-period", "15000.00"))
    take(ledger, Feed(1).shop("tmall", "x", "2024-05-01"), Feed(2).shop("tmall", "x", "2025-05-01"))
    then = Moment(until=bureau.position())
    with ledger.store.reading() as rows:
        before = [queries.budget(ledger, rows, CIXI, year, then) for year in YEARS]
        factor = factor_at(rows, CIXI, 2024, bureau.position())
    bureau.settle()
    with ledger.store.reading() as rows:
        assert [queries.budget(ledger, rows, CIXI, year, then) for year in YEARS] == before
        assert then.until is not None
        assert factor_at(rows, CIXI, 2024, then.until) == factor
    assert before[0]["gross"] == "20000.00"


PRIORITIES = (
    "{rule: standards-first, priorities: "
    "[[shop.opened, sales.tier], [export.usd, design.purchased], [brand.certified, market.project]]}"
)


@pytest.mark.parametrize("ordered", [1, 2])
def test_bundles_hold_where_only_one_version_has_an_order_of_payment(
    open_at: Callable[..., Ledger], tmp_path: Path, ordered: int
) -> None:
    """40,000.00 that 2026 carried over under one version share 2027 with 8,000.00 under the other."""
    named, clock = "hengqin-macao-brands-2026", Clock(datetime(2028, 2, 1, tzinfo=UTC))
    texts = [EXAMPLES[named], EXAMPLES[named].replace("version: 1\n", "version: 2\n", 1)]
    texts[1] = texts[1].replace("effective_from: 2026-01-01", "effective_from: 2027-01-01", 1)
    assert "{rule: standards-first}" in texts[ordered - 1]
    texts[ordered - 1] = texts[ordered - 1].replace("{rule: standards-first}", PRIORITIES, 1)
    ledger, feed = open_at(clock(), policy=False), Feed(950)
    ledger.clock = clock
    for text in texts:
        adopt_policy(ledger, text)
    set_budget(ledger, named, "2026", 10_000_00)
    take(
        ledger,
        feed.send("brand-certified", "2026-06-01T00:00:00Z", kind="macao_brand", ref="b", on="2026-05-01"),
    )
    take(ledger, feed.shop("cross-border", "s", "2027-05-01"))
    for year in (2026, 2027):
        for stage in ("open", "closed"):
            if stage == "closed":
                acknowledging.propose(ledger, named, year, OFFICER)
                acknowledging.publish(ledger, named, year, OFFICER)
                clock.pass_(days=12)
                acknowledging.close(ledger, named, year, REVIEWER)
            note = current(ledger, KEY)
            size = int(note.split("\n")[1])
            whole, own = tmp_path / f"{year}-{stage}.zip", tmp_path / f"{year}-{stage}-one.zip"
            write_year(ledger, whole, named, year, note, size)
            write_enterprise(ledger, own, feed.code, named, year, note, size, KEY)
            for bundle in (whole, own):
                assert verify(bundle, [KEY.verifier])[1].faults == []
    with ledger.store.reading() as rows:
        found = queries.budget(ledger, rows, named, 2027)
    assert found["payable"] == "48000.00"
    assert sorted(each["payable"] for each in found["pots"] if each["payable"] != "0.00") == [
        "40000.00",
        "8000.00",
    ]
