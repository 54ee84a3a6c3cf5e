"""Publishers: systems that say facts of their own source, of the kinds that they are bound to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """What a publisher may say: events of one source, of some types (all, where none is named)."""

    source: str
    types: frozenset[str] = frozenset()

    def allows_type(self, type_: str) -> bool:
        """Whether events of this type are its own to say."""
        return not self.types or type_ in self.types
