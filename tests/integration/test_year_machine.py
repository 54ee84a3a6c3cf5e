"""Settlements in any order of steps that hypothesis can think of, against a naive model."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.authority.roles import Actor, NotAllowed
from domain.events.claims import ClaimSubmitted
from ledger.claims import desk
from ledger.export.books import books_of
from ledger.intake.inbox import ingest
from ledger.policies.versions import adopt_policy, set_budget
from ledger.replay.comparison import replay
from ledger.settlement import adjusting, paying, proposing
from ledger.settlement.paying import Ordered, Result, StepsRefused
from ledger.store.application import open_ledger
from tests import acknowledging
from tests import answers as queries
from tests.events import CIXI, CIXI_TEXT, Feed
from tests.integration.bureau import fen
from tests.integration.year_model import APPEAL_DAYS, BUREAU, CAP, Claim, Model, divided
from tests.lengths import length_of

TEXT = (
    CIXI_TEXT.replace("unspent-budget:\n    value: lapses", "unspent-budget:\n    value: next-year")
    .replace("reductions:\n    value: final", "reductions:\n    value: next-year")
    .replace("claims_until: null", 'claims_until: "06-30"')
)
MEASURE = "standard.cixi"
YEARS = (2024, 2025)
FEEDS = {feed.code: feed for feed in map(Feed, (1, 2, 3))}
CODES = sorted(FEEDS)
PEOPLE = [*BUREAU, *(f"clerk {code}" for code in CODES)]
EXAMPLES = length_of("SUBSIDY_TEST_MACHINE")
STAGES = ("open", "published", "closed", "ordered", "paid")

people, codes, years = st.sampled_from(PEOPLE), st.sampled_from(CODES), st.sampled_from(YEARS)
officers, reviewers = st.sampled_from(["Lin", "Gao"]), st.sampled_from(["Shen", "Wu"])
mostly_officers, mostly_reviewers = officers | officers | people, reviewers | reviewers | people
mostly_finance = st.just("Qian") | st.just("Qian") | people
amounts = st.integers(0, CAP + 2)
items = st.sampled_from(["a", "b"])
numbers = st.integers(0, 999)

_folder = Path(tempfile.mkdtemp(prefix="year-machine-"))
_begun = _folder / "begun.db"


def begun() -> Path:
    """A ledger with the policy, made once."""
    if not _begun.exists():
        ledger = open_ledger(str(_begun), clock=lambda: datetime(2024, 1, 2, tzinfo=UTC))
        adopt_policy(ledger, TEXT)
        ledger.close()
    return _begun


def person(name: str) -> Actor:
    """Somebody as the ledger knows him."""
    if name in BUREAU:
        return Actor(name, frozenset({BUREAU[name]}))
    return Actor(name, frozenset({"enterprise"}), name.removeprefix("clerk "))


class Years(RuleBasedStateMachine):
    """Every step is allowed or refused as the model says, and leaves the amounts that it says."""

    def __init__(self) -> None:
        super().__init__()
        self.path = Path(tempfile.mkdtemp(dir=_folder)) / "ledger.db"
        shutil.copy(begun(), self.path)
        self.now = datetime(2025, 5, 6, 2, tzinfo=UTC)
        self.ledger = open_ledger(str(self.path), clock=lambda: self.now)
        self.model = Model(self.now.date(), CODES, YEARS)
        self.upstream: dict[tuple[str, str], tuple[str, int, int]] = {}
        self.count = 0
        self.frozen: dict[int, Any] = {}

    def teardown(self) -> None:
        """Delete the ledger."""
        self.ledger.close()
        shutil.rmtree(self.path.parent)

    def takes(self, allowed: bool, step: Callable[[], Any]) -> Any:
        """A step that the model allows or does not; what it gives back."""
        refused: Exception | None = None
        found = None
        try:
            found = step()
        except (NotAllowed, StepsRefused) as error:
            refused = error
        assert allowed == (refused is None), refused or found
        return found

    def next(self) -> int:
        """A number of its own."""
        self.count += 1
        return self.count

    # --- facts, time, money -------------------------------------------------------------------

    @initialize(
        stage=st.sampled_from(STAGES),
        budget=st.integers(0, 6_000_000),
        facts=st.lists(st.tuples(codes, st.integers(1, CAP)), min_size=1, max_size=4),
    )
    def begin(self, stage: str, budget: int, facts: list[tuple[str, int]]) -> None:
        """Set out from one of the stages of 2024."""
        self.budget(2024, budget)
        for code, amount in facts:
            self.fact(code, 2024, amount)
        wanted = STAGES.index(stage)
        if wanted >= 1:
            self.propose("Lin", 2024)
            self.publish("Lin", 2024)
        if wanted >= 2:
            self.advance(8)
            self.close("Shen", 2024)
        if wanted >= 3:
            self.order("Qian", 2024, None)
        if wanted >= 4:
            for number in range(3):
                self.result("Qian", number, "made", 0, "R")

    @rule(days=st.integers(1, 12))
    def advance(self, days: int) -> None:
        self.now += timedelta(days=days)
        self.model.today = self.now.date()

    @rule(code=codes, year=years, amount=st.integers(1, CAP))
    def fact(self, code: str, year: int, amount: int) -> None:
        """An upstream's approval, which may come late."""
        item = f"upstream {self.next()}"
        yuan = f"{amount // 100}.{amount % 100:02d}"
        feed = FEEDS[code]
        raw = feed.send("claim-approved", policy=CIXI, measure=MEASURE, item=item, claim=item, year=year,
                        amount=yuan, currency="CNY")  # fmt: skip
        [result] = ingest(self.ledger, [raw], "tests")
        assert result.status == "accepted"
        self.model.approved[code, item] = (year, amount)
        self.upstream[code, item] = (feed.last, year, amount)

    @precondition(lambda self: self.upstream)
    @rule(number=numbers)
    def retract(self, number: int) -> None:
        code, item = sorted(self.upstream)[number % len(self.upstream)]
        event_id, _, _ = self.upstream.pop((code, item))
        [result] = ingest(self.ledger, [FEEDS[code].retract(event_id, "claim-approved")], "tests")
        assert result.status == "accepted"
        del self.model.approved[code, item]

    @rule(year=years, amount=st.integers(0, 6_000_000))
    def budget(self, year: int, amount: int) -> None:
        found = self.model.years[year]
        same = found.appropriation == amount
        allowed = not self.model.closed(year)
        if same:
            return
        self.takes(allowed, lambda: set_budget(self.ledger, CIXI, str(year), amount))
        if allowed:
            found.appropriation = amount

    # --- claims -------------------------------------------------------------------------------

    @rule(by=people, code=codes, year=years, item=items, amount=st.none() | amounts)
    def submit(self, by: str, code: str, year: int, item: str, amount: int | None) -> None:
        model = self.model
        held = [each for (of, _), each in model.claims.items() if of == code and each.item == item]
        allowed = model.role(by, code) in ("officer", "enterprise") and not model.closed(year)
        allowed &= not any(each.status not in ("rejected", "withdrawn") for each in held)
        allowed &= model.today <= date(year + 1, 6, 30) and (amount is None or 0 < amount <= CAP)
        name = f"C{self.next()}"
        asked = {"claim": name, "policy": CIXI, "measure": MEASURE, "item": item, "year": year}
        asked |= {"amount_fen": amount, "currency": None if amount is None else "CNY"}
        if self.takes(
            allowed,
            lambda: desk.submit(self.ledger, code, person(by), msgspec.convert(asked, ClaimSubmitted)),
        ):
            model.claims[code, name] = Claim(year, item, {by})

    def chosen(self, number: int) -> tuple[str, str, Claim]:
        """One of the claims."""
        key = sorted(self.model.claims)[number % len(self.model.claims)]
        return (*key, self.model.claims[key])

    @precondition(lambda self: self.model.claims)
    @rule(by=mostly_officers, number=numbers, amount=amounts)
    def review(self, by: str, number: int, amount: int) -> None:
        code, name, claim = self.chosen(number)
        allowed = self.model.role(by) == "officer" and claim.status in ("submitted", "appealed")
        allowed &= by not in claim.parties | claim.barred and 0 < amount <= CAP
        allowed &= not self.model.closed(claim.year)
        if self.takes(allowed, lambda: desk.review(self.ledger, code, CIXI, name, person(by), amount, "o")):
            claim.status, claim.recommended, claim.first = "reviewed", amount, by

    @precondition(lambda self: self.model.claims)
    @rule(by=mostly_reviewers, number=numbers, amount=st.none() | st.none() | amounts)
    def approve(self, by: str, number: int, amount: int | None) -> None:
        code, name, claim = self.chosen(number)
        given = claim.recommended if amount is None else amount
        allowed = self.model.role(by) == "reviewer" and claim.status == "reviewed"
        allowed &= by not in claim.parties | claim.barred | {claim.first}
        allowed &= 0 < given <= claim.recommended and not self.model.closed(claim.year)
        allowed &= (code, claim.item) not in self.model.approved
        if self.takes(allowed, lambda: desk.approve(self.ledger, code, CIXI, name, person(by), amount)):
            claim.status = "approved"
            self.model.approved[code, claim.item] = (claim.year, given)

    @precondition(lambda self: self.model.claims)
    @rule(by=mostly_reviewers, number=numbers)
    def reject(self, by: str, number: int) -> None:
        code, name, claim = self.chosen(number)
        allowed = self.model.role(by) in ("officer", "reviewer") and not self.model.closed(claim.year)
        allowed &= claim.status in ("submitted", "reviewed", "appealed")
        allowed &= by not in claim.parties | claim.barred
        allowed &= not (claim.status == "reviewed" and by == claim.first)
        if self.takes(allowed, lambda: desk.reject(self.ledger, code, CIXI, name, person(by), "r")):
            claim.barred |= {by} | ({claim.first} if claim.first else set())
            claim.status, claim.first, claim.rejected = "rejected", None, self.model.today

    @precondition(lambda self: self.model.claims)
    @rule(by=people, number=numbers, appeals=st.booleans())
    def withdraw_or_appeal(self, by: str, number: int, appeals: bool) -> None:
        code, name, claim = self.chosen(number)
        allowed = self.model.role(by, code) in ("officer", "enterprise") and not self.model.closed(claim.year)
        if appeals:
            last = claim.rejected and claim.rejected + timedelta(days=APPEAL_DAYS)
            allowed &= claim.status == "rejected" and last is not None and self.model.today <= last
            step: Callable[[], Any] = lambda: desk.appeal(self.ledger, code, CIXI, name, person(by), "r")  # noqa: E731
        else:
            allowed &= claim.status in ("submitted", "reviewed", "appealed")
            step = lambda: desk.withdraw(self.ledger, code, CIXI, name, person(by))  # noqa: E731
        if self.takes(allowed, step):
            claim.status = "appealed" if appeals else "withdrawn"
            claim.parties |= {by} if appeals else set()

    # --- the settlement -----------------------------------------------------------------------

    @rule(by=mostly_officers, year=years)
    def propose(self, by: str, year: int) -> None:
        allowed = self.model.role(by) == "officer" and not self.model.closed(year)
        if self.takes(allowed, lambda: acknowledging.propose(self.ledger, CIXI, year, person(by))):
            self.model.propose(year, by)

    @rule(by=mostly_officers, year=years)
    def publish(self, by: str, year: int) -> None:
        allowed = self.model.role(by) == "officer" and self.model.years[year].stage == "proposed"
        if self.takes(allowed, lambda: acknowledging.publish(self.ledger, CIXI, year, person(by))):
            self.model.publish(year)

    @rule(by=people, year=years, code=st.none() | codes)
    def object_(self, by: str, year: int, code: str | None) -> None:
        found = self.model.years[year]
        allowed = self.model.role(by, code) in ("officer", "enterprise") and found.stage == "published"
        allowed &= self.model.today <= found.until
        state = self.takes(
            allowed, lambda: proposing.raise_objection(self.ledger, CIXI, year, person(by), code, "r")
        )
        if state:
            found.objections[list(state.objections)[-1]] = (by, False)

    @precondition(lambda self: any(year.objections for year in self.model.years.values()))
    @rule(by=mostly_reviewers, number=numbers, outcome=st.sampled_from(["upheld", "dismissed"]))
    def resolve(self, by: str, number: int, outcome: str) -> None:
        every = [(year, name) for year in YEARS for name in self.model.years[year].objections]
        year, name = every[number % len(every)]
        found = self.model.years[year]
        raised_by, resolved = found.objections[name]
        allowed = self.model.role(by) == "reviewer" and not self.model.closed(year)
        allowed &= not resolved and by != raised_by
        if self.takes(
            allowed,
            lambda: proposing.resolve_objection(self.ledger, CIXI, year, person(by), name, outcome, "r"),
        ):
            found.objections[name] = (raised_by, True)
            found.upheld |= outcome == "upheld"

    @rule(by=mostly_reviewers, year=years)
    def close(self, by: str, year: int) -> None:
        allowed = self.model.may_close(year, by)
        if self.takes(allowed, lambda: acknowledging.close(self.ledger, CIXI, year, person(by))):
            self.model.close(year)

    @rule(
        year=years,
        by=reviewers,
        days=st.sampled_from([6, 7, 7]),
        between=st.sampled_from(["nothing", "nothing", "budget", "adjustment", "fact", "other year"]),
    )
    def settle(self, year: int, by: str, days: int, between: str) -> None:
        """All the way to a closing, objections dismissed; something may come between."""
        if self.model.closed(year):
            return
        for name, (raised_by, resolved) in list(self.model.years[year].objections.items()):
            if not resolved and raised_by != by:
                every = [(of, each) for of in YEARS for each in self.model.years[of].objections]
                self.resolve(by, every.index((year, name)), "dismissed")
        self.propose("Lin", year)
        self.publish("Gao", year)
        if between == "budget":
            self.budget(year, self.model.years[year].appropriation // 2 + 1)
        elif between == "fact":
            self.fact(CODES[0], year, 1)
        elif between == "adjustment":
            self.fact_that_is_late(CODES[0], 100)
        elif between == "other year" and year == 2025:
            self.settle(2024, by, 7, "nothing")
        self.advance(days)
        self.close(by, year)

    @rule(code=codes, amount=st.integers(1, CAP))
    def fact_that_is_late(self, code: str, amount: int) -> None:
        """A fact of 2024, and where that is closed what it adds is accepted into 2025."""
        self.fact(code, 2024, amount)
        self.adjust("Lin", code, 2024, 2025, 0)
        self.adjust("Lin", code, 2024, 2025, 0)

    @rule(
        code=codes,
        year=years,
        item=items,
        by=mostly_officers,
        first=mostly_officers,
        second=mostly_reviewers,
        rejects=mostly_reviewers,
        appeals=st.booleans(),
    )
    def decide(
        self,
        code: str,
        year: int,
        item: str,
        by: str,
        first: str,
        second: str,
        rejects: str,
        appeals: bool,
    ) -> None:
        """A claim all the way, each step by whoever comes; a rejection in between may be appealed."""
        before = set(self.model.claims)
        self.submit(by, code, year, item, None)
        for name in sorted(set(self.model.claims) - before):
            number = sorted(self.model.claims).index(name)
            self.review(first, number, 100_000)
            if appeals:
                self.reject(rejects, number)
                self.withdraw_or_appeal(by, number, True)
                self.review("Gao" if first == "Lin" else "Lin", number, 90_000)
                self.approve(rejects, number, None)
            self.approve(second, number, None)

    @rule(by=mostly_officers, code=codes, year=years, into=years, off=st.sampled_from([0, 0, 0, 1]))
    def adjust(self, by: str, code: str, year: int, into: int, off: int) -> None:
        model = self.model
        missing = model.missing((code, year)) if model.closed(year) else 1
        amount = max(0, missing + off)
        allowed = model.role(by) == "officer" and model.closed(year) and into > year
        allowed &= not model.closed(into) and amount == missing and missing > 0
        if self.takes(
            allowed,
            lambda: adjusting.accept(
                self.ledger, CIXI, year, code, MEASURE, into, person(by), amount, f"r{self.next()}"
            ),
        ):
            model.accepted.append(((code, year), into, amount))

    # --- payments -----------------------------------------------------------------------------

    @rule(by=mostly_finance, year=years, some=st.none() | st.lists(codes, min_size=1))
    def order(self, by: str, year: int, some: list[str] | None) -> None:
        found = self.model.years[year]
        due = {
            code: rest
            for code, each in found.accounts.items()
            if (rest := each.payable - each.sum_of("made") - each.sum_of("ordered")) > 0
            and (some is None or code in some)
        }
        allowed = self.model.role(by) == "finance" and self.model.closed(year) and bool(due)
        made = self.takes(
            allowed, lambda: acknowledging.order_payments(self.ledger, CIXI, year, person(by), some)
        )
        if made:
            found.batches += 1
            assert made == Ordered(f"{year}-{found.batches:03d}", len(due), sum(due.values()), "CNY")
            for code, amount in due.items():
                found.accounts[code].payments[f"{made.batch}-{code}"] = ("ordered", amount, "")

    def payments(self) -> list[tuple[int, str, str]]:
        """Every payment: year, code, number."""
        return [
            (year, code, payment)
            for year in YEARS
            for code, account in sorted(self.model.years[year].accounts.items())
            for payment in account.payments
        ]

    @precondition(lambda self: self.payments())
    @rule(
        by=mostly_finance,
        number=numbers,
        status=st.sampled_from(["made", "made", "failed"]),
        more=st.sampled_from([0, 0, 0, 0, 1, -1]),
        said=st.sampled_from(["R", "S"]),
    )
    def result(self, by: str, number: int, status: str, more: int, said: str) -> None:
        if not (every := self.payments()):
            return
        year, code, payment = every[number % len(every)]
        account = self.model.years[year].accounts[code]
        said = f"{said} {payment}"
        before, amount, _ = account.payments[payment]
        told = f"{self.model.today} {said}"
        if more == 0 and (status, told) in account.heard.get(payment, ()):
            known = paying.record_results(
                self.ledger, CIXI, year, person("Qian"),
                [Result(payment, status, amount, str(self.model.today), said)],
            )  # fmt: skip
            assert known == (0, 1)
            return
        allowed = self.model.role(by) == "finance" and more == 0
        if status == "made":
            left = account.payable - account.sum_of("made") - account.sum_of("ordered")
            allowed &= before == "ordered" or (before == "failed" and amount <= left)
        else:
            allowed &= before == "ordered" or (
                before == "made" and account.clawed <= account.sum_of("made") - amount
            )
        said_of = [Result(payment, status, max(0, amount + more), str(self.model.today), said)]
        if self.takes(allowed, lambda: paying.record_results(self.ledger, CIXI, year, person(by), said_of)):
            account.payments[payment] = (status, amount, told)
            account.heard.setdefault(payment, set()).add((status, told))

    @rule(by=mostly_officers, year=years, code=codes, amount=st.integers(0, CAP), all_=st.booleans())
    def claw_back(self, by: str, year: int, code: str, amount: int, all_: bool) -> None:
        account = self.model.years[year].accounts.get(code)
        left = account.sum_of("made") - account.clawed if account else 0
        amount = left + (amount % 2) if all_ else amount
        allowed = self.model.role(by) == "officer" and self.model.closed(year) and 0 < amount <= left
        if (
            self.takes(
                allowed,
                lambda: paying.claw_back(
                    self.ledger, CIXI, year, code, person(by), amount, f"r{self.next()}"
                ),
            )
            and account
        ):
            account.clawbacks.append([amount, 0])

    @rule(
        by=mostly_finance,
        year=years,
        code=codes,
        number=numbers,
        amount=st.integers(0, CAP),
        all_=st.booleans(),
    )
    def recover(self, by: str, year: int, code: str, number: int, amount: int, all_: bool) -> None:
        account = self.model.years[year].accounts.get(code)
        held = account.clawbacks if account else []
        index = number % (len(held) + 1)
        due = held[index][0] - held[index][1] if index < len(held) else 0
        amount = due + (amount % 2) if all_ else amount
        allowed = self.model.role(by) == "finance" and 0 < amount <= due
        name, today, bank = f"{year}-{code}-{index + 1:02d}", str(self.model.today), f"R{self.next()}"
        if self.takes(
            allowed,
            lambda: paying.recover(self.ledger, CIXI, year, code, person(by), name, amount, today, bank),
        ):
            held[index][1] += amount

    # --- what always holds --------------------------------------------------------------------

    @invariant()
    def amounts_are_the_models(self) -> None:
        for year in YEARS:
            found, lines = self.model.years[year], self.model.lines(year)
            paid = found.paid if self.model.closed(year) else divided_now(self.model, year)
            with self.ledger.store.reading() as rows:
                said = queries.budget(self.ledger, rows, CIXI, year)
                assert said["stage"] == found.stage
                assert fen(said["available"]) == self.model.budget(year)
                assert fen(said["gross"]) == fen(said["sharing"]) == sum(lines.values())
                assert fen(said["payable"]) == sum(paid.values()) <= self.model.budget(year)
                known = {row[0] for row in rows.all("SELECT code FROM enterprises")}
                for code in sorted(known):
                    balance = queries.balance(self.ledger, rows, code, CIXI, year)
                    mine = sum(amount for (of, _), amount in paid.items() if of == code)
                    assert fen(balance["payable"]) == mine
                    self._account(year, code, balance)
                listed = rows.all(
                    "SELECT code, award_year, gross, payable FROM settlement_lines WHERE policy=? AND year=?",
                    [CIXI, year],
                )
                assert {(code, of): (gross, payable) for code, of, gross, payable in listed} == {
                    key: (gross, found.paid[key]) for key, gross in found.gross.items()
                }

    def _account(self, year: int, code: str, balance: dict[str, Any]) -> None:
        account = self.model.years[year].accounts.get(code)
        made, ordered = (account.sum_of("made"), account.sum_of("ordered")) if account else (0, 0)
        clawed = account.clawed if account else 0
        back = sum(each[1] for each in account.clawbacks) if account else 0
        names = ("paid", "ordered", "clawed_back", "recovered")
        assert tuple(fen(balance[name]) for name in names) == (made, ordered, clawed, back)
        assert made + ordered <= (account.payable if account else 0)
        assert back <= clawed <= made

    @invariant()
    def adjustments_are_the_models(self) -> None:
        for year in YEARS:
            if self.model.closed(year):
                with self.ledger.store.reading() as rows:
                    said = {each.code: each.amount for each in adjusting.pending(rows, CIXI, year)}
                missing = {code: self.model.missing((code, year)) for code in CODES}
                assert said == {code: amount for code, amount in missing.items() if amount}

    @invariant()
    def postings_sum_to_zero_and_a_closed_year_is_frozen(self) -> None:
        for year in YEARS:
            with self.ledger.store.reading() as rows:
                books = books_of(self.ledger, rows, CIXI, year)
                posted = [posting for each in books.transactions() for posting in each.postings]
                assert sum(posting.fen for posting in posted) == 0
                assert sum(p.fen for p in posted if p.account.startswith("assets:treasury")) >= 0
                if self.model.closed(year):
                    said = queries.budget(self.ledger, rows, CIXI, year)
                    now = json.dumps({**said, "position": 0})
                    assert self.frozen.setdefault(year, now) == now

    @invariant()
    def a_replay_gives_the_same(self) -> None:
        assert replay(self.ledger, ":memory:").differences == ()


def divided_now(model: Model, year: int) -> dict[tuple[str, int], int]:
    """What an open year would pay."""
    return divided(model.lines(year), model.budget(year))


TestYears = Years.TestCase
TestYears.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=25,
    deadline=None,
    derandomize="SUBSIDY_TEST_MACHINE" not in os.environ,
    suppress_health_check=list(HealthCheck),
)
