"""``subsidy-ledger serve``: the API on a port."""

from __future__ import annotations

from dataclasses import replace

import click

from services.commands.common import Context


def start(context: Context, host: str | None = None, port: int | None = None) -> None:
    """Serve the context's ledger until told to stop."""
    from services.server import serve as run_server  # only serving needs the web framework

    settings = replace(
        context.settings,
        database=context.path,
        host=host or context.settings.host,
        port=port or context.settings.port,
    )
    said = context.words("服务地址", "serving on")
    click.echo(f"{said} http://{settings.host}:{settings.port}/  (/docs, /openapi.json)")
    run_server(settings)


@click.command()
@click.option("--host", help="Address to listen on (SUBSIDY_LEDGER_HOST).")
@click.option("--port", type=click.IntRange(1, 65_535), help="Port to listen on (SUBSIDY_LEDGER_PORT).")
@click.pass_obj
def serve(context: Context, host: str | None, port: int | None) -> None:
    """Serve the API."""
    start(context, host, port)


COMMANDS = (serve,)
