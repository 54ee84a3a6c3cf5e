"""Awards as 360Giving grants (https://standard.threesixtygiving.org), one JSON package, streamed.

What is granted is what is payable of an award; awards of which nothing is payable are no grants. Of a
closed year each grant tells what the bank paid of it, and what came back as transactions below zero:
the standard has no notion of its own for a clawback. Town, size and sector stand where the register
says them; the instrument is a grant throughout (the columns of the EU's state-aid transparency).
"""

from __future__ import annotations

from itertools import groupby
from typing import Any, BinaryIO

import msgspec

from domain.events import account_id
from domain.facts.folding import Profile
from domain.money.amounts import decimal_of
from domain.settlement.payables import Line, Payable
from ledger.export.books import Books, NotExportable, Tick, no_tick
from ledger.export.disbursed import Disbursed, shared_out
from ledger.projections.enterprises import load
from ledger.store.stored_events import events_of

VERSION = "1.4"
PREFIX = "360G-subsidy-ledger"
"""Begins every identifier; a publisher puts the prefix that 360Giving gave it in its place."""

LICENCE = "https://creativecommons.org/licenses/by/4.0/"
"""Under which the package may be used, unless its publisher says otherwise."""

_encode = msgspec.json.Encoder(decimal_format="number").encode


def write(
    out: BinaryIO, books: Books, prefix: str = PREFIX, tick: Tick = no_tick, licence: str = LICENCE
) -> None:
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
        "license": licence,
    }
    out.write(_encode(head)[:-1] + b',"grants":[')
    separator = b"\n"
    for code, awards in groupby(books.awards(), key=lambda each: each[0].code):
        profile = _profile(books, code)
        for award in _disbursed(books, code, list(awards)):
            if award.payable.payable > 0:
                out.write(separator + _encode(_grant(books, prefix, funder, award, profile)))
                separator = b",\n"
            tick()
    if separator == b"\n":
        raise NotExportable(f"nothing is paid in {books.period}, and a 360Giving package holds at least one")
    out.write(b"\n]}\n")


def _profile(books: Books, code: str) -> Profile | None:
    row = load(books.rows, [code]).get(code)
    return row.facts.profile if row else None


def _disbursed(books: Books, code: str, awards: list[tuple[Line, Payable]]) -> list[Disbursed]:
    """An enterprise's awards with what the bank moved for each; nothing before a year is closed."""
    closed = books.pool.closing is not None
    account = account_id(books.book.id, books.year, code)
    return shared_out(awards, events_of(books.rows, account, books.position) if closed else [])


def _grant(
    books: Books, prefix: str, funder: dict[str, str], award: Disbursed, profile: Profile | None
) -> dict[str, Any]:
    line = award.line
    policy = books.book.of_year(line.year)
    measure = books.book.measure_of_year(line.measure, line.year)
    title = books.title(line)
    said = (("size", profile.size), ("sector", profile.sector)) if profile else ()
    classified = [
        {"vocabulary": policy.number, "code": line.measure, "title": measure.article if measure else ""},
        *({"vocabulary": name, "code": value, "title": value} for name, value in said if value),
    ]
    found: dict[str, Any] = {
        "id": f"{prefix}-{books.book.id}-{line.year}-{line.measure}-{line.code}",
        "title": f"{title['zh']} {line.year}"[:139],
        "description": measure.quote if measure else title["zh"],
        "currency": books.policy.currency,
        "amountAppliedFor": decimal_of(award.payable.gross),
        "amountAwarded": decimal_of(award.payable.payable),
        "awardDate": books.day_of(line.year),
        "recipientOrganization": [
            {
                "id": f"{prefix}:{line.code}",
                "name": profile.name if profile else line.code,
                "companyNumber": line.code,
            }
        ],
        "fundingOrganization": [funder],
        "fundingType": [{"title": "Grant"}],
        "grantProgramme": [{"code": books.book.id, "title": policy.title["zh"]}],
        "classifications": classified,
    }
    if profile and profile.town:
        found["beneficiaryLocation"] = [{"name": profile.town}]
    if books.pool.closing is not None:
        found["amountDisbursed"] = decimal_of(award.fen)
        found["disbursementTransaction"] = [
            {
                "id": f"{prefix}-{part.id}",
                "transactionDate": part.day,
                "currency": books.policy.currency,
                "value": decimal_of(part.fen),
                "provider": funder["id"],
                "recipient": f"{prefix}:{line.code}",
            }
            for part in award.parts
        ]
    return found
