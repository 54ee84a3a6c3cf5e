"""History and differences across a closing: an enterprise's account, step by step, and no other's."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner

from ledger.audit.steps import difference, step_document
from ledger.reading.changes import steps_of
from ledger.store.application import Ledger
from services.cli.main import main
from tests.events import CIXI
from tests.integration.api_client import Api
from tests.integration.closings import Closed, closed

pytestmark = pytest.mark.parametrize("store_kind", ["sqlite"])


@pytest.fixture
def scene(open_at: Callable[..., Ledger]) -> Closed:
    return closed(open_at, years=(2024,))


def steps(scene: Closed, code: str) -> list[dict[str, Any]]:
    with scene.ledger.store.reading() as rows:
        return [step_document(step) for step in steps_of(rows, code, rows.last_position())]


def test_an_account_s_events_are_steps_with_what_they_moved(scene: Closed) -> None:
    found = steps(scene, scene.code)
    moved = [(step["event"], step["account"]) for step in found if step["account"]]

    assert [step["position"] for step in found] == sorted(step["position"] for step in found)
    assert [event for event, _ in moved] == [
        *("AwardsSettled", "PaymentOrdered", "PaymentFailed", "PaymentOrdered", "PaymentMade"),
        *("ClawbackOrdered", "ClawbackRecovered", "AdjustmentAccepted"),
    ]
    payable = moved[0][1]["payable"]
    assert moved[0][1]["changes"] == [
        {"sum": "payable", "before": "0.00", "after": payable},
        {"sum": "outstanding", "before": "0.00", "after": payable},
    ]
    assert moved[2][1]["changes"] == [
        {"sum": "ordered", "before": payable, "after": "0.00"},
        {"sum": "outstanding", "before": "0.00", "after": payable},
    ]
    last = moved[-1][1]
    assert (last["paid"], last["clawed_back"], last["recovered"]) == (payable, "1000.00", "400.00")
    assert last["changes"] == []
    assert last["said"]["into_year"] == 2025


def test_no_other_enterprise_s_account_is_told(scene: Closed) -> None:
    assert scene.other not in json.dumps(steps(scene, scene.code))
    assert {step["subject"] for step in steps(scene, scene.other)} == {
        scene.other,
        f"account:{CIXI}:2024:{scene.other}",
    }


def test_command_and_api_give_the_same_steps(scene: Closed) -> None:
    response = Api(scene.ledger).client.get(f"/v1/enterprises/{scene.code}/history")
    assert [json.loads(line) for line in response.text.splitlines()] == steps(scene, scene.code)
    with scene.ledger.store.reading() as rows:
        (path,) = rows.all("SELECT file FROM pragma_database_list")[0]

    said = CliRunner().invoke(main, ["--database", path, "history", scene.code])

    assert said.exit_code == 0
    for word in ("AwardsSettled", "paid: ¥0.00 → ", "clawed_back ¥1,000.00", "came late"):
        assert word in said.output
    as_csv = CliRunner().invoke(
        main, ["--database", path, "--language", "en", "history", scene.code, "--csv"]
    )
    lines = list(csv.DictReader(io.StringIO(as_csv.stdout)))
    shown = {(row["Line"], row["What"], row["Before"], row["After"]) for row in lines}
    assert ("balance", "clawed_back", "", "1000.00") in shown
    assert any(line == "change" and what == "paid" and before == "0.00" for line, what, before, _ in shown)
    assert any(line == "account" and "came late" in what for line, what, _, _ in shown)


def test_a_difference_covers_the_closing(scene: Closed) -> None:
    with scene.ledger.store.reading() as rows:
        first, last = rows.all("SELECT MIN(recorded_at), MAX(recorded_at) FROM batches")[0]
        one = difference(scene.ledger, rows, scene.code, CIXI, 2024, first, None)
        whole = difference(scene.ledger, rows, None, CIXI, 2024, first, None)
        unchanged = difference(scene.ledger, rows, scene.code, CIXI, 2024, last, None)

    assert one["budget_after"]["stage"] == "closed"
    assert one["budget_before"]["stage"] == "open"
    names = [each["event"] for each in one["events"]]
    assert {"SettlementClosed", "AwardsSettled", "PaymentMade", "ClawbackOrdered"} <= set(names)
    assert names.count("ObjectionRaised") == names.count("ObjectionResolved") == 1
    assert scene.other not in json.dumps(one)
    assert [each["event"] for each in whole["events"]].count("ObjectionRaised") == 2
    assert unchanged["awards"] == []
