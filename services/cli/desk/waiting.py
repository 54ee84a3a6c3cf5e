"""``subsidy-ledger waiting``: steps that wait for a second person. 待第二人确认。"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from domain.authority.roles import NotAllowed
from domain.events.instants import SHANGHAI, instant
from ledger.store.application import Ledger
from ledger.waiting import reading
from ledger.waiting.reading import STAGES, WaitingStep
from ledger.waiting.second_person import withdraw_step
from services.cli.common import Context, json_option, print_json
from services.cli.tables import Codes, Names, csv_option, note, table
from services.web.waiting.confirming import confirm_step
from services.web.waiting.document import waiting_document

STAGE_WORDS = {
    "waiting": ("待确认", "waiting"),
    "lapsed": ("已逾期", "lapsed"),
    "confirmed": ("已确认", "confirmed"),
    "withdrawn": ("已撤回", "withdrawn"),
    "replaced": ("已被取代", "replaced"),
}


@click.group()
def waiting() -> None:
    """Steps that need two persons: list, show, confirm, withdraw."""


@waiting.command("list")
@click.option(
    "--stage",
    type=click.Choice(STAGES),
    default="waiting",
    show_default=True,
    help="Only those in this state.",
)
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="At most so many."
)
@json_option
@csv_option
@click.pass_obj
def list_(context: Context, stage: str, limit: int, as_json: bool) -> None:
    """List the steps that wait for a second person."""
    with context.ledger() as ledger:
        now = instant(ledger.clock())
        with ledger.store.reading() as rows:
            steps = reading.list_waiting_steps(rows, limit=limit, stage=stage)
            documents = [waiting_document(rows, step, now) for step in steps]
    if as_json:
        print_json(documents)
        return
    words = context.words
    if not documents:
        note(words("没有待第二人确认的事项。", "Nothing waits for a second person."))
        return
    heads = (("编号", "Id"), ("事项", "Step"), ("政策", "Policy"), ("提出", "By"), ("状态", "Stage"))
    lines = [
        [
            document["waiting"],
            document["title"][context.language],
            document["policy"],
            document["proposed_by"]["name"],
            words(*STAGE_WORDS[document["stage"]]),
        ]
        for document in documents
    ]
    table(
        words("待第二人确认", "Waiting"),
        [kind(words(*head)) for kind, head in zip((Codes, Names, Names, Names, Names), heads, strict=True)],
        lines,
    )


@waiting.command()
@click.argument("waiting_id", metavar="WAITING")
@json_option
@csv_option
@click.pass_obj
def show(context: Context, waiting_id: str, as_json: bool) -> None:
    """Show what the step WAITING would do."""
    with context.ledger() as ledger:
        with ledger.store.reading() as rows:
            step = reading.read_waiting_step(rows, waiting_id)
        if step is None:
            raise NotAllowed("second.unknown", "waiting", waiting=waiting_id)
        _print(context, _document(ledger, step), as_json)


@waiting.command()
@click.argument("waiting_id", metavar="WAITING")
@json_option
@csv_option
@click.pass_obj
def confirm(context: Context, waiting_id: str, as_json: bool) -> None:
    """Confirm the step WAITING that another person proposed; it is judged anew, and done."""
    with context.ledger() as ledger:
        step = confirm_step(ledger, waiting_id, context.caller())
        _print(context, _document(ledger, step), as_json)


@waiting.command()
@click.argument("waiting_id", metavar="WAITING")
@json_option
@csv_option
@click.pass_obj
def withdraw(context: Context, waiting_id: str, as_json: bool) -> None:
    """Take back the proposal WAITING: who made it, or an operator."""
    with context.ledger() as ledger:
        step = withdraw_step(ledger, waiting_id, context.caller())
        _print(context, _document(ledger, step), as_json)


def _document(ledger: Ledger, step: WaitingStep) -> dict[str, Any]:
    with ledger.store.reading() as rows:
        return waiting_document(rows, step, instant(ledger.clock()))


def _print(context: Context, document: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(document)
        return
    words, language = context.words, context.language
    at = datetime.fromisoformat(document["proposed_at"]).astimezone(SHANGHAI)
    lines = [
        [words("编号", "Id"), document["waiting"]],
        [words("状态", "Stage"), words(*STAGE_WORDS[document["stage"]])],
        [words("提出", "Proposed"), f"{document['proposed_by']['name']}  {at:%Y-%m-%d %H:%M:%S}"],
        *([line["label"][language], line["value"][language]] for line in document["summary"]),
    ]
    table(document["title"][language], [Names(words("项目", "What")), Names(words("内容", "Value"))], lines)
    note(document["next"][language])
