"""How folded facts are stored: whole in the enterprise's row, or what grows with each event entry by entry.

Most enterprises have few events, and their facts are one value that is read and written whole. Of one with
``MANY_EVENTS`` or more what grows stands in ``folded_entries``, a row an entry, so that a message reads and
writes the entries that it touches. Which it is follows from the number of its events alone, so that a replay
lays out the same rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, MutableMapping
from typing import Any, Literal, NamedTuple, TypeVar, cast

import msgspec
from msgspec.structs import replace

from domain.events.event import SEP
from domain.facts.claims import ApprovedItem, Claim
from domain.facts.folding import Amended, EnterpriseFacts
from ledger.store.folded.places import PART as PLACES
from ledger.store.folded.places import StoredPlaces, read_places
from ledger.store.rows import DamagedStore, Rows

MANY_EVENTS = 100
"""Events from which on an enterprise's facts are stored entry by entry; another number takes an upgrade."""

T = TypeVar("T")


_encode = msgspec.msgpack.Encoder().encode
_facts = msgspec.msgpack.Decoder(EnterpriseFacts)
GrowingField = Literal["items", "claims", "steps", "amended"]
_PARTS: dict[GrowingField, msgspec.msgpack.Decoder[Any]] = {
    "items": msgspec.msgpack.Decoder(ApprovedItem),
    "claims": msgspec.msgpack.Decoder(Claim),
    "steps": msgspec.msgpack.Decoder(list[str]),
    "amended": msgspec.msgpack.Decoder(Amended),
}
"""The fields of ``EnterpriseFacts`` that grow, each with what reads its entries."""
_SELECT = "SELECT entry, value FROM folded_entries WHERE code=? AND part=?"


def is_many(version: int) -> bool:
    """Whether an enterprise with an event of this version has many."""
    return version >= MANY_EVENTS


class EntryRow(NamedTuple):
    """A row of ``folded_entries``."""

    code: str
    part: str
    entry: str
    value: bytes


class EntryKey(NamedTuple):
    """What names a row of ``folded_entries``."""

    code: str
    part: str
    entry: str


class Entries(MutableMapping[str, T]):
    """One growing field of an enterprise's facts, of which entries are read when they are asked for.

    It holds for the transaction that it was read in. Going through all of it reads all of it.
    """

    def __init__(self, rows: Rows, code: str, part: GrowingField) -> None:
        self._rows, self._code, self._part = rows, code, part
        self._decoder: msgspec.msgpack.Decoder[T] = _PARTS[part]
        self._stored: dict[str, bytes | None] = {}
        """What is stored of the entries that were asked for; ``None`` where nothing is."""
        self._values: dict[str, T] = {}
        self._is_whole = False
        self._is_any: bool | None = None

    def read(self, entries: Iterable[str]) -> None:
        """Read entries at once that will be asked for."""
        unread = [] if self._is_whole else [entry for entry in entries if entry not in self._stored]
        if unread:
            self._stored |= dict.fromkeys(unread)
            keys = [EntryKey(self._code, self._part, entry) for entry in unread]
            columns = ("entry", "value")
            self._take(self._rows.rows_by_key("folded_entries", columns, EntryKey._fields, keys))

    def read_all(self) -> None:
        """Read every entry at once."""
        if not self._is_whole:
            known = self._stored.keys()
            stored_rows = self._rows.all(_SELECT, [self._code, self._part])
            self._take([row for row in stored_rows if row[0] not in known])
            self._is_whole = True

    def names_ending(self, endings: Iterable[str]) -> list[str]:
        """The entries with one of these texts at their end, as they are stored."""
        patterns = [f"%{ending}" for ending in endings]
        sql = "SELECT entry FROM folded_entries WHERE code=? AND part=? AND "
        condition = " OR ".join(["entry LIKE ?"] * len(patterns))
        return [row[0] for row in self._rows.all(f"{sql}({condition})", [self._code, self._part, *patterns])]

    def _take(self, stored_rows: Iterable[Any]) -> None:
        for entry, value in stored_rows:
            self._stored[entry] = bytes(value)
            self._values[entry] = _decode(self._decoder, self._code, bytes(value))

    def stored_values(self) -> dict[str, T]:
        """The entries that were asked for as they are stored."""
        stored = ((entry, value) for entry, value in self._stored.items() if value is not None)
        return {entry: _decode(self._decoder, self._code, value) for entry, value in stored}

    def values_read(self) -> Mapping[str, T]:
        """The entries that were asked for as they are now."""
        return self._values

    def stored_bytes(self) -> Mapping[str, bytes | None]:
        """The entries that were asked for as they are stored, encoded."""
        return self._stored

    def __getitem__(self, entry: str) -> T:
        self.read((entry,))
        return self._values[entry]

    def __setitem__(self, entry: str, value: T) -> None:
        self.read((entry,))
        self._values[entry] = value

    def __delitem__(self, entry: str) -> None:
        self.read((entry,))
        del self._values[entry]

    def __iter__(self) -> Iterator[str]:
        self.read_all()
        return iter(self._values)

    def __len__(self) -> int:
        self.read_all()
        return len(self._values)

    def __bool__(self) -> bool:
        """Whether there is any entry, told without reading them all."""
        if self._values:
            return True
        if self._is_any is None:
            self._is_any = bool(self._rows.all(f"{_SELECT} LIMIT 1", [self._code, self._part]))
        return self._is_any


class EntryChanges:
    """Collects what changes of entries, for a writer that writes all of it at once."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._put: list[EntryRow] = []
        self._gone: list[EntryKey] = []

    def encode_facts(self, code: str, version: int, facts: EnterpriseFacts) -> bytes:
        """An enterprise's facts as its row keeps them; what of them changes elsewhere is noted.

        Args:
            code: the enterprise.
            version: of its last event, which is how many there are.
            facts: as they are now.
        """
        if not is_many(version):
            return _encode(facts)
        for part in _PARTS:
            field = getattr(facts, part)
            if isinstance(field, Entries):
                self._compare(code, part, field.stored_bytes(), field.values_read())
            else:
                stored = {entry: bytes(value) for entry, value in self._rows.all(_SELECT, [code, part])}
                self._compare(code, part, stored, field)
        return _encode(replace(facts, items={}, claims={}, steps={}, amended={}))

    def note_places(self, code: str, places: StoredPlaces | set[str]) -> None:
        """Note what changes of the places of an enterprise with many events.

        Args:
            code: the enterprise.
            places: as a batch changed them, or all of them.
        """
        if isinstance(places, StoredPlaces):
            added, removed = places.added, places.removed
        else:
            stored = read_places(self._rows, code)
            added, removed = places - stored, stored - places
        self._put += [EntryRow(code, PLACES, place, b"") for place in sorted(added)]
        self._gone += [EntryKey(code, PLACES, place) for place in sorted(removed)]

    def _compare(
        self, code: str, part: str, stored: Mapping[str, bytes | None], values: Mapping[str, object]
    ) -> None:
        for entry, value in values.items():
            encoded = _encode(value)
            if encoded != stored.get(entry):
                self._put.append(EntryRow(code, part, entry, encoded))
        self._gone += [
            EntryKey(code, part, entry)
            for entry, value in stored.items()
            if value is not None and entry not in values
        ]

    def write(self) -> None:
        """Write what was noted."""
        self._rows.run_many(
            "INSERT INTO folded_entries (code,part,entry,value) VALUES (?,?,?,?) "
            "ON CONFLICT (code,part,entry) DO UPDATE SET value=excluded.value",
            self._put,
        )
        self._rows.run_many("DELETE FROM folded_entries WHERE code=? AND part=? AND entry=?", self._gone)
        self._put, self._gone = [], []


def decode_facts(
    rows: Rows, code: str, version: int, stored: bytes, *, whole: bool = True
) -> EnterpriseFacts:
    """An enterprise's facts from its row.

    Args:
        rows: the transaction that the row was read in.
        code: the enterprise.
        version: of its last event.
        stored: what the row has of the facts.
        whole: whether they are all read now. Otherwise what grows is read entry by entry as it is asked
            for, within the transaction.

    Raises:
        DamagedStore: where they cannot be read.
    """
    facts = _decode(_facts, code, stored)
    for part in _PARTS if is_many(version) else ():
        entries = Entries[Any](rows, code, part)
        setattr(facts, part, dict(entries) if whole else entries)
    return facts


def is_apart(facts: EnterpriseFacts) -> bool:
    """Whether what grows of these facts is read entry by entry."""
    return isinstance(facts.claims, Entries)


def ask_for(facts: EnterpriseFacts, keys: Mapping[GrowingField, Iterable[str] | None]) -> None:
    """Read entries at once that will be asked for, by field, or with ``None`` all of a field.

    Facts that are whole have them.
    """
    for part, entries in keys.items():
        field = getattr(facts, part)
        if not isinstance(field, Entries):
            continue
        if entries is None:
            field.read_all()
        else:
            field.read(entries)


def find_amended(facts: EnterpriseFacts, kinds: Collection[str]) -> list[str]:
    """What later events amended of these kinds of event, by key of ``amended``; what they say is not read."""
    field = facts.amended
    entries = field.names_ending(kinds) if isinstance(field, Entries) else field
    return [entry for entry in entries if entry.rpartition(SEP)[2] in kinds]


def changed_claims(
    facts: EnterpriseFacts, before: Mapping[str, Claim]
) -> tuple[Mapping[str, Claim], Mapping[str, Claim]]:
    """The claims that may have changed, as they stood and as they stand.

    Args:
        facts: as they are now.
        before: all claims as they stood, of facts that were read whole.
    """
    if isinstance(facts.claims, Entries):
        entries = cast("Entries[Claim]", facts.claims)
        return entries.stored_values(), entries.values_read()
    return before, facts.claims


def _decode(decoder: msgspec.msgpack.Decoder[T], code: str, value: bytes) -> T:
    try:
        return decoder.decode(value)
    except msgspec.MsgspecError as error:
        raise DamagedStore("database.unreadable-row", reason=f"enterprises {code}: {error}") from error
