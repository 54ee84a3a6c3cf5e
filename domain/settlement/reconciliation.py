"""A year's payments beside what the bank booked: every payment and every entry in one class, to the fen.

A payment's end-to-end id leads from an entry to it. A debit is money that went to the enterprise, a
later credit under the same id is that money coming back. Entries are facts: which of them come first, or
come twice, changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """How a payment, or an entry of no payment, stands."""

    MATCHED = "matched"
    """Made, and booked once as ordered."""
    UNDER_WAY = "under-way"
    """Ordered; the bank has neither answered nor booked it."""
    FAILED = "failed"
    """Failed, and not booked."""
    RETURNED = "returned"
    """Failed, and what was booked came back."""
    NOT_BOOKED = "not-booked"
    """Made, as the bank said, yet in no statement."""
    BOOKED_UNTOLD = "booked-untold"
    """Booked as ordered, yet no result of it is recorded."""
    RETURNED_UNTOLD = "returned-untold"
    """Booked and come back, which is not recorded as failed."""
    FAILED_YET_BOOKED = "failed-yet-booked"
    """Failed, as the bank said, yet booked and not come back."""
    AMOUNT_DIFFERS = "amount-differs"
    """Booked by another amount than was ordered."""
    BOOKED_TWICE = "booked-twice"
    """Booked more often than it came back and once."""
    UNEXPLAINED = "unexplained"
    """An entry of no payment of the year, in another currency, or that contradicts another one."""


AGREED = frozenset({Kind.MATCHED, Kind.UNDER_WAY, Kind.FAILED, Kind.RETURNED})
"""Where ledger and bank say the same; everything else is somebody's work."""


KIND_WORDS: Mapping[Kind, tuple[str, str]] = {
    Kind.MATCHED: ("相符", "matched"),
    Kind.UNDER_WAY: ("已下达，银行未办", "ordered, under way"),
    Kind.FAILED: ("失败，未记账", "failed, not booked"),
    Kind.RETURNED: ("已退回", "come back"),
    Kind.NOT_BOOKED: ("未达：已登记付出，对账单无记账", "recorded as paid, not booked"),
    Kind.BOOKED_UNTOLD: ("已记账，未登记", "booked, not recorded"),
    Kind.RETURNED_UNTOLD: ("已退回，未登记", "come back, not recorded"),
    Kind.FAILED_YET_BOOKED: ("登记为失败，却已记账", "recorded as failed, yet booked"),
    Kind.AMOUNT_DIFFERS: ("金额不符", "amount differs"),
    Kind.BOOKED_TWICE: ("重复记账", "booked twice"),
    Kind.UNEXPLAINED: ("未说明", "unexplained"),
}
"""Each class in Chinese and English."""


class StatementEntry(NamedTuple):
    """One entry of a bank statement; ``booked_on`` is a day in Asia/Shanghai, the amount above zero."""

    account: str
    reference: str
    """The bank's own (AcctSvcrRef), or the statement's id and the entry's number."""
    booked_on: str
    amount_fen: int
    currency: str
    is_debit: bool
    payment: str = ""
    """The end-to-end id; empty where the bank gives none."""
    batch: str = ""
    reason: str = ""
    """Why it came back, in the bank's words."""

    @property
    def identity(self) -> tuple[str, str, str, bool]:
        """What makes two of them one; one booking of a batch has an entry for each payment."""
        return self.account, self.reference, self.payment, self.is_debit

    @property
    def net_fen(self) -> int:
        """What went out by it: below zero where money came in."""
        return self.amount_fen if self.is_debit else -self.amount_fen


class StatementFile(NamedTuple):
    """A statement as it came: which file (SHA-256, hex), of which accounts, and what was booked."""

    digest: str
    entries: tuple[StatementEntry, ...]
    recorded_by: str = ""
    """Who brought it to the year before; empty where nobody did."""

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts that it is of, in order."""
        return tuple(sorted({entry.account for entry in self.entries}))

    @property
    def days(self) -> tuple[str, str]:
        """The days of its first and last booking, both empty where it has none."""
        days = [entry.booked_on for entry in self.entries]
        return min(days, default=""), max(days, default="")


class PaymentStanding(NamedTuple):
    """One payment as the ledger has it: ``ordered``, ``made`` or ``failed``, in fen."""

    payment: str
    """By the name that the bank's file gave it."""
    batch: str
    enterprise: str
    amount_fen: int
    status: str
    remark: str = ""
    """The bank's reference, or its reason."""
    failed_on: str = ""
    """The day in Asia/Shanghai on which it is recorded as failed; empty where it is not."""

    @property
    def told_fen(self) -> int:
        """What of it is recorded as paid."""
        return self.amount_fen if self.status == "made" else 0


class Reconciled(NamedTuple):
    """A payment with its entries, or an entry that belongs to none (``payment`` is ``None``)."""

    kind: Kind
    payment: PaymentStanding | None
    entries: tuple[StatementEntry, ...]

    @property
    def ordered_fen(self) -> int:
        """What was ordered."""
        return self.payment.amount_fen if self.payment else 0

    @property
    def told_fen(self) -> int:
        """What is recorded as paid."""
        return self.payment.told_fen if self.payment else 0

    @property
    def booked_fen(self) -> int:
        """What the bank booked, less what came back."""
        return sum(entry.net_fen for entry in self.entries)


class KindSum(NamedTuple):
    """What one class comes to: how many, and fen."""

    number: int = 0
    ordered_fen: int = 0
    told_fen: int = 0
    booked_fen: int = 0

    def plus(self, line: Reconciled) -> KindSum:
        """The sum with one more."""
        return KindSum(
            self.number + 1,
            self.ordered_fen + line.ordered_fen,
            self.told_fen + line.told_fen,
            self.booked_fen + line.booked_fen,
        )


class Reconciliation(NamedTuple):
    """Every payment and every entry once, and what each class comes to."""

    lines: tuple[Reconciled, ...]
    sums: Mapping[Kind, KindSum]

    @property
    def total(self) -> KindSum:
        """What all classes come to."""
        return KindSum(*(sum(column) for column in zip(KindSum(), *self.sums.values(), strict=True)))

    @property
    def open_lines(self) -> tuple[Reconciled, ...]:
        """Those that somebody must look into."""
        return tuple(line for line in self.lines if line.kind not in AGREED)


def reconcile(
    payments: Iterable[PaymentStanding], entries: Iterable[StatementEntry], currency: str = "CNY"
) -> Reconciliation:
    """A year's payments beside entries of statements, in the order of payments and then of entries.

    Raises:
        ArithmeticError: where the classes do not come to both sides.
    """
    by_payment = {payment.payment: payment for payment in payments}
    entries_by_payment: dict[str, list[StatementEntry]] = {name: [] for name in by_payment}
    unclaimed = list[StatementEntry]()
    booked = dict[tuple[str, str, str, bool], StatementEntry]()
    distinct = sorted(set(entries), key=_in_order)
    for entry in distinct:
        contradicts = booked.setdefault(entry.identity, entry) != entry
        if entry.payment in entries_by_payment and entry.currency == currency and not contradicts:
            entries_by_payment[entry.payment].append(entry)
        else:
            unclaimed.append(entry)
    lines = [
        Reconciled(_kind(payment, entries_by_payment[name]), payment, tuple(entries_by_payment[name]))
        for name, payment in by_payment.items()
    ]
    lines += [Reconciled(Kind.UNEXPLAINED, None, (entry,)) for entry in unclaimed]
    sums = dict.fromkeys(Kind, KindSum())
    for line in lines:
        sums[line.kind] = sums[line.kind].plus(line)
    reconciliation = Reconciliation(tuple(lines), sums)
    _must_add_up(reconciliation, by_payment.values(), distinct)
    return reconciliation


def _in_order(entry: StatementEntry) -> tuple[object, ...]:
    return (entry.booked_on, not entry.is_debit, *entry)


def _kind(payment: PaymentStanding, entries: list[StatementEntry]) -> Kind:
    debits = [entry.amount_fen for entry in entries if entry.is_debit]
    credits_ = [entry.amount_fen for entry in entries if not entry.is_debit]
    if any(fen != payment.amount_fen for fen in (*debits, *credits_)) or len(credits_) > len(debits):
        return Kind.AMOUNT_DIFFERS
    standing = len(debits) - len(credits_)
    if standing > 1:
        return Kind.BOOKED_TWICE
    if standing == 1:
        return _BOOKED[payment.status]
    return _RETURNED[payment.status] if debits else _ABSENT[payment.status]


class UntoldStep(NamedTuple):
    """What an entry says of a payment that the ledger was not told: ``made`` or ``failed``."""

    status: str
    payment: PaymentStanding
    entry: StatementEntry
    remark: str
    """The bank's reference where it is the payment's own, else the payment's name; or why it came back."""


def find_untold(reconciliation: Reconciliation) -> list[UntoldStep]:
    """The steps that statements confirm, in the order of booking; of what contradicts there is none.

    A debit that was booked by the day of the failure is the very money that failed: only one booked after
    that day says that the payment arrived. Until the money is seen coming back, the line stays open.
    """
    users: dict[str, set[str]] = {}
    for line in reconciliation.lines:
        for entry in line.entries:
            users.setdefault(entry.reference, set()).add(entry.payment)
    steps = list[UntoldStep]()
    for line in reconciliation.lines:
        payment = line.payment
        if payment is None or line.kind not in _UNTOLD:
            continue
        debit = next(entry for entry in reversed(line.entries) if entry.is_debit)
        if debit.booked_on <= payment.failed_on:
            continue
        if payment.status != "made":
            reference = debit.reference if len(users[debit.reference]) == 1 else payment.payment
            steps.append(UntoldStep("made", payment, debit, reference))
        if line.kind is Kind.RETURNED_UNTOLD:
            credit = next(entry for entry in reversed(line.entries) if not entry.is_debit)
            steps.append(UntoldStep("failed", payment, credit, credit.reason or credit.reference))
    return sorted(steps, key=lambda step: (step.entry.booked_on, step.status == "failed"))


_UNTOLD = frozenset({Kind.BOOKED_UNTOLD, Kind.RETURNED_UNTOLD, Kind.FAILED_YET_BOOKED})
_BOOKED = {"made": Kind.MATCHED, "ordered": Kind.BOOKED_UNTOLD, "failed": Kind.FAILED_YET_BOOKED}
_RETURNED = {"made": Kind.RETURNED_UNTOLD, "ordered": Kind.RETURNED_UNTOLD, "failed": Kind.RETURNED}
_ABSENT = {"made": Kind.NOT_BOOKED, "ordered": Kind.UNDER_WAY, "failed": Kind.FAILED}


def _must_add_up(
    reconciliation: Reconciliation,
    payments: Iterable[PaymentStanding],
    entries: Iterable[StatementEntry],
) -> None:
    ordered = stated = 0
    for payment in payments:
        ordered, stated = ordered + payment.amount_fen, stated + payment.told_fen
    booked = sum(entry.net_fen for entry in entries)
    total = reconciliation.total
    if (total.ordered_fen, total.told_fen, total.booked_fen) != (ordered, stated, booked):
        raise ArithmeticError(f"classes come to {total}; payments {ordered}, {stated}, entries {booked} fen")
