"""Messages of ISO 20022, read element by element in bounded memory; no document type is ever taken."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any
from xml.parsers import expat

from ledger.export.file_faults import Faults

XML_BYTES_MAX = 1 << 30
"""Largest message that is read: about a million payments."""
_CHINA = timezone(timedelta(hours=8))
_DEPTH_MAX = 64
"""Most elements within each other; ISO 20022 needs not half as many."""
_KEPT_MAX = 2_000
"""Most characters that are kept of one element."""


class _Refused(Exception):
    """Ends the reading of a file; the fault is collected already."""


class XmlReader:
    """Reads a message and collects what is wrong; ``begin`` and ``end`` are for those who derive from it.

    A document type declaration is refused, so no entity is ever expanded or fetched.
    """

    def __init__(self, namespaces: tuple[str, ...], kind_fault: str) -> None:
        """``kind_fault`` is the code for a document of no such namespace (without its version)."""
        self.namespaces, self.kind_fault = namespaces, kind_fault
        self.faults = Faults()
        self.path: list[str] = []
        self.text = ""
        self.parser: Any = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters

    def read(self, data: bytes) -> None:
        """Read it all, collecting faults."""
        if len(data) > XML_BYTES_MAX:
            self.faults.add(0, "file", "xml.large", most=str(XML_BYTES_MAX))
            return
        try:
            self.parser.Parse(data, True)
        except expat.ExpatError as error:
            self.faults.add(error.lineno, "file", "xml", reason=expat.ErrorString(error.code))
        except (ValueError, LookupError) as error:  # an encoding that Python does not know
            self.faults.add(0, "file", "xml", reason=str(error))
        except _Refused:
            pass

    @property
    def line(self) -> int:
        """The line that is being read."""
        return int(self.parser.CurrentLineNumber)

    def begin(self, local: str, attributes: Mapping[str, str]) -> None:
        """Take the beginning of an element, by its name without the namespace."""

    def end(self, local: str, within: str, text: str) -> None:
        """Take an element's text; ``within`` is the element around it."""

    def _doctype(self, *_: object) -> None:
        self.faults.add(self.line, "file", "xml.dtd")
        raise _Refused

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        if not self.path and not (local == "Document" and space.startswith(self.namespaces)):
            self.faults.add(self.line, "file", self.kind_fault)
            raise _Refused
        if len(self.path) == _DEPTH_MAX:
            self.faults.add(self.line, "file", "xml", reason=f"over {_DEPTH_MAX} elements deep")
            raise _Refused
        self.path.append(local)
        self.text = ""
        self.begin(local, attributes)

    def _characters(self, data: str) -> None:
        self.text = (self.text + data)[:_KEPT_MAX]

    def _end(self, _: str) -> None:
        local, within = self.path.pop(), self.path[-1] if self.path else ""
        text, self.text = self.text.strip(), ""
        self.end(local, within, text)


def trim_amount(amount: str) -> str:
    """An amount without decimals that say nothing: ISO allows five."""
    yuan, _, cents = amount.partition(".")
    return f"{yuan}.{cents.rstrip('0')}".rstrip(".")


def china_day(text: str) -> str:
    """The day in China of an instant or a day; what is neither stays as it is."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return text
    return (instant.astimezone(_CHINA) if instant.tzinfo else instant).date().isoformat()
