"""Fills a .docx template: places in paragraphs, tables, headers and footers; rows are repeated for records.

A place may stand in several runs, as word processors split text for their own reasons; it takes
the look of its first letter.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, BinaryIO

from docx import Document
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml.ns import qn
from docx.table import Table, _Row
from docx.text.paragraph import Paragraph

from ledger.documents.places import PLACE, Filling, TemplateError, Value, filled, table_of, unknown
from ledger.export.books import NotExportable

ROWS_MAX = 5_000
"""Most rows of a table in a text document, each of which takes 60 KB of memory; longer ones are sheets."""


def fill(template: Path | BinaryIO, out: BinaryIO, filling: Filling, aliases: Mapping[str, str]) -> None:
    """Fill a template.

    Raises:
        TemplateError: for places that there are not; NotExportable: for a file that is no .docx, or
            a table of too many rows.
    """
    try:
        document = Document(str(template) if isinstance(template, Path) else template)
    except (PackageNotFoundError, zipfile.BadZipFile, ValueError, KeyError, OSError) as error:
        raise NotExportable(f"{template}: not a .docx document ({error})") from None
    names = set(filling.names())
    faults = list(unknown(_texts(document), names, aliases))
    if faults:
        raise TemplateError(faults, sorted(names))
    filling.check_rows(
        [table_of(text, aliases) for _, text in _texts(document)],
        ROWS_MAX,
        "改用 .xlsx，或 settle list 写 .csv · write .xlsx, or a .csv by settle list",
    )
    for part in _parts(document):
        for block in list(part.iter_inner_content()):
            if isinstance(block, Table):
                _table(block, filling, aliases)
            else:
                _paragraph(block, filling, aliases)
    document.save(out)


def _parts(document: Any) -> Iterator[Any]:
    yield document
    for section in document.sections:
        for part in (section.header, section.footer, section.first_page_header, section.first_page_footer):
            if not part.is_linked_to_previous:
                yield part


def _texts(document: Any) -> Iterator[tuple[str, str]]:
    """Every text with where it stands."""
    for part in _parts(document):
        tables = paragraphs = 0
        for block in part.iter_inner_content():
            if isinstance(block, Table):
                tables += 1
                for number, row in enumerate(block.rows, 1):
                    for cell in row.cells:
                        yield f"表{tables}第{number}行", cell.text
            else:
                paragraphs += 1
                yield f"第{paragraphs}段", block.text


def _paragraph(paragraph: Paragraph, filling: Filling, aliases: Mapping[str, str]) -> None:
    table = table_of(paragraph.text, aliases)
    if table is None:
        fill_runs(paragraph, filling.values, aliases)
        return
    for record in filling.tables[table]():
        copy = deepcopy(paragraph._p)
        paragraph._p.addprevious(copy)
        fill_runs(Paragraph(copy, paragraph._parent), _scoped(filling, table, record), aliases)
    paragraph._p.getparent().remove(paragraph._p)


def _scoped(filling: Filling, table: str, record: Mapping[str, Value]) -> dict[str, Value]:
    return {**filling.values, **{f"{table}.{name}": value for name, value in record.items()}}


def _table(table: Table, filling: Filling, aliases: Mapping[str, str]) -> None:
    for row in list(table.rows):
        named = table_of("\n".join(cell.text for cell in row.cells), aliases)
        if named is None:
            _row(row, filling.values, aliases)
            continue
        for cell in row.cells:
            for paragraph in cell.paragraphs:
                _join_places(paragraph)
        for count, record in enumerate(filling.tables[named](), 1):
            if count > ROWS_MAX:
                raise NotExportable(f"more than {ROWS_MAX:,} rows — write it as .xlsx, or export the list")
            copy = deepcopy(row._tr)
            row._tr.addprevious(copy)
            _fill_copy(copy, _scoped(filling, named, record), aliases)
        row._tr.getparent().remove(row._tr)


def _fill_copy(row: Any, values: Mapping[str, Value], aliases: Mapping[str, str]) -> None:
    """Fill a copy of a row whose places stand in one run each; python-docx would take ten times as long."""
    for run in row.iter(qn("w:r")):
        texts = run.findall(qn("w:t"))
        before = "".join(text.text or "" for text in texts)
        if "{{" not in before:
            continue
        after = filled(before, values, aliases)
        if len(texts) == 1 and after.isprintable() and after == after.strip():
            texts[0].text = after
        else:  # line ends, tabs and blanks have elements and attributes of their own
            run.text = filled(run.text, values, aliases)


def _row(row: _Row, values: Mapping[str, Value], aliases: Mapping[str, str]) -> None:
    for cell in row.cells:
        for paragraph in cell.paragraphs:
            fill_runs(paragraph, values, aliases)


def fill_runs(paragraph: Paragraph, values: Mapping[str, Value], aliases: Mapping[str, str]) -> None:
    """Fill the places of a paragraph, keeping the look of its runs."""
    if "{{" not in paragraph.text:
        return
    _join_places(paragraph)
    for run in paragraph.runs:
        if "{{" in run.text:
            run.text = filled(run.text, values, aliases)


def _join_places(paragraph: Paragraph) -> None:
    """Bring each place into one run, the one in which it begins."""
    runs = [run for run in paragraph.runs if run.text]
    starts, offset = [], 0
    for run in runs:
        starts.append(offset)
        offset += len(run.text)
    for match in reversed(list(PLACE.finditer("".join(run.text for run in runs)))):
        first = max(n for n, start in enumerate(starts) if start <= match.start())
        last = max(n for n, start in enumerate(starts) if start < match.end())
        if first == last:
            continue
        runs[first].text = runs[first].text[: match.start() - starts[first]] + match[0]
        for run in runs[first + 1 : last]:
            run.text = ""
        runs[last].text = runs[last].text[match.end() - starts[last] :]
