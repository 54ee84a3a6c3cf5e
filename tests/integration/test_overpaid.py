"""An award that late facts take away after it was paid: its paid share comes back, told alike at every door.

¥500,000.00 was awarded and ¥179,543.78 of it paid, beside another award of the same enterprise: it got
¥269,315.67 in all. The figures follow from the budget by hand, not from the product.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner

from domain.authority.roles import NotAllowed
from domain.money.amounts import print_fen
from domain.settlement.overpaid import OPEN_STAGES, STAGE_WORDS, OverpaidStage
from ledger.documents.collecting import DocumentRequest, collect_document
from ledger.export import beancount, journal
from ledger.export.books import books_of
from ledger.policies.versions import set_budget
from ledger.replay.comparison import replay
from ledger.settlement import paying
from ledger.settlement.files import write_summary
from ledger.settlement.overpaid import list_overpayments, sum_to_order
from ledger.store.application import Ledger
from services.cli.main import main
from services.runtime.variables import PREFIX
from services.server.app import create_app
from tests import programs
from tests.events import CIXI, Feed
from tests.integration.bureau import Bureau, Clock, check
from tests.integration.closings import OFFICER
from tests.integration.test_console_desk import Browser
from tests.integration.test_repeated_steps import codes

CODE, OTHER = Feed(1).code, Feed(2).code
MEASURE, KEPT = "logistics.warehouse-provincial", "logistics.warehouse-ningbo"
BUDGET_FEN = 359_087_56
"""For awards of 1,000,000.00: each is paid 0.35908756 of what it is."""
PAID, SHARE, REST = "269315.67", "179543.78", "89771.89"
SHOWN = "¥179,543.78"
WHY = {"reason": "省级公共海外仓认定被撤销"}
YEAR = ("--policy", CIXI, "--year", "2024")


@pytest.fixture
def office(open_at: Callable[..., Ledger]) -> Bureau:
    """A closed year that is paid, of which one fact was retracted since."""
    bureau = Bureau(open_at(), Clock())
    set_budget(bureau.ledger, CIXI, "2024", BUDGET_FEN)
    for code, level, warehouse in (
        (CODE, "provincial", "甲"),
        (CODE, "ningbo", "乙"),
        (OTHER, "ningbo", "丙"),
    ):
        data = {"level": level, "warehouse": warehouse, "on": "2024-03-04"}
        bureau.publish("warehouse-recognised", code, f"仓{warehouse}", **data)
    bureau.settle()
    bureau.finance.post(bureau.year("payments"), {}, 201)
    made = [(each["payment"], "made", each["amount"]) for each in bureau.pages(bureau.year("payments"))]
    bureau.finance.post(bureau.year("payments/results"), bureau.results(*made))
    assert {amount for _, _, amount in made} == {PAID, REST}
    retracted = {"of": "仓甲", "of_type": "subsidy.warehouse-recognised.v1", "reason": "认定被撤销"}
    bureau.publish("fact-retracted", CODE, "撤销", **retracted)
    return bureau


def overpaid(bureau: Bureau) -> dict[str, str]:
    """What the API says of the only overpayment."""
    [item] = bureau.pages(bureau.year("overpayments"))
    assert (item.pop("enterprise"), item.pop("measure")) == (CODE, MEASURE)
    assert (item.pop("awarded"), item.pop("paid_share"), item.pop("overpaid")) == ("500000.00", SHARE, SHARE)
    return item


def command(database: str, *words: str, code: int = 0) -> Any:
    """Run a command in English."""
    env = {f"{PREFIX}DATABASE": database}
    done = CliRunner().invoke(main, ["--language", "en", *words, *YEAR], env=env)
    assert done.exit_code == code, done.output
    return done


def come_back(bureau: Bureau, clawback: str, amount: str, reference: str) -> Any:
    """Money came in for a clawback."""
    body = {"enterprise": CODE, "amount": amount, "on": bureau.today(), "reference": reference}
    return bureau.finance.post(bureau.year(f"clawbacks/{clawback}/recoveries"), body)


def test_the_paid_share_comes_back_and_is_told_to_the_fen_by_the_api(office: Bureau, tmp_path: Path) -> None:
    [adjustment] = office.pages(office.year("adjustments"))
    assert (adjustment["settled"], adjustment["difference"]) == ("500000.00", "-500000.00")
    assert (adjustment["paid_share"], adjustment["paid_too_much"]) == (SHARE, SHARE)
    none = {"ordered_back": "0.00", "recovered": "0.00", "now": "0.00"}
    assert overpaid(office) == {**none, "to_order": SHARE, "due": SHARE, "stage": "to-order"}

    # without the award's name nothing is ordered back, whatever the amount
    for amount in (PAID, SHARE, "1.00"):
        body = {"enterprise": CODE, "amount": amount, **WHY}
        refused = office.officer.post(office.year("clawbacks"), body, 409)
        assert codes(refused) == ["clawback.unnamed"]
        assert all(MEASURE in refused["faults"][0][part] for part in ("rule", "mend"))
        assert SHOWN in refused["faults"][0]["rule"]
    named = {"enterprise": CODE, "measure": MEASURE, **WHY}
    none_given = office.officer.post(office.year("clawbacks"), {"enterprise": CODE, **WHY}, 422)
    assert codes(none_given) == ["field.missing"]
    with pytest.raises(NotAllowed) as no_amount:
        paying.claw_back(office.ledger, CIXI, 2024, CODE, OFFICER, None, "撤销")
    assert no_amount.value.code == "clawback.no-amount"
    wrong = office.officer.post(office.year("clawbacks"), {**named, "amount": PAID}, 409)
    assert codes(wrong) == ["clawback.difference"]
    other = office.officer.post(office.year("clawbacks"), {**named, "measure": KEPT}, 409)
    assert codes(other) == ["clawback.no-difference"]

    first = office.officer.post(office.year("clawbacks"), named, 201)
    assert (first["amount"], first["due"], first["measure"]) == (SHARE, SHARE, MEASURE)
    assert (first["clawed_back"], first["paid"]) == (SHARE, PAID)
    assert office.officer.post(office.year("clawbacks"), named, 200) == first
    assert list(office.pages(office.year("adjustments"))) == []
    assert overpaid(office) == {
        **{"now": "0.00", "to_order": "0.00", "ordered_back": SHARE},
        **{"recovered": "0.00", "due": SHARE, "stage": "ordered"},
    }

    half = come_back(office, first["clawback"], "79543.78", "R-1")
    assert (half["amount"], half["due"]) == (SHARE, "100000.00")
    item = overpaid(office)
    assert (item["recovered"], item["due"], item["stage"]) == ("79543.78", "100000.00", "ordered")
    come_back(office, first["clawback"], "100000.00", "R-2")
    item = overpaid(office)
    assert (item["ordered_back"], item["recovered"]) == (SHARE, SHARE)
    assert (item["due"], item["stage"]) == ("0.00", "recovered")

    # what has another reason is clawed back after it, up to what is left
    breach = {"enterprise": CODE, "amount": REST, "reason": "违反承诺"}
    assert office.officer.post(office.year("clawbacks"), breach, 201)["measure"] is None
    assert codes(office.officer.post(office.year("clawbacks"), {**breach, "amount": "0.01"}, 409)) == [
        "clawback.above-paid"
    ]
    check(office)
    assert replay(office.ledger, str(tmp_path / "replay.db")).equal


def test_commands_pages_and_papers_say_the_same(
    office: Bureau, tmp_path: Path, database_at: Callable[[str], str]
) -> None:
    database = database_at("ledger.db")
    [line] = csv.DictReader(io.StringIO(command(database, "adjustments", "--csv").stdout))
    assert (line["Awarded"], line["Paid of it"], line["To be ordered back"]) == ("500000.00", SHARE, SHARE)
    assert json.loads(command(database, "adjustments", "--json").stdout) == list(
        office.pages(office.year("adjustments"))
    )
    assert "500,000.00" in command(database, "adjustments").stdout
    browser = Browser(create_app(office.ledger).test_client()).works("Lin", "officer")
    finance = Browser(browser.client).works("Qian", "finance")
    refused = command(database, "clawback", CODE, PAID, "撤销", code=1)
    assert MEASURE in refused.stderr
    assert SHOWN in refused.stderr
    assert "amount: " in command(database, "clawback", CODE, "撤销", code=1).stderr
    command(database, "clawback", CODE, "1.00", "too", "many", code=2)
    form = {"enterprise": CODE, "amount": PAID, **WHY}
    told(office, browser, database, tmp_path / "0", ordered="0.00", recovered="0.00", due=SHARE)
    browser = browser.works("Lin", "officer")
    page = browser.post("settlement/claw-back", 409, **form).text
    assert MEASURE in page
    assert SHOWN in page

    browser.post("adjustments/claw-back", 303, enterprise=CODE, measure=MEASURE, amount=SHARE, **WHY)
    told(office, browser, database, tmp_path / "1", ordered=SHARE, recovered="0.00", due=SHARE)
    assert "省级公共海外仓" in browser.get("settlement")
    finance.works("Qian", "finance").post(
        *("settlement/recovery", 303),
        clawback=f"2024-{CODE}-01 {CODE}", amount="79543.78", on=office.today(), reference="R-1",
    )  # fmt: skip
    told(office, browser, database, tmp_path / "2", ordered=SHARE, recovered="79543.78", due="100000.00")
    come_back(office, f"2024-{CODE}-01", "100000.00", "R-2")
    told(office, browser, database, tmp_path / "3", ordered=SHARE, recovered=SHARE, due="0.00")


def told(
    office: Bureau, browser: Browser, database: str, folder: Path, ordered: str, recovered: str, due: str
) -> None:
    """Command, pages, summary, report and books say this of the overpayment."""
    folder.mkdir()
    [row] = csv.DictReader(io.StringIO(command(database, "overpayments", "--csv").stdout))
    assert [*row.values()][2:8] == ["500000.00", SHARE, SHARE, ordered, recovered, due]
    [item] = office.pages(office.year("overpayments"))
    assert json.loads(command(database, "overpayments", "--json").stdout) == [item]
    shown = [f"¥{money(amount)}" for amount in ("500000.00", SHARE, ordered, recovered, due)]
    for place in ("adjustments", f"enterprises/{CODE}", f"enterprises/{CODE}/statement"):
        page = browser.get(place)
        assert [amount for amount in shown if amount not in page] == [], place
    with office.ledger.store.reading() as rows:
        write_summary(office.ledger, rows, CIXI, 2024, folder / "汇总.xlsx")
        to_order = sum_to_order(rows, CIXI, 2024).get(CODE, 0)
        request = DocumentRequest("report", CIXI, 2024, office.today())
        report = collect_document(office.ledger, rows, request).values
        books = books_of(office.ledger, rows, CIXI, 2024)
        accounts, transactions = list(books.accounts()), list(books.transactions())
    sheets = openpyxl.load_workbook(folder / "汇总.xlsx")
    line = next(row for row in sheets["多付与追回"].iter_rows(values_only=True) if row[1] == CODE)
    sums = (500_000, float(SHARE), float(SHARE), float(ordered), float(recovered), float(due))
    assert line[4:10] == sums
    notes = {row[0]: str(row[3]) for row in sheets["汇总"].iter_rows(values_only=True)}
    assert to_order == programs.fen(SHARE) - programs.fen(ordered)
    assert report["多付待追回"] == (f"；另有多付待追回{SHOWN}" if to_order else "")
    assert (SHOWN in notes["应追回"]) == bool(to_order)
    assert ("催告" in notes["尚未追回"]) == (ordered != recovered)
    balances = {
        f"assets:clawback:{CODE}": programs.fen(ordered) - programs.fen(recovered),
        "expenses:clawback:2024": -programs.fen(ordered),
        "assets:treasury:2024": programs.fen(recovered),
    }
    path, other = folder / "books.journal", folder / "books.beancount"
    with path.open("w", encoding="utf-8") as file, other.open("w", encoding="utf-8") as second:
        journal.write(file, accounts, transactions)
        beancount.write(second, "x", books.first_day(), accounts, transactions)
    read = programs.hledger_balances(path)
    assert {name: read.get(name, 0) for name in balances} == balances
    text = path.read_text("utf-8")
    assert ("award_lowered:500000.00" in text) == (ordered != "0.00")
    assert f'measure: "{MEASURE}"' in other.read_text("utf-8")


def money(amount: str) -> str:
    """An amount with thousands apart."""
    return print_fen(programs.fen(amount), grouped=True)


def test_what_was_ordered_back_without_a_name_leaves_nothing_to_order(office: Bureau) -> None:
    """A clawback for a breach came first: of the lowered award what is left of the payment comes back."""
    again = {"level": "provincial", "warehouse": "甲", "on": "2024-03-04"}
    office.publish("warehouse-recognised", CODE, "仓甲二", **again)
    assert list(office.pages(office.year("overpayments"))) == []
    breach = {"enterprise": CODE, "amount": "200000.00", "reason": "违反承诺"}
    office.officer.post(office.year("clawbacks"), breach, 201)
    retracted = {"of": "仓甲二", "of_type": "subsidy.warehouse-recognised.v1", "reason": "认定被撤销"}
    office.publish("fact-retracted", CODE, "撤销二", **retracted)
    [item] = office.pages(office.year("overpayments"))
    assert (item["to_order"], item["stage"]) == ("69315.67", "to-order")
    named = {"enterprise": CODE, "measure": MEASURE, **WHY}
    made = office.officer.post(office.year("clawbacks"), named, 201)
    assert (made["amount"], made["clawed_back"]) == ("69315.67", PAID)
    check(office)


def test_what_is_not_paid_or_covered_by_other_clawbacks_is_told_as_such(
    open_at: Callable[..., Ledger],
) -> None:
    bureau = Bureau(open_at(), Clock())
    data = {"level": "provincial", "warehouse": "甲", "on": "2024-03-04"}
    bureau.publish("warehouse-recognised", CODE, "仓甲", **data)
    bureau.settle()
    retracted = {"of": "仓甲", "of_type": "subsidy.warehouse-recognised.v1", "reason": "认定被撤销"}
    bureau.publish("fact-retracted", CODE, "撤销", **retracted)
    named = {"enterprise": CODE, "measure": MEASURE, **WHY}
    assert codes(bureau.officer.post(bureau.year("clawbacks"), named, 409)) == ["clawback.nothing-overpaid"]
    [unpaid] = bureau.pages(bureau.year("overpayments"))
    assert (unpaid["paid_share"], unpaid["overpaid"], unpaid["stage"]) == ("0.00", "0.00", "unpaid")
    bureau.publish("warehouse-recognised", CODE, "仓甲二", **data)
    bureau.finance.post(bureau.year("payments"), {}, 201)
    [payment] = bureau.pages(bureau.year("payments"))
    bureau.finance.post(
        bureau.year("payments/results"), bureau.results((payment["payment"], "made", payment["amount"]))
    )
    everything = {"enterprise": CODE, "amount": payment["amount"], "reason": "骗取资金"}
    bureau.officer.post(bureau.year("clawbacks"), everything, 201)
    bureau.publish("fact-retracted", CODE, "撤销二", **{**retracted, "of": "仓甲二"})
    [covered] = bureau.pages(bureau.year("overpayments"))
    assert (covered["to_order"], covered["stage"]) == ("0.00", "covered")
    with bureau.ledger.store.reading() as rows:
        [overpayment] = list_overpayments(rows, CIXI, 2024)
        assert list_overpayments(rows, CIXI, 2024, limit=0) == []
    assert overpayment.stage not in OPEN_STAGES
    assert STAGE_WORDS.keys() == set(OverpaidStage)
