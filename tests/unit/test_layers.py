"""Layers and rooms point one way, the domain is pure, and nothing grows beyond what a reader can hold."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FLOORS = ("domain", "ledger", "services")

MOST_MODULES_A_FOLDER = 14
MOST_LINES_A_FILE = 400
MOST_LINES_A_CLASS = 200


def test_services_import_ledger_and_ledger_imports_domain_never_the_other_way() -> None:
    """The contracts of pyproject.toml hold. Their tool silences all loggers there are: it runs by itself."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--config", "pyproject.toml"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


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


def product_files() -> Iterator[Path]:
    """Every Python file of the three layers."""
    for floor in FLOORS:
        yield from sorted((ROOT / floor).rglob("*.py"))


def test_no_folder_has_more_modules_than_a_reader_can_hold() -> None:
    modules = Counter(
        str(path.parent.relative_to(ROOT)) for path in product_files() if path.name != "__init__.py"
    )
    large = {folder for folder, count in modules.items() if count > MOST_MODULES_A_FOLDER}

    assert large == set()


def test_no_file_is_too_long() -> None:
    large = {
        str(path.relative_to(ROOT))
        for path in product_files()
        if len(path.read_text("utf-8").splitlines()) > MOST_LINES_A_FILE
    }

    assert large == set()


def test_no_class_is_too_long() -> None:
    large = {
        f"{path.relative_to(ROOT)}:{node.name}"
        for path in product_files()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef) and node.end_lineno
        if node.end_lineno - node.lineno >= MOST_LINES_A_CLASS
    }

    assert large == set()


@pytest.mark.parametrize("name", ["architecture.md", "architecture.en.md"])
def test_every_room_stands_on_the_pages_about_the_architecture(name: str) -> None:
    text = (ROOT / "docs" / name).read_text("utf-8")
    lines = (line.strip("|").split("|") for line in text.splitlines() if line.startswith("| `"))
    rows = {cells[0].strip(" `"): cells for cells in lines if len(cells) == 1 + len(FLOORS)}

    for place, floor in enumerate(FLOORS, 1):
        rooms = {path.parent.name for path in (ROOT / floor).glob("*/__init__.py")}
        assert {room for room, cells in rows.items() if cells[place].strip()} == rooms, floor
