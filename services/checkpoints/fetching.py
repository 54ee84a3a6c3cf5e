"""Asking another machine by HTTP: bounded in time and size, without following it elsewhere."""

from __future__ import annotations

import urllib.request
from http.client import HTTPException
from typing import IO, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlsplit, urlunsplit

TIMEOUT_SECONDS = 10
ANSWER_BYTES_MAX = 65_536
TEXT = "text/plain; charset=utf-8"


class Unsent(Exception):
    """What was to leave did not arrive; the text says why."""


class HttpAnswer(NamedTuple):
    """A status, and what came with it."""

    status: int
    text: str


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A checkpoint goes where the operator said, and nowhere else."""

    def redirect_request(self, *_: object) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)


def ask(method: str, url: str, body: str | None = None) -> HttpAnswer:
    """One request, with ``user:password`` of the address as basic authentication.

    Raises:
        Unsent: where nobody answers.
    """
    parts = urlsplit(url)
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    request = urllib.request.Request(  # noqa: S310 - settings allow http and https alone
        bare, None if body is None else body.encode(), {"Content-Type": TEXT} if body else {}, method=method
    )
    if parts.username is not None:
        import base64

        named = f"{parts.username}:{parts.password or ''}"
        request.add_header("Authorization", f"Basic {base64.b64encode(named.encode()).decode()}")
    try:
        with _opener.open(request, timeout=TIMEOUT_SECONDS) as response:
            return HttpAnswer(response.status, _read(response))
    except HTTPError as error:
        with error:
            return HttpAnswer(error.code, _read(error))
    except (OSError, HTTPException, ValueError) as error:
        raise Unsent(f"{label_of(url)}: {getattr(error, 'reason', None) or error}") from None


def label_of(url: str) -> str:
    """An address without its password and query, as logs and findings may show it."""
    parts = urlsplit(url)
    if not parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))


def _read(response: IO[bytes]) -> str:
    return response.read(ANSWER_BYTES_MAX).decode("utf-8", "replace")
