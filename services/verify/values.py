"""JSON as every reader must see it alike: in UTF-8, no key twice, whole numbers, whole characters.

Readers of JSON differ in which of two equal keys they take, and in what they make of fractions, of
numbers too large for a double and of half characters. A file that holds any of these could say one
thing to a person and another to a program, so it is refused.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, NoReturn

WHOLE_MAX = 2**53 - 1
"""The largest whole number that every reader of JSON holds exactly (RFC 8259, section 6)."""
SHOWN_MAX = 60
"""Most characters of a value in a message."""
BOM = b"\xef\xbb\xbf"


class Unreadable(ValueError):
    """Text that is not JSON as a ledger writes it; says what is wrong and where."""


def parsed(raw: bytes) -> Any:
    """The value that a text says.

    Raises:
        Unreadable: for anything but JSON that every reader sees alike.
    """
    text = decoded(raw)
    try:
        value = _STRICT.decode(text)
    except json.JSONDecodeError as error:
        raise Unreadable(_not_json(text, error)) from None
    except RecursionError:
        raise Unreadable("not JSON: nested too deeply") from None
    if "\\ud" in text or "\\uD" in text:
        _whole_characters(value)
    return value


def decoded(raw: bytes) -> str:
    """Text in UTF-8.

    Raises:
        Unreadable: for another encoding, or none.
    """
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in raw[:4]:
        raise Unreadable("it is in UTF-16: a program saved it anew; get the file again")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        fault = "it is not in UTF-8 (perhaps in GB18030)"
        raise Unreadable(f"{fault}: a program saved it anew; get the file again") from None


def _not_json(text: str, error: json.JSONDecodeError) -> str:
    if not text.strip():
        return "it is empty"
    if not text[: error.pos].strip():
        return f"not JSON: it begins with {text.strip()[:SHOWN_MAX]}"
    line = f"line {error.lineno}, " if "\n" in text.strip() else ""
    return f"not JSON: damaged or cut off at {line}character {error.colno}"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) == len(pairs):
        return values
    ((name, _),) = Counter(name for name, _ in pairs).most_common(1)
    written = " and ".join(_abbreviated(value) for key, value in pairs if key == name)
    raise Unreadable(f"{_abbreviated(name)} is written more than once: {written}")


def _abbreviated(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN_MAX else text[:SHOWN_MAX] + "…"


def _whole_number(text: str) -> int:
    if text == "-0" or len(text) > len(str(-WHOLE_MAX)) or abs(int(text)) > WHOLE_MAX:
        _refused(text)
    return int(text)


def _refused(text: str) -> NoReturn:
    raise Unreadable(f"{text[:SHOWN_MAX]} is not a whole number as a ledger writes it")


def _whole_characters(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = str(error.object)[error.start]
        raise Unreadable(f"half a character: \\u{ord(half):04x}") from None


_STRICT = json.JSONDecoder(
    object_pairs_hook=_once, parse_int=_whole_number, parse_float=_refused, parse_constant=_refused
)
