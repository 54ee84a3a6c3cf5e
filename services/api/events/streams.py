"""An NDJSON stream: read line by line, ingested in batches, its results spooled for the answer.

The results wait on disk until the whole body is read, since most clients do not read while
they send; the events themselves are recorded while the body still comes in.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from typing import IO, Any

from domain.intake.authorising import Sender
from ledger.intake.batch import Result
from ledger.intake.inbox import Totals, ingest
from ledger.intake.messages.lines import CHUNK_BYTES, CutOff, Line, read_lines
from ledger.store.application import Ledger
from services.api.events.results import result_document

STREAM_BATCH_MESSAGES = 2_000
STREAM_BATCH_BYTES = 4 * 1024 * 1024
"""A batch of a stream ends at whichever of the two comes first."""
SPOOL_MEMORY_BYTES = 1024 * 1024
TOLD_MAX = 100
"""Most lines of a stream that are told one by one where they are not kept."""


def batches(stream: IO[bytes], told: bool = True) -> Iterator[list[Line]]:
    """The lines of a stream in batches of bounded size."""
    waiting: list[Line] = []
    size = 0
    for line in read_lines(stream, told):
        waiting.append(line)
        size += len(line[1])
        if len(waiting) >= STREAM_BATCH_MESSAGES or size >= STREAM_BATCH_BYTES:
            yield waiting
            waiting, size = [], 0
    if waiting:
        yield waiting


class Unkept(Exception):
    """Messages of a stream were refused and are not kept; ``document`` says what became of all of them."""

    def __init__(self, first: Result, document: dict[str, Any]) -> None:
        super().__init__()
        self.first, self.document = first, document


class Interrupted(Exception):
    """A stream ended in the middle; ``recorded`` messages were dealt with before."""

    def __init__(self, recorded: int) -> None:
        super().__init__(recorded)
        self.recorded = recorded


def take(
    ledger: Ledger,
    stream: IO[bytes],
    language: str,
    sender: Sender,
    told: bool = True,
) -> Iterator[bytes]:
    """Ingest a stream, and give back its results as NDJSON, with a summary as the last line.

    Raises:
        Interrupted: from what the ledger, or reading the stream, raised; before anything is given back.
        Unkept: where something of the stream is not kept; all that was right is recorded.
        CutOff: where the stream, of untold length, ended in half a message; what came before it in
            whole batches is recorded.
    """
    spool = tempfile.SpooledTemporaryFile(SPOOL_MEMORY_BYTES)  # noqa: SIM115
    totals = Totals()
    count = 0
    unkept: list[tuple[Result, dict[str, Any]]] = []
    try:
        for batch in batches(stream, told):
            results = ingest(ledger, [message for _, message in batch], "http", sender=sender)
            totals.add(results)
            count += len(results)
            for (number, _), result in zip(batch, results, strict=True):
                line = {"line": number, **result_document(result, language)}
                spool.write(_encode_line(line))
                if result.is_unkept and len(unkept) < TOLD_MAX:
                    unkept.append((result, line))
        counts = {"accepted": totals.accepted, "duplicate": totals.duplicate, "refused": totals.refused}
        if unkept:
            lines = [line for _, line in unkept]
            raise Unkept(unkept[0][0], {"counts": {"messages": count, **counts}, "results": lines})
        spool.write(_encode_line({"summary": {"messages": count, **counts}}))
        spool.seek(0)
    except BaseException as error:
        spool.close()
        if isinstance(error, CutOff | Unkept) or not isinstance(error, Exception):
            raise
        raise Interrupted(count) from error
    return _read_back(spool)


def _read_back(spool: IO[bytes]) -> Iterator[bytes]:
    with spool:
        while chunk := spool.read(CHUNK_BYTES):
            yield chunk


def _encode_line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
