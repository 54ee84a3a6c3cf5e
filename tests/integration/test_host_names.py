"""By which names the service is asked: a page whose name was made to point here gets nothing at all."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

from ledger.store.application import Ledger
from services.runtime.identity_settings import IdentitySettings
from services.runtime.settings import Settings, SettingsError
from services.runtime.variables import PREFIX
from services.server.app import create_app
from tests.events import CIXI
from tests.integration.test_api_server import served
from tests.integration.test_identity import routes_of

OURS = ("localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:8080", "[::1]", "[::1]:9", "localhost.:80")
FOREIGN = (
    *("evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.2"),
    *("evil.localhost", "0.0.0.0", "[::2]", "10.0.0.1", "subsidy.example"),
)
MALFORMED = (
    *("", " ", "localhost, evil.example", "evil@localhost", "localhost@evil.example", "localhost:80:80"),
    *(
        "localhost/",
        "localhost#x",
        "localhost:x",
        "::1",
        "[::1",
        "ｌｏｃａｌｈｏｓｔ",
        "lоcalhost",
        "localhost\tx",
    ),
)


def asked(app: Flask, host: str | None, path: str, method: str = "GET", **more: Any) -> int:
    environ = EnvironBuilder(path, method=method, **more).get_environ()
    del environ["HTTP_HOST"]
    if host is not None:
        environ["HTTP_HOST"] = host.encode().decode("latin-1")
    body, status, _ = run_wsgi_app(app, environ)
    number = int(status.partition(" ")[0])
    if number in (400, 421):
        assert json.loads(b"".join(body))["code"] in ("host-foreign", "request-bad")
    return number


def test_by_another_name_no_address_answers_but_those_of_probes(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    app = create_app(open_at())
    app.config["SIGNING_KEY"] = str(tmp_path / "ledger.key")
    for endpoint, method, path, _ in routes_of(app):
        wanted = 200 if endpoint.startswith("health.") else 421
        assert asked(app, "evil.example", path, method) == wanted, (endpoint, path)
    for path in ("/nowhere", "/console/static/nowhere", "/console", "//", "/v1/%zz"):
        assert asked(app, "evil.example", path) == 421, path


def test_only_names_of_this_machine_hold_where_identities_are_not_checked(
    open_at: Callable[..., Ledger],
) -> None:
    app = create_app(open_at())
    for host in OURS:
        assert asked(app, host, "/v1/policies") == 200, host
    for host in FOREIGN:
        assert asked(app, host, "/v1/policies") == 421, host
    for name in (None, *MALFORMED):
        assert asked(app, name, "/v1/policies") == 400, name


def test_what_a_rebound_page_sends_changes_nothing(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at()
    app = create_app(ledger)
    with ledger.store.reading() as rows:
        before = rows.last_position()
    headers = {"Origin": "http://evil.example:8080", "Subsidy-Actor": "x", "X-Forwarded-Host": "localhost"}
    body = {"amount": "1.00", "currency": "CNY"}
    for host in ("evil.example:8080", "evil.example"):
        path = f"/v1/policies/{CIXI}/budgets/2024"
        assert asked(app, host, path, "PUT", json=body, headers=headers) == 421
        headers["Forwarded"] = "host=localhost"
    with ledger.store.reading() as rows:
        assert rows.last_position() == before


def test_names_that_the_operator_lists_hold_where_identities_are_checked(
    open_at: Callable[..., Ledger],
) -> None:
    identity = IdentitySettings(mode="required", hosts=("subsidy.example", "10.0.0.5", "fd00::5"))
    app = create_app(open_at(), identity)
    for host in (*OURS, "subsidy.example", "Subsidy.Example:443", "10.0.0.5:8080", "[fd00::5]"):
        assert asked(app, host, "/v1/policies") == 200, host
    for host in ("evil.example", "x.subsidy.example", "10.0.0.6"):
        assert asked(app, host, "/v1/policies") == 421, host


def of_settings(**values: str) -> tuple[str, ...]:
    return Settings.from_env({PREFIX + name: value for name, value in values.items()}).identity.hosts


def test_the_settings_say_which_names_hold() -> None:
    assert of_settings() == ("127.0.0.1",)
    assert of_settings(HOST="0.0.0.0") == (), "every address, and no name but this machine's"
    assert of_settings(IDENTITY="required", HOST="0.0.0.0") == ()
    listed = of_settings(IDENTITY="required", HOST="10.0.0.5", HOSTS=" Subsidy.example, fd00::5,")
    assert listed == ("subsidy.example", "fd00::5", "10.0.0.5")
    assert of_settings(ALLOW_OPEN="1", HOSTS="proxy.example", HOST="0.0.0.0") == ("proxy.example",)
    for values in ({"HOSTS": "a.example"}, {"IDENTITY": "required", "HOSTS": "a b"}):
        with pytest.raises(SettingsError) as error:
            of_settings(**values)
        assert error.value.variable == f"{PREFIX}HOSTS"


def test_a_served_process_refuses_other_names(tmp_path: Path) -> None:
    with served(str(tmp_path / "served.db"), tmp_path) as (port, _):
        for host, status in (("evil.example", 421), (f"localhost:{port}", 200), ("a@localhost", 400)):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.putrequest("GET", "/v1/policies", skip_host=True)
            connection.putheader("Host", host)
            connection.endheaders()
            assert connection.getresponse().status == status, host
            connection.close()
