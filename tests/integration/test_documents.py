"""Documents out: every figure is the ledger's, templates can be edited, what cannot be filled is named."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner
from docx import Document

from domain.capitals import capitals
from domain.money import grouped, parse_fen
from domain.roles import NotAllowed
from ledger import queries
from ledger.application import Ledger
from ledger.documents.catalogue import DOCUMENTS, aliases, catalogue, columns_of, values_of
from ledger.documents.collecting import Asked, collected
from ledger.documents.layouts import template
from ledger.documents.places import PLACE, Fen, Filling, TemplateError, places_in
from ledger.documents.writing import write
from ledger.export.books import NotExportable
from ledger.export.cells import YUAN_FORMAT
from ledger.settlement import proposing
from services.api.app import create_app
from services.api.step_codes import STEPS
from services.cli import main
from tests.events import CIXI, Feed
from tests.integration.closings import OFFICER, Closed, closed

YEAR = 2024
FORMS = (".docx", ".xlsx")


def asked(scene: Closed, document: str, **more: Any) -> Asked:
    """A document of the scene's year, with everything that an office writes on it."""
    said = {
        "number": "慈商务〔2025〕3号",
        "issuer": "慈溪市商务局",
        "addressee": "慈溪市财政局",
        "contact": "联系人：王女士",
        "enterprise": scene.code if document == "letter" else "",
        "batch": "2024-001" if document == "payments" else "",
    }
    return Asked(document, CIXI, YEAR, "2025-05-30", **{**said, **more})


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
    return f"{cell.value:,.2f}" if cell.number_format == YUAN_FORMAT else str(cell.value)


def filling(scene: Closed, document: str) -> Filling:
    with scene.ledger.store.reading() as rows:
        found = collected(scene.ledger, rows, asked(scene, document))
        kept = {name: list(records()) for name, records in found.tables.items()}
    return Filling(found.values, {n: lambda n=n: kept[n] for n in kept}, found.columns)  # type: ignore[misc]


def test_every_place_has_a_value_in_every_document_that_names_it(open_at: Callable[..., Ledger]) -> None:
    scene = closed(open_at, years=(YEAR,))
    for document in DOCUMENTS:
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
    for document in DOCUMENTS:
        path = made(scene, document, tmp_path / f"{document}{suffix}", lang=lang)
        text = words(path)
        assert not any("{{" in each for each in text)
        with scene.ledger.store.reading() as rows:
            found = collected(scene.ledger, rows, asked(scene, document, lang=lang))
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
    found = {document: filling(scene, document) for document in DOCUMENTS}
    payable = parse_fen(year["payable"])

    for document in DOCUMENTS:
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
            collected(scene.ledger, rows, Asked(document, CIXI, year, "2025-05-30", **more))
        return error.value.code

    assert why("list", 2025) == "settlement.not-proposed"
    proposing.propose(scene.ledger, CIXI, 2025, OFFICER)
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
    assert len(list(folder.iterdir())) == len(DOCUMENTS) * 4
    marked = Document(str(folder / "letter.docx"))
    marked.add_paragraph("本局自定")
    marked.save(str(folder / "letter.docx"))
    said("templates", "--into", str(folder))
    monkeypatch.setenv("SUBSIDY_LEDGER_TEMPLATES", str(folder))
    out = tmp_path / "out.docx"
    said("write", "letter", "--enterprise", scene.code, "--out", str(out), "--number", "慈商务〔2025〕3号")
    assert "本局自定" in words(out)
    assert "慈商务〔2025〕3号" in words(out)
    assert STEPS["document.whose"][0] in said("write", "letter", "--out", str(out), code=1)
    assert "on: " in said("write", "report", "--out", str(out), "--on", "30.5.2025", code=1)
    payees = tmp_path / "payees.csv"
    payees.write_text(f"code,name,account,bank\n{Feed(9_999).code},甲,62220000,102332000017\n", "utf-8")
    table = ["write", "payments", "--batch", "2024-001", "--payees", str(payees), "--out", str(out)]
    assert STEPS["payment.no-payee"][0].partition("{")[0] in said(*table, code=1)
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
    for document in DOCUMENTS:
        names = values_of(document)
        columns = [f"{t}.{c}" for t, found in columns_of(document).items() for c in found]
        assert len(aliases(document)) == len(names) + len(columns)
    assert catalogue()["values"]
    assert str(Fen(123_456)) == grouped(123_456)
