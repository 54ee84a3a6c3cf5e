"""How a worker of the service ends: when it is told to, at once, and never after the service."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from granian import _signals

PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of Linux's prctl(2)."""


def end_with(parent: int) -> None:
    """Have this process killed when its parent has ended, however it ended; for a worker, at its start.

    A worker that went on alone would answer beside the workers of the next service. What it is
    killed in the middle of is not recorded, as in any crash. Linux only.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before we asked
        os.kill(os.getpid(), signal.SIGKILL)


def heed_one_signal() -> None:
    """Have this process, a worker that loads, end at once when told to, and later heed one signal only.

    A Ctrl-C reaches the workers beside the service, which then tells them too, as systemd does; a
    second signal would stop a worker of Granian for good (``WorkerSignal.set`` waits for ever).
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    set_signals = _signals.set_main_signals

    def set_once(handler: Callable[[int, FrameType | None], None], reload_handler: Any = None) -> None:
        told = False

        def stop(number: int, frame: FrameType | None) -> None:
            nonlocal told
            if not told:
                told = True
                handler(number, frame)

        set_signals(stop, reload_handler)

    _signals.set_main_signals = set_once
