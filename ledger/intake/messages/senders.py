"""What the senders of a batch's messages may report, and as whom: few of them send many messages."""

from __future__ import annotations

from domain.authority.writes import Writer
from domain.events.event import Attribution, Event
from domain.events.speaking import speak_for
from domain.faults.fault import Fault
from domain.intake.authorising import judge_report


class Senders:
    """Remembers of the latest sender what was judged of each kind and source, worked out once."""

    def __init__(self) -> None:
        self._writer: Writer | None = None
        self._faults: dict[tuple[str, str], Fault | None] = {}
        self._attribution: Attribution | None = None
        self._speaking: dict[str, Attribution] = {}

    def judge(self, writer: Writer, event: Event) -> Fault | None:
        """``judge_report``: of a plain fact kind and source decide alone."""
        if writer is not self._writer:
            self._writer, self._faults = writer, {}
        report = event.name, event.source
        if report not in self._faults:
            self._faults[report] = judge_report(writer, event)
        return self._faults[report]

    def attribute(self, attribution: Attribution, source: str) -> Attribution:
        """Who says a message of a source: whoever sends it does so on behalf of that source."""
        if attribution is not self._attribution:
            self._attribution, self._speaking = attribution, {}
        if source not in self._speaking:
            self._speaking[source] = speak_for(attribution, source)
        return self._speaking[source]
