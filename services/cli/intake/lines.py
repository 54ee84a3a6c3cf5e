"""Messages in a stream, a line each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from ledger.intake.messages.lines import read_lines


def messages_of(stream: BinaryIO) -> Iterator[bytes]:
    """Messages, a line each; a longer line is cut just past the limit, so that it is refused."""
    return (message for _, message in read_lines(stream))
