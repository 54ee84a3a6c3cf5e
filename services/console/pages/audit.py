"""For auditors: checkpoints and who vouches for them, bundles and books to take away, who looked."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from flask import request
from werkzeug.wrappers import Response as BaseResponse

from domain.log.notes import Checkpoint, NoteError, parse_note
from domain.things.credit_code import is_valid
from ledger.audit import bundle, checkpoints, looks
from ledger.export.books import NotExportable, books_of, no_tick
from ledger.reading.records import read_names
from ledger.store.application import Ledger
from ledger.store.rows import Rows
from services.api.log import views as log
from services.console import asking, forms
from services.console.blueprint import console
from services.console.files import sent
from services.console.menu import add_to_menu
from services.console.pages.home import open_policy
from services.console.rendering import choices, page
from services.web.exports import FORMATS
from services.web.identity.access import ACCESS
from services.web.identity.gate import requester
from services.web.looking import tells_of
from services.web.problems import Problem

add_to_menu("audit_page", "nav-audit", 100)
KEPT, LOOKS = 10, 20
TRIES = 3
"""How often a bundle is begun anew because events came in between checkpoint and bundle."""
BOOKS = {"hledger": "journal", "beancount": "beancount", "xlsx": "xlsx", "parquet": "zip"}
"""The forms of the books that are offered, each with the suffix of its file."""


@console.get("/<policy>/<int:year>/audit")
def audit_page(policy: str, year: int) -> BaseResponse:
    """Show what an auditor begins with."""
    open_policy(policy, year)
    ledger = forms.opened()
    latest, broken = _latest(ledger)
    before = asking.cursor("checkpoints", int) or (2**62,)
    with ledger.store.reading() as rows:
        kept = _kept(rows, before[0])
        looked = list(reversed(looks.latest(rows, None, LOOKS))) if _may_see_looks() else []
        names = read_names(rows, [each.code for each in looked])
        place = rows.last_position()
    return page(
        "audit.html",
        policy=policy,
        year=year,
        place=place,
        choices=choices(),
        latest=latest,
        broken=broken,
        kept=kept[:KEPT],
        next=asking.further("checkpoints", kept[KEPT - 1]["size"]) if len(kept) > KEPT else "",
        first=asking.beginning(),
        keys=[] if broken else log.keys({})["keys"],
        looked=looked,
        names=names,
        books=list(BOOKS),
    )


def _may_see_looks() -> bool:
    """Whether who read what may be shown to whoever asks, as the interface has it."""
    return bool(requester().roles & set(ACCESS["looks.looks"]))


def _latest(ledger: Ledger) -> tuple[dict[str, object] | None, str]:
    """The checkpoint of everything recorded so far; or why none can be signed."""
    try:
        note = checkpoints.current(ledger, log.signer())
        return _read(note), ""
    except (ArithmeticError, LookupError, NoteError, OSError) as error:
        return None, str(error)


def _read(note: str, made_at: str = "") -> dict[str, object]:
    """A checkpoint as its parts, and who signed it beside the ledger."""
    body, signatures = parse_note(note)
    made = Checkpoint.parse(body)
    witnesses = [each.name for each in signatures if each.name != made.origin]
    return {
        "note": note,
        "made_at": made_at,
        "origin": made.origin,
        "size": made.size,
        "root": made.root.hex(),
        "witnesses": witnesses,
    }


def _kept(rows: Rows, before: int) -> list[dict[str, object]]:
    sql = "SELECT note, made_at FROM checkpoints WHERE size<? ORDER BY size DESC LIMIT ?"
    return [_read(str(note), str(made_at)) for note, made_at in rows.all(sql, [before, KEPT + 1])]


@console.get("/<policy>/<int:year>/audit/bundle")
def audit_bundle(policy: str, year: int) -> BaseResponse:
    """Give the bundle of the year, or of one enterprise in it."""
    open_policy(policy, year)
    code = request.args.get("enterprise", "").strip()
    if "enterprise" in request.args and not is_valid(code):
        raise Problem("enterprise-unknown", named=code)
    name = f"{policy}-{year}{f'-{code}' if code else ''}.zip"
    ledger = forms.opened()

    def write(path: Path) -> None:
        for number in range(TRIES):
            key = log.signer()
            note = checkpoints.current(ledger, key)
            size = Checkpoint.parse(parse_note(note)[0]).size
            try:
                if code:
                    bundle.write_enterprise(ledger, path, code, policy, year, note, size, key)
                else:
                    bundle.write_year(ledger, path, policy, year, note, size)
                return
            except checkpoints.StaleCheckpoint:
                if number + 1 == TRIES:
                    raise Problem("store-unavailable") from None
            except LookupError:
                raise Problem("enterprise-unknown", named=code) from None

    response = _written(name, write)
    if code:
        tells_of([code])
    return response


@console.get("/<policy>/<int:year>/audit/books/<form>")
def audit_books(policy: str, year: int, form: str) -> BaseResponse:
    """Give the books of the year in a form that other programs read."""
    open_policy(policy, year)
    if form not in BOOKS:
        raise Problem("route-unknown")
    ledger = forms.opened()

    def write(path: Path) -> None:
        out = path.with_name(f"{policy}-{year}.parquet") if form == "parquet" else path
        with ledger.store.reading() as rows:
            found = FORMATS[form](books_of(ledger, rows, policy, year), out, no_tick)
        if form == "parquet":
            with zipfile.ZipFile(path, "w") as archive:
                for each in found:
                    archive.write(each, each.name)
                    each.unlink()

    return _written(f"{policy}-{year}.{BOOKS[form]}", write)


def _written(name: str, write: Callable[[Path], None]) -> BaseResponse:
    """A file written aside and sent in pieces."""
    folder = TemporaryDirectory()
    path = Path(folder.name) / name
    try:
        write(path)
        return sent(folder, path, name)
    except NotExportable as error:
        folder.cleanup()
        raise Problem("not-exportable", reason=str(error)) from None
    except BaseException:
        folder.cleanup()
        raise
