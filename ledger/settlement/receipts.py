"""A receipt for an enterprise: what it is paid for a closed year and why, with the proofs of it.

The form is ``subsidy-receipt/1``, a JSON object; keys are only ever added to it. ``as_of`` is when
the checkpoint's last event was recorded: nothing later is in the receipt. It holds nothing
of another enterprise but the closing's cut (decision 0009). A reader needs nothing but the
ledger's public key: the events that decide the payment stand in the signed log, the enterprise's
lines stand in the published list, and the seal is over everything else.
"""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from domain.authority.roles import NotAllowed
from domain.events import account_id, settlement_id
from domain.events.accounts import AwardsSettled
from domain.events.instants import SHANGHAI
from domain.log.entries import salt_of
from domain.log.merkle import inclusion_path
from domain.log.notes import Checkpoint, SignerKey, parse_note
from domain.money.amounts import print_fen
from domain.money.wire import print_fraction, print_percent, wire_form
from domain.policy.rulebook import Rulebook
from domain.settlement.accounts import Account
from domain.settlement.figures import division_of
from domain.settlement.public_list import RegisterEntry
from domain.settlement.receipt import FORMAT, digest_of, marks_of, seal_body
from domain.settlement.year import Settlement
from ledger.policies.versions import rulebook
from ledger.projections.closings import settlement_of
from ledger.reading.explained import ExplainedAward
from ledger.reading.explanations import explain_awards
from ledger.reading.records import read_enterprise
from ledger.settlement.list_tree import ListTree, Proved
from ledger.settlement.published import publication_of, read_register_entries
from ledger.store.application import Ledger
from ledger.store.log_tree import Tree, secret_of
from ledger.store.moments import Moment
from ledger.store.rows import Rows
from ledger.store.stored_events import SELECT, Stored, events_of, stored

DECIDING = ("SettlementPublished", "SettlementClosed")
"""The events of a settlement that a receipt proves; each stands for the list that was closed."""


class ReceiptAward(msgspec.Struct, frozen=True, kw_only=True):
    """One award of the list; what closed years brought in has no explanation of its own."""

    measure: str
    article: str
    title: dict[str, str]
    award_year: int
    gross_fen: int
    withheld_fen: int
    reduction_fen: int
    payable_fen: int
    explanation: ExplainedAward | None


class ReceiptAccount(msgspec.Struct, frozen=True, kw_only=True):
    """The enterprise's account at the checkpoint."""

    payable_fen: int
    ordered_fen: int
    paid_fen: int
    clawed_back_fen: int
    recovered_fen: int


class ReceiptLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the published list with its path to the root."""

    line: str
    number: int
    path: list[str]


class ReceiptList(msgspec.Struct, frozen=True, kw_only=True):
    """The published list: its root, its head, and the enterprise's lines."""

    root: str | None
    lines: int | None
    head: ReceiptLine
    rows: list[ReceiptLine]


class ReceiptEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A stored event as the log has it, with its path to the root of the checkpoint."""

    position: int
    originator: str
    version: int
    topic: str
    salt: str
    state: str
    path: list[str]


def make_receipt(
    ledger: Ledger, rows: Rows, code: str, policy: str, year: int, note: str, key: SignerKey
) -> dict[str, Any]:
    """One enterprise's receipt, as of a signed checkpoint (``note``), as data for JSON.

    Raises:
        NoteError: where ``note`` is no checkpoint.
        UnknownPolicy, UnknownEnterprise; NotAllowed: where the checkpoint is of another log, or
            older than the closing; the year is not closed, the enterprise is not in its list, or
            the list has no root.
    """
    size = _size_of(rows, note)
    rulebook(rows, policy)
    read_enterprise(rows, code)
    state = settlement_of(rows, policy, year, size)
    if state.stage != "closed" and settlement_of(rows, policy, year).stage == "closed":
        raise NotAllowed("receipt.checkpoint-older", "checkpoint", year=year, size=size)
    if state.closing is None:
        raise NotAllowed("settlement.not-closed", "year", year=year)
    publication_of(rows, state)
    account = events_of(rows, account_id(policy, year, code), size)
    if not account:
        raise NotAllowed("receipt.not-listed", "enterprise", year=year)
    steps = events_of(rows, settlement_id(policy, year), size)
    deciding = [max((e for e in steps if e.fact.name == name), key=lambda e: e.position) for name in DECIDING]
    closing = state.closing
    book = rulebook(rows, policy, closing.known)
    governing, factor = book.of_year(year), division_of(closing).factor
    entry = read_register_entries(rows, [code], closing.known).get(code, RegisterEntry())
    document = {
        "format": FORMAT,
        "enterprise": code,
        "name": entry.name,
        "town": entry.town,
        "policy": book.id,
        "title": dict(governing.title),
        "document": governing.number,
        "issuer": governing.issuer,
        "currency": governing.currency,
        "year": year,
        "as_of": _recorded_at(rows, size),
        "closed_on": datetime.fromisoformat(state.closed_at).astimezone(SHANGHAI).date().isoformat(),
        "awards": wire_form(_awards(ledger, rows, book, code, year, account[0])),
        "budget": print_fen(closing.budget_fen),
        "sharing": print_fen(closing.sharing_fen),
        "factor": print_fraction(factor),
        "percent": print_percent(factor),
        "account": wire_form(_account(account)),
        "list": wire_form(_list(rows, state, code)),
        "events": wire_form(_events(rows, [*deciding, *account], size)),
        "checkpoint": note,
    }
    marks = marks_of(document)
    body = seal_body(code, policy, year, digest_of(document), digest_of(marks))
    return {**document, "marks": marks, "seal": body + "\n" + key.sign(body)}


def _size_of(rows: Rows, note: str) -> int:
    """How many events of this log a checkpoint is over."""
    checkpoint, tree = Checkpoint.parse(parse_note(note)[0]), Tree(rows)
    if checkpoint.size > tree.size() or checkpoint.root != tree.root(checkpoint.size):
        raise NotAllowed("receipt.checkpoint-foreign", "checkpoint", size=checkpoint.size)
    return checkpoint.size


def _recorded_at(rows: Rows, position: int) -> str:
    """When an event was recorded (UTC)."""
    return stored(rows.all(f"{SELECT} WHERE rowid=?", [position])[0]).recorded_at


def _awards(
    ledger: Ledger, rows: Rows, book: Rulebook, code: str, year: int, settled: Stored
) -> list[ReceiptAward]:
    """Every award of the list."""
    explanation = explain_awards(ledger, rows, code, book.id, year, Moment())
    by_measure = {award.measure: _without_persons(award) for award in explanation.awards}
    content = settled.fact.content
    assert isinstance(content, AwardsSettled)
    awards = []
    for line in content.lines:
        measure = book.measure_of_year(line.measure, line.award_year)
        awards.append(
            ReceiptAward(
                measure=line.measure,
                article=measure.article if measure else "",
                title=dict(measure.title) if measure else {"zh": line.measure, "en": line.measure},
                award_year=line.award_year,
                gross_fen=line.gross_fen,
                withheld_fen=line.withheld_fen,
                reduction_fen=line.reduction_fen,
                payable_fen=line.payable_fen,
                explanation=by_measure.get(line.measure) if line.award_year == year else None,
            )
        )
    return awards


def _without_persons(award: ExplainedAward) -> ExplainedAward:
    """An explanation without a person's name, which could never be erased from a receipt."""
    sources = [
        replace(source, content={name: value for name, value in source.content.items() if name != "person"})
        for source in award.sources
    ]
    return replace(award, sources=tuple(sources))


def _account(events: list[Stored]) -> ReceiptAccount:
    account = Account()
    for event in events:
        account.apply(event.fact.content)
    return ReceiptAccount(
        payable_fen=account.payable,
        ordered_fen=account.ordered,
        paid_fen=account.paid,
        clawed_back_fen=account.clawed,
        recovered_fen=account.recovered,
    )


def _list(rows: Rows, state: Settlement, code: str) -> ReceiptList:
    publication, tree = state.present_publication(), ListTree(rows, state)
    return ReceiptList(
        root=publication.list_root,
        lines=publication.list_lines,
        head=_line(tree.head_proof()),
        rows=[_line(proof) for proof in tree.proofs(code)],
    )


def _line(proof: Proved) -> ReceiptLine:
    return ReceiptLine(line=proof.line, number=proof.number, path=[node.hex() for node in proof.path])


def _events(rows: Rows, events: list[Stored], size: int) -> list[ReceiptEvent]:
    secret, tree = secret_of(rows), Tree(rows)
    sql = "SELECT topic, state FROM stored_events WHERE rowid=?"
    proved = []
    for event in sorted(events, key=lambda event: event.position):
        ((topic, state),) = rows.all(sql, [event.position])
        proved.append(
            ReceiptEvent(
                position=event.position,
                originator=event.originator,
                version=event.version,
                topic=topic,
                salt=salt_of(secret, event.position).hex(),
                state=base64.b64encode(state).decode(),
                path=[node.hex() for node in inclusion_path(event.position - 1, size, tree.node)],
            )
        )
    return proved
