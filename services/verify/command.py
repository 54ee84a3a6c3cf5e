"""The command, and the check of a whole bundle."""

from __future__ import annotations

import argparse
import io
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from domain.log.notes import Checkpoint, NoteError, VerifierKey
from domain.money.amounts import print_fen
from domain.settlement.payables import factor
from domain.settlement.public_list import FORMAT as LIST_FORMAT
from domain.settlement.receipt import FORMAT as RECEIPT_FORMAT
from services.verify.bundles import Enterprise, Year
from services.verify.checks import KeepEvent
from services.verify.conclusion import UNREADABLE, conclude, lines_of
from services.verify.lists import verify_list
from services.verify.reading import (
    FORMAT as BUNDLE_FORMAT,
)
from services.verify.reading import (
    LINE_BYTES_MAX,
    Broken,
    Verdict,
    check_members,
    check_seal,
    counts,
    read_checkpoint,
    read_head,
)
from services.verify.receipts import verify_receipt
from services.verify.streams.procedure import CHINA
from services.verify.trust import add_trust_options, advise_on_keys, read_trust

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
IN_WORDS = (zipfile.BadZipFile, zlib.error)
"""Of these, the ones that say what is wrong in words."""
SHOWN_MAX = 1_000
"""Most characters of a line that is printed."""


def verify(
    path: Path,
    keys: list[VerifierKey],
    witnesses: int = 0,
    progress: bool = False,
    kept: Sequence[Checkpoint] = (),
    keep: KeepEvent | None = None,
) -> tuple[dict[str, Any], Verdict]:
    """Check a bundle, a receipt or a published list.

    Args:
        keys: public keys that the reader trusts, obtained elsewhere than from the bundle, with their ends.
        witnesses: how many of them must have signed, beside the ledger's own.
        progress: print how many events were read.
        kept: checkpoints that the reader kept; the bundle's log must continue them.
        keep: takes every event of a bundle as it is read, before the verdict is known.

    Raises:
        Broken: for a file that is none of them.
    """
    try:
        if zipfile.is_zipfile(path):
            return _verify_bundle(path, keys, witnesses, progress, kept, keep)
        head, verdict = (verify_list if _is_list(path) else verify_receipt)(path, keys, witnesses)
        verdict.kept += kept
        verdict.compare_kept({})
        return head, verdict
    except OSError as error:
        raise Broken(f"{path} cannot be read: {error.strerror or error}") from None
    except DAMAGED as error:
        why = f" ({error})" if isinstance(error, IN_WORDS) else ""
        raise Broken(f"{path} is damaged, or none of the files that this program checks{why}") from None


def _is_list(path: Path) -> bool:
    """Whether a file is meant to be a list: its first line says so, or an award stands on the second."""
    with path.open("rb") as file:
        first, second = file.readline(LINE_BYTES_MAX), file.readline(1)
    return f'"{LIST_FORMAT}"'.encode() in first or second == b"["


def _verify_bundle(
    path: Path,
    keys: list[VerifierKey],
    witnesses: int,
    progress: bool,
    kept: Sequence[Checkpoint],
    keep: KeepEvent | None,
) -> tuple[dict[str, Any], Verdict]:
    verdict = Verdict(kept=list(kept))
    with zipfile.ZipFile(path) as archive:
        if "bundle.json" not in archive.namelist():
            raise Broken("a ZIP archive, but no audit bundle: it holds no bundle.json")
        head = read_head(archive)
        check_members(archive, head["kind"])
        checkpoint = read_checkpoint(archive, head, keys, witnesses, verdict)
        if head["kind"] == "year":
            check: Year | Enterprise = Year(archive, head, checkpoint, verdict, progress)
        else:
            check_seal(archive, [key for key in keys if counts(key, checkpoint)], verdict)
            verdict.compare_kept({checkpoint.size: checkpoint.root})
            check = Enterprise(archive, head, checkpoint, verdict, progress)
        check.keep = keep
        check.run()
        check.history.duties.report(check.history.book_at, verdict)
    return head, verdict


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="subsidy-ledger-verify", description=PURPOSE)
    parser.add_argument("file", type=Path)
    add_trust_options(parser)
    parser.add_argument("--witnesses", type=int, default=0, help="how many other keys must have signed")
    parser.add_argument("--quiet", action="store_true", help="print no progress")
    options = parser.parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal in GBK knows fewer characters
    try:
        keys, remarks, kept = read_trust(options)
        for advice in advise_on_keys(keys):
            print(printable(advice), file=sys.stderr)
        head, verdict = verify(options.file, keys, options.witnesses, not options.quiet, kept)
    except (Broken, NoteError) as error:
        _print_lines(lines_of([UNREADABLE]))
        print(printable(f"NOT VERIFIED: {error}"))
        return 2
    told = (*remarks, *verdict.remarks, *(each.statement for each in verdict.restores))
    _print_lines(SUMMARIES[head["format"]](head, verdict))
    _print_lines(f"· {remark}" for remark in told)
    _print_lines(f"! {fault}" for fault in verdict.faults)
    for kind, more in verdict.untold.items():
        print(f"! and {more:,} more {kind}")
    _print_lines(lines_of(conclude(head, verdict, options.witnesses)))
    count = verdict.counted.total()
    print("VERIFIED" if not count else f"NOT VERIFIED: {count:,} faults")
    return 1 if count else 0


def _print_lines(lines: Iterable[str]) -> None:
    for line in lines:
        print(printable(line))


def printable(text: str) -> str:
    """Text that may come from a file, as one line that no terminal takes for a command or for several."""
    line = text if len(text) <= SHOWN_MAX else text[:SHOWN_MAX] + "…"
    return "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in line)


def _list_said(head: dict[str, Any], verdict: Verdict) -> Iterator[str]:
    when = f" on {moment(verdict.published)}" if verdict.published else ""
    published = f"list of proposal {verdict.number}, published{when} at position {verdict.closed:,}"
    yield f"{head['policy']} {head['year']}: all enterprises, {published}; a later one replaces it"
    yield _signed(verdict)
    factors = (factor(has, sharing) for _, has, sharing in head["pots"])
    fractions = ", ".join(f"{value.numerator}/{value.denominator}" for value in factors)
    yield f"awards {verdict.awards:,}"
    yield f"budget {print_fen(head['budget'])}  factor {fractions}  payable {print_fen(verdict.payable)}"


def _receipt_said(head: dict[str, Any], verdict: Verdict) -> Iterator[str]:
    when = f" of {moment(head['as_of'])}" if isinstance(head.get("as_of"), str) else ""
    receipt = f"receipt on the list of proposal {verdict.number}"
    yield f"{head['policy']} {head['year']}: {head['enterprise']}, {receipt}"
    yield f"as of {verdict.size:,} events{when}; nothing later is in it"
    yield _signed(verdict)
    if verdict.closed:
        yield f"events {verdict.events:,}  awards {verdict.awards:,}"
        yield from _paid(head, verdict)


def _bundle_said(head: dict[str, Any], verdict: Verdict) -> Iterator[str]:
    enterprises = head.get("enterprise", "all enterprises")
    yield f"{head['policy']} {head['year']}: {enterprises}, checkpoint of {head['size']:,} events"
    yield _signed(verdict)
    yield f"events {verdict.events:,}  enterprises {verdict.enterprises:,}  awards {verdict.awards:,}"
    yield from _paid(head, verdict)


SUMMARIES = {LIST_FORMAT: _list_said, RECEIPT_FORMAT: _receipt_said, BUNDLE_FORMAT: _bundle_said}
"""What was checked, in a few lines, by the form that the file names."""


def moment(text: str) -> str:
    """A UTC instant as clocks in China show it; as it stands where it is none."""
    try:
        return f"{datetime.fromisoformat(text) + CHINA:%Y-%m-%d %H:%M} (UTC+8)"
    except (ValueError, OverflowError):
        return text


def _signed(verdict: Verdict) -> str:
    more = f"; by keys that were not given: {verdict.unknown:,}" if verdict.unknown else ""
    return f"signed by {', '.join(verdict.vouching) or 'nobody'}{more}"


def _paid(head: dict[str, Any], verdict: Verdict) -> Iterator[str]:
    yield f"budget {head['budget']}  factor {head['factor']}  payable {print_fen(verdict.payable)}"
    if head["format"] == BUNDLE_FORMAT:
        for pot, budget, sharing in head.get("pots", []):
            yield f"  {pot}: {sharing} share {budget}"
    if verdict.closed:
        moved = f"paid {print_fen(verdict.paid)}  clawed back {print_fen(verdict.clawed)}"
        yield f"closed at position {verdict.closed:,}  {moved}  recovered {print_fen(verdict.recovered)}"
