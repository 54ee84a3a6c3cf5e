"""The log for tools that others wrote: C2SP tlog-tiles under ``/tlog/``.

Tiles are hashes behind salts, so that whoever asks may have them, as the checkpoint. A bundle of
entries holds what leaves are hashed from, which is personal: those who work with the ledger alone.
"""

from __future__ import annotations

from typing import Any

from flask import Response

from domain.log.tiles import parse_tile_place
from ledger.audit import checkpoints
from ledger.log.tiles import read_entries, read_tile
from services.api.log.views import signer
from services.api.resource import Resource, ledger
from services.web.fields import Query
from services.web.problems import Problem

TEXT, BYTES = "text/plain", "application/octet-stream"
LASTING = "public, max-age=31536000, immutable"
"""What a tile of a width holds never changes."""

blueprint = Resource("tlog", __name__, "/tlog", "供通用工具读取的日志 · the log as C2SP tlog-tiles")


@blueprint.reads("/checkpoint", "最新检查点", Query, None, TEXT)
def checkpoint(_: dict[str, Any]) -> Response:
    """Sign for everything recorded so far (C2SP tlog-checkpoint)."""
    return Response(checkpoints.current(ledger(), signer()), mimetype=TEXT)


@blueprint.reads("/tile/<level>/<path:tile>", "日志的一块散列值", Query, None, BYTES)
def tile_of_hashes(_: dict[str, Any], level: int, tile: str) -> Response:
    """Give a tile of hashes, or the beginning of one that is not full (C2SP tlog-tiles)."""
    place = parse_tile_place(tile)
    with ledger().store.reading() as rows:
        hashes = None if place is None else read_tile(rows, level, place)
    if hashes is None:
        raise Problem("tile-unknown")
    response = Response(hashes, mimetype=BYTES)
    response.headers["Cache-Control"] = LASTING
    return response


@blueprint.reads("/tile/entries/<path:tile>", "日志的一块原文", Query, None, BYTES)
def entries(_: dict[str, Any], tile: str) -> Response:
    """Give the entries that a tile's leaves are hashed from; for those who work with the ledger."""
    place = parse_tile_place(tile)
    with ledger().store.reading() as rows:
        try:
            bundle = None if place is None else read_entries(rows, place)
        except OverflowError:
            raise Problem("tile-entry-long") from None
    if bundle is None:
        raise Problem("tile-unknown")
    return Response(bundle, mimetype=BYTES)
