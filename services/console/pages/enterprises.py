"""Enterprises: the list with its search, and one enterprise."""

from __future__ import annotations

from flask import Response

from services.console.blueprint import console
from services.console.pages.home import MENU, known_policy
from services.console.rendering import page

MENU.append(("enterprises_page", "nav-enterprises"))


@console.get("/<policy>/<int:year>/enterprises")
def enterprises_page(policy: str, year: int) -> Response:
    """List enterprises."""
    known_policy(policy, year)
    return page("enterprises.html", policy=policy, year=year)


@console.get("/<policy>/<int:year>/enterprises/<code>")
def enterprise_page(policy: str, year: int, code: str) -> Response:
    """Show one enterprise."""
    known_policy(policy, year)
    return page("enterprise.html", policy=policy, year=year, code=code)
