"""Coverage-guided fuzzing with atheris: ``bash .ci/scale python -m tests.fuzz.run event --seconds 900``.

Atheris comes from requirements-bench.lock, which ``.ci/scale`` installs. A finding ends the run, and leaves
its input in the working folder; put it into ``tests/fuzz/found/<target>/`` and ``test_targets`` keeps it
found.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import atheris

HERE = Path(__file__).parent


def main() -> None:
    """Fuzz one target for some seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target")
    parser.add_argument("--seconds", type=int, default=60)
    asked = parser.parse_args()
    with atheris.instrument_imports(include=["domain", "ledger", "services"]):
        from tests.fuzz.seeds import seeds
        from tests.fuzz.targets import TARGETS
    corpus = Path(tempfile.mkdtemp(prefix=f"corpus-{asked.target}-"))
    for number, seed in enumerate(seeds(asked.target)):
        (corpus / f"seed-{number}").write_bytes(seed)
    options = [f"-max_total_time={asked.seconds}", "-max_len=65536", "-rss_limit_mb=4096", "-timeout=20"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], TARGETS[asked.target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
