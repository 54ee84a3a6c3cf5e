"""Worked cases as data: turned into messages, and settled through the ledger's own door.

A case says what was reported and what it must give, worked out by hand from the policy's text
(docs/changing-the-policy.md). ``outcome_of`` settles one in a ledger of its own, and compares.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, NamedTuple

from domain.faults.fault import Fault
from domain.money.amounts import parse_fen, print_fen
from domain.money.dividing import budget_period
from domain.money.wire import print_fraction, wire_form
from domain.vocabulary.kinds import type_of
from ledger.intake.inbox import ingest
from ledger.policies.versions import UnknownPeriod, adopt_policy, rulebook, set_budget
from ledger.reading.balances import read_balance
from ledger.reading.budgets import read_budget
from ledger.reading.enterprises import list_enterprises
from ledger.store.application import Ledger, open_ledger
from services.cli.policies.case_files import NAMES, CaseError, fault_line

SOURCE = "urn:cases"
CHANNEL = {"dtc_export_usd": ("dtc_own_brand_export", "USD")}


def messages_of(case: dict[str, Any]) -> list[bytes]:
    """The case's facts as CloudEvents, in order of arrival."""
    facts = {fact["id"]: fact for fact in case["facts"] if fact["fact"] not in ("corrected", "retracted")}
    return [json.dumps(message_of(fact, case, facts)).encode() for fact in case["facts"]]


def message_of(fact: dict[str, Any], case: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """One fact as a CloudEvents message."""
    kind = fact["fact"]
    data = {k: v for k, v in fact.items() if k not in ("id", "enterprise", "fact")}
    if kind in ("corrected", "retracted"):
        target = facts.get(data["of"], {"fact": "store_registered"})
        of_amendment = any(
            f["id"] == data["of"] and f["fact"] in ("corrected", "retracted") for f in case["facts"]
        )
        data = {"of": data["of"], "reason": "case", "of_type": type_of(NAMES[target["fact"]])}
        if of_amendment:
            data["of_type"] = "subsidy.store-registered.v1"
        if kind == "corrected":
            data["changes"] = content_of(target["fact"], fact["with"], case, is_complete=False)
    else:
        data = content_of(kind, data, case, is_complete=True)
        if kind == "claim_approved":
            data["claim"] = fact["id"]
    day = fact.get("on") or f"{fact.get('year', case['year'])}-12-31"
    return {
        "specversion": "1.0",
        "id": fact["id"],
        "source": SOURCE,
        "type": type_of(NAMES[kind]),
        "subject": fact["enterprise"],
        "time": f"{day}T12:00:00+08:00",
        "data": data,
    }


def content_of(kind: str, data: dict[str, Any], case: dict[str, Any], is_complete: bool) -> dict[str, Any]:
    """The data of a fact, or of some of its keys, in the ledger's names."""
    data = dict(data)
    currency = data.pop("currency", "CNY")
    if "channel" in data:
        data["channel"], currency = CHANNEL.get(str(data["channel"]), (data["channel"], currency))
    if kind == "other_award_recorded" and "policy" in data:
        data["other_policy"] = data.pop("policy")
    if is_complete and kind in ("other_award_recorded", "claim_approved"):
        data["policy"] = case["policy"]
    if (is_complete and "amount" in data) or "channel" in data:
        data["currency"] = currency
    return data


def settle(ledger: Ledger, case: dict[str, Any], batches: list[list[bytes]]) -> dict[str, Any]:
    """Ingest batches, and read back what the case expects through the functions of the API."""
    set_budgets(ledger, case)
    fill(ledger, batches)
    return read_back(ledger, case)


def set_budgets(ledger: Ledger, case: dict[str, Any]) -> None:
    """Set the budgets that a case names.

    Raises:
        CaseError: where the policy does not have one.
    """
    with ledger.store.reading() as rows:
        period = rulebook(rows, case["policy"]).period_of(case["year"])
    alone = {"budget": (period, case["budget"])} if "budget" in case else {}
    named = {
        f"budgets/{name}": (budget_period(period, name), fen) for name, fen in case.get("budgets", {}).items()
    }
    for field, (called, amount) in {**alone, **named}.items():
        try:
            set_budget(ledger, case["policy"], called, parse_fen(amount))
        except UnknownPeriod as error:
            raise CaseError(
                [Fault("case.budget", field, {"called": error.called, "known": error.known})]
            ) from None


def fill(ledger: Ledger, batches: list[list[bytes]]) -> dict[str, Sequence[Fault]]:
    """Ingest batches; what was refused by the fact's id, with every reason."""
    results = [result for batch in batches for result in ingest(ledger, batch, "case")]
    return {str(each.event_id): each.faults for each in results if each.status == "refused"}


def read_back(ledger: Ledger, case: dict[str, Any]) -> dict[str, Any]:
    """The figures of a case's ``expect``, as the ledger answers them."""
    policy, year = case["policy"], case["year"]
    with ledger.store.reading() as rows:
        budget = read_budget(ledger, rows, policy, year)
        codes = [line.enterprise for line in list_enterprises(rows, policy, year, "", 10_000)]
        balances = [read_balance(ledger, rows, code, policy, year) for code in codes]
    awards = [
        {"enterprise": balance.enterprise, **{name: form[name] for name in FIGURES}}
        for balance in balances
        for line in balance.awards
        if line.gross_fen
        for form in [wire_form(line)]
    ]
    earning = [balance for balance in balances if balance.gross_fen]
    factors = {pot.pot: print_fraction(pot.factor) for pot in budget.pots}
    return {
        **({"pots": factors} if factors else {}),
        "awards": sorted(awards, key=lambda row: (row["enterprise"], row["measure"])),
        "gross_total": print_fen(budget.gross_fen),
        "eligible_total": print_fen(budget.eligible_fen),
        "factor": print_fraction(budget.factor),
        "payable": {balance.enterprise: print_fen(balance.payable_fen) for balance in earning},
        "payable_total": print_fen(sum(balance.payable_fen for balance in earning)),
    }


FIGURES = ("measure", "gross", "withheld", "eligible", "payable")


def expected(case: dict[str, Any]) -> dict[str, Any]:
    """The case's ``expect`` without the words of its workings."""
    expect = dict(case["expect"])
    rows = [{k: row[k] for k in ("enterprise", *FIGURES)} for row in expect["awards"]]
    expect["awards"] = sorted(rows, key=lambda row: (row["enterprise"], row["measure"]))
    expect.pop("refused", None)  # it may hang on the order of arrival
    return expect


class Difference(NamedTuple):
    """A figure that is not what the case says: the case's, and the policy's (``—``: none)."""

    figure: str
    expected: str
    got: str

    def describe(self, language: str) -> str:
        """In ``zh`` or ``en``."""
        if language == "zh":
            return f"{self.figure}: 样例 {self.expected}, 按政策 {self.got}"
        return f"{self.figure}: case {self.expected}, policy {self.got}"


class Refused(NamedTuple):
    """A fact that the ledger refuses, and the case does not say so; without faults, the other way round."""

    fact: str
    faults: Sequence[Fault]

    def describe(self, language: str) -> str:
        """In ``zh`` or ``en``, with every reason."""
        reasons = "; ".join(fault_line(fault, language) for fault in self.faults)
        if language == "zh":
            return (
                f"事实 {self.fact} 被退回：{reasons}"
                if reasons
                else f"事实 {self.fact} 没有被退回，样例写明应退回"
            )
        return (
            f"fact {self.fact} is refused: {reasons}"
            if reasons
            else f"fact {self.fact} is taken, the case says refused"
        )


NOW = datetime(2100, 1, 1, tzinfo=UTC)
"""A case's facts have all happened by then."""


def outcome_of(policy_text: str, case: dict[str, Any]) -> list[Difference | Refused]:
    """Settle a case under a policy file, in a ledger that is thrown away; what differs.

    Raises:
        CaseError: where the case sets a budget that the policy does not have.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(open_ledger(f"{folder}/case.db", clock=lambda: NOW)) as ledger,
    ):
        adopt_policy(ledger, policy_text)
        set_budgets(ledger, case)
        refused = fill(ledger, [messages_of(case)])
        got = read_back(ledger, case)
    refused_ids = case["expect"].get("refused", [])
    return [
        *(Refused(fact, faults) for fact, faults in refused.items() if fact not in refused_ids),
        *(Refused(fact, ()) for fact in refused_ids if fact not in refused),
        *_differences(expected(case), got),
    ]


def _differences(expect: dict[str, Any], got: dict[str, Any]) -> Iterator[Difference]:
    expected_awards, actual_awards = (
        {(row["enterprise"], row["measure"]): row for row in side["awards"]} for side in (expect, got)
    )
    for key in sorted(expected_awards.keys() | actual_awards.keys()):
        for figure in FIGURES[1:]:
            expected_figure, actual_figure = (
                awards.get(key, {}).get(figure, "—") for awards in (expected_awards, actual_awards)
            )
            if expected_figure != actual_figure:
                yield Difference(f"{' '.join(key)} {figure}", expected_figure, actual_figure)
    for name in expect:
        if name != "awards" and expect[name] != got.get(name):
            yield Difference(name, _plain(expect[name]), _plain(got.get(name, "—")))


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
