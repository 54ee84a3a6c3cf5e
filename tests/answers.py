"""What the ledger answers, as programs get it over HTTP and from the command line's ``--json``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from domain.money.amounts import print_fen
from domain.money.wire import wire_form
from ledger.reading.accounts import sum_accounts
from ledger.reading.balances import list_largest, read_balance, read_payables
from ledger.reading.budgets import read_budget
from ledger.reading.enterprises import list_enterprises, list_towns
from ledger.reading.explanations import explain_awards, read_outlook
from ledger.reading.records import UnknownEnterprise, read_enterprise, read_history, read_names
from ledger.reading.targets import read_targets
from ledger.simulation.reform import simulate_reform
from ledger.simulation.trial import try_policy
from ledger.simulation.what_if import simulate_year
from ledger.store.application import Ledger
from ledger.store.rows import Rows


def in_wire_form(read: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the ledger whose answer comes as programs get it."""
    return lambda *given, **named: wire_form(read(*given, **named))


Form = Callable[..., dict[str, Any]]
accounts_sums: Form = in_wire_form(sum_accounts)
balance: Form = in_wire_form(read_balance)
budget: Form = in_wire_form(read_budget)
enterprises: Callable[..., list[dict[str, Any]]] = in_wire_form(list_enterprises)
largest: Callable[..., list[dict[str, Any]]] = in_wire_form(list_largest)
targets: Form = in_wire_form(read_targets)
explain: Form = in_wire_form(explain_awards)
outlook: Form = in_wire_form(read_outlook)
reform: Form = in_wire_form(simulate_reform)
trial: Form = in_wire_form(try_policy)
what_if: Form = in_wire_form(simulate_year)
enterprise_row, history, names_of, towns = read_enterprise, read_history, read_names, list_towns


def after_steps(award: dict[str, Any]) -> list[dict[str, Any]]:
    """What an explained award says after its arithmetic, in the order in which it was done."""
    return [award[name] for name in award["order"]]


def sums_of(
    ledger: Ledger, rows: Rows, policy: str, year: int, codes: list[str]
) -> dict[str, dict[str, str]]:
    """What a few enterprises earn in a year and are paid of it."""
    by_code = read_payables(ledger, rows, policy, year, codes).items()
    return {code: {name: print_fen(fen) for name, fen in paid._asdict().items()} for code, paid in by_code}


__all__ = ["UnknownEnterprise"]
