"""A client of the API for tests: it holds every answer to the schema that the document gives it."""

from __future__ import annotations

import copy
import json
import re
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any, Self

from flask.testing import FlaskClient
from jsonschema_rs import Draft202012Validator, Registry
from werkzeug.test import TestResponse

from ledger.store.application import Ledger, open_ledger
from services.runtime.identity_settings import IdentitySettings
from services.server.app import create_app
from tests.events import CIXI

PROBLEM = "application/problem+json"
ONE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
STREAM = "application/x-ndjson"
ENGLISH = {"Accept-Language": "en"}
KNOWN = {"reason": "known to the tests"}
STEPS = {
    "settlement/proposal": "settlement.propose",
    "settlement/publication": "settlement.publish",
    "settlement/closing": "settlement.close",
    "payments": "payment.order",
}
"""Which step what is sent to the end of a path takes."""


def step_at(path: str) -> str:
    """The step of a settlement that what is sent to a path takes; empty for anything else."""
    return next((step for end, step in STEPS.items() if path.endswith(f"/{end}")), "")


@cache
def _described() -> tuple[dict[str, Any], Registry]:
    """The document, which is every ledger's, and its schemas to look up; making it takes a second."""
    with closing(open_ledger(str(Path(tempfile.mkdtemp()) / "ledger.db"))) as ledger:
        document: dict[str, Any] = json.loads(create_app(ledger).test_client().get("/openapi.json").data)
    return document, Registry([("urn:document", document)])


@cache
def _validator(schema: str) -> Draft202012Validator:
    """What holds values to a schema of the document; the one in Python took a third of all these tests."""
    wrapped = json.loads(schema.replace("#/components", "urn:document#/components"))
    return Draft202012Validator(wrapped, registry=_described()[1])


class Api:
    """The API of one ledger."""

    def __init__(self, ledger: Ledger, identity: IdentitySettings | None = None) -> None:
        self.ledger = ledger
        self.app = create_app(ledger, identity)
        self.app.config["SIGNING_KEY"] = str(Path(tempfile.mkdtemp()) / "ledger.key")
        self.client: FlaskClient = self.app.test_client()
        self.document, _ = _described()
        self.headers: dict[str, str] = {}

    def by(self, actor: str, roles: str | None = None, enterprise: str | None = None) -> Self:
        """The same API, asked by somebody: a person with roles, perhaps of an enterprise."""
        found = copy.copy(self)
        said = {
            "Subsidy-Actor": actor.encode().decode("latin-1"),
            "Subsidy-Roles": roles,
            "Subsidy-Enterprise": enterprise,
        }
        found.headers = {name: value for name, value in said.items() if value is not None}
        return found

    def get(self, path: str, status: int = 200, **headers: str) -> Any:
        """Read JSON, checked against the document."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.checked(self.client.get(path, headers={**self.headers, **named}), status)

    def post(self, path: str, body: Any = None, status: int = 200, media: str = "application/json") -> Any:
        """Send a body, bytes as they are and other values as JSON; the answer checked.

        A step of a settlement that is to be taken acknowledges what is open.
        """
        step = step_at(path)
        if step and status < 300 and isinstance(body, dict) and "acknowledges" not in body:
            body = {**body, **self.acknowledge(path, step)}
        return self.checked(self.send("POST", path, body, media), status)

    def acknowledge(self, path: str, step: str) -> dict[str, str]:
        """What the body of a step must say of open matters, asked beside its path; nothing where none is."""
        year = re.sub(r"/(settlement/\w+|payments)$", "", path)
        open_matters = self.get(f"{year}/open-matters?step={step}")
        return {"acknowledges": open_matters["digest"], **KNOWN} if open_matters["count"] else {}

    def put(self, path: str, body: Any, status: int = 200) -> Any:
        """Put JSON; the answer checked."""
        return self.checked(self.send("PUT", path, body, "application/json"), status)

    def send(self, method: str, path: str, body: Any = None, media: str = "application/json") -> TestResponse:
        """Send a body without looking at the answer."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        headers = {**ENGLISH, **self.headers}
        return self.client.open(path, method=method, data=data, content_type=media, headers=headers)

    def publish(self, body: Any, status: int = 201, media: str = ONE) -> Any:
        """Publish one event."""
        return self.post("/v1/events", body, status, media)

    def stream(self, body: bytes) -> list[dict[str, Any]]:
        """Publish a stream; its results, the summary last."""
        response = self.send("POST", "/v1/events", body, STREAM)
        assert response.status_code == 200, response.data
        assert response.mimetype == STREAM
        return [json.loads(line) for line in response.data.splitlines()]

    def checked(self, response: TestResponse, status: int) -> Any:
        """The answer's JSON; it has this status, and the form that the document gives it."""
        assert response.status_code == status, response.data.decode()
        said = json.loads(response.data)
        if status >= 400:
            is_problem(response)
            return said
        assert response.mimetype == "application/json"
        self.validate(said, self.schema_of(response, status))
        return said

    def schema_of(self, response: TestResponse, status: int) -> dict[str, Any]:
        """The schema that the document gives an answer."""
        rule, _ = self.app.url_map.bind("").match(
            response.request.path, method=response.request.method, return_rule=True
        )
        path = re.sub("<(?:[a-z]+:)?([a-z_]+)>", r"{\1}", str(rule))
        operation = self.document["paths"][path][response.request.method.lower()]
        schema: dict[str, Any] = operation["responses"][str(status)]["content"]["application/json"]["schema"]
        return schema

    def validate(self, value: Any, schema: dict[str, Any]) -> None:
        """Hold a value to a schema of the document."""
        _validator(json.dumps(schema)).validate(value)


def is_problem(response: TestResponse) -> dict[str, Any]:
    """Hold a response to the one form of every error, and give its body."""
    assert response.mimetype == PROBLEM, (response.mimetype, response.data[:200])
    body: dict[str, Any] = json.loads(response.data)
    wanted = {"type", "title", "status", "detail", "instance", "code", "faults"}
    assert wanted <= set(body) <= wanted | {"refusal", "recorded", "counts", "results"}
    assert body["type"] == "urn:subsidy-ledger:problem:" + body["code"]
    assert body["status"] == response.status_code
    assert body["instance"] == response.request.path
    assert body["title"]
    assert body["detail"]
    for fault in body["faults"]:
        assert {"field", "code", "rule", "mend"} <= set(fault) <= {"field", "code", "rule", "mend", "line"}
        assert fault["field"]
        assert fault["rule"]
        assert fault["mend"]
    assert response.headers["Content-Language"] in ("zh-CN", "en")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"
    return body


def balance_path(code: str, year: int = 2024, policy: str = CIXI) -> str:
    """Where a balance stands."""
    return f"/v1/enterprises/{code}/balances/{policy}/{year}"


def year_path(what: str, year: int = 2024, policy: str = CIXI) -> str:
    """Where a figure of a year stands."""
    return f"/v1/policies/{policy}/years/{year}/{what}"
