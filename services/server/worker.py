"""One worker of the service: the API of the ledger that the environment names."""

from __future__ import annotations

import logging
import sys
from functools import cache
from pathlib import Path
from socket import socket

from flask import Flask

from domain.events.stored import UnreadableState
from ledger.store.application import open_ledger
from ledger.store.rows import StoreError
from ledger.store.turns.table import TurnTable
from services.checkpoints import sender
from services.console.forms_key import read_forms_key
from services.runtime import logs, tracing
from services.runtime.settings import Settings, SettingsError
from services.runtime.starting import attend
from services.runtime.variables import PREFIX
from services.server import health
from services.server.app import create_app
from services.server.ending import end_at_once, end_with, heed_one_signal
from services.server.front import Front
from services.server.shared import find_shared_folder

log = logging.getLogger(__name__)

SWITCH_SECONDS = 0.0001
"""How long a thread works on while another waits for the interpreter, which is asked for after every look
into the database: at Python's 5 ms a balance waits a dozen times as long as it works."""


@cache
def app() -> Flask:
    """The application; each worker opens the ledger for itself.

    Raises:
        SettingsError: for a setting that breaks its rule.
    """
    settings = Settings.from_env()
    logs.start_for(settings.logs)
    tracing.start("serve")
    folder = Path(settings.sheets_folder)
    ledger = open_ledger(settings.database)
    if folder_of_workers := find_shared_folder():
        ledger.count_turns(TurnTable(folder_of_workers / "turns"))
    sender.start(ledger, settings)
    return create_app(
        ledger,
        settings.identity,
        folder,
        Path(settings.signing_key_file),
        forms_key=Path(settings.forms_key_file),
        proxy=settings.proxy,
    )


def prepare(settings: Settings) -> None:
    """Make what workers share before the first one starts: the ledger's tables, and the key of forms.

    Raises:
        SettingsError: where the folder of the signing key cannot be written to.
    """
    open_ledger(settings.database).close()
    try:
        read_forms_key(Path(settings.forms_key_file))
    except OSError as error:
        file, reason = settings.forms_key_file, error.strerror
        raise SettingsError(
            f"{PREFIX}SIGNING_KEY", "setting.key-file", file=str(file), reason=reason
        ) from None


def load(parent: int, health_socket: socket | None) -> Front:
    """What the server asks, in a worker that ends when the service ``parent`` has ended.

    The application behind its front, and health on its own port where it has one.
    """
    end_with(parent)
    end_at_once()
    sys.setswitchinterval(SWITCH_SECONDS)
    attend()
    try:
        served, settings = app(), Settings.from_env()
    except (StoreError, UnreadableState) as error:  # damaged, or away, since the service began
        log.error("no worker starts: %s", error)
        raise SystemExit(1) from None
    if health_socket is not None:
        health.serve(served, health_socket)
    front = Front(served, settings.stall_seconds, settings.port)
    heed_one_signal(front.end)
    return front
