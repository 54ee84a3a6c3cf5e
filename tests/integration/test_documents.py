"""Documents out: every figure is the ledger's, templates can be edited, what cannot be filled is named."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner
from docx import Document

from domain.authority.roles import NotAllowed
from domain.faults.registry import REQUEST_AREAS, read_codes
from domain.money.amounts import parse_fen, print_fen
from domain.money.capitals import capitals
from domain.policy.load import load_policy
from ledger.audit.checkpoints import current
from ledger.documents.catalogue import aliases, columns_of, document_kinds, read_catalogue, values_of
from ledger.documents.collecting import DocumentRequest, collect_document
from ledger.documents.layouts import template
from ledger.documents.places import PLACE, Fen, Filling, TemplateError, places_in
from ledger.documents.writing import write
from ledger.export.books import NotExportable
from ledger.export.cells import YUAN_FORMAT
from ledger.policies.versions import adopt_policy, set_budget
from ledger.settlement.files import write_list, write_summary
from ledger.settlement.receipts import make_receipt
from ledger.store.application import Ledger
from services.cli.main import main
from services.server.app import create_app
from services.web.receipts.page import receipt_page
from tests import acknowledging
from tests import answers as queries
from tests.answers import explain
from tests.events import CIXI, CIXI_TEXT, EXAMPLES, Feed, take
from tests.integration.bureau import Clock
from tests.integration.closings import CARRYING, OFFICER, REVIEWER, Closed, closed
from tests.integration.test_bundles import KEY

YEAR = 2024
FORMS = (".docx", ".xlsx")


def asked(scene: Closed, document: str, **more: Any) -> DocumentRequest:
    """A document of the scene's year, with everything that an office writes on it."""
    said = {
        "number": "慈商务〔2025〕3号",
        "issuer": "慈溪市商务局",
        "addressee": "慈溪市财政局",
        "contact": "联系人：王女士",
        "enterprise": scene.code if document == "letter" else "",
        "batch": "2024-001" if document == "payments" else "",
    }
    return DocumentRequest(document, CIXI, YEAR, "2025-05-30", **{**said, **more})


def made(scene: Closed, document: str, path: Path, own: Path | None = None, **more: Any) -> Path:
    with scene.ledger.store.reading() as rows:
        write(scene.ledger, rows, asked(scene, document, **more), path, own)
    return path


def words(path: Path) -> list[str]:
    """Every paragraph and cell of a document, as text."""
    if path.suffix == ".docx":
        document = Document(str(path))
        cells = (cell.text for table in document.tables for row in table.rows for cell in row.cells)
        return [*(each.text for each in document.paragraphs), *cells]
    sheet = openpyxl.load_workbook(path).worksheets[0]
    return [shown(cell) for row in sheet.iter_rows() for cell in row if cell.value is not None]


def shown(cell: Any) -> str:
    money = cell.number_format == YUAN_FORMAT and not isinstance(cell.value, str)
    return f"{cell.value:,.2f}" if money else str(cell.value)


def filling(scene: Closed, document: str) -> Filling:
    with scene.ledger.store.reading() as rows:
        found = collect_document(scene.ledger, rows, asked(scene, document))
        kept = {name: list(records()) for name, records in found.tables.items()}
    return Filling(found.values, {n: lambda n=n: kept[n] for n in kept}, found.columns)  # type: ignore[misc]


def test_every_place_has_a_value_in_every_document_that_names_it(open_at: Callable[..., Ledger]) -> None:
    scene = closed(open_at, years=(YEAR,))
    for document in document_kinds():
        found = filling(scene, document)
        assert set(found.values) == set(values_of(document))
        assert {name: set(c) for name, c in found.columns.items()} == {
            name: set(columns) for name, columns in columns_of(document).items()
        }
        for name, records in found.tables.items():
            assert all(set(record) == set(found.columns[name]) for record in records())
            assert list(records())


@pytest.mark.parametrize("store_kind", ["sqlite"])
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("suffix", FORMS)
def test_every_value_of_the_shipped_templates_stands_in_the_document(
    open_at: Callable[..., Ledger], tmp_path: Path, suffix: str, lang: str
) -> None:
    scene = closed(open_at, years=(YEAR,))
    for document in document_kinds():
        path = made(scene, document, tmp_path / f"{document}{suffix}", lang=lang)
        text = words(path)
        assert not any("{{" in each for each in text)
        with scene.ledger.store.reading() as rows:
            found = collect_document(scene.ledger, rows, asked(scene, document, lang=lang))
            tables = {name: list(records()) for name, records in found.tables.items()}
        named = {aliases(document).get(n, n) for n in template_places(document, lang, suffix)}
        whole = "\n".join(text)
        for name in named & set(found.values):
            assert str(found.values[name]) in whole, (document, name)
        for name, records in tables.items():
            for column in found.columns[name]:
                if f"{name}.{column}" in named:
                    for record in records:
                        assert str(record[column]) in whole, (document, name, column)


def template_places(document: str, lang: str, suffix: str) -> Iterator[str]:
    file = template(document, lang, suffix)
    if suffix == ".docx":
        said = Document(file)
        cells = (cell.text for table in said.tables for row in table.rows for cell in row.cells)
        texts = [*(each.text for each in said.paragraphs), *cells]
    else:
        rows = openpyxl.load_workbook(file).worksheets[0].iter_rows()
        texts = [str(cell.value) for row in rows for cell in row if cell.value]
    for text in texts:
        yield from places_in(text)


def test_totals_are_the_ledger_s_to_the_fen(open_at: Callable[..., Ledger], tmp_path: Path) -> None:
    scene = closed(open_at, years=(YEAR,))
    with scene.ledger.store.reading() as rows:
        year = queries.budget(scene.ledger, rows, CIXI, YEAR)
        mine = queries.balance(scene.ledger, rows, scene.code, CIXI, YEAR)
        sums = queries.accounts_sums(rows, CIXI, YEAR)
        (batch,) = rows.all("SELECT CAST(SUM(amount) AS BIGINT) FROM payments WHERE batch='2024-001'")
    found = {document: filling(scene, document) for document in document_kinds()}
    payable = parse_fen(year["payable"])

    for document in document_kinds():
        values = found[document].values
        assert values["全市应兑现"] == payable
        assert values["全市应兑现大写"] == f"人民币{capitals(payable)}"
        assert values["兑现系数"] == year["factor"]["fraction"]
    for document, table in (("list", "名单"), ("report", "条款"), ("report", "镇街")):
        records = list(found[document].tables[table]())
        for column, name in (("应奖励", "gross"), ("从高扣除", "withheld"), ("应兑现", "payable")):
            assert sum(int(record[column]) for record in records) == parse_fen(year[name])
    letter = found["letter"]
    assert letter.values["应兑现"] == parse_fen(mine["payable"])
    assert letter.values["应兑现大写"] == f"人民币{capitals(parse_fen(mine['payable']))}"
    assert sum(int(r["应兑现"]) for r in letter.tables["奖励"]()) == letter.values["应兑现"]
    assert sum(int(r["金额"]) for r in found["payments"].tables["付款"]()) == int(batch[0])
    assert found["payments"].values["付款合计大写"] == f"人民币{capitals(int(batch[0]))}"
    for place, name in (("已拨付", "paid"), ("应追回", "clawed_back"), ("追回到账", "recovered")):
        assert found["report"].values[place] == parse_fen(sums[name])

    sheet = openpyxl.load_workbook(made(scene, "list", tmp_path / "list.xlsx")).worksheets[0]
    amounts = [cell.value for row in sheet.iter_rows() for cell in row if isinstance(cell.value, float | int)]
    assert float(Decimal(payable).scaleb(-2)) in amounts


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_an_office_edits_a_template_without_code(open_at: Callable[..., Ledger], tmp_path: Path) -> None:
    """A place split over runs, moved columns, English names, a repeated paragraph, a header."""
    scene = closed(open_at, years=(YEAR,))
    document = Document()
    paragraph = document.add_paragraph("致：")
    for part in ("{", "{企业", "名称}", "}，共 ", "{{应兑现}} 元"):
        paragraph.add_run(part).bold = part == "{企业"
    document.add_paragraph("{{award.title}}：{{award.payable}}")
    table = document.add_table(2, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "金额", "项目"
    table.cell(1, 0).text, table.cell(1, 1).text = "{{奖励.应兑现}}", "{{奖励.奖励项目}} {{年度}}"
    document.sections[0].header.paragraphs[0].text = "{{文号}}"
    own = tmp_path / "own.docx"
    document.save(str(own))

    path = made(scene, "letter", tmp_path / "letter.docx", own)

    found = filling(scene, "letter")
    records = list(found.tables["奖励"]())
    said = Document(str(path))
    assert said.paragraphs[0].text == f"致：{found.values['企业名称']}，共 {found.values['应兑现']} 元"
    expected = [f"{record['奖励项目']}：{record['应兑现']}" for record in records]
    assert [each.text for each in said.paragraphs[1 : 1 + len(records)]] == expected
    rows = [[cell.text for cell in row.cells] for row in said.tables[0].rows]
    assert rows[1:] == [[str(r["应兑现"]), f"{r['奖励项目']} {YEAR}"] for r in records]
    assert said.sections[0].header.paragraphs[0].text == "慈商务〔2025〕3号"


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_an_edited_workbook_keeps_what_stands_below_its_rows(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    scene = closed(open_at, years=(YEAR,))
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["B2"], sheet["C2"], sheet["D2"] = "{{名单.应兑现}}", "{{名单.企业名称}}", "固定"
    sheet["B3"], sheet["C3"] = "合计 {{全市应兑现}}", "{{全市应兑现}}"
    sheet.merge_cells("A4:C4")
    sheet["A4"] = "以下无正文 {{policy_number}}"
    sheet.row_dimensions[4].height = 33
    own = tmp_path / "own.xlsx"
    book.save(own)

    path = made(scene, "list", tmp_path / "list.xlsx", own)

    found = filling(scene, "list")
    records = list(found.tables["名单"]())
    said = openpyxl.load_workbook(path).worksheets[0]
    count = len(records)
    assert [said.cell(2 + at, 2).value for at in range(count)] == [
        float(Decimal(int(r["应兑现"])).scaleb(-2)) for r in records
    ]
    assert {said.cell(2 + at, 4).value for at in range(count)} == {"固定"}
    assert said.cell(2 + count, 2).value == f"合计 {found.values['全市应兑现']}"
    assert said.cell(2 + count, 3).value == float(Decimal(int(found.values["全市应兑现"])).scaleb(-2))
    assert said.cell(3 + count, 1).value == f"以下无正文 {found.values['政策文号']}"
    assert [str(each) for each in said.merged_cells.ranges] == [f"A{3 + count}:C{3 + count}"]
    assert (said.row_dimensions[3 + count].height or 0) >= 33


@pytest.mark.parametrize("store_kind", ["sqlite"])
@pytest.mark.parametrize("suffix", FORMS)
def test_places_that_there_are_not_are_named_with_where_they_stand(
    open_at: Callable[..., Ledger], tmp_path: Path, suffix: str
) -> None:
    scene = closed(open_at, years=(YEAR,))
    own = tmp_path / f"own{suffix}"
    if suffix == ".docx":
        document = Document()
        for text in ("好", "{{应兑现总额}} {{年度}}", "{{奖励.金额}}", "{{年度"):
            document.add_paragraph(text)
        document.save(str(own))
        places = [("应兑现总额", "第2段"), ("奖励.金额", "第3段"), ("{{年度", "第4段")]
    else:
        book = openpyxl.Workbook()
        assert book.active is not None
        book.active["A2"], book.active["B7"] = "{{应兑现总额}} {{年度}}", "{{奖励.金额}}"
        book.save(own)
        places = [("应兑现总额", "Sheet!A2"), ("奖励.金额", "Sheet!B7")]
    with pytest.raises(TemplateError) as error:
        made(scene, "letter", tmp_path / f"letter{suffix}", own)
    assert [tuple(each) for each in error.value.faults] == places
    assert "奖励.应兑现" in str(error.value)
    own.write_bytes(b"no document")
    with pytest.raises(NotExportable, match="not a"):
        made(scene, "letter", tmp_path / f"letter{suffix}", own)


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_text_from_outside_never_becomes_a_formula_or_a_place(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    scene = closed(open_at, years=(YEAR,))
    path = made(scene, "report", tmp_path / "r.xlsx", addressee='=HYPERLINK("http://x")', contact="{{文号}}")
    cells = [cell for row in openpyxl.load_workbook(path).worksheets[0].iter_rows() for cell in row]
    assert not any(cell.data_type == "f" for cell in cells)
    said = words(made(scene, "report", tmp_path / "r.docx", contact="{{文号}}"))
    assert any(PLACE.search(each) for each in said)


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_what_has_not_come_so_far_says_what_comes_first(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    scene = closed(open_at, years=(YEAR,))

    def why(document: str, year: int = YEAR, **more: Any) -> str:
        with scene.ledger.store.reading() as rows, pytest.raises(NotAllowed) as error:
            collect_document(scene.ledger, rows, DocumentRequest(document, CIXI, year, "2025-05-30", **more))
        return error.value.code

    assert why("list", 2025) == "settlement.not-proposed"
    acknowledging.propose(scene.ledger, CIXI, 2025, OFFICER)
    assert why("report", 2025) == "settlement.not-closed"
    assert why("payments", batch="2024-009") == "payment.no-batch"
    with scene.ledger.store.reading() as rows:
        sql = "SELECT code FROM enterprises WHERE code NOT IN (SELECT code FROM settlement_lines) LIMIT 1"
        nobody = str(rows.all(sql)[0][0])
    assert why("letter", enterprise=nobody) == "receipt.not-listed"
    with pytest.raises(NotExportable):
        made(scene, "report", tmp_path / "report.txt")


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_documents_come_by_command_and_by_the_interface(
    open_at: Callable[..., Ledger], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = closed(open_at, years=(YEAR,))
    folder = tmp_path / "templates"

    def said(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(main, ["--database", str(tmp_path / "ledger.db"), "documents", *words])
        assert done.exit_code == code, done.output
        return done.output

    said("templates", "--into", str(folder))
    assert len(list(folder.iterdir())) == len(document_kinds()) * 4
    marked = Document(str(folder / "letter.docx"))
    marked.add_paragraph("本局自定")
    marked.save(str(folder / "letter.docx"))
    said("templates", "--into", str(folder))
    monkeypatch.setenv("SUBSIDY_LEDGER_TEMPLATES", str(folder))
    out = tmp_path / "out.docx"
    said("write", "letter", "--enterprise", scene.code, "--out", str(out), "--number", "慈商务〔2025〕3号")
    assert "本局自定" in words(out)
    assert "慈商务〔2025〕3号" in words(out)
    assert read_codes(*REQUEST_AREAS)["document.whose"].rule_zh in said(
        "write", "letter", "--out", str(out), code=1
    )
    assert "on: " in said("write", "report", "--out", str(out), "--on", "30.5.2025", code=1)
    payees = tmp_path / "payees.csv"
    payees.write_text(f"code,name,account,bank\n{Feed(9_999).code},甲,62220000,102332000017\n", "utf-8")
    table = ["write", "payments", "--batch", "2024-001", "--payees", str(payees), "--out", str(out)]
    assert read_codes(*REQUEST_AREAS)["payment.no-payee"].rule_zh.partition("{")[0] in said(*table, code=1)
    with scene.ledger.store.reading() as rows:
        listed = rows.all("SELECT code FROM accounts")
    lines = "".join(f"{code},收款{n},62220000{n:06d},102332000017\n" for n, (code,) in enumerate(listed))
    payees.write_text("code,name,account,bank\n" + lines, "utf-8")
    said(*table)
    assert "62220000000000" in words(out)

    client = create_app(scene.ledger).test_client()
    base = f"/v1/policies/{CIXI}/years/{YEAR}/documents"
    for path in (f"{base}/list", f"{base}/report?form=xlsx", f"{base}/payments?batch=2024-001"):
        assert client.get(path).status_code == 200, path
    got = client.get(f"/v1/enterprises/{scene.code}/letters/{CIXI}/{YEAR}")
    assert "本局自定" in "\n".join(each.text for each in Document(io.BytesIO(got.data)).paragraphs)
    assert client.get(f"{base}/nothing").get_json()["faults"][0]["field"] == "document"
    wrong = client.get(f"{base}/report?on=tomorrow&form=odt").get_json()
    assert {fault["field"] for fault in wrong["faults"]} == {"on", "form"}


def test_the_catalogue_s_english_names_are_all_different() -> None:
    for document in document_kinds():
        names = values_of(document)
        columns = [f"{t}.{c}" for t, found in columns_of(document).items() for c in found]
        assert len(aliases(document)) == len(names) + len(columns)
    assert read_catalogue().values
    assert str(Fen(123_456)) == print_fen(123_456, grouped=True)


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_batch_says_what_became_of_each_payment(open_at: Callable[..., Ledger]) -> None:
    """One payment of the batch failed and was ordered again; the table has it, and says so."""
    scene = closed(open_at, years=(YEAR,))
    found = filling(scene, "payments")
    records = list(found.tables["付款"]())
    failed = [record for record in records if record["状态"] == "拨付失败"]

    assert [record["信用代码"] for record in failed] == [scene.code]
    assert {record["状态"] for record in records} == {"已拨付", "拨付失败"}
    assert found.values["本批失败"] == failed[0]["金额"]
    assert found.values["本批拨付中"] == 0
    parts = ("本批已拨付", "本批拨付中", "本批失败")
    assert sum(int(found.values[part]) for part in parts) == found.values["付款合计"]


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_report_has_a_row_for_each_measure_and_town_and_greets_who_is_named(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    scene = closed(open_at, years=(YEAR,))
    take(scene.ledger, Feed(9_998).send("enterprise-registered", name="无奖励公司", town="无奖励镇"))
    found = filling(scene, "report")
    with scene.ledger.store.reading() as rows:
        articles = queries.budget(scene.ledger, rows, CIXI, YEAR)["articles"]
        towns = {town for (town,) in rows.all("SELECT DISTINCT town FROM enterprises") if town}
    records = list(found.tables["条款"]())
    by_town = {str(record["镇街"]): record for record in found.tables["镇街"]()}

    for article in articles:
        mine = [record for record in records if record["条"] == article["article"]]
        assert mine or article["payable"] == "0.00"
        assert sum(int(record["应兑现"]) for record in mine) == parse_fen(article["payable"])
    assert set(by_town) - {"未登记"} == towns
    assert by_town["无奖励镇"]["应兑现"] == 0
    assert "慈溪市财政局：" in words(made(scene, "report", tmp_path / "to.docx"))
    assert "：" not in words(made(scene, "report", tmp_path / "nobody.docx", addressee=""))


# --- several budgets, other funds, rules that changed since ------------------------------------------

LINHAI, BINHAI, _ = EXAMPLES
A, B, C, D = (Feed(number) for number in (811, 812, 813, 814))
OUTSIDE = CIXI_TEXT.replace("  talent-funds:\n    value: inside", "  talent-funds:\n    value: outside")
LATER_VERSION = {
    "\nversion: 1\n": "\nversion: 2\n",
    "effective_from: 2024-01-01": "effective_from: 2025-06-01",
    "zh: 慈溪市电子商务": "zh: 后来的电子商务",
    "慈政办发〔2024〕8号": "慈政办发〔2025〕99号",
    "mask: [person]": "mask: [person, code]",
}


def divided(open_at: Callable[..., Ledger], policy: str, budget: str, fen: int, *facts: bytes) -> Ledger:
    """A ledger whose 2026 is closed under an example policy, with one of its budgets set."""
    clock = Clock(datetime(2027, 2, 1, 2, tzinfo=UTC))
    ledger = open_at(clock(), policy=False)
    ledger.clock = clock
    adopt_policy(ledger, EXAMPLES[policy])
    set_budget(ledger, policy, budget, fen)
    take(ledger, *facts)
    acknowledging.propose(ledger, policy, 2026, OFFICER)
    acknowledging.publish(ledger, policy, 2026, OFFICER)
    clock.pass_(days=12)
    acknowledging.close(ledger, policy, 2026, REVIEWER)
    return ledger


@pytest.fixture
def towns(open_at: Callable[..., Ledger]) -> Ledger:
    """60,000.00 out of the inner city's 20,000.00; 200,000.00 out of Duqiao's 2,000,000.00."""
    for feed in (A, B, C):
        feed.count = 0
    named = zip((A, B, C), ("古城街道", "大洋街道", "杜桥镇"), strict=True)
    time = "2026-01-02T00:00:00Z"
    return divided(
        open_at,
        LINHAI,
        "2026.city",
        20_000_00,
        *(feed.send("enterprise-registered", time, name=f"企业{feed.number}", town=t) for feed, t in named),
        A.shop("tmall", "a", "2026-03-01"),
        A.sales("dtc_own_brand_export", 2026, "1250000.00", "2026-12-31T00:00:00Z"),
        B.approved("live.base", "b", 2026, "30000.00", LINHAI),
        C.of_year("design-purchased", 2026, "2000000.00"),
    )


def told(ledger: Ledger, document: str, policy: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A document's values of 2026, and the budgets that it names."""
    with ledger.store.reading() as rows:
        found = collect_document(ledger, rows, DocumentRequest(document, policy, 2026, "2027-02-28"))
        return dict(found.values), [dict(each) for each in found.tables["预算"]()]


DIVISION = ("可分配预算", "参与分配", "兑现系数", "兑现比例", "应兑现", "结余")


def shown_by_name(records: list[dict[str, Any]]) -> dict[str, tuple[str, ...]]:
    return {each["预算"]: tuple(str(each[column]) for column in DIVISION) for each in records}


@pytest.mark.parametrize("store_kind", ["sqlite"])
@pytest.mark.parametrize("document", ["list", "report"])
def test_each_of_several_budgets_stands_with_its_own_factor(towns: Ledger, document: str) -> None:
    values, records = told(towns, document, LINHAI)
    found = shown_by_name(records)

    assert found["城区预算"] == ("20,000.00", "60,000.00", "1/3", "33.3333%", "20,000.00", "0.00")
    assert found["杜桥镇预算"][:4] == ("2,000,000.00", "200,000.00", "1/1", "100.0000%")
    assert found["杜桥镇预算"][4:] == ("200,000.00", "1,800,000.00")
    assert found["其他镇预算"][1:3] == ("0.00", "1/1")
    sums = ("可分配预算", "参与分配", "应兑现", "结余")
    places = ("可分配预算", "参与分配", "全市应兑现", "预算结余")
    for column, place in zip(sums, places, strict=True):
        assert sum(record[column] for record in records) == values[place]


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_report_has_zeros_for_measures_that_award_nothing(towns: Ledger) -> None:
    policy = load_policy(EXAMPLES[LINHAI])
    with towns.store.reading() as rows:
        found = collect_document(towns, rows, DocumentRequest("report", LINHAI, 2026, "2027-02-28"))
        records = list(found.tables["条款"]())
    paying = {each.title["zh"] for each in policy.measures.values() if each.kind != "recognition"}

    assert {record["奖励项目"] for record in records} == paying
    assert {record["企业数"] for record in records if record["应奖励"] == 0} == {0}


@pytest.mark.parametrize("store_kind", ["sqlite"])
@pytest.mark.parametrize("suffix", FORMS)
def test_a_letter_gives_the_enterprise_s_own_grounds(towns: Ledger, tmp_path: Path, suffix: str) -> None:
    mixed = str(told(towns, "list", LINHAI)[0]["兑现系数"])
    said = {}
    for feed in (A, C):
        out = tmp_path / f"{feed.number}{suffix}"
        with towns.store.reading() as rows:
            write(
                towns, rows, DocumentRequest("letter", LINHAI, 2026, "2027-02-28", enterprise=feed.code), out
            )
        said[feed] = "\n".join(words(out))
        assert mixed not in said[feed]

    own = "城区预算：应奖励¥30,000.00，从高扣除¥0.00，下调¥20,000.00，应兑现¥10,000.00。"
    assert f"{own}参与分配 ¥60,000.00，超过预算 ¥20,000.00，按 1/3（33.3333%）下调：" in said[A]
    assert "¥30,000.00 → ¥10,000.00" in said[A]
    assert "杜桥镇预算：应奖励¥200,000.00" in said[C]
    assert "参与分配 ¥200,000.00，未超过预算 ¥2,000,000.00，不下调" in said[C]
    assert "）下调：" not in said[C]


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_printed_receipt_gives_the_enterprise_s_own_factor(towns: Ledger) -> None:
    mixed = str(told(towns, "list", LINHAI)[0]["兑现系数"])
    note = current(towns, KEY)
    for feed, own, other in ((A, "1/3 = 33.3333%", "杜桥镇预算"), (C, "1/1 = 100.0000%", "城区预算")):
        with towns.store.reading() as rows:
            page = receipt_page(make_receipt(towns, rows, feed.code, LINHAI, 2026, note, KEY))
        assert own in page
        assert mixed not in page
        assert other not in page


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_classes_that_are_paid_in_turn_stand_in_turn(open_at: Callable[..., Ledger]) -> None:
    """200,000 of the first class out of 150,000: the classes after it have nothing left."""
    C.count = D.count = 0
    facts = (
        C.send("recognition-granted", kind="high_tech_enterprise", ref="h", on="2026-04-01"),
        D.approved("results.project", "p", 2026, "500000.00", BINHAI),
    )
    ledger = divided(open_at, BINHAI, "life.results", 150_000_00, *facts)
    values, records = told(ledger, "report", BINHAI)
    found = shown_by_name(records)

    assert found["成果转化资金第1类"] == ("150,000.00", "200,000.00", "3/4", "75.0000%", "150,000.00", "")
    last = found["成果转化资金第3类（前类列支后所余）"]
    assert last == ("0.00", "500,000.00", "0/1", "0.0000%", "0.00", "0.00")
    left = [each["结余"] for each in records if each["结余"] != ""]
    assert sum(left) == values["预算结余"] == 8_000_000_00


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_what_other_funds_pay_stands_apart_and_all_adds_up(open_at: Callable[..., Ledger]) -> None:
    scene = closed(open_at, text=OUTSIDE, years=(YEAR,))
    found = filling(scene, "report")
    own, other = found.tables["预算"]()
    with scene.ledger.store.reading() as rows:
        sql = "SELECT code FROM settlement_lines WHERE measure='talent.team' AND year=? LIMIT 1"
        talent = str(rows.all(sql, [YEAR])[0][0])
        letter = collect_document(scene.ledger, rows, asked(scene, "letter", enterprise=talent))
        last = list(letter.tables["列支"]())[-1]

    assert (own["预算"], other["预算"]) == ("本政策预算", "其他资金")
    assert 0 < int(other["应兑现"]) == found.values["其他资金"]
    assert int(own["应兑现"]) + int(other["应兑现"]) == found.values["全市应兑现"]
    assert int(own["可分配预算"]) - int(own["应兑现"]) == own["结余"] == found.values["预算结余"]
    assert (last["预算"], last["下调"], last["兑现系数"]) == ("其他资金", 0, "")
    assert "下调" not in str(last["说明"])


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_published_list_is_given_out_by_the_rules_that_it_was_made_by(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    """A version adopted while the list is out changes neither its title, its number nor its mask."""
    ledger = closed(open_at, years=(YEAR,)).ledger

    def given() -> dict[str, Any]:
        with ledger.store.reading() as rows:
            for name in ("list.csv", "list.xlsx"):
                write_list(ledger, rows, CIXI, 2025, tmp_path / name)
            write_summary(ledger, rows, CIXI, 2025, tmp_path / "summary.xlsx")
            found = collect_document(ledger, rows, DocumentRequest("list", CIXI, 2025, "2026-05-30"))
            return {
                "csv": (tmp_path / "list.csv").read_bytes(),
                "list": words(tmp_path / "list.xlsx"),
                "summary": [each for each in words(tmp_path / "summary.xlsx") if "账本" not in each],
                "values": dict(found.values),
                "listed": list(found.tables["名单"]()),
            }

    acknowledging.propose(ledger, CIXI, 2025, OFFICER)
    acknowledging.publish(ledger, CIXI, 2025, OFFICER)
    before = given()
    assert max(each.count("汇总表") for each in before["summary"]) == 1
    later = CARRYING
    for old, new in LATER_VERSION.items():
        assert old in later
        later = later.replace(old, new)
    adopt_policy(ledger, later)

    assert given() == before
    acknowledging.propose(ledger, CIXI, 2025, OFFICER)
    assert given()["values"]["政策文号"] == "慈政办发〔2025〕99号"


# --- reduced first, and carried over --------------------------------------------------------------

FIRST = CARRYING.replace("value: after-highest-only", "value: standards-first")


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_grounds_stand_in_the_order_in_which_the_reading_takes_them(open_at: Callable[..., Ledger]) -> None:
    """Reduced first, then highest-only: the reasons say so, with the figures of the table."""
    scene = closed(open_at, text=FIRST, years=(YEAR,))
    with scene.ledger.store.reading() as rows:
        sql = "SELECT code FROM settlement_lines WHERE withheld>0 AND reduction>0 LIMIT 1"
        code = str(rows.all(sql)[0][0])
        letter = collect_document(scene.ledger, rows, asked(scene, "letter", enterprise=code))
        records: list[dict[str, Any]] = [dict(each) for each in letter.tables["奖励"]()]
    (both,) = [each for each in records if each["从高扣除"] and each["下调"]]
    left = Fen(both["应奖励"] - both["下调"])

    assert f"¥{both['应奖励']} → ¥{left}" in both["依据"]
    assert f"本政策下调后 ¥{left}" in both["依据"]
    assert f"扣除 ¥{both['从高扣除']}，余 ¥{both['应兑现']}" in both["依据"]
    assert both["依据"].index("超过预算") < both["依据"].index("从高不重复")


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_what_another_year_brought_in_says_so_in_letter_and_list(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    scene = closed(open_at)
    with scene.ledger.store.reading() as rows:
        sql = "SELECT code, measure FROM settlement_lines WHERE year=2025 AND award_year=2024 ORDER BY code"
        found = rows.all(sql)
        code = str(found[0][0])
        letter = collect_document(
            scene.ledger, rows, DocumentRequest("letter", CIXI, 2025, "2026-05-30", enterprise=code)
        )
        records: list[dict[str, Any]] = [dict(each) for each in letter.tables["奖励"]()]
        write_list(scene.ledger, rows, CIXI, 2025, tmp_path / "list.csv")
        explained = explain(scene.ledger, rows, code, CIXI, 2025)
        before = explain(scene.ledger, rows, code, CIXI, YEAR)
        balance = queries.balance(scene.ledger, rows, code, CIXI, 2025)
    brought = [each for each in records if each["所属年度"] == "2024"]

    assert len(brought) == sum(whose == code for whose, _ in found) > 0
    for each in brought:
        assert "计入本年度" in each["依据"] or f"2024 年度按比例下调的 ¥{each['应奖励']}" in each["依据"]
    assert (tmp_path / "list.csv").read_text("utf-8").count("（2024年度转入）") == len(found)
    sums = ("measure", "award_year", "gross", "withheld", "reduction", "payable")
    assert [[each[name] for name in sums] for each in explained["brought_in"]] == [
        [each[name] for name in sums] for each in balance["awards"] if each["award_year"] != 2025
    ]
    command = ["--database", str(tmp_path / "ledger.db"), "--language", "zh", "explain", code, "--year"]
    output = {year: CliRunner().invoke(main, [*command, str(year)]).output for year in (YEAR, 2025)}
    page = create_app(scene.ledger).test_client().get(f"/console/{CIXI}/2025/enterprises/{code}").text
    for each in explained["brought_in"]:
        assert each["words"]["zh"] in output[2025]
        assert each["words"]["zh"] in page
    carried = [each["carried"]["words"]["zh"] for each in before["awards"] if "carried" in each]
    assert carried
    assert all(each in output[YEAR] for each in carried)
    for each in before["awards"]:
        assert ("carried" in each) == (each["reduction"] != "0.00")
