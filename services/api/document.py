"""The OpenAPI document, made from the resources and their schemas."""

from __future__ import annotations

import threading
from http import HTTPStatus
from typing import Any

from flask import Flask
from flask_smorest import Api, Blueprint  # type: ignore[import-untyped]
from flask_smorest.utils import prepare_response  # type: ignore[import-untyped]
from marshmallow import fields

from ledger.intake.messages.fields import MessageField
from ledger.intake.messages.schemas import TYPES
from services.api.answers import ProblemSchema
from services.web.json_schemas import event_schema, field_schema
from services.web.problems import MEDIA_TYPE

TITLE = "补贴账本 · Subsidy ledger"
VERSION = "1"
OPENAPI_VERSION = "3.1.0"
DESCRIPTION = (
    "金额一律为文本；错误一律为 RFC 9457 problem+json，按 Accept-Language 给出中文或英文；"
    "读取可带 as_of、as_known、rules_as_of。不核验身份时，办理人写在请求头 Subsidy-Actor，"
    "中文姓名按 UTF-8 百分号编码（%E5%BC%A0%E4%B8%89，或 RFC 8187 的 UTF-8''%E5%BC%A0%E4%B8%89）。"
    " Amounts are text. Errors are RFC 9457 problems, in Chinese or English by Accept-Language. "
    "Reads take as_of (true by then), as_known (known by then) and rules_as_of (rules in force by then). "
    "Where identities are not checked the header Subsidy-Actor names who takes a step; a name beyond ASCII "
    "is percent-encoded UTF-8 (%E5%BC%A0%E4%B8%89, or UTF-8''%E5%BC%A0%E4%B8%89 as in RFC 8187)."
)


class DocumentedApi(Api):  # type: ignore[misc]
    """flask-smorest's API with our errors, and the schemas of every event among its components."""

    ERROR_SCHEMA = ProblemSchema

    def __init__(self, app: Flask) -> None:
        info = {"description": DESCRIPTION, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}}
        options = {
            "title": TITLE,
            "version": VERSION,
            "openapi_version": OPENAPI_VERSION,
            "info": info,
            "servers": [{"url": "/"}],
        }
        self._resources: list[Blueprint] = []
        self._document: dict[str, Any] = {}
        self._describing = threading.Lock()
        super().__init__(app, spec_kwargs=options)
        self.ma_plugin.converter.add_attribute_function(_message_field)
        app.extensions["subsidy-ledger-api"] = self

    def register_blueprint(self, blueprint: Blueprint) -> None:
        """Serve a resource; it is described once the document is asked for, which few processes are."""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blueprint.name] = self
        self._app.register_blueprint(blueprint)
        self._resources.append(blueprint)

    def document(self) -> dict[str, Any]:
        """The whole document, made once; whoever has it leaves it as it is."""
        with self._describing:
            if not self._document:
                self._describe()
                self._document = self.spec.to_dict()
        return self._document

    def _describe(self) -> None:
        self._add_responses()
        self._add_events()
        for blueprint in self._resources:
            name = blueprint.name
            blueprint.register_views_in_doc(self, self._app, self.spec, name=name, parameters=None)
            self.spec.tag({"name": name, "description": blueprint.description})

    def _register_error_handlers(self) -> None:
        """None of smorest's own: every error is a problem of ours."""

    def _register_responses(self) -> None:
        """Nothing yet: the document is made when it is asked for."""

    def _add_responses(self) -> None:
        """Responses by status; those of errors are problems."""
        by_name = {status.name: status for status in HTTPStatus}
        for name, status in by_name.items():
            response: dict[str, Any] = {"description": status.phrase}
            if status >= HTTPStatus.BAD_REQUEST:
                response["schema"] = self.ERROR_SCHEMA
            prepare_response(response, self.spec, MEDIA_TYPE)
            self.spec.components.response(name, response, lazy=True)
        response = {"description": "RFC 9457 problem", "schema": self.ERROR_SCHEMA}
        prepare_response(response, self.spec, MEDIA_TYPE)
        self.spec.components.response("DEFAULT_ERROR", response, lazy=True)

    def _add_events(self) -> None:
        names = []
        for type_, name in TYPES.items():
            schema = {k: v for k, v in event_schema(type_).items() if not k.startswith("$")}
            self.spec.components.schema(f"Event{name}", schema)
            names.append(f"Event{name}")
        refs = [{"$ref": f"#/components/schemas/{name}"} for name in names]
        self.spec.components.schema("EventMessage", {"oneOf": refs})


def _message_field(_: Any, field: fields.Field[Any], **__: Any) -> dict[str, Any]:
    return field_schema(field) if isinstance(field, MessageField) else {}
