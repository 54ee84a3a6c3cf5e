"""Whether a row repeats or contradicts another one: of its file, or of the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from domain.events.content import Content
from domain.faults.fault import Fault, FaultArgs
from domain.money.amounts import print_fen
from ledger.intake.messages.decode import Message
from ledger.intake.sheets.holding import EarlierRow, HeldRow
from ledger.intake.sheets.repeats import RecordedFacts, ReportSeries, RowFinding
from ledger.intake.sheets.rows import MarkedFault, differing_fields
from ledger.store.stored_events import Stored

Mark = Callable[[HeldRow, Iterable[Fault]], list[MarkedFault]]


class _FirstRow(NamedTuple):
    """The first row of a file about a matter, which other rows are compared with."""

    row: HeldRow
    content: Content


@dataclass(slots=True)
class Comparison:
    """The rows of some enterprises, compared in the order of their file."""

    recorded: RecordedFacts
    earlier_rows: Mapping[int, EarlierRow]
    source: str
    mark: Mark
    discreet: bool = False
    """Whether the sender may not learn what others said of the same matter."""
    first_rows: dict[str, _FirstRow] = field(default_factory=dict)
    series: dict[str, ReportSeries] = field(default_factory=dict)

    def compare(self, row: HeldRow, message: Message) -> RowFinding | None:
        """What a row is beside another one; ``None`` where the inbox is to say."""
        earlier, content = self.earlier_rows.get(row.n), message.fact.content
        if earlier is not None:
            return self._compare_with_id(row, earlier, content)
        report = self.recorded.by_key.get(message.fact.key)
        if report is not None and not report.retracted_at:
            return None  # the inbox knows this very id
        if self._series_of(row, 1).standing:
            return RowFinding("known", [])
        first = self.first_rows.get(row.matter)
        if first is not None:
            return self._compare_with_row(row, first, content)
        recorded = self.recorded.by_matter.get(row.matter, [])
        if not recorded:
            self.first_rows[row.matter] = _FirstRow(row, content)
            return None
        return self._compare_with_ledger(row, content, recorded)

    def find_retracted(self, row: HeldRow) -> RowFinding | None:
        """That the report which a row repeats was retracted; ``None``: it counts."""
        series = self._series_of(row, 1)
        return self._retracted(row, series, 0) if series.retracted and not series.standing else None

    def _series_of(self, row: HeldRow, rows: int) -> ReportSeries:
        """What is recorded under a row's id and those that follow from it."""
        series = self.series.get(row.event_id)
        if series is None:
            series = self.series[row.event_id] = ReportSeries(self.recorded, self.source, row.event_id)
        series.look_on(rows)
        return series

    def _compare_with_id(self, row: HeldRow, earlier: EarlierRow, content: Content) -> RowFinding:
        """Beside an earlier row that has the same id."""
        place = _place_of(row, earlier.sheet, earlier.row)
        if not earlier.says_the_same:
            return self._contradictory(row, Fault("matter.file", "id", {"row": place}))
        if content.shape != "amount":
            return self._of_same_thing(row, place)
        series = self._series_of(row, earlier.reports + 1)
        if earlier.reports < series.standing:
            return RowFinding("known", [])
        if earlier.reports < series.standing + len(series.retracted):
            return self._retracted(row, series, earlier.reports - series.standing)
        free_id = series.free_ids[earlier.reports - series.standing]
        return self._repeated(row, Fault("row.repeated", "", {"row": place}), free_id)

    def _compare_with_row(self, row: HeldRow, first: _FirstRow, content: Content) -> RowFinding:
        """Beside an earlier row of the same matter that has another id."""
        place, differs = (
            _place_of(row, first.row.sheet, first.row.row),
            differing_fields(first.content, content),
        )
        if differs:
            return self._contradictory(row, Fault("matter.file", _path(differs), {"row": place}))
        if content.shape != "amount":
            return self._of_same_thing(row, place)
        return self._repeated(row, Fault("row.repeated", "", {"row": place}), row.event_id)

    def _compare_with_ledger(self, row: HeldRow, content: Content, recorded: list[Stored]) -> RowFinding:
        """Beside recorded facts of the same matter that have other ids."""
        event = min(recorded, key=lambda fact: len(differing_fields(fact.fact.content, content)))
        differs = differing_fields(event.fact.content, content)
        source = "—" if self.discreet else event.fact.source
        args: FaultArgs = {"position": event.position, "source": source}
        if differs:
            differences = _differences(event.fact.content, content, differs)
            told = {**args, "differs": ", ".join(differs) if self.discreet else differences}
            return self._contradictory(row, Fault("matter.ledger", _path(differs), told))
        if content.shape != "amount":
            return RowFinding("known", [])
        return self._repeated(row, Fault("row.reported", "", args), row.event_id)

    def _retracted(self, row: HeldRow, series: ReportSeries, number: int) -> RowFinding:
        series.look_on(number + 1)
        report = series.retracted[number]
        args: FaultArgs = {"position": report.position, "retracted_at": report.retracted_at}
        fault = Fault("row.retracted", "", args)
        return RowFinding("retracted", self.mark(row, [fault]), series.free_ids[number])

    def _repeated(self, row: HeldRow, fault: Fault, free_id: str) -> RowFinding:
        return RowFinding("repeated", self.mark(row, [fault]), free_id)

    def _of_same_thing(self, row: HeldRow, place: str) -> RowFinding:
        return RowFinding("repeated", self.mark(row, [Fault("row.same", "", {"row": place})]))

    def _contradictory(self, row: HeldRow, fault: Fault) -> RowFinding:
        return RowFinding("contradictory", self.mark(row, [fault]))


def _place_of(row: HeldRow, sheet: str, number: int) -> str:
    """How an earlier row is named beside a row: with its sheet where that is another."""
    return str(number) if sheet == row.sheet else f"{sheet}!{number}"


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
