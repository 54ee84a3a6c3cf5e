"""Who may write what: each cell of docs/authority.md tried for real, and attacks that it stands against."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from docs.generate.authority import ACTIONS, MESSAGES, OTHER, OWN, SENDERS, judge_cell
from docs.generate.pages import DOCS, PAGES
from domain.authority.publishers import Scope
from domain.authority.roles import MAY, Actor
from domain.authority.writes import IDENTITY, Writer
from domain.intake.authorising import Sender
from ledger.intake.inbox import ingest, ingest_all
from ledger.intake.machine_keys import make_key
from ledger.policies.versions import adopt_policy
from ledger.projections.enterprises import load
from ledger.replay.comparison import fingerprint
from ledger.store.application import Ledger
from ledger.store.stored_events import events_of
from services.sample.city import city
from services.web.identity.access import ACCESS
from tests.doors import NAMING_TEXT, Doors, messages_of, take_before
from tests.events import CITY_TEXT, CIXI, CIXI_TEXT, OPERATOR, Feed, awards, naming

KAFKA = ("topic", "signature")
"""Doors that need a broker: tried in tests/e2e/test_authority_kafka.py."""
NAMED = ("other-retracted-named", "approved-named")
"""Rows in which the policy names the source."""
GATE = {"sender.role": "role.missing"}
"""What the gate of the API says before a message is read."""


def doors_of(open_at: Callable[..., Ledger], database_at: Callable[[str], str], folder: Path) -> list[Doors]:
    """The doors of a ledger whose policy names nobody, and of one whose policy names the first source."""
    found = []
    for name, text in (("plain.db", CIXI_TEXT), ("naming.db", NAMING_TEXT)):
        ledger = open_at(name=name, policy=False)
        adopt_policy(ledger, text)
        (folder / name).with_suffix("").mkdir()
        found.append(Doors(ledger, database_at(name), (folder / name).with_suffix("")))
    return found


def test_each_cell_of_the_table_holds_through_every_door(
    open_at: Callable[..., Ledger], database_at: Callable[[str], str], tmp_path: Path
) -> None:
    plain, naming = doors_of(open_at, database_at, tmp_path)
    numbers, tried, wrong = count(1), 0, []
    for sender in SENDERS:
        for door in sender.doors:
            for row in MESSAGES if door not in KAFKA else ():
                doors = naming if row.id in NAMED else plain
                found = doors.try_row(sender, door, row, next(numbers))
                expected = judge_cell(sender, row)
                tried += found is not None
                if found is not None and found not in (expected, GATE.get(expected)):
                    wrong.append((sender.id, door, row.id, expected or "✓", found or "✓"))
    assert wrong == []
    assert tried > 330, tried


def test_the_page_is_what_the_function_answers() -> None:
    for name in ("authority.md", "authority.en.md"):
        assert (DOCS / name).read_text("utf-8") == PAGES[name]()
    assert set(ACTIONS) == set(MAY)


def test_addresses_that_write_take_their_roles_from_the_one_table() -> None:
    steps = {name: roles for name, roles in ACCESS.items() if roles in MAY.values()}
    assert {"policies.adopt", "policies.budget", "refused.dismiss", "events.publish"} <= set(steps)
    assert ACCESS["policies.budget"] == MAY["budget.set"]
    assert ACCESS["refused.dismiss"] == MAY["refusal.dismiss"]


# --- the attacks ---------------------------------------------------------------------------------


def shop(source: str, event_id: str, number: int = 1) -> bytes:
    body = json.loads(Feed(number).shop("tmall", "s", "2024-03-01"))
    return json.dumps({**body, "source": source, "id": event_id}).encode()


def test_a_key_cannot_take_anothers_award_away_before_or_after_it_arrived(
    open_at: Callable[..., Ledger], database_at: Callable[[str], str], tmp_path: Path
) -> None:
    plain, _ = doors_of(open_at, database_at, tmp_path)
    key = make_key(plain.ledger, OPERATOR, "k", OWN, [])
    take = {"of": "s-1", "of_source": OTHER, "of_type": "subsidy.store-registered.v1", "reason": "r"}
    [row] = [each for each in MESSAGES if each.id == "other-retracted"]
    _, attack = messages_of(row, 1)
    for number, when in enumerate(("before", "after")):
        body = {**attack, "id": when, "data": take}
        answer = plain._post(key, "/v1/events", body)
        assert answer.status_code == 422
        assert json.loads(answer.data)["faults"][0]["code"] == "amend.foreign"
        if number == 0:
            take_before(plain.ledger, [json.loads(shop(OTHER, "s-1"))])
    assert awards(plain.ledger, Feed(1), "cixi-ecommerce-2024", 2024) == {"store.tmall": "10000.00"}


def test_who_sent_rows_and_files_stands_in_each_event(
    open_at: Callable[..., Ledger], database_at: Callable[[str], str], tmp_path: Path
) -> None:
    plain, _ = doors_of(open_at, database_at, tmp_path)
    senders = {each.id: each for each in SENDERS}
    [row] = [each for each in MESSAGES if each.id == "own-fact"]
    expected = {
        ("officer", "sheet"): (ISSUED, "officer"),
        ("officer", "console-sheet"): (ISSUED, "officer"),
        ("officer", "resubmission"): (ISSUED, "officer"),
        ("operator", "command"): ("os", "operator"),
        ("operator", "sheet-command"): ("os", "operator"),
        ("operator", "token"): (ISSUED, "operator"),
        ("bound", "token"): (ISSUED, "upstream"),
    }
    for number, ((sender, door), (issuer, role)) in enumerate(expected.items(), 1):
        assert plain.try_row(senders[sender], door, row, number) == ""
        with plain.ledger.store.reading() as rows:
            [event] = events_of(rows, Feed(number).code)
        assert event.fact.said_by is not None
        assert event.fact.acting_as is not None
        assert (event.fact.said_by.issuer, event.fact.acting_as.role) == (issuer, role), (sender, door)
        assert event.fact.acting_as.on_behalf_of == OWN


ISSUED = "https://login.cixi.example"


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_city_whose_policy_names_its_bureaus_comes_out_the_same_by_an_operators_hand(
    open_at: Callable[..., Ledger],
) -> None:
    operator = Sender(Writer(Actor("op", frozenset({"operator"})), IDENTITY))
    prints = []
    for name, sender in (("trial.db", Sender()), ("sent.db", operator)):
        ledger = open_at(name=name, policy=False)
        adopt_policy(ledger, CITY_TEXT)
        for _ in ingest_all(ledger, city(120, seed=3), "file", sender=sender):
            pass
        with ledger.store.reading() as rows:
            prints.append((rows.last_position(), fingerprint(rows)))
    assert prints[0] == prints[1]


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_what_was_recorded_before_may_be_sent_again_by_its_source(open_at: Callable[..., Ledger]) -> None:
    operator = Sender(Writer(Actor("op", frozenset({"operator"})), IDENTITY))
    ledger = open_at()
    messages = list(city(60, seed=3))
    for _ in ingest_all(ledger, messages, "file"):
        pass
    statuses = {
        result.status
        for results in ingest_all(ledger, messages, "file", sender=operator)
        for result in results
        if result.position is not None
    }
    assert statuses == {"duplicate"}


# --- whose claim it is ---------------------------------------------------------------------------

MINE, THEIRS = "urn:mine", "urn:theirs"


def claim_step(
    source: str, event_id: str, step: str, day: int, claim: str = "c1", **data: object
) -> dict[str, Any]:
    named = {"policy": CIXI, "measure": "climate.event", "item": "i", "year": 2024}
    money = {"amount": "20000.00", "currency": "CNY"} if step in ("submitted", "approved") else {}
    body = json.loads(Feed(1).send(f"claim-{step}", f"2025-01-{day:02d}T00:00:00Z"))
    return {**body, "source": source, "id": event_id, "data": {**named, **money, "claim": claim, **data}}


def amendment(event_id: str, of: str, step: str, **changes: object) -> dict[str, Any]:
    """An own step corrected, or without changes retracted."""
    kind, more = ("fact-corrected", {"changes": changes}) if changes else ("fact-retracted", {})
    body = json.loads(Feed(1).send(kind, "2025-02-01T00:00:00Z"))
    data = {"of": of, "of_type": f"subsidy.claim-{step}.v1", "reason": "r", **more}
    return {**body, "source": MINE, "id": event_id, "data": data}


def bound(source: str) -> Sender:
    return Sender(Writer(Actor("k", frozenset({"upstream"}), publisher=source), IDENTITY, Scope(source)))


def send(ledger: Ledger, *messages: dict[str, Any]) -> list[str]:
    """What becomes of messages of one batch, each sent with its source's own key: codes of refusals."""
    results = ingest(
        ledger,
        [json.dumps(each).encode() for each in messages],
        "http",
        sender=[bound(each["source"]) for each in messages],
    )
    return [result.faults[0].code if result.status == "refused" else "" for result in results]


def claims_in(ledger: Ledger) -> dict[str, tuple[str, str, str]]:
    with ledger.store.reading() as rows:
        facts = load(rows, [Feed(1).code])[Feed(1).code].facts
    return {claim.claim: (claim.status, claim.measure, claim.item) for claim in facts.claims.values()}


THEIR_CLAIM = claim_step(THEIRS, "t1", "submitted", 1)
APPROVED = claim_step(THEIRS, "t2", "approved", 2)
REJECTED = claim_step(THEIRS, "t3", "rejected", 2, reason="r")
OWN_WITHDRAWAL = (
    claim_step(MINE, "m1", "submitted", 3, "mine"),
    claim_step(MINE, "m2", "withdrawn", 4, "mine"),
)
OF_OTHERS = {
    "submitted again": [claim_step(MINE, "m3", "submitted", 5)],
    "submitted again, as if before": [claim_step(MINE, "m3", "submitted", 1, item="other")],
    "submitted again and withdrawn": [
        claim_step(MINE, "m3", "submitted", 5),
        claim_step(MINE, "m4", "withdrawn", 6),
    ],
    "withdrawn": [claim_step(MINE, "m3", "withdrawn", 5)],
    "withdrawal corrected": [*OWN_WITHDRAWAL, amendment("m5", "m2", "withdrawn", claim="c1")],
    "withdrawal corrected before it arrives": [
        OWN_WITHDRAWAL[0],
        amendment("m5", "m2", "withdrawn", claim="c1"),
        OWN_WITHDRAWAL[1],
    ],
    "submission corrected": [*OWN_WITHDRAWAL, amendment("m5", "m1", "submitted", claim="c1")],
    "submission corrected before it arrives": [
        amendment("m5", "m1", "submitted", claim="c1"),
        *OWN_WITHDRAWAL,
    ],
    "moved away first": [
        claim_step(MINE, "m1", "withdrawn", 5, "mine"),
        amendment("m5", "m1", "withdrawn", claim="elsewhere"),
        amendment("m6", "m1", "withdrawn", claim="c1"),
    ],
}
BEFORE = {
    "undecided": [THEIR_CLAIM],
    "approved": [THEIR_CLAIM, APPROVED],
    "rejected": [THEIR_CLAIM, REJECTED],
    "decision before submission": [APPROVED, THEIR_CLAIM],
}


@pytest.mark.parametrize("store_kind", ["sqlite"])
@pytest.mark.parametrize("in_one_batch", [False, True])
@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("attack", OF_OTHERS)
def test_no_key_touches_anothers_claim_in_whatever_order(
    open_at: Callable[..., Ledger], attack: str, before: str, in_one_batch: bool
) -> None:
    ledger = open_at(policy=False)
    adopt_policy(ledger, naming(CIXI_TEXT, (THEIRS,)))
    if in_one_batch:
        codes = send(ledger, *BEFORE[before], *OF_OTHERS[attack])[len(BEFORE[before]) :]
    else:
        assert set(send(ledger, *BEFORE[before])) == {""}
        codes = [code for each in OF_OTHERS[attack] for code in send(ledger, each)]
    assert "claim.foreign" in codes, codes
    stands = {"undecided": "submitted", "approved": "approved", "rejected": "rejected"}.get(
        before, "approved"
    )
    assert claims_in(ledger)["c1"] == (stands, "climate.event", "i")


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_claim_that_was_decided_and_never_submitted_is_reopened_by_nobody_else(
    open_at: Callable[..., Ledger],
) -> None:
    ledger = open_at(policy=False)
    adopt_policy(ledger, naming(CIXI_TEXT, (THEIRS,)))
    assert send(ledger, APPROVED, claim_step(MINE, "m1", "submitted", 5)) == ["", "claim.foreign"]
    assert send(ledger, claim_step(MINE, "m1", "withdrawn", 1)) == ["claim.foreign"]
    assert send(ledger, claim_step(MINE, "m1", "submitted", 1)) == [""], "the submission came late"
    assert claims_in(ledger)["c1"][0] == "approved"


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_source_goes_on_with_its_own_claims(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at(policy=False)
    adopt_policy(ledger, naming(CIXI_TEXT, (THEIRS,)))
    own = claim_step(MINE, "m1", "submitted", 1)
    assert send(ledger, own, claim_step(THEIRS, "t1", "rejected", 2, reason="r")) == ["", ""]
    assert send(ledger, claim_step(MINE, "m2", "submitted", 3), claim_step(MINE, "m3", "withdrawn", 4)) == [
        "",
        "",
    ]
    assert send(ledger, amendment("m4", "m3", "withdrawn")) == [""]
    assert send(ledger, amendment("m5", "m2", "submitted", amount="30000.00")) == [""]
    assert send(ledger, claim_step(THEIRS, "t2", "approved", 5)) == [""]
    assert send(ledger, own) == [""], "what is recorded may be sent again"
    assert claims_in(ledger)["c1"] == ("approved", "climate.event", "i")


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_who_decides_one_measure_decides_no_claim_of_another(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at(policy=False)
    one = "  - id: standard.cixi\n"
    assert one in CIXI_TEXT
    adopt_policy(ledger, CIXI_TEXT.replace(one, f"{one}    approvals_from: [{MINE}]\n"))
    decided = claim_step(MINE, "m1", "approved", 5, measure="standard.cixi")
    assert send(ledger, THEIR_CLAIM, decided) == ["", "claim.outside"]
    elsewhere = claim_step(MINE, "m2", "approved", 5, "mine", measure="standard.cixi")
    moved = amendment("m3", "m2", "approved", claim="c1")
    assert send(ledger, elsewhere, moved) == ["", "claim.outside"]
    assert send(ledger, amendment("m4", "m5", "approved", claim="c1")) == [""], "nothing is known of m5"
    assert send(ledger, claim_step(MINE, "m5", "approved", 6, "new", measure="standard.cixi", item="j")) == [
        "claim.outside"
    ]
    assert claims_in(ledger)["c1"] == ("submitted", "climate.event", "i")
