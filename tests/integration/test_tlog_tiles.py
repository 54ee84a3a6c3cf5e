"""The log as tiles: any tile leads to the checkpoint, by the addresses of C2SP tlog-tiles."""

from __future__ import annotations

import hashlib

import pytest

from domain.log.merkle import inclusion_path, root_at
from domain.log.notes import Checkpoint, parse_note
from domain.log.tiles import TilePlace, parse_tile_place, write_tile_place
from ledger.intake.inbox import ingest
from services.sample.city import city
from tests.integration.api_client import Api, is_problem


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("000", (0, 256)),
        ("067", (67, 256)),
        ("x001/x234/067", (1_234_067, 256)),
        ("x001/x234/067.p/5", (1_234_067, 5)),
        ("999.p/255", (999, 255)),
        ("x001/000", (1_000, 256)),
    ],
)
def test_a_place_is_read_as_it_is_written(text: str, place: tuple[int, int]) -> None:
    assert parse_tile_place(text) == place
    assert write_tile_place(TilePlace(*place)) == text


@pytest.mark.parametrize(
    "text",
    ["0", "00", "0000", "x000/000", "001/000", "x1/000", "000.p/0", "000.p/256", "000.p/05", "000.p", "a"],
)
def test_a_place_that_is_written_otherwise_is_none(text: str) -> None:
    assert parse_tile_place(text) is None


def test_tiles_lead_to_the_checkpoint_and_entries_to_tiles(api: Api) -> None:
    ingest(api.ledger, list(city(80, seed=6)), "tests")
    note = api.client.get("/tlog/checkpoint")
    size, root = Checkpoint.parse(parse_note(note.text)[0])[1:]
    assert size > 300
    assert note.mimetype == "text/plain"

    full, width = divmod(size, 256)
    places = [*(TilePlace(number, 256) for number in range(full)), TilePlace(full, width)]
    leaves = b""
    for place in places:
        answer = api.client.get(f"/tlog/tile/0/{write_tile_place(place)}")
        assert (answer.status_code, answer.mimetype) == (200, "application/octet-stream")
        assert "immutable" in answer.headers["Cache-Control"]
        assert len(answer.data) == 32 * place.width
        leaves += answer.data
        bundle, hashes, at = api.client.get(f"/tlog/tile/entries/{write_tile_place(place)}").data, b"", 0
        while at < len(bundle):
            length = int.from_bytes(bundle[at : at + 2], "big")
            hashes += hashlib.sha256(b"\x00" + bundle[at + 2 : at + 2 + length]).digest()
            at += 2 + length
        assert hashes == answer.data
    above: bytes = api.client.get(f"/tlog/tile/1/000.p/{full}").data

    def node(level: int, index: int) -> bytes:
        if level == 8:
            return above[index * 32 : index * 32 + 32]
        if level == 0:
            return leaves[index * 32 : index * 32 + 32]
        first, second = node(level - 1, 2 * index), node(level - 1, 2 * index + 1)
        return hashlib.sha256(b"\x01" + first + second).digest()

    assert root_at(size, node) == root
    assert [each.hex() for each in inclusion_path(4, size, node)] == api.get("/v1/log/proofs/5")["path"]


@pytest.mark.parametrize(
    "tile", ["0/999", "0/000", "0/000.p/200", "1/000.p/1", "63/000", "entries/009", "0/00x"]
)
def test_a_tile_that_the_log_does_not_have_is_unknown(api: Api, tile: str) -> None:
    problem = is_problem(api.client.get(f"/tlog/tile/{tile}"))

    assert (problem["status"], problem["code"]) == (404, "tile-unknown")


def test_whoever_may_not_see_every_enterprise_gets_hashes_and_no_entries(api: Api) -> None:
    ingest(api.ledger, list(city(2, seed=6)), "tests")
    stranger = {"Subsidy-Roles": "upstream"}

    assert api.client.get("/tlog/tile/0/000.p/1", headers=stranger).status_code == 200
    assert api.client.get("/tlog/tile/entries/000.p/1", headers=stranger).status_code == 403
