"""The command, and the check of a whole bundle."""

from __future__ import annotations

import argparse
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from domain.money import yuan
from domain.notes import NoteError, VerifierKey
from domain.public_list import FORMAT as LIST_FORMAT
from domain.settlement import factor
from services.verify.bundles import Enterprise, Year
from services.verify.lists import verify_list
from services.verify.reading import (
    LINE_BYTES_MAX,
    Broken,
    Verdict,
    check_members,
    check_seal,
    read_checkpoint,
    read_head,
)
from services.verify.receipts import verify_receipt

PURPOSE = (
    "Check an audit bundle, a receipt or a published list, offline: hashes, signatures, proofs, "
    "awards and the apportionment."
)
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    LookupError,
    OSError,
    EOFError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
)
"""What reading or folding anything that was not made by a ledger may raise."""


def verify(
    path: Path, keys: list[VerifierKey], witnesses: int = 0, shown: bool = False
) -> tuple[dict[str, Any], Verdict]:
    """Check a bundle, a receipt or a published list.

    Args:
        keys: public keys that the reader trusts, obtained elsewhere than from the bundle.
        witnesses: how many of them must have signed, beside the ledger's own.
        shown: print progress.

    Raises:
        Broken: for a file that is none of them.
    """
    try:
        if zipfile.is_zipfile(path):
            return _verify_bundle(path, keys, witnesses, shown)
        if _first_format(path) == LIST_FORMAT:
            return verify_list(path, keys)
        return verify_receipt(path, keys, witnesses)
    except DAMAGED as error:
        raise Broken(f"{path} is damaged, or none of the files that this program checks: {error!r}") from None


def _first_format(path: Path) -> str:
    """The form that the first line of a text file names; empty where it names none."""
    with path.open("rb") as file:
        line = file.readline(LINE_BYTES_MAX)
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return ""
    return str(value.get("format", "")) if isinstance(value, dict) else ""


def _verify_bundle(
    path: Path, keys: list[VerifierKey], witnesses: int, shown: bool
) -> tuple[dict[str, Any], Verdict]:
    verdict = Verdict()
    with zipfile.ZipFile(path) as archive:
        head = read_head(archive)
        check_members(archive, head["kind"])
        checkpoint = read_checkpoint(archive, head, keys, witnesses, verdict)
        if head["kind"] == "year":
            Year(archive, head, checkpoint, verdict, shown).run()
        else:
            check_seal(archive, keys, verdict)
            Enterprise(archive, head, checkpoint, verdict, shown).run()
    return head, verdict


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="subsidy-ledger-verify", description=PURPOSE)
    parser.add_argument("file", type=Path)
    parser.add_argument("--key", action="append", required=True, help="a public key that you trust")
    parser.add_argument("--witnesses", type=int, default=0, help="how many other keys must have signed")
    parser.add_argument("--quiet", action="store_true", help="print no progress")
    given = parser.parse_args(arguments)
    try:
        keys = [VerifierKey.parse(text) for text in given.key]
        head, verdict = verify(given.file, keys, given.witnesses, not given.quiet)
    except (Broken, NoteError) as error:
        print(f"NOT VERIFIED: {error}")
        return 2
    for line in _said(head, verdict):
        print(line)
    for fault in verdict.faults:
        print(f"! {fault}")
    print("VERIFIED" if not verdict.faults else f"NOT VERIFIED: {len(verdict.faults)} faults")
    return 1 if verdict.faults else 0


def _said(head: dict[str, Any], verdict: Verdict) -> Iterator[str]:
    """What was checked, in a few lines."""
    of, form = head.get("enterprise", "all enterprises"), head["format"]
    what = f"{head['policy']} {head['year']}: {of}"
    if form == LIST_FORMAT:
        yield f"{what}, list published at position {verdict.closed:,}"
        yield f"signed by {', '.join(verdict.vouching) or 'nobody'}"
        factors = (factor(has, sharing) for _, has, sharing in head["pots"])
        said = ", ".join(f"{value.numerator}/{value.denominator}" for value in factors)
        money = f"budget {yuan(head['budget'])}  factor {said}"
        yield f"awards {verdict.awards:,}"
        yield f"{money}  payable {yuan(verdict.payable)}"
        return
    size = f"checkpoint of {head['size']:,} events" if "size" in head else "receipt"
    yield f"{what}, {size}"
    yield f"signed by {', '.join(verdict.vouching)}"
    yield f"events {verdict.events:,}  enterprises {verdict.enterprises:,}  awards {verdict.awards:,}"
    yield f"budget {head['budget']}  factor {head['factor']}  payable {yuan(verdict.payable)}"
    for pot, budget, sharing in head.get("pots", []):
        yield f"  {pot}: {sharing} share {budget}"
    if verdict.closed:
        moved = f"paid {yuan(verdict.paid)}  clawed back {yuan(verdict.clawed)}"
        yield f"closed at position {verdict.closed:,}  {moved}  recovered {yuan(verdict.recovered)}"
