"""Read a policy file, or say everything that is wrong with it, line by line.

``"@name"`` takes the value of the reading of that name; which readings a measure rests on is
thereby known. A figure or a reading may be overridden, for a what-if.
"""

from __future__ import annotations

import copy
import hashlib
from dataclasses import replace
from functools import lru_cache
from typing import Any

from marshmallow import ValidationError

from domain.faults.fault import FaultArgs
from domain.policy.changes import Changes, apply_changes, without_reading
from domain.policy.check import faults_of_meaning, faults_of_text
from domain.policy.faults import Path, PolicyError, PolicyFault
from domain.policy.form.file import PolicySchema
from domain.policy.model import Policy
from domain.policy.source import PolicySource, RawFile, dotted, read_source

POLICY_BYTES_MAX = 1_000_000


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
    source = read_source(text)
    if unprintable := faults_of_text(source.raw):
        raise PolicyError(source.place_faults(unprintable))
    policy, faults = _read(text, source, changes)
    if faults:
        raise PolicyError(faults)
    return policy


def load_adopted(text: str, changes: Changes | None = None) -> Policy:
    """Read a file that a ledger has adopted, by the rules of its day: what is checked since stops no ledger.

    Raises:
        PolicyError: where it cannot be read, or where what a what-if ``changes`` makes it mean nothing.
    """
    source = read_source(text, quick=True)
    policy, faults = _read(text, source, changes)
    if changes and faults:
        before = _read(text, source)[1]
        if new := [fault for fault in faults if fault not in before]:
            raise PolicyError(new)
    return policy


def _read(
    text: str, source: PolicySource, changes: Changes | None = None
) -> tuple[Policy, list[PolicyFault]]:
    """The policy that a well-formed file says once ``changes`` are made, and what in it can mean nothing."""
    raw = copy.deepcopy(source.raw)
    if changes:
        apply_changes(raw, changes)
    resolved, used = _resolve(raw, source)
    try:
        policy: Policy = PolicySchema().load(resolved)
    except ValidationError as error:
        raise PolicyError(_faults(error.messages, source)) from None
    policy = _with_readings(replace(policy, digest=digest_of(text)), used)
    return policy, source.place_faults(faults_of_meaning(policy, resolved))


def _resolve(raw: RawFile, source: PolicySource) -> tuple[RawFile, dict[Path, str]]:
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
            line, code = source.line_of(path), "policy.reading-undefined"
            faults.append(without_reading(line, dotted(path), code, readings, name=value[1:]))
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


def _faults(messages: Any, source: PolicySource, path: Path = ()) -> list[PolicyFault]:
    """Flatten marshmallow's nested messages into faults with their lines."""
    if isinstance(messages, dict):
        nested = [
            fault
            for key, value in messages.items()
            for fault in _faults(value, source, path if _is_of_group(key, path, source) else (*path, key))
        ]
        return sorted(nested, key=lambda fault: fault.line)
    faults = []
    for message in messages if isinstance(messages, list) else [messages]:
        code, args = message if isinstance(message, tuple) else _coded(str(message))
        faults.append(source.place_fault(path, code, args))
    return faults


def _is_of_group(key: object, path: Path, source: PolicySource) -> bool:
    """Whether what marshmallow says under a key is of the group itself."""
    return key == "_schema" or (key == "value" and (*path, key) not in source.lines)


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
