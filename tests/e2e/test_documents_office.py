"""Every document of a settled year as LibreOffice prints it: it opens, says the figures, and has pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.documents.catalogue import document_kinds
from ledger.documents.collecting import collect_document
from ledger.store.application import Ledger, open_ledger
from services.web.documents.making import make
from tests.integration.closings import Closed, closed
from tests.integration.test_documents import asked
from tests.office import Office

pytestmark = pytest.mark.slow


SAID = {
    "list": ("全市应兑现", "全市应兑现大写"),
    "payments": ("付款合计", "付款合计大写"),
    "letter": ("应兑现", "应兑现大写"),
    "report": ("全市应兑现", "已拨付"),
}
"""Figures that must stand in each document."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Closed]:
    folder = tmp_path_factory.mktemp("documents")
    opened: list[Ledger] = []

    def open_at(**_: Any) -> Ledger:
        opened.append(open_ledger(str(folder / "ledger.db")))
        return opened[-1]

    yield closed(open_at, years=(2024,))
    for each in opened:
        each.close()


@pytest.mark.parametrize("document", document_kinds())
def test_word_and_excel_open_and_pdf_has_the_figures_pages(
    scene: Closed, tmp_path: Path, office: Office, document: str
) -> None:
    with scene.ledger.store.reading() as rows:
        for suffix in (".docx", ".xlsx", ".pdf"):
            make(scene.ledger, rows, asked(scene, document), tmp_path / f"made{suffix}", None)
        found = collect_document(scene.ledger, rows, asked(scene, document))
        amounts = (
            {str(found.values["全市应兑现"])} if document != "payments" else {str(found.values["付款合计"])}
        )
        if document == "letter":
            amounts = {str(found.values["应兑现"]), str(found.values["应兑现大写"])}
    for suffix in (".docx", ".xlsx"):
        text = office.read_text(tmp_path / f"made{suffix}", tmp_path / f"text{suffix}.txt")
        for amount in amounts:
            assert amount in text.replace('"', ""), (suffix, amount)
        assert "{{" not in text
    data = (tmp_path / "made.pdf").read_bytes()
    assert data.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page[^s]", data)) >= 1
