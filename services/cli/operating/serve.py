"""``subsidy-ledger serve``: the API on a port."""

from __future__ import annotations

from dataclasses import replace

import click

from services.cli.common import Context
from services.runtime.settings import Settings
from services.server.listening import hold_port


def check_port(settings: Settings) -> None:
    """See that nobody has the port of the service, before anything is begun.

    Raises:
        NotAllowed: where it is taken.
    """
    hold_port(settings.host, settings.port).close()


def start(context: Context, host: str | None = None, port: int | None = None) -> None:
    """Serve the context's ledger until told to stop."""
    from services.server.process import serve as run_server  # only serving needs the web framework

    settings = replace(
        context.settings,
        database=context.path,
        host=host or context.settings.host,
        port=port or context.settings.port,
    )
    check_port(settings)
    label = context.words("服务地址", "serving on")
    click.echo(f"{label} http://{settings.host}:{settings.port}/  (/docs, /openapi.json)")
    if settings.identity.mode == "local":
        local = context.words(
            "未核验身份：能连到本机此端口的人就是管理员。对外服务须设 SUBSIDY_LEDGER_IDENTITY=required",
            "identities are not checked: whoever reaches this port of this machine is the administrator. "
            "To serve others, set SUBSIDY_LEDGER_IDENTITY=required",
        )
        click.echo(local, err=True)
    run_server(settings)


@click.command()
@click.option("--host", help="Address to listen on (SUBSIDY_LEDGER_HOST).")
@click.option("--port", type=click.IntRange(1, 65_535), help="Port to listen on (SUBSIDY_LEDGER_PORT).")
@click.pass_obj
def serve(context: Context, host: str | None, port: int | None) -> None:
    """Serve the API."""
    start(context, host, port)
