"""Which tests one worker of a parallel run keeps: those of a file, and files that share what starts slowly.

``--dist loadgroup`` would do so by marks, but with pytest 9.2 pytest-xdist 3.8.0 no longer sees them, and
says nothing (pytest-xdist issue 1386): each worker then makes every fixture again.

PYTEST_DONT_REWRITE: nothing is asserted here.
"""

from __future__ import annotations

from typing import Any

import pytest

SHARED = {
    "kafka": (
        "tests/e2e/test_console_behind_proxy.py",
        "tests/e2e/test_kafka.py",
        "tests/e2e/test_kafka_checkpoints.py",
        "tests/e2e/test_survival.py",
        "tests/e2e/test_traces.py",
        "tests/integration/test_brokers.py",
        "tests/integration/test_compose.py",
        "tests/integration/test_doctor.py",
    ),
}
"""By what is shared, the files whose tests one worker goes through."""
UNITS = {file: shared for shared, files in SHARED.items() for file in files}
BROKERS = {"kafka", "cluster3"}
"""The fixtures of brokers that tests share."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out files, and those that share something together, where ``--dist loadfile`` is asked for."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Grouped(LoadFileScheduling):  # type: ignore[misc]  # it has no types
        def _split_scope(self, nodeid: str) -> str:
            file = str(super()._split_scope(nodeid))
            return UNITS.get(file, file)

    return Grouped(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """No file starts a broker of its own because it was forgotten here."""
    for item in items:
        file = item.location[0]
        if BROKERS & set(getattr(item, "fixturenames", ())) and UNITS.get(file) != "kafka":
            raise pytest.UsageError(f"{file} uses a broker: add it to SHARED in tests/grouping.py")
