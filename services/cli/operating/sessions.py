"""``subsidy-ledger sessions``: who is signed in to the pages, and ending it."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from domain.events.instants import SHANGHAI, instant
from ledger.intake.sessions import end_sessions, list_sessions
from services.cli.common import Context, json_option, print_json
from services.cli.tables import Codes, Names, csv_option, note, table
from services.web.identity.sessions import SESSION_SECONDS


@click.command()
@click.option("--end", "ending", multiple=True, metavar="SESSION", help="End this session; repeatable.")
@click.option("--end-of", "subject", metavar="SUBJECT", help="End every session of a person.")
@json_option
@csv_option
@click.pass_obj
def sessions(context: Context, ending: tuple[str, ...], subject: str | None, as_json: bool) -> None:
    """List who is signed in to the pages, and end sessions."""
    words = context.words
    with context.ledger(may_be_empty=True) as ledger:
        now = ledger.clock()
        since = int(now.timestamp()) - SESSION_SECONDS
        with ledger.store.reading() as rows:
            present = list_sessions(rows, since)
        unknown = set(ending) - {each.session for each in present}
        if unknown:
            raise click.BadParameter(
                f"{', '.join(sorted(unknown))}: {words('没有这个登录', 'no such session')}"
            )
        ended = [each for each in present if each.session in ending or each.subject == subject]
        end_sessions(ledger, [each.session for each in ended], instant(now))
    rest = [each for each in present if each not in ended]
    if as_json:
        hidden = ("tokens", "ended")
        print_json([{k: v for k, v in each._asdict().items() if k not in hidden} for each in rest])
        return
    for each in ended:
        note(f"{words('已结束', 'ended')}: {each.session} {each.name}")
    heads = [
        Codes(words("登录", "Session")),
        Names(words("姓名", "Name")),
        Codes(words("编号", "Subject")),
    ]
    heads += [Names(words("岗位", "Roles")), Codes(words("登录时间", "Since"))]
    lines = [
        (each.session, each.name, each.subject, each.roles, f"{_shanghai(each.since):%Y-%m-%d %H:%M:%S}")
        for each in rest
    ]
    table(words("网页登录", "Signed in to the pages"), heads, lines)


def _shanghai(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).astimezone(SHANGHAI)
