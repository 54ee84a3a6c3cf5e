"""``subsidy-ledger``: one command, a subcommand for every job.

The answers are those of the API: both call the same functions of the ledger. Nothing of the ledger
is imported here: ``services.cli.registry`` says where each subcommand is.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable

import click

from services.cli.registry import ENTRIES, LazyCommands
from services.runtime.starting import begin_loading, relax
from services.runtime.terminals import print_in_any_encoding

WAITS = 3
"""Exit status of a command whose step waits for a second person."""


class Group(click.Group):
    """The subcommands of the registry; what a caller can cause becomes one clear line and exit status 1."""

    before_command: Callable[[], None] | None = None
    """Called once the subcommand's modules are there, before it runs."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the subcommands without importing them."""
        named = [click.Command(entry.name, help=entry.summary) for entry in ENTRIES]
        click.Group(commands=named).format_commands(ctx, formatter)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Import the subcommand."""
        resolved = super().resolve_command(ctx, args)
        if self.before_command is not None:
            self.before_command()
        return resolved

    def invoke(self, ctx: click.Context) -> object:
        """Run the subcommand."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            from services.cli.caller_errors import (  # imports the ledger
                caller_message,
                damage_message,
                waiting_message,
            )

            waiting = waiting_message(error, ctx.obj.language if ctx.obj else "zh")
            if waiting is not None:
                click.echo(waiting)
                ctx.exit(WAITS)
            message = caller_message(error, ctx.obj.language if ctx.obj else "zh")
            if message is None and ctx.obj:
                message = damage_message(ctx.obj.path, ctx.obj.language)
            if message is None:
                raise
            raise click.ClickException(message) from error


@click.group(cls=Group, commands=LazyCommands(), context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--database", metavar="PATH", help="The ledger's database (SUBSIDY_LEDGER_DATABASE).")
@click.option(
    "--language",
    type=click.Choice(["zh", "en"]),
    envvar="SUBSIDY_LEDGER_LANGUAGE",
    default="zh",
    help="Language of tables and explanations.",
)
@click.version_option(package_name="subsidy-ledger")
@click.pass_context
def main(ctx: click.Context, database: str | None, language: str) -> None:
    """An event-sourced ledger that pays subsidies out of a fixed budget. 补贴账本。"""
    from ledger.store.correlation import current
    from services.cli.common import Context
    from services.runtime.settings import Settings, usable

    current.set(f"cli-{secrets.token_hex(8)}")
    # The doctor names every bad setting; all others stop at the first.
    every_fault = ctx.invoked_subcommand == "doctor"
    ctx.obj = Context(usable(os.environ)[0] if every_fault else Settings.from_env(), database, language)


def run() -> None:
    """The command as a process of its own."""
    print_in_any_encoding()
    begin_loading()
    main.before_command = relax
    main()
