"""Finds the facts of a batch that disagree with others, in the batch's own transaction.

What disagrees follows from the facts as corrections leave them, and not from the order in which
they came: each matter that a batch touches is looked at as it then stands, and what was found of
it before is opened, left or ended accordingly. A rule that holds has the fact held by an event of
its own enterprise, so that every fold, replay and bundle counts alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from domain.disagreements.matters import (
    NEVER_LATE,
    OF_ONE_ENTERPRISE,
    REPLACED,
    REPORTED_TWICE,
    Party,
    day_of,
    disagree,
    disagreement_id,
    matter_of,
    replaced_on,
)
from domain.disagreements.rules import rules_of
from domain.events import CATALOGUE
from domain.events.amendments import FollowUp
from domain.events.event import SEP, Event
from domain.facts.folding import EnterpriseFacts
from domain.policy.rulebook import Rulebook
from ledger.intake.findings import Dispute, Findings, History, ReadAhead, ReportedFact, Reports, Series
from ledger.intake.outliers import OutlierFinder
from ledger.intake.reconciling import Changes, Reconciler
from ledger.intake.shared_sums import find_shared_sums, party_of, sums_that_differ
from ledger.projections.disagreements import (
    COUNTS,
    DisagreementTables,
    EntryKey,
    MatterParty,
    Span,
)
from ledger.store.folded.entries import is_apart


@dataclass(slots=True)
class _TouchedMatter:
    """A matter that a batch touches: by key, facts that come to be about it, and that no longer are."""

    coming: dict[str, Party] = field(default_factory=dict)
    going: dict[str, Party] = field(default_factory=dict)


@dataclass(slots=True)
class _SharedMatter:
    """A matter that a batch touches and that is not one fact's alone."""

    touched: _TouchedMatter
    disputes: list[Dispute]
    span: Span | None
    disputed: set[str]
    """Disagreements that were found before, of whatever matter."""
    sole_source: str | None = None
    """The source of all that was there, of a matter of one enterprise; ``None`` where there is not one."""

    def is_compared(self) -> bool:
        """Whether its facts have to be read to tell what disagrees."""
        return any(not self.is_alone(each) and not self.is_listed(each) for each in self.disputes)

    def is_alone(self, dispute: Dispute) -> bool:
        """Whether nobody is there to disagree with, as the ends of the matter tell."""
        if self._is_claimed_again(dispute):
            return len({*(self.span or ()), *(party.code for party in self.touched.coming.values())}) < 2
        if self.sole_source is not None and dispute.disagreement not in self.disputed:
            parties = (*self.touched.coming.values(), *self.touched.going.values())
            return all(party.source == self.sole_source for party in parties)
        return self.span is None and len(self.touched.coming) < 2

    def is_listed(self, dispute: Dispute) -> bool:
        """Whether the facts that were there disagree already, so that those that come join them."""
        return (
            self._is_claimed_again(dispute)
            and dispute.disagreement in self.disputed
            and self.span is not None
            and self.span[0] != self.span[1]
        )

    def _is_claimed_again(self, dispute: Dispute) -> bool:
        return dispute.rule.kind == "claimed-twice" and not self.touched.going


class Finder:
    """What one batch finds."""

    def __init__(
        self,
        tables: DisagreementTables,
        books: dict[str, Rulebook],
        history: History,
        read_ahead: ReadAhead,
        *,
        whole: bool = False,
    ) -> None:
        """Look by the rules of these policies; ``whole``: at all of each enterprise, whatever was found."""
        self.tables, self.rules, self.history, self.read_ahead = tables, rules_of(books), history, read_ahead
        self.books, self.whole = books, whole
        self.findings = Findings()
        self.many: set[str] = set()
        """Enterprises with many events, of which only what is touched is looked at."""
        self.removed_parties: list[MatterParty] = []
        self.added_parties: list[MatterParty] = []

    def find(self, reports: Sequence[ReportedFact]) -> Changes:
        """Look at everything that a batch touches; nothing is written."""
        reports_of: Reports = {}
        for report in reports:
            reports_of.setdefault(report.fact.name, []).append(report)
        self.many = {r.code for r in reports if not self.whole and is_apart(r.facts)}
        self._look_at_matters(reports_of)
        OutlierFinder(self.tables, self.books, self.rules, self.history, self.findings).find(
            reports_of, whole=self.whole
        )
        self._find_late_facts(reports)
        amended = [report for report in reports if report.amended]
        changes = Reconciler(self.tables, self.findings).reconcile(
            {report.fact.key for report in amended},
            {Series(report.code, report.fact.name) for report in amended},
        )
        changes.removed_parties += self.removed_parties
        changes.added_parties += self.added_parties
        return changes

    # --- what several facts are about ---------------------------------------------------------

    def _look_at_matters(self, reports_of: Reports) -> None:
        matters = self._touched_matters(reports_of)
        if not matters:
            return
        spans = self.tables.spans(matters)
        # A fact that is alone in its matter, as most are, disagrees with nobody.
        disputes = {m: self._disputes(m) for m, each in matters.items() if m in spans or len(each.coming) > 1}
        disputed = self.tables.disputed(
            each.disagreement
            for matter, of_matter in disputes.items()
            for each in of_matter
            if matter in spans
        )
        of_one_enterprise = (m for m in disputes if m in spans and m.startswith(OF_ONE_ENTERPRISE))
        sources = self.tables.sole_sources(of_one_enterprise)
        shared = {
            matter: _SharedMatter(
                matters[matter], of_matter, spans.get(matter), disputed, sources.get(matter)
            )
            for matter, of_matter in disputes.items()
        }
        before = self._parties_before(shared)
        for matter, each in shared.items():
            self._look_at_matter(matter, each, before.get(matter, ()))
        for matter, touched in matters.items():
            self.removed_parties += [MatterParty(matter, party) for party in touched.going.values()]
            self.added_parties += [MatterParty(matter, party) for party in touched.coming.values()]

    def _parties_before(self, shared: Mapping[str, _SharedMatter]) -> dict[str, list[Party]]:
        """What was there of each matter that is compared: its facts, or where they tell enough their sums."""
        compared = {matter: each for matter, each in shared.items() if each.is_compared()}
        summed: dict[str, list[Party]] = {}
        for matter, each in compared.items():
            if self.many and matter.split(SEP)[2] in self.many:
                sums = sums_that_differ(
                    self.tables,
                    matter,
                    each.disputes,
                    each.touched.coming.values(),
                    each.touched.going.values(),
                )
                summed |= {matter: sums} if sums is not None else {}
        return summed | self.tables.parties([matter for matter in compared if matter not in summed])

    def _touched_matters(self, reports_of: Reports) -> dict[str, _TouchedMatter]:
        matters: dict[str, _TouchedMatter] = {}
        for name, reports in reports_of.items():
            rules = [r for _, r in self.rules.get(name, ()) if r.same and r.kind != REPORTED_TWICE]
            for report in reports if rules else ():
                content = report.content
                if content is None:
                    continue
                for rule in rules:
                    touched = matters.setdefault(matter_of(rule, report.code, content), _TouchedMatter())
                    party = party_of(rule, report.code, report.fact, content)
                    touched.coming[party.key] = party
        for matter, parties in self._shared_sums(reports_of).items():
            touched = matters.setdefault(matter, _TouchedMatter())
            touched.coming |= {party.key: party for party in parties}
        names = {
            report.fact.key: name
            for name, reports in reports_of.items()
            for report in reports
            if report.amended
        }
        for matter, party in self.tables.matters_of(names):
            touched = matters.setdefault(matter, _TouchedMatter())
            if touched.coming.get(party.key) == party:
                del touched.coming[party.key]
            else:
                touched.going[party.key] = party
        return {matter: report for matter, report in matters.items() if report.coming or report.going}

    def _shared_sums(self, reports_of: Reports) -> dict[str, list[Party]]:
        rules = {
            name: next((rule for _, rule in rules if rule.kind == REPORTED_TWICE), None)
            for name, rules in self.rules.items()
        }
        of_sums = {name: rule for name, rule in rules.items() if rule is not None}
        return find_shared_sums(self.tables, self.history, self.read_ahead, reports_of, of_sums)

    def _disputes(self, matter: str) -> list[Dispute]:
        """What facts of a matter may disagree in, under each rule."""
        kind, event, _, *fields = matter.split(SEP)
        same = tuple(fields[: len(fields) // 2])
        return [
            Dispute(disagreement_id(policy, rule.id, matter), policy, rule, event)
            for policy, rule in self.rules.get(event, ())
            if (rule.kind, rule.same) == (kind, same)
        ]

    def _look_at_matter(self, matter: str, shared: _SharedMatter, before: Iterable[Party]) -> None:
        coming, going = shared.touched.coming, shared.touched.going
        stayed = {party.key: party for party in before if party.key not in going}
        parties = list({**stayed, **coming}.values())
        for dispute in shared.disputes:
            if shared.is_alone(dispute):
                continue
            if shared.is_listed(dispute):
                self.findings.dispute(dispute, coming.values(), matter)
                continue
            if disagree(dispute.rule, parties, CATALOGUE[dispute.event].shape == "amount"):
                self.findings.dispute(dispute, parties, matter)
            else:
                self._agree(dispute, parties, matter)
                self.findings.settled.add(dispute.disagreement)
            self.findings.parted |= {
                EntryKey(dispute.disagreement, key) for key in going if key not in coming
            }

    def _agree(self, dispute: Dispute, parties: Sequence[Party], matter: str) -> None:
        """What several sources say alike counts once, where a rule holds what they say otherwise."""
        sources = {party.source for party in parties}
        if dispute.rule.kind != "two-sources" or dispute.rule.then != "hold" or len(sources) < 2:
            return
        before = self.tables.entries(party.key for party in parties)
        chosen = {
            party.source
            for party in parties
            if (entry := before.get(EntryKey(dispute.disagreement, party.key))) is not None
            and (entry.outcome, entry.value) == (COUNTS, party.value)
        }
        counts = min(chosen or sources)
        self.findings.dispute(
            dispute, [party for party in parties if party.source != counts], matter, agrees=True
        )

    # --- what one enterprise's facts tell alone -----------------------------------------------

    def _find_late_facts(self, reports: Sequence[ReportedFact]) -> None:
        """Facts that are dated after their code was replaced; all of an enterprise once the day may move."""
        facts_by_code = {report.code: report.facts for report in reports if report.fact.name == REPLACED}
        late = [
            report
            for report in reports
            if REPLACED in report.facts.dated and report.code not in facts_by_code
        ]
        for report in late:
            self._compare_with_replacement(report.code, report.fact, report.facts)
        self.findings.note_reviewed_facts("replaced-code", late)
        for code, facts in facts_by_code.items():
            for fact in self.history(code):
                self._compare_with_replacement(code, fact, facts)
        if facts_by_code:
            self.findings.note_reviewed("replaced-code", facts_by_code, REPLACED)

    def _compare_with_replacement(self, code: str, fact: Event, facts: EnterpriseFacts) -> None:
        replaced = replaced_on(facts)
        if replaced is None or fact.name in NEVER_LATE or isinstance(fact.content, FollowUp):
            return
        content = facts.corrected(fact)
        if content is not None and day_of(fact.time, content) > replaced[0]:
            for policy, rule in self.rules.get(REPLACED, ()):
                matter = SEP.join((rule.kind, *replaced, code))
                named = disagreement_id(policy, rule.id, matter)
                party = Party(fact.key, code, fact.source, "")
                self.findings.dispute(Dispute(named, policy, rule, fact.name), [party], matter)
