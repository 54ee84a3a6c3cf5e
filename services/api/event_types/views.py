"""The types of events, each with its JSON Schema."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app

from ledger.intake.messages.schemas import TYPES
from services.api.event_types.schemas import EventTypesSchema
from services.api.resource import Resource
from services.web.fields import Query
from services.web.json_schemas import event_heading, event_schema
from services.web.problems import Problem

blueprint = Resource("event-types", __name__, "/v1/event-types", "数据类型 · types of events")


@blueprint.reads("", "全部数据类型", Query, EventTypesSchema)
def every_type(_: dict[str, Any]) -> dict[str, Any]:
    """List every type of event."""
    headings = {type_: event_heading(type_) for type_ in TYPES}
    return {
        "items": [
            {"type": type_, "title": each["title"], "description": each["description"], "schema": each["$id"]}
            for type_, each in headings.items()
        ]
    }


@blueprint.reads("/<event_type>", "一种数据的JSON Schema", Query, media_type="application/schema+json")
def schema_of_type(_: dict[str, Any], event_type: str) -> Response:
    """Give the JSON Schema of one type of event."""
    if event_type not in TYPES:
        raise Problem("event-type-unknown")
    body = current_app.json.dumps(event_schema(event_type))
    return current_app.response_class(body, mimetype="application/schema+json")
