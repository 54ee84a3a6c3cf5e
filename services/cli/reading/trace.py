"""``subsidy-ledger trace``: from a call or an event to the payments that it ended in."""

from __future__ import annotations

from typing import Any

import click

from ledger.audit.trace import UnknownTrace, follow, follow_event
from services.api.traces.views import enterprises_in
from services.cli.common import Context, json_option, print_json
from services.cli.tables import Codes, Money, Names, Sums, csv_option, table
from services.web.amounts import read_currencies


@click.command()
@click.argument("correlation", required=False)
@click.option("--event", nargs=2, metavar="SOURCE ID", help="One event, by what its upstream calls it.")
@json_option
@csv_option
@click.pass_obj
def trace(context: Context, correlation: str | None, event: tuple[str, str] | None, as_json: bool) -> None:
    """Follow a correlation id, or one event, to awards, the published list and payments."""
    if (correlation is None) == (event is None):
        zh, en = "写明一个关联编号，或 --event SOURCE ID", "give a correlation id, or --event SOURCE ID"
        raise click.UsageError(context.words(zh, en))
    with context.ledger() as ledger:
        with ledger.store.reading() as rows:
            currencies = read_currencies(rows)
            try:
                found = follow_event(rows, *event) if event else follow(rows, str(correlation))
            except UnknownTrace as error:
                zh = f"{error}：账本没有收到过，也没有退回过 — 核对编号"
                en = f"{error}: the ledger neither took nor refused anything under it — check the id"
                raise click.ClickException(context.words(zh, en)) from None
        context.note_looks(ledger, enterprises_in(found))
    print_json(found) if as_json else _print(context, found, currencies)


def _print(context: Context, found: dict[str, Any], currencies: dict[str, str]) -> None:
    words = context.words
    moment = [Sums(words("序号", "Position")), Codes(words("入账时间", "Recorded"))]
    table(
        found["correlation"] or words("数据", "Events"),
        [
            *moment,
            Names(words("类型", "Type")),
            Codes(words("对象", "About")),
            Codes(words("编号", "Id")),
        ],
        [(str(e["position"]), e["recorded_at"], e["event"], e["subject"], e["id"]) for e in found["events"]],
    )
    if found["refused"]:
        table(
            words("退回", "Refused"),
            [Codes(words("摘要", "Digest")), Codes(words("编号", "Id")), Names(words("原因", "Why"))],
            [(e["digest"][:16], e["id"] or "—", " ".join(e["codes"])) for e in found["refused"]],
        )
    if found["awards"]:
        what = [Codes(words("企业", "Enterprise")), Codes(words("年度", "Year"))]
        sums = [Sums(words("奖励", "Award")), Sums(words("名单", "List"))]
        table(
            words("奖励", "Awards"),
            [*what, Names(words("条款", "Measure")), *sums],
            [
                (
                    award["enterprise"],
                    str(award["year"]),
                    award["measure"],
                    Money.read(award["eligible"], currencies[award["policy"]]),
                    _listed(award["listed"], currencies[award["policy"]]),
                )
                for award in found["awards"]
            ],
        )
    for payment in found["payments"]:
        amount = Money.read(payment["amount"], currencies[payment["policy"]])
        table(
            f"{payment['payment']} {amount} {payment['status']}",
            [*moment, Names(words("步骤", "Step")), Codes(words("关联编号", "Correlation id"))],
            [
                (str(step["position"]), step["recorded_at"], step["event"], step["correlation"] or "—")
                for step in payment["steps"]
            ],
        )


def _listed(amount: str | None, currency: str) -> str:
    return "—" if amount is None else Money.read(amount, currency)
