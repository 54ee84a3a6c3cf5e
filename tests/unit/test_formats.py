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
LEAVES = 56
"""How many leaves were published; kinds that came later stand behind them, and are counted in here."""
DIGESTS = {
    "leaves": "0a5d8a2aa8e1fe04bd019b00fcf806e9aef31f0295dd29fd4efae92784c380d3",
    "trees": "5fb3bd7fd6c7bfeba8a306f96a7dc17a0799e3c212aff6ed71731e712e689c64",
    "notes": "8468e17f9526caa804e67e74f33bfe106a59736e75b040e837db46d8dfe1fe4c",
    "values": "b2334df3636c7592a6725a7cc2b8b2b23f6b16264f3bbd5b6125a1f8e7de4578",
    "divisions": "d01562a5a6c126be3042071d8393621437e4253fdd8336946ec9119b65076424",
    "list": "265b32374220e5431163a0bcf0d9caf7919d3b1f14ac6cfba6bcbfd44946a68b",
}
"""SHA-256 of the values of each file: what was published stays; a new format gets new vectors beside it."""


def read(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text("utf-8"))


@pytest.mark.parametrize("name", [name for name, _ in vector_files()])
def test_the_vectors_are_those_that_were_published(name: str) -> None:
    published = read(name)[:LEAVES] if name == "leaves" else read(name)
    text = json.dumps(published, ensure_ascii=False, sort_keys=True)
    assert hashlib.sha256(text.encode()).hexdigest() == DIGESTS[name]


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
