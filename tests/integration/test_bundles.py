"""Audit bundles: they verify as written, and no byte of them can be changed unseen."""

from __future__ import annotations

import ast
import base64
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pymerkle import InclusionProof, InmemoryTree, verify_inclusion

from domain.log.entries import entry_of, salt_of
from domain.log.merkle import check_consistency, check_inclusion
from domain.log.notes import COSIGNATURE_V1, SignerKey, open_checkpoint, parse_note
from ledger.audit.bundle import write_enterprise, write_year
from ledger.audit.checkpoints import (
    StaleCheckpoint,
    UnknownPosition,
    cosign,
    current,
    entry_at,
    prove_consistency,
    prove_inclusion,
)
from ledger.intake.inbox import ingest
from ledger.policies.versions import set_budget
from ledger.store.application import Ledger
from ledger.store.log_tree import Tree, secret_of
from services.sample.city import city
from services.verify import Broken, main, verify
from tests.conftest import HERE
from tests.events import CIXI

KEY = SignerKey("ledger", b"\x01" * 32)
WITNESS = SignerKey("auditor", b"\x03" * 32, COSIGNATURE_V1)
Members = dict[str, bytes]


class Bundles(NamedTuple):
    """A sample's ledger, its checkpoint, and both kinds of bundle."""

    ledger: Ledger
    note: str
    size: int
    year: Path
    enterprise: Path
    code: str


@pytest.fixture
def sample(open_at: Callable[..., Ledger], tmp_path: Path) -> Bundles:
    ledger = open_at()
    set_budget(ledger, CIXI, "2024", 5_000_000_00)
    ingest(ledger, list(city(60)), "tests")
    note = current(ledger, KEY)
    body, _ = parse_note(note)
    size = int(note.split("\n")[1])
    note = cosign(ledger, size, WITNESS.cosign(body, 1_900_000_000), WITNESS.verifier)
    with ledger.store.reading() as rows:
        sql = "SELECT code FROM awards GROUP BY code ORDER BY COUNT(*) DESC, code LIMIT 1"
        code = str(rows.all(sql)[0][0])
    year, own = tmp_path / "year.zip", tmp_path / "own.zip"
    write_year(ledger, year, CIXI, 2024, note, size)
    write_enterprise(ledger, own, code, CIXI, 2024, note, size, KEY)
    return Bundles(ledger, note, size, year, own, code)


def faults(path: Path, key: SignerKey = KEY, witnesses: int = 0) -> list[str]:
    """Everything that is said against a bundle."""
    try:
        keys = [key.verifier, WITNESS.verifier] if witnesses else [key.verifier]
        return verify(path, keys, witnesses)[1].faults
    except Broken as error:
        return [str(error)]


def members(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def written(path: Path, parts: Members) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def lines(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.splitlines()]


def ndjson(values: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(value, ensure_ascii=False).encode() + b"\n" for value in values)


def test_both_kinds_verify(sample: Bundles, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (sample.year, sample.enterprise):
        assert faults(path) == []
        assert faults(path, witnesses=1) == []
        given = [str(path), "--key", str(KEY.verifier), "--key", str(WITNESS.verifier), "--witnesses", "1"]
        assert main(given) == 0
        assert capsys.readouterr().out.endswith("VERIFIED\n")
    head, verdict = verify(sample.year, [KEY.verifier])
    assert verdict.enterprises == 60
    assert verdict.events == head["size"] == sample.size
    assert verdict.payable == 5_000_000_00


def test_a_missing_witness_and_another_key_are_found(sample: Bundles, tmp_path: Path) -> None:
    other = SignerKey("ledger", b"\x08" * 32)
    for path in (sample.year, sample.enterprise):
        parts = members(path)
        body, _ = parse_note(sample.note)
        parts["checkpoint"] = (body + "\n" + KEY.sign(body)).encode()
        alone = written(tmp_path / "alone.zip", parts)
        assert any("witnesses are asked for" in fault for fault in faults(alone, witnesses=1))
        assert faults(path, other)
        only_witness = verify(path, [WITNESS.verifier])[1].faults
        assert any("did not sign its checkpoint" in fault for fault in only_witness)
        assert main([str(path), "--key", str(other.verifier)]) == 2
        assert main([str(path), "--key", "nonsense"]) == 2


def changed_head(**values: Any) -> Callable[[Members], None]:
    def change(parts: Members) -> None:
        parts["bundle.json"] = json.dumps({**json.loads(parts["bundle.json"]), **values}).encode()

    return change


def changed_event(
    at: int, change: Callable[[list[dict[str, Any]], int], object]
) -> Callable[[Members], None]:
    def apply(parts: Members) -> None:
        events = lines(parts["events.ndjson"])
        change(events, at)
        parts["events.ndjson"] = ndjson(events)

    return apply


def state_changed(events: list[dict[str, Any]], at: int) -> None:
    at = next(n for n, event in enumerate(events) if b"amount_fen" in base64.b64decode(event["state"]))
    raw = base64.b64decode(events[at]["state"]).replace(b'"amount_fen":', b'"amount_fen":1')
    events[at]["state"] = base64.b64encode(raw).decode()


CHANGES: dict[str, Callable[[Members], None]] = {
    "the budget": changed_head(budget="1.00"),
    "the factor": changed_head(factor="1/1"),
    "the sum that shares": changed_head(sharing="1.00"),
    "the year": changed_head(year=2001),
    "the period": changed_head(period="1999"),
    "the policy": changed_head(policy="another"),
    "the kind": changed_head(kind="neither"),
    "the size": changed_head(size=3),
    "a negative size": changed_head(size=-1),
    "a state": changed_event(0, state_changed),
    "the last event dropped": changed_event(-1, lambda events, at: events.pop(at)),
    "an event in the middle dropped": changed_event(-3, lambda events, at: events.pop(at)),
    "the first event dropped": changed_event(0, lambda events, at: events.pop(at)),
    "an event twice": changed_event(-1, lambda events, at: events.append(events[at])),
    "a position": changed_event(-1, lambda events, at: events[at].update(position=1)),
    "a salt": changed_event(-1, lambda events, at: events[at].update(salt="00" * 16)),
    "an originator": changed_event(-1, lambda events, at: events[at].update(originator="x")),
    "a version": changed_event(-1, lambda events, at: events[at].update(version=9)),
    "a topic": changed_event(-1, lambda events, at: events[at].update(topic="x")),
    "a position that is no number": changed_event(-1, lambda events, at: events[at].update(position="x")),
    "an award dropped": lambda parts: parts.update(
        {"awards.ndjson": ndjson(lines(parts["awards.ndjson"])[1:])}
    ),
    "an award twice": lambda parts: parts.update({"awards.ndjson": parts["awards.ndjson"] * 2}),
    "no awards": lambda parts: parts.update({"awards.ndjson": b""}),
    "a member more": lambda parts: parts.update({"notes.txt": b"trust me"}),
    "a member less": lambda parts: parts.__delitem__("checkpoint"),
}


@pytest.mark.parametrize("kind", ["year", "enterprise"])
def test_every_change_of_a_bundle_is_found(sample: Bundles, tmp_path: Path, kind: str) -> None:
    path = sample.year if kind == "year" else sample.enterprise
    unseen = []
    for what, change in CHANGES.items():
        parts = members(path)
        change(parts)
        if not faults(written(tmp_path / "changed.zip", parts)):
            unseen.append(what)

    assert unseen == []


@pytest.mark.parametrize("kind", ["year", "enterprise"])
def test_every_amount_of_every_award_counts(sample: Bundles, tmp_path: Path, kind: str) -> None:
    """Checked without the seal's help: each sum is held against what is worked out."""
    path = sample.year if kind == "year" else sample.enterprise
    parts = members(path)
    awards = lines(parts["awards.ndjson"])
    for name in ("gross", "withheld", "reduction", "payable"):
        for at in {0, len(awards) // 2, len(awards) - 1}:
            spoilt = [dict(award) for award in awards]
            spoilt[at][name] = f"{int(spoilt[at][name].split('.')[0]) + 1}.00"
            changed = {**parts, "awards.ndjson": ndjson(spoilt)}
            found = faults(written(tmp_path / "changed.zip", changed))
            assert [fault for fault in found if awards[at]["measure"] in fault], (name, at)


def test_any_flipped_byte_of_the_file_is_found_or_changes_nothing_that_is_read(
    sample: Bundles, tmp_path: Path
) -> None:
    rng = random.Random(5)
    for path in (sample.year, sample.enterprise):
        whole, sound = path.read_bytes(), members(path)
        for _ in range(60):
            raw = bytearray(whole)
            raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
            spoilt = tmp_path / "flipped.zip"
            spoilt.write_bytes(raw)
            if not faults(spoilt):
                assert members(spoilt) == sound


def test_what_is_no_bundle_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK nothing")
    for path in (tmp_path / "x.zip", tmp_path / "missing.zip", written(tmp_path / "e.zip", {})):
        assert main([str(path), "--key", str(KEY.verifier)]) == 2


def test_an_enterprise_s_bundle_tells_nothing_of_any_other(sample: Bundles) -> None:
    parts = members(sample.enterprise)
    states = b"".join(base64.b64decode(event["state"]) for event in lines(parts["events.ndjson"]))
    text = b"".join(parts.values()) + states
    with sample.ledger.store.reading() as rows:
        others = [row[0] for row in rows.all("SELECT code FROM enterprises WHERE code<>?", [sample.code])]
        mine = {row[0] for row in rows.all("SELECT gross FROM awards WHERE code=?", [sample.code])}
        amounts = {row[0] for row in rows.all("SELECT gross FROM awards WHERE code<>?", [sample.code])}
    uneven = [each for each in amounts - mine if each % 1_000_00]

    assert sample.code.encode() in text
    assert len(others) == 59
    assert [code for code in others if code.encode() in text] == []
    assert {event["originator"] for event in lines(parts["events.ndjson"])} == {sample.code, f"policy:{CIXI}"}
    assert {award["enterprise"] for award in lines(parts["awards.ndjson"])} == {sample.code}
    assert uneven
    assert [
        a for a in uneven if f'"{a // 100}.{a % 100:02}"'.encode() in text or f":{a},".encode() in text
    ] == []


def test_a_stale_checkpoint_and_an_unknown_enterprise_make_no_bundle(sample: Bundles, tmp_path: Path) -> None:
    with pytest.raises(StaleCheckpoint):
        write_year(sample.ledger, tmp_path / "a.zip", CIXI, 2024, sample.note, sample.size - 1)
    with pytest.raises(LookupError):
        write_enterprise(
            sample.ledger, tmp_path / "b.zip", "nobody", CIXI, 2024, sample.note, sample.size, KEY
        )


def test_every_event_of_the_sample_is_proved_to_an_independent_implementation(sample: Bundles) -> None:
    tree = InmemoryTree(algorithm="sha256")
    with sample.ledger.store.reading() as rows:
        secret = secret_of(rows)
        for position in range(1, sample.size + 1):
            tree.append_entry(entry_of(salt_of(secret, position), position, *entry_at(rows, position)))
        checkpoint, _ = open_checkpoint(sample.note, [KEY.verifier])
        assert tree.get_root(sample.size) == checkpoint.root
        for position in range(1, sample.size + 1):
            proof = prove_inclusion(rows, position)
            rule = tree.prove_inclusion(position, sample.size).rule
            ours = InclusionProof("sha256", True, sample.size, position, rule, [proof.leaf, *proof.path])
            verify_inclusion(tree.get_leaf(position), checkpoint.root, ours, position, sample.size)
            check_inclusion(proof.leaf, position - 1, sample.size, proof.path, checkpoint.root)


def test_random_checkpoints_are_consistent(sample: Bundles) -> None:
    rng = random.Random(6)
    with sample.ledger.store.reading() as rows:
        tree = Tree(rows)
        independent = InmemoryTree(algorithm="sha256")
        for position in range(1, sample.size + 1):
            salt = salt_of(secret_of(rows), position)
            independent.append_entry(entry_of(salt, position, *entry_at(rows, position)))
        for _ in range(100):
            first, second = sorted(rng.sample(range(1, sample.size + 1), 2))
            old, new = independent.get_root(first), independent.get_root(second)
            assert (tree.root(first), tree.root(second)) == (old, new)
            check_consistency(first, second, old, new, prove_consistency(rows, first, second))
        for wrong in ((0, 1), (2, 1), (1, sample.size + 1)):
            with pytest.raises(UnknownPosition):
                prove_consistency(rows, *wrong)
        with pytest.raises(UnknownPosition):
            prove_inclusion(rows, sample.size + 1)


def test_the_verifier_imports_nothing_of_ours_but_the_domain_and_itself() -> None:
    found = set()
    for path in (HERE.parent / "services" / "verify").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0
                found.add(node.module or "")
            elif isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
    ours = {name for name in found if name.split(".")[0] in ("ledger", "services", "tests", "domain")}

    assert {name for name in ours if not name.startswith(("domain.", "services.verify"))} == set()
    assert (HERE.parent / "services" / "__init__.py").read_text("utf-8").count("import") == 0
