"""Two verifiers that share nothing: the one in Python and the one in Go judge every file alike."""

from __future__ import annotations

import base64
import random
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from domain.log.notes import SignerKey, VerifierKey
from domain.log.statements import read_keys
from services.verify.command import verify
from services.verify.reading import Broken
from tests.lengths import length_of
from tests.mutations import Altering, Mutation
from tests.second_verifier import build_verifier, judge_files, run_go

GIVEN = Path(__file__).parents[1] / "golden" / "46ad05e" / "given"
FILES = sorted(file for file in GIVEN.iterdir() if file.suffix in (".zip", ".ndjson", ".json"))
KEYS = (GIVEN / "keys").read_text("utf-8")
YEARS = ("cixi-2024.zip", "linhai-2026.zip")
ALIKE = (
    [file for file in FILES if file.suffix == ".zip" and file.name not in YEARS],
    *(
        [file for file in FILES if file.suffix == suffix]
        for suffix in (".json", ".json", ".ndjson", ".ndjson")
    ),
    [file for file in FILES if file.name in YEARS],
)
"""What is altered in turn: enterprises' bundles, receipts, lists, bundles of a year."""


@pytest.fixture(scope="module")
def program() -> Path:
    return build_verifier()


def test_the_second_verifier_holds_the_vectors_of_the_formats() -> None:
    assert run_go("list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").split() == [
        "subsidy-ledger/verifier"
    ]
    run_go("vet", ".")
    run_go("test", "-vet=off", ".")


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


def signing_key() -> SignerKey:
    """The key that signed what was handed out: made for tests, and secret to nobody."""
    name, seed = (GIVEN.parent / "signing-key").read_text("utf-8").split()
    return SignerKey(name, base64.b64decode(seed))


def alter_files(count: int, folder: Path) -> dict[Path, Mutation]:
    """So many altered files."""
    mutations = {}
    for seed in range(count):
        rand = random.Random(seed)
        file = rand.choice(ALIKE[seed % len(ALIKE)])
        altered = folder / f"{seed}{file.suffix}"
        mutations[altered] = Altering(file, signing_key(), rand).alter()
        altered.write_bytes(mutations[altered].data)
    return mutations


def is_good(file: Path, keys: list[VerifierKey]) -> bool:
    """Whether the verifier in Python finds nothing wrong."""
    try:
        return not verify(file, keys)[1].counted
    except Broken:
        return False


def test_both_verifiers_judge_altered_files_alike(program: Path, tmp_path: Path) -> None:
    """They may differ only where the policy alone decides, and there the second one alone says VERIFIED."""
    mutations = alter_files(length_of("SUBSIDY_TEST_ALTERED"), tmp_path)
    keys = read_keys(KEYS)
    judgements = judge_files(program, KEYS, mutations)
    counted = Counter[bool]()
    for file, mutation in mutations.items():
        first, second = is_good(file, keys), judgements[file].is_good
        expected = (False, True) if mutation.unseen else (first, first)
        assert (first, second) == expected, (file.name, mutation.how, judgements[file])
        counted[first] += 1
    assert counted[True] >= 5 < counted[False]


@pytest.mark.parametrize("ended", [551, 606, 605])
def test_both_verifiers_count_a_replaced_key_alike(ended: int, program: Path, tmp_path: Path) -> None:
    """It counts for the very log that it ended with, below that by a proof alone, and for no list."""
    public = signing_key().verifier
    root = {606: "OHzNtjCgGpzbNdRQDGC88Bu3k8cV1EEMU+xwMiI/mGk="}.get(
        ended, base64.b64encode(bytes(32)).decode()
    )
    text = f"{public}@{ended}:{root}"
    judgements = judge_files(program, text, FILES)
    for file in FILES:
        good = is_good(file, read_keys(text))
        assert judgements[file].is_good == good, (file.name, judgements[file])
        assert good == (ended == 606 and file.suffix != ".ndjson" and "cosigned" not in file.name), file.name
