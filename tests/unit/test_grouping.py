"""A parallel run keeps together what shares something: it must not be lost in silence again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.grouping import SHARED

TEST = """
import os, pytest

@pytest.mark.parametrize("number", range(3))
def test_nothing(number, pytestconfig):
    with open(pytestconfig.rootpath / "by", "a") as by:
        by.write(f"{os.environ['PYTEST_XDIST_WORKER']} {__file__}\\n")
"""


def test_one_worker_goes_through_the_files_that_share_a_broker(tmp_path: Path) -> None:
    others = [f"tests/unit/test_{number}.py" for number in range(8)]
    for file in (*SHARED["kafka"], *others):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(TEST, "utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n", "utf-8")
    options = (
        "-q -p no:cacheprovider -p xdist.plugin -p tests.grouping -n 2 --dist loadfile --no-loadscope-reorder"
    )
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *options.split(), f"--rootdir={tmp_path}", str(tmp_path)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    workers: dict[str, set[str]] = {}
    for line in (tmp_path / "by").read_text("utf-8").splitlines():
        worker, file = line.split()
        workers.setdefault(str(Path(file).relative_to(tmp_path)), set()).add(worker)
    assert len(set.union(*(workers[file] for file in SHARED["kafka"]))) == 1
    assert {len(workers[file]) for file in others} == {1}
    assert len(set.union(*workers.values())) == 2
