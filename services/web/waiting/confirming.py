"""Confirming a step by the id of its proposal: it is judged anew, and taken as its own call would be."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from domain.authority.roles import Actor, NotAllowed
from domain.authority.two_persons import require_confirming_role
from domain.authority.writes import require
from domain.events.second_person import Request
from domain.events.second_person import requests as asked
from domain.events.second_person.requests import OfYearRequest
from ledger.amendments.amending import amend_fact, requested_amendment
from ledger.disagreements.deciding import decide
from ledger.intake.settling import dismiss_refusal
from ledger.policies.versions import adopt_policy, set_budget
from ledger.projections.waiting import CONFIRMED
from ledger.settlement.adjusting import accept
from ledger.settlement.closing import close
from ledger.settlement.open_matters import Acknowledging
from ledger.settlement.paying import claw_back, order_payments
from ledger.settlement.proposing import publish
from ledger.store.application import Ledger
from ledger.things.merging import decide_merge
from ledger.waiting.reading import WaitingStep, read_waiting_step
from ledger.waiting.second_person import must_wait


def confirm_step(ledger: Ledger, waiting: str, actor: Actor) -> WaitingStep:
    """Confirm what another person proposed, and take the step; the proposal after it.

    Raises:
        NotAllowed: for who proposed it or may not take the step, where it waits no more, where what it
            rests on has changed, and whatever the step itself refuses.
    """
    with ledger.store.reading() as rows:
        step = must_wait(rows, waiting)
    require(actor, step.step)
    require_confirming_role(step.step, actor)
    _take(ledger, step.request, replace(actor, confirming=waiting))
    with ledger.store.reading() as rows:
        confirmed = read_waiting_step(rows, waiting)
    if confirmed is None or confirmed.stage != CONFIRMED:  # what it asks for was so already
        raise NotAllowed("second.outdated", "waiting", waiting=waiting)
    return confirmed


def _take(ledger: Ledger, request: Request, actor: Actor) -> None:
    """Take the step that a request asks for."""
    policy = request.policy
    match request:
        case asked.AdoptPolicy():
            adopt_policy(ledger, request.document, actor)
        case asked.SetBudget():
            set_budget(ledger, policy, request.period, request.amount_fen, actor=actor)
        case asked.OfYear():
            _take_of_year(ledger, request, actor)
        case asked.DecideDisagreement():
            counting = [(fact.source, fact.id) for fact in request.counting]
            decide(ledger, request.disagreement, actor, counting, request.reason, request.latest)
        case asked.DecideMerge():
            decide_merge(ledger, request.merge, actor, request.same, request.reason)
        case asked.AmendFact():
            amend_fact(ledger, requested_amendment(request), actor, request.based_on or None)
        case asked.DismissRefusal():
            dismiss_refusal(ledger, request.message, actor, request.reason)
        case _:
            assert_never(request)


def _take_of_year(ledger: Ledger, request: OfYearRequest, actor: Actor) -> None:
    """Take a step of the settlement or the payments of a year."""
    policy = request.policy
    match request:
        case asked.PublishList():
            publish(ledger, policy, request.year, actor, _acknowledging(request))
        case asked.CloseYear():
            close(ledger, policy, request.year, actor, _acknowledging(request))
        case asked.OrderPayments():
            codes = request.enterprises
            order_payments(ledger, policy, request.year, actor, codes, _acknowledging(request))
        case asked.OrderClawback():
            what = (request.amount_fen, request.reason, request.measure, request.reference)
            claw_back(ledger, policy, request.year, request.enterprise, actor, *what)
        case asked.AcceptAdjustment():
            award = (request.enterprise, request.measure, request.into_year)
            accept(ledger, policy, request.year, *award, actor, request.amount_fen, request.reason)
        case _:
            assert_never(request)


def _acknowledging(
    request: asked.PublishList | asked.CloseYear | asked.OrderPayments,
) -> Acknowledging | None:
    """The acknowledgement that stands in a proposal: whoever confirms it acknowledges the same list."""
    acknowledged = request.acknowledged
    return None if acknowledged is None else Acknowledging(acknowledged.digest, acknowledged.reason)
