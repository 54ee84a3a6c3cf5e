"""The files of a settlement: the public list, the summary for the finance bureau, the bank's orders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from itertools import groupby, islice
from pathlib import Path
from typing import NamedTuple

from domain.authority.roles import NotAllowed
from domain.events.instants import day_of, instant
from domain.events.settlements import SettlementProposed
from domain.money.amounts import CURRENCIES, print_fen
from domain.money.wire import print_fraction, print_percent
from domain.policy.model import Policy
from domain.policy.rulebook import Rulebook
from domain.settlement.figures import division_of
from domain.settlement.overpaid import STAGE_WORDS
from domain.settlement.public_list import RegisterEntry
from domain.settlement.year import Settlement
from ledger.budget.factors import list_settled_pots
from ledger.export import finance_summary, payment_files, public_list
from ledger.export.banks.forms import read_form, write_form
from ledger.export.banks.payees import find_warnings, read_payees
from ledger.export.books import NotExportable
from ledger.export.file_faults import FileFault
from ledger.export.finance_summary import Account, OverpaidLine, Part, SummaryHead
from ledger.export.payment_files import Payer, PaymentFile, PaymentLine
from ledger.export.public_list import MeasureShare, PublicHead, PublicLine
from ledger.policies.versions import rulebook
from ledger.projections.closings import settlement_of
from ledger.projections.settlements import lines_listed
from ledger.reading.records import read_names
from ledger.settlement.bank_names import read_bank_batch
from ledger.settlement.overpaid import PENDING_MAX, list_overpayments
from ledger.settlement.published import read_register_entries
from ledger.store.application import Ledger
from ledger.store.rows import Rows

EXECUTION_DAYS_MAX = 60
"""How many days ahead a payment may be asked for."""
NAMES_CHUNK = 1_000
"""Enterprises whose names are looked up at a time."""


def _read_proposed_list(rows: Rows, policy: str, year: int) -> tuple[Rulebook, Settlement]:
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
    book, state = _read_proposed_list(rows, policy, year)
    governing = book.of_year(year)
    proposal, published = state.present_proposal(), state.publication
    value = division_of(proposal).factor
    head = PublicHead(
        title=f"{governing.title['zh']}{year}年度兑现名单",
        number=governing.number,
        year=year,
        from_day=published.from_day if published else "",
        until_day=published.until_day if published else "",
        budget=proposal.budget_fen,
        total=proposal.sharing_fen,
        payable=proposal.payable_fen,
        factor="见附注"
        if proposal.pots
        else f"{value.numerator}/{value.denominator} = {print_percent(value)}",
        digest=proposal.lines_digest,
        position=proposal.known,
        count=proposal.enterprises,
        authority=governing.issuer,
        root=(published.list_root if published else None) or "",
        currency=governing.currency,
        pots=_pots(governing, proposal),
    )
    lines = public_lines(rows, book, year, proposal.known)
    mask = governing.procedure.mask
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as out:
            public_list.write_csv(out, head, lines, mask)
    elif path.suffix == ".xlsx":
        public_list.write_xlsx(path, head, lines, mask)
    else:
        raise NotExportable(f"{path.suffix or path.name}: write a file that ends in .xlsx or .csv")
    return int(proposal.enterprises)


def _pots(policy: Policy, proposal: SettlementProposed) -> tuple[str, ...]:
    """Each of several budgets in a sentence."""
    unit = CURRENCIES[policy.currency].unit
    return tuple(
        f"{pot.name['zh']}：可用 {print_fen(pot.available_fen, grouped=True)} {unit}，"
        f"参与分配 {print_fen(pot.sharing_fen, grouped=True)} {unit}，"
        f"兑现系数 {print_fraction(pot.factor)} = {print_percent(pot.factor)}"
        for pot in list_settled_pots(policy, proposal)
    )


def public_lines(rows: Rows, book: Rulebook, year: int, position: int) -> Iterator[PublicLine]:
    """The list by enterprise, with names and towns as known at a position, in order of credit code."""
    by_code = groupby(lines_listed(rows, book.id, year), key=lambda line: line.code)
    enterprises = ((code, list(lines)) for code, lines in by_code)
    while chunk := list(islice(enterprises, NAMES_CHUNK)):
        entries = read_register_entries(rows, [code for code, _ in chunk], position)
        for code, lines in chunk:
            entry = entries.get(code, RegisterEntry())
            titles = [_title_of(book, line.measure, line.award_year, year) for line in lines]
            yield PublicLine(
                code,
                entry.name,
                entry.town,
                [
                    MeasureShare(title, line.gross, line.payable)
                    for title, line in zip(titles, lines, strict=True)
                ],
                sum(line.gross for line in lines),
                sum(line.withheld for line in lines),
                sum(line.reduction for line in lines),
                sum(line.payable for line in lines),
            )


def _title_of(book: Rulebook, measure_id: str, award_year: int, year: int) -> str:
    """A measure's title, with the award's year where another year pays it."""
    measure = book.measure_of_year(measure_id, award_year)
    title = measure.title["zh"] if measure else measure_id
    return title if award_year == year else f"{title}（{award_year}年度转入）"


def write_summary(ledger: Ledger, rows: Rows, policy: str, year: int, path: Path) -> None:
    """Write the summary for the finance bureau as ``.xlsx``.

    Raises:
        UnknownPolicy; NotAllowed: where no list was proposed.
    """
    book, state = _read_proposed_list(rows, policy, year)
    governing, proposal = book.of_year(year), state.present_proposal()
    reduction = proposal.gross_fen - proposal.withheld_fen - proposal.payable_fen
    head = SummaryHead(
        title=f"{governing.title['zh']}{year}年度兑现资金",
        number=governing.number,
        year=year,
        budget=proposal.budget_fen,
        gross=proposal.gross_fen,
        withheld=proposal.withheld_fen,
        reduction=reduction,
        payable=proposal.payable_fen,
        count=proposal.enterprises,
        digest=proposal.lines_digest,
        position=rows.last_position(),
        authority=governing.issuer,
        currency=governing.currency,
        pots=_pots(governing, proposal),
        is_closed=state.closing is not None,
    )
    measures = _sum_measures(rows, policy, year)

    def article(sums: _MeasureSums) -> str:
        measure = book.measure_of_year(sums.measure, sums.award_year)
        return measure.article if measure else "—"

    def lead(sums: _MeasureSums) -> str:
        measure = book.measure_of_year(sums.measure, sums.award_year)
        return measure.lead if measure else "—"

    def title(sums: _MeasureSums) -> str:
        return _title_of(book, sums.measure, sums.award_year, year)

    finance_summary.write_xlsx(
        path,
        head,
        _add_up(measures, article),
        _add_up(measures, title),
        _add_up(measures, lead),
        _accounts(rows, book, state),
        overpaid=_list_overpaid(rows, book, year) if state.closing else (),
    )


def _list_overpaid(rows: Rows, book: Rulebook, year: int) -> list[OverpaidLine]:
    """What was paid too much of the year's awards, with names and titles."""
    overpayments = list_overpayments(rows, book.id, year, limit=PENDING_MAX)
    names = read_names(rows, sorted({each.code for each in overpayments}))
    return [
        OverpaidLine(
            each.code,
            names.get(each.code, ("", ""))[0],
            _title_of(book, each.measure, year, year),
            *(each.awarded_fen, each.paid_fen, each.overpaid_fen),
            *(each.ordered_fen, each.recovered_fen, each.due_fen),
            STAGE_WORDS[each.stage][0],
            each.to_order_fen,
        )
        for each in overpayments
    ]


class _MeasureSums(NamedTuple):
    """What a measure's awards of a year come to, in fen."""

    measure: str
    award_year: int
    enterprises: int
    gross: int
    withheld: int
    reduction: int
    payable: int


def _sum_measures(rows: Rows, policy: str, year: int) -> list[_MeasureSums]:
    columns = ", ".join(
        f"CAST(SUM({name}) AS BIGINT)" for name in ("gross", "withheld", "reduction", "payable")
    )
    sql = (
        f"SELECT measure, award_year, COUNT(*), {columns} FROM settlement_lines "
        "WHERE policy=? AND year=? GROUP BY measure, award_year ORDER BY measure, award_year"
    )
    return [_MeasureSums(*row) for row in rows.all(sql, [policy, year])]


def _add_up(measures: list[_MeasureSums], name_of: Callable[[_MeasureSums], str]) -> list[Part]:
    """The measures' sums under each name, in the order in which the names come first."""
    by_name: dict[str, list[_MeasureSums]] = {}
    for sums in measures:
        by_name.setdefault(name_of(sums), []).append(sums)
    return [
        Part(name, *(sum(column) for column in zip(*(sums[2:] for sums in group), strict=True)))
        for name, group in by_name.items()
    ]


def _accounts(rows: Rows, book: Rulebook, state: Settlement) -> Iterator[Account]:
    """Every account of the year; before the closing, what would be payable."""
    policy, year = state.policy, state.year
    if rows.all("SELECT 1 FROM accounts WHERE policy=? AND year=? LIMIT 1", [policy, year]):
        sql = (
            "SELECT a.code, e.name, a.payable, a.ordered, a.paid, COALESCE(f.amount, 0), "
            "a.clawed, a.recovered "
            "FROM accounts a LEFT JOIN enterprises e ON e.code=a.code "
            # summed once: asked for account by account, the payments of the year would be read for each
            "LEFT JOIN (SELECT code, CAST(SUM(amount) AS BIGINT) AS amount FROM payments "
            "WHERE policy=? AND year=? AND status='failed' GROUP BY code) f ON f.code=a.code "
            "WHERE a.policy=? AND a.year=? ORDER BY a.code"
        )
        for code, name, payable, ordered, paid, failed, *taken in rows.stream(sql, [policy, year] * 2):
            again = min(failed, payable - ordered - paid)  # what was ordered anew is history
            yield Account(code, name or "", payable, ordered, paid, again, *taken)
        return
    for line in public_lines(rows, book, year, state.present_proposal().known):
        yield Account(line.code, line.name, line.payable, 0, 0, 0, 0, 0)


def _check_execution_day(ledger: Ledger, on: str) -> None:
    """Hold the day to pay on to the present, in Asia/Shanghai.

    Raises:
        NotAllowed.
    """
    if not payment_files.is_day(on):
        return  # told with all else that is wrong with the head of the file
    now = ledger.clock()
    earliest = day_of(instant(now))
    latest = day_of(instant(now + timedelta(days=EXECUTION_DAYS_MAX)))
    if on < earliest:
        raise NotAllowed("date.past", "on", earliest=earliest)
    if on > latest:
        raise NotAllowed("date.far", "on", latest=latest)


class _RereadableLines:
    """Lines that are read from the ledger anew each time they are gone through."""

    def __init__(self, lines: Callable[[], Iterator[PaymentLine]]) -> None:
        self.lines = lines

    def __iter__(self) -> Iterator[PaymentLine]:
        return self.lines()


def suffix_of(form: str) -> tuple[str, str | None]:
    """How a file of payments ends that is asked for by a name, and the bank's form that it is."""
    plain = {"csv": ".csv", "pain.001": ".xml"}.get(form)
    return (plain, None) if plain else (f".{read_form(form).file}", form)


class Written(NamedTuple):
    """A batch that was written: its total in fen, and what is odd about its payees, by their lines."""

    total: int
    warnings: list[FileFault]


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
    form: str | None = None,
) -> Written:
    """Write one batch for the bank as ``.csv``, ``.xml`` (ISO 20022 pain.001), or in a bank's own form.

    Raises:
        UnknownPolicy; NotAllowed: for an unknown batch, or a day to pay in the past or more than
            ``EXECUTION_DAYS_MAX`` days ahead; NotExportable, FileError: another suffix, or payees that
            are wrong, in doubt or missing, or do not fit the form.
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
    _check_execution_day(ledger, on)
    book, _ = _read_proposed_list(rows, policy, year)
    governing = book.of_year(year)
    payee_accounts = read_payees(payees)
    made_at = instant(ledger.clock())
    bank_batch = read_bank_batch(rows, policy, year, batch)
    file = PaymentFile(
        bank_batch, made_at, on, policy, year, payer, count, total, governing.title["zh"], governing.currency
    )

    def lines() -> Iterator[PaymentLine]:
        sql = (
            "SELECT p.code, e.name, p.amount FROM payments p LEFT JOIN enterprises e "
            "ON e.code=p.code WHERE p.policy=? AND p.year=? AND p.batch=? AND p.status='ordered' "
            "ORDER BY p.payment"
        )
        for code, name, amount in rows.stream(sql, [policy, year, batch]):
            yield PaymentLine(f"{bank_batch}-{code}", code, name or "", amount)

    rereadable_lines = _RereadableLines(lines)
    if form is not None:
        write_form(path, read_form(form), file, rereadable_lines, payee_accounts)
    elif path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as out:
            payment_files.write_csv(out, file, rereadable_lines, payee_accounts)
    elif path.suffix == ".xml":
        with path.open("wb") as raw:
            payment_files.write_pain001(raw, file, rereadable_lines, payee_accounts)
    else:
        raise NotExportable(f"{path.suffix or path.name}: write a file that ends in .csv or .xml")
    return Written(total, find_warnings(rereadable_lines, payee_accounts))


__all__ = ["Payer", "public_lines", "write_list", "write_payments", "write_summary"]
