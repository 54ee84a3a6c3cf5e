"""A reconciliation with the bank in the form of the wire."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from domain.authority.roles import NotAllowed
from domain.money.amounts import print_fen
from domain.settlement.reconciliation import (
    KindSum,
    Reconciled,
    Reconciliation,
    StatementFile,
    UntoldStep,
)
from ledger.settlement.statements.reconciling import StatementRecorded
from services.web.fault_words import describe_fault, fault_of


def reconciliation_document(
    reconciliation: Reconciliation, statements: Iterable[StatementFile]
) -> dict[str, Any]:
    """A reconciliation for programs: statements, what each class comes to, and every line that is open."""
    sums = [{"class": kind.value, **_amounts(total)} for kind, total in reconciliation.sums.items()]
    return {
        "statements": [_statement(each) for each in statements],
        "total": _amounts(reconciliation.total),
        "classes": sums,
        "open": [_line(line) for line in reconciliation.open_lines],
    }


def recorded_document(done: StatementRecorded, language: str) -> dict[str, Any]:
    """What statements brought, for programs: how many steps, and why each other one is not allowed."""
    return {
        "statements": [_statement(each) for each in done.statements],
        "recorded": done.recorded,
        "refused": [_refused(step, fault, language) for step, fault in done.refused],
    }


def _statement(statement: StatementFile) -> dict[str, Any]:
    from_day, until_day = statement.days
    return {
        "digest": statement.digest,
        "accounts": list(statement.accounts),
        "from_day": from_day,
        "until_day": until_day,
        "entries": len(statement.entries),
        "recorded_by": statement.recorded_by or None,
    }


def _refused(step: UntoldStep, fault: NotAllowed, language: str) -> dict[str, Any]:
    words = describe_fault(fault_of(fault), language)
    return {
        "payment": step.payment.payment,
        "enterprise": step.payment.enterprise,
        "status": step.status,
        "on": step.entry.booked_on,
        "reference": step.entry.reference,
        "amount": print_fen(step.entry.net_fen),
        **{name: words[name] for name in ("code", "rule", "mend")},
    }


def _amounts(total: KindSum) -> dict[str, Any]:
    return {
        "number": total.number,
        "ordered": print_fen(total.ordered_fen),
        "told": print_fen(total.told_fen),
        "booked": print_fen(total.booked_fen),
    }


def _line(line: Reconciled) -> dict[str, Any]:
    return {
        "class": line.kind.value,
        "payment": line.payment.payment if line.payment else None,
        "enterprise": line.payment.enterprise if line.payment else None,
        "ordered": print_fen(line.ordered_fen),
        "told": print_fen(line.told_fen),
        "booked": print_fen(line.booked_fen),
        "entries": [
            {
                "account": entry.account,
                "reference": entry.reference,
                "on": entry.booked_on,
                "amount": print_fen(entry.net_fen),
                "currency": entry.currency,
                "payment": entry.payment,
                "reason": entry.reason,
            }
            for entry in line.entries
        ],
    }
