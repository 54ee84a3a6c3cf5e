"""What the workers of one service share while it runs: a folder, made as it starts and gone when it ends.

In it prometheus_client keeps each worker's counts, so that any worker can tell the sum of them all.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Where workers find the folder: the one name that prometheus_client reads, when it is imported."""
_PREFIX, _LOCK = "subsidy-workers-", "in-use"
_YOUNG_SECONDS = 60


@contextmanager
def share_folder() -> Iterator[Path]:
    """A new folder for the workers of this service; what services that were killed left is removed first."""
    _remove_abandoned()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    with (folder / _LOCK).open("w") as lock:  # held by the workers too, as long as one of them lives
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.environ[VARIABLE] = str(folder)
        try:
            yield folder
        finally:
            del os.environ[VARIABLE]
            shutil.rmtree(folder, ignore_errors=True)


def find_shared_folder() -> Path | None:
    """The folder of the service that this process is a worker of; ``None`` in any other process."""
    name = os.environ.get(VARIABLE)
    return Path(name) if name else None


def _remove_abandoned() -> None:
    """Remove folders that no process holds; one that has just been made may not be locked yet."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            if time.time() - folder.stat().st_mtime < _YOUNG_SECONDS:
                continue
            with (folder / _LOCK).open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # in use, another user's, or gone meanwhile
            continue
