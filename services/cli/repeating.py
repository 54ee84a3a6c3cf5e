"""Commands that are run twice: the caller's own reference, under which a step is recorded once."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from ledger.store.repeats.keys import (
    KEPT_DAYS,
    KEY_CHARS_MAX,
    KeyInProgress,
    KeyOfOther,
    KeysFull,
    RequestKey,
    answer_once,
)
from ledger.waiting.second_person import SecondPersonNeeded
from services.cli.common import Context, os_user
from services.cli.statuses import ExitStatus, end_with

F = TypeVar("F", bound=Callable[..., Any])


def repeatable(command: F) -> F:
    """``--reference``: what the caller knows the step by; under the same one it is recorded once.

    What the command printed is kept with the step in one transaction, and printed again.
    """
    return _repeatable(command, keeps_output=True)


def repeatable_secretly(command: F) -> F:
    """``repeatable`` for a command whose output is not to be kept."""
    return _repeatable(command, keeps_output=False)


def _repeatable(command: F, keeps_output: bool) -> F:
    @functools.wraps(command)
    def run(*args: Any, reference: str | None = None, **options: Any) -> None:
        if reference is None:
            command(*args, **options)
        else:
            _run_once(reference, keeps_output, lambda: command(*args, **options))

    help_text = "What you know this step by; under the same one it is recorded once."
    return cast(F, click.option("--reference", metavar="TEXT", help=help_text)(run))


def _run_once(reference: str, keeps_output: bool, command: Callable[[], None]) -> None:
    """Run a command whose reference is new; else print what it printed."""
    called = click.get_current_context()
    context: Context = called.find_object(Context) or called.obj
    ended = ExitStatus.DONE

    def printed() -> bytes:
        nonlocal ended
        with contextlib.redirect_stdout(io.StringIO()) as out:
            try:
                command()
            except click.exceptions.Exit as exit_:  # what was recorded beside what was refused is kept
                if exit_.exit_code != ExitStatus.REFUSED:
                    raise
                ended = ExitStatus.REFUSED
            except SecondPersonNeeded as proposed:  # what it proposed is kept with the reference
                from services.cli.caller_errors import waiting_message  # it brings the words of all problems

                click.echo(waiting_message(proposed, context.language))
        return out.getvalue().encode() if keeps_output or not out.getvalue() else _print_now(out.getvalue())

    request = RequestKey(f"os\x1f{os_user()}", reference[:KEY_CHARS_MAX], _digest_call(called))
    with context.ledger(may_be_empty=not keeps_output) as ledger, context.keeping_open(ledger):
        try:
            kept = answer_once(ledger, request, printed)
        except KeyOfOther:
            zh = f"{reference!r} 在 {KEPT_DAYS} 天内已用于另一条命令或另外的值 — 换一个编号"
            rule = f"was used for another command, or for other values within {KEPT_DAYS} days"
            raise click.BadParameter(context.words(zh, f"{reference!r} {rule} — take another")) from None
        except (KeyInProgress, KeysFull):
            zh, en = (
                "留存的编号太多 — 不带 --reference 再运行",
                "too many references are kept — leave --reference out",
            )
            raise click.ClickException(context.words(zh, en)) from None
    if kept.replayed:
        text = context.words("此前已按该编号登记，未再次登记", "recorded already under this reference")
        click.echo(f"{text}: {reference}", err=True)
    click.echo(kept.content.decode(), nl=False)
    if ended is not ExitStatus.DONE:
        end_with(ended)


def _print_now(text: str) -> bytes:
    click.echo(text, nl=False)
    return b""


def _digest_call(called: click.Context) -> bytes:
    """Which command was called with what, files by their content, as 32 bytes."""
    values = {name: _describe(value) for name, value in sorted(called.params.items()) if name != "reference"}
    return hashlib.sha256(json.dumps([called.command_path, values]).encode()).digest()


def _describe(value: object) -> str:
    """A value of a call as text: a file, or several, by what they hold."""
    if isinstance(value, Path) and value.is_file():
        return hashlib.sha256(value.read_bytes()).hexdigest()
    if isinstance(value, tuple) and value and all(isinstance(each, Path) for each in value):
        return " ".join(map(_describe, value))
    return str(value)
