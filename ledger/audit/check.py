"""The audit of a live ledger: every stored byte is hashed again and held against what was signed.

What is found is named with its position. The read models are held against a replay by
``ledger.replay.comparison``; the log's own tiles, the checkpoints, the order of positions and times, the
policies and budgets beside the events, and all of closed years are held against the events here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

from domain.events import STATES, BudgetSet, ClockCorrected, PolicyAdopted
from domain.events.event import Event
from domain.log.entries import leaf_of, salt_of
from domain.log.merkle import EMPTY_ROOT, node_hash
from domain.log.notes import Checkpoint, NoteError, VerifierKey, open_checkpoint, parse_note
from domain.policy.load import digest_of
from ledger.audit.settled import check_settled
from ledger.audit.tables.emptied import what_is_emptied
from ledger.audit.tables.identities import Identities, check_decided, check_decision, check_versions
from ledger.audit.tables.publisher_keys import check_publisher_keys
from ledger.audit.tables.refused import check_refused
from ledger.audit.tables.stated import check_stated
from ledger.projections.totals import total_faults
from ledger.store.guard import sum_faults
from ledger.store.log_tree import Tree, secret_of
from ledger.store.rows import Row, Rows, read_row
from ledger.store.schema.comparing import check_schema
from ledger.store.schema.index_rows import index_faults
from ledger.store.schema.migrations import version_faults
from ledger.store.stored_events import SELECT
from ledger.store.value_kinds import Finding, wrong_kinds

FINDINGS_MAX = 200
PROGRESS_EVENTS = 5_000
AUDITORS = "the auditor's checkpoint"
CHECKS = (check_settled, check_versions, check_decided, check_publisher_keys, check_stated, check_refused)
"""What is held against the events once they were walked through."""


@dataclass(slots=True)
class Frontier:
    """The roots of the full subtrees so far, largest first: all that appending needs (RFC 9162)."""

    size: int = 0
    peaks: list[tuple[int, bytes]] = field(default_factory=list)

    def add(self, leaf: bytes) -> None:
        """Append a leaf's hash."""
        level, node = 0, leaf
        while self.peaks and self.peaks[-1][0] == level:
            node = node_hash(self.peaks.pop()[1], node)
            level += 1
        self.peaks.append((level, node))
        self.size += 1

    @property
    def root(self) -> bytes:
        """The root over all leaves added."""
        if not self.peaks:
            return EMPTY_ROOT
        node = self.peaks[-1][1]
        for _, peak in reversed(self.peaks[:-1]):
            node = node_hash(peak, node)
        return node


Progress = Callable[[int, int], None]
Marks = dict[int, list[tuple[str, bytes]]]
"""By size of the log: where a root is from, and the root."""


def check_log(
    rows: Rows,
    keys: list[VerifierKey],
    trusted: list[str] | None = None,
    progress: Progress | None = None,
) -> list[Finding]:
    """Hash every stored event again, and say everything that does not match.

    Args:
        keys: whose signatures count; with none, kept checkpoints are held against the events only.
        trusted: checkpoints that the auditor kept elsewhere.
    """
    findings, is_readable = _look_at_store(rows)
    if not is_readable:
        return findings[:FINDINGS_MAX]
    marks = _marks(rows, keys, trusted or [], findings)
    try:
        walk = _Walk(rows, marks, findings)
    except LookupError as error:
        return [*findings, Finding(0, str(error))]
    position_count = rows.last_position()
    for count, row in enumerate(rows.stream(f"{SELECT} ORDER BY rowid"), start=1):
        walk.take(row)
        if progress and count % PROGRESS_EVENTS == 0:
            progress(count, position_count)
        if len(findings) >= FINDINGS_MAX:
            break
    else:
        walk.finish(position_count)
    if progress:
        progress(walk.frontier.size, position_count)
    findings += _beside(rows, walk)
    for check in CHECKS:
        findings += islice(check(rows), FINDINGS_MAX)
    sentences = (sum_faults, version_faults, total_faults)
    findings += [
        Finding(0, sentence) for check in sentences for sentence in islice(check(rows), FINDINGS_MAX)
    ]
    return sorted(set(findings))[:FINDINGS_MAX]


def _look_at_store(rows: Rows) -> tuple[list[Finding], bool]:
    """What is wrong with the store itself, and whether its rows can be read for certain."""
    faults = check_schema(rows)
    findings = [Finding(0, f"the schema: {fault.en}") for fault in faults]
    if any(fault.is_lacking for fault in faults):
        return findings, False
    if damaged := [Finding(0, sentence) for sentence in islice(index_faults(rows), FINDINGS_MAX)]:
        return [*findings, *damaged], False
    if wrong := list(islice(wrong_kinds(rows), FINDINGS_MAX)):
        return sorted({*findings, *wrong}), False
    if emptied := what_is_emptied(rows):
        return [*findings, Finding(0, emptied.words("en").rule)], False
    return findings, True


def _marks(rows: Rows, keys: list[VerifierKey], trusted: list[str], findings: list[Finding]) -> Marks:
    """Roots that the events must lead to, by size: of kept and of trusted checkpoints."""
    marks: Marks = {}
    for key in keys:
        if key.end and key.end.size:
            marks.setdefault(key.end.size, []).append(
                (f"the end of the key {key.key_id.hex()}", key.end.root)
            )
    kept_notes = [(f"the kept checkpoint of {row[0]} events", str(row[1])) for row in _note_rows(rows)]
    for name, note in kept_notes + [(AUDITORS, note) for note in trusted]:
        try:
            checkpoint = _open(note, keys)
        except NoteError as error:
            findings.append(Finding(0, f"{name}: {error}"))
            continue
        if name != AUDITORS and not _is_kept(rows, checkpoint):
            findings.append(Finding(checkpoint.size, f"{name} does not stand under its own size and root"))
        marks.setdefault(checkpoint.size, []).append((name, checkpoint.root))
    return marks


def _open(note: str, keys: list[VerifierKey]) -> Checkpoint:
    """A checkpoint, signed by a key that had not ended; that it leads to a key's end, the walk shows."""
    checkpoint = Checkpoint.parse(parse_note(note)[0])
    if not keys:
        return checkpoint
    led = [replace(key, end=None) if key.end and checkpoint.size <= key.end.size else key for key in keys]
    return open_checkpoint(note, led)[0]


def _is_kept(rows: Rows, checkpoint: Checkpoint) -> bool:
    row = read_row(rows, "SELECT root FROM checkpoints WHERE size=?", [checkpoint.size])
    return row is not None and bytes(row[0]) == checkpoint.root


def _note_rows(rows: Rows) -> list[Row]:
    return rows.all("SELECT size, note FROM checkpoints ORDER BY size")


class _Walk:
    """One pass over the stored events, in order of position."""

    def __init__(self, rows: Rows, marks: Marks, findings: list[Finding]) -> None:
        self.rows, self.marks, self.findings = rows, marks, findings
        self.tree, self.secret = Tree(rows), secret_of(rows)
        self.frontier = Frontier()
        self.last_time = ""
        self.good, self.altered = 0, False
        self.trusting = any(name == AUDITORS for names in marks.values() for name, _ in names)
        self.policies: dict[tuple[str, int], tuple[str, str, int, str]] = {}
        self.budgets: set[tuple[str, str, int, str]] = set()
        self.identities = Identities(rows)
        self._batches = iter(
            rows.stream("SELECT last_position, recorded_at FROM batches ORDER BY last_position")
        )
        self._batch: Row | None = next(self._batches, None)

    def take(self, row: Row) -> None:
        position, originator, version, topic, state = row[0], row[1], row[2], row[3], bytes(row[4])
        expected, findings = self.frontier.size + 1, self.findings
        if position < expected:
            self.findings.append(Finding(position, "the event stands where none can: before the first"))
            return
        while expected < position and len(self.findings) < FINDINGS_MAX:
            self.findings.append(Finding(expected, "the event is missing: its position is empty"))
            self.frontier.add(self.tree.leaf(expected) or b"\x00" * 32)
            expected += 1
        leaf = leaf_of(salt_of(self.secret, position), position, originator, version, topic, state)
        logged = self.tree.leaf(position)
        if not logged:
            findings.append(Finding(position, "the event is not in the log: it was inserted beside it"))
        elif logged != leaf:
            findings.append(Finding(position, "the event is not the one that was logged: it was changed"))
        self.frontier.add(leaf)
        self._read(position, originator, topic, state)
        self._at_mark()

    def _read(self, position: int, originator: str, topic: str, state: bytes) -> None:
        try:
            fact, recorded_at = STATES.read_state(topic, state)
            self._note(position, fact)
            self.findings += self.identities.check(position, originator, fact)
            self.findings += check_decision(self.rows, position, fact)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            self.findings.append(Finding(position, f"the event cannot be read: {type(error).__name__}"))
            return
        self._follow_time(position, fact, recorded_at)
        while self._batch is not None and self._batch[0] < position:
            self._batch = next(self._batches, None)
        if self._batch is None or self._batch[1] != recorded_at:
            self.findings.append(Finding(position, "the recorded time is not the one of its batch"))

    def _follow_time(self, position: int, fact: Event, recorded_at: str) -> None:
        """Recorded times run on; back they go at a correction that says so, and nowhere else."""
        content = fact.content
        if isinstance(content, ClockCorrected):
            if not content.allows(self.last_time, recorded_at):
                wrong = "the clock was corrected from and to other times than those of the events"
                self.findings.append(Finding(position, wrong))
            self.last_time = recorded_at
        elif recorded_at < self.last_time:
            self.findings.append(Finding(position, "the event was recorded before the one before it"))
        self.last_time = max(self.last_time, recorded_at)

    def _note(self, position: int, fact: Event) -> None:
        """Policies and budgets, as the events say."""
        content = fact.content
        if isinstance(content, PolicyAdopted):
            entry = (content.digest, content.document, position, content.effective_from)
            self.policies[content.policy, content.version] = entry
        elif isinstance(content, BudgetSet):
            entry_of_budget = (content.policy, content.period, position, str(content.amount_fen))
            self.budgets.add(entry_of_budget)

    def _at_mark(self) -> None:
        """Hold the root so far against the checkpoints of this size; the auditor's own count for more."""
        size, good = self.frontier.size, False
        for name, root in self.marks.pop(size, ()):
            if root == self.frontier.root:
                good = good or not self.trusting or name == AUDITORS
                continue
            span = f"something from position {self.good + 1} to {size} was altered"
            self.findings.append(Finding(self.good + 1, f"{name} has another root: {span}"))
            self.altered = True
        if good and not self.altered:
            self.good = size

    def finish(self, whole: int) -> None:
        size, logged = self.frontier.size, self.tree.size()
        if whole < size:
            lowered = f"the position last given out is {whole}, yet {size} events stand there: it was lowered"
            self.findings.append(Finding(whole + 1, lowered))
        for position in range(size + 1, min(max(logged, whole), size + FINDINGS_MAX) + 1):
            self.findings.append(Finding(position, "the event is missing: it was cut off the end"))
        self.findings += islice(self.identities.finish(), FINDINGS_MAX)
        if logged == size and size and self._logged_root(size) != self.frontier.root:
            self.findings.append(Finding(size, "the log's own hashes do not lead to the root of the events"))
        for mark, names in sorted(self.marks.items()):
            if mark > size:
                difference = f"{names[0][0]} is of {mark} events, but the ledger holds {size}"
                self.findings.append(Finding(size + 1, difference))
        for last, _ in self.rows.all(
            "SELECT last_position, recorded_at FROM batches WHERE last_position<1 OR last_position>?", [size]
        ):
            self.findings.append(Finding(last, "a batch was recorded that has no events"))

    def _logged_root(self, size: int) -> bytes | None:
        try:
            return self.tree.root(size)
        except LookupError:
            return None


def _beside(rows: Rows, walk: _Walk) -> Iterator[Finding]:
    """Policies and budgets as the read side holds them, against the events."""
    adopted = set()
    sql = "SELECT policy, version, digest, document, position, effective_from FROM policies ORDER BY position"
    for policy, version, digest, document, position, effective in rows.all(sql):
        adopted.add((policy, version))
        entry = walk.policies.get((policy, version))
        if entry is None:
            yield Finding(position, f"version {version} of {policy} stands beside the log, not in it")
        elif (digest, document, position, effective) != entry:
            yield Finding(entry[2], f"version {version} of {policy} is not the one that was adopted")
        elif digest_of(document) != digest:
            yield Finding(position, f"version {version} of {policy} does not fit its digest")
    for (policy, version), entry in walk.policies.items():
        if (policy, version) not in adopted:
            yield Finding(entry[2], f"version {version} of {policy} is missing beside the log")
    sql = "SELECT policy, period, position, amount FROM budgets"
    budgets = {(*row[:3], str(row[3])) for row in rows.all(sql)}
    for policy, period, position, _ in sorted(budgets ^ walk.budgets):
        yield Finding(position, f"the budget of {policy} for {period} is not the one that was set")


__all__ = ["Finding", "Frontier", "check_log"]
