"""``subsidy-ledger sample``: a believable city's year, from its events to its balances."""

from __future__ import annotations

from pathlib import Path

import click
from rich.progress import Progress

from domain.authority.roles import NotAllowed
from domain.events.speaking import attribute_message
from domain.intake.authorising import Sender
from ledger.policies.versions import adopt_policy
from ledger.projections.enterprises import load
from ledger.reading.balances import list_largest
from ledger.reading.budgets import read_budget
from ledger.store.rows import Rows
from services.cli.common import Context, operator
from services.cli.intake.ingest import run
from services.cli.operating.serve import check_port, start
from services.cli.reading.reads import print_budget, print_largest
from services.sample.city import city
from services.sample.enterprise import code_of
from services.sample.policy import POLICY, YEAR, policy_text


def _require_own(rows: Rows, seed: int) -> None:
    """Refuse a ledger that holds anything, unless this city's first enterprise is in it.

    Raises:
        NotAllowed: where others' data stand in the ledger.
    """
    if rows.last_position() and not load(rows, [code_of(0, seed)]):
        raise NotAllowed("sample.other", "database")


@click.command()
@click.option("--enterprises", type=click.IntRange(1, 10_000_000), default=2_000, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Only write the messages to a file."
)
@click.option("--serve", "then_serve", is_flag=True, help="Serve the ledger afterwards.")
@click.pass_obj
def sample(context: Context, enterprises: int, seed: int, out: Path | None, then_serve: bool) -> None:
    """Make a sample city's year, take it in, and show budget, factor and the largest balances."""
    if out:
        with out.open("wb") as file:
            for message in city(enterprises, seed, YEAR):
                file.write(message + b"\n")
        return
    if context.checks_identity:
        raise NotAllowed("sample.checked", "sample")
    if then_serve:
        check_port(context.settings)
    with context.ledger(sets_up=True) as ledger:
        with ledger.store.reading() as rows:
            _require_own(rows, seed)
        adopt_policy(ledger, policy_text(), context.caller())
        # Nobody has to be allowed to say what is made up; who made it is noted all the same.
        made_up = Sender(attribution=attribute_message(operator()))
        with Progress() as bar:
            run(ledger, city(enterprises, seed, YEAR), "sample", 2_000, bar, made_up)
        with ledger.store.reading() as rows:
            budget = read_budget(ledger, rows, POLICY, YEAR)
            largest = list_largest(ledger, rows, POLICY, YEAR)
    print_budget(context, budget)
    print_largest(context, largest)
    if then_serve:
        start(context)
