"""How many threads of a worker one caller has at once; the rest of its requests wait without one.

Nobody is known before a thread has looked at the credential, and whoever brings ever new ones would have
no share at all. So credentials that were not good yet share one thread an address: behind a proxy all
callers come from one, but each waits there once, and only until the application says who it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any
from weakref import WeakValueDictionary

from services.web.identity.gate import IDENTIFIED
from services.web.identity.limits import name_address

READS_OF_ONE = 2
"""Reads of one credential that threads of a worker work on at once: the rest of them wait without one, and
whoever else asks shares the interpreter with so many at most, however many connections they come by."""
WRITES_OF_ONE = 1
"""The same of its writes, of which one is recorded at a time anyway: a second thread would only read the next
batch, and take the interpreter from others for it."""
BODIES_OF_ONE = 2
"""The same of bodies that are read while they come."""
OF_UNKNOWN = 1
"""The same of all credentials of one address that were not good yet."""
REFUSED_SECONDS = 0.02
"""How long a credential that did not turn out good keeps that thread's place from the next one: whoever tries
one after another is refused as well at fifty a second, and takes nothing from those who are known."""
GOOD_MAX = 4_096
"""Credentials remembered as good; beyond that the one that became good first is asked for again."""
READS = ("GET", "HEAD", "OPTIONS")
_FREE = nullcontext()
_Shares = WeakValueDictionary[str, asyncio.Semaphore]
"""By credential or address, for as long as requests of it are here."""


class Shares:
    """Who works in the threads of one kind; in one loop."""

    def __init__(self, reads: int, writes: int) -> None:
        self._reads, self._writes = reads, writes
        self._of_credentials: _Shares = WeakValueDictionary()
        self._of_unknown: _Shares = WeakValueDictionary()
        self._good: dict[str, None] = {}

    def take(self, environ: dict[str, Any]) -> AbstractAsyncContextManager[None]:
        """What a request holds while it is worked on; one without any credential holds nothing."""
        credential = environ.get("HTTP_AUTHORIZATION")
        return self._take(credential, environ) if credential else _FREE

    @asynccontextmanager
    async def _take(self, credential: str, environ: dict[str, Any]) -> AsyncIterator[None]:
        if credential not in self._good:
            address = name_address(environ["REMOTE_ADDR"])
            held = _Held(self._of_unknown.setdefault(address, asyncio.Semaphore(OF_UNKNOWN)))
            await held.acquire()
            if credential not in self._good:
                loop = asyncio.get_running_loop()
                environ[IDENTIFIED] = lambda: loop.call_soon_threadsafe(self._remember, credential, held)
                try:
                    yield
                finally:
                    loop.call_later(REFUSED_SECONDS, held.release)
                return
            held.release()  # it has become good meanwhile
        is_read = environ["REQUEST_METHOD"] in READS
        number = self._reads if is_read else self._writes
        key = f"{'reads' if is_read else 'writes'} {credential}"
        async with self._of_credentials.setdefault(key, asyncio.Semaphore(number)):
            yield

    def _remember(self, credential: str, held: _Held) -> None:
        """A credential turned out good; its first request goes on without holding anything."""
        self._good[credential] = None
        if len(self._good) > GOOD_MAX:
            del self._good[next(iter(self._good))]
        held.release()


class _Held:
    """A part of a share, which is let go of once."""

    def __init__(self, share: asyncio.Semaphore) -> None:
        self._share, self._is_held = share, False

    async def acquire(self) -> None:
        """Wait for it."""
        await self._share.acquire()
        self._is_held = True

    def release(self) -> None:
        """Let go of it, where it is still held."""
        if self._is_held:
            self._is_held = False
            self._share.release()
