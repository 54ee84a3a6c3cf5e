"""The read models of awards: each enterprise's facts and outcome, and the city's totals.

They advance in the transaction that appends the events. An event costs the same however many
enterprises there are: totals move by the difference between an enterprise's old outcome and
its new one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from domain.events.event import SEP, Event
from domain.facts.claims import Claim
from domain.facts.folding import EnterpriseFacts, fold
from domain.facts.places import places_of
from domain.policy.rulebook import Rulebook
from domain.rules.awards import Award, Awards
from domain.rules.evaluation import awards_of
from domain.rules.targets import Added, Months, targets_of
from ledger.store.folded.entries import EntryChanges, changed_claims, decode_facts, is_many
from ledger.store.folded.places import StoredPlaces
from ledger.store.rows import DamagedStore, Rows, read_row
from ledger.store.stored_events import histories

REBUILD_CHUNK = 1_000


class Outcome(msgspec.Struct):
    """What one policy gives an enterprise, and what it adds to the city's targets, in which town."""

    awards: Awards = {}
    targets: Added = {}
    town: str = ""


Outcomes = dict[str, Outcome]
"""Outcomes by policy id."""


class EnterpriseRow(msgspec.Struct):
    """An enterprise as the read model holds it."""

    code: str
    version: int = 0
    facts: EnterpriseFacts = msgspec.field(default_factory=EnterpriseFacts)
    outcomes: Outcomes = {}
    name: str = ""
    town: str = ""
    places: StoredPlaces | set[str] | None = None
    """Of one with many events, the places of its facts as they change, or all; ``None`` where they stay."""


class _StoredRow(NamedTuple):
    """The columns of an enterprise's row, as they are stored."""

    code: str
    version: int
    facts: bytes
    outcomes: bytes
    name: str
    town: str

    def read(self, rows: Rows, whole: bool = True) -> EnterpriseRow:
        """The row with its facts and outcomes."""
        facts = decode_facts(rows, self.code, self.version, self.facts, whole=whole)
        outcomes = decode_outcomes(self.code, self.outcomes)
        return EnterpriseRow(self.code, self.version, facts, outcomes, self.name, self.town)


class TotalSums(NamedTuple):
    """By how much a total moves, or what it comes to."""

    gross: int = 0
    withheld: int = 0
    number: int = 0

    def plus(self, other: TotalSums) -> TotalSums:
        """Both added up."""
        return TotalSums(self.gross + other.gross, self.withheld + other.withheld, self.number + other.number)


_encode = msgspec.msgpack.Encoder().encode
_outcomes = msgspec.msgpack.Decoder(Outcomes)

TotalKey = tuple[str, int, str, str]
"""(policy, year, kind, name).

The kinds: ``measure`` and ``target`` are named by id; ``month`` (a target's id and MM) and ``town``
(a target's id and a town, '' where none is known) divide a target, joined by ``SEP``.
"""


def outcomes_of(facts: EnterpriseFacts, books: dict[str, Rulebook]) -> Outcomes:
    """The outcome of every policy that gives the enterprise something."""
    town = facts.profile.town if facts.profile else ""
    outcomes = {p: Outcome(awards_of(facts, b), targets_of(facts, b), town) for p, b in books.items()}
    return {policy: outcome for policy, outcome in outcomes.items() if outcome.awards or outcome.targets}


_SELECT = "SELECT code, version, facts, outcome, name, town FROM enterprises"


def load(rows: Rows, codes: Iterable[str], *, whole: bool = True) -> dict[str, EnterpriseRow]:
    """The read model's rows of these enterprises; those without one are left out.

    Args:
        rows: the transaction.
        codes: the enterprises.
        whole: whether all facts are read now, as ``decode_facts`` has it.
    """
    sql = f"{_SELECT} WHERE code IN ({{}})"
    stored_rows = (_StoredRow(*row) for row in rows.all_in(sql, codes))
    return {stored_row.code: stored_row.read(rows, whole) for stored_row in stored_rows}


def load_outcomes(rows: Rows, code: str) -> Outcomes | None:
    """The outcomes of one enterprise, its facts left unread; ``None`` where it has no row."""
    stored = read_row(rows, "SELECT outcome FROM enterprises WHERE code=?", [code])
    return None if stored is None else decode_outcomes(code, stored[0])


def decode_outcomes(code: str, stored: bytes) -> Outcomes:
    """An enterprise's outcomes from its row.

    Raises:
        DamagedStore: where they cannot be read.
    """
    try:
        return _outcomes.decode(stored)
    except msgspec.MsgspecError as error:
        raise DamagedStore("database.unreadable-row", reason=f"enterprises {code}: {error}") from error


def every_row(rows: Rows) -> Iterator[EnterpriseRow]:
    """Every enterprise of the read model, streamed in order of credit code."""
    for row in rows.stream(f"{_SELECT} ORDER BY code"):
        yield _StoredRow(*row).read(rows)


class Writer:
    """Collects what changes, and writes it at the end of a batch."""

    def __init__(self, rows: Rows, books: dict[str, Rulebook], position: int) -> None:
        self.rows, self.books, self.position = rows, books, position
        self.enterprises: list[tuple[object, ...]] = []
        self.named: list[tuple[object, ...]] = []
        self.awards: list[tuple[object, ...]] = []
        self.gone_awards: list[tuple[object, ...]] = []
        self.balances: list[tuple[object, ...]] = []
        self.gone_balances: list[tuple[object, ...]] = []
        self.claims: list[tuple[object, ...]] = []
        self.gone_claims: list[tuple[object, ...]] = []
        self.totals: dict[TotalKey, TotalSums] = {}
        self.entries = EntryChanges(rows)

    def put(self, row: EnterpriseRow, before: Outcomes, claims_before: Mapping[str, Claim]) -> None:
        """Take an enterprise's new facts; its outcome is computed here."""
        row.outcomes = outcomes_of(row.facts, self.books)
        for policy in before.keys() | row.outcomes.keys():
            old, new = before.get(policy, Outcome()), row.outcomes.get(policy, Outcome())
            self._compare_awards(policy, row.code, old.awards, new.awards)
            self._compare_targets(policy, old, new)
        self._compare_claims(row.code, *changed_claims(row.facts, claims_before))
        facts, outcome = self.entries.encode_facts(row.code, row.version, row.facts), _encode(row.outcomes)
        if row.places is not None and is_many(row.version):
            self.entries.note_places(row.code, row.places)
        self.enterprises.append((row.code, row.version, facts, outcome))
        self._name(row)

    def _compare_claims(self, code: str, old: Mapping[str, Claim], new: Mapping[str, Claim]) -> None:
        for key, claim in new.items():
            before = old.get(key)
            if before is claim or before == claim:
                continue
            amount = None if claim.amount is None else str(claim.amount)
            named = (claim.policy, claim.claim, code, claim.measure, claim.item, claim.year)
            self.claims.append((*named, claim.status, amount, self.position))
        self.gone_claims += [(old[key].policy, old[key].claim, code) for key in old.keys() - new.keys()]

    def _name(self, row: EnterpriseRow) -> None:
        """Note a new name or town; they are indexed, so they are written only when they change."""
        profile = row.facts.profile
        registered = (profile.name, profile.town) if profile else ("", "")
        if registered != (row.name, row.town):
            row.name, row.town = registered
            self.named.append((*registered, row.code))

    def _compare_awards(self, policy: str, code: str, old: Awards, new: Awards) -> None:
        for year in old.keys() | new.keys():
            before, after = old.get(year, {}), new.get(year, {})
            if before == after:
                continue
            for measure in before.keys() | after.keys():
                if before.get(measure) == after.get(measure):
                    continue
                was, now = before.get(measure) or Award(), after.get(measure) or Award()
                count = (now.gross > 0) - (was.gross > 0)
                move = TotalSums(now.gross - was.gross, now.withheld - was.withheld, count)
                self._move((policy, year, "measure", measure), move)
                if now.gross:
                    self.awards.append((policy, year, code, measure, now.gross, now.withheld))
                elif was.gross:
                    self.gone_awards.append((policy, year, code, measure))
            gross = sum(award.gross for award in after.values())
            withheld = sum(award.withheld for award in after.values())
            if gross:
                self.balances.append((policy, year, code, gross, withheld, gross - withheld))
            else:
                self.gone_balances.append((policy, year, code))

    def _compare_targets(self, policy: str, old: Outcome, new: Outcome) -> None:
        """Move each target, its months and its towns; a new town takes over all that the old one had."""
        if old.targets == new.targets and old.town == new.town:
            return
        moved: dict[TotalKey, int] = {}
        for outcome, sign in ((old, -1), (new, 1)):
            for year, targets in outcome.targets.items():
                for target, months in targets.items():
                    for key, value in _parts(policy, year, target, months, outcome.town):
                        moved[key] = moved.get(key, 0) + sign * value
        for key, value in moved.items():
            self._move(key, TotalSums(value))

    def _move(self, key: TotalKey, move: TotalSums) -> None:
        if any(move):
            before = self.totals.get(key)
            self.totals[key] = move if before is None else before.plus(move)

    def _moves(self) -> dict[tuple[str, int, str], dict[str, TotalSums]]:
        """By how much totals move: (policy, year, kind), then name."""
        moves: dict[tuple[str, int, str], dict[str, TotalSums]] = {}
        for (policy, year, kind, name), move in self.totals.items():
            moves.setdefault((policy, year, kind), {})[name] = move
        return moves

    def flush(self) -> None:
        """Write everything collected so far but the totals."""
        self.rows.run_many(_upsert("enterprises", 1, "code", "version", "facts", "outcome"), self.enterprises)
        self.entries.write()
        self.rows.run_many("UPDATE enterprises SET name=?, town=? WHERE code=?", self.named)
        award = ("policy", "year", "code", "measure", "gross", "withheld")
        self.rows.run_many(_upsert("awards", 4, *award), self.awards)
        delete = "DELETE FROM awards WHERE policy=? AND year=? AND code=? AND measure=?"
        self.rows.run_many(delete, self.gone_awards)
        balance = ("policy", "year", "code", "gross", "withheld", "eligible")
        self.rows.run_many(_upsert("balances", 3, *balance), self.balances)
        delete = "DELETE FROM balances WHERE policy=? AND year=? AND code=?"
        self.rows.run_many(delete, self.gone_balances)
        claim = ("policy", "claim", "code", "measure", "item", "year", "status", "amount", "position")
        self.rows.run_many(_upsert("claims", 3, *claim), self.claims)
        self.rows.run_many("DELETE FROM claims WHERE policy=? AND claim=? AND code=?", self.gone_claims)
        for collected in (self.enterprises, self.named, self.awards, self.gone_awards, self.balances):
            collected.clear()
        self.gone_balances.clear()
        self.gone_claims.clear()
        self.claims.clear()

    def finish(self) -> None:
        """Write the rest, and move the totals."""
        self.flush()
        total_rows: list[tuple[object, ...]] = []
        moved_here: set[tuple[object, ...]] = set()
        """Totals that a step of the same transaction moved before."""
        for group, moves in self._moves().items():
            sql = (
                "SELECT name, position, gross, withheld, number FROM totals "
                "WHERE policy=? AND year=? AND kind=? AND name IN ({})"
            )
            before: dict[str, TotalSums] = {}
            for name, position, *sums in self.rows.all_in(sql, moves, group):
                before[name] = TotalSums(*map(int, sums))
                if position == self.position:
                    moved_here.add((*group, name))
            for name, move in moves.items():
                after = before.get(name, TotalSums()).plus(move)
                total_rows.append((*group, name, self.position, *map(str, after)))
        columns = ("policy", "year", "kind", "name", "position", "gross", "withheld", "number")
        self.rows.run_many(_upsert("totals", 4, *columns), total_rows)
        again = [row for row in total_rows if row[:4] in moved_here]
        self.rows.run_many(_upsert("totals_history", 5, *columns), again)
        first = [row for row in total_rows if row[:4] not in moved_here]
        self.rows.run_many(_insert("totals_history", *columns), first)
        self.totals.clear()


def _parts(policy: str, year: int, target: str, months: Months, town: str) -> Iterator[tuple[TotalKey, int]]:
    """The totals to which one enterprise adds for one target of a year, and how much."""
    amount = sum(months.values())
    yield (policy, year, "target", target), amount
    yield (policy, year, "town", f"{target}{SEP}{town}"), amount
    for month, value in months.items():
        yield (policy, year, "month", f"{target}{SEP}{month:02d}"), value


def _insert(table: str, *columns: str) -> str:
    return f"INSERT INTO {table} ({','.join(columns)}) VALUES ({','.join('?' * len(columns))})"


def _upsert(table: str, keys: int, *columns: str) -> str:
    """Insert, or replace the row of the same key (the first ``keys`` columns)."""
    sets = ",".join(f"{column}=excluded.{column}" for column in columns[keys:])
    on = ",".join(columns[:keys])
    return f"{_insert(table, *columns)} ON CONFLICT ({on}) DO UPDATE SET {sets}"


def folded_row(code: str, version: int, events: list[Event]) -> EnterpriseRow:
    """The row of an enterprise as its events make it, without outcomes."""
    facts = fold(events)
    return EnterpriseRow(code, version, facts, places=places_of(events, facts) if is_many(version) else None)


def project_all(rows: Rows, books: dict[str, Rulebook], position: int) -> None:
    """Compute every enterprise's outcomes anew, after rules have changed."""
    writer = Writer(rows, books, position)
    last = ""
    sql = f"{_SELECT} WHERE code>? ORDER BY code LIMIT ?"
    while stored_rows := [_StoredRow(*row) for row in rows.all(sql, [last, REBUILD_CHUNK])]:
        for stored_row in stored_rows:
            row = stored_row.read(rows, whole=False)
            writer.put(row, dict(row.outcomes), row.facts.claims)
        writer.flush()
        last = stored_rows[-1].code
    writer.finish()


Progress = Callable[[int, int], None]
"""Told how many enterprises are done, and how many there are."""


def rebuild(
    source: Rows,
    target: Rows,
    books: dict[str, Rulebook],
    until: int,
    progress: Progress | None = None,
    between: tuple[str, str | None] = ("", None),
) -> int:
    """Fill empty read models from the events up to a position, in bounded memory.

    Args:
        between: from which credit code on, and before which one, where only some are wanted.

    Returns:
        how many enterprises there are.
    """
    writer = Writer(target, books, until)
    enterprise_count = source.all("SELECT COUNT(*) FROM enterprises")[0][0] if progress else 0
    count = 0
    for count, (code, version, facts) in enumerate(histories(source, until, *between), start=1):
        writer.put(folded_row(code, version, facts), {}, {})
        if count % REBUILD_CHUNK == 0:
            writer.flush()
            if progress:
                progress(count, enterprise_count)
    writer.finish()
    if progress:
        progress(count, enterprise_count)
    return count
