"""Yearly amounts to which several sources report: where their sums are the same, one may count twice.

A sum of one source, as most are, has no matter and costs no look-up; once a second source reports to
it, the reports made until then become the parties of its matter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from domain.disagreements.matters import Party, disagree, matter_of
from domain.events.content import Content
from domain.events.event import SEP, Event
from domain.policy.model import DisagreementRule
from ledger.intake.findings import Company, Dispute, History, ReadAhead, ReportedFact, Reports
from ledger.projections.disagreements import DisagreementTables


def party_of(rule: DisagreementRule, code: str, event: Event, content: Content) -> Party:
    """A fact as one of those that a rule compares."""
    value = str(content.field_value(rule.field) or 0) if rule.field else ""
    return Party(event.key, code, event.source, value)


def find_shared_sums(
    tables: DisagreementTables,
    history: History,
    read_ahead: ReadAhead,
    reports_of: Reports,
    rules: Mapping[str, DisagreementRule],
) -> dict[str, list[Party]]:
    """The matters of sums with several sources that reports add to, with the parties that come to each.

    Args:
        rules: by kind of fact, the rule by which its sums are compared.
    """
    sums: dict[str, _Sum] = {}
    compared = [(report, rule) for name, rule in rules.items() for report in reports_of.get(name, ())]
    for report, rule in compared:
        if report.company is Company.NONE and not report.amended:
            continue
        content = report.content
        if content is not None:
            matter = matter_of(rule, report.code, content)
            reported = sums.setdefault(matter, _Sum(report, rule))
            reported.coming.append(party_of(rule, report.code, report.fact, content))
            reported.is_looked_up |= report.company is Company.OTHER_SOURCES
    known = tables.spans(sums) if sums else {}
    shared = {matter: reported.coming for matter, reported in sums.items() if matter in known}
    looked_up = {m: reported for m, reported in sums.items() if m not in known and reported.is_looked_up}
    read_ahead({reported.report.code for reported in looked_up.values() if reported.sole_before is None})
    for matter, reported in looked_up.items():
        before = _parties_before(history, reported, matter)
        if len({party.source for party in before}) > 1:
            shared[matter] = [*reported.coming, *before]
    return shared


@dataclass(slots=True)
class _Sum:
    """A sum that a batch reports to: one of the reports, and as what they are compared."""

    report: ReportedFact
    rule: DisagreementRule
    coming: list[Party] = field(default_factory=list)
    is_looked_up: bool = False
    """Whether several sources may report to it, or no longer do."""

    @property
    def sole_before(self) -> Party | None:
        """The only report made to it before, where that is known without its enterprise's events."""
        return self.report.sole_before if self.rule.field == "amount_fen" else None


def _parties_before(history: History, reported: _Sum, matter: str) -> list[Party]:
    """The reports made to a sum until now; a sole one is known, of several the history is read."""
    if reported.sole_before is not None:
        return [reported.sole_before, *reported.coming]
    report, rule = reported.report, reported.rule
    return [
        party_of(rule, report.code, event, content)
        for event in history(report.code)
        if event.name == report.fact.name
        and (content := report.facts.corrected(event)) is not None
        and matter_of(rule, report.code, content) == matter
    ]


def sums_that_differ(
    tables: DisagreementTables,
    matter: str,
    disputes: Sequence[Dispute],
    coming: Collection[Party],
    going: Iterable[Party],
) -> list[Party] | None:
    """What stays of a matter as a party for each source, with the sum of its facts.

    ``None`` where a sum may be reported twice, or more than sums is compared: its facts must be read.
    """
    if not all(dispute.is_of_sums for dispute in disputes):
        return None
    fen_by_source = tables.sums_by_source(matter)
    for party in going:
        fen_by_source[party.source] -= int(party.value)
    code = matter.split(SEP)[2]
    sums = [Party(source, code, source, str(fen)) for source, fen in fen_by_source.items()]
    is_disputed = any(disagree(each.rule, [*sums, *coming], adds_up=True) for each in disputes)
    return None if is_disputed else sums
