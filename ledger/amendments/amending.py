"""The desk's amendment of what a source said: proposed by one person, confirmed by another.

It is judged as an amendment from outside would be, and recorded as the ledger's own. The source
amends the fact no more: what two persons decided, one key does not undo. Of a closed year it changes
what is still to be adjusted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from marshmallow import ValidationError
from msgspec import UNSET

from domain.authority.roles import Actor, NotAllowed
from domain.authority.writes import require
from domain.events import is_enterprise
from domain.events.aggregate import OUR_SOURCE
from domain.events.amendments import Amendment, FactCorrected, FactRetracted, FieldValue, FollowUp
from domain.events.content import Content
from domain.events.event import Event, SupportingDocument, digest_of, key_of
from domain.events.instants import instant
from domain.events.second_person.requests import AmendFact, AwardChange
from domain.events.speaking import attribute_step
from domain.facts.folding import EnterpriseFacts, correct, fold
from domain.faults.fault import Fault
from domain.faults.validation import faults_from
from domain.intake.authorising import Sender
from domain.intake.judging import Case, Target, judge_amendment
from domain.things.spelling import canonical_identity
from ledger.intake.batch import DESK, Batch, ReceivedMessage
from ledger.intake.messages.decode import Message, Now, faults_of_time
from ledger.intake.messages.fields import WholeNumber
from ledger.intake.messages.schemas import DATA, TYPE_OF, UNCHANGEABLE
from ledger.policies.versions import rulebooks
from ledger.reading.changes import compare_awards
from ledger.store.application import Ledger
from ledger.store.rows import Rows, read_row
from ledger.store.stored_events import SELECT, Stored, events_of, stored
from ledger.store.things.spellings import old_keys
from ledger.waiting.second_person import require_second_person, writing_step

STEP = "amendment.make"
_FIELDS = {"of": "id", "of_type": "id", "of_source": "source"}
"""Fields of a message by another name in a request."""


class AmendmentRefused(Exception):
    """An amendment that breaks rules: every ``fault``, by the fields of a request."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = faults


class StandingFact(NamedTuple):
    """What a source said, as it stands after corrections."""

    event: Stored
    content: Content
    facts: EnterpriseFacts
    """The enterprise's."""
    history: list[Stored]
    """The enterprise's events, in order."""

    @property
    def stands(self) -> dict[str, FieldValue]:
        """What it says, by field as it is stored; names of persons are left out."""
        values = self.content.fields_by_name()
        names = (name for name in DATA[self.event.fact.name]().fields if name not in UNCHANGEABLE)
        stored_values = {name: values[name] for name in names}
        return {name: value for name, value in stored_values.items() if isinstance(value, str | int | None)}

    @property
    def matter_id(self) -> str:
        """Of which one amendment waits at a time."""
        return f"{self.event.originator}:{self.event.position}"

    @property
    def is_held(self) -> bool:
        """Whether it counts for nothing until something is decided, or was decided against."""
        return self.facts.effective(self.event.fact) is None


class RecordedAmendment(NamedTuple):
    """An amendment in the ledger; ``repeated``: it stood there already."""

    enterprise: str
    position: int
    amendment: Amendment
    repeated: bool = False


def read_standing_fact(rows: Rows, source: str, event_id: str) -> StandingFact:
    """What a source said under an id, in whatever spelling, as it stands.

    Raises:
        NotAllowed: where there is no such event, it is none of a source about an enterprise, or it
            was retracted.
    """
    event = _find_event(rows, source, event_id)
    content = event.fact.content
    if isinstance(content, Amendment):
        raise NotAllowed("amend.amendment", "id")
    if event.fact.source == OUR_SOURCE or not is_enterprise(event.originator):
        raise NotAllowed("amend.ledger", "source")
    history = events_of(rows, event.originator)
    facts = fold([each.fact for each in history])
    standing = facts.corrected(event.fact)
    if standing is None:
        raise NotAllowed("amend.gone", "id", id=event.fact.event_id)
    return StandingFact(event, standing, facts, history)


def read_amendment(
    ledger: Ledger, source: str, event_id: str, reason: str, changes: dict[str, object] | None
) -> Amendment:
    """A correction by ``changes`` (as its message would have them), or without them a retraction.

    Raises:
        NotAllowed: as ``read_standing_fact``.
        AmendmentRefused: with everything that is wrong with the reason and the changes.
    """
    with ledger.store.reading() as rows:
        fact = _find_event(rows, source, event_id).fact
    name = "FactRetracted" if changes is None else "FactCorrected"
    if fact.name not in TYPE_OF or isinstance(fact.content, Amendment):
        raise NotAllowed("amend.amendment" if isinstance(fact.content, Amendment) else "amend.ledger", "id")
    data = {
        "of": canonical_identity(fact.event_id),
        "of_source": canonical_identity(fact.source),
        "of_type": TYPE_OF[fact.name],
        "reason": reason,
        **({} if changes is None else {"changes": changes}),
    }
    try:
        values = DATA[name]().load(data)
    except ValidationError as error:
        raise AmendmentRefused(list(faults_from(error.messages))) from None
    now = Now.bounds_at(ledger.clock())
    if faults := faults_of_time("", values, now):
        raise AmendmentRefused([_at_desk(fault) for fault in faults])
    values |= {"of": fact.event_id, "of_source": fact.source}
    return FactRetracted(**values) if changes is None else FactCorrected(**values)


def read_changes(ledger: Ledger, source: str, event_id: str, texts: Mapping[str, str]) -> dict[str, object]:
    """What forms and commands say in texts, as a message would have it; an empty text stands for nothing.

    Raises:
        NotAllowed: where there is no such event.
    """
    with ledger.store.reading() as rows:
        name = _find_event(rows, source, event_id).fact.name
    fields = DATA[name]().fields if name in DATA else {}
    numbers = {field.data_key or name for name, field in fields.items() if isinstance(field, WholeNumber)}
    return {
        name: None if not text.strip() else int(text) if name in numbers and _is_whole(text) else text
        for name, text in texts.items()
    }


def _is_whole(text: str) -> bool:
    return re.fullmatch(r"\s*[0-9]{1,18}\s*", text, re.ASCII) is not None


def amend_fact(
    ledger: Ledger, amendment: Amendment, actor: Actor, based_on: SupportingDocument | None = None
) -> RecordedAmendment:
    """Correct or retract what a source said; the same once more changes nothing while nothing else was said.

    ``based_on`` is the document that it rests on, where one is named.

    Raises:
        NotAllowed: where the actor may not, or the fact is none that may be amended.
        AmendmentRefused: with everything that is wrong with the fact as it would be.
        SecondPersonNeeded: where another person must confirm it.
    """
    require(actor, STEP)
    with writing_step(ledger) as rows:
        event = _find_event(rows, amendment.of_source, amendment.of)
        before = _said_last(events_of(rows, event.originator), event.fact, amendment)
        if before is not None and before.fact.based_on == based_on:
            return RecordedAmendment(event.originator, before.position, amendment, repeated=True)
        fact = read_standing_fact(rows, amendment.of_source, amendment.of)
        _judge(rows, fact, amendment)
        request = AmendFact(
            enterprise=event.originator,
            position=event.position,
            of=amendment.of,
            of_source=amendment.of_source,
            of_type=amendment.of_type,
            changes=amendment.changes if isinstance(amendment, FactCorrected) else None,
            reason=amendment.reason,
            stands=fact.stands,
            held=fact.is_held,
            based_on=UNSET if based_on is None else based_on,
        )
        actor = require_second_person(ledger, rows, actor, request)
        position = _record(ledger, rows, fact, amendment, actor, based_on)
    return RecordedAmendment(event.originator, position, amendment)


def preview_amendment(rows: Rows, request: AmendFact) -> list[AwardChange]:
    """The awards that a proposed amendment would change; none where the fact has changed since.

    It looks at the enterprise's own facts: what another one would get instead, is not told.
    """
    try:
        fact = read_standing_fact(rows, request.of_source, request.of)
    except NotAllowed:
        return []
    if (fact.stands, fact.is_held) != (request.stands, request.held):
        return []
    amended = Event(requested_amendment(request), OUR_SOURCE, "", "")
    after = fold([*(each.fact for each in fact.history), amended])
    return list(compare_awards(fact.facts, after, rulebooks(rows)))


def requested_amendment(request: AmendFact) -> Amendment:
    """The amendment that a proposal asks for."""
    about = {"of": request.of, "of_source": request.of_source, "of_type": request.of_type}
    if request.changes is None:
        return FactRetracted(reason=request.reason, **about)
    return FactCorrected(reason=request.reason, changes=request.changes, **about)


def _find_event(rows: Rows, source: str, event_id: str) -> Stored:
    """The event of a source and id, also where it was recorded in another spelling.

    Raises:
        NotAllowed: where there is none.
    """
    canonical = key_of(canonical_identity(source), canonical_identity(event_id))
    keys = (key_of(source, event_id), canonical, old_keys(rows, {canonical}).get(canonical, canonical))
    for key in keys:
        row = read_row(rows, "SELECT position FROM event_keys WHERE key=?", [key])
        if row is not None:
            return stored(rows.all(f"{SELECT} WHERE rowid=?", [row[0]])[0])
    raise NotAllowed("amend.unknown", "id", source=source[:200], id=event_id[:200])


def _said_last(history: list[Stored], fact: Event, amendment: Amendment) -> Stored | None:
    """The desk's very amendment of a fact, where it is the last one of it."""
    of_fact = [
        each
        for each in history
        if isinstance(content := each.fact.content, FollowUp)
        and isinstance(content, Amendment)
        and (content.of_source, content.of) == (fact.source, fact.event_id)
    ]
    if not of_fact or of_fact[-1].fact.source != OUR_SOURCE:
        return None
    return of_fact[-1] if of_fact[-1].fact.content == amendment else None


def _judge(rows: Rows, fact: StandingFact, amendment: Amendment) -> None:
    """Check an amendment by the rules that one from outside keeps, and that it changes something.

    Raises:
        AmendmentRefused, NotAllowed.
    """
    code, books = fact.event.originator, rulebooks(rows)
    target = Target(code, fact.event.fact)
    faults = judge_amendment(amendment, Case(code, fact.facts, books, target=target))
    if faults:
        raise AmendmentRefused([_at_desk(fault) for fault in faults])
    if isinstance(amendment, FactCorrected) and correct(fact.content, amendment.changes) == fact.content:
        raise NotAllowed("amend.same", "changes")


def _at_desk(fault: Fault) -> Fault:
    """A fault of a message by the field of the request."""
    field = fault.field.removeprefix("data.")
    return fault._replace(field=_FIELDS.get(field, field))


def _record(
    ledger: Ledger,
    rows: Rows,
    fact: StandingFact,
    amendment: Amendment,
    actor: Actor,
    based_on: SupportingDocument | None,
) -> int:
    """Take the amendment in by the inbox's own rules, on behalf of the desk; its position."""
    code = fact.event.originator
    place = f"{code}@{fact.history[-1].version + 1}"
    event = Event(amendment, OUR_SOURCE, place, instant(ledger.clock()), based_on=based_on)
    message = Message(code, event, digest_of(code, event))
    sender = Sender(attribution=attribute_step(actor, STEP))
    [result] = Batch(rows, ledger, DESK).take([ReceivedMessage(b"", message, sender=sender)])
    if result.status != "accepted" or result.position is None:
        raise AmendmentRefused([_at_desk(fault) for fault in result.faults])
    return result.position
