"""The third axis on every read: an edited policy file gives what adopting it would have given."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from domain.policy.faults import PolicyError
from ledger.audit.steps import difference
from ledger.intake.inbox import ingest_all
from ledger.policies.versions import adopt_policy
from ledger.store.application import Ledger
from ledger.store.moments import NOW, Moment
from services.cli.main import main
from services.sample.city import city
from tests import answers as explanations
from tests import answers as queries
from tests.answers import what_if
from tests.events import CIXI, YONGJIA_TEXT, Feed, take
from tests.integration.test_trial import SECOND

YEAR = 2024
EDITED = Moment(rules=SECOND)


def filled(open_at: Callable[..., Ledger], name: str = "ledger.db") -> Ledger:
    ledger = open_at(name=name)
    for _ in ingest_all(ledger, city(120, seed=5), "tests"):
        pass
    return ledger


def answers(ledger: Ledger, at: Moment) -> dict[str, Any]:
    """What every read says of the year, without the position and whether the read models answered."""
    with ledger.store.reading() as rows:
        codes = [row[0] for row in rows.all("SELECT code FROM enterprises ORDER BY code LIMIT 40")]
        found: dict[str, Any] = {"budget": queries.budget(ledger, rows, CIXI, YEAR, at)}
        found["targets"] = queries.targets(ledger, rows, CIXI, YEAR, at)
        for code in codes:
            found[code] = [
                queries.balance(ledger, rows, code, CIXI, YEAR, at),
                explanations.explain(ledger, rows, code, CIXI, YEAR, at),
                explanations.outlook(ledger, rows, code, CIXI, YEAR, at),
            ]
    return json.loads(json.dumps(found), object_hook=lambda each: without(each, "position", "recorded_at"))  # type: ignore[no-any-return]


def without(value: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: each for key, each in value.items() if key not in names}


def test_every_read_under_an_edited_file_is_what_adopting_it_gives(open_at: Callable[..., Ledger]) -> None:
    ledger, adopted = filled(open_at), filled(open_at, "adopted.db")
    adopt_policy(adopted, SECOND)
    assert answers(ledger, EDITED) == answers(adopted, NOW)
    assert answers(ledger, EDITED) != answers(ledger, NOW)


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_what_if_begins_from_the_edited_file_or_another_day_s_rules(open_at: Callable[..., Ledger]) -> None:
    ledger, adopted = filled(open_at), filled(open_at, "adopted.db")
    adopt_policy(adopted, SECOND)
    figures = {"store.tmall/amount": "20000.00"}
    with ledger.store.reading() as rows:
        found = what_if(ledger, rows, CIXI, YEAR, figures=figures, at=EDITED)
        plain = what_if(ledger, rows, CIXI, YEAR, at=EDITED)
    with adopted.store.reading() as rows:
        expected = what_if(adopted, rows, CIXI, YEAR, figures=figures)
        present = queries.budget(adopted, rows, CIXI, YEAR)
    assert found["after"] == expected["after"]
    assert plain["after"]["sharing"] == present["sharing"]
    assert plain["gaining"] > 0


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_difference_under_edited_rules_is_of_both_moments(open_at: Callable[..., Ledger]) -> None:
    ledger = filled(open_at)
    with ledger.store.reading() as rows:
        known = rows.all("SELECT recorded_at FROM batches ORDER BY last_position LIMIT 1")[0][0]
        own = difference(ledger, rows, None, CIXI, YEAR, known, None)
        edited = difference(ledger, rows, None, CIXI, YEAR, known, None, rules=SECOND)
    assert [each["enterprise"] for each in own["awards"]] == [e["enterprise"] for e in edited["awards"]]
    assert own["budget_after"]["sharing"] != edited["budget_after"]["sharing"] or not own["awards"]


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_another_policy_s_file_is_refused_with_its_mend(open_at: Callable[..., Ledger]) -> None:
    ledger = filled(open_at)
    with ledger.store.reading() as rows, pytest.raises(PolicyError) as error:
        queries.budget(ledger, rows, CIXI, YEAR, Moment(rules=YONGJIA_TEXT))
    assert "ask for --policy yongjia" in str(error.value)


@pytest.mark.parametrize("store_kind", ["sqlite"])
@pytest.mark.parametrize(
    "at", [EDITED, Moment(rules_as_of="2025-01-01"), Moment(as_of="2026-01-01T00:00:00.000000Z")]
)
def test_what_arrives_changes_the_answer_for_the_same_question(
    open_at: Callable[..., Ledger], at: Moment
) -> None:
    """What was worked out for a moment is kept only for what the ledger held then."""
    ledger = filled(open_at)

    def sharing() -> str:
        with ledger.store.reading() as rows:
            return str(queries.budget(ledger, rows, CIXI, YEAR, at)["sharing"])

    before = sharing()
    shop = {"platform": "tmall", "kind": "flagship", "shop": "a", "on": "2024-03-01"}
    take(ledger, Feed(4_321).send("store-registered", **shop))
    assert sharing() != before


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_the_commands_take_an_edited_file(open_at: Callable[..., Ledger], tmp_path: Path) -> None:
    ledger = filled(open_at)
    file = tmp_path / "edited.yaml"
    file.write_text(SECOND, "utf-8")
    with ledger.store.reading() as rows:
        sharing = queries.budget(ledger, rows, CIXI, YEAR, EDITED)["sharing"]
    ledger.close()

    def said(*words: str) -> Any:
        done = CliRunner().invoke(main, ["--database", str(tmp_path / "ledger.db"), *words, "--json"])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    assert said("budget", "--rules", str(file))["sharing"] == sharing
    assert said("what-if", "--rules", str(file))["after"]["sharing"] == sharing
    file.write_bytes(b"\xff\xfe")
    done = CliRunner().invoke(
        main, ["--database", str(tmp_path / "ledger.db"), "budget", "--rules", str(file)]
    )
    assert done.exit_code == 1
    assert "UTF-8" in done.output
