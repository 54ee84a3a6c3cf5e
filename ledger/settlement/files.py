"""The files of a settlement: the public list, the summary for the finance bureau, the bank's orders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from domain.authority.roles import NotAllowed
from domain.events.instants import instant
from domain.events.settlements import SettlementProposed
from domain.money.amounts import CURRENCIES, print_fen
from domain.money.wire import print_fraction, print_percent
from domain.policy.model import Policy
from domain.policy.rulebook import Rulebook
from domain.settlement.figures import division_of
from domain.settlement.public_list import RegisterEntry
from domain.settlement.year import Settlement
from ledger.budget.factors import list_settled_pots
from ledger.export import finance_summary, payment_files, public_list
from ledger.export.books import NotExportable
from ledger.export.finance_summary import Account, Part, SummaryHead
from ledger.export.payment_files import Payer, PaymentFile, PaymentLine, read_payees
from ledger.export.public_list import MeasureShare, PublicHead, PublicLine
from ledger.policies.versions import rulebook
from ledger.projections.closings import settlement_of
from ledger.projections.settlements import lines_listed
from ledger.settlement.published import profiles_known
from ledger.store.application import Ledger
from ledger.store.rows import Rows

NAMED = 1_000
"""Enterprises whose names are looked up at a time."""


def _listed(rows: Rows, policy: str, year: int) -> tuple[Rulebook, Settlement]:
    rulebook(rows, policy)
    state = settlement_of(rows, policy, year)
    if not state.proposal:
        raise NotAllowed("settlement.not-proposed", "year", stage=state.stage)
    # The list says what it said when it was worked out, whatever version was adopted since.
    return rulebook(rows, policy, state.present_proposal().known), state


def write_list(ledger: Ledger, rows: Rows, policy: str, year: int, path: Path) -> int:
    """Write the public list as ``.xlsx`` or ``.csv``; how many enterprises it names.

    Raises:
        UnknownPolicy; NotAllowed: where no list was proposed; NotExportable: another suffix.
    """
    book, state = _listed(rows, policy, year)
    governing = book.of_year(year)
    said, published = state.present_proposal(), state.publication
    value = division_of(said).factor
    head = PublicHead(
        title=f"{governing.title['zh']}{year}年度兑现名单",
        number=governing.number,
        year=year,
        from_day=published.from_day if published else "",
        until_day=published.until_day if published else "",
        budget=said.budget_fen,
        total=said.sharing_fen,
        payable=said.payable_fen,
        factor="见附注" if said.pots else f"{value.numerator}/{value.denominator} = {print_percent(value)}",
        digest=said.lines_digest,
        position=said.known,
        count=said.enterprises,
        authority=governing.issuer,
        root=(published.list_root if published else None) or "",
        currency=governing.currency,
        pots=_pots(governing, said),
    )
    lines = public_lines(rows, book, year, said.known)
    mask = governing.procedure.mask
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as out:
            public_list.write_csv(out, head, lines, mask)
    elif path.suffix == ".xlsx":
        public_list.write_xlsx(path, head, lines, mask)
    else:
        raise NotExportable(f"{path.suffix or path.name}: write a file that ends in .xlsx or .csv")
    return int(said.enterprises)


def _pots(policy: Policy, said: SettlementProposed) -> tuple[str, ...]:
    """Each of several budgets in a sentence."""
    unit = CURRENCIES[policy.currency].unit
    return tuple(
        f"{pot.name['zh']}：可用 {print_fen(pot.available_fen, grouped=True)} {unit}，"
        f"参与分配 {print_fen(pot.sharing_fen, grouped=True)} {unit}，"
        f"兑现系数 {print_fraction(pot.factor)} = {print_percent(pot.factor)}"
        for pot in list_settled_pots(policy, said)
    )


def public_lines(rows: Rows, book: Rulebook, year: int, known: int) -> Iterator[PublicLine]:
    """The list by enterprise, with names and towns as known then, streamed in order of credit code."""
    whole = groupby(lines_listed(rows, book.id, year), key=lambda line: line.code)
    for chunk in _chunks((code, list(lines)) for code, lines in whole):
        found = profiles_known(rows, [code for code, _ in chunk], known)
        for code, lines in chunk:
            name, town, *_ = found.get(code, RegisterEntry())
            titles = [_of_year(book, line.measure, line.award_year, year) for line in lines]
            measures = [
                MeasureShare(title, line.gross, line.payable)
                for title, line in zip(titles, lines, strict=True)
            ]
            sums = [sum(line[at] for line in lines) for at in range(3, 7)]
            yield PublicLine(code, name, town, measures, *sums)


def _of_year(book: Rulebook, measure: str, award_year: int, year: int) -> str:
    """A measure's title, with the award's year where another year pays it."""
    known = book.measure_of_year(measure, award_year)
    title = known.title["zh"] if known else measure
    return title if award_year == year else f"{title}（{award_year}年度转入）"


def _chunks(items: Iterable[Any]) -> Iterator[list[Any]]:
    waiting: list[Any] = []
    for item in items:
        waiting.append(item)
        if len(waiting) == NAMED:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def write_summary(ledger: Ledger, rows: Rows, policy: str, year: int, path: Path) -> None:
    """Write the summary for the finance bureau as ``.xlsx``.

    Raises:
        UnknownPolicy; NotAllowed: where no list was proposed.
    """
    book, state = _listed(rows, policy, year)
    governing, said = book.of_year(year), state.present_proposal()
    reduction = said.gross_fen - said.withheld_fen - said.payable_fen
    head = SummaryHead(
        title=f"{governing.title['zh']}{year}年度兑现资金",
        number=governing.number,
        year=year,
        budget=said.budget_fen,
        gross=said.gross_fen,
        withheld=said.withheld_fen,
        reduction=reduction,
        payable=said.payable_fen,
        count=said.enterprises,
        digest=said.lines_digest,
        position=rows.last_position(),
        authority=governing.issuer,
        currency=governing.currency,
        pots=_pots(governing, said),
    )
    measures = _sums(rows, policy, year)

    def parts(name: Callable[[str, int], str]) -> list[Part]:
        return _parts(measures, name)

    def column_of(field: str, default: str) -> Callable[[str, int], str]:
        def read_field(measure_id: str, award_year: int) -> str:
            measure = book.measure_of_year(measure_id, award_year)
            return str(getattr(measure, field)) if measure else default

        return read_field

    finance_summary.write_xlsx(
        path,
        head,
        parts(column_of("article", "—")),
        parts(lambda measure, award_year: _of_year(book, measure, award_year, year)),
        parts(column_of("lead", "—")),
        _accounts(rows, book, state),
    )


Sums = tuple[str, int, int, int, int, int, int]
"""(measure, award year, enterprises, gross, withheld, reduction, payable)."""


def _sums(rows: Rows, policy: str, year: int) -> list[Sums]:
    columns = ", ".join(
        f"CAST(SUM({name}) AS BIGINT)" for name in ("gross", "withheld", "reduction", "payable")
    )
    sql = (
        f"SELECT measure, award_year, COUNT(*), {columns} FROM settlement_lines "
        "WHERE policy=? AND year=? GROUP BY measure, award_year ORDER BY measure, award_year"
    )
    return [tuple(row) for row in rows.all(sql, [policy, year])]


def _parts(measures: list[Sums], name: Callable[[str, int], str]) -> list[Part]:
    found: dict[str, list[int]] = {}
    for measure, award_year, *sums in measures:
        entry = found.setdefault(name(measure, award_year), [0, 0, 0, 0, 0])
        for index, value in enumerate(sums):
            entry[index] += value
    return [Part(key, *sums) for key, sums in found.items()]


def _accounts(rows: Rows, book: Rulebook, state: Settlement) -> Iterator[Account]:
    """Every account of the year; before the closing, what would be payable."""
    policy, year = state.policy, state.year
    if rows.all("SELECT 1 FROM accounts WHERE policy=? AND year=? LIMIT 1", [policy, year]):
        sql = (
            "SELECT a.code, e.name, a.payable, a.ordered, a.paid, "
            "(SELECT CAST(COALESCE(SUM(p.amount), 0) AS BIGINT) FROM payments p WHERE p.policy=a.policy "
            "AND p.year=a.year AND p.code=a.code AND p.status='failed'), a.clawed, a.recovered "
            "FROM accounts a LEFT JOIN enterprises e ON e.code=a.code "
            "WHERE a.policy=? AND a.year=? ORDER BY a.code"
        )
        for row in rows.stream(sql, [policy, year]):
            yield Account(row[0], row[1] or "", *row[2:])
        return
    for line in public_lines(rows, book, year, state.present_proposal().known):
        yield Account(line.code, line.name, line.payable, 0, 0, 0, 0, 0)


class _Again:
    """Lines that are read from the ledger anew each time they are gone through."""

    def __init__(self, lines: Callable[[], Iterator[PaymentLine]]) -> None:
        self.lines = lines

    def __iter__(self) -> Iterator[PaymentLine]:
        return self.lines()


def write_payments(
    ledger: Ledger,
    rows: Rows,
    policy: str,
    year: int,
    batch: str,
    path: Path,
    payees: Iterable[str],
    payer: Payer,
    on: str,
) -> int:
    """Write one batch for the bank as ``.csv``, or ``.xml`` (ISO 20022 pain.001); its total in fen.

    Raises:
        UnknownPolicy; NotAllowed: for an unknown batch; NotExportable: another suffix, or payees
            that are wrong or missing.
    """
    rulebook(rows, policy)
    row = rows.all(
        "SELECT COUNT(*), CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM payments "
        "WHERE policy=? AND year=? AND batch=? AND status='ordered'",
        [policy, year, batch],
    )[0]
    count, total = int(row[0]), int(row[1])
    if not count:
        raise NotAllowed("payment.no-batch", "batch", batch=batch)
    book, _ = _listed(rows, policy, year)
    governing = book.of_year(year)
    known = read_payees(payees)
    made_at = instant(ledger.clock())
    file = PaymentFile(
        batch, made_at, on, policy, year, payer, count, total, governing.title["zh"], governing.currency
    )

    def lines() -> Iterator[PaymentLine]:
        sql = (
            "SELECT p.payment, p.code, e.name, p.amount FROM payments p LEFT JOIN enterprises e "
            "ON e.code=p.code WHERE p.policy=? AND p.year=? AND p.batch=? AND p.status='ordered' "
            "ORDER BY p.payment"
        )
        for found in rows.stream(sql, [policy, year, batch]):
            yield PaymentLine(found[0], found[1], found[2] or "", found[3])

    again = _Again(lines)
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as out:
            payment_files.write_csv(out, file, again, known)
    elif path.suffix == ".xml":
        with path.open("wb") as raw:
            payment_files.write_pain001(raw, file, again, known)
    else:
        raise NotExportable(f"{path.suffix or path.name}: write a file that ends in .csv or .xml")
    return total


__all__ = ["Payer", "public_lines", "write_list", "write_payments", "write_summary"]
