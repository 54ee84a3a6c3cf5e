"""What a source said, corrected or retracted at the desk: one person proposes, a reviewer confirms."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from domain.events.amendments import FactCorrected, FactRetracted
from domain.events.event import Speaker, SupportingDocument
from domain.events.second_person.requests import AmendFact
from domain.faults.fault import Fault
from ledger.replay.comparison import replay
from ledger.store.application import Ledger
from ledger.store.stored_events import events_of
from services.cli.statuses import ExitStatus
from services.web.fault_words import describe_fault
from tests.events import CIXI, SOURCE, Feed, awards, take
from tests.integration.api_client import Api
from tests.integration.bureau import MAY, Clock
from tests.integration.checked import ISSUER
from tests.integration.test_two_persons import Office, codes_of, last_position, office_of
from tests.integration.test_two_persons_shown import SQLITE, Desk, command

AMENDMENTS = "/v1/amendments"
YEAR = f"/v1/policies/{CIXI}/years/2024"
DESK = "urn:subsidy-ledger"


class Amending(Office):
    """An office, with an officer, two reviewers, and others."""

    @property
    def officer(self) -> Api:
        return self.api.person("o1", "officer", name="Lin")

    @property
    def reviewer(self) -> Api:
        return self.api.person("r1", "reviewer", name="Wang")

    def confirm(self, waiting: str, status: int = 200, by: Api | None = None) -> Any:
        """A reviewer confirms what waits."""
        return (by or self.reviewer).post(f"/v1/waiting-steps/{waiting}/confirmation", {}, status)

    def events(self, number: int = 1) -> list[Any]:
        """The enterprise's events."""
        with self.ledger.store.reading() as rows:
            return [each.fact for each in events_of(rows, Feed(number).code)]


@pytest.fixture
def desk(open_at: Callable[..., Ledger]) -> Amending:
    ledger, clock = open_at(), Clock(MAY)
    ledger.clock = clock
    office = Amending(*office_of(ledger, clock))
    take(ledger, late_shop())
    return office


def late_shop(number: int = 1) -> bytes:
    feed = Feed(number)
    feed.count = 40
    return feed.shop("tmall", "the shop", "2024-03-01")


def correction(event_id: str = "e1-41", /, **changes: Any) -> dict[str, Any]:
    about = {"source": SOURCE, "id": event_id, "amendment": "correction", "reason": "the licence says so"}
    return {**about, "changes": changes}


def retraction(event_id: str = "e1-41") -> dict[str, Any]:
    return {"source": SOURCE, "id": event_id, "amendment": "retraction", "reason": "there is no such shop"}


def test_a_fact_is_retracted_by_an_officer_and_a_reviewer_and_the_event_names_both(
    desk: Amending, tmp_path: Path
) -> None:
    before = awards(desk.ledger, Feed(1), CIXI, 2024)
    assert before["store.tmall"] == "10000.00"
    waiting = desk.officer.post(AMENDMENTS, retraction(), 202)
    assert (waiting["step"], waiting["stage"]) == ("amendment.make", "waiting")
    values = {line["label"]["en"]: line["value"]["en"] for line in waiting["summary"]}
    assert (values["Step"], values["Source"], values["Id"]) == ("retract", SOURCE, "e1-41")
    assert "¥10,000.00 → ¥0.00" in values["Award"]
    assert "Tmall" in values.values(), "a word of a code list is told as people call it"
    assert awards(desk.ledger, Feed(1), CIXI, 2024) == before
    assert codes_of(desk.officer.post(AMENDMENTS, retraction(), 409)) == ["second.same-person"]

    desk.confirm(waiting["waiting"])
    assert "store.tmall" not in awards(desk.ledger, Feed(1), CIXI, 2024)
    event = desk.events()[-1]
    assert event.content == FactRetracted(
        of="e1-41", of_source=SOURCE, of_type="StoreRegistered", reason="there is no such shop"
    )
    assert event.source == DESK
    assert event.said_by == Speaker(issuer=ISSUER, subject="r1", name="Wang")
    assert (event.acting_as.role, event.acting_as.on_behalf_of) == ("reviewer", DESK)
    assert event.acting_as.proposed_by == Speaker(issuer=ISSUER, subject="o1", name="Lin")
    history = desk.officer.get(f"/v1/enterprises/{Feed(1).code}/events")["items"]
    assert history[-1]["acting_as"]["proposed_by"]["subject"] == "o1"
    certificate = replay(desk.ledger, str(tmp_path / "replica.db"))
    assert certificate.equal, certificate.differences


def test_an_amendment_names_the_document_that_both_persons_saw(desk: Amending, tmp_path: Path) -> None:
    cited = {"documentnumber": "核查〔2025〕3号", "documentissuer": "慈溪市商务局"}
    wrong = desk.officer.post(AMENDMENTS, {**retraction(), "documentsha256": "zz"}, 422)
    assert [(fault["field"], fault["code"]) for fault in wrong["faults"]] == [("documentsha256", "text.form")]
    waiting = desk.officer.post(AMENDMENTS, {**retraction(), **cited}, 202)
    assert waiting["summary"][-2]["value"]["zh"] == "慈溪市商务局 核查〔2025〕3号"
    assert codes_of(desk.reviewer.post(AMENDMENTS, retraction(), 409)) == ["second.other"]
    desk.confirm(waiting["waiting"])
    assert desk.events()[-1].based_on == SupportingDocument(number="核查〔2025〕3号", issuer="慈溪市商务局")
    certificate = replay(desk.ledger, str(tmp_path / "replica.db"))
    assert certificate.equal, certificate.differences


def test_a_proposal_that_names_no_document_has_the_digest_that_it_always_had() -> None:
    asked = AmendFact(
        enterprise="e",
        position=7,
        of="i",
        of_source="s",
        of_type="SalesReported",
        changes=None,
        reason="r",
        stands={"year": 2024},
        held=False,
    )
    assert asked.digest == "1fae3f8eb64989c0b0178769b81a5a44c8eda664543ba1143f3bd7e55fcaf554"
    assert asked.request_digest == "7eaa65d616afa514ed80b436a586543d22c61d9834bb2aada690c44aa544d9cd"
    assert b"based_on" not in msgspec.json.encode(asked)


def test_a_correction_is_confirmed_by_the_same_call_of_a_reviewer(desk: Amending) -> None:
    body = correction(amount="7000000.00")
    body["id"] = "e1-2"
    waiting = desk.officer.post(AMENDMENTS, body, 202)
    values = {line["label"]["en"]: line["value"]["en"] for line in waiting["summary"]}
    assert "90,000,000.00 → 7,000,000.00" in values.values()
    other_officer = desk.api.person("o2", "officer")
    assert codes_of(other_officer.post(AMENDMENTS, body, 403)) == ["role.missing"]
    made = desk.reviewer.post(AMENDMENTS, body, 201)
    assert (made["enterprise"], made["id"]) == (Feed(1).code, "e1-2")
    again = desk.officer.post(AMENDMENTS, body, 200)
    assert again == made, "it is so already"
    assert isinstance(desk.events()[-1].content, FactCorrected)
    assert desk.events()[-1].content.changes == {"amount_fen": 700000000}


def test_only_a_reviewer_confirms_and_never_who_proposed(desk: Amending) -> None:
    both = desk.api.person("b1", "officer", "reviewer")
    waiting = both.post(AMENDMENTS, retraction(), 202)["waiting"]
    position = last_position(desk.ledger)
    assert codes_of(desk.confirm(waiting, 409, by=both)) == ["second.same-person"]
    for role in ("officer", "finance", "operator"):
        refused = desk.confirm(waiting, 403, by=desk.api.person(f"x {role}", role))
        assert codes_of(refused) == ["role.missing"], role
    for role in ("finance", "auditor", "operator", "upstream", "enterprise"):
        refused = desk.api.person(f"x {role}", role).post(AMENDMENTS, retraction(), 403)
        assert codes_of(refused) == ["role.missing"], role
    assert last_position(desk.ledger) == position
    desk.confirm(waiting)


def test_a_fact_that_changed_meanwhile_is_amended_by_a_new_proposal_alone(desk: Amending) -> None:
    body = correction(on="2024-04-01")
    waiting = desk.officer.post(AMENDMENTS, body, 202)["waiting"]
    feed = Feed(1)
    feed.count = 50
    take(desk.ledger, feed.correct("e1-41", "store-registered", shop="another name"))
    assert codes_of(desk.confirm(waiting, 409)) == ["second.outdated"]
    again = desk.officer.post(AMENDMENTS, body, 202)["waiting"]
    take(desk.ledger, feed.retract("e1-41", "store-registered"))
    assert codes_of(desk.confirm(again, 409)) == ["amend.gone"]
    assert codes_of(desk.officer.post(AMENDMENTS, body, 409)) == ["amend.gone"]


def test_a_fact_that_is_held_meanwhile_has_changed(desk: Amending) -> None:
    waiting = desk.officer.post(AMENDMENTS, correction("e1-3", on="2024-06-01"), 202)["waiting"]
    other = Feed(2)
    take(desk.ledger, other.send("brand-certified", kind="famous_export", ref="b1", on="2024-05-01"))
    [disagreement] = desk.officer.get("/v1/disagreements")["items"]
    path = f"/v1/disagreements/{disagreement['disagreement']}/decision"
    decided = {"counting": [], "reason": "neither"}
    desk.officer.post(path, decided, 202)
    desk.reviewer.post(path, decided, 200)
    assert codes_of(desk.confirm(waiting, 409)) == ["second.outdated"]


@pytest.mark.parametrize(
    ("event_id", "changes", "faults"),
    [
        ("e1-41", {}, {"changes": "amend.empty"}),
        ("e1-41", {"on": "2031-01-01"}, {"changes.on": "date.future"}),
        (
            "e1-41",
            {"platform": "A B", "shop": ""},
            {"changes.platform": "text.form", "changes.shop": "text.length"},
        ),
        ("e1-41", {"shop": "110101199003074477"}, {"changes.shop": "number.personal"}),
        ("e1-41", {"amount": "1.00"}, {"changes.amount": "field.unknown"}),
        ("e1-2", {"amount": "-1.00"}, {"changes.amount": "money.negative"}),
        ("e1-2", {"currency": "USD"}, {"changes.currency": "currency.wrong"}),
    ],
)
def test_a_correction_is_held_to_the_schema_of_what_it_corrects(
    desk: Amending, event_id: str, changes: dict[str, Any], faults: dict[str, str]
) -> None:
    position = last_position(desk.ledger)
    refused = desk.officer.post(AMENDMENTS, correction(event_id, **changes), 422)
    assert {fault["field"]: fault["code"] for fault in refused["faults"]} == faults
    assert last_position(desk.ledger) == position, "nothing waits either"


def test_a_request_that_is_wrong_says_everything_at_once(desk: Amending) -> None:
    refused = desk.officer.post(AMENDMENTS, {"amendment": "deletion", "source": "", "extra": 1}, 422)
    assert {fault["field"]: fault["code"] for fault in refused["faults"]} == {
        "source": "text.length",
        "id": "field.missing",
        "amendment": "value.choice",
        "reason": "field.missing",
        "extra": "field.unknown",
    }
    lacking = {name: value for name, value in correction(shop="x").items() if name != "changes"}
    assert codes_of(desk.officer.post(AMENDMENTS, lacking, 422)) == ["field.missing"]
    doubled = {**retraction(), "changes": {"shop": "x"}}
    assert codes_of(desk.officer.post(AMENDMENTS, doubled, 422)) == ["field.only-with"]


def test_what_is_no_fact_of_a_source_is_not_amended(desk: Amending) -> None:
    unknown = {**retraction(), "id": "nothing"}
    assert codes_of(desk.officer.post(AMENDMENTS, unknown, 409)) == ["amend.unknown"]
    assert codes_of(desk.officer.post(AMENDMENTS, correction(shop="the shop"), 409)) == ["amend.same"]
    waiting = desk.officer.post(AMENDMENTS, correction(shop="a better name"), 202)["waiting"]
    desk.confirm(waiting)
    ours = {**retraction(), "source": DESK, "id": desk.events()[-1].event_id}
    assert codes_of(desk.officer.post(AMENDMENTS, ours, 409)) == ["amend.amendment"]
    budget = {"amount": "1.00", "currency": "CNY"}
    desk.first.put(f"/v1/policies/{CIXI}/budgets/2024", budget, 202)
    of_policy = f"policy:{CIXI}:1"
    refused = desk.officer.post(AMENDMENTS, {**retraction(), "source": DESK, "id": of_policy}, 409)
    assert codes_of(refused)[0] in ("amend.ledger", "amend.unknown")


def test_a_fact_is_found_and_corrected_in_the_canonical_spelling(desk: Amending) -> None:
    body = {**correction(shop="  Ｔｈｅ shop "), "id": "ｅ1-41 ", "source": f" {SOURCE}"}
    waiting = desk.officer.post(AMENDMENTS, body, 202)
    desk.confirm(waiting["waiting"])
    content = desk.events()[-1].content
    assert (content.of, content.of_source, content.changes) == ("e1-41", SOURCE, {"shop": "The shop"})


def test_another_amendment_of_the_same_fact_waits_its_turn(desk: Amending) -> None:
    waiting = desk.officer.post(AMENDMENTS, correction(on="2024-04-01"), 202)["waiting"]
    refused = desk.reviewer.post(AMENDMENTS, retraction(), 409)
    assert codes_of(refused) == ["second.other"]
    assert waiting in refused["faults"][0]["rule"]
    desk.officer.post(AMENDMENTS, correction("e1-2", amount="1.00"), 202)


def test_a_proposal_under_a_key_is_one_and_is_answered_as_before(desk: Amending) -> None:
    officer = desk.officer
    officer.headers["Idempotency-Key"] = "k-1"
    first = officer.post(AMENDMENTS, retraction(), 202)
    position = last_position(desk.ledger)
    assert officer.post(AMENDMENTS, retraction(), 202) == first
    assert codes_of(officer.post(AMENDMENTS, retraction("e1-2"), 422)) == ["repeat.other"]
    assert last_position(desk.ledger) == position


def test_an_approval_from_outside_is_corrected_within_its_cap(desk: Amending) -> None:
    feed = Feed(1)
    feed.count = 60
    take(desk.ledger, feed.approved("standard.ningbo", "one", 2024, "50000.00"))
    over = desk.officer.post(AMENDMENTS, correction(feed.last, amount="99999999.00"), 422)
    assert codes_of(over) == ["claim.cap"]
    assert over["faults"][0]["field"] in ("changes.amount", "amount")
    waiting = desk.officer.post(AMENDMENTS, correction(feed.last, amount="20000.00"), 202)["waiting"]
    desk.confirm(waiting)
    assert awards(desk.ledger, feed, CIXI, 2024)["standard.ningbo"] == "20000.00"


def test_after_a_closing_the_difference_is_to_be_adjusted(desk: Amending) -> None:
    local = Api(desk.ledger).by("somebody", "reviewer,officer")
    local.post(f"{YEAR}/settlement/proposal", {}, 200)
    local.post(f"{YEAR}/settlement/publication", {}, 200)
    desk.clock.pass_(days=8)
    Api(desk.ledger).by("another", "reviewer").post(f"{YEAR}/settlement/closing", {}, 200)
    waiting = desk.officer.post(AMENDMENTS, retraction(), 202)["waiting"]
    desk.confirm(waiting)
    missing = desk.officer.get(f"{YEAR}/adjustments")["items"]
    assert [(each["measure"], each["difference"]) for each in missing] == [("store.tmall", "-10000.00")]


def test_the_source_cannot_undo_what_the_desk_did(desk: Amending) -> None:
    desk.confirm(desk.officer.post(AMENDMENTS, retraction(), 202)["waiting"])
    publisher = Api(desk.ledger)
    feed = Feed(1)
    feed.count = 70
    message = json.loads(feed.retract(desk.events()[-1].event_id, "fact-retracted"))
    message["data"]["of_source"] = DESK
    publisher.publish(message, 422)
    assert "store.tmall" not in awards(desk.ledger, Feed(1), CIXI, 2024)


def test_what_the_desk_amended_its_source_amends_no_more(desk: Amending) -> None:
    desk.confirm(desk.officer.post(AMENDMENTS, correction("e1-2", amount="7000000.00"), 202)["waiting"])
    feed = Feed(1)
    feed.count = 70
    for message in (
        feed.correct("e1-2", "sales-reported", amount="90000000.00"),
        feed.retract("e1-2", "sales-reported"),
    ):
        refused = Api(desk.ledger).publish(json.loads(message), 422)
        assert codes_of(refused) == ["amend.desk"]
    take(desk.ledger, feed.correct("e1-41", "store-registered", shop="its own still"))
    again = desk.reviewer.post(AMENDMENTS, correction("e1-2", amount="8000000.00"), 202)["waiting"]
    desk.confirm(again, by=desk.api.person("r2", "reviewer"))
    assert desk.events()[-1].content.changes == {"amount_fen": 800000000}


def test_where_names_are_only_declared_one_person_suffices(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at()
    take(ledger, late_shop())
    officer = Api(ledger).by("Lin", "officer")
    first = officer.post(AMENDMENTS, retraction(), 201)
    assert officer.post(AMENDMENTS, retraction(), 200) == first
    assert awards(ledger, Feed(1), CIXI, 2024) == {}


# --- the page and the command -------------------------------------------------------------------

HERE = f"/console/{CIXI}/2024"


def page_of(desk: Amending, event_id: str = "e1-41") -> str:
    """The page of a fact."""
    with desk.ledger.store.reading() as rows:
        [position] = [
            each.position for each in events_of(rows, Feed(1).code) if each.fact.event_id == event_id
        ]
    return f"{HERE}/log/{position}"


def shown(page: str) -> dict[str, str]:
    """What the form of a fact's page says as it is shown."""
    hidden = re.findall(r'name="was-([a-z_]+)" value="([^"]*)"', page)
    return {f"was-{name}": value for name, value in hidden} | {f"to-{name}": value for name, value in hidden}


@SQLITE
def test_a_fact_is_corrected_by_the_form_of_its_page(desk: Amending) -> None:
    officer, reviewer = Desk(desk.officer), Desk(desk.reviewer)
    path = page_of(desk)
    assert f"{path}#amend" in officer.get(f"{HERE}/enterprises/{Feed(1).code}")
    page = officer.get(path)
    assert "Correct or retract" in page
    form: dict[str, Any] = {**shown(page), "to-on": "2024-04-02", "step": "correction", "reason": "a slip"}
    told = officer.post(path, **form)
    assert "It waits for another person; nothing is done yet" in told
    assert "An amendment of this fact, proposed by Lin, waits for a reviewer" in told
    [waiting] = desk.officer.get("/v1/waiting-steps")["items"]
    listed = reviewer.get(f"{HERE}/waiting")
    assert "2024-03-01 → 2024-04-02" in listed
    assert "Confirm and do it" not in Desk(desk.api.person("o2", "officer")).get(f"{HERE}/waiting")
    reviewer.post(f"{HERE}/waiting/{waiting['waiting']}", step="confirm")
    assert desk.events()[-1].content.changes == {"on": "2024-04-02"}
    page = officer.get(path)
    assert shown(page)["was-on"] == "2024-04-02"
    with desk.ledger.store.reading() as rows:
        last = rows.last_position()
    told = officer.get(f"{HERE}/log/{last}")
    for words in ("Wang（Reviewer (second review)）", "the desk", "Proposed by", "Lin"):
        assert words in told, words
    assert "Propose the correction" not in told, "an amendment is not amended"


@SQLITE
def test_a_form_that_is_wrong_says_so_and_keeps_what_was_written(desk: Amending) -> None:
    officer, path = Desk(desk.officer), page_of(desk)
    form = {**shown(officer.get(path)), "step": "correction", "reason": "why"}
    unchanged = officer.post(path, 409, **form)
    assert "changes nothing" in unchanged
    wrong = officer.post(path, 409, **{**form, "to-on": "2031-01-01", "to-shop": "x y"})
    assert 'value="x y"' in wrong
    assert "<td>changes.on</td>" not in wrong
    missing = officer.post(path, 409, step="retraction", reason=" ")
    assert 'role="alert"' in missing
    feed = Feed(1)
    feed.count = 80
    take(desk.ledger, feed.correct("e1-41", "store-registered", shop="elsewhere"))
    moved = officer.post(path, 409, **{**form, "to-on": "2024-04-01"})
    assert str(describe_fault(Fault("amend.moved", "id"), "en")["rule"]) in moved
    assert desk.officer.get("/v1/waiting-steps")["waiting"] == 0


@SQLITE
def test_a_retraction_by_the_form_that_is_sent_twice_waits_once(desk: Amending) -> None:
    officer, path = Desk(desk.officer), page_of(desk)
    token = re.findall(r'name="csrf_token" value="([^"]+)"', officer.get(path))[0]
    form = {"csrf_token": token, "step": "retraction", "reason": "there is no such shop"}
    for _ in range(2):
        answer = officer.client.post(path, data=form, headers=officer.headers)
        assert answer.status_code == 303
    assert desk.officer.get("/v1/waiting-steps")["waiting"] == 1


@SQLITE
def test_commands_amend_by_two_users(open_at: Callable[..., Ledger], tmp_path: Path) -> None:
    take(open_at(), late_shop(), Feed(1).sales("online", 2024, "90000000.00"))
    database = tmp_path / "ledger.db"
    correct = (
        "amend",
        "correct",
        SOURCE,
        "e1-1",
        "a slip",
        "--set",
        "amount=80000000.00",
        "--set",
        "year=2023",
    )
    proposed = command(database, 1001, *correct, "--reference", "R-1")
    assert (proposed.exit_code, "nothing is done yet" in proposed.output) in (
        (ExitStatus.WAITING, True),
        (0, True),
    )
    again = command(database, 1001, *correct, "--reference", "R-1")
    assert "recorded already under this reference" in again.output
    assert "you proposed it yourself" in command(database, 1001, *correct).output
    [listed] = json.loads(command(database, 1002, "waiting", "list", "--json").output)
    assert listed["step"] == "amendment.make"
    done = command(database, 1002, "waiting", "confirm", listed["waiting"])
    assert done.exit_code == 0, done.output
    assert "90,000,000.00 → 80,000,000.00" in done.output

    retract = ("amend", "retract", SOURCE, "e1-41", "there is no such shop")
    assert command(database, 1001, *retract).exit_code == ExitStatus.WAITING
    assert command(database, 1002, *retract).exit_code == 0
    gone = command(database, 1002, "amend", "correct", SOURCE, "e1-41", "x", "--set", "shop=y")
    assert (gone.exit_code, "was retracted" in gone.output) == (1, True), gone.output
    wrong = command(
        database, 1001, "amend", "correct", SOURCE, "e1-1", "x", "--set", "amount=-1", "--set", "a=b"
    )
    assert wrong.exit_code == 1
    assert ("changes.amount" in wrong.output, "changes.a" in wrong.output) == (True, True)
    assert command(database, 1001, "amend", "correct", SOURCE, "e1-1", "x", "--set", "amount").exit_code == 2
