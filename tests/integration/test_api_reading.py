"""Reading over HTTP: the same answers as the ledger's own functions, at any moment, page by page."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from ledger.intake.inbox import ingest
from ledger.intake.messages.schemas import TYPES
from ledger.store.application import Ledger
from services.cli.policies.case_files import read_case
from services.cli.policies.cases import messages_of
from tests import answers as explanations
from tests import answers as queries
from tests.conftest import HERE
from tests.events import CIXI, CIXI_TEXT, YONGJIA_TEXT, Feed, take
from tests.integration.api_client import PROBLEM, Api, balance_path, year_path
from tests.oracle.codes import credit_code

YEAR = 2025


@pytest.fixture
def full(api: Api) -> Api:
    """A ledger that holds a whole year, over its budget."""
    case = read_case(HERE / "cases" / "whole-year-2025-over-budget.json")
    ingest(api.ledger, messages_of(case), "case")
    return api


def first_code(api: Api) -> str:
    """The enterprise with the largest award."""
    code: str = api.get(year_path("largest", YEAR))["items"][0]["enterprise"]
    return code


def walk(api: Api, path: str, key: str, limit: int) -> list[Any]:
    """Every item of every page, following ``next``."""
    found: list[Any] = []
    link: str | None = path if "limit=" in path else f"{path}{'&' if '?' in path else '?'}limit={limit}"
    while link:
        response = api.client.get(link)
        page = api.checked(response, 200)
        assert len(page["items"]) <= limit
        found += [item[key] for item in page["items"]]
        link = page["next"]
        assert response.headers.get("Link") == (f'<{link}>; rel="next"' if link else None)
    return found


def test_figures_are_those_of_the_ledgers_own_functions(full: Api) -> None:
    code = first_code(full)
    with full.ledger.store.reading() as rows:
        given = (full.ledger, rows)
        assert full.get(balance_path(code, YEAR)) == queries.balance(*given, code, CIXI, YEAR)
        assert full.get(year_path("budget", YEAR)) == queries.budget(*given, CIXI, YEAR)
        assert full.get(year_path("targets", YEAR)) == queries.targets(*given, CIXI, YEAR)
        tail = f"{CIXI}/{YEAR}"
        explained = full.get(f"/v1/enterprises/{code}/explanations/{tail}")
        assert explained == explanations.explain(*given, code, CIXI, YEAR)
        assert full.get(f"/v1/enterprises/{code}/outlook/{tail}") == explanations.outlook(
            *given, code, CIXI, YEAR
        )


def test_an_enterprise_shows_each_year_of_each_policy(full: Api) -> None:
    code = first_code(full)
    said = full.get(f"/v1/enterprises/{code}")
    line = next(line for line in said["years"] if line["year"] == YEAR)
    balance = full.get(balance_path(code, YEAR))
    assert line["policy"] == CIXI
    assert {key: balance[key] for key in ("gross", "payable")} == {
        key: line[key] for key in ("gross", "payable")
    }


def test_the_largest_come_in_order_and_no_more_than_asked_for(full: Api) -> None:
    lines = full.get(year_path("largest?limit=3", YEAR))["items"]
    amounts = [line["eligible"] for line in lines]
    assert len(lines) == 3
    assert amounts == sorted(amounts, key=lambda text: -int(text.replace(".", "")))


@pytest.mark.parametrize("limit", [1, 3, 1000])
def test_pages_of_enterprises_hold_each_one_exactly_once(full: Api, limit: int) -> None:
    with full.ledger.store.reading() as rows:
        codes = [row[0] for row in rows.all("SELECT code FROM enterprises ORDER BY code")]
    path = f"/v1/enterprises?policy={CIXI}&year={YEAR}"
    assert walk(full, path, "enterprise", limit) == codes
    assert walk(full, path + "&as_of=2026-12-31", "enterprise", limit) == codes


def test_pages_hold_each_one_exactly_once_while_others_arrive(full: Api) -> None:
    path = f"/v1/enterprises?policy={CIXI}&year={YEAR}"
    before = walk(full, path, "enterprise", 1000)
    page = full.get(path + "&limit=2")
    take(
        full.ledger,
        Feed(1).shop("tmall", "x", "2025-03-01"),
        Feed(9_999_999).shop("tmall", "x", "2025-03-01"),
    )
    found = [item["enterprise"] for item in page["items"]] + walk(full, page["next"], "enterprise", 2)
    assert len(found) == len(set(found))
    assert set(before) <= set(found)


def test_pages_of_a_history_hold_each_event_as_it_was_sent(api: Api) -> None:
    feed = Feed(1)
    sent = [
        feed.sales("dtc_own_brand_export", 2024, "12.50"),
        feed.approved("design.procurement", "i", 2024, "7.00"),
    ]
    sent += [feed.correct("e1-1", "sales-reported", amount="13.00"), feed.retract("e1-2", "claim-approved")]
    take(api.ledger, *sent)
    path = f"/v1/enterprises/{feed.code}/events"
    assert walk(api, path, "version", 1) == [1, 2, 3, 4]
    items = api.get(path)["items"]
    for item, raw in zip(items, sent, strict=True):
        message = json.loads(raw)
        data = {k: v for k, v in item["data"].items() if k in message["data"]}
        assert (item["type"], item["id"], data) == (message["type"], message["id"], message["data"])


def test_pages_of_claims_hold_each_one_exactly_once(api: Api) -> None:
    for number in (1, 2, 3):
        feed = Feed(number)
        take(api.ledger, *(feed.approved("design.procurement", f"i{i}", 2024, "7.00") for i in range(4)))
    for limit in (1, 5, 100):
        assert len(walk(api, "/v1/claims", "claim", limit)) == 12
    of_one = api.get(f"/v1/claims?policy={CIXI}&status=approved&enterprise={credit_code(2)}")["items"]
    assert [(claim["enterprise"], claim["amount"]) for claim in of_one] == [(credit_code(2), "7.00")] * 4
    assert api.get("/v1/claims?status=rejected")["items"] == []


@pytest.mark.parametrize(
    "cursor",
    ["x", "", "W10", "WyJlIiwxXQ", "W1siYSJdXQ", "%FF", "a" * 3_000, "WyJjbGFpbXMiLCJhIiwiYiIsImMiXQ"],
)
def test_a_cursor_that_was_not_given_out_is_a_fault(full: Api, cursor: str) -> None:
    said = full.get(f"/v1/enterprises?policy={CIXI}&year={YEAR}&cursor={cursor}", 422)
    assert [fault["field"] for fault in said["faults"]] == ["cursor"]


def test_a_read_has_a_strong_etag_and_answers_304_while_nothing_changed(full: Api) -> None:
    path = balance_path(first_code(full), YEAR)
    first = full.client.get(path)
    tag = first.headers["ETag"]
    assert tag.startswith('"')
    assert first.headers["Cache-Control"] == "private, no-cache"
    same = full.client.get(path, headers={"If-None-Match": tag})
    assert (same.status_code, same.data) == (304, b"")
    assert same.headers["ETag"] == tag
    take(full.ledger, Feed(77).shop("tmall", "new", "2025-03-01"))
    assert full.client.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_no_etag_is_shared_by_two_languages_or_two_queries(full: Api) -> None:
    full.publish(b"{", 422)
    english = full.client.get("/v1/refused", headers={"Accept-Language": "en"}).headers["ETag"]
    assert english != full.client.get("/v1/refused").headers["ETag"]
    assert "Accept-Language" in full.client.get("/v1/refused").headers["Vary"]


def test_as_of_asks_what_had_happened_and_as_known_what_was_known(open_at: Callable[..., Ledger]) -> None:
    feed = Feed(1)
    opened = [open_at(datetime(2026, month, 10, tzinfo=UTC), policy=month == 1) for month in (1, 5, 9)]
    take(opened[1], feed.shop("tmall", "one", "2024-03-01", "flagship"))
    take(opened[2], feed.shop("jd", "two", "2024-02-01", "flagship"))
    api = Api(opened[2])
    path = balance_path(feed.code)

    def measures(query: str) -> list[str]:
        return [line["measure"] for line in api.get(path + query)["awards"]]

    assert measures("") == ["store.jd", "store.tmall"]
    assert measures("?as_of=2024-02-15") == ["store.jd"]
    assert measures("?as_known=2026-06-01") == ["store.tmall"]
    assert measures("?as_known=2026-06-01T00:00:00%2B08:00&as_of=2024-02-15") == []
    assert api.get(path + "?as_known=2026-02-01", 404)["code"] == "enterprise-unknown"
    listed = api.get(f"/v1/enterprises?policy={CIXI}&year=2024&as_known=2026-06-01")
    assert [(line["enterprise"], line["events"]) for line in listed["items"]] == [(feed.code, 1)]
    assert len(api.get(f"/v1/enterprises/{feed.code}/events?as_known=2026-06-01")["items"]) == 1
    assert api.get(f"/v1/enterprises?policy={CIXI}&year=2024&as_known=2026-02-01")["items"] == []
    assert api.get(f"/v1/enterprises/{feed.code}?as_known=2026-06-01")["events"] == 1


def test_rules_as_of_asks_for_the_rules_of_a_day(api: Api) -> None:
    feed = Feed(1)
    take(api.ledger, feed.shop("tmall", "one", "2025-03-01"))
    second = CIXI_TEXT.replace("version: 1", "version: 2", 1)
    second = second.replace("effective_from: 2024-01-01", "effective_from: 2025-01-01", 1)
    was = api.get(balance_path(feed.code, YEAR))["gross"]
    second = second.replace("id: store.tmall", "id: store.tmall-other", 1).replace(
        "measure: store.tmall\n", "measure: store.tmall-other\n"
    )
    api.post("/v1/policies", second.encode(), 201, "application/yaml")
    assert api.get(balance_path(feed.code, YEAR) + "?rules_as_of=2024-06-01")["gross"] == was
    assert [v["version"] for v in api.get(f"/v1/policies/{CIXI}?rules_as_of=2024-06-01")["versions"]] == [1]
    assert api.get(f"/v1/policies/{CIXI}")["version"] == 2
    said = api.get(balance_path(feed.code, YEAR) + "?rules_as_of=2020-01-01", 422)
    assert said["code"] == "rules-none"
    assert said["faults"][0]["field"] == "rules_as_of"


def test_a_moment_before_the_first_record_cannot_be_answered_and_says_why(full: Api) -> None:
    said = full.get(year_path("budget?as_known=2001-01-01", YEAR), 422, Accept_Language="en")
    assert said["code"] == "moment-unanswerable"
    assert "knew nothing then" in said["detail"]
    assert said["faults"][0]["field"] == "as_known"


@pytest.mark.parametrize("what", ["budget", "targets", "largest"])
def test_every_figure_of_a_year_can_be_asked_for_at_a_moment(full: Api, what: str) -> None:
    now = full.get(year_path(what, YEAR))
    then = full.get(year_path(f"{what}?as_of=2030-01-01&as_known=2031-01-01&rules_as_of=2030-01-01", YEAR))
    assert then == now
    assert full.get(year_path(f"{what}?as_of=2020-01-01", YEAR)) != now


@pytest.mark.parametrize(
    "query", ["as_of=yesterday", "as_known=2024-13-01", "rules_as_of=", "as_of=2024-01-01T00:00:00"]
)
def test_a_moment_that_is_no_date_is_a_fault(full: Api, query: str) -> None:
    said = full.get(year_path("budget?" + query, YEAR), 422)
    assert [(f["field"], f["code"]) for f in said["faults"]] == [(query.partition("=")[0], "moment.form")]


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (f"/v1/enterprises?policy={CIXI}&year=99&limit=0&colour=red", {"year", "limit", "colour"}),
        ("/v1/enterprises", {"policy", "year"}),
        ("/v1/refused?open=perhaps&limit=1001", {"open", "limit"}),
        ("/v1/refused?limit=1&limit=2", {"limit"}),
        ("/v1/claims?status=lost", {"status"}),
        ("/v1/enterprises/913302/balances/x/20x5?as_of=never", {"code", "year", "as_of"}),
        (f"/v1/policies/{CIXI}/years/1999/budget", {"year"}),
        ("/v1/policies?as_of=2024-01-01", {"as_of"}),
        ("/health/live?x=%00", {"x"}),
    ],
)
def test_bad_parameters_are_faults_all_at_once(full: Api, path: str, fields: set[str]) -> None:
    said = full.get(path, 422)
    assert said["code"] == "request-invalid"
    assert {fault["field"] for fault in said["faults"]} == fields


def test_what_the_ledger_does_not_hold_is_404(full: Api) -> None:
    unknown = credit_code(7_777_777)
    for path, code in {
        balance_path(unknown, YEAR): "enterprise-unknown",
        f"/v1/enterprises/{unknown}": "enterprise-unknown",
        f"/v1/enterprises/{unknown}/events": "enterprise-unknown",
        f"/v1/enterprises/{unknown}/outlook/{CIXI}/{YEAR}": "enterprise-unknown",
        balance_path(first_code(full), YEAR, "no-such"): "policy-unknown",
        "/v1/enterprises?policy=no-such&year=2024": "policy-unknown",
        "/v1/policies/no-such": "policy-unknown",
        "/v1/policies/no-such/years/2024/largest": "policy-unknown",
        f"/v1/policies/{CIXI}/versions/9/document": "version-unknown",
        "/v1/event-types/subsidy.nothing.v1": "event-type-unknown",
        "/v1/refused/" + "0" * 64: "refusal-unknown",
        "/v1/enterprises/": "route-unknown",
    }.items():
        assert full.get(path, 404)["code"] == code, path


def test_a_policy_is_given_as_data_and_as_the_very_file(api: Api) -> None:
    said = api.get(f"/v1/policies/{CIXI}")
    assert said["budget"] == {"amount": "10000000.00", "per": "year"}
    assert all(reading["value"] in reading["options"] for reading in said["readings"])
    assert {clause["clause"] for clause in said["clauses"]} >= {"budget", "highest-only", "pro-rata"}
    document = api.client.get(said["versions"][0]["document"])
    assert document.data.decode() == CIXI_TEXT
    assert document.mimetype == "application/yaml"
    assert [policy["policy"] for policy in api.get("/v1/policies")["items"]] == [CIXI]
    api.post("/v1/policies", YONGJIA_TEXT.encode(), 201, "text/yaml")
    assert len(api.get("/v1/policies")["items"]) == 2


def test_each_type_of_event_has_its_schema(api: Api) -> None:
    items = api.get("/v1/event-types")["items"]
    assert {item["type"] for item in items} == set(TYPES)
    for item in items:
        response = api.client.get(item["schema"])
        assert response.mimetype == "application/schema+json"
        assert response.get_json(force=True)["$id"] == item["schema"]


def test_health_reads_the_database_and_says_when_it_cannot(api: Api) -> None:
    assert api.get("/health/live") == {"status": "live"}
    assert api.get("/health/ready")["position"] == 1
    assert "ETag" not in api.client.get("/health/ready").headers
    with api.ledger.store.writing() as rows:
        rows.run("ALTER TABLE schema_version RENAME TO elsewhere")
    response = api.client.get("/health/ready")
    assert response.status_code >= 500
    assert response.mimetype == PROBLEM
    assert b"schema_version" not in response.data
