"""The signing key of a command: its option, its file, and what an auditor's input can cause."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from domain.log.notes import NoteError
from ledger.audit.checkpoints import StaleCheckpoint, UnknownPosition, load_or_make_key
from ledger.log.key_record import FileKey
from services.cli.common import Context, choose_words

F = TypeVar("F", bound=Callable[..., Any])
FILE = click.Path(dir_okay=False, path_type=Path)
READABLE = click.Path(exists=True, dir_okay=False, path_type=Path)


def key_option(command: F) -> F:
    """``--key-file``."""
    text = "The signing key's file (SUBSIDY_LEDGER_SIGNING_KEY); made where there is none."
    return click.option("--key-file", type=FILE, help=text)(command)


def key_file_of(context: Context, key_file: Path | None) -> Path:
    """The file of the ledger's signing key."""
    return key_file or context.key_file


def signer(context: Context, key_file: Path | None) -> FileKey:
    """The ledger's signing key."""
    return load_or_make_key(key_file_of(context, key_file))


def in_words(error: Exception, zh: str) -> str:
    """What an error says in the language of the command: its own words, or ``zh`` before its English."""
    return choose_words(getattr(error, "zh", "") or f"{zh}：{error}", str(error))


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn what an auditor's input can cause into one clear line."""
    try:
        yield
    except (NoteError, UnknownPosition, StaleCheckpoint, ArithmeticError) as error:
        raise click.ClickException(in_words(error, "无法办理")) from error
