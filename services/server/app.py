"""The service: joins the API's resources, the errors, the headers and the console to one ledger."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from flask import Flask, Request, Response
from flask import request as current_request
from flask.json.provider import DefaultJSONProvider
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from werkzeug.routing import Rule

from ledger.log.holding import hold_appends
from ledger.store.application import Ledger
from services.api.amendments.views import blueprint as amendments
from services.api.claims.views import blueprint as claims
from services.api.disagreements.views import blueprint as disagreements
from services.api.document import DocumentedApi
from services.api.documentation.views import blueprint as documentation
from services.api.documents.views import blueprint as documents
from services.api.enterprises.views import blueprint as enterprises
from services.api.event_types.views import blueprint as event_types
from services.api.events.views import blueprint as events
from services.api.health.views import blueprint as health
from services.api.log.tiles import blueprint as tlog
from services.api.log.views import blueprint as log
from services.api.looks.views import blueprint as looks
from services.api.metrics.views import blueprint as metrics
from services.api.payments.views import blueprint as payments
from services.api.policies.views import blueprint as policies
from services.api.receipts.views import blueprint as receipts
from services.api.refused.views import blueprint as refused
from services.api.settlements.views import blueprint as settlements
from services.api.sheets.views import blueprint as sheets
from services.api.traces.views import blueprint as traces
from services.api.waiting.views import blueprint as waiting
from services.api.what_if.views import blueprint as what_if
from services.api.years.views import blueprint as years
from services.console import app as console
from services.runtime import logs, tracing
from services.runtime import metrics as measurements
from services.runtime.identity_settings import IdentitySettings
from services.runtime.proxy_settings import ProxySettings
from services.server import proxies
from services.server.shared import find_shared_folder
from services.web import arriving, bodies, hosts, looking, problems
from services.web import response_headers as headers
from services.web.identity import gate
from services.web.sheets.desk import SheetDesk

BODY_BYTES_MAX = 16 * 1024 * 1024
"""Largest body of one request; a stream of events has no limit but that of each line."""

RESOURCES = (
    events,
    sheets,
    event_types,
    enterprises,
    policies,
    years,
    claims,
    settlements,
    payments,
    documents,
    receipts,
    refused,
    disagreements,
    amendments,
    waiting,
    log,
    tlog,
    looks,
    traces,
    what_if,
    health,
    metrics,
    documentation,
)


def _own_folder(ledger: Ledger) -> Path:
    folder = TemporaryDirectory(prefix="subsidy-sheets-")
    ledger.before_close.append(folder.cleanup)
    return Path(folder.name)


class Json(DefaultJSONProvider):
    """JSON in UTF-8, in the order in which an answer is built."""

    ensure_ascii = False
    sort_keys = False
    compact = True

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Write JSON; half a surrogate pair, which an upstream may send, becomes a question mark."""
        try:
            return msgspec.json.encode(obj).decode()
        except (TypeError, ValueError):  # what only the standard library writes, such as half a pair
            return super().dumps(obj, **kwargs).encode("utf-8", "replace").decode()


class Sessions(SecureCookieSessionInterface):
    """Flask's sessions; whoever brings no cookie, as every program, costs no cryptography."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Read the caller's session, or begin an empty one."""
        if "HTTP_COOKIE" not in request.environ and app.secret_key:
            return SecureCookieSession()
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write the caller's session; one that nobody looked into or changed needs nothing."""
        if session or session.accessed or session.modified:
            super().save_session(app, session, response)

    def get_cookie_secure(self, app: Flask) -> bool:
        """Whether the cookie goes over https alone: where this request came so."""
        return super().get_cookie_secure(app) or current_request.is_secure


class LateRule(Rule):
    """A route; what builds its address is compiled when one is built, which of most routes never happens."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compile_now = super()._compile_builder
        compiled: list[Callable[..., tuple[str, str]]] = []

        def build(*rule: Rule, **values: Any) -> tuple[str, str]:
            if not compiled:
                compiled.append(compile_now(append_unknown))
            return compiled[0](*rule, **values)

        return build


class Pieces:
    """An answer's pieces; after those that could be made, what ``refuse`` says where one could not.

    It takes back what was said until then (``start_response`` with an error, PEP 3333); a server that has
    sent it already gets the error itself.
    """

    def __init__(self, pieces: Iterable[bytes], refuse: Callable[[Exception], bytes]) -> None:
        self.pieces, self.refuse = pieces, refuse

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self.pieces
        except Exception as error:
            yield self.refuse(error)

    def close(self) -> None:
        """Let the answer free what it holds."""
        if close := getattr(self.pieces, "close", None):
            close()


class Api(Flask):
    """Flask with our JSON."""

    json_provider_class = Json
    url_rule_class = LateRule
    session_interface = Sessions()

    def wsgi_app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request; where what is told piece by piece cannot be read to its end, by a problem."""

        def refuse(error: Exception) -> bytes:
            with self.request_context(environ):
                response = problems.on_exception(error)
            start_response(response.status, response.headers.to_wsgi_list(), sys.exc_info())
            return response.get_data()

        return Pieces(super().wsgi_app(environ, start_response), refuse)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Call views and hooks as they are: none is a coroutine, which Flask would ask each time."""
        return func


def create_app(
    ledger: Ledger,
    identity: IdentitySettings | None = None,
    sheets_folder: Path | None = None,
    signing_key: Path | None = None,
    forms_key: Path | None = None,
    proxy: ProxySettings | None = None,
) -> Flask:
    """Make the service of one ledger; by default whoever reaches it is the local administrator.

    ``sheets_folder`` is where spreadsheets wait, the same for every process that serves the
    ledger; by default a folder of this process's own.
    So are ``signing_key``, the file of the key that signs checkpoints, and ``forms_key``, the file of
    the secret that protects the console's forms; without it each application has one of its own.
    ``proxy`` says what stands before the service; by default nothing does.
    """
    app = Api("services.api", static_folder=None)
    app.extensions["subsidy-ledger"] = ledger
    app.extensions["subsidy-sheets"] = SheetDesk(ledger, sheets_folder or _own_folder(ledger))
    key_file = signing_key or _own_folder(ledger) / "signing.key"
    app.config["SIGNING_KEY"] = str(key_file)
    hold_appends(ledger, key_file)
    app.config["MAX_CONTENT_LENGTH"] = BODY_BYTES_MAX
    app.url_map.merge_slashes = False
    api = DocumentedApi(app)
    for blueprint in RESOURCES:
        api.register_blueprint(blueprint)
    problems.register(app)
    before = proxy or ProxySettings()
    hosts.register(app, identity or IdentitySettings(), before.public_host)
    bodies.register(app)
    proxies.register(app, before)
    tracing.register(app)
    logs.register(app)
    measurements.register(app, ledger)
    gate.register(app, ledger, identity or IdentitySettings(), find_shared_folder())
    arriving.register(app)
    headers.register(app)
    looking.register(app, ledger)
    console.register(app, ledger, forms_key)
    return app
