"""Content policies of pages that are one file: what stands in them is named by its hash."""

from __future__ import annotations

import base64
import hashlib


def hashed(text: str) -> str:
    """A source expression for an inline style or script (CSP level 3, section 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
