"""What bank files and books come to, worked out from the files alone; nothing of the product is imported."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple
from xml.etree import ElementTree


class Booking(NamedTuple):
    """One transaction of a statement, in fen: below zero where money came back."""

    reference: str
    payment: str
    fen: int


def fen(text: str) -> int:
    """Yuan as fen."""
    amount = Decimal(text) * 100
    assert amount == amount.to_integral_value()
    return int(amount)


def read_orders(pain001: bytes) -> dict[str, int]:
    """What was ordered by a pain.001 file, by end-to-end id."""
    root = ElementTree.fromstring(pain001)
    return {
        str(part.findtext("{*}PmtId/{*}EndToEndId")): fen(str(part.findtext("{*}Amt/{*}InstdAmt")))
        for part in root.iter()
        if part.tag.endswith("}CdtTrfTxInf")
    }


def read_bookings(statements: Iterable[bytes]) -> set[Booking]:
    """What camt statements say was booked, each transaction once however often it is told."""
    bookings = set[Booking]()
    for data in statements:
        for entry in (each for each in ElementTree.fromstring(data).iter() if each.tag.endswith("}Ntry")):
            reference = str(entry.findtext("{*}AcctSvcrRef"))
            for part in entry.findall("{*}NtryDtls/{*}TxDtls"):
                sign = 1 if part.findtext("{*}CdtDbtInd") == "DBIT" else -1
                amount = sign * fen(str(part.findtext("{*}Amt")))
                bookings.add(Booking(reference, str(part.findtext("{*}Refs/{*}EndToEndId")), amount))
    return bookings


def net_by_payment(bookings: Iterable[Booking]) -> dict[str, int]:
    """What left the account for each payment and did not come back, but those of nothing."""
    net = dict[str, int]()
    for booking in bookings:
        net[booking.payment] = net.get(booking.payment, 0) + booking.fen
    return {payment: amount for payment, amount in net.items() if amount}


def read_journal(text: str) -> dict[str, int]:
    """What a journal says left the funds for each payment and did not come back, but those of nothing."""
    net = dict[str, int]()
    for entry in text.split("\n\n"):
        payment = re.search(r"payment:([^,\n]+)", entry)
        for amount in re.findall(
            r"^    assets:(?:treasury|other-funds):\S+  (-?[\d.]+) ", entry, re.MULTILINE
        ):
            if payment:
                net[payment[1]] = net.get(payment[1], 0) - fen(amount)
    return {payment: amount for payment, amount in net.items() if amount}
