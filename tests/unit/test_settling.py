"""A year's settlement as its events leave it, and what each stage allows."""

from __future__ import annotations

from typing import Any

import pytest

from domain.authority.roles import Actor, NotAllowed
from domain.events import Content
from domain.events.event import Event
from domain.settlement import steps
from domain.settlement.year import SettledLine, Settlement, fold, line_bytes
from tests.contents import content_of

LISTED = ("00" * 32, 2)
LIN = Actor("Lin", frozenset({"officer"}))
SHEN = Actor("Shen", frozenset({"reviewer"}))
BOTH = Actor("Lin", frozenset({"officer", "reviewer"}))


class Year:
    """A settlement's events so far."""

    def __init__(self) -> None:
        self.history: list[Event] = []

    @property
    def state(self) -> Settlement:
        """Where it stands."""
        return fold("p", 2024, self.history)

    def take(self, step: Content) -> None:
        """Count a step."""
        time = f"2025-05-{len(self.history) + 1:02d}T00:00:00.000000Z"
        self.history.append(Event(step, "s", str(len(self.history)), time))

    def propose(self) -> None:
        """Propose a list, as Lin."""
        steps.may_propose(self.state, LIN)
        number = self.state.number + 1
        self.take(content_of("SettlementProposed", number=number, actor="Lin", lines_digest="d", known=7))

    def close(self) -> None:
        """Close it."""
        self.take(content_of("SettlementClosed", number=1))

    def published(self, days: int = 7) -> Year:
        """Proposed, and published on 1 May 2025."""
        self.propose()
        self.take(steps.publish(self.state, LIN, "2025-05-01", days, *LISTED))
        return self


def why(step: Any) -> str:
    """Why a step is not allowed."""
    with pytest.raises(NotAllowed) as error:
        step()
    return error.value.code


@pytest.mark.parametrize(("days", "until"), [(7, "2025-05-07"), (1, "2025-05-01"), (31, "2025-05-31")])
def test_both_days_of_the_notice_count_and_it_closes_the_day_after(days: int, until: str) -> None:
    state = Year().published(days).state
    assert state.present_publication().until_day == until
    assert why(lambda: steps.may_close(state, SHEN, until)) == "settlement.notice"
    steps.raise_objection(state, LIN, until, "o", None, "r")
    steps.may_close(state, SHEN, f"2025-{'06-01' if days == 31 else f'05-{days + 1:02d}'}")


def test_a_notice_of_no_days_is_over_when_it_begins() -> None:
    state = Year().published(0).state
    assert state.present_publication().until_day == "2025-04-30"
    assert why(lambda: steps.raise_objection(state, LIN, "2025-05-01", "o", None, "r")) == "objection.late"
    steps.may_close(state, SHEN, "2025-05-01")


def test_an_open_objection_stops_the_closing_and_an_upheld_one_asks_for_another_proposal() -> None:
    year = Year().published()
    year.take(steps.raise_objection(year.state, LIN, "2025-05-02", "o1", "E", "r"))
    assert why(lambda: steps.may_close(year.state, SHEN, "2025-06-01")) == "objection.open"
    assert why(lambda: steps.resolve_objection(year.state, BOTH, "o1", "upheld", "r")) == "objection.own"
    year.take(steps.resolve_objection(year.state, SHEN, "o1", "upheld", "r"))
    assert why(lambda: steps.may_close(year.state, SHEN, "2025-06-01")) == "objection.upheld"
    year.propose()
    assert (year.state.stage, year.state.number, year.state.upheld) == ("proposed", 2, False)
    assert year.state.publication is None
    assert why(lambda: steps.may_close(year.state, SHEN, "2025-06-01")) == "settlement.not-published"


def test_an_objection_outlives_the_proposal_that_it_was_raised_to() -> None:
    year = Year().published()
    year.take(steps.raise_objection(year.state, LIN, "2025-05-02", "o1", None, "r"))
    year.published()
    assert why(lambda: steps.may_close(year.state, SHEN, "2025-06-01")) == "objection.open"
    assert (
        why(lambda: steps.raise_objection(year.state, LIN, "2025-05-02", "o1", None, "r"))
        == "objection.known"
    )
    year.take(steps.resolve_objection(year.state, SHEN, "o1", "dismissed", "r"))
    steps.may_close(year.state, SHEN, "2025-06-01")
    assert why(lambda: steps.resolve_objection(year.state, SHEN, "o1", "upheld", "r")) == "objection.resolved"
    assert why(lambda: steps.resolve_objection(year.state, SHEN, "o2", "upheld", "r")) == "objection.unknown"


def test_an_enterprise_has_no_more_than_so_many_open_objections() -> None:
    """So they cost no more the more it raises; one that is answered makes room, others are not counted."""
    year = Year().published()
    for number in range(steps.OPEN_OBJECTIONS_MAX):
        year.take(steps.raise_objection(year.state, LIN, "2025-05-02", f"o{number}", "E", "r"))

    assert (
        why(lambda: steps.raise_objection(year.state, LIN, "2025-05-02", "o", "E", "r")) == "objection.many"
    )
    steps.raise_objection(year.state, LIN, "2025-05-02", "o", "F", "r")
    steps.raise_objection(year.state, LIN, "2025-05-02", "o", None, "r")
    year.take(steps.resolve_objection(year.state, SHEN, "o1", "dismissed", "r"))
    steps.raise_objection(year.state, LIN, "2025-05-02", "o", "E", "r")


def test_who_proposed_the_list_does_not_close_it() -> None:
    assert why(lambda: steps.may_close(Year().published().state, BOTH, "2025-06-01")) == (
        "settlement.same-person"
    )


def test_a_closed_year_allows_nothing() -> None:
    year = Year().published()
    year.close()
    tries: list[Any] = [
        year.propose,
        lambda: steps.publish(year.state, LIN, "2025-05-01", 7, *LISTED),
        lambda: steps.raise_objection(year.state, LIN, "2025-05-01", "o", None, "r"),
        lambda: steps.resolve_objection(year.state, SHEN, "o", "upheld", "r"),
        lambda: steps.may_close(year.state, SHEN, "2025-06-01"),
    ]
    assert {why(step) for step in tries} == {"settlement.closed"}


def test_a_line_is_digested_field_by_field() -> None:
    assert line_bytes(SettledLine("E", "m", 2024, 10, 1, 2, 7)) == b"E\tm\t2024\t10\t1\t2\t7\n"
