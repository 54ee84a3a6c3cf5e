"""One worker of the service: the API of the ledger that the environment names."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from flask import Flask

from ledger.store.application import open_ledger
from services.checkpoints import sender
from services.runtime import logs, tracing
from services.runtime.settings import Settings
from services.server.app import create_app


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
    sender.start(ledger, settings)
    return create_app(ledger, settings.identity, folder, Path(settings.signing_key_file))


def prepare(database: str) -> None:
    """Create the ledger's tables, or bring them up to date, before the first worker opens it."""
    open_ledger(database).close()
