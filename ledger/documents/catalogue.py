"""The places of each document, read from places.yaml beside this file."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import yaml

DOCUMENTS = ("list", "payments", "letter", "report")
"""公示名单, 资金拨付表, 兑现决定书, 年度报告."""


@cache
def catalogue() -> dict[str, Any]:
    """The file as data: ``values`` and ``tables``."""
    text = files(__package__).joinpath("places.yaml").read_text("utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def values_of(document: str) -> list[str]:
    """The names of a document's single places."""
    return [name for name, said in catalogue()["values"].items() if document in said["in"]]


def columns_of(document: str) -> dict[str, tuple[str, ...]]:
    """The columns of a document's tables."""
    tables = catalogue()["tables"].items()
    return {name: tuple(said["columns"]) for name, said in tables if document in said["in"]}


@cache
def aliases(document: str) -> dict[str, str]:
    """The English names of a document's places, each with its Chinese one."""
    found = {catalogue()["values"][name]["en"]: name for name in values_of(document)}
    for name, columns in columns_of(document).items():
        table = catalogue()["tables"][name]
        for column in columns:
            found[f"{table['en']}.{table['columns'][column]['en']}"] = f"{name}.{column}"
    return found
