"""Behind a proxy: real nginx and Caddy with TLS, by the files that operators are given."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from domain.faults.registry import read_codes
from ledger.store.application import Ledger, open_ledger
from services.runtime.identity_settings import RETURN
from services.runtime.proxy_settings import ProxySettings
from services.runtime.settings import Settings, SettingsError
from services.runtime.variables import PREFIX
from services.server.app import create_app
from services.server.proxies import BehindProxies
from tests.integration.test_api_server import served
from tests.proxies import NAME, TOKEN, VISITOR, Proxy, Site

FORMS = 24


def read(**given: str) -> Settings:
    return Settings.from_env({PREFIX + name: value for name, value in given.items()})


# --- nginx and Caddy -----------------------------------------------------------------------------


@contextmanager
def behind(kind: str, folder: Path, *, told: bool = True, workers: int = 4) -> Iterator[Site]:
    """The service behind a proxy; unless it is ``told``, it knows nothing of that but the name."""
    proxy = Proxy(kind, folder)
    public = {"PUBLIC_ADDRESS": proxy.address, "TRUSTED_PROXIES": "127.0.0.1"}
    settings = {"ALLOW_OPEN": "1", **(public if told else {"HOSTS": NAME})}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(PREFIX + name, value)
        with (
            served(str(folder / "ledger.db"), folder, workers=workers) as (service, _),
            proxy.before(service, is_told=told) as site,
        ):
            yield site


def addresses_of(folder: Path) -> set[str]:
    """The addresses under which looks stand."""
    ledger = open_ledger(str(folder / "ledger.db"))
    with ledger.store.reading() as rows:
        found = {row[0] for row in rows.all("SELECT DISTINCT address FROM looks")}
    ledger.close()
    return found


SPOOFED = {
    "X-Forwarded-For": "6.6.6.6",
    "X_Forwarded_For": "7.7.7.7",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "evil.example",
    "Forwarded": "for=8.8.8.8;proto=http;host=evil.example",
}


@pytest.mark.parametrize("proxy", ["nginx", "caddy"])
def test_through_tls_every_form_works_and_visitors_say_nothing_of_where_they_are(
    proxy: str, tmp_path: Path
) -> None:
    with behind(proxy, tmp_path) as site:
        for number in range(FORMS):
            assert site.send_form(f"officer {number}")[0] == 302
            status, headers, text = site.send("GET", "/console/")
            assert (status, f"officer {number}" in text) == (200, True)
        assert headers["Strict-Transport-Security"].startswith("max-age=")
        assert site.send("GET", "/metrics")[0] == 404
        assert site.send("GET", "/v1/refused", headers=SPOOFED)[0] == 200
        if proxy == "nginx":  # Caddy answers by itself
            assert site.send("GET", "/v1/refused", headers={"Host": "evil.example"})[0] == 421
    assert addresses_of(tmp_path) == {VISITOR}


@pytest.mark.parametrize("proxy", ["nginx", "caddy"])
def test_answers_are_compressed_and_pages_with_keys_of_forms_are_not(proxy: str, tmp_path: Path) -> None:
    zipped = {"Accept-Encoding": "gzip"}
    with behind(proxy, tmp_path, workers=1) as site:
        status, headers, body = site.fetch("/openapi.json", zipped)
        assert (status, headers["Content-Encoding"]) == (200, "gzip")
        assert json.loads(gzip.decompress(body))["openapi"]
        assert "Accept-Encoding" in ", ".join(headers.get_all("Vary") or ())
        held = {**zipped, "If-None-Match": headers["ETag"]}
        assert site.fetch("/openapi.json", held)[0] == 304, "an answer that is held is not sent again"
        for page in ("/console/", "/console/who"):
            status, headers, body = site.fetch(page, zipped)
            assert (status, headers.get("Content-Encoding")) == (200, None)
            assert b"</html>" in body


def test_without_the_setting_the_refusal_says_what_to_set(tmp_path: Path) -> None:
    with behind("nginx", tmp_path, told=False, workers=1) as site:
        token = TOKEN.search(site.send("GET", "/console/who")[2])
        assert token
        status, text = site.send_form("officer")
        assert status == 403
        mend = read_codes("identity")["origin.unset"].mend_en
        assert mend.format(setting=f"{PREFIX}PUBLIC_ADDRESS", origin=site.address) in text
        assert site.send("GET", "/v1/refused", headers=SPOOFED)[0] == 200
    assert addresses_of(tmp_path) == {"127.0.0.1"}, "the proxy's: no header of it is believed"


# --- whom to believe -----------------------------------------------------------------------------


def seen(settings: ProxySettings, peer: str, host: str = NAME, **headers: str) -> tuple[str, str]:
    """The visitor's address and the root address, as an application behind the proxies sees them."""
    told = dict[str, Any]()

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        told.update(environ)
        start_response("200 OK", [])
        return []

    environ = EnvironBuilder(
        "/", headers=list(headers.items()), environ_base={"REMOTE_ADDR": peer}
    ).get_environ()
    environ["HTTP_HOST"] = host
    run_wsgi_app(BehindProxies(app, settings), environ)
    return told["REMOTE_ADDR"], f"{told['wsgi.url_scheme']}://{told['HTTP_HOST']}"


TRUSTED = read(TRUSTED_PROXIES="10.0.0.1, 10.1.0.0/16,fd00::/8").proxy


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("10.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.1.2.3", "1.2.3.4"),
        ("10.0.0.1", "10.1.2.3, 10.1.2.4", "10.1.2.3"),
        ("fd00::7", "2001:db8::1", "2001:db8::1"),
        ("::ffff:10.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "1.2.3.4, x'; DROP, 10.1.2.3", "10.1.2.3"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.2", "1.2.3.4", "10.0.0.2"),
        ("1.2.3.4", "10.0.0.1", "1.2.3.4"),
    ],
)
def test_the_visitor_is_the_last_that_a_trusted_proxy_names(peer: str, forwarded: str, address: str) -> None:
    found, root = seen(TRUSTED, peer, **{"X-Forwarded-For": forwarded, "X-Forwarded-Proto": "https"})
    assert found == address
    is_trusted = peer not in ("10.0.0.2", "1.2.3.4")
    assert root == f"{'https' if is_trusted else 'http'}://{NAME}", "the scheme is believed as the address is"


def test_the_public_address_holds_for_its_name_alone() -> None:
    settings = read(PUBLIC_ADDRESS=f"https://{NAME.upper()}:8443/", IDENTITY="required").proxy
    assert settings.public_address == f"https://{NAME}:8443"
    for host in (NAME, f"{NAME}:8443"):
        assert seen(settings, "1.2.3.4", host)[1] == f"https://{NAME}:8443"
    for host in ("127.0.0.1:8080", f"{NAME}:80", f"x.{NAME}", "[::1"):
        assert seen(settings, "1.2.3.4", host)[1] == f"http://{host}"
    odd = seen(TRUSTED, "10.0.0.1", NAME, **{"X-Forwarded-Proto": "javascript"})
    assert odd[1] == f"http://{NAME}"


WRONG = [
    ("PUBLIC_ADDRESS", {"PUBLIC_ADDRESS": "subsidy.example", "IDENTITY": "required"}),
    ("PUBLIC_ADDRESS", {"PUBLIC_ADDRESS": "http://subsidy.example", "IDENTITY": "required"}),
    ("PUBLIC_ADDRESS", {"PUBLIC_ADDRESS": "https://subsidy.example/console", "IDENTITY": "required"}),
    ("PUBLIC_ADDRESS", {"PUBLIC_ADDRESS": "https://subsidy.example:x", "IDENTITY": "required"}),
    ("PUBLIC_ADDRESS", {"PUBLIC_ADDRESS": "https://subsidy.example"}),
    ("TRUSTED_PROXIES", {"TRUSTED_PROXIES": "0.0.0.0/0"}),
    ("TRUSTED_PROXIES", {"TRUSTED_PROXIES": "nginx"}),
    ("TRUSTED_PROXIES", {"TRUSTED_PROXIES": "10.0.0.1/8"}),
]
CLIENT = {
    **{
        "IDENTITY": "required",
        "OIDC_ISSUER": "https://login.example",
        "OIDC_JWKS": "https://login.example/j",
    },
    **{"OIDC_CLIENT_ID": "ledger", "OIDC_CLIENT_SECRET": "s", "PUBLIC_ADDRESS": f"https://{NAME}"},
}
WRONG.append(("OIDC_REDIRECT", {**CLIENT, "OIDC_REDIRECT": f"https://other.example{RETURN}"}))


@pytest.mark.parametrize(("variable", "given"), WRONG)
def test_what_cannot_be_a_proxy_or_an_address_is_refused_by_name(
    variable: str, given: dict[str, str]
) -> None:
    with pytest.raises(SettingsError) as refused:
        read(**given)
    assert refused.value.variable == PREFIX + variable


def test_people_are_sent_back_to_the_public_address() -> None:
    assert read(**CLIENT).identity.redirect == f"https://{NAME}{RETURN}"


def test_a_page_by_plain_http_writes_nothing_where_people_come_by_https(
    open_at: Callable[..., Ledger],
) -> None:
    settings = read(PUBLIC_ADDRESS=f"https://{NAME}", IDENTITY="required").proxy
    client = create_app(open_at(), proxy=settings).test_client()
    for origin, is_ours in ((f"https://{NAME}", True), (f"http://{NAME}", False), ("null", False)):
        answer = client.post("/v1/events", base_url=f"http://{NAME}", headers={"Origin": origin}, json={})
        assert (answer.get_json()["code"] != "origin-foreign") == is_ours, origin
