"""What a source said, corrected or retracted at the desk by two persons."""

from __future__ import annotations

from typing import Any

from ledger.amendments.amending import amend_fact, read_amendment
from ledger.intake.messages.schemas import read_document
from services.api.amendments.schemas import AmendmentBody, AmendmentSchema
from services.api.resource import Resource, ledger
from services.api.waiting.schemas import WaitingStepSchema
from services.web.identity.gate import requester
from services.web.repeats import REPLAYED

blueprint = Resource(
    "amendments", __name__, "/v1/amendments", "更正与撤回 · amendments of what a source said"
)


@blueprint.writes(
    "POST",
    "",
    "更正或撤回来源的数据",
    {200: AmendmentSchema, 201: AmendmentSchema, 202: WaitingStepSchema},
    body=AmendmentBody,
)
def amend(body: dict[str, Any]) -> Any:
    """Correct or retract what another source said; the same once more records nothing."""
    about = (body["source"], body["id"], body["reason"], body["changes"])
    amendment = read_amendment(ledger(), *about)
    recorded = amend_fact(ledger(), amendment, requester(), read_document(body))
    document = {
        "enterprise": recorded.enterprise,
        "position": recorded.position,
        "amendment": body["amendment"],
        "source": recorded.amendment.of_source,
        "id": recorded.amendment.of,
    }
    return (document, 200, REPLAYED) if recorded.repeated else (document, 201, {})
