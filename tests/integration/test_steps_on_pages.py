"""Each step that a page has a form for, tried by each role: as the one table of steps says."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from domain.authority.roles import MAY, ROLES, STAFF, Actor
from domain.events.claims import ClaimSubmitted
from ledger.claims import desk
from ledger.store.application import Ledger
from ledger.store.stored_events import events_of
from services.console import language
from tests.events import CIXI, Feed, take
from tests.integration.api_client import Api
from tests.integration.bureau import MAY as NOW
from tests.integration.bureau import Clock
from tests.integration.checked import ISSUER, CheckedApi
from tests.integration.test_two_persons_shown import Desk

CODE = Feed(1).code
HERE = f"/console/{CIXI}/2024"
CLAIM = f"{HERE}/claims/{CODE}/C-1"
WHY = {"reason": "tests"}
AMOUNT = {"enterprise": CODE, "amount": "1.00"}
CLAIMED = {"enterprise": CODE, "claim": "C-2", "measure": "climate.event", "item": "another"}
FORMS: dict[str, tuple[str, dict[str, str]]] = {
    "claim.propose": (f"{HERE}/claims", {}),
    "claim.submit": (f"{HERE}/claims/new", {**CLAIMED, "year": "2024"}),
    "claim.review": (CLAIM, {"step": "review", "amount": "1.00", "opinion": "in order"}),
    "claim.approve": (CLAIM, {"step": "approve"}),
    "claim.reject": (CLAIM, {"step": "reject", **WHY}),
    "claim.appeal": (CLAIM, {"step": "appeal", **WHY}),
    "claim.withdraw": (CLAIM, {"step": "withdraw"}),
    "settlement.propose": (f"{HERE}/settlement/propose", {}),
    "settlement.publish": (f"{HERE}/settlement/publish", {}),
    "settlement.object": (f"{HERE}/settlement/object", WHY),
    "settlement.resolve": (f"{HERE}/settlement/resolve", {"objection": "1", "outcome": "upheld", **WHY}),
    "settlement.close": (f"{HERE}/settlement/close", {}),
    "payment.order": (f"{HERE}/settlement/order", {}),
    "clawback.order": (f"{HERE}/settlement/claw-back", {**AMOUNT, **WHY}),
    "clawback.record": (
        f"{HERE}/settlement/recovery",
        {**AMOUNT, "clawback": f"1 {CODE}", "on": "2025-05-05", "reference": "R"},
    ),
    "adjustment.accept": (
        f"{HERE}/adjustments/accept",
        {**AMOUNT, **WHY, "measure": "store.tmall", "into_year": "2025"},
    ),
    "disagreement.decide": (f"{HERE}/disagreements/{'0' * 16}", WHY),
    "amendment.make": (f"{HERE}/log/$position", {"step": "retraction", **WHY}),
    "refusal.dismiss": (f"{HERE}/refused/$digest", {"step": "dismiss", **WHY}),
    "refusal.resubmit": (f"{HERE}/refused/$digest", {"step": "resubmit", "text": "{}"}),
}
"""The form of each step that a page has."""
ELSEWHERE = {
    *("fact.report", "fact.publish", "fact.amend", "claim.report", "claim.decide"),  # test_authority
    *("policy.adopt", "budget.set", "key.make", "key.end", "merge.decide"),  # no page has a form for them
    "sample.make",  # refused wherever identities are checked: test_two_persons_shown
    "payment.record",  # the form sends a file of the bank: test_console_year
}
"""What no form of this table is for."""


def test_each_step_has_its_form_or_is_named_as_one_that_has_none() -> None:
    assert set(FORMS) | ELSEWHERE == set(MAY)
    assert not set(FORMS) & ELSEWHERE


def outcome(api: Api, path: str, fields: dict[str, str]) -> tuple[int, str]:
    """What comes of a person's form: the status, and the text of the page."""
    browser: Any = Desk(api)
    token = re.findall(r'name="csrf_token" value="([^"]+)"', browser.get("/console/who"))[0]
    answer = browser.client.post(path, data={"csrf_token": token, **fields}, headers=browser.headers)
    return answer.status_code, answer.text


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_each_step_of_a_page_is_for_the_roles_of_the_table_alone(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at()
    ledger.clock = Clock(NOW)
    take(ledger, Feed(1).shop("tmall", "a", "2024-03-01"))
    clerk = Actor("clerk", frozenset({"enterprise"}), CODE, issuer=ISSUER, subject="clerk")
    claim = ClaimSubmitted(claim="C-1", policy=CIXI, measure="climate.event", item="one", year=2024)
    desk.submit(ledger, CODE, clerk, claim)
    Api(ledger).send("POST", "/v1/events", b'{"subject": "x"}', "application/cloudevents+json")
    with ledger.store.reading() as rows:
        [digest] = [str(value) for (value,) in rows.all("SELECT digest FROM refused")]
        [shop] = [
            str(event.position) for event in events_of(rows, CODE) if event.fact.name == "StoreRegistered"
        ]
    api = CheckedApi(ledger)
    not_yours = language.words()["step-not-yours"]["en"]
    wrong = []
    for step, (written, fields) in FORMS.items():
        path = written.replace("$digest", digest).replace("$position", shop)
        for role in STAFF:
            person = api.person(f"{step} {role}", role)
            status, text = outcome(person, path, fields)
            assert status in (200, 303, 409, 422), (step, role, status, text[:500])
            if (not_yours not in text) != (role in MAY[step]):
                wrong.append((step, role, status))
        for role in set(ROLES) - set(STAFF):
            person = api.person(f"{step} {role}", role)
            headers = {**person.headers, "Accept-Language": "en"}
            answer = api.app.test_client().post(path, data=fields, headers=headers)
            assert answer.status_code == 403, (step, role)
    assert wrong == []
