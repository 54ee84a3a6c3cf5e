"""What is fuzzed: every way in for bytes from outside. A target ends quietly, or has found a defect."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from domain.log.notes import SignerKey
from domain.policy.faults import PolicyError
from domain.policy.load import load_policy
from ledger.export.banks.payees import read_payees
from ledger.export.file_faults import FileError
from ledger.intake.messages import bulk
from ledger.intake.messages.decode import SHIPPED_DECODER, Message, Now, Refusal, decode
from ledger.settlement.payment_results import read_pain002, read_results
from services.kafka.records import Record, message_of
from services.verify.command import verify
from services.verify.reading import Broken

NOW = Now.bounds_at(datetime(2026, 3, 2, tzinfo=UTC))
KEY = SignerKey("fuzz", b"\x07" * 32).verifier
_FOLDER = Path(tempfile.mkdtemp(prefix="fuzz-"))


def event(data: bytes) -> None:
    """The event parser: a message or a refusal with its reasons in both languages, never an error."""
    found = decode(data, NOW)
    if isinstance(found, Refusal):
        assert found.faults
        for fault in found.faults:
            assert fault.words("zh")["mend"]
            assert fault.words("en")["mend"]
        return
    assert isinstance(found, Message)
    assert found.subject
    try:
        SHIPPED_DECODER.bulk.decode(data)
    except bulk.BulkRefused:
        return  # the schemas took it; the fast decoder may leave it to them


def policy(data: bytes) -> None:
    """The policy loader: a policy, or faults with line and mend."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return
    try:
        assert load_policy(text).measures
    except PolicyError as error:
        assert error.faults
        assert all(fault.line >= 0 and fault.rule and fault.mend for fault in error.faults)


def bundle(data: bytes) -> None:
    """The bundle verifier: a verdict, for any file."""
    path = _FOLDER / "bundle.zip"
    path.write_bytes(data)
    try:
        head, verdict = verify(path, [KEY])
    except Broken as error:
        assert str(error)
        return
    assert head["kind"] in ("year", "enterprise")
    assert verdict.faults, "no seed is signed by this key"


def kafka(data: bytes) -> None:
    """Kafka decoding: the first byte says how the rest is cut into key, headers and value."""
    cut = data[0] if data else 0
    key, rest = data[1 : 1 + cut % 24], data[1 + cut % 24 :]
    name, _, value = rest.partition(b"\x00")
    headers = [("ce_specversion", b"1.0"), (name.decode("utf-8", "replace"), value)] if cut & 128 else []
    record = Record("t", 0, 1, key or None, value if cut & 64 else rest or None, headers)
    message = message_of(record)
    if isinstance(message, bytes):
        event(message)
    else:
        assert message.faults


def files(data: bytes) -> None:
    """The bank's and the bureau's files: results, or faults by line."""
    lines = data.decode("utf-8", "replace").splitlines()
    for read in (lambda: read_results(lines), lambda: read_payees(lines), lambda: read_pain002(data)):
        try:
            read()
        except FileError as error:
            assert error.total


TARGETS: dict[str, Callable[[bytes], None]] = {
    "event": event,
    "policy": policy,
    "bundle": bundle,
    "kafka": kafka,
    "files": files,
}
