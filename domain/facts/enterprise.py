"""An enterprise as the eventsourcing library's aggregate."""

from __future__ import annotations

from domain.events.aggregate import Stream
from domain.facts.folding import EnterpriseFacts, fold


class Enterprise(Stream):
    """One enterprise, known by its unified social credit code."""

    @property
    def facts(self) -> EnterpriseFacts:
        """The facts as they stand after all corrections."""
        return fold(self.events)
