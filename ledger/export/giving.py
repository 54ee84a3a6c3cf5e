"""Awards as 360Giving grants (https://standard.threesixtygiving.org), one JSON package, streamed.

What is granted is what is paid of an award; awards of which nothing is paid are no grants. The
ledger knows enterprises by their credit code alone, so the code also stands as the name.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, BinaryIO

import msgspec

from domain.settlement import Line, Payable
from ledger.export.books import Books, NotExportable, Tick, no_tick

VERSION = "1.4"
PREFIX = "360G-subsidy-ledger"
"""Begins every identifier; a publisher puts the prefix that 360Giving gave it in its place."""

_encode = msgspec.json.Encoder(decimal_format="number").encode


def write(out: BinaryIO, books: Books, prefix: str = PREFIX, tick: Tick = no_tick) -> None:
    """Write a package of grants.

    Raises:
        NotExportable: where nothing is paid, since a package holds at least one grant.
    """
    policy = books.policy
    funder = {"id": f"{prefix}:{policy.authority}", "name": policy.issuer}
    head = {
        "version": VERSION,
        "identifier": f"{prefix}:{books.book.id}:{books.period}:{books.position}",
        "title": f"{policy.title['zh']} {books.period}",
        "description": f"{policy.title['en']}; {policy.number}; ledger position {books.position}",
        "publisher": {"identifier": funder["id"], "name": funder["name"]},
    }
    out.write(_encode(head)[:-1] + b',"grants":[')
    separator = b"\n"
    for line, paid in books.awards():
        if paid.payable > 0:
            out.write(separator + _encode(_grant(books, prefix, funder, line, paid)))
            separator = b",\n"
        tick()
    if separator == b"\n":
        raise NotExportable(f"nothing is paid in {books.period}, and a 360Giving package holds at least one")
    out.write(b"\n]}\n")


def _grant(books: Books, prefix: str, funder: dict[str, str], line: Line, paid: Payable) -> dict[str, Any]:
    policy = books.book.of_year(line.year)
    measure = books.book.measure_of_year(line.measure, line.year)
    title = books.title(line)
    article = {"vocabulary": policy.number, "code": line.measure, "title": measure.article if measure else ""}
    return {
        "id": f"{prefix}-{books.book.id}-{line.year}-{line.measure}-{line.code}",
        "title": f"{title['zh']} {line.year}"[:139],
        "description": measure.quote if measure else title["zh"],
        "currency": "CNY",
        "amountAwarded": Decimal(paid.payable).scaleb(-2),
        "awardDate": books.day_of(line.year),
        "recipientOrganization": [
            {"id": f"{prefix}:{line.code}", "name": line.code, "companyNumber": line.code}
        ],
        "fundingOrganization": [funder],
        "grantProgramme": [{"code": books.book.id, "title": policy.title["zh"]}],
        "classifications": [article],
    }
