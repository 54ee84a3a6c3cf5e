"""Health on a port of its own, beside the service's: a thread and a loop that nothing else uses."""

from __future__ import annotations

import asyncio
import socket
import threading
from http import HTTPStatus

from services.server.arriving import ArrivedBody
from services.server.front import HEALTH_PATHS, Answer, App, answer_whole, environ_of
from services.server.lanes import Lane

SECONDS_MAX = 5
"""How long one question and its answer may take, from the first byte to the last."""
HEAD_BYTES_MAX = 8 * 1024


def serve(app: App, listening: socket.socket) -> None:
    """Answer ``/health/*`` on a bound socket, in a thread of this process, for as long as it runs."""
    port = HealthPort(app)
    threading.Thread(target=asyncio.run, args=(port.serve(listening),), name="health", daemon=True).start()


class HealthPort:
    """Answers one question a connection, whole within ``SECONDS_MAX`` or not at all."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._lane = Lane(1, "health-port")

    async def serve(self, listening: socket.socket) -> None:
        """Answer until the process ends."""
        server = await asyncio.start_server(self._talk, sock=listening, limit=HEAD_BYTES_MAX)
        async with server:
            await server.serve_forever()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(SECONDS_MAX):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(_written(await self._answer(head)))
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            writer.transport.abort()

    async def _answer(self, head: bytes) -> Answer:
        method, target, _ = (*head.split(b"\r\n", 1)[0].split(b" "), b"", b"")[:3]
        path, _, query = target.partition(b"?")
        if method != b"GET" or not path.startswith(HEALTH_PATHS.encode()):
            return Answer(404, [], b"")
        scope = {"method": "GET", "raw_path": path, "query_string": query, "http_version": "1.1"}
        environ = environ_of({**scope, "scheme": "http", "headers": [(b"host", b"localhost")]})
        environ["wsgi.input"] = ArrivedBody(b"")
        answer: Answer = await self._lane.work(answer_whole, self._app, environ)
        return answer


def _written(answer: Answer) -> bytes:
    body = answer.body if isinstance(answer.body, bytes) else answer.body.read()
    headers = [*answer.headers, (b"connection", b"close")]
    if not any(name == b"content-length" for name, _ in headers):
        headers.append((b"content-length", str(len(body)).encode()))
    lines = [name + b": " + value for name, value in headers]
    status = f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}".encode()
    return b"\r\n".join([status, *lines, b"", body])
