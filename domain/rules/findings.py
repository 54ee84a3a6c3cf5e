"""What is said of a measure, as values with units and words: steps of its award, what it could still give."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

Fen = Annotated[int, "fen"]
"""Hundredths of what the policy pays in."""
Reported = Annotated[int, "reported"]
"""Hundredths of the finding's own ``currency``, in which an amount was reported."""
Rate = Annotated[int, "rate"]
"""Ten-thousandths."""
Condition = Annotated[str, "condition"]
"""A kind of fact that something still lacks."""
Templates = tuple[str, str]
"""Words in Chinese and in English, with the names of fields in braces."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something said of a measure: its code, the values that it rests on, and their words.

    The order of a class's fields is their order in the documents that show them.
    """

    code: ClassVar[str]
    words: ClassVar[Templates]
    uncapped: ClassVar[Templates | None] = None
    """The words where ``cap`` is none, so that they do not speak of one."""
    measure: str
