"""What an enterprise adds to the city's targets, month by month.

A month counts what came to be, or was reported, within it; the months of a year add up to the
year. A fact of a day counts in that day's month. A report of a year's amount counts in the month
of its ``time`` (``domain.facts.months``): before the year in January, after it in December. An
enterprise that must reach a threshold counts from the month in which its reports so far do.

Under the reading ``several-reports: latest`` only the report that stands at the end counts, from
its own month on: the fold does not keep what an earlier report, since overtaken, said.
"""

from __future__ import annotations

from collections import Counter

from domain.events import CATALOGUE, DatedThing
from domain.events.event import SEP
from domain.facts.folding import EnterpriseFacts, Reports, split_amount_key
from domain.facts.months import month_in
from domain.policy.model import Policy, Select, Target
from domain.policy.rulebook import Rulebook
from domain.rules.arithmetic import reaches
from domain.rules.selection import new_items

Months = dict[int, int]
"""What each month, 1 to 12, adds: a count, or fen. Months that add nothing are left out."""

Added = dict[int, dict[str, Months]]
"""What is added by year and target id."""


def targets_of(facts: EnterpriseFacts, book: Rulebook) -> Added:
    """What an enterprise adds to each of the city's targets in each month."""
    added: Added = {}
    policy = book.latest
    for select, targets in book.counted_targets:
        fact, amounts = select.fact, None
        if fact not in facts.dated:
            reported = facts.amounts.get(fact)
            amounts = _monthly(reported, select, policy.reports) if reported else None
            if not amounts:
                continue
        for target in targets:
            years = _of_items(facts, target) if amounts is None else _of_reports(amounts, policy, target)
            for year, months in years.items():
                if months and book.covers_year(year):
                    added.setdefault(year, {})[target.id] = months
    return added


def _of_reports(amounts: dict[int, Months], policy: Policy, target: Target) -> dict[int, Months]:
    """Amounts that were reported; an enterprise counts from the month in which it reaches the threshold."""
    if target.counts == "amount":
        return {year: _without_zeros(months) for year, months in amounts.items()}
    first = {year: _month_reached(m, target.threshold, policy.inclusive) for year, m in amounts.items()}
    return {year: {month: 1} for year, month in first.items() if month}


def _without_zeros(months: Months) -> Months:
    return months if all(months.values()) else {month: fen for month, fen in months.items() if fen}


def _of_items(facts: EnterpriseFacts, target: Target) -> dict[int, Months]:
    """New things of a day; an enterprise counts once, with its first."""
    items = new_items(facts, target.counted_on)
    if target.counts == "enterprises":
        items = items[:1]
    by_year: dict[int, Months] = {}
    if target.counts != "quantity":
        for year_and_month, number in Counter([on[:7] for on, _ in items]).items():
            by_year.setdefault(int(year_and_month[:4]), {})[int(year_and_month[5:])] = number
        return by_year
    for on, identity in items:
        worth = _worth(facts, target, identity)
        if worth:
            months, month = by_year.setdefault(int(on[:4]), {}), int(on[5:7])
            months[month] = months.get(month, 0) + worth
    return by_year


def _worth(facts: EnterpriseFacts, target: Target, identity: str) -> int:
    """The quantity that an item's record states."""
    event = CATALOGUE[target.counted_on.fact]
    assert issubclass(event, DatedThing)
    records = facts.dated[target.counted_on.fact][identity].attributes
    texts = [record.split(SEP)[event.attributes.index(target.counted_on.field)] for record in records]
    return max((int(text) for text in texts if text.isdigit()), default=0)


def _monthly(reported: dict[str, Reports], select: Select, reports: str) -> dict[int, Months]:
    """The selected amounts of each year in fen, by month; ``reports`` is the reading ``several-reports``."""
    by_year: dict[int, Months] = {}
    for key, entry in reported.items():
        parts = split_amount_key(key)
        if len(parts) != select.width or (select.foreign and parts[-2] != select.foreign):
            continue
        for place, values in select.groups:
            if parts[place] not in values:
                break
        else:
            year = int(parts[-1])
            added = entry.months
            if reports != "add-up":
                added = {month_in(year, entry.latest): entry.latest_amount}
            if year not in by_year:
                by_year[year] = dict(added)
                continue
            months = by_year[year]
            for month, fen in added.items():
                months[month] = months.get(month, 0) + fen
    return by_year


def _month_reached(months: Months, threshold: int, inclusive: bool) -> int:
    """The first month by whose end the amounts so far reach a threshold in fen; 0 where none does."""
    so_far = 0
    for month in sorted(months):
        so_far += months[month]
        if reaches(so_far, threshold, inclusive):
            return month
    return 0
