"""What each command of the workbench does; amounts are read and printed as money, kept as fen."""

from __future__ import annotations

import argparse
import csv
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec.structs import replace

from domain.money.amounts import MoneyError, parse_fen, print_fen
from domain.vocabulary.kinds import Words
from services.verify.command import printable
from services.verify.trust import read_given_keys, read_trust
from services.workbench.choosing import keep_parameters, read_items, read_parameters
from services.workbench.enterprise import explain_enterprise, read_history
from services.workbench.opening import open_bundle
from services.workbench.opinion import FILE as OPINION
from services.workbench.opinion import KINDS, write_opinion
from services.workbench.papers.paper import Parameters
from services.workbench.papers.parties import read_payees
from services.workbench.papers.trails import follow_trail
from services.workbench.sampling import (
    FoundError,
    SampledItem,
    SamplingFault,
    draw_at_random,
    draw_by_judgement,
    draw_monetary_units,
    interval_of,
    project_errors,
)
from services.workbench.signing import check_papers, read_or_make_key, sign_papers
from services.workbench.tables import read_about
from services.workbench.writing import write_papers


def open_year(options: argparse.Namespace) -> int:
    """``open``."""
    keys, remarks, kept = read_trust(options)
    origin, verdict = open_bundle(
        options.bundle, options.folder, keys, witnesses=options.witnesses, kept=kept
    )
    _print(
        f"{origin.bundle}  SHA-256 {origin.sha256}",
        f"{origin.policy} {origin.year}  {origin.size:,} events  {origin.signed_by}",
        *(f"· {line}" for line in (*remarks, *verdict.remarks)),
        *(f"! {line}" for line in verdict.faults),
        origin.verdict,
    )
    return 1 if verdict.counted.total() else 0


def write_all(options: argparse.Namespace, file: sqlite3.Connection) -> int:
    """``papers``."""
    parameters = _decided(options, read_parameters(file, options.folder))
    if parameters.payees:
        read_payees(Path(parameters.payees))
    keep_parameters(options.folder, parameters)
    for path in write_papers(file, options.folder, parameters, options.lang):
        _print(str(path.relative_to(options.folder)))
        if options.pdf:
            from services.web.documents.pdf import as_pdf  # only a PDF needs it

            as_pdf(path, path.with_suffix(".pdf"))
    return 0


def _decided(options: argparse.Namespace, parameters: Parameters) -> Parameters:
    """The parameters with what this call decides; performance and trivial follow a new materiality."""
    if options.materiality:
        fen = parse_fen(options.materiality)
        parameters = replace(
            parameters, materiality_fen=fen, performance_fen=fen * 3 // 4, trivial_fen=fen // 20
        )
    if options.performance:
        parameters = replace(parameters, performance_fen=parse_fen(options.performance))
    if options.trivial:
        parameters = replace(parameters, trivial_fen=parse_fen(options.trivial))
    if not 0 <= parameters.trivial_fen < parameters.performance_fen <= parameters.materiality_fen:
        raise MoneyError(
            "应为：明显微小错报 < 实际执行的重要性 ≤ 重要性 · trivial < performance ≤ materiality"
        )
    chosen = {name: value for name in ("confidence", "seed", "payees") if (value := getattr(options, name))}
    return replace(parameters, **chosen)


def show_history(options: argparse.Namespace, file: sqlite3.Connection) -> int:
    """``history``."""
    entries = list(read_history(file, options.code))
    for entry in entries:
        head = f"#{entry.position}  {entry.day} {entry.minute}  {entry.kind}  {entry.source} {entry.id}"
        _print(f"{head}  {entry.speaker}".rstrip(), f"    {entry.content}")
    return _exit_status(entries, options)


def show_explanation(options: argparse.Namespace, file: sqlite3.Connection) -> int:
    """``explain``."""
    parameters = read_parameters(file, options.folder)
    explained = explain_enterprise(file, parameters, options.code, options.lang)
    for award in explained:
        sums = f"{print_fen(award.gross_fen, 'CNY')} → {print_fen(award.payable_fen, 'CNY')}"
        _print(f"{award.title}  {sums}", f"  {award.quote}", *(f"  · {line}" for line in award.lines))
    return _exit_status(explained, options)


def show_trail(options: argparse.Namespace, file: sqlite3.Connection) -> int:
    """``trail``."""
    steps = list(follow_trail(file, options.sought))
    _print(*(f"#{step.position}  {step.step}  {step.words}" for step in steps))
    return _exit_status(steps, options)


def _exit_status(rows: Iterable[object], options: argparse.Namespace) -> int:
    if rows:
        return 0
    _print(Words("没有记录", "nothing is recorded").in_language(options.lang))
    return 1


def draw_sample(options: argparse.Namespace, file: sqlite3.Connection) -> int:
    """``sample``: written as CSV, with what it was drawn by before it."""
    parameters = read_parameters(file, options.folder)
    items = read_items(file, parameters)
    drawn: Iterable[SampledItem]
    if options.method == "mus":
        interval = interval_of(parameters.performance_fen, parameters.confidence)
        _print(f"# interval {print_fen(interval)}  {parameters.confidence} %  seed {parameters.seed}")
        drawn = draw_monetary_units(items, interval, parameters.seed)
    elif options.method == "random":
        _print(f"# seed {parameters.seed}")
        drawn = draw_at_random(items, options.count, parameters.seed)
    else:
        if options.list is None:
            raise SamplingFault("请用 --list 给出名单和理由 · give codes and reasons by --list")
        reasons = {row[0]: row[1] for _, row in _read_csv(options.list, 2)}
        drawn = draw_by_judgement(items, reasons)
    lines = _Lines()
    out = csv.writer(lines)
    for item, reason in drawn:
        out.writerow([item.payment, item.code, print_fen(item.fen), reason])
    _print(*lines.lines)
    return 0


class _Lines:
    """Takes what the csv module writes, line by line."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, text: str) -> None:
        self.lines.append(text.rstrip("\r\n"))


def evaluate_errors(options: argparse.Namespace, file: sqlite3.Connection) -> int:
    """``evaluate``: 1 where the upper limit is beyond tolerable misstatement."""
    parameters = read_parameters(file, options.folder)
    interval = interval_of(parameters.performance_fen, parameters.confidence)
    books = {item.payment: item.fen for item in read_items(file, parameters)}
    errors = []
    for number, (payment, book, audited) in _read_csv(options.errors, 3):
        try:
            error = FoundError(payment, parse_fen(book), parse_fen(audited))
        except MoneyError as fault:
            raise SamplingFault(f"{options.errors}:{number}: {fault}") from None
        if books.get(payment) != error.book_fen:
            stands = "与账面不符 · not as it stands in the books"
            raise SamplingFault(f"{options.errors}:{number}: {payment} {book}: {stands}")
        errors.append(error)
    projection = project_errors(errors, interval, parameters.performance_fen, parameters.confidence)
    words = {
        "known_fen": Words("已知错报", "Known misstatement"),
        "projected_fen": Words("推断错报", "Projected misstatement"),
        "upper_limit_fen": Words("错报上限", "Upper limit of misstatement"),
        "understated_fen": Words("推断少计（不相抵）", "Projected understatement (not set off)"),
    }
    for name, each in words.items():
        _print(f"{each.in_language(options.lang)}  {print_fen(getattr(projection, name), 'CNY')}")
    tolerable = print_fen(parameters.performance_fen, "CNY")
    verdict = (
        Words(f"未超过可容忍错报 {tolerable}", f"within tolerable misstatement of {tolerable}")
        if projection.tolerable
        else Words(f"超过可容忍错报 {tolerable}", f"beyond tolerable misstatement of {tolerable}")
    )
    _print(verdict.in_language(options.lang))
    return 0 if projection.tolerable else 1


def _read_csv(path: Path, columns: int) -> Iterator[tuple[int, list[str]]]:
    """The lines of a CSV of so many columns, with their numbers.

    Raises:
        SamplingFault: naming the line that has another number of columns.
    """
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise SamplingFault(f"{path}: 请存为 UTF-8 · save it as UTF-8") from None
    for number, row in enumerate(csv.reader(text.splitlines()), start=1):
        if not row or row[0].startswith("#"):
            continue
        if len(row) != columns:
            raise SamplingFault(f"{path}:{number}: 应有 {columns} 列 · {columns} columns are wanted")
        yield number, [cell.strip() for cell in row]


def draft_opinion(options: argparse.Namespace, file: sqlite3.Connection) -> int:
    """``opinion``."""
    suggestion = write_opinion(file, options.folder, read_parameters(file, options.folder), options.lang)
    _print(OPINION, KINDS[suggestion.kind].in_language(options.lang))
    return 0


def serve(options: argparse.Namespace, file: sqlite3.Connection) -> int:
    """``serve``: until it is interrupted."""
    from services.workbench.page import serve_page  # only the page needs the web framework

    file.close()
    serve_page(options.folder, options.port)
    return 0


def sign_all(options: argparse.Namespace, file: sqlite3.Connection) -> int:
    """``sign``."""
    key = read_or_make_key(options.witness_key, options.name)
    _print(str(sign_papers(options.folder, read_about(file), key)), str(key.verifier))
    return 0


def check_signature(options: argparse.Namespace, file: sqlite3.Connection) -> int:
    """``check``."""
    faults = check_papers(options.folder, read_given_keys(options))
    _print(*(f"! {fault}" for fault in faults), "VERIFIED" if not faults else "NOT VERIFIED")
    return 1 if faults else 0


def _print(*lines: str) -> None:
    for line in lines:
        print(printable(line))
