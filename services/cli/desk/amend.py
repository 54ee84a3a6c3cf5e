"""``subsidy-ledger amend``: what a source said, corrected or retracted at the desk. 更正、撤回来源的数据。"""

from __future__ import annotations

import click

from domain.events.event import SupportingDocument
from ledger.amendments.amending import RecordedAmendment, amend_fact, read_amendment, read_changes
from services.cli.common import Context, choose_words
from services.cli.desk.settle import actor_option, person
from services.cli.repeating import repeatable
from services.cli.subject import document_options


@click.group()
def amend() -> None:
    """Correct or retract what a source said: an officer proposes, a reviewer confirms."""


@amend.command()
@repeatable
@click.argument("source")
@click.argument("event_id", metavar="ID")
@click.argument("reason")
@click.option(
    "--set",
    "texts",
    multiple=True,
    required=True,
    metavar="FIELD=VALUE",
    help="A field of its message and what it shall say, nothing after = for none; repeatable.",
)
@actor_option
@document_options
@click.pass_obj
def correct(
    context: Context,
    source: str,
    event_id: str,
    reason: str,
    texts: tuple[str, ...],
    name: str,
    based_on: SupportingDocument | None,
) -> None:
    """Correct fields of the fact that SOURCE said under ID, with the REASON."""
    texts_by_field = dict(_field_and_value(text) for text in texts)
    with context.ledger() as ledger:
        changes = read_changes(ledger, source, event_id, texts_by_field)
        amendment = read_amendment(ledger, source, event_id, reason, changes)
        recorded = amend_fact(ledger, amendment, person(name), based_on)
    _tell(context, recorded)


@amend.command()
@repeatable
@click.argument("source")
@click.argument("event_id", metavar="ID")
@click.argument("reason")
@actor_option
@document_options
@click.pass_obj
def retract(
    context: Context,
    source: str,
    event_id: str,
    reason: str,
    name: str,
    based_on: SupportingDocument | None,
) -> None:
    """Retract the fact that SOURCE said under ID, with the REASON."""
    with context.ledger() as ledger:
        amendment = read_amendment(ledger, source, event_id, reason, None)
        recorded = amend_fact(ledger, amendment, person(name), based_on)
    _tell(context, recorded)


def _field_and_value(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        zh, en = f"{text!r} 没有写明字段和值 — 写成", f"{text!r} names no field and value — write it like"
        raise click.BadParameter(f"{choose_words(zh, en)} --set amount=1234.56")
    return name.strip(), value


def _tell(context: Context, recorded: RecordedAmendment) -> None:
    click.echo(f"{recorded.enterprise}  #{recorded.position:,}")
    if recorded.repeated:
        text = context.words("此前已登记，未再次登记", "recorded already; nothing was recorded again")
        click.echo(text, err=True)
