"""Policy files on the command line: naming one, and checking it without a ledger."""

from __future__ import annotations

from pathlib import Path

import click

from domain.policy.load import load_policy
from services.cli.common import Context, rules_text

FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


def text_of(file: Path) -> str:
    """A policy file's text.

    Raises:
        PolicyError: where it is not UTF-8.
    """
    return rules_text(str(file)) or ""


@click.command()
@FILE
@click.pass_obj
def check(context: Context, file: Path) -> None:
    """Check a policy file without a ledger; every fault is named with its line."""
    policy = load_policy(text_of(file))
    verdict = context.words("没有发现错误", "no faults found")
    counted = f"{len(policy.measures)} {context.words('项条款', 'measures')}"
    click.echo(f"{policy.id} v{policy.version}  {counted}  SHA-256 {policy.digest}\n{verdict}")
