"""A preview says which rows disagree, and computes what becomes of the year without what would be held."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ledger.intake.sheets import trial
from ledger.intake.sheets.holding import Holding
from ledger.intake.sheets.previewing import described, doubtful, preview, reading_of, record
from ledger.policies.versions import adopt_policy
from ledger.store.application import Ledger, open_ledger
from services.cli.main import main
from tests.events import CIXI, Feed, budget, take
from tests.integration.api_client import Api
from tests.integration.test_disagreements import policy_with
from tests.integration.test_sheets import sent, shop, shops
from tests.sheets import NOTHING_BEFORE

FILE = shops(shop(1, "同店"), shop(2, "同店"), shop(3, "旧店"), shop(4), shop(5), ["", "", "", "", ""])


def previewed(ledger: Ledger, folder: Path, data: bytes = FILE) -> Holding:
    file = folder / "店铺.xlsx"
    file.write_bytes(data)
    holding = Holding.open_file(folder / "rows")
    preview(ledger, reading_of(ledger, file, file.name, "周巷镇"), holding, lambda *_: None)
    return holding


def with_an_old_shop(open_at: Callable[..., Ledger], *rules: str) -> Ledger:
    ledger = open_at(policy=False)
    adopt_policy(ledger, policy_with(list(rules)))
    take(ledger, Feed(30).shop("tmall", "旧店", "2024-02-01"), Feed(31).shop("tmall", "另一店", "2024-02-01"))
    return ledger


def period(said: dict[str, Any]) -> dict[str, Any]:
    [found] = [each for each in said["consequences"] if each["kind"] == "period"]
    return dict(found)


@pytest.mark.parametrize("batch", [1, 1_000])
def test_what_would_be_held_is_named_and_left_out_of_what_would_become(
    open_at: Callable[..., Ledger], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(trial, "BATCH_ROWS", batch)
    ledger = with_an_old_shop(open_at, "shop")
    holding = previewed(ledger, tmp_path)
    said = described(holding)

    assert said["counts"] == {"new": 5, "known": 0, **NOTHING_BEFORE, "contradictory": 0, "wrong": 0}
    assert said["disagreements"] == {"noted": 0, "held": 3}
    rows = doubtful(holding)
    assert [(row["row"], row["kind"], row["held"]) for row in rows] == [
        (2, "claimed-twice", True),
        (3, "claimed-twice", True),
        (4, "claimed-twice", True),
    ]
    assert "旧店" in rows[2]["words"]["zh"]
    assert budget(ledger, CIXI, 2024)["sharing"] == "20000.00", "a preview records nothing"
    # 30's shop is held too: what counts is 31's, 4's and 5's.
    assert period(said)["after"]["sharing"] == "30000.00"

    record(ledger, holding, said["preview"], lambda *_: None)
    after = budget(ledger, CIXI, 2024)
    assert {name: after[name] for name in ("sharing", "payable")} == {
        name: period(said)["after"][name] for name in ("sharing", "payable")
    }


def test_what_is_only_noted_counts(open_at: Callable[..., Ledger], tmp_path: Path) -> None:
    ledger = with_an_old_shop(open_at)
    said = described(previewed(ledger, tmp_path))

    assert said["disagreements"] == {"noted": 3, "held": 0}
    assert period(said)["after"]["sharing"] == "70000.00"


def test_what_was_held_already_is_not_told_again(open_at: Callable[..., Ledger], tmp_path: Path) -> None:
    ledger = with_an_old_shop(open_at, "shop")
    take(ledger, Feed(32).shop("tmall", "旧店", "2024-02-01"))
    said = described(previewed(ledger, tmp_path, shops(shop(6))))

    assert said["disagreements"] == {"noted": 0, "held": 0}
    assert period(said)["after"]["sharing"] == "20000.00"


def test_officers_see_which_rows_disagree_and_upstreams_do_not(api: Api) -> None:
    take(api.ledger, Feed(30).shop("tmall", "旧店", "2024-02-01"))
    said = sent(api.by("林晓", "officer"), FILE)["preview"]
    asked = sent(api.by("platform-a", "upstream"), FILE, "?source=urn:platform-a")["preview"]

    assert said["disagreements"] == {"noted": 3, "held": 0}
    assert [row["row"] for row in said["doubtful"]] == [2, 3, 4]
    assert asked["disagreements"] is None
    assert asked["doubtful"] == []


def test_the_command_tells_them_in_words(tmp_path: Path) -> None:
    file = tmp_path / "店铺.xlsx"
    file.write_bytes(FILE)
    database = str(tmp_path / "ledger.db")
    with closing(open_ledger(database)) as ledger:
        adopt_policy(ledger, policy_with(["shop"]))
    for language, words in (("zh", ("暂缓计入 2", "由2家企业报送")), ("en", ("held 2", "by 2 enterprises"))):
        line = ["--database", database, "--language", language, "ingest", str(file)]
        run = CliRunner().invoke(main, line)
        assert all(each in run.output for each in words), run.output
