"""Years of an enterprise that are many times its best year before.

Of an enterprise with many events the sums tell which years are: where these are out of line as they were
found before, the reports that come join them, and the others are not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

from domain.disagreements.matters import (
    OF_ONE_ENTERPRISE,
    Party,
    Report,
    YearSum,
    disagreement_id,
    may_be_out_of_line,
    out_of_line,
    series_at,
    series_of,
    years_of_sums,
)
from domain.disagreements.rules import Rules, former_rules
from domain.events import CATALOGUE, YearlyAmount
from domain.events.event import SEP
from domain.facts.folding import EnterpriseFacts, amount_key
from domain.policy.model import DisagreementRule
from domain.policy.rulebook import Rulebook
from ledger.intake.findings import Dispute, Findings, History, ReportedFact, Reports
from ledger.projections.disagreements import AGREES, NOT, DisagreementTables
from ledger.store.folded.entries import is_apart


class _YearRule(NamedTuple):
    """A rule by which the years of one kind of amount are compared."""

    policy: str
    rule: DisagreementRule
    name: str

    @property
    def group(self) -> tuple[str, ...]:
        """The fields that tell one series of years from another."""
        return cast("type[YearlyAmount]", CATALOGUE[self.name]).group

    def disagreement(self, code: str, series: Sequence[str], year: int) -> str:
        """What the disagreement of a year is called."""
        matter = (self.rule.kind, code, self.name, *series, str(year))
        return disagreement_id(self.policy, self.rule.id, SEP.join(matter))

    def disagreements(self, code: str, year: YearSum) -> list[str]:
        """What the disagreement of a sum's year may be called."""
        return [self.disagreement(code, each, year.year) for each in series_at(year.head, len(self.group))]

    def disagreement_of(self, code: str, content: YearlyAmount) -> str:
        """What the disagreement of a report's year is called."""
        return self.disagreement(code, series_of(content, self.group), content.year)

    def matter(self, best: int, year: int) -> str:
        """What reports of a year are about that is many times the best before, in hundredths."""
        return SEP.join((self.rule.kind, str(best), str(self.rule.times), str(year)))


def _year_rules(rules: Rules, name: str) -> list[_YearRule]:
    return [_YearRule(policy, rule, name) for policy, rule in rules.get(name, ()) if rule.kind == "outlier"]


class OutlierFinder:
    """Compares the years of the enterprises that a batch touches."""

    def __init__(
        self,
        tables: DisagreementTables,
        books: dict[str, Rulebook],
        rules: Rules,
        history: History,
        findings: Findings,
    ) -> None:
        self.tables, self.books, self.rules = tables, books, rules
        self.history, self.findings = history, findings

    def find(self, reports_of: Reports, *, whole: bool) -> None:
        """Note what is out of line; what disagrees with other facts must have been found before.

        Args:
            reports_of: what the batch touches.
            whole: whether every report is read, also where sums tell enough.
        """
        agreeing = {fact.party.code for fact in self.findings.disputed.values() if fact.agrees}
        for name in self.rules:
            if name not in reports_of or not (rules := _year_rules(self.rules, name)):
                continue
            reports_by_code: dict[str, list[ReportedFact]] = {}
            for report in reports_of[name]:
                reports_by_code.setdefault(report.code, []).append(report)
            compared = []
            for code, reports in reports_by_code.items():
                if not whole and code not in agreeing and self._follow_sums(code, reports, rules):
                    self.findings.note_reviewed_facts("outlier", reports)
                    continue
                compared.append(code)
                for rule in rules:
                    self._compare_years(code, reports[0].facts, rule)
            self.findings.note_reviewed("outlier", compared, name)

    # --- by sums, where each year is out of line or in line as it was ---------------------------

    def _follow_sums(self, code: str, reports: Sequence[ReportedFact], rules: Sequence[_YearRule]) -> bool:
        """Have reports join the years that are out of line as before.

        Returns:
            ``False`` where all reports must be read: some are held or set aside, or the sums say of some year
            otherwise than was found of it before.
        """
        facts, name = reports[0].facts, rules[0].name
        if not is_apart(facts) or (facts.held and self.tables.is_any_aside(code, name)):
            return False
        joining = []
        for rule in rules:
            standing = self._standing_matters(code, reports, rule)
            if standing is None:
                return False
            for report in reports:
                content = report.content
                if isinstance(content, YearlyAmount) and (key := amount_key(content)) in standing:
                    disagreement = rule.disagreement_of(code, content)
                    if disagreement not in standing[key]:
                        return False
                    party = Party(report.fact.key, code, report.fact.source, str(content.amount_fen))
                    dispute = Dispute(disagreement, rule.policy, rule.rule, name)
                    joining.append((dispute, party, standing[key][disagreement]))
        for dispute, party, matter in joining:
            self.findings.dispute(dispute, [party], matter)
        return True

    def _standing_matters(
        self, code: str, reports: Sequence[ReportedFact], rule: _YearRule
    ) -> dict[str, dict[str, str]] | None:
        """Of the years out of line, by the key of their sum, the matter by disagreement.

        ``None`` where the sums say otherwise than what was found before. New reports move the years of their
        own series alone.
        """
        contents = [report.content for report in reports]
        heads = {amount_key(each).rpartition(SEP)[0] for each in contents if isinstance(each, YearlyAmount)}
        is_amended = any(report.amended for report in reports)
        years = [
            year
            for year in years_of_sums(reports[0].facts, rule.name, rule.rule.times)
            if is_amended or year.head in heads
        ]
        disagreements_by_year = {year: rule.disagreements(code, year) for year in years}
        former_year_rules = _year_rules(former_rules(self.books), rule.name)
        former = {
            disagreement
            for year in years
            for former_rule in former_year_rules
            for disagreement in former_rule.disagreements(code, year)
        }
        waiting = self.tables.matters_waiting(former.union(*disagreements_by_year.values()))
        if former & waiting.keys():
            return None
        standing = {}
        for year, disagreements in disagreements_by_year.items():
            matters = {each: waiting[each] for each in disagreements if each in waiting}
            if matters and (not year.best or rule.rule.then == "hold"):
                return None
            if year.best:
                matters = matters or self.tables.matters_counting(disagreements)
                if set(matters.values()) != {rule.matter(year.best, year.year)}:
                    return None
                standing[year.key] = matters
        return standing

    # --- by the reports themselves --------------------------------------------------------------

    def _compare_years(self, code: str, facts: EnterpriseFacts, rule: _YearRule) -> None:
        name, times = rule.name, rule.rule.times
        if not may_be_out_of_line(facts, name, times):
            return
        aside = self._aside(code)
        events = {
            event.key: (event, content)
            for event in self.history(code)
            if event.name == name
            and event.key not in aside
            and isinstance(content := facts.corrected(event), YearlyAmount)
        }

        against = {
            (entry.disagreement, entry.key, entry.value)
            for entry in self.tables.of_enterprises([code], rule.rule.kind).values()
            if entry.outcome == NOT
        }
        reports = [
            Report(
                key,
                content,
                (rule.disagreement_of(code, content), key, str(content.amount_fen)) not in against,
            )
            for key, (_, content) in events.items()
        ]
        for outlier in out_of_line(reports, rule.group, times):
            matter = rule.matter(outlier.best, outlier.year)
            for key in outlier.keys:
                event, content = events[key]
                dispute = Dispute(rule.disagreement_of(code, content), rule.policy, rule.rule, name)
                party = Party(key, code, event.source, str(content.amount_fen))
                self.findings.dispute(dispute, [party], matter)

    def _aside(self, code: str) -> set[str]:
        """Facts of an enterprise that count for nothing whatever their years say: decided, or repeated."""
        disputed, settled = self.findings.disputed, self.findings.settled
        aside = {fact.party.key for fact in disputed.values() if fact.agrees and fact.party.code == code}
        for kind in (*OF_ONE_ENTERPRISE, "claimed-twice", "replaced-code"):
            for entry_key, entry in self.tables.of_enterprises([code], kind).items():
                if entry_key in self.findings.parted:
                    continue
                fact = disputed.get(entry_key)
                stands = fact is None or fact.party.value == entry.value
                agrees = fact is None and entry.disagreement not in settled
                if (entry.outcome == NOT and stands) or (entry.outcome == AGREES and agrees):
                    aside.add(entry.key)
        return aside
