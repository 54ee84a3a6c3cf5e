"""History step by step: each event, what it changed, and the balance after it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from domain.events import account_id, is_enterprise
from domain.events.accounts import AccountEvent
from domain.events.amendments import Amendment
from domain.events.event import key_of
from domain.events.second_person.requests import AwardChange
from domain.facts.folding import EnterpriseFacts, fold
from domain.policy.rulebook import Rulebook
from domain.rules.awards import Awards
from domain.rules.evaluation import awards_of
from domain.settlement.accounts import Account
from ledger.policies.versions import rulebooks
from ledger.projections.enterprises import outcomes_of
from ledger.reading.accounts import AccountSums, sums_of_account
from ledger.store.rows import Rows
from ledger.store.stored_events import SELECT, Stored, events_of, stored


class Change(NamedTuple):
    """What one event changed of one award, in fen."""

    policy: str
    year: int
    measure: str
    gross_before: int
    gross_after: int
    withheld_before: int
    withheld_after: int


def compare_awards(
    before: EnterpriseFacts, after: EnterpriseFacts, books: dict[str, Rulebook]
) -> Iterator[AwardChange]:
    """The awards of an enterprise that other facts would change, by policy, year and measure."""
    old, new = outcomes_of(before, books), outcomes_of(after, books)
    for policy in sorted(old.keys() | new.keys()):
        old_awards = old[policy].awards if policy in old else {}
        new_awards = new[policy].awards if policy in new else {}
        for year in sorted(old_awards.keys() | new_awards.keys()):
            was, becomes = old_awards.get(year, {}), new_awards.get(year, {})
            for measure in sorted(was.keys() | becomes.keys()):
                fen = [awards[measure].gross if measure in awards else 0 for awards in (was, becomes)]
                if fen[0] != fen[1]:
                    yield AwardChange(policy, year, measure, *fen)


class Movement(NamedTuple):
    """What one event moved in an enterprise's account of a closed year."""

    policy: str
    year: int
    before: AccountSums
    after: AccountSums


@dataclass(frozen=True, slots=True)
class HistoryStep:
    """An event about an enterprise or its account, or a version of a policy that came into the ledger."""

    event: Stored
    changes: tuple[Change, ...]
    awards: dict[str, Awards]
    """The awards after it, by policy; not to be changed."""
    movement: Movement | None = None
    """Of an event of an account."""


@dataclass(slots=True)
class RulesOverTime:
    """The adopted policies as the ledger knew them at each position."""

    rows: Rows
    positions: list[int] = field(default_factory=list)
    books: dict[int, dict[str, Rulebook]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        policy_rows = self.rows.all("SELECT position FROM policies ORDER BY position")
        self.positions = [row[0] for row in policy_rows]

    def rulebooks_at(self, position: int) -> dict[str, Rulebook]:
        """The rulebooks at a position."""
        count = sum(1 for each in self.positions if each <= position)
        if count not in self.books:
            self.books[count] = rulebooks(self.rows, position)
        return self.books[count]


def steps_of(rows: Rows, code: str, until: int, rules: RulesOverTime | None = None) -> Iterator[HistoryStep]:
    """Every step of one enterprise's history up to a position, in order of recording."""
    rules = rules or RulesOverTime(rows)
    events = events_of(rows, code, until)
    if not events:
        return
    first = events[0].position
    adopted = [position for position in rules.positions if first < position <= until]
    state, facts, keys = EnterpriseFacts(), [], set[str]()
    before: dict[str, Awards] = {}
    accounts = Accounts()
    others = _policy_events(rows, adopted) + account_events(rows, code, until)
    for event in sorted(events + others, key=lambda each: each.position):
        if event.originator.startswith("account:"):
            yield HistoryStep(event, (), before, accounts.take(event))
            continue
        if is_enterprise(event.originator):
            facts.append(event.fact)
            keys.add(event.fact.key)
            content = event.fact.content
            known = isinstance(content, Amendment) and key_of(content.of_source, content.of) in keys
            if not state.add(event.fact, known=known):
                state = fold(facts)
        after = {
            policy: awards_of(state, book) for policy, book in rules.rulebooks_at(event.position).items()
        }
        yield HistoryStep(event, tuple(changes_between(before, after)), after)
        before = after


class Accounts:
    """Accounts folded event by event."""

    def __init__(self) -> None:
        self.held: dict[str, Account] = {}

    def take(self, event: Stored) -> Movement:
        """Count one event of an account; what it moved."""
        content = event.fact.content
        assert isinstance(content, AccountEvent)
        account = self.held.setdefault(event.originator, Account())
        before = sums_of_account(account)
        account.apply(content)
        return Movement(content.policy, content.year, before, sums_of_account(account))


def account_events(rows: Rows, code: str, until: int, policy: str | None = None) -> list[Stored]:
    """The events of an enterprise's accounts (under one policy) up to a position, in no order."""
    years = rows.all("SELECT policy, year FROM settlements WHERE stage='closed'")
    wanted = [account_id(of, year, code) for of, year in years if policy in (None, of)]
    sql = f"{SELECT} WHERE originator_id IN ({{}}) ORDER BY originator_id, originator_version"
    return [event for event in map(stored, rows.all_in(sql, wanted)) if event.position <= until]


def _policy_events(rows: Rows, positions: list[int]) -> list[Stored]:
    return [stored(rows.all(f"{SELECT} WHERE rowid=?", [position])[0]) for position in positions]


def changes_between(before: dict[str, Awards], after: dict[str, Awards]) -> Iterator[Change]:
    """What differs between two states of an enterprise's awards, in a fixed order."""
    for policy in sorted(before.keys() | after.keys()):
        was_years, now_years = before.get(policy, {}), after.get(policy, {})
        for year in sorted(was_years.keys() | now_years.keys()):
            was_year, now_year = was_years.get(year, {}), now_years.get(year, {})
            for measure in sorted(was_year.keys() | now_year.keys()):
                was, now = was_year.get(measure), now_year.get(measure)
                sums = (was.gross if was else 0, now.gross if now else 0)
                withheld_fen = (was.withheld if was else 0, now.withheld if now else 0)
                if sums[0] != sums[1] or withheld_fen[0] != withheld_fen[1]:
                    yield Change(policy, year, measure, *sums, *withheld_fen)
