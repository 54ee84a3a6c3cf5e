"""Years of an enterprise that are many times its best year before."""

from __future__ import annotations

from typing import cast

from domain.disagreements.matters import (
    OF_ONE_ENTERPRISE,
    Party,
    Report,
    disagreement_id,
    may_be_out_of_line,
    out_of_line,
    series_of,
)
from domain.disagreements.rules import Rules
from domain.events import CATALOGUE, YearlyAmount
from domain.events.event import SEP
from domain.facts.folding import EnterpriseFacts
from domain.policy.model import DisagreementRule
from ledger.intake.findings import Dispute, Findings, History, Reports
from ledger.projections.disagreements import AGREES, NOT, DisagreementTables


class OutlierFinder:
    """Compares the years of the enterprises that a batch touches."""

    def __init__(
        self, tables: DisagreementTables, rules: Rules, history: History, findings: Findings
    ) -> None:
        self.tables, self.rules, self.history, self.findings = tables, rules, history, findings

    def find(self, reports_of: Reports) -> None:
        """Note what is out of line; what disagrees with other facts must have been found before."""
        for name, rules in self.rules.items():
            for policy, rule in rules:
                if rule.kind == "outlier":
                    facts_by_code = {report.code: report.facts for report in reports_of.get(name, ())}
                    for code, facts in facts_by_code.items():
                        self._compare_years(code, facts, name, policy, rule)
                    self.findings.note_reviewed("outlier", facts_by_code, name)

    def _compare_years(
        self, code: str, facts: EnterpriseFacts, name: str, policy: str, rule: DisagreementRule
    ) -> None:
        if not may_be_out_of_line(facts, name, rule.times):
            return
        aside, group = self._aside(code), cast("type[YearlyAmount]", CATALOGUE[name]).group
        events = {
            event.key: (event, content)
            for event in self.history(code)
            if event.name == name
            and event.key not in aside
            and isinstance(content := facts.corrected(event), YearlyAmount)
        }

        def disagreement(content: YearlyAmount) -> str:
            matter = (rule.kind, code, name, *series_of(content, group), str(content.year))
            return disagreement_id(policy, rule.id, SEP.join(matter))

        against = {
            (entry.disagreement, entry.key, entry.value)
            for entry in self.tables.of_enterprises([code], rule.kind).values()
            if entry.outcome == NOT
        }
        reports = [
            Report(key, content, (disagreement(content), key, str(content.amount_fen)) not in against)
            for key, (_, content) in events.items()
        ]
        for outlier in out_of_line(reports, group, rule.times):
            matter = SEP.join((rule.kind, str(outlier.best), str(rule.times), str(outlier.year)))
            for key in outlier.keys:
                event, content = events[key]
                dispute = Dispute(disagreement(content), policy, rule, name)
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
