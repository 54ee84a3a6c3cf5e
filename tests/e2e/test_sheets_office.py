"""Show 1: every template filled in by LibreOffice, 40 of 200 rows wrong, marked, mended and sent again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest
from openpyxl.utils import get_column_letter

from ledger.intake.refusals import count_open
from ledger.intake.sheets import marking, template
from ledger.intake.sheets.holding import Holding
from ledger.intake.sheets.previewing import faulty, preview, reading_of, record
from ledger.intake.sheets.tables import SHIPPED_TABLES
from ledger.intake.sheets.template import EXAMPLE_ROW, sheet_title, template_columns
from ledger.policies.versions import adopt_policy
from ledger.store.application import Ledger, open_ledger
from tests import sheets
from tests.events import CIXI_TEXT
from tests.office import Office, Typed

NOW = datetime(2025, 6, 1, tzinfo=UTC)
ROWS, WRONG = 200, 40
SOURCE = "周巷镇"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(str(tmp_path / "ledger.db"), clock=lambda: NOW)
    adopt_policy(opened, CIXI_TEXT)
    yield opened
    opened.close()


class Filled:
    """A family's workbook as somebody fills it in: which cells are typed, and which of them wrongly."""

    def __init__(self, family: str) -> None:
        names = SHIPPED_TABLES.families[family]
        self.typed: list[Typed] = []
        self.mended: list[Typed] = []
        self.wrong: dict[tuple[str, str], sheets.Mistake] = {}
        """Mistakes by sheet and cell."""
        picked = sheets.chosen(names, WRONG)
        assert len({(name, each.way) for name, each in picked}) == WRONG, "40 different ways"
        for number in range(ROWS):
            name, mistake = picked[number // 5] if number % 5 == 2 else (names[number % len(names)], None)
            self._row(name, number, mistake)

    def _row(self, name: str, number: int, mistake: sheets.Mistake | None) -> None:
        table = SHIPPED_TABLES.by_name[name]
        sheet, row = sheet_title(table), EXAMPLE_ROW + 1 + number
        for at, column in enumerate(template_columns(table), 1):
            typed = sheets.right(name, number).get(column.key)
            if typed is None:
                continue
            cell = f"{get_column_letter(at)}{row}"
            if mistake is not None and column.key == mistake.key:
                self.wrong[sheet, cell] = mistake
                self.mended.append(Typed(sheet, cell, *typed))
                typed = mistake.typed
            if typed[1]:
                self.typed.append(Typed(sheet, cell, *typed))


def taken(ledger: Ledger, file: Path, rows: Path) -> Holding:
    """A file's preview."""
    holding = Holding.open_file(rows)
    preview(ledger, reading_of(ledger, file, file.name, SOURCE), holding, lambda *_: None)
    return holding


def found(holding: Holding) -> dict[tuple[str, str], str]:
    """What a preview finds wrong: the code by sheet and cell."""
    return {
        (row["sheet"], each["cell"]): each["fault"].code for row in faulty(holding) for each in row["faults"]
    }


@pytest.mark.slow
@pytest.mark.parametrize("family", SHIPPED_TABLES.families)
def test_a_template_goes_out_comes_in_is_marked_mended_and_recorded_once(
    ledger: Ledger, tmp_path: Path, office: Office, family: str
) -> None:
    filled = Filled(family)
    blank, file = tmp_path / "blank.xlsx", tmp_path / "报送.xlsx"
    template.write_template(family, blank)
    office.fill(blank, filled.typed, file)

    holding = taken(ledger, file, tmp_path / "first")
    expected = {place: mistake.code for place, mistake in filled.wrong.items()}
    assert found(holding) == expected
    assert holding.counts() == {
        "new": ROWS - WRONG,
        "known": 0,
        **sheets.NOTHING_BEFORE,
        "contradictory": 0,
        "wrong": WRONG,
    }
    with ledger.store.reading() as rows:
        assert rows.last_position() == 1, "a preview records nothing"

    marked = tmp_path / "退回.xlsx"
    marking.mark(file, False, holding, marked)
    assert marks(marked) == set(expected)
    totals = record(ledger, holding, holding.read_note("preview"), lambda *_: None)
    assert (totals.accepted, totals.refused) == (ROWS - WRONG, WRONG)
    with ledger.store.reading() as rows:
        assert count_open(rows) == WRONG

    mended = tmp_path / "改正.xlsx"
    office.fill(marked, filled.mended, mended)
    again = taken(ledger, mended, tmp_path / "second")
    assert found(again) == {}
    assert again.counts() == {
        "new": WRONG,
        "known": ROWS - WRONG,
        **sheets.NOTHING_BEFORE,
        "contradictory": 0,
        "wrong": 0,
    }
    totals = record(ledger, again, again.read_note("preview"), lambda *_: None)
    assert (totals.accepted, totals.duplicate, totals.refused) == (WRONG, 0, 0)
    with ledger.store.reading() as rows:
        assert rows.last_position() == 1 + ROWS
        assert count_open(rows) == 0, "what was mended is settled"

    third = taken(ledger, mended, tmp_path / "third")
    assert third.counts() == {
        "new": 0,
        "known": ROWS,
        **sheets.NOTHING_BEFORE,
        "contradictory": 0,
        "wrong": 0,
    }
    office.print_pdf(marked, tmp_path / "退回.pdf")
    assert (tmp_path / "退回.pdf").stat().st_size > 10_000


def marks(workbook: Path) -> set[tuple[str, str]]:
    """The cells of a workbook that are coloured and carry a comment with code, rule and mend."""
    coloured = set()
    for sheet in openpyxl.load_workbook(workbook):
        for row in sheet.iter_rows():
            for cell in row:
                if cell.comment is not None:
                    assert cell.fill.fgColor.rgb == "00FFC7CE"
                    assert "处理：" in cell.comment.text
                    assert " — " in cell.comment.text
                    coloured.add((sheet.title, cell.coordinate))
    return coloured
