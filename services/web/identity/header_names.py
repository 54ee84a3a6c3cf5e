"""A person's name in a header, which carries ASCII: percent-encoded UTF-8, plain or as RFC 8187 has it.

The server before us drops a header with any other byte, so that nobody would be named at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

from werkzeug.datastructures import Headers

_EXTENDED = re.compile(r"(?i)UTF-8'[A-Za-z0-9-]*'(.*)")
"""RFC 8187, 3.2.1: the charset, a language or none, and the value."""
_ENCODED = re.compile(r"(?:[^%]|%[0-9A-Fa-f]{2})*")


def read_name(headers: Mapping[str, str] | Headers, header: str) -> str:
    """The name that a request gives in a header, or in ``header*``; empty where it gives none.

    ``%E5%BC%A0%E4%B8%89`` and ``UTF-8''%E5%BC%A0%E4%B8%89`` are 张三. What is not percent-encoded
    UTF-8 throughout stands for itself, also as bytes of UTF-8.
    """
    text = headers.get(f"{header}*") or headers.get(header) or ""
    text = text.encode("latin-1", "replace").decode("utf-8", "replace").strip()
    extended = _EXTENDED.fullmatch(text)
    value = extended[1] if extended else text
    if not _ENCODED.fullmatch(value):
        return text
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        return text
