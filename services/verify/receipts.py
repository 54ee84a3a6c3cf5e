"""An enterprise's receipt, checked by itself: the log, the list, the payment, and every value in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from domain.events import STATES, account_id, settlement_id
from domain.events.accounts import AwardsSettled
from domain.events.content import Content
from domain.events.event import Event
from domain.events.settlements import SettlementClosed, SettlementPublished
from domain.events.stored import UnreadableState
from domain.log.merkle import ProofError, check_inclusion
from domain.log.notes import Checkpoint, NoteError, VerifierKey, open_checkpoint, parse_note
from domain.money.amounts import yuan
from domain.settlement.accounts import Account
from domain.settlement.figures import division_of
from domain.settlement.public_list import leaf_of_line
from domain.settlement.receipt import APART, FORMAT, digest_of, marks_of, seal_body
from domain.settlement.year import SettledLine
from services.verify.lists import ListRow, read_row, settled_line
from services.verify.reading import LINE_BYTES_MAX, Broken, LoggedEvent, Verdict, event_of
from services.verify.values import BOM, Unreadable, parsed

SEALED = {**dict.fromkeys(("enterprise", "policy", "seal"), str), "year": int, "marks": {}}
"""What the seal is read with: a type, an object with at least these keys, or a list of such."""
LINE = {"line": str, "number": int, "path": [str]}
WANTED = {
    **dict.fromkeys(("name", "budget", "sharing", "factor", "checkpoint"), str),
    "awards": [{"measure": str, "award_year": int}],
    "account": {},
    "list": {"root": str, "lines": int, "head": LINE, "rows": [LINE]},
    "events": [{}],
}
VALUES = "changed values"


def verify_receipt(path: Path, keys: list[VerifierKey], witnesses: int = 0) -> tuple[dict[str, Any], Verdict]:
    """Check a receipt.

    Raises:
        Broken: for a file that is no receipt.
    """
    raw = path.read_bytes()
    if len(raw) > LINE_BYTES_MAX:
        raise Broken("the receipt is too large")
    try:
        head = parsed(raw.removeprefix(BOM))
    except Unreadable as error:
        what = "the receipt" if FORMAT.encode() in raw else "neither a receipt nor a published list"
        raise Broken(f"{what}: {error}") from None
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise Broken(f"not a receipt in the form {FORMAT}")
    _must_be(head, SEALED, "")
    verdict = Verdict()
    found = _Receipt(head, keys, witnesses, verdict)
    found.check_seal()
    try:
        _must_be(head, WANTED, "")
        found.run()
    except Broken as error:
        if not verdict.faults:
            raise
        verdict.fault(f"nothing more can be checked: {error}")
    return head, verdict


def _must_be(value: Any, kind: Any, place: str) -> None:
    """Hold a value against what it must be.

    Raises:
        Broken: naming the place (RFC 6901) of what is missing or of another kind.
    """
    wanted, given = kind if isinstance(kind, type) else type(kind), type(value)
    if given is not wanted:
        raise Broken(f"{place} is missing or not of its kind")
    if isinstance(kind, dict):
        for name, inner in kind.items():
            _must_be(value.get(name), inner, f"{place}/{name}")
    elif isinstance(kind, list):
        for number, each in enumerate(value):
            _must_be(each, kind[0], f"{place}/{number}")


C = TypeVar("C", bound=Content)


class _Receipt:
    def __init__(
        self, head: dict[str, Any], keys: list[VerifierKey], witnesses: int, verdict: Verdict
    ) -> None:
        self.head, self.keys, self.witnesses, self.verdict = head, keys, witnesses, verdict
        self.code, self.policy, self.year = head["enterprise"], head["policy"], head["year"]
        self.facts: dict[str, list[tuple[LoggedEvent, Event]]] = {}

    def run(self) -> None:
        """Check what stands in it."""
        fault = self.verdict.fault
        checkpoint = self._checkpoint()
        for value in self.head["events"]:
            self._take(value, checkpoint)
        self.verdict.events = len(self.head["events"])
        published = self._last(SettlementPublished)
        closed, settled = self._last(SettlementClosed), self._last(AwardsSettled)
        if published is None or closed is None or settled is None:
            fault("the receipt does not hold the publication, the closing and the enterprise's part")
            return
        self.verdict.number = published.number
        if published.number != closed.number:
            fault("the list that was published is not the one that was closed")
        lines = [SettledLine(self.code, *each) for each in settled.lines]
        self._check_awards(lines)
        self._check_division(closed, lines)
        self._check_list(published, lines)
        self._check_account()
        self.verdict.closed = max(e.position for e, f in self.facts.get("SettlementClosed", []))

    def check_seal(self) -> None:
        """Every value is the one that was sealed; what was changed is named by its place."""
        said = {name: value for name, value in self.head.items() if name not in APART}
        marks = self.head["marks"]
        try:
            body, signatures = parse_note(self.head["seal"])
        except NoteError as error:
            raise Broken(f"/seal: {error}") from None
        signed = any(key.verifies(body, each) for key in self.keys for each in signatures)
        self.verdict.unknown += sum(not any(k.verifies(body, each) for k in self.keys) for each in signatures)
        own = seal_body(self.code, self.policy, self.year, digest_of(said), "")
        whole = signed and body.startswith(own[:-1])
        worked = marks_of(said)
        for place in sorted(worked.keys() | marks.keys()):
            if whole and worked.get(place) != marks.get(place):
                stands = "was changed, the value there is what the receipt was made with"
                self.verdict.fault(f"the mark of {place} {stands}", VALUES)
            elif place not in marks:
                self.verdict.fault(f"{place} was added after the receipt was made", VALUES)
            elif place not in worked:
                self.verdict.fault(f"{place} is missing from the receipt", VALUES)
            elif worked[place] != marks[place]:
                self.verdict.fault(f"{place} is not what the receipt was made with", VALUES)
        if body != seal_body(self.code, self.policy, self.year, digest_of(said), digest_of(marks)):
            self.verdict.fault("the seal is not of this receipt: something in it was changed")
        if not signed:
            self.verdict.fault("the seal is not signed by any of the given keys")

    def _checkpoint(self) -> Checkpoint:
        try:
            checkpoint, _ = open_checkpoint(self.head["checkpoint"], self.keys)
        except NoteError as error:
            raise Broken(f"/checkpoint: {error}") from None
        self.verdict.signed(*parse_note(self.head["checkpoint"]), self.keys)
        self.verdict.witnessed(self.witnesses)
        self.verdict.size = checkpoint.size
        return checkpoint

    def _take(self, value: Any, checkpoint: Checkpoint) -> None:
        """One event: it stands in the log, and belongs here."""
        event = event_of(value)
        try:
            check_inclusion(
                event.leaf, event.position - 1, checkpoint.size, event.path or [], checkpoint.root
            )
            fact, _ = STATES.read_state(event.topic, event.state)
        except ProofError as error:
            self.verdict.fault(f"the event at position {event.position} is not in the log: {error}")
            return
        except (UnreadableState, ValueError) as error:
            raise Broken(f"the event at position {event.position} cannot be read: {error}") from None
        mine = account_id(self.policy, self.year, self.code), settlement_id(self.policy, self.year)
        if event.originator not in mine:
            self.verdict.fault(f"an event of {event.originator} does not belong here")
            return
        self.facts.setdefault(fact.name, []).append((event, fact))

    def _last(self, kind: type[C]) -> C | None:
        """The last event of a kind."""
        found = self.facts.get(kind.__name__)
        content = max(found, key=lambda each: each[0].position)[1].content if found else None
        return content if isinstance(content, kind) else None

    def _check_awards(self, lines: list[SettledLine]) -> None:
        """The awards that the receipt tells are those that were settled."""
        told = {(str(each.get("measure")), each.get("award_year")): each for each in self.head["awards"]}
        if len(told) != len(self.head["awards"]) or set(told) != {line[1:3] for line in lines}:
            self.verdict.fault("the awards of the receipt are not those that were settled")
        for line in lines:
            each = told.get(line[1:3], {})
            for name in ("gross", "withheld", "reduction", "payable"):
                value = yuan(getattr(line, name))
                if each.get(name) != value:
                    what = f"{line.measure} {line.award_year}: {name}"
                    self.verdict.fault(f"{what} {value} was settled, the receipt says {each.get(name)}")
            self.verdict.awards += 1
            self.verdict.payable += line.payable

    def _check_division(self, closed: SettlementClosed, lines: list[SettledLine]) -> None:
        """Budget and factor are the closing's, and each payment follows from them."""
        shares = division_of(closed)
        value = shares.factor
        said = {
            "budget": yuan(closed.budget_fen),
            "sharing": yuan(closed.sharing_fen),
            "factor": f"{value.numerator}/{value.denominator}",
        }
        for name, worked in said.items():
            if self.head[name] != worked:
                self.verdict.fault(f"{name} is {worked}, the receipt says {self.head[name]}")
        bases = {(row.measure, row.award_year): row.basis for row in self._rows()}
        for line in lines:
            basis = bases.get(line[1:3])
            if basis is None:
                due = line.gross - line.withheld
            else:
                key = (self.code, line.measure, f"{line.award_year:04d}")
                set_off = line.withheld if basis == line.gross else 0
                due = max(shares.share(basis, key, line.pot) - set_off, 0)
            if due != line.payable:
                what = f"{line.measure} {line.award_year}"
                self.verdict.fault(f"{what}: {yuan(due)} was worked out, {yuan(line.payable)} was settled")

    def _rows(self) -> list[ListRow]:
        """The enterprise's awards as the published list has them."""
        rows = self.head["list"]["rows"]
        return [read_row(row["line"].encode(), row["number"]) for row in rows]

    def _check_list(self, published: SettlementPublished, lines: list[SettledLine]) -> None:
        """The enterprise's lines and the head stand in the list that was published."""
        said, root, size = self.head["list"], published.list_root, published.list_lines or 0
        if (said.get("root"), said.get("lines")) != (root, size) or root is None:
            self.verdict.fault(f"the list's root is {root}, the receipt says {said.get('root')}")
            return
        for each in [said["head"], *said["rows"]]:
            try:
                path = [bytes.fromhex(step) for step in each["path"]]
                check_inclusion(leaf_of_line(each["line"]), each["number"], size, path, bytes.fromhex(root))
            except (ProofError, ValueError, TypeError):
                self.verdict.fault(f"line {each['number']} does not stand in the published list")
        settled = sorted(line[1:] for line in lines)
        if settled != sorted(settled_line(row)[1:] for row in self._rows()):
            self.verdict.fault("the enterprise's lines in the list are not what was settled")

    def _check_account(self) -> None:
        """What was paid and must be paid back follows from the account's events."""
        account = Account()
        of_account = [
            (event, fact)
            for found in self.facts.values()
            for event, fact in found
            if event.originator.startswith("account:")
        ]
        version = 0
        for event, fact in sorted(of_account, key=lambda each: each[0].version):
            version += 1
            if event.version != version:
                self.verdict.fault(f"version {version} of the account is missing")
                version = event.version
            try:
                account.apply(fact.content)
            except (ArithmeticError, KeyError):
                self.verdict.fault(f"position {event.position}: the account's sums do not hold")
        worked = {
            "payable": account.payable,
            "ordered": account.ordered,
            "paid": account.paid,
            "clawed_back": account.clawed,
            "recovered": account.recovered,
        }
        for name, fen in worked.items():
            if self.head["account"].get(name) != yuan(fen):
                told = self.head["account"].get(name)
                self.verdict.fault(f"account: {name} is {yuan(fen)}, the receipt says {told}")
        self.verdict.paid, self.verdict.clawed = account.paid, account.clawed
        self.verdict.recovered = account.recovered
