"""Faults by way of marshmallow: raised in a schema, and collected from its nested messages."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError

from domain.faults.fault import Fault, FaultValue


class FaultError(ValidationError):
    """A marshmallow error that carries a fault's code and arguments."""

    def __init__(self, code: str, **args: FaultValue) -> None:
        super().__init__([(code, args)])


def faults_from(messages: Any, path: str = "") -> list[Fault]:
    """Flatten marshmallow's nested messages into faults."""
    if isinstance(messages, dict):
        faults: list[Fault] = []
        for key, value in messages.items():
            inner = path if key == "_schema" else f"{path}.{key}" if path else str(key)
            faults += faults_from(value, inner)
        return faults
    pairs = [message if isinstance(message, tuple) else (message, {}) for message in messages]
    return [Fault(code, path or "message", args) for code, args in pairs]
