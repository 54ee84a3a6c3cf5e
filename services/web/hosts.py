"""By which names this service is asked: any other is refused, whatever the address.

A page of another site can have its own name resolved to this machine (DNS rebinding); the browser then
takes us for that site, and only the ``Host`` of its requests says so (RFC 9110, 7.2 and 15.5.20).
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flask import Flask, Response, request

from domain.faults.fault import Fault
from services.runtime import metrics
from services.runtime.identity_settings import LOOPBACK_NAMES, IdentitySettings
from services.runtime.variables import PREFIX
from services.web.problems import Problem, answer

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9_.-]*[a-z0-9])?)\.?(?::[0-9]{1,5})?")
PROBES = ("health.live", "health.ready")
"""Addresses that answer by any name: probes ask by the address of a container; they tell nothing of facts."""


def register(app: Flask, settings: IdentitySettings, public_host: str = "") -> None:
    """Refuse, before anything else is looked at, what is not asked by a name of ours."""
    back_to = urlsplit(settings.redirect).hostname or ""
    names = frozenset((*LOOPBACK_NAMES, *settings.hosts, *filter(None, (back_to, public_host))))

    def check_host() -> Response | None:
        if request.endpoint in PROBES:
            return None
        # X-Forwarded-Host and Forwarded are the sender's word wherever a proxy hands them on, and not read.
        asked = _HOST.fullmatch(request.environ.get("HTTP_HOST", "").lower())
        if asked is None:
            return _refuse("request-bad", "host.form", 400)
        if asked[1].strip("[]") not in names:
            return _refuse("host-foreign", "host.foreign", 421)
        return None

    app.before_request(check_host)


def _refuse(problem: str, code: str, status: int) -> Response:
    metrics.refused(code)
    details = {"setting": f"{PREFIX}HOSTS", "public_setting": f"{PREFIX}PUBLIC_ADDRESS"}
    return answer(Problem(problem, [Fault(code, "Host", details)]), status, page=False)
