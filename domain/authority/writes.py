"""May this be written? One pure function for every write, whatever door it came through.

A door finds out who writes (``Writer``) and says what would be written (``Write``); ``judge_write``
answers a fault or nothing. docs/authority.md shows the table that follows from it.
"""

from __future__ import annotations

from typing import NamedTuple

from domain.authority.publishers import Scope
from domain.authority.roles import MAY, Actor, NotAllowed
from domain.faults.fault import Fault

TRIAL, LOCAL, IDENTITY = "trial", "local", "required"
"""How far writers are known: nobody is asked for, names are declared, or identities are verified.

``TRIAL`` is for ledgers that hold nothing true: worked cases, what-ifs, the sample city. No door
that others can reach writes in it.
"""


NAMELESS = frozenset(
    (
        "policy.adopt",
        "budget.set",
        "refusal.dismiss",
        "refusal.resubmit",
        "key.make",
        "key.end",
        "sample.make",
    )
)
"""Steps that a ledger without identities takes from whoever reaches it, named or not."""


class Writer(NamedTuple):
    """Who would write: a person or program, bound to a source where it is a publisher."""

    actor: Actor
    mode: str
    scope: Scope | None = None
    """A publisher's source and types: by its key, its own topic, its signature or its token."""


NO_WRITER = Writer(Actor("", frozenset()), TRIAL)
"""Nobody who would have to be allowed anything."""


class Write(NamedTuple):
    """What would be written: a step of ``MAY``, and of a message what it says and about whose fact."""

    action: str
    enterprise: str | None = None
    """Whose matter a step is, where an enterprise may take it for itself."""
    source: str = ""
    type: str = ""
    of_source: str = ""
    """Of an amendment: the source of what it takes back or changes."""
    of_type: str = ""
    of_claim: str = ""
    """Of a step of a claim, or a correction of one: the other source whose claim it would touch."""
    amenders: frozenset[str] = frozenset()
    """The sources that a policy lets amend what others said."""
    deciders: frozenset[str] | None = None
    """Of a decision about a claim: the sources that the policy lets decide the measure from outside."""


def judge_write(writer: Writer, write: Write) -> Fault | None:
    """The fault of a write that is not the writer's to make; nothing where it is.

    The field of a fault is that of the message, or ``actor`` for a step.
    """
    if writer.mode == TRIAL:
        return None
    fault = _judge_scope(writer.scope, write) if writer.scope is not None else _judge_role(writer, write)
    if fault is not None or not write.source:
        return fault
    if write.deciders is not None and write.source not in write.deciders:
        return Fault("claim.outside", "type", {"source": write.source})
    if write.deciders is not None or write.source in write.amenders:
        return None  # who may decide a measure's claims decides those of others
    if write.of_source not in ("", write.source):
        return _of_another("amend.foreign", "data.of_source", write.source, write.of_source)
    if write.of_claim not in ("", write.source):
        field = "data.changes.claim" if write.of_type else "data.claim"
        return _of_another("claim.foreign", field, write.source, write.of_claim)
    return None


def require(actor: Actor, action: str, code: str | None = None) -> None:
    """Check that an actor may take a step, for the enterprise ``code``.

    Raises:
        NotAllowed: where no role of the actor's may, or an enterprise acts for another one.
    """
    fault = judge_write(Writer(actor, LOCAL), Write(action, code))
    if fault is not None:
        raise NotAllowed(fault.code, fault.field, **fault.args)


def _judge_scope(scope: Scope, write: Write) -> Fault | None:
    """A bound publisher says facts of its source and types, and amends such types alone."""
    if "upstream" not in MAY[write.action]:
        return _role_missing(write.action)
    if write.source != scope.source:
        return _foreign("source.foreign", "source", scope)
    if not scope.allows_type(write.type):
        return _foreign("type.foreign", "type", scope)
    if write.of_type and not scope.allows_type(write.of_type):
        return _foreign("type.foreign", "data.of_type", scope)
    return None


def _foreign(code: str, field: str, scope: Scope) -> Fault:
    return Fault(code, field, {"source": scope.source, "types": ", ".join(sorted(scope.types)) or "—"})


def _judge_role(writer: Writer, write: Write) -> Fault | None:
    """A person, or a program that is bound to no source, by its roles."""
    actor = writer.actor
    if not actor.name and not write.source and write.action not in NAMELESS:
        return Fault("actor.missing", "actor")
    allowed = actor.roles & set(MAY[write.action])
    if not allowed and write.source:
        return Fault("sender.role", "type", {"type": write.type, "roles": ", ".join(MAY[write.action])})
    if not allowed:
        return _role_missing(write.action)
    if allowed == {"enterprise"} and write.enterprise is not None and actor.enterprise != write.enterprise:
        return Fault("role.enterprise", "actor", {"action": write.action})
    if allowed == {"upstream"} and writer.mode == IDENTITY:
        return Fault("source.unbound", "source")
    return None


def _role_missing(action: str) -> Fault:
    return Fault("role.missing", "actor", {"action": action, "roles": ", ".join(MAY[action])})


def _of_another(code: str, field: str, source: str, of_source: str) -> Fault:
    return Fault(code, field, {"source": source, "of_source": of_source})
