"""The runbooks: complete, every test that they name there, every command in them run, every mend a mend."""

from __future__ import annotations

import ast
import json
import os
import re
import resource
import shlex
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from docs.generate.pages import DOCS
from ledger.audit import checkpoints
from ledger.intake.inbox import ingest
from ledger.policies.versions import adopt_policy, set_budget
from ledger.store.application import Ledger, open_ledger
from services.cli.main import main
from services.cli.statuses import ExitStatus
from services.runtime.variables import PREFIX
from services.sample.city import city
from services.server.app import create_app
from tests import acknowledging
from tests.conftest import HERE, POLICY
from tests.events import CIXI
from tests.integration.bureau import Clock
from tests.integration.closings import FINANCE, list_and_close

ROOT = HERE.parent
RUNBOOKS, ENGLISH = (
    (DOCS / "operations" / name).read_text("utf-8") for name in ("runbooks.md", "runbooks.en.md")
)
PARTS = {
    RUNBOOKS: ("- 症状：", "查：", "- 处理：", "证明（", "测试："),
    ENGLISH: ("- Symptom: ", "Check:", "- Mend: ", "Proof (", "Tests: "),
}
COMMANDS = sorted(
    {
        line
        for block in re.findall(r"^```sh\n(.*?)^```$", RUNBOOKS, re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
    }
)


class Office:
    """A closed year whose payments wait for the bank, and the files that the runbooks' words stand for."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file, self.key = folder, folder / "ledger.db", folder / "signing.key"
        self.env = {f"{PREFIX}DATABASE": str(self.file), f"{PREFIX}SIGNING_KEY": str(self.key)}
        clock = Clock(datetime.now(UTC) - timedelta(days=30))
        with closing(open_ledger(str(self.file), clock=clock)) as ledger:
            adopt_policy(ledger, POLICY.read_text("utf-8"))
            set_budget(ledger, CIXI, "2024", 100_000_00)
            ingest(ledger, list(city(20, seed=6)), "tests")
            list_and_close(ledger, clock, 2024)
            acknowledging.order_payments(ledger, CIXI, 2024, FINANCE)
            (self.folder / "KEPT").write_text(
                checkpoints.current(ledger, checkpoints.load_or_make_key(self.key)), "utf-8"
            )
            self.results(ledger)
        (folder / "CORRECTED").write_bytes(b"\n".join(city(2, seed=9)))

    def results(self, ledger: Ledger) -> None:
        """The bank made all payments but one."""
        with ledger.store.reading() as rows:
            payments = rows.all("SELECT payment, amount FROM payments ORDER BY payment")
        lines = ["payment,status,amount,on,reference,reason"]
        for number, (payment, fen) in enumerate(payments):
            what = f"{payment},{'made' if number else 'failed'},{fen // 100}.{fen % 100:02d}"
            day = datetime.now(UTC).date().isoformat()
            lines.append(f"{what},{day},{f'B{number}' if number else ''},{'' if number else 'closed'}")
        (self.folder / "RESULTS").write_text("\n".join(lines) + "\n", "utf-8")

    def ledger(self) -> Ledger:
        """The ledger, now."""
        return open_ledger(str(self.file))

    def run(self, *words: str) -> Any:
        """Run a command of the page; words in capitals, and files, are those of this folder."""
        files = [
            str(self.folder / word) if re.fullmatch(r"[A-Z]+|[a-z-]+\.db", word) else word for word in words
        ]
        return CliRunner().invoke(main, ["--language", "en", *files], env=self.env)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def level(office: Office, check: str) -> str | None:
    """What the doctor says of one thing."""
    found = json.loads(office.run("doctor", "--json").output)["findings"]
    levels = [each["level"] for each in found if each["check"] == check]
    return levels[0] if levels else None


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_of_the_runbooks_runs(office: Office, line: str) -> None:
    words = shlex.split(line)
    if words[0] == "curl":
        with closing(office.ledger()) as ledger:
            path = words[1].partition(":8080")[2]
            assert create_app(ledger).test_client().get(path).status_code == 200
        return
    if words[1] == "verify-backup":
        assert office.run("backup", "today.db").exit_code == 0
    if words[1:3] == ["pay", "order"]:
        assert office.run("pay", "results", "--actor", "Qian", "RESULTS").exit_code == 0
        listed = json.loads(office.run("settle", "open", "--step", "payment.order", "--json").output)
        words = [listed["digest"] if word == "DIGEST" else word for word in words]

    done = office.run(*words[1:])

    assert words[0] == "subsidy-ledger"
    others = {"doctor": (1,), "ingest": (ExitStatus.REFUSED,)}
    assert done.exit_code in (0, *others.get(words[1], ())), done.output
    assert not isinstance(done.exception, Exception) or isinstance(done.exception, SystemExit)


def test_each_entry_is_complete() -> None:
    for page, parts in PARTS.items():
        entries = dict(re.findall(r'<a id="([a-z-]+)"></a>\n\n(.*?)(?=<a id=|\Z)', page, re.DOTALL))
        assert entries
        for name, text in entries.items():
            assert [(name, part) for part in parts if f"\n{part}" not in text] == []


def test_every_test_that_is_named_exists() -> None:
    for file, name in re.findall(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`", RUNBOOKS):
        tree = ast.parse((ROOT / file).read_text("utf-8"))
        functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert name in functions, (file, name)


# --- the mends -------------------------------------------------------------------------------------


def test_altered_read_models_are_built_anew(office: Office) -> None:
    with closing(office.ledger()) as ledger, ledger.store.writing() as rows:
        rows.run("UPDATE balances SET eligible=eligible+1")
    assert office.run("audit").exit_code == 1
    assert level(office, "projections.sample") == "error"

    office.run("replay", "--take-over")

    assert office.run("audit").exit_code == 0
    assert level(office, "projections.sample") == "ok"


def test_a_lost_key_without_a_copy(office: Office) -> None:
    old = office.run("log-keys").output.strip()
    office.run("checkpoint")
    office.key.unlink()
    assert level(office, "keys.signing") == "error"
    assert office.run("checkpoint").exit_code == 1

    office.run("replace-lost-key", "--old", old)

    assert level(office, "keys.signing") == "ok"
    assert level(office, "keys.checkpoints") == "ok"
    assert office.run("log-keys").output.split()[0] != old


def test_a_budget_that_was_set_wrongly_is_set_again(tmp_path: Path) -> None:
    env = {f"{PREFIX}DATABASE": str(tmp_path / "ledger.db")}

    def run(*words: str) -> str:
        done = CliRunner().invoke(main, [*words], env=env)
        assert done.exit_code == 0, done.output
        return done.output

    run("adopt", str(POLICY))
    for amount in ("1000000.00", "10000000.00"):
        run("set-budget", CIXI, "2024", amount)

    assert json.loads(run("budget", "--json"))["available"] == "10000000.00"


def test_payments_that_the_bank_refused_are_ordered_again(office: Office) -> None:
    assert level(office, "settlement.payments") == "warning"

    office.run("pay", "results", "--actor", "Qian", "RESULTS")
    again = office.run("pay", "order", "--actor", "Qian")

    assert level(office, "settlement.payments") == "ok"
    assert re.search(r"\b1\b", again.output), again.output


def limited(size: int) -> Callable[[], None]:
    """No file of the process may grow beyond a size: its disk is full."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def test_a_full_disk_takes_nothing_by_halves(tmp_path: Path) -> None:
    database, facts = tmp_path / "ledger.db", tmp_path / "facts.ndjson"
    facts.write_bytes(b"\n".join(city(400, seed=8)))
    command = [sys.executable, "-m", "services.cli", "--database", str(database)]

    def run(*words: str, limit: int | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            preexec_fn=limited(limit) if limit else None,
        )

    run("adopt", str(POLICY))
    full = run("ingest", str(facts), limit=1_000_000)
    assert full.returncode == 1, full.stderr
    assert "Traceback" not in full.stderr
    assert run("replay").returncode == 0

    assert run("ingest", str(facts)).returncode == ExitStatus.REFUSED  # some of a city's messages are
    assert json.loads(run("replay", "--json").stdout)["equal"]
