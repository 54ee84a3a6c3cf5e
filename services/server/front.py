"""The front: what clients send and take at their pace is waited for here, and no thread with it.

The application works in threads, few of them. A client that sends slowly, or never reads its answer,
must hold none: so a request goes to a thread once its body is here, and its answer leaves once the
thread is done (docs/decisions/0029). Three lanes of threads keep what may take long from the rest:

- requests: everything whose body is small;
- arriving: streams of events and large bodies, read by their thread while they come, since they
  would not fit the memory; only for callers who are known, each a few (``services.web.arriving``);
- health: ``/health/*``, which nothing else can hold up.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AsyncExitStack
from functools import lru_cache
from typing import IO, Any, NamedTuple
from urllib.parse import unquote_to_bytes

from werkzeug.exceptions import ClientDisconnected

from services.server import connections
from services.server.arriving import Arrival, ArrivedBody, ArrivingBody, Receive
from services.server.connections import Peer
from services.server.lanes import Lane
from services.server.pace import Pace
from services.server.shares import BODIES_OF_ONE, READS_OF_ONE, WRITES_OF_ONE, Shares
from services.web.arriving import ARRIVING, SMALL_BODY_BYTES_MAX
from services.web.problems import Problem

THREADS = 8
"""Requests that one worker answers at once."""
ARRIVING_THREADS = 6
"""Streams and large bodies that one worker takes at once."""
HEALTH_THREADS = 2
DROPPED_BYTES_MAX = 4 * 1024 * 1024
"""How much of a body that was refused is taken in all the same: most clients read once they have sent."""
PIECE_BYTES = 64 * 1024
ANSWER_MEMORY_BYTES = 1024 * 1024
"""What is longer leaves from a file."""
LEAVE_SECONDS = 1
"""How long a client may still send or take once the service was told to stop."""
HEALTH_PATHS = "/health/"
LAST = (b"connection", b"close")
"""What tells a client whose body is not whole that nothing more is answered there."""
STREAM_TYPE = "application/x-ndjson"

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
AsgiHeaders = list[tuple[bytes, bytes]]


class Answer(NamedTuple):
    """A whole answer, ready to leave: from memory, or from a file where it is long."""

    status: int
    headers: AsgiHeaders
    body: bytes | IO[bytes]


class Front:
    """An ASGI application before a WSGI one.

    ``stall_seconds`` is how long a client may make no progress, ``port`` the port of the service.
    """

    def __init__(self, app: App, stall_seconds: float, port: int) -> None:
        self._app, self._stall_seconds, self._port = app, stall_seconds, port
        self._requests = Lane(THREADS, "requests")
        self._arriving = Lane(ARRIVING_THREADS, "arriving")
        self._health = Lane(HEALTH_THREADS, "health")
        self._places = asyncio.Semaphore(ARRIVING_THREADS)
        self._shares = Shares(READS_OF_ONE, WRITES_OF_ONE)
        self._arriving_shares = Shares(BODIES_OF_ONE, BODIES_OF_ONE)
        self._worked_on: dict[Peer, Arrival | None] = {}
        """The clients whose request a thread has, each with its body where that still comes."""
        self._is_limited = False
        self._ending: asyncio.Task[None] | None = None

    def end(self) -> None:
        """Be told that the service stops: clients that only wait are left soon. In the loop, once."""
        self._ending = asyncio.get_running_loop().create_task(self._leave_clients())

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        if not self._is_limited:  # the server listens after it has loaded its application
            self._is_limited = True
            connections.limit_silence(self._stall_seconds)
        environ = environ_of(scope)
        if not _has_body(environ) or scope["path"].startswith(HEALTH_PATHS):
            environ["wsgi.input"] = ArrivedBody(b"")
            is_health = scope["path"].startswith(HEALTH_PATHS)
            answering = self._work(self._health, environ) if is_health else self._work_in_turn(environ)
            await self._send(await answering, send)
            return
        arrival = Arrival(receive, self._stall_seconds)
        try:
            answer = await self._take_in(environ, arrival)
        finally:
            arrival.end()
        if not arrival.is_whole:
            answer.headers.append(LAST)
        await self._send(answer, send)

    async def _take_in(self, environ: dict[str, Any], arrival: Arrival) -> Answer:
        """Answer a request with a body."""
        body, fault = bytearray(), None
        try:
            while not _is_long(environ, len(body)):
                if not (piece := await arrival.next_piece()):
                    break
                body += piece
        except (ClientDisconnected, Problem) as error:
            # Without what led to it, which would hold the connection until the collector of cycles comes.
            fault = error.with_traceback(None)
        if fault is None and not arrival.ended:
            return await self._take_arriving(environ, arrival, bytes(body))
        environ["wsgi.input"] = ArrivedBody(bytes(body), fault)
        return await self._work_in_turn(environ)

    async def _take_arriving(self, environ: dict[str, Any], arrival: Arrival, first: bytes) -> Answer:
        """Answer a request whose body is read while it comes, once there is a place for it.

        Until then nothing more of the body is taken, so its sender waits.
        """
        async with AsyncExitStack() as places:
            try:
                async with asyncio.timeout(self._stall_seconds):
                    await places.enter_async_context(self._arriving_shares.take(environ))
                    await places.enter_async_context(self._places)
            except TimeoutError:
                environ["wsgi.input"] = ArrivedBody(b"", Problem("arriving-full"))
                return await self._work(self._requests, environ)
            environ["wsgi.input"] = ArrivingBody(arrival, first, asyncio.get_running_loop())
            environ[ARRIVING] = arrival
            answer = await self._work(self._arriving, environ, arrival)
            await arrival.drop(DROPPED_BYTES_MAX)
            return answer

    async def _work_in_turn(self, environ: dict[str, Any]) -> Answer:
        """Answer a request once few others of its credential are worked on."""
        async with self._shares.take(environ):
            return await self._work(self._requests, environ)

    async def _work(self, lane: Lane, environ: dict[str, Any], arrival: Arrival | None = None) -> Answer:
        peer = environ["REMOTE_ADDR"], int(environ["REMOTE_PORT"])
        self._worked_on[peer] = arrival
        try:
            answer: Answer = await lane.work(answer_whole, self._app, environ)
            return answer
        finally:
            if self._ending is None:
                self._worked_on.pop(peer, None)
            else:
                asyncio.get_running_loop().call_later(LEAVE_SECONDS, self._worked_on.pop, peer, None)

    async def _send(self, answer: Answer, send: Send) -> None:
        """Give an answer to its client, within the pace; a client that does not take it is left.

        As its length is told, what was given up never passes for the whole.
        """
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        if isinstance(answer.body, bytes):
            if len(answer.body) <= PIECE_BYTES:
                await send({"type": "http.response.body", "body": answer.body})
                return
            pieces = _pieces_of(answer.body)
        else:
            pieces = iter(lambda: answer.body.read(PIECE_BYTES), b"")  # type: ignore[union-attr]
        pace = Pace(self._stall_seconds)
        try:
            for piece in pieces:
                began = time.monotonic()
                async with asyncio.timeout(pace.seconds_left):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                pace.note(time.monotonic() - began, len(piece))
            await send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            return
        finally:
            if not isinstance(answer.body, bytes):
                answer.body.close()

    async def _leave_clients(self) -> None:
        """Shut down all connections but those whose request is worked on, until the service has ended."""
        while True:
            await asyncio.sleep(LEAVE_SECONDS)
            spared = {peer for peer, arrival in self._worked_on.items() if not (arrival and arrival.waits)}
            connections.shut_down(self._port, spared)


class _Body:
    """What an answer says: in memory, and where that is much, in a file without a name."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.size_bytes = 0
        self.spool: IO[bytes] | None = None

    def add(self, piece: bytes) -> None:
        """Put a piece behind those before."""
        self.pieces.append(piece)
        self.size_bytes += len(piece)
        if self.size_bytes > ANSWER_MEMORY_BYTES:
            self.spool = self.spool or tempfile.TemporaryFile()  # noqa: SIM115
            self.spool.writelines(self.pieces)
            self.pieces.clear()

    def take_back(self) -> None:
        """Drop all that was said."""
        if self.spool:
            self.spool.close()
        self.pieces, self.size_bytes, self.spool = [], 0, None

    def read(self) -> bytes | IO[bytes]:
        """All of it, from its beginning."""
        if not self.spool:
            return b"".join(self.pieces)
        self.spool.writelines(self.pieces)
        self.spool.seek(0)
        return self.spool


def answer_whole(app: App, environ: dict[str, Any]) -> Answer:
    """Have the application answer, to the end of its answer; its length is among the headers."""
    started: list[tuple[int, AsgiHeaders]] = []
    body = _Body()

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        if exc_info:  # in place of what was said until then
            body.take_back()
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        started[:] = [(int(status[:3]), encoded)]

    result = app(environ, start_response)
    try:
        for piece in result:
            body.add(piece)
    except BaseException:
        body.take_back()
        raise
    finally:
        if close := getattr(result, "close", None):
            close()
    status, headers = started[-1]
    if body.size_bytes and not any(name == b"content-length" for name, _ in headers):
        headers.append((b"content-length", str(body.size_bytes).encode()))
    return Answer(status, headers, body.read())


def environ_of(scope: dict[str, Any]) -> dict[str, Any]:
    """What a WSGI application is told of a request (PEP 3333)."""
    address, port = scope.get("client") or ("", "0")
    server, server_port = scope.get("server") or ("", "0")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server,
        "SERVER_PORT": str(server_port),
        "REMOTE_ADDR": address,
        "REMOTE_PORT": str(port),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.errors": sys.stderr,
        "wsgi.input_terminated": True,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        if key := _key_of(raw_name):
            value = raw_value.decode("latin-1")
            joint = "; " if key == "HTTP_COOKIE" else ","
            environ[key] = f"{environ[key]}{joint}{value}" if key in environ else value
    return environ


@lru_cache(maxsize=1_024)
def _key_of(raw_name: bytes) -> str:
    """Under which key a WSGI application finds a header; none where it would pass for another's."""
    if b"_" in raw_name:  # for the one with a hyphen
        return ""
    name = raw_name.decode("latin-1").upper().replace("-", "_")
    return name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"


def _has_body(environ: dict[str, Any]) -> bool:
    return "HTTP_TRANSFER_ENCODING" in environ or environ.get("CONTENT_LENGTH", "0") != "0"


def _is_long(environ: dict[str, Any], arrived_bytes: int) -> bool:
    """Whether a body is read while it comes: a stream of events, or more than is taken in before."""
    told = environ.get("CONTENT_LENGTH", "")
    told_bytes = int(told) if told.isascii() and told.isdigit() else 0
    is_stream = environ.get("CONTENT_TYPE", "").lower().startswith(STREAM_TYPE)
    return is_stream or max(told_bytes, arrived_bytes) > SMALL_BODY_BYTES_MAX


def _pieces_of(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), PIECE_BYTES):
        yield body[start : start + PIECE_BYTES]
