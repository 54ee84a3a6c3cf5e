"""What a what-if changes in a policy file: readings and figures, put in place before it is read."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.policy.faults import PolicyError, PolicyFault
from domain.policy.source import RawFile, read_source


@dataclass(frozen=True, slots=True)
class Changes:
    """What a what-if changes: readings by id, figures by dotted path, e.g. ``store.tmall/amount``."""

    readings: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, str] = field(default_factory=dict)


def known_changes(text: str, changes: Changes) -> Changes:
    """Those of a what-if's changes whose reading or figure this version has."""
    raw = read_source(text).raw
    readings = {
        name: value for name, value in changes.readings.items() if _has(raw, Changes(readings={name: value}))
    }
    figures = {
        path: value for path, value in changes.figures.items() if _has(raw, Changes(figures={path: value}))
    }
    return Changes(readings, figures)


def _has(raw: RawFile, changes: Changes) -> bool:
    try:
        apply_changes(copy.deepcopy(raw), changes)
    except PolicyError:
        return False
    return True


def apply_changes(raw: RawFile, changes: Changes) -> None:
    """Put a what-if's readings and figures in place.

    Raises:
        PolicyError: for a reading or figure that the file does not have.
    """
    readings = raw.get("readings")
    for name, value in changes.readings.items():
        if not isinstance(readings, dict) or not isinstance(readings.get(name), dict):
            raise PolicyError([without_reading(0, name, "policy.reading-none", readings)])
        readings[name]["value"] = value
    measures = {m.get("id"): m for m in raw.get("measures") or [] if isinstance(m, dict)}
    for path, value in changes.figures.items():
        measure_id, _, figure = path.partition("/")
        target: Any = measures.get(measure_id) if measure_id != "budget" else raw.get("budget")
        *parents, last = figure.split("/") if figure else ["amount"]
        for part in parents:
            target = _step_into(target, part)
        if isinstance(target, list) and last.isdigit() and int(last) < len(target):
            target[int(last)] = value
        elif isinstance(target, dict) and last in target:
            target[last] = value
        else:
            raise PolicyError([PolicyFault(0, path, "policy.figure-none")])


def _step_into(target: Any, part: str) -> Any:
    if isinstance(target, list) and part.isdigit() and int(part) < len(target):
        return target[int(part)]
    return target.get(part) if isinstance(target, dict) else None


def without_reading(line: int, field: str, code: str, readings: Any, **args: str) -> PolicyFault:
    """The fault of a reading that a file lacks, naming those that it has; ``…-yet`` where it has none."""
    if isinstance(readings, dict) and readings:
        return PolicyFault(line, field, code, {**args, "known": ", ".join(sorted(readings))})
    return PolicyFault(line, field, f"{code}-yet", args)
