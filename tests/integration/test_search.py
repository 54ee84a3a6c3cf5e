"""Enterprises are found by a part of the name, the beginning of the code, and the town."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ledger.reading.enterprises import SEARCHED_MAX
from ledger.reading.search import Search
from ledger.store.application import Ledger
from tests import answers as queries
from tests.events import CIXI, Feed, take
from tests.integration.api_client import Api

Opener = Callable[..., Ledger]
ENTRIES = (
    ("慈溪市甲乙电子商务有限公司", "古塘街道"),
    ("慈溪Abc电器有限公司", "周巷镇"),
    ("宁波100%纯棉_针织有限公司", "周巷镇"),
    ("慈溪ａｂｃ进出口有限公司", "龙山镇"),
)


@pytest.fixture
def ledger(open_at: Opener) -> Ledger:
    made = open_at()
    for number, (name, town) in enumerate(ENTRIES):
        feed = Feed(number + 1)
        take(made, feed.send("enterprise-registered", "2024-01-01T00:00:00Z", name=name, town=town))
    take(made, Feed(9).shop("tmall", "a", "2024-03-01"))
    return made


def found(ledger: Ledger, text: str = "", town: str = "", after: str = "", limit: int = 100) -> set[str]:
    """Names of those found now; a search of the past must find the same."""
    search = Search(text, town)
    with ledger.store.reading() as rows:
        now = queries.enterprises(rows, CIXI, 2024, after, limit, search)
        every = queries.enterprises(rows, CIXI, 2024, after, limit)
    assert now == [e for e in every if search.matches(e["enterprise"], e["name"], e["town"])]
    return {each["name"] for each in now}


@pytest.mark.parametrize(
    ("text", "town", "expected"),
    [
        ("电子商务", "", {0}),
        ("有限公司", "周巷镇", {1, 2}),
        ("aBC", "", {1}),
        ("ａ", "", {3}),
        ("Ａ", "", set()),
        ("%", "", {2}),
        ("_", "", {2}),
        ("!", "", set()),
        ("", "周巷", set()),
        ("不存在", "", set()),
    ],
)
def test_a_part_of_the_name_and_a_town_find(ledger: Ledger, text: str, town: str, expected: set[int]) -> None:
    assert found(ledger, text, town) == {ENTRIES[index][0] for index in expected}


def test_the_beginning_of_a_credit_code_finds_and_its_middle_does_not(ledger: Ledger) -> None:
    code = Feed(2).code
    assert found(ledger, code) == {ENTRIES[1][0]} == found(ledger, code.lower())
    assert found(ledger, code[4:]) == set()
    assert found(ledger, code[:2]) == {name for name, _ in ENTRIES} | {""}


def test_a_new_name_is_found_and_the_old_one_no_longer(ledger: Ledger) -> None:
    feed = Feed(1)
    feed.count = 50
    take(ledger, feed.send("enterprise-registered", "2024-05-01T00:00:00Z", name="新名", town="长河镇"))
    assert found(ledger, "甲乙") == set()
    assert found(ledger, "新名", "长河镇") == {"新名"}


def listed(api: Api, **query: Any) -> list[dict[str, Any]]:
    """Every page of a search, two enterprises a page."""
    asked = {"policy": CIXI, "year": 2024, "limit": 2, **query}
    text = "&".join(f"{name}={value}" for name, value in asked.items())
    items, link = [], f"/v1/enterprises?{text}"
    for _ in range(20):
        answer = api.get(link)
        items += answer["items"]
        link = answer["next"]
        if link is None:
            return items
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize("moment", [{}, {"as_of": "2024-12-31"}, {"rules_as_of": "2024-12-31"}])
def test_the_api_lists_what_is_found_page_by_page_now_and_then(
    ledger: Ledger, moment: dict[str, str]
) -> None:
    api = Api(ledger)
    assert {e["name"] for e in listed(api, q="慈溪", **moment)} == {ENTRIES[i][0] for i in (0, 1, 3)}
    assert {e["name"] for e in listed(api, town="周巷镇", **moment)} == {ENTRIES[i][0] for i in (1, 2)}
    assert len(listed(api, **moment)) == 5
    one = api.get(f"/v1/enterprises/{Feed(2).code}" + ("?as_of=2024-12-31" if moment else ""))
    assert (one["name"], one["town"]) == ENTRIES[1]


def test_a_search_of_the_past_knows_the_name_of_then(ledger: Ledger) -> None:
    feed = Feed(1)
    feed.count = 50
    take(ledger, feed.send("enterprise-registered", "2024-05-01T00:00:00Z", name="新名", town="长河镇"))
    api = Api(ledger)
    assert [e["town"] for e in listed(api, q="甲乙", as_of="2024-04-30")] == ["古塘街道"]
    assert listed(api, q="甲乙") == []


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_one_page_of_the_past_searches_a_bounded_number_of_enterprises(ledger: Ledger) -> None:
    feeds = [Feed(number) for number in range(100, 100 + SEARCHED_MAX)]
    entries = [
        feed.send("enterprise-registered", name=f"企业{feed.number}", town="浒山街道") for feed in feeds
    ]
    take(ledger, *entries)
    last = max(feed.code for feed in feeds)
    sought = next(feed.number for feed in feeds if feed.code == last)
    api = Api(ledger)
    first = api.get(f"/v1/enterprises?policy={CIXI}&year=2024&as_of=2025-12-31&q=企业{sought}")
    assert first["items"] == []
    assert [each["enterprise"] for each in api.get(first["next"])["items"]] == [last]


@pytest.mark.parametrize("store_kind", ["sqlite"])
@pytest.mark.parametrize("search", [Search("商务"), Search("", "周巷镇"), Search("商务", "周巷镇")])
def test_a_search_reads_an_index_and_no_facts(ledger: Ledger, search: Search) -> None:
    conditions, values = search.clause()
    sql = f"EXPLAIN QUERY PLAN SELECT code FROM enterprises WHERE code>?{conditions} ORDER BY code LIMIT ?"
    with ledger.store.reading() as rows:
        plan = [row[3] for row in rows.all(sql, ["", *values, 10])]
    assert len(plan) == 1
    assert "USING COVERING INDEX enterprises_by_" in plan[0]
