"""Policies and budgets in the ledger: adopting a version, setting a budget, reading them back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.authority.roles import Actor, NotAllowed
from domain.events.event import NOBODY, Attribution
from domain.events.second_person.requests import AdoptPolicy, SetBudget
from domain.events.speaking import attribute_step
from domain.faults.fault import FaultArgs
from domain.money.amounts import Amount, print_fen
from domain.money.dividing import budget_period
from domain.policy.changes import Changes, known_changes
from domain.policy.faults import PolicyError, PolicyFault
from domain.policy.load import digest_of, load_adopted, load_policy
from domain.policy.model import Policy
from domain.policy.record import PolicyRecord, policy_id_of
from domain.policy.rulebook import NoRules, Rulebook
from domain.policy.source import line_in
from domain.settlement.figures import BudgetMove, moved_of
from domain.settlement.steps import must_be_open
from ledger.projections.closings import closings, settlement_of
from ledger.projections.enterprises import project_all
from ledger.store.application import Ledger
from ledger.store.moments import Moment
from ledger.store.rows import Rows, read_row
from ledger.store.streams import load_stream, save_streams
from ledger.waiting.second_person import require_second_person, writing_step


class UnknownPolicy(LookupError):
    """The ledger holds no policy of that id."""


class UnknownPeriod(ValueError):
    """A policy has no such budget: ``called`` is what was asked for, ``known`` which ones there are."""

    def __init__(self, policy: str, called: str, periods: Sequence[str]) -> None:
        self.policy, self.called, self.known = policy, called[:40], ", ".join(periods)
        super().__init__(self.words("en"))

    def words(self, language: str) -> str:
        """Rule and mend on one line, in ``zh`` or ``en``."""
        if language == "zh":
            return f"政策 {self.policy} 没有预算期 {self.called} — 可用：{self.known}"
        return f"{self.policy} has no budget period {self.called} — use one of: {self.known}"


@dataclass(frozen=True, slots=True)
class Budget:
    """The budget of one period, in fen, and where it comes from."""

    period: str
    amount: int
    """What there is to divide: the appropriation, and what is carried, less what is spent."""
    position: int | None
    """Position of the BudgetSet event; ``None`` where the policy file's own figure holds."""
    carried: int = 0
    """What the year before left, where the policy carries it over (reading ``unspent-budget``)."""
    spent: int = 0
    """What closed years of the same period have taken: more than nothing in a ``life`` budget only."""
    parts: tuple[tuple[str, Budget], ...] = ()
    """The named budgets that it consists of, where there are several (their period is theirs)."""

    @property
    def amounts(self) -> dict[str, int]:
        """Fen to divide by named budget; under ``""`` where there is one."""
        return {name: each.amount for name, each in self.parts} or {"": self.amount}

    @property
    def appropriation(self) -> int:
        """What the policy or the bureau set for the period."""
        return self.amount - self.carried + self.spent


_texts: dict[str, Policy] = {}
"""Loaded policy files by digest; a file never changes under its digest."""


def _loaded(document: str, digest: str, changes: Changes | None = None) -> Policy:
    if changes is not None:
        return replace(load_adopted(document, known_changes(document, changes)), digest=digest)
    if digest not in _texts:
        _texts[digest] = load_adopted(document)
    return _texts[digest]


def rulebooks(
    rows: Rows, until: int | None = None, changes: dict[str, Changes] | None = None
) -> dict[str, Rulebook]:
    """Every policy's versions as the ledger knew them at a position (by default, now).

    ``changes`` (by policy) are a what-if's; they apply to every version.
    """
    versions: dict[str, list[Policy]] = {}
    sql = "SELECT policy, digest, position FROM policies WHERE position<=? ORDER BY policy, version"
    for policy, digest, position in rows.all(sql, [2**62 if until is None else until]):
        changed = (changes or {}).get(policy)
        if changed is not None or digest not in _texts:
            document = rows.all("SELECT document FROM policies WHERE position=?", [position])[0][0]
            loaded = _loaded(document, digest, changed)
        else:
            loaded = _texts[digest]
        versions.setdefault(policy, []).append(loaded)
    for policy, changed in (changes or {}).items():
        _refuse_unknown(rows, policy, changed)
    return {policy: _book(versions_of_policy) for policy, versions_of_policy in versions.items()}


def _refuse_unknown(rows: Rows, policy: str, changes: Changes) -> None:
    """A change that no version has is a slip, and said in the words of the latest version."""
    texts = [
        row[0] for row in rows.all("SELECT document FROM policies WHERE policy=? ORDER BY version", [policy])
    ]
    known_in_versions = [known_changes(text, changes) for text in texts]
    readings = {
        n: v for n, v in changes.readings.items() if not any(n in each.readings for each in known_in_versions)
    }
    figures = {
        n: v for n, v in changes.figures.items() if not any(n in each.figures for each in known_in_versions)
    }
    if texts and (readings or figures):
        load_adopted(texts[-1], Changes(readings, figures))


_books: dict[tuple[int, ...], Rulebook] = {}


def _book(versions: list[Policy]) -> Rulebook:
    """One rulebook for one list of versions, so that what it has worked out is kept."""
    key = tuple(id(version) for version in versions)
    if not all(_texts.get(version.digest) is version for version in versions):
        return Rulebook(versions)
    return _books.setdefault(key, Rulebook(versions))


def rulebook(
    rows: Rows,
    policy: str,
    until: int | None = None,
    rules_as_of: str | None = None,
    changes: Changes | None = None,
) -> Rulebook:
    """One policy's versions.

    Raises:
        UnknownPolicy: where the ledger did not hold the policy at that position.
        NoRules: where no version was in force by the day ``rules_as_of``.
    """
    book = rulebooks(rows, until, {policy: changes} if changes else None).get(policy)
    if book is None:
        policies = [row[0] for row in rows.all("SELECT DISTINCT policy FROM policies ORDER BY policy")]
        raise UnknownPolicy(f"{policy}; known: {', '.join(policies) or 'none'}")
    return book.in_force_by(rules_as_of) if rules_as_of else book


def rulebook_at(rows: Rows, policy: str, at: Moment, changes: Changes | None = None) -> Rulebook:
    """One policy's versions as a moment asks for them: known by then, in force by then, or as edited.

    Raises:
        UnknownPolicy, NoRules; PolicyError: for an edited file that cannot be used, or is another policy's.
    """
    if at.rules is None:
        return rulebook(rows, policy, at.until, at.rules_as_of, changes)
    edited = load_policy(at.rules, changes)
    if edited.id != policy:
        args = {"edited": edited.id, "policy": policy}
        raise PolicyError([PolicyFault(1, "id", "policy.other-policy", args)])
    adopted = rulebooks(rows, at.until).get(policy)
    other_versions = [each for each in adopted.versions if each.version != edited.version] if adopted else []
    book = Rulebook([*other_versions, edited])
    return book.in_force_by(at.rules_as_of) if at.rules_as_of else book


def budget_of(rows: Rows, book: Rulebook, year: int, until: int | None = None) -> Budget:
    """The budget of the period that an award year belongs to, as known at a position."""
    governing = book.of_year(year)
    period = governing.period_of(year)
    sql = (
        "SELECT amount, position FROM budgets WHERE policy=? AND period=? AND position<=? "
        "ORDER BY position DESC LIMIT 1"
    )
    moved = moved_of(book, year, closings(rows, book.id, until))
    parts = []
    for name, file_fen in governing.amounts.items():
        key = budget_period(period, name)
        row = read_row(rows, sql, [book.id, key, 2**62 if until is None else until])
        appropriation, position = (int(row[0]), row[1]) if row else (file_fen, None)
        carried, spent = moved.get(name, BudgetMove())
        parts.append((name, Budget(key, appropriation + carried - spent, position, carried, spent)))
    return whole_budget(period, parts)


def whole_budget(period: str, parts: list[tuple[str, Budget]]) -> Budget:
    """The budget of a period from its named budgets; where there is one without a name, that."""
    if [name for name, _ in parts] == [""]:
        return parts[0][1]
    budgets = [each for _, each in parts]
    positions = [each.position for each in budgets if each.position is not None]
    return Budget(
        period,
        sum(each.amount for each in budgets),
        max(positions, default=None),
        sum(each.carried for each in budgets),
        sum(each.spent for each in budgets),
        tuple(parts),
    )


def adopt_policy(ledger: Ledger, document: str, actor: Actor | None = None) -> tuple[Policy, bool]:
    """Adopt a version of a policy file; every award under the policy is computed anew.

    Adopting the same file again changes nothing, whatever is checked since.

    Args:
        actor: who adopts it; none for what the ledger itself makes up, such as the sample.

    Returns:
        the policy, and whether it is new to the ledger.

    Raises:
        PolicyError: for a file that is wrong, or that does not follow the adopted versions.
        NotAllowed: where it would hold in a year that is closed.
        SecondPersonNeeded: where another person must confirm it.
    """
    with ledger.store.reading() as rows:
        is_adopted = rows.all("SELECT 1 FROM policies WHERE digest=?", [digest_of(document)])
    policy = load_adopted(document) if is_adopted else load_policy(document)
    with writing_step(ledger) as rows:
        adopted = rows.all(
            "SELECT version, digest, effective_from FROM policies WHERE policy=? ORDER BY version",
            [policy.id],
        )
        if any(digest == policy.digest for _, digest, _ in adopted):
            return policy, False
        before = rulebooks(rows).get(policy.id)
        _check_succession(policy, document, before)
        closed = [year for year in closings(rows, policy.id) if policy.effective_from <= f"{year}-12-31"]
        if closed:
            raise NotAllowed("policy.closed-year", "effective_from", year=max(closed))
        if actor is not None:
            request = AdoptPolicy(
                policy=policy.id,
                version=policy.version,
                effective_from=policy.effective_from,
                document=document,
                adopted=len(adopted),
            )
            actor = require_second_person(ledger, rows, actor, request)
        attribution, now = _attribution(actor, "policy.adopt"), ledger.clock()
        record = load_stream(rows, PolicyRecord, policy_id_of(policy.id), now)
        record.adopt_version(policy.version, policy.digest, policy.effective_from, document, now, attribution)
        position = save_streams(rows, [record], now)[-1].position
        rows.run(
            "INSERT INTO policies VALUES (?,?,?,?,?,?)",
            [policy.id, policy.version, policy.digest, policy.effective_from, position, document],
        )
        project_all(rows, rulebooks(rows), position)
    return policy, True


def _attribution(actor: Actor | None, step: str) -> Attribution:
    return NOBODY if actor is None else attribute_step(actor, step)


def _check_succession(policy: Policy, document: str, before: Rulebook | None) -> None:
    """A new version comes after the adopted ones, and its measures stay of their kind."""
    if before is None:
        return
    faults = []
    last = before.latest
    highest = max(version.version for version in before.versions)
    if policy.version != highest + 1:
        args: FaultArgs = {"version": highest, "next": highest + 1}
        faults.append(PolicyFault(line_in(document, "version"), "version", "policy.version-order", args))
    if policy.effective_from < last.effective_from:
        line, args = line_in(document, "effective_from"), {"day": last.effective_from}
        faults.append(PolicyFault(line, "effective_from", "policy.effective-early", args))
    for index, measure in enumerate(policy.measures.values()):
        earlier = last.measures.get(measure.id)
        if earlier and earlier.kind != measure.kind:
            args = {"kind": earlier.kind, "version": last.version}
            line, field = line_in(document, "measures", index, "kind"), f"measures/{measure.id}/kind"
            faults.append(PolicyFault(line, field, "policy.kind-changed", args))
    faults += _of_the_whole(policy, document, last)
    if faults:
        raise PolicyError(faults)


def _of_the_whole(policy: Policy, document: str, last: Policy) -> list[PolicyFault]:
    """What a new version changes that the policy has as a whole: its life, its currency, its budgets."""
    faults = []
    if policy.life_from != last.life_from and policy.effective_from > min(policy.life_from, last.life_from):
        args: FaultArgs = {
            "now": policy.life_from,
            "then": last.life_from,
            "version": last.version,
            "day": min(policy.life_from, last.life_from),
        }
        faults.append(PolicyFault(line_in(document, "life", "from"), "life/from", "policy.life-moved", args))
    if policy.currency != last.currency:
        args = {"now": policy.currency, "then": last.currency, "version": last.version}
        line = line_in(document, "budget", "currency")
        faults.append(PolicyFault(line, "budget/currency", "policy.currency-changed", args))
    for name in last.amounts:
        if name not in policy.amounts:
            args = {"name": name or "amount", "version": last.version}
            line = line_in(document, "budget", "parts")
            faults.append(PolicyFault(line, "budget/parts", "policy.budget-gone", args))
    return faults


def set_budget(
    ledger: Ledger,
    policy: str,
    period: str,
    amount: int,
    event_id: str | None = None,
    actor: Actor | None = None,
) -> Budget:
    """Set the budget of a period, in fen. Setting the same figure again changes nothing.

    Of several budgets each is set by itself: the period and its name, ``2026.east``.

    Raises:
        UnknownPolicy: where the policy is not adopted.
        UnknownPeriod: where the policy has no such period, or not within its life.
        NotAllowed: where the period is closed, or its closed years have taken more.
        SecondPersonNeeded: where another person must confirm it.
    """
    called = period
    period, _, name = called.partition(".")
    is_year = re.fullmatch("2[01][0-9]{2}", period)
    with writing_step(ledger) as rows:
        book = rulebook(rows, policy)
        year = int(period) if is_year and book.covers_year(int(period)) else _first_open(rows, book)
        budget = budget_of(rows, book, year)
        now = budget if not budget.parts else dict(budget.parts).get(name)
        if book.period_of(year) != period or now is None or (name and not budget.parts):
            raise UnknownPeriod(policy, called, _periods(book, budget))
        if now.position is not None and now.appropriation == amount:
            return now
        if is_year:
            must_be_open(settlement_of(rows, policy, year))
        if amount < now.spent:
            spent = Amount(now.spent, book.latest.currency)
            raise NotAllowed("budget.spent", "amount", spent=spent)
        if actor is not None:
            request = SetBudget(
                policy=policy,
                period=called,
                amount_fen=amount,
                currency=book.latest.currency,
                before_fen=now.appropriation,
                before_position=now.position,
            )
            actor = require_second_person(ledger, rows, actor, request)
        named = event_id or f"{called}:{print_fen(amount)}:{now.position or 0}"
        moment = ledger.clock()
        record = load_stream(rows, PolicyRecord, policy_id_of(policy), moment)
        record.set_budget(
            called, amount, book.latest.currency, named, moment, _attribution(actor, "budget.set")
        )
        position = save_streams(rows, [record], moment)[-1].position
        rows.run("INSERT INTO budgets VALUES (?,?,?,?)", [policy, called, position, str(amount)])
        after = budget_of(rows, book, year)
        return dict(after.parts).get(name, after)


def _periods(book: Rulebook, budget: Budget) -> list[str]:
    """What budgets may be set: those of a period, and where a year has its own, the last year's too."""
    periods = [each.period for _, each in budget.parts] or [budget.period]
    last = book.life_until[:4]
    if budget.period == "life":
        return periods
    return [*periods, "…" if last == "9999" else f"… {last}"]


def _first_open(rows: Rows, book: Rulebook) -> int:
    """The first year that is not closed: what closed years took of a budget for life is all spent for it."""
    closed = closings(rows, book.id)
    year = int(book.life_from[:4])
    while year in closed:
        year += 1
    return year


__all__ = [
    "Budget",
    "NoRules",
    "UnknownPolicy",
    "adopt_policy",
    "budget_of",
    "rulebook",
    "rulebooks",
    "set_budget",
]
