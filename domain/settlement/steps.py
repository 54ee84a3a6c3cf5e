"""Who may take which step of a year's settlement, and the event that it leads to. There is no reopening.

open -> proposed -> published -> closed
          ^             |
          +-------------+  proposed again: after an upheld objection, or before the notice period ends
"""

from __future__ import annotations

from datetime import date, timedelta

from domain.authority.persons import is_same_person
from domain.authority.roles import Actor, NotAllowed
from domain.authority.two_persons import require_another_person
from domain.authority.writes import require
from domain.events.settlements import (
    BankStatementRecorded,
    MeasureSum,
    ObjectionRaised,
    ObjectionResolved,
    SettlementClosed,
    SettlementPublished,
)
from domain.settlement.year import Settlement

OPEN_OBJECTIONS_MAX = 20
"""Most objections of one enterprise, or of one person for none, that wait for an answer at a time."""


def must_be_open(state: Settlement) -> None:
    """Refuse whatever would change a closed year.

    Raises:
        NotAllowed: where it is closed.
    """
    if state.stage == "closed":
        raise NotAllowed("settlement.closed", "year", year=state.year, on=state.closed_at[:10])


def may_propose(state: Settlement, actor: Actor) -> None:
    """Check that a list may be proposed; a publication under way is withdrawn by it, its objections stand.

    Raises:
        NotAllowed: for who may not, or in a closed year.
    """
    require(actor, "settlement.propose")
    must_be_open(state)


def may_publish(state: Settlement, actor: Actor) -> None:
    """Check that the proposed list may be published.

    Raises:
        NotAllowed: for who may not, or where no list is proposed.
    """
    require(actor, "settlement.publish")
    must_be_open(state)
    if state.stage != "proposed":
        raise NotAllowed("settlement.not-proposed", "year", stage=state.stage)


def publish(
    state: Settlement, actor: Actor, today: str, notice_days: int, list_root: str, list_lines: int
) -> SettlementPublished:
    """The proposed list published from today, for ``notice_days`` days, today included.

    ``list_root`` is the root (hex) of the list as anyone may see it, and how many lines it has.

    Raises:
        NotAllowed: see ``may_publish``.
    """
    may_publish(state, actor)
    proposal = state.present_proposal()
    return SettlementPublished(
        policy=state.policy,
        year=state.year,
        actor=actor.name,
        number=proposal.number,
        lines_digest=proposal.lines_digest,
        from_day=today,
        until_day=(date.fromisoformat(today) + timedelta(days=notice_days - 1)).isoformat(),
        list_root=list_root,
        list_lines=list_lines,
    )


def same_objection(state: Settlement, actor: Actor, enterprise: str | None, reason: str) -> bool:
    """Whether the person has raised this objection already, and it is open."""
    return state.stage == "published" and any(
        (each.enterprise, each.reason, each.outcome) == (enterprise, reason, None)
        and is_same_person(each.person, actor.person)
        for each in state.objections.values()
    )


def count_open(state: Settlement, actor: Actor, enterprise: str | None) -> int:
    """How many objections of an enterprise are open; of those of no enterprise, how many of the actor."""
    return sum(
        each.outcome is None
        and each.enterprise == enterprise
        and (enterprise is not None or each.person == actor.person)
        for each in state.objections.values()
    )


def raise_objection(
    state: Settlement, actor: Actor, today: str, objection: str, enterprise: str | None, reason: str
) -> ObjectionRaised:
    """An objection to the published list while it is out.

    Raises:
        NotAllowed: for who may not, where no list is out, too late, under a number in use, or where too
            many of the same enterprise wait.
    """
    require(actor, "settlement.object", enterprise)
    must_be_open(state)
    if state.stage != "published":
        raise NotAllowed("settlement.not-published", "year", stage=state.stage)
    until = state.present_publication().until_day
    if today > until:
        raise NotAllowed("objection.late", "year", until=until)
    if objection in state.objections:
        raise NotAllowed("objection.known", "objection", objection=objection)
    if count_open(state, actor, enterprise) >= OPEN_OBJECTIONS_MAX:
        raise NotAllowed("objection.many", "enterprise", most=OPEN_OBJECTIONS_MAX)
    return ObjectionRaised(
        policy=state.policy,
        year=state.year,
        actor=actor.name,
        objection=objection,
        enterprise=enterprise,
        raised_by=actor.name,
        reason=reason,
    )


def resolve_objection(
    state: Settlement, actor: Actor, objection: str, outcome: str, reason: str
) -> ObjectionResolved:
    """An objection decided: ``upheld`` makes a new proposal necessary, ``dismissed`` does not.

    Raises:
        NotAllowed: for who may not, for an objection that is unknown, decided, or their own.
    """
    require(actor, "settlement.resolve")
    must_be_open(state)
    raised = state.objections.get(objection)
    if raised is None:
        raise NotAllowed("objection.unknown", "objection", objection=objection)
    if raised.outcome is not None:
        raise NotAllowed("objection.resolved", "objection", outcome=raised.outcome)
    require_another_person(actor.person, raised.person, "objection.own")
    return ObjectionResolved(
        policy=state.policy,
        year=state.year,
        actor=actor.name,
        objection=objection,
        outcome=outcome,
        reason=reason,
    )


def may_close(state: Settlement, actor: Actor, today: str) -> None:
    """Check that the published list may be made final.

    Raises:
        NotAllowed: twice, before publication, within the notice period, with an open or an
            upheld objection, or by who proposed it.
    """
    require(actor, "settlement.close")
    must_be_open(state)
    if state.stage != "published":
        raise NotAllowed("settlement.not-published", "year", stage=state.stage)
    if state.open_objections:
        raise NotAllowed("objection.open", "objection", objections=", ".join(state.open_objections[:20]))
    if state.upheld:
        raise NotAllowed("objection.upheld", "objection")
    until = state.present_publication().until_day
    if today <= until:
        raise NotAllowed("settlement.notice", "year", until=until)
    if state.proposer is not None:
        require_another_person(actor.person, state.proposer, "settlement.same-person")


def close(
    state: Settlement,
    actor: Actor,
    today: str,
    first_position: int,
    measures: tuple[MeasureSum, ...],
    log_size: int,
    log_root: str,
) -> SettlementClosed:
    """The published list made final; the figures are its proposal's.

    ``first_position`` is of the first account's event of the closing; ``log_size`` and ``log_root``
    (hex) are the log's just before the closing itself.

    Raises:
        NotAllowed: see ``may_close``.
    """
    may_close(state, actor, today)
    proposal = state.present_proposal()
    return SettlementClosed(
        policy=state.policy,
        year=state.year,
        actor=actor.name,
        number=proposal.number,
        lines_digest=proposal.lines_digest,
        known=proposal.known,
        first_position=first_position,
        appropriation_fen=proposal.appropriation_fen,
        carried_fen=proposal.carried_fen,
        spent_fen=proposal.spent_fen,
        budget_fen=proposal.budget_fen,
        sharing_fen=proposal.sharing_fen,
        cut_remainder=proposal.cut_remainder,
        cut_key=proposal.cut_key,
        payable_fen=proposal.payable_fen,
        outside_fen=proposal.outside_fen,
        awards=proposal.awards,
        enterprises=proposal.enterprises,
        measures=measures,
        log_size=log_size,
        log_root=log_root,
        budgets=proposal.budgets,
        pots=proposal.pots,
    )


def record_statement(
    state: Settlement,
    actor: Actor,
    digest: str,
    accounts: tuple[str, ...],
    days: tuple[str, str],
    entries: int,
) -> BankStatementRecorded | None:
    """A bank statement brought to a closed year; ``None`` for a file that was recorded before.

    ``days`` are those of its first and last booking.

    Raises:
        NotAllowed: for who may not, or before the closing.
    """
    require(actor, "payment.record")
    if state.closing is None:
        raise NotAllowed("settlement.not-closed", "year", year=state.year)
    if digest in state.statements:
        return None
    return BankStatementRecorded(
        policy=state.policy,
        year=state.year,
        actor=actor.name,
        digest=digest,
        accounts=accounts,
        from_day=days[0],
        until_day=days[1],
        entry_count=entries,
    )
