"""The API under generated requests, by its own document: every role and none.

``SUBSIDY_TEST_REQUESTS`` says how many requests at least are made in all; the run of the tests
makes a few hundred.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from domain.authority.roles import ROLES
from ledger.intake.inbox import ingest_all
from services.sample.city import city as sample
from services.web.identity.access import PUBLIC, roles_for
from tests.events import CIXI, Feed
from tests.integration.test_identity import City
from tests.lengths import length_of

REQUESTS = length_of("SUBSIDY_TEST_REQUESTS")
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
CALLERS = (*ROLES, "")
LIKELY = {"policy": CIXI, "year": "2024", "period": "2024", "position": "5", "version": "1"}
"""Parts of addresses that exist; every other request uses them, so that it gets past the door."""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    logging.disable(logging.WARNING)
    found = City(tmp_path_factory.mktemp("fuzzed"))
    for _ in ingest_all(found.ledger, islice(sample(40, seed=3), 400), "file"):
        pass
    yield found
    found.ledger.close()
    logging.disable(logging.NOTSET)


def operations(city: City) -> list[Any]:
    """Every operation of the document."""
    schema = schemathesis.openapi.from_wsgi("/openapi.json", city.app)
    every: list[Any] = list(schema.get_all_operations())
    return [found.ok() for found in every]


def endpoint_of(city: City, operation: Any) -> str:
    """The endpoint of an operation, as the table of access names it."""
    for rule in city.app.url_map.iter_rules():
        path = str(rule).replace("<path:", "<").replace("<", "{").replace(">", "}")
        if path == operation.path and operation.method.upper() in (rule.methods or set()):
            return str(rule.endpoint)
    raise AssertionError(operation.path)


def token(city: City, role: str) -> dict[str, str]:
    """What a caller of a role sends."""
    if not role:
        return {}
    more = {"credit_code": Feed(1).code} if role == "enterprise" else {}
    return {"Authorization": f"Bearer {city.token(role, **more)}"}


@pytest.mark.slow
def test_no_role_finds_an_error_of_ours_nor_what_is_not_its_own(city: City) -> None:
    every = operations(city)
    each = max(1, -(-REQUESTS // (len(every) * len(CALLERS))))
    made: Counter[int] = Counter()
    found: list[str] = []
    with city.ledger.store.reading() as rows:
        codes = [row[0] for row in rows.all("SELECT code FROM enterprises ORDER BY code LIMIT 5")]

    def try_it(operation: Any, endpoint: str, role: str) -> None:
        number = 0

        @settings(
            max_examples=each,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def one(case: Any) -> None:
            nonlocal number
            number += 1
            if number % 2:
                known = {**LIKELY, "code": codes[number % len(codes)]}
                case.path_parameters = {
                    name: known.get(name, value) for name, value in (case.path_parameters or {}).items()
                }
            response = case.call(headers=token(city, role))
            made[response.status_code] += 1
            where = f"{role or 'nobody'}: {operation.method} {operation.path}"
            allowed = roles_for(endpoint)
            nowhere = response.status_code == 404 and b"route-unknown" in response.content
            refused = nowhere or response.status_code in (401, 403)
            if allowed != PUBLIC and role not in allowed and not refused:
                found.append(f"{where}: {response.status_code} beyond the table")
            try:
                case.validate_response(response, checks=list(CHECKS))
            except BaseException as error:  # schemathesis raises groups
                found.append(f"{where}: {error!s:.400} {getattr(error, 'exceptions', '')!s:.600}")

        one()

    for operation in every:
        for role in CALLERS:
            try_it(operation, endpoint_of(city, operation), role)
    print(json.dumps({"requests": sum(made.values()), "by status": dict(sorted(made.items()))}))
    assert found == []
    assert sum(made.values()) >= REQUESTS
    assert made[200] > 20, "some of them get past the door"


def test_the_document_is_the_one_that_is_served(city: City, tmp_path: Path) -> None:
    assert len(operations(city)) >= 50
