"""A trial of rows on the ledger as it stands: which are new, known, contradictory or wrong.

The rules are the inbox's own; its batches run on rows of a reading transaction whose writes go
nowhere, so a trial changes nothing and holds no lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.facts.folding import EnterpriseFacts
from domain.faults.fault import Fault
from domain.intake.authorising import NO_SENDER, Grounds, Sender, judge_sender
from domain.policy.rulebook import Rulebook
from ledger.intake.batch import REPEATABLE, Batch
from ledger.intake.messages.decode import Message, Now, Refusal, decode
from ledger.intake.sheets.comparing import Comparison
from ledger.intake.sheets.doubting import Doubts, SupposedTables
from ledger.intake.sheets.holding import EarlierRow, HeldRow, Holding, with_id
from ledger.intake.sheets.repeats import RowFinding, read_recorded
from ledger.intake.sheets.rows import MarkedFault
from ledger.policies.versions import rulebooks
from ledger.projections.enterprises import Outcome, outcomes_of
from ledger.store.application import Ledger
from ledger.store.rows import Rows

BATCH_ROWS = 1_000
"""About how many rows are tried at once; an enterprise's rows are never parted."""
CHANNEL = "sheet"
AddKey = tuple[str, int, str]
"""(policy, year, target)."""


Verdict = tuple[Fault, ...] | int | None
"""What the inbox says of a message: its faults, the position where it is known, or nothing."""


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

    def judge(self, messages: Sequence[tuple[bytes, Message | Refusal]]) -> list[Verdict]:
        """What the inbox would say of each: its faults, the position where it is known, or nothing."""
        self.workspace.load_messages([message for _, message in messages if isinstance(message, Message)])
        return [self.judge_one(raw, message) for raw, message in messages]

    def judge_one(self, raw: bytes, message: Message | Refusal) -> Verdict:
        """As ``judge``, of a message whose enterprise is loaded."""
        result = self.take_message(raw, message, 0, self.sender)
        if result.status == "refused":
            return result.faults
        return (result.position or 0) if result.status == "duplicate" else None

    def doubt(self, doubts: Doubts) -> None:
        """Note what of this batch would disagree, with the ledger or with earlier rows of the file."""
        if self.accepted:
            doubts.note(self.find_disagreements(SupposedTables(self.rows, doubts)))

    def outcomes(self) -> Iterable[tuple[str, dict[str, Outcome], dict[str, Outcome]]]:
        """Every enterprise that would change: its code, and what each policy gives it before and after."""
        self.workspace.fold_stale()
        for code, enterprise in sorted(self.workspace.enterprises.items()):
            if not enterprise.new_events:
                continue
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
    chosen: set[int] = field(default_factory=set)
    """Rows that are to be reported anew."""

    def run(self, tick: Callable[[int], None]) -> None:
        """Try every row that is right in itself; ``tick`` is told how many were tried."""
        self.holding.begin_trial()
        self.books = rulebooks(self.rows)
        doubts = Doubts(self.holding.db, self.holding.read_note("source", ""))
        doubts.begin()
        for layout, keys in self.holding.layouts().items():
            self.columns[layout] = {_path_of(key): column for column, key in keys.items()}
        self.chosen = set(self.holding.read_note("anew", []))
        earlier_rows = self.holding.earlier_of_id()
        now = Now.bounds_at(self.ledger.clock())
        for group in self.holding.by_subject(BATCH_ROWS):
            self._group(group, earlier_rows, now, doubts)
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
        self, group: list[HeldRow], earlier_rows: dict[int, EarlierRow], now: Now, doubts: Doubts
    ) -> None:
        batch = self._batch()
        recorded = read_recorded(self.rows, {row.subject for row in group}, {row.name for row in group})
        source = self.holding.read_note("source", "")
        compared = Comparison(recorded, earlier_rows, source, self.mark_faults, self.discreet)
        settled: list[HeldRow] = []
        tried: list[tuple[HeldRow, Message]] = []
        for row in group:
            message = decode(row.raw, now)
            if isinstance(message, Refusal):
                settled.append(row._replace(state="wrong", marked=self.mark_faults(row, message.faults)))
                continue
            finding = self._judge_sender(row, message) or compared.compare(row, message)
            if finding is None:
                tried.append((row, message))
            elif finding.next_id and row.n in self.chosen:
                tried.append(_anew(row, finding.next_id, now))
            else:
                settled.append(_settled(row, finding))
        batch.workspace.load_messages([message for _, message in tried])
        for row, message in tried:
            verdict = batch.judge_one(row.raw, message)
            if isinstance(verdict, int) and (finding := compared.find_retracted(row)) is not None:
                if row.n not in self.chosen:
                    settled.append(_settled(row, finding))
                    continue
                row, message = _anew(row, finding.next_id, now)
                verdict = batch.judge_one(row.raw, message)
            settled.append(row._replace(**self._outcome(row, verdict)))
        batch.doubt(doubts)
        self.holding.settle(settled)
        self._moved(batch)

    def _judge_sender(self, row: HeldRow, message: Message) -> RowFinding | None:
        """That a row is not the sender's to say."""
        unallowed = judge_sender(self.sender.writer, message.fact, Grounds(self.books, EnterpriseFacts()))
        if unallowed is None or unallowed.code in REPEATABLE:
            return None
        return RowFinding("wrong", self.mark_faults(row, [unallowed]))

    def _outcome(self, row: HeldRow, verdict: Verdict) -> dict[str, Any]:
        if verdict is None:
            return {"state": "new", "marked": []}
        if isinstance(verdict, int):
            return {"state": "known", "marked": []}
        return {"state": _state_of(verdict), "marked": self.mark_faults(row, verdict)}

    def mark_faults(self, held_row: HeldRow, faults: Iterable[Fault]) -> list[MarkedFault]:
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


def _anew(row: HeldRow, event_id: str, now: Now) -> tuple[HeldRow, Message]:
    """A row as another report of what it says."""
    raw = with_id(row.raw, event_id)
    message = decode(raw, now)
    assert isinstance(message, Message)  # only its id differs
    return row._replace(raw=raw, event_id=event_id, next_id=event_id), message


def _settled(row: HeldRow, finding: RowFinding) -> HeldRow:
    return row._replace(state=finding.state, marked=finding.marked, next_id=finding.next_id)


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
