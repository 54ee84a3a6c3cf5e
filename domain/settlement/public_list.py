"""The published list as anyone may see it: lines of JSON under one Merkle root (公示名单数据).

The first line is the head, then one line for each award in the order in which equal remainders
get the spare fen, then, in a file, one line with the proof. A line's leaf is the hash of its bytes
without the line feed (RFC 9162 section 2.1.1), head first. Every amount is in whole fen, or
hundredths of the policy's currency. What the
policy masks is masked in the lines themselves, so that the root can be checked by who may not see
more. Size, sector, region (town), measure and instrument are those that the EU's rules on the
transparency of state aid ask for, where the register knows them.

From the lines alone a reader recomputes all payments. ``pots`` in the head are [pot, what it has,
what shares it] (``domain.money.dividing``; the only one of most policies is called ``""``). Of every line
with a ``basis``, within its pot::

    share   = basis * what it has / what shares it, by the largest remainder, or basis where all fit
    payable = share, less withheld where the basis is the gross amount

and of a line without one ``payable = gross - withheld``: it is paid from other funds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from domain.events.settlements import SettlementProposed
from domain.facts.folding import Profile
from domain.log.merkle import Growing, leaf_hash
from domain.policy.rulebook import Rulebook
from domain.settlement.figures import division_of
from domain.settlement.payables import basis, shares_budget
from domain.settlement.year import SettledLine
from domain.things.masking import masked

FORMAT = "subsidy-public-list/1"
COLUMNS = (
    *("number", "code", "name", "town", "size", "sector", "article", "measure", "title", "award_year", "pot"),
    *("gross", "withheld", "basis", "reduction", "payable"),
)
MARK_DIGITS = 8
"""Hexadecimal digits of a line's hash that a proof repeats, so that a changed line can be named."""


class RegisterEntry(NamedTuple):
    """How an enterprise stood in the register when the list was made; empty where it said nothing."""

    name: str = ""
    town: str = ""
    size: str = ""
    sector: str = ""


class NamedAward(NamedTuple):
    """An award in the list, with its enterprise as it was registered when the list was made."""

    line: SettledLine
    entry: RegisterEntry


def register_entry(profile: Profile | None) -> RegisterEntry:
    """What the register said."""
    if profile is None:
        return RegisterEntry()
    return RegisterEntry(profile.name, profile.town, profile.size or "", profile.sector or "")


def head_line(book: Rulebook, year: int, proposal: SettlementProposed) -> str:
    """The first line: whose list of what, what there was to divide, and the sums."""
    policy = book.of_year(year)
    head = {
        "format": FORMAT,
        "policy": book.id,
        "title": policy.title["zh"],
        "document": policy.number,
        "issuer": policy.issuer,
        "year": year,
        "number": proposal.number,
        "known": proposal.known,
        "currency": policy.currency,
        "unit": "hundredths",
        "budget": proposal.budget_fen,
        "sharing": proposal.sharing_fen,
        "pots": _pots_of(proposal),
        "gross": proposal.gross_fen,
        "withheld": proposal.withheld_fen,
        "payable": proposal.payable_fen,
        "enterprises": proposal.enterprises,
        "awards": proposal.awards,
        "digest": proposal.lines_digest,
        "instrument": "grant",
        "mask": list(policy.procedure.mask),
        "columns": list(COLUMNS),
    }
    return encoded(head)


class _ListedPot(NamedTuple):
    """A pot with what it has and what shares it."""

    pot: str
    available: int
    sharing: int


def _pots_of(proposal: SettlementProposed) -> list[_ListedPot]:
    """The pots in order of payment."""
    pots = division_of(proposal).pots
    return [_ListedPot(pot, share.budget, share.total) for pot, share in sorted(pots.items())]


def award_line(book: Rulebook, mask: tuple[str, ...], number: int, award: NamedAward) -> str:
    """The line of one award; ``number`` counts from 1, and is the leaf's index as well."""
    line, entry = award
    policy = book.of_year(line.award_year)
    measure = book.measure_of_year(line.measure, line.award_year)
    inside = shares_budget(policy, line.measure)
    return encoded(
        [
            *(number, *masked(line.code, entry.name, entry.town, mask), entry.town, entry.size, entry.sector),
            *(measure.article if measure else "", line.measure),
            measure.title["zh"] if measure else line.measure,
            *(line.award_year, line.pot, line.gross, line.withheld),
            basis(policy, line.gross, line.withheld) if inside else None,
            *(line.reduction, line.payable),
        ]
    )


def lines_of(
    book: Rulebook, year: int, proposal: SettlementProposed, awards: Iterable[NamedAward]
) -> Iterator[str]:
    """The head and every award's line, without line feeds; awards come in the list's order."""
    yield head_line(book, year, proposal)
    mask = book.of_year(year).procedure.mask
    for number, award in enumerate(awards, 1):
        yield award_line(book, mask, number, award)


def encoded(value: object) -> str:
    """JSON as the lines have it: no spaces, characters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def leaf_of_line(line: str) -> bytes:
    """The leaf's hash of a line (without its line feed)."""
    return leaf_hash(line.encode())


def root_over(lines: Iterable[str]) -> tuple[str, int]:
    """The root over lines, in hexadecimal, and how many there are."""
    tree = Growing()
    for line in lines:
        tree.push(leaf_of_line(line))
    return tree.root.hex(), tree.size


def note_body(
    policy: str, year: int, number: int, lines: int, root: str, position: int, published: str | None
) -> str:
    """What the ledger's key signs of a published list: which list, its root, and when it was published.

    ``position`` is that of the log's event, ``published`` its time; proofs of before it was told have none.
    """
    when = "" if published is None else f"{published}\n"
    return f"{FORMAT}\n{policy} {year} {number}\n{lines} {root}\n{position}\n{when}"
