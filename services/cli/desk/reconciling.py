"""What a reconciliation with the bank prints."""

from __future__ import annotations

from collections.abc import Sequence

from domain.authority.roles import NotAllowed
from domain.settlement.reconciliation import KIND_WORDS, Reconciliation, UntoldStep
from services.cli.caller_errors import caller_message
from services.cli.common import Context
from services.cli.tables import Codes, Money, Names, Sums, table


def list_refused_steps(
    context: Context, refused: Sequence[tuple[UntoldStep, NotAllowed]], title: str, currency: str
) -> None:
    """Print each entry that is not recorded: which payment, what the bank booked, and why not."""
    words = context.words
    heads = [
        Codes(words("支付编号", "Payment")),
        Codes(words("记账日期", "Booked on")),
        Codes(words("银行流水号", "Reference")),
        Sums(words("银行净支出", "Booked, net")),
        Names(words("未登记的原因", "Why it is not recorded")),
    ]
    rows = [
        (
            step.payment.payment,
            step.entry.booked_on,
            step.entry.reference,
            Money(step.entry.net_fen, currency),
            caller_message(fault, context.language) or "",
        )
        for step, fault in refused
    ]
    table(title, heads, rows)


def list_reconciliation(
    context: Context, reconciliation: Reconciliation, title: str, currency: str, is_open: bool
) -> None:
    """Print what each class comes to, or line by line what somebody must look into."""
    words = context.words
    sums = [Sums(words("已下达", "Ordered")), Sums(words("已登记付出", "Recorded as paid"))]
    sums.append(Sums(words("银行净支出", "Booked, net")))
    names = {kind: words(*both) for kind, both in KIND_WORDS.items()}
    if is_open:
        heads = [
            Names(words("情形", "Class")),
            Codes(words("支付编号或流水号", "Payment or reference")),
            *sums,
        ]
        rows = [
            (
                names[line.kind],
                line.payment.payment if line.payment else line.entries[0].reference,
                *(Money(fen, currency) for fen in (line.ordered_fen, line.told_fen, line.booked_fen)),
            )
            for line in reconciliation.open_lines
        ]
        table(title, heads, rows)
        return
    totals = [*((names[kind], total) for kind, total in reconciliation.sums.items() if total.number)]
    totals.append((words("合计", "Total"), reconciliation.total))
    table(
        title,
        [Names(words("情形", "Class")), Sums(words("笔数", "Number")), *sums],
        [
            (
                name,
                f"{total.number:,}",
                *(Money(fen, currency) for fen in (total.ordered_fen, total.told_fen, total.booked_fen)),
            )
            for name, total in totals
        ],
    )
