"""Tests for the command line's registry, and for what it does not import before a command needs it."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

import services.cli
from services.cli.main import main
from services.cli.registry import ENTRIES, CommandEntry

HEAVY = (
    "cryptography",
    "docx",
    "domain",
    "eventsourcing",
    "flask",
    "granian",
    "joserfc",
    "kafka",
    "ledger",
    "marshmallow",
    "msgspec",
    "numpy",
    "openpyxl",
    "opentelemetry",
    "prometheus_client",
    "psycopg",
    "pyarrow",
    "rich",
    "services.api",
    "services.cli.common",
    "services.console",
    "services.web",
    "werkzeug",
    "yaml",
)


def defined() -> Iterator[click.Command]:
    """Every command that a module of the command line defines."""
    for module in pkgutil.walk_packages(services.cli.__path__, "services.cli."):
        if not module.name.endswith("__main__"):
            found = vars(importlib.import_module(module.name)).values()
            yield from (value for value in found if isinstance(value, click.Command))


def reachable(command: click.Command) -> Iterator[click.Command]:
    """A command and all below it."""
    yield command
    if isinstance(command, click.Group):
        for below in command.commands.values():
            yield from reachable(below)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_an_entry_names_its_command_as_the_command_itself_does(entry: CommandEntry) -> None:
    command = entry.load()

    assert command.name == entry.name
    assert (command.help or "").split("\n\n")[0].replace("\n", " ") == entry.summary


def test_every_command_that_is_defined_can_be_reached() -> None:
    known = {id(command) for command in reachable(main)}

    assert [command.name for command in defined() if id(command) not in known] == []
    assert len({entry.name for entry in ENTRIES}) == len(ENTRIES)


@pytest.mark.parametrize(
    "arguments", [["--version"], ["--help"], ["no-such-command"]], ids=["version", "help", "unknown"]
)
def test_nothing_heavy_is_imported_before_a_command_needs_it(arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from services.cli.main import run\n"
        f"sys.argv = ['subsidy-ledger', *{arguments!r}]\n"
        "try:\n    run()\nexcept SystemExit:\n    pass\n"
        f"print('imported:', [name for name in {HEAVY!r} if name in sys.modules])\n"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert done.stdout.decode().splitlines()[-1] == "imported: []"


def test_a_worker_of_the_service_imports_nothing_that_few_answers_need() -> None:
    seldom = ("cryptography", "docx", "joserfc", "kafka", "lxml", "openpyxl", "psycopg", "pyarrow", "rich")
    program = (
        f"import sys, services.server.worker\nprint([name for name in {seldom!r} if name in sys.modules])\n"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert done.stdout.decode().strip() == "[]"
