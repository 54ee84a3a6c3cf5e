"""Servers that tests start: on ports of their own, and never left behind."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys

WATCH = """
import os, select, signal, sys, time
mark, parent = sys.argv[1].encode(), int(sys.argv[2])
while os.getppid() == parent:
    if select.select([0], [], [], 1)[0] and not os.read(0, 1):
        break
for _ in range(10):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as words:
                found = mark in words.read().split(bytes(1))
            if found and int(pid) != os.getpid():
                os.kill(int(pid), signal.SIGKILL)
        except OSError:
            pass
    time.sleep(0.1)
"""
"""What the watchman runs. Not PR_SET_PDEATHSIG: that kills a child when the *thread* that started it ends."""


class Watchman:
    """Kills every process that has ``mark`` among its arguments when this process has died, however it died.

    It sits in a session of its own, so that no signal meant for the tests reaches it.
    """

    def __init__(self, mark: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", WATCH, mark, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )

    def dismiss(self) -> None:
        """Send the watchman home; whoever calls it has stopped the processes."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()


class Ports:
    """Free ports on the loopback, below the range of outgoing connections.

    So a killed server gets its own back. Each is held by name against the other processes of the
    tests until ``release``.
    """

    def __init__(self) -> None:
        self._held: list[socket.socket] = []

    def take(self) -> int:
        """Return one more port that nobody else takes meanwhile."""
        for _ in range(1000):
            port = random.randrange(20_000, 32_000)
            name = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                name.bind(f"\0subsidy-ledger-test-port-{port}")
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind(("127.0.0.1", port))
            except OSError:
                name.close()
                continue
            self._held.append(name)
            return port
        raise RuntimeError("no free port between 20000 and 32000 on 127.0.0.1")

    def release(self) -> None:
        """Let others take the ports."""
        for name in self._held:
            name.close()
        self._held.clear()
