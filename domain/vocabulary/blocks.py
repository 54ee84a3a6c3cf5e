"""A file of a vocabulary as mappings that are read strictly: what is wrong with it is said all at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import yaml

from domain.vocabulary.kinds import Words


@dataclass(frozen=True, slots=True)
class VocabularyFault:
    """One thing that is wrong with a block, at one field."""

    block: str
    field: str
    rule: str
    mend: str

    def __str__(self) -> str:
        return f"{self.block}: {self.field}: {self.rule} — {self.mend}"


class VocabularyError(ValueError):
    """A vocabulary that cannot be used; ``faults`` holds everything found."""

    def __init__(self, faults: Sequence[VocabularyFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in faults))


class _TextLoader(getattr(yaml, "CBaseLoader", yaml.BaseLoader)):  # type: ignore[misc]
    """Reads every scalar as text, and refuses a key that stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[str, Any]:
        keys = [key.value for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{key} stands twice", node.start_mark)
        return cast("dict[str, Any]", super().construct_mapping(node, deep))


class Block:
    """A mapping that is read strictly: what is missing, misplaced or unknown becomes a fault."""

    def __init__(self, name: str, path: str, values: object, faults: list[VocabularyFault]) -> None:
        self.name, self.path, self.faults = name, path, faults
        self.values: dict[str, object] = values if isinstance(values, dict) else {}
        self.unread = dict.fromkeys(self.values)
        if not isinstance(values, dict) and values != "":
            self.refuse("", "is no mapping", "write fields below it, each with its value")

    def refuse(self, key: str, rule: str, mend: str) -> None:
        """Note a fault."""
        path = ".".join(part for part in (self.path, key) if part)
        self.faults.append(VocabularyFault(self.name, path or self.name, rule, mend))

    def value(self, key: str) -> object:
        """The value of a key, ``None`` where it is not there."""
        self.unread.pop(key, None)
        return self.values.get(key)

    def text(self, key: str, default: str | None = None, among: Iterable[str] = ()) -> str:
        """A text on one line; required where there is no default."""
        value = self.value(key)
        choices = ", ".join(among)
        if value is None and default is not None:
            return default
        if value is None or (value == "" and default is None):
            self.refuse(key, "is missing", f"write one of {choices}" if choices else "add it")
        elif not isinstance(value, str) or "\n" in value:
            self.refuse(key, "is no text on one line", "write one line of text")
        elif choices and value not in choices.split(", "):
            self.refuse(key, f"is {value!r}", f"write one of {choices}")
        else:
            return value
        return default or ""

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty where it is not there."""
        value = self.value(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(text, str) and text for text in value):
            self.refuse(key, "is no list of texts", "write [first, second]")
            return ()
        return tuple(value)

    def read_whole(self, key: str, default: int) -> int:
        """A whole number, written in digits."""
        text = self.text(key, str(default))
        if not re.fullmatch("0|[1-9][0-9]{0,14}", text):
            self.refuse(key, f"is {text!r}", "write a whole number in digits")
            return default
        return int(text)

    def yes(self, key: str, default: str) -> bool:
        """``yes`` or ``no``."""
        return self.text(key, default, ("yes", "no")) == "yes"

    def words(self, key: str, default: Words | None = None) -> Words:
        """The same words in both languages; required where there is no default."""
        if key not in self.values and default is not None:
            return default
        inner = self.inner(key)
        words = Words(inner.text("zh"), inner.text("en"))
        inner.finish()
        return words

    def inner(self, key: str) -> Block:
        """A mapping inside this one; empty where it is not there."""
        value = self.value(key)
        path = f"{self.path}.{key}" if self.path else key
        return Block(self.name, path, "" if value is None else value, self.faults)

    def rows(self, key: str) -> list[Block]:
        """A list of mappings; empty where it is not there."""
        value = self.value(key)
        if value is not None and not isinstance(value, list):
            self.refuse(key, "is no list", "write each entry after a dash")
        path = f"{self.path}.{key}" if self.path else key
        rows = value if isinstance(value, list) else []
        return [Block(self.name, f"{path}.{at}", row, self.faults) for at, row in enumerate(rows)]

    def finish(self) -> None:
        """Refuse what nothing has read."""
        for key in self.unread:
            self.refuse(key, "is unknown here", "remove it, or check its spelling")


def parse_vocabulary(text: str) -> object:
    """The texts, lists and mappings of a file.

    Raises:
        VocabularyError: where it is not YAML, or a key stands twice.
    """
    try:
        return yaml.load(text, Loader=_TextLoader)  # noqa: S506 (reads texts, lists and mappings alone)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        field = f"line {mark.line + 1}" if mark else "line 1"
        rule = f"is not YAML: {getattr(error, 'problem', None) or type(error).__name__}"
        fault = VocabularyFault("file", field, rule, "check indentation, quotes and brackets near this line")
        raise VocabularyError([fault]) from None
