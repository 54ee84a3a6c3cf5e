"""What is printed is printed in any encoding of a terminal or a pipe, and never ends in a traceback."""

from __future__ import annotations

import codecs
import io
import sys

NEAR = {
    "¥": ("￥", "Y"),
    "✓": ("√", "+"),
    "✗": ("×", "x"),
    "→": ("->",),
    "—": ("--",),
    "·": ("-",),
    "…": ("...",),
    "\N{NO-BREAK SPACE}": (" ",),
}
"""What stands for a sign where an encoding has none: the first that it has."""
HANDLER = "subsidy-ledger-near"


def _near(error: UnicodeError) -> tuple[str, int]:
    """Signs that are near, and a question mark for the rest."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    sign = error.object[error.start]
    for near in NEAR.get(sign, ()):
        try:
            near.encode(error.encoding)
        except UnicodeEncodeError:
            continue
        return near, error.start + 1
    return "?", error.start + 1


def print_in_any_encoding() -> None:
    """Have standard output and errors write what their encoding lacks by something near, or ``?``."""
    codecs.register_error(HANDLER, _near)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=HANDLER)
