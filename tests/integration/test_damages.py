"""A damaged database: the doctor names it or shows that it harms nothing; a command says one sentence."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner, Result

from ledger.audit import checkpoints
from ledger.intake.inbox import ingest, ingest_all
from ledger.policies.versions import adopt_policy
from ledger.store.application import open_ledger
from ledger.store.rows import StoreUnavailable
from services.cli.main import main
from services.sample.city import city
from services.server.app import create_app
from tests.conftest import POLICY
from tests.damages import Patient, damage
from tests.events import Feed
from tests.lengths import length_of
from tests.oracle.codes import credit_code

CODE = credit_code(1)
ANSWERS = (("budget", "--json"), ("balance", CODE, "--json"))
COMMANDS = (*ANSWERS, ("explain", CODE), ("history", CODE), ("audit",), ("replay",), ("migrate",))
YEAR = "cixi-ecommerce-2024/2024"
PATHS = (
    "/health/ready",
    f"/v1/enterprises/{CODE}/balances/{YEAR}",
    f"/v1/enterprises/{CODE}/explanations/{YEAR}",
    "/v1/policies/cixi-ecommerce-2024/years/2024/budget",
    "/v1/disagreements",
    f"/console/{YEAR}/",
    f"/console/{YEAR}/enterprises/{CODE}",
)
"""Addresses that answer 200 on a whole ledger."""
CHINESE = re.compile("[\u4e00-\u9fff]")


class Ward(NamedTuple):
    """Two ledgers, each copied while it was open, so that part of it stands in its write-ahead log."""

    folder: Path
    answers: list[str]

    def admit(self, folder: Path) -> Patient:
        """Fresh copies."""
        shutil.copytree(self.folder, folder)
        return Patient(folder / "ledger.db", folder / "other.db")


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Ward:
    return make_ward(tmp_path_factory.mktemp("made"), tmp_path_factory.mktemp("copied"))


def make_ward(made: Path, copied: Path) -> Ward:
    """Two ledgers of a sample city, as they stood while they were written to."""
    for seed, name in enumerate(("ledger.db", "other.db"), 1):
        with closing(open_ledger(str(made / name))) as ledger:
            adopt_policy(ledger, POLICY.read_text("utf-8"))
            for _ in ingest_all(ledger, city(20, seed), "tests", 500):
                pass
        with closing(open_ledger(str(made / name))) as ledger:
            ingest(ledger, [Feed(1).shop("jd", f"last-{seed}", "2024-03-05")], "tests")
            key = checkpoints.load_or_make_key(made / "ledger.db.key")
            if seed == 1:
                checkpoints.current(ledger, key)
            for file in made.iterdir():
                if not file.name.endswith("-shm"):
                    shutil.copy(file, copied)
    ward = Ward(copied, [])
    file = ward.admit(made / "whole").file
    assert doctor(file)[0] == []
    ward.answers.extend(run(file, "zh", *words).output for words in ANSWERS)
    check_service(file, [200])
    return ward


def run(database: Path | str, language: str, *words: str) -> Result:
    """A command, which ends by itself; never with an error that Python prints."""
    result = CliRunner().invoke(main, ["--database", str(database), "--language", language, *words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


def doctor(database: Path | str) -> tuple[list[str], str]:
    """The names of what the doctor calls an error, and all it says."""
    result = run(database, "zh", "doctor", "--json")
    findings = json.loads(result.stdout)["findings"]
    errors = [each for each in findings if each["level"] == "error"]
    assert all(CHINESE.search(each["what"]["zh"]) and each["mend"]["zh"] for each in errors), errors
    return [each["check"] for each in errors], result.output


def check_sentence(result: Result, language: str) -> None:
    """Where a command failed, it is one sentence with its mend, in the reader's language."""
    _, told, sentence = result.output.partition("错误：" if language == "zh" else "Error: ")
    if result.exit_code == 0 or not told:  # an audit and a replay report what they find
        return
    assert sentence.count("\n") == 1, result.output
    assert " — " in sentence, sentence
    assert (CHINESE.search(sentence) is not None) == (language == "zh"), sentence


def check_service(database: Path | str, expected: Sequence[int] = (200, 404, 503)) -> None:
    """A service either does not start, and says why, or answers; what cannot be read is the operator's."""
    try:
        ledger = open_ledger(str(database))
    except StoreUnavailable:
        return
    with closing(ledger):
        client = create_app(ledger).test_client()
        for path in PATHS:
            answer = client.get(path)
            assert answer.status_code in expected, (path, answer.get_data(as_text=True))


@pytest.mark.parametrize("number", range(length_of("SUBSIDY_TEST_DAMAGES")))
def test_a_damaged_file_is_named_or_harmless(ward: Ward, tmp_path: Path, number: int) -> None:
    done = damage(ward.admit(tmp_path / "damaged"), number)
    errors, findings = doctor(_copy(tmp_path, "doctor"))
    language = ("zh", "en")[number % 2]
    file = _copy(tmp_path, "reads")
    answers = [run(file, "zh", *words).output for words in ANSWERS]
    if not errors:
        assert answers == ward.answers, (done, findings)
    for words in COMMANDS:
        check_sentence(run(file, language, *words), language)
    facts = tmp_path / "facts.ndjson"
    facts.write_bytes(Feed(2).shop("jd", "more", "2024-03-05"))
    check_sentence(run(_copy(tmp_path, "writes"), language, "ingest", str(facts)), language)
    check_service(_copy(tmp_path, "serves"))


def _copy(folder: Path, name: str) -> Path:
    shutil.copytree(folder / "damaged", folder / name)
    return folder / name / "ledger.db"
