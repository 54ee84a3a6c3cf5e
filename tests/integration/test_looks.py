"""Who looked: reads of one enterprise's data are noted, counted and never lost."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from domain.authority.persons import local_person
from ledger.audit import looks
from ledger.audit.looks import Look, Looks, latest, list_looks, note
from ledger.store.application import Ledger
from ledger.store.rows import StoreUnavailable
from services.cli.common import os_user
from services.cli.main import main
from services.web.looking import TELL_OF_NONE
from tests.events import CIXI, Feed, take
from tests.integration.api_client import Api, balance_path
from tests.integration.test_identity import ISSUER, PARTS, City, city
from tests.integration.test_impossible_steps import CODE, World, world

__all__ = ["city", "world"]


def written(api: Api) -> list[Look]:
    """What stands in the table, once all is written."""
    api.app.extensions["subsidy-looks"].flush()
    with api.ledger.store.reading() as rows:
        return list_looks(rows)


def test_reads_of_an_enterprise_are_noted_with_their_actor(api: Api) -> None:
    feed = Feed(1)
    take(api.ledger, feed.shop("tmall", "a", "2024-03-01"))
    path = balance_path(feed.code)
    for _ in range(5):
        api.get(path, Subsidy_Actor="zhang")
    api.get(path, Subsidy_Actor="审计".encode().decode("latin-1"))
    api.client.get(f"/v1/enterprises/{feed.code}/history").get_data()
    api.get(f"/v1/enterprises/{Feed(2).code}", 404)
    api.get("/v1/claims")
    found = [(e.actor, e.address, e.method, e.path, e.code, e.times) for e in written(api)]
    history = f"/v1/enterprises/{feed.code}/history"
    assert found == [
        ("zhang", "127.0.0.1", "GET", path, feed.code, 5),
        ("审计", "127.0.0.1", "GET", path, feed.code, 1),
        ("-", "127.0.0.1", "GET", history, feed.code, 1),
        ("-", "127.0.0.1", "GET", "/v1/claims", "*", 1),
    ]
    assert {(e.actor, e.issuer, e.subject) for e in written(api)} == {
        ("zhang", "local", "zhang"),
        ("审计", "local", "审计"),
        ("-", "", ""),
    }


def test_every_address_with_a_code_is_noted(api: Api) -> None:
    feed = Feed(1)
    take(api.ledger, feed.shop("tmall", "a", "2024-03-01"))
    parts = {"code": feed.code, "policy": CIXI, "year": 2024, "claim": "C-1"}
    rules = [r for r in api.app.url_map.iter_rules() if "code" in r.arguments and "GET" in (r.methods or ())]
    bound = api.app.url_map.bind("")
    paths = {bound.build(r.endpoint, {name: parts[name] for name in r.arguments}) for r in rules}
    assert len(paths) >= 6
    answered = {path for path in paths if api.client.get(path).status_code < 400}
    assert {look.path for look in written(api)} == answered
    assert len(answered) >= 6


def test_the_api_lists_them_page_by_page(api: Api) -> None:
    first, second = Feed(1), Feed(2)
    for feed in (first, second):
        take(api.ledger, feed.shop("tmall", "a", "2024-03-01"))
        api.get(balance_path(feed.code))
        api.get(f"/v1/enterprises/{feed.code}")
    written(api)
    page = api.get("/v1/looks?limit=3")
    assert [each["number"] for each in page["items"]] == [1, 2, 3]
    assert [each["number"] for each in api.get(page["next"])["items"]] == [4]
    of_one = api.get(f"/v1/looks?code={second.code}")
    assert {each["enterprise"] for each in of_one["items"]} == {second.code}
    assert len(of_one["items"]) == 2
    api.get("/v1/looks?code=x", 422)


def look(minute: int, path: str = "/p", second: int = 0) -> Look:
    """A read at a minute."""
    return Look(f"2031-01-01T00:{minute:02}:{second:02}.000000Z", "a", "-", "GET", path, "c")


def test_reads_alike_within_a_minute_are_one_row(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at()
    with ledger.store.writing() as rows:
        note(rows, [look(1, second=3), look(1, second=50), look(2)])
    with ledger.store.writing() as rows:
        note(rows, [look(2, second=59), look(1, "/q")])
    with ledger.store.reading() as rows:
        found = [(e.number, e.at[14:19], e.path, e.times) for e in list_looks(rows)]
        assert [e.number for e in latest(rows, "c", 2)] == [2, 3]
    assert found == [(1, "01:03", "/p", 2), (2, "02:00", "/p", 2), (3, "01:00", "/q", 1)]


def test_a_batch_takes_the_same_few_statements_however_many_reads_it_holds(
    open_at: Callable[..., Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = open_at()
    minutes = ("2024-05-01T10:00:59.000000Z", "2024-05-01T10:01:00.000000Z")

    def questions(paths: int, times: int) -> int:
        """How often the database is asked, to note reads of so many paths in two minutes."""
        asked = [(minute, f"/{path}") for path in range(paths) for minute in minutes]
        batch = [Look(minute, "-", "127.0.0.1", "GET", path, "*") for minute, path in asked] * times
        asked_for: list[str] = []
        with ledger.store.writing() as rows:
            for name in ("all", "all_in", "rows_by_key"):
                ask = getattr(rows, name)

                def counted(*parts: Any, name: str = name, ask: Callable[..., Any] = ask) -> Any:
                    asked_for.append(name)
                    return ask(*parts)

                monkeypatch.setattr(rows, name, counted)
            note(rows, batch)
        return len(asked_for)

    assert questions(2, 1) <= questions(200, 1) <= 12
    assert questions(200, 3) <= 12
    with ledger.store.reading() as rows:
        counted = {(look.path, look.at): look.times for look in list_looks(rows, limit=1_000)}
    assert counted == {
        (f"/{path}", minute): 5 if path < 2 else 4 for path in range(200) for minute in minutes
    }


def test_none_is_lost_when_many_read_and_the_ledger_is_closed(
    open_at: Callable[..., Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks, "WAITING_MAX", 20)
    monkeypatch.setattr(looks, "BATCH", 10)
    ledger = open_at()
    writer = Looks(ledger)

    def read(who: int) -> None:
        for _ in range(100):
            writer.add(local_person(f"actor-{who}"), "-", "GET", "/p", "c")

    threads = [threading.Thread(target=read, args=[who]) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger.close()
    with open_at(policy=False).store.reading() as rows:
        assert sorted((e.actor, e.times) for e in list_looks(rows)) == [(f"actor-{n}", 100) for n in range(4)]


def test_a_store_that_cannot_be_reached_is_tried_again(
    open_at: Callable[..., Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks, "EVERY_SECONDS", 0.01)
    ledger = open_at()
    writer, write, failures = Looks(ledger), Looks._write, iter(range(3))

    def failing(self: Looks, batch: list[Look]) -> None:
        if next(failures, None) is not None:
            raise StoreUnavailable("database.cut-off", reason="away")
        write(self, batch)

    monkeypatch.setattr(Looks, "_write", failing)
    writer.add(local_person("a"), "-", "GET", "/p", "c")
    writer.flush()
    with ledger.store.reading() as rows:
        assert [e.actor for e in list_looks(rows)] == ["a"]


def test_reads_go_on_while_the_database_takes_none_and_the_queue_is_full(
    open_at: Callable[..., Ledger], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As with a full disk: what does not fit is left to the process's log, and the rest is noted later."""
    monkeypatch.setattr(looks, "WAITING_MAX", 5)
    monkeypatch.setattr(looks, "EVERY_SECONDS", 0.01)
    ledger = open_at()
    writer, write, full = Looks(ledger), Looks._write, threading.Event()
    full.set()

    def failing(self: Looks, batch: list[Look]) -> None:
        if full.is_set():
            raise StoreUnavailable("database.full", reason="database or disk is full")
        write(self, batch)

    monkeypatch.setattr(Looks, "_write", failing)
    for number in range(20):
        writer.add(local_person(f"a{number:02d}"), "-", "GET", "/p", "c")
    full.clear()
    writer.flush()

    with ledger.store.reading() as rows:
        noted = {look.actor for look in list_looks(rows)}
    unnoted = {f"a{n:02d}" for n in range(20) if f"'a{n:02d}'" in caplog.text}
    assert len(noted) >= 5
    assert noted | unnoted == {f"a{n:02d}" for n in range(20)}


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_command_reads_while_another_holds_the_turn_to_write(
    open_at: Callable[..., Ledger], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That it is noted later is said, and it is, once the other is done."""
    monkeypatch.setattr("services.cli.common.NOTING_SECONDS", 0.1)
    feed = Feed(1)
    take(open_at(), feed.shop("tmall", "a", "2024-03-01"))
    start = ["--database", str(tmp_path / "ledger.db"), "--language", "en"]
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(1.5, lambda: other.execute("ROLLBACK")).start()

    result = CliRunner().invoke(main, [*start, "balance", feed.code])

    assert result.exit_code == 0, result.output
    assert "noted later" in result.output
    other.close()
    assert "CLI balance" in CliRunner().invoke(main, [*start, "looks", feed.code]).output


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_full_disk_stops_no_read(open_at: Callable[..., Ledger], tmp_path: Path) -> None:
    """No file may grow, as where no block is left: the answer is given, and that it is not noted is said."""
    feed = Feed(1)
    ledger = open_at()
    take(ledger, feed.shop("tmall", "a", "2024-03-01"))
    arguments = ["--database", str(tmp_path / "ledger.db"), "--language", "en", "balance", feed.code]

    done = subprocess.run(
        [sys.executable, "-m", "services.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
    )

    assert done.returncode == 0, done.stderr
    assert feed.code in done.stdout
    assert "is not noted" in done.stderr
    ledger.close()


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_the_command_line_notes_its_reads_and_lists_them(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    feed = Feed(1)
    take(open_at(), feed.shop("tmall", "a", "2024-03-01"))
    start = ["--database", str(tmp_path / "ledger.db")]
    for command in ("balance", "explain", "outlook", "history"):
        result = CliRunner().invoke(main, [*start, command, feed.code])
        assert result.exit_code == 0, result.output
    said = CliRunner().invoke(main, [*start, "looks", feed.code])
    assert said.exit_code == 0
    for command in ("balance", "explain", "outlook", "history"):
        assert f"CLI {command}" in said.output
    assert os_user() in said.output


def test_a_reader_is_noted_by_issuer_and_subject_whatever_the_name(city: City) -> None:
    take(city.ledger, Feed(1).shop("tmall", "a", "2024-03-01"))
    path = balance_path(Feed(1).code)
    for subject, name in (("u1", "li"), ("u2", "li"), ("u1", "Li Wei")):
        token = city.token("officer", sub=subject, preferred_username=name)
        assert city.ask(token, path).status_code == 200
    city.app.extensions["subsidy-looks"].flush()
    with city.ledger.store.reading() as rows:
        noted = [(look.actor, look.issuer, look.subject) for look in list_looks(rows)]
    assert noted == [("li", ISSUER, "u1"), ("li", ISSUER, "u2"), ("Li Wei", ISSUER, "u1")]


def test_every_read_is_noted_but_of_addresses_whose_answers_name_no_enterprise(world: World) -> None:
    """A new address is noted by itself; one that is left out on purpose is held to tell of nobody."""
    world.close()
    bureau = world.bureau
    bureau.publish("enterprise-registered", CODE, "named", name="慈溪测试有限公司", town="周巷镇")
    refused = bureau.api.send("POST", "/v1/events", b'{"subject": "x"}', "application/cloudevents+json")
    places: dict[str, Any] = {
        **PARTS,
        **{"policy": CIXI, "year": 2024, "code": CODE, "claim": "approved", "position": None, "version": 1},
        **{"digest": refused.json["digest"] if refused.json and "digest" in refused.json else "0" * 64},
        **{"form": "hledger", "document": "report", "family": "sales", "event_type": PARTS["event_type"]},
        **{"sheet": "0" * 32, "disagreement": "0" * 16, "filename": "console.css"},
    }
    with bureau.ledger.store.reading() as rows:
        own = rows.all("SELECT MIN(rowid) FROM stored_events WHERE originator_id=?", [CODE])[0][0]
    places["position"] = own
    app, client = bureau.api.app, bureau.api.client
    looks_of, bound, answered = app.extensions["subsidy-looks"], app.url_map.bind("localhost"), 0
    for rule in sorted(app.url_map.iter_rules(), key=str):
        if "GET" not in (rule.methods or ()) or str(rule) == "/":
            continue
        path = bound.build(rule.endpoint, {name: places[name] for name in rule.arguments})
        before = len(all_looks(bureau.ledger, looks_of))
        query = {"log.consistency": "?first=1&second=2", "traces.trace": "?source=urn:tests&event=named"}
        response = client.get(path + query.get(rule.endpoint, ""))
        body = response.get_data()
        noted = all_looks(bureau.ledger, looks_of)[before:]
        if response.status_code != 200:
            continue
        answered += 1
        tells = CODE.encode() in body or "慈溪测试有限公司".encode() in body
        if rule.endpoint in TELL_OF_NONE:
            assert not noted, rule.endpoint
            lists_looks = rule.endpoint in ("looks.looks", "console.audit_page")
            assert lists_looks or not tells, f"{rule.endpoint} tells of an enterprise"
        else:
            assert {look.code for look in noted} <= {CODE, "*"}, rule.endpoint
            assert noted, rule.endpoint
    assert answered > 45


def all_looks(ledger: Ledger, writer: Looks) -> list[Look]:
    writer.flush()
    with ledger.store.reading() as rows:
        return [each for look in list_looks(rows, limit=10_000) for each in [look] * look.times]
