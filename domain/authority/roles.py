"""Who may take which step: one table, the same for the API, the console and the command line."""

from __future__ import annotations

from dataclasses import dataclass

from domain.authority.persons import LOCAL, Person, canonical_name
from domain.faults.fault import Fault, FaultArgs, FaultValue

ROLES = ("upstream", "officer", "reviewer", "finance", "auditor", "enterprise", "operator")
MONITOR = "monitor"
"""The role of a program that only reads measurements: none of those, as it takes no step."""
BUREAU = ("officer", "reviewer", "finance")
STAFF = (*BUREAU, "auditor", "operator")
"""Who works with the ledger: may see every enterprise's history, so every leaf of the log too."""

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
    "merge.decide": ("officer", "reviewer"),
    "amendment.make": ("officer", "reviewer"),
    "fact.report": ("upstream", "officer", "operator"),
    "fact.publish": ("upstream", "operator"),
    "fact.amend": ("upstream", "operator"),
    "claim.report": ("upstream", "officer", "operator"),
    "claim.decide": ("upstream", "operator"),
    "refusal.resubmit": ("officer", "operator"),
    "refusal.dismiss": ("officer", "operator"),
    "policy.adopt": ("operator",),
    "budget.set": ("operator", "finance"),
    "key.make": ("operator",),
    "key.end": ("operator",),
    "sample.make": ("operator",),
}
"""Everything that is written, each with the roles that may write it (``domain.authority.writes``).

``fact.report`` is a fact in a message or a row of a sheet, ``fact.publish`` messages over HTTP;
``fact.amend``, ``claim.report`` and ``claim.decide`` are amendments and steps of claims that come
from outside as messages or rows; ``amendment.make`` is the desk's own correction of what a source said.
"""


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
    source: str = ""
    """The source that somebody speaks for who only sends facts; empty where none is bound to them."""
    confirming: str = ""
    """The id of a waiting step that the person means to confirm."""
    proposed_by: Person | None = None
    """Who proposed the step that the person confirms, where it needs two."""

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
