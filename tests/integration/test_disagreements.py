"""Facts that disagree: found when they arrive, held where the policy says so, decided as an event."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from domain.authority.roles import Actor, NotAllowed
from ledger.audit.bundle import write_year
from ledger.audit.checkpoints import current
from ledger.disagreements import looking_back
from ledger.disagreements.deciding import decide
from ledger.intake.inbox import ingest
from ledger.policies.versions import adopt_policy
from ledger.reading import disagreements as reading
from ledger.reading.disagreements import Disagreement, list_disagreements
from ledger.replay.comparison import replay
from ledger.store.application import Ledger, open_ledger
from ledger.store.moments import Moment
from services.cli.main import main
from services.server.app import create_app
from services.verify import verify
from tests import answers as explanations
from tests import answers as queries
from tests.events import CIXI, CIXI_TEXT, Feed, message, take
from tests.integration.test_bundles import KEY

CASES: list[dict[str, Any]] = yaml.load(
    (Path(__file__).parents[1] / "data/disagreements/cases.yaml").read_text("utf-8"), yaml.BaseLoader
)
RULES = {
    "shop": "{id: shop, kind: claimed-twice, fact: StoreRegistered, same: [platform, shop], then: hold}",
    "brand": "{id: brand, kind: claimed-twice, fact: BrandCertified, same: [kind, ref], then: hold}",
    "warehouse": (
        "{id: w, kind: claimed-twice, fact: WarehouseRecognised, same: [level, warehouse], then: hold}"
    ),
    "warehouse-any-level": (
        "{id: w, kind: claimed-twice, fact: WarehouseRecognised, same: [warehouse], then: hold}"
    ),
    "project": "{id: p, kind: claimed-twice, fact: ClaimApproved, same: [policy, measure, item], then: hold}",
    "design-sources": (
        "{id: d, kind: two-sources, fact: DesignPurchased, same: [year], field: amount_fen, "
        'tolerance: "5", then: hold}'
    ),
    "design-outlier": '{id: o, kind: outlier, fact: DesignPurchased, times: "10", then: hold}',
    "replaced": "{id: r, kind: replaced-code, then: hold}",
}
OFFICER = Actor("Lin", frozenset({"officer"}))
CODES = {letter: Feed(900 + at).code for at, letter in enumerate("abc")}
YEAR = 2024


def policy_with(names: list[str]) -> str:
    if not names:
        return CIXI_TEXT
    return CIXI_TEXT.rstrip("\n") + "\ndisagreements:\n" + "".join(f"- {RULES[name]}\n" for name in names)


def messages(case: dict[str, Any]) -> list[bytes]:
    count: dict[str, int] = {}
    found = []
    for letter, type_, data, *source in case["facts"]:
        count[letter] = count.get(letter, 0) + 1
        said: dict[str, Any] = {n: int(value) if n == "year" else value for n, value in data.items()}
        if "by" in said:
            said["by"] = CODES[said["by"]]
        made = message(type_, CODES[letter], f"{letter}-{count[letter]}", "2025-01-01T00:00:00Z", said)
        made |= {"source": source[0]} if source else {}
        found.append(json.dumps(made, ensure_ascii=False).encode())
    return found


def orders(case: dict[str, Any]) -> Iterator[list[bytes]]:
    """Each order of arrival in which a case may come."""
    return (list(each) for each in itertools.permutations(messages(case)))


def gross(ledger: Ledger, at: Moment | None = None) -> dict[str, str]:
    found = {}
    with ledger.store.reading() as rows:
        for letter, code in CODES.items():
            try:
                answer = queries.balance(ledger, rows, code, CIXI, YEAR, at or Moment())
                found[letter] = answer["gross"]
            except queries.UnknownEnterprise:
                found[letter] = "0.00"
    return found


def found_in(ledger: Ledger, stage: str = "open") -> list[Disagreement]:
    with ledger.store.reading() as rows:
        return list_disagreements(rows, (-1, ""), 100, stage)


def said(found: list[Disagreement]) -> list[tuple[str, list[str]]]:
    letters = {code: letter for letter, code in CODES.items()}
    return sorted(
        (
            each.kind,
            sorted(letters[fact.enterprise] for fact in each.facts if fact.outcome != "withdrawn"),
        )
        for each in found
    )


def parties(ledger: Ledger) -> set[tuple[str, str, str, bool, str]]:
    """What waits for a decision: a fact taken back before anybody objected was never in doubt."""
    return {
        (each.id, fact.source, fact.id, fact.held, each.words["zh"])
        for each in found_in(ledger)
        for fact in each.facts
        if fact.outcome is None
    }


def settle(ledger: Ledger, letters: list[str]) -> None:
    """Decide every open disagreement for the first fact of the enterprises named."""
    for each in found_in(ledger):
        counting = {
            fact.enterprise: (fact.source, fact.id)
            for fact in reversed(each.facts)
            if fact.enterprise in {CODES[letter] for letter in letters}
        }
        decide(ledger, each.id, OFFICER, list(counting.values()), "seen the papers")


def test_there_are_thirty_kinds_and_more() -> None:
    assert len({case["name"] for case in CASES}) == len(CASES) >= 30


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_what_disagrees_is_found_held_and_decided(
    open_at: Callable[..., Ledger], tmp_path: Path, case: dict[str, Any]
) -> None:
    ledger = open_at(policy=False)
    adopt_policy(ledger, policy_with(case.get("rules", [])))
    for each in messages(case):
        take(ledger, each)

    expected = sorted((kind, sorted(who)) for kind, who in case["found"])
    assert said(found_in(ledger)) == expected
    assert len(found_in(ledger, "decided")) == int(case.get("settled", 0))
    now = gross(ledger)
    for letter, amount in case.get("counts", {}).items():
        assert now[letter] == amount, letter
    if "decide" in case:
        settle(ledger, case["decide"])
        assert found_in(ledger) == []
        now = gross(ledger)
        for letter, amount in case["after"].items():
            assert now[letter] == amount, letter
    assert replay(ledger, str(tmp_path / "again.db")).equal
    with ledger.store.reading() as rows:
        assert gross(ledger, Moment(until=rows.last_position())) == now


def test_neither_the_order_of_arrival_nor_the_batches_change_what_is_found(tmp_path: Path) -> None:
    for number, case in enumerate(CASES):
        seen = []
        for at, order in enumerate(orders(case)):
            for batched in (True, False):
                ledger = open_ledger(str(tmp_path / f"{number}-{at}-{batched}.db"))
                adopt_policy(ledger, policy_with(case.get("rules", [])))
                for batch in [order] if batched else [[each] for each in order]:
                    take(ledger, *batch)
                seen.append((parties(ledger), gross(ledger)))
                ledger.close()
        assert all(each == seen[0] for each in seen), case["name"]


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_holds_and_decisions_verify_offline_and_can_be_followed(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    ledger = open_at(policy=False)
    adopt_policy(ledger, policy_with(["shop"]))
    take(ledger, *messages(CASES[1]))
    settle(ledger, ["a"])
    note = current(ledger, KEY)
    write_year(ledger, tmp_path / "year.zip", CIXI, YEAR, note, int(note.split("\n")[1]))
    assert verify(tmp_path / "year.zip", [KEY.verifier])[1].faults == []
    with ledger.store.reading() as rows:
        mine = explanations.explain(ledger, rows, CODES["b"], CIXI, YEAR)["disagreements"]
    (one,) = mine
    assert [fact["outcome"] for fact in one["facts"]] == ["does-not-count"]
    assert CODES["a"] not in json.dumps(mine)
    with ledger.store.reading() as rows:
        history = [event.fact for event in queries.history(rows, CODES["b"])]
    assert [fact.name for fact in history] == ["StoreRegistered", "FactHeld", "FactDecided"]
    assert history[-1].content.field_value("actor") == "Lin"
    assert CODES["a"] not in json.dumps([fact.content.values_by_name() for fact in history])


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_third_claim_opens_a_decided_matter_again_and_a_decision_can_be_undone(
    open_at: Callable[..., Ledger],
) -> None:
    ledger = open_at(policy=False)
    adopt_policy(ledger, policy_with(["shop"]))
    all_ = messages(CASES[5])
    take(ledger, *all_[:2])
    settle(ledger, ["a"])
    assert gross(ledger) == {"a": "10000.00", "b": "0.00", "c": "0.00"}
    take(ledger, all_[2])
    (again,) = found_in(ledger)
    assert [fact.outcome for fact in again.facts].count(None) == 1
    assert gross(ledger) == {"a": "10000.00", "b": "0.00", "c": "0.00"}
    settle(ledger, ["c"])
    assert gross(ledger) == {"a": "0.00", "b": "0.00", "c": "10000.00"}
    decide(ledger, again.id, OFFICER, [("urn:tests", "b-1")], "the papers were forged")
    assert gross(ledger) == {"a": "0.00", "b": "10000.00", "c": "0.00"}


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_fact_in_two_disagreements_counts_once_both_say_so(open_at: Callable[..., Ledger]) -> None:
    case = next(each for each in CASES if each["name"] == "one shop under the old code and the new")
    ledger = open_at(policy=False)
    adopt_policy(ledger, policy_with(case["rules"]))
    take(ledger, *messages(case))
    twice, replaced = sorted(found_in(ledger), key=lambda each: each.kind)
    decide(ledger, twice.id, OFFICER, [("urn:tests", "a-2")], "it is theirs")
    assert gross(ledger) == {"a": "0.00", "b": "0.00", "c": "0.00"}
    decide(ledger, replaced.id, OFFICER, [("urn:tests", "a-2")], "the new licence came late")
    assert gross(ledger) == {"a": "10000.00", "b": "0.00", "c": "0.00"}


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_who_may_not_decide_and_what_cannot_be_decided_is_refused(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at()
    take(ledger, *messages(CASES[0]))
    (one,) = found_in(ledger)

    def why(actor: Actor, named: str, counting: list[tuple[str, str]], reason: str) -> str:
        with pytest.raises(NotAllowed) as error:
            decide(ledger, named, actor, counting, reason)
        return error.value.code

    assert why(Actor("Tax", frozenset({"upstream"})), one.id, [], "r") == "role.missing"
    assert why(OFFICER, "nothing", [], "r") == "disagreement.unknown"
    assert why(OFFICER, one.id, [("urn:tests", "z-9")], "r") == "disagreement.fact"
    assert why(OFFICER, one.id, [], " ") == "disagreement.reason"
    assert len(found_in(ledger)) == 1


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_disagreements_by_command_by_interface_and_on_a_page(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    ledger = open_at(policy=False)
    adopt_policy(ledger, policy_with(["shop"]))

    def told(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(main, ["--database", str(tmp_path / "ledger.db"), "disagreements", *words])
        assert done.exit_code == code, done.output
        return done.output

    client = create_app(ledger).test_client()
    page = f"/console/{CIXI}/{YEAR}/disagreements"
    assert "没有待决定的不一致" in told("list")
    assert "没有数据不一致" in client.get(page).text
    take(ledger, *messages(CASES[1]))
    (one,) = found_in(ledger)
    assert one.id in told("list")
    assert CODES["b"] in told("show", one.id)
    assert one.words["zh"] in client.get(page).text
    answer = client.get("/v1/disagreements").get_json()
    assert (answer["open"], answer["items"][0]["disagreement"]) == (1, one.id)
    assert client.get(f"/v1/disagreements?enterprise={CODES['c']}").get_json()["items"] == []
    assert client.get("/v1/disagreements/none").status_code == 409
    wrong = client.post(f"/v1/disagreements/{one.id}/decision", json={"counting": [{"id": 1}]})
    assert {fault["field"] for fault in wrong.get_json()["faults"]} == {"counting", "reason"}
    body = {"counting": [{"source": "urn:tests", "id": "b-1"}], "reason": "seen"}
    as_officer = {"Subsidy-Actor": "Lin", "Subsidy-Roles": "officer"}
    decided = client.post(f"/v1/disagreements/{one.id}/decision", json=body, headers=as_officer)
    assert decided.status_code == 200, decided.text
    assert gross(ledger) == {"a": "0.00", "b": "10000.00", "c": "0.00"}
    told("decide", one.id, "the licence says so", "--counts", "urn:tests", "a-1", "--actor", "Lin")
    assert gross(ledger) == {"a": "10000.00", "b": "0.00", "c": "0.00"}
    assert "none" in told("show", "none", code=1)


def test_what_was_recorded_before_is_found_by_looking_back(
    open_at: Callable[..., Ledger], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking_back, "ENTERPRISES", 1)
    case = next(each for each in CASES if each["name"] == "one shop under the old code and the new")
    arrived, later = open_at(policy=False), open_at(policy=False, name="later.db")
    adopt_policy(arrived, policy_with(case["rules"]))
    adopt_policy(later, policy_with([]))
    for ledger in (arrived, later):
        take(ledger, *messages(case))
    assert gross(later)["a"] == "10000.00"
    head = policy_with(case["rules"]).replace("version: 1\n", "version: 2\n", 1)
    adopt_policy(later, re.sub(r"effective_from: \S+", "effective_from: 2024-01-02", head, count=1))
    for _ in range(2):
        assert list(looking_back.look_back(later))
        own = {each for each in parties(later) if each[3]}
        assert own == {each for each in parties(arrived) if each[3]}
        assert gross(later) == gross(arrived)
    assert replay(later, str(tmp_path / "again.db")).equal


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_matter_of_very_many_is_shown_in_part_and_decided_as_a_whole(
    open_at: Callable[..., Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "SHOWN", 3)
    ledger = open_at(policy=False)
    adopt_policy(ledger, policy_with(["shop"]))
    feeds = [Feed(number) for number in range(20, 25)]
    for feed in feeds:
        take(ledger, feed.shop("tmall", "X", "2024-02-01"))
    (found,) = found_in(ledger)
    assert (found.total, len(found.facts)) == (5, 3)
    assert "5家" in found.words["zh"]
    page = create_app(ledger).test_client().get(f"/console/{CIXI}/{YEAR}/disagreements").text
    assert "另有 2 条数据未列出" in page

    decide(ledger, found.id, OFFICER, [("urn:tests", found.facts[0].id)], "it is theirs")
    with ledger.store.reading() as rows:
        sums = [queries.balance(ledger, rows, feed.code, CIXI, YEAR)["gross"] for feed in feeds]
    assert sorted(sums) == ["0.00", "0.00", "0.00", "0.00", "10000.00"]


def test_a_code_does_not_take_its_own_place(open_at: Callable[..., Ledger]) -> None:
    ledger, feed = open_at(), Feed(20)
    take(ledger, feed.send("enterprise-replaced", by=Feed(21).code, on="2024-06-01"))
    own = feed.send("enterprise-replaced", by=feed.code, on="2024-06-01")
    first = json.loads(feed.send("enterprise-replaced", by=Feed(22).code, on="2024-07-01"))
    take(ledger, json.dumps(first).encode())
    of = {"of": first["id"], "of_type": first["type"], "reason": "error"}
    changed = feed.send("fact-corrected", **of, changes={"by": feed.code})
    said = [result.faults[0] for result in ingest(ledger, [own, changed], "tests")]
    assert [(fault.code, fault.field) for fault in said] == [
        ("replaced.self", "data.by"),
        ("replaced.self", "data.changes.by"),
    ]
