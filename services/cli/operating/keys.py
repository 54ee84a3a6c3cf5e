"""Commands of machines' keys: add, list, revoke."""

from __future__ import annotations

from typing import BinaryIO

import click

from domain.authority.signatures import read_public_key
from ledger.intake.machine_keys import add_signing_key, make_key, read_keys, revoke_key
from services.cli.common import Context, json_option, print_json
from services.cli.repeating import repeatable_secretly
from services.cli.tables import Codes, Names, csv_option, table


@click.group()
def keys() -> None:
    """Keys of upstream systems: each may publish events of one source only."""


@keys.command()
@repeatable_secretly
@click.argument("name")
@click.option("--source", required=True, help="The source of its events, e.g. urn:cixi:statistics.")
@click.option("--type", "types", multiple=True, help="A type that it may publish; several, or all if none.")
@click.option(
    "--public-key",
    type=click.File("rb"),
    help="The system's own public key (Ed25519, PEM), for messages that it signs; prints the key's number.",
)
@click.pass_obj
def add(
    context: Context, name: str, source: str, types: tuple[str, ...], public_key: BinaryIO | None
) -> None:
    """Make a key for the system NAME; it is shown this once."""
    with context.ledger(may_be_empty=True) as ledger:
        try:
            if public_key is not None:
                public = read_public_key(public_key.read())
                click.echo(add_signing_key(ledger, context.user(), name, source, list(types), public))
                return
            text = make_key(ledger, context.user(), name, source, list(types))
        except ValueError as error:
            raise click.BadParameter(str(error)) from None
    click.echo(text)
    warning = (
        "只显示这一次；遗失后停用并重新申请",
        "shown this once; if it is lost, revoke it and make another",
    )
    click.echo(context.words(*warning), err=True)


@keys.command("list")
@json_option
@csv_option
@click.pass_obj
def list_keys(context: Context, as_json: bool) -> None:
    """List the keys, without their secrets."""
    with context.ledger(may_be_empty=True) as ledger, ledger.store.reading() as rows:
        keys_listed = read_keys(rows)
    items = [
        {
            "key": each.key_id,
            "name": each.name,
            "source": each.scope.source,
            "types": sorted(each.scope.types),
            **({"signs": True} if each.public_key else {}),
            "made_at": each.made_at,
            "revoked_at": each.revoked_at,
        }
        for each in keys_listed
    ]
    if as_json:
        print_json(items)
        return
    words = context.words
    names = (("编号", "Key"), ("系统", "System"), ("来源", "Source"), ("类型", "Types"), ("停用", "Revoked"))
    kinds = (Codes, Names, Names, Names, Codes)
    rows_ = [
        (e.key_id, e.name, e.scope.source, ", ".join(sorted(e.scope.types)) or "*", e.revoked_at or "—")
        for e in keys_listed
    ]
    table("", [kind(words(zh, en)) for kind, (zh, en) in zip(kinds, names, strict=True)], rows_)


@keys.command()
@click.argument("key")
@click.pass_obj
def revoke(context: Context, key: str) -> None:
    """Revoke the KEY of this number at once."""
    with context.ledger(may_be_empty=True) as ledger:
        if not revoke_key(ledger, context.user(), key):
            zh = f"{key}：没有这个编号的有效密钥 — 见 subsidy-ledger keys list"
            en = f"{key}: no key of this number holds — see: subsidy-ledger keys list"
            raise click.ClickException(context.words(zh, en))
    click.echo(context.words("已停用", "revoked"))
