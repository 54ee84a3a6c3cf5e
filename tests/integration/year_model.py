"""A settlement's rules once more, naively, in plain dicts: written from the policy's words.

One capped measure is decided by claims; what a year leaves, and what was taken off, go to the next.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

Key = tuple[str, int]
"""(credit code, award year)."""
CAP = 3_000_000
NOTICE_DAYS, APPEAL_DAYS = 7, 15
BUREAU = {"Lin": "officer", "Gao": "officer", "Shen": "reviewer", "Wu": "reviewer", "Qian": "finance"}


def divided(amounts: dict[Key, int], budget: int) -> dict[Key, int]:
    """Each amount's share of a budget, to the fen: the largest remainders get what is left over."""
    total = sum(amounts.values())
    if total <= budget:
        return dict(amounts)
    exact = {key: Fraction(amount * budget, total) for key, amount in amounts.items()}
    paid = {key: int(share) for key, share in exact.items()}
    spare = budget - sum(paid.values())
    for key in sorted(exact, key=lambda key: (paid[key] - exact[key], key))[:spare]:
        paid[key] += 1
    return paid


@dataclass
class Claim:
    year: int
    item: str
    parties: set[str]
    status: str = "submitted"
    recommended: int = 0
    first: str | None = None
    barred: set[str] = field(default_factory=set)
    rejected: date | None = None


@dataclass
class Account:
    payable: int
    payments: dict[str, tuple[str, int, str]] = field(default_factory=dict)
    """Status, amount and what the bank said, by payment."""
    heard: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    """All that the bank said, by payment."""
    clawbacks: list[list[int]] = field(default_factory=list)
    """[ordered back, come back]."""

    def sum_of(self, status: str) -> int:
        return sum(amount for is_, amount, _ in self.payments.values() if is_ == status)

    @property
    def clawed(self) -> int:
        return sum(each[0] for each in self.clawbacks)


@dataclass
class Year:
    appropriation: int = 1_000_000_000
    stage: str = "open"
    proposer: str = ""
    until: date = date.max
    gross: dict[Key, int] = field(default_factory=dict)
    paid: dict[Key, int] = field(default_factory=dict)
    divided_over: tuple[object, ...] = ()
    """What the list was worked out from, apart from the facts."""
    available: int = 0
    upheld: bool = False
    objections: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """(who raised it, whether it is resolved)."""
    accounts: dict[str, Account] = field(default_factory=dict)
    batches: int = 0


class Model:
    """Two years, three enterprises."""

    def __init__(self, today: date, codes: list[str], years: tuple[int, ...]) -> None:
        self.today, self.codes = today, codes
        self.years = {year: Year() for year in years}
        self.claims: dict[tuple[str, str], Claim] = {}
        self.approved: dict[tuple[str, str], tuple[int, int]] = {}
        """Award year and fen by enterprise and item."""
        self.accepted: list[tuple[Key, int, int]] = []
        """(award, into which year, fen)."""

    def role(self, name: str, code: str | None = None) -> str:
        """A person's role; a clerk has one for his own enterprise only."""
        if name in BUREAU:
            return BUREAU[name]
        return "enterprise" if code is None or name == f"clerk {code}" else ""

    def closed(self, year: int) -> bool:
        return self.years[year].stage == "closed"

    def earned(self, year: int) -> dict[Key, int]:
        """What the facts earn in a year."""
        found: dict[Key, int] = {}
        for (code, _), (of, amount) in self.approved.items():
            if of == year:
                found[code, of] = found.get((code, of), 0) + min(amount, CAP)
        return {key: amount for key, amount in found.items() if amount}

    def carried(self, year: int) -> int:
        """What the year before left."""
        before = self.years.get(year - 1)
        if before is None or before.stage != "closed":
            return 0
        return before.available - sum(before.paid.values())

    def brought(self, year: int) -> dict[Key, int]:
        """What closed years bring into a year: accepted adjustments, and what was taken off."""
        found: dict[Key, int] = {}
        for key, into, amount in self.accepted:
            if into == year:
                found[key] = found.get(key, 0) + amount
        before = self.years.get(year - 1)
        if before is not None and before.stage == "closed":
            for key, gross in before.gross.items():
                if gross > before.paid[key]:
                    found[key] = found.get(key, 0) + gross - before.paid[key]
        return found

    def budget(self, year: int) -> int:
        """What there is to divide."""
        found = self.years[year]
        return found.available if found.stage == "closed" else found.appropriation + self.carried(year)

    def lines(self, year: int) -> dict[Key, int]:
        """What shares a year's budget now, or was frozen."""
        if self.closed(year):
            return self.years[year].gross
        found = self.earned(year)
        for key, amount in self.brought(year).items():
            found[key] = found.get(key, 0) + amount
        return found

    def basis(self, year: int) -> tuple[object, ...]:
        """What a list depends on beside the facts: it must be the same when the year is closed."""
        return (self.years[year].appropriation, self.carried(year), sorted(self.brought(year).items()))

    def propose(self, year: int, by: str) -> None:
        found = self.years[year]
        found.gross, found.available = self.lines(year), self.budget(year)
        found.paid = divided(found.gross, found.available)
        found.stage, found.proposer, found.upheld = "proposed", by, False
        found.divided_over = self.basis(year)

    def may_close(self, year: int, by: str) -> bool:
        found = self.years[year]
        resolved = all(done for _, done in found.objections.values())
        fair = self.role(by) == "reviewer" and by != found.proposer
        over = found.stage == "published" and self.today > found.until
        return fair and over and resolved and not found.upheld and found.divided_over == self.basis(year)

    def close(self, year: int) -> None:
        found = self.years[year]
        found.stage = "closed"
        for (code, _), amount in found.paid.items():
            account = found.accounts.setdefault(code, Account(0))
            account.payable += amount

    def missing(self, key: Key) -> int:
        """What late facts add to an award of a closed year, or take from it."""
        settled = sum(
            found.gross.get(key, 0)
            for year, found in self.years.items()
            if year == key[1] and self.closed(year)
        )
        since = sum(amount for of, _, amount in self.accepted if of == key)
        return self.earned(key[1]).get(key, 0) - settled - since

    def publish(self, year: int) -> None:
        found = self.years[year]
        found.stage, found.until = "published", self.today + timedelta(days=NOTICE_DAYS - 1)
