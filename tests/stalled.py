"""Clients that stall in ten ways, each again and again, and what came of each."""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from typing import NamedTuple

HOST = b"Host: 127.0.0.1\r\n"
STEP_SECONDS = 0.25
PIECE_BYTES = 65_536
REFUSED, REFUSED_SECONDS = "429", 1
"""Who is refused at once comes again after a while: another request, and no stall."""
UNREAD_REQUESTS = 60
"""Requests whose answers together are larger than what the sockets of both ends hold."""


class Way(NamedTuple):
    """One way to stall: what is sent at once, and what is sent again and again after it."""

    name: str
    first: bytes
    again: bytes = b""
    reads: bool = True


def _post(path: str, media: str, rest: bytes, length: str = "Content-Length: 500") -> bytes:
    return f"POST {path} HTTP/1.1\r\nContent-Type: {media}\r\n{length}\r\n".encode() + HOST + rest


LINE = b'{"specversion": "1.0"}\n'
FORM = "application/x-www-form-urlencoded"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WAYS = (
    Way("nothing sent", b""),
    Way("slow headers", b"GET /v1/policies HTTP/1.1\r\n", b"X-Slow: 1\r\n"),
    Way("half a message", _post("/v1/events", "application/json", b"\r\n{")),
    Way("a byte at a time", _post("/v1/events", "application/json", b"\r\n"), b" "),
    Way(
        "a stream that pauses",
        _post(
            "/v1/events", "application/x-ndjson", b"\r\n17\r\n" + LINE + b"\r\n", "Transfer-Encoding: chunked"
        ),
    ),
    Way("half a sheet", _post("/v1/sheets?source=urn:x", XLSX, b"\r\nPK")),
    Way("half a form", _post("/console/sign-out", FORM, b"\r\na=")),
    Way(
        "no body after 100-continue", _post("/v1/events", "application/json", b"Expect: 100-continue\r\n\r\n")
    ),
    Way(
        "an answer unread",
        (b"GET /openapi.json HTTP/1.1\r\n" + HOST + b"\r\n") * UNREAD_REQUESTS,
        b"\r\n",
        False,
    ),
    Way("an idle connection", b"GET /health/live HTTP/1.1\r\n" + HOST + b"\r\n"),
)


class Ended(NamedTuple):
    """How a stalled client was ended: after how many seconds (None: not at all), and with what status."""

    way: str
    seconds: float | None
    status: str


async def _stall(way: Way, port: int, limit_seconds: float) -> Ended:
    """Stall once, until the service ends it or the limit has passed."""
    loop = asyncio.get_running_loop()
    began = time.monotonic()
    answer = b""
    with socket.socket() as client:
        if not way.reads:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.setblocking(False)
        try:
            await loop.sock_connect(client, ("127.0.0.1", port))
            await loop.sock_sendall(client, way.first)
            receiving = loop.create_task(loop.sock_recv(client, PIECE_BYTES)) if way.reads else None
            while time.monotonic() - began < limit_seconds:
                if way.again:
                    await loop.sock_sendall(client, way.again)
                if receiving is None:
                    await asyncio.sleep(STEP_SECONDS)
                elif (await asyncio.wait({receiving}, timeout=STEP_SECONDS))[0]:
                    if not (piece := receiving.result()):
                        break
                    answer += piece
                    receiving = loop.create_task(loop.sock_recv(client, PIECE_BYTES))
            else:
                if receiving is not None:
                    receiving.cancel()
                return Ended(way.name, None, answer.decode("latin-1")[:150])
        except OSError:  # closed with what was sent unread
            pass
    finals = [line.split(b" ")[1] for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]
    return Ended(way.name, time.monotonic() - began, finals[-1].decode() if finals else "closed")


async def _keep_stalling(port: int, clients: int, limit_seconds: float, stop: Event) -> list[Ended]:
    ended: list[Ended] = []

    async def again_and_again(way: Way) -> None:
        while True:
            ended.append(await _stall(way, port, limit_seconds))
            if stop.is_set():
                break
            if ended[-1].status == REFUSED:
                await asyncio.sleep(REFUSED_SECONDS)

    await asyncio.gather(*(again_and_again(way) for way in WAYS for _ in range(clients)))
    return ended


@contextmanager
def stalling(port: int, clients: int, limit_seconds: float, once: bool = False) -> Iterator[list[Ended]]:
    """So many clients that stall in each way meanwhile; the list is filled once the block has ended.

    Args:
        once: each stalls one time only, and not anew whenever it is ended.
    """
    ended: list[Ended] = []
    apart = multiprocessing.get_context("forkserver")
    stop = apart.Event()
    if once:
        stop.set()
    here, there = apart.Pipe(duplex=False)
    process = apart.Process(target=_stall_apart, args=(port, clients, limit_seconds, stop, there))
    process.start()
    there.close()
    here.recv()
    try:
        yield ended
    finally:
        stop.set()
        ended.extend(here.recv())
        process.join()


def _stall_apart(port: int, clients: int, limit_seconds: float, stop: Event, results: Connection) -> None:
    """Stall in a process of its own, so that whoever measures meanwhile waits for the service alone.

    The first that it sends says that it has begun, the second how all were ended.
    """
    results.send(None)
    results.send(asyncio.run(_keep_stalling(port, clients, limit_seconds, stop)))
