"""What waits for a second person, on the console's page and on the command line, and through a kill."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from domain.authority.roles import Actor
from domain.faults.fault import Fault
from ledger.policies.versions import adopt_policy, set_budget
from ledger.replay.comparison import replay
from ledger.store.application import Ledger, open_ledger
from ledger.store.stored_events import SELECT, stored
from ledger.waiting.reading import list_waiting_steps
from ledger.waiting.second_person import SecondPersonNeeded
from services.cli.main import main
from services.cli.statuses import ExitStatus
from services.runtime.settings import Settings, SettingsError
from services.web.fault_words import describe_fault
from services.web.waiting.confirming import confirm_step
from tests.events import CIXI, CIXI_TEXT, Feed
from tests.integration.api_client import Api
from tests.integration.bureau import MAY, Clock
from tests.integration.checked import CheckedApi

HERE = f"/console/{CIXI}/2024"
BUDGET = f"/v1/policies/{CIXI}/budgets/2024"
ONE_YUAN = {"amount": "1.00", "currency": "CNY"}
ALL_ROLES = ("officer", "reviewer", "finance", "operator")
SQLITE = pytest.mark.parametrize("store_kind", ["sqlite"])
FIRST = Actor("First", frozenset({"operator"}), issuer="https://id.example", subject="u1")
SECOND = Actor("Second", frozenset({"operator"}), issuer="https://id.example", subject="u2")


class Desk:
    """A person's browser, which brings their token."""

    def __init__(self, api: Api) -> None:
        self.client, self.headers = api.app.test_client(), {**api.headers, "Accept-Language": "en"}

    def get(self, path: str) -> str:
        """A page."""
        response = self.client.get(path, headers=self.headers, follow_redirects=True)
        assert response.status_code == 200, response.text[:2000]
        return response.text

    def post(self, path: str, status: int = 303, **fields: Any) -> str:
        """Send a form; the page that comes of it."""
        token = re.findall(r'name="csrf_token" value="([^"]+)"', self.get("/console/who"))[0]
        form = {"csrf_token": token, **fields}
        response = self.client.post(path, data=form, headers=self.headers)
        assert response.status_code == status, response.text[:2000]
        return self.get(response.headers["Location"]) if status == 303 else response.text


@pytest.fixture
def api(open_at: Callable[..., Ledger]) -> CheckedApi:
    ledger = open_at()
    ledger.clock = Clock(MAY)
    return CheckedApi(ledger)


@SQLITE
def test_the_page_says_what_would_happen_and_the_second_person_does_it_there(api: CheckedApi) -> None:
    first, second = (api.person(f"u{number}", *ALL_ROLES, name=f"P{number}") for number in (1, 2))
    waiting = first.put(BUDGET, ONE_YUAN, 202)["waiting"]

    own = Desk(first).get(f"{HERE}/waiting")
    assert "Confirm and do it" not in own
    assert "Withdraw" in own
    page = Desk(second).get(f"{HERE}/waiting")
    for words in ("¥10,000,000.00", "¥1.00", "Proposed by P1", "Confirm and do it"):
        assert words in page, words
    refused = Desk(first).post(f"{HERE}/waiting/{waiting}", 409, step="confirm")
    assert "you proposed it yourself" in refused
    for address in re.findall(r'href="([^"]*lang=[^"]*)"', refused):
        assert address.startswith(f"{HERE}/waiting?lang="), "the page can be read in the other language"
        Desk(first).get(address)
    done = Desk(second).post(f"{HERE}/waiting/{waiting}", step="confirm")
    assert "Confirmed and done: setting a budget" in done
    assert first.get(f"/v1/policies/{CIXI}/years/2024/budget")["available"] == "1.00"
    assert "P2 at" in Desk(second).get(f"{HERE}/waiting?stage=all")


@SQLITE
def test_a_form_of_another_page_says_that_its_step_waits(api: CheckedApi) -> None:
    first, second = (api.person(f"u{number}", *ALL_ROLES, name=f"P{number}") for number in (1, 2))
    feed = Feed(1)
    api.ledger.clock = Clock(MAY)
    Api(api.ledger).publish(json.loads(feed.sales("online", 2024, "90000000.00")))
    first.post(f"/v1/policies/{CIXI}/years/2024/settlement/proposal", {}, 200)

    page = Desk(first).post(f"{HERE}/settlement/publish")
    assert "It waits for another person; nothing is done yet" in page
    (step,) = first.get("/v1/waiting-steps")["items"]
    assert first.get(f"/v1/policies/{CIXI}/years/2024/settlement")["stage"] == "proposed"
    assert "Published" in Desk(second).post(f"{HERE}/settlement/publish")
    assert first.get(f"/v1/waiting-steps/{step['waiting']}")["stage"] == "confirmed"


def two_brands(ledger: Ledger) -> None:
    """One certificate that two enterprises claim."""
    for number in (1, 2):
        certificate = Feed(number).send("brand-certified", kind="famous_export", ref="b1", on="2024-05-01")
        Api(ledger).publish(json.loads(certificate))


@SQLITE
def test_facts_that_disagree_are_decided_by_two_on_the_page(api: CheckedApi) -> None:
    first, second = (api.person(f"u{number}", "officer", name=f"P{number}") for number in (1, 2))
    two_brands(api.ledger)
    [matter] = first.get("/v1/disagreements")["items"]
    path = f"{HERE}/disagreements/{matter['disagreement']}"
    form: dict[str, Any] = {"reason": "the certificate says so"}
    fact = matter["facts"][0]
    form["counts"] = f"{fact['source']}\x1f{fact['id']}"

    assert "It waits for another person; nothing is done yet" in Desk(first).post(path, **form)
    assert first.get("/v1/disagreements")["open"] == 1
    assert "you proposed it yourself" in Desk(first).post(path, 409, **form)
    Desk(second).post(path, **form)
    page = Desk(second).get(f"{HERE}/disagreements?stage=decided")
    assert "by P2: the certificate says so" in page
    assert "Proposed by P1" in page
    assert last_decisions(api.ledger) == {("u2", "u1")}


def last_decisions(ledger: Ledger) -> set[tuple[str, str]]:
    """Subjects of who confirmed and who proposed each decision about a fact."""
    with ledger.store.reading() as rows:
        events = [stored(row).fact for row in rows.all(f"{SELECT} ORDER BY rowid")]
    return {
        (event.said_by.subject, event.acting_as.proposed_by.subject)
        for event in events
        if event.name == "FactDecided" and event.said_by and event.acting_as and event.acting_as.proposed_by
    }


@SQLITE
def test_facts_that_disagree_are_decided_by_two_users_of_the_command(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    ledger = open_at()
    two_brands(ledger)
    database = tmp_path / "ledger.db"
    [matter] = json.loads(command(database, 1001, "disagreements", "list", "--json").output)
    fact = matter["facts"][0]
    decision = ("disagreements", "decide", matter["id"], "seen", "--counts", fact["source"], fact["id"])

    assert command(database, 1001, *decision).exit_code == ExitStatus.WAITING
    assert "you proposed it yourself" in command(database, 1001, *decision).output
    assert last_decisions(ledger) == set()
    assert command(database, 1002, *decision).exit_code == 0
    assert last_decisions(ledger) == {("1002", "1001")}


@SQLITE
def test_a_refusal_is_dismissed_by_two_on_the_page_and_by_its_id(api: CheckedApi) -> None:
    wrong = {"first": "{", "second": "["}
    for text in wrong.values():
        Api(api.ledger).send("POST", "/v1/events", text.encode(), "application/cloudevents+json")
    first, second = (api.person(f"u{number}", "officer", name=f"P{number}") for number in (1, 2))
    one, other = (each["digest"] for each in first.get("/v1/refused")["items"])
    path = f"{HERE}/refused/{one}"
    form: dict[str, Any] = {"step": "dismiss", "reason": "nothing can be read"}
    assert "It waits for another person" in Desk(first).post(path, **form)
    assert first.get(f"/v1/refused/{one}")["resolved"] is None
    Desk(second).post(path, **form)

    waiting = first.post(f"/v1/refused/{other}/dismissal", None, 202)["waiting"]
    second.post(f"/v1/waiting-steps/{waiting}/confirmation", {}, 200)
    assert [each["resolved"] for each in first.get("/v1/refused")["items"]] == ["dismissed"] * 2
    with api.ledger.store.reading() as rows:
        events = [stored(row).fact for row in rows.all(f"{SELECT} ORDER BY rowid")]
    dismissed = [event for event in events if event.name == "RefusalDismissed"]
    proposers = [event.acting_as.proposed_by for event in dismissed if event.acting_as]
    assert [proposer.subject for proposer in proposers if proposer] == ["u1", "u1"]


@SQLITE
def test_a_ledgers_first_policy_is_confirmed_before_there_is_any_page_of_it(
    open_at: Callable[..., Ledger],
) -> None:
    api, clock = CheckedApi(open_at(policy=False)), Clock(MAY)
    api.ledger.clock = clock
    first, second = (api.person(f"u{number}", "operator", name=f"P{number}") for number in (1, 2))
    waiting = first.post("/v1/policies", CIXI_TEXT.encode(), 202, "application/yaml")["waiting"]
    clock.pass_(minutes=5)

    assert "/console/waiting" in Desk(second).get("/console/")
    assert "the first version" in Desk(second).get("/console/waiting")
    Desk(second).post("/console/waiting", step="confirm", waiting=waiting)
    assert [policy["policy"] for policy in first.get("/v1/policies")["items"]] == [CIXI]
    for page in ("replay?stop=0", "difference"):  # they begin where the policy does, not with its proposal
        Desk(second).get(f"{HERE}/{page}")


@SQLITE
def test_nobody_fills_a_ledger_that_knows_its_persons_with_the_sample(open_at: Callable[..., Ledger]) -> None:
    api = CheckedApi(open_at(policy=False))
    desk = Desk(api.person("u1", "operator"))
    assert "/console/sample" not in desk.get("/console/"), "what would be refused is not offered"
    page = desk.post("/console/sample", 409)
    said = describe_fault(Fault("sample.checked", "sample"), "en")
    assert str(said["rule"]) in page
    assert _last(api.ledger) == 0


@pytest.mark.parametrize("issuer", ["local", "os"])
def test_no_issuer_bears_the_name_of_persons_whom_nobody_vouches_for(issuer: str) -> None:
    values = {"SUBSIDY_LEDGER_OIDC_ISSUER": issuer, "SUBSIDY_LEDGER_OIDC_JWKS": "keys.json"}
    with pytest.raises(SettingsError):
        Settings.from_env(values)


@SQLITE
def test_an_unverified_ledger_says_so_on_the_page(open_at: Callable[..., Ledger]) -> None:
    assert "does not verify identities" in Desk(Api(open_at())).get(f"{HERE}/waiting")


def command(database: Path, user: int, *words: str, checked: bool = True) -> Result:
    """Run a command as a user of the operating system."""
    environment = {"SUBSIDY_LEDGER_IDENTITY": "required" if checked else "local"}
    before, os.getuid = os.getuid, lambda: user
    try:
        return CliRunner().invoke(
            main, ["--database", str(database), "--language", "en", *words], env=environment
        )
    finally:
        os.getuid = before


@SQLITE
def test_commands_need_two_users_of_the_operating_system(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    open_at()
    database = tmp_path / "ledger.db"
    budget = ("set-budget", CIXI, "2024", "1.00")

    proposed = command(database, 1001, *budget)
    assert (proposed.exit_code, "nothing is done yet" in proposed.output) == (ExitStatus.WAITING, True), (
        proposed.output
    )
    own = command(database, 1001, *budget)
    assert (own.exit_code, "you proposed it yourself" in own.output) == (1, True), own.output
    (listed,) = json.loads(command(database, 1002, "waiting", "list", "--json").output)
    assert listed["step"] == "budget.set"
    shown = command(database, 1002, "waiting", "show", listed["waiting"])
    assert "¥1.00" in shown.output
    refused = command(database, 1001, "waiting", "confirm", listed["waiting"])
    assert (refused.exit_code, "you proposed it yourself" in refused.output) == (1, True)
    done = command(database, 1002, "waiting", "confirm", listed["waiting"])
    assert done.exit_code == 0, done.output
    assert "1.00" in command(database, 1002, "budget", "--year", "2024").output
    assert "Nothing waits" in command(database, 1002, "waiting", "list").output
    assert command(database, 1001, *budget).exit_code == 0, "it is so already"


@SQLITE
def test_a_command_withdraws_and_one_user_suffices_where_nobody_is_checked(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    open_at()
    database = tmp_path / "ledger.db"
    command(database, 1001, "set-budget", CIXI, "2024", "1.00")
    (listed,) = json.loads(command(database, 1001, "waiting", "list", "--json").output)
    assert command(database, 1001, "waiting", "withdraw", listed["waiting"]).exit_code == 0
    assert command(database, 1001, "waiting", "confirm", listed["waiting"]).exit_code == 1

    assert command(database, 1001, "set-budget", CIXI, "2024", "2.00", checked=False).exit_code == 0


CONFIRM = """
import os, signal, sys
from domain.authority.roles import Actor
from domain.faults.fault import Fault
from ledger.store import sqlite
from ledger.store.application import open_ledger
from services.web.fault_words import describe_fault
from services.web.waiting.confirming import confirm_step
ledger = open_ledger(sys.argv[1])
left = int(sys.argv[3])
run = sqlite.SQLiteRows.run
def counted(self, *args, **kwargs):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return run(self, *args, **kwargs)
sqlite.SQLiteRows.run = counted
who = Actor("Second", frozenset({"operator"}), issuer="https://id.example", subject="u2")
confirm_step(ledger, sys.argv[2], who)
"""


def test_a_confirmation_that_is_killed_is_whole_or_nothing(tmp_path: Path) -> None:
    """The process dies before each of its writes in turn, until one comes through."""
    database = str(tmp_path / "ledger.db")
    ledger = open_ledger(database)
    adopt_policy(ledger, CIXI_TEXT)
    with pytest.raises(SecondPersonNeeded) as proposed:
        set_budget(ledger, CIXI, "2024", 100, actor=FIRST)
    waiting, position = proposed.value.waiting.waiting, _last(ledger)
    for writes in range(50):
        command_line = [sys.executable, "-c", CONFIRM, database, waiting, str(writes)]
        status = subprocess.run(command_line, check=False, timeout=60).returncode
        if status == 0:
            break
        assert status == -signal.SIGKILL
        assert _last(ledger) == position
        with ledger.store.reading() as rows:
            assert [step.waiting for step in list_waiting_steps(rows)] == [waiting]
    assert 0 < writes < 50
    assert _last(ledger) == position + 2, "the confirmation, and the budget"
    assert replay(ledger, str(tmp_path / "replica.db")).equal
    ledger.close()


def _last(ledger: Ledger) -> int:
    with ledger.store.reading() as rows:
        return rows.last_position()


def test_a_confirmation_whose_step_fails_leaves_the_proposal(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at()
    with pytest.raises(SecondPersonNeeded) as proposed:
        set_budget(ledger, CIXI, "2024", 100, actor=FIRST)
    position = _last(ledger)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ledger.policies.versions.save_streams", _fails)
        with pytest.raises(RuntimeError):
            confirm_step(ledger, proposed.value.waiting.waiting, SECOND)
    assert _last(ledger) == position
    assert confirm_step(ledger, proposed.value.waiting.waiting, SECOND).stage == "confirmed"


def _fails(*_: object) -> None:
    raise RuntimeError
