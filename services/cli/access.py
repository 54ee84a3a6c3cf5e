"""What each command is: it takes steps of the one table, tells of no enterprise, or is a read that is noted.

A command that stands in none of the tables is a read of enterprises' data, and is noted before it is
answered: so one that is added is noted before anybody thinks of it. Tests hold each command to its place.
"""

from __future__ import annotations

from domain.authority.roles import BUREAU, MAY, STAFF

STEPS: dict[str, tuple[str, ...]] = {
    "adjust": ("adjustment.accept",),
    "adopt": ("policy.adopt",),
    "amend correct": ("amendment.make",),
    "amend retract": ("amendment.make",),
    "claim appeal": ("claim.appeal",),
    "claim approve": ("claim.approve",),
    "claim propose": ("claim.propose",),
    "claim reject": ("claim.reject",),
    "claim review": ("claim.review",),
    "claim submit": ("claim.submit",),
    "claim withdraw": ("claim.withdraw",),
    "clawback": ("clawback.order",),
    "disagreements decide": ("disagreement.decide",),
    "ingest": ("fact.report", "fact.amend", "claim.report", "claim.decide"),
    "keys add": ("key.make",),
    "keys revoke": ("key.end",),
    "pay order": ("payment.order",),
    "pay results": ("payment.record",),
    "pay statement": ("payment.record",),
    "recovered": ("clawback.record",),
    "sample": ("sample.make",),
    "set-budget": ("budget.set",),
    "settle close": ("settlement.close",),
    "settle object": ("settlement.object",),
    "settle propose": ("settlement.propose",),
    "settle publish": ("settlement.publish",),
    "settle resolve": ("settlement.resolve",),
    "things decide": ("merge.decide",),
}
"""Commands that write, each with the steps of ``domain.authority.roles.MAY`` that it may take."""

OF_WAITING_STEPS = frozenset(("waiting confirm", "waiting withdraw"))
"""Commands that end what waits; the step that waits is judged by its own row of ``MAY``."""

_SERVES = "is a door that others come through, each read of theirs noted there"
_EXAMINES = "examines the ledger and changes nothing in it; names a row only where it is not what was written"
_FILE = "reads a file that the caller has, and no ledger's facts"
_HASHES = "prints hashes, keys and signatures"
_SUMS = "prints rules, or sums of the city"

OPERATE = frozenset(
    (
        *("correct-clock", "disagreements look-back", "erase-person", "log-rows", "migrate", "rebuild"),
        *("replace-lost-key", "replay-dead-letters", "restored", "rotate-key", "sessions"),
    )
)
"""Commands that run or mend the ledger itself: the operator's."""

TELL_OF_NONE: dict[str, str] = {
    **dict.fromkeys(OPERATE, "runs or mends the ledger itself, and prints no more than what it did"),
    **dict.fromkeys(("consume", "publish", "serve"), _SERVES),
    **dict.fromkeys(("audit", "doctor", "replay", "verify-backup"), _EXAMINES),
    **dict.fromkeys(("check", "policy check", "policy diff", "policy test"), _FILE),
    **dict.fromkeys(("asyncapi", "documents templates", "policy schema", "sheet template"), "prints forms"),
    **dict.fromkeys(
        ("check-page", "checkpoint", "cosign", "log-keys", "prove", "prove-consistency", "witness"), _HASHES
    ),
    **dict.fromkeys(("budget", "policies", "targets"), _SUMS),
    "keys list": "names systems, and no enterprise",
    "looks": "says who looked, as the API's list of looks does",
}
"""Commands that show no enterprise's data, each with the reason why."""

TELL_AFTERWARDS = frozenset(("disagreements show", "trace"))
"""Reads whose enterprises are known once they are read; they note these themselves, before they answer."""


def is_noted(command: str) -> bool:
    """Whether a command, with the names of its groups before its own, is a noted read of enterprises."""
    return not any(command in table for table in (STEPS, OF_WAITING_STEPS, TELL_OF_NONE, TELL_AFTERWARDS))


def roles_for(command: str) -> tuple[str, ...]:
    """The roles that may run a command: those of what it writes, the operator's, or every one of the staff.

    What a step itself is about is judged again where it is taken.
    """
    if command in STEPS:
        return tuple(dict.fromkeys(role for step in STEPS[command] for role in MAY[step]))
    if command in OF_WAITING_STEPS:
        return (*BUREAU, "operator")
    return ("operator",) if command in OPERATE else STAFF
