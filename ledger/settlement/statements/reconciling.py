"""A closed year's payments held beside the bank's statements, and what these confirm recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from domain.authority.roles import Actor, NotAllowed
from domain.authority.writes import require
from domain.settlement.reconciliation import (
    PaymentStanding,
    Reconciliation,
    StatementEntry,
    StatementFile,
    UntoldStep,
    find_untold,
    reconcile,
)
from ledger.policies.duties import check_parted_duties
from ledger.policies.versions import rulebook
from ledger.projections.closings import must_be_closed, settlement_of
from ledger.settlement.bank_names import read_bank_batch
from ledger.settlement.paying import RESULTS_MAX, Result, check_results, record_results
from ledger.settlement.proposing import load_year, save_year
from ledger.settlement.statements.reading import read_statement
from ledger.store.application import Ledger
from ledger.store.rows import Rows


class StatementRecorded(NamedTuple):
    """How many steps statements brought, and those that the ledger does not allow, with the reason."""

    recorded: int
    refused: list[tuple[UntoldStep, NotAllowed]]
    statements: tuple[StatementFile, ...] = ()
    """What they were; of one that had been recorded before, who brought it then."""


def read_statements(rows: Rows, policy: str, files: Iterable[bytes]) -> list[StatementEntry]:
    """The entries of several statements, in any order, some of them maybe twice.

    Raises:
        UnknownPolicy; FileError.
    """
    currency = rulebook(rows, policy).latest.currency
    return [entry for data in files for entry in read_statement(data, currency).entries]


def read_statement_files(
    rows: Rows, policy: str, year: int, files: Iterable[bytes]
) -> tuple[StatementFile, ...]:
    """Several statements, each file once, with who recorded it before.

    Raises:
        UnknownPolicy; FileError.
    """
    currency = rulebook(rows, policy).latest.currency
    recorded = settlement_of(rows, policy, year).statements
    statements = dict[str, StatementFile]()
    for data in files:
        digest = hashlib.sha256(data).hexdigest()
        if digest not in statements:
            before = recorded[digest].statement.actor if digest in recorded else ""
            entries = tuple(read_statement(data, currency).entries)
            statements[digest] = StatementFile(digest, entries, before)
    return tuple(statements.values())


def list_entries(statements: Iterable[StatementFile]) -> list[StatementEntry]:
    """The entries of several statements."""
    return [entry for statement in statements for entry in statement.entries]


def read_standings(rows: Rows, policy: str, year: int) -> list[PaymentStanding]:
    """Every payment of a year as it stands, by the name that the bank's file gave it."""
    columns = "batch, code, amount, status, said, day"
    sql = f"SELECT {columns} FROM payments WHERE policy=? AND year=? ORDER BY batch, code"
    bank_batches = dict[str, str]()
    standings = list[PaymentStanding]()
    for batch, code, fen, status, said, day in rows.all(sql, [policy, year]):
        if batch not in bank_batches:
            bank_batches[batch] = read_bank_batch(rows, policy, year, batch)
        name = f"{bank_batches[batch]}-{code}"
        failed_on = day if status == "failed" else ""
        standings.append(PaymentStanding(name, batch, code, int(fen), status, said, failed_on))
    return standings


def reconcile_year(rows: Rows, policy: str, year: int, entries: Iterable[StatementEntry]) -> Reconciliation:
    """A year's payments beside entries of statements.

    Raises:
        UnknownPolicy; NotAllowed: before the closing.
    """
    currency = rulebook(rows, policy).latest.currency
    must_be_closed(rows, policy, year)
    return reconcile(read_standings(rows, policy, year), entries, currency)


def record_statements(
    ledger: Ledger, policy: str, year: int, actor: Actor, files: Iterable[bytes]
) -> StatementRecorded:
    """Record which statements were brought, each file once, and what they confirm.

    A call that was cut off is made again: what was recorded is known then.

    Raises:
        UnknownPolicy; FileError; NotAllowed: before the closing, or for a role that records none.
    """
    require(actor, "payment.record")
    with ledger.store.writing() as rows:
        check_parted_duties(rows, rulebook(rows, policy), year, actor, "payment.record")
        statements = read_statement_files(rows, policy, year, files)
        settlement, now = load_year(ledger, rows, policy, year), ledger.clock()
        for statement in statements:
            entries = len(statement.entries)
            settlement.record_statement(
                actor, statement.digest, statement.accounts, statement.days, entries, now
            )
        save_year(ledger, rows, settlement)
    done = record_statement(ledger, policy, year, actor, list_entries(statements))
    return done._replace(statements=statements)


def record_statement(
    ledger: Ledger, policy: str, year: int, actor: Actor, entries: Sequence[StatementEntry]
) -> StatementRecorded:
    """Record what statements confirm: paid, or come back; by the steps that a bank's answer takes.

    What contradicts is not recorded; it comes back with the reason, and a reconciliation shows it.

    Raises:
        UnknownPolicy; NotAllowed: before the closing, or for a role that records none.
    """
    with ledger.store.reading() as rows:
        steps = find_untold(reconcile_year(rows, policy, year, entries))
    results = [
        Result(step.payment.payment, step.status, step.entry.amount_fen, step.entry.booked_on, step.remark)
        for step in steps
    ]
    refused = list[tuple[UntoldStep, NotAllowed]]()
    recorded = 0
    for start in range(0, len(results), RESULTS_MAX):
        chunk = results[start : start + RESULTS_MAX]
        faults = dict(check_results(ledger, policy, year, actor, chunk))
        refused += [(steps[start + index], fault) for index, fault in faults.items()]
        allowed = [result for index, result in enumerate(chunk) if index not in faults]
        if allowed:
            recorded += record_results(ledger, policy, year, actor, allowed)[0]
    return StatementRecorded(recorded, refused)
