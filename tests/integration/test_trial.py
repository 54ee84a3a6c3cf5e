"""A policy file tried on recorded facts gives what adopting it would give, and writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner

from domain.money.amounts import parse_fen
from ledger.intake.inbox import ingest_all
from ledger.policies.versions import adopt_policy
from ledger.store.application import Ledger
from services.cli.main import main
from services.sample.city import city
from tests import answers as queries
from tests.answers import trial
from tests.events import CIXI, CIXI_TEXT, YONGJIA, YONGJIA_TEXT

SECOND = CIXI_TEXT.replace("version: 1\n", "version: 2\n", 1).replace(
    'amount: "5000.00"', 'amount: "6000.00"', 1
)
YEAR = 2024


def filled(open_at: Callable[..., Ledger]) -> Ledger:
    ledger = open_at()
    for _ in ingest_all(ledger, city(200, seed=5), "tests"):
        pass
    return ledger


def test_a_second_version_is_tried_as_it_would_be_adopted(open_at: Callable[..., Ledger]) -> None:
    ledger = filled(open_at)
    with ledger.store.reading() as rows:
        position = rows.last_position()
        before = queries.budget(ledger, rows, CIXI, YEAR)
        tried = trial(ledger, rows, SECOND, YEAR)

    assert (tried["policy"], tried["version"], tried["replaces"], tried["governs"]) == (CIXI, 2, False, True)
    assert tried["before"]["payable"] == before["payable"]
    assert tried["before"]["factor"]["fraction"] == before["factor"]["fraction"]
    with ledger.store.reading() as rows:
        assert rows.last_position() == position
    adopt_policy(ledger, SECOND)
    with ledger.store.reading() as rows:
        after = queries.budget(ledger, rows, CIXI, YEAR)
        paid = {
            each["enterprise"]: queries.balance(ledger, rows, each["enterprise"], CIXI, YEAR)["payable"]
            for each in queries.enterprises(rows, CIXI, YEAR, "", 1_000)
        }
    assert tried["after"]["sharing"] == after["sharing"]
    assert tried["after"]["payable"] == after["payable"]
    assert tried["after"]["factor"]["fraction"] == after["factor"]["fraction"]
    for each in tried["winners"] + tried["losers"]:
        assert paid[each["enterprise"]] == each["after"]
    jd = next(each for each in tried["measures"] if each["measure"] == "store.jd")
    assert parse_fen(jd["after"]) > parse_fen(jd["before"])


def test_sums_by_measure_and_by_town_are_the_whole(open_at: Callable[..., Ledger]) -> None:
    ledger = filled(open_at)
    with ledger.store.reading() as rows:
        tried = trial(ledger, rows, SECOND, YEAR)

    for side in ("before", "after"):
        whole = parse_fen(tried[side]["payable"])
        assert sum(parse_fen(each[side]) for each in tried["measures"]) == whole
        assert sum(parse_fen(each[side]) for each in tried["towns"]) == whole
    assert len(tried["towns"]) > 1


def test_a_policy_that_the_ledger_does_not_hold_may_be_tried(open_at: Callable[..., Ledger]) -> None:
    ledger = filled(open_at)
    with ledger.store.reading() as rows:
        tried = trial(ledger, rows, YONGJIA_TEXT, 2025)

    assert tried["policy"] == YONGJIA
    assert tried["before"]["payable"] == "0.00"


def test_a_file_that_comes_into_force_later_says_so(open_at: Callable[..., Ledger]) -> None:
    ledger = filled(open_at)
    later = SECOND.replace("effective_from: 2024-01-01", "effective_from: 2030-01-01", 1)
    with ledger.store.reading() as rows:
        tried = trial(ledger, rows, later, YEAR)

    assert tried["governs"] is False
    assert tried["before"] == tried["after"]


def test_an_empty_ledger_tries_too(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at()
    with ledger.store.reading() as rows:
        tried = trial(ledger, rows, SECOND, YEAR)

    assert (tried["gaining"], tried["losing"], tried["measures"], tried["towns"]) == (0, 0, [], [])


def test_the_command_prints_both_sides(
    open_at: Callable[..., Ledger],
    database_at: Callable[[str], str],
    tmp_path_factory: object,
    tmp_path: object,
) -> None:

    filled(open_at)
    file = Path(str(tmp_path)) / "v2.yaml"
    file.write_text(SECOND, "utf-8")
    said = CliRunner().invoke(
        main, ["--database", database_at("ledger.db"), "--language", "en", "policy", "try", str(file)]
    )

    assert said.exit_code == 0, said.output
    assert "As it stands" in said.output
    assert "store.jd" in said.output
