"""``subsidy-ledger history``: an enterprise's history, step by step."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

import click

from domain.events.event import SupportingDocument
from ledger.audit.steps import Document, step_document
from ledger.reading.changes import steps_of
from ledger.reading.records import UnknownEnterprise
from services.cli.common import Context, json_option
from services.cli.tables import Codes, Column, Money, Names, Sums, csv_option, prints_csv, table
from services.web.amounts import read_currencies

ACCOUNT_SUMS = ("payable", "paid", "outstanding", "clawed_back", "recovered")


@click.command()
@click.argument("code")
@json_option
@csv_option
@click.pass_obj
def history(context: Context, code: str, as_json: bool) -> None:
    """Show an enterprise's history: each event, what it changed, the balance after.

    With --json, one JSON object a line.
    """
    with context.ledger() as ledger, ledger.store.reading() as rows:
        currencies = read_currencies(rows)
        steps = map(step_document, steps_of(rows, code, rows.last_position()))
        first = next(steps, None)
        if first is None:
            raise UnknownEnterprise(code)
        if prints_csv() and not as_json:
            lines = (
                line for step in chain([first], steps) for line in _list_lines(context, step, currencies)
            )
            table(code, _columns(context), lines)
            return
        for step in chain([first], steps):
            if as_json:
                click.echo(json.dumps(step, ensure_ascii=False))
            else:
                _print_step(step, currencies)


def _columns(context: Context) -> list[Column]:
    words = context.words
    return [
        Sums(words("序号", "Position")),
        Codes(words("入账时间", "Recorded")),
        Names(words("类型", "Type")),
        Names(words("来源", "Source")),
        Codes(words("编号", "Id")),
        Names(words("行", "Line")),
        Names(words("政策", "Policy")),
        Sums(words("年度", "Year")),
        Names(words("内容", "What")),
        Sums(words("此前", "Before")),
        Sums(words("此后", "After")),
        Sums(words("从高不重复扣除", "Withheld")),
    ]


def _list_lines(context: Context, step: Document, currencies: dict[str, str]) -> Iterator[tuple[str, ...]]:
    """The lines of one step's page as rows, each behind the event that it belongs to."""
    words = context.words
    event = (str(step["position"]), *(step[name] for name in ("recorded_at", "event", "source", "id")))
    yield (*event, words("数据", "event"), *[""] * 6)
    if "based_on" in step:
        citation = SupportingDocument(**step["based_on"]).citation
        yield (*event, words("依据", "document"), "", "", citation, "", "", "")
    for change in step["changes"]:
        names = ("gross_before", "gross_after", "withheld_after")
        sums = (Money.read(change[name], currencies[change["policy"]]) for name in names)
        award = (change["policy"], str(change["year"]), change["measure"])
        yield (*event, words("变动", "change"), *award, *sums)
    account = step["account"]
    if account:
        place, currency = (account["policy"], str(account["year"])), currencies[account["policy"]]
        amount = Money.read(account["amount"], currency)
        yield (*event, words("账目", "account"), *place, _details(account), "", amount, "")
        for change in account["changes"]:
            sums = (Money.read(change[name], currency) for name in ("before", "after"))
            yield (*event, words("变动", "change"), *place, change["sum"], *sums, "")
        for name in ACCOUNT_SUMS:
            total = Money.read(account[name], currency)
            yield (*event, words("余额", "balance"), *place, name, "", total, "")
        return
    for balance in step["balances"]:
        eligible = Money.read(balance["eligible"], currencies[balance["policy"]])
        place = (balance["policy"], str(balance["year"]))
        yield (*event, words("余额", "balance"), *place, "eligible", "", eligible, "")


def _print_step(step: Document, currencies: dict[str, str]) -> None:
    event = f"{step['event']}  {step['source']} {step['id']}"
    click.echo(f"#{step['position']}  {step['recorded_at']}  {event}")
    if "based_on" in step:
        click.echo(f"    {SupportingDocument(**step['based_on']).citation}")
    for change in step["changes"]:
        award = f"{change['policy']} {change['year']} {change['measure']}"
        names = ("gross_before", "gross_after", "withheld_after")
        before, after, off = (Money.read(change[name], currencies[change["policy"]]) for name in names)
        withheld = f"  (− {off})" if change["withheld_after"] != "0.00" else ""
        click.echo(f"    {award}: {before} → {after}{withheld}")
    account = step["account"]
    if account:
        _print_account(account, currencies[account["policy"]])
        return
    for balance in step["balances"]:
        eligible = Money.read(balance["eligible"], currencies[balance["policy"]])
        click.echo(f"    = {balance['policy']} {balance['year']}: {eligible}")


def _details(account: dict[str, Any]) -> str:
    return "  ".join(f"{name} {value}" for name, value in account["said"].items())


def _print_account(account: dict[str, Any], currency: str) -> None:
    amount = Money.read(account["amount"], currency)
    click.echo(f"    {account['policy']} {account['year']} {amount}  {_details(account)}".rstrip())
    for change in account["changes"]:
        before, after = Money.read(change["before"], currency), Money.read(change["after"], currency)
        click.echo(f"    {change['sum']}: {before} → {after}")
    sums = "  ".join(f"{name} {Money.read(account[name], currency)}" for name in ACCOUNT_SUMS)
    click.echo(f"    = {account['policy']} {account['year']}: {sums}")
