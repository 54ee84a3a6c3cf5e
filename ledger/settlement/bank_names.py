"""What the bank's files call batches and payments: names that no two policies share.

A batch is named by its year and number, ``2024-001``, and a payment by its batch and credit code; the
same names may stand in another policy of the year. The later one of two is ordered under a name of its
own for the bank, ``2024-001.2``, which stands in the event, so that MsgId, PmtInfId and EndToEndId
(ISO 20022) are unique in the ledger. What was ordered before keeps the names that its files had.
"""

from __future__ import annotations

from collections.abc import Sequence

from domain.events.accounts import PaymentOrdered, account_id
from ledger.store.rows import Rows
from ledger.store.stored_events import events_of


def name_bank_batch(rows: Rows, policy: str, year: int, batch: str) -> str | None:
    """The name for the bank of a batch about to be ordered; ``None`` where it is the batch's own."""
    others = [other for (other,) in rows.all("SELECT DISTINCT policy FROM policies") if other != policy]
    sql = "SELECT 1 FROM payments WHERE policy=? AND year=? AND batch=? LIMIT 1"
    number = 1 + sum(bool(rows.all(sql, [other, year, batch])) for other in others)
    return f"{batch}.{number}" if number > 1 else None


def read_bank_batch(rows: Rows, policy: str, year: int, batch: str) -> str:
    """The name for the bank of a batch that was ordered."""
    sql = "SELECT MIN(code) FROM payments WHERE policy=? AND year=? AND batch=?"
    code = rows.all(sql, [policy, year, batch])[0][0]
    for event in events_of(rows, account_id(policy, year, str(code))):
        content = event.fact.content
        if isinstance(content, PaymentOrdered) and content.batch == batch:
            return content.bank_batch or batch
    return batch


def own_names(rows: Rows, policy: str, year: int, payments: Sequence[str]) -> list[str]:
    """Payments by the ledger's own names, where the bank answers by those of its file."""
    if not any("." in payment for payment in payments):
        return list(payments)
    sql = "SELECT DISTINCT batch FROM payments WHERE policy=? AND year=?"
    batches = [str(batch) for (batch,) in rows.all(sql, [policy, year])]
    own_batches = {read_bank_batch(rows, policy, year, batch): batch for batch in batches}

    def own_name(payment: str) -> str:
        bank_batch, _, code = payment.rpartition("-")
        return f"{own_batches[bank_batch]}-{code}" if bank_batch in own_batches else payment

    return [own_name(payment) for payment in payments]


def read_ordered_amounts(rows: Rows, policy: str, year: int) -> dict[str, int]:
    """What was ordered of each payment, in fen, by the name that the bank's file gave it."""
    amounts: dict[str, int] = {}
    bank_batches: dict[str, str] = {}
    sql = "SELECT batch, code, amount FROM payments WHERE policy=? AND year=?"
    for batch, code, fen in rows.all(sql, [policy, year]):
        if batch not in bank_batches:
            bank_batches[batch] = read_bank_batch(rows, policy, year, batch)
        amounts[f"{bank_batches[batch]}-{code}"] = int(fen)
    return amounts
