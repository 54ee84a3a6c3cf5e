"""Whatever a user may mistake (paths, encodings, values, databases) ends in a sentence, no traceback."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from services.cli.main import main
from services.cli.registry import ENTRIES
from services.cli.words.speaking import commands_of

UNENDING = frozenset(("serve", "consume", "publish", "sample", "replay-dead-letters"))
"""Commands that serve, wait for a broker, or make a city: their options are tried elsewhere."""
PLAUSIBLE = {
    "code": "91330282MAR8GCEW45",
    "amount": "1.00",
    "policy": "cixi-ecommerce-2024",
    "period": "2024",
    "on": "2025-05-14",
    "first": "2024-12-01",
    "note_file": "$text",
}
MISTAKEN = ("\udcff", "\x00", "慈溪 'x' %s {} \n")
"""What stands for a value: bytes that are no text, a null, and a line of anything."""
PLACES = ("bytes", "gbk.csv", "empty.xlsx", "folder", "none")
"""What stands for a file: one of no text, in another encoding, empty; a folder; nothing."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of a small city, and files of every wrong sort."""
    place = tmp_path_factory.mktemp("mistaken")
    done = CliRunner().invoke(main, ["--database", str(place / "ledger.db"), "sample", "--enterprises=5"])
    assert done.exit_code == 0, done.output
    (place / "text").write_text("text\n", "utf-8")
    (place / "empty").touch()
    (place / "gbk").write_bytes("信用代码,名称\n慈溪\n".encode("gbk"))
    (place / "bytes").write_bytes(bytes(range(256)) * 20)
    (place / "folder").mkdir()
    shutil.copy(place / "gbk", place / "gbk.csv")
    shutil.copy(place / "empty", place / "empty.xlsx")
    return place


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that write beside them write into a folder of their own."""
    monkeypatch.chdir(tmp_path)


def every_command() -> Iterator[tuple[str, click.Command]]:
    waiting = [(entry.name, entry.load()) for entry in ENTRIES if entry.name not in UNENDING]
    while waiting:
        path, command = waiting.pop()
        inner = list(commands_of(command))
        waiting += [(f"{path} {name}", each) for name, each in inner]
        if not inner:
            yield path, command


def plausible(parameter: click.Parameter, folder: Path) -> list[str]:
    """Values that a parameter may have."""
    name = parameter.name or ""
    kind = parameter.type
    if isinstance(kind, click.Choice):
        value = str(next(iter(kind.choices)))
    elif isinstance(kind, click.types.IntParamType):
        value = "2024" if "year" in name else "1"
    elif is_file(parameter):
        value = str(folder / "text")
    else:
        value = PLAUSIBLE.get(name, "x=1").replace("$text", str(folder / "text"))
    return [value] * (parameter.nargs if parameter.nargs > 0 else 1)


def is_file(parameter: click.Parameter) -> bool:
    return isinstance(parameter.type, click.Path | click.File)


def mistaken_call(command: click.Command, folder: Path, mistaken: click.Parameter, value: str) -> list[str]:
    """The words of a call in which one parameter is mistaken."""
    words, arguments = list[str](), list[str]()
    for parameter in command.params:
        if parameter is not mistaken and not parameter.required:
            continue
        if isinstance(parameter, click.Option) and parameter.is_flag:
            continue
        values = plausible(parameter, folder)
        if parameter is mistaken:
            values = [value] * len(values)
        if isinstance(parameter, click.Option):
            words += [parameter.opts[0], *values]
        else:
            arguments += values
    return [*words, "--", *arguments]


def find_tracebacks(database: str, calls: Iterator[tuple[str, list[str]]]) -> list[Any]:
    """Calls that end in an error of the program."""
    wrong = list[Any]()
    for path, words in calls:
        done = CliRunner().invoke(main, ["--database", database, *path.split(), *words], input="")
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            wrong.append((path, words, repr(done.exception)[:300]))
    return wrong


def test_no_file_is_a_traceback(folder: Path) -> None:
    places = [str(place) for place in folder.iterdir() if place.suffix != ".db"]
    places += [str(folder / "none"), str(folder / "none" / "a" / "b.csv"), str(folder / "text" / "x.json")]
    calls = (
        (path, mistaken_call(command, folder, parameter, place))
        for path, command in every_command()
        for parameter in command.params
        if is_file(parameter)
        for place in places
    )
    assert find_tracebacks(str(folder / "ledger.db"), calls) == []


def test_no_value_is_a_traceback(folder: Path) -> None:
    calls = (
        (path, mistaken_call(command, folder, parameter, value))
        for path, command in every_command()
        for parameter in command.params
        if not is_file(parameter) and not (isinstance(parameter, click.Option) and parameter.is_flag)
        for value in MISTAKEN
    )
    assert find_tracebacks(str(folder / "ledger.db"), calls) == []


@pytest.mark.parametrize("database", ["none.db", "folder", "bytes", "empty"])
def test_no_database_is_a_traceback(folder: Path, database: str) -> None:
    calls = (
        (path, mistaken_call(command, folder, click.Option(["--nothing"]), ""))
        for path, command in every_command()
    )
    assert find_tracebacks(str(folder / database), calls) == []
