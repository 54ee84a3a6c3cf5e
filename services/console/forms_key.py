"""The secret that protects the console's forms and the name that somebody works under: a file.

All workers of a service, and those after a restart, read the same one; without it a form that one worker
made has "expired" for the next. Whoever deletes the file ends all forms that are open, and nothing else.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

KEY_BYTES = 32


def read_forms_key(path: Path) -> bytes:
    """The secret in a file, which is made where there is none or a crash cut it short.

    Raises:
        OSError: where the file can be neither read nor made.
    """
    key = path.read_bytes() if path.exists() else b""
    if len(key) >= KEY_BYTES:
        return key
    path.unlink(missing_ok=True)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another process was first: its secret holds
            path.hardlink_to(fresh)
    finally:
        fresh.unlink(missing_ok=True)
    return path.read_bytes()
