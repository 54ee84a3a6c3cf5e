"""Misspells names of fields in a copy of the product, and counts those that the type check reports.

A field is an annotated name in the body of a class: of an event, a state, an answer, a row, a typed
dictionary. Where it is used is an attribute that is read (``line.gross_fen``), an argument of a
constructor by its keyword, or a key of a typed dictionary.
"""

from __future__ import annotations

import ast
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FLOORS = ("domain", "ledger", "services")
ROOT = Path(__file__).resolve().parents[1]
CHECKED_WITH = ("pyproject.toml", ".mypy_cache")


class Use(NamedTuple):
    """One place where a field is used; ``column`` counts bytes from the beginning of the line."""

    path: str
    line: int
    column: int
    name: str


class Misspelling(NamedTuple):
    """A use, and what stands there instead: a word that stands nowhere else."""

    use: Use
    slip: str


class Fields(NamedTuple):
    """The names of fields that classes of the product have."""

    by_class: dict[str, set[str]]
    """Own fields and those of the classes it is made from, where these are named in the same breath."""
    typed_dictionaries: set[str]

    @property
    def names(self) -> set[str]:
        """All of them but those that texts and collections have too."""
        return set().union(*self.by_class.values()).difference(dir(str), dir(dict), dir(list), dir(tuple))


def read_sources(root: Path) -> dict[str, str]:
    """The product's modules by path, in order."""
    paths = sorted(path for floor in FLOORS for path in (root / floor).rglob("*.py"))
    return {str(path.relative_to(root)): path.read_text("utf-8") for path in paths}


def find_fields(trees: dict[str, ast.Module]) -> Fields:
    """The fields that classes declare."""
    classes = [node for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    own = {cls.name: set(_declared(cls)) for cls in classes}
    bases = {cls.name: [base.id for base in cls.bases if isinstance(base, ast.Name)] for cls in classes}

    def with_bases(name: str) -> set[str]:
        return own.get(name, set()).union(*(with_bases(base) for base in bases.get(name, ()) if base != name))

    typed = {name for name, named in bases.items() if "TypedDict" in named}
    typed |= {name for name, named in bases.items() if typed.intersection(named)}
    return Fields({name: with_bases(name) for name in own}, typed)


def _declared(cls: ast.ClassDef) -> Iterator[str]:
    for node in ast.walk(cls):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        if "ClassVar" not in ast.unparse(node.annotation) and not node.target.id.startswith("_"):
            yield node.target.id


def find_uses(sources: dict[str, str]) -> list[Use]:
    """Every use of a field, in order of files and lines."""
    trees = {path: ast.parse(source) for path, source in sources.items()}
    fields = find_fields(trees)
    names = fields.names
    uses = []
    for path, tree in trees.items():
        lines = sources[path].encode().split(b"\n")
        keys = {
            key
            for node in ast.walk(tree)
            if isinstance(node, ast.Name) and node.id in fields.typed_dictionaries
            for key in fields.by_class[node.id]
        }
        modules = _imported_modules(tree)
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id in modules
            ):
                continue  # what a module has is no field
            # Within a text that is put together, a node's place may be that of the text.
            uses += [
                use
                for use in _uses_of(path, node, fields, names, keys)
                if lines[use.line - 1][use.column :].startswith(use.name.encode())
            ]
    return sorted(set(uses))


def _imported_modules(tree: ast.Module) -> set[str]:
    imports = [alias for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    return {alias.asname or alias.name.partition(".")[0] for alias in imports}


def _uses_of(path: str, node: ast.AST, fields: Fields, names: set[str], keys: set[str]) -> Iterator[Use]:
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and node.attr in names:
        line, end = node.end_lineno or 0, node.end_col_offset or 0
        yield Use(path, line, end - len(node.attr.encode()), node.attr)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        arguments = fields.by_class.get(node.func.id, set())
        for keyword in node.keywords:
            if keyword.arg in arguments:
                yield Use(path, keyword.lineno, keyword.col_offset, str(keyword.arg))
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        key = node.slice
        if key.value in keys:
            yield Use(path, key.lineno, key.col_offset + 1, str(key.value))


def misspell(uses: list[Use], words: set[str]) -> list[Misspelling]:
    """Each use with two of its letters in each other's place, so that the word is none of ``words``."""
    misspellings = []
    taken = set(words)
    for use in uses:
        slip = next(slip for slip in _slips(use.name) if slip not in taken)
        taken.add(slip)
        misspellings.append(Misspelling(use, slip))
    return misspellings


def _slips(name: str) -> Iterator[str]:
    for at in range(1, len(name) - 1):
        if name[at] != name[at + 1]:
            yield name[:at] + name[at + 1] + name[at] + name[at + 2 :]
    doubled = name
    while True:
        doubled += name[-1]
        yield doubled


def choose_misspellings(sources: dict[str, str], count: int, seed: int) -> list[Misspelling]:
    """So many of the uses of fields, as many of each floor, chosen by the seed alone."""
    uses = find_uses(sources)
    chooser = random.Random(seed)
    chosen: list[Use] = []
    for number, floor in enumerate(FLOORS):
        of_floor = [use for use in uses if use.path.startswith(f"{floor}/")]
        share = count // len(FLOORS) + (number < count % len(FLOORS))
        chosen += chooser.sample(of_floor, share)
    words = {word for source in sources.values() for word in re.findall(r"\w+", source)}
    return misspell(sorted(chosen), words)


def write_copy(root: Path, copy: Path, misspellings: list[Misspelling]) -> None:
    """A copy of the product with the misspellings in it, and with what is known of the rest."""
    for floor in FLOORS:
        shutil.copytree(root / floor, copy / floor, ignore=shutil.ignore_patterns("__pycache__"))
    for name in CHECKED_WITH:
        source = root / name
        if source.is_dir():
            shutil.copytree(source, copy / name)
        elif source.exists():
            shutil.copy2(source, copy / name)
    for path in sorted({each.use.path for each in misspellings}):
        lines = (copy / path).read_bytes().split(b"\n")
        # From the end of a line to its beginning, so that places stay where they are.
        for use, slip in sorted((each for each in misspellings if each.use.path == path), reverse=True):
            line, end = lines[use.line - 1], use.column + len(use.name.encode())
            lines[use.line - 1] = line[: use.column] + slip.encode() + line[end:]
        (copy / path).write_bytes(b"\n".join(lines))


def unreported(copy: Path, misspellings: list[Misspelling]) -> list[Misspelling]:
    """The misspellings of a copy that the type check does not report by their own name."""
    packages = [argument for floor in FLOORS for argument in ("--package", floor)]
    command = [sys.executable, "-m", "mypy", "--no-color-output", "--no-error-summary", *packages]
    checked = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=1_800)
    if checked.returncode not in (0, 1):
        raise RuntimeError(f"mypy could not check: {checked.stdout}{checked.stderr}")
    errors = [line.partition(": error: ") for line in checked.stdout.splitlines() if ": error: " in line]
    reported = {
        (place.split(":")[0], name) for place, _, text in errors for name in re.findall('"(.*?)"', text)
    }
    return [each for each in misspellings if (each.use.path, each.slip) not in reported]
