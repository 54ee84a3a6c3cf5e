"""Layers point one way, and the domain is pure."""

from __future__ import annotations

import ast
from pathlib import Path

from importlinter.cli import lint_imports

ROOT = Path(__file__).parent.parent.parent


def test_services_import_ledger_and_ledger_imports_domain_never_the_other_way() -> None:
    """The contracts of pyproject.toml hold."""
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml")) == 0


def test_the_domain_never_asks_for_the_time() -> None:
    """No now(), today() or utcnow() under domain/."""
    asked = [
        f"{path.name}:{node.lineno}"
        for path in (ROOT / "domain").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("now", "today", "utcnow", "environ", "getenv")
    ]

    assert asked == []


def test_no_float_stands_near_money() -> None:
    """No float literal and no call of float() under domain/ and ledger/."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for layer in ("domain", "ledger")
        for path in (ROOT / layer).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float")
    ]

    assert found == []
