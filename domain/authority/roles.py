"""Who may take which step: one table, the same for the API, the console and the command line."""

from __future__ import annotations

from dataclasses import dataclass

from domain.authority.persons import LOCAL, Person, canonical_name
from domain.faults.fault import Fault, FaultArgs, FaultValue

ROLES = ("upstream", "officer", "reviewer", "finance", "auditor", "enterprise", "operator")

MAY: dict[str, tuple[str, ...]] = {
    "claim.submit": ("officer", "enterprise"),
    "claim.propose": ("officer",),
    "claim.review": ("officer",),
    "claim.approve": ("reviewer",),
    "claim.reject": ("officer", "reviewer"),
    "claim.withdraw": ("officer", "enterprise"),
    "claim.appeal": ("officer", "enterprise"),
    "settlement.propose": ("officer",),
    "settlement.publish": ("officer",),
    "settlement.object": ("officer", "enterprise"),
    "settlement.resolve": ("reviewer",),
    "settlement.close": ("reviewer",),
    "payment.order": ("finance",),
    "payment.record": ("finance",),
    "clawback.order": ("officer",),
    "clawback.record": ("finance",),
    "adjustment.accept": ("officer",),
    "disagreement.decide": ("officer", "reviewer"),
}
"""Steps of claims and settlements, each with the roles that may take it."""


class NotAllowed(Exception):
    """A step that the rules do not allow: a stable ``code``, the field, and what fills its words."""

    def __init__(self, code: str, field: str = "", **args: FaultValue) -> None:
        super().__init__(f"{code} {field} {args}")
        self.fault = Fault(code, field, args)

    @property
    def code(self) -> str:
        """Of what is wrong; see ``domain.faults``."""
        return self.fault.code

    @property
    def field(self) -> str:
        """What of the step is wrong; empty where it is the step itself."""
        return self.fault.field

    @property
    def args_(self) -> FaultArgs:
        """What fills the fault's words."""
        return self.fault.args


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, or a program that acts for one; ``enterprise`` is the one that it belongs to."""

    name: str
    roles: frozenset[str]
    enterprise: str | None = None
    issuer: str = ""
    subject: str = ""
    """Who the person is at the issuer of their token; empty where identities are not checked."""
    publisher: str = ""
    """The id of the key of a program that publishes facts."""

    @property
    def person(self) -> Person:
        """Who takes a step, to be compared with who took another (``domain.authority.persons``)."""
        return Person(self.issuer, self.subject, self.name)

    @property
    def identity(self) -> str:
        """What a caller is known by: the id of a key, or issuer and subject; empty for nobody."""
        return self.publisher or f"{self.issuer} {self.subject}".strip()


NAME_CHARS_MAX = 200


def check_name(text: str, field: str) -> str:
    """A person's name without blanks at its ends; empty where none was given.

    Raises:
        NotAllowed: for a name with characters that cannot be seen or read, or a very long one.
    """
    name = text.strip()
    if len(name) > NAME_CHARS_MAX or not name.isprintable() or "\ufffd" in name:
        raise NotAllowed("actor.name", field, most=NAME_CHARS_MAX)
    return name


def declared_actor(
    name: str, roles: frozenset[str], enterprise: str | None = None, field: str = "actor"
) -> Actor:
    """Somebody who says their own name, where identities are not checked (``domain.authority.persons``).

    Raises:
        NotAllowed: for a name that cannot be shown.
    """
    shown = check_name(name, field)
    subject = canonical_name(shown)
    if shown and not subject:
        raise NotAllowed("actor.name", field, most=NAME_CHARS_MAX)
    return Actor(shown, roles, enterprise, LOCAL if shown else "", subject)


def require(actor: Actor, action: str, code: str | None = None) -> None:
    """Check that an actor may take a step, for the enterprise ``code``.

    Raises:
        NotAllowed: where no role of the actor's may, or an enterprise acts for another one.
    """
    if not actor.name:
        raise NotAllowed("actor.missing", "actor")
    allowed = actor.roles & set(MAY[action])
    if not allowed:
        raise NotAllowed("role.missing", "actor", action=action, roles=", ".join(MAY[action]))
    if allowed == {"enterprise"} and code is not None and actor.enterprise != code:
        raise NotAllowed("role.enterprise", "actor", action=action)
