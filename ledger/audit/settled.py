"""Closed years in the audit of a live ledger: their events against each other, and the tables beside them.

A replay compares the same tables; here what differs is named with the position of the event
that it should follow from. Memory is bounded by a chunk of accounts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from domain.events import account_id
from domain.events.accounts import AdjustmentAccepted, AwardsSettled, PaymentStep
from domain.events.settlements import SettlementClosed
from domain.settlement.accounts import Account
from domain.settlement.year import SettledLine, Settlement, fold, line_bytes
from ledger.projections.settlements import PAYMENT_STATUS, STAGES, bank_words, lines_listed
from ledger.store.rows import Row, Rows
from ledger.store.stored_events import SELECT, Stored, stored
from ledger.store.value_kinds import Finding

CHUNK = 1_000
"""Accounts held against the tables at a time."""
END = "\uffff"


Year = tuple[str, int]
"""Policy and year."""


def check_settled(rows: Rows) -> Iterator[Finding]:
    """Everything of settlements, accounts, payments and adjustments that does not match."""
    stages: dict[Year, tuple[str, int]] = {}
    for year, events in _settlements(rows):
        position = _stage_position(events)
        try:
            state = fold(*year, [event.fact for event in events])
            stages[year] = (state.stage, position)
            if state.stage == "closed":
                assert state.closing is not None
                yield from _Closed(rows, state, state.closing, position).check()
            elif state.stage != "open":
                yield from _list_altered(rows, state, position)
        except (KeyError, ValueError, TypeError) as error:
            text = f"the settlement of {year[0]} {year[1]} cannot be followed: {type(error).__name__} {error}"
            yield Finding(position, text)
    yield from _stages_altered(rows, stages)
    yield from _beside(rows, {year for year, (stage, _) in stages.items() if stage == "closed"})


def _settlements(rows: Rows) -> Iterator[tuple[Year, list[Stored]]]:
    """Every settlement with its events; what cannot be read was said already."""
    sql = f"{SELECT} WHERE originator_id>=? AND originator_id<? ORDER BY originator_id, originator_version"
    events_of: dict[str, list[Stored]] = {}
    for row in rows.stream(sql, ["settlement:", "settlement;"]):
        event = _readable(row)
        if event is not None:
            events_of.setdefault(event.originator, []).append(event)
    for originator, events in events_of.items():
        _, policy, year = originator.split(":")
        yield (policy, int(year)), events


def _readable(row: Row) -> Stored | None:
    try:
        return stored(row)
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


def _stage_position(events: list[Stored]) -> int:
    return max((event.position for event in events if type(event.fact.content) in STAGES), default=0)


def _stages_altered(rows: Rows, stages: dict[Year, tuple[str, int]]) -> Iterator[Finding]:
    stored_stages = {
        (policy, year): (stage, position)
        for policy, year, stage, position in rows.all("SELECT policy, year, stage, position FROM settlements")
    }
    for policy, year in sorted(stored_stages.keys() | stages.keys()):
        table_stage, event_stage = stored_stages.get((policy, year)), stages.get((policy, year))
        if table_stage != event_stage:
            text = (
                f"the settlement of {policy} {year} stands at {table_stage}, its events lead to {event_stage}"
            )
            yield Finding((event_stage or table_stage or ("", 0))[1], text)


def _list_altered(rows: Rows, state: Settlement, position: int) -> Iterator[Finding]:
    """The list of an open proposal must still be the one that was proposed."""
    digest = hashlib.sha256()
    for line in lines_listed(rows, state.policy, state.year):
        digest.update(line_bytes(line))
    if digest.hexdigest() != state.present_proposal().lines_digest:
        yield Finding(position, f"the list of {state.policy} {state.year} is not the one that was proposed")


Key = tuple[Any, ...]
Values = tuple[object, ...]


class _ExpectedRow(NamedTuple):
    """A row as a table must hold it: its values, and the position of the event that it follows from."""

    values: Values | None
    position: int


class _Expected(NamedTuple):
    """What the tables must hold of some accounts, by key."""

    accounts: dict[Key, _ExpectedRow]
    settlement_lines: dict[Key, _ExpectedRow]
    adjustments: dict[Key, _ExpectedRow]
    payments: dict[Key, _ExpectedRow]


class _Closed:
    """One closed year."""

    def __init__(self, rows: Rows, state: Settlement, closing: SettlementClosed, position: int) -> None:
        self.rows, self.state, self.closing, self.position = rows, state, closing, position
        self.policy, self.year = state.policy, state.year
        self.digest = hashlib.sha256()
        self.sums = {"payable_fen": 0, "awards": 0, "enterprises": 0}

    def check(self) -> Iterator[Finding]:
        """Hold events and tables of the year against each other."""
        last, expected = "", _Expected({}, {}, {}, {})
        for code, events in self._accounts():
            yield from self._account(code, events, expected)
            if len(expected.accounts) == CHUNK:
                yield from self._compare(expected, last, code)
                last, expected = code, _Expected({}, {}, {}, {})
        yield from self._compare(expected, last, END)
        closing, proposal = self.closing.fields_by_name(), self.state.present_proposal().fields_by_name()
        true = {**self.sums, "lines_digest": self.digest.hexdigest()}
        for name, value in true.items():
            if closing[name] != value:
                text = f"the parts of {self.policy} {self.year} come to {name} {value}, its closing says"
                yield Finding(self.position, f"{text} {closing[name]}")
        for name in closing.keys() & proposal.keys() - {"actor"}:
            if closing[name] != proposal[name]:
                text = f"{name} of the closing of {self.policy} {self.year} is not the one that was proposed"
                yield Finding(self.position, text)

    def _accounts(self) -> Iterator[tuple[str, list[Stored]]]:
        """Every account with its events, streamed in order of credit code."""
        sql = (
            f"{SELECT} WHERE originator_id>=? AND originator_id<? ORDER BY originator_id, originator_version"
        )
        begin = account_id(self.policy, self.year, "")
        code, events = "", list[Stored]()
        for row in self.rows.stream(sql, [begin, begin[:-1] + ";"]):
            event, owner = _readable(row), str(row[1]).rpartition(":")[2]
            if owner != code and events:
                yield code, events
                events = []
            code = owner
            if event is not None:
                events.append(event)
        if events:
            yield code, events

    def _account(self, code: str, events: list[Stored], expected: _Expected) -> Iterator[Finding]:
        account = Account()
        for event in events:
            try:
                account.apply(event.fact.content)
            except (ArithmeticError, KeyError, TypeError) as error:
                text = f"the account of {code} for {self.policy} {self.year} does not hold"
                yield Finding(event.position, f"{text}: {type(error).__name__}")
            self._expect(code, event, expected)
        sums = (account.payable, account.ordered, account.paid, account.clawed, account.recovered)
        expected.accounts[code,] = _ExpectedRow((events[-1].version, *sums), events[-1].position)

    def _expect(self, code: str, event: Stored, expected: _Expected) -> None:
        fact, position = event.fact, event.position
        content = fact.content
        if isinstance(content, AwardsSettled):
            self.sums["payable_fen"] += content.payable_fen
            self.sums["enterprises"] += 1
            for line in content.lines:
                self.sums["awards"] += 1
                line_row = SettledLine(code, *line)
                self.digest.update(line_bytes(line_row))
                expected.settlement_lines[line_row[:3]] = _ExpectedRow(line_row[3:], position)
        elif isinstance(content, PaymentStep):
            values = _payment_values(code, content, position)
            expected.payments[content.payment,] = _ExpectedRow(values, position)
        elif isinstance(content, AdjustmentAccepted):
            row = (content.measure, content.into_year, content.amount_fen, content.reason, position)
            expected.adjustments[code, content.adjustment] = _ExpectedRow(row, position)

    def _compare(self, expected: _Expected, after: str, until: str) -> Iterator[Finding]:
        """Hold the tables' rows of the accounts in a range against what must stand there."""
        for table, (keys, values) in RANGED.items():
            sql = f"SELECT {keys}, {values} FROM {table} WHERE policy=? AND year=? AND code>? AND code<=?"
            width = keys.count(",") + 1
            in_table = {
                tuple(row[:width]): tuple(row[width:])
                for row in self.rows.all(sql, [self.policy, self.year, after, until])
            }
            yield from self._differences(table, in_table, getattr(expected, table))
        payments = list(expected.payments.items())
        for start in range(0, len(payments), CHUNK):
            part = dict(payments[start : start + CHUNK])
            names = [payment for (payment,) in part]
            marks = ",".join("?" * len(names))
            sql = f"SELECT {PAYMENT} FROM payments WHERE policy=? AND year=? AND payment IN ({marks})"
            in_table = {
                (row[0],): tuple(row[1:]) for row in self.rows.all(sql, [self.policy, self.year, *names])
            }
            yield from self._differences("payments", in_table, part)

    def _differences(
        self, table: str, in_table: dict[Key, Values], expected: dict[Key, _ExpectedRow]
    ) -> Iterator[Finding]:
        for key in sorted(in_table.keys() | expected.keys()):
            values, position = expected.get(key, _ExpectedRow(None, self.position))
            if in_table.get(key) != values:
                text = f"{table}: {self.policy} {self.year} {_row_text(key)}: the table holds"
                text += f" {_row_text(in_table.get(key))}, the events lead to {_row_text(values)}"
                yield Finding(position, text)


RANGED = {
    "accounts": ("code", "version, payable, ordered, paid, clawed, recovered"),
    "settlement_lines": ("code, measure, award_year", "gross, withheld, reduction, payable, pot"),
    "adjustments": ("code, adjustment", "measure, into_year, amount, reason, position"),
}
PAYMENT = "payment, code, batch, amount, status, day, said, position"


def _payment_values(code: str, event: PaymentStep, position: int) -> Values:
    batch = event.payment.rpartition("-")[0]
    return (code, batch, event.amount_fen, PAYMENT_STATUS[type(event)], *bank_words(event), position)


def _row_text(row: Values | None) -> str:
    return "nothing" if row is None else " ".join(map(str, row))


def _beside(rows: Rows, closed: set[Year]) -> Iterator[Finding]:
    """Rows of years that are not closed, and payments that no event of their account made."""
    for table in (*RANGED, "payments"):
        if table != "settlement_lines":  # those of an open year are its proposed list
            for policy, year in rows.all(f"SELECT DISTINCT policy, year FROM {table} ORDER BY policy, year"):
                if (policy, year) not in closed:
                    yield Finding(
                        0, f"{table}: {policy} {year} is not closed, yet the table holds rows of it"
                    )
    sql = (
        "SELECT p.policy, p.year, p.payment, p.position FROM payments p WHERE NOT EXISTS ("
        "SELECT 1 FROM stored_events e WHERE e.rowid=p.position AND e.originator_id="
        "'account:' || p.policy || ':' || p.year || ':' || p.code)"
    )
    for policy, year, payment, position in rows.stream(sql):
        yield Finding(position, f"payments: {policy} {year} {payment}: no event at its position made it")
