"""A step that waits for a second person as data."""

from __future__ import annotations

from typing import Any

from domain.authority.persons import Person
from domain.authority.two_persons import TWO_PERSON_STEPS, confirming_roles
from ledger.projections.waiting import WAITING
from ledger.store.rows import Rows
from ledger.waiting.reading import WaitingStep
from services.web.waiting.summary import summarise_step


def waiting_document(rows: Rows, step: WaitingStep, now: str) -> dict[str, Any]:
    """A waiting step as data; ``now`` (UTC, fixed width) says whether it has lapsed."""
    title = TWO_PERSON_STEPS[step.step]
    lapsed = step.stage == WAITING and now > step.until
    return {
        "waiting": step.waiting,
        "step": step.step,
        "title": {"zh": title.zh, "en": title.en},
        "policy": step.request.policy,
        "stage": "lapsed" if lapsed else step.stage,
        "proposed_at": step.proposed_at,
        "proposed_by": _person(step.proposer),
        "until": step.until,
        "ended_at": step.ended_at or None,
        "ended_by": _person(step.ended_by) if step.ended_by else None,
        "summary": [
            {
                "label": {"zh": line.label_zh, "en": line.label_en},
                "value": {"zh": line.zh, "en": line.en},
            }
            for line in summarise_step(rows, step.request)
        ],
        "next": next_words(step, lapsed),
    }


def next_words(step: WaitingStep, lapsed: bool) -> dict[str, str]:
    """What has to happen now, in both languages."""
    name = step.proposer.name
    roles = ", ".join(confirming_roles(step.step))
    if lapsed:
        return {
            "zh": "已逾期，须重新提出",
            "en": "it has lapsed: propose it again",
        }
    if step.stage == WAITING:
        return {
            "zh": f"等待 {name} 以外的另一人确认（{roles}）；确认后才生效",
            "en": f"another person than {name} must confirm it ({roles}); nothing is done before",
        }
    return dict(zip(("zh", "en"), _ENDED[step.stage], strict=True))


_ENDED = {
    "confirmed": ("已由另一人确认并办理", "another person confirmed it, and it was done"),
    "withdrawn": ("已撤回，未办理", "it was withdrawn; nothing was done"),
    "replaced": ("已由新的提议取代，未办理", "it was proposed anew; nothing was done"),
}


def _person(person: Person) -> dict[str, str]:
    return {"issuer": person.issuer, "subject": person.subject, "name": person.name}
