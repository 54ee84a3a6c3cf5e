"""Files that a page gives: written aside, sent in pieces, deleted when they are sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from flask import Response

PIECE_BYTES = 256 * 1024
TYPES = {
    ".csv": "text/csv",
    ".xml": "application/xml",
    ".zip": "application/zip",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".json": "application/json",
}


class _Pieces:
    """A file in pieces; its folder goes with it, also when nobody reads it to the end."""

    def __init__(self, folder: TemporaryDirectory[str], path: Path) -> None:
        self.folder = folder
        self.file = path.open("rb")

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.file.read(PIECE_BYTES):
            yield piece

    def close(self) -> None:
        """Delete the file."""
        self.file.close()
        self.folder.cleanup()


def sent(folder: TemporaryDirectory[str], path: Path, name: str) -> Response:
    """A file as a download under a name."""
    media = TYPES.get(path.suffix, "application/octet-stream")
    response = Response(_Pieces(folder, path), mimetype=media)
    response.content_length = path.stat().st_size
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return response
