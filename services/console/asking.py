"""What a page is asked for in its address: texts, choices, and where a list goes on."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import request

from domain.faults.fault import Fault
from domain.faults.validation import FaultError
from services.web.fields import Cursor, cursor_text
from services.web.problems import Problem

TEXT_MAX = 200


def text(name: str, limit: int = TEXT_MAX) -> str:
    """A text of the address without what cannot be printed; empty where it is not given."""
    said = request.args.get(name, "")
    return "".join(letter for letter in said if letter.isprintable()).strip()[:limit]


def choice(name: str, known: tuple[str, ...], otherwise: str) -> str:
    """One of a few words."""
    said = request.args.get(name, "")
    return said if said in known else otherwise


def cursor(name: str, *kinds: type, at: str = "cursor") -> tuple[Any, ...] | None:
    """Where the list goes on; ``None`` at its beginning.

    Raises:
        Problem: for a cursor that this page did not give out.
    """
    said = request.args.get(at)
    if not said:
        return None
    try:
        return Cursor(name, *kinds).settle(said)
    except FaultError:
        raise Problem("request-invalid", [Fault("cursor.form", at)]) from None


def further(name: str, *values: Any, at: str = "cursor", place: str = "") -> str:
    """The address of the next page of a list; what else was asked for stays."""
    args = {key: value for key, value in request.args.items() if key != "lang"}
    return f"{request.path}?{urlencode({**args, at: cursor_text(name, *values)})}{place}"


def beginning(at: str = "cursor") -> str:
    """The address of the first page of a list; empty where this is the first one."""
    if at not in request.args:
        return ""
    args = {key: value for key, value in request.args.items() if key not in (at, "lang")}
    return f"{request.path}?{urlencode(args)}" if args else request.path
