"""What a bundle is made of, read strictly: nothing in it is trusted."""

from __future__ import annotations

import base64
import hashlib
import sys
import zipfile
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.events import OpenMattersAcknowledged, RestoreRecorded
from domain.events.settlements import OpenMatter
from domain.log.entries import leaf_of
from domain.log.merkle import HASH_BYTES, Growing
from domain.log.notes import Checkpoint, NoteError, Signature, VerifierKey, open_checkpoint, parse_note
from domain.money.amounts import MoneyError, parse_fen
from services.verify.values import Unreadable, parsed

FORMAT = "subsidy-audit-bundle/1"
FAULTS_MAX = 100
"""Most faults of one kind that are told one by one."""
LINE_BYTES_MAX = 4_000_000
BLOCK_BYTES = 1 << 20
PROGRESS_EVENTS = 20_000


class Broken(Exception):
    """The bundle cannot be read any further."""


@dataclass(slots=True)
class Verdict:
    """What was checked, and what does not match."""

    faults: list[str] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)
    """How many faults of each kind there are, told or not."""
    vouching: list[str] = field(default_factory=list)
    unknown: int = 0
    """Signatures of keys that the reader did not give."""
    events: int = 0
    enterprises: int = 0
    awards: int = 0
    payable: int = 0
    closed: int | None = None
    """The position of the year's closing; of a list, of its publication."""
    number: int = 0
    """Which proposal of the year the list is, or was closed."""
    published: str | None = None
    size: int = 0
    """How many events of the log a receipt counts."""
    paid: int = 0
    clawed: int = 0
    recovered: int = 0
    remarks: list[str] = field(default_factory=list)
    """What is no fault, and the reader must know: keys that ended, restores."""
    held_duties: int = 0
    """How many of the remarks are of parted duties that one person held."""
    kept: list[Checkpoint] = field(default_factory=list)
    """Checkpoints that the reader kept, which the log must continue."""
    restores: list[RestoreRecorded] = field(default_factory=list)
    """Other histories that the log admits."""
    keys: int = 0
    """Keys of publishers whose events were followed."""
    matters: tuple[OpenMatter, ...] = ()
    """What the events leave open, those with most money first."""
    acknowledged: list[OpenMattersAcknowledged] = field(default_factory=list)
    """What was acknowledged when steps were taken, and by whom."""
    currency: str = "CNY"
    stated: dict[str, int] = field(default_factory=dict)
    """By table, how many rows that are no events the log states by digest."""

    def fault(self, text: str, kind: str = "of other kinds") -> None:
        """Note something that does not match; many of one ``kind`` hide nothing of another."""
        self.counted[kind] += 1
        if self.counted[kind] <= FAULTS_MAX:
            self.faults.append(text)

    def fault_at(self, position: int, text: str) -> None:
        """Note what does not match at a position of the log."""
        self.fault(f"position {position}: {text}")

    @property
    def untold(self) -> dict[str, int]:
        """How many faults of each kind are not told one by one."""
        return {kind: count - FAULTS_MAX for kind, count in self.counted.items() if count > FAULTS_MAX}

    def signed(
        self,
        body: str,
        signatures: list[Signature],
        keys: list[VerifierKey],
        checkpoint: Checkpoint | None = None,
    ) -> None:
        """Note whose of the given keys signed a note's body, and how many others did.

        A key that was replaced counts for a ``checkpoint`` that leads to its end, and for nothing else.
        """
        self.unknown += sum(not any(k.verifies(body, each) for k in keys) for each in signatures)
        for key in keys:
            if not any(key.verifies(body, each) for each in signatures):
                continue
            if counts(key, checkpoint):
                self.vouching.append(key.name)
            objection = key.objection_to(checkpoint) if checkpoint and key.end else None
            self.remarks += [objection] if objection else []

    def compare_kept(self, roots: Mapping[int, bytes]) -> None:
        """Hold checkpoints that the reader kept against the roots of the log, by size."""
        for kept in self.kept:
            other = next((each for each in self.restores if each.signed_size == kept.size), None)
            if kept.size not in roots:
                lacking = "cannot be held against this file: take a year's bundle, made later"
                self.fault(f"the checkpoint of {kept.size:,} events that you kept {lacking}")
            elif roots[kept.size] != kept.root and other and other.signed_root == kept.root.hex():
                self.remarks.append(
                    f"the checkpoint of {kept.size:,} events that you kept is of the lost history"
                )
            elif roots[kept.size] != kept.root:
                self.fault(
                    f"the log is another than that of the {kept.size:,} events whose checkpoint you kept"
                )

    def witnessed(self, witnesses: int, more: str = "") -> None:
        """Hold who signed against how many witnesses the reader asks for."""
        if witnesses and len(set(self.vouching)) < 1 + witnesses:
            signed = ", ".join(self.vouching) or "nobody"
            self.fault(f"only {signed} signed; {witnesses} witnesses are asked for{more}")


def counts(key: VerifierKey, checkpoint: Checkpoint | None) -> bool:
    """Whether a key's signature counts: one that was replaced, only for what leads to its end."""
    return key.end is None or (checkpoint is not None and key.objection_to(checkpoint) is None)


@dataclass(slots=True)
class LoggedEvent:
    """One event of the bundle.

    ``withheld`` is the leaf's hash where an enterprise's bundle gives nothing else of an event,
    because it tells of others.
    """

    position: int
    originator: str
    version: int
    topic: str
    state: bytes
    salt: bytes
    path: list[bytes] | None
    withheld: bytes | None = None

    @property
    def leaf(self) -> bytes:
        """The hash that the log must hold at its position."""
        if self.withheld is not None:
            return self.withheld
        return leaf_of(self.salt, self.position, self.originator, self.version, self.topic, self.state)


def read_head(archive: zipfile.ZipFile) -> dict[str, Any]:
    """What the bundle says of itself."""
    head = object_of(read_limited(archive, "bundle.json"))
    kinds = {
        "format": str,
        "kind": str,
        "policy": str,
        "year": int,
        "size": int,
        "budget": str,
        "factor": str,
    }
    for name, kind in {**kinds, "sharing": str, "period": str}.items():
        if not isinstance(head.get(name), kind):
            raise Broken(f"bundle.json: {name} is missing or not of its kind")
    if head["format"] != FORMAT or head["kind"] not in ("year", "enterprise"):
        raise Broken(f"bundle.json: the form {head['format']!r} is not one that this program reads")
    return head


MEMBERS = {
    "year": {"bundle.json", "checkpoint", "leaves", "events.ndjson", "awards.ndjson"},
    "enterprise": {"bundle.json", "checkpoint", "events.ndjson", "awards.ndjson", "seal"},
}
SEALED = ("bundle.json", "checkpoint", "events.ndjson", "awards.ndjson")
"""What an enterprise's bundle is sealed over: no later event of it can be left out unseen."""


def check_members(archive: zipfile.ZipFile, kind: str) -> None:
    """A bundle holds what belongs in it, each once, so that every program reads the same.

    Raises:
        Broken: where it does not.
    """
    names = archive.namelist()
    if len(names) != len(set(names)) or set(names) != MEMBERS[kind]:
        raise Broken(
            f"the bundle should hold {', '.join(sorted(MEMBERS[kind]))}, each once; it has {names[:9]}"
        )


def check_seal(archive: zipfile.ZipFile, keys: list[VerifierKey], verdict: Verdict) -> None:
    """The ledger's word that these are all events of the enterprise."""
    lines = [FORMAT]
    for name in SEALED:
        digest = hashlib.sha256()
        with archive.open(name) as file:
            while block := file.read(BLOCK_BYTES):
                digest.update(block)
        lines.append(f"{name} {digest.hexdigest()}")
    try:
        body, signatures = parse_note(read_limited(archive, "seal").decode("utf-8"))
    except (NoteError, UnicodeDecodeError) as error:
        raise Broken(f"seal: {error}") from None
    if body != "\n".join(lines) + "\n":
        verdict.fault("the seal is not of this bundle: something in it was changed")
    elif not any(key.verifies(body, each) for key in keys for each in signatures):
        verdict.fault("the seal is not signed by any of the given keys")


def read_limited(archive: zipfile.ZipFile, name: str) -> bytes:
    """A small member of the bundle."""
    with archive.open(name) as file:
        data = file.read(LINE_BYTES_MAX + 1)
    if len(data) > LINE_BYTES_MAX:
        raise Broken(f"{name} is too large")
    return data


def object_of(raw: bytes) -> dict[str, Any]:
    """A JSON object."""
    try:
        value = parsed(raw)
    except Unreadable as error:
        raise Broken(str(error)) from None
    if not isinstance(value, dict):
        raise Broken(f"not a JSON object: {raw[:60]!r}")
    return value


def read_checkpoint(
    archive: zipfile.ZipFile, head: dict[str, Any], keys: list[VerifierKey], witnesses: int, verdict: Verdict
) -> Checkpoint:
    """The checkpoint, signed by the keys that the reader trusts."""
    try:
        note = read_limited(archive, "checkpoint").decode("utf-8")
        checkpoint, _ = open_checkpoint(note, keys)
    except (NoteError, UnicodeDecodeError) as error:
        raise Broken(f"checkpoint: {error}") from None
    verdict.signed(*parse_note(note), keys, checkpoint)
    if checkpoint.size != head["size"]:
        raise Broken(f"the checkpoint is of {checkpoint.size} events, the bundle says {head['size']}")
    if checkpoint.origin not in verdict.vouching:
        verdict.fault(f"the log {checkpoint.origin} did not sign its checkpoint with any of the given keys")
    verdict.witnessed(witnesses)
    return checkpoint


def read_lines(archive: zipfile.ZipFile, name: str) -> Iterator[dict[str, Any]]:
    """The JSON objects of a member, one a line, streamed."""
    with archive.open(name) as file:
        while line := file.readline(LINE_BYTES_MAX + 1):
            if len(line) > LINE_BYTES_MAX:
                raise Broken(f"{name} has a line that is too long")
            yield object_of(line)


def _position(value: object) -> int:
    if type(value) is not int or not 0 < value < 1 << 62:
        raise ValueError(f"not a position: {str(value)[:40]}")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"not text: {str(value)[:40]}")
    return value


def bytes_of_hex(text: object) -> bytes:
    """Bytes from hexadecimal in their only spelling, so that no changed letter goes unseen.

    Raises:
        ValueError: for capitals, blanks, and whatever else is not hexadecimal.
    """
    digits = _text(text)
    raw = bytes.fromhex(digits)
    if raw.hex() != digits:
        raise ValueError(f"not hexadecimal as a ledger writes it: {digits[:40]!r}")
    return raw


def hashes_of(path: Iterable[object]) -> list[bytes]:
    """The hashes of a proof.

    Raises:
        ValueError: for anything but hashes in hexadecimal.
    """
    hashes = [bytes_of_hex(each) for each in path]
    if any(len(each) != HASH_BYTES for each in hashes):
        raise ValueError("a step of the proof is no hash")
    return hashes


def _bytes_of_base64(text: object) -> bytes:
    raw = base64.b64decode(_text(text), validate=True)
    if base64.b64encode(raw).decode() != text:
        raise ValueError("not Base64 as a ledger writes it")
    return raw


def event_of(value: dict[str, Any]) -> LoggedEvent:
    """An event of a bundle."""
    try:
        path = value.get("path")
        proof = None if path is None else hashes_of(path)
        place = _position(value["position"]), _text(value["originator"]), _position(value["version"])
        if "leaf" in value:
            return LoggedEvent(*place, "", b"", b"", proof, bytes_of_hex(value["leaf"]))
        return LoggedEvent(
            *place,
            _text(value["topic"]),
            _bytes_of_base64(value["state"]),
            bytes_of_hex(value["salt"]),
            proof,
        )
    except KeyError as error:
        raise Broken(f"an event cannot be read: {error.args[0]} is missing") from None
    except (ValueError, TypeError) as error:
        raise Broken(f"an event cannot be read: {error}") from None


def parse_fen_any(text: str) -> int:
    """A sum of a bundle's head, in fen."""
    try:
        return parse_fen(text, printed=True)
    except MoneyError:
        raise Broken(f"bundle.json: not an amount: {text[:40]!r}") from None


def read_leaves(archive: zipfile.ZipFile, size: int) -> bytes:
    """The hashes of all leaves."""
    with archive.open("leaves") as file:
        leaves = file.read(size * HASH_BYTES + 1)
    if len(leaves) != size * HASH_BYTES:
        raise Broken(f"leaves: there are not {size} hashes of {HASH_BYTES} bytes")
    return leaves


def roots_over(leaves: bytes, sizes: Collection[int]) -> dict[int, bytes]:
    """The roots over the first leaves, by their number, in one pass in memory that does not grow."""
    tree = Growing()
    roots: dict[int, bytes] = {}
    for index in range(max(sizes, default=0)):
        tree.push(leaves[index * HASH_BYTES : (index + 1) * HASH_BYTES])
        if index + 1 in sizes:
            roots[index + 1] = tree.root
    return roots


def tell_progress(wanted: bool, events: int, size: int) -> None:
    """Print how many events were read, now and then, where that is wanted."""
    if wanted and events % PROGRESS_EVENTS == 0:
        print(f"  {events:,} / {size:,}", file=sys.stderr)
