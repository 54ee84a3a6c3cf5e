"""A second, independent bookkeeper of whole years: from facts to the last recovered clawback.

It goes through a scenario of ``tests/cases/years`` step by step and shares no code with the
product: awards come from ``oracle.py``, the rest is fractions and dictionaries below. Steps that
a scenario says are refused change nothing here.

    python -m tests.oracle.years FILE...
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.oracle import oracle
from tests.oracle.oracle import fen, yuan

Step = dict[str, Any]
Key = tuple[str, str, int]
"""(credit code, measure, award year)."""

NAMED = {
    "store_registered": ("platform", "shop"),
    "brand_certified": ("kind", "ref"),
    "warehouse_recognised": ("level", "warehouse"),
    "standard_published": ("level", "standard"),
}
YEARLY = ("sales_reported", "design_purchased", "design_services_sold")
STANDARDS = {"provincial": "100000.00", "ningbo": "50000.00", "cixi": "30000.00"}


@dataclass
class Line:
    """One award of a list, in fen."""

    gross: int
    withheld: int
    share: int = 0
    payable: int = 0
    standard_withheld: int = 0

    @property
    def reduction(self) -> int:
        """What pro-rata took off."""
        return self.gross - self.standard_withheld - self.payable


@dataclass
class Account:
    """One enterprise's account of one year, in fen; payments as [amount, status] by id."""

    payable: int = 0
    payments: dict[str, list[Any]] = field(default_factory=dict)
    clawbacks: list[list[int]] = field(default_factory=list)

    def of(self, status: str) -> int:
        """The payments of a status together."""
        return sum(amount for amount, now in self.payments.values() if now == status)

    def said(self) -> dict[str, str]:
        """Its sums that are not zero."""
        sums = {
            "payable": self.payable,
            "ordered": self.of("ordered"),
            "paid": self.of("made"),
            "clawed": sum(amount for amount, _ in self.clawbacks),
            "recovered": sum(back for _, back in self.clawbacks),
        }
        return {name: yuan(value) for name, value in sums.items() if value}


@dataclass
class Year:
    """A year's settlement."""

    stage: str = "open"
    figures: dict[str, Any] = field(default_factory=dict)
    lines: dict[Key, Line] = field(default_factory=dict)
    budget: int = 0
    inside: int = 0
    accounts: dict[str, Account] = field(default_factory=dict)
    accepted: dict[tuple[str, str], int] = field(default_factory=dict)
    batches: int = 0


def largest_remainder(amounts: dict[Key, int], budget: int) -> dict[Key, int]:
    """Shares that use all of a budget: floors, then a fen each to the largest remainders."""
    total = sum(amounts.values())
    if total <= budget:
        return dict(amounts)
    exact = {key: Fraction(amount * budget, total) for key, amount in amounts.items()}
    shares = {key: int(share) for key, share in exact.items()}
    waiting = sorted(exact, key=lambda key: (shares[key] - exact[key], key))
    for key in waiting[: budget - sum(shares.values())]:
        shares[key] += 1
    return shares


class Town:
    """Everything that the scenario has said so far."""

    def __init__(self, scenario: dict[str, Any]) -> None:
        self.codes: dict[str, str] = scenario["enterprises"]
        self.names = {code: name for name, code in self.codes.items()}
        self.policy: str = scenario["policy"]
        self.facts: list[tuple[str, Step]] = []
        self.versions: dict[str, list[Step]] = {}
        self.budgets: dict[tuple[str, str], int] = {}
        self.years: dict[tuple[str, int], Year] = {}
        self.into: dict[tuple[str, int], dict[Key, int]] = {}
        self.claims: dict[tuple[str, str], Step] = {}

    # --- the rules

    def rules(self, policy: str, year: int) -> Step:
        """The version that governs a year's figures."""
        versions = self.versions[policy]
        day = min(f"{year}-12-31", versions[-1].get("until", "9999-12-31"))
        return [each for each in versions if each["from"] <= day][-1]

    def reading(self, policy: str, year: int, name: str, default: str) -> str:
        """A reading in force for a year."""
        return str(self.rules(policy, year).get("readings", {}).get(name, default))

    def life(self, policy: str) -> tuple[str, str]:
        """The first and last day of a policy."""
        versions = self.versions[policy]
        return versions[0].get("life", "2024-01-01"), versions[-1].get("until", "9999-12-31")

    def year(self, step: Step) -> Year:
        """The year that a step is about."""
        return self.years.setdefault((self.under(step), step["year"]), Year())

    def under(self, step: Step) -> str:
        """The policy that a step is about."""
        return str(step.get("policy", self.policy))

    # --- awards

    def standing(self, policy: str) -> list[Step]:
        """The facts that a policy looks at: those within its life, and what it approved itself."""
        first, last = self.life(policy)
        mine = [
            fact
            for under, fact in self.facts
            if fact["fact"] not in ("claim_approved", "other_award_recorded") or under == policy
        ]
        facts = oracle.standing_facts(mine)
        earliest: dict[tuple[str, ...], str] = {}
        for fact in facts:
            if fact["fact"] in NAMED:
                identity = self.identity(fact)
                earliest[identity] = min(fact["on"], earliest.get(identity, "9999-12-31"))
        return [
            fact
            for fact in facts
            if not (fact["fact"] in NAMED and not first <= earliest[self.identity(fact)] <= last)
            and not (fact["fact"] in YEARLY and not int(first[:4]) <= fact["year"] <= int(last[:4]))
        ]

    @staticmethod
    def identity(fact: Step) -> tuple[str, ...]:
        """What a dated fact is about."""
        return (fact["fact"], fact["enterprise"], *(fact[name] for name in NAMED[fact["fact"]]))

    def awards(self, policy: str, year: int) -> dict[Key, Line]:
        """Gross and withheld of a year's awards under a policy."""
        facts = self.standing(policy)
        barred = self.reading(policy, year, "highest-only", "top-up") == "barred"
        found: dict[Key, Line] = {}
        for (code, measure), (gross, held) in self.gross(policy, year, facts).items():
            found[code, measure, year] = Line(gross, gross if barred and held else held)
        return found

    def gross(self, policy: str, year: int, facts: list[Step]) -> dict[tuple[str, ...], tuple[int, int]]:
        """The oracle's awards, with the figures that a version of the policy changes."""
        found = dict(oracle.gross_awards(facts, year))
        for measure, amount in self.rules(policy, year).get("figures", {}).items():
            platform = measure.removeprefix("store.")
            for code in sorted({fact["enterprise"] for fact in facts}):
                own = [fact for fact in facts if fact["enterprise"] == code]
                gross = oracle.store(own, year, platform, amount)
                if gross:
                    found[code, measure] = gross, oracle.withheld(own, year, measure, gross)
        return found

    # --- the year's list

    def divided(self, policy: str, year: int) -> Year:
        """A year's list as it would be proposed now."""
        found = Year(lines=self.awards(policy, year))
        before = self.years.get((policy, year - 1), Year())
        for key, amount in self.into.get((policy, year), {}).items():
            found.lines.setdefault(key, Line(0, 0)).gross += amount
        if self.reading(policy, year, "reductions", "final") == "next-year" and before.stage == "closed":
            for key, line in before.lines.items():
                if line.reduction:
                    found.lines.setdefault(key, Line(0, 0)).gross += line.reduction
        carried, spent = self.moved(policy, year, before)
        life = self.reading(policy, year, "budget-period", "year") == "life"
        own = self.rules(policy, year).get("budget", oracle.BUDGET)
        set_ = self.budgets.get((policy, "life" if life else str(year)), fen(own))
        found.budget = set_ + carried - spent
        self.divide(found, policy, year)
        sharing = found.figures["sharing"]
        factor = Fraction(found.budget, sharing) if sharing > found.budget else Fraction(1)
        paid = sum(line.payable for line in found.lines.values())
        found.figures = {
            "budget": yuan(found.budget),
            "carried": yuan(carried),
            "spent": yuan(spent),
            "sharing": yuan(sharing),
            "factor": f"{factor.numerator}/{factor.denominator}",
            "payable": yuan(paid),
            "outside": yuan(paid - found.inside),
            "lines": [self.line(key, line) for key, line in sorted(found.lines.items())],
        }
        return found

    def moved(self, policy: str, year: int, before: Year) -> tuple[int, int]:
        """What the year before leaves, and what closed years have taken of one budget for life."""
        if self.reading(policy, year, "budget-period", "year") == "life":
            closed = [y for (p, n), y in self.years.items() if p == policy and n != year]
            return 0, sum(each.inside for each in closed if each.stage == "closed")
        carries = self.reading(policy, year, "unspent-budget", "lapses") == "next-year"
        return (before.budget - before.inside if carries and before.stage == "closed" else 0), 0

    def divide(self, found: Year, policy: str, year: int) -> None:
        """Fill in what each line is paid, what shares the budget, and what is paid from it."""
        outside = self.reading(policy, year, "talent-funds", "inside") == "outside"
        first = self.reading(policy, year, "pro-rata", "after-highest-only") == "standards-first"
        inside = {key: line for key, line in found.lines.items() if not (outside and key[1] == "talent.team")}
        shares = largest_remainder(
            {key: line.gross - (0 if first else line.withheld) for key, line in inside.items()}, found.budget
        )
        found.figures["sharing"] = sum(
            line.gross - (0 if first else line.withheld) for line in inside.values()
        )
        for key, line in found.lines.items():
            line.standard_withheld = line.withheld
            line.payable = shares.get(key, line.gross - line.withheld)
            if first and key in shares:
                line.standard_withheld = min(line.withheld, shares[key])
                line.payable = shares[key] - line.standard_withheld
        found.inside = sum(line.payable for key, line in inside.items())

    def line(self, key: Key, line: Line) -> str:
        """A line in the words of a scenario."""
        name, held, reduction = self.names[key[0]], line.standard_withheld, line.reduction
        sums = f"{yuan(line.gross)} - {yuan(held)} - {yuan(reduction)} = {yuan(line.payable)}"
        return f"{name} {key[1]} {key[2]}: {sums}"

    # --- steps

    def take(self, step: Step) -> dict[str, Any] | None:
        """Take one step; what it answers comes back where the scenario expects something."""
        if "refused" in step:
            return None
        answer: dict[str, Any] | None = getattr(self, "do_" + step["do"])(step)
        return answer

    def do_adopt(self, step: Step) -> None:
        """A version of a policy."""
        self.versions.setdefault(self.under(step), []).append(step)

    def do_budget(self, step: Step) -> None:
        """The budget of a period."""
        self.budgets[self.under(step), step["period"]] = fen(step["amount"])

    def do_facts(self, step: Step) -> None:
        """Facts, in order of arrival."""
        for fact in step["facts"]:
            self.facts.append((self.under(step), {**fact, "enterprise": self.codes[fact["enterprise"]]}))

    def do_claim(self, step: Step) -> None:
        """A step of a claim."""
        key = (self.codes[step["enterprise"]], step["claim"])
        claim = self.claims.setdefault(key, {"status": ""})
        claim |= {name: step[name] for name in ("measure", "item", "year", "amount") if name in step}
        done = {"submit": "submitted", "review": "reviewed", "reject": "rejected"}
        claim["status"] = done.get(step["step"], step["step"] + "ed")
        if step["step"] == "approve":
            claim["status"] = "approved"
            fact = {"id": f"{key}", "fact": "claim_approved", "enterprise": key[0]}
            said = {name: claim[name] for name in ("measure", "item", "year", "amount")}
            self.facts.append((self.under(step), {**fact, **said}))

    def do_propose_claims(self, step: Step) -> dict[str, Any]:
        """Claims for standards that were published in the year and that nobody has claimed (免申即享)."""
        made = []
        known = {(code, claim["measure"], claim["item"]) for (code, _), claim in self.claims.items()}
        known |= {(f["enterprise"], f["measure"], f["item"]) for _, f in self.facts if "item" in f}
        for fact in self.standing(self.under(step)):
            if fact["fact"] != "standard_published" or oracle.year_of(fact["on"]) != step["year"]:
                continue
            measure, item = f"standard.{fact['level']}", fact["standard"]
            if (fact["enterprise"], measure, item) not in known:
                name = f"{step['year']}-{measure}-{item}"
                said = {"measure": measure, "item": item, "year": step["year"]}
                amount = STANDARDS[fact["level"]]
                self.claims[fact["enterprise"], name] = {"status": "submitted", "amount": amount, **said}
                made.append(name)
        return {"claims": sorted(made)}

    def do_propose(self, step: Step) -> None:
        """Work the list out."""
        year, found = self.year(step), self.divided(self.under(step), step["year"])
        year.lines, year.figures, year.budget, year.inside = (
            found.lines,
            found.figures,
            found.budget,
            found.inside,
        )
        year.stage = "proposed"

    def do_publish(self, step: Step) -> None:
        """Publish it."""
        self.year(step).stage = "published"

    def do_object(self, step: Step) -> None:
        """An objection moves no figure."""

    def do_resolve(self, step: Step) -> None:
        """Nor does its end."""

    def do_close(self, step: Step) -> None:
        """Make the list final."""
        year = self.year(step)
        year.stage = "closed"
        for (code, _, _), line in year.lines.items():
            year.accounts.setdefault(code, Account()).payable += line.payable

    def do_settle(self, step: Step) -> None:
        """From the proposal to the closing."""
        self.do_propose(step)
        self.do_close(step)

    def do_order(self, step: Step) -> dict[str, Any]:
        """Order everything that is outstanding."""
        year = self.year(step)
        year.batches += 1
        batch, amounts = f"{step['year']}-{year.batches:03d}", []
        for account in year.accounts.values():
            amount = account.payable - account.of("made") - account.of("ordered")
            if amount:
                account.payments[batch] = [amount, "ordered"]
                amounts.append(amount)
        return {"batch": batch, "payments": len(amounts), "total": yuan(sum(amounts))}

    def do_bank(self, step: Step) -> None:
        """What the bank says of payments: ``batch enterprise status amount``."""
        for said in step["results"]:
            batch, name, status, amount = said.split()
            payment = self.year(step).accounts[self.codes[name]].payments[batch]
            if payment[0] != fen(amount):
                raise ValueError(f"{said}: {yuan(payment[0])} was ordered")
            payment[1] = status

    def do_claw_back(self, step: Step) -> None:
        """Order an amount back."""
        account = self.year(step).accounts[self.codes[step["enterprise"]]]
        account.clawbacks.append([fen(step["amount"]), 0])

    def do_recover(self, step: Step) -> None:
        """It comes back, in whole or in part."""
        account = self.year(step).accounts[self.codes[step["enterprise"]]]
        account.clawbacks[step.get("number", 1) - 1][1] += fen(step["amount"])

    def do_accept(self, step: Step) -> None:
        """A late addition shares a later year's budget."""
        code, amount = self.codes[step["enterprise"]], fen(step["amount"])
        accepted = self.year(step).accepted
        accepted[code, step["measure"]] = accepted.get((code, step["measure"]), 0) + amount
        into = self.into.setdefault((self.under(step), step["into_year"]), {})
        key = (code, step["measure"], step["year"])
        into[key] = into.get(key, 0) + amount

    # --- what a scenario expects

    def do_list(self, step: Step) -> dict[str, Any]:
        """The year's list and its figures."""
        return {"stage": self.year(step).stage, **self.year(step).figures}

    def do_accounts(self, step: Step) -> dict[str, Any]:
        """The year's accounts."""
        accounts = self.year(step).accounts
        return {"accounts": {self.names[code]: each.said() for code, each in sorted(accounts.items())}}

    def do_pending(self, step: Step) -> dict[str, Any]:
        """What late facts would change in a closed year."""
        year, policy = self.year(step), self.under(step)
        sums: dict[tuple[str, str], int] = {}
        for (code, measure, _), line in self.awards(policy, step["year"]).items():
            sums[code, measure] = line.gross - line.withheld
        for (code, measure, award_year), line in year.lines.items():
            if award_year == step["year"]:
                key = (code, measure)
                sums[key] = sums.get(key, 0) - line.gross + line.withheld
        for key, amount in year.accepted.items():
            sums[key] = sums.get(key, 0) - amount
        return {
            "pending": [f"{self.names[c]} {m}: {yuan(fen_)}" for (c, m), fen_ in sorted(sums.items()) if fen_]
        }

    def do_claims(self, step: Step) -> dict[str, Any]:
        """Where the enterprise's claims stand."""
        code = self.codes[step["enterprise"]]
        return {"claims": {name: each["status"] for (who, name), each in self.claims.items() if who == code}}


WORDS = ("do", "on", "by", "year", "policy", "working", "enterprise")
EXPECTING = ("list", "accounts", "pending", "claims", "order", "propose_claims")


def expected(step: Step) -> dict[str, Any]:
    """What a step of a scenario expects, without its words."""
    return {name: value for name, value in step.items() if name not in WORDS}


def differences(scenario: dict[str, Any]) -> list[str]:
    """One line for each step whose expectation differs from this bookkeeper's figures."""
    town, lines = Town(scenario), []
    for number, step in enumerate(scenario["steps"], start=1):
        answer = town.take(step)
        if step["do"] in EXPECTING and "refused" not in step and answer != expected(step):
            lines.append(f"step {number} ({step['do']}): expected {expected(step)}, oracle {answer}")
    return lines


def main(paths: list[str]) -> int:
    """Print OK or the differences for each scenario; 1 if any differs."""
    failed = False
    for path in paths:
        lines = differences(json.loads(Path(path).read_text(encoding="utf-8")))
        print(f"{path}: {'OK' if not lines else 'DIFFERS'}")
        for line in lines:
            print(f"  {line}")
        failed = failed or bool(lines)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
