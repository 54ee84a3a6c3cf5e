"""Moments as the ledger writes them: UTC text of a fixed width, so that text order is time order."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from msgspec import to_builtins

SHANGHAI = ZoneInfo("Asia/Shanghai")


def instant(moment: datetime) -> str:
    """An aware moment as ``YYYY-MM-DDTHH:MM:SS.ffffffZ``."""
    text: str = to_builtins(moment.astimezone(UTC))  # three times as quick as isoformat
    return text if "." in text else f"{text[:-1]}.000000Z"


def day_of(moment: str) -> str:
    """The day in Asia/Shanghai of a moment as ``instant`` writes it."""
    return datetime.fromisoformat(moment).astimezone(SHANGHAI).date().isoformat()
