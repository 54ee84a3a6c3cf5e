"""The one registry of error codes: a YAML file for each area in ``codes/``, read when it is first needed.

A code is a promise to callers: it is never renamed. It stands in one area, or with
``instead_of`` in a second one that speaks of the same fault to other readers.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import yaml

MESSAGE_AREAS = ("messages", "sheets", "kinds")
"""Areas of what can be wrong with a message or a spreadsheet of them."""
REQUEST_AREAS = ("requests", "steps", "identity")
"""Areas of what can be wrong with a request to the API, with a step, or with who takes it."""
CASE_AREAS = ("cases",)
FILE_AREAS = ("files",)
POLICY_AREAS = ("policies",)
STORE_AREAS = ("stores",)
"""Why the ledger does not work on a database."""
SETTING_AREAS = ("settings",)
"""Why a setting of the environment cannot be used."""
INSTEAD_OF = "instead_of"
"""In a block: the area whose words of the same code it stands in place of."""
RETIRED = "retired"
"""In a block: why a code stays, though nothing raises it."""
AREAS = (
    *MESSAGE_AREAS,
    *REQUEST_AREAS,
    *CASE_AREAS,
    *FILE_AREAS,
    *POLICY_AREAS,
    *STORE_AREAS,
    *SETTING_AREAS,
)


class FaultWords(NamedTuple):
    """The rule that a code says is broken, and how to mend it; ``{…}`` is filled by a fault's args."""

    rule_zh: str
    mend_zh: str
    rule_en: str
    mend_en: str


class ProblemWords(NamedTuple):
    """One kind of problem: its HTTP status, and title and detail in both languages."""

    status: int
    title_zh: str
    title_en: str
    detail_zh: str
    detail_en: str


@cache
def read_codes(*areas: str) -> Mapping[str, FaultWords]:
    """The codes of some areas with their words, in the order of the files; a later area wins."""
    return {
        code: FaultWords(*(block[name] for name in FaultWords._fields))
        for area in areas
        for code, block in read_blocks(area).items()
    }


@cache
def read_problems() -> Mapping[str, ProblemWords]:
    """The kinds of problem by code, in the order of the file."""
    return {
        code: ProblemWords(*(block[name] for name in ProblemWords._fields))
        for code, block in read_blocks("problems").items()
    }


Block = dict[str, Any]
"""A code's block as it is written: texts by name, and the status of a problem."""


def read_blocks(area: str) -> dict[str, Block]:
    """One file of codes, as it is written."""
    text = files(__package__).joinpath("codes", f"{area}.yaml").read_text("utf-8")
    blocks: dict[str, Block] = yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe loader
    return blocks


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
