"""``subsidy-ledger sample``: a believable city's year, from its events to its balances."""

from __future__ import annotations

from pathlib import Path

import click

from domain.authority.roles import NotAllowed
from domain.events.speaking import attribute_message
from domain.intake.authorising import Sender
from domain.money.wire import wire_form
from ledger.projections.enterprises import load
from ledger.reading.balances import list_largest
from ledger.reading.budgets import read_budget
from ledger.store.rows import Rows
from services.cli.common import Context, json_option, operator, print_json
from services.cli.intake.ingest import count_results, print_totals
from services.cli.operating.serve import check_port, start
from services.cli.progress import show_progress
from services.cli.reading.budgets import print_budget, print_largest
from services.cli.tables import csv_option, note
from services.sample.city import city
from services.sample.enterprise import code_of
from services.sample.policy import POLICY, YEAR
from services.sample.recording import ENTERPRISES, SEED, record_city


def _require_own(rows: Rows, seed: int) -> None:
    """Refuse a ledger that holds anything, unless this city's first enterprise is in it.

    Raises:
        NotAllowed: where others' data stand in the ledger.
    """
    if rows.last_position() and not load(rows, [code_of(0, seed)]):
        raise NotAllowed("sample.other", "database")


@click.command()
@click.option(
    "--enterprises",
    type=click.IntRange(1, 10_000_000),
    default=ENTERPRISES,
    show_default=True,
    help="How many enterprises.",
)
@click.option(
    "--seed", type=int, default=SEED, show_default=True, help="The same number makes the same city."
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Only write the messages to a file."
)
@click.option("--serve", "then_serve", is_flag=True, help="Serve the ledger afterwards.")
@json_option
@csv_option
@click.pass_obj
def sample(
    context: Context, enterprises: int, seed: int, out: Path | None, then_serve: bool, as_json: bool
) -> None:
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
        # Nobody has to be allowed to say what is made up; who made it is noted all the same.
        made_up = Sender(attribution=attribute_message(operator()))
        with show_progress(hidden=as_json) as bar:
            batches = record_city(ledger, enterprises, seed, context.caller(), made_up)
            totals = count_results(batches, bar)
        if not as_json:
            note(print_totals(totals))
        with ledger.store.reading() as rows:
            budget = read_budget(ledger, rows, POLICY, YEAR)
            largest = list_largest(ledger, rows, POLICY, YEAR)
    if as_json:
        print_json({"budget": wire_form(budget), "largest": wire_form(largest)})
    else:
        print_budget(context, budget)
        print_largest(context, largest)
    if then_serve:
        start(context)
