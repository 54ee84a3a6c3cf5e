"""Which step is taken at which door, made of what the doors themselves declare.

The page shows it (``docs.generate.authority``), and tests try each cell of ``cells_at`` for real: what is
printed is what was tried.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple

from domain.authority.roles import MAY, ROLES, STAFF
from domain.vocabulary.kinds import Words
from services.cli.access import STEPS as COMMAND_STEPS
from services.web.identity.access import API_STEPS, CONSOLE_STEPS, roles_for


class Door(NamedTuple):
    """A door at which persons take steps."""

    letter: str
    title: Words
    steps: frozenset[str]
    roles: tuple[str, ...]
    """Who has a seat there."""


def _steps_of(declared: Iterable[Iterable[str]]) -> frozenset[str]:
    return frozenset(chain.from_iterable(declared))


HTTP = Door("H", Words("接口", "HTTP"), frozenset(API_STEPS.values()), ROLES)
CONSOLE = Door(
    "C", Words("网页", "console"), _steps_of(CONSOLE_STEPS.values()), roles_for("console.take_step")
)
COMMANDS = Door("L", Words("命令行", "command line"), _steps_of(COMMAND_STEPS.values()), STAFF)
PERSONAL = (HTTP, CONSOLE, COMMANDS)
LETTERS = {
    **{door.letter: door.title for door in PERSONAL},
    "S": Words("表格", "spreadsheet"),
    "K": Words("Kafka", "Kafka"),
}
"""Each door's letter in the table."""
OF_ROWS = frozenset(("fact.report", "fact.amend", "claim.report", "claim.decide"))
"""Steps that a message or a row takes: tried with the table of what is sent."""
OF_MESSAGES = OF_ROWS | {"fact.publish"}
OF_TRIALS = frozenset(("sample.make",))
"""Steps of ledgers that check no identities; elsewhere nobody takes them."""


class StepCell(NamedTuple):
    """Somebody in one role who takes a step at a door."""

    step: str
    role: str
    allowed: bool


def is_allowed(door: Door, step: str, role: str) -> bool:
    """Whether a role takes a step at a door."""
    return step in door.steps and role in door.roles and role in MAY[step]


def cells_at(door: Door) -> list[StepCell]:
    """Every step that persons take at a door, with every role."""
    steps = sorted(door.steps - OF_MESSAGES - OF_TRIALS)
    return [StepCell(step, role, is_allowed(door, step, role)) for step in steps for role in ROLES]


def letters_of(step: str, role: str) -> str:
    """The letters of the doors at which a role takes a step in person."""
    if step in OF_ROWS:
        return ""
    return "".join(door.letter for door in PERSONAL if is_allowed(door, step, role))
