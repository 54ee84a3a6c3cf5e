"""Connections whose client takes or sends nothing: ended from outside, since no program waits for them."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import suppress

OPEN_FILES = "/dev/fd"
Peer = tuple[str, int]
"""The address and port of a client."""


def limit_silence(seconds: float) -> None:
    """Have every connection that this process accepts from now on ended, once its client is silent that long.

    Silent is who acknowledges nothing of what was sent: one that is gone without a word, or that
    leaves its answer unread (TCP_USER_TIMEOUT, RFC 5482, which what is accepted takes from the
    socket that listens). Where the kernel has no such limit, it waits by its own rules.
    """
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is None:
        return
    for opened in _sockets():
        if opened.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            opened.setsockopt(socket.IPPROTO_TCP, option, int(seconds * 1_000))


def shut_down(port: int, spared: set[Peer]) -> None:
    """Shut down the connections that this process has accepted on its port, but those of some clients."""
    for opened in _sockets():
        with suppress(OSError):  # one that listens has no peer
            if opened.getsockname()[1] == port and opened.getpeername()[:2] not in spared:
                opened.shutdown(socket.SHUT_RDWR)


def _sockets() -> Iterator[socket.socket]:
    """The sockets of TCP that this process has open, each opened once more for the caller's look."""
    try:
        names = os.listdir(OPEN_FILES)
    except OSError:  # where a system keeps none
        return
    for name in names:
        with suppress(OSError):
            number = int(name)
            if not stat.S_ISSOCK(os.fstat(number).st_mode):
                continue
            with socket.socket(fileno=os.dup(number)) as opened:
                if opened.family in (socket.AF_INET, socket.AF_INET6):
                    yield opened
