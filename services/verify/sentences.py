"""What is told in both languages, whoever reads it."""

from __future__ import annotations

from typing import NamedTuple


class Sentence(NamedTuple):
    """One sentence in zh-CN and in English."""

    zh: str
    en: str
