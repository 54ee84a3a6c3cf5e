"""Every code that is raised is registered, every registered one is raised, and each has its words."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from domain.authority.roles import MAY
from domain.faults.registry import (
    AREAS,
    INSTEAD_OF,
    RETIRED,
    FaultWords,
    ProblemWords,
    read_blocks,
    read_codes,
    read_problems,
)
from domain.vocabulary.kinds import OnlyWith
from domain.vocabulary.load import shipped_vocabulary

ROOT = Path(__file__).parents[2]
CODE_ARGUMENT = {
    "Fault": 0,
    "FaultError": 0,
    "NotAllowed": 0,
    "Problem": 0,
    "Refused": 0,
    "refused": 0,
    "FileFault": 2,
    "PolicyFault": 2,
    "PathFault": 1,
    "add": 2,
    "StoreUnavailable": 0,
    "WriteRefused": 0,
    "UnsuitableStore": 0,
    "DamagedStore": 0,
    "StaleStore": 0,
}
"""What makes a fault of a code, and which of its arguments is the code."""
FILE = re.compile(r"[\w-]+\.(html|css)")
PROBLEMS = "problems"


def modules() -> Iterator[tuple[str, ast.Module]]:
    """The product's modules by path; the doctor names checks and settings, not codes."""
    for floor in ("domain", "ledger", "services"):
        for path in sorted((ROOT / floor).rglob("*.py")):
            if "doctor" not in path.parts:
                yield str(path.relative_to(ROOT)), ast.parse(path.read_text("utf-8"))


def made_of(call: ast.Call) -> list[ast.expr]:
    """The expressions that a call takes as the code of a fault."""
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    place = CODE_ARGUMENT.get(name)
    if place is None or len(call.args) <= place or (name == "add" and "faults" not in ast.unparse(call.func)):
        return []
    code = call.args[place]
    return [code.body, code.orelse] if isinstance(code, ast.IfExp) else [code]


@cache
def written() -> tuple[dict[str, str], dict[str, str], list[re.Pattern[str]]]:
    """Codes given to faults, every other text, by module; patterns of composed codes."""
    given: dict[str, str] = {}
    texts: dict[str, str] = {}
    composed = []
    for path, module in modules():
        docstrings = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
        for node in ast.walk(module):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                texts[node.value] = path
            for code in made_of(node) if isinstance(node, ast.Call) else ():
                if isinstance(code, ast.Constant):
                    given[str(code.value)] = path
                if isinstance(code, ast.JoinedStr):
                    parts = [str(v.value) if isinstance(v, ast.Constant) else None for v in code.values]
                    composed.append(re.compile("".join(re.escape(p) if p else "[a-z.-]+" for p in parts)))
    return given, texts, composed


def declared() -> set[str]:
    """Codes that the shipped kinds of fact declare for their own rules."""
    rules = (rule for kind in shipped_vocabulary().kinds.values() for rule in kind.rules)
    return {rule.code for rule in rules if isinstance(rule, OnlyWith)}


def registered() -> set[str]:
    return {*read_codes(*AREAS), *read_problems()}


def test_every_code_that_is_raised_is_registered() -> None:
    given, texts, _ = written()
    families = {code.partition(".")[0] for code in registered() if "." in code}
    dotted = {
        text: path
        for text, path in texts.items()
        if re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", text) and text.partition(".")[0] in families
    }
    others = {*MAY, *(text for text in dotted if FILE.fullmatch(text))}

    assert declared() <= registered()
    assert {code: path for code, path in given.items() if code not in registered()} == {}
    assert {code: path for code, path in dotted.items() if code not in registered() | others} == {}


def test_every_registered_code_is_raised() -> None:
    _, texts, composed = written()
    retired = {code for area in (*AREAS, PROBLEMS) for code, b in read_blocks(area).items() if RETIRED in b}
    raised = declared() | {
        code for code in registered() if code in texts or any(each.fullmatch(code) for each in composed)
    }

    assert registered() - raised == retired


@pytest.mark.parametrize("area", [*AREAS, PROBLEMS])
def test_a_code_stands_once_in_its_area_with_all_its_words(area: str) -> None:
    text = files("domain.faults").joinpath("codes", f"{area}.yaml").read_text("utf-8")
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(node, yaml.MappingNode)
    codes = [key.value for key, _ in node.value]
    assert len(codes) == len(set(codes))
    for (code, block), (_, words) in zip(read_blocks(area).items(), node.value, strict=True):
        fields = ProblemWords._fields if area == PROBLEMS else FaultWords._fields
        assert [key.value for key, _ in words.value if key.value not in (INSTEAD_OF, RETIRED)] == [*fields]
        assert all(block.values()), code
        places = {
            language: {
                name for key, value in block.items() if key.endswith(language) for name in named(value)
            }
            for language in ("zh", "en")
        }
        assert {*map(plain, places["zh"])} == {*map(plain, places["en"])}, code


def named(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def plain(name: str) -> str:
    return name.removesuffix("_zh")


def test_a_code_of_two_areas_says_in_place_of_which() -> None:
    first: dict[str, str] = {}
    for area in AREAS:
        for code, block in read_blocks(area).items():
            assert block.get(INSTEAD_OF) == first.setdefault(code, area) or first[code] == area, code
            assert INSTEAD_OF not in block or first[code] != area, code


def test_every_file_of_codes_is_an_area() -> None:
    names = {path.name for path in files("domain.faults").joinpath("codes").iterdir()}

    assert names == {f"{area}.yaml" for area in (*AREAS, PROBLEMS)}
