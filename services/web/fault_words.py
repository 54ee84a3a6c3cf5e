"""A fault in words for whoever reads an answer, a page or the command line."""

from __future__ import annotations

from domain.authority.roles import NotAllowed
from domain.faults.fault import Fault
from domain.faults.registry import MESSAGE_AREAS, REQUEST_AREAS, read_codes
from services.web.amounts import for_readers

FaultInWords = dict[str, str | int]


def describe_fault(fault: Fault, language: str) -> FaultInWords:
    """A fault for a reader: field, code, rule and mend; policy faults also have their line."""
    printable = fault._replace(args=for_readers(fault.args))
    if fault.code not in read_codes(*REQUEST_AREAS):
        return {**printable.words(language, MESSAGE_AREAS)}
    words: FaultInWords = {**printable.words(language, REQUEST_AREAS)}
    line = fault.args.get("line")
    return {**words, "line": line} if isinstance(line, int) else words


def fault_of(error: NotAllowed, path: str = "") -> Fault:
    """A step that is not allowed, as a fault of the request."""
    return error.fault._replace(field=path + (error.field or "step"))
