"""Whether a person may take a step of a year beside those that they took before, as the policy has it."""

from __future__ import annotations

from domain.authority.duties import require_parted_duties
from domain.authority.roles import Actor
from domain.events.second_person.requests import CloseYear, OrderClawback, OrderPayments, PublishList
from domain.policy.rulebook import Rulebook
from ledger.store.application import Ledger
from ledger.store.repeats.taken_steps import read_taken_steps
from ledger.store.rows import Rows
from ledger.waiting.second_person import require_second_person


def check_parted_duties(rows: Rows, book: Rulebook, year: int, actor: Actor, step: str) -> None:
    """Check that a step is none that the person, or who proposed it, must leave to others this year.

    What one person may hold is as the newest version of the policy has it: it tells of the office as it is,
    and may have to change when a year is closed already.

    Raises:
        NotAllowed: see ``domain.authority.duties.require_parted_duties``.
    """
    same_person = {row.duties for row in book.latest.procedure.same_person}
    require_parted_duties(actor, step, read_taken_steps(rows, book.id, year), same_person)


def require_parted_persons(
    ledger: Ledger,
    rows: Rows,
    book: Rulebook,
    actor: Actor,
    request: PublishList | CloseYear | OrderPayments | OrderClawback,
) -> Actor:
    """As ``require_second_person``, where neither of the two may hold a parted duty of the year.

    Raises:
        SecondPersonNeeded; NotAllowed.
    """
    check_parted_duties(rows, book, request.year, actor, request.step)
    confirming = require_second_person(ledger, rows, actor, request)
    check_parted_duties(rows, book, request.year, confirming, request.step)
    return confirming
