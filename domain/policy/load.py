"""Read a policy file, or say everything that is wrong with it, line by line.

A file is YAML in which every scalar is text (so money can never become a float). ``"@name"``
takes the value of the reading of that name; which readings a measure rests on is thereby
known. A figure or a reading may be overridden, for a what-if.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

import yaml
from marshmallow import ValidationError

from domain.faults.fault import Fault, FaultArgs
from domain.faults.registry import POLICY_AREAS
from domain.policy.check import Path, PathFault, faults_of_meaning, faults_of_text
from domain.policy.form.file import PolicySchema
from domain.policy.model import Policy

POLICY_BYTES_MAX = 1_000_000
DEPTH_MAX = 20


_QuickLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Reads what was adopted, which a slower reader has looked through once: its words name what is wrong."""


class PolicyFault(NamedTuple):
    """One thing that is wrong: where it stands (line 0: not in the file), and its code."""

    line: int
    field: str
    code: str
    args: FaultArgs = {}

    @property
    def rule(self) -> str:
        """What must hold, in English."""
        return self.words("en")[0]

    @property
    def mend(self) -> str:
        """What to do about it, in English."""
        return self.words("en")[1]

    def __str__(self) -> str:
        return self.describe("en")

    def describe(self, language: str) -> str:
        """The fault on one line, in ``zh`` or ``en``."""
        rule, mend = self.words(language)
        if language == "zh":
            place = f"第{self.line}行：" if self.line else ""
            return f"{place}{self.field}：{rule} — {mend}"
        place = f"line {self.line}: " if self.line else ""
        return f"{place}{self.field}: {rule} — {mend}"

    def words(self, language: str) -> tuple[str, str]:
        """Rule and mend in ``zh`` or ``en``."""
        words = Fault(self.code, self.field, self.args).words(language, POLICY_AREAS)
        return words["rule"], words["mend"]


class PolicyError(ValueError):
    """A policy file that cannot be used; ``faults`` holds everything found."""

    def __init__(self, faults: list[PolicyFault]) -> None:
        self.faults = faults
        super().__init__("\n".join(str(fault) for fault in faults))


@dataclass(frozen=True, slots=True)
class Changes:
    """What a what-if changes: readings by id, figures by dotted path, e.g. ``store.tmall/amount``."""

    readings: Mapping[str, str]
    figures: Mapping[str, str]


def digest_of(text: str) -> str:
    """SHA-256 of the file's bytes, lower-case hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def load_policy(text: str, changes: Changes | None = None) -> Policy:
    """Read one version of a policy.

    Raises:
        PolicyError: with every fault found, each with line, field, rule and mend.
    """
    return _load_unchanged(text) if changes is None else _load(text, changes)


@lru_cache(maxsize=16)
def _load_unchanged(text: str) -> Policy:
    """The policy that a file says: read line by line once, however often it is asked for."""
    return _load(text, None)


def _load(text: str, changes: Changes | None) -> Policy:
    if len(text.encode("utf-8", "replace")) > POLICY_BYTES_MAX:
        raise PolicyError([PolicyFault(1, "file", "policy.file-large", {"most": POLICY_BYTES_MAX})])
    composed = _compose(text)
    if unprintable := faults_of_text(composed[0]):
        raise PolicyError(_with_lines(unprintable, composed[1]))
    policy, faults = _read(text, composed, changes)
    if faults:
        raise PolicyError(faults)
    return policy


def load_adopted(text: str, changes: Changes | None = None) -> Policy:
    """Read a file that a ledger has adopted, by the rules of its day: what is checked since stops no ledger.

    Raises:
        PolicyError: where it cannot be read, or where what a what-if ``changes`` makes it mean nothing.
    """
    policy, faults = _read(text, _compose(text, _QuickLoader), changes)
    if changes and faults:
        before = _read(text, _compose(text, _QuickLoader))[1]
        if new := [fault for fault in faults if fault not in before]:
            raise PolicyError(new)
    return policy


def _read(
    text: str, composed: tuple[Any, dict[Path, int]], changes: Changes | None = None
) -> tuple[Policy, list[PolicyFault]]:
    """The policy that a well-formed file says, and what in it can mean nothing.

    Args:
        composed: the file as ``_compose`` reads it; ``changes`` are made in it.
    """
    raw, lines = copy.deepcopy(composed[0]), composed[1]
    if changes:
        _apply(raw, changes)
    resolved, used = _resolve(raw, lines)
    try:
        policy: Policy = PolicySchema().load(resolved)
    except ValidationError as error:
        raise PolicyError(_faults(error.messages, lines)) from None
    policy = _with_readings(replace(policy, digest=digest_of(text)), used)
    return policy, _with_lines(faults_of_meaning(policy, resolved), lines)


def _with_lines(faults: list[PathFault], lines: dict[Path, int]) -> list[PolicyFault]:
    """Faults with their lines."""
    return [PolicyFault(_line(lines, path), _dotted(path), code, args) for path, code, args in faults]


def line_in(text: str, *path: str | int) -> int:
    """The line of a path in a policy file that can be read."""
    return _line(_compose(text)[1], path)


def composed(text: str) -> dict[str, Any]:
    """A policy file as text, lists and mappings, its readings not yet in place.

    Raises:
        PolicyError: where it is no YAML of that form.
    """
    return copy.deepcopy(_compose(text)[0])


def known_changes(text: str, changes: Changes) -> Changes:
    """Those of a what-if's changes whose reading or figure this version has."""
    raw, _ = _compose(text)
    readings = {
        name: value for name, value in changes.readings.items() if _has_change(raw, name, None, value)
    }
    figures = {path: value for path, value in changes.figures.items() if _has_change(raw, None, path, value)}
    return Changes(readings, figures)


def _has_change(raw: dict[str, Any], reading: str | None, figure: str | None, value: str) -> bool:
    change = Changes({reading: value} if reading else {}, {figure: value} if figure else {})
    try:
        _apply(copy.deepcopy(raw), change)
    except PolicyError:
        return False
    return True


@lru_cache(maxsize=8)
def _compose(text: str, loader: Any = yaml.SafeLoader) -> tuple[dict[str, Any], dict[Path, int]]:
    """Parse the YAML into text, lists and mappings, with the line of every path; not to be changed."""
    lines: dict[Path, int] = {}
    try:
        node = yaml.compose(text, Loader=loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        args = {"problem": str(getattr(error, "problem", None) or type(error).__name__)}
        fault = PolicyFault(mark.line + 1 if mark else 1, "file", "policy.yaml", args)
        raise PolicyError([fault]) from None
    _refuse_aliases(text, loader)
    if not isinstance(node, yaml.MappingNode):
        raise PolicyError([PolicyFault(1, "file", "policy.mapping-none")])
    faults: list[PolicyFault] = []
    raw = _value(node, (), lines, faults)
    if faults:
        raise PolicyError(faults)
    return raw, lines


def _refuse_aliases(text: str, loader: Any) -> None:
    """An alias may stand for more text than any reader could check, so none is followed."""
    if "*" not in text:
        return
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.AliasEvent):
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise PolicyError([PolicyFault(line, "file", "policy.alias", {"name": event.anchor})])


def _value(node: yaml.Node, path: Path, lines: dict[Path, int], faults: list[PolicyFault]) -> Any:
    line = node.start_mark.line + 1
    lines[path] = line
    if len(path) > DEPTH_MAX:
        faults.append(PolicyFault(line, _dotted(path[:3]), "policy.depth", {"most": DEPTH_MAX}))
        return None
    if isinstance(node, yaml.ScalarNode):
        plain_null = not node.style and node.value in ("", "null", "~")
        return None if plain_null else node.value
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, i), lines, faults) for i, item in enumerate(node.value)]
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            faults.append(PolicyFault(key_node.start_mark.line + 1, _dotted(path), "policy.key-form"))
            continue
        key = str(key_node.value)
        if key in values:
            line = key_node.start_mark.line + 1
            faults.append(PolicyFault(line, _dotted((*path, key)), "policy.key-twice"))
        values[key] = _value(value_node, (*path, key), lines, faults)
    return values


def _apply(raw: dict[str, Any], changes: Changes) -> None:
    """Put a what-if's readings and figures in place; unknown names are faults."""
    readings = raw.get("readings")
    for name, value in changes.readings.items():
        if not isinstance(readings, dict) or not isinstance(readings.get(name), dict):
            raise PolicyError([_without_reading(0, name, "policy.reading-none", readings)])
        readings[name]["value"] = value
    measures = {m.get("id"): m for m in raw.get("measures") or [] if isinstance(m, dict)}
    for path, value in changes.figures.items():
        measure_id, _, figure = path.partition("/")
        target: Any = measures.get(measure_id) if measure_id != "budget" else raw.get("budget")
        *parents, last = figure.split("/") if figure else ["amount"]
        for part in parents:
            target = _step(target, part)
        if isinstance(target, list) and last.isdigit() and int(last) < len(target):
            target[int(last)] = value
        elif isinstance(target, dict) and last in target:
            target[last] = value
        else:
            raise PolicyError([PolicyFault(0, path, "policy.figure-none")])


def _step(target: Any, part: str) -> Any:
    if isinstance(target, list) and part.isdigit() and int(part) < len(target):
        return target[int(part)]
    return target.get(part) if isinstance(target, dict) else None


def _without_reading(line: int, field: str, code: str, readings: Any, **args: str) -> PolicyFault:
    """The fault of a reading that a file lacks, naming those that it has; ``…-yet`` where it has none."""
    if isinstance(readings, dict) and readings:
        return PolicyFault(line, field, code, {**args, "known": ", ".join(sorted(readings))})
    return PolicyFault(line, field, f"{code}-yet", args)


def _resolve(raw: dict[str, Any], lines: dict[Path, int]) -> tuple[dict[str, Any], dict[Path, str]]:
    """Replace every ``"@name"`` by its reading's value; say which path used which reading."""
    readings = raw.get("readings") or {}
    used: dict[Path, str] = {}
    faults: list[PolicyFault] = []

    def walk(value: Any, path: Path) -> Any:
        if isinstance(value, dict):
            return {key: walk(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [walk(item, (*path, i)) for i, item in enumerate(value)]
        if not isinstance(value, str) or not value.startswith("@"):
            return value
        reading = readings.get(value[1:]) if isinstance(readings, dict) else None
        if not isinstance(reading, dict):
            line, field = _line(lines, path), _dotted(path)
            code = "policy.reading-undefined"
            faults.append(_without_reading(line, field, code, readings, name=value[1:]))
            return None
        used[path] = value[1:]
        return reading.get("value")

    resolved = {key: value if key == "readings" else walk(value, (key,)) for key, value in raw.items()}
    if faults:
        raise PolicyError(faults)
    return resolved, used


def _with_readings(policy: Policy, used: dict[Path, str]) -> Policy:
    """Note on every measure the readings that it rests on."""
    ids = list(policy.measures)
    by_measure: dict[str, list[str]] = {measure_id: [] for measure_id in ids}
    general: list[str] = []
    for path, name in used.items():
        if path[0] == "measures":
            names = by_measure[ids[int(path[1])]]
        elif path[0] in ("targets", "settlement"):
            continue
        else:
            names = general
        if name not in names:
            names.append(name)
    measures = {
        measure_id: replace(measure, readings=tuple(by_measure[measure_id]))
        for measure_id, measure in policy.measures.items()
    }
    return replace(policy, measures=measures, general_readings=tuple(general))


def _faults(messages: Any, lines: dict[Path, int], path: Path = ()) -> list[PolicyFault]:
    """Flatten marshmallow's nested messages into faults with their lines."""
    if isinstance(messages, dict):
        nested = [
            fault
            for key, value in messages.items()
            for fault in _faults(
                value, lines, path if key in ("_schema", "value") and _has(lines, path, key) else (*path, key)
            )
        ]
        return sorted(nested, key=lambda fault: fault.line)
    faults = []
    for message in messages if isinstance(messages, list) else [messages]:
        code, args = message if isinstance(message, tuple) else _coded(str(message))
        faults.append(PolicyFault(_line(lines, path), _dotted(path), code, args))
    return faults


def _coded(message: str) -> tuple[str, FaultArgs]:
    """A message of marshmallow's own, or a code without arguments, as a code."""
    code = _CODES.get(message, message)
    return (code, {}) if code.startswith("policy.") else ("policy.value", {"reason": message})


_CODES = {
    "Missing data for required field.": "policy.missing",
    "Field may not be null.": "policy.null",
    "Not a valid string.": "policy.text-form",
    "Not a valid list.": "policy.list-form",
    "Not a valid mapping type.": "policy.group-type",
}
"""What marshmallow says of itself, as a fault whose words a policy's author understands."""


def _has(lines: dict[Path, int], path: Path, key: object) -> bool:
    return key == "_schema" or (*path, key) not in lines


def _line(lines: dict[Path, int], path: Path) -> int:
    """The line of a path, or of the nearest thing above it that stands in the file."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _dotted(path: Path) -> str:
    return "/".join(part if part.isprintable() else ascii(part)[1:-1] for part in map(str, path)) or "file"
