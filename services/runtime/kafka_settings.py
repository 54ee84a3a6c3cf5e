"""What the Kafka side needs to know; read from the environment by ``services.runtime.settings``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECURITY = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")


class UnusableFile(ValueError):
    """A file that the settings name cannot be used; the text says which, why, and the mend."""


@dataclass(frozen=True, slots=True)
class PublisherTopic:
    """A topic that only one publisher may write to: the source and types of what comes on it."""

    topic: str
    source: str
    types: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """Broker, topics and group, and how the broker and we prove who we are."""

    brokers: str = "127.0.0.1:9092"
    topic: str = "subsidy.events"
    topics: tuple[PublisherTopic, ...] = ()
    """Topics of facts beside ``topic``, each of one publisher; the broker's ACL holds it."""
    dead_letters: str = "subsidy.dead-letters"
    published: str = "subsidy.balances"
    checkpoints: str = "subsidy.checkpoints"
    group: str = "subsidy-ledger"
    session_timeout_ms: int = 10_000
    fetch_bytes: int = 16 * 1024 * 1024
    security: str = "PLAINTEXT"
    ca_file: str = ""
    """Who may vouch for the broker; empty, whom this machine trusts."""
    cert_file: str = ""
    key_file: str = ""
    mechanism: str = ""
    username: str = ""
    password_file: str = ""
    """A file, so that the password stands in no environment and in no list of processes."""

    def client(self) -> dict[str, Any]:
        """Settings that every client shares.

        Raises:
            UnusableFile: for a file of a certificate, key or password that cannot be read.
        """
        shared = {"bootstrap_servers": self.brokers.split(","), "client_id": "subsidy-ledger"}
        return {**shared, **self._security()} if self.security != "PLAINTEXT" else shared

    def _security(self) -> dict[str, Any]:
        options: dict[str, Any] = {"security_protocol": self.security}
        if self.security.endswith("SSL"):
            files = {"ssl_cafile": self.ca_file, "ssl_certfile": self.cert_file, "ssl_keyfile": self.key_file}
            options |= {name: _readable(file) for name, file in files.items() if file}
        if self.security.startswith("SASL"):
            password = Path(_readable(self.password_file)).read_text("utf-8-sig").rstrip("\r\n")
            options |= {"sasl_mechanism": self.mechanism, "sasl_plain_username": self.username}
            options["sasl_plain_password"] = password
        return options

    def producer(self) -> dict[str, Any]:
        """Settings of a producer that neither loses nor reorders."""
        return {
            **self.client(),
            "acks": "all",
            "enable_idempotence": True,
            "max_request_size": self.fetch_bytes,
        }


def _readable(file: str) -> str:
    if not os.access(file, os.R_OK) or not Path(file).is_file():
        raise UnusableFile(f"{file}: no file that this user can read — check the path, owner and mode")
    return file
