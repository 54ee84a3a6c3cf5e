"""Finds the facts of a batch that disagree with others, in the batch's own transaction.

A fact that some rule is about is looked up by its matter: one row of an index, however many facts
the ledger holds. What was found is kept in ``disagreements``, a row for each fact; a rule that
holds has the fact held by an event of its own enterprise, so that every fold, replay and bundle
counts alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple, cast

import yaml

from domain.disagreements import (
    NEVER_LATE,
    REPLACED,
    Party,
    best_before,
    day_of,
    disagree,
    disagreement_id,
    matter_of,
    replaced_on,
)
from domain.events import CATALOGUE, YearlyAmount
from domain.facts import AMENDMENTS, HOLDS, SEP, EnterpriseFacts, Fact, key_of
from domain.policy.model import DisagreementRule
from domain.policy.rulebook import Rulebook
from domain.policy.schema import DisagreementSchema
from ledger.store import Rows

USUAL = ""
"""The policy of the rules that hold in every ledger."""
WITHDRAWN, SETTLED = "withdrawn", "settled"
"""Outcomes without a decision: the fact was taken back, or nothing is left to disagree with."""


class Found(NamedTuple):
    """A fact that disagrees, under a rule."""

    disagreement: str
    party: Party
    event: str
    policy: str
    rule: DisagreementRule
    matter: str

    @property
    def held(self) -> bool:
        """Whether it counts for no award until somebody decides."""
        return self.rule.then == "hold"

    def row(self) -> tuple[str, str, str, str, str, str, str, str, str, int]:
        """Its row, but the position."""
        party, rule = self.party, self.rule
        head = (self.disagreement, party.key, party.code, self.event, self.policy, rule.id, rule.kind)
        return (*head, self.matter, party.value, int(self.held))

    def hold(self) -> Hold:
        """The event that holds it."""
        more = {"policy": self.policy, "rule": self.rule.id}
        return _hold(self.disagreement, self.party, self.event, "FactHeld", more)


class Hold(NamedTuple):
    """An event that the ledger has to record about one of an enterprise's facts."""

    code: str
    name: str
    content: dict[str, Any]


@cache
def usual() -> tuple[DisagreementRule, ...]:
    """The rules that hold in every ledger."""
    text = files(__package__).joinpath("usual.yaml").read_text("utf-8")
    rows = yaml.safe_load(text)["disagreements"]
    return tuple(cast(DisagreementRule, DisagreementSchema().load(row)) for row in rows)


Rules = dict[str, list[tuple[str, DisagreementRule]]]


def rules_of(books: dict[str, Rulebook]) -> Rules:
    """(policy, rule) by the fact that they are about: each policy's latest, in place of usual ones."""
    found: Rules = {}
    own = [(book.id, rule) for book in books.values() for rule in book.versions[-1].disagreements]
    taken = {(rule.kind, rule.fact, rule.same) for _, rule in own}
    rest = [(USUAL, rule) for rule in usual() if (rule.kind, rule.fact, rule.same) not in taken]
    for policy, rule in [*rest, *own]:
        found.setdefault(rule.fact or REPLACED, []).append((policy, rule))
    return found


class Finder:
    """What one batch finds."""

    def __init__(self, rows: Rows, books: dict[str, Rulebook]) -> None:
        self.rows, self.rules = rows, rules_of(books)
        self.matters: dict[str, dict[str, Party]] = {}
        self.added: list[tuple[str, str, str, str, str]] = []
        self.found: list[Found] = []
        self.amended: list[tuple[str, Fact]] = []

    def look_up(self, facts: Iterable[tuple[str, Fact]]) -> None:
        """Read the matters that a batch is about, in one statement."""
        wanted = {
            matter_of(rule, code, fact.content)
            for code, fact in facts
            for _, rule in self.rules.get(fact.name, ())
            if rule.same
        }
        for matter in wanted:
            self.matters.setdefault(matter, {})
        sql = "SELECT matter, key, code, source, value FROM matters WHERE matter IN ({})"
        for matter, key, code, source, value in self.rows.all_in(sql, wanted):
            self.matters[matter][key] = Party(key, code, source, value)

    def remember(self, parties: Iterable[tuple[str, Party]]) -> None:
        """Compare with these too, by matter: they are about to be recorded."""
        for matter, party in parties:
            self.matters[matter].setdefault(party.key, party)

    def see(self, code: str, fact: Fact, facts: EnterpriseFacts) -> None:
        """Compare an accepted fact with others; ``facts`` are the enterprise's before it."""
        if fact.name in AMENDMENTS:
            self.amended.append((code, fact))
            return
        for policy, rule in self.rules.get(fact.name, ()):
            if rule.kind == "outlier":
                self._outlier(policy, rule, code, fact, facts)
            elif rule.same:
                self._matter(policy, rule, code, fact)
        self._late(code, fact, facts)

    def _matter(self, policy: str, rule: DisagreementRule, code: str, fact: Fact) -> None:
        matter = matter_of(rule, code, fact.content)
        value = str(fact.content.get(rule.field) or "") if rule.field else ""
        party = Party(fact.key, code, fact.source, value)
        known = self.matters.setdefault(matter, {})
        others = [each for each in known.values() if disagree(rule, party, each)]
        if fact.key not in known:
            known[fact.key] = party
            self.added.append((matter, *party))
        if others:
            named = disagreement_id(policy, rule.id, matter)
            self.found += [Found(named, each, fact.name, policy, rule, matter) for each in (party, *others)]

    def _outlier(
        self, policy: str, rule: DisagreementRule, code: str, fact: Fact, facts: EnterpriseFacts
    ) -> None:
        group = cast("type[YearlyAmount]", CATALOGUE[fact.name]).group
        best, amount = best_before(facts, fact, group), fact.content["amount_fen"]
        if best and amount > best * rule.times:
            matter = SEP.join((rule.kind, str(best), str(rule.times), fact.key))
            self._alone(policy, rule, code, fact, matter, str(amount))

    def _late(self, code: str, fact: Fact, facts: EnterpriseFacts) -> None:
        """A fact that is dated after its code was replaced."""
        replaced = replaced_on(facts)
        if replaced is not None and fact.name not in NEVER_LATE and day_of(fact) > replaced[0]:
            for policy, rule in self.rules.get(REPLACED, ()):
                self._alone(policy, rule, code, fact, SEP.join((rule.kind, *replaced, code)), "")

    def late_before(self, code: str, history: Iterable[Fact], facts: EnterpriseFacts) -> None:
        """The facts that stood already when the replacement of their code was reported."""
        for fact in history:
            if fact.name not in HOLDS and facts.corrected(fact) is not None:
                self._late(code, fact, facts)

    def _alone(
        self, policy: str, rule: DisagreementRule, code: str, fact: Fact, matter: str, value: str
    ) -> None:
        party = Party(fact.key, code, fact.source, value)
        named = disagreement_id(policy, rule.id, matter)
        self.found.append(Found(named, party, fact.name, policy, rule, matter))

    # --- writing ------------------------------------------------------------------------------

    def write(self, position: int, effective: Callable[[str, Fact], dict[str, Any] | None]) -> list[Hold]:
        """Write what was found; what has to be held or released comes back.

        ``effective`` gives the content of the fact that an amendment names, as it now stands.
        """
        holds = self._new(position)
        holds += [hold for code, fact in self.amended for hold in self._taken_back(code, fact, effective)]
        return holds

    def _new(self, position: int) -> list[Hold]:
        if self.added:
            sql = "INSERT INTO matters (matter, key, code, source, value) VALUES (?,?,?,?,?)"
            self.rows.run_many(f"{sql} ON CONFLICT (matter, key) DO NOTHING", self.added)
        fresh = self.fresh()
        columns = "disagreement, key, code, event, policy, rule, kind, matter, value, held, position"
        marks = ",".join("?" * 11)
        rows = [(*each.row(), position) for each in fresh]
        self.rows.run_many(f"INSERT INTO disagreements ({columns}) VALUES ({marks})", rows)
        return [each.hold() for each in fresh if each.held]

    def fresh(self) -> list[Found]:
        """What was found and is not listed yet, each once."""
        if not self.found:
            return []
        sql = "SELECT disagreement, key FROM disagreements WHERE disagreement IN ({})"
        known = {(row[0], row[1]) for row in self.rows.all_in(sql, {f.disagreement for f in self.found})}
        found: dict[tuple[str, str], Found] = {}
        for each in self.found:
            found.setdefault((each.disagreement, each.party.key), each)
        return [each for at, each in found.items() if at not in known]

    def _taken_back(
        self, code: str, fact: Fact, effective: Callable[[str, Fact], dict[str, Any] | None]
    ) -> list[Hold]:
        """A fact that was corrected or retracted: what it said before disagrees with nobody any more."""
        content = fact.content
        key = key_of(content["of_source"], content["of"])
        now = effective(code, fact)
        if now is not None and not self._moved(key, code, content["of_type"], now):
            return []
        self.rows.run("DELETE FROM matters WHERE key=?", [key])
        sql = "SELECT disagreement, held FROM disagreements WHERE key=? AND outcome IS NULL"
        holds = []
        for named, held in self.rows.all(sql, [key]):
            if held and now is not None:
                own = {"counts": True, "actor": "", "reason": "corrected"}
                holds.append(hold_of(named, key, code, content["of_type"], own))
            where = "UPDATE disagreements SET outcome=? WHERE disagreement=?"
            self.rows.run(f"{where} AND key=?", [WITHDRAWN, named, key])
            holds += self._settled(named)
        if now is not None:
            again = Finder(self.rows, {})
            again.rules = self.rules
            target = Fact(content["of_type"], content["of_source"], content["of"], fact.time, now)
            again.look_up([(code, target)])
            for policy, rule in self.rules.get(target.name, ()):
                if rule.same:
                    again._matter(policy, rule, code, target)
            holds += again._new(self.rows.last_position())
        return holds

    def _moved(self, key: str, code: str, name: str, now: dict[str, Any]) -> bool:
        """Whether a corrected fact is about another matter, or of another value, than it was."""
        was = {
            (row[0], row[1]) for row in self.rows.all("SELECT matter, value FROM matters WHERE key=?", [key])
        }
        then = {
            (matter_of(rule, code, now), str(now.get(rule.field) or "") if rule.field else "")
            for _, rule in self.rules.get(name, ())
            if rule.same
        }
        return was != then

    def _settled(self, named: str) -> list[Hold]:
        """Where fewer than two facts are left to disagree, the rest counts again."""
        sql = (
            "SELECT d.key, d.code, d.event, d.kind, d.held, d.value FROM disagreements d "
            "WHERE d.disagreement=? AND d.outcome IS NULL"
        )
        left = self.rows.all(sql, [named])
        kind = left[0][3] if left else ""
        whose = {row[1] if kind == "claimed-twice" else row[5] for row in left}
        if kind not in ("claimed-twice", "two-sources") or len(whose) > 1:
            return []
        self.rows.run(
            "UPDATE disagreements SET outcome=? WHERE disagreement=? AND outcome IS NULL", [SETTLED, named]
        )
        counts = {"counts": True, "actor": "", "reason": "taken back by the other"}
        return [
            _hold(named, Party(key, code, "", ""), event, "FactDecided", counts)
            for key, code, event, _, held, _ in left
            if held
        ]


def _hold(named: str, party: Party, event: str, name: str, more: dict[str, Any]) -> Hold:
    source, _, of = party.key.partition(SEP)
    content = {"disagreement": named, "of_source": source, "of": of, "of_type": event}
    return Hold(party.code, name, {**content, **more})


def hold_of(named: str, key: str, code: str, event: str, more: dict[str, Any]) -> Hold:
    """An officer's decision about one fact."""
    return _hold(named, Party(key, code, "", ""), event, "FactDecided", more)
