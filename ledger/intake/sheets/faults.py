"""A file that cannot be taken at all, with everything that is wrong with it as a whole."""

from __future__ import annotations

from typing import Any

from domain.faults.fault import Fault


class SheetError(Exception):
    """A file that cannot be read as a spreadsheet of facts; ``faults`` name the sheet or its part."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(_line(each) for each in faults))
        self.faults = faults


def refused(code: str, place: str = "file", **args: Any) -> SheetError:
    """An error of one fault."""
    return SheetError(Fault(code, place, args))


def _line(fault: Fault) -> str:
    zh, en = fault.words("zh"), fault.words("en")
    return f"{fault.field}: {zh['rule']}，{zh['mend']} · {en['rule']} — {en['mend']}"
