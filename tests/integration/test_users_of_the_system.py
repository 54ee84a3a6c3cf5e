"""On the command line the user of the operating system is the person, where identities are checked."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from domain.events import settlement_id
from domain.events.event import Speaker
from domain.faults.fault import Fault
from ledger.projections.closings import settlement_of
from ledger.store.application import Ledger, utc_now
from ledger.store.stored_events import events_of
from services.cli.common import os_user
from services.cli.main import main
from services.cli.statuses import ExitStatus
from services.runtime.identity_settings import IdentitySettings
from services.server.app import create_app
from services.web.fault_words import describe_fault
from tests.events import CIXI, Feed, take
from tests.integration.checked import CheckedApi

pytestmark = pytest.mark.parametrize("store_kind", ["sqlite"])
STEP = ("settle", "propose", "--policy", CIXI, "--year", "2024")


@pytest.fixture
def run(open_at: Callable[..., Ledger], tmp_path: Path) -> Callable[..., Result]:
    ledger = open_at()
    take(ledger, Feed(1).shop("tmall", "a", "2024-03-01"))
    ledger.close()

    def command(*args: str, mode: str = "required", language: str = "en", users: str = "") -> Result:
        start = ["--database", str(tmp_path / "ledger.db"), "--language", language]
        environment = {"SUBSIDY_LEDGER_IDENTITY": mode, "SUBSIDY_LEDGER_USERS": users}
        return CliRunner(env=environment).invoke(main, [*start, *args])

    return command


def said_by(open_at: Callable[..., Ledger]) -> list[Speaker | None]:
    ledger = open_at(policy=False)
    with ledger.store.reading() as rows:
        found = [event.fact.said_by for event in events_of(rows, settlement_id(CIXI, 2024))]
    ledger.close()
    return found


def test_a_step_names_the_user_and_nobody_else_can_be_named(
    run: Callable[..., Result], open_at: Callable[..., Ledger]
) -> None:
    refused = run(*STEP, "--actor", "Somebody Else")
    assert refused.exit_code != 0
    fault = describe_fault(Fault("actor.user", "actor", {"user": os_user()}), "en")
    assert str(fault["rule"]) in refused.output
    assert said_by(open_at) == []
    assert run(*STEP).exit_code == 0
    assert run(*STEP, "--actor", os_user()).exit_code == 0
    assert said_by(open_at) == [Speaker(issuer="os", subject=str(os.getuid()), name=os_user())]


def test_two_users_are_two_people_and_one_under_two_names_is_not(
    run: Callable[..., Result], open_at: Callable[..., Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    raised = ("settle", "object", "--policy", CIXI, "--year", "2024", "too little")
    publish = ("settle", "publish", *STEP[2:])
    assert (answer := run(*STEP)).exit_code == 0, answer.output
    assert (answer := run(*publish)).exit_code == ExitStatus.WAITING, answer.output
    with monkeypatch.context() as another:
        another.setattr(os, "getuid", lambda: 12_345)
        assert (answer := run(*publish)).exit_code == 0, answer.output
    assert (answer := run(*raised)).exit_code == 0, answer.output
    ledger = open_at(policy=False)
    with ledger.store.reading() as rows:
        [objection] = settlement_of(rows, CIXI, 2024).objections
    ledger.close()
    resolve = ("settle", "resolve", *STEP[2:], objection, "dismissed", "as ruled")
    own = run(*resolve)
    assert own.exit_code != 0, own.output
    monkeypatch.setattr(os, "getuid", lambda: 54_321)
    assert (answer := run(*resolve)).exit_code == 0, answer.output


BUDGET_PATH = f"/v1/policies/{CIXI}/budgets/2024"
ROLES = ("officer", "reviewer", "finance", "operator")


def test_a_user_of_the_system_and_a_subject_are_not_shown_to_be_two_persons(
    run: Callable[..., Result], open_at: Callable[..., Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One human may be both: what is proposed at one door is confirmed at that door, by another person."""
    assert (answer := run(*STEP)).exit_code == 0, answer.output
    publish = ("settle", "publish", *STEP[2:])
    assert (answer := run(*publish)).exit_code == ExitStatus.WAITING, answer.output
    assert "another user of the operating system" in answer.output
    ledger = open_at(policy=False)
    ledger.clock = utc_now
    api = CheckedApi(ledger)
    first, second = (api.person(name, *ROLES) for name in ("u1", "u2"))
    (waiting,) = first.get("/v1/waiting-steps")["items"]
    confirmation = f"/v1/waiting-steps/{waiting['waiting']}/confirmation"
    for path in (confirmation, f"/v1/policies/{CIXI}/years/2024/settlement/publication"):
        refused = second.post(path, {}, 409)
        assert [fault["code"] for fault in refused["faults"]] == ["person.other-door"]
    monkeypatch.setattr(os, "getuid", lambda: 12_345)
    assert (answer := run(*publish)).exit_code == 0, answer.output
    budget = {"amount": "5.00", "currency": "CNY"}
    on_the_web = first.put(BUDGET_PATH, budget, 202)["waiting"]
    refused_here = run("waiting", "confirm", on_the_web)
    assert (refused_here.exit_code, "cannot be shown to be two persons" in refused_here.output) == (1, True)
    second.put(BUDGET_PATH, budget, 200)
    ledger.close()


def test_the_two_reviews_of_a_claim_are_taken_at_one_door(
    run: Callable[..., Result], open_at: Callable[..., Ledger]
) -> None:
    ledger = open_at(policy=False)
    first, second = (CheckedApi(ledger).person(name, *ROLES) for name in ("u1", "u2"))
    code = Feed(1).code
    claim = {"claim": "C1", "policy": CIXI, "measure": "climate.event", "item": "i", "year": 2024}
    asked = {**claim, "enterprise": code, "amount": "100.00", "currency": "CNY"}
    assert first.send("POST", "/v1/claims", asked).status_code == 201
    ledger.close()
    review = ("claim", "review", "--policy", CIXI, code, "C1", "90.00", "in order")
    refused = run(*review)
    assert refused.exit_code != 0, refused.output
    assert "cannot be shown to be two persons" in refused.output
    ledger = open_at(policy=False)
    second = CheckedApi(ledger).person("u2", *ROLES)
    path = f"/v1/claims/{CIXI}/{code}/C1/review"
    assert second.send("POST", path, {"amount": "90.00", "opinion": "o"}).status_code == 200
    ledger.close()


@pytest.mark.parametrize(("language", "words"), [("en", "identities are not checked"), ("zh", "未核验身份")])
def test_where_identities_are_not_checked_a_step_says_so_and_so_does_its_event(
    run: Callable[..., Result], open_at: Callable[..., Ledger], language: str, words: str
) -> None:
    answer = run(*STEP, "--actor", "Lin", mode="local", language=language)
    assert (answer.exit_code, words in answer.stderr) == (0, True), answer.output
    assert words not in answer.stdout
    assert said_by(open_at) == [Speaker(issuer="local", subject="lin", name="Lin")]


@pytest.mark.parametrize(("mode", "shown"), [("local", True), ("required", False)])
def test_every_page_says_whether_identities_are_checked(
    open_at: Callable[..., Ledger], mode: str, shown: bool
) -> None:
    identity = IdentitySettings(mode=mode, issuer="https://login.example", jwks="none")
    app = create_app(open_at(), identity)
    year = f"/console/{CIXI}/2024/"
    pages = ["/console/who", year, f"{year}claims", f"{year}audit", f"{year}refused", "/console/none"]
    for page in pages:
        for language, words in (("en", "Identities are not checked"), ("zh", "未核验身份")):
            text = app.test_client().get(f"{page}?lang={language}").text
            assert (words in text) == shown, page


def test_users_have_the_roles_that_the_settings_give_them_by_name_or_number(
    run: Callable[..., Result], open_at: Callable[..., Ledger]
) -> None:
    for users in ("somebody=officer", f"{os_user()}=reviewer finance", f"{os.getuid()}=auditor"):
        refused = run(*STEP, users=users)
        assert refused.exit_code == 1, refused.output
        assert "may not take this step: settlement.propose" in refused.output
    assert said_by(open_at) == []
    assert run(*STEP, users=f"x=officer; {os.getuid()}=auditor; {os_user()}=officer").exit_code == 0


def test_who_is_not_named_does_not_read_and_only_the_operator_mends(run: Callable[..., Result]) -> None:
    assert run("claim", "list", users="somebody=officer").exit_code == 1
    assert run("claim", "list", users=f"{os_user()}=auditor").exit_code == 0
    refused = run("sessions", users=f"{os_user()}=officer reviewer finance auditor")
    assert (refused.exit_code, "may not take this step: sessions" in refused.output) == (1, True)
    assert run("sessions", users=f"{os_user()}=operator").exit_code == 0


@pytest.mark.parametrize(
    ("users", "mode"),
    [
        *((text, "required") for text in ("lin", "lin=", "=officer", "lin=king", "lin=enterprise")),
        ("lin=officer; lin=reviewer", "required"),
        ("lin=officer", "local"),
    ],
)
def test_users_that_cannot_be_meant_are_refused(run: Callable[..., Result], users: str, mode: str) -> None:
    refused = run(*STEP, users=users, mode=mode)
    assert (refused.exit_code, "SUBSIDY_LEDGER_USERS" in refused.output) == (1, True)


def test_the_sample_is_not_taken_where_identities_are_checked(run: Callable[..., Result]) -> None:
    refused = run("sample", "--enterprises", "5")
    rule = str(describe_fault(Fault("sample.checked", "sample"), "en")["rule"])
    assert (refused.exit_code, rule in refused.output) == (1, True)
