"""Preview and record: what a file would do to the ledger, then exactly that, once.

A preview writes nothing. Its ``preview`` is a digest of the file, its source and what each row
was found to be; recording asks for it, tries the rows again where the ledger has moved on, and
goes on only where the answer is still the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from domain.faults.fault import Fault
from ledger.intake.inbox import Totals, ingest
from ledger.intake.machine_keys import Scope
from ledger.intake.messages.decode import Now, Refusal
from ledger.intake.messages.schemas import TYPE_OF
from ledger.intake.refusals import count_open, settle_accepted
from ledger.intake.sheets.consequences import consequences
from ledger.intake.sheets.doubting import Doubts
from ledger.intake.sheets.files.cells import letters
from ledger.intake.sheets.holding import RETURNED, Held, Holding
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

Progress = Callable[[str, int], None]
"""Told the stage (reading, trying, weighing, recording) and how many rows are done."""


class Moved(Exception):
    """The ledger has moved on, and the rows would no longer do what was previewed."""


def reading_of(
    ledger: Ledger, path: Path, file_name: str, source: str, table_name: str | None = None
) -> Reading:
    """A file about to be read; ``table_name`` is the class name of its table where the sender says it."""
    return Reading(path, source, Now.at(ledger.clock()), table_name, Path(file_name).stem[:100])


class Sender(NamedTuple):
    """What the sender of a file may say, and whether it may not learn what others said."""

    scope: Scope | None = None
    discreet: bool = False


ANYONE = Sender()


def preview(
    ledger: Ledger, reading: Reading, holding: Holding, progress: Progress, sender: Sender = ANYONE
) -> None:
    """Read a file and try its rows; what was found is noted in ``holding``.

    Raises:
        SheetError: where the file cannot be read.
    """
    with reading.path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    for done in holding.take(reading.rows()):
        progress("reading", done)
    holding.say("sha256", digest)
    holding.say("source", reading.source)
    holding.say("passed", reading.unread)
    holding.say("is_text", reading.is_text)
    for sheet, row in reading.heads.items():
        holding.say(f"head:{sheet}", row)
    try_again(ledger, holding, progress, sender)


def try_again(ledger: Ledger, holding: Holding, progress: Progress, sender: Sender = ANYONE) -> None:
    """Try the rows on the ledger as it stands now."""
    done = 0

    def tick(count: int) -> None:
        nonlocal done
        done += count
        progress("trying", done)

    with ledger.store.reading() as rows:
        Trial(ledger, rows, holding, sender.scope, sender.discreet).run(tick)
        progress("weighing", done)
        _note(ledger, rows, holding)


def _note(ledger: Ledger, rows: Rows, holding: Holding) -> None:
    holding.say("position", rows.last_position())
    holding.say("consequences", consequences(ledger, rows, holding))
    holding.say("disagreements", Doubts(holding.db).counts())
    said = hashlib.sha256(f"{holding.said('sha256')} {holding.said('source')}".encode())
    for row in holding.db.execute("SELECT n, id, state FROM rows ORDER BY n"):
        said.update(f"{row[0]} {row[1]} {row[2]}\n".encode())
    holding.say("preview", said.hexdigest())


def record(
    ledger: Ledger, holding: Holding, agreed: str, progress: Progress, sender: Sender = ANYONE
) -> Totals:
    """Record what was previewed; rows that are wrong or contradictory are kept with their reasons.

    What was refused earlier is settled where its row is recorded now, or known.

    Safe to repeat: what is recorded already changes nothing.

    Args:
        agreed: the ``preview`` that somebody saw and agreed to.

    Raises:
        Moved: where the rows would no longer do what was previewed; the new preview is noted.
    """
    with ledger.store.reading() as rows:
        moved = rows.last_position() != holding.said("position")
    if moved:
        try_again(ledger, holding, progress, sender)
    if holding.said("preview") != agreed:
        raise Moved
    _settle_known(ledger, holding)
    totals, waiting = Totals(), list[bytes | Refusal]()
    for held in holding.listed(("new", *RETURNED)):
        waiting.append(held.raw if held.state == "new" else _refusal(held, holding.said("source")))
        if len(waiting) == BATCH_ROWS:
            totals.add(ingest(ledger, waiting, CHANNEL, scope=sender.scope))
            progress("recording", totals.accepted + totals.duplicate + totals.refused)
            waiting = []
    if waiting:
        totals.add(ingest(ledger, waiting, CHANNEL, scope=sender.scope))
    holding.say("recorded", [totals.accepted, totals.duplicate, totals.refused])
    progress("recording", totals.accepted + totals.duplicate + totals.refused)
    return totals


def _settle_known(ledger: Ledger, holding: Holding) -> None:
    """Close what was refused of rows that say what the ledger knows already: they are not sent again."""
    with ledger.store.reading() as rows:
        if not count_open(rows):
            return
    source = holding.said("source")
    known = ((source, held.event_id) for held in holding.listed(("known",)))
    while some := list(islice(known, BATCH_ROWS)):
        with ledger.store.writing() as rows:
            settle_accepted(rows, some)


def _refusal(held: Held, source: str) -> Refusal:
    faults = [Fault(each.fault.code, each.fault.field or "row", each.fault.args) for each in held.marked]
    return Refusal(held.raw, faults, source, held.event_id, held.subject[:200] or None, TYPE_OF[held.name])


def described(holding: Holding) -> dict[str, Any]:
    """A preview as plain data, but its rows."""
    counts = holding.counts()
    return {
        "preview": holding.said("preview"),
        "sha256": holding.said("sha256"),
        "source": holding.said("source"),
        "position": holding.said("position"),
        "rows": sum(counts.values()),
        "counts": counts,
        "unread": holding.said("passed", []),
        "consequences": holding.said("consequences", []),
        "disagreements": holding.said("disagreements"),
    }


def doubtful(holding: Holding, limit: int = SHOWN_ROWS) -> list[dict[str, Any]]:
    """The rows that disagree with others of the file or the ledger, with words and whether they are held."""
    return list(Doubts(holding.db).list_rows(limit))


def faulty(holding: Holding, limit: int = SHOWN_ROWS) -> Iterator[dict[str, Any]]:
    """The rows that are not taken: sheet, row, state, and each fault at its cell and heading."""
    layouts = holding.layouts()
    for held in holding.listed(RETURNED, limit=limit):
        keys = layouts[held.sheet, held.name]
        columns = SHIPPED_TABLES.by_name[held.name].by_key
        yield {
            "sheet": held.sheet,
            "row": held.row,
            "state": held.state,
            "faults": [
                {
                    "cell": f"{letters(each.column)}{held.row}" if each.column else "",
                    "heading": columns[keys[each.column]].words.title if each.column in keys else None,
                    "fault": each.fault,
                }
                for each in held.marked
            ],
        }
