"""The list as anyone may see it (``domain.settlement.public_list``): its lines, and its own proof.

Lines say what was known at the proposal's position, names and towns too, so that the same list
can be made again for as long as the ledger stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TextIO

from domain.authority.roles import NotAllowed
from domain.events import settlement_id
from domain.log.merkle import Growing
from domain.log.notes import SignerKey
from domain.settlement.public_list import (
    MARK_DIGITS,
    NamedAward,
    RegisterEntry,
    encoded,
    leaf_of_line,
    lines_of,
    note_body,
    register_entry,
)
from domain.settlement.year import SettledLine, Settlement
from ledger.policies.versions import rulebook
from ledger.projections.closings import settlement_of
from ledger.projections.enterprises import load
from ledger.projections.settlements import lines_listed
from ledger.reading.records import UnknownEnterprise, read_facts
from ledger.store.moments import Moment
from ledger.store.rows import Rows
from ledger.store.stored_events import Stored, events_of

NAMES_CHUNK = 1_000
"""Awards whose enterprises' names are looked up at a time."""


def published_lines(rows: Rows, state: Settlement) -> Iterator[str]:
    """The head and the lines of the proposal that stands, streamed."""
    proposal = state.present_proposal()
    book = rulebook(rows, state.policy, proposal.known)
    awards = name_awards(rows, lines_listed(rows, state.policy, state.year), proposal.known)
    return lines_of(book, state.year, proposal, awards)


def name_awards(
    rows: Rows, lines: Iterable[SettledLine], position: int, chunk_size: int = NAMES_CHUNK
) -> Iterator[NamedAward]:
    """Awards with names and towns as they were known at a position."""
    remaining = iter(lines)
    while chunk := list(islice(remaining, chunk_size)):
        entries = read_register_entries(rows, sorted({line.code for line in chunk}), position)
        for line in chunk:
            yield NamedAward(line, entries.get(line.code, RegisterEntry()))


def read_register_entries(rows: Rows, codes: list[str], position: int) -> dict[str, RegisterEntry]:
    """How enterprises stood in the register, as known at a position."""
    entries = {code: register_entry(row.facts.profile) for code, row in load(rows, codes).items()}
    sql = "SELECT DISTINCT originator_id FROM stored_events WHERE rowid>? AND originator_id IN ({})"
    for (code,) in rows.all_in(sql, codes, [position]):
        try:
            facts = read_facts(rows, code, Moment(until=position))
        except UnknownEnterprise:
            continue
        entries[code] = register_entry(facts.profile)
    return entries


def write_published_list(rows: Rows, policy: str, year: int, out: TextIO, key: SignerKey) -> int:
    """Write the published list with its proof, one JSON value a line; how many awards it holds.

    ``out`` is opened in UTF-8 with ``newline="\\n"``.

    Raises:
        NotAllowed: where no list is published, where it was published before lists had a root,
            or where the list that the ledger holds is no longer the one that was published.
    """
    state = settlement_of(rows, policy, year)
    event = publication_of(rows, state)
    tree, marks = Growing(), list[str]()
    for line in published_lines(rows, state):
        leaf = leaf_of_line(line)
        tree.push(leaf)
        marks.append(leaf.hex()[:MARK_DIGITS])
        out.write(line + "\n")
    must_be_published(state, tree.root.hex(), tree.size)
    size, root, position, published = tree.size, tree.root.hex(), event.position, event.fact.time
    body = note_body(policy, year, state.number, size, root, position, published)
    proof = {
        "lines": size,
        "root": root,
        "position": position,
        "published": published,
        "note": body + "\n" + key.sign(body),
        "marks": "".join(marks),
    }
    out.write(encoded(proof) + "\n")
    return tree.size - 1


def publication_of(rows: Rows, state: Settlement) -> Stored:
    """The publication of the proposal that stands, as it was recorded.

    Raises:
        NotAllowed: where there is none, or one without a root.
    """
    if not state.publication:
        raise NotAllowed("settlement.not-published", "year", stage=state.stage)
    if state.publication.list_root is None:
        raise NotAllowed("settlement.list-unproved", "year", year=state.year)
    events = events_of(rows, settlement_id(state.policy, state.year))
    return [event for event in events if event.fact.name == "SettlementPublished"][-1]


def must_be_published(state: Settlement, root: str, lines: int) -> None:
    """Hold the list that the ledger holds against the one that was published.

    Raises:
        NotAllowed: where it is another.
    """
    publication = state.present_publication()
    if (root, lines) != (publication.list_root, publication.list_lines):
        raise NotAllowed("settlement.list-altered", "year", year=state.year)
