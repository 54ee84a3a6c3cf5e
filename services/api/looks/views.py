"""Who looked: reads of enterprises' data, in order."""

from __future__ import annotations

from typing import Any

from ledger.audit.looks import Look, list_looks
from ledger.intake.messages.fields import CreditCode
from services.api.looks.schemas import LooksSchema
from services.api.paging import PageAnswer, page
from services.api.resource import Resource, ledger
from services.web.fields import Cursor, Query, limit_field

blueprint = Resource("looks", __name__, "/v1/looks", "查阅记录 · who looked")


class LooksQuery(Query):
    """Which reads."""

    code = CreditCode()
    cursor = Cursor("looks", int)
    limit = limit_field()


@blueprint.reads("", "查阅记录", LooksQuery, LooksSchema)
def looks(query: dict[str, Any]) -> PageAnswer:
    """List who read which enterprise's data, in the order of reading."""
    (after,) = query.get("cursor", (0,))
    with ledger().store.reading() as rows:
        look_rows = list_looks(rows, query.get("code"), after, query["limit"] + 1)
    return page([look_document(each) for each in look_rows], query["limit"], ("looks", "number"))


def look_document(look: Look) -> dict[str, Any]:
    """One read as plain values."""
    return {
        "number": look.number,
        "at": look.at,
        "actor": look.actor,
        "address": look.address,
        "method": look.method,
        "path": look.path,
        "enterprise": look.code,
        "times": look.times,
        **({"issuer": look.issuer, "subject": look.subject} if look.issuer else {}),
    }
