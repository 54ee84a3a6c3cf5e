"""A policy file as it is written: YAML in which every scalar is text, with the line of every value.

So money can never become a float. Aliases, keys that stand twice and what is nested too deeply are refused.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import yaml

from domain.faults.fault import FaultArgs
from domain.policy.faults import Path, PathFault, PolicyError, PolicyFault

DEPTH_MAX = 20

RawFile: TypeAlias = dict[str, Any]
"""A policy file as text, lists and mappings."""

_QUICK_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Reads what was adopted, which a slower reader has looked through once: its words name what is wrong."""


class PolicySource(NamedTuple):
    """A policy file, its readings not yet in place, and the line of every path in it; not to be changed."""

    raw: RawFile
    lines: dict[Path, int]

    def line_of(self, path: Path) -> int:
        """The line of a path, or of the nearest thing above it that stands in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def place_fault(self, path: Path, code: str, args: FaultArgs) -> PolicyFault:
        """A fault with its line."""
        return PolicyFault(self.line_of(path), dotted(path), code, args)

    def place_faults(self, faults: Iterable[PathFault]) -> list[PolicyFault]:
        """Faults with their lines."""
        return [self.place_fault(path, code, args) for path, code, args in faults]


def dotted(path: Path) -> str:
    """A path as a fault names it."""
    return "/".join(part if part.isprintable() else ascii(part)[1:-1] for part in map(str, path)) or "file"


@lru_cache(maxsize=8)
def read_source(text: str, quick: bool = False) -> PolicySource:
    """A policy file with the line of every path.

    Args:
        quick: for what was looked through before: faults then are named in fewer words.

    Raises:
        PolicyError: where it is no YAML of that form.
    """
    loader, lines = _QUICK_LOADER if quick else yaml.SafeLoader, dict[Path, int]()
    _refuse_depth(text)
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
    return PolicySource(raw, lines)


def _refuse_depth(text: str) -> None:
    """What is nested too deeply goes no further: the slower reader's time grows with the depth squared."""
    line = _line_too_deep(text)
    if line:
        raise PolicyError([PolicyFault(line, "file", "policy.depth", {"most": DEPTH_MAX})])


def _line_too_deep(text: str) -> int:
    """The first line nested too deeply; 0 for none, or none before what is no YAML."""
    depth = 0
    try:
        for event in yaml.parse(text, Loader=_QUICK_LOADER):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEPTH_MAX + 1:
                return event.start_mark.line + 1 if event.start_mark else 1
    except yaml.MarkedYAMLError as error:  # the other reader says in more words what it is, but for this
        if "nesting depth" in str(error.problem):
            return error.problem_mark.line + 1 if error.problem_mark else 1
    except (yaml.YAMLError, ValueError):
        return 0
    return 0


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
        faults.append(PolicyFault(line, dotted(path[:3]), "policy.depth", {"most": DEPTH_MAX}))
        return None
    if isinstance(node, yaml.ScalarNode):
        plain_null = not node.style and node.value in ("", "null", "~")
        return None if plain_null else node.value
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, i), lines, faults) for i, item in enumerate(node.value)]
    values: RawFile = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            faults.append(PolicyFault(key_node.start_mark.line + 1, dotted(path), "policy.key-form"))
            continue
        key = str(key_node.value)
        if key in values:
            line = key_node.start_mark.line + 1
            faults.append(PolicyFault(line, dotted((*path, key)), "policy.key-twice"))
        values[key] = _value(value_node, (*path, key), lines, faults)
    return values


def line_in(text: str, *path: str | int) -> int:
    """The line of a path in a policy file that can be read."""
    return read_source(text).line_of(path)


def raw_file(text: str) -> RawFile:
    """A policy file as text, lists and mappings, its readings not yet in place.

    Raises:
        PolicyError: where it is no YAML of that form.
    """
    return copy.deepcopy(read_source(text).raw)
