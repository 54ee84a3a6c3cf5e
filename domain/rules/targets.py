"""What an enterprise adds to the city's targets, month by month.

A month counts what came to be, or was reported, within it; the months of a year add up to the
year. A fact of a day counts in that day's month. A report of a year's amount counts in the month
of its ``time`` (``domain.facts.months``): before the year in January, after it in December. An
enterprise that must reach a threshold counts from the month in which its reports so far do.

Under the reading ``several-reports: latest`` only the report that stands at the end counts, from
its own month on: the fold does not keep what an earlier report, since overtaken, said.
"""

from __future__ import annotations

from domain.events import CATALOGUE, DatedFact
from domain.facts.folding import SEP, EnterpriseFacts, Reports
from domain.facts.months import month_in
from domain.policy.model import Policy, Select, Target
from domain.policy.rulebook import Rulebook
from domain.rules import arithmetic as kinds
from domain.rules.awards import new_items

Months = dict[int, int]
"""What each month, 1 to 12, adds: a count, or fen. Months that add nothing are left out."""

Added = dict[int, dict[str, Months]]
"""What is added by year and target id."""


def targets_of(facts: EnterpriseFacts, book: Rulebook) -> Added:
    """What an enterprise adds to each of the city's targets in each month."""
    found: Added = {}
    read: _Read = {}
    for target in book.latest.targets.values():
        if target.of.fact not in facts.dated and target.of.fact not in facts.amounts:
            continue
        for year, months in _towards(facts, book.latest, target, read).items():
            if months and book.covers_year(year):
                found.setdefault(year, {})[target.id] = months
    return found


_Read = dict[object, dict[int, Months]]
"""Amounts by month that were worked out for one target, kept for others that count the same."""


def _towards(facts: EnterpriseFacts, policy: Policy, target: Target, read: _Read) -> dict[int, Months]:
    if target.of.fact in facts.dated:
        return _of_items(facts, target)
    reported = facts.amounts.get(target.of.fact)
    if not reported:
        return {}
    key = (target.of.fact, target.of.groups, target.of.foreign)
    amounts = read.get(key)
    if amounts is None:
        amounts = read[key] = _monthly(reported, target.of, policy.reports)
    if not amounts:
        return amounts
    if target.counts == "amount":
        return {year: {m: fen for m, fen in months.items() if fen} for year, months in amounts.items()}
    reached = {year: _reached(months, target.threshold, policy.inclusive) for year, months in amounts.items()}
    return {year: {month: 1} for year, month in reached.items() if month}


def _of_items(facts: EnterpriseFacts, target: Target) -> dict[int, Months]:
    """New things of a day; an enterprise counts once, with its first."""
    items = new_items(facts, target.of)
    if target.counts == "enterprises":
        items = items[:1]
    found: dict[int, Months] = {}
    for on, identity in items:
        worth = _worth(facts, target, identity)
        if worth:
            months, month = found.setdefault(int(on[:4]), {}), int(on[5:7])
            months[month] = months.get(month, 0) + worth
    return found


def _worth(facts: EnterpriseFacts, target: Target, identity: str) -> int:
    """One item, or the quantity that its record states."""
    if target.counts != "quantity":
        return 1
    cls = CATALOGUE[target.of.fact]
    assert issubclass(cls, DatedFact)
    records = facts.dated[target.of.fact][identity][1]
    texts = [record.split(SEP)[cls.attributes.index(target.of.field)] for record in records]
    return max((int(text) for text in texts if text.isdigit()), default=0)


def _monthly(reported: dict[str, Reports], select: Select, reports: str) -> dict[int, Months]:
    """The selected amounts of each year in fen, by month; ``reports`` is the reading ``several-reports``."""
    found: dict[int, Months] = {}
    for key, entry in reported.items():
        parts = key.split(SEP)
        if len(parts) != select.width or (select.foreign and parts[-2] != select.foreign):
            continue
        for place, wanted in select.groups:
            if parts[place] not in wanted:
                break
        else:
            year = int(parts[-1])
            added = entry.months
            if reports != "add-up":
                added = {month_in(year, entry.latest): entry.latest_amount}
            if year not in found:
                found[year] = dict(added)
                continue
            months = found[year]
            for month, fen in added.items():
                months[month] = months.get(month, 0) + fen
    return found


def _reached(months: Months, threshold: int, inclusive: bool) -> int:
    """The first month by whose end the amounts so far reach a threshold in fen; 0 where none does."""
    so_far = 0
    for month in sorted(months):
        so_far += months[month]
        if kinds.reaches(so_far, threshold, inclusive):
            return month
    return 0
