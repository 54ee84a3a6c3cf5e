"""How a worker of the service ends: when it is told to, at once, and never after the service."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
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
    second signal would stop a worker of Granian for good (``WorkerSignal.set`` waits for ever). The
    first is heeded by a thread, since the main one may be waiting where no signal wakes it.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)

    def pass_on(handler: Callable[[int, FrameType | None], None], reload_handler: Any = None) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(writer)

        def wait() -> None:
            while os.read(reader, 1)[0] not in (signal.SIGINT, signal.SIGTERM):
                pass
            handler(signal.SIGTERM, None)

        threading.Thread(target=wait, name="told-to-stop", daemon=True).start()

    _signals.set_main_signals = pass_on
