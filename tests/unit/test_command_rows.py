"""Commands that print rows print them as CSV too: found in their source, from the registry of commands."""

from __future__ import annotations

import ast
import importlib
import inspect
import textwrap
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import click

from services.cli.registry import ENTRIES
from services.cli.words.speaking import commands_of

TABLES = ("table", "list_differences")
PRINTING = ("echo", "print", "note", "_print", "_print_recorded")
SHARED = ("services.cli.tables", "services.cli.common")
"""Modules whose functions print for others."""
WRITES = "says which files it wrote"
STEP = "says what each step recorded, for the person who took it"
PROOF = "prints one proof or key a line, as other programs read them"
NO_ROWS = {
    **dict.fromkeys(("documents templates", "export", "pay file", "sheet template"), WRITES),
    **dict.fromkeys(("claim propose", "things decide"), STEP),
    **dict.fromkeys(("log-keys", "prove", "prove-consistency"), PROOF),
    "policy test": "says of each case whether it comes out, as test runners do; its status tells programs",
}
"""Commands that print lines in a loop, and no rows of a table, each with the reason."""


def every_command() -> Iterator[tuple[str, click.Command]]:
    waiting = [(entry.name, entry.load()) for entry in ENTRIES]
    while waiting:
        path, command = waiting.pop()
        inner = list(commands_of(command))
        if not inner:
            yield path, command
        waiting += [(f"{path} {name}", each) for name, each in inner]


def functions_of(callback: Callable[..., Any]) -> Iterator[FunctionType]:
    """What a command runs of the command line's own functions: its own, and those that these call."""
    waiting, seen = [inspect.unwrap(callback)], set[FunctionType]()
    while waiting:
        function = waiting.pop()
        if not isinstance(function, FunctionType) or function in seen:
            continue
        if not function.__module__.startswith("services.cli.") or function.__module__ in SHARED:
            continue
        seen.add(function)
        yield function
        names = function.__code__.co_names
        modules = [function.__module__, *(name for name in names if name.startswith("services.cli."))]
        places = [importlib.import_module(module) for module in modules]
        called = (getattr(place, name, None) for place in places for name in names)
        waiting += [inspect.unwrap(each) for each in called if isinstance(each, FunctionType)]


def prints_rows(function: FunctionType) -> bool:
    """Whether a function prints a table, or lines in a loop or joined."""
    nodes = list(ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))))
    in_loops = (inner for node in nodes if isinstance(node, ast.For | ast.While) for inner in ast.walk(node))
    return (
        any(name_called(node) in TABLES for node in nodes)
        or any(name_called(node) in PRINTING for node in in_loops)
        or any(name_called(node) in PRINTING and "'\\n'.join(" in ast.unparse(node) for node in nodes)
    )


def name_called(node: ast.AST) -> str:
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def test_every_command_that_prints_rows_prints_them_as_csv_and_as_json() -> None:
    commands = dict(every_command())
    options = {path: {option.name for option in command.params} for path, command in commands.items()}
    printing = {
        path
        for path, command in commands.items()
        if command.callback and any(map(prints_rows, functions_of(command.callback)))
    }

    assert {path for path in printing if not {"csv", "as_json"} <= options[path]} == NO_ROWS.keys()
    assert {path for path, names in options.items() if "csv" in names} <= printing
    assert len(printing) > 40
