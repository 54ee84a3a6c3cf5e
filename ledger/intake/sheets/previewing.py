"""Preview and record: what a file would do to the ledger, then exactly that, once.

A preview writes nothing. Its ``preview`` is a digest of the file, its source and what each row
was found to be; recording asks for it, tries the rows again where the ledger has moved on, and
goes on only where the answer is still the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from domain.faults.fault import Fault
from domain.intake.authorising import NO_SENDER, Sender
from domain.money.wire import wire_form
from ledger.intake.inbox import Totals, ingest
from ledger.intake.messages.decode import Now, Refusal
from ledger.intake.messages.schemas import TYPE_OF
from ledger.intake.refusals import count_open, settle_accepted
from ledger.intake.sheets.consequences import consequences
from ledger.intake.sheets.doubting import Doubts
from ledger.intake.sheets.files.cells import letters
from ledger.intake.sheets.holding import LEFT_OUT, RETURNED, HeldRow, Holding
from ledger.intake.sheets.rows import Reading
from ledger.intake.sheets.tables import SHIPPED_TABLES
from ledger.intake.sheets.trial import CHANNEL, Trial
from ledger.store.application import Ledger
from ledger.store.rows import Rows

DEFAULT_SOURCE = "urn:spreadsheet"
"""Whose facts a file's are where nobody says; the same for everybody, so that a file counts once."""
BATCH_ROWS = 2_000
SHOWN_ROWS = 200
"""Most rows that a preview lists; the marked workbook has all of them."""

Layouts = dict[tuple[str, str], dict[int, str]]
"""Keys of the columns by place, of each sheet and table."""
Progress = Callable[[str, int], None]
"""Told the stage (reading, trying, weighing, recording) and how many rows are done."""


class Moved(Exception):
    """The ledger has moved on, and the rows would no longer do what was previewed."""


def reading_of(
    ledger: Ledger, path: Path, file_name: str, source: str, table_name: str | None = None
) -> Reading:
    """A file about to be read; ``table_name`` is the class name of its table where the sender says it."""
    return Reading(path, source, Now.bounds_at(ledger.clock()), table_name, Path(file_name).stem[:100])


class SheetSender(NamedTuple):
    """Who sends a file, and whether they may not learn what others said."""

    sender: Sender = NO_SENDER
    discreet: bool = False


ANYONE = SheetSender()


def preview(
    ledger: Ledger, reading: Reading, holding: Holding, progress: Progress, sender: SheetSender = ANYONE
) -> None:
    """Read a file and try its rows; what was found is noted in ``holding``.

    Raises:
        SheetError: where the file cannot be read.
    """
    with reading.path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    for done in holding.take(reading.rows()):
        progress("reading", done)
    holding.note("sha256", digest)
    holding.note("source", reading.source)
    holding.note("passed", reading.unread)
    holding.note("is_text", reading.is_text)
    for sheet, row in reading.heads.items():
        holding.note(f"head:{sheet}", row)
    try_again(ledger, holding, progress, sender)


def try_again(ledger: Ledger, holding: Holding, progress: Progress, sender: SheetSender = ANYONE) -> None:
    """Try the rows on the ledger as it stands now."""
    done = 0

    def tick(count: int) -> None:
        nonlocal done
        done += count
        progress("trying", done)

    with ledger.store.reading() as rows:
        Trial(ledger, rows, holding, sender.sender, sender.discreet).run(tick)
        progress("weighing", done)
        _note(ledger, rows, holding)


def report_anew(
    ledger: Ledger, holding: Holding, places: Sequence[str], progress: Progress, sender: SheetSender = ANYONE
) -> None:
    """Try the rows again, with those at some places as reports of their own (``Holding.choose_anew``).

    Raises:
        SheetError: for a place where no row is that may be reported anew.
    """
    holding.note("anew", sorted(holding.choose_anew(places)))
    try_again(ledger, holding, progress, sender)


def _note(ledger: Ledger, rows: Rows, holding: Holding) -> None:
    holding.note("position", rows.last_position())
    holding.note("consequences", wire_form(consequences(ledger, rows, holding)))
    holding.note("disagreements", Doubts(holding.db).counts())
    holding.note("preview", _digest_of(holding, set()))


def _digest_of(holding: Holding, without: set[int]) -> str:
    """The digest of a file, its source and what its rows were found to be, but for some rows."""
    digest = hashlib.sha256(f"{holding.read_note('sha256')} {holding.read_note('source')}".encode())
    for row in holding.db.execute("SELECT n, id, state FROM rows ORDER BY n"):
        if row[0] not in without:
            digest.update(f"{row[0]} {row[1]} {row[2]}\n".encode())
    return digest.hexdigest()


def record(
    ledger: Ledger,
    holding: Holding,
    agreed: str,
    progress: Progress,
    sender: SheetSender = ANYONE,
    anew: Sequence[str] | None = None,
) -> Totals:
    """Record what was previewed; rows that are wrong or contradictory are kept with their reasons.

    Those over the quota of who sends them are not: the marked workbook has them.

    What was refused earlier is settled where its row is recorded now, or known.

    Safe to repeat: what is recorded already changes nothing.

    Args:
        agreed: the ``preview`` that somebody saw and agreed to.
        anew: places of rows that the preview leaves out, and that are reports of their own;
            ``None``: the preview has them already (``report_anew``).

    Raises:
        Moved: where the rows would no longer do what was previewed; the new preview is noted.
        SheetError: for a place where no row is that may be reported anew.
    """
    with ledger.store.reading() as rows:
        moved = rows.last_position() != holding.read_note("position")
    if anew is not None and holding.read_note("anew"):
        holding.note("anew", [])
        moved = True
    if moved:
        try_again(ledger, holding, progress, sender)
    if holding.read_note("preview") != agreed:
        raise Moved
    if anew:
        chosen = holding.choose_anew(anew)
        others = _digest_of(holding, chosen)
        report_anew(ledger, holding, anew, progress, sender)
        if _digest_of(holding, chosen) != others:
            report_anew(ledger, holding, (), progress, sender)
            raise Moved
    _settle_known(ledger, holding)
    totals, waiting = Totals(), list[bytes | Refusal]()
    for held_row in holding.rows_in(("new", *RETURNED)):
        waiting.append(
            held_row.raw if held_row.state == "new" else _refusal(held_row, holding.read_note("source"))
        )
        if len(waiting) == BATCH_ROWS:
            totals.add(ingest(ledger, waiting, CHANNEL, sender=sender.sender))
            progress("recording", totals.accepted + totals.duplicate + totals.refused)
            waiting = []
    if waiting:
        totals.add(ingest(ledger, waiting, CHANNEL, sender=sender.sender))
    holding.note("recorded", [totals.accepted, totals.duplicate, totals.refused, totals.unkept])
    progress("recording", totals.accepted + totals.duplicate + totals.refused)
    return totals


def _settle_known(ledger: Ledger, holding: Holding) -> None:
    """Close what was refused of rows that say what the ledger knows already: they are not sent again."""
    with ledger.store.reading() as rows:
        if not count_open(rows):
            return
    source = holding.read_note("source")
    known_ids = ((source, held_row.event_id) for held_row in holding.rows_in(("known",)))
    while chunk := list(islice(known_ids, BATCH_ROWS)):
        with ledger.store.writing() as rows:
            settle_accepted(rows, chunk)


def _refusal(held_row: HeldRow, source: str) -> Refusal:
    faults = [Fault(each.fault.code, each.fault.field or "row", each.fault.args) for each in held_row.marked]
    return Refusal(
        held_row.raw,
        faults,
        source,
        held_row.event_id,
        held_row.subject[:200] or None,
        TYPE_OF[held_row.name],
    )


def described(holding: Holding) -> dict[str, Any]:
    """A preview as plain data, but its rows."""
    counts = holding.counts()
    return {
        "preview": holding.read_note("preview"),
        "sha256": holding.read_note("sha256"),
        "source": holding.read_note("source"),
        "position": holding.read_note("position"),
        "rows": sum(counts.values()),
        "counts": counts,
        "unread": holding.read_note("passed", []),
        "consequences": holding.read_note("consequences", []),
        "disagreements": holding.read_note("disagreements"),
    }


def doubtful(holding: Holding, limit: int = SHOWN_ROWS) -> list[dict[str, Any]]:
    """The rows that disagree with others of the file or the ledger, with words and whether they are held."""
    return list(Doubts(holding.db).list_rows(limit))


def faulty(holding: Holding, limit: int = SHOWN_ROWS) -> Iterator[dict[str, Any]]:
    """The rows that are not taken: sheet, row, state, and each fault at its cell and heading."""
    layouts = holding.layouts()
    for held_row in holding.rows_in(RETURNED, limit=limit):
        yield _with_faults(held_row, layouts)


def left_out(holding: Holding, limit: int = SHOWN_ROWS) -> Iterator[dict[str, Any]]:
    """The rows that say what was said before, as ``faulty``; ``anew``: how to name one to report it anew."""
    layouts = holding.layouts()
    for held_row in holding.rows_in(LEFT_OUT, limit=limit):
        yield {**_with_faults(held_row, layouts), "anew": held_row.place if held_row.next_id else None}


def _with_faults(held_row: HeldRow, layouts: Layouts) -> dict[str, Any]:
    keys = layouts[held_row.sheet, held_row.name]
    columns = SHIPPED_TABLES.by_name[held_row.name].by_key
    return {
        "sheet": held_row.sheet,
        "row": held_row.row,
        "state": held_row.state,
        "faults": [
            {
                "cell": f"{letters(each.column)}{held_row.row}" if each.column else "",
                "heading": columns[keys[each.column]].words.title if each.column in keys else None,
                "fault": each.fault,
            }
            for each in held_row.marked
        ],
    }
