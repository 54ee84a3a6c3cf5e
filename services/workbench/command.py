"""``subsidy-ledger-workbench``: the auditor's commands, each on a bundle or on the folder made from it."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable
from pathlib import Path

from domain.log.notes import NoteError
from services.verify import Broken
from services.verify.command import printable
from services.verify.trust import add_trust_options, read_trust
from services.workbench.opening import open_bundle
from services.workbench.tables import NotOpened

PURPOSE = (
    "审计工作台：由审计包离线办理，不连账本。"
    " The auditor's workbench: works offline from a bundle, without the ledger."
)
Command = Callable[[argparse.Namespace], int]


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 is done, 1 found something that does not match, 2 could not work."""
    options = _parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    command: Command = options.command
    try:
        return command(options)
    except (Broken, NoteError, NotOpened, OSError) as error:
        print(printable(f"! {error}"), file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="subsidy-ledger-workbench", description=PURPOSE)
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    opening = verbs.add_parser("open", help="核对审计包并展开为可查的文件 · verify a bundle and open it")
    opening.add_argument("bundle", type=Path)
    opening.add_argument("folder", type=Path)
    add_trust_options(opening)
    opening.add_argument("--witnesses", type=int, default=0, help="how many other keys must have signed")
    opening.set_defaults(command=_open)
    return parser


def _open(options: argparse.Namespace) -> int:
    keys, remarks, kept = read_trust(options)
    about, verdict = open_bundle(options.bundle, options.folder, keys, witnesses=options.witnesses, kept=kept)
    print(f"{about.bundle}  SHA-256 {about.sha256}")
    print(f"{about.policy} {about.year}  {about.size:,} events  {about.signed_by}")
    for line in (*remarks, *verdict.remarks):
        print(printable(f"· {line}"))
    for line in verdict.faults:
        print(printable(f"! {line}"))
    print(about.verdict)
    return 1 if verdict.counted.total() else 0
