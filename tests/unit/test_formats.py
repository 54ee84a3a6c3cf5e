"""The vectors of the formats, worked out again from what the page says, and held to what they were."""

from __future__ import annotations

import base64
import hashlib
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from docs.generate.formats import EARLIER
from docs.generate.vectors import vector_files
from domain.events import CATALOGUE, STATES
from domain.log.entries import leaf_of
from domain.log.notes import Checkpoint, NoteError, VerifierKey, open_checkpoint
from domain.log.statements import read_key_statement, read_keys
from domain.settlement.receipt import marks_of
from services.verify.command import verify
from services.verify.values import Unreadable, parsed

VECTORS = Path(__file__).parents[2] / "docs/formats/vectors"
DIGESTS = {
    "leaves": "2bd43ca003cf0bb90ed46551d241536509857f18de5d97f6af13bba03d986004",
    "trees": "d69590e12a938995730f19ce68409fb8fec79dae575e3d240bac78b257587fd0",
    "notes": "e56f4c1449f2c6c1af71a32754e6d32614bc75eaeb219279d08c31ab3bf88c22",
    "values": "488b065e8e0146bfb9bd5957f359e6e715516deedac207c7d27d0704ef1f8637",
    "divisions": "58a1846c8cca4bb3b3b3bd73799e4288376e57e1f4911e5c541d71b1fd34850f",
    "list": "c91da9602958688f823e81d1051a1c2d1def3e901a111c29193d5db145b7dbb0",
}
"""SHA-256 of each file: what was published is not rewritten; a new format gets new vectors beside these."""


def read(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text("utf-8"))


@pytest.mark.parametrize("name", [name for name, _ in vector_files()])
def test_the_vectors_are_those_that_were_published(name: str) -> None:
    assert hashlib.sha256((VECTORS / f"{name}.json").read_bytes()).hexdigest() == DIGESTS[name]


def test_each_leaf_is_laid_out_as_the_page_says_and_as_the_product_hashes_it() -> None:
    for vector in read("leaves"):
        owner, topic, state = (vector[name].encode() for name in ("originator", "topic", "state"))
        numbers = [vector["position"].to_bytes(8, "big"), vector["version"].to_bytes(8, "big")]
        sized = [part for text in (owner, topic) for part in (len(text).to_bytes(4, "big"), text)]
        entry = b"".join([bytes.fromhex(vector["salt"]), *numbers, *sized, state])
        assert entry.hex() == vector["entry"]
        assert hashlib.sha256(b"\x00" + entry).hexdigest() == vector["leaf"]
        place = vector["position"], vector["originator"], vector["version"], vector["topic"]
        assert leaf_of(bytes.fromhex(vector["salt"]), *place, state).hex() == vector["leaf"]
        STATES.read_event(vector["topic"], state)


def test_every_kind_and_version_of_an_event_has_a_leaf_and_its_earlier_form_is_told() -> None:
    shown = {(vector["topic"].partition(":")[2], vector["class_version"]) for vector in read("leaves")}
    wanted = {(name, n + 1) for name, kind in CATALOGUE.items() for n in range(kind.class_version)}
    assert shown == wanted
    assert set(EARLIER) == {name for name, kind in CATALOGUE.items() if kind.class_version > 1}


def test_the_trees_follow_from_their_entries() -> None:
    def root(hashes: list[bytes]) -> bytes:
        if len(hashes) < 2:
            return hashes[0] if hashes else hashlib.sha256(b"").digest()
        k = 1
        while 2 * k < len(hashes):
            k *= 2
        return hashlib.sha256(b"\x01" + root(hashes[:k]) + root(hashes[k:])).digest()

    for vector in read("trees"):
        leaves = [hashlib.sha256(b"\x00" + bytes.fromhex(entry)).digest() for entry in vector["entries"]]
        assert root(leaves).hex() == vector["root"]


def test_keys_notes_and_ends_are_read_as_the_page_says() -> None:
    vector = read("notes")
    for key in vector["keys"]:
        named = key["name"].encode() + b"\n" + bytes([key["algorithm"]]) + bytes.fromhex(key["public"])
        assert hashlib.sha256(named).hexdigest()[:8] == key["key_id"]
        raw = base64.b64encode(bytes([key["algorithm"]]) + bytes.fromhex(key["public"])).decode()
        assert key["vkey"] == f"{key['name']}+{key['key_id']}+{raw}" == str(VerifierKey.parse(key["vkey"]))
    ours, later, witness = (VerifierKey.parse(key["vkey"]) for key in vector["keys"])
    note = vector["checkpoint"]["note"]
    assert open_checkpoint(note, [ours, witness])[1] == [ours.name, witness.name]
    with pytest.raises(NoteError):
        open_checkpoint(note, [later])
    (ended,) = read_keys(f"{vector['ended_key']}\n{vector['proof_line']}\n")
    assert open_checkpoint(note, [ended])[1] == [ours.name]
    smaller = Checkpoint(ours.name, 6, bytes.fromhex(read("trees")[6]["root"]))
    assert ended.objection_to(smaller) is None
    assert ended.objection_to(smaller._replace(size=10)) is not None
    assert read_key_statement(vector["rotation"]).new == later


def test_values_are_written_marked_and_refused_as_the_page_says() -> None:
    vector = read("values")
    for case in vector["canonical"]:
        assert hashlib.sha256(bytes.fromhex(case["bytes"])).hexdigest() == case["digest"]
        assert json.loads(bytes.fromhex(case["bytes"])) == case["value"]
    assert marks_of(vector["marks"]["value"]) == vector["marks"]["marks"]
    for case in vector["refused"]:
        with pytest.raises(Unreadable):
            parsed(case["text"].encode())


def test_budgets_are_divided_by_the_largest_remainder() -> None:
    for vector in read("divisions"):
        budget, bases = vector["budget"], vector["bases"]
        total = sum(bases)
        exact = [Fraction(basis * min(budget, total), total) for basis in bases]
        shares = [int(share) for share in exact]
        order = sorted(range(len(bases)), key=lambda n: (shares[n] - exact[n], n))
        for number in order[: min(budget, total) - sum(shares)]:
            shares[number] += 1
        assert shares == vector["shares"]


def test_the_list_of_the_vectors_verifies(tmp_path: Path) -> None:
    vector = read("list")
    path = tmp_path / "list.ndjson"
    path.write_bytes(vector["file"].encode())
    assert verify(path, [VerifierKey.parse(vector["key"])])[1].faults == []
    assert hashlib.sha256(vector["digest_bytes"].encode()).hexdigest() == vector["digest"]
    lines = vector["file"].encode().split(b"\n")[:-2]
    assert [hashlib.sha256(b"\x00" + line).hexdigest() for line in lines] == vector["leaves"]
