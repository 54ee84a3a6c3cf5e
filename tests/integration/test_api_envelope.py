"""What holds for every route: the one form of errors, the document, the headers."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from domain.faults.registry import REQUEST_AREAS, read_codes, read_problems
from ledger.intake.messages.decode import Now, Refusal, decode
from ledger.intake.messages.schemas import TYPES
from services.cli.policies.case_files import read_case
from services.cli.policies.cases import messages_of
from services.web.json_schemas import event_schema
from tests.conftest import HERE, LATER
from tests.events import CIXI, Feed
from tests.integration.api_client import Api, is_problem

BOGUS = {
    "policy": "no-such",
    "year": "1066",
    "code": "nobody",
    "period": "never",
    "version": "-1",
    "digest": "zz",
    "event_type": "nothing",
    "position": "0",
    "level": "64",
    "tile": "",
    "claim": "x" * 201,
    "objection": "x" * 201,
    "clawback": "x" * 201,
    "batch": "x" * 201,
    "sheet": "../etc",
    "family": "nothing",
    "document": "nothing",
    "disagreement": "x" * 201,
    "waiting": "x" * 201,
}
LIKELY = {
    "policy": CIXI,
    "year": "2024",
    "code": Feed(1).code,
    "period": "2024",
    "version": "1",
    "digest": "0" * 64,
    "event_type": "subsidy.store-registered.v1",
    "position": "1",
    "level": "0",
    "tile": "000.p/1",
    "claim": "C-1",
    "objection": "2024-001",
    "clawback": "2024-1",
    "batch": "2024-001",
    "sheet": "0" * 32,
    "family": "sales",
    "document": "report",
    "disagreement": "0" * 16,
    "waiting": "0" * 16,
}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def api_rules(api: Api) -> Iterator[Rule]:
    """The routes of the API; pages of the console have tests of their own."""
    return (rule for rule in api.app.url_map.iter_rules() if not rule.endpoint.startswith("console"))


def routes(api: Api, parts: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Every method of every route, with the parts of its address filled in."""
    for rule in api_rules(api):
        path = re.sub(r"<(?:[a-z]+:)?([a-z_]+)>", lambda match: parts[match.group(1)], str(rule))
        for method in sorted((rule.methods or set()) & set(METHODS)):
            yield method, path


def asked(api: Api, method: str, path: str) -> Iterator[TestResponse]:
    """Wrong requests of a route: an unknown parameter, wrong bodies, wrong types of content."""
    yield api.client.open(path + "?colour=red", method=method)
    if method == "GET":
        return
    for media in ("application/json", "application/cloudevents+json", "application/yaml", "text/plain"):
        for body in (b"", b"{", b"[]", b'"x"', b'{"a": NaN}', b"\xff\x00", b"{}"):
            yield api.client.open(path, method=method, data=body, content_type=media)


@pytest.mark.parametrize("parts", [BOGUS, LIKELY])
def test_every_error_of_every_route_is_a_problem_and_none_is_a_500(api: Api, parts: dict[str, str]) -> None:
    seen = 0
    for method, path in routes(api, parts):
        for response in asked(api, method, path):
            assert response.status_code < 500, (method, path, response.data)
            if response.status_code >= 400:
                is_problem(response)
                seen += 1
    assert seen > 100


def test_a_method_that_a_route_does_not_take_is_405_and_says_which_it_takes(api: Api) -> None:
    for rule in api_rules(api):
        path = re.sub(r"<(?:[a-z]+:)?([a-z_]+)>", lambda match: LIKELY[match.group(1)], str(rule))
        response = api.client.delete(path)
        assert is_problem(response)["code"] == "method-wrong"
        assert response.headers["Allow"]


@pytest.mark.parametrize(
    "path", ["/nothing", "/v1", "/v1//events", "/v1/events/", "/docs/../etc/passwd", "/%00", "/%FF"]
)
def test_an_address_that_does_not_exist_is_a_problem(api: Api, path: str) -> None:
    response = api.client.get(path)
    assert response.status_code == 404
    assert is_problem(response)["code"] == "route-unknown"


class Kept(logging.Handler):
    """Keeps what is logged, whatever other tests of this process have set up."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(logging.Formatter().format(record))


def test_a_defect_of_ours_is_a_500_that_tells_nothing_but_a_reference(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, logger = Kept(), logging.getLogger("services.web.problems")
    monkeypatch.setattr(logger, "disabled", False)
    monkeypatch.setattr(logger, "handlers", [*logger.handlers, kept])

    class Broken:
        def reading(self) -> Any:
            raise RuntimeError("the secret")

    api.ledger.store = Broken()  # type: ignore[assignment]
    response = api.client.get("/v1/policies", headers={"Accept-Language": "en"})
    body = is_problem(response)
    assert response.status_code == 500
    assert b"secret" not in response.data
    reference = re.search(r"[0-9a-f]{12}", body["detail"])
    assert reference
    logged = "\n".join(kept.lines)
    assert reference.group() in logged
    assert "the secret" in logged


def test_problems_come_in_chinese_unless_english_is_asked_for(api: Api) -> None:
    for accept, language in {
        "": "zh-CN",
        "zh-CN,en;q=0.5": "zh-CN",
        "en-US,en;q=0.9": "en",
        "fr": "zh-CN",
        "fr, en;q=0.2": "en",
        "zh-Hant": "zh-CN",
        "*": "zh-CN",
        "nonsense;;q=x": "zh-CN",
    }.items():
        response = api.client.get("/nothing", headers={"Accept-Language": accept})
        assert response.headers["Content-Language"] == language, accept
        words = read_problems()["route-unknown"]
        title = words.title_en if language == "en" else words.title_zh
        assert is_problem(response)["title"] == title


def test_the_document_is_valid_openapi_3_1(api: Api) -> None:
    assert api.document["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(api.document).validate()


def test_every_route_is_in_the_document(api: Api) -> None:
    for rule in api_rules(api):
        path = re.sub(r"<(?:[a-z]+:)?([a-z_]+)>", r"{\1}", str(rule))
        for method in (rule.methods or set()) & set(METHODS):
            operation = api.document["paths"][path][method.lower()]
            chinese, _, english = operation["summary"].partition(" · ")
            assert chinese
            assert english
            assert operation["responses"]["default"]["$ref"].endswith("/DEFAULT_ERROR")


def test_every_answer_of_the_document_has_a_schema(api: Api) -> None:
    for path, item in api.document["paths"].items():
        for method in {"get", "post", "put"} & set(item):
            said = {s: r for s, r in item[method]["responses"].items() if s.startswith("2")}
            assert said, (path, method)
            assert all(content["schema"] for r in said.values() for content in r["content"].values())


def test_every_read_documents_its_etag(api: Api) -> None:
    for item in api.document["paths"].values():
        if "get" in item:
            assert "304" in item["get"]["responses"]


def test_the_documents_event_schemas_accept_every_right_message_of_the_cases(api: Api) -> None:
    schemas = {type_: jsonschema.Draft202012Validator(event_schema(type_)) for type_ in TYPES}
    for validator in schemas.values():
        validator.check_schema(validator.schema)
    seen = set()
    for path in sorted((HERE / "cases").glob("*.json")):
        for raw in messages_of(read_case(path)):
            message = json.loads(raw)
            if isinstance(decode(raw, Now.bounds_at(LATER)), Refusal):
                continue
            schemas[message["type"]].validate(message)
            seen.add(message["type"])
            without = {**message, "data": {}}
            assert not schemas[message["type"]].is_valid(without)
    assert len(seen) > 10
    assert set(api.document["components"]["schemas"]) >= {f"Event{name}" for name in TYPES.values()}


def test_a_correction_is_held_to_the_fields_of_the_type_it_corrects() -> None:
    validator = jsonschema.Draft202012Validator(event_schema("subsidy.fact-corrected.v1"))
    feed = Feed(1)
    right = json.loads(feed.correct("e1-0", "store-registered", shop="new"))
    wrong = json.loads(feed.correct("e1-0", "store-registered", amount="1.00"))
    assert validator.is_valid(right)
    assert not validator.is_valid(wrong)


def test_the_page_of_the_document_names_every_route_and_loads_nothing_from_elsewhere(api: Api) -> None:
    response = api.client.get("/docs")
    text = response.data.decode()
    assert response.mimetype == "text/html"
    assert '<html lang="zh-CN">' in text
    for path in api.document["paths"]:
        assert path in text
    links = re.findall(r"(?:src|href|action)\s*=\s*[\"']([^\"']*)", text)
    assert links
    assert [link for link in links if not re.match(r"/(?!/)|#", link)] == []
    assert "<script" not in text
    assert " style=" not in text
    assert "style-src 'self'" in response.headers["Content-Security-Policy"]
    sheet = api.client.get("/docs/style.css")
    assert sheet.mimetype == "text/css"
    assert "url(" not in sheet.data.decode()


def test_every_response_carries_the_headers_of_safety(api: Api) -> None:
    for path in ("/v1/policies", "/nothing", "/docs", "/health/live", "/openapi.json"):
        headers = api.client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert headers["Cache-Control"] in ("no-store", "private, no-cache")


def test_no_code_has_two_meanings_and_every_code_is_said_in_both_languages() -> None:
    for code, words in read_codes(*REQUEST_AREAS).items():
        assert re.fullmatch(r"[a-z0-9]+(?:[.-][a-z0-9]+)+", code)
        assert all(words)
    for code, kind in read_problems().items():
        assert re.fullmatch(r"[a-z0-9-]+", code)
        assert 400 <= kind.status < 600
        assert all(kind[1:])
