"""Who looked, on the command line: every read of every command is noted, or tells of no enterprise."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from ledger.audit.looks import Look, list_looks
from ledger.projections.closings import today
from ledger.reading.disagreements import list_disagreements
from ledger.store.application import Ledger, utc_now
from services.cli.access import OF_WAITING_STEPS, STEPS, TELL_AFTERWARDS, TELL_OF_NONE, is_noted
from services.cli.common import os_user
from services.cli.main import main
from services.cli.registry import ENTRIES
from tests.events import CIXI, POLICIES
from tests.integration.test_impossible_steps import CODE, OTHER, TEXT, World
from tests.postgres import Server

DIFFER = 'kind: two-sources, fact: SalesReported, same: [channel, year], field: amount_fen, tolerance: "5"'
RULE = f"\ndisagreements:\n- {{id: d, {DIFFER}, then: note}}\n"
YEAR = ("--policy", CIXI, "--year", "2024")
NAME = "慈溪测试有限公司"
PAYER = (
    "--payees",
    "$folder/payees.csv",
    "--payer-name",
    "F",
    "--payer-account",
    "1",
    "--payer-bank",
    "102100099996",
)
POLICY = str(POLICIES / f"{CIXI}.yaml")
READS: dict[str, tuple[tuple[str, ...], str]] = {
    "adjustments": (YEAR, "*"),
    "backup": (("$folder/copy.db", "--key-file", "$folder/k"), "*"),
    "balance": ((CODE, *YEAR), CODE),
    "bundle": ((*YEAR, "--enterprise", CODE, "--out", "$folder/b.zip", "--key-file", "$folder/k"), CODE),
    "claim list": ((), "*"),
    "diff": ((CODE, "--from", "2025-05-07", *YEAR), CODE),
    "disagreements list": (("--stage", "all"), "*"),
    "disagreements show": (("$disagreement",), CODE),
    "documents write": (("letter", *YEAR, "--enterprise", CODE, "--out", "$folder/l.docx"), CODE),
    "enterprises": (YEAR, "*"),
    "explain": ((CODE, *YEAR), CODE),
    "export": (("hledger", *YEAR, "--out", "$folder/books"), "*"),
    "history": ((CODE,), CODE),
    "outlook": ((CODE, *YEAR), CODE),
    "pay file": (
        ("$batch", "$folder/p.csv", *YEAR, "--payees", "$folder/payees.csv", *PAYER, "--on", "$today"),
        "*",
    ),
    "policy reform": ((POLICY, "--policy", CIXI), "*"),
    "policy try": ((POLICY, "--year", "2024"), "*"),
    "overpayments": (YEAR, "*"),
    "receipt": ((CODE, *YEAR, "--out", "$folder/r.json", "--key-file", "$folder/k"), CODE),
    "refused": ((), "*"),
    "settle list": ((*YEAR, "$folder/list.csv"), "*"),
    "settle open": (YEAR, "*"),
    "settle reconcile": (("$folder/statement.csv", *YEAR), "*"),
    "settle status": (YEAR, "*"),
    "settle summary": ((*YEAR, "$folder/summary.xlsx"), "*"),
    "things codes": ((), "*"),
    "things merges": (("--enterprise", CODE), CODE),
    "trace": (("--event", "urn:tests", "named"), CODE),
    "waiting list": ((), "*"),
    "waiting show": (("$waiting",), "*"),
    "what-if": ((*YEAR, "--budget", "5000000.00"), "*"),
}
"""Each command that is a read of enterprises: what it is asked, and whose data is noted."""
OTHERS: dict[str, tuple[str, ...]] = {
    "asyncapi": (),
    "audit": (),
    "budget": YEAR,
    "check": (POLICY,),
    "check-page": ("--out", "$folder/check.html", "--key-file", "$folder/k"),
    "checkpoint": ("--key-file", "$folder/k"),
    "documents templates": ("--into", "$folder/templates"),
    "keys list": (),
    "log-keys": ("--key-file", "$folder/k"),
    "policies": (),
    "policy check": (POLICY,),
    "policy diff": (POLICY, POLICY),
    "policy schema": (),
    "prove": ("1",),
    "prove-consistency": ("1", "2"),
    "replay": (),
    "sessions": (),
    "sheet template": ("--all", "--out", "$folder/sheets"),
    "targets": YEAR,
}
"""Commands that tell of no enterprise, and end by themselves without changing anything."""


def every_command() -> Iterator[tuple[str, click.Command]]:
    """Each command of the registry with the names of its groups, groups themselves left out."""
    waiting = [(entry.name, entry.load()) for entry in ENTRIES]
    while waiting:
        name, command = waiting.pop()
        if isinstance(command, click.Group):
            waiting += [(f"{name} {each}", inner) for each, inner in command.commands.items()]
        else:
            yield name, command


def test_every_command_takes_steps_or_is_a_noted_read_or_says_why_it_is_neither() -> None:
    commands = {name for name, _ in every_command()}
    tables = (set(STEPS), OF_WAITING_STEPS, set(TELL_OF_NONE), TELL_AFTERWARDS)
    assert set().union(*tables) <= commands
    assert sum(map(len, tables)) == len(set().union(*tables)), "no command stands in two of them"
    assert {name for name in commands if is_noted(name)} | TELL_AFTERWARDS == set(READS)
    assert set(OTHERS) <= set(TELL_OF_NONE)
    assert all(TELL_OF_NONE.values())


class Town:
    """A closed year with something for every read to tell of, and the command line on it."""

    def __init__(self, world: World, database: str, folder: Path) -> None:
        bureau = world.bureau
        bureau.publish("enterprise-registered", CODE, "named", name=NAME, town="周巷镇")
        for source in ("urn:tests", "urn:others"):
            body = {"channel": "online", "year": 2024, "amount": f"{len(source)}0.00", "currency": "CNY"}
            sent = {**_message(CODE, f"of {source}", body), "source": source}
            bureau.api.publish(sent)
        bureau.api.send("POST", "/v1/events", b'{"subject": "x"}', "application/cloudevents+json")
        self.ledger, self.database, self.folder = bureau.ledger, database, folder
        with self.ledger.store.reading() as rows:
            [matter] = list_disagreements(rows, (-1, ""), 10, "all")
        self.names = {"disagreement": matter.id}
        world.close()
        world.order()
        payees = [f"{code},622{number},102100099996,N" for number, code in enumerate((CODE, OTHER))]
        (folder / "payees.csv").write_text("\n".join(["code,account,bank,name", *payees]))
        (folder / "statement.csv").write_text("account,on,direction,amount,reference\n")
        self.names |= {"batch": world.names["batch"], "today": today(utc_now())}
        self.names |= {"waiting": self.run("set-budget", CIXI, "2025", "1.00").output.split()[-1]}

    def run(self, *words: str) -> Result:
        """A command, where identities are checked; what its words name with a $ is put in."""
        filled = [self._filled(word) for word in words]
        line = ["--database", self.database, "--language", "en", *filled]
        return CliRunner(env={"SUBSIDY_LEDGER_IDENTITY": "required"}).invoke(main, line)

    def _filled(self, word: str) -> str:
        for name, value in {**self.names, "folder": str(self.folder)}.items() if "$" in word else ():
            word = word.replace(f"${name}", str(value))
        return word

    def looks(self) -> list[Look]:
        """What commands noted, as often as they did."""
        with self.ledger.store.reading() as rows:
            looks = [look for look in list_looks(rows, limit=10_000) if look.method == "CLI"]
        return [each for look in looks for each in [look] * look.times]


def _message(code: str, event_id: str, data: dict[str, object]) -> dict[str, object]:
    head = {"specversion": "1.0", "id": event_id, "type": "subsidy.sales-reported.v1", "subject": code}
    return {**head, "time": "2025-05-06T01:00:00Z", "data": data}


@pytest.fixture
def town(open_at: Callable[..., Ledger], database_at: Callable[[str], str], tmp_path: Path) -> Town:
    world = World(open_at(policy=False), TEXT.rstrip("\n") + RULE)
    return Town(world, database_at("ledger.db"), tmp_path)


def test_every_read_is_noted_with_the_user_and_whose_data_it_was(town: Town) -> None:
    for command, (words, code) in READS.items():
        before = len(town.looks())
        done = town.run(*command.split(), *words)
        assert done.exit_code == 0, (command, done.output, done.exception)
        noted = town.looks()[before:]
        assert [each.code for each in noted] == [code], command
        [look] = noted
        assert (look.actor, look.issuer, look.subject) == (os_user(), "os", str(os.getuid())), command
        assert look.path.startswith(command)


def test_what_is_not_noted_tells_of_no_enterprise(town: Town) -> None:
    for command, words in OTHERS.items():
        before = len(town.looks())
        done = town.run(*command.split(), *words)
        assert done.exit_code == 0, (command, done.output, done.exception)
        assert len(town.looks()) == before, command
        assert CODE not in done.output, command
        assert NAME not in done.output, command
    for file in town.folder.rglob("*.html"):
        assert CODE not in file.read_text("utf-8")


READ_ANYHOW = ("balance", "claim list", "trace", "disagreements show")


def answers_without_noting(town: Town) -> None:
    """Commands answer, and say on the side what is not noted."""
    for command in READ_ANYHOW:
        done = town.run(*command.split(), *READS[command][0])
        assert done.exit_code == 0, (command, done.output, done.exception)
        assert "this read is not noted" in done.stderr, command
        assert "not noted" not in done.stdout


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_file_that_cannot_be_written_is_read_and_what_is_not_noted_is_said(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = len(town.looks())
    connect = sqlite3.connect

    def reading(*args: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **options)
        connection.execute("PRAGMA query_only=ON")  # root, too, is then refused as by a read-only file
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", reading)
        answers_without_noting(town)
    assert len(town.looks()) == noted


@pytest.mark.parametrize("store_kind", ["postgres"])
def test_a_standby_and_a_role_that_may_only_select_are_read_likewise(town: Town, postgres: Server) -> None:
    with town.ledger.store.writing() as rows:
        rows.run("CREATE ROLE only_reads LOGIN")
        rows.run("GRANT SELECT ON ALL TABLES IN SCHEMA public TO only_reads")
        rows.run("GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO only_reads")
    noted, whole = len(town.looks()), town.database
    town.database = f"{whole}?user=only_reads"
    answers_without_noting(town)
    with postgres.standby() as port:
        town.database = whole.replace(f":{postgres.port}/", f":{port}/")
        answers_without_noting(town)
    assert len(town.looks()) == noted
