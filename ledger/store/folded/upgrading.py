"""Folded facts as versions 1 to 8 of the tables kept them, brought to the form in which they are kept now.

What they say is taken over as it stands, so that a row which was altered differs from a replay as before;
the indexes that came with version 9 are worked out from that, and from the events.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable

import msgspec

from domain.events.amendments import Amendment
from domain.events.claims import ClaimEvent
from domain.events.event import SEP, Event
from domain.events.speaking import is_said_at_desk
from domain.facts.claims import Approval, ApprovedItem, ApprovedSum, Claim, file_key, item_key
from domain.facts.folding import Amended, DatedRecord, EnterpriseFacts, Profile, Reports, amended_key
from domain.facts.places import places_of
from domain.things.spelling import canonical_number
from ledger.store.folded.entries import EntryChanges, is_many
from ledger.store.rows import Rows
from ledger.store.stored_events import events_of

CHUNK_ROWS = 1_000


class _OldFacts(msgspec.Struct):
    """As they were stored until version 8."""

    dated: dict[str, dict[str, DatedRecord]] = {}
    amounts: dict[str, dict[str, Reports]] = {}
    figures: dict[str, dict[str, list[int]]] = {}
    approvals: dict[str, list[Approval]] = {}
    claims: dict[str, Claim] = {}
    amended: dict[str, Amended] = {}
    profile: Profile | None = None


_old = msgspec.msgpack.Decoder(_OldFacts)


def rewrite_facts(rows: Rows) -> None:
    """Keep the facts of every enterprise in the form of version 9; what cannot be read stays as it is."""
    last = ""
    sql = "SELECT code, version, facts FROM enterprises WHERE code>? ORDER BY code LIMIT ?"
    while stored_rows := rows.all(sql, [last, CHUNK_ROWS]):
        changes = EntryChanges(rows)
        rewritten = []
        for code, version, stored in stored_rows:
            facts = _read_old(rows, code, bytes(stored))
            if facts is not None:
                rewritten.append((changes.encode_facts(code, version, facts), code))
                if is_many(version):
                    events = [event.fact for event in events_of(rows, code)]
                    changes.note_places(code, places_of(events, facts))
        rows.run_many("UPDATE enterprises SET facts=? WHERE code=?", rewritten)
        changes.write()
        last = stored_rows[-1][0]


def _read_old(rows: Rows, code: str, stored: bytes) -> EnterpriseFacts | None:
    """Facts in their present form; ``None`` where they are in it already, or cannot be read."""
    try:
        old = _old.decode(stored)
    except msgspec.MsgspecError:
        return None
    facts = EnterpriseFacts(
        dated=old.dated,
        amounts=old.amounts,
        figures=old.figures,
        claims=old.claims,
        amended=old.amended,
        held=sum(bool(amended.held) for amended in old.amended.values()),
        profile=old.profile,
    )
    for measure, approvals in old.approvals.items():
        for approval in approvals:
            _index_approval(facts, measure, approval)
    for key, claim in old.claims.items():
        if claim.status == "approved":
            insort(facts.items.setdefault(item_key(claim), ApprovedItem()).claims, key)
    if old.claims or old.amended:
        _index_events(facts, (event.fact for event in events_of(rows, code)))
    return facts


def _index_approval(facts: EnterpriseFacts, measure: str, approval: Approval) -> None:
    key = SEP.join((measure, canonical_number(approval.item)))
    facts.items.setdefault(key, ApprovedItem()).approvals.append(approval)
    approved = facts.approved.setdefault(measure, {}).setdefault(approval.year, ApprovedSum())
    approved.count += 1
    approved.total += approval.amount
    approved.highest = max(approved.highest, approval.amount)


def _index_events(facts: EnterpriseFacts, events: Iterable[Event]) -> None:
    """What the facts did not say: which events stand as steps of claims, and what the desk amended."""
    for event in events:
        content = event.content
        if isinstance(content, ClaimEvent) and isinstance(step := facts.corrected(event), ClaimEvent):
            insort(facts.steps.setdefault(file_key(step.policy, step.claim), []), event.key)
        elif isinstance(content, Amendment) and is_said_at_desk(event):
            amended = facts.amended.get(amended_key(content))
            if amended is not None:
                amended.at_desk = True
