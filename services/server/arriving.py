"""A request's body as the application reads it: whole, or with the reason why it is not.

What is small has arrived before a thread is taken (``ArrivedBody``). What is large, or a stream of
events, is read by its thread while it comes (``ArrivingBody``). Where a body ends before its end
(the client left, or made no progress), reading on raises why: the beginning is never taken for the
whole.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import TimeoutError as NotYet
from contextlib import suppress
from io import BytesIO
from typing import Any

from werkzeug.exceptions import ClientDisconnected

from domain.faults.fault import Fault, FaultArgs
from services.server.pace import BYTES_A_SECOND_MIN, Pace
from services.web.problems import Problem

LOOK_SECONDS = 0.5
"""How often a thread that waits for a body looks whether the service still runs."""

Receive = Callable[[], Awaitable[dict[str, Any]]]


class Arrival:
    """A body on its way: its pieces, each within the pace."""

    def __init__(self, receive: Receive, stall_seconds: float) -> None:
        self._receive: Receive | None = receive
        self._stall_seconds = stall_seconds
        self._pace = Pace(stall_seconds)
        self._came = self._whole = False
        self.waits = False
        """Whether the client's next bytes are waited for just now."""

    @property
    def ended(self) -> bool:
        """Whether all of it is here, or no more will be."""
        return self._receive is None

    @property
    def is_whole(self) -> bool:
        """Whether all of it came."""
        return self._whole

    async def next_piece(self) -> bytes:
        """The next bytes; none at the end.

        Raises:
            ClientDisconnected: where the client left, or what it sent has no right form.
            Problem: where it made no progress.
        """
        while self._receive is not None:
            began = time.monotonic()
            self.waits = True
            try:
                async with asyncio.timeout(self._pace.seconds_left):
                    message = await self._receive()
            except TimeoutError:
                self.end()
                raise self._stalled() from None
            finally:
                self.waits = False
            if message["type"] == "http.disconnect":
                self.end()
                raise ClientDisconnected
            piece: bytes = message.get("body", b"")
            if not message.get("more_body", False):
                self._whole = True
                self.end()
            self._pace.note(time.monotonic() - began, len(piece))
            if piece:
                self._came = True
                return piece
        return b""

    async def drop(self, size_bytes: int) -> None:
        """Take in at most so many bytes more, of a body of which some came, and drop them."""
        with suppress(ClientDisconnected, Problem):
            while self._came and size_bytes > 0 and (piece := await self.next_piece()):
                size_bytes -= len(piece)

    def end(self) -> None:
        """Take nothing more, and let go of the connection: the server ends one that nobody reads."""
        self._receive = None

    def _stalled(self) -> Problem:
        limits: FaultArgs = {"seconds": f"{self._stall_seconds:g}", "rate": BYTES_A_SECOND_MIN}
        return Problem("body-stalled", [Fault("body.stalled", "body", limits)])


class ArrivedBody:
    """A body of which all is here that will come; read to its end, it tells what is missing."""

    def __init__(self, body: bytes, fault: Exception | None = None) -> None:
        self._body, self._fault = BytesIO(body), fault

    def read(self, size: int | None = -1, /) -> bytes:
        """At most so many bytes.

        Raises:
            Exception: at the end, why the body is not whole.
        """
        read_bytes = self._body.read(size)
        if self._fault is not None and (not read_bytes or size is None or size < 0):
            raise self._fault
        return read_bytes


class ArrivingBody:
    """A body that its thread reads while it comes; what was read before the thread was taken comes first."""

    def __init__(self, arrival: Arrival, first: bytes, loop: asyncio.AbstractEventLoop) -> None:
        self._arrival, self._held, self._loop = arrival, first, loop

    def read(self, size: int | None = -1, /) -> bytes:
        """At most so many bytes, as soon as there are any; without a size, all.

        Raises:
            ClientDisconnected, Problem: as ``Arrival.next_piece``.
        """
        if size is None or size < 0:
            pieces = []
            while piece := self.read(65_536):
                pieces.append(piece)
            return b"".join(pieces)
        held = self._held or self._next_piece()
        self._held = held[size:]
        return held[:size]

    def _next_piece(self) -> bytes:
        arriving = asyncio.run_coroutine_threadsafe(self._arrival.next_piece(), self._loop)
        while True:
            try:
                return arriving.result(LOOK_SECONDS)
            except NotYet:
                if arriving.done():
                    raise
                if not self._loop.is_running():  # the service ends
                    arriving.cancel()
                    raise ClientDisconnected from None
