"""Tests for the command line's registry, and for what it does not import before a command needs it."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

import services.cli
from services.cli.main import main
from services.cli.registry import ENTRIES, JOBS, CommandEntry
from services.cli.words.commands import COMMANDS
from services.cli.words.options import OPTIONS
from services.cli.words.speaking import HELP_NAMES, commands_of, count_cells, first_paragraph, put_help

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
    assert first_paragraph(vars(command).get("english") or command.help or "") == entry.summary
    assert entry.job in JOBS


def by_path(command: click.Command, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command below one, with the names of its groups before its own."""
    inner = [(entry.name, entry.load()) for entry in ENTRIES] if command is main else commands_of(command)
    for name, each in inner:
        yield f"{path} {name}".strip(), each
        yield from by_path(each, f"{path} {name}".strip())


def test_every_command_and_option_has_help_in_both_languages() -> None:
    commands = dict(by_path(main))
    for path, command in [("", main), *commands.items()]:
        put_help(command, path, "en")
    texts = {
        (path, option.opts[0]): option.help
        for path, command in [("", main), *commands.items()]
        for option in command.get_params(click.Context(command, help_option_names=HELP_NAMES))
        if isinstance(option, click.Option)
    }

    assert set(commands) == set(COMMANDS)
    assert [path for path, command in commands.items() if not command.help] == []
    assert [place for place, text in texts.items() if text not in OPTIONS] == []
    assert set(OPTIONS) - set(texts.values()) <= {"Show the version and exit."}


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("words", [[], ["settle"], ["what-if"], ["ingest"]], ids=" ".join)
def test_help_is_in_the_language_that_is_asked_for_and_fits_80_columns(
    language: str, words: list[str]
) -> None:
    asked = CliRunner().invoke(main, ["--language", language, *words, "--help"])
    set_once = CliRunner(env={"SUBSIDY_LEDGER_LANGUAGE": language}).invoke(main, [*words, "--help"])

    assert asked.exit_code == 0
    assert set_once.output == asked.output
    assert ("选项：" in asked.output) == (language == "zh")
    assert language == "zh" or asked.output.isascii()
    assert max(map(count_cells, asked.output.splitlines())) <= 80


def test_without_a_language_help_and_mistakes_are_in_chinese() -> None:
    runner = CliRunner(env={"SUBSIDY_LEDGER_LANGUAGE": None})

    assert "快速上手" in runner.invoke(main, ["--help"]).output
    assert "没有命令 nothing" in runner.invoke(main, ["nothing"]).output
    assert "No such command" in runner.invoke(main, ["--language", "en", "nothing"]).output


def test_a_shell_completes_commands_and_options() -> None:
    def completed(*words: str) -> list[str]:
        return [
            item.value
            for item in ShellComplete(main, {}, "subsidy-ledger", "X").get_completions(
                [*words[:-1]], words[-1]
            )
        ]

    assert completed("bal") == ["balance"]
    assert completed("settle", "pro") == ["propose"]
    assert "--rules-as-of" in completed("budget", "--rules")


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


@pytest.mark.parametrize("name", ["budget", "ingest", "migrate", "policies", "settle"])
def test_a_command_imports_nothing_that_it_seldom_needs(name: str) -> None:
    seldom = ("cryptography", "docx", "flask", "kafka", "lxml", "numpy", "openpyxl", "psycopg", "rich")
    program = (
        "import sys\nfrom services.cli.registry import ENTRIES\n"
        f"next(entry for entry in ENTRIES if entry.name == {name!r}).load()\n"
        f"print([name for name in {seldom!r} if name in sys.modules])\n"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert done.stdout.decode().strip() == "[]"


def test_a_worker_of_the_service_imports_nothing_that_few_answers_need() -> None:
    seldom = ("cryptography", "docx", "joserfc", "kafka", "lxml", "openpyxl", "psycopg", "pyarrow", "rich")
    program = (
        f"import sys, services.server.worker\nprint([name for name in {seldom!r} if name in sys.modules])\n"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert done.stdout.decode().strip() == "[]"
