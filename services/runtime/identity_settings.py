"""Settings of identity: where tokens come from, and what their claims mean."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import NamedTuple

from domain.intake.quotas import RefusalQuota

MODES = ("local", "required")
RETURN = "/console/sign-in/done"
REFUSED = RefusalQuota(messages=5_000, megabytes=8)
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")
"""Names of this machine for itself: no other site can have them."""


def is_loopback(host: str) -> bool:
    """Whether an address stays on this machine; a name other than ``localhost`` does not count."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class UserRoles(NamedTuple):
    """A user of the operating system, by name or number, and their roles on the command line."""

    user: str
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class IdentitySettings:
    """``local`` takes whoever reaches loopback for the administrator; ``required`` wants a token or key."""

    mode: str = "local"
    issuer: str = ""
    """The ``iss`` of tokens."""
    audience: str = "subsidy-ledger"
    jwks: str = ""
    """The issuer's keys: an ``https://`` address (``http://`` on loopback), or a file."""
    roles_claim: str = "roles"
    name_claim: str = "preferred_username"
    enterprise_claim: str = "credit_code"
    source_claim: str = "source"
    client_id: str = ""
    """Our name at the issuer, for people who sign in to the console; empty: nobody does."""
    client_secret: str = field(default="", repr=False)
    client_secret_file: str = ""
    redirect: str = ""
    """The address that the issuer sends a browser back to: ours, ending in ``RETURN``."""
    hosts: tuple[str, ...] = ()
    """Names that the service is asked by, beside those of loopback; lower case, without port."""
    recheck: int = 900
    """After how many seconds the issuer is asked again what a signed-in person may do."""
    rate: int = 0
    """Requests a second that one caller may make of all workers together; 0: no limit."""
    failed: int = 60
    """Wrong tokens and keys that one address may bring in a minute; 0: no limit."""
    refused: RefusalQuota = REFUSED
    """How much of what is refused is kept for one key or person."""
    writes_once: bool = False
    """Whether a token may be used for one write only (its ``jti`` is remembered until it expires)."""
    users: tuple[UserRoles, ...] = ()
    """Who may do what on the command line; where none is named, every user has every role there."""
