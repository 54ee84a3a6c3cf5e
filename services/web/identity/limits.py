"""How often one caller may ask: a token bucket for each, in each serving process."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

CALLERS_MAX = 10_000
"""Callers remembered; the one that asked longest ago is forgotten first."""
BURST_SECONDS = 10
"""How many seconds' worth a caller may ask for at once."""


class Limits:
    """``rate`` requests a second for each caller, with bursts; 0 sets no limit."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate, self.clock = rate, clock
        self.burst = max(rate * BURST_SECONDS, 1)
        self.held: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self.lock = threading.Lock()

    def wait(self, caller: str) -> float:
        """Seconds until the caller may ask again; 0 where it may ask now, which is then counted."""
        if not self.rate:
            return 0.0
        now = self.clock()
        with self.lock:
            tokens, refilled_at = self.held.pop(caller, (self.burst, now))
            tokens = min(self.burst, tokens + (now - refilled_at) * self.rate)
            allowed = tokens >= 1
            self.held[caller] = (tokens - 1 if allowed else tokens, now)
            if len(self.held) > CALLERS_MAX:
                self.held.popitem(last=False)
        return 0.0 if allowed else (1 - tokens) / self.rate
