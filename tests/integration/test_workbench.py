"""The auditor's workbench on real bundles: opened once, and every figure after it from that file alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from docx import Document
from openpyxl import load_workbook

from domain.money.amounts import print_fen
from ledger.reading.explanations import explain_awards
from ledger.store.application import Ledger
from services.web.documents.pdf import as_pdf
from services.workbench.choosing import read_parameters
from services.workbench.command import main
from services.workbench.enterprise import explain_enterprise
from services.workbench.opinion import KINDS, RULE
from services.workbench.page import create_page
from services.workbench.papers.registry import FINDINGS_BY_SLUG, PAPERS_BY_SLUG
from services.workbench.tables import open_file, read_about
from services.workbench.writing import show_cell, write_papers
from tests.events import CIXI
from tests.integration.closings import closed
from tests.integration.test_bundles import KEY
from tests.integration.test_settled_bundles import bundled, closing_at
from tests.programs import program

LATIN = re.compile(r"[A-Za-z][A-Za-z-]{2,}")
on_sqlite = pytest.mark.parametrize("store_kind", ["sqlite"])
"""A bundle is the same whatever store it came from."""


@pytest.fixture
def folder(open_at: Callable[..., Ledger], tmp_path: Path) -> Path:
    """A closed and paid year's bundle, opened, and its ledger gone."""
    scene = closed(open_at)
    bundle = bundled(scene, tmp_path, 2024)
    expected = tmp_path / "payable"
    expected.write_text(str(closing_at(scene.ledger, 2024).payable_fen))
    assert main(["open", str(bundle), str(tmp_path / "folder"), "--key", str(KEY.verifier)]) == 0
    return tmp_path / "folder"


@on_sqlite
def test_an_opened_bundle_holds_every_event_and_agrees_with_the_closing_to_the_fen(folder: Path) -> None:
    file = open_file(folder)
    about = read_about(file)
    payable = int((folder.parent / "payable").read_text())

    def single(sql: str) -> object:
        return file.execute(sql).fetchone()[0]

    assert about.verdict == "VERIFIED"
    assert single("SELECT COUNT(*) FROM events") == about.size
    assert single("SELECT SUM(payable_fen) FROM list_lines") == payable
    assert single("SELECT SUM(payable_fen) FROM settled WHERE year=2024") == payable
    assert single("SELECT SUM(amount_fen) FROM payments WHERE step='made'") == payable
    assert single("SELECT payable_fen FROM settlements WHERE step='closed' AND year=2024") == payable
    assert single("SELECT COUNT(*) FROM clawbacks WHERE step='recovered' AND amount_fen=40000") == 1


def test_what_is_no_year_s_bundle_is_said_and_leaves_no_file_that_could_be_taken_for_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "letter.txt").write_text("no bundle")

    ended = main(["open", str(tmp_path / "letter.txt"), str(tmp_path / "out"), "--key", str(KEY.verifier)])

    assert ended == 2
    assert "no audit bundle" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@on_sqlite
def test_papers_say_what_they_were_made_from_and_a_signature_covers_every_byte(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = folder.parent / "office.key"
    assert main(["papers", str(folder), "--materiality", "100000.00", "--lang", "en"]) == 0
    book = load_workbook(folder / "papers" / "population.xlsx", read_only=True)
    about = {row[0]: row[1] for row in book["About"].iter_rows(values_only=True)}
    assert main(["sign", str(folder), "--witness-key", str(key), "--name", "audit-office"]) == 0
    public = capsys.readouterr().out.splitlines()[-1]

    assert {path.stem for path in (folder / "papers").glob("*.xlsx")} == set(PAPERS_BY_SLUG)
    assert about["Verdict of the verifier"] == "VERIFIED"
    assert about["Parameter materiality"] == "¥100,000.00"
    assert {"Looked at", "Not looked at", "SHA-256 of the bundle", "Root of the checkpoint"} <= set(about)
    assert main(["check", str(folder), "--key", public]) == 0
    assert main(["check", str(folder), "--key", str(KEY.verifier)]) == 1
    with (folder / "papers" / "late.xlsx").open("ab") as file:
        file.write(b" ")
    (folder / "papers" / "more.xlsx").write_bytes(b"")
    (folder / "papers" / "years.xlsx").unlink()
    assert main(["check", str(folder), "--key", public]) == 1
    told = capsys.readouterr().out
    assert all(words in told for words in ("changed after", "added after", "missing"))


@on_sqlite
def test_chinese_papers_have_no_latin_word_that_the_ledger_itself_does_not_have(folder: Path) -> None:
    with closing(open_file(folder)) as file:
        parameters = read_parameters(file, folder)
        recorded = {
            word
            for sql in (
                "SELECT kind, source, id, originator, speaker, content FROM events",
                "SELECT thing FROM facts",
            )
            for row in file.execute(sql)
            for word in LATIN.findall(" ".join(row))
        }
        strange = {
            (paper.slug, word)
            for paper in PAPERS_BY_SLUG.values()
            for row in paper.rows(file, parameters)
            for value, column in zip(row, paper.columns, strict=True)
            for word in LATIN.findall(show_cell(value, column, "zh"))
            if word not in recorded and word not in PAPERS_BY_SLUG
        }

    assert strange == set()


@on_sqlite
def test_a_paper_can_be_had_as_pdf(folder: Path) -> None:
    program("soffice")
    with closing(open_file(folder)) as file:
        parameters, papers = read_parameters(file, folder), (PAPERS_BY_SLUG["population"],)
        [path] = write_papers(file, folder, parameters, "zh", papers)
    as_pdf(path, path.with_suffix(".pdf"))

    assert path.with_suffix(".pdf").read_bytes().startswith(b"%PDF-")


@on_sqlite
def test_an_enterprise_is_explained_in_the_ledger_s_own_words(
    open_at: Callable[..., Ledger], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = closed(open_at)
    with scene.ledger.store.reading() as rows:
        expected = explain_awards(scene.ledger, rows, scene.code, CIXI, 2024)
    bundle = bundled(scene, tmp_path, 2024)
    main(["open", str(bundle), str(tmp_path / "folder"), "--key", str(KEY.verifier)])
    with closing(open_file(tmp_path / "folder")) as file:
        parameters = read_parameters(file, tmp_path / "folder")
        explained = explain_enterprise(file, parameters, scene.code, "zh")

    assert {award.measure: award.payable_fen for award in explained} == {
        award.measure: award.payable_fen for award in expected.awards
    }
    for award, other in zip(explained, expected.awards, strict=True):
        assert [step.words["zh"] for step in other.steps] == award.lines[: len(other.steps)]
    for verb in ("history", "explain", "trail"):
        capsys.readouterr()
        assert main([verb, str(tmp_path / "folder"), scene.code]) == 0
        assert "#" in capsys.readouterr().out or verb == "explain"
        assert main([verb, str(tmp_path / "folder"), "nobody"]) == 1


@on_sqlite
def test_samples_and_their_evaluation_run_from_the_folder(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["papers", str(folder), "--materiality", "200000.00", "--seed", "2024"]) == 0
    capsys.readouterr()
    assert main(["sample", str(folder), "mus"]) == 0
    head, *drawn = capsys.readouterr().out.splitlines()
    payment, _, amount, _ = drawn[0].split(",")
    errors = folder / "errors.csv"
    errors.write_text(f"{payment},{amount},{amount}\n")

    assert head.startswith("# interval 50000.00  95 %  seed 2024")
    assert main(["evaluate", str(folder), str(errors)]) == 0
    assert "¥150,000.00" in capsys.readouterr().out
    errors.write_text(f"{payment},1.00,1.00\n")
    assert main(["evaluate", str(folder), str(errors)]) == 2
    assert main(["sample", str(folder), "random", "--count", "3"]) == 0
    assert main(["sample", str(folder), "judgement"]) == 2


@on_sqlite
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_draft_of_the_opinion_says_scope_basis_materiality_exceptions_and_limits(
    folder: Path, language: str
) -> None:
    assert main(["opinion", str(folder), "--lang", language]) == 0
    document = Document(str(folder / "opinion.docx"))
    text = "\n".join(each.text for each in document.paragraphs)
    cells = {cell.text for table in document.tables for cell in table._cells}
    payable = print_fen(int((folder.parent / "payable").read_text()), "CNY")

    headings = [each.text for each in document.paragraphs if each.style and each.style.name == "Heading 1"]
    assert len(headings) == 6
    assert payable in text
    assert KINDS["unqualified"].in_language(language) in text
    assert RULE.in_language(language) in text
    assert PAPERS_BY_SLUG["late"].not_looked.in_language(language) in text
    assert "VERIFIED" in cells
    assert FINDINGS_BY_SLUG["fact-after-payment"].in_language(language) in cells


@on_sqlite
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_shows_papers_enterprises_and_samples_to_this_machine_alone(
    folder: Path, language: str
) -> None:
    with closing(open_file(folder)) as file:
        code = file.execute("SELECT code FROM clawbacks").fetchone()[0]
    client = create_page(folder).test_client()
    pages = ["/", f"/enterprises?q={code[2:9]}", f"/enterprises/{code}", "/sample?method=mus"]
    pages += [f"/papers/{slug}" for slug in PAPERS_BY_SLUG]
    for address in pages:
        answer = client.get(f"{address}{'&' if '?' in address else '?'}lang={language}")
        assert answer.status_code == 200, address
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert code in client.get("/enterprises?q=9133").text
    assert client.get("/papers/none").status_code == 404
    assert client.get("/", headers={"Host": "elsewhere.example"}).status_code == 403
