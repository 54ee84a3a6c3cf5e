"""Who takes a step: read from the request, checked by the domain (``domain.roles``)."""

from __future__ import annotations

from flask import request

from domain.credit_code import is_valid
from domain.roles import ROLES, Actor
from ledger.looks import NOBODY
from services.api.looking import actor

ROLES_HEADER = "Subsidy-Roles"
ENTERPRISE_HEADER = "Subsidy-Enterprise"
BUREAU = frozenset({"officer", "reviewer", "finance"})
"""The roles of a caller that names none."""


def requester() -> Actor:
    """The actor of this request, by its headers."""
    name = actor()
    said = request.headers.get(ROLES_HEADER)
    roles = BUREAU if said is None else frozenset(said.replace(" ", "").split(",")) & set(ROLES)
    code = request.headers.get(ENTERPRISE_HEADER, "")
    return Actor("" if name == NOBODY else name, roles, code if is_valid(code) else None)
