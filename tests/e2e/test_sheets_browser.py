"""Spreadsheets in a real browser: sent, watched, looked at, recorded, taken back marked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, expect

from ledger.intake.sheets.template import write_template
from tests.benchmarks import sheets as large
from tests.console import NOW, Hall, chromium, copied, open_year, served
from tests.events import Feed
from tests.integration.bureau import Clock
from tests.integration.test_sheets import shop, shops

pytestmark = pytest.mark.slow
WORKED = 60_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sheets") / "open.db"
    open_year(path, 60)
    return path


def is_accessible(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []


@pytest.mark.parametrize(
    ("lang", "size", "scripts"),
    [("zh", ViewportSize(width=1280, height=900), True), ("en", ViewportSize(width=360, height=780), False)],
    ids=["zh-1280", "en-360-no-scripts"],
)
def test_an_officer_takes_in_a_spreadsheet(
    browser: Browser, city: Path, tmp_path: Path, lang: str, size: ViewportSize, scripts: bool
) -> None:
    hall, file = Hall(browser), tmp_path / "店铺.xlsx"
    file.write_bytes(shops(shop(9001), shop(9002), shop(9003, day="昨天"), shop(9001, day="2024-03-06")))
    with served(copied(city, tmp_path / "open.db"), Clock(NOW)) as site:
        person = hall.person(site, lang, viewport=size, java_script_enabled=scripts).works("林晓", "officer")
        page = person.goes("sheets")
        if scripts:
            is_accessible(page)
        with page.expect_download() as template:
            page.get_by_role("link", name="店铺与分公司" if lang == "zh" else "Shops and branches").click()
        template.value.save_as(tmp_path / "t.xlsx")
        write_template("shops", tmp_path / "same.xlsx")
        names = [openpyxl.load_workbook(tmp_path / each).sheetnames for each in ("t.xlsx", "same.xlsx")]
        assert names[0] == names[1]
        page.locator("#sheet-file").set_input_files(file)
        page.locator("#sheet-source").fill(f"周巷镇{lang}")
        person.press("sheets-do")
        while page.locator("progress").count():
            page.reload()
        person.sees("sheet-faulty")
        if scripts:
            is_accessible(page)
        page.screenshot(path=str(tmp_path / "preview.png"), full_page=True)
        assert Feed(9003).code not in person.text(), "a wrong row is told by its cell"
        assert "E4" in person.text()
        with page.expect_download() as marked:
            page.get_by_role("link", name=person.says("sheet-marked")).click()
        marked.value.save_as(tmp_path / "m.xlsx")
        assert openpyxl.load_workbook(tmp_path / "m.xlsx").worksheets[0]["E4"].comment is not None
        person.press("sheet-confirm")
        while page.locator("progress").count():
            page.reload()
        person.sees("sheet-recorded", accepted="2", duplicate="0", refused="2")
    assert hall.leave() == []


def test_a_large_file_shows_how_far_it_is_and_ends_by_itself(
    browser: Browser, city: Path, tmp_path: Path
) -> None:
    hall, file = Hall(browser), tmp_path / "large.xlsx"
    large.write(file, 6_000)
    with served(copied(city, tmp_path / "open.db"), Clock(NOW)) as site:
        person = hall.person(site, "zh").works("林晓", "officer")
        page = person.goes("sheets")
        page.locator("#sheet-file").set_input_files(file)
        person.press("sheets-do")
        page.locator("progress").wait_for()
        assert page.locator("progress").get_attribute("aria-label")
        expect(page.locator("progress")).to_have_count(0, timeout=WORKED)
        person.sees("sheet-faulty")
        assert "5,940" in person.text()
    assert hall.leave() == []
