"""Methods of HTTP as measurements and traces name them: a caller may write any word for one."""

from __future__ import annotations

KNOWN_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"))
"""RFC 9110 and RFC 5789."""
OTHER_METHOD = "_OTHER"
"""What stands for all others, as OpenTelemetry's conventions say it."""


def name_method(method: str) -> str:
    """The method of a request, out of a fixed list."""
    return method if method in KNOWN_METHODS else OTHER_METHOD
