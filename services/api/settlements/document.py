"""A year's settlement as data, as the API, the pages and the command line answer it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from domain.events.settlements import SettlementClosed, SettlementProposed
from domain.money.amounts import print_fen
from domain.money.wire import currency_form, factor_form, wire_form
from domain.policy.model import Policy
from domain.settlement.figures import division_of
from domain.settlement.overpaid import Overpayment
from domain.settlement.year import Settlement
from ledger.budget.factors import list_settled_pots
from ledger.policies.versions import rulebook
from ledger.projections.disagreements import undecided
from ledger.reading.accounts import sum_accounts
from ledger.settlement.overpaid import match_overpayments
from ledger.settlement.pending import Pending
from ledger.store.rows import Rows


def settlement_document(rows: Rows, state: Settlement) -> dict[str, Any]:
    """A settlement as data."""
    published, proposal = state.publication, state.proposal
    book = rulebook(rows, state.policy, proposal.known if proposal else None)
    return {
        "policy": state.policy,
        "year": state.year,
        **currency_form(book.latest.currency),
        "stage": state.stage,
        "position": rows.last_position(),
        "proposal": _figures(book.of_year(state.year), proposal) if proposal else None,
        "publication": {
            "from_day": published.from_day,
            "until_day": published.until_day,
            "published_by": published.actor,
        }
        if published
        else None,
        "objections": [
            {
                "objection": each.objection,
                "enterprise": each.enterprise,
                "raised_by": each.raised_by,
                "raised_at": each.raised_at,
                "reason": each.reason,
                "outcome": each.outcome,
                "resolved_by": each.resolved_by,
                "resolution": each.resolution,
            }
            for each in state.objections.values()
        ],
        "upheld": state.upheld,
        "closing": _closing(state.closing, state.closed_at) if state.closing else None,
        "accounts": wire_form(sum_accounts(rows, state.policy, state.year)),
        "undecided": len(undecided(rows)),
    }


def adjustment_documents(
    rows: Rows, policy: str, year: int, adjustments: Sequence[Pending]
) -> list[dict[str, Any]]:
    """Proposed adjustments as data, with what was paid of each award and what of that was too much.

    The adjustments of an enterprise are all among them.
    """
    overpayments = match_overpayments(rows, policy, year, adjustments)
    disagreements = undecided(rows, {each.code for each in adjustments})
    documents = list[dict[str, Any]]()
    for adjustment in adjustments:
        overpayment = overpayments.get((adjustment.code, adjustment.measure))
        document = {
            "enterprise": adjustment.code,
            "measure": adjustment.measure,
            "now": print_fen(adjustment.now),
            "settled": print_fen(adjustment.settled),
            "accepted": print_fen(adjustment.accepted),
            "difference": print_fen(adjustment.amount),
            "paid_too_much": print_fen(overpayment.to_order_fen if overpayment else 0),
            "undecided": disagreements.get(adjustment.code),
        }
        if overpayment:
            document["paid_share"] = print_fen(overpayment.paid_fen)
        documents.append(document)
    return documents


def overpayment_document(overpayment: Overpayment) -> dict[str, Any]:
    """What was paid too much of an award, as data."""
    return {
        "enterprise": overpayment.code,
        "measure": overpayment.measure,
        "awarded": print_fen(overpayment.awarded_fen),
        "now": print_fen(overpayment.now_fen),
        "paid_share": print_fen(overpayment.paid_fen),
        "overpaid": print_fen(overpayment.overpaid_fen),
        "to_order": print_fen(overpayment.to_order_fen),
        "ordered_back": print_fen(overpayment.ordered_fen),
        "recovered": print_fen(overpayment.recovered_fen),
        "due": print_fen(overpayment.due_fen),
        "stage": overpayment.stage.value,
    }


def _figures(policy: Policy, said: SettlementProposed) -> dict[str, Any]:
    value = division_of(said).factor
    return {
        "number": said.number,
        "proposed_by": said.actor,
        "known": said.known,
        "appropriation": print_fen(said.appropriation_fen),
        "carried": print_fen(said.carried_fen),
        "spent": print_fen(said.spent_fen),
        "available": print_fen(said.budget_fen),
        "sharing": print_fen(said.sharing_fen),
        "pots": wire_form(list_settled_pots(policy, said)),
        "factor": factor_form(value),
        "gross": print_fen(said.gross_fen),
        "withheld": print_fen(said.withheld_fen),
        "payable": print_fen(said.payable_fen),
        "outside_budget": print_fen(said.outside_fen),
        "awards": said.awards,
        "enterprises": said.enterprises,
        "lines_digest": said.lines_digest,
    }


def _closing(said: SettlementClosed, closed_at: str) -> dict[str, Any]:
    return {
        "closed_at": closed_at,
        "closed_by": said.actor,
        "first_position": said.first_position,
        "log_size": said.log_size,
        "log_root": said.log_root,
    }
