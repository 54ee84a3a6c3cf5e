"""The places of an enterprise's facts as ``folded_entries`` has them, and as a batch leaves them so far."""

from __future__ import annotations

from domain.facts.places import AFTER_SEP
from ledger.store.rows import Rows

PART = "places"
_UNDER = (
    "SELECT entry FROM folded_entries WHERE code=? AND part='places' AND entry>=? AND entry<? ORDER BY entry"
)


class StoredPlaces:
    """Places that are read as they are asked for, within the transaction (``domain.facts.places``)."""

    def __init__(self, rows: Rows, code: str) -> None:
        self._rows, self._code = rows, code
        self.added: set[str] = set()
        """Places that the batch gives to facts."""
        self.removed: set[str] = set()
        """Places that the batch takes from facts; they may be none that are stored."""

    def add(self, place: str) -> None:
        """Give a fact its place."""
        self.removed.discard(place)
        self.added.add(place)

    def remove(self, place: str) -> None:
        """Take its place from a fact."""
        self.added.discard(place)
        self.removed.add(place)

    def last_under(self, prefix: str) -> str | None:
        """The last place that begins so."""
        added = [place for place in self.added if place.startswith(prefix)]
        stored = self._read(prefix, prefix[:-1] + AFTER_SEP, "DESC")
        return max([*added, *stored], default=None)

    def all_under(self, prefix: str) -> list[str]:
        """All places that begin so, in order."""
        added = {place for place in self.added if place.startswith(prefix)}
        stored = self._rows.all(_UNDER, [self._code, prefix, prefix[:-1] + AFTER_SEP])
        return sorted(added | {str(place) for (place,) in stored} - self.removed)

    def is_any_between(self, first: str, before: str) -> bool:
        """Whether there is a place from the first on, and before the other."""
        return any(first <= place < before for place in self.added) or bool(self._read(first, before, "ASC"))

    def _read(self, first: str, before: str, order: str) -> list[str]:
        """The stored place that stands first in this order and was not taken; none, or that one."""
        limit = 1 + sum(first <= place < before for place in self.removed)
        stored = self._rows.all(f"{_UNDER} {order} LIMIT ?", [self._code, first, before, limit])
        return [str(place) for (place,) in stored if place not in self.removed][:1]


def read_places(rows: Rows, code: str) -> set[str]:
    """All places that are stored of an enterprise."""
    sql = "SELECT entry FROM folded_entries WHERE code=? AND part='places'"
    return {str(place) for (place,) in rows.all(sql, [code])}
