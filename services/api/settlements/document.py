"""A year's settlement as data, as the API, the pages and the command line answer it."""

from __future__ import annotations

from typing import Any

from domain.events.settlements import SettlementClosed, SettlementProposed
from domain.money.amounts import print_fen
from domain.money.wire import currency_form, factor_form, wire_form
from domain.policy.model import Policy
from domain.settlement.figures import division_of
from domain.settlement.year import Settlement
from ledger.budget.factors import list_settled_pots
from ledger.policies.versions import rulebook
from ledger.projections.disagreements import undecided
from ledger.reading.accounts import sum_accounts
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
