"""``subsidy-ledger-verify BUNDLE``: check an audit bundle, offline, trusting nobody.

It imports nothing of the ledger but the pure domain layer: hashes, signatures and proofs are
checked, every award and the pro-rata apportionment are worked out again from the events, and
whatever does not match is said. Memory grows with the awards, not with the events.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from domain.awards import awards_of
from domain.entries import leaf_of
from domain.facts import Fact, fold
from domain.merkle import HASH_BYTES, ProofError, check_inclusion, node_hash
from domain.money import Apportionment, parse_fen, yuan
from domain.notes import Checkpoint, NoteError, VerifierKey, open_checkpoint
from domain.policy.load import PolicyError, digest_of, load_policy
from domain.policy.model import Policy
from domain.policy.rulebook import Rulebook
from domain.settlement import Line, apportionment, factor, payable_of
from domain.states import UnreadableState, fact_from

FORMAT = "subsidy-audit-bundle/1"
FAULTS_MAX = 100
LINE_BYTES_MAX = 4_000_000
PROGRESS_EVENTS = 20_000


class Broken(Exception):
    """The bundle cannot be read any further."""


@dataclass(slots=True)
class Verdict:
    """What was checked, and what does not match."""

    faults: list[str] = field(default_factory=list)
    vouching: list[str] = field(default_factory=list)
    events: int = 0
    enterprises: int = 0
    awards: int = 0
    payable: int = 0

    def fault(self, text: str) -> None:
        """Note something that does not match."""
        if len(self.faults) < FAULTS_MAX:
            self.faults.append(text)


@dataclass(slots=True)
class Event:
    """One event of the bundle."""

    position: int
    originator: str
    version: int
    topic: str
    state: bytes
    salt: bytes
    path: list[bytes] | None

    @property
    def leaf(self) -> bytes:
        """The hash that the log must hold at its position."""
        return leaf_of(self.salt, self.position, self.originator, self.version, self.topic, self.state)


def verify(
    path: Path, keys: list[VerifierKey], witnesses: int = 0, shown: bool = False
) -> tuple[dict[str, Any], Verdict]:
    """Check a bundle.

    Args:
        keys: public keys that the reader trusts, obtained elsewhere than from the bundle.
        witnesses: how many of them must have signed, beside the ledger's own.
        shown: print progress.

    Raises:
        Broken: for a file that is no bundle.
    """
    verdict = Verdict()
    try:
        with zipfile.ZipFile(path) as archive:
            head = _head(archive)
            checkpoint = _checkpoint(archive, head, keys, witnesses, verdict)
            check = _Year if head["kind"] == "year" else _Enterprise
            check(archive, head, checkpoint, verdict, shown).run()
    except (zipfile.BadZipFile, KeyError, OSError, RecursionError, EOFError) as error:
        raise Broken(f"{path} is no bundle, or it is damaged: {error}") from None
    return head, verdict


def _head(archive: zipfile.ZipFile) -> dict[str, Any]:
    head = _object(_limited(archive, "bundle.json"))
    wanted = {
        "format": str,
        "kind": str,
        "policy": str,
        "year": int,
        "size": int,
        "budget": str,
        "factor": str,
    }
    for name, kind in {**wanted, "sharing": str, "period": str}.items():
        if not isinstance(head.get(name), kind):
            raise Broken(f"bundle.json: {name} is missing or not of its kind")
    if head["format"] != FORMAT or head["kind"] not in ("year", "enterprise"):
        raise Broken(f"bundle.json: the form {head['format']!r} is not one that this program reads")
    return head


def _limited(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as file:
        data = file.read(LINE_BYTES_MAX + 1)
    if len(data) > LINE_BYTES_MAX:
        raise Broken(f"{name} is too large")
    return data


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        raise Broken(f"not JSON: {raw[:60]!r}") from None
    if not isinstance(value, dict):
        raise Broken(f"not a JSON object: {raw[:60]!r}")
    return value


def _checkpoint(
    archive: zipfile.ZipFile, head: dict[str, Any], keys: list[VerifierKey], witnesses: int, verdict: Verdict
) -> Checkpoint:
    try:
        note = _limited(archive, "checkpoint").decode("utf-8")
        checkpoint, verdict.vouching = open_checkpoint(note, keys)
    except (NoteError, UnicodeDecodeError) as error:
        raise Broken(f"checkpoint: {error}") from None
    if checkpoint.size != head["size"]:
        verdict.fault(f"the checkpoint is of {checkpoint.size} events, the bundle says {head['size']}")
    if len(set(verdict.vouching)) < 1 + witnesses:
        verdict.fault(f"only {', '.join(verdict.vouching)} signed; {witnesses} witnesses are asked for")
    return checkpoint


def _lines(archive: zipfile.ZipFile, name: str) -> Iterator[dict[str, Any]]:
    with archive.open(name) as file:
        while line := file.readline(LINE_BYTES_MAX + 1):
            if len(line) > LINE_BYTES_MAX:
                raise Broken(f"{name} has a line that is too long")
            yield _object(line)


def _event(value: dict[str, Any]) -> Event:
    try:
        path = value.get("path")
        return Event(
            int(value["position"]),
            str(value["originator"]),
            int(value["version"]),
            str(value["topic"]),
            base64.b64decode(value["state"], validate=True),
            bytes.fromhex(value["salt"]),
            None if path is None else [bytes.fromhex(each) for each in path],
        )
    except (KeyError, ValueError, TypeError) as error:
        raise Broken(f"an event cannot be read: {error}") from None


class _Check:
    """What both kinds of bundle share: reading events in groups, and working the awards out."""

    def __init__(
        self,
        archive: zipfile.ZipFile,
        head: dict[str, Any],
        checkpoint: Checkpoint,
        verdict: Verdict,
        shown: bool,
    ) -> None:
        self.archive, self.head, self.checkpoint = archive, head, checkpoint
        self.verdict, self.shown = verdict, shown
        self.versions: list[Policy] = []
        self.budget: int | None = None
        self.lines: list[Line] = []
        self.book: Rulebook | None = None

    def hashed(self, event: Event) -> None:
        """Hold an event against the log."""
        raise Broken("not a kind of bundle")

    def read(self) -> None:
        """Read every event; the awards of each enterprise follow when its last event was read."""
        originator, facts, version = "", list[Fact](), 0
        for value in _lines(self.archive, "events.ndjson"):
            event = _event(value)
            self.hashed(event)
            self.verdict.events += 1
            if self.shown and self.verdict.events % PROGRESS_EVENTS == 0:
                print(f"  {self.verdict.events:,} / {self.head['size']:,}", file=sys.stderr)
            if event.originator != originator:
                self.finished(originator, facts)
                originator, facts, version = event.originator, [], 0
            version += 1
            if event.version != version:
                self.verdict.fault(f"position {event.position}: version {version} of {originator} is missing")
                version = event.version
            fact = self.fact(event)
            if fact is not None:
                facts.append(fact)
        self.finished(originator, facts)

    def fact(self, event: Event) -> Fact | None:
        """What the event records; policies and budgets are taken note of here."""
        try:
            fact, _ = fact_from(event.topic, json.loads(event.state))
        except (UnreadableState, ValueError, AttributeError) as error:
            self.verdict.fault(f"position {event.position}: the event cannot be read: {error}")
            return None
        if fact.name == "PolicyAdopted" and fact.content["policy"] == self.head["policy"]:
            self._adopted(event.position, fact.content)
        if fact.name == "BudgetSet":
            named = (fact.content["policy"], fact.content["period"])
            if named == (self.head["policy"], self.head["period"]):
                self.budget = fact.content["amount_fen"]
        return fact

    def _adopted(self, position: int, content: dict[str, Any]) -> None:
        if digest_of(content["document"]) != content["digest"]:
            self.verdict.fault(f"position {position}: the policy does not fit its digest")
        try:
            self.versions.append(load_policy(content["document"]))
        except PolicyError as error:
            self.verdict.fault(f"position {position}: the policy cannot be read: {error}")

    def finished(self, originator: str, facts: list[Fact]) -> None:
        """Work out the awards of an enterprise whose events have all been read."""
        if not originator or originator.startswith("policy:"):
            return
        if self.book is None:
            if not self.versions:
                raise Broken(f"the bundle does not hold the policy {self.head['policy']}")
            self.book = Rulebook(self.versions)
        self.verdict.enterprises += 1
        for year, awards in awards_of(fold(facts), self.book).items():
            if self.book.period_of(year) != self.head["period"]:
                continue
            for measure, award in awards.items():
                if award.gross:
                    self.lines.append(Line(originator, measure, year, award.gross, award.withheld))

    def claimed(self) -> dict[tuple[str, str, int], tuple[int, ...]]:
        """The ledger's own rows: (gross, withheld, reduction, payable) by award."""
        rows = {}
        for value in _lines(self.archive, "awards.ndjson"):
            try:
                key = (str(value["enterprise"]), str(value["measure"]), int(value["year"]))
                sums = tuple(parse_fen(value[n]) for n in ("gross", "withheld", "reduction", "payable"))
            except (KeyError, ValueError, TypeError) as error:
                raise Broken(f"awards.ndjson: {error}") from None
            if key in rows:
                self.verdict.fault(f"{' '.join(map(str, key))}: stands twice among the awards")
            rows[key] = sums
        return rows

    def said_budget(self) -> int:
        """The budget that holds: the last one set, or the policy's own."""
        assert self.book is not None
        policy = self.book.of_year(self.head["year"])
        budget = policy.budget if self.budget is None else self.budget
        if yuan(budget) != self.head["budget"]:
            self.verdict.fault(f"the budget is {yuan(budget)}, the ledger says {self.head['budget']}")
        return budget


class _Year(_Check):
    """A year's bundle: every event is there, so everything is worked out again."""

    def run(self) -> None:
        """Check it."""
        self.leaves = _leaves(self.archive, self.head["size"])
        self.seen = bytearray(self.head["size"])
        root = _root(self.leaves, self.head["size"])
        if root != self.checkpoint.root:
            self.verdict.fault("the leaves do not lead to the root that was signed: the log was altered")
        self.read()
        for index in range(self.head["size"]):
            if not self.seen[index]:
                self.verdict.fault(f"position {index + 1}: the event is missing")
        if self.book is None and self.versions:
            self.book = Rulebook(self.versions)
        if self.book is not None:
            self.settle(self.book)

    def hashed(self, event: Event) -> None:
        """Its leaf must stand at its position, and no event twice."""
        index = event.position - 1
        if not 0 <= index < self.head["size"]:
            self.verdict.fault(f"position {event.position}: the log has no such position")
            return
        if self.seen[index]:
            self.verdict.fault(f"position {event.position}: the event stands twice")
        self.seen[index] = 1
        if self.leaves[index * HASH_BYTES : (index + 1) * HASH_BYTES] != event.leaf:
            self.verdict.fault(f"position {event.position}: the event is not the one that was logged")

    def settle(self, book: Rulebook) -> None:
        """Divide the budget again, and compare every payment."""
        budget = self.said_budget()
        shares = apportionment(self.lines, book, budget)
        value = factor(budget, shares.total)
        if f"{value.numerator}/{value.denominator}" != self.head["factor"]:
            self.verdict.fault(f"the factor is {value}, the ledger says {self.head['factor']}")
        if yuan(shares.total) != self.head["sharing"]:
            self.verdict.fault(
                f"{yuan(shares.total)} share the budget, the ledger says {self.head['sharing']}"
            )
        claimed = self.claimed()
        for line in self.lines:
            paid = payable_of(line, book, shares)
            mine = (paid.gross, paid.withheld, paid.reduction, paid.payable)
            said = claimed.pop((line.code, line.measure, line.year), None)
            self.verdict.awards += 1
            self.verdict.payable += paid.payable
            if said != mine:
                self.verdict.fault(
                    f"{line.code} {line.measure}: payable {yuan(paid.payable)}, {_shown(said)}"
                )
        for key, said in claimed.items():
            self.verdict.fault(f"{' '.join(map(str, key))}: nothing was earned, {_shown(said)}")


def _shown(said: tuple[int, ...] | None) -> str:
    return (
        "the ledger says nothing" if said is None else f"the ledger says {yuan(said[3])} of {yuan(said[0])}"
    )


class _Enterprise(_Check):
    """An enterprise's bundle: its events are proved one by one, its payment follows from the factor."""

    def run(self) -> None:
        """Check it."""
        self.read()
        if self.book is None:
            raise Broken("the bundle holds no event of the enterprise")
        budget, sharing = self.said_budget(), parse_fen_any(self.head["sharing"])
        value = factor(budget, sharing)
        if f"{value.numerator}/{value.denominator}" != self.head["factor"]:
            self.verdict.fault(f"the factor is {value}, the ledger says {self.head['factor']}")
        self.compare(self.book, budget, sharing)

    def hashed(self, event: Event) -> None:
        """Its path must lead to the root that was signed."""
        allowed = (self.head.get("enterprise"), f"policy:{self.head['policy']}")
        if event.originator not in allowed:
            self.verdict.fault(
                f"position {event.position}: an event of {event.originator} does not belong here"
            )
        try:
            leaf, size, root = event.leaf, self.checkpoint.size, self.checkpoint.root
            check_inclusion(leaf, event.position - 1, size, event.path or [], root)
        except ProofError as error:
            self.verdict.fault(f"position {event.position}: {error}")

    def compare(self, book: Rulebook, budget: int, sharing: int) -> None:
        """Each payment is the share by the factor, rounded down, or one fen of the spare fen more."""
        claimed = self.claimed()
        for line in (line for line in self.lines if line.year == self.head["year"]):
            said = claimed.pop((line.code, line.measure, line.year), None)
            low = _floor(line, book, budget, sharing)
            self.verdict.awards += 1
            if said is None or said[0] != line.gross or said[3] - low not in (0, 1):
                self.verdict.fault(f"{line.measure}: payable {yuan(low)} or one fen more, {_shown(said)}")
            self.verdict.payable += said[3] if said else 0
        for key, said in claimed.items():
            self.verdict.fault(f"{' '.join(map(str, key))}: nothing was earned, {_shown(said)}")


def _floor(line: Line, book: Rulebook, budget: int, sharing: int) -> int:
    """The payment without any of the spare fen."""
    return payable_of(line, book, Apportionment(budget, sharing)).payable


def parse_fen_any(text: str) -> int:
    """Yuan text of any length into fen."""
    whole, _, cents = text.partition(".")
    if not (whole.isdigit() and cents.isdigit() and len(cents) == 2):
        raise Broken(f"bundle.json: not an amount: {text[:40]!r}")
    return int(whole) * 100 + int(cents)


def _leaves(archive: zipfile.ZipFile, size: int) -> bytes:
    with archive.open("leaves") as file:
        found = file.read(size * HASH_BYTES + 1)
    if len(found) != size * HASH_BYTES:
        raise Broken(f"leaves: there are not {size} hashes of {HASH_BYTES} bytes")
    return found


def _root(leaves: bytes, size: int) -> bytes:
    """The root over all leaves, in the order of RFC 6962, in memory that does not grow."""
    peaks: list[tuple[int, bytes]] = []
    for index in range(size):
        level, found = 0, leaves[index * HASH_BYTES : (index + 1) * HASH_BYTES]
        while peaks and peaks[-1][0] == level:
            found = node_hash(peaks.pop()[1], found)
            level += 1
        peaks.append((level, found))
    found = peaks[-1][1] if peaks else b""
    for _, peak in reversed(peaks[:-1]):
        found = node_hash(peak, found)
    return found


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="subsidy-ledger-verify", description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--key", action="append", required=True, help="a public key that you trust")
    parser.add_argument("--witnesses", type=int, default=0, help="how many other keys must have signed")
    parser.add_argument("--quiet", action="store_true", help="print no progress")
    given = parser.parse_args(arguments)
    try:
        keys = [VerifierKey.parse(text) for text in given.key]
        head, verdict = verify(given.bundle, keys, given.witnesses, not given.quiet)
    except (Broken, NoteError) as error:
        print(f"NOT VERIFIED: {error}")
        return 2
    of = head.get("enterprise", "all enterprises")
    print(f"{head['policy']} {head['year']}: {of}, checkpoint of {head['size']:,} events")
    print(f"signed by {', '.join(verdict.vouching)}")
    print(f"events {verdict.events:,}  enterprises {verdict.enterprises:,}  awards {verdict.awards:,}")
    print(f"budget {head['budget']}  factor {head['factor']}  payable {yuan(verdict.payable)}")
    for fault in verdict.faults:
        print(f"! {fault}")
    print("VERIFIED" if not verdict.faults else f"NOT VERIFIED: {len(verdict.faults)} faults")
    return 1 if verdict.faults else 0


if __name__ == "__main__":
    sys.exit(main())
