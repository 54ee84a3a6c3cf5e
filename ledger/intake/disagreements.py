"""Finds the facts of a batch that disagree with others, in the batch's own transaction.

What disagrees follows from the facts as corrections leave them, and not from the order in which
they came: each matter that a batch touches is looked at as it then stands, and what was found of
it before is opened, left or ended accordingly. A rule that holds has the fact held by an event of
its own enterprise, so that every fold, replay and bundle counts alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from domain.disagreements.matters import (
    NEVER_LATE,
    REPLACED,
    Party,
    Report,
    day_of,
    disagree,
    disagreement_id,
    matter_of,
    may_be_out_of_line,
    out_of_line,
    replaced_on,
    series_of,
)
from domain.disagreements.rules import Rules
from domain.events import CATALOGUE, YearlyAmount
from domain.events.amendments import Amendment, HoldEvent
from domain.events.content import Content
from domain.events.event import SEP, Event
from domain.facts.folding import EnterpriseFacts
from domain.policy.model import DisagreementRule
from ledger.projections.disagreements import (
    AGREES,
    COUNTS,
    ENDED,
    NOT,
    REOPENED,
    SETTLED,
    WITHDRAWN,
    Entry,
    Found,
    Hold,
    Kept,
    Span,
    held_by,
    released,
)

History = Callable[[str], list[Event]]
"""All of an enterprise's facts, those of the batch included."""


class Said(NamedTuple):
    """A fact that a batch records, or one that it amends; ``facts`` are its enterprise's after the batch."""

    code: str
    fact: Event
    facts: EnterpriseFacts
    amended: bool = False

    @property
    def content(self) -> Content | None:
        """What it says as corrections leave it; ``None`` once it is retracted."""
        return self.facts.corrected(self.fact)


@dataclass(slots=True)
class Changes:
    """What a batch changes of what is kept, and the events that follow."""

    gone: list[tuple[str, Party]] = field(default_factory=list)
    new: list[tuple[str, Party]] = field(default_factory=list)
    listed: list[Found] = field(default_factory=list)
    ended: list[tuple[str, str, str]] = field(default_factory=list)
    told: list[Entry] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)

    def write(self, kept: Kept, position: int) -> None:
        """Write all of it; ``position`` is that of the batch's last message."""
        kept.forget(self.gone)
        kept.remember(self.new)
        kept.list(self.listed, position)
        kept.end(self.ended, position)
        kept.tell(self.told, position)


class _Dispute(NamedTuple):
    """What facts of one matter may disagree in, under one rule."""

    disagreement: str
    policy: str
    rule: DisagreementRule
    event: str


@dataclass(slots=True)
class _Touched:
    """A matter that a batch touches: by key, facts that come to be about it, and that no longer are."""

    coming: dict[str, Party] = field(default_factory=dict)
    going: dict[str, Party] = field(default_factory=dict)


class Finder:
    """What one batch finds."""

    def __init__(self, kept: Kept, rules: Rules, history: History) -> None:
        self.kept, self.rules, self.history = kept, rules, history
        self.wanted: dict[tuple[str, str], Found] = {}
        self.left: set[tuple[str, str]] = set()
        self.settled: set[str] = set()
        self.looked_at: dict[str, set[tuple[str, str]]] = {}
        """By kind, (enterprise, event) of what was looked at as a whole."""
        self.lost: set[tuple[str, str]] = set()
        """What somebody decided to count, and no longer says what it said then."""
        self.changes = Changes()

    def find(self, said: Sequence[Said]) -> Changes:
        """Look at everything that a batch touches; nothing is written."""
        self._matters(said)
        self._out_of_line(said)
        self._late(said)
        amended = [each for each in said if each.amended]
        self._reconcile({each.fact.key for each in amended}, {(e.code, e.fact.name) for e in amended})
        return self.changes

    # --- what several facts are about ---------------------------------------------------------

    def _matters(self, said: Sequence[Said]) -> None:
        matters = self._touched(said)
        if not matters:
            return
        spans = self.kept.spans(matters)
        # A fact that is alone in its matter, as most are, disagrees with nobody.
        shared = {m: self._disputes(m) for m, each in matters.items() if m in spans or len(each.coming) > 1}
        disputed = self.kept.disputed(
            each.disagreement for matter, disputes in shared.items() for each in disputes if matter in spans
        )
        for matter, disputes in shared.items():
            self._look_at(matter, matters[matter], disputes, spans.get(matter), disputed)
        for matter, touched in matters.items():
            self.changes.gone += [(matter, party) for party in touched.going.values()]
            self.changes.new += [(matter, party) for party in touched.coming.values()]

    def _touched(self, said: Sequence[Said]) -> dict[str, _Touched]:
        matters: dict[str, _Touched] = {}
        shared = {name: [rule for _, rule in rules if rule.same] for name, rules in self.rules.items()}
        for each in said:
            rules = shared.get(each.fact.name)
            content = each.content if rules else None
            for rule in rules or ():
                if content is not None:
                    touched = matters.setdefault(matter_of(rule, each.code, content), _Touched())
                    value = str(content.field_value(rule.field) or 0) if rule.field else ""
                    party = Party(each.fact.key, each.code, each.fact.source, value)
                    touched.coming[party.key] = party
        names = {each.fact.key: each.fact.name for each in said if each.amended}
        for matter, party in self.kept.about(names):
            touched = matters.setdefault(matter, _Touched())
            if touched.coming.get(party.key) == party:
                del touched.coming[party.key]
            else:
                touched.going[party.key] = party
        return {matter: each for matter, each in matters.items() if each.coming or each.going}

    def _disputes(self, matter: str) -> list[_Dispute]:
        """What facts of a matter may disagree in, under each rule."""
        kind, event, _, *fields = matter.split(SEP)
        same = tuple(fields[: len(fields) // 2])
        return [
            _Dispute(disagreement_id(policy, rule.id, matter), policy, rule, event)
            for policy, rule in self.rules.get(event, ())
            if (rule.kind, rule.same) == (kind, same)
        ]

    def _look_at(
        self,
        matter: str,
        touched: _Touched,
        disputes: list[_Dispute],
        span: Span | None,
        disputed: set[str],
    ) -> None:
        parties: list[Party] | None = None
        for dispute in disputes:
            if dispute.rule.kind == "claimed-twice" and not touched.going:
                codes = {*(span or ()), *(party.code for party in touched.coming.values())}
                if len(codes) < 2:
                    continue
                if dispute.disagreement in disputed and span is not None and span[0] != span[1]:
                    self._want(dispute, touched.coming.values(), matter)  # the others are listed
                    continue
            elif span is None and len(touched.coming) < 2:
                continue
            if parties is None:
                parties = self._parties(matter, touched)
            if disagree(dispute.rule, parties, CATALOGUE[dispute.event].shape == "amount"):
                self._want(dispute, parties, matter)
            else:
                self._agree(dispute, parties, matter)
                self.settled.add(dispute.disagreement)
            self.left |= {(dispute.disagreement, key) for key in touched.going if key not in touched.coming}

    def _parties(self, matter: str, touched: _Touched) -> list[Party]:
        before = {each.key: each for each in self.kept.parties(matter) if each.key not in touched.going}
        return list({**before, **touched.coming}.values())

    def _agree(self, dispute: _Dispute, parties: Sequence[Party], matter: str) -> None:
        """What several sources say alike counts once, where a rule holds what they say otherwise."""
        sources = {party.source for party in parties}
        if dispute.rule.kind != "two-sources" or dispute.rule.then != "hold" or len(sources) < 2:
            return
        before = self.kept.entries(party.key for party in parties)
        chosen = {
            party.source
            for party in parties
            if (entry := before.get((dispute.disagreement, party.key))) is not None
            and (entry.outcome, entry.value) == (COUNTS, party.value)
        }
        counts = min(chosen or sources)
        self._want(dispute, [each for each in parties if each.source != counts], matter, agrees=True)

    def _want(
        self, dispute: _Dispute, parties: Iterable[Party], matter: str, *, agrees: bool = False
    ) -> None:
        name, policy, rule, event = dispute
        for party in parties:
            self.wanted[name, party.key] = Found(name, party, event, policy, rule, matter, agrees)

    # --- what one enterprise's facts tell alone -----------------------------------------------

    def _out_of_line(self, said: Sequence[Said]) -> None:
        for name, rules in self.rules.items():
            for policy, rule in rules:
                if rule.kind == "outlier":
                    touched = {each.code: each.facts for each in said if each.fact.name == name}
                    for code, facts in touched.items():
                        self._amounts(code, facts, name, policy, rule)
                    self.looked_at.setdefault("outlier", set()).update((code, name) for code in touched)

    def _amounts(
        self, code: str, facts: EnterpriseFacts, name: str, policy: str, rule: DisagreementRule
    ) -> None:
        if not may_be_out_of_line(facts, name, rule.times):
            return
        aside, group = self._aside(code), cast("type[YearlyAmount]", CATALOGUE[name]).group
        reports = {
            fact.key: (fact, content)
            for fact in self.history(code)
            if fact.name == name
            and fact.key not in aside
            and isinstance(content := facts.corrected(fact), YearlyAmount)
        }

        def disagreement(content: YearlyAmount) -> str:
            what = (rule.kind, code, name, *series_of(content, group), str(content.year))
            return disagreement_id(policy, rule.id, SEP.join(what))

        against = {
            (entry.disagreement, entry.key, entry.value)
            for entry in self.kept.of_enterprises([code], rule.kind).values()
            if entry.outcome == NOT
        }
        told = [
            Report(key, content, (disagreement(content), key, str(content.amount_fen)) not in against)
            for key, (_, content) in reports.items()
        ]
        for year, best, keys in out_of_line(told, group, rule.times):
            matter = SEP.join((rule.kind, str(best), str(rule.times), str(year)))
            for key in keys:
                fact, content = reports[key]
                dispute = _Dispute(disagreement(content), policy, rule, name)
                self._want(dispute, [Party(key, code, fact.source, str(content.amount_fen))], matter)

    def _aside(self, code: str) -> set[str]:
        """Facts of an enterprise that count for nothing whatever their years say: decided, or told twice."""
        aside = {each.party.key for each in self.wanted.values() if each.agrees and each.party.code == code}
        for kind in ("two-sources", "claimed-twice", "replaced-code"):
            for at, entry in self.kept.of_enterprises([code], kind).items():
                found, gone = self.wanted.get(at), at in self.left
                stands = found is None or found.party.value == entry.value
                agrees = found is None and entry.disagreement not in self.settled
                if not gone and ((entry.outcome == NOT and stands) or (entry.outcome == AGREES and agrees)):
                    aside.add(entry.key)
        return aside

    def _late(self, said: Sequence[Said]) -> None:
        """Facts that are dated after their code was replaced."""
        whole = {
            each.code: each.facts
            for each in said
            if each.fact.name == REPLACED or (each.amended and replaced_on(each.facts) is not None)
        }
        for each in said:
            if REPLACED in each.facts.dated and each.code not in whole:
                self._late_one(each.code, each.fact, each.facts)
        for code, facts in whole.items():
            for fact in self.history(code):
                self._late_one(code, fact, facts)
        if whole:
            self.looked_at.setdefault("replaced-code", set()).update((code, REPLACED) for code in whole)

    def _late_one(self, code: str, fact: Event, facts: EnterpriseFacts) -> None:
        replaced = replaced_on(facts)
        if replaced is None or fact.name in NEVER_LATE or isinstance(fact.content, Amendment | HoldEvent):
            return
        content = facts.corrected(fact)
        if content is not None and day_of(fact.time, content) > replaced[0]:
            for policy, rule in self.rules.get(REPLACED, ()):
                matter = SEP.join((rule.kind, *replaced, code))
                named = disagreement_id(policy, rule.id, matter)
                party = Party(fact.key, code, fact.source, "")
                self._want(_Dispute(named, policy, rule, fact.name), [party], matter)

    # --- what was found before ----------------------------------------------------------------

    def _reconcile(self, amended: set[str], amended_of: set[tuple[str, str]]) -> None:
        """Open what is new, leave what stands, end what no longer disagrees.

        Args:
            amended: keys of facts that the batch corrects or retracts.
            amended_of: (enterprise, event) of the same.
        """
        keys = {key for _, key in [*self.wanted, *self.left]} | amended
        before = self.kept.entries(keys) if keys else {}
        for at, found in self.wanted.items():
            self._open(found, before.get(at))
        for at in self.left & before.keys():
            self._end(before[at], WITHDRAWN)
        waiting = self.kept.waiting(self.settled) if self.settled else {}
        waiting |= {at: each for at, each in before.items() if each.key in amended and self._is_over(each)}
        for kind, whose in self.looked_at.items():
            waiting |= self._as_a_whole(kind, whose, amended, amended_of)
        for at in waiting.keys() - self.wanted.keys() - self.left:
            self._end(waiting[at], SETTLED)
        self._reopen()

    def _is_over(self, entry: Entry) -> bool:
        """Whether a fact that was decided to count stands in a matter in which nothing disagrees."""
        return entry.outcome == COUNTS and entry.disagreement in self.settled

    def _as_a_whole(
        self, kind: str, whose: set[tuple[str, str]], amended: set[str], amended_of: set[tuple[str, str]]
    ) -> dict[tuple[str, str], Entry]:
        """What may end of enterprises that were looked at as a whole; what was decided may open again."""
        known = {
            at: (each, (each.code, REPLACED if kind == "replaced-code" else each.event))
            for at, each in self.kept.of_enterprises({code for code, _ in whose}, kind).items()
        }
        mine = {at: (each, of) for at, (each, of) in known.items() if of in whose}
        self.changes.told += [
            each._replace(outcome=None, held=REOPENED)
            for at, (each, of) in mine.items()
            if each.outcome == NOT and at not in self.wanted and each.key not in amended and of in amended_of
        ]
        return {at: each for at, (each, _) in mine.items() if each.settles or each.key in amended}

    def _open(self, found: Found, entry: Entry | None) -> None:
        """What was decided of a fact holds for what it said then."""
        if entry is not None and entry.outcome not in ENDED and entry.value == found.party.value:
            decided = entry.outcome in (COUNTS, NOT)
            as_before = (entry.outcome == AGREES) == found.agrees and (
                entry.outcome == AGREES or entry.held == REOPENED or bool(entry.held) == found.held
            )
            if decided or as_before:
                if entry.matter != found.matter:
                    self.changes.told.append(entry._replace(matter=found.matter))
                return
        elif entry is not None and entry.outcome == COUNTS:
            self.lost.add((entry.disagreement, entry.key))
        self.changes.listed.append(found)
        if found.agrees:
            self.changes.ended.append((found.disagreement, found.party.key, AGREES))
        if found.held and not (entry is not None and entry.counts_not):
            self.changes.holds.append(held_by(found))
        elif entry is not None and entry.counts_not and not found.held:
            self.changes.holds.append(released(entry, "corrected"))

    def _reopen(self) -> None:
        """Decide anew what was decided against, once nothing is left that it was decided for."""
        decided = self.kept.decided({disagreement for disagreement, _ in self.lost}) if self.lost else []
        told = {(each.disagreement, each.key) for each in self.changes.told}
        gone = (
            self.left
            | self.lost
            | told
            | {(each.disagreement, each.party.key) for each in self.changes.listed}
        )
        rest = [each for each in decided if (each.disagreement, each.key) not in gone]
        won = {each.disagreement for each in rest if each.outcome == COUNTS}
        self.changes.told += [
            each._replace(outcome=None, held=REOPENED) for each in rest if each.disagreement not in won
        ]

    def _end(self, entry: Entry, outcome: str) -> None:
        if entry.outcome in ENDED:
            return
        if entry.outcome == COUNTS:
            self.lost.add((entry.disagreement, entry.key))
        self.changes.ended.append((entry.disagreement, entry.key, outcome))
        if entry.counts_not:
            corrected = outcome == WITHDRAWN or entry.outcome == NOT
            self.changes.holds.append(released(entry, "corrected" if corrected else "nothing disagrees"))
