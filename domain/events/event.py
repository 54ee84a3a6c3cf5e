"""One event: what was said, by whom, when; without its place in the ledger."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import msgspec

from domain.events.content import Content

_encode_sorted = msgspec.json.Encoder(order="sorted").encode
SEP = "\x1f"
"""Joins the parts of a key; no text of an event may hold a control character."""


class Speaker(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, cache_hash=True, gc=False):
    """Who said something: a publisher by its key or producer principal, or a person.

    A person is ``issuer`` and ``subject`` of the token; ``name`` is what was shown of them.
    """

    publisher: str = ""
    issuer: str = ""
    subject: str = ""
    name: str = ""


class Capacity(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, cache_hash=True, gc=False):
    """In what role something was said, and on whose behalf (a credit code, or the source of a system).

    ``proposed_by`` is the first of two persons, whose proposal is confirmed by who says it.
    ``confirmed_by`` is who had a sheet recorded that somebody else sent, and who sent it says it.
    """

    role: str = ""
    on_behalf_of: str = ""
    proposed_by: Speaker | None = None
    confirmed_by: Speaker | None = None


class SupportingDocument(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, cache_hash=True, gc=False
):
    """The document that a fact, a correction or a step of a claim rests on, never the paper itself.

    ``sha256`` is the paper's digest in hex, ``issued_on`` a day (``YYYY-MM-DD``); what was not told is empty.
    """

    number: str = ""
    sha256: str = ""
    issued_on: str = ""
    issuer: str = ""

    @property
    def citation(self) -> str:
        """It on one line, as files cite it: issuer, number, day, digest."""
        digest = f"sha256:{self.sha256}" if self.sha256 else ""
        return " ".join(filter(None, (self.issuer, self.number, self.issued_on, digest)))


class Attribution(NamedTuple):
    """Who says something and in what role; None where that is not known."""

    said_by: Speaker | None = None
    acting_as: Capacity | None = None


NOBODY = Attribution()
"""Nobody who is known: what the ledger itself concludes, and doors that cannot see who speaks."""


def key_of(source: str, event_id: str) -> str:
    """What identifies an event once and for all.

    It is kept as it is, not hashed: ids that an upstream counts up stand side by side in the
    index, so that taking them in costs the same however many there are.
    """
    return f"{source}{SEP}{event_id}"


class Event(msgspec.Struct, frozen=True, gc=False):
    """An event as it was said.

    ``time`` is when it happened: a UTC instant of fixed width (``domain.events.instants``).
    ``said_by`` and ``acting_as`` are None where that was not recorded.
    """

    content: Content
    source: str
    event_id: str
    time: str
    said_by: Speaker | None = None
    acting_as: Capacity | None = None
    written: dict[str, str] | None = None
    """What was written where that differs from the canonical spelling, by field: ``data.shop``, ``id``."""
    based_on: SupportingDocument | None = None
    """The document that it rests on; None where none was told."""

    @property
    def name(self) -> str:
        """The name of its kind: ``StoreRegistered``."""
        return type(self.content).__name__

    @property
    def key(self) -> str:
        """What identifies it once and for all."""
        return f"{self.source}{SEP}{self.event_id}"


def digest_of(subject: str, event: Event) -> bytes:
    """The digest of what a message says, 16 bytes; of a name as it was sent, before it is encrypted.

    It does not depend on who said it: the same message from another sender is the same message.
    """
    content = event.content
    return digest_of_values(subject, event, content.stored_values() if content.desk_fields else content)


def digest_of_values(subject: str, event: Event, values: object) -> bytes:
    """``digest_of`` with other values in place of the content's own."""
    document = () if event.based_on is None else (event.based_on,)
    text = _encode_sorted((event.name, subject, event.time, values, *document))
    return hashlib.blake2b(text, digest_size=16).digest()
