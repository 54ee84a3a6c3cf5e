"""What stands before the service: where a request really came from, and by which address people know us.

Only what comes from the address of a trusted proxy is believed to say where it came from. Such a proxy
adds the address that it was asked from at the end of ``X-Forwarded-For``; whatever stands before the first
address that is no proxy of ours, read from the end, is the sender's word.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.http import parse_list_header
from werkzeug.middleware.proxy_fix import ProxyFix

from services.runtime.proxy_settings import ProxySettings

Environ = dict[str, Any]
App = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
PORTS = {"http": 80, "https": 443}


class BehindProxies:
    """Gives an application the address of whoever asks, and the scheme and host that people see."""

    def __init__(self, app: App, settings: ProxySettings) -> None:
        self.app, self.settings = app, settings
        public = urlsplit(settings.public_address)
        self.scheme, self.netloc = public.scheme, public.netloc
        bare = self.netloc.removesuffix(f":{public.port}")
        self.netlocs = {bare, f"{bare}:{public.port or PORTS[self.scheme]}"} if self.netloc else set()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        serve: App = self._serve_at_public_address
        if self._is_trusted(environ.get("REMOTE_ADDR", "")):
            if environ.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2].strip() not in PORTS:
                environ.pop("HTTP_X_FORWARDED_PROTO", None)
            hops = self._count_hops(environ.get("HTTP_X_FORWARDED_FOR", ""))
            serve = ProxyFix(serve, x_for=hops, x_proto=1)
        return serve(environ, start_response)

    def _serve_at_public_address(
        self, environ: Environ, start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        if environ.get("HTTP_HOST", "").lower() in self.netlocs:
            environ["wsgi.url_scheme"], environ["HTTP_HOST"] = self.scheme, self.netloc
        return self.app(environ, start_response)

    def _is_trusted(self, text: str) -> bool:
        address = _read_address(text)
        return address is not None and any(address in network for network in self.settings.trusted)

    def _count_hops(self, forwarded: str) -> int:
        """How many addresses at the end of ``X-Forwarded-For`` trusted proxies wrote; 0: none is usable."""
        addresses = parse_list_header(forwarded)
        for count, address in enumerate(reversed(addresses), start=1):
            if _read_address(address) is None:
                return count - 1
            if not self._is_trusted(address):
                return count
        return len(addresses)


def _read_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def register(app: Flask, settings: ProxySettings) -> None:
    """Put it before an application, where anything is set."""
    if settings != ProxySettings():
        app.wsgi_app = BehindProxies(app.wsgi_app, settings)  # type: ignore[method-assign]
