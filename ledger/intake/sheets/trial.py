"""A trial of rows on the ledger as it stands: which are new, known, contradictory or wrong.

The rules are the inbox's own; its batches run on rows of a reading transaction whose writes go
nowhere, so a trial changes nothing and holds no lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.events.amendments import Amendment
from domain.events.content import Content
from domain.facts.folding import EnterpriseFacts
from domain.faults.fault import Fault, FaultArgs
from domain.intake.authorising import NO_SENDER, Sender, judge_sender
from domain.money.amounts import print_fen
from domain.policy.rulebook import Rulebook
from ledger.intake.batch import REPEATABLE, Batch
from ledger.intake.messages.decode import Message, Now, Refusal, decode
from ledger.intake.sheets.doubting import Doubts, SupposedTables
from ledger.intake.sheets.holding import HeldRow, Holding
from ledger.intake.sheets.rows import MarkedFault, differing_fields, matter_of
from ledger.policies.versions import rulebooks
from ledger.projections.enterprises import Outcome, outcomes_of
from ledger.store.application import Ledger
from ledger.store.rows import Rows
from ledger.store.stored_events import SELECT, Stored, stored

BATCH_ROWS = 1_000
"""About how many rows are tried at once; an enterprise's rows are never parted."""
CHANNEL = "sheet"
AddKey = tuple[str, int, str]
"""(policy, year, target)."""


class Unwritten:
    """Rows of a transaction that are read, and never written."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rows, name)

    def run(self, sql: str, values: Sequence[Any] = ()) -> None:
        """Write nothing."""

    def run_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Write nothing."""


class TrialBatch(Batch):
    """A batch that stops before it writes; all its messages are of one ``sender``."""

    sender: Sender = NO_SENDER

    def judge(
        self, messages: Sequence[tuple[bytes, Message | Refusal]]
    ) -> list[tuple[Fault, ...] | int | None]:
        """What the inbox would say of each: its faults, the position where it is known, or nothing."""
        self.workspace.load_messages([message for _, message in messages if isinstance(message, Message)])
        verdicts: list[tuple[Fault, ...] | int | None] = []
        for raw, message in messages:
            result = self.take_message(raw, message, 0, self.sender)
            if result.status == "refused":
                verdicts.append(result.faults)
            else:
                verdicts.append((result.position or 0) if result.status == "duplicate" else None)
        return verdicts

    def doubt(self, doubts: Doubts) -> None:
        """Note what of this batch would disagree, with the ledger or with earlier rows of the file."""
        if self.accepted:
            doubts.note(self.find_disagreements(SupposedTables(self.rows, doubts)))

    def outcomes(self) -> Iterable[tuple[str, dict[str, Outcome], dict[str, Outcome]]]:
        """Every enterprise that would change: its code, and what each policy gives it before and after."""
        for code, enterprise in sorted(self.workspace.enterprises.items()):
            if not enterprise.new_events:
                continue
            if enterprise.is_stale:
                self.workspace.fold_again(code)
            yield code, enterprise.outcomes_before, outcomes_of(enterprise.row.facts, self.books)


@dataclass(slots=True)
class Trial:
    """One trial of all the rows of a file."""

    ledger: Ledger
    rows: Rows
    holding: Holding
    sender: Sender = NO_SENDER
    discreet: bool = False
    """Whether the sender may not learn what others said of the same matter."""
    added: dict[AddKey, int] = field(default_factory=dict)
    """By how much the city's targets would move."""
    columns: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)
    """Where each field's column stands, of each sheet and table."""
    books: Mapping[str, Rulebook] = field(default_factory=dict)

    def run(self, tick: Callable[[int], None]) -> None:
        """Try every row that is right in itself; ``tick`` is told how many were tried."""
        self.holding.begin_trial()
        self.books = rulebooks(self.rows)
        doubts = Doubts(self.holding.db, self.holding.read_note("source", ""))
        doubts.begin()
        for layout, keys in self.holding.layouts().items():
            self.columns[layout] = {_path_of(key): column for column, key in keys.items()}
        twins = self.holding.earlier_of_id()
        now = Now.bounds_at(self.ledger.clock())
        for group in self.holding.by_subject(BATCH_ROWS):
            self._group(group, twins, now, doubts)
            tick(len(group))
        self._weigh(now, doubts)
        self.holding.note("added", [[*key, value] for key, value in self.added.items()])

    def _weigh(self, now: Now, doubts: Doubts) -> None:
        """Try the new rows once more, with all that would be held: a later row may hold an earlier one."""
        if not doubts.any_held():
            return
        self.added.clear()
        self.holding.forget_moved()
        for group in self.holding.by_subject(BATCH_ROWS):
            batch = self._batch()
            new = [held_row for held_row in group if held_row.state == "new"]
            batch.judge([(held_row.raw, decode(held_row.raw, now)) for held_row in new])
            batch.record_holds(doubts.holds(sorted({held_row.subject for held_row in new})))
            self._moved(batch)
        for codes in doubts.other_enterprises(BATCH_ROWS):
            batch = self._batch()
            batch.record_holds(doubts.holds(codes))
            self._moved(batch)

    def _batch(self) -> TrialBatch:
        batch = TrialBatch(Unwritten(self.rows), self.ledger, CHANNEL)
        batch.sender = self.sender
        return batch

    def _group(
        self, group: list[HeldRow], twins: dict[int, tuple[int, bool]], now: Now, doubts: Doubts
    ) -> None:
        batch = self._batch()
        messages = [(row, decode(row.raw, now)) for row in group]
        recorded = self._recorded({row.subject for row in group}, {row.name for row in group})
        settled: list[tuple[int, str, list[MarkedFault]]] = []
        tried: list[tuple[HeldRow, Message]] = []
        in_file: dict[str, tuple[int, Content]] = {}
        for row, message in messages:
            if isinstance(message, Refusal):
                settled.append((row.n, "wrong", self._marked(row, message.faults)))
                continue
            verdict = self._compared(row, message, twins, recorded, in_file)
            if verdict is None:
                tried.append((row, message))
            else:
                settled.append((row.n, *verdict))
        verdicts = batch.judge([(row.raw, message) for row, message in tried])
        batch.doubt(doubts)
        for (row, _), outcome in zip(tried, verdicts, strict=True):
            if outcome is None:
                settled.append((row.n, "new", []))
            elif isinstance(outcome, int):
                settled.append((row.n, "known", []))
            else:
                settled.append((row.n, _state_of(outcome), self._marked(row, outcome)))
        self.holding.settle(settled)
        self._moved(batch)

    def _compared(
        self,
        row: HeldRow,
        message: Message,
        twins: dict[int, tuple[int, bool]],
        recorded_by_matter: dict[str, list[Stored]],
        in_file: dict[str, tuple[int, Content]],
    ) -> tuple[str, list[MarkedFault]] | None:
        """Whether a row repeats or contradicts another, in this file or the ledger; ``None``: neither."""
        unallowed = judge_sender(self.sender.writer, message.fact, self.books, EnterpriseFacts(), None)
        if unallowed is not None and unallowed.code not in REPEATABLE:
            return "wrong", self._marked(row, [unallowed])
        twin = twins.get(row.n)
        if twin is not None:
            fault = Fault("matter.file", "id", {"row": twin[0]})
            return ("known", []) if twin[1] else ("contradictory", self._marked(row, [fault]))
        content = message.fact.content
        recorded = recorded_by_matter.get(row.matter, [])
        if any(event.fact.key == message.fact.key for event in recorded):
            return None  # the inbox knows this very id
        earlier = in_file.get(row.matter)
        if earlier is not None:
            differs = differing_fields(earlier[1], content)
            fault = Fault("matter.file", _path(differs), {"row": earlier[0]})
            return ("contradictory", self._marked(row, [fault])) if differs else ("known", [])
        if not recorded:
            in_file[row.matter] = (row.row, content)
            return None
        differs = min((differing_fields(event.fact.content, content) for event in recorded), key=len)
        if not differs:
            return "known", []
        event = min(recorded, key=lambda fact: len(differing_fields(fact.fact.content, content)))
        args: FaultArgs = {
            "position": event.position,
            "source": "—" if self.discreet else event.fact.source,
            "differs": ", ".join(differs)
            if self.discreet
            else _differences(event.fact.content, content, differs),
        }
        return "contradictory", self._marked(row, [Fault("matter.ledger", _path(differs), args)])

    def _recorded(self, subjects: set[str], names: set[str]) -> dict[str, list[Stored]]:
        """The recorded facts of these enterprises by matter, as corrections leave them."""
        by_matter: dict[str, list[Stored]] = {}
        sql = f"{SELECT} WHERE originator_id IN ({{}})"
        amended: dict[str, EnterpriseFacts] = {}
        events = sorted((stored(row) for row in self.rows.all_in(sql, subjects)), key=_position)
        for event in events:
            if isinstance(event.fact.content, Amendment):
                amended.setdefault(event.originator, EnterpriseFacts()).add(event.fact)
        for event in events:
            facts = amended.get(event.originator)
            content = facts.effective(event.fact) if facts else event.fact.content
            if event.fact.name in names and content is not None:
                fact = event.fact._replace(content=content)
                by_matter.setdefault(matter_of(event.originator, fact), []).append(event._replace(fact=fact))
        return by_matter

    def _marked(self, held_row: HeldRow, faults: Iterable[Fault]) -> list[MarkedFault]:
        """Faults at the columns where they show."""
        columns = self.holding.layouts()[held_row.sheet, held_row.name]
        at_of = {
            ("" if key in ("subject", "time", "id") else "data.") + key: at for at, key in columns.items()
        }
        return [MarkedFault(fault, at_of.get(fault.field, 0)) for fault in faults]

    def _moved(self, batch: TrialBatch) -> None:
        """Note by how much awards and targets would move."""
        lines: list[tuple[str, str, str, int, int, int]] = []
        for code, before, after in batch.outcomes():
            for policy in before.keys() | after.keys():
                old, new = before.get(policy, Outcome()), after.get(policy, Outcome())
                lines += _lines(policy, code, old, new)
                for outcome, sign in ((old, -1), (new, 1)):
                    for year, targets in outcome.targets.items():
                        for target, months in targets.items():
                            key = (policy, year, target)
                            self.added[key] = self.added.get(key, 0) + sign * sum(months.values())
        self.holding.move(lines)


def _path_of(key: str) -> str:
    return key if key in ("subject", "time", "id") else f"data.{key}"


def _position(event: Stored) -> int:
    return event.position


def _lines(policy: str, code: str, old: Outcome, new: Outcome) -> list[tuple[str, str, str, int, int, int]]:
    lines = []
    for year in old.awards.keys() | new.awards.keys():
        before, after = old.awards.get(year, {}), new.awards.get(year, {})
        for measure in before.keys() | after.keys():
            old_award, new_award = before.get(measure), after.get(measure)
            gross = (new_award.gross if new_award else 0) - (old_award.gross if old_award else 0)
            withheld = (new_award.withheld if new_award else 0) - (old_award.withheld if old_award else 0)
            if gross or withheld:
                lines.append((policy, code, measure, year, gross, withheld))
    return lines


def _state_of(faults: Iterable[Fault]) -> str:
    return "contradictory" if any(fault.code == "identity.reused" for fault in faults) else "wrong"


def _path(differs: list[str]) -> str:
    """The first differing field that a column can have, as a path."""
    name = differs[0] if differs else ""
    return f"data.{name.removesuffix('_fen')}" if name else ""


def _differences(before: Content, after: Content, names: list[str]) -> str:
    return "; ".join(f"{_value_text(name, before)} → {_value_text(name, after)}" for name in names)


def _value_text(name: str, content: Content) -> str:
    value = content.field_value(name)
    if name.endswith("_fen") and isinstance(value, int):
        return print_fen(value)
    return "—" if value is None else str(value)
