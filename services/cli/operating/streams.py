"""Commands that run beside the service: consume, publish, replay-dead-letters."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from dataclasses import replace
from functools import partial
from typing import Any, BinaryIO

import click

from domain.authority.writes import IDENTITY
from ledger.intake import refusals
from ledger.intake.messages.decode import Message, Now, decode
from ledger.log.holding import hold_appends
from ledger.log.key_record import load_key
from ledger.store.application import Ledger, open_ledger
from ledger.store.rows import StoreUnavailable, UnsuitableStore
from services.checkpoints import sender
from services.cli.common import Context
from services.cli.intake.lines import messages_of
from services.cli.signing_key import key_file_of, one_line_errors, signer
from services.cli.statuses import ExitStatus, end_with
from services.runtime import logs, tracing
from services.runtime.settings import Settings

PAGE = 500
OPEN_AGAIN_SECONDS = 1.0
STOP_SECONDS = 8.0
"""How long a stop waits for what is at work; Docker and others kill after 10 s."""

log = logging.getLogger(__name__)


def begin(role: str) -> threading.Event:
    """Log and trace; an event that SIGTERM and SIGINT set, so that the work at hand is finished first."""
    stop = threading.Event()

    def ask(*_: Any) -> None:
        if not stop.is_set():
            # Whatever is cut off is undone by the database, and done again: it may be cut off anywhere.
            threading.Thread(target=_end, args=(role,), daemon=True).start()
        stop.set()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    logs.start_for(Settings.from_env().logs)
    tracing.start(role)
    return stop


def _end(role: str) -> None:
    """End the process where what it is at does not end by itself, such as a wait for a database's lock."""
    time.sleep(STOP_SECONDS)
    log.warning("%s was told to stop, and waited %g s for what it was at: it ends now", role, STOP_SECONDS)
    logging.shutdown()
    os._exit(0)


def open_patiently(context: Context, stop: threading.Event) -> Ledger | None:
    """Open the ledger, waiting for a database that is away; ``None`` when told to stop before.

    Raises:
        UnsuitableStore: for a database that waiting would not mend.
    """
    while not stop.is_set():
        try:
            ledger = open_ledger(context.path, create=False)
        except UnsuitableStore:
            raise
        except StoreUnavailable as error:
            log.warning("waiting for the database: %s", error)
            stop.wait(OPEN_AGAIN_SECONDS)
        else:
            hold_appends(ledger, context.key_file)
            return ledger
    return None


@click.command()
@click.pass_obj
def consume(context: Context) -> None:
    """Take in facts from Kafka until told to stop (SIGTERM)."""
    from services.kafka.consumer import LedgerConsumer  # only streams need the Kafka client
    from services.kafka.metrics import ConsumerMetrics, exposed

    metrics = ConsumerMetrics()
    stop = begin("consume")
    ledger = open_patiently(context, stop)
    if ledger is None:
        return
    try:
        click.echo(f"{context.settings.kafka.topic} @ {context.settings.kafka.brokers}")
        with exposed(context.settings, metrics.registry):
            mode = context.settings.identity.mode
            totals = LedgerConsumer(ledger, context.settings.kafka, stop, metrics, mode).run()
    finally:
        ledger.close()
    click.echo(f"accepted {totals.accepted}  duplicate {totals.duplicate}  refused {totals.refused}")


@click.command()
@click.pass_obj
def publish(context: Context) -> None:
    """Publish changes of balances and accounts, closings, and checkpoints until told to stop (SIGTERM)."""
    from services.kafka.metrics import PublisherMetrics, exposed
    from services.kafka.publisher import Publisher  # only streams need the Kafka client

    metrics = PublisherMetrics()
    with one_line_errors():
        signer(context, None)  # made where there is none, and refused at once where it is no key
    stop = begin("publish")
    ledger = open_patiently(context, stop)
    if ledger is None:
        return
    try:
        click.echo(f"{context.settings.kafka.published} @ {context.settings.kafka.brokers}")
        sender.start(ledger, replace(context.settings, database=context.path))
        with exposed(context.settings, metrics.registry):
            # The key is read anew for each checkpoint: it may be rotated meanwhile.
            key = partial(load_key, key_file_of(context, None))
            Publisher(ledger, context.settings.kafka, stop, key, metrics).run()
    finally:
        ledger.close()


@click.command("replay-dead-letters")
@click.option("--corrected", type=click.File("rb"), help="Send these corrected messages, a line each.")
@click.pass_obj
def replay_dead_letters(context: Context, corrected: BinaryIO | None) -> None:
    """Send dead letters to the topic of facts again: corrected ones, or those that now pass.

    Without --corrected, every open refusal whose message is right by today's rules is sent as it
    came (for example, after a policy was adopted). What is accepted is closed in the refused
    list by the ledger itself.
    """
    from services.kafka.producing import send_again

    if context.settings.identity.mode == IDENTITY:
        why = (
            "核验身份时，公用主题不接收没有签名的数据：请由报送单位更正重报，或在退回数据中更正重报",
            "where identities are checked, nothing unsigned is taken from the shared topic: have its "
            "publisher send it, or send it again from the refused list",
        )
        raise click.ClickException(context.words(*why))
    with context.ledger(may_be_empty=True) as ledger:
        messages = list(messages_of(corrected)) if corrected else []
        if corrected is None:
            now, after = Now.bounds_at(ledger.clock()), 0
            with ledger.store.reading() as rows:
                while page := refusals.list_refused(rows, after, PAGE, open_only=True):
                    messages += [r.raw for r in page if isinstance(decode(r.raw, now), Message)]
                    after = page[-1].number
    sent, unkeyed = send_again(context.settings.kafka, messages)
    words = context.words
    counts = (
        words("已重新发送", "sent again"),
        sent,
        words("无法识别企业代码", "without a subject"),
        unkeyed,
    )
    click.echo("  ".join(str(each) for each in counts))
    if unkeyed:
        end_with(ExitStatus.REFUSED)
