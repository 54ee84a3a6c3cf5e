"""What is wrong with a policy file: at a path of it, and at a line."""

from __future__ import annotations

from typing import NamedTuple

from domain.faults.fault import Fault, FaultArgs
from domain.faults.registry import POLICY_AREAS

Path = tuple[str | int, ...]
"""Of a value in the file: keys and places."""


class PathFault(NamedTuple):
    """One thing that is wrong, at a path in the file."""

    path: Path
    code: str
    args: FaultArgs = {}

    def below(self, *path: str | int) -> PathFault:
        """The fault with a path before its own."""
        return self._replace(path=(*path, *self.path))


class PolicyFault(NamedTuple):
    """One thing that is wrong: where it stands (line 0: not in the file), and its code."""

    line: int
    field: str
    code: str
    args: FaultArgs = {}

    @property
    def rule(self) -> str:
        """What must hold, in English."""
        return self.words("en")[0]

    @property
    def mend(self) -> str:
        """What to do about it, in English."""
        return self.words("en")[1]

    def __str__(self) -> str:
        return self.describe("en")

    def describe(self, language: str) -> str:
        """The fault on one line, in ``zh`` or ``en``."""
        rule, mend = self.words(language)
        if language == "zh":
            place = f"第{self.line}行：" if self.line else ""
            return f"{place}{self.field}：{rule} — {mend}"
        place = f"line {self.line}: " if self.line else ""
        return f"{place}{self.field}: {rule} — {mend}"

    def words(self, language: str) -> tuple[str, str]:
        """Rule and mend in ``zh`` or ``en``."""
        words = Fault(self.code, self.field, self.args).words(language, POLICY_AREAS)
        return words["rule"], words["mend"]


class PolicyError(ValueError):
    """A policy file that cannot be used; ``faults`` holds everything found."""

    def __init__(self, faults: list[PolicyFault]) -> None:
        self.faults = faults
        super().__init__("\n".join(str(fault) for fault in faults))
