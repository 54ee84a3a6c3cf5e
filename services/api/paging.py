"""Pages: a cursor in, a link to the next page out, in the body and in the Link header."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from flask import request

from services.web.fields import cursor_text

PageAnswer = tuple[dict[str, Any], int, dict[str, str]]


def page(
    items: Sequence[dict[str, Any]],
    limit: int,
    cursor: tuple[str, ...],
    extra: dict[str, Any] | None = None,
) -> PageAnswer:
    """Make a page of at most ``limit`` items out of what was found, which is one more if there are more.

    Args:
        cursor: the cursor's name, then the names of the keys of an item that it holds.
    """
    on_page = list(items[:limit])
    if len(items) <= limit:
        return {**(extra or {}), "items": on_page, "next": None}, 200, {}
    name, *keys = cursor
    return linked(on_page, cursor_text(name, *(on_page[-1][key] for key in keys)), extra)


def linked(
    items: list[dict[str, Any]], cursor: str | None, extra: dict[str, Any] | None = None
) -> PageAnswer:
    """A page that goes on at a cursor."""
    body = {**(extra or {}), "items": items}
    if cursor is None:
        return {**body, "next": None}, 200, {}
    query = {**request.args.to_dict(), "cursor": cursor}
    link = f"{request.path}?{urlencode(query)}"
    return {**body, "next": link}, 200, {"Link": f'<{link}>; rel="next"'}
