"""The months of an award year, on China's clock.

What is reported before the year counts in its first month, what is reported after it in its
last, so that the months of a year always add up to the year.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, timedelta
from functools import lru_cache

MONTHS = range(1, 13)


def month_in(year: int, time: str) -> int:
    """The month, 1 to 12, of an award year in which an instant counts.

    Args:
        year: the award year, a calendar year in Asia/Shanghai.
        time: UTC text of fixed width (see ``domain.events``); what follows it changes nothing.
    """
    return 1 + bisect_right(_starts(year), time)


@lru_cache(maxsize=128)
def _starts(year: int) -> tuple[str, ...]:
    """When February to December begin, as UTC text.

    China has kept eight hours ahead of UTC since 1991, so a month begins at 16:00 of the day before.
    """
    before = (date(year, month, 1) - timedelta(days=1) for month in MONTHS[1:])
    return tuple(f"{day.isoformat()}T16:00:00.000000Z" for day in before)


def month_bounds(year: int, month: int) -> tuple[str, str]:
    """From which instant on, and before which one, what is reported counts in a month of an award year.

    Empty where there is no bound: January takes what came before the year, December what came after.
    """
    starts = ("", *_starts(year), "")
    return starts[month - 1], starts[month]
