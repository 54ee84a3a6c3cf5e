"""Bodies that are read while they come (large ones, streams of events): for known callers, each a few.

Such a body takes a thread at its sender's pace. The front gives them threads of their own; here it is
held who may take one, so that no key's idle streams, and nobody unknown, keeps those of others out.
"""

from __future__ import annotations

from threading import Lock
from typing import Protocol

from flask import Flask, request

from domain.authority.persons import LOCAL
from domain.faults.fault import Fault
from services.web.identity.gate import requester, settings_of
from services.web.problems import Problem

ARRIVING = "subsidy.arriving"
"""In a request's environment, where its body is read while it comes: the ``Arrival``."""
SMALL_BODY_BYTES_MAX = 256 * 1024
"""Largest body that is taken in before its request goes to a thread, whoever sends it."""
ARRIVING_A_CALLER_MAX = 3
"""Bodies of one caller that one worker reads at once while they come."""


class Arrival(Protocol):
    """A body that is read while it comes."""

    ended: bool
    """Whether all of it is here, or no more will be."""


class Arrivals:
    """The bodies of each caller that are on their way."""

    def __init__(self) -> None:
        self._of_callers: dict[str, list[Arrival]] = {}
        self._lock = Lock()

    def admit(self) -> None:
        """Let this request's body be read, where it still comes.

        Raises:
            Problem: where nobody knows who sends it, or its sender has as many under way as one may.
        """
        arrival: Arrival | None = request.environ.get(ARRIVING)
        if arrival is None:
            return
        caller = requester().identity or (LOCAL if settings_of().mode == LOCAL else "")
        if not caller:
            raise Problem("body-large", [Fault("body.unknown", "body", {"limit": SMALL_BODY_BYTES_MAX})])
        with self._lock:
            under_way = {
                name: [each for each in arrivals if not each.ended]
                for name, arrivals in self._of_callers.items()
            }
            self._of_callers = {name: arrivals for name, arrivals in under_way.items() if arrivals}
            of_caller = self._of_callers.setdefault(caller, [])
            if len(of_caller) >= ARRIVING_A_CALLER_MAX:
                limit = {"limit": ARRIVING_A_CALLER_MAX}
                raise Problem("too-many", [Fault("body.arriving", "body", limit)])
            of_caller.append(arrival)


def register(app: Flask) -> None:
    """Bound them for an application; after the gate, which finds out who asks."""
    app.before_request(Arrivals().admit)
