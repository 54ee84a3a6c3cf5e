"""The service on a port: Granian in front of the API, one ledger a worker."""

from __future__ import annotations

import os
from functools import partial

from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.server import Server

from services.runtime.settings import Settings
from services.runtime.starting import begin_loading, relax
from services.runtime.variables import PREFIX
from services.server.listening import address_of, hold_port
from services.server.shared import share_folder

THREADS = 8
"""Requests that one worker answers at once; below the connections that the store may open."""
HEADER_MS = 10_000
"""How long a client may take to send its headers."""
KILL_SECONDS = 30
"""How long a request may take to end after the service was told to stop."""


def serve(settings: Settings) -> None:
    """Serve until told to stop (SIGINT or SIGTERM); requests under way are finished first.

    Raises:
        SettingsError: for an address beyond this machine that was not asked for.
        NotAllowed: where the port is taken.
    """
    settings.check_open()
    begin_loading()
    with hold_port(settings.host, settings.port), share_folder():
        _serve(settings)


def _serve(settings: Settings) -> None:
    from services.server import worker  # loaded once, here, for all that are forked

    worker.prepare(settings)
    relax()
    os.environ[f"{PREFIX}DATABASE"] = _from_anywhere(settings.database)
    os.environ[f"{PREFIX}HOST"] = settings.host
    os.environ[f"{PREFIX}SHEETS"] = os.path.abspath(settings.sheets_folder)
    Server(
        "services.server.worker:app",
        address=address_of(settings.host),
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.workers,
        blocking_threads=THREADS,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_MS),
        respawn_failed_workers=True,
        workers_kill_timeout=KILL_SECONDS,
        websockets=False,
        log_access=False,
    ).serve(target_loader=partial(worker.load, os.getpid()), wrap_loader=False)


def _from_anywhere(database: str) -> str:
    """The address of a database for processes that may run in another folder."""
    return database if "://" in database else os.path.abspath(database)


if __name__ == "__main__":
    serve(Settings.from_env())
