"""What every published message has in common."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from ledger.store.stored_events import Stored

SOURCE = "urn:subsidy-ledger"


class Outgoing(NamedTuple):
    """One message: its key and its CloudEvents value."""

    position: int
    key: str
    value: bytes


def message(event: Stored, type_: str, key: str, id_: str, data: dict[str, Any]) -> Outgoing:
    """A message that an event gave rise to; its id is the same whenever it is made again."""
    value = {
        "specversion": "1.0",
        "id": id_,
        "source": SOURCE,
        "type": type_,
        "subject": key,
        "time": event.recorded_at,
        "datacontenttype": "application/json",
        "data": data,
    }
    return Outgoing(event.position, key, json.dumps(value, ensure_ascii=False).encode())
