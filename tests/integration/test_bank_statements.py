"""Statements and answers of the bank in any order: books, accounts and reconciliation agree to the fen.

What they must come to is worked out from the files alone (``tests.oracle.bank``).
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner

from domain.authority.roles import NotAllowed
from domain.money.amounts import print_fen
from ledger.export import journal
from ledger.export.books import books_of
from ledger.projections.closings import settlement_of
from ledger.replay.comparison import replay
from ledger.settlement.bank_answers import record_answers
from ledger.settlement.files import Payer, write_payments
from ledger.settlement.statements.reconciling import (
    read_statements,
    reconcile_year,
    record_statement,
)
from ledger.store.application import Ledger
from services.cli.main import main
from services.cli.statuses import ExitStatus
from services.runtime.variables import PREFIX
from services.server.app import create_app
from tests import acknowledging
from tests.events import CIXI
from tests.integration.api_client import Api
from tests.integration.closings import FINANCE, OFFICER, Closed
from tests.integration.test_bank_answers import YEAR, Ordered, ordered
from tests.integration.test_bundles import KEY, members
from tests.integration.test_console_desk import HERE, Browser
from tests.integration.test_settled_bundles import bundled, faults
from tests.oracle import bank
from tests.second_verifier import build_verifier, judge_files
from tests.unit.test_payment_results import payment as status_of
from tests.unit.test_payment_results import report
from tests.unit.test_reconciliation import booked, statement, transaction

__all__ = ["ordered"]
DAY, LATER = "2025-05-14", "2025-05-15"
KNOWN = ("matched", "under-way", "failed", "returned")


def on(day: str, data: bytes) -> bytes:
    """A statement of another day."""
    return data.replace(b"2025-06-01T17:00:00Z", f"{day}T01:00:00Z".encode())


def files_of(payments: list[tuple[str, int]]) -> list[tuple[str, bytes]]:
    """What the bank says: one payment is booked alone, two as a batch, of which one comes back.

    The fourth was rejected, the fifth is only reported; somebody else's payment and one by another amount
    are booked too.
    """
    (a, _), (b, fb), (c, fc), (d, _), (e, _), (f, ff) = payments[:6]
    yuan = {name: print_fen(amount) for name, amount in payments}
    both = transaction(b, yuan[b]) + transaction(c, yuan[c])
    back = transaction(b, yuan[b], "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>").replace("DBIT", "CRDT")
    answer = report(
        status_of(a, "ACSC", "<AcctSvcrRef>R-a</AcctSvcrRef>", yuan[a]),
        status_of(d, "RJCT", "<StsRsnInf><Rsn><Cd>AC01</Cd></Rsn></StsRsnInf>", yuan[d]),
        status_of(e, "ACSC", "<AcctSvcrRef>R-e</AcctSvcrRef>", yuan[e]),
        status_of(f, "PDNG", amount=""),
    )
    wrong = print_fen(ff + 1)
    odd = booked("7.00", transaction("2023-009-NOBODY", "7.00"), reference="R-odd")
    return [
        ("answers", answer.replace(b"2025-04-02T17:00:00Z", b"2025-05-14T01:00:00Z")),
        ("statement", on(DAY, statement(booked(yuan[a], transaction(a, yuan[a]), reference="R-a"), odd))),
        ("statement", on(DAY, statement(booked(print_fen(fb + fc), both, reference="R-batch"), kind="054"))),
        ("statement", on(LATER, statement(booked(yuan[b], back, way="CRDT", reference="R-back")))),
        ("statement", on(LATER, statement(booked(wrong, transaction(f, wrong), reference="R-f")))),
    ]


def play(ledger: Ledger, files: list[tuple[str, bytes]]) -> list[bytes]:
    """Take files one after another; what contradicts is told, and holds nothing up."""
    statements = list[bytes]()
    for kind, data in files:
        if kind == "answers":
            record_answers(ledger, CIXI, YEAR, FINANCE, data)
            continue
        statements.append(data)
        with ledger.store.reading() as rows:
            entries = read_statements(rows, CIXI, statements)
        record_statement(ledger, CIXI, YEAR, FINANCE, entries)
    return statements


@pytest.mark.parametrize("seed", range(3))
def test_files_in_any_order_and_twice_come_to_what_the_bank_moved(
    ordered: Ordered, tmp_path: Path, seed: int
) -> None:
    ledger = ordered.ledger
    ledger.clock.pass_(days=3)  # type: ignore[attr-defined]
    files = files_of(ordered.payments)
    told = files + files[1:]
    Random(seed).shuffle(told)

    statements = play(ledger, told)

    bookings = bank.read_bookings(statements)
    net = bank.net_by_payment(bookings)
    amounts = dict(ordered.payments)
    a, b, c, d, e, f = (name for name, _ in ordered.payments[:6])
    out = tmp_path / "books.journal"
    with ledger.store.reading() as rows:
        books = books_of(ledger, rows, CIXI, YEAR)
        with out.open("w", encoding="utf-8") as text:
            journal.write(text, books.accounts(), books.transactions())
        found = reconcile_year(rows, CIXI, YEAR, read_statements(rows, CIXI, statements))
        paid = rows.all("SELECT CAST(SUM(paid) AS BIGINT) FROM accounts")[0][0]
        status = {str(name): str(at) for name, at in rows.all("SELECT payment, status FROM payments")}
    posted = bank.read_journal(out.read_text("utf-8"))

    # made: what was booked, and what the bank's answer alone says (e)
    assert posted == {a: amounts[a], c: amounts[c], e: amounts[e]}
    assert paid == sum(posted.values())
    assert {name for name, amount in net.items() if amount == amounts.get(name)} == {a, c}
    assert (status[b], status[d], status[f]) == ("failed", "failed", "ordered")
    assert found.total.booked_fen == sum(net.values()) == sum(booking.fen for booking in bookings)
    assert found.total.told_fen == paid
    assert found.total.ordered_fen == sum(amounts.values())
    classes = {line.payment.payment: line.kind.value for line in found.lines if line.payment}
    assert {name: classes[name] for name in (a, b, c, d, e, f)} == {
        a: "matched", b: "returned", c: "matched", d: "failed", e: "not-booked", f: "amount-differs",
    }  # fmt: skip
    assert [line.entries[0].reference for line in found.lines if line.payment is None] == ["R-odd"]
    assert replay(ledger, str(tmp_path / "replay.db")).differences == ()


@pytest.mark.parametrize("seed", range(4))
def test_a_failure_holds_until_money_is_booked_after_it(ordered: Ordered, seed: int) -> None:
    """In any order, twice and in part, each payment stands by its last word as the files alone tell it."""
    ledger = ordered.ledger
    ledger.clock.pass_(days=5)  # type: ignore[attr-defined]
    names = [name for name, _ in ordered.payments[:5]]
    yuan = {name: print_fen(fen) for name, fen in ordered.payments}
    failed_on = dict.fromkeys(names, LATER)
    answers = report(*(status_of(name, "RJCT", amount=yuan[name]) for name in names))
    files = [("answers", answers.replace(b"2025-04-02T17:00:00Z", f"{LATER}T01:00:00Z".encode()))]
    days = (DAY, LATER, "2025-05-16", DAY, DAY)
    for number, (name, day) in enumerate(zip(names, days, strict=True)):
        out = on(day, statement(booked(yuan[name], transaction(name, yuan[name]), reference=f"R{number}")))
        files.append(("statement", out))
    came_back = transaction(names[3], yuan[names[3]]).replace("DBIT", "CRDT")
    files[4] = (
        "statement",
        files[4][1].replace(
            b"</Stmt>", booked(yuan[names[3]], came_back, way="CRDT", reference="B").encode() + b"</Stmt>"
        ),
    )
    files[4] = ("statement", on("2025-05-16", files[4][1]))
    told = files[:5] + files[:5]  # the last payment's statement is never brought
    Random(seed).shuffle(told)

    for count in range(1, len(told) + 1):
        statements = play(ledger, told[:count])
        bookings = bank.read_bookings(statements)
        heard = any(kind == "answers" for kind, _ in told[:count])
        with ledger.store.reading() as rows:
            entries = read_statements(rows, CIXI, statements)
            found = reconcile_year(rows, CIXI, YEAR, entries)
        standings = {line.payment.payment: line for line in found.lines if line.payment}
        for name in names:
            own = {booking for booking in bookings if booking.payment == name}
            expected = bank.last_word(own, failed_on[name] if heard else "")
            standing = standings[name].payment
            assert standing is not None
            assert standing.status == expected, (count, name)
        in_sight = {name for name, line in standings.items() if line.kind.value == "failed-yet-booked"}
        net = bank.net_by_payment(bookings)
        assert in_sight == ({name for name in names[:2] if name in net} if heard else set())
    posted = sum(line.told_fen for line in found.lines)
    assert posted == dict(ordered.payments)[names[2]]


def test_a_late_success_is_recorded_and_a_contradiction_told(
    ordered: Ordered, tmp_path: Path, database_at: Callable[[str], str]
) -> None:
    """What was ordered again cannot be booked as paid a second time: it is told, and stays in sight."""
    ledger = ordered.ledger
    ledger.clock.pass_(days=3)  # type: ignore[attr-defined]
    (a, fa), (b, fb), *_ = ordered.payments
    rejected = report(*(status_of(name, "RJCT", amount=print_fen(fen)) for name, fen in ((a, fa), (b, fb))))
    record_answers(
        ledger, CIXI, YEAR, FINANCE, rejected.replace(b"2025-04-02T17:00:00Z", b"2025-05-14T01:00:00Z")
    )
    acknowledging.order_payments(ledger, CIXI, YEAR, FINANCE, [b.rpartition("-")[2]])
    details = [(a, fa, "R-a"), (b, fb, "R-b")]
    late = on(
        LATER,
        statement(
            *(booked(print_fen(fen), transaction(n, print_fen(fen)), reference=r) for n, fen, r in details)
        ),
    )

    with ledger.store.reading() as rows:
        entries = read_statements(rows, CIXI, [late, late])
    first = record_statement(ledger, CIXI, YEAR, FINANCE, entries)
    second = record_statement(ledger, CIXI, YEAR, FINANCE, entries)

    assert (first.recorded, second.recorded) == (1, 0)
    assert [fault.code for _, fault in first.refused] == ["payment.ordered-again"]
    with ledger.store.reading() as rows:
        found = reconcile_year(rows, CIXI, YEAR, entries)
    assert {line.payment.payment: line.kind.value for line in found.open_lines if line.payment} == {
        b: "failed-yet-booked"
    }
    with pytest.raises(NotAllowed):
        record_statement(ledger, CIXI, YEAR, OFFICER, entries)
    file = tmp_path / "late.xml"
    file.write_bytes(late)
    year = ("--policy", CIXI, "--year", str(YEAR))
    env = {f"{PREFIX}DATABASE": database_at("ledger.db")}
    for key in ((), ("--reference", "对账-1"), ("--reference", "对账-1")):
        done = CliRunner().invoke(
            main, ["--language", "en", "pay", "statement", str(file), *year, "--csv", *key], env=env
        )
        [line] = list(csv.DictReader(io.StringIO(done.stdout)))
        assert [*line.values()][:4] == [b, LATER, "R-b", print_fen(fb)]
        assert "ordered again" in line["Why it is not recorded"]
        assert done.exit_code == (0 if "recorded already" in done.stderr else ExitStatus.REFUSED)
        assert bool(key) or done.stderr.endswith("recorded 0, refused 1\n")
    done = CliRunner().invoke(main, ["pay", "statement", str(file), *year, "--json"], env=env)
    assert [(each["payment"], each["code"]) for each in json.loads(done.stdout)["refused"]] == [
        (b, "payment.ordered-again")
    ]
    file.write_bytes(late + b"\n")
    other = CliRunner().invoke(main, ["pay", "statement", str(file), *year, "--reference", "对账-1"], env=env)
    assert other.exit_code == ExitStatus.MISUSED  # another file under the same reference
    browser = Browser(create_app(ledger).test_client()).works("Qian", "finance")
    browser.post("settlement/results", file=(io.BytesIO(late), "statement"))
    page = browser.get("settlement")
    assert all(word in page for word in (b, "R-b", print_fen(fb, "CNY")))


def test_the_commands_reconcile_record_and_write_the_paper(
    ordered: Ordered, tmp_path: Path, database_at: Callable[[str], str]
) -> None:
    def run(*arguments: str) -> Any:
        env = {f"{PREFIX}DATABASE": database_at("ledger.db")}
        done = CliRunner().invoke(main, ["--language", "en", *arguments], env=env)
        assert done.exit_code == 0, done.output
        return done

    ordered.ledger.clock.pass_(days=3)  # type: ignore[attr-defined]
    paths = []
    for number, (kind, data) in enumerate(files_of(ordered.payments)):
        if kind == "statement":
            paths.append(str(tmp_path / f"{number}.xml"))
            Path(paths[-1]).write_bytes(data)
    year = ("--policy", CIXI, "--year", str(YEAR))
    paper = tmp_path / "对账.xlsx"

    before = json.loads(run("settle", "reconcile", *paths, *year, "--json", "--out", str(paper)).stdout)
    open_lines = run("settle", "reconcile", *paths, *year, "--open", "--csv").stdout
    bookings = bank.read_bookings(Path(path).read_bytes() for path in paths)

    assert bank.fen(before["total"]["booked"]) == sum(booking.fen for booking in bookings)
    assert number_of(before, "booked-untold") == 2
    assert "R-odd" in open_lines
    sheets = openpyxl.load_workbook(paper)
    rows = list(sheets["对账汇总"].iter_rows(values_only=True))
    total = next(row for row in rows if row[0] == "合计")
    assert total[1] == before["total"]["number"]
    heads = rows.index(("情形", "笔数", "已下达", "已登记付出", "银行净支出"))
    sums = [bank.fen(str(row[4])) for row in rows[heads + 1 : rows.index(total)]]
    assert sum(sums) == bank.fen(before["total"]["booked"])
    run("pay", "statement", *paths, *year)
    after = json.loads(run("settle", "reconcile", *paths, *year, "--json").stdout)
    assert number_of(after, "booked-untold") == 0
    assert number_of(after, "returned") == 1
    assert after["total"]["booked"] == before["total"]["booked"]


def number_of(document: Any, kind: str) -> int:
    [found] = [each["number"] for each in document["classes"] if each["class"] == kind]
    return int(found)


def test_the_api_and_the_page_say_the_same_and_keep_nothing(ordered: Ordered) -> None:
    ordered.ledger.clock.pass_(days=3)  # type: ignore[attr-defined]
    api = Api(ordered.ledger).by("Qian", "finance")
    data = [data for kind, data in files_of(ordered.payments) if kind == "statement"]
    body = {"statements": [each.decode() for each in data]}
    with ordered.ledger.store.reading() as rows:
        position = rows.last_position()
        found = reconcile_year(rows, CIXI, YEAR, read_statements(rows, CIXI, data))

    answer = api.post(f"/v1/policies/{CIXI}/years/{YEAR}/payments/reconciliation", body, 200)

    assert answer["total"]["booked"] == print_fen(found.total.booked_fen)
    assert number_of(answer, "booked-untold") == 2
    assert [line["class"] for line in answer["open"]] == [line.kind.value for line in found.open_lines]
    browser = Browser(create_app(ordered.ledger).test_client()).works("Qian", "finance")
    assert browser.client.get(f"{HERE}/reconciliation").status_code == 200
    files = [(io.BytesIO(each), f"{number}.xml") for number, each in enumerate(data)]
    page = browser.post("reconciliation", 200, file=files).text
    assert "R-odd" in page
    assert print_fen(found.total.booked_fen, "CNY") in page
    assert "camt.053" in browser.post("reconciliation", 422, file=(io.BytesIO(b"<x/>"), "x.xml")).text
    with ordered.ledger.store.reading() as rows:
        assert rows.last_position() == position
    csv_statement = "账号,记账日期,收支,金额,银行流水号,支付编号\n"
    name, fen = ordered.payments[5]
    csv_statement += f"3901,{DAY},支出,{print_fen(fen)},R-csv,{name}\n3901,{DAY},支出,9.00,R-odd,\n"
    for upload in (data[0], csv_statement.encode("gb18030"), csv_statement.encode("gb18030")):
        browser.post("settlement/results", file=(io.BytesIO(upload), "statement"))
    with ordered.ledger.store.reading() as rows:
        made = rows.all("SELECT payment, said FROM payments WHERE status='made' ORDER BY said")
    assert [tuple(row) for row in made] == [(ordered.payments[0][0], "R-a"), (name, "R-csv")]


def test_a_statement_is_recorded_once_by_its_digest_and_named_by_what_rests_on_it(
    ordered: Ordered, tmp_path: Path, database_at: Callable[[str], str]
) -> None:
    """By every door the same file is one event, after the closing; both verifiers take it there."""
    ledger = ordered.ledger
    ledger.clock.pass_(days=3)  # type: ignore[attr-defined]
    data = [data for kind, data in files_of(ordered.payments) if kind == "statement"]
    finance, path = Api(ledger).by("Qian", "finance"), f"/v1/policies/{CIXI}/years/{YEAR}/payments"
    body = {"statements": [each.decode() for each in (data[0], data[0], data[1])]}
    digests = [hashlib.sha256(each).hexdigest() for each in data]

    first = finance.post(f"{path}/statements", body, 200)
    with ledger.store.reading() as rows:
        position = rows.last_position()
    second = finance.post(f"{path}/statements", body, 200)

    assert [each["digest"] for each in first["statements"]] == digests[:2]
    assert {each["recorded_by"] for each in first["statements"]} == {None}
    assert {each["recorded_by"] for each in second["statements"]} == {"Qian"}
    assert first["statements"][0] == {
        **{"digest": digests[0], "accounts": ["3901"], "entries": 2, "recorded_by": None},
        **{"from_day": DAY, "until_day": DAY},
    }
    assert (first["recorded"], second["recorded"]) == (3, 0)
    assert first["refused"] == second["refused"] == []
    env = {f"{PREFIX}DATABASE": database_at("ledger.db")}
    file, paper, year = tmp_path / "0.xml", tmp_path / "对账.xlsx", ("--policy", CIXI, "--year", str(YEAR))
    file.write_bytes(data[0])
    done = CliRunner().invoke(main, ["pay", "statement", str(file), *year, "--json"], env=env)
    assert json.loads(done.stdout)["statements"] == second["statements"][:1]
    browser = Browser(create_app(ledger).test_client()).works("Qian", "finance")
    browser.post("settlement/results", file=(io.BytesIO(data[1]), "statement"))
    with ledger.store.reading() as rows:
        assert rows.last_position() == position
        recorded = settlement_of(rows, CIXI, YEAR).statements
    assert [*recorded] == digests[:2]
    assert recorded[digests[1]].statement.entry_count == 2

    answer = finance.post(f"{path}/reconciliation", {"statements": [data[0].decode(), data[2].decode()]}, 200)
    named = [(each["digest"], each["recorded_by"]) for each in answer["statements"]]
    assert named == [(digests[0], "Qian"), (digests[2], None)]
    (tmp_path / "2.xml").write_bytes(data[2])
    words = ["settle", "reconcile", str(file), str(tmp_path / "2.xml"), *year, "--out", str(paper)]
    assert CliRunner().invoke(main, words, env=env).exit_code == 0
    sheet = openpyxl.load_workbook(paper)["依据的对账单"]
    papers = [(row[5], row[4]) for row in sheet.iter_rows(values_only=True)]
    assert papers[-2:] == [(digests[0], "Qian"), (digests[2], "未登记")]
    page = browser.post("reconciliation", 200, file=(io.BytesIO(data[0]), "0.xml")).text
    assert digests[0] in page
    assert "Qian" in page
    Api(ledger).by("Lin", "officer").post(f"{path}/statements", body, 403)
    Api(ledger).by("Qian", "finance").post(f"/v1/policies/{CIXI}/years/2025/payments/statements", body, 409)
    assert replay(ledger, str(tmp_path / "replay.db")).differences == ()
    scene, code = Closed(ledger, ledger.clock, "", ""), ordered.payments[0][0].rpartition("-")[2]  # type: ignore[arg-type]
    bundles = [bundled(scene, tmp_path, YEAR), bundled(scene, tmp_path, YEAR, code)]
    assert [faults(bundle) for bundle in bundles] == [[], []]
    judgements = judge_files(build_verifier(), f"{KEY.verifier}\n", bundles)
    assert {judgement.reason for judgement in judgements.values()} == {""}
    assert digests[0].encode() not in b"".join(members(bundles[1]).values())


def test_the_orders_of_the_file_are_those_that_are_reconciled(ordered: Ordered, tmp_path: Path) -> None:
    codes = [name.rpartition("-")[2] for name, _ in ordered.payments]
    payees = ["code,name,account,bank", *(f"{c},企业,3901{n:06d},102332000017" for n, c in enumerate(codes))]
    with ordered.ledger.store.reading() as rows:
        path = tmp_path / "p.xml"
        payer = Payer("慈溪市财政局", "3901120009000012345", "102332000017")
        on_day = ordered.ledger.clock().date().isoformat()
        write_payments(ordered.ledger, rows, CIXI, YEAR, "2024-001", path, payees, payer, on_day)
        found = reconcile_year(rows, CIXI, YEAR, [])

    assert bank.read_orders(path.read_bytes()) == {
        line.payment.payment: line.ordered_fen for line in found.lines if line.payment
    }
