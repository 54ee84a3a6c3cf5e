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

from domain.authority.roles import NotAllowed
from domain.events import account_id, settlement_id
from domain.events.accounts import AwardsSettled
from domain.events.instants import SHANGHAI
from domain.events.settlements import SettlementClosed
from domain.log.entries import salt_of
from domain.log.merkle import inclusion_path
from domain.log.notes import Checkpoint, SignerKey, parse_note
from domain.money.amounts import yuan
from domain.money.wire import print_percent
from domain.policy.rulebook import Rulebook
from domain.settlement.accounts import Account
from domain.settlement.figures import division_of
from domain.settlement.public_list import RegisterEntry
from domain.settlement.receipt import FORMAT, digest_of, marks_of, seal_body
from domain.settlement.year import SettledLine
from ledger.policies.versions import rulebook
from ledger.projections.closings import settlement_of
from ledger.reading import explanations
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


class ReceiptHead(msgspec.Struct, frozen=True):
    """Whose receipt it is, and of what."""

    format: str
    enterprise: str
    name: str
    town: str
    policy: str
    title: dict[str, str]
    document: str
    issuer: str
    currency: str
    year: int


class ReceiptAward(msgspec.Struct, frozen=True):
    """An award of the list (yuan) with its explanation; what closed years brought in has none of its own."""

    measure: str
    article: str
    title: dict[str, str]
    award_year: int
    gross: str
    withheld: str
    reduction: str
    payable: str
    explanation: dict[str, Any] | None


class ReceiptDivision(msgspec.Struct, frozen=True):
    """How the budget was divided; amounts in yuan."""

    budget: str
    sharing: str
    factor: str
    percent: str


class ProvedLine(msgspec.Struct, frozen=True):
    """A line of the list with its path (hex) to the list's root."""

    line: str
    number: int
    path: list[str]


class ProvedEvent(msgspec.Struct, frozen=True):
    """A stored event as the log has it, with its path (hex) to the root of the checkpoint."""

    position: int
    originator: str
    version: int
    topic: str
    salt: str
    state: str
    path: list[str]


def receipt(
    ledger: Ledger, rows: Rows, code: str, policy: str, year: int, note: str, key: SignerKey
) -> dict[str, Any]:
    """One enterprise's receipt, as of a signed checkpoint (``note``).

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
    known, publication = state.closing.known, state.present_publication()
    book = rulebook(rows, policy, known)
    tree = ListTree(rows, state)
    said = {
        **msgspec.to_builtins(_head(rows, book, code, year, known)),
        "as_of": _recorded_at(rows, size),
        "closed_on": datetime.fromisoformat(state.closed_at).astimezone(SHANGHAI).date().isoformat(),
        "awards": msgspec.to_builtins(_awards(ledger, rows, book, code, year, account[0])),
        **msgspec.to_builtins(_division(state.closing)),
        "account": _account(account),
        "list": {
            "root": publication.list_root,
            "lines": publication.list_lines,
            "head": msgspec.to_builtins(_proved(tree.head_proof())),
            "rows": [msgspec.to_builtins(_proved(each)) for each in tree.proofs(code)],
        },
        "events": msgspec.to_builtins(_events(rows, [*deciding, *account], size)),
        "checkpoint": note,
    }
    marks = marks_of(said)
    body = seal_body(code, policy, year, digest_of(said), digest_of(marks))
    return {**said, "marks": marks, "seal": body + "\n" + key.sign(body)}


def _size_of(rows: Rows, note: str) -> int:
    """How many events of this log a checkpoint is over."""
    found, tree = Checkpoint.parse(parse_note(note)[0]), Tree(rows)
    if found.size > tree.size() or found.root != tree.root(found.size):
        raise NotAllowed("receipt.checkpoint-foreign", "checkpoint", size=found.size)
    return found.size


def _recorded_at(rows: Rows, position: int) -> str:
    """When an event was recorded (UTC)."""
    return stored(rows.all(f"{SELECT} WHERE rowid=?", [position])[0]).recorded_at


def _head(rows: Rows, book: Rulebook, code: str, year: int, known: int) -> ReceiptHead:
    governing = book.of_year(year)
    name, town, *_ = read_register_entries(rows, [code], known).get(code, RegisterEntry())
    return ReceiptHead(
        format=FORMAT,
        enterprise=code,
        name=name,
        town=town,
        policy=book.id,
        title=dict(governing.title),
        document=governing.number,
        issuer=governing.issuer,
        currency=governing.currency,
        year=year,
    )


def _awards(
    ledger: Ledger, rows: Rows, book: Rulebook, code: str, year: int, settled: Stored
) -> list[ReceiptAward]:
    """Every award of the list."""
    explained = explanations.explain(ledger, rows, code, book.id, year, Moment())
    for award in explained["awards"]:
        for source in award["sources"]:  # a person's name could never be erased from a receipt
            source["content"].pop("person", None)
    by_measure = {award["measure"]: award for award in explained["awards"]}
    awards = []
    content = settled.fact.content
    assert isinstance(content, AwardsSettled)
    for award in content.lines:
        line = SettledLine(code, *award)
        measure = book.measure_of_year(line.measure, line.award_year)
        awards.append(
            ReceiptAward(
                measure=line.measure,
                article=measure.article if measure else "",
                title=dict(measure.title) if measure else {"zh": line.measure, "en": line.measure},
                award_year=line.award_year,
                gross=yuan(line.gross),
                withheld=yuan(line.withheld),
                reduction=yuan(line.reduction),
                payable=yuan(line.payable),
                explanation=by_measure.get(line.measure) if line.award_year == year else None,
            )
        )
    return awards


def _division(closing: SettlementClosed) -> ReceiptDivision:
    value = division_of(closing).factor
    fraction = f"{value.numerator}/{value.denominator}"
    return ReceiptDivision(
        yuan(closing.budget_fen), yuan(closing.sharing_fen), fraction, print_percent(value)
    )


def _account(events: list[Stored]) -> dict[str, str]:
    account = Account()
    for event in events:
        account.apply(event.fact.content)
    return {
        "payable": yuan(account.payable),
        "ordered": yuan(account.ordered),
        "paid": yuan(account.paid),
        "clawed_back": yuan(account.clawed),
        "recovered": yuan(account.recovered),
    }


def _proved(proof: Proved) -> ProvedLine:
    return ProvedLine(proof.line, proof.number, [node.hex() for node in proof.path])


def _events(rows: Rows, events: list[Stored], size: int) -> list[ProvedEvent]:
    secret, tree = secret_of(rows), Tree(rows)
    sql = "SELECT topic, state FROM stored_events WHERE rowid=?"
    proved = []
    for event in sorted(events, key=lambda stored_event: stored_event.position):
        ((topic, state),) = rows.all(sql, [event.position])
        path = inclusion_path(event.position - 1, size, tree.node)
        proved.append(
            ProvedEvent(
                position=event.position,
                originator=event.originator,
                version=event.version,
                topic=topic,
                salt=salt_of(secret, event.position).hex(),
                state=base64.b64encode(state).decode(),
                path=[node.hex() for node in path],
            )
        )
    return proved
