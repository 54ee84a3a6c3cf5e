"""Four policies in one ledger: Cixi's, one with budgets by town, one with priorities, one in patacas.

The same facts reach several of them. Every figure is worked out by hand from the policies' texts.
"""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pytest

from domain.authority.roles import NotAllowed
from domain.money.amounts import parse_fen
from domain.policy.faults import PolicyError
from domain.policy.load import load_adopted
from ledger.audit.bundle import write_enterprise, write_year
from ledger.audit.check import check_log
from ledger.audit.checkpoints import current
from ledger.export import beancount, journal, spreadsheet
from ledger.export.books import books_of
from ledger.intake.inbox import ingest
from ledger.policies import versions as policies
from ledger.policies.versions import UnknownPeriod, adopt_policy, set_budget
from ledger.reading.overview import NoFactor, factor_at, factor_over_time
from ledger.replay.comparison import replay
from ledger.settlement import adjusting, paying
from ledger.settlement.files import Payer, write_list, write_payments, write_summary
from ledger.settlement.paying import Result
from ledger.settlement.pending import pending
from ledger.store.application import Ledger
from ledger.store.moments import NOW
from services.verify import verify
from services.verify.reading import Broken
from tests import acknowledging, programs
from tests import answers as queries
from tests.answers import explain, trial, what_if
from tests.events import CIXI, EXAMPLES, Feed, awards, budget, take
from tests.integration.bureau import Clock
from tests.integration.closings import FINANCE, OFFICER, REVIEWER
from tests.integration.test_bundles import KEY
from tests.integration.test_workbook import cell

LINHAI, BINHAI, HENGQIN = EXAMPLES
ALL = (CIXI, *EXAMPLES)
YEAR = 2026
A, B, C, D = (Feed(number) for number in (801, 802, 803, 804))
Opener = Callable[..., Ledger]


def registered(feed: Feed, town: str, time: str = "2026-01-02T00:00:00Z") -> bytes:
    return feed.send("enterprise-registered", time, name=f"企业{feed.number}", town=town)


def in_patacas(feed: Feed, type_: str, amount: str, year: int = YEAR, **more: Any) -> bytes:
    return feed.send(type_, "2026-12-31T00:00:00Z", year=year, amount=amount, currency="MOP", **more)


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2027, 2, 1, 2, tzinfo=UTC))


@pytest.fixture
def ledger(open_at: Opener, clock: Clock) -> Ledger:
    """The four policies and the facts of 2026."""
    found = open_at(clock())
    found.clock = clock
    for text in EXAMPLES.values():
        adopt_policy(found, text)
    set_budget(found, LINHAI, "2026.city", parse_fen("20000.00"))
    set_budget(found, BINHAI, "life.results", parse_fen("150000.00"))
    set_budget(found, HENGQIN, "2026", parse_fen("100000.00"))
    for feed in (A, B, C, D):
        feed.count = 0
    take(
        found,
        *(
            registered(feed, town)
            for feed, town in ((A, "古城街道"), (B, "大洋街道"), (C, "杜桥镇"), (D, "白水洋镇"))
        ),
        A.shop("tmall", "a", "2026-03-01"),
        A.sales("dtc_own_brand_export", YEAR, "1250000.00", "2026-12-31T00:00:00Z"),
        B.approved("live.base", "b", YEAR, "30000.00", LINHAI),
        C.of_year("design-purchased", YEAR, "2000000.00"),
        C.of_year("research-spent", YEAR, "1000000.00"),
        C.send("recognition-granted", kind="high_tech_enterprise", ref="h", on="2026-04-01"),
        D.approved("results.project", "p", YEAR, "500000.00", BINHAI),
        in_patacas(D, "sales-reported", "5000000.00", channel="online"),
    )
    return found


EARNED = {
    # Cixi: a Tmall shop ¥10,000; US$1,250,000 is one whole million; design 10 %. Patacas are nothing to it.
    (CIXI, A): {"store.tmall": "10000.00", "brand.dtc-export": "15000.00"},
    (CIXI, C): {"design.procurement": "200000.00"},
    # Linhai, the inner city: 10,000 + 2 × 10,000 + 30,000 = 60,000 out of 20,000 → 1/3, the spare fen
    # to the larger rest; Duqiao: 20 % of 2,000,000, capped, within 2,000,000.
    (LINHAI, A): {"shop.opened": "3333.33", "export.dtc": "6666.67"},
    (LINHAI, B): {"live.base": "10000.00"},
    (LINHAI, C): {"design.purchased": "200000.00"},
    # Binhai: results 200,000 out of 150,000 → 3/4, so nothing for the third group; research in full.
    (BINHAI, C): {"honour.high-tech": "150000.00", "research.expense": "80000.00"},
    # Hengqin, in patacas: 12.5 × 4,000 = 50,000; 30,000 + 120,000; 200,000 out of 100,000 → 1/2.
    (HENGQIN, A): {"export.usd": "25000.00"},
    (HENGQIN, D): {"sales.tier": "75000.00"},
}


def close_all(ledger: Ledger, clock: Clock) -> None:
    for policy in ALL:
        acknowledging.propose(ledger, policy, YEAR, OFFICER)
        acknowledging.publish(ledger, policy, YEAR, OFFICER)
    clock.pass_(days=12)
    for policy in ALL:
        acknowledging.close(ledger, policy, YEAR, REVIEWER)


def pay_all(ledger: Ledger, clock: Clock) -> dict[str, str]:
    """Every payment made; the batches by policy."""
    batches = {}
    for policy in ALL:
        batches[policy] = acknowledging.order_payments(ledger, policy, YEAR, FINANCE).batch
        with ledger.store.reading() as rows:
            found = rows.all("SELECT payment, amount FROM payments WHERE policy=? AND year=?", [policy, YEAR])
        day = clock().date().isoformat()
        made = [Result(payment, "made", amount, day, f"{policy} {payment}") for payment, amount in found]
        paying.record_results(ledger, policy, YEAR, FINANCE, made)
    return batches


def same_as_replayed(ledger: Ledger, folder: Path) -> None:
    for name in (f"replay-{number}.db" for number in range(100)):
        if not (folder / name).exists():
            assert replay(ledger, str(folder / name)).differences == ()
            break
    with ledger.store.reading() as rows:
        assert check_log(rows, [KEY.verifier]) == []


def bundles_verify(ledger: Ledger, folder: Path, years: tuple[int, ...]) -> None:
    note = current(ledger, KEY)
    size = int(note.split("\n")[1])
    for policy in ALL:
        for year in years:
            path = folder / f"{policy}-{year}.zip"
            write_year(ledger, path, policy, year, note, size)
            assert verify(path, [KEY.verifier])[1].faults == [], (policy, year)
            for feed in (A, B, C, D):
                path = folder / f"{policy}-{year}-{feed.code}.zip"
                write_enterprise(ledger, path, feed.code, policy, year, note, size, KEY)
                assert verify(path, [KEY.verifier])[1].faults == [], (policy, year, feed.number)


def test_the_same_facts_earn_under_each_policy_what_its_text_says(ledger: Ledger) -> None:
    paid = {
        (policy, feed): found
        for policy in ALL
        for feed in (A, B, C, D)
        if (found := awards(ledger, feed, policy, YEAR, "payable"))
    }
    factors = {each["pot"]: each["factor"]["fraction"] for each in budget(ledger, LINHAI, YEAR)["pots"]}

    assert paid == EARNED
    assert factors == {"city": "1/3", "duqiao": "1/1", "others": "1/1"}
    assert budget(ledger, CIXI, YEAR)["pots"] == []
    assert "currency" not in budget(ledger, CIXI, YEAR)
    assert budget(ledger, HENGQIN, YEAR)["currency"] == "MOP"
    assert {
        e["budget"]: (e["available"], e["sharing"], e["payable"])
        for e in budget(ledger, BINHAI, YEAR)["budgets"]
    } == {
        "research": ("8000000.00", "80000.00", "80000.00"),
        "results": ("150000.00", "700000.00", "150000.00"),
    }


def test_all_four_are_closed_paid_replayed_and_verified_offline(
    ledger: Ledger, clock: Clock, tmp_path: Path
) -> None:
    bundles_verify(ledger, tmp_path, (YEAR,))
    close_all(ledger, clock)
    pay_all(ledger, clock)
    with ledger.store.reading() as rows:
        paid = {policy: queries.accounts_sums(rows, policy, YEAR)["paid"] for policy in ALL}

    assert paid == {CIXI: "225000.00", LINHAI: "220000.00", BINHAI: "230000.00", HENGQIN: "100000.00"}
    same_as_replayed(ledger, tmp_path)
    bundles_verify(ledger, tmp_path, (YEAR, YEAR + 1))
    # What the city's budgets left goes to the same budget of the next year; the inner city left nothing.
    assert {e["budget"]: e["available"] for e in budget(ledger, LINHAI, 2027)["budgets"]} == {
        "city": "3000000.00",
        "duqiao": "3800000.00",
        "others": "3000000.00",
    }
    # Binhai's budget is for the whole life: 2026 has taken 150,000 and 80,000.
    assert {e["budget"]: e["available"] for e in budget(ledger, BINHAI, 2027)["budgets"]} == {
        "research": "7920000.00",
        "results": "0.00",
    }
    # Hengqin makes the reduction good: 25,000 and 75,000 are awards of 2027.
    assert budget(ledger, HENGQIN, 2027)["sharing"] == "100000.00"


def test_a_town_that_changes_moves_open_awards_only(ledger: Ledger, clock: Clock, tmp_path: Path) -> None:
    """A moves to Duqiao before the closing: the inner city's 30,000 is then B's alone."""
    take(ledger, registered(A, "杜桥镇", "2026-11-11T00:00:00Z"))
    assert awards(ledger, A, LINHAI, YEAR, "payable") == {"shop.opened": "10000.00", "export.dtc": "20000.00"}
    assert awards(ledger, B, LINHAI, YEAR, "payable") == {"live.base": "20000.00"}
    close_all(ledger, clock)
    take(ledger, registered(A, "古城街道", "2027-02-11T00:00:00Z"))

    assert awards(ledger, A, LINHAI, YEAR, "payable") == {"shop.opened": "10000.00", "export.dtc": "20000.00"}
    same_as_replayed(ledger, tmp_path)
    bundles_verify(ledger, tmp_path, (YEAR,))


def test_an_open_list_is_rebuilt_as_it_was_proposed(ledger: Ledger, clock: Clock, tmp_path: Path) -> None:
    """The towns that count are those that were known when the list was proposed."""
    for policy in ALL:
        acknowledging.propose(ledger, policy, YEAR, OFFICER)
    take(ledger, registered(A, "杜桥镇", "2026-11-11T00:00:00Z"))

    assert replay(ledger, str(tmp_path / "replay.db")).differences == ()


def test_late_facts_are_adjusted_out_of_the_right_budget_and_clawed_back(
    ledger: Ledger, clock: Clock, tmp_path: Path
) -> None:
    close_all(ledger, clock)
    pay_all(ledger, clock)
    # A bought design for ¥100,000 in 2026: Linhai owes 20 %. C's research was ¥500,000: ¥40,000 too much.
    spent = f"e{C.number}-3"
    take(
        ledger,
        A.of_year("design-purchased", YEAR, "100000.00"),
        registered(A, "杜桥镇", "2027-02-12T00:00:00Z"),
        C.correct(spent, "research-spent", amount="500000.00"),
    )
    with ledger.store.reading() as rows:
        late = {p: [(e.measure, e.amount) for e in pending(rows, p, YEAR)] for p in ALL}
    assert late[LINHAI] == [("design.purchased", 2_000_000)]
    assert late[BINHAI] == [("research.expense", -4_000_000)]
    adjusting.accept(
        ledger, LINHAI, YEAR, A.code, "design.purchased", 2027, OFFICER, 2_000_000, "late report"
    )
    paying.claw_back(ledger, BINHAI, YEAR, C.code, OFFICER, 4_000_000, "corrected", "research.expense")

    pots = {each["pot"]: each["sharing"] for each in budget(ledger, LINHAI, 2027)["pots"]}
    assert pots == {"city": "0.00", "duqiao": "20000.00", "others": "0.00"}
    same_as_replayed(ledger, tmp_path)
    bundles_verify(ledger, tmp_path, (YEAR, 2027))


def test_a_changed_pot_is_found_and_named(ledger: Ledger, clock: Clock, tmp_path: Path) -> None:
    note = current(ledger, KEY)
    size = int(note.split("\n")[1])
    write_year(ledger, tmp_path / "right.zip", LINHAI, YEAR, note, size)
    with (
        zipfile.ZipFile(tmp_path / "right.zip") as right,
        zipfile.ZipFile(tmp_path / "wrong.zip", "w") as wrong,
    ):
        for name in right.namelist():
            data = right.read(name)
            if name == "bundle.json":
                head = json.loads(data)
                head["pots"][0][1] = "20000.01"
                data = json.dumps(head).encode()
            wrong.writestr(name, data)
    try:
        faults = verify(tmp_path / "wrong.zip", [KEY.verifier])[1].faults
    except Broken as error:
        faults = [str(error)]
    assert faults == ["city: 20000.00 of 60000.00, the ledger says 20000.01 of 60000.00"]
    close_all(ledger, clock)
    with ledger.store.writing() as rows:
        rows.run("UPDATE settlement_lines SET pot='duqiao' WHERE policy=? AND code=?", [LINHAI, A.code])
    with ledger.store.reading() as rows:
        assert any(A.code in finding.description for finding in check_log(rows, [KEY.verifier]))
    assert replay(ledger, str(tmp_path / "replay.db")).differences


def test_files_carry_the_policy_s_currency_and_the_same_sums(
    ledger: Ledger, clock: Clock, tmp_path: Path
) -> None:
    close_all(ledger, clock)
    batches = {policy: acknowledging.order_payments(ledger, policy, YEAR, FINANCE).batch for policy in ALL}
    payees = [
        "统一社会信用代码,账号,行号,户名",
        *(f"{f.code},62220001{f.number},102332000017,企业" for f in (A, D)),
    ]
    payer = Payer("横琴合作区财政局", "3901120009000012345", "102332000017")
    with ledger.store.reading() as rows:
        path = tmp_path / "pay.xml"
        written = write_payments(
            ledger, rows, HENGQIN, YEAR, batches[HENGQIN], path, payees, payer, "2027-03-01"
        )
        write_list(ledger, rows, HENGQIN, YEAR, tmp_path / "list.csv")
        write_list(ledger, rows, LINHAI, YEAR, tmp_path / "list.xlsx")
        write_summary(ledger, rows, HENGQIN, YEAR, tmp_path / "summary.xlsx")
        for policy in ALL:
            books = books_of(ledger, rows, policy, YEAR)
            currency = books.policy.currency
            with (tmp_path / f"{policy}.journal").open("w", encoding="utf-8") as out:
                journal.write(out, books.accounts(), books.transactions(), currency=currency)
            with (tmp_path / f"{policy}.beancount").open("w", encoding="utf-8") as out:
                beancount.write(
                    out, policy, books.first_day(), books.accounts(), books.transactions(), currency=currency
                )
    amounts = [e for e in ElementTree.parse(path).iter() if e.tag.endswith("InstdAmt")]

    assert written.total == 10_000_000
    assert sorted((e.get("Ccy"), e.text) for e in amounts) == [("MOP", "25000.00"), ("MOP", "75000.00")]
    heads = next(csv.reader((tmp_path / "list.csv").open(encoding="utf-8-sig")))
    assert heads[-1] == "应兑现（澳门元）"
    listed = openpyxl.load_workbook(tmp_path / "list.xlsx").worksheets[0]
    notes = " ".join(str(row[0]) for row in listed.iter_rows(values_only=True) if row[0])
    assert "城区预算：可用 20,000.00 元，参与分配 60,000.00 元，兑现系数 1/3 = 33.3333%" in notes
    summary = openpyxl.load_workbook(tmp_path / "summary.xlsx")["汇总"]
    words = [str(row[0]) for row in summary.iter_rows(values_only=True) if row[0]]
    assert "应兑现：MOP$100,000.00" in words
    said = (tmp_path / f"{HENGQIN}.journal").read_text("utf-8")
    assert " MOP\n" in said
    assert " CNY" not in said
    assert 'operating_currency" "MOP"' in (tmp_path / f"{HENGQIN}.beancount").read_text("utf-8")
    assert " MOP" not in (tmp_path / f"{CIXI}.journal").read_text("utf-8")


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_workbook_divides_each_budget_and_class_on_a_sheet_of_its_own(
    ledger: Ledger, tmp_path: Path
) -> None:
    same = {}
    for policy in (LINHAI, BINHAI):
        path = tmp_path / f"{policy}.xlsx"
        with ledger.store.reading() as rows:
            books = books_of(ledger, rows, policy, YEAR)
            spreadsheet.write(path, books)
            pots = list(books.pool.shares.pots)
        sheets = programs.recomputed(path, tmp_path / policy)
        same[policy] = [cell(sheets[f"按比例分配{n}"], "Same as the ledger") for n in range(1, len(pots) + 1)]
        inside = programs.fen(cell(sheets["汇总"], "recomputed here"))
        assert inside == sum(books.pool.paid.values()) > 0

    assert same == {LINHAI: ["YES"] * 3, BINHAI: ["YES"] * 5}


def test_the_factor_over_time_is_that_of_a_replay(ledger: Ledger) -> None:
    """Binhai: 80,000 and 150,000 are paid of 780,000; by town only a replay can tell."""
    with ledger.store.reading() as rows:
        position = rows.last_position()
        assert factor_at(rows, BINHAI, YEAR, position) == Fraction(23, 78)
        assert factor_at(rows, HENGQIN, YEAR, position) == Fraction(1, 2)
        assert factor_over_time(rows, LINHAI, YEAR) == []
        with pytest.raises(NoFactor):
            factor_at(rows, LINHAI, YEAR, position)


def test_what_another_currency_is_refused_for_says_which_is_wanted(ledger: Ledger) -> None:
    wrong = [
        A.approved("market.project", "x", YEAR, "1.00", HENGQIN),
        in_patacas(A, "claim-approved", "1.00", policy=LINHAI, measure="live.base", item="y", claim="c9"),
        A.send("sales-reported", year=YEAR, amount="1.00", currency="EUR", channel="online"),
        in_patacas(A, "contribution-assessed", "1.00"),
    ]
    found = [[(f.code, f.args.get("wanted")) for f in result.faults] for result in ingest(ledger, wrong, "x")]

    assert found == [[("currency.wrong", each)] for each in ("MOP", "CNY", "CNY", "CNY")]


def test_what_if_and_trial_divide_by_budget_too(ledger: Ledger) -> None:
    """A doubled city budget: 40,000 of 60,000 → 2/3; both sides are worked out anew."""
    text = EXAMPLES[LINHAI]
    with ledger.store.reading() as rows:
        found = what_if(ledger, rows, LINHAI, YEAR, figures={"budget/parts/0/amount": "40000.00"})
        same = what_if(ledger, rows, LINHAI, YEAR, figures={"live.base/cap": "999999.00"})
        tried = trial(
            ledger, rows, text.replace('amount: "10000.00"\n    once', 'amount: "40000.00"\n    once'), YEAR
        )
        with pytest.raises(PolicyError, match="several amounts"):
            what_if(ledger, rows, LINHAI, YEAR, budget=1)

    assert (found["before"]["payable"], found["after"]["payable"]) == ("220000.00", "240000.00")
    assert {e["enterprise"]: e["after"] for e in found["winners"]} == {A.code: "20000.00", B.code: "20000.00"}
    assert same["before"] == same["after"]
    # The shop would earn 40,000: 90,000 out of 20,000, so A's 60,000 get 13,333.33 and B's 30,000 6,666.67.
    assert {e["enterprise"]: e["after"] for e in tried["winners"]} == {A.code: "13333.33"}
    assert {e["enterprise"]: e["after"] for e in tried["losers"]} == {B.code: "6666.67"}


def test_an_explanation_names_the_budget_that_pays(ledger: Ledger) -> None:
    with ledger.store.reading() as rows:
        city = explain(ledger, rows, A.code, LINHAI, YEAR, NOW)
        macao = explain(ledger, rows, D.code, HENGQIN, YEAR, NOW)
        last = explain(ledger, rows, D.code, BINHAI, YEAR, NOW)
    shop = next(each for each in city["awards"] if each["measure"] == "shop.opened")

    assert (shop["pro_rata"]["budget"], shop["pro_rata"]["sharing"]) == ("20000.00", "60000.00")
    assert "城区预算" in shop["pro_rata"]["words"]["zh"]
    assert "1/3" in shop["pro_rata"]["words"]["zh"]
    assert macao["currency"] == "MOP"
    assert "MOP$150,000.00" in json.dumps(macao, ensure_ascii=False)
    assert "¥" not in json.dumps(macao, ensure_ascii=False)
    assert last["awards"][0]["payable"] == "0.00"
    assert "第3类" in last["awards"][0]["pro_rata"]["words"]["zh"]


def test_several_budgets_are_set_one_by_one(ledger: Ledger) -> None:
    for period in ("2026", "2026.north", "life.city"):
        with pytest.raises(ValueError, match="no budget period"):
            set_budget(ledger, LINHAI, period, 1)
    with pytest.raises(ValueError, match="no budget period"):
        set_budget(ledger, HENGQIN, "2026.city", 1)
    assert set_budget(ledger, LINHAI, "2027.duqiao", 5).amount == 5


def test_a_budget_or_currency_cannot_go_with_the_next_version(ledger: Ledger, clock: Clock) -> None:
    later = (
        EXAMPLES[LINHAI]
        .replace("version: 1\n", "version: 2\n")
        .replace("effective_from: 2026-01-01", "effective_from: 2027-01-01")
    )
    assert "id: duqiao" in later
    with pytest.raises(PolicyError, match="no longer has the budget duqiao of version 1"):
        adopt_policy(ledger, later.replace("id: duqiao", "id: east"))
    with pytest.raises(PolicyError, match="is in EUR, version 1 was in CNY"):
        adopt_policy(
            ledger,
            later.replace("currency: CNY", "currency: EUR").replace(
                "of: {fact: DesignPurchased}", "of: {fact: DesignPurchased, currency: EUR}"
            ),
        )
    set_budget(ledger, LINHAI, "2026.city", parse_fen("60000.00"))
    acknowledging.propose(ledger, LINHAI, YEAR, OFFICER)
    acknowledging.publish(ledger, LINHAI, YEAR, OFFICER)
    set_budget(ledger, LINHAI, "2026.others", 7)
    clock.pass_(days=9)
    with pytest.raises(NotAllowed):
        acknowledging.close(ledger, LINHAI, YEAR, REVIEWER)


@pytest.mark.parametrize("period", ["2019.city", "2029.city", "2026", "2026.north", "life", "二〇二六.city"])
def test_a_budget_that_can_never_pay_is_refused_with_those_that_can(ledger: Ledger, period: str) -> None:
    """Linhai's policy holds from 2026 to 2028."""
    with pytest.raises(UnknownPeriod) as caught:
        set_budget(ledger, LINHAI, period, 1)

    said = caught.value.words("en")
    assert said.count(" — ") == 1
    assert said.endswith("use one of: 2026.city, 2026.duqiao, 2026.others, … 2028")
    assert f"没有预算期 {period}" in caught.value.words("zh")


def test_a_file_adopted_before_a_rule_stops_no_ledger(
    open_at: Callable[..., Ledger], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sales in two currencies, which no file may add up any more."""
    named = "{fact: SalesReported, where: {channel: [domestic_online]}}"
    text = EXAMPLES[LINHAI]
    assert named in text
    text = text.replace("[domestic_online]", "[domestic_online, dtc_own_brand_export]", 1)
    ledger = open_at(policy=False)
    with pytest.raises(PolicyError, match="several currencies"):
        adopt_policy(ledger, text)
    with monkeypatch.context() as before:
        before.setattr(policies, "load_policy", load_adopted)
        adopt_policy(ledger, text)
    monkeypatch.setattr(policies, "_texts", {})

    assert adopt_policy(ledger, text)[1] is False
    assert set_budget(ledger, LINHAI, "2026.city", 5).amount == 5
