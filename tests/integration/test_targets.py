"""The city's targets by month, town and lead unit equal what the events themselves add up to."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.money.amounts import parse_fen, print_fen
from ledger.intake.inbox import ingest
from ledger.policies.versions import adopt_policy, set_budget
from ledger.replay.comparison import replay
from ledger.store.application import Ledger
from ledger.store.moments import moment
from tests import answers as queries
from tests.events import CIXI, CIXI_TEXT, Feed, take

CHINA = ZoneInfo("Asia/Shanghai")
TOWNS = ("古塘街道", "周巷镇", "龙山镇")
YEARS = (2024, 2025)
THRESHOLDS = {
    "domestic-over-1yi": 1,
    "domestic-over-2yi": 2,
    "domestic-over-5yi": 5,
    "domestic-over-10yi": 10,
}
CODES = ("9610", "9710", "9810", "1210")
Opener = Callable[..., Ledger]


def history(seed: int, enterprises: int = 9) -> list[bytes]:
    """Whatever may bear on a target, said at any time, some of it corrected or retracted."""
    chance = random.Random(seed)
    found: list[bytes] = []
    for number in range(enterprises):
        feed = Feed(number + 1)
        for _ in range(chance.randint(2, 12)):
            found.append(_fact(feed, chance))
            said = json.loads(found[-1])
            kind = said["type"].split(".")[1]
            if chance.random() < 0.2:
                changes: dict[str, Any] = {"on": _day(chance)} if "on" in said["data"] else {"year": 2025}
                if "town" in said["data"]:
                    changes = {"town": chance.choice(TOWNS)}
                found.append(feed.correct(feed.last, kind, **changes))
            elif chance.random() < 0.1:
                found.append(feed.retract(feed.last, kind))
    chance.shuffle(found)
    return found


def _day(chance: random.Random) -> str:
    return (
        f"{chance.choice((2023, 2024, 2024, 2025))}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"
    )


def _fact(feed: Feed, chance: random.Random) -> bytes:
    start = datetime(2023, 10, 1, tzinfo=CHINA)
    time = (start + timedelta(hours=chance.randrange(24 * 900))).isoformat()
    year, on = chance.choice(YEARS), _day(chance)
    amount = print_fen(chance.choice((4_999_999_999, 5_000_000_001, 10_000_000_000, 25_000_000_000)))
    kind = chance.randrange(6)
    if kind == 0:
        name, town = f"企业{chance.randrange(99)}", chance.choice(TOWNS)
        return feed.send("enterprise-registered", time, name=name, town=town)
    if kind == 1:
        return feed.shop("cross-border", chance.choice("abc"), on)
    if kind == 2:
        return feed.send("above-quota-admitted", time, branch=chance.choice("ab"), on=on)
    if kind == 3:
        more = {"kind": "provincial_demonstration_park", "ref": chance.choice("ab")}
        return feed.send("recognition-granted", time, on=on, floor_area_m2=chance.randint(1, 90_000), **more)
    if kind == 4:
        code = chance.choice((*CODES, "other"))
        said: dict[str, Any] = {"channel": "b2b_pilot_export", "customs_code": code, "currency": "CNY"}
        return feed.send("sales-reported", time, **said, year=year, amount=amount)
    return feed.sales("domestic_online", year, amount, time)


# --- the same figures, worked out from the messages alone ---------------------------------------


def standing(messages: list[bytes]) -> list[dict[str, Any]]:
    """What is said in the end: corrections merged in order of arrival, retracted facts left out."""
    said = [json.loads(raw) for raw in messages]
    facts = {each["id"]: {**each, "data": dict(each["data"])} for each in said if "of" not in each["data"]}
    for each in said:
        if "changes" in each["data"]:
            facts[each["data"]["of"]]["data"].update(each["data"]["changes"])
    gone = {each["data"]["of"] for each in said if each["type"] == "subsidy.fact-retracted.v1"}
    return [fact for event_id, fact in facts.items() if event_id not in gone]


def brute_force(messages: list[bytes], year: int) -> dict[str, Any]:
    """By target: what is reached by the end of each month, and by town."""
    facts = standing(messages)
    adding: dict[str, list[tuple[int, str, int]]] = defaultdict(list)
    for code in {fact["subject"] for fact in facts}:
        own = [fact for fact in facts if fact["subject"] == code]
        town = _town(own)
        for target, month, value in _of_days(own, year) + _of_reports(own, year):
            adding[target].append((month, town, value))
    found = {}
    for target, parts in adding.items():
        months = [sum(value for month, _, value in parts if month <= end) for end in range(1, 13)]
        towns = {town: sum(value for _, where, value in parts if where == town) for _, town, _ in parts}
        found[target] = (months, {town: value for town, value in towns.items() if value})
    return found


def _town(own: list[dict[str, Any]]) -> str:
    entries = [fact for fact in own if fact["type"] == "subsidy.enterprise-registered.v1"]
    last = max(entries, key=lambda e: (datetime.fromisoformat(e["time"]), e["id"]), default=None)
    return str(last["data"]["town"]) if last else ""


def _of_days(own: list[dict[str, Any]], year: int) -> list[tuple[str, int, int]]:
    found = []
    first_admitted = min((f["data"]["on"] for f in own if "above-quota" in f["type"]), default="")
    if first_admitted.startswith(str(year)):
        found.append(("newly-admitted", int(first_admitted[5:7]), 1))
    for key, target in (("shop", "new-cross-border-shops"), ("ref", "demonstration-park-area")):
        records = [fact["data"] for fact in own if key in fact["data"]]
        for name in {record[key] for record in records}:
            same = [record for record in records if record[key] == name]
            on = min(record["on"] for record in same)
            area = max((r.get("floor_area_m2", 1) for r in same if r["on"] == on), default=0)
            if on.startswith(str(year)):
                found.append((target, int(on[5:7]), area))
    return found


def _of_reports(own: list[dict[str, Any]], year: int) -> list[tuple[str, int, int]]:
    found, domestic = [], []
    for fact in own:
        data = fact["data"]
        if data.get("year") != year:
            continue
        time = datetime.fromisoformat(fact["time"]).astimezone(CHINA)
        month = {-1: 1, 0: time.month, 1: 12}[(time.year > year) - (time.year < year)]
        fen = parse_fen(data["amount"])
        if data["channel"] == "domestic_online":
            domestic.append((month, fen))
        else:
            found.append(("b2b-pilot-exports", month, fen))
            if data["customs_code"] in CODES:
                found.append(("b2b-pilot-exports-by-code", month, fen))
    for target, yi in THRESHOLDS.items():
        reached = [
            m for m in range(1, 13) if sum(f for month, f in domestic if month <= m) >= yi * 10_000_000_000
        ]
        if reached:
            found.append((target, reached[0], 1))
    return found


# --- and as the ledger answers them -------------------------------------------------------------


def answered(ledger: Ledger, year: int, **times: Any) -> dict[str, Any]:
    with ledger.store.reading() as rows:
        found = queries.targets(ledger, rows, CIXI, year, moment(rows, **times))
    targets = {}
    for line in found["targets"]:
        number: Callable[[str], int] = parse_fen if line["unit"] == "yuan" else int
        months = [number(each["reached"]) for each in line["by_month"]]
        towns = {each["town"]: number(each["reached"]) for each in line["by_town"]}
        assert [each["month"] for each in line["by_month"]] == [f"{year}-{m:02d}" for m in range(1, 13)]
        assert months[-1] == sum(towns.values()) == number(line["reached"])
        if months[-1]:
            targets[line["target"]] = (months, towns)
    return targets


def filled(ledger: Ledger, messages: list[bytes], size: int) -> Ledger:
    for at in range(0, len(messages), size):
        refused = [r.faults for r in ingest(ledger, messages[at : at + size], "t") if r.status == "refused"]
        assert not refused
    return ledger


@pytest.mark.parametrize("seed", range(6))
def test_months_and_towns_equal_what_the_events_add_up_to(open_at: Opener, tmp_path: Path, seed: int) -> None:
    messages = history(seed)
    ledger = filled(open_at(), messages, (1, 5, 1_000)[seed % 3])

    for year in YEARS:
        assert answered(ledger, year) == brute_force(messages, year) != {}
        assert answered(ledger, year, as_of="2099-01-01") == answered(ledger, year)
        assert answered(ledger, year, rules_as_of="2024-12-31") == answered(ledger, year)
    assert replay(ledger, str(tmp_path / "again.db")).differences == ()


@pytest.mark.parametrize("store_kind", ["sqlite"])
@pytest.mark.parametrize("seed", range(10, 30))
def test_order_and_batches_change_nothing(open_at: Opener, tmp_path: Path, seed: int) -> None:
    messages = history(seed)
    one = filled(open_at(), messages, 1_000)
    random.Random(seed).shuffle(messages)
    other = filled(open_at(name="other.db"), messages, 3)

    for year in YEARS:
        assert answered(one, year) == answered(other, year) == brute_force(messages, year)


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_under_the_latest_report_months_add_up_and_a_replay_agrees(open_at: Opener, tmp_path: Path) -> None:
    text = CIXI_TEXT.replace("several-reports:\n    value: add-up", "several-reports:\n    value: latest")
    ledger = open_at(policy=False)
    adopt_policy(ledger, text)
    filled(ledger, history(3), 7)

    for year in YEARS:
        assert answered(ledger, year) == answered(ledger, year, as_of="2099-01-01") != {}
    assert replay(ledger, str(tmp_path / "again.db")).differences == ()


def test_an_enterprise_takes_what_it_reached_to_its_new_town(open_at: Opener) -> None:
    ledger, feed = open_at(), Feed(1)
    take(ledger, feed.shop("cross-border", "a", "2024-03-01"))
    assert answered(ledger, 2024)["new-cross-border-shops"][1] == {"": 1}
    take(ledger, feed.send("enterprise-registered", "2024-01-01T00:00:00Z", name="甲", town="周巷镇"))
    assert answered(ledger, 2024)["new-cross-border-shops"][1] == {"周巷镇": 1}
    take(ledger, feed.send("enterprise-registered", "2024-06-01T00:00:00Z", name="甲", town="龙山镇"))
    moved = feed.last
    assert answered(ledger, 2024)["new-cross-border-shops"][1] == {"龙山镇": 1}
    assert answered(ledger, 2024, as_of="2024-05-31")["new-cross-border-shops"][1] == {"周巷镇": 1}
    take(ledger, feed.retract(moved, "enterprise-registered"))
    assert answered(ledger, 2024)["new-cross-border-shops"][1] == {"周巷镇": 1}


def test_what_was_known_is_divided_as_it_was_known(open_at: Opener) -> None:
    name, feed = "ledger.db", Feed(1)
    first = open_at(datetime(2025, 4, 1, tzinfo=CHINA), name)
    take(first, feed.shop("cross-border", "a", "2024-03-01"))
    later = open_at(datetime(2025, 8, 1, tzinfo=CHINA), name, policy=False)
    take(later, feed.send("enterprise-registered", "2024-01-01T00:00:00Z", name="甲", town="周巷镇"))
    take(later, feed.shop("cross-border", "b", "2024-07-01"))

    months, towns = answered(later, 2024, as_known="2025-05-01")["new-cross-border-shops"]
    assert (months, towns) == ([0, 0] + [1] * 10, {"": 1})
    months, towns = answered(later, 2024)["new-cross-border-shops"]
    assert (months, towns) == ([0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2], {"周巷镇": 2})


def test_each_lead_unit_answers_for_its_measures_and_targets(open_at: Opener) -> None:
    ledger, feed = open_at(), Feed(1)
    set_budget(ledger, CIXI, "2024", 1_000_000)
    take(ledger, feed.shop("tmall", "a", "2024-03-01"), feed.shop("cross-border", "b", "2024-03-01"))
    take(ledger, feed.of_year("design-purchased", 2024, "1000000.00"))
    for as_of in (None, "2099-01-01"):
        with ledger.store.reading() as rows:
            at = moment(rows, as_of)
            found = queries.targets(ledger, rows, CIXI, 2024, at)
            budget = queries.budget(ledger, rows, CIXI, 2024, at)
        leads = {each["lead"]: each for each in found["leads"]}
        assert found["leads"][0]["lead"] == "市商务局"
        listed = [name for each in found["leads"] for name in each["targets"]]
        assert sorted(listed) == sorted(line["target"] for line in found["targets"])
        assert leads["市经信局"]["gross"] != "0.00"
        for what in ("gross", "payable"):
            whole = sum(parse_fen(each[what]) for each in found["leads"])
            assert print_fen(whole) == budget[what]
