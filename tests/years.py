"""Worked years as data: each step of a scenario taken through the ledger's functions by its people."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from domain.authority.roles import Actor, NotAllowed
from domain.events.claims import ClaimSubmitted
from domain.events.instants import SHANGHAI
from domain.money.amounts import parse_fen, print_fen
from ledger.claims import desk
from ledger.intake.inbox import ingest
from ledger.policies.versions import adopt_policy, set_budget
from ledger.projections.closings import settlement_of
from ledger.projections.settlements import lines_listed
from ledger.settlement import adjusting, paying, proposing
from ledger.settlement.overpaid import list_overpayments
from ledger.settlement.paying import Result
from ledger.store.application import Ledger
from services.cli.policies.cases import message_of
from tests import acknowledging
from tests import answers as queries
from tests.events import CIXI_TEXT

Step = dict[str, Any]

PEOPLE = {
    "Lin": "officer",
    "Gao": "officer",
    "Shen": "reviewer",
    "Wu": "reviewer",
    "Qian": "finance",
}
NAMES = {"propose": "Lin", "publish": "Lin", "close": "Shen", "object": "Gao", "resolve": "Wu"}
NAMES |= {"settle": "Lin", "order": "Qian", "bank": "Qian", "claw_back": "Lin", "recover": "Qian"}
NAMES |= {"accept": "Lin", "propose_claims": "Lin"}
NOTICE_OVER = timedelta(days=8)


class Clock:
    """A clock that stands where the scenario puts it, and moves a little with every step."""

    def __init__(self) -> None:
        self.now = datetime(2024, 1, 1, 9, tzinfo=SHANGHAI)

    def __call__(self) -> datetime:
        return self.now

    def step_to(self, day: str | None) -> None:
        """A minute passes, or the scenario's day comes."""
        self.now += timedelta(minutes=1)
        if day:
            then = datetime.fromisoformat(f"{day}T09:00:00+08:00")
            if then.date() < self.now.date():
                raise ValueError(f"the scenario runs back to {day}")
            self.now = max(self.now, then)


def policy_text(step: Step, policy: str) -> str:
    """The first policy's file with what a version of the scenario changes; each must be found in it."""
    edits = [
        ("id: cixi-ecommerce-2024\n", f"id: {policy}\n"),
        ("\nversion: 1\n", f"\nversion: {step['version']}\n"),
        ("effective_from: 2024-01-01", f"effective_from: {step['from']}"),
    ]
    if "life" in step:
        edits.append(('from: "@life-start"', f"from: {step['life']}"))
        edits.append((CIXI_TEXT[CIXI_TEXT.index("  life-start:") : CIXI_TEXT.index("  budget-period:")], ""))
    if "until" in step:
        edits.append(("until: null}", f"until: {step['until']}}}"))
    if "budget" in step:
        edits.append(('budget: {amount: "10000000.00"', f'budget: {{amount: "{step["budget"]}"'))
    text = CIXI_TEXT
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    for name, value in step.get("readings", {}).items():
        text, count = re.subn(rf"(\n  {name}:\n    value: )\S+", rf"\g<1>{value}", text)
        assert count == 1, name
    for measure, amount in step.get("figures", {}).items():
        pattern = rf'(\n  - id: {re.escape(measure)}\n(?:    .*\n)*?    amount: )"[0-9.]+"'
        text, count = re.subn(pattern, rf'\g<1>"{amount}"', text)
        assert count == 1, measure
    return text


class Bookkeeper:
    """Takes a scenario's steps on a ledger, and reads back what the scenario expects."""

    def __init__(self, scenario: dict[str, Any], ledger: Ledger, clock: Clock) -> None:
        self.ledger, self.clock = ledger, clock
        self.codes: dict[str, str] = scenario["enterprises"]
        self.names = {code: name for name, code in self.codes.items()}
        self.policy: str = scenario["policy"]
        self.facts: dict[str, Step] = {}
        self.objections: list[str] = []
        self.steps = 0

    def take(self, step: Step) -> dict[str, Any] | None:
        """Take one step; what it answers comes back where the scenario expects something.

        A step that the scenario says is refused must be, for that reason.
        """
        self.clock.step_to(step.get("on"))
        self.steps += 1
        do: Callable[[Step], dict[str, Any] | None] = getattr(self, "do_" + step["do"])
        if "refused" not in step:
            return do(step)
        with pytest.raises(NotAllowed) as caught:
            do(step)
        assert caught.value.code == step["refused"]
        return None

    def who(self, step: Step) -> Actor:
        """Who takes a step: whom it names, or who usually does."""
        name = step.get("by") or NAMES[step["do"]]
        if name in self.codes:
            return Actor(f"clerk of {name}", frozenset({"enterprise"}), self.codes[name])
        return Actor(name, frozenset({PEOPLE[name]}))

    def head(self, step: Step) -> tuple[Ledger, str, int]:
        """The ledger, policy and year of a step."""
        return self.ledger, step.get("policy", self.policy), step["year"]

    def code(self, step: Step) -> str:
        """The enterprise of a step."""
        return self.codes[step["enterprise"]]

    # --- rules and facts

    def do_adopt(self, step: Step) -> None:
        policy = step.get("policy", self.policy)
        assert adopt_policy(self.ledger, policy_text(step, policy))[1]

    def do_budget(self, step: Step) -> None:
        policy = step.get("policy", self.policy)
        set_budget(self.ledger, policy, step["period"], parse_fen(step["amount"]))

    def do_facts(self, step: Step) -> None:
        facts = [{**fact, "enterprise": self.code(fact)} for fact in step["facts"]]
        self.facts |= {fact["id"]: fact for fact in facts if fact["fact"] not in ("corrected", "retracted")}
        case = {"policy": step.get("policy", self.policy), "year": 2024, "facts": facts}
        messages = [json.dumps(message_of(fact, case, self.facts)).encode() for fact in facts]
        results = ingest(self.ledger, messages, "years")
        assert [each.faults for each in results if each.status == "refused"] == []

    # --- claims

    def do_claim(self, step: Step) -> None:
        ledger, policy, _ = self.head({"year": 0, **step})
        code, claim, actor = self.code(step), step["claim"], self.who(step)
        amount = parse_fen(step["amount"]) if "amount" in step else None
        if step["step"] == "submit":
            asked = {name: step[name] for name in ("claim", "measure", "item", "year")}
            money = {"amount_fen": amount, "currency": "CNY"} if amount is not None else {}
            claim_asked = msgspec.convert({"policy": policy, **asked, **money}, ClaimSubmitted)
            desk.submit(ledger, code, actor, claim_asked)
        elif step["step"] == "review":
            desk.review(ledger, code, policy, claim, actor, amount or 0, "looked into")
        elif step["step"] == "approve":
            desk.approve(ledger, code, policy, claim, actor, amount)
        elif step["step"] == "reject":
            desk.reject(ledger, code, policy, claim, actor, step["reason"])
        elif step["step"] == "appeal":
            desk.appeal(ledger, code, policy, claim, actor, step["reason"])
        else:
            raise ValueError(step["step"])

    def do_propose_claims(self, step: Step) -> dict[str, Any]:
        made = desk.propose(*self.head(step), self.who(step))
        return {"claims": sorted(each.claim for each in made)}

    # --- the year

    def do_propose(self, step: Step) -> None:
        acknowledging.propose(*self.head(step), self.who(step))

    def do_publish(self, step: Step) -> None:
        acknowledging.publish(*self.head(step), self.who(step))

    def do_object(self, step: Step) -> None:
        code = self.codes.get(step.get("enterprise", ""))
        state = proposing.raise_objection(*self.head(step), self.who(step), code, step["reason"])
        self.objections = state.open_objections

    def do_resolve(self, step: Step) -> None:
        objection = self.objections[-1]
        proposing.resolve_objection(*self.head(step), self.who(step), objection, step["outcome"], "why")

    def do_close(self, step: Step) -> None:
        acknowledging.close(*self.head(step), self.who(step))

    def do_settle(self, step: Step) -> None:
        self.do_propose(step)
        self.do_publish(step)
        self.clock.now += NOTICE_OVER
        self.do_close({**step, "do": "close"})

    # --- money

    def do_order(self, step: Step) -> dict[str, Any]:
        made = acknowledging.order_payments(*self.head(step), self.who(step))
        return {"batch": made.batch, "payments": made.payments, "total": print_fen(made.total)}

    def do_bank(self, step: Step) -> None:
        day, results = self.clock().date().isoformat(), []
        for said in step["results"]:
            batch, name, status, amount = said.split()
            results.append(
                Result(
                    f"{batch}-{self.codes[name]}",
                    status,
                    parse_fen(amount),
                    day,
                    f"{self.steps} {batch} {name}",
                )
            )
        recorded, _ = paying.record_results(*self.head(step), self.who(step), results)
        assert recorded == len(results)

    def do_claw_back(self, step: Step) -> None:
        """Order back; under the name of the award of which just so much was paid too much."""
        ledger, policy, year = self.head(step)
        code, amount = self.code(step), parse_fen(step["amount"])
        with ledger.store.reading() as rows:
            overpayments = list_overpayments(rows, policy, year, code)
        measure = next((each.measure for each in overpayments if each.to_order_fen == amount), None)
        reason = f"paid too much ({self.steps})"
        paying.claw_back(ledger, policy, year, code, self.who(step), amount, reason, measure)

    def do_recover(self, step: Step) -> None:
        ledger, policy, year = self.head(step)
        name = f"{year}-{self.code(step)}-{step.get('number', 1):02d}"
        day, amount = self.clock().date().isoformat(), parse_fen(step["amount"])
        reference, who = f"bank {self.steps}", self.who(step)
        paying.recover(ledger, policy, year, self.code(step), who, name, amount, day, reference)

    def do_accept(self, step: Step) -> None:
        ledger, policy, year = self.head(step)
        adjusting.accept(
            ledger,
            policy,
            year,
            self.code(step),
            step["measure"],
            step["into_year"],
            self.who(step),
            parse_fen(step["amount"]),
            "came late",
        )

    # --- what a scenario expects

    def do_list(self, step: Step) -> dict[str, Any]:
        """The list; what it was divided by is read from the proposal, and held to the live budget."""
        ledger, policy, year = self.head(step)
        with ledger.store.reading() as rows:
            state = settlement_of(rows, policy, year)
            lines = list(lines_listed(rows, policy, year))
            live = queries.budget(ledger, rows, policy, year)
        said = state.present_proposal()
        figures = {
            "budget": print_fen(said.budget_fen),
            "carried": print_fen(said.carried_fen),
            "spent": print_fen(said.spent_fen),
            "sharing": print_fen(said.sharing_fen),
        }
        if state.stage == "closed":
            assert figures == {
                "budget": live["available"],
                **{name: live[name] for name in figures if name != "budget"},
            }
            assert live["payable"] == print_fen(said.payable_fen)
        return {
            "stage": state.stage,
            **figures,
            "factor": factor(said.budget_fen, said.sharing_fen),
            "payable": print_fen(said.payable_fen),
            "outside": print_fen(said.outside_fen),
            "lines": [
                f"{self.names[line.code]} {line.measure} {line.award_year}: {print_fen(line.gross)} - "
                f"{print_fen(line.withheld)} - {print_fen(line.reduction)} = {print_fen(line.payable)}"
                for line in lines
            ],
        }

    def do_accounts(self, step: Step) -> dict[str, Any]:
        ledger, policy, year = self.head(step)
        found: dict[str, dict[str, str]] = {}
        with ledger.store.reading() as rows:
            for code in sorted({line.code for line in lines_listed(rows, policy, year)}):
                said = queries.balance(ledger, rows, code, policy, year)
                sums = {"payable": said["payable"], "ordered": said["ordered"], "paid": said["paid"]}
                sums |= {"clawed": said["clawed_back"], "recovered": said["recovered"]}
                found[self.names[code]] = {name: value for name, value in sums.items() if value != "0.00"}
        return {"accounts": found}

    def do_pending(self, step: Step) -> dict[str, Any]:
        ledger, policy, year = self.head(step)
        with ledger.store.reading() as rows:
            found = adjusting.pending(rows, policy, year)
        return {"pending": [f"{self.names[e.code]} {e.measure}: {print_fen(e.amount)}" for e in found]}

    def do_claims(self, step: Step) -> dict[str, Any]:
        with self.ledger.store.reading() as rows:
            facts = queries.enterprise_row(rows, self.code(step)).facts
        return {"claims": {key.partition("\x1f")[2]: claim.status for key, claim in facts.claims.items()}}


def factor(budget: int, sharing: int) -> str:
    """min(1, budget / sharing) in lowest terms."""
    top, bottom = (1, 1) if sharing <= budget else (budget, sharing)
    a, b = top, bottom
    while b:
        a, b = b, a % b
    return f"{top // a}/{bottom // a}"


def read_scenario(path: Path) -> dict[str, Any]:
    """A scenario file."""
    scenario: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return scenario
