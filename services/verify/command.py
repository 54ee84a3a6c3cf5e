"""The command, and the check of a whole bundle."""

from __future__ import annotations

import argparse
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

from domain.money import yuan
from domain.notes import NoteError, VerifierKey
from services.verify.bundles import Enterprise, Year
from services.verify.reading import (
    Broken,
    Verdict,
    check_members,
    check_seal,
    read_checkpoint,
    read_head,
)

PURPOSE = "Check an audit bundle, offline: hashes, signatures, proofs, awards and the apportionment."
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
    """Check a bundle.

    Args:
        keys: public keys that the reader trusts, obtained elsewhere than from the bundle.
        witnesses: how many of them must have signed, beside the ledger's own.
        shown: print progress.

    Raises:
        Broken: for a file that is no bundle.
    """
    verdict = Verdict()
    try:
        with zipfile.ZipFile(path) as archive:
            head = read_head(archive)
            check_members(archive, head["kind"])
            checkpoint = read_checkpoint(archive, head, keys, witnesses, verdict)
            if head["kind"] == "year":
                Year(archive, head, checkpoint, verdict, shown).run()
            else:
                check_seal(archive, keys, verdict)
                Enterprise(archive, head, checkpoint, verdict, shown).run()
    except DAMAGED as error:
        raise Broken(f"{path} is no bundle, or it is damaged: {type(error).__name__}: {error}") from None
    return head, verdict


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="subsidy-ledger-verify", description=PURPOSE)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--key", action="append", required=True, help="a public key that you trust")
    parser.add_argument("--witnesses", type=int, default=0, help="how many other keys must have signed")
    parser.add_argument("--quiet", action="store_true", help="print no progress")
    given = parser.parse_args(arguments)
    try:
        keys = [VerifierKey.parse(text) for text in given.key]
        head, verdict = verify(given.bundle, keys, given.witnesses, not given.quiet)
    except (Broken, NoteError) as error:
        print(f"NOT VERIFIED: {error}")
        return 2
    of = head.get("enterprise", "all enterprises")
    print(f"{head['policy']} {head['year']}: {of}, checkpoint of {head['size']:,} events")
    print(f"signed by {', '.join(verdict.vouching)}")
    print(f"events {verdict.events:,}  enterprises {verdict.enterprises:,}  awards {verdict.awards:,}")
    print(f"budget {head['budget']}  factor {head['factor']}  payable {yuan(verdict.payable)}")
    for pot, budget, sharing in head.get("pots", []):
        print(f"  {pot}: {sharing} share {budget}")
    if verdict.closed:
        moved = f"paid {yuan(verdict.paid)}  clawed back {yuan(verdict.clawed)}"
        print(f"closed at position {verdict.closed:,}  {moved}  recovered {yuan(verdict.recovered)}")
    for fault in verdict.faults:
        print(f"! {fault}")
    print("VERIFIED" if not verdict.faults else f"NOT VERIFIED: {len(verdict.faults)} faults")
    return 1 if verdict.faults else 0
