"""One thing that is wrong, named by its code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from domain.faults.registry import MESSAGE_AREAS, read_codes
from domain.money.amounts import Amount

FaultValue = str | int | Amount | Mapping[str, str] | None
"""What fills a place in the words; what each language calls otherwise stands under ``zh`` and ``en``."""
FaultArgs = Mapping[str, FaultValue]


def args_in(language: str, args: FaultArgs) -> dict[str, FaultValue]:
    """What fills the places of words in ``zh`` or ``en``."""
    return {name: value[language] if isinstance(value, Mapping) else value for name, value in args.items()}


class Fault(NamedTuple):
    """One thing that is wrong with a message, a file or a step, at one field."""

    code: str
    field: str
    args: FaultArgs = {}

    def words(self, language: str, areas: tuple[str, ...] = MESSAGE_AREAS) -> dict[str, str]:
        """Field, code, rule and mend in ``zh`` or ``en``, in the words of the areas."""
        words = read_codes(*areas)[self.code]
        rule, mend = (words.rule_en, words.mend_en) if language == "en" else (words.rule_zh, words.mend_zh)
        args = args_in(language, self.args)
        return {
            "field": self.field,
            "code": self.code,
            "rule": rule.format(**args),
            "mend": mend.format(**args),
        }
