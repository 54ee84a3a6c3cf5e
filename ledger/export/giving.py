"""Awards as 360Giving grants (https://standard.threesixtygiving.org), one JSON package, streamed.

What is granted is what is payable of an award; awards of which nothing is payable are no grants. Of a
closed year each grant tells what the bank paid of it, and what came back as transactions below zero:
the standard has no notion of its own for a clawback. Town, size and sector stand where the register
says them; the instrument is a grant throughout (the columns of the EU's state-aid transparency).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, BinaryIO, NamedTuple

import msgspec

from domain.events import ClawbackOrdered, ClawbackRecovered, PaymentFailed, PaymentMade, account_id
from domain.facts.folding import Profile
from domain.money.amounts import decimal_of
from domain.settlement.payables import Line, Payable
from ledger.export.books import Books, NotExportable, PaidAward, Tick, no_tick
from ledger.projections.enterprises import load
from ledger.store.stored_events import Stored, events_of

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
    for code, awards in groupby(books.awards(), key=lambda award: award.line.code):
        profile = _profile(books, code)
        for disbursed in _disbursed(books, code, list(awards)):
            if disbursed.payable.payable > 0:
                out.write(separator + _encode(_grant(books, prefix, funder, disbursed, profile)))
                separator = b",\n"
            tick()
    if separator == b"\n":
        raise NotExportable(f"nothing is paid in {books.period}, and a 360Giving package holds at least one")
    out.write(b"\n]}\n")


def _profile(books: Books, code: str) -> Profile | None:
    row = load(books.rows, [code]).get(code)
    return row.facts.profile if row else None


def _disbursed(books: Books, code: str, awards: list[PaidAward]) -> list[Disbursed]:
    """An enterprise's awards with what the bank moved for each; nothing before a year is closed."""
    closed = books.pool.closing is not None
    account = account_id(books.book.id, books.year, code)
    return share_out(awards, events_of(books.rows, account, books.position) if closed else [])


def _grant(
    books: Books, prefix: str, funder: dict[str, str], award: Disbursed, profile: Profile | None
) -> dict[str, Any]:
    line = award.line
    policy = books.book.of_year(line.year)
    measure = books.book.measure_of_year(line.measure, line.year)
    title = books.title(line)
    classes = (("size", profile.size), ("sector", profile.sector)) if profile else ()
    classified = [
        {"vocabulary": policy.number, "code": line.measure, "title": measure.article if measure else ""},
        *({"vocabulary": name, "code": value, "title": value} for name, value in classes if value),
    ]
    grant: dict[str, Any] = {
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
        grant["beneficiaryLocation"] = [{"name": profile.town}]
    if books.pool.closing is not None:
        grant["amountDisbursed"] = decimal_of(award.fen)
        grant["disbursementTransaction"] = [
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
    return grant


# --- what the bank moved, award by award ---


class Part(NamedTuple):
    """A part of one movement, in fen: below zero where money came back."""

    id: str
    day: str
    fen: int


@dataclass(slots=True)
class Disbursed:
    """One award, and the parts of movements that belong to it."""

    line: Line
    payable: Payable
    parts: list[Part] = field(default_factory=list)

    @property
    def fen(self) -> int:
        """What the enterprise has of the award."""
        return sum(part.fen for part in self.parts)


def share_out(awards: Sequence[PaidAward], events: Sequence[Stored]) -> list[Disbursed]:
    """The awards of one enterprise with the parts of its account's movements.

    The bank pays an enterprise, not an award. A payment fills the enterprise's awards in order of their
    keys up to what is payable of each; what came back empties the award that a clawback names, or the
    last ones first. So the parts add up to what the bank moved, to the fen.

    Raises:
        ArithmeticError: where the bank moved more than the awards come to.
    """
    disbursed = [Disbursed(award.line, award.payable) for award in awards]
    payments_made: set[str] = set()
    clawback_measures: dict[str, str | None] = {}
    for event in events:
        content = event.fact.content
        if isinstance(content, ClawbackOrdered):
            clawback_measures[content.clawback] = content.measure
        elif isinstance(content, PaymentMade):
            again = f"-{event.version}" if content.payment in payments_made else ""
            payments_made.add(content.payment)
            _fill(disbursed, content.payment + again, content.on, content.amount_fen)
        elif isinstance(content, PaymentFailed) and content.payment in payments_made:
            _empty(disbursed, f"{content.payment}-returned", content.on, content.amount_fen, None)
        elif isinstance(content, ClawbackRecovered):
            recovery, measure = f"{content.clawback}-{event.version}", clawback_measures.get(content.clawback)
            _empty(disbursed, recovery, content.on, content.amount_fen, measure)
    return disbursed


def _fill(awards: list[Disbursed], name: str, day: str, fen: int) -> None:
    for award in awards:
        part = min(fen, max(0, award.payable.payable - award.fen))
        if part:
            award.parts.append(Part(f"{name}-{award.line.measure}-{award.line.year}", day, part))
            fen -= part
    if fen:
        raise ArithmeticError(f"{name} pays {fen} fen more than its enterprise's awards")


def _empty(awards: list[Disbursed], name: str, day: str, fen: int, measure: str | None) -> None:
    first = [award for award in awards if award.line.measure == measure]
    last_first = [award for award in reversed(awards) if award.line.measure != measure]
    for award in (*first, *last_first):
        part = min(fen, max(0, award.fen))
        if part:
            award.parts.append(Part(f"{name}-{award.line.measure}-{award.line.year}", day, -part))
            fen -= part
    if fen:
        raise ArithmeticError(f"{name} takes back {fen} fen more than was paid")
