"""Measurements for Prometheus."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app

from services.api.resource import Resource
from services.runtime.metrics import exposition
from services.web.fields import Query

blueprint = Resource("metrics", __name__, "/metrics", "运行指标 · measurements")


@blueprint.reads("", "运行指标", Query, media_type="text/plain")
def metrics(_: dict[str, Any]) -> Response:
    """Give what the service measures, for Prometheus."""
    text, media_type = exposition()
    response = current_app.response_class(text)
    response.headers["Content-Type"] = media_type
    return response
