"""Messages that hold the number of a natural person's identity card are refused, and kept without it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from domain.faults.fault import Fault
from domain.things.personal_number import may_hold_number, wipe_alike, wipe_personal_numbers
from ledger.intake.messages.decode import Refusal

CODE_FIELDS = ("subject", "by", "enterprise")
"""Members that hold an enterprise's code: what looks like a person's number there is one, slips and all."""


def wipe_refusal(refusal: Refusal) -> Refusal:
    """The refusal without numbers of identity cards; the same where it holds none."""
    raw = wipe_message(refusal.raw)
    named = {
        "source": _wiped(refusal.source),
        "event_id": _wiped(refusal.event_id),
        "subject": _wiped(refusal.subject, as_code=True),
        "type": _wiped(refusal.type),
        "correlation": _wiped(refusal.correlation),
    }
    is_same = raw is refusal.raw and all(getattr(refusal, name) == text for name, text in named.items())
    faults = [wipe_fault(fault) for fault in refusal.faults]
    return (
        refusal if is_same and faults == refusal.faults else replace(refusal, raw=raw, faults=faults, **named)
    )


def wipe_fault(fault: Fault) -> Fault:
    """A fault whose words repeat no number of an identity card."""
    args = {name: wipe_alike(each) if isinstance(each, str) else each for name, each in fault.args.items()}
    return Fault(fault.code, wipe_alike(fault.field), args)


def wipe_message(raw: bytes) -> bytes:
    """The bytes of a message without numbers of identity cards; the same object where it holds none.

    What is no JSON, or spells a number so that it cannot be cut out, is wiped where it looks like one.
    """
    text = raw.decode("utf-8", "replace")
    if not may_hold_number(text) and "\\u" not in text:
        return raw
    try:
        document = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_members)
    except (ValueError, RecursionError):
        wiped_text = wipe_alike(text)
        return raw if wiped_text == text else wiped_text.encode("utf-8", "replace")
    wiped = _wiped_value(document, as_code=False)
    return raw if wiped == document else json.dumps(wiped, ensure_ascii=False).encode("utf-8", "replace")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key stands twice")  # one of the values would be overlooked
    return members


def _wiped_value(value: Any, as_code: bool) -> Any:
    if isinstance(value, str):
        return wipe_personal_numbers(value, as_code)
    if isinstance(value, int) and not isinstance(value, bool):
        wiped = wipe_personal_numbers(str(value), as_code)
        return value if wiped == str(value) else wiped
    if isinstance(value, list):
        return [_wiped_value(each, as_code) for each in value]
    if isinstance(value, Mapping):
        return {
            wipe_personal_numbers(name): _wiped_value(each, as_code or name in CODE_FIELDS)
            for name, each in value.items()
        }
    return value


def _wiped(text: str | None, as_code: bool = False) -> str | None:
    return None if text is None else wipe_personal_numbers(text, as_code)
