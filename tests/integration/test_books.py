"""Other programs read our books and come to the same fen."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from random import Random

import msgspec
import pyarrow.parquet as pq
import pytest
from beancount import loader
from beancount.core import data, realization
from click.testing import CliRunner
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from domain.settlement.postings import (
    Transaction,
    balances,
    clawback_account,
    clawback_ordered,
    clawback_recovered,
    funds_account,
    liability_account,
    payment_failed,
    payment_made,
)
from ledger.export import beancount, columnar, giving, journal
from ledger.export.beancount import account_of
from ledger.export.books import Books, books_of
from ledger.intake.inbox import ingest_all
from ledger.store.application import Ledger
from ledger.store.moments import Moment, moment
from ledger.store.stored_events import SELECT, stored
from services.cli.main import main
from services.sample.city import city
from services.web.exports import FORMATS
from tests import answers as queries
from tests import programs
from tests.events import CIXI, CIXI_TEXT
from tests.integration.towns import filled

STANDARDS = Path(__file__).parent.parent / "data" / "standards"
DAY = "2025-06-01"


def later_life(books: Books) -> list[Transaction]:
    """Payments to every enterprise, some of which fail, and some of which are claimed back."""
    draw, made, owed = Random(7), list[Transaction](), dict[str, int]()
    funds = funds_account(books.period)
    for line, paid in books.awards():
        owed[line.code] = owed.get(line.code, 0) + paid.payable
    for code, fen in owed.items():
        if fen:
            made.append(payment_made(DAY, "兑现", code, funds, fen, {"enterprise": code}))
            fate = draw.random()
            if fate < 0.1:
                made.append(payment_failed(DAY, "退汇", code, funds, fen, {}))
            elif fate < 0.3:
                made.append(clawback_ordered(DAY, "追回", code, fen, {}))
                if fate < 0.2:
                    made.append(clawback_recovered(DAY, "收回", code, funds, fen - fen // 3, {}))
    return made


def wanted(transactions: list[Transaction]) -> dict[str, int]:
    """Every balance but those of nothing."""
    return {account: fen for account, fen in balances(transactions).items() if fen}


def whole(books: Books) -> tuple[list[str], list[Transaction]]:
    """Accounts and transactions of awards and of what comes after them."""
    codes = sorted({line.code for line in books.lines()})
    accounts = [*books.accounts(), *map(clawback_account, codes)]
    return accounts, [*books.transactions(), *later_life(books)]


def beancount_balances(path: Path) -> dict[str, int]:
    """Every account's balance by Beancount, in fen, but those of nothing."""
    entries, errors, options = loader.load_file(str(path))
    assert errors == []
    assert options["operating_currency"] == ["CNY"]
    real = realization.realize(entries)  # type: ignore[no-untyped-call]
    found = {}
    for account in realization.iter_children(real):  # type: ignore[no-untyped-call]
        units = account.balance.get_currency_units("CNY").number
        if units:
            assert units == units.quantize(Decimal("0.01"))
            found[account_of(account.account)] = int(units.scaleb(2))
    return found


@pytest.mark.parametrize("read", [programs.hledger_balances, programs.ledger_balances])
def test_hledger_and_ledger_come_to_every_balance(
    books: Books, tmp_path: Path, read: Callable[[Path], dict[str, int]]
) -> None:
    accounts, transactions = whole(books)
    path = tmp_path / "books.journal"
    with path.open("w", encoding="utf-8") as file:
        journal.write(file, accounts, transactions)

    programs.run(programs.program("hledger"), "-f", str(path), "check", "--strict")

    assert read(path) == wanted(transactions)


def test_beancount_comes_to_every_balance_and_reads_what_each_is_about(books: Books, tmp_path: Path) -> None:
    accounts, transactions = whole(books)
    path = tmp_path / "books.beancount"
    with path.open("w", encoding="utf-8") as file:
        beancount.write(file, "x", books.first_day(), accounts, transactions)

    programs.run(programs.program("bean-check", "uv pip install beancount, or run bash .ci/test"), str(path))
    entries, _, _ = loader.load_file(str(path))
    read = [each.meta for each in entries if isinstance(each, data.Transaction) and "measure" in each.meta]

    assert beancount_balances(path) == wanted(transactions)
    assert sorted((m["enterprise"], m["measure"], m["year"]) for m in read) == [
        (line.code, line.measure, line.year) for line in books.lines()
    ]
    assert {(m["policy"], m["position"]) for m in read} == {(CIXI, books.position)}


def test_a_journal_that_is_off_by_one_fen_is_refused_by_all(town: Books, tmp_path: Path) -> None:
    path, other = tmp_path / "books.journal", tmp_path / "books.beancount"
    with path.open("w", encoding="utf-8") as file, other.open("w", encoding="utf-8") as second:
        journal.write(file, town.accounts(), town.transactions())
        beancount.write(second, "x", town.first_day(), town.accounts(), town.transactions())
    for each in (path, other):
        text = each.read_text("utf-8")
        assert "10000000.00 CNY" in text
        each.write_text(text.replace(" 10000000.00 CNY", " 10000000.01 CNY", 1), "utf-8")

    for command in (
        ("hledger", "-f", str(path), "check"),
        ("ledger", "-f", str(path), "bal"),
        ("bean-check", str(other)),
    ):
        with pytest.raises(AssertionError, match="alance"):
            programs.run(programs.program(command[0]), *command[1:])


def test_the_books_say_what_every_balance_says(open_at: Callable[..., Ledger]) -> None:
    """On both stores: an enterprise's liability is minus what is payable to it."""
    ledger = open_at()
    for _ in ingest_all(ledger, city(80), "tests", 2_000):
        pass

    with ledger.store.reading() as rows:
        found = balances(books_of(ledger, rows, CIXI, 2024).transactions())
        shown = queries.enterprises(rows, CIXI, 2024, "", 1_000)
        payable = {
            each["enterprise"]: queries.balance(ledger, rows, each["enterprise"], CIXI, 2024)["payable"]
            for each in shown
        }

    assert len(payable) == 80
    for code, amount in payable.items():
        assert found.get(liability_account(code), 0) == -programs.fen(amount)


def test_books_of_the_past_hold_only_what_was_then(town: Books) -> None:
    early = moment(town.rows, as_of="2024-06-30")
    past = books_of(town.ledger, town.rows, CIXI, 2024, early)
    same = books_of(town.ledger, town.rows, CIXI, 2024, Moment(until=town.position))

    assert 0 < len(list(past.lines())) < len(list(town.lines()))
    assert sum(paid.payable for _, paid in past.awards()) <= past.pool.budget.amount
    assert list(same.transactions()) == list(town.transactions())


def test_parquet_read_back_equals_the_ledger(books: Books, tmp_path: Path) -> None:
    awards, events = tmp_path / "awards.parquet", tmp_path / "events.parquet"

    assert columnar.write_awards(awards, books) == len(list(books.lines()))
    assert columnar.write_events(events, books) == books.position

    assert pq.read_table(awards).to_pylist() == [
        {
            "policy": CIXI,
            "year": line.year,
            "code": line.code,
            "measure": line.measure,
            "inside_budget": books.inside(line),
            "budget": line.pot,
            "gross_fen": paid.gross,
            "withheld_fen": paid.withheld,
            "reduction_fen": paid.reduction,
            "payable_fen": paid.payable,
        }
        for line, paid in books.awards()
    ]
    read = pq.read_table(events).to_pylist()
    assert columnar.EventRow._fields == tuple(columnar.EVENTS.names)
    for row, kept in zip(read, map(stored, books.rows.stream(f"{SELECT} ORDER BY rowid")), strict=True):
        assert (row["position"], row["originator"], row["version"]) == kept[:3]
        assert f"{row['recorded_at']:%Y-%m-%dT%H:%M:%S.%fZ}" == kept.recorded_at
        assert f"{row['time']:%Y-%m-%dT%H:%M:%S.%fZ}" == kept.fact.time
        fact = kept.fact
        assert (row["event"], row["source"], row["event_id"]) == (fact.name, fact.source, fact.event_id)
        assert msgspec.json.decode(row["content"]) == fact.content.values_by_name()
        assert row["amount_fen"] == kept.fact.content.field_value("amount_fen")
    groups = pq.ParquetFile(events).metadata
    assert max(groups.row_group(i).num_rows for i in range(groups.num_row_groups)) <= columnar.GROUP_ROWS


def test_360giving_validates_and_grants_what_is_paid(books: Books, tmp_path: Path) -> None:
    grant, package = (
        json.loads((STANDARDS / f"360-giving-{name}schema.json").read_text("utf-8"))
        for name in ("", "package-")
    )
    reference = package["properties"]["grants"]["items"]["$ref"]
    registry = Registry().with_resource(reference, DRAFT202012.create_resource(grant))
    validator = Draft202012Validator(package, registry=registry, format_checker=FormatChecker())
    path = tmp_path / "grants.json"
    with path.open("wb") as file:
        giving.write(file, books)

    found = json.loads(path.read_text("utf-8"), parse_float=str, parse_int=str)
    loaded = json.loads(path.read_text("utf-8"))

    assert [error.message for error in validator.iter_errors(loaded)] == []
    assert sum(programs.fen(each["amountAwarded"]) for each in found["grants"]) == sum(
        paid.payable for _, paid in books.awards()
    )
    assert len({each["id"] for each in found["grants"]}) == len(found["grants"])
    del loaded["grants"][0]["currency"]
    assert [error.validator for error in validator.iter_errors(loaded)] == ["oneOf"]


@pytest.mark.parametrize("form", FORMATS)
def test_the_command_writes_every_format(form: str, tmp_path: Path) -> None:
    database, out = tmp_path / "ledger.db", tmp_path / "books.out"
    filled(database, CIXI_TEXT, 60).close()

    done = CliRunner().invoke(
        main, ["--database", str(database), "export", form, "--year", "2024", "--out", str(out)]
    )

    assert (done.exit_code, out.stat().st_size > 0) == (0, True), done.output
    assert not list(tmp_path.glob("*.part"))


def test_the_command_says_what_cannot_be_exported_and_leaves_nothing(tmp_path: Path) -> None:
    database, out = tmp_path / "ledger.db", tmp_path / "books.json"
    filled(database, CIXI_TEXT, 0).close()
    command = ["--database", str(database), "export", "360giving", "--year", "2024", "--out"]

    empty = CliRunner().invoke(main, [*command, str(out)])
    nowhere = CliRunner().invoke(main, [*command, str(tmp_path / "none" / "books.json")])

    assert (empty.exit_code, nowhere.exit_code) == (1, 1)
    assert "nothing is paid in 2024" in empty.output
    assert "name a file that can be written" in nowhere.output
    assert [file.name for file in tmp_path.glob("books*")] == []
