"""The public suite runs, small: every side's answer is checked by the suite itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.benchmarks.suite import __main__ as suite
from tests.benchmarks.suite import exports
from tests.benchmarks.suite.samples import HEAD, Work


@pytest.mark.slow
def test_the_suite_tells_every_side_and_keeps_every_sample(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All but OpenFisca, which has an environment of its own (``bash .ci/scale``)."""
    out = tmp_path / "samples.json"
    only = [word for part in ("appends", "balances", "growth") for word in ("--only", part)]
    monkeypatch.setattr("sys.argv", ["suite", "--short", "--out", str(out), *only])

    suite.main()

    kept = json.loads(out.read_text("utf-8"))
    works = [Work(**each) for each in kept["works"]]
    shown = capsys.readouterr().out
    assert len(works) == 5
    for work in works:
        assert all(values and min(values) > 0 for values in work.samples.values())
        assert all(line in shown for line in work.lines())
        assert {line.count("|") for line in work.lines()} == {HEAD.split("\n")[0].count("|")}


def test_a_row_is_told_beside_ours() -> None:
    lines = Work("work", "µs", {"ours": [1, 2, 9], "theirs": [4, 4, 4]}, "note").lines()

    assert lines[0] == "| work | ours | 2 µs | 1–9 | 3 | 1.00 | note |"
    assert lines[1] == "|  | theirs | 4 µs | 4–4 | 3 | 2.00 |  |"


@pytest.mark.slow
def test_every_export_of_a_closed_year_ends() -> None:
    works = list(exports.measure(40))

    names = [name for name in exports.EXPORTS if not name.startswith("plain")]
    assert [work.name for work in works] == [f"export {name}" for name in names]
    assert not [work.note for work in works if "refused" in work.note]
