"""Facts that disagree: seen, and decided."""

from __future__ import annotations

from typing import Any

from domain.authority.roles import NotAllowed
from domain.money.wire import wire_form
from ledger.disagreements import deciding
from ledger.intake.messages.fields import Choice, CreditCode
from ledger.reading import disagreements as reading
from ledger.reading.disagreements import STAGES, Disagreement
from services.api.disagreements.schemas import (
    FACTS_MAX,
    DecisionBody,
    DisagreementSchema,
    DisagreementsSchema,
)
from services.api.paging import PageAnswer, page
from services.api.resource import Resource, ledger
from services.api.waiting.schemas import WaitingStepSchema
from services.web.fields import Cursor, Query, limit_field
from services.web.identity.gate import requester
from services.web.looking import tells_of

blueprint = Resource("disagreements", __name__, "/v1/disagreements", "数据不一致 · facts that disagree")


class DisagreementsQuery(Query):
    """Which disagreements."""

    stage = Choice(*STAGES, load_default="open")
    enterprise = CreditCode()
    cursor = Cursor("disagreements", int, str)
    limit = limit_field()


@blueprint.reads("", "数据不一致", DisagreementsQuery, DisagreementsSchema)
def disagreements(query: dict[str, Any]) -> PageAnswer:
    """List disagreements in the order in which they were found; by default those that are open."""
    after = query.get("cursor", (-1, ""))
    with ledger().store.reading() as rows:
        found = reading.list_disagreements(
            rows, after, query["limit"] + 1, query["stage"], query.get("enterprise")
        )
        waiting = reading.count_open(rows)
    items = [document(each) for each in found]
    return page(items, query["limit"], ("disagreements", "position", "disagreement"), {"open": waiting})


@blueprint.reads("/<disagreement>", "一项不一致", Query, DisagreementSchema)
def one_disagreement(_: dict[str, Any], disagreement: str) -> dict[str, Any]:
    """Give one disagreement with its facts."""
    with ledger().store.reading() as rows:
        found = reading.read_disagreement(rows, disagreement, FACTS_MAX)
    if found is None:
        raise NotAllowed("disagreement.unknown", "disagreement", disagreement=disagreement)
    tells_of(fact.enterprise for fact in found.facts)
    return document(found)


@blueprint.writes(
    "POST",
    "/<disagreement>/decision",
    "决定哪些数据计入",
    {200: DisagreementSchema, 202: WaitingStepSchema},
    body=DecisionBody,
)
def decide(body: dict[str, Any], disagreement: str) -> dict[str, Any]:
    """Decide which of its facts count; a later decision undoes an earlier one."""
    said = (body["counting"], body["reason"], body["seen"])
    made = deciding.decide(ledger(), disagreement, requester(), *said)
    return document(made)


def document(entry: Disagreement) -> dict[str, Any]:
    """A disagreement as data."""
    values = wire_form(entry)
    return {"disagreement": values.pop("id"), **values}
