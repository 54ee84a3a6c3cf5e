"""What a page of refusal calls a field, in both languages: no name of a program."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from services.console import language
from services.console.shown import FIELDS

ROOT = Path(__file__).parents[2]
OF_STEPS = ("domain", "ledger", "services/console", "services/web/identity", "services/web/waiting")
OF_MESSAGES = ("ledger/intake", "domain/intake", "domain/facts", "domain/vocabulary")
"""Where messages are judged: their fields are called as in the text that stands beside them."""


def refused_fields() -> Iterator[tuple[str, str]]:
    """Fields that steps and doors are refused at, each with its module."""
    for room in OF_STEPS:
        for path in sorted((ROOT / room).rglob("*.py")):
            module = str(path.relative_to(ROOT))
            if module.startswith(OF_MESSAGES):
                continue
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if not isinstance(node, ast.Call) or len(node.args) < 2:
                    continue
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                of_gate = name == "Fault" and module.startswith("services/")
                field = node.args[1]
                if (name == "NotAllowed" or of_gate) and isinstance(field, ast.Constant) and field.value:
                    yield str(field.value), module


def test_every_field_that_a_step_is_refused_at_has_words() -> None:
    named = {field: module for field, module in refused_fields() if not field.startswith("data.")}
    words = language.words()

    assert {"sign-in", "Authorization", "actor", "waiting", "year"} <= named.keys()
    lacking = {
        field: module for field, module in named.items() if FIELDS.get(field, f"field-{field}") not in words
    }
    assert lacking == {}
