"""``subsidy-ledger`` in processes that start at once: forked from one that has imported everything.

A start of ``python -m services.cli`` takes a second of processor time, nearly all of it for what is imported.
What kills, pauses and traces a command sees no difference.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
_FORKING = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload(["tests.loaded"])


class Forked:
    """A function that runs in a process of its own; its methods are those of ``subprocess.Popen``."""

    def __init__(
        self,
        function: Callable[..., Any],
        *values: Any,
        environment: Mapping[str, str] | None = None,
        out: Path | None = None,
        errors: Path | None = None,
    ) -> None:
        """Start it; what it prints goes to ``out`` or nowhere, and to ``errors`` or where ours goes."""
        self.args = values
        given = dict(os.environ if environment is None else environment)
        values = (function, values, given, str(out or os.devnull), str(errors) if errors else None)
        self._process = _FORKING.Process(target=_run, args=values)
        self._process.start()

    @property
    def pid(self) -> int:
        """The process's number."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Its exit status, or the negative number of the signal that ended it."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """Its exit status, if it has ended."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status, once it ends."""
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(repr(self.args), timeout or 0)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def _run(
    function: Callable[..., Any],
    values: tuple[Any, ...],
    environment: dict[str, str],
    out: str,
    errors: str | None,
) -> None:
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    for number, place in ((1, out), (2, errors)):
        if place:
            with open(place, "ab") as file:
                os.dup2(file.fileno(), number)
    try:
        function(*values)
    finally:  # processes of multiprocessing leave this out
        atexit._run_exitfuncs()


def _command(*words: str) -> None:
    from services.cli.main import run

    sys.argv = ["subsidy-ledger", *words]
    run()


def start_command(*words: str, environment: Mapping[str, str] | None = None) -> Forked:
    """Start ``subsidy-ledger`` with these words."""
    return Forked(_command, *words, environment=environment)


def run_command(*words: str, environment: Mapping[str, str] | None = None, ends: Sequence[int] = (0,)) -> str:
    """What ``subsidy-ledger`` prints, once it has ended with one of some statuses.

    Raises:
        CalledProcessError: with what it printed, where it has not.
    """
    with tempfile.TemporaryDirectory() as folder:
        out, errors = Path(folder) / "out", Path(folder) / "errors"
        status = Forked(_command, *words, environment=environment, out=out, errors=errors).wait()
        printed, told = out.read_text("utf-8"), errors.read_text("utf-8")
    if status not in ends:
        raise subprocess.CalledProcessError(status, words, printed, told)
    return printed
