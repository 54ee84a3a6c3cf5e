"""What is kept of facts that disagree: what each is about (``matters``), and what was found of it.

Every look-up is by an index and of bounded size, but for the facts of a matter that begins or
ceases to be disputed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from domain.disagreements.matters import Party
from domain.events.amendments import FactDecided, FactHeld
from domain.events.event import SEP
from domain.policy.model import DisagreementRule
from ledger.store.rows import Row, Rows

WITHDRAWN, SETTLED = "withdrawn", "settled"
"""Outcomes without a decision: the fact was taken back, or nothing is left to disagree with."""
ENDED = (WITHDRAWN, SETTLED)
COUNTS, NOT = "counts", "does-not-count"
"""Outcomes that somebody decided."""
AGREES = "agrees"
"""The outcome of a fact that another source reports alike: what both say counts once."""
REOPENED = 2
"""In place of 1 for a fact that is held: somebody decided against it, for one that was taken back."""
UNDECIDED = 10_000
"""Most enterprises with held facts that are told at once."""
Span = tuple[str, str]
"""The first and the last credit code among the facts of a matter."""


class Found(NamedTuple):
    """A fact that disagrees, under a rule."""

    disagreement: str
    party: Party
    event: str
    policy: str
    rule: DisagreementRule
    matter: str
    agrees: bool = False
    """Whether another source says the same, so that there is nothing to decide."""

    @property
    def held(self) -> bool:
        """Whether it counts for no award until somebody decides."""
        return self.rule.then == "hold"

    def row(self) -> tuple[str, str, str, str, str, str, str, str, str, int]:
        """Its row, but the position."""
        party, rule = self.party, self.rule
        head = (self.disagreement, party.key, party.code, self.event, self.policy, rule.id, rule.kind)
        return (*head, self.matter, party.value, int(self.held))


class Entry(NamedTuple):
    """What was found of a fact before."""

    disagreement: str
    key: str
    code: str
    event: str
    matter: str
    value: str
    held: int
    outcome: str | None

    @property
    def counts_not(self) -> bool:
        """Whether it keeps its fact from counting."""
        return self.outcome in (NOT, AGREES) or (self.outcome is None and self.held > 0)

    @property
    def settles(self) -> bool:
        """Whether it ends by itself once nothing disagrees; what a person decided, only a person undoes."""
        return self.outcome == AGREES or (self.outcome is None and self.held != REOPENED)


_ENTRY = "SELECT disagreement, key, code, event, matter, value, held, outcome FROM disagreements"


class Kept:
    """The tables of one transaction."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    def spans(self, matters: Iterable[str]) -> dict[str, Span]:
        """Who is first and last among those of each matter, however many there are."""
        one = "(SELECT code FROM matters WHERE matter=asked.value LIMIT 1)"
        found = [matter for matter, code in self.rows.for_each(one, matters) if code is not None]
        ends = "(SELECT {}(code) FROM matters WHERE matter=asked.value)"
        both = f"{ends.format('MIN')}, {ends.format('MAX')}"
        return {matter: (first, last) for matter, first, last in self.rows.for_each(both, found)}

    def disputed(self, disagreements: Iterable[str]) -> set[str]:
        """Which of these disagreements were found before."""
        sql = "SELECT disagreement FROM disputes WHERE disagreement IN ({})"
        return {row[0] for row in self.rows.all_in(sql, disagreements)}

    def parties(self, matter: str) -> list[Party]:
        """The facts of a matter."""
        sql = "SELECT key, code, source, value FROM matters WHERE matter=?"
        return [Party(*row) for row in self.rows.all(sql, [matter])]

    def about(self, keys: Iterable[str]) -> list[tuple[str, Party]]:
        """(matter, party) of these facts."""
        sql = "SELECT matter, key, code, source, value FROM matters WHERE key IN ({})"
        return [(row[0], Party(*row[1:])) for row in self.rows.all_in(sql, keys)]

    def entries(self, keys: Iterable[str]) -> dict[tuple[str, str], Entry]:
        """What was found of these facts, by disagreement and key."""
        return _by_name(self.rows.all_in(f"{_ENTRY} WHERE key IN ({{}})", keys))

    def waiting(self, disagreements: Iterable[str]) -> dict[tuple[str, str], Entry]:
        """What ends in these disagreements once nothing disagrees."""
        sql = f"{_ENTRY} WHERE (outcome IS NULL OR outcome=?) AND disagreement IN ({{}})"
        found = _by_name(self.rows.all_in(sql, disagreements, [AGREES]))
        return {at: each for at, each in found.items() if each.settles}

    def decided(self, disagreements: Iterable[str]) -> list[Entry]:
        """What somebody decided in these disagreements."""
        sql = f"{_ENTRY} WHERE (outcome=? OR outcome=?) AND disagreement IN ({{}})"
        return [entry(row) for row in self.rows.all_in(sql, disagreements, [COUNTS, NOT])]

    def of_enterprises(self, codes: Iterable[str], kind: str) -> dict[tuple[str, str], Entry]:
        """What was found of a kind of disagreement in these enterprises."""
        sql = f"{_ENTRY} WHERE kind=? AND code IN ({{}})"
        return _by_name(self.rows.all_in(sql, codes, [kind]))

    # --- writing ------------------------------------------------------------------------------

    def forget(self, gone: Sequence[tuple[str, Party]]) -> None:
        """Facts are no longer about these matters."""
        sql = "DELETE FROM matters WHERE matter=? AND code=? AND key=?"
        self.rows.run_many(sql, [(matter, each.code, each.key) for matter, each in gone])

    def remember(self, new: Sequence[tuple[str, Party]]) -> None:
        """Facts are about these matters."""
        sql = "INSERT INTO matters (matter, key, code, source, value) VALUES (?,?,?,?,?)"
        self.rows.run_many(f"{sql} ON CONFLICT DO NOTHING", [(matter, *each) for matter, each in new])

    def list(self, found: Sequence[Found], position: int) -> None:
        """Facts disagree that did not before, or not in this way."""
        columns = "disagreement, key, code, event, policy, rule, kind, matter, value, held, position"
        sql = (
            f"INSERT INTO disagreements ({columns}) VALUES ({','.join('?' * 11)}) "
            "ON CONFLICT (disagreement, key) DO UPDATE SET outcome=NULL, matter=excluded.matter, "
            "value=excluded.value, held=excluded.held"
        )
        self.rows.run_many(sql, [(*each.row(), position) for each in found])
        steps = [
            (f.disagreement, f.party.key, position, None, f.matter, f.party.value, int(f.held)) for f in found
        ]
        self._note(steps)
        sql = (
            "INSERT INTO disputes (disagreement, position, waiting, latest) VALUES (?,?,1,?) "
            "ON CONFLICT (disagreement) DO UPDATE SET waiting=1, latest=excluded.latest"
        )
        named = sorted({each.disagreement for each in found})
        self.rows.run_many(sql, [(each, position, position) for each in named])

    def tell(self, entries: Sequence[Entry], position: int) -> None:
        """What is said of these facts is otherwise: their matter, whether they wait, what was decided."""
        sql = "UPDATE disagreements SET outcome=?, matter=?, held=? WHERE disagreement=? AND key=?"
        self.rows.run_many(sql, [(e.outcome, e.matter, e.held, e.disagreement, e.key) for e in entries])
        self._note([(e.disagreement, e.key, position, e.outcome, e.matter, e.value, e.held) for e in entries])
        self._stand({each.disagreement for each in entries}, position)

    def end(self, outcomes: Sequence[tuple[str, str, str]], position: int) -> None:
        """(disagreement, key, outcome): what became of facts that disagreed."""
        sql = "UPDATE disagreements SET outcome=? WHERE disagreement=? AND key=?"
        self.rows.run_many(sql, [(outcome, named, key) for named, key, outcome in outcomes])
        self._note([(named, key, position, outcome, None, None, None) for named, key, outcome in outcomes])
        self._stand({named for named, _, _ in outcomes}, position)

    def say(self, disagreement: str, position: int, actor: str, reason: str) -> None:
        """Who decided it, and why."""
        sql = "UPDATE disputes SET decided=?, actor=?, reason=? WHERE disagreement=?"
        self.rows.run(sql, [position, actor, reason, disagreement])

    def _stand(self, disagreements: Iterable[str], position: int) -> None:
        waits = "SELECT 1 FROM disagreements d WHERE d.disagreement=disputes.disagreement AND outcome IS NULL"
        sql = (
            f"UPDATE disputes SET waiting=CASE WHEN EXISTS ({waits}) THEN 1 ELSE 0 END, latest=? "
            "WHERE disagreement=?"
        )
        self.rows.run_many(sql, [(position, named) for named in sorted(disagreements)])

    def _note(self, steps: Sequence[tuple[Any, ...]]) -> None:
        sql = (
            "INSERT INTO disagreement_steps (disagreement, key, position, outcome, matter, value, held) "
            "VALUES (?,?,?,?,?,?,?) ON CONFLICT (disagreement, key, position) DO UPDATE SET "
            "outcome=excluded.outcome, matter=COALESCE(excluded.matter, disagreement_steps.matter), "
            "value=COALESCE(excluded.value, disagreement_steps.value), "
            "held=COALESCE(excluded.held, disagreement_steps.held)"
        )
        self.rows.run_many(sql, steps)


def undecided(rows: Rows, codes: Iterable[str] | None = None) -> dict[str, str]:
    """A disagreement by each enterprise (of these) with a fact that is held until somebody decides.

    Of all enterprises at most ``UNDECIDED`` are told.
    """
    held = "SELECT code, MIN(disagreement) FROM disagreements d WHERE outcome IS NULL AND held>0"
    if codes is not None:
        found = rows.all_in(f"{held} AND code IN ({{}}) GROUP BY code", codes)
    else:
        waits = "SELECT disagreement FROM disputes WHERE waiting=1"
        found = rows.all(f"{held} AND disagreement IN ({waits}) GROUP BY code LIMIT ?", [UNDECIDED])
    return {row[0]: row[1] for row in found}


def _by_name(rows: Iterable[Row]) -> dict[tuple[str, str], Entry]:
    return {(row[0], row[1]): entry(row) for row in rows}


def entry(row: Row) -> Entry:
    """What was found of a fact, from its row."""
    named, key, code, event, matter, value, held, outcome = row
    return Entry(named, key, code, event, matter, value, held, outcome)


class Hold(NamedTuple):
    """An event that the ledger has to record about one of an enterprise's facts."""

    code: str
    content: FactHeld | FactDecided


def held_by(found: Found) -> Hold:
    """The event that holds a fact."""
    source, _, event_id = found.party.key.partition(SEP)
    held = FactHeld(
        disagreement=found.disagreement,
        of_source=source,
        of=event_id,
        of_type=found.event,
        policy=found.policy,
        rule=found.rule.id,
    )
    return Hold(found.party.code, held)


def released(entry: Entry, reason: str) -> Hold:
    """The event that lets a fact count again, since it no longer disagrees."""
    return decided(entry.disagreement, entry.key, entry.code, entry.event, True, "", reason)


def decided(
    disagreement: str, key: str, code: str, event: str, counts: bool, actor: str, reason: str
) -> Hold:
    """The event that says whether a fact counts; without an ``actor`` it follows from other facts."""
    source, _, event_id = key.partition(SEP)
    decision = FactDecided(
        disagreement=disagreement,
        of_source=source,
        of=event_id,
        of_type=event,
        counts=counts,
        actor=actor,
        reason=reason,
    )
    return Hold(code, decision)
