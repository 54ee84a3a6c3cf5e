"""What the doctor says: one finding a line, in two languages, each with its mend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from ledger.audit.clock import AHEAD_SECONDS_MIN

OK, WARNING, ERROR = "ok", "warning", "error"
LEVELS = (OK, WARNING, ERROR)
"""By their exit status."""
GIB = 1 << 30


class Finding(NamedTuple):
    """One thing that was looked at."""

    level: str
    check: str
    """A stable name, ``subject.matter``."""
    zh: str
    en: str
    mend_zh: str = ""
    mend_en: str = ""

    def document(self) -> dict[str, Any]:
        """As JSON."""
        fields: dict[str, Any] = {"level": self.level, "check": self.check}
        fields["what"] = {"zh": self.zh, "en": self.en}
        if self.mend_zh:
            fields["mend"] = {"zh": self.mend_zh, "en": self.mend_en}
        return fields


def ok(check: str, zh: str, en: str) -> Finding:
    """A finding that asks for nothing; its sentence in Chinese and in English."""
    return Finding(OK, check, zh, en)


def warning(check: str, statement: tuple[str, str], mend: tuple[str, str]) -> Finding:
    """A finding to act on in time; ``statement`` and ``mend`` are (Chinese, English)."""
    return Finding(WARNING, check, *statement, *mend)


def error(check: str, statement: tuple[str, str], mend: tuple[str, str]) -> Finding:
    """A finding to act on now; ``statement`` and ``mend`` are (Chinese, English)."""
    return Finding(ERROR, check, *statement, *mend)


def worst(findings: Sequence[Finding]) -> int:
    """The exit status: 0 where all is well, 1 with warnings, 2 with errors."""
    return max((LEVELS.index(finding.level) for finding in findings), default=0)


@dataclass(frozen=True, slots=True)
class Limits:
    """From when on something is worth a warning."""

    sample: int = 200
    """Enterprises that are folded again."""
    tail: int = 5_000
    """Events that are hashed again."""
    pages_bytes: int = 4 * GIB
    """Size of a file up to which every page is read, unless it is looked at deeply."""
    disk_warning: int = 10 * GIB
    disk_error: int = GIB
    lag: int = 10_000
    payments: timedelta = timedelta(days=10)
    unsigned: timedelta = timedelta(days=1)
    clock_warning_seconds: float = 2.0
    clock_error_seconds: float = AHEAD_SECONDS_MIN
