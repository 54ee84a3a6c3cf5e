"""Two verifiers that share nothing: the one in Python and the one in Go judge every file alike."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.second_verifier import build_verifier, judge_files, run_go

GIVEN = Path(__file__).parents[1] / "golden" / "46ad05e" / "given"
FILES = sorted(file for file in GIVEN.iterdir() if file.suffix in (".zip", ".ndjson", ".json"))
KEYS = (GIVEN / "keys").read_text("utf-8")


@pytest.fixture(scope="module")
def program() -> Path:
    return build_verifier()


def test_the_second_verifier_holds_the_vectors_of_the_formats() -> None:
    assert run_go("list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").split() == [
        "subsidy-ledger/verifier"
    ]
    run_go("vet", ".")
    run_go("test", ".")


def test_it_verifies_whatever_was_handed_out(program: Path) -> None:
    judgements = judge_files(program, KEYS, FILES)

    assert {file.name: judgement.reason for file, judgement in judgements.items()} == dict.fromkeys(
        (file.name for file in FILES), ""
    )


def test_its_exit_codes_are_those_of_the_first(program: Path, tmp_path: Path) -> None:
    good = GIVEN / "cixi-2025.ndjson"
    changed, cut = tmp_path / "changed.ndjson", tmp_path / "cut.ndjson"
    changed.write_text(
        good.read_text("utf-8").replace("古塘", "浒山", 1).replace(",2025,", ",2024,", 1), "utf-8"
    )
    cut.write_bytes(good.read_bytes()[:-200])
    for file, code, last in (
        (good, 0, "VERIFIED"),
        (changed, 1, "NOT VERIFIED: "),
        (cut, 2, "NOT VERIFIED: "),
    ):
        command = [str(program), "--keys", str(GIVEN / "keys"), str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout.splitlines()[-1].startswith(last)) == (code, True), done.stdout
