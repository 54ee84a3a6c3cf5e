"""Replay: the year as the ledger knew it on a day, or as it truly was by then; and what changed."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any, NamedTuple

from flask import Response, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from domain.events.instants import SHANGHAI
from domain.money.amounts import parse_fen
from domain.money.wire import print_percent
from ledger.audit.steps import difference
from ledger.policies.versions import UnknownPolicy, rulebook
from ledger.reading.budgets import YearBudget, read_budget
from ledger.reading.overview import NoFactor, factor_at, read_adoption
from ledger.reading.records import read_names
from ledger.reading.totals import totals_of
from ledger.store.application import Ledger
from ledger.store.moments import Moment, Unanswerable, known_between, moment, recorded_times
from ledger.store.rows import Rows
from ledger.store.stored_events import SELECT, stored
from services.console import forms, telling
from services.console.background import Work, ask, pinned
from services.console.blueprint import console
from services.console.menu import add_to_menu
from services.console.pages.home import open_policy
from services.console.pages.log import enterprise_of, line_of
from services.console.pages.year import article_bars, scaled
from services.console.rendering import choices, page
from services.console.rendering import moment as shown_moment
from services.console.shown import awards_titled, fragment_wanted, here, next_page
from services.web.fields import Cursor, Query

add_to_menu("replay_page", "nav-time", 90)
KINDS = ("known", "true")
POINTS_MAX = 400
"""Most points of the slider."""
DRAWN_MAX = 60
AWARDS_MAX = 200
"""Most changed awards that are listed, the largest changes first."""
EVENTS = 20


class Point(NamedTuple):
    """A stop of the slider: what the address says, and what the reader sees."""

    value: str
    label: str


@console.get("/<policy>/<int:year>/replay")
def replay_page(policy: str, year: int) -> BaseResponse:
    """Show the year on a day of the past."""
    book = open_policy(policy, year)
    kind = request.args.get("kind", "known")
    kind = kind if kind in KINDS else "known"
    with forms.opened().store.reading() as rows:
        points = points_known(rows, policy) if kind == "known" else points_true(year)
        stop = request.args.get("stop", "")
        if stop.isdecimal() and len(stop) < 9 and points:
            chosen = points[min(int(stop), len(points) - 1)].value
            return redirect(here(stop=None, at=None, day=chosen, kind=kind))
        day = request.args.get("day", "").strip() or (points[-1].value if points else "")
        values, wrong = _at_once(rows, policy, year, kind, day)
        drawn = factors(rows, policy, year) if kind == "known" and not fragment_wanted() else []
    work = _whole(policy, year, kind, day, values["place"], values["at"]) if values["at"] else None
    answer = work.value() if work is not None and work.done.is_set() else None
    values |= {
        "policy": policy,
        "year": year,
        "currency": book.latest.currency,
        "kind": kind,
        "day": day,
        "wrong": wrong,
        "work": work,
        "answer": answer,
        "bars": article_bars(answer) if answer else [],
        "again": here(day=day, kind=kind, at=pinned(values["place"])),
    }
    if fragment_wanted():
        return page("replay-answer.html", **values)
    shown = [(point.label[5:16], value) for point, _, value in drawn]
    values |= {
        "points_drawn": shown,
        "points": points,
        "stop": _nearest(points, day),
        "drawn": drawn,
        "date": day[:10] if re.fullmatch(r"\d{4}-\d\d-\d\d", day[:10]) else "",
        "choices": choices(),
    }
    return page("replay.html", 422 if wrong else 200, **values)


def points_known(rows: Rows, policy: str) -> list[Point]:
    """The days from the policy's adoption to the ledger's last record; of a few days, every record.

    Facts, and the proposal of the adoption, may have been recorded before it.
    """
    adoption = read_adoption(rows, policy)
    ends = known_between(rows, adoption)
    if ends is None:
        return []
    first, last = (datetime.fromisoformat(at).astimezone(SHANGHAI).date() for at in ends)
    if (last - first).days > 2:
        return _days(first, last)
    return [Point(at, shown_moment(at)) for at in recorded_times(rows, POINTS_MAX, adoption)]


def points_true(year: int) -> list[Point]:
    """The days of a year."""
    return _days(date(year, 1, 1), date(year, 12, 31))


def _days(first: date, last: date) -> list[Point]:
    count = (last - first).days
    step = max(1, -(-count // (POINTS_MAX - 1)))
    wanted = sorted({min(n, count) for n in range(0, count + step, step)})
    days = [(first + timedelta(days=n)).isoformat() for n in wanted]
    return [Point(day, day) for day in days]


def _nearest(points: list[Point], day: str) -> int:
    at = [index for index, point in enumerate(points) if point.value <= day]
    return at[-1] if at else 0


def _at_once(rows: Rows, policy: str, year: int, kind: str, day: str) -> tuple[dict[str, Any], str]:
    """What a page says without a replay: of knowledge, the factor and the sums."""
    values: dict[str, Any] = {"place": rows.last_position(), "at": None, "factor": None, "sums": None}
    if not day:
        return values, ""
    try:
        at = moment(rows, **{"as_known" if kind == "known" else "as_of": day}, now=forms.opened().clock())
        if kind == "true":
            return {**values, "at": Moment(as_of=at.as_of, until=pinned(values["place"]))}, ""
        until = at.until or 0
        factor = _factor_or_none(rows, policy, year, until)
    except Unanswerable:
        return values, "replay-unanswerable"
    except UnknownPolicy:
        return values, "replay-no-policy"
    found = [row for row in totals_of(rows, policy, "measure", Moment(until=until)) if row[0] == year]
    sums = {"gross": sum(int(row[2]) for row in found), "withheld": sum(int(row[3]) for row in found)}
    return {**values, "at": Moment(until=until), "factor": factor, "sums": sums}, ""


def _factor_or_none(rows: Rows, policy: str, year: int, until: int) -> Fraction | None:
    """The factor; none where only a replay can tell it."""
    try:
        return factor_at(rows, policy, year, until)
    except NoFactor:
        return None


def _whole(policy: str, year: int, kind: str, day: str, place: int, at: Moment) -> Work:
    """Every figure of the moment, by folding the facts again."""
    until = at.until or place
    whole = 2 * until if kind == "true" else until

    def read(ledger: Ledger, rows: Rows) -> YearBudget:
        return read_budget(ledger, rows, policy, year, at)

    work = ask(("replay", policy, year, at), whole, read)
    if work.error is not None:
        raise work.error
    return work


def factors(rows: Rows, policy: str, year: int) -> list[tuple[Point, str, int]]:
    """The factor at points of the ledger's knowledge, as text and as parts of a million."""
    points = points_known(rows, policy)
    step = max(1, -(-len(points) // DRAWN_MAX))
    chosen = points[::step] + ([points[-1]] if points and (len(points) - 1) % step else [])
    found = []
    for point in chosen:
        try:
            at = moment(rows, as_known=point.value)
            value: Fraction = factor_at(rows, policy, year, at.until or 0)
        except (Unanswerable, UnknownPolicy, NoFactor):
            continue
        found.append((point, print_percent(value), scaled(value)))
    return found


class EventsQuery(Query):
    """Where the events between two moments go on."""

    cursor = Cursor("events", int)


@console.get("/<policy>/<int:year>/difference")
def difference_page(policy: str, year: int) -> Response:
    """Show what changed between two moments of knowledge, and which events came in between."""
    currency = open_policy(policy, year).latest.currency
    with forms.opened().store.reading() as rows:
        points, place = points_known(rows, policy), rows.last_position()
        first = request.args.get("first", "").strip() or (points[0].value if points else "")
        second = request.args.get("second", "").strip() or (points[-1].value if points else "")
        ends, wrong = _ends(rows, policy, first, second)
        events, more = _between(rows, policy, ends) if ends and not fragment_wanted() else ([], 0)
    work = _difference(policy, year, first, second, ends) if ends else None
    answer = work.value() if work is not None and work.done.is_set() else None
    values: dict[str, Any] = {
        "policy": policy,
        "year": year,
        "currency": currency,
        "place": place,
        "first": first,
        "second": second,
        "ends": ends,
        "wrong": wrong,
        "work": work,
        "answer": answer,
        "again": here(first=first, second=second),
    }
    if fragment_wanted():
        return page("difference-answer.html", **values)
    values |= {"points": points, "events": events, "choices": choices()}
    values["next"] = next_page("events", [more]) if more else ""
    return page("difference.html", 422 if wrong else 200, section="replay_page", **values)


def _ends(rows: Rows, policy: str, first: str, second: str) -> tuple[tuple[int, int] | None, str]:
    """The positions of two moments, or the key of what is wrong with them."""
    if not first or not second:
        return None, ""
    try:
        now = forms.opened().clock()
        begin = moment(rows, as_known=first, now=now).until or 0
        end = moment(rows, as_known=second, now=now).until or 0
        for position in (begin, end):
            rulebook(rows, policy, position)
    except Unanswerable:
        return None, "replay-unanswerable"
    except UnknownPolicy:
        return None, "replay-no-policy"
    return ((begin, end), "") if begin <= end else (None, "difference-order")


def _between(rows: Rows, policy: str, ends: tuple[int, int]) -> tuple[list[dict[str, Any]], int]:
    """A page of the events between two positions; and after which position the next one begins."""
    asked = request.args.get("cursor", "")
    query = EventsQuery()
    wanted = query.load({"cursor": asked}) if asked and not query.validate({"cursor": asked}) else {}
    begin = max(ends[0], wanted["cursor"][0] if wanted else 0)
    sql = f"{SELECT} WHERE rowid>? AND rowid<=? ORDER BY rowid LIMIT ?"
    found = [stored(row) for row in rows.all(sql, [begin, ends[1], EVENTS + 1])]
    names = read_names(rows, [enterprise_of(event) for event in found])
    wording = telling.read_wording(rows, policy)
    lines = [line_of(event, names, wording) for event in found[:EVENTS]]
    return lines, found[EVENTS - 1].position if len(found) > EVENTS else 0


def _difference(policy: str, year: int, first: str, second: str, ends: tuple[int, int]) -> Work:
    """What changed, of which the largest changes are kept."""

    def read(ledger: Ledger, rows: Rows) -> dict[str, Any]:
        found = difference(ledger, rows, None, policy, year, first, second)
        moves = [
            (parse_fen(each["after"], printed=True) - parse_fen(each["before"], printed=True), each)
            for each in found.pop("awards")
        ]
        largest = sorted(moves, key=lambda move: (-abs(move[0]), move[1]["enterprise"]))[:AWARDS_MAX]
        listed = [{**each, "difference": fen_} for fen_, each in largest]
        book = rulebook(rows, policy, ends[1])
        return {
            "before": _said(found["budget_before"]),
            "after": _said(found["budget_after"]),
            "awards": listed,
            "changed": len(moves),
            "up": sum(fen_ for fen_, _ in moves if fen_ > 0),
            "down": -sum(fen_ for fen_, _ in moves if fen_ < 0),
            "enterprises": len({each["enterprise"] for _, each in moves}),
            "names": read_names(rows, [each["enterprise"] for each in listed]),
            "titles": awards_titled(book, [(each["measure"], year) for each in listed]),
        }

    whole = 2 * (ends[0] + ends[1])
    work = ask(("difference", policy, year, first, second, ends), whole, read)
    if work.error is not None:
        raise work.error
    return work


def _said(budget: dict[str, str]) -> dict[str, Any]:
    value = Fraction(budget["factor"])
    return {**budget, "percent": print_percent(value), "value": value}
