"""How a process of ours starts: what is loaded is loaded quickly, and left alone from then on.

A batch of messages makes tens of thousands of objects that all live to its end and refer to
nothing in a circle. Left at its defaults the collector of cycles looks through them again and again:
a third of the time of an ingest, and a sixth of that of a start (docs/performance.md).
"""

from __future__ import annotations

import gc
import os

YOUNG_OBJECTS = 100_000
"""New objects before the collector looks at them: some 10 MB at most."""
SERVED_OBJECTS = 5_000
"""The same where others wait meanwhile: to free what refused messages leave in circles takes 1.5 µs an
object, and nothing else runs then (145 ms for 100,000)."""


def begin_loading() -> None:
    """Look for no cycles while modules are loaded, all of which stay; columns of whole numbers use no BLAS.

    NumPy's would start a thread for each processor: a twentieth of a start.
    """
    gc.disable()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def relax() -> None:
    """Leave what is loaded alone for good, and look at new objects less often; once all is loaded."""
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)
    gc.enable()


def attend() -> None:
    """Look at new objects in pauses that nobody notices, in a process that answers many at once."""
    gc.set_threshold(SERVED_OBJECTS, 10, 100)
