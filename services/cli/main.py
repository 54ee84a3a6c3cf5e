"""``subsidy-ledger``: one command, a subcommand for every job.

The answers are those of the API: both call the same functions of the ledger. Nothing of the ledger
is imported here: ``services.cli.registry`` says where each subcommand is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import click

from services.cli.registry import ENTRIES, JOBS, LazyCommands
from services.cli.statuses import ExitStatus
from services.cli.words import speaking
from services.runtime.starting import begin_loading, relax
from services.runtime.terminals import print_in_any_encoding

LANGUAGE = "services.cli.language"
"""Under which a click context's ``meta`` holds the language of help."""
QUICK_START = {
    "zh": (
        "快速上手",
        (
            ("sample --serve", "编造一个样例城市，再提供网页和接口"),
            ("balance CODE", "一家企业的年度余额；explain CODE 说明依据"),
            ("migrate", "建立自己的账本，再用 adopt FILE 采用政策、ingest FILE 读入数据"),
            ("budget", "预算和兑现系数；settle status 年度兑现"),
            ("COMMAND --help", "一条命令的说明"),
        ),
    ),
    "en": (
        "Quick start",
        (
            ("sample --serve", "Make a sample city up, then serve pages and API."),
            ("balance CODE", "One enterprise's year; explain CODE tells why."),
            ("migrate", "Begin a ledger of your own; then adopt FILE (a policy) and ingest FILE (facts)."),
            ("budget", "The budget and its factor; settle status for the year's settlement."),
            ("COMMAND --help", "What one command does."),
        ),
    ),
}


class Group(click.Group):
    """The subcommands of the registry; what a caller can cause becomes one clear line and an exit status."""

    before_command: Callable[[], None] | None = None
    """Called once the subcommand's modules are there, before it runs."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options, once all is put into the language that they or the environment ask for."""
        language = ctx.meta[LANGUAGE] = speaking.asked_language(args, os.environ)
        speaking.speak(language)
        speaking.put_help(self, "", language)
        return super().parse_args(ctx, args)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what it is, and how to begin."""
        super().format_help_text(ctx, formatter)
        title, lines = QUICK_START[ctx.meta[LANGUAGE]]
        with formatter.section(title):
            formatter.write_dl([(f"{ctx.command_path} {words}", meaning) for words, meaning in lines], 40)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the subcommands by what they are for, without importing them."""
        language = ctx.meta[LANGUAGE]
        width = max(len(entry.name) for entry in ENTRIES)
        for name, job in JOBS.items():
            lines = [
                (entry.name.ljust(width), speaking.list_line(entry.name, entry.summary, language))
                for entry in ENTRIES
                if entry.job == name
            ]
            with formatter.section(job.zh if language == "zh" else job.en):
                formatter.write_dl(lines)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand, its help in the language that was asked for."""
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            speaking.put_help(command, cmd_name, ctx.meta.get(LANGUAGE, "en"))
        return command

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
                ctx.exit(ExitStatus.WAITING)
            message = caller_message(error, ctx.obj.language if ctx.obj else "zh")
            if message is None and ctx.obj:
                message = damage_message(ctx.obj.path, ctx.obj.language)
            if message is None:
                raise
            raise click.ClickException(message) from error


@click.group(cls=Group, commands=LazyCommands(), context_settings={"help_option_names": speaking.HELP_NAMES})
@click.option("--database", metavar="PATH", help="The ledger's database (SUBSIDY_LEDGER_DATABASE).")
@click.option(
    "--language",
    type=click.Choice(speaking.LANGUAGES),
    envvar=speaking.VARIABLE,
    default=speaking.LANGUAGES[0],
    help=f"Language of help, tables and explanations ({speaking.VARIABLE}).",
)
@click.version_option(package_name="subsidy-ledger")
@click.pass_context
def main(ctx: click.Context, database: str | None, language: str) -> None:
    """An event-sourced ledger that pays subsidies out of a fixed budget."""
    from ledger.store.correlation import current
    from services.cli.common import Context
    from services.runtime.settings import Settings, usable

    current.set(f"cli-{os.urandom(8).hex()}")
    # The doctor names every bad setting; all others stop at the first.
    every_fault = ctx.invoked_subcommand == "doctor"
    ctx.obj = Context(usable(os.environ)[0] if every_fault else Settings.from_env(), database, language)


def run() -> None:
    """The command as a process of its own."""
    print_in_any_encoding()
    begin_loading()
    main.before_command = relax
    try:
        main()
    except OSError as error:  # what it says cannot be written: the disk behind it is full
        print(error.strerror, file=sys.stderr)
        raise SystemExit(ExitStatus.NOT_DONE) from None
