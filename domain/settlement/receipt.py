"""What a receipt is sealed over, and the marks by which a changed value in it can be named.

Digests are SHA-256 over canonical JSON: keys in order, no spaces, characters as they are (RFC 8785
for values without fractions, which is all that a receipt holds).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

FORMAT = "subsidy-receipt/1"
APART = ("marks", "seal")
"""Keys of a receipt that its digest is not over."""
MARK_DIGITS = 8


def canonical(value: Any) -> bytes:
    """A value's canonical JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def digest_of(value: Any) -> str:
    """SHA-256 over a value's canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical(value)).hexdigest()


def marks_of(document: dict[str, Any]) -> dict[str, str]:
    """The beginning of each single value's digest, by its place (RFC 6901)."""
    return {place: digest_of(value)[:MARK_DIGITS] for place, value in _values(document, "")}


def _values(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, part in value.items():
            yield from _values(part, f"{place}/{key.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list) and value:
        for number, part in enumerate(value):
            yield from _values(part, f"{place}/{number}")
    else:
        yield place, value


def seal_body(code: str, policy: str, year: int, document_digest: str, marks_digest: str) -> str:
    """What the ledger's key signs: whose receipt, and the digests of what it says and of its marks."""
    return f"{FORMAT}\n{code} {policy} {year}\n{document_digest}\n{marks_digest}\n"
