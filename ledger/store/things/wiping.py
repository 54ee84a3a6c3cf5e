"""Numbers of natural persons' identity cards, wiped out of messages that were refused.

New refusals are kept without them (``ledger.intake.messages.wiping``); ``migrate`` wipes the old ones.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from domain.things.personal_number import WIPED, may_hold_number, wipe_alike, wipe_personal_numbers
from ledger.store.rows import Rows

_ESCAPE = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|.)", re.DOTALL)
"""A character as JSON may write it; what is written so between digits is seen through."""
CODE_FIELDS = ("subject", "by", "enterprise")
"""Members that hold an enterprise's code: what looks like a person's number there is one, slips and all."""


def wipe_refused(rows: Rows) -> int:
    """Wipe the refused messages that hold a number of an identity card; how many there were.

    One that says nothing else than another one, once both are wiped, is kept once.
    """
    columns = "digest, raw, source, event_id, subject, faults"
    wiped = 0
    for digest, raw, source, event_id, subject, faults in rows.all(f"SELECT {columns} FROM refused"):
        texts = (_wiped(source), _wiped(event_id), _wiped(subject, True), wipe_alike(faults))
        message = wipe_message(bytes(raw))
        if message == bytes(raw) and texts == (source, event_id, subject, faults):
            continue
        wiped += 1
        new_digest = hashlib.sha256(message).hexdigest()
        if new_digest != digest and rows.all("SELECT 1 FROM refused WHERE digest=?", [new_digest]):
            rows.run("DELETE FROM refused WHERE digest=?", [digest])
            continue
        rows.run(
            "UPDATE refused SET digest=?, raw=?, source=?, event_id=?, subject=?, faults=? WHERE digest=?",
            [new_digest, message, *texts, digest],
        )
    return wiped


def _wiped(text: str | None, as_code: bool = False) -> str | None:
    return None if text is None else wipe_personal_numbers(text, as_code)


def wipe_message(raw: bytes) -> bytes:
    """The bytes of a message without numbers of identity cards; the same object where it holds none.

    What is no JSON, or spells a number so that it cannot be cut out, is wiped where it looks like one.
    """
    text = raw.decode("utf-8", "replace")
    if not may_hold_number(text) and "\\" not in text:
        return raw
    try:
        document = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_members)
    except (ValueError, RecursionError):
        wiped_text = wipe_alike(text)
        if may_hold_number(_ESCAPE.sub(" ", wiped_text)):
            wiped_text = WIPED
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
