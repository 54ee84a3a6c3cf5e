"""The auditor's workbench on real bundles: opened once, and every figure after it from that file alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.store.application import Ledger
from services.workbench.command import main
from services.workbench.tables import open_file, read_about
from tests.integration.closings import closed
from tests.integration.test_bundles import KEY
from tests.integration.test_settled_bundles import bundled, closing_at

on_sqlite = pytest.mark.parametrize("store_kind", ["sqlite"])
"""A bundle is the same whatever store it came from."""


@pytest.fixture
def folder(open_at: Callable[..., Ledger], tmp_path: Path) -> Path:
    """A closed and paid year's bundle, opened, and its ledger gone."""
    scene = closed(open_at)
    bundle = bundled(scene, tmp_path, 2024)
    expected = tmp_path / "payable"
    expected.write_text(str(closing_at(scene.ledger, 2024).payable_fen))
    assert main(["open", str(bundle), str(tmp_path / "folder"), "--key", str(KEY.verifier)]) == 0
    return tmp_path / "folder"


@on_sqlite
def test_an_opened_bundle_holds_every_event_and_agrees_with_the_closing_to_the_fen(folder: Path) -> None:
    file = open_file(folder)
    about = read_about(file)
    payable = int((folder.parent / "payable").read_text())

    def single(sql: str) -> object:
        return file.execute(sql).fetchone()[0]

    assert about.verdict == "VERIFIED"
    assert single("SELECT COUNT(*) FROM events") == about.size
    assert single("SELECT SUM(payable_fen) FROM list_lines") == payable
    assert single("SELECT SUM(payable_fen) FROM settled WHERE year=2024") == payable
    assert single("SELECT SUM(amount_fen) FROM payments WHERE step='made'") == payable
    assert single("SELECT payable_fen FROM settlements WHERE step='closed' AND year=2024") == payable
    assert single("SELECT COUNT(*) FROM clawbacks WHERE step='recovered' AND amount_fen=40000") == 1


def test_what_is_no_year_s_bundle_is_said_and_leaves_no_file_that_could_be_taken_for_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "letter.txt").write_text("no bundle")

    ended = main(["open", str(tmp_path / "letter.txt"), str(tmp_path / "out"), "--key", str(KEY.verifier)])

    assert ended == 2
    assert "no audit bundle" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
