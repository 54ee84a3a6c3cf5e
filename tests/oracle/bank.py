"""What bank files and books come to, worked out from the files alone; nothing of the product is imported."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import NamedTuple
from xml.etree import ElementTree


class Booking(NamedTuple):
    """One transaction of a statement, in fen: below zero where money came back; its day is that in China."""

    reference: str
    payment: str
    fen: int
    day: str


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
            booked_at = datetime.fromisoformat(str(entry.findtext("{*}BookgDt/{*}DtTm")))
            day = booked_at.astimezone(timezone(timedelta(hours=8))).date().isoformat()
            for part in entry.findall("{*}NtryDtls/{*}TxDtls"):
                sign = 1 if part.findtext("{*}CdtDbtInd") == "DBIT" else -1
                amount = sign * fen(str(part.findtext("{*}Amt")))
                payment = str(part.findtext("{*}Refs/{*}EndToEndId"))
                bookings.add(Booking(reference, payment, amount, day))
    return bookings


def last_word(bookings: Iterable[Booking], failed_on: str) -> str:
    """Whether a payment of these bookings stands as made, failed or ordered: the latest day says it.

    Of one day the failure holds: money that went out and a failure told of that day are one attempt.
    """
    words = [(booking.day, booking.fen < 0) for booking in bookings]
    words += [(failed_on, True)] if failed_on else []
    return ("failed" if max(words)[1] else "made") if words else "ordered"


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
