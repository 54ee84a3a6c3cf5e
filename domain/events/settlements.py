"""The steps of a year's settlement; the originator is ``"settlement:" + policy + ":" + year``."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from domain.events.content import Content, StoredValues


class BudgetPart(NamedTuple):
    """What a named budget brought into a division, in fen; stored as an array in this order."""

    name: str
    appropriation_fen: int
    carried_fen: int
    spent_fen: int


class PotShare(NamedTuple):
    """How one pot (``domain.money.dividing``) is divided; stored as an array in this order.

    The cut is the last remainder that still gets a fen, as decimal text, and its key.
    """

    pot: str
    budget_fen: int
    sharing_fen: int
    payable_fen: int
    cut_remainder: str
    cut_key: tuple[str, ...]


class MeasureSum(NamedTuple):
    """What a closed year awards under one measure, in fen; stored as an array in this order."""

    award_year: int
    measure: str
    gross_fen: int
    withheld_fen: int
    payable_fen: int
    enterprises: int


class SettlementEvent(Content, frozen=True, kw_only=True):
    """A step of a year's settlement; ``actor`` is the officer who took it."""

    aggregate_topic: ClassVar[str] = "domain.settlement.streams:SettlementYear"
    policy: str
    year: int
    actor: str


class SettlementProposed(SettlementEvent, frozen=True, kw_only=True):
    """The exact apportionment of what the ledger knew at position ``known``, in fen.

    ``budget_fen`` is what there is to divide, ``sharing_fen`` what shares it; the two and the
    cut (the last remainder that still gets a fen, and its key) decide every payment.
    Where a policy has several pots, each has its own in ``pots``, and ``budgets`` has the named
    budgets; both are empty where there is one.
    ``lines_digest`` is of the list (``domain.settlement.year.line_bytes``).
    """

    class_version: ClassVar[int] = 2
    number: int
    known: int
    appropriation_fen: int
    carried_fen: int
    spent_fen: int
    budgets: tuple[BudgetPart, ...]
    budget_fen: int
    sharing_fen: int
    cut_remainder: str
    cut_key: tuple[str, ...]
    pots: tuple[PotShare, ...]
    gross_fen: int
    withheld_fen: int
    payable_fen: int
    outside_fen: int
    awards: int
    enterprises: int
    lines_digest: str

    @staticmethod
    def upcast_v1_v2(state: StoredValues) -> None:
        """Version 1 knew one budget a period."""
        state.update(budgets=[], pots=[])


class SettlementPublished(SettlementEvent, frozen=True, kw_only=True):
    """The proposed list was published for objections (公示), both days included.

    ``list_root`` (hex) is the Merkle root over the ``list_lines`` lines of the list as anyone may
    see it (``domain.settlement.public_list``). Stored version 1 had neither.
    """

    class_version: ClassVar[int] = 2
    number: int
    lines_digest: str
    from_day: str
    until_day: str
    list_root: str | None = None
    list_lines: int | None = None

    @staticmethod
    def upcast_v1_v2(state: StoredValues) -> None:
        """Read a version 1 state: the list as seen had no root."""
        state["list_root"] = None
        state["list_lines"] = None


class ObjectionStep(SettlementEvent, frozen=True, kw_only=True):
    """A step of an objection, by its number."""

    objection: str


class ObjectionRaised(ObjectionStep, frozen=True, kw_only=True):
    """Somebody objects to the published list; ``enterprise`` is the one that it is about."""

    enterprise: str | None
    raised_by: str
    reason: str


class ObjectionResolved(ObjectionStep, frozen=True, kw_only=True):
    """An objection was ``upheld`` (the list must be proposed again) or ``dismissed``."""

    outcome: str
    reason: str


class SettlementClosed(SettlementEvent, frozen=True, kw_only=True):
    """The published list is final: each enterprise's part is an ``AwardsSettled`` just before this.

    ``log_size`` and ``log_root`` (hex) are the log's checkpoint just before the closing;
    ``budgets`` and ``pots`` are the proposal's.
    """

    class_version: ClassVar[int] = 2
    number: int
    lines_digest: str
    known: int
    first_position: int
    appropriation_fen: int
    carried_fen: int
    spent_fen: int
    budget_fen: int
    sharing_fen: int
    cut_remainder: str
    cut_key: tuple[str, ...]
    payable_fen: int
    outside_fen: int
    awards: int
    enterprises: int
    measures: tuple[MeasureSum, ...]
    log_size: int
    log_root: str
    budgets: tuple[BudgetPart, ...]
    pots: tuple[PotShare, ...]

    @staticmethod
    def upcast_v1_v2(state: StoredValues) -> None:
        """Version 1 knew one budget a period."""
        state.update(budgets=[], pots=[])


OPEN_KINDS = (
    *("overpayment", "clawback-excess", "clawback-due", "payment-unanswered", "payment-failed"),
    *("adjustment", "disagreement", "claim", "objection", "waiting", "refusal"),
)
"""The kinds of matters that may be open; ``domain.settlement.open_matters`` says what each is."""


class OpenItem(NamedTuple):
    """One thing that nobody has dealt with; stored as an array in this order.

    ``reference`` is its own number or id, ``amount_fen`` what it is about, in fen (0 where that is no money
    or not known), ``since`` the day (Asia/Shanghai) since when, ``positions`` the events that it rests on.
    What does not apply is empty, a year 0.
    """

    enterprise: str
    year: int
    measure: str
    reference: str
    amount_fen: int
    since: str
    positions: tuple[int, ...]


class OpenMatter(NamedTuple):
    """All open things of one kind; stored as an array in this order.

    ``digest`` (hex) is over all of them, ``items`` are those with most money
    (``domain.settlement.open_matters``).
    """

    kind: str
    item_count: int
    amount_fen: int
    since: str
    digest: str
    items: tuple[OpenItem, ...]


class OpenMattersAcknowledged(SettlementEvent, frozen=True, kw_only=True):
    """Who takes a ``step`` says that these matters are open, and why it is taken all the same.

    It stands just before the step's own events, in one transaction with them; ``digest`` (hex) is of
    the list that was shown.
    """

    step: str
    matters: tuple[OpenMatter, ...]
    digest: str
    reason: str


class BankStatementRecorded(SettlementEvent, frozen=True, kw_only=True):
    """A statement of the bank was brought to a closed year, and what it confirms recorded.

    Nothing of the statement is kept but what it was: ``digest`` (SHA-256 of the file, hex), its
    ``accounts``, the days (Asia/Shanghai) of its first and last booking, both empty where it has none,
    and how many entries it has.
    """

    digest: str
    accounts: tuple[str, ...]
    from_day: str
    until_day: str
    entry_count: int


def settlement_id(policy: str, year: int) -> str:
    """The originator of a year's settlement."""
    return f"settlement:{policy}:{year}"
