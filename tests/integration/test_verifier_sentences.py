"""How the verifier ends: plain sentences in both languages, then the verdict on a line of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.log.notes import SignerKey
from ledger.audit.bundle import write_enterprise, write_year
from ledger.audit.checkpoints import current
from ledger.audit.looks import Look, note
from ledger.audit.stating import state_tables
from ledger.intake.inbox import ingest
from ledger.intake.machine_keys import make_key
from ledger.policies.versions import set_budget
from ledger.store.application import Ledger
from services.verify import main
from services.verify.conclusion import (
    BESIDE,
    LIST_ONLY,
    NO_CHECKPOINT,
    OTHERS_ABSENT,
    RECEIPT_ONLY,
    UNREADABLE,
)
from tests.events import CIXI, OPERATOR, Feed
from tests.integration.closings import closed
from tests.integration.test_receipts import listed, receipted

KEY = SignerKey("ledger", b"\x01" * 32)
pytestmark = pytest.mark.parametrize("store_kind", ["sqlite"])


class Told:
    """What the verifier printed of a file."""

    def __init__(self, capsys: pytest.CaptureFixture[str], file: Path, *options: str) -> None:
        capsys.readouterr()
        self.status = main([str(file), "--quiet", "--key", str(KEY.verifier), *options])
        self.lines = capsys.readouterr().out.splitlines()
        self.sentences = [line.removeprefix("※ ") for line in self.lines if line.startswith("※ ")]


def bundled(ledger: Ledger, folder: Path) -> tuple[Path, Path, str]:
    """A year's bundle, one enterprise's, and the checkpoint of both."""
    signed = current(ledger, KEY)
    size = int(signed.split("\n")[1])
    write_year(ledger, folder / "year.zip", CIXI, 2024, signed, size)
    write_enterprise(ledger, folder / "own.zip", Feed(1).code, CIXI, 2024, signed, size, KEY)
    return folder / "year.zip", folder / "own.zip", signed


@pytest.fixture
def ledger(open_at: Callable[..., Ledger]) -> Ledger:
    """A ledger with an enterprise, a publisher's key, and a look that the log states."""
    opened = open_at()
    set_budget(opened, CIXI, "2024", 5_000_000_00)
    ingest(opened, [Feed(1).shop("tmall", "s", "2024-03-01")], "tests")
    make_key(opened, OPERATOR, "tax", "urn:tax", [])
    with opened.store.writing() as rows:
        note(rows, [Look("2026-01-01T00:00:00.000000Z", "lin", "::1", "GET", "/", "code")])
    state_tables(opened)
    return opened


def test_a_bundle_ends_in_sentences_of_both_languages(
    ledger: Ledger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    year, own, signed = bundled(ledger, tmp_path)
    of_year, of_one = Told(capsys, year), Told(capsys, own)

    assert (of_year.status, of_year.lines[-1]) == (0, "VERIFIED")
    assert of_year.sentences[-2:] == [
        "结论：没有发现不符。",
        "Conclusion: nothing was found that does not match.",
    ]
    assert "The making and ending of 1 keys of publishers is consistent." in of_year.sentences
    assert "The digests of rows in the log follow each other without a gap: looks 1." in of_year.sentences
    for sentence in (*BESIDE, *NO_CHECKPOINT):
        assert sentence in of_year.sentences
    assert set(OTHERS_ABSENT) <= set(of_one.sentences)
    assert "No cosignature of a witness" in "\n".join(of_one.sentences)

    (tmp_path / "kept").write_text(signed, "utf-8")
    held = Told(capsys, year, "--checkpoint", str(tmp_path / "kept"))
    assert "It agrees with the 1 checkpoints that were kept elsewhere." in held.sentences
    assert not set(NO_CHECKPOINT) & set(held.sentences)


def test_what_does_not_match_and_what_cannot_be_read_is_said_too(
    ledger: Ledger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    year, _, _ = bundled(ledger, tmp_path)
    foreign = SignerKey("ledger", b"\x02" * 32)
    (tmp_path / "kept").write_text(foreign_checkpoint(foreign), "utf-8")
    told = Told(capsys, year, "--key", str(foreign.verifier), "--checkpoint", str(tmp_path / "kept"))
    assert (told.status, told.lines[-1]) == (1, "NOT VERIFIED: 1 faults")
    assert told.sentences[-2].startswith("结论：有 1 处不符")
    assert not any("agrees" in sentence for sentence in told.sentences)

    year.write_bytes(b"x")
    broken = Told(capsys, year)
    assert broken.status == 2
    assert broken.sentences == list(UNREADABLE)
    assert broken.lines[-1].startswith("NOT VERIFIED: ")


def foreign_checkpoint(key: SignerKey) -> str:
    body = f"ledger\n1\n{'A' * 43}=\n"
    return f"{body}\n{key.sign(body)}"


def test_receipts_and_lists_say_what_they_do_not_hold(
    open_at: Callable[..., Ledger], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene, file = closed(open_at, years=(2024,)), tmp_path / "file"
    file.write_text("\n".join(listed(scene.ledger, tmp_path / "list")), "utf-8")
    of_list = Told(capsys, tmp_path / "list")
    (tmp_path / "receipt").write_text(json.dumps(receipted(scene.ledger, scene.code)), "utf-8")
    of_receipt = Told(capsys, tmp_path / "receipt")
    assert (of_list.status, of_receipt.status) == (0, 0)
    assert set(LIST_ONLY) <= set(of_list.sentences)
    assert set(RECEIPT_ONLY) <= set(of_receipt.sentences)
