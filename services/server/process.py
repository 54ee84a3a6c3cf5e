"""The service on a port: Granian in front of the API, one ledger a worker."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from socket import SO_REUSEADDR, SOL_SOCKET, socket

from granian.constants import HTTPModes, Interfaces, Loops, RuntimeModes
from granian.http import HTTP1Settings
from granian.server import Server

from services.runtime.settings import Settings
from services.runtime.starting import begin_loading, relax
from services.runtime.variables import PREFIX
from services.server.listening import address_of, hold_port
from services.server.shared import share_folder

HEADER_SECONDS_MAX = 10
"""How long a client may take to send its headers, and how long a kept connection may be idle."""
CONNECTIONS_MAX = 512
"""Connections that one worker holds at once; further ones wait until one of them has ended."""
KILL_SECONDS = 30
"""How long a request may take to end after the service was told to stop."""


def serve(settings: Settings) -> None:
    """Serve until told to stop (SIGINT or SIGTERM); requests under way are finished first.

    Raises:
        SettingsError: for an address beyond this machine that was not asked for.
        NotAllowed: where a port is taken.
    """
    settings.check_open()
    begin_loading()
    with hold_port(settings.host, settings.port), _hold_health_port(settings) as health, share_folder():
        _serve(settings, health)


@contextmanager
def _hold_health_port(settings: Settings) -> Iterator[socket | None]:
    """The port for health alone, where one is set: listened on by every worker that is forked later."""
    if not settings.health_port:
        yield None
        return
    with hold_port(settings.host, settings.health_port, f"{PREFIX}HEALTH_PORT") as held:
        held.listen()
        held.setblocking(False)
        # Its connections, closed from this end, keep no later service from the port.
        held.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        yield held


def _serve(settings: Settings, health: socket | None) -> None:
    from services.server import worker  # loaded once, here, for all that are forked

    worker.prepare(settings)
    relax()
    os.environ[f"{PREFIX}DATABASE"] = _from_anywhere(settings.database)
    os.environ[f"{PREFIX}HOST"], os.environ[f"{PREFIX}PORT"] = settings.host, str(settings.port)
    os.environ[f"{PREFIX}SHEETS"] = os.path.abspath(settings.sheets_folder)
    Server(
        "services.server.worker:app",
        address=address_of(settings.host),
        port=settings.port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,  # of a connection that may be HTTP/2, the first byte is waited for without end
        loop=Loops.asyncio,
        runtime_mode=RuntimeModes.st,  # the other one may miss that its connections have ended, and hang
        backpressure=CONNECTIONS_MAX,
        workers=settings.workers,
        http1_settings=HTTP1Settings(
            header_read_timeout=1_000 * min(HEADER_SECONDS_MAX, settings.stall_seconds)
        ),
        respawn_failed_workers=True,
        workers_kill_timeout=KILL_SECONDS,
        websockets=False,
        log_access=False,
    ).serve(target_loader=partial(worker.load, os.getpid(), health), wrap_loader=False)


def _from_anywhere(database: str) -> str:
    """The address of a database for processes that may run in another folder."""
    return database if "://" in database else os.path.abspath(database)


if __name__ == "__main__":
    serve(Settings.from_env())
