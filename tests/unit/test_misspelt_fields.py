"""A misspelt field fails the type check, wherever in the product it stands.

All are misspelt in one copy, which is as good as one at a time: each slip is a word that stands
nowhere else, and counts only where an error names that very word in that very file. So no error of
one slip is taken for another's. What a slip does to the rest of its file is that what is read from
it has no known type any more; that can hide another slip, never report one. And it stands where a
field is used, not where it is declared, so that no other file is checked otherwise for it.
"""

from __future__ import annotations

from pathlib import Path

from tests.lengths import length_of
from tests.misspelling import ROOT, choose_misspellings, find_uses, read_sources, unreported, write_copy

SEED = 16
MISSED_PER_60 = 2
"""Most that may go unreported: a field may be read where nothing is known of its type."""


def test_misspelt_fields_fail_the_type_check(tmp_path: Path) -> None:
    count = length_of("SUBSIDY_TEST_MISSPELT")
    misspellings = choose_misspellings(read_sources(ROOT), count, SEED)
    assert len(misspellings) == count
    write_copy(ROOT, tmp_path, misspellings)

    missed = unreported(tmp_path, misspellings)

    assert len(missed) * 60 <= MISSED_PER_60 * count, missed


def test_uses_are_found_where_they_stand() -> None:
    source = """
class Line(NamedTuple):
    gross_fen: int

class Head(TypedDict):
    策: str

def total(line: Line, head: Head) -> str:
    made = Line(gross_fen=1)
    return f"{line.gross_fen}" + head["策"] + other["gross_fen"]
"""
    uses = find_uses({"domain/a.py": source})
    lines = source.encode().split(b"\n")

    assert [use.name for use in uses] == ["gross_fen", "gross_fen", "策"]
    for use in uses:
        assert lines[use.line - 1][use.column :].startswith(use.name.encode())
