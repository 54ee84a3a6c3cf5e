"""Messages of a stream, a line each: from a file, standard input or a body, whatever marks its encoding."""

from __future__ import annotations

import codecs
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from typing import IO

import msgspec

from ledger.intake.messages.decode import MESSAGE_BYTES_MAX

CHUNK_BYTES = 65_536
_MARK_BYTES = 3

Line = tuple[int, bytes]
"""(number in the stream, from 1; the message)."""


class CutOff(Exception):
    """A stream broke off within its ``line``: half a message is nobody's, so it is not kept as refused."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


def read_lines(stream: IO[bytes], told: bool = True) -> Iterator[Line]:
    """The lines of a stream that hold something; of one that is too long, its beginning.

    Byte order marks before the first line are taken off; what one says is UTF-16 is read as that.

    Args:
        told: whether the stream's length was told before it, so that one that breaks off is an error
            of reading; of any other, what is no whole message at its end is half of one.

    Raises:
        CutOff: where a stream of untold length ends in half a message.
    """
    number, line, dropping = 0, bytearray(), False
    for chunk in _chunks(stream):
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            if not dropping:
                line += chunk[start:end]
            number += 1
            yield from _line(number, line)
            line.clear()
            start, dropping = end + 1, False
        if not dropping:
            line += chunk[start:]
            dropping = len(line) > MESSAGE_BYTES_MAX
            del line[MESSAGE_BYTES_MAX + 1 :]
    if line and not told and _is_half(line):
        raise CutOff(number + 1)
    yield from _line(number + 1, line)


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    """The bytes of a stream as UTF-8 without a mark."""
    read = getattr(stream, "read1", stream.read)  # of a pipe, what has come so far
    head = b""
    while len(head) < _MARK_BYTES and (piece := read(CHUNK_BYTES)):
        head += piece
    if head.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        decoder = codecs.getincrementaldecoder("utf-16")("replace")
        yield decoder.decode(head).encode()
        while chunk := read(CHUNK_BYTES):
            yield decoder.decode(chunk).encode()
        return
    while head.startswith(BOM_UTF8):  # programs leave several
        head = head.removeprefix(BOM_UTF8)
    yield head
    while chunk := read(CHUNK_BYTES):
        yield chunk


def _is_half(line: bytearray) -> bool:
    """Whether a line that nothing ends holds the beginning of a message at most."""
    if len(line) > MESSAGE_BYTES_MAX:
        return False
    try:
        msgspec.json.decode(bytes(line).removeprefix(BOM_UTF8))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return bool(line.strip())
    return False


def _line(number: int, line: bytearray) -> Iterator[Line]:
    too_long = len(line) > MESSAGE_BYTES_MAX
    message = bytes(line[: MESSAGE_BYTES_MAX + 1]) if too_long else bytes(line).strip()
    if message:
        yield number, message
