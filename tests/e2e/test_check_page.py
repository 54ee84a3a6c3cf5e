"""The checking page in Debian's Chromium with the network cut: lists and receipts, whole and changed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from domain.log.merkle import consistency_path
from domain.log.notes import Checkpoint, KeyEnd, SignerKey, parse_note
from domain.log.statements import write_key_statement, write_proof
from domain.money.amounts import parse_fen, print_fen
from ledger.intake.inbox import ingest
from ledger.store.application import Ledger, open_ledger
from ledger.store.log_tree import Tree
from services.sample.city import city
from services.web import checkpage
from services.web.receipts.page import code_of, receipt_page
from tests.console import chromium
from tests.integration.closings import closed
from tests.integration.test_bundles import KEY
from tests.integration.test_receipts import TWICE, listed, paid_more, receipted, written_twice

pytestmark = pytest.mark.slow


class Files(NamedTuple):
    """The page, a published list and a receipt, as they are handed out."""

    page: Path
    list: Path
    receipt: Path
    printed: Path
    code: str
    size: int
    """Of the log that the receipt proves its events in."""
    end: KeyEnd
    """Of that log later on."""
    proof: str
    """The line that leads from one to the other."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Files]:
    folder = tmp_path_factory.mktemp("check")
    opened: list[Ledger] = []

    def open_at(**_: Any) -> Ledger:
        opened.append(open_ledger(str(folder / "ledger.db")))
        return opened[-1]

    scene = closed(open_at, years=(2024,))
    found = receipted(scene.ledger, scene.code)
    paths = [folder / name for name in ("check.html", "list.ndjson", "receipt.json", "receipt.html")]
    size = Checkpoint.parse(parse_note(found["checkpoint"])[0]).size
    ingest(scene.ledger, list(city(2, seed=99)), "tests")
    with scene.ledger.store.reading() as rows:
        tree, end = Tree(rows), rows.last_position()
        proof = write_proof(size, end, consistency_path(size, end, tree.node))
        ended = KeyEnd(end, tree.root(end))
    made = Files(paths[0], paths[1], paths[2], paths[3], code_of(found), size, ended, proof)
    made.page.write_text(checkpage.page(), "utf-8")
    listed(scene.ledger, made.list)
    made.receipt.write_text(json.dumps(found, ensure_ascii=False, indent=1), "utf-8")
    made.printed.write_text(receipt_page(found), "utf-8")
    yield made
    for each in opened:
        each.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def page(browser: Browser, files: Files) -> Iterator[Page]:
    """The page opened from disk, with no network, and no request let pass in silence."""
    context = browser.new_context(locale="zh-CN", offline=True)
    asked: list[str] = []
    found = context.new_page()
    found.on("request", lambda request: asked.append(request.url))
    found.goto(files.page.as_uri())
    yield found
    assert asked == [files.page.as_uri()]
    context.close()


def verdict(page: Page, file: Path, key: str = str(KEY.verifier), paper: str = "") -> str:
    page.fill("#keys", key)
    page.fill("#paper", paper)
    page.set_input_files("#file", [])
    page.evaluate("document.getElementById('answer').hidden = true")
    page.set_input_files("#file", file)
    expect(page.locator("#answer")).to_be_visible()
    return str(page.locator("#answer").get_attribute("data-verdict"))


def said(page: Page) -> str:
    return page.locator("#answer").inner_text()


TOLD = {
    True: ("本年度第2次拟定；如此后再次拟定并公示，以最后一次为准", "公示时间", "（北京时间），账本第"),
    False: ("本年度第2次拟定", "数据截至", "条记录；此后的拨付和追回不在其中"),
}
"""What the page says of which list it is and of when, of a list and of a receipt."""


def test_whole_files_are_verified_and_without_a_key_the_page_says_what_is_missing(
    page: Page, files: Files
) -> None:
    for file in (files.list, files.receipt):
        assert verdict(page, file) == "good", said(page)
        assert "核验通过" in said(page)
        assert page.locator("#answer li.bad, #answer li.unknown").count() == 0
        assert all(words in said(page) for words in TOLD[file == files.list]), said(page)
        assert verdict(page, file, key="") == "unknown"
        assert "请填入主管部门公钥" in said(page)
    other = "other+3bf1d10c+AbZXW5JpSs4eyJG8FWGJ4kmfy5rrY2Gpj0pPqFRVjlTl"
    assert verdict(page, files.list, key=other) == "bad"


def test_a_key_that_was_replaced_counts_up_to_its_end_and_for_that_log_alone(
    page: Page, files: Files
) -> None:
    old, new = KEY.verifier, SignerKey(KEY.name, b"\x05" * 32)
    ended = str(dataclasses.replace(old, end=files.end))
    checkpoint = Checkpoint(KEY.name, files.end.size, files.end.root)
    rotated = write_key_statement(checkpoint, files.end, KEY, new)
    lost = write_key_statement(checkpoint, files.end, old, new)

    assert verdict(page, files.receipt, f"{ended}\n{files.proof}") == "good", said(page)
    for keys in (f"{new.verifier}\n{rotated}\n{files.proof}", f"{old}\n{rotated}{files.proof}"):
        assert verdict(page, files.receipt, keys) == "good", said(page)
    assert verdict(page, files.receipt, f"{old}\n{new.verifier}\n{lost}\n{files.proof}") == "good", said(page)
    assert verdict(page, files.receipt, ended) == "bad"
    assert f"log-keys --proving {files.size}" in said(page)
    other = dataclasses.replace(old, end=KeyEnd(files.end.size, b"\x01" * 32))
    assert verdict(page, files.receipt, f"{other}\n{files.proof}") == "bad"
    assert "另一份账本" in said(page)
    for keys in (str(dataclasses.replace(old, end=KeyEnd(files.size - 1, b"\x01" * 32))), f"{old}\n{ended}"):
        status = "bad" if keys.startswith(f"{old}@") else "good"
        assert verdict(page, files.receipt, keys) == status, said(page)
    assert verdict(page, files.list, f"{ended}\n{files.proof}") == "bad"
    assert "请重新取得文件" in said(page)


def test_the_paper_is_tied_to_its_file(page: Page, files: Files) -> None:
    assert verdict(page, files.receipt, paper=files.code) == "good", said(page)
    payable = json.loads(files.receipt.read_text("utf-8"))["account"]["payable"]
    forged = files.code.replace(payable, "9" + payable)
    assert verdict(page, files.receipt, paper=forged) == "bad"
    assert "二维码的内容与这份文件不符" in said(page)


def changed_list(files: Files) -> Iterator[tuple[str, str]]:
    lines = files.list.read_text("utf-8").split("\n")[:-1]
    row = json.loads(lines[3])
    row[11] += 1
    yield (
        "\n".join([*lines[:3], json.dumps(row, ensure_ascii=False), *lines[4:]]),
        "文件第4行不是公示时的原样",
    )
    yield "\n".join(paid_more(lines, 5)), "第5项"
    row[1], row[12] = "x\n\u202ey", 5
    named = "（x\\u000a\\u202ey）：应奖励减去扣除与下调，不等于应兑现"
    yield "\n".join([*lines[:3], json.dumps(row), *lines[4:]]), named
    yield "\n".join([lines[0].replace('"gross","', '"gro","'), *lines[1:]]), "文件第1行：缺少 columns"
    yield "\n".join([*lines[:6], *lines[7:]]), "行数与公示时不同"
    yield "\n".join(lines)[:-90], f"文件第{len(lines)}行：不是 JSON，或已损坏"
    twice = lines[-1].replace('"root":', '"root":"00","root":')
    yield "\n".join([*lines[:-1], twice]), f"文件第{len(lines)}行：root 写了不止一次"
    yield "\n".join(lines).replace("2024,", "2024.0,", 1), "文件第1行：2024.0 不是账本所写的整数"
    yield "\ufeff" + "\n".join(lines), "字节顺序标记（BOM）"
    yield "\r\n".join(lines), "CRLF"
    for bad in ("x", "x ", "\\n"):
        forged = lines[-1].replace("— ", bad, 1)
        yield "\n".join([*lines[:-1], forged]), "签名所对应的不是这份名单"
    proof = json.loads(lines[-1])
    for more, named in (
        ({"payable": "9.00"}, f"文件第{len(lines)}行：payable 不属于名单的签名和校验值"),
        ({"published": "2025-01-01T00:00:00Z"}, "签名所对应的不是这份名单"),
        ({"marks": "0" * 8 + proof["marks"][8:]}, "第1行的校验标记被改动；该行本身是公示时的原样"),
    ):
        yield "\n".join([*lines[:-1], json.dumps({**proof, **more})]), named


def changed_receipt(files: Files) -> Iterator[tuple[str, str]]:
    whole = files.receipt.read_text("utf-8")

    def with_(change: Callable[[dict[str, Any]], Any]) -> str:
        value = json.loads(whole)
        change(value)
        return json.dumps(value, ensure_ascii=False)

    yield with_(lambda v: v["awards"][0].update(payable="1.00")), "/awards/0/payable 已被改动"
    yield with_(lambda v: v["account"].update(paid="1.00")), "/account/paid 已被改动"
    yield with_(lambda v: v.update(factor="1/2")), "/factor 已被改动"
    words = "/awards/0/explanation/pro_rata/words/zh 已被改动"
    yield with_(lambda v: v["awards"][0]["explanation"]["pro_rata"]["words"].update(zh="")), words
    yield with_(lambda v: v["list"]["rows"][0].update(number=2)), "第2行不在公示名单中"
    position = json.loads(whole)["events"][0]["position"]
    yield with_(lambda v: v["events"][0].update(salt="00" * 16)), f"位置 {position} 的记录不在账本中"
    yield with_(lambda v: v["events"].pop()), "已被改动"
    yield with_(lambda v: v.pop("account")), "/account/payable 已被改动"
    yield with_(lambda v: v.pop("title")), "/title/zh 已被改动"
    yield with_(lambda v: v.update(seal=v["seal"].replace("— ", "x "))), "签名所对应的不是这份凭据"
    yield with_(lambda v: v.update(seal=v["seal"][:-1] + " 已付清 9999\n")), "签名所对应的不是这份凭据"
    yield (
        with_(lambda v: v["marks"].update({"/name": "0" * 8})),
        "/name 的校验标记被改动；该处的内容是出具时的原样",
    )
    for key, before in TWICE.items():
        changed = written_twice(whole, key, before)
        yield changed, f"{key.split(chr(34))[1]} 写了不止一次"
    yield whole.replace("2024,", "2024.0,", 1), "2024.0 不是账本所写的整数"


def test_what_was_changed_is_named(page: Page, files: Files, tmp_path: Path) -> None:
    for number, (text, named) in enumerate([*changed_list(files), *changed_receipt(files)]):
        file = tmp_path / f"changed-{number}.json"
        file.write_text(text, "utf-8")
        assert verdict(page, file) == "bad", (number, named)
        assert named in said(page), (number, said(page))


def test_a_missing_line_is_named_first_and_what_follows_from_it_is_summed_up(
    page: Page, files: Files, tmp_path: Path
) -> None:
    lines = files.list.read_text("utf-8").split("\n")[:-1]
    file = tmp_path / "list.ndjson"
    for cut, named in (
        ([*lines[:4], *lines[5:]], "缺第4项（文件第5行）"),
        ([*lines[:4], *lines[6:]], "缺第4项至第5项"),
        ([*lines[:4], lines[3], *lines[4:]], "第3项出现不止一次"),
        ([*lines[:3], lines[4], lines[3], *lines[5:]], "有1项不在原来的位置"),
    ):
        file.write_text("".join(f"{line}\n" for line in cut), "utf-8")
        assert verdict(page, file) == "bad"
        assert page.locator("#answer ol > li.bad").first.get_attribute("data-step") == "complete"
        told = page.locator("#answer li.bad li").all_inner_texts()
        assert told[0] == named
        assert not any("重算为" in fault or "不是公示时的原样" in fault for fault in told), told


def test_a_witness_is_never_taken_for_the_log(page: Page, files: Files) -> None:
    given = Path(__file__).parents[1] / "golden" / "46ad05e" / "given"
    keys = (given / "keys").read_text("utf-8")
    auditor = keys.splitlines()[-1]
    signed = page.locator("#answer li[data-step=checkpoint] code")
    assert verdict(page, given / "cixi-2025-receipt-cosigned.json", key=keys) == "good", said(page)
    assert "subsidy-ledger, auditor（见证人，不是账本）" in signed.inner_text()
    assert verdict(page, given / "cixi-2025-receipt-cosigned.json", key=auditor) == "bad"
    assert signed.inner_text().startswith("auditor（见证人，不是账本）")
    assert "由主管部门签名" not in said(page)


def test_the_page_speaks_both_languages_and_has_no_barrier(page: Page, files: Files) -> None:
    for lang, button, words in (
        ("en", "English", "Verified: nothing differs"),
        ("zh-CN", "中文", "核验通过"),
    ):
        page.get_by_role("button", name=button).click()
        assert verdict(page, files.receipt) == "good"
        assert words in said(page)
        assert page.locator("html").get_attribute("lang") == lang
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


def test_the_printed_receipt_is_one_page_of_the_file_s_figures(
    browser: Browser, files: Files, tmp_path: Path
) -> None:
    context = browser.new_context(locale="zh-CN", offline=True)
    found = context.new_page()
    found.goto(files.printed.as_uri())
    whole = json.loads(files.receipt.read_text("utf-8"))
    text = found.locator("body").inner_text()
    for award in whole["awards"]:
        assert print_fen(parse_fen(award["payable"]), "CNY") in text
    assert whole["list"]["root"] in text
    assert found.locator(".code svg").bounding_box() is not None
    assert found.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    context.close()
