"""The command line in terminals of any encoding, and on databases that are none: sentences, no tracebacks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from services.cli.main import main
from tests.conftest import HERE


def run(folder: Path, *words: str, encoding: str) -> bytes:
    """What the command prints, as a process of its own that writes in an encoding."""
    done = subprocess.run(
        [sys.executable, "-m", "services.cli", "--database", str(folder / "ledger.db"), *words],
        env={**os.environ, "PYTHONPATH": str(HERE.parent), "PYTHONIOENCODING": encoding},
        cwd=folder,
        capture_output=True,
        timeout=120,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(("encoding", "money"), [("gbk", "￥"), ("ascii", "Y")])
def test_answers_are_printed_in_any_encoding(tmp_path: Path, encoding: str, money: str) -> None:
    said = run(tmp_path, "sample", "--enterprises=5", encoding=encoding)
    assert b"Traceback" not in said, said.decode(encoding, "replace")
    assert money in said.decode(encoding)


@pytest.mark.parametrize("command", ["budget", "migrate", "doctor", "sample"])
def test_a_place_that_holds_no_ledger_is_one_sentence(tmp_path: Path, command: str) -> None:
    (tmp_path / "folder.db").mkdir()
    (tmp_path / "cut.db").write_bytes(b"SQLite format 3\0" + bytes(100))
    for name in ("none/x.db", "folder.db", "cut.db"):
        place = str(tmp_path / name)
        done = CliRunner().invoke(main, ["--database", place, command])
        assert done.exit_code != 0, done.output
        assert isinstance(done.exception, SystemExit), (place, done.exception)
        assert place in done.output or str(tmp_path / "none") in done.output


def test_a_misspelt_database_is_not_created(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["--database", str(tmp_path / "typo.db"), "budget"])
    assert done.exit_code == 1
    assert list(tmp_path.iterdir()) == []
