"""Moments as the ledger writes them: UTC text of a fixed width, so that text order is time order."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def instant(moment: datetime) -> str:
    """An aware moment as ``YYYY-MM-DDTHH:MM:SS.ffffffZ``."""
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    return text + "Z"
