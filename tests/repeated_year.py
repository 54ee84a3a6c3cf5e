"""A year in which every call that records is made: one rung each, in an order in which all are allowed."""

from __future__ import annotations

import json
from collections.abc import Callable
from string import Template
from typing import Any, NamedTuple

from flask import Flask
from werkzeug.test import TestResponse

from domain.settlement.year import Settlement
from ledger.projections.closings import settlement_of
from ledger.store.application import Ledger
from tests.events import CIXI, CIXI_TEXT, Feed, message, naming
from tests.integration.bureau import Bureau

CODE, OTHER = Feed(1).code, Feed(2).code
TEXT = naming(CIXI_TEXT, ("urn:tests",))
YEAR = f"/v1/policies/{CIXI}/years/2024"
CLAIMS = f"/v1/claims/{CIXI}/{CODE}"
WHY = {"reason": "tests"}


class Rung(NamedTuple):
    """One call: the endpoint, who makes it (``name:roles``), the address and body with names to fill in."""

    endpoint: str
    who: str
    path: str
    body: Any
    status: int = 200
    method: str = "POST"
    media: str = "application/json"
    before: Callable[[Bureau], dict[str, str]] | None = None
    """What happens before it; the names that it gives."""


def _claim(claim: str) -> dict[str, Any]:
    named = {"enterprise": CODE, "policy": CIXI, "claim": claim, "measure": "climate.event", "item": claim}
    return {**named, "year": 2024, "amount": "100.00", "currency": "CNY"}


def _shop(bureau: Bureau, code: str, name: str, platform: str = "tmall") -> None:
    data = {"platform": platform, "kind": "flagship", "shop": name, "on": "2024-03-04"}
    bureau.publish("store-registered", code, f"{code}-{name}", **data)


def _shops(bureau: Bureau) -> dict[str, str]:
    for code in (CODE, OTHER):
        _shop(bureau, code, f"of {code}")
    return {}


def _disagreement(bureau: Bureau) -> dict[str, str]:
    """Two enterprises name one shop."""
    for code in (CODE, OTHER):
        _shop(bureau, code, "whose")
    with bureau.ledger.store.reading() as rows:
        return {"disagreement": rows.all("SELECT disagreement FROM disputes")[0][0]}


def _refused(bureau: Bureau) -> dict[str, str]:
    """A message that breaks a rule."""
    data = {"platform": "tmall", "kind": "flagship", "shop": "wrong", "on": "2024-13-04"}
    bad = message("store-registered", CODE, "mended", "2025-05-06T01:00:00Z", data)
    problem = bureau.api.publish(bad, 422)
    return {"digest": problem["refusal"]}


def _misnamed(bureau: Bureau) -> dict[str, str]:
    """A shop that its source named wrongly."""
    _shop(bureau, CODE, "misnamed")
    return {}


def _after_notice(bureau: Bureau) -> dict[str, str]:
    bureau.clock.pass_(days=8)
    return {}


def _objection(bureau: Bureau) -> dict[str, str]:
    with bureau.ledger.store.reading() as rows:
        state: Settlement = settlement_of(rows, CIXI, 2024)
    return {"objection": state.open_objections[0]}


def _payment(bureau: Bureau) -> dict[str, str]:
    first = next(iter(bureau.pages(f"{YEAR}/payments?enterprise={CODE}")))
    return {"payment": first["payment"], "amount": first["amount"], "today": bureau.today()}


def _late(bureau: Bureau) -> dict[str, str]:
    """A shop that is reported when the year is closed."""
    _shop(bureau, OTHER, "late", "jd")
    [late] = bureau.pages(f"{YEAR}/adjustments?enterprise={OTHER}")
    return {"late": late["difference"], "measure": late["measure"]}


MENDED = message(
    "store-registered",
    CODE,
    "mended",
    "2025-05-06T01:00:00Z",
    {"platform": "tmall", "kind": "flagship", "shop": "mended", "on": "2024-03-04"},
)
RUNGS = (
    Rung("policies.adopt", "", "/v1/policies", TEXT, 201, media="application/yaml"),
    Rung(
        "policies.budget",
        "Qian:finance",
        f"/v1/policies/{CIXI}/budgets/2024",
        {"amount": "9000000.00", "currency": "CNY"},
        method="PUT",
    ),
    Rung("refused.resubmit", "", "/v1/refused/$digest/resubmission", MENDED, 201, before=_refused),
    Rung("refused.dismiss", "", "/v1/refused/$digest/dismissal", None, before=_refused),
    Rung("claims.submit", "Lin:officer", "/v1/claims", _claim("a"), 201, before=_shops),
    Rung("claims.review", "Gao:officer", f"{CLAIMS}/a/review", {"amount": "90.00", "opinion": "in order"}),
    Rung("claims.approve", "Shen:reviewer", f"{CLAIMS}/a/approval", {}),
    Rung("claims.submit", "Lin:officer", "/v1/claims", _claim("b"), 201),
    Rung("claims.reject", "Gao:officer", f"{CLAIMS}/b/rejection", WHY),
    Rung("claims.appeal", "Lin:officer", f"{CLAIMS}/b/appeal", WHY),
    Rung("claims.withdraw", "Lin:officer", f"{CLAIMS}/b/withdrawal", {}),
    Rung("claims.propose", "Lin:officer", "/v1/claims/proposals", {"policy": CIXI, "year": 2024}),
    Rung(
        "disagreements.decide",
        "Shen:reviewer",
        "/v1/disagreements/$disagreement/decision",
        {"counting": [{"source": "urn:tests", "id": f"{OTHER}-whose"}], **WHY},
        before=_disagreement,
    ),
    Rung(
        "amendments.amend",
        "Lin:officer",
        "/v1/amendments",
        {
            "source": "urn:tests",
            "id": f"{CODE}-misnamed",
            "amendment": "correction",
            "changes": {"shop": "named"},
            **WHY,
        },
        201,
        before=_misnamed,
    ),
    Rung("settlements.propose", "Lin:officer", f"{YEAR}/settlement/proposal", {}),
    Rung("settlements.publish", "Lin:officer", f"{YEAR}/settlement/publication", {}),
    Rung("settlements.object_to", "Lin:officer", f"{YEAR}/settlement/objections", WHY),
    Rung(
        "settlements.resolve",
        "Shen:reviewer",
        f"{YEAR}/settlement/objections/$objection/resolution",
        {"outcome": "dismissed", **WHY},
        before=_objection,
    ),
    Rung("settlements.close", "Shen:reviewer", f"{YEAR}/settlement/closing", {}, before=_after_notice),
    Rung("payments.order", "Qian:finance", f"{YEAR}/payments", {}, 201),
    Rung(
        "payments.results",
        "Qian:finance",
        f"{YEAR}/payments/results",
        {
            "results": [
                {"payment": "$payment", "status": "made", "amount": "$amount", "on": "$today", "said": "B"}
            ]
        },
        before=_payment,
    ),
    Rung(
        "payments.statements",
        "Qian:finance",
        f"{YEAR}/payments/statements",
        {"statements": ["account,on,direction,amount,reference\n3901,2025-05-01,debit,1.00,R-1\n"]},
    ),
    Rung(
        "payments.claw_back",
        "Lin:officer",
        f"{YEAR}/clawbacks",
        {"enterprise": CODE, "amount": "1.00", "reason": "用途不符"},
        201,
    ),
    Rung(
        "payments.recover",
        "Qian:finance",
        f"{YEAR}/clawbacks/2024-{CODE}-01/recoveries",
        {"enterprise": CODE, "amount": "0.40", "on": "$today", "reference": "BANK-1"},
    ),
    Rung(
        "settlements.accept",
        "Lin:officer",
        f"{YEAR}/adjustments",
        {"enterprise": OTHER, "measure": "$measure", "into_year": 2025, "amount": "$late", **WHY},
        201,
        before=_late,
    ),
)

KNOWN_BY_THEMSELVES = {
    "events.publish": "facts are known by their source and id",
    "sheets.send": "nothing is recorded before the preview is confirmed; the same file is the same sheet",
    "sheets.confirm": "rows are known by their source and id",
    "payments.file": "nothing is recorded",
    "payments.reconciliation": "nothing is recorded",
    "what-if.compare": "nothing is recorded",
}
"""Calls that take no key, each with the reason why it may be sent twice."""


def endpoints_that_write(app: Flask) -> dict[str, Any]:
    """The API's endpoints that may record something, with their views."""
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/v1/")]
    return {
        rule.endpoint: app.view_functions[rule.endpoint]
        for rule in rules
        if (rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"}
    }


def filled(value: Any, names: dict[str, str]) -> Any:
    """An address or body with names put in."""
    if isinstance(value, str):
        return Template(value).safe_substitute(names)
    if isinstance(value, dict):
        return {key: filled(each, names) for key, each in value.items()}
    return [filled(each, names) for each in value] if isinstance(value, list) else value


def ask(app: Flask, rung: Rung, names: dict[str, str], key: str) -> TestResponse:
    """Make a rung's call under a key."""
    name, _, roles = rung.who.partition(":")
    headers = {"Idempotency-Key": key}
    if name:
        headers |= {"Subsidy-Actor": name, "Subsidy-Roles": roles}
    body = filled(rung.body, names) if rung.media == "application/json" else rung.body
    data = body.encode() if isinstance(body, str) else None if body is None else json.dumps(body).encode()
    path = filled(rung.path, names)
    return app.test_client().open(
        path, method=rung.method, data=data, content_type=rung.media, headers=headers
    )


def positions(ledger: Ledger) -> int:
    """How many events there are."""
    with ledger.store.reading() as rows:
        return rows.last_position()
