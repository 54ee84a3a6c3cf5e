"""A policy as values: what ``domain.policy.load`` reads out of a file.

Money is fen (or US cents where a measure says ``USD``); a percentage is an exact number of
ten-thousandths (``85 %`` is 8500). Dates are ``YYYY-MM-DD`` text in the policy's time zone.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from dataclasses import field as field_of

from domain.money.amounts import FOREIGN
from domain.money.dividing import GROUP
from domain.vocabulary.kinds import CurrencyBy
from domain.vocabulary.load import shipped_vocabulary

Words = dict[str, str]  # the same words by language: ``zh`` and ``en``


@dataclass(frozen=True, slots=True)
class Reading:
    """A choice that the text leaves open, with its value and the others that a what-if may try."""

    id: str
    value: str
    options: dict[str, Words]
    basis: str
    why: Words
    open: str


@dataclass(frozen=True, slots=True)
class Clause:
    """A closing clause, which binds every measure."""

    id: str
    quote: str
    en: str


@dataclass(frozen=True, slots=True)
class Select:
    """Which facts count: events of these kinds whose fields have one of the values.

    Where another field says the currency, as the channel of sales does, all its values with this one count.
    """

    facts: tuple[str, ...]
    where: dict[str, tuple[str, ...]] = field_of(default_factory=dict)
    currency: str = "CNY"
    field: str = ""
    groups: tuple[tuple[int, tuple[str, ...]], ...] = field_of(default=(), init=False, compare=False)
    """For reports of a year: (place in the event's group, values that count), worked out once."""
    foreign: str = field_of(default="", init=False, compare=False)
    """The currency where it is one that reports are kept apart by."""
    width: int = field_of(default=1, init=False, compare=False)
    """How many parts the key of such a report has: its group, a foreign currency, the year."""

    def __post_init__(self) -> None:
        kind = shipped_vocabulary().kinds.get(self.facts[0])
        for rule in kind.rules if kind and self.currency not in FOREIGN else ():
            if isinstance(rule, CurrencyBy) and rule.by not in self.where:
                fits = tuple(value for value, code in rule.currencies.items() if code == self.currency)
                object.__setattr__(self, "where", {**self.where, rule.by: fits})
        group = kind.group if kind else ()
        places = [(group.index(name), values) for name, values in self.where.items() if name in group]
        object.__setattr__(self, "groups", tuple(places))
        object.__setattr__(self, "foreign", self.currency if self.currency in FOREIGN else "")
        object.__setattr__(self, "width", len(group) + (2 if self.foreign else 1))

    @property
    def fact(self) -> str:
        """The kind of event, where there is one."""
        return self.facts[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One row of the policy. ``readings`` are the ids of the readings that it rests on."""

    id: str
    article: str
    title: Words
    quote: str
    lead: str
    kind: str
    readings: tuple[str, ...] = ()
    stacks_with: tuple[str, ...] = ()
    funds: str = "inside"
    """``inside`` the budget, or ``outside``: paid in full from other funds."""
    approvals_from: tuple[str, ...] = ()
    """The sources that may decide its claims from outside; none: those that the policy names."""

    @property
    def reads(self) -> frozenset[str]:
        """The kinds of event that this row counts; with none of them, and no claim, it gives nothing."""
        selects = (getattr(self, each.name) for each in fields(self))
        return frozenset(name for select in selects if isinstance(select, Select) for name in select.facts)

    @property
    def cap_fen(self) -> int | None:
        """The most that one approved claim may carry; ``None`` where the policy names none."""
        return None

    def exceeds_cap(self, amount_fen: int) -> bool:
        """Whether an amount is more than one approved claim may carry: the rule for every door."""
        return self.cap_fen is not None and amount_fen > self.cap_fen

    @property
    def takes_claims(self) -> bool:
        """Whether an officer's approved claim bears on this award."""
        return False


@dataclass(frozen=True, slots=True)
class Nets:
    """Another measure whose award for the same thing is set off under the ``difference`` rule."""

    measure: str
    same: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed(Measure):
    """A fixed sum, ``once`` for an ``enterprise``, for each ``year`` or for each ``item``."""

    earns: Select
    amount: int
    once: str
    nets: Nets | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PerUnit(Measure):
    """A sum for each new item (``earns``) or each ``unit`` of an amount (``counted_on``), capped."""

    unit_amount: int
    earns: Select | None = None
    counted_on: Select | None = None
    unit: int = 1
    parts: str = "whole"
    """``whole`` units of the amount only, or parts of a unit ``pro-rata``."""
    cap: int | None = None
    cap_per: str = "year"


@dataclass(frozen=True, slots=True)
class Tier:
    """A threshold and what it gives: fen, or ten-thousandths of a growth."""

    start: int
    gives: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiered(Measure):
    """A sum by the tier that an amount reaches; ``later_tier`` says what a second tier pays."""

    counted_on: Select
    tiers: tuple[Tier, ...]
    later_tier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentage(Measure):
    """A percentage (``rate``, ten-thousandths) of an amount from a threshold on, capped."""

    counted_on: Select
    threshold: int
    rate: int
    cap: int | None
    claims: str

    @property
    def cap_fen(self) -> int | None:
        """The cap of the award is the cap of its claim."""
        return self.cap

    @property
    def takes_claims(self) -> bool:
        """An approved claim may carry less than the full percentage."""
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthShare(Measure):
    """A share of the growth of a yearly figure over the mean of earlier years."""

    counted_on: Select
    sales: Select
    shares: tuple[Tier, ...]
    base_years: int
    award_years: int
    first_year: str
    share_by: str
    history: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Discretionary(Measure):
    """An approved claim carries the amount; the policy caps each item, or names no cap.

    ``proposes`` are facts that already earn it: a claim is proposed for each (免申即享).
    """

    cap: int | None
    proposes: Select | None = None

    @property
    def cap_fen(self) -> int | None:
        """The cap of one item."""
        return self.cap

    @property
    def takes_claims(self) -> bool:
        """There is no award without a claim."""
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpaid(Measure):
    """A target, a recognition or a pointer to another policy: nothing from this budget."""

    earns: Select | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A yearly goal of the city: a count, or an amount in fen."""

    id: str
    measure: str
    title: Words
    counts: str
    counted_on: Select
    goal: int
    threshold: int = 0


@dataclass(frozen=True, slots=True)
class DisagreementRule:
    """Which facts disagree (``domain.disagreements.matters``), and what then: ``note`` or ``hold``.

    ``tolerance`` is in ten-thousandths, ``times`` a whole factor.
    """

    id: str
    kind: str
    fact: str
    then: str
    same: tuple[str, ...] = ()
    field: str = ""
    tolerance: int = 0
    times: int = 0


@dataclass(frozen=True, slots=True)
class SamePerson:
    """Parted duties (``domain.authority.duties``) that one person may hold, and why."""

    duties: str
    reason: Words


@dataclass(frozen=True, slots=True)
class Procedure:
    """How a year is settled. Days are calendar days in the policy's time zone."""

    notice_days: int = 7
    """How long the list is published for objections (公示期)."""
    appeal_days: int = 15
    """How long after a rejection the enterprise may appeal."""
    claims_until: str | None = None
    """``MM-DD`` of the following year by which a year's claims must be in; ``None``: no deadline."""
    unspent: str = "lapses"
    """What a closed year leaves of its budget: it ``lapses``, or goes to the ``next-year``."""
    reductions: str = "final"
    """What pro-rata took off: ``final``, or carried as an award of the ``next-year``."""
    mask: tuple[str, ...] = ("person",)
    """What the published list masks: a ``person``'s name, the middle of a credit ``code``."""
    same_person: tuple[SamePerson, ...] = ()
    """Duties that one person may hold in a year; all others are parted."""
    bars: tuple[str, ...] = ()  # kinds of open matters over which nobody takes a step


@dataclass(frozen=True, slots=True)
class NamedBudget:
    """One of several budgets: what it pays is said by town or by measure."""

    id: str
    name: Words
    amount: int
    towns: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    rest: bool = False
    """Whether it pays what no other names: other towns, also where none is known; other measures."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of a policy file, with its readings in place."""

    id: str
    version: int
    digest: str
    effective_from: str
    title: Words
    number: str
    issued: str
    issuer: str
    repeals: tuple[str, ...]
    authority: str
    timezone: str
    life_from: str
    life_until: str | None
    budget: int
    """Fen of a period; of several budgets, all of them."""
    budget_per: str
    currency: str
    """What everything is paid in; amounts are in its hundredths."""
    inclusive: bool
    reports: str
    rounding: str
    highest_only_authorities: tuple[str, ...]
    highest_only: str
    pro_rata: str
    clauses: tuple[Clause, ...]
    readings: dict[str, Reading]
    measures: dict[str, Measure]
    targets: dict[str, Target]
    general_readings: tuple[str, ...]
    """Readings that bear on every award of this policy."""
    procedure: Procedure = Procedure()
    disagreements: tuple[DisagreementRule, ...] = ()
    approvals_from: tuple[str, ...] = ()
    """The sources that may decide claims from outside, where a measure names none; none: nobody may."""
    amendments_from: tuple[str, ...] = ()
    """The sources that may correct and retract what other sources said."""
    budgets: tuple[NamedBudget, ...] = ()
    """The budgets by name, where there are several."""
    priorities: tuple[tuple[str, ...], ...] = ()
    """Groups of measures in the order in which a budget pays them; none: all share it alike."""

    @property
    def half_up(self) -> bool:
        """Whether a division is rounded to the nearest fen, half up; else down."""
        return self.rounding == "half-up"

    def clause(self, clause_id: str) -> Clause:
        """The closing clause of that id."""
        return next(clause for clause in self.clauses if clause.id == clause_id)

    def period_of(self, year: int) -> str:
        """The budget period that an award year belongs to."""
        return str(year) if self.budget_per == "year" else "life"

    @property
    def divides(self) -> bool:
        """Whether there are several pots: named budgets, or groups of measures."""
        return bool(self.budgets or self.priorities)

    @property
    def by_town(self) -> bool:
        """Whether an enterprise's town says which budget pays it."""
        return any(each.towns for each in self.budgets)

    @property
    def amounts(self) -> dict[str, int]:
        """Fen by named budget; under ``""`` where there is one."""
        return {each.id: each.amount for each in self.budgets} or {"": self.budget}

    @property
    def pots(self) -> list[str]:
        """Every pot (``domain.money.dividing``) that pays some measure, in order of payment."""
        groups = [f"{GROUP}{place}" for place in range(1, len(self.priorities) + 1)] or [""]
        pots = [f"{budget}{group}" for budget in sorted(self.amounts) for group in groups]
        return [pot for pot in pots if self.measures_of(pot)] if self.divides else pots

    def measures_of(self, pot: str) -> list[str]:
        """The measures that a pot pays, in the policy's order."""
        budget, _, group = pot.partition(GROUP)
        names = [each.id for each in self.measures.values() if not isinstance(each, Unpaid)]
        if group:
            first = self.priorities[int(group) - 1] if int(group) <= len(self.priorities) else ()
            names = [each for each in names if each in first]
        if self.budgets and not self.by_town:
            names = [each for each in names if self._budget_of(each, "") == budget]
        return names

    def pot_of(self, measure: str, town: str) -> str:
        """The pot that pays a measure's award to an enterprise of a town (``""``: none is known)."""
        group = next((n for n, of in enumerate(self.priorities, start=1) if measure in of), 0)
        return self._budget_of(measure, town) + (f"{GROUP}{group}" if group else "")

    def _budget_of(self, measure: str, town: str) -> str:
        for budget in self.budgets:
            if measure in budget.measures or (town and town in budget.towns):
                return budget.id
        return next((each.id for each in self.budgets if each.rest), "")
