"""What the reader trusts: public keys with their ends, statements about them, checkpoints that were kept."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path

from domain.log.notes import Checkpoint, NoteError, VerifierKey, open_checkpoint
from domain.log.statements import (
    apply_statements,
    is_restore_statement,
    read_key_statement,
    read_keys,
    read_restore_statement,
)


def add_key_options(parser: ArgumentParser) -> None:
    """``--key`` and ``--keys``."""
    parser.add_argument("--key", action="append", default=[], help="a public key that you trust")
    text = "a file of keys that you trust, one a line, as log-keys prints them"
    parser.add_argument("--keys", action="append", default=[], type=Path, metavar="FILE", help=text)


def add_trust_options(parser: ArgumentParser) -> None:
    """``--key``, ``--keys``, ``--statement`` and ``--checkpoint``."""
    add_key_options(parser)
    text = "what was published about keys or a restore: a key that was replaced counts up to its end alone"
    parser.add_argument("--statement", action="append", default=[], type=Path, metavar="FILE", help=text)
    text = "a checkpoint that you kept: the log must continue it"
    parser.add_argument("--checkpoint", action="append", default=[], type=Path, metavar="FILE", help=text)


def read_given_keys(options: Namespace) -> list[VerifierKey]:
    """The keys of ``--key`` and ``--keys``.

    Raises:
        NoteError: where none is given, or a file does not hold keys.
    """
    keys = read_keys("\n".join([*options.key, *map(_text, options.keys)]))
    if not keys:
        raise NoteError("no public key was given: --key KEY, or --keys FILE")
    return keys


def read_trust(options: Namespace) -> tuple[list[VerifierKey], list[str], list[Checkpoint]]:
    """The keys that count, what the reader must be told of them, and the checkpoints that were kept.

    Raises:
        NoteError: where no key is given, or a file does not hold what it should.
    """
    keys = read_given_keys(options)
    texts = [_text(file) for file in options.statement]
    about_keys = [read_key_statement(text) for text in texts if not is_restore_statement(text)]
    trust = apply_statements(keys, about_keys)
    restores = [read_restore_statement(text, trust.keys) for text in texts if is_restore_statement(text)]
    bare = [replace(key, end=None) for key in trust.keys]  # the log itself shows whether it continues them
    kept = [open_checkpoint(_text(file), bare)[0] for file in options.checkpoint]
    remarks = [*trust.remarks, *(each.remark for each in restores)]
    return trust.keys, remarks, kept


def advise_on_keys(keys: list[VerifierKey]) -> list[str]:
    """Words to the reader where one log's keys do not say which of them ended."""
    names = [key.name for key in keys if key.end is None]
    return [
        f"several keys of {name} were given and none says where it ended: one that leaked would still "
        "verify — give the lines of log-keys, or --statement"
        for name in sorted({name for name in names if names.count(name) > 1})
    ]


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NoteError(f"{file} cannot be read: {error}") from None
