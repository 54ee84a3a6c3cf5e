"""``subsidy-ledger erase-person``: erase the name that a claim keeps."""

from __future__ import annotations

import click

from ledger.store.persons import UnknownPerson, erase
from services.cli.common import Context
from services.cli.subject import policy_option


@click.command("erase-person")
@click.argument("code")
@click.argument("claim")
@policy_option
@click.pass_obj
def erase_person(context: Context, code: str, claim: str, policy: str) -> None:
    """Erase the name that a claim keeps, for good; every event and proof stays as it is."""
    with context.ledger() as ledger:
        try:
            erased = erase(ledger, policy, claim, code)
        except UnknownPerson as error:
            message = context.words("没有记录姓名", "no event of this claim names a person")
            raise click.ClickException(f"{error}: {message}") from error
    message = context.words(
        f"已删除：{erased.keys} 个密钥；{erased.events} 条数据保留密文；{erased.refused} 条退回原文已清除",
        f"erased: {erased.keys} key(s); {erased.events} event(s) keep the ciphertext; "
        f"{erased.refused} refused text(s) overwritten",
    )
    click.echo(message)
