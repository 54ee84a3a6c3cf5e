"""What of a year and the years before it is open: found, summed up by kind, and known by a digest.

``ledger.settlement.open_matters`` finds it in a ledger, ``services.verify`` in a bundle's events; both call
the functions here. What is open stops no step by itself: who takes one says that they know of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from domain.events.accounts import (
    AccountEvent,
    ClawbackOrdered,
    ClawbackRecovered,
    PaymentFailed,
    PaymentMade,
    PaymentOrdered,
)
from domain.events.settlements import OpenItem, OpenMatter

ITEMS_MAX = 20
"""Most things of one kind that a matter names; its digest is over all."""


class KindWords(NamedTuple):
    """What a kind of open matter is called."""

    zh: str
    en: str


OVERPAYMENT, CLAWBACK_EXCESS, CLAWBACK_DUE = "overpayment", "clawback-excess", "clawback-due"
PAYMENT_UNANSWERED, PAYMENT_FAILED, ADJUSTMENT = "payment-unanswered", "payment-failed", "adjustment"
DISAGREEMENT, CLAIM, OBJECTION = "disagreement", "claim", "objection"
WAITING, REFUSAL = "waiting", "refusal"
KINDS: dict[str, KindWords] = {
    OVERPAYMENT: KindWords("多付的资金尚未下达追回", "paid too much, and not ordered back"),
    CLAWBACK_EXCESS: KindWords("追回的金额超过多付的金额", "clawed back more than was paid too much"),
    CLAWBACK_DUE: KindWords("已下达追回，尚未收回", "ordered back, and not recovered"),
    PAYMENT_UNANSWERED: KindWords(
        "已下达拨付，银行尚无回执", "ordered to be paid, without the bank's answer"
    ),
    PAYMENT_FAILED: KindWords("拨付未成功，尚未重新下达", "failed, and not ordered again"),
    ADJUSTMENT: KindWords("应补付的调整尚未接受", "adjustments that are not accepted"),
    DISAGREEMENT: KindWords("不一致的数据尚未决定", "facts that disagree, undecided"),
    CLAIM: KindWords("申报尚未办结", "claims that are not decided"),
    OBJECTION: KindWords("异议尚未处理", "objections that nobody has resolved"),
    WAITING: KindWords("已提出的办理尚待第二人确认", "steps that wait for a second person"),
    REFUSAL: KindWords("退回的数据尚未处理", "refused messages that nobody has settled"),
}
"""Every kind; of two with as much money the earlier one is told first."""

SETTLED_BY: dict[str, frozenset[str]] = {
    "settlement.propose": frozenset(),
    "settlement.publish": frozenset(),
    "settlement.close": frozenset(),
    "payment.order": frozenset({PAYMENT_FAILED}),
}
"""The steps of which what is open must be acknowledged, each with the kinds that it settles itself."""


class Finding(NamedTuple):
    """One thing that is open, and of which kind."""

    kind: str
    item: OpenItem


def sum_up(findings: Iterable[Finding]) -> tuple[OpenMatter, ...]:
    """Open things by kind, those with most money first; of each kind too."""
    by_kind: dict[str, list[OpenItem]] = {}
    for kind, item in findings:
        by_kind.setdefault(kind, []).append(item)
    matters = [_sum_up_kind(kind, by_kind[kind]) for kind in KINDS if kind in by_kind]
    return tuple(sorted(matters, key=lambda matter: -matter.amount_fen))


def _sum_up_kind(kind: str, items: list[OpenItem]) -> OpenMatter:
    items.sort(key=lambda item: (-item.amount_fen, *item))
    digest = hashlib.sha256()
    for item in items:
        digest.update(_line_bytes(*item[:6], *item.positions))
    amount_fen = sum(item.amount_fen for item in items)
    since = min((item.since for item in items if item.since), default="")
    count = len({item.reference for item in items}) if kind == DISAGREEMENT else len(items)
    return OpenMatter(kind, count, amount_fen, since, digest.hexdigest(), tuple(items[:ITEMS_MAX]))


def digest_matters(policy: str, year: int, matters: Iterable[OpenMatter]) -> str:
    """The digest (SHA-256, hex) of a list, by which an acknowledgement names it.

    It is over lines of tab-separated fields: the policy and year, then each matter's kind, count, amount
    in fen, day and digest, in order of kind. Of refused messages it has the kind alone: they come and go by
    the minute from whoever may send, and would outdate every list before anybody had read it.
    """
    digest = hashlib.sha256(_line_bytes(policy, year))
    for matter in sorted(matters, key=lambda matter: matter.kind):
        digest.update(_line_bytes(*(matter[:1] if matter.kind == REFUSAL else matter[:5])))
    return digest.hexdigest()


def _line_bytes(*parts: str | int) -> bytes:
    return ("\t".join(map(str, parts)) + "\n").encode()


class AwardStanding(NamedTuple):
    """An award of a closed year beside what was settled of it, in fen.

    ``missing_fen`` is what it is now, less what was settled, accepted since and answered for by clawbacks;
    ``settled_fen`` what the list paid of it, ``right_fen`` what it would pay now by the same division.
    ``late_position`` and ``late_day`` are of the first event that the list did not know.
    """

    measure: str
    missing_fen: int
    settled_fen: int
    right_fen: int
    late_position: int
    late_day: str


class AccountStep(NamedTuple):
    """An event of an account, with its position and its day in Asia/Shanghai."""

    position: int
    day: str
    content: AccountEvent


class _OpenAccount:
    """The steps of an account, as far as something may be open of them."""

    def __init__(self, steps: Iterable[AccountStep]) -> None:
        self.payments: dict[str, AccountStep] = {}
        """By payment, its last step."""
        self.ordered: dict[str, PaymentOrdered] = {}
        self.clawbacks: dict[str, AccountStep] = {}
        self.orders: dict[str, ClawbackOrdered] = {}
        self.recovered: dict[str, int] = {}
        for step in steps:
            content = step.content
            if isinstance(content, PaymentOrdered):
                self.ordered[content.payment] = content
            if isinstance(content, PaymentOrdered | PaymentMade | PaymentFailed):
                self.payments[content.payment] = step
            elif isinstance(content, ClawbackOrdered):
                self.clawbacks[content.clawback] = step
                self.orders[content.clawback] = content
            elif isinstance(content, ClawbackRecovered):
                self.recovered[content.clawback] = (
                    self.recovered.get(content.clawback, 0) + content.amount_fen
                )

    def ordered_back(self, measure: str | None) -> int:
        """What was ordered back for an award, or for none, in fen."""
        return sum(order.amount_fen for order in self.orders.values() if order.measure == measure)

    def latest_clawback(self, measures: Collection[str | None]) -> AccountStep:
        """The last clawback for one of these awards."""
        return max(
            (self.clawbacks[name] for name, order in self.orders.items() if order.measure in measures),
            key=lambda step: step.position,
        )


def find_in_account(
    code: str, year: int, steps: Iterable[AccountStep], awards: Iterable[AwardStanding]
) -> Iterator[Finding]:
    """What is open of an enterprise's closed year.

    Args:
        steps: the account's events, in order.
        awards: those that are no longer what was settled; others need not be given.
    """
    account = _OpenAccount(steps)
    yield from _find_payments(code, year, account)
    for name, order in account.orders.items():
        due = order.amount_fen - account.recovered.get(name, 0)
        if due > 0:
            step, measure = account.clawbacks[name], order.measure or ""
            item = OpenItem(code, year, measure, name, due, step.day, (step.position,))
            yield Finding(CLAWBACK_DUE, item)
    overpaid_fen = 0
    for award in awards:
        overpaid_fen += max(award.settled_fen - account.ordered_back(award.measure) - award.right_fen, 0)
        yield from _find_in_award(code, year, account, award)
    unnamed = account.ordered_back(None)
    if 0 < overpaid_fen < unnamed:
        step = account.latest_clawback({None})
        item = OpenItem(code, year, "", "", unnamed - overpaid_fen, step.day, (step.position,))
        yield Finding(CLAWBACK_EXCESS, item)


def _find_in_award(code: str, year: int, account: _OpenAccount, award: AwardStanding) -> Iterator[Finding]:
    """What is open of one award: paid too much, clawed back too much, or still to be accepted."""
    back, measure = account.ordered_back(award.measure), award.measure
    late = award.late_day, (award.late_position,) if award.late_position else ()
    overpaid = award.settled_fen - back - award.right_fen
    if award.missing_fen < 0 and overpaid > 0:
        yield Finding(OVERPAYMENT, OpenItem(code, year, measure, "", overpaid, *late))
    if award.missing_fen > 0:
        yield Finding(ADJUSTMENT, OpenItem(code, year, measure, "", award.missing_fen, *late))
    excess = back - max(award.settled_fen - award.right_fen, 0)
    if back and excess > 0:
        step = account.latest_clawback({measure})
        item = OpenItem(code, year, measure, "", excess, step.day, (step.position,))
        yield Finding(CLAWBACK_EXCESS, item)


def _find_payments(code: str, year: int, account: _OpenAccount) -> Iterator[Finding]:
    """Payments without an answer, and one that failed as the last of its account."""
    for payment, step in account.payments.items():
        if isinstance(step.content, PaymentOrdered):
            amount = account.ordered[payment].amount_fen
            item = OpenItem(code, year, "", payment, amount, step.day, (step.position,))
            yield Finding(PAYMENT_UNANSWERED, item)
    if not account.ordered:
        return
    last = list(account.ordered)[-1]
    step = account.payments[last]
    if isinstance(step.content, PaymentFailed):
        amount = account.ordered[last].amount_fen
        item = OpenItem(code, year, "", last, amount, step.day, (step.position,))
        yield Finding(PAYMENT_FAILED, item)
