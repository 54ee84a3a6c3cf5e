"""Messages that hold the number of a natural person's identity card are refused, and kept without it."""

from __future__ import annotations

from domain.faults.fault import Fault
from domain.things.personal_number import wipe_alike, wipe_personal_numbers
from ledger.intake.messages.decode import Refusal
from ledger.store.things.wiping import wipe_message


def wipe_refusal(refusal: Refusal) -> Refusal:
    """The refusal without numbers of identity cards; the same where it holds none."""
    raw = wipe_message(refusal.raw)
    named = {
        "source": _wiped(refusal.source),
        "event_id": _wiped(refusal.event_id),
        "subject": _wiped(refusal.subject, as_code=True),
        "type": _wiped(refusal.type),
        "correlation": _wiped(refusal.correlation),
    }
    is_same = raw is refusal.raw and all(getattr(refusal, name) == text for name, text in named.items())
    faults = [wipe_fault(fault) for fault in refusal.faults]
    if is_same and faults == refusal.faults:
        return refusal
    return Refusal(raw, faults, **named, origin=refusal.origin, sender=refusal.sender)


def wipe_fault(fault: Fault) -> Fault:
    """A fault whose words repeat no number of an identity card."""
    args = {name: wipe_alike(each) if isinstance(each, str) else each for name, each in fault.args.items()}
    return Fault(fault.code, wipe_alike(fault.field), args)


def _wiped(text: str | None, as_code: bool = False) -> str | None:
    return None if text is None else wipe_personal_numbers(text, as_code)
