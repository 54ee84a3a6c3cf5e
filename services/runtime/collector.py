"""When Python looks for cycles among its objects.

A batch of messages makes tens of thousands of objects that all live to its end and refer to
nothing in a circle. Left at its defaults the collector looks through them again and again: a
third of the time of an ingest, and a sixth of that of a start (docs/performance.md).
"""

from __future__ import annotations

import gc

YOUNG_OBJECTS = 100_000
"""New objects before the collector looks at them: some 10 MB at most."""


def pause() -> None:
    """Look for no cycles while modules are loaded, all of which stay."""
    gc.disable()


def relax() -> None:
    """Leave what is loaded alone for good, and look at new objects less often; once all is loaded."""
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)
    gc.enable()
