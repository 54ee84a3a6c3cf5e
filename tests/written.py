"""Messages written member by member, so that a test can write any slip."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from ledger.intake.messages.decode import Now, Refusal, decode
from tests.events import SOURCE
from tests.oracle.codes import credit_code

NOW = Now.bounds_at(datetime(2026, 6, 15, 4, tzinfo=UTC))
Pairs = list[tuple[str, str]]
"""The members of a JSON object, in order, each value as JSON text: any slip can be written so."""


def quoted(text: str) -> str:
    """JSON text of a text, without escapes for what needs none."""
    return json.dumps(text, ensure_ascii=False)


def written(envelope: Pairs, data: Pairs, blank: str = "") -> bytes:
    """The bytes of a message; ``blank`` is the white space between its tokens."""
    inner = "{" + f"{blank},{blank}".join(f'"{k}"{blank}:{blank}{v}' for k, v in data) + "}"
    outer = [f'"{k}"{blank}:{blank}{v or inner}' for k, v in envelope]
    return (blank + "{" + f"{blank},{blank}".join(outer) + "}" + blank).encode("utf-8", "surrogatepass")


def store_parts(**changed: str) -> tuple[Pairs, Pairs]:
    """A good store registration, some of its values changed; an empty value leaves one out."""
    envelope = {
        "specversion": '"1.0"',
        "id": '"1"',
        "source": quoted(SOURCE),
        "type": '"subsidy.store-registered.v1"',
        "subject": quoted(credit_code(1)),
        "time": '"2024-05-05T00:00:00Z"',
    }
    data = {"platform": '"tmall"', "kind": '"flagship"', "shop": '"s"', "on": '"2024-05-05"'}
    for key, value in changed.items():
        (data if key in data or key == "extra" else envelope)[key] = value
    named = [(k, v) for k, v in envelope.items() if v and k != "data"]
    return [*named, ("data", changed.get("data", ""))], [(k, v) for k, v in data.items() if v]


def store(**changed: str) -> bytes:
    """A store registration."""
    return written(*store_parts(**changed))


def of_type(name: str, /, **data: str) -> bytes:
    """A good envelope with data of another type."""
    envelope, _ = store_parts(type=quoted(f"subsidy.{name}.v1"))
    return written(envelope, list(data.items()))


def sales(**changed: str) -> bytes:
    """A report of sales."""
    data = {"channel": '"online"', "year": "2024", "amount": '"1.00"', "currency": '"CNY"'}
    return of_type("sales-reported", **{**data, **changed})


def correction(**changed: str) -> bytes:
    """A correction of a report of sales."""
    data = {
        "of": '"x"',
        "of_type": '"subsidy.sales-reported.v1"',
        "reason": '"r"',
        "changes": '{"year":2024}',
    }
    return of_type("fact-corrected", **{**data, **changed})


def codes(raw: bytes) -> dict[str, str]:
    """Codes and fields of what is wrong with a message."""
    found = decode(raw, NOW)
    return {fault.code: fault.field for fault in found.faults} if isinstance(found, Refusal) else {}
