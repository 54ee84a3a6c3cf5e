"""What one event becomes in the workbench's file: readable rows of its tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from domain.events.accounts import (
    AccountStep,
    AwardsSettled,
    ClawbackStep,
    PaymentStep,
)
from domain.events.amendments import FactCorrected, FactDecided, FactRetracted, HoldEvent
from domain.events.claims import ClaimEvent, ClaimSubmitted
from domain.events.content import Content, DatedThing, EnterpriseStatus, FactContent
from domain.events.event import Event, Speaker
from domain.events.instants import SHANGHAI, day_of
from domain.events.settlements import ObjectionRaised, SettlementEvent
from domain.things.spelling import fold_reference
from services.verify.reading import LoggedEvent

Cell = str | int | None


class Row(NamedTuple):
    """A row of a table."""

    table: str
    values: tuple[object, ...]


class _Place(NamedTuple):
    """Where and when an event was recorded, on clocks in China."""

    position: int
    code: str
    day: str
    minute: str
    weekday: int


def rows_of(logged: LoggedEvent, event: Event, recorded_at: str) -> Iterator[Row]:
    """The rows of an event, the event itself first."""
    content = event.content
    moment = datetime.fromisoformat(recorded_at).astimezone(SHANGHAI)
    place = _Place(
        logged.position,
        _code_of(logged.originator, content),
        moment.date().isoformat(),
        f"{moment:%H:%M}",
        moment.isoweekday(),
    )
    speaker = event.said_by or Speaker()
    values = content.values_by_name()
    yield Row(
        "events",
        (
            *(logged.position, place.day, place.minute, place.weekday, recorded_at, event.time),
            *(logged.originator, logged.version, event.name, event.source, event.event_id),
            *(name_of(speaker), f"{speaker.issuer} {speaker.subject}".strip()),
            event.acting_as.role if event.acting_as else "",
            event.acting_as.on_behalf_of if event.acting_as else "",
            event.based_on.citation if event.based_on else "",
            json.dumps(values, ensure_ascii=False),
        ),
    )
    if isinstance(content, FactContent):
        yield from _fact_rows(place, event, content)
    elif isinstance(content, FactCorrected | FactRetracted):
        step = "corrected" if isinstance(content, FactCorrected) else "retracted"
        changes = json.dumps(values.get("changes"), ensure_ascii=False) if "changes" in values else ""
        subject = (content.of_type, content.of_source, content.of)
        yield Row("corrections", (place.position, place.code, step, *subject, content.reason, changes))
    elif isinstance(content, HoldEvent):
        yield _hold_row(place, content)
    elif isinstance(content, ClaimEvent):
        yield from _claim_rows(place, content)
    elif isinstance(content, SettlementEvent):
        yield _settlement_row(place, event.name, content)
    elif isinstance(content, AwardsSettled):
        for line in content.lines:
            sums = (line.gross_fen, line.withheld_fen, line.reduction_fen, line.payable_fen, line.pot)
            head = (place.position, place.code, content.policy, content.year)
            yield Row("settled", (*head, line.measure, line.award_year, *sums))
    elif isinstance(content, PaymentStep | ClawbackStep):
        yield _account_row(place, event.name, content)
    yield from _act_rows(place, event, speaker)


def name_of(speaker: Speaker) -> str:
    """A person's name, else the identity that was checked, else the publisher."""
    return speaker.name or speaker.subject or speaker.publisher


def identity_of(speaker: Speaker) -> str:
    """What tells a person from others: issuer and subject where they were checked, else the name."""
    return f"{speaker.issuer} {speaker.subject}" if speaker.subject else name_of(speaker)


def _code_of(originator: str, content: Content) -> str:
    """The enterprise that an event is about; empty where it is about none."""
    if ":" not in originator:
        return originator
    return str(content.field_value("enterprise") or "")


def _text(content: Content, *names: str) -> str:
    """The first of some fields that says something."""
    return next((str(value) for name in names if (value := content.field_value(name))), "")


def _fen(content: Content) -> int | None:
    value = content.field_value("amount_fen")
    return value if isinstance(value, int) else None


def _fact_rows(place: _Place, event: Event, content: FactContent) -> Iterator[Row]:
    if isinstance(content, EnterpriseStatus):
        entry = (content.name, content.town, content.size, content.sector, event.time)
        yield Row("enterprises", (place.code, *entry))
    identity, year = "", content.field_value("year")
    if isinstance(content, DatedThing):
        parts = [str(content.field_value(name) or "") for name in content.identity]
        identity = fold_reference(" ".join(parts))
        year = int(content.on[:4])
    date = content.on if isinstance(content, DatedThing) else day_of(event.time)
    fact_columns = (
        event.name,
        content.shape,
        identity,
        date,
        year,
        _fen(content),
        _text(content, "currency"),
    )
    yield Row("facts", (place.position, place.code, *fact_columns, event.source, event.event_id))


def _hold_row(place: _Place, content: HoldEvent) -> Row:
    decided = isinstance(content, FactDecided)
    step = "held" if not decided else "counts" if content.field_value("counts") else "does-not-count"
    subject = (content.disagreement, content.of_type, content.of_source, content.of)
    words = (_text(content, "rule"), _text(content, "actor"), _text(content, "reason"))
    return Row("holds", (place.position, place.code, step, *subject, *words))


def _claim_rows(place: _Place, content: ClaimEvent) -> Iterator[Row]:
    step = type(content).__name__.removeprefix("Claim").lower()
    claim = (content.claim, step, content.measure, content.item, content.year)
    words = _text(content, "opinion", "reason")
    yield Row("claims", (place.position, place.code, *claim, _fen(content), content.actor or "", words))
    if isinstance(content, ClaimSubmitted):
        for paper in content.evidence or ():
            named = (content.claim, paper.title, paper.location, paper.sha256)
            yield Row("evidence", (place.position, place.code, *named))


def _settlement_row(place: _Place, kind: str, content: SettlementEvent) -> Row:
    step = kind.removeprefix("Settlement").lower()
    sums = [content.field_value(name) for name in ("gross_fen", "payable_fen", "awards", "enterprises")]
    subject = content.enterprise if isinstance(content, ObjectionRaised) else None
    words = (_text(content, "objection"), subject, _text(content, "outcome"), _text(content, "reason"))
    head = (place.position, content.policy, content.year, step, content.actor)
    return Row("settlements", (*head, content.field_value("number"), *sums, *words))


def _account_row(place: _Place, kind: str, content: AccountStep) -> Row:
    head = (place.position, place.code, content.policy, content.year)
    words = _text(content, "reference", "reason")
    moved = (_fen(content), _text(content, "on"), words, content.actor)
    if isinstance(content, PaymentStep):
        step = kind.removeprefix("Payment").lower()
        return Row("payments", (*head, step, content.payment, _text(content, "batch"), *moved))
    assert isinstance(content, ClawbackStep)
    step = kind.removeprefix("Clawback").lower()
    return Row("clawbacks", (*head, step, content.clawback, _text(content, "measure"), *moved))


def _act_rows(place: _Place, event: Event, speaker: Speaker) -> Iterator[Row]:
    """What persons did; what systems reported is no act, but for persons who had it recorded."""
    content, capacity = event.content, event.acting_as
    if isinstance(content, AwardsSettled):  # follows from the closing, which is an act
        return
    declared = _text(content, "actor") or ("" if speaker.publisher else name_of(speaker))
    own_words = declared in (speaker.name, speaker.subject)
    parts = {"acted": (declared, identity_of(speaker) if own_words else declared)}
    for part in ("proposed", "confirmed"):
        person = getattr(capacity, f"{part}_by", None)
        if person:
            parts[part] = (name_of(person), identity_of(person))
    matter = _matter_of(place, content)
    for part, (person, identity) in parts.items():
        if person:
            when = (place.day, place.minute, place.weekday, _fen(content))
            yield Row("acts", (place.position, identity, person, part, event.name, matter, place.code, *when))


def _matter_of(place: _Place, content: Content) -> str:
    """What an act is about, so that acts of several persons on one matter stand together."""
    if isinstance(content, ClaimEvent):
        return f"claim {place.code} {content.claim}"
    if isinstance(content, PaymentStep):
        return f"payment {content.payment}"
    if isinstance(content, ClawbackStep):
        return f"clawback {place.code} {content.clawback}"
    if isinstance(content, SettlementEvent):
        return f"settlement {content.policy} {content.year}"
    return f"{type(content).__name__} {place.code or place.position}"
