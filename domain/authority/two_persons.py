"""Which steps need two persons, and what comes of a person's call: it proposes, confirms, or is refused.

nothing waits --call--> waits --the same call by another person--> done
      ^                   |  |
      +----withdrawn------+  +--what it rests on has moved: the next call proposes it anew
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from domain.authority.persons import LOCAL, Person, is_same_person, is_told_apart
from domain.authority.roles import MAY, Actor, NotAllowed
from domain.faults.fault import FaultValue

WAITING_DAYS = 30
"""Days after which what nobody has confirmed does not wait any more."""


class StepTitle(NamedTuple):
    """What a step is called."""

    zh: str
    en: str


TWO_PERSON_STEPS: dict[str, StepTitle] = {
    "policy.adopt": StepTitle("采用政策", "adopting a policy"),
    "budget.set": StepTitle("设定预算", "setting a budget"),
    "settlement.publish": StepTitle("公示名单", "publishing a list"),
    "settlement.close": StepTitle("年度办结", "closing a year"),
    "payment.order": StepTitle("下达拨付", "ordering payments"),
    "clawback.order": StepTitle("追回", "ordering a clawback"),
    "adjustment.accept": StepTitle("接受调整", "accepting an adjustment"),
    "disagreement.decide": StepTitle("决定不一致的数据", "deciding facts that disagree"),
    "merge.decide": StepTitle("决定不同写法是否同一事项", "deciding whether spellings are one thing"),
    "amendment.make": StepTitle("更正或撤回来源的数据", "amending what a source said"),
    "refusal.dismiss": StepTitle("不再处理退回的数据", "dismissing a refused message"),
}
"""Steps that need two persons wherever identities are verified, each with what it is called.

The two reviews of a claim are steps of their own (``domain.claims.steps``).
"""

CONFIRMED_BY: dict[str, tuple[str, ...]] = {"amendment.make": ("reviewer",)}
"""Roles that confirm a step which others may propose; all else is confirmed by who may take it.

An amendment may be of a decision about a claim, which a reviewer approves.
"""


class PendingProposal(NamedTuple):
    """A step that a person has proposed and nobody has confirmed."""

    waiting: str
    """Its id."""
    proposer: Person
    asked: str
    """The digest of what is asked for."""
    digest: str
    """The digest of that and of what it rests on."""
    until: str
    """The last instant (UTC, fixed width) at which it waits."""


def is_verified(person: Person) -> bool:
    """Whether an identity provider or the operating system vouches for who it is."""
    return person.issuer not in ("", LOCAL)


def needs_second_person(step: str, person: Person) -> bool:
    """Whether a step of this person waits for another one; where names are only declared, none does."""
    return step in TWO_PERSON_STEPS and is_verified(person)


def confirming_roles(step: str) -> tuple[str, ...]:
    """The roles of the second person of a step."""
    return CONFIRMED_BY.get(step, MAY[step])


def require_confirming_role(step: str, actor: Actor) -> None:
    """Check that a person who may take a step may be the second one of it.

    Raises:
        NotAllowed: where others confirm it, and no role of theirs does.
    """
    roles = CONFIRMED_BY.get(step)
    if roles is not None and not actor.roles & set(roles):
        raise NotAllowed("role.missing", "actor", action=step, roles=", ".join(roles))


def require_another_person(person: Person, before: Person, code: str, **args: FaultValue) -> None:
    """Check that who takes a step is shown to be another person than who took one before it.

    Raises:
        NotAllowed: with this code for the same person, and with ``person.other-door`` where a user of the
            operating system and a subject of the identity service cannot be told apart.
    """
    if is_same_person(person, before):
        raise NotAllowed(code, "actor", **args)
    if not is_told_apart(person, before):
        raise NotAllowed("person.other-door", "actor", before=before.name or before.subject)


def judge_proposal(
    pending: PendingProposal | None, person: Person, asked: str, digest: str, now: str, confirming: str = ""
) -> Literal["propose", "confirm"]:
    """What a person's call of a step comes to, where the step needs two persons.

    Args:
        asked, digest: of the call, as in ``PendingProposal``.
        now: the instant of the call.
        confirming: the id of the proposal that the person means to confirm, where they name one.

    Raises:
        NotAllowed: for the person who proposed it; while something else of the same matter waits; and
            where what is to be confirmed waits no more, or rests on what has changed since.
    """
    waits = pending is not None and now <= pending.until
    if confirming and (pending is None or not waits or pending.waiting != confirming):
        raise NotAllowed("second.gone", "waiting", waiting=confirming)
    if pending is None or not waits:
        return "propose"
    if asked != pending.asked:
        raise NotAllowed("second.other", "waiting", waiting=pending.waiting, proposer=pending.proposer.name)
    if digest != pending.digest:
        if confirming:
            raise NotAllowed("second.outdated", "waiting", waiting=confirming)
        return "propose"
    require_another_person(person, pending.proposer, "second.same-person", waiting=pending.waiting)
    return "confirm"


def may_withdraw(pending: PendingProposal | None, person: Person, waiting: str, is_operator: bool) -> None:
    """Check that a person may withdraw a proposal: who made it, or an operator.

    Raises:
        NotAllowed: for anybody else, or where it waits no more.
    """
    if pending is None or pending.waiting != waiting:
        raise NotAllowed("second.gone", "waiting", waiting=waiting)
    if not is_operator and not is_same_person(pending.proposer, person):
        raise NotAllowed("second.withdraw", "actor", proposer=pending.proposer.name)
