"""A published list, checked by itself: it adds up, its payments follow, and it is the signed one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from domain.log.merkle import Growing, leaf_hash
from domain.log.notes import NoteError, VerifierKey, parse_note
from domain.money.amounts import apportion, print_fen
from domain.money.dividing import budget_id
from domain.settlement.public_list import COLUMNS, FORMAT, MARK_DIGITS, note_body
from domain.settlement.year import SettledLine, line_bytes
from services.verify.reading import LINE_BYTES_MAX, Broken, Verdict
from services.verify.values import BOM, Unreadable, parsed

PROOF_BYTES_MAX = 1 << 30
"""Most bytes of the proof's line: it holds eight digits for every line of the list."""


class ListRow(NamedTuple):
    """One award's line; its fields are the list's ``COLUMNS``."""

    number: int
    code: str
    name: str
    town: str
    size: str
    sector: str
    article: str
    measure: str
    title: str
    award_year: int
    pot: str
    gross: int
    withheld: int
    basis: int | None
    reduction: int
    payable: int


class _Award(NamedTuple):
    """What is kept of a line until the whole list was read."""

    number: int
    code: str
    measure: str
    pot: str
    gross: int
    withheld: int
    basis: int | None
    reduction: int
    payable: int


HEAD = {
    **dict.fromkeys(("policy", "title", "document", "digest"), str),
    **dict.fromkeys(("year", "number", "known", "budget", "sharing"), int),
    **dict.fromkeys(("gross", "withheld", "payable", "enterprises", "awards"), int),
    **dict.fromkeys(("mask", "columns", "pots"), list),
}
PROOF = {
    **dict.fromkeys(("root", "note", "marks", "published"), str),
    **dict.fromkeys(("lines", "position"), int),
}
"""Only ``published`` may be missing: proofs did not tell it at first."""
KINDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("code", "name", "town", "size", "sector", "article", "measure", "title", "pot"), (str,)),
    **dict.fromkeys(("number", "award_year", "gross", "withheld", "reduction", "payable"), (int,)),
    "basis": (int, type(None)),
}
WITNESSED = ": witnesses sign checkpoints, so ask for them with a receipt or a bundle of the year"


def verify_list(path: Path, keys: list[VerifierKey], witnesses: int = 0) -> tuple[dict[str, Any], Verdict]:
    """Check a list with its proof.

    Raises:
        Broken: for a file that is no such list.
    """
    verdict = Verdict()
    tree, marks = Growing(), list[str]()
    head: dict[str, Any] = {}
    rows: list[_Award] = []
    proof: dict[str, Any] = {}
    edits: dict[str, None] = {}
    digest, masked = hashlib.sha256(), True
    for number, line in enumerate(_lines(path)):
        raw = line.removeprefix(b"" if number else BOM).removesuffix(b"\r")
        edits |= _edits(line, number)
        value = _json(raw, number + 1)
        if number and isinstance(value, dict):
            if proof:
                raise Broken(f"line {number + 1}: the proof stands twice")
            proof = _proof(value, number)
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
        digest.update(line_bytes(settled_line(row)))
        rows.append(
            _Award(
                *(row.number, row.code, row.measure, row.pot, row.gross),
                *(row.withheld, row.basis, row.reduction, row.payable),
            )
        )
        verdict.awards += 1
        verdict.payable += row.payable
    if not head or not proof:
        raise Broken("the list has no head, or no proof on its last line")
    for edit in edits:
        verdict.fault(f"{edit}: an editor changed it, get the file again")
    # lines first: which ones were changed is told before what no longer follows from them
    _check_proof(head, proof, tree, marks, keys, verdict)
    verdict.witnessed(witnesses, WITNESSED)
    if not masked and digest.hexdigest() != head["digest"]:
        verdict.fault("the list's digest is not the one that its head names")
    _check_rows(rows, verdict)
    _check_sums(head, rows, verdict)
    _check_shares(head, rows, verdict)
    return head, verdict


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while line := file.readline(PROOF_BYTES_MAX + 1):
            if len(line) > (PROOF_BYTES_MAX if line.startswith(b"{") else LINE_BYTES_MAX):
                raise Broken("the list has a line that is too long")
            yield line.removesuffix(b"\n")


def _edits(line: bytes, number: int) -> dict[str, None]:
    """What an editor did to a line; told once, in place of every line that differs by it."""
    edits = {
        "the file begins with a byte order mark (BOM)": number == 0 and line.startswith(BOM),
        "the lines end in CRLF, not in LF": line.endswith(b"\r"),
    }
    return {edit: None for edit, done in edits.items() if done}


def settled_line(row: ListRow) -> SettledLine:
    """What a line of the list says was settled."""
    sums = (row.award_year, row.gross, row.withheld, row.reduction, row.payable, row.pot)
    return SettledLine(row.code, row.measure, *sums)


def read_row(raw: bytes, number: int) -> ListRow:
    """An award's line, which stands at a number in the list.

    Raises:
        Broken: for a line that is none.
    """
    return _row(_json(raw, number + 1), number)


def _json(raw: bytes, number: int) -> Any:
    try:
        return parsed(raw)
    except Unreadable as error:
        raise Broken(f"line {number}: {error}") from None


def _head(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise Broken(f"line 1: not the head of a list in the form {FORMAT}")
    for name, kind in HEAD.items():
        if type(value.get(name)) is not kind:
            raise Broken(f"line 1: {name} is missing or not of its kind")
    if tuple(value["columns"]) != COLUMNS:
        raise Broken("line 1: columns are not those of this form")
    for pot in value["pots"]:
        if not isinstance(pot, list) or [type(part) for part in pot] != [str, int, int]:
            raise Broken("line 1: pots are not [pot, what it has, what shares it]")
    return value


def _proof(value: dict[str, Any], number: int) -> dict[str, Any]:
    for name, kind in PROOF.items():
        if type(value.get(name)) is not kind and (name in value or name != "published"):
            raise Broken(f"line {number + 1}: {name} is missing or not of its kind")
    return value


def _row(value: Any, number: int) -> ListRow:
    if not isinstance(value, list) or len(value) != len(COLUMNS):
        raise Broken(f"line {number + 1}: not an award with {len(COLUMNS)} values")
    for name, part in zip(COLUMNS, value, strict=True):
        if type(part) not in KINDS[name]:
            raise Broken(f"line {number + 1}: {name} is not of its kind")
    return ListRow(*value)


def _check_rows(rows: list[_Award], verdict: Verdict) -> None:
    """Every award stands in its place, and adds up."""
    for number, row in enumerate(rows, 1):
        if row.number != number:
            fault = f"line {number + 1}: award {row.number} stands where award {number} should"
            verdict.fault(fault, "awards out of their place")
        if row.gross - row.withheld - row.reduction != row.payable:
            fault = "gross, less what was withheld and reduced, is not payable"
            verdict.fault(f"award {row.number} ({row.code}): {fault}", "awards that do not add up")


def _check_sums(head: dict[str, Any], rows: list[_Award], verdict: Verdict) -> None:
    """The head's sums are those of the awards."""
    sums = {
        "gross": sum(row.gross for row in rows),
        "withheld": sum(row.withheld for row in rows),
        "sharing": sum(row.basis or 0 for row in rows),
        "payable": sum(row.payable for row in rows),
    }
    for name, value in sums.items():
        if head[name] != value:
            verdict.fault(
                f"the awards come to {name} {print_fen(value)}, the head says {print_fen(head[name])}"
            )
    if head["awards"] != len(rows):
        verdict.fault(f"the list holds {len(rows)} awards, the head says {head['awards']}")
    verdict.enterprises = head["enterprises"]


def _check_shares(head: dict[str, Any], rows: list[_Award], verdict: Verdict) -> None:
    """Every payment follows from its basis, what its pot has, and the sum of all bases of the pot."""
    shared: dict[str, list[tuple[tuple[str, ...], int]]] = {}
    for row in rows:
        if row.basis:
            shared.setdefault(row.pot, []).append((_key(row), row.basis))
    has = _pots(head, shared, verdict)
    shares = {pot: apportion(bases, has.get(pot, 0)) for pot, bases in shared.items()}
    for row in rows:
        if row.basis is None:
            due = row.gross - row.withheld
        elif row.basis == 0:
            due = 0
        else:
            set_off = row.withheld if row.basis == row.gross else 0
            due = max(shares[row.pot].share(row.basis, _key(row)) - set_off, 0)
        if row.payable != due:
            fault = f"{row.measure} {print_fen(due)} was worked out, the list says {print_fen(row.payable)}"
            verdict.fault(
                f"award {row.number} ({row.code}): {fault}", "awards that were worked out otherwise"
            )


def _key(row: _Award) -> tuple[str, ...]:
    return (f"{row.number:012d}",)


def _pots(
    head: dict[str, Any], shared: dict[str, list[tuple[tuple[str, ...], int]]], verdict: Verdict
) -> dict[str, int]:
    """What each pot has; what shares it must be what the awards come to, and no pot has what another took."""
    pots = head["pots"]
    remaining: dict[str, int] = {}
    for pot, has, sharing in pots:
        total = sum(fen for _, fen in shared.get(pot, ()))
        if total != sharing:
            verdict.fault(
                f"the awards of pot {pot!r} come to {print_fen(total)}, the head says {print_fen(sharing)}"
            )
        budget = budget_id(pot)
        if budget in remaining and has != max(remaining[budget], 0):
            leaves = print_fen(max(remaining[budget], 0))
            verdict.fault(f"pot {pot!r} has {print_fen(has)}, those before it leave {leaves}")
        remaining[budget] = has - sharing
    first = {budget_id(pot): has for pot, has, _ in reversed(pots)}
    if sum(first.values()) != head["budget"]:
        verdict.fault(
            f"the budgets come to {print_fen(sum(first.values()))}, the head says {print_fen(head['budget'])}"
        )
    return {pot: has for pot, has, _ in pots}


SIGNED_BY_ENDED = (
    "the list is signed by a key that was replaced, which may have leaked: "
    "get the list anew, today's key signs it"
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
    root, position, published = tree.root.hex(), proof["position"], proof.get("published")
    try:
        body, signatures = parse_note(proof["note"])
    except NoteError as error:
        raise Broken(f"the proof's note: {error}") from None
    verdict.signed(body, signatures, keys)
    fits = body == note_body(
        head["policy"], head["year"], head["number"], tree.size, root, position, published
    )
    _check_marks(proof["marks"], marks, fits and bool(verdict.vouching), verdict)
    if (proof["root"], proof["lines"]) != (root, tree.size):
        verdict.fault("the lines do not lead to the root that the proof names")
    if not fits:
        verdict.fault("the note that was signed is not of this list")
    if not verdict.vouching:
        ended = any(key.verifies(body, each) for key in keys for each in signatures)
        verdict.fault(SIGNED_BY_ENDED if ended else "the list is not signed by any of the given keys")
    for name in sorted(proof.keys() - PROOF.keys()):
        verdict.fault(f"line {tree.size + 1}: {name} is no part of the proof, and signed by nobody")
    verdict.closed, verdict.published, verdict.number = position, published, head["number"]


def _check_marks(stated: str, marks: list[str], signed: bool, verdict: Verdict) -> None:
    """Every line has its mark; where the list is the ``signed`` one, it is the mark that was changed."""
    if len(stated) != MARK_DIGITS * len(marks):
        verdict.fault("the proof's marks are not those of this many lines")
        return
    for number, mark in enumerate(marks):
        if stated[number * MARK_DIGITS :][:MARK_DIGITS] != mark:
            stands = f"the mark of line {number + 1} was changed, the line is the one that was published"
            changed = f"line {number + 1} is not the one that was published"
            verdict.fault(stands if signed else changed, "changed lines")
