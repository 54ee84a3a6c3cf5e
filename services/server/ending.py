"""How a worker of the service ends: when it is told to, at once, and never after the service."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable

from granian import _signals
from granian._granian import WorkerSignal

PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of Linux's prctl(2)."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""What tells a service to stop."""


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


def end_at_once() -> None:
    """Have this process, a worker that loads, end at once when told to."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)


def heed_one_signal(leave_clients: Callable[[], None]) -> None:
    """Have the server that this process runs next stop at the first signal, and heed no other.

    A Ctrl-C reaches the workers beside the service, which then tells them too, as systemd does; a
    second signal would stop a worker of Granian for good (``WorkerSignal.set`` waits for ever).

    Args:
        leave_clients: called then in the server's loop, since the server waits until all of its
            connections have ended.
    """

    def heed(loop: asyncio.AbstractEventLoop) -> WorkerSignal:
        told = WorkerSignal()
        is_told = False

        def stop() -> None:
            nonlocal is_told
            if not is_told:
                is_told = True
                told.set()
                leave_clients()

        for number in SIGNALS:
            loop.add_signal_handler(number, stop)
        return told

    _signals.set_loop_signals = heed
