"""A published list, checked by itself: it adds up, its payments follow, and it is the signed one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from domain.merkle import Growing, leaf_hash
from domain.money import apportion, yuan
from domain.notes import NoteError, VerifierKey, parse_note
from domain.public_list import COLUMNS, FORMAT, MARK_DIGITS, note_body
from domain.settling import SettledLine, line_bytes
from services.verify.reading import LINE_BYTES_MAX, Broken, Verdict

PROOF_BYTES_MAX = 1 << 30
"""Most bytes of the proof's line: it holds eight digits for every line of the list."""
HEAD = {
    **dict.fromkeys(("policy", "title", "document", "digest"), str),
    **dict.fromkeys(("year", "number", "known", "budget", "sharing"), int),
    **dict.fromkeys(("gross", "withheld", "payable", "enterprises", "awards"), int),
    **dict.fromkeys(("mask", "columns"), list),
}
KINDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("code", "name", "town", "size", "sector", "article", "measure", "title"), (str,)),
    **dict.fromkeys(("number", "award_year", "gross", "withheld", "reduction", "payable"), (int,)),
    "basis": (int, type(None)),
}
NUMBER, CODE, MEASURE, YEAR, GROSS, WITHHELD, BASIS, REDUCTION, PAYABLE = (
    COLUMNS.index(name)
    for name in ("number", "code", "measure", "award_year", *COLUMNS[COLUMNS.index("gross") :])
)


def verify_list(path: Path, keys: list[VerifierKey]) -> tuple[dict[str, Any], Verdict]:
    """Check a list with its proof.

    Raises:
        Broken: for a file that is no such list.
    """
    verdict = Verdict()
    tree, marks = Growing(), list[str]()
    head: dict[str, Any] = {}
    rows: list[tuple[Any, ...]] = []
    proof: dict[str, Any] = {}
    digest, masked = hashlib.sha256(), True
    for number, raw in enumerate(_lines(path)):
        value = _json(raw, number + 1)
        if number and isinstance(value, dict):
            if proof:
                raise Broken(f"line {number + 1}: the proof stands twice")
            proof = value
            continue
        if proof:
            raise Broken(f"line {number + 1}: something stands after the proof")
        leaf = leaf_hash(raw)
        tree.push(leaf)
        marks.append(leaf.hex()[:MARK_DIGITS])
        if number == 0:
            head = _head(value)
            masked = "code" in head["mask"]
            continue
        row = _row(value, number)
        if row[NUMBER] != number:
            verdict.fault(f"line {number + 1}: award {row[NUMBER]} stands where award {number} should")
        if row[GROSS] - row[WITHHELD] - row[REDUCTION] != row[PAYABLE]:
            verdict.fault(f"{_named(row)}: gross, less what was withheld and reduced, is not payable")
        digest.update(line_bytes(SettledLine(row[CODE], row[MEASURE], *row[YEAR : WITHHELD + 1], *row[-2:])))
        rows.append((row[NUMBER], row[CODE], row[MEASURE], *row[GROSS:]))
        verdict.awards += 1
        verdict.payable += row[PAYABLE]
    if not head or not proof:
        raise Broken("the list has no head, or no proof on its last line")
    _check_sums(head, rows, verdict)
    _check_shares(head, rows, verdict)
    if not masked and digest.hexdigest() != head["digest"]:
        verdict.fault("the list's digest is not the one that its head names")
    _check_proof(head, proof, tree, marks, keys, verdict)
    return head, verdict


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while line := file.readline(PROOF_BYTES_MAX + 1):
            if len(line) > (PROOF_BYTES_MAX if line.startswith(b"{") else LINE_BYTES_MAX):
                raise Broken("the list has a line that is too long")
            yield line.removesuffix(b"\n")


def _json(raw: bytes, number: int) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise Broken(f"line {number}: not JSON: {raw[:60]!r}") from None


def _head(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise Broken(f"line 1: not the head of a list in the form {FORMAT}")
    for name, kind in HEAD.items():
        if type(value.get(name)) is not kind:
            raise Broken(f"line 1: {name} is missing or not of its kind")
    if tuple(value["columns"]) != COLUMNS:
        raise Broken("line 1: columns are not those of this form")
    return value


def _row(value: Any, number: int) -> list[Any]:
    if not isinstance(value, list) or len(value) != len(COLUMNS):
        raise Broken(f"line {number + 1}: not an award with {len(COLUMNS)} values")
    for name, each in zip(COLUMNS, value, strict=True):
        if type(each) not in KINDS[name]:
            raise Broken(f"line {number + 1}: {name} is not of its kind")
    return value


def _named(row: tuple[Any, ...] | list[Any]) -> str:
    return f"award {row[0]} ({row[1]})"


def _check_sums(head: dict[str, Any], rows: list[tuple[Any, ...]], verdict: Verdict) -> None:
    """The head's sums are those of the awards."""
    worked = {
        "gross": sum(row[3] for row in rows),
        "withheld": sum(row[4] for row in rows),
        "sharing": sum(row[5] or 0 for row in rows),
        "payable": sum(row[7] for row in rows),
    }
    for name, value in worked.items():
        if head[name] != value:
            verdict.fault(f"the awards come to {name} {yuan(value)}, the head says {yuan(head[name])}")
    if head["awards"] != len(rows):
        verdict.fault(f"the list holds {len(rows)} awards, the head says {head['awards']}")
    verdict.enterprises = head["enterprises"]


def _check_shares(head: dict[str, Any], rows: list[tuple[Any, ...]], verdict: Verdict) -> None:
    """Every payment follows from its basis, the budget, and the sum of all bases."""
    shared = [((f"{row[0]:012d}",), row[5]) for row in rows if row[5]]
    shares = apportion(shared, head["budget"])
    for row in rows:
        _, _, _, gross, withheld, basis, _, payable = row
        if basis is None:
            due = gross - withheld
        else:
            due = shares.share(basis, (f"{row[0]:012d}",)) - (withheld if basis == gross else 0)
        if payable != due:
            verdict.fault(
                f"{_named(row)}: {row[2]} {yuan(due)} was worked out, the list says {yuan(payable)}"
            )


def _check_proof(
    head: dict[str, Any],
    proof: dict[str, Any],
    tree: Growing,
    marks: list[str],
    keys: list[VerifierKey],
    verdict: Verdict,
) -> None:
    """The root is over these very lines, and the ledger's key signed it."""
    said = proof.get("marks")
    if not isinstance(said, str) or len(said) != MARK_DIGITS * len(marks):
        verdict.fault("the proof's marks are not those of this many lines")
    else:
        for number, mark in enumerate(marks):
            if said[number * MARK_DIGITS :][:MARK_DIGITS] != mark:
                verdict.fault(f"line {number + 1} is not the one that was published")
    root, position = tree.root.hex(), proof.get("position")
    if (proof.get("root"), proof.get("lines")) != (root, tree.size):
        verdict.fault("the lines do not lead to the root that the proof names")
    if type(position) is not int:
        raise Broken("the proof names no position")
    try:
        body, signatures = parse_note(str(proof.get("note")))
    except NoteError as error:
        raise Broken(f"the proof's note: {error}") from None
    if body != note_body(head["policy"], head["year"], head["number"], tree.size, root, position):
        verdict.fault("the note that was signed is not of this list")
    verdict.vouching = [k.name for k in keys if any(k.verifies(body, each) for each in signatures)]
    if not verdict.vouching:
        verdict.fault("the list is not signed by any of the given keys")
    verdict.closed = position
