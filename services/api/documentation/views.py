"""The document of this API: as OpenAPI, and as a page that loads nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from flask import Response, current_app, render_template

from domain.faults.registry import MESSAGE_AREAS, REQUEST_AREAS, read_codes, read_problems
from services.api.document import DocumentedApi
from services.api.documentation.style import STYLE
from services.api.resource import Resource
from services.web.fields import Query

blueprint = Resource("documentation", "services.api.documentation", "", "接口文档 · this document")
METHODS = ("get", "post", "put", "delete")


def _document() -> dict[str, Any]:
    return cast(DocumentedApi, current_app.extensions["subsidy-ledger-api"]).document()


@blueprint.reads("/openapi.json", "OpenAPI 3.1 文档", Query, media_type="application/json")
def openapi(_: dict[str, Any]) -> dict[str, Any]:
    """Give the OpenAPI document."""
    return _document()


@blueprint.reads("/docs", "接口文档页面", Query, media_type="text/html")
def page(_: dict[str, Any]) -> Response:
    """Show the document as a page."""
    document = _document()
    codes = read_codes(*REQUEST_AREAS, *MESSAGE_AREAS)
    faults = [(code, *words) for code, words in sorted(codes.items())]
    text = render_template(
        "docs.html",
        document=document,
        tags=[(tag, list(operations(document, tag["name"]))) for tag in document["tags"]],
        schemas=document["components"]["schemas"],
        problems=sorted(read_problems().items()),
        faults=faults,
        shape=shape,
    )
    return Response(text, mimetype="text/html")


@blueprint.reads("/docs/style.css", "页面样式", Query, media_type="text/css")
def style(_: dict[str, Any]) -> Response:
    """Give the page's style sheet."""
    return Response(STYLE, mimetype="text/css")


def operations(document: dict[str, Any], tag: str) -> Iterator[dict[str, Any]]:
    """The operations of one resource, each with its path, method and the parameters of both."""
    refs = document["components"].get("parameters", {})
    for path, item in document["paths"].items():
        for method in METHODS:
            operation = item.get(method)
            if operation is None or tag not in operation["tags"]:
                continue
            declared = [*item.get("parameters", []), *operation.get("parameters", [])]
            parameters = [refs[p["$ref"].rpartition("/")[2]] if "$ref" in p else p for p in declared]
            yield {**operation, "path": path, "method": method.upper(), "parameters": parameters}


def shape(schema: dict[str, Any]) -> str:
    """A schema in a few words: its name, or its type with bounds."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " | ".join(shape(each) for each in schema[key])
    if schema.get("type") == "array":
        return f"[{shape(schema.get('items', {}))}]"
    if "const" in schema:
        return repr(schema["const"])
    kind = schema.get("type", "any")
    name = " | ".join(kind) if isinstance(kind, list) else str(kind)
    if "enum" in schema:
        return " | ".join(str(each) for each in schema["enum"])
    bounds = [str(schema[key]) for key in ("minimum", "maximum") if key in schema]
    return f"{name} {'…'.join(bounds)}".strip()
