"""``subsidy-ledger``: one command, a subcommand for every job.

The answers are those of the API: both call the same functions of the ledger.
"""

from __future__ import annotations

import os
import secrets

import click

from domain.authority.roles import NotAllowed
from domain.policy.load import PolicyError
from domain.policy.rulebook import NoRules
from ledger.export.books import NotExportable
from ledger.export.file_faults import FileError
from ledger.policies.versions import UnknownPolicy
from ledger.reading.queries import UnknownEnterprise
from ledger.settlement.paying import StepsRefused
from ledger.store.correlation import current
from ledger.store.moments import Unanswerable
from ledger.store.rows import StoreUnavailable
from services.cli.common import Context, language_option
from services.cli.desk import claims as desk
from services.cli.desk import disagreements, documents, persons, receipts, settle
from services.cli.intake import ingest, sheet
from services.cli.operating import audit, keys, operations, rebuild, sample, serve, streams
from services.cli.policies import policy, reform, schemas
from services.cli.reading import export, looks, reads, targets, trace
from services.runtime.collector import relax
from services.runtime.kafka_settings import UnusableFile
from services.runtime.settings import Settings, SettingsError, usable
from services.web.codes import said
from services.web.problems import fault_of

EXPECTED = (
    PolicyError,
    NoRules,
    Unanswerable,
    UnknownPolicy,
    UnknownEnterprise,
    NotExportable,
    StoreUnavailable,
    SettingsError,
    NotAllowed,
    StepsRefused,
    FileError,
    UnusableFile,
)


class Group(click.Group):
    """Turns what a caller can cause into one clear line and exit status 1."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the subcommand."""
        try:
            return super().invoke(ctx)
        except EXPECTED as error:
            raise click.ClickException(_said(error)) from error


def _language() -> str:
    context = click.get_current_context(silent=True)
    return str(context.obj.language) if context and context.obj else "zh"


def _said(error: Exception) -> str:
    if isinstance(error, NotAllowed | StepsRefused):
        faults = (
            [fault_of(error)] if isinstance(error, NotAllowed) else [fault_of(e) for _, e in error.faults]
        )
        found = [said(fault, _language()) for fault in faults[:20]]
        return "\n".join(f"{each['field']}: {each['rule']} — {each['mend']}" for each in found)
    if isinstance(error, PolicyError):
        return "\n".join(fault.said(_language()) for fault in error.faults)
    if isinstance(error, UnknownPolicy):
        return f"policy: the ledger does not hold {error} — adopt it with: subsidy-ledger adopt FILE"
    if isinstance(error, UnknownEnterprise):
        return f"enterprise: the ledger knows nothing of {error} — check the credit code"
    return str(error)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--database", metavar="PATH", help="The ledger's database (SUBSIDY_LEDGER_DATABASE).")
@language_option
@click.version_option(package_name="subsidy-ledger")
@click.pass_context
def main(ctx: click.Context, database: str | None, language: str) -> None:
    """An event-sourced ledger that pays subsidies out of a fixed budget. 补贴账本。"""
    current.set(f"cli-{secrets.token_hex(8)}")
    # The doctor names every bad setting; all others stop at the first.
    examined = ctx.invoked_subcommand == "doctor"
    ctx.obj = Context(usable(os.environ)[0] if examined else Settings.from_env(), database, language)


MODULES = (
    *(audit, export, ingest, looks, persons, policy, reads, sample, schemas, serve, streams, targets),
    *(desk, disagreements, documents, keys, operations, rebuild, receipts, reform, settle, sheet, trace),
)
for module in MODULES:
    for command in module.COMMANDS:
        main.add_command(command)


def run() -> None:
    """The command as a process of its own."""
    relax()
    main()
