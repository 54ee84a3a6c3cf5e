"""However many requests a credential has under way, others find a thread at once, and few beside it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from typing import Any

from services.server.front import THREADS, Front
from services.server.shares import OF_UNKNOWN, READS_OF_ONE, WRITES_OF_ONE
from services.web.identity.gate import IDENTIFIED

SECONDS = 30
OF_ONE = READS_OF_ONE + WRITES_OF_ONE


class Busy:
    """An application that works until it is told to end, and notes how many of a credential it works on."""

    def __init__(self) -> None:
        self.end = threading.Event()
        self.under_way: dict[str, int] = {}
        self.most: dict[str, int] = {}
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        credential = environ.get("HTTP_AUTHORIZATION", "")
        with self._lock:
            self.under_way[credential] = self.under_way.get(credential, 0) + 1
            self.most[credential] = max(self.most.get(credential, 0), self.under_way[credential])
        if "unknown" not in credential:
            environ.get(IDENTIFIED, lambda: None)()
        if environ["PATH_INFO"] == "/slow":
            self.end.wait(SECONDS)
        with self._lock:
            self.under_way[credential] -= 1
        start_response("200 OK", [])
        return [b"done"]


async def ask(front: Front, path: str, credential: str, body: bytes = b"") -> int:
    """Ask for something; the status."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost")]
    headers += [(b"authorization", credential.encode())] if credential else []
    headers += [(b"content-length", str(len(body)).encode())] if body else []
    where = {"scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b""}
    method = "POST" if body else "GET"
    await front({"method": method, "http_version": "1.1", "headers": headers, **where}, receive, send)
    return int(sent[0]["status"])


def test_requests_of_one_credential_leave_others_their_threads() -> None:
    busy = Busy()

    async def flood() -> list[int]:
        front = Front(busy, SECONDS, 0)
        bodies = (b"", b"{}")
        loud = [asyncio.create_task(ask(front, "/slow", "Bearer loud", bodies[n % 2])) for n in range(20)]
        async with asyncio.timeout(SECONDS):
            while busy.under_way.get("Bearer loud", 0) < OF_ONE:
                await asyncio.sleep(0.01)
            others = [await ask(front, "/quick", credential) for credential in ("Bearer quiet", "")]
            busy.end.set()
            return others + await asyncio.gather(*loud)

    assert asyncio.run(flood()) == [200] * 22
    assert busy.most["Bearer loud"] <= OF_ONE + 1  # the one by which it became known


def test_ever_new_credentials_of_an_address_share_a_thread_until_they_are_known() -> None:
    busy = Busy()

    async def flood() -> list[int]:
        front = Front(busy, SECONDS, 0)
        assert await ask(front, "/quick", "Bearer known") == 200
        unknown = [asyncio.create_task(ask(front, "/slow", f"Bearer unknown-{n}")) for n in range(20)]
        async with asyncio.timeout(SECONDS):
            while sum(busy.under_way.values()) < OF_UNKNOWN:
                await asyncio.sleep(0.01)
            known = [await ask(front, "/quick", credential) for credential in ("Bearer known", "")]
            first = asyncio.create_task(ask(front, "/quick", "Bearer first"))
            await asyncio.sleep(0.05)
            under_way = sum(busy.under_way.values())
            busy.end.set()
            return [under_way, *known, await first, *await asyncio.gather(*unknown)]

    assert asyncio.run(flood()) == [OF_UNKNOWN] + [200] * 23


def test_who_is_known_on_the_way_keeps_no_unknown_one_waiting() -> None:
    """The first request of a good credential may take long, as a year's export does."""
    busy = Busy()

    async def ask_at_once() -> int:
        front = Front(busy, SECONDS, 0)
        slow = asyncio.create_task(ask(front, "/slow", "Bearer first"))
        async with asyncio.timeout(SECONDS):
            while not busy.under_way.get("Bearer first"):
                await asyncio.sleep(0.01)
            status = await ask(front, "/quick", "Bearer unknown")
            busy.end.set()
            await slow
        return status

    assert asyncio.run(ask_at_once()) == 200


def test_who_brings_no_credential_is_not_held_to_a_share() -> None:
    """Behind a proxy all of them come from one address, and are no one caller."""
    busy = Busy()

    async def ask_at_once() -> None:
        front = Front(busy, SECONDS, 0)
        tasks = [asyncio.create_task(ask(front, "/slow", "")) for _ in range(THREADS)]
        async with asyncio.timeout(SECONDS):
            while busy.under_way.get("", 0) < THREADS:
                await asyncio.sleep(0.01)
        busy.end.set()
        await asyncio.gather(*tasks)

    asyncio.run(ask_at_once())
    assert busy.most[""] == THREADS
