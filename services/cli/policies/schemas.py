"""``subsidy-ledger asyncapi``: what comes and goes on Kafka, as a document for programs."""

from __future__ import annotations

import click

from services.cli.common import print_json


@click.command()
def asyncapi() -> None:
    """Print the AsyncAPI 3.0 document of what comes and goes on Kafka."""
    from services.kafka.asyncapi import document  # only this needs the Kafka client

    print_json(document())
