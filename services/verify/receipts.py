"""An enterprise's receipt, checked by itself: the log, the list, the payment, and every value in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from domain.events import STATES, account_id, settlement_id
from domain.events.accounts import AwardsSettled
from domain.events.content import Content
from domain.events.settlements import SettlementClosed, SettlementPublished
from domain.events.stored import UnreadableState
from domain.log.merkle import ProofError, check_inclusion
from domain.log.notes import Checkpoint, NoteError, VerifierKey, open_checkpoint, parse_note
from domain.money.amounts import print_fen
from domain.settlement.accounts import Account
from domain.settlement.figures import division_of
from domain.settlement.public_list import leaf_of_line
from domain.settlement.receipt import APART, FORMAT, digest_of, marks_of, seal_body
from domain.settlement.year import SettledLine
from services.verify.lists import ListRow, read_row, settled_line
from services.verify.reading import LINE_BYTES_MAX, Broken, LoggedEvent, Verdict, counts, event_of, hashes_of
from services.verify.streams.accounts import sums_of
from services.verify.values import BOM, Unreadable, parsed

SEALED = {**dict.fromkeys(("enterprise", "policy", "seal"), str), "year": int, "marks": {}}
"""What the seal is read with: a type, an object with at least these keys, or a list of such."""
LINE = {"line": str, "number": int, "path": [str]}
CONTENTS = {
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
        form = "the receipt" if FORMAT.encode() in raw else "neither a receipt nor a published list"
        raise Broken(f"{form}: {error}") from None
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise Broken(f"not a receipt in the form {FORMAT}")
    _must_be(head, SEALED, "")
    verdict = Verdict()
    receipt = _Receipt(head, keys, witnesses, verdict)
    receipt.check_seal()
    try:
        _must_be(head, CONTENTS, "")
        receipt.check_contents()
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
    expected, actual = kind if isinstance(kind, type) else type(kind), type(value)
    if actual is not expected:
        raise Broken(f"{place} is missing or not of its kind")
    if isinstance(kind, dict):
        for name, inner in kind.items():
            _must_be(value.get(name), inner, f"{place}/{name}")
    elif isinstance(kind, list):
        for number, item in enumerate(value):
            _must_be(item, kind[0], f"{place}/{number}")


def _checkpoint_of(head: dict[str, Any]) -> Checkpoint | None:
    """The checkpoint that the receipt names, whoever signed it; ``None`` where there is none."""
    try:
        return Checkpoint.parse(parse_note(head["checkpoint"])[0])
    except (NoteError, LookupError, TypeError, AttributeError):
        return None


ContentT = TypeVar("ContentT", bound=Content)


class _ReceiptEvent(NamedTuple, Generic[ContentT]):
    """An event of the receipt: where the log has it, and what it says."""

    logged: LoggedEvent
    content: ContentT


class _Receipt:
    def __init__(
        self, head: dict[str, Any], keys: list[VerifierKey], witnesses: int, verdict: Verdict
    ) -> None:
        self.head, self.witnesses, self.verdict = head, witnesses, verdict
        self.keys = keys
        checkpoint = _checkpoint_of(head)
        self.sealing = [key for key in keys if counts(key, checkpoint)]
        self.code, self.policy, self.year = head["enterprise"], head["policy"], head["year"]
        self.events: list[_ReceiptEvent[Content]] = []

    def check_contents(self) -> None:
        """Check what stands in it."""
        checkpoint = self._checkpoint()
        for value in self.head["events"]:
            self._take_event(value, checkpoint)
        self.verdict.events = len(self.head["events"])
        publication, closing = self._last(SettlementPublished), self._last(SettlementClosed)
        part = self._last(AwardsSettled)
        if publication is None or closing is None or part is None:
            parts = "the publication, the closing and the enterprise's part"
            self.verdict.fault(f"the receipt does not hold {parts}")
            return
        self.verdict.number = publication.content.number
        if publication.content.number != closing.content.number:
            self.verdict.fault("the list that was published is not the one that was closed")
        lines = [SettledLine(self.code, *line) for line in part.content.lines]
        self._check_awards(lines)
        self._check_division(closing.content, lines)
        self._check_list(publication.content, lines)
        self._check_account()
        self.verdict.closed = closing.logged.position

    def check_seal(self) -> None:
        """Every value is the one that was sealed; what was changed is named by its place."""
        sealed = {name: value for name, value in self.head.items() if name not in APART}
        marks = self.head["marks"]
        try:
            body, signatures = parse_note(self.head["seal"])
        except NoteError as error:
            raise Broken(f"/seal: {error}") from None
        signed = any(key.verifies(body, each) for key in self.sealing for each in signatures)
        self.verdict.unknown += sum(not any(k.verifies(body, each) for k in self.keys) for each in signatures)
        digest = digest_of(sealed)
        unchanged = signed and body.startswith(seal_body(self.code, self.policy, self.year, digest, "")[:-1])
        computed = marks_of(sealed)
        for place in sorted(computed.keys() | marks.keys()):
            if unchanged and computed.get(place) != marks.get(place):
                stands = "was changed, the value there is what the receipt was made with"
                self.verdict.fault(f"the mark of {place} {stands}", VALUES)
            elif place not in marks:
                self.verdict.fault(f"{place} was added after the receipt was made", VALUES)
            elif place not in computed:
                self.verdict.fault(f"{place} is missing from the receipt", VALUES)
            elif computed[place] != marks[place]:
                self.verdict.fault(f"{place} is not what the receipt was made with", VALUES)
        if body != seal_body(self.code, self.policy, self.year, digest, digest_of(marks)):
            self.verdict.fault("the seal is not of this receipt: something in it was changed")
        if not signed:
            self.verdict.fault("the seal is not signed by any of the given keys")

    def _checkpoint(self) -> Checkpoint:
        try:
            checkpoint, _ = open_checkpoint(self.head["checkpoint"], self.keys)
        except NoteError as error:
            raise Broken(f"/checkpoint: {error}") from None
        self.verdict.signed(*parse_note(self.head["checkpoint"]), self.keys, checkpoint)
        self.verdict.witnessed(self.witnesses)
        self.verdict.size = checkpoint.size
        return checkpoint

    def _take_event(self, value: Any, checkpoint: Checkpoint) -> None:
        """One event: it stands in the log, and belongs here."""
        logged = event_of(value)
        position, path = logged.position, logged.path or []
        try:
            check_inclusion(logged.leaf, position - 1, checkpoint.size, path, checkpoint.root)
            event, _ = STATES.read_state(logged.topic, logged.state)
        except ProofError as error:
            self.verdict.fault(f"the event at position {position} is not in the log: {error}")
            return
        except (UnreadableState, ValueError) as error:
            raise Broken(f"the event at position {position} cannot be read: {error}") from None
        account = account_id(self.policy, self.year, self.code)
        if logged.originator not in (account, settlement_id(self.policy, self.year)):
            self.verdict.fault(f"an event of {logged.originator} does not belong here")
            return
        self.events.append(_ReceiptEvent(logged, event.content))

    def _last(self, kind: type[ContentT]) -> _ReceiptEvent[ContentT] | None:
        """The last event of a kind."""
        events = [
            _ReceiptEvent(logged, content) for logged, content in self.events if isinstance(content, kind)
        ]
        return max(events, key=lambda event: event.logged.position, default=None)

    def _check_awards(self, lines: list[SettledLine]) -> None:
        """The awards that the receipt tells are those that were settled."""
        awards = {(str(row.get("measure")), row.get("award_year")): row for row in self.head["awards"]}
        if len(awards) != len(self.head["awards"]) or set(awards) != {line[1:3] for line in lines}:
            self.verdict.fault("the awards of the receipt are not those that were settled")
        for line in lines:
            award = awards.get((line.measure, line.award_year), {})
            for name in ("gross", "withheld", "reduction", "payable"):
                settled, stated = print_fen(getattr(line, name)), award.get(name)
                if stated != settled:
                    figure = f"{line.measure} {line.award_year}: {name}"
                    self.verdict.fault(f"{figure} {settled} was settled, the receipt says {stated}")
            self.verdict.awards += 1
            self.verdict.payable += line.payable

    def _check_division(self, closing: SettlementClosed, lines: list[SettledLine]) -> None:
        """Budget and factor are the closing's, and each payment follows from them."""
        shares = division_of(closing)
        figures = {
            "budget": print_fen(closing.budget_fen),
            "sharing": print_fen(closing.sharing_fen),
            "factor": f"{shares.factor.numerator}/{shares.factor.denominator}",
        }
        for name, figure in figures.items():
            if self.head[name] != figure:
                self.verdict.fault(f"{name} is {figure}, the receipt says {self.head[name]}")
        bases = {(row.measure, row.award_year): row.basis for row in self._rows()}
        for line in lines:
            basis = bases.get((line.measure, line.award_year))
            if basis is None:
                due = line.gross - line.withheld
            else:
                key = (self.code, line.measure, f"{line.award_year:04d}")
                set_off = line.withheld if basis == line.gross else 0
                due = max(shares.share(basis, key, line.pot) - set_off, 0)
            if due != line.payable:
                fault = f"{print_fen(due)} was worked out, {print_fen(line.payable)} was settled"
                self.verdict.fault(f"{line.measure} {line.award_year}: {fault}")

    def _rows(self) -> list[ListRow]:
        """The enterprise's awards as the published list has them."""
        rows = self.head["list"]["rows"]
        return [read_row(row["line"].encode(), row["number"]) for row in rows]

    def _check_list(self, publication: SettlementPublished, lines: list[SettledLine]) -> None:
        """The enterprise's lines and the head stand in the list that was published."""
        listing, root, size = self.head["list"], publication.list_root, publication.list_lines or 0
        if (listing.get("root"), listing.get("lines")) != (root, size) or root is None:
            self.verdict.fault(f"the list's root is {root}, the receipt says {listing.get('root')}")
            return
        for line in [listing["head"], *listing["rows"]]:
            try:
                path = hashes_of(line["path"])
                check_inclusion(leaf_of_line(line["line"]), line["number"], size, path, bytes.fromhex(root))
            except (ProofError, ValueError, TypeError):
                self.verdict.fault(f"line {line['number']} does not stand in the published list")
        settled = sorted(line[1:] for line in lines)
        if settled != sorted(settled_line(row)[1:] for row in self._rows()):
            self.verdict.fault("the enterprise's lines in the list are not what was settled")

    def _check_account(self) -> None:
        """What was paid and must be paid back follows from the account's events."""
        account, version = Account(), 0
        steps = [event for event in self.events if event.logged.originator.startswith("account:")]
        for logged, content in sorted(steps, key=lambda step: step.logged.version):
            version += 1
            if logged.version != version:
                self.verdict.fault(f"version {version} of the account is missing")
                version = logged.version
            try:
                account.apply(content)
            except (ArithmeticError, KeyError):
                self.verdict.fault(f"position {logged.position}: the account's sums do not hold")
        for name, fen in sums_of(account).items():
            stated = self.head["account"].get(name)
            if stated != print_fen(fen):
                self.verdict.fault(f"account: {name} is {print_fen(fen)}, the receipt says {stated}")
        self.verdict.paid, self.verdict.clawed = account.paid, account.clawed
        self.verdict.recovered = account.recovered
