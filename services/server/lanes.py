"""Threads in which the application answers, a lane of them for each kind of request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.util import Finalize
from queue import SimpleQueue
from threading import Thread
from typing import Any, NamedTuple

BEFORE_LOOKS_PRIORITY = 200
"""At the end of a worker its lanes finish first; what they note is written after that."""


class Job(NamedTuple):
    """A function to call in a thread, and the future in a loop that waits for what it returns."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    loop: asyncio.AbstractEventLoop
    result: asyncio.Future[Any]


class Lane:
    """Some threads that work for a loop, until the process ends; what they have begun is finished then.

    In place of ``run_in_executor``, whose futures of two kinds cost as much as the rest of the way
    from the server to the application and back.
    """

    def __init__(self, threads: int, name: str) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._threads = [Thread(target=self._run, name=f"{name}-{n}", daemon=True) for n in range(threads)]
        for thread in self._threads:
            thread.start()
        Finalize(self, self._finish, exitpriority=BEFORE_LOOKS_PRIORITY)

    def work(self, function: Callable[..., Any], *arguments: Any) -> asyncio.Future[Any]:
        """Have a function called in one of the threads; what it returns is waited for in the running loop."""
        loop = asyncio.get_running_loop()
        result: asyncio.Future[Any] = loop.create_future()
        self._jobs.put(Job(function, arguments, loop, result))
        return result

    def _run(self) -> None:
        while job := self._jobs.get():
            try:
                returned, error = job.function(*job.arguments), None
            except BaseException as raised:
                returned, error = None, raised
            with suppress(RuntimeError):  # the loop was closed
                job.loop.call_soon_threadsafe(_settle, job.result, returned, error)
            del job, returned, error

    def _finish(self) -> None:
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()


def _settle(result: asyncio.Future[Any], returned: Any, error: BaseException | None) -> None:
    if result.done():
        return
    if error is None:
        result.set_result(returned)
    else:
        result.set_exception(error)
