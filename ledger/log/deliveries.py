"""What became of the checkpoints that leave on their own, kept beside the signing key (``KEY.sent``)."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ledger.log.key_record import write_durably

SENT = ".sent"


class Delivery(msgspec.Struct, kw_only=True):
    """What became of one destination: the last size that arrived, when, and why the last try failed."""

    size: int = 0
    arrived_at: str = ""
    tried_at: str = ""
    failure: str = ""


def read_deliveries(key_file: Path) -> dict[str, Delivery]:
    """What became of each destination, by its label; nothing before the first."""
    file = key_file.with_name(key_file.name + SENT)
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Delivery])
    except (OSError, msgspec.DecodeError):
        return {}


def write_deliveries(key_file: Path, deliveries: dict[str, Delivery]) -> None:
    """Keep what became of each destination.

    Raises:
        OSError: where the key's folder cannot be written to.
    """
    text = msgspec.json.encode(deliveries).decode()
    write_durably(key_file.with_name(key_file.name + SENT), text)
