"""Claims, in order of policy, enterprise and claim."""

from __future__ import annotations

from typing import Any

from domain.events.claims import (
    CLAIM_STATUS,
    AmountStep,
    ClaimAppealed,
    ClaimEvent,
    ClaimRejected,
    ClaimReviewed,
    ClaimSubmitted,
)
from domain.money.amounts import print_fen
from ledger.intake.messages.fields import Choice, CreditCode, Text
from ledger.policies.versions import rulebooks
from ledger.store.rows import Rows
from ledger.store.stored_events import Stored, events_of
from services.api.claims.schemas import ClaimFileSchema, ClaimsSchema
from services.api.claims.steps import CLAIM, register
from services.api.paging import PageAnswer, page
from services.api.resource import Resource, ledger
from services.web.fields import Cursor, Query, limit_field
from services.web.problems import Problem

blueprint = Resource("claims", __name__, "/v1/claims", "申报 · claims")


class ClaimsQuery(Query):
    """Which claims."""

    policy = Text()
    status = Choice(*sorted(set(CLAIM_STATUS.values())))
    enterprise = CreditCode()
    cursor = Cursor("claims", str, str, str)
    limit = limit_field()


@blueprint.reads("", "申报", ClaimsQuery, ClaimsSchema)
def claims(query: dict[str, Any]) -> PageAnswer:
    """List claims as they now stand."""
    with ledger().store.reading() as rows:
        items = select_claims(rows, query, query["limit"] + 1)
    return page(items, query["limit"], ("claims", "policy", "enterprise", "claim"))


@blueprint.reads(CLAIM, "一项申报的案卷", Query, ClaimFileSchema)
def one_claim(_: dict[str, Any], policy: str, code: str, claim: str) -> dict[str, Any]:
    """Give one claim: where it stands, every step with who took it, and the evidence."""
    with ledger().store.reading() as rows:
        listed_claims = select_claims(rows, {"policy": policy, "enterprise": code, "claim": claim}, 1)
        if not listed_claims:
            raise Problem("claim-unknown", named=claim)
        events = events_of(rows, code)
    steps = [
        (event, content)
        for event in events
        if isinstance(content := event.fact.content, ClaimEvent)
        and (content.policy, content.claim) == (policy, claim)
    ]
    evidence = [
        document
        for _, content in steps
        if isinstance(content, ClaimSubmitted)
        for document in content.evidence or ()
    ]
    return {**listed_claims[0], "steps": [_step(*step) for step in steps], "evidence": evidence}


def _step(event: Stored, content: ClaimEvent) -> dict[str, Any]:
    amount = content.amount_fen if isinstance(content, AmountStep) else None
    return {
        "position": event.position,
        "recorded_at": event.recorded_at,
        "step": CLAIM_STATUS[type(content)],
        "actor": content.actor,
        "amount": None if amount is None else print_fen(amount),
        "said": _words_of(content),
    }


def _words_of(step: ClaimEvent) -> str | None:
    """What who took the step gave as its reason, or as an opinion."""
    if isinstance(step, ClaimReviewed):
        return step.opinion
    return step.reason if isinstance(step, ClaimRejected | ClaimAppealed) else None


register(blueprint)


def select_claims(rows: Rows, query: dict[str, Any], limit: int) -> list[dict[str, Any]]:
    """Claims after the cursor, of a policy, an enterprise and a status where they are named."""
    columns = {"policy": "policy", "enterprise": "code", "status": "status", "claim": "claim"}
    where, values = ["1=1"], list[Any]()
    for name, column in columns.items():
        if name in query:
            where.append(f"{column}=?")
            values.append(query[name])
    if "cursor" in query:
        where.append("(policy, code, claim)>(?,?,?)")
        values += query["cursor"]
    sql = (
        "SELECT policy, code, claim, measure, item, year, status, amount, position FROM claims "
        f"WHERE {' AND '.join(where)} ORDER BY policy, code, claim LIMIT ?"
    )
    names = ("policy", "enterprise", "claim", "measure", "item", "year", "status", "amount", "position")
    listed_claims = [dict(zip(names, row, strict=True)) for row in rows.all(sql, [*values, limit])]
    books = rulebooks(rows)
    for claim in listed_claims:
        claim["amount"] = None if claim["amount"] is None else print_fen(int(claim["amount"]))
        claim["currency"] = books[claim["policy"]].latest.currency if claim["policy"] in books else "CNY"
    return listed_claims
