"""The awards of a city, beside the same measures in OpenFisca (see ``tests.benchmarks.policy``)."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks import policy
from tests.benchmarks.suite.samples import Work

RUNS = 3


def measure(enterprises: int) -> Iterator[Work]:
    """Processor seconds and peak memory; each sample is of a process of its own, begun anew."""
    found = [policy.measured(enterprises) for _ in range(RUNS)]
    same = min(each["same"] for each in found)
    count = found[0]["enterprises"]
    names = {"the ledger, in columns": "ours", "OpenFisca": "openfisca"}
    for what, unit, key in (("time", "s", "seconds"), ("peak memory", "MiB", "peak_mb")):
        samples = {side: [float(each[name][key]) for each in found] for side, name in names.items()}
        note = f"OpenFisca's 32-bit floats give {same * 100:.1f} % of enterprises the same fen"
        yield Work(f"awards of {count:,} enterprises, {what}", unit, samples, note)
