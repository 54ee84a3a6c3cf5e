"""What families of facts, their kinds, fields and values are called, in zh-CN and English."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import yaml

Words = dict[str, Any]


@cache
def words() -> dict[str, dict[str, Words]]:
    """Every word, by ``families``, ``types``, ``columns``, ``values``, ``unread`` and ``offers``."""
    text = files(__package__).joinpath("words.yaml").read_text("utf-8")
    by_group: dict[str, dict[str, Words]] = yaml.safe_load(text)
    return by_group
