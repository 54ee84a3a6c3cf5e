"""Amounts are read and printed in one place; a walk through the tree finds whoever does it beside."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
FLOORS = ("domain", "ledger", "services")
PLACES = ("domain/money/amounts.py", "services/web/amounts.py")

STANDING: dict[str, str] = {
    "domain/money/capitals.py": "an amount in Chinese characters is built of yuan, jiao and fen",
    "domain/policy/form/values.py": "a percentage, which is read like an amount once it has the form of one",
    "domain/rules/words.py": "a rate in ten-thousandths is printed as a percentage",
    "ledger/intake/sheets/template.py": "the example of an amount in a template is a number in its cell",
    "ledger/intake/sheets/understanding.py": (
        "a cell may hold a number, units of 10,000, signs and brackets; the schema's text is made of it"
    ),
    "services/console/background.py": "a percentage of work that is done",
    "services/cli/policies/editor_schema.py": "an editor's pattern of a percentage",
    "services/sample/enterprise.py": "numbers of shops of the sample, not amounts",
}
"""Files that look as if they read or printed amounts, each with the reason why it stands."""

HUNDRED = (100,)
AMOUNT_PATTERN = re.compile(r"\\\.\)?\(?\[0-9\](\{1,2\}|\{2\})")
MONEY = re.compile(r"fen\b|amount|yuan|money|payable|gross|budget|cents|minor|hundredths")


def is_hundred(node: ast.expr) -> bool:
    """Whether a number of an expression is what hundredths are made with."""
    return isinstance(node, ast.Constant) and node.value in HUNDRED


def of_operation(node: ast.AST) -> str:
    """What is done with a hundred."""
    if isinstance(node, ast.BinOp) and is_hundred(node.right):
        return {ast.FloorDiv: "splits hundredths", ast.Mod: "splits hundredths", ast.Mult: "makes them"}.get(
            type(node.op), ""
        )
    return ""


def of_call(node: ast.AST) -> str:
    """What a call does with hundredths or decimals."""
    if not isinstance(node, ast.Call):
        return ""
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    splits = name == "divmod" and is_hundred(node.args[-1])
    return "splits hundredths" if splits else name if name in ("Decimal", "scaleb") else ""


def of_text(node: ast.AST) -> str:
    """What a format or a pattern does with amounts."""
    if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
        spec = ast.unparse(node.format_spec)
        grouped = "," in spec and MONEY.search(ast.unparse(node.value))
        return "formats an amount" if ".2f" in spec or grouped else ""
    text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
    return "a pattern of amounts" if AMOUNT_PATTERN.search(text) else ""


def suspects(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, what) of whatever splits hundredths, makes decimals, or spells an amount's pattern."""
    for node in ast.walk(tree):
        for what in (of_operation(node), of_call(node), of_text(node)):
            if what:
                yield getattr(node, "lineno", 0), what


def found() -> dict[str, list[tuple[int, str]]]:
    """Suspects by file, those of the places where it is done left out."""
    paths = [path for floor in FLOORS for path in sorted((ROOT / floor).rglob("*.py"))]
    by_file = {
        path.relative_to(ROOT).as_posix(): list(suspects(ast.parse(path.read_text("utf-8"))))
        for path in paths
    }
    return {name: lines for name, lines in by_file.items() if lines and name not in PLACES}


def test_amounts_are_read_and_printed_in_one_place() -> None:
    assert {name: lines for name, lines in found().items() if name not in STANDING} == {}


def test_no_template_takes_an_amount_apart() -> None:
    paths = [path for floor in FLOORS for path in (ROOT / floor).rglob("*.html")]

    assert [
        path.name for path in paths if re.search(r"[/%] ?100\b|%\.2f|%d\.%02d", path.read_text("utf-8"))
    ] == []


def test_every_exception_is_one_still() -> None:
    assert STANDING.keys() - found().keys() == set()
