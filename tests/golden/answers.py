"""What a ledger was asked and what it answered, in a form that can be kept and held against another."""

from __future__ import annotations

import difflib
import hashlib
import io
import json
import lzma
import re
import shlex
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import openpyxl
import pyarrow.parquet

from tests.golden.outside import LEDGER, VERIFIER, Service, run_command

OUT = "{out}"
"""Stands in a command for the file that it writes."""
GIVEN = "{given}"
"""Stands in a command for the folder of what was given out (notes, policy files)."""
SHOWN_MAX = 6
"""Most differences of one answer that are shown."""
VALUE_CHARS_MAX = 120
LINE_CHARS_MAX = 4 * VALUE_CHARS_MAX


class FrozenAnswer(NamedTuple):
    """One question and its answer."""

    question: str
    """``GET path``, ``RUN`` and the arguments of ``subsidy-ledger``, ``VERIFY`` and what was given out."""
    status: int
    content: Any
    """Text as it came; of a workbook, a document, an archive or a table what stands in it."""
    apart: list[str] = []
    """Keys of a JSON object that are not compared."""


class Asker:
    """Asks one ledger, as its users would."""

    def __init__(
        self, service: Service | None, environment: dict[str, str], folder: Path, given: Path
    ) -> None:
        self.service, self.environment, self.folder, self.given = service, environment, folder, given

    def ask(self, question: str, apart: list[str] | None = None) -> FrozenAnswer:
        """Ask one question."""
        how, _, what = question.partition(" ")
        status, found = {"GET": self._get, "RUN": self._run, "VERIFY": self._verify}[how](what)
        return FrozenAnswer(question, status, found, apart or [])

    def _get(self, path: str) -> tuple[int, Any]:
        assert self.service is not None
        answer = self.service.get(path)
        return answer.status, read_content(answer.body)

    def _verify(self, line: str) -> tuple[int, Any]:
        name, *words = shlex.split(line)
        trusted = (self.given / "keys").read_text("utf-8").split()
        keys = [word for key in trusted for word in ("--key", key)]
        answer = run_command(VERIFIER, [str(self.given / name), "--quiet", *keys, *words], self.environment)
        return answer.status, read_content(answer.body)

    def _run(self, line: str) -> tuple[int, Any]:
        words = [word.replace(GIVEN, str(self.given)) for word in shlex.split(line)]
        out = next((word for word in words if OUT in word), None)
        if out is None:
            answer = run_command(LEDGER, words, self.environment)
            return answer.status, read_content(answer.body)
        path = self.folder / f"answer{Path(out).suffix}"
        path.unlink(missing_ok=True)
        answer = run_command(LEDGER, [str(path) if OUT in w else w for w in words], self.environment)
        return answer.status, read_content(path.read_bytes() if path.exists() else answer.body)


def read_content(body: bytes) -> Any:
    """What stands in an answer; a library's way of packing it is left out."""
    if body[:4] == b"PAR1":
        table = pyarrow.parquet.read_table(io.BytesIO(body))
        return {"columns": table.column_names, "rows": json.loads(json.dumps(table.to_pylist(), default=str))}
    if body[:4] == b"PK\x03\x04":
        return _packed(body)
    return body.decode("utf-8")


def _packed(body: bytes) -> Any:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        names = archive.namelist()
        if "xl/workbook.xml" in names:
            book = openpyxl.load_workbook(io.BytesIO(body))
            return {sheet.title: _cells(sheet) for sheet in book.worksheets}
        if "word/document.xml" in names:
            text = archive.read("word/document.xml").decode("utf-8")
            return re.findall("<w:t(?: [^>]*)?>([^<]*)</w:t>", text)
        return {name: hashlib.sha256(archive.read(name)).hexdigest() for name in names}


def _cells(sheet: Any) -> list[str]:
    """A line for each row, as text: numbers are in a workbook what they are in Python."""
    return [json.dumps(row, ensure_ascii=False, default=str) for row in sheet.iter_rows(values_only=True)]


def list_differences(before: FrozenAnswer, now: FrozenAnswer) -> list[str]:
    """In what an answer differs from the frozen one, in a few lines; none where it does not."""
    lines = [] if before.status == now.status else [f"status {before.status}, now {now.status}"]
    first, second = (_without(each.content, before.apart) for each in (before, now))
    if first == second:
        return lines
    first, second = _parsed(first), _parsed(second)
    if isinstance(first, str) and isinstance(second, str):
        texts = first.splitlines(), second.splitlines()
        changed = list(difflib.unified_diff(*texts, "frozen", "now", n=0, lineterm=""))
    else:
        changed = _differing(first, second, "") or [WRITTEN_OTHERWISE]
    more = [f"… and {len(changed) - SHOWN_MAX} more"] if len(changed) > SHOWN_MAX else []
    return [*lines, *map(_short, changed[:SHOWN_MAX]), *more]


WRITTEN_OTHERWISE = "the same values, written in another way"


WORDS = ("words", "rule", "mend", "detail", "title", "said")
"""Keys of an answer under which there are words for people."""


def reduce_to_figures(answer: FrozenAnswer) -> FrozenAnswer:
    """An answer with every figure, code and date in it, but no word that may be put better one day."""
    return answer._replace(content=_figures(_parsed(answer.content)))


def _figures(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _digits(part) if name in WORDS else _figures(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_figures(part) for part in value]
    return _digits(value) if isinstance(value, str) and not value.isascii() else value


def _digits(value: Any) -> list[str]:
    """The parts of a text that hold a digit."""
    return re.findall(r"[A-Za-z.,:%/_-]*[0-9][0-9A-Za-z.,:%/_-]*", json.dumps(value, ensure_ascii=False))


def _without(value: Any, apart: list[str]) -> Any:
    if not apart:
        return value
    return {name: part for name, part in json.loads(value).items() if name not in apart}


def _parsed(value: Any) -> Any:
    """JSON, or JSON by the line, as values; all else as it is."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        pass
    try:
        return [json.loads(line) for line in value.splitlines()]
    except ValueError:
        return value


def _differing(first: Any, second: Any, place: str) -> list[str]:
    if isinstance(first, dict) and isinstance(second, dict):
        names = [*first, *(name for name in second if name not in first)]
        return [line for name in names for line in _at(first, second, name, f"{place}/{name}")]
    if isinstance(first, list) and isinstance(second, list):
        length = [f"{place}: {len(first)} items, now {len(second)}"] if len(first) != len(second) else []
        pairs = enumerate(zip(first, second, strict=False))
        return length + [line for number, pair in pairs for line in _differing(*pair, f"{place}/{number}")]
    if first == second and type(first) is type(second):
        return []
    return [f"{place or '/'}: was {_json(first)}, is {_json(second)}"]


def _at(first: dict[str, Any], second: dict[str, Any], name: str, place: str) -> list[str]:
    if name not in second:
        return [f"{place}: is missing, was {_json(first[name])}"]
    if name not in first:
        return [f"{place}: is new, {_json(second[name])}"]
    return _differing(first[name], second[name], place)


def _json(value: Any) -> str:
    return _short(json.dumps(value, ensure_ascii=False), VALUE_CHARS_MAX)


def _short(text: str, longest: int = LINE_CHARS_MAX) -> str:
    return text if len(text) <= longest else text[:longest] + "…"


def write_answers(path: Path, answers: list[FrozenAnswer]) -> None:
    """Keep answers, one JSON line each, compressed."""
    lines = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in answers)
    path.write_bytes(lzma.compress(lines.encode("utf-8"), preset=9 | lzma.PRESET_EXTREME))


def read_answers(path: Path) -> list[FrozenAnswer]:
    """Read kept answers."""
    return [
        FrozenAnswer(*json.loads(line)) for line in lzma.decompress(path.read_bytes()).decode().splitlines()
    ]
