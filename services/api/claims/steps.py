"""The steps of a claim, each a write of its own."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec

from domain.events.claims import ClaimSubmitted
from ledger.claims import desk
from ledger.claims.desk import Recorded
from ledger.intake.messages.schemas import read_document
from services.api.claims.schemas import (
    ApprovalBody,
    ClaimBody,
    ProposalsBody,
    ProposalsSchema,
    ReasonBody,
    ReviewBody,
    StepSchema,
    WithdrawalBody,
)
from services.api.resource import Resource, ledger
from services.web.identity.gate import requester

CLAIM = "/<policy>/<code>/<path:claim>"
"""A file number may hold a slash, as many do."""
ONE = {200: StepSchema}


def register(blueprint: Resource) -> None:
    """Add the steps to the resource of claims."""
    blueprint.writes("POST", "", "提交申报", {201: StepSchema}, body=ClaimBody)(submit)
    blueprint.writes("POST", "/proposals", "免申即享：拟定申报", {200: ProposalsSchema}, body=ProposalsBody)(
        propose
    )
    blueprint.writes("POST", f"{CLAIM}/review", "初审", ONE, body=ReviewBody)(review)
    blueprint.writes("POST", f"{CLAIM}/approval", "复审批准", ONE, body=ApprovalBody)(approve)
    blueprint.writes("POST", f"{CLAIM}/rejection", "驳回", ONE, body=ReasonBody)(reject)
    blueprint.writes("POST", f"{CLAIM}/withdrawal", "撤回", ONE, body=WithdrawalBody)(withdraw)
    blueprint.writes("POST", f"{CLAIM}/appeal", "申诉", ONE, body=ReasonBody)(appeal)


def _said(recorded: Recorded) -> dict[str, Any]:
    return recorded._asdict()


def submit(body: dict[str, Any]) -> Any:
    """Submit a claim for an enterprise."""
    code = body.pop("enterprise")
    claim = msgspec.convert(body, ClaimSubmitted)
    recorded = desk.submit(ledger(), code, requester(), claim, read_document(body))
    location = "/v1/claims/" + "/".join(quote(part) for part in (body["policy"], code, body["claim"]))
    return _said(recorded), 201, {"Location": location}


def propose(body: dict[str, Any]) -> Any:
    """Propose the claims that the facts already earn and nobody has submitted."""
    proposals = desk.propose(ledger(), body["policy"], body["year"], requester(), body["limit"])
    return {"items": [_said(each) for each in proposals]}


def review(body: dict[str, Any], policy: str, code: str, claim: str) -> Any:
    """Take the first review: recommend an amount."""
    recommended = (body["amount_fen"], body["opinion"], read_document(body))
    return _said(desk.review(ledger(), code, policy, claim, requester(), *recommended))


def approve(body: dict[str, Any], policy: str, code: str, claim: str) -> Any:
    """Take the second review: approve the recommended amount, or less."""
    return _said(
        desk.approve(ledger(), code, policy, claim, requester(), body["amount_fen"], read_document(body))
    )


def reject(body: dict[str, Any], policy: str, code: str, claim: str) -> Any:
    """Reject a claim, with the reason."""
    return _said(desk.reject(ledger(), code, policy, claim, requester(), body["reason"], read_document(body)))


def withdraw(body: dict[str, Any], policy: str, code: str, claim: str) -> Any:
    """Take an undecided claim back."""
    return _said(desk.withdraw(ledger(), code, policy, claim, requester(), read_document(body)))


def appeal(body: dict[str, Any], policy: str, code: str, claim: str) -> Any:
    """Ask for a rejected claim to be reviewed again, by others."""
    return _said(desk.appeal(ledger(), code, policy, claim, requester(), body["reason"], read_document(body)))
