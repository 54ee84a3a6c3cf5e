"""Steps that need two persons: the first call is kept as a proposal, another person's call goes on.

A step's function opens its transaction by ``writing_step``, checks what it checks, and calls
``require_second_person`` before it writes anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from domain.authority.roles import Actor, NotAllowed
from domain.authority.two_persons import needs_second_person
from domain.events.second_person import Request, waiting_id
from domain.waiting.stream import WaitingStream
from ledger.projections.registry import follow_events
from ledger.projections.waiting import WAITING
from ledger.store.application import Ledger
from ledger.store.rows import Rows
from ledger.store.streams import load_stream, save_streams
from ledger.waiting.reading import WaitingStep, read_waiting_step


class SecondPersonNeeded(Exception):
    """The step was proposed and kept; nothing else is done until another person confirms it."""

    def __init__(self, waiting: WaitingStep) -> None:
        super().__init__(f"{waiting.step} waits for a second person: {waiting.waiting}")
        self.waiting = waiting


@contextmanager
def writing_step(ledger: Ledger) -> Iterator[Rows]:
    """A writing transaction in which a step may turn out to be a proposal: that is committed, and raised.

    Raises:
        SecondPersonNeeded: after the proposal was committed.
    """
    needed: SecondPersonNeeded | None = None
    with ledger.store.writing() as rows:
        try:
            yield rows
        except SecondPersonNeeded as proposed:
            needed = proposed
    if needed is not None:
        raise needed


def require_second_person(ledger: Ledger, rows: Rows, actor: Actor, request: Request) -> Actor:
    """Check that another person has proposed the very same step; who takes it, with who proposed it.

    It writes a proposal, or its confirmation, and nothing may have been written before it.

    Raises:
        SecondPersonNeeded: where this is the proposal.
        NotAllowed: for who proposed it; while something else of the same matter waits; where what it
            rests on has changed since it was proposed.
    """
    if not needs_second_person(request.step, actor.person):
        return actor
    now = ledger.clock()
    stream = load_stream(rows, WaitingStream, waiting_id(request), now)
    proposer = stream.take_call(actor, request, now)
    follow_events(rows, save_streams(rows, [stream], now))
    if proposer is None and stream.pending is not None:
        waiting = read_waiting_step(rows, stream.pending.waiting)
        assert waiting is not None
        raise SecondPersonNeeded(waiting)
    return replace(actor, proposed_by=proposer)


def withdraw_step(ledger: Ledger, waiting: str, actor: Actor) -> WaitingStep:
    """Take a proposal back: who made it, or an operator.

    Raises:
        NotAllowed: for anybody else, or where nothing of that id waits.
    """
    with ledger.store.writing() as rows:
        step = must_wait(rows, waiting)
        now = ledger.clock()
        stream = load_stream(rows, WaitingStream, waiting_id(step.request), now)
        stream.withdraw(actor, waiting, now)
        follow_events(rows, save_streams(rows, [stream], now))
        withdrawn = read_waiting_step(rows, waiting)
    assert withdrawn is not None
    return withdrawn


def must_wait(rows: Rows, waiting: str) -> WaitingStep:
    """A proposal that nobody has confirmed or withdrawn.

    Raises:
        NotAllowed: where nothing of that id waits.
    """
    step = read_waiting_step(rows, waiting)
    if step is None:
        raise NotAllowed("second.unknown", "waiting", waiting=waiting)
    if step.stage != WAITING:
        raise NotAllowed("second.gone", "waiting", waiting=waiting)
    return step
