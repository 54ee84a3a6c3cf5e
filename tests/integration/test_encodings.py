"""Text as Windows, Excel and banks write it, at every door that takes text."""

from __future__ import annotations

import io
import json
from codecs import BOM_UTF8
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ledger.export.file_faults import text_lines
from ledger.intake.messages.lines import read_lines
from ledger.policies.versions import adopt_policy
from ledger.settlement.payment_results import read_results
from ledger.store.application import open_ledger
from services.cli.main import main
from services.server.app import create_app
from tests.conftest import POLICY
from tests.events import Feed

MESSAGES = [Feed(1).shop("jd", "店铺一", "2024-03-05"), Feed(2).shop("jd", "店铺二", "2024-03-06")]
RESULTS = (
    "某某银行批量付款回单\r\n\r\n支付编号,状态,金额,日期,银行流水号,失败原因\r\n"
    'a,成功,1234.56,2025-04-02,="0012",\r\nb,失败,0.5,2025/4/2,,账号与户名不符\r\n'
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("separator", [",", "\t", ";", "，"])
def test_what_a_bank_answers_is_read_in_any_encoding(encoding: str, separator: str) -> None:
    data = RESULTS.replace(",", separator).encode(encoding)

    first, second = read_results(text_lines(data)).results
    assert (first.payment, first.status, first.amount, first.reference) == ("a", "made", 123456, "0012")
    assert (second.payment, second.reason, second.on) == ("b", "账号与户名不符", "2025-04-02")


@pytest.mark.parametrize("before", [b"", BOM_UTF8, BOM_UTF8 * 2, BOM_UTF8 + b"\r\n", b"\r\n"], ids=repr)
@pytest.mark.parametrize("told", [True, False])
def test_a_mark_before_the_first_line_is_no_fault(before: bytes, told: bool) -> None:
    body = before + b"\r\n".join(MESSAGES) + b"\r\n"

    assert [message for _, message in read_lines(io.BytesIO(body), told)] == MESSAGES


def test_lines_that_a_mark_says_are_utf_16_are_read_as_that() -> None:
    body = "\r\n".join(message.decode() for message in MESSAGES).encode("utf-16")

    assert [message for _, message in read_lines(io.BytesIO(body))] == MESSAGES


def run(file: Path, *words: str, given: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["--database", str(file), *words], input=given)


def test_every_door_takes_a_mark(tmp_path: Path) -> None:
    file, marked = tmp_path / "ledger.db", tmp_path / "marked"
    marked.write_bytes(BOM_UTF8 + POLICY.read_bytes())
    assert run(file, "migrate").exit_code == 0
    assert run(file, "adopt", str(marked)).exit_code == 0
    with closing(open_ledger(str(file))) as ledger:
        assert not adopt_policy(ledger, POLICY.read_text("utf-8"))[1]  # the same to the byte
        client = create_app(ledger).test_client()
        body = BOM_UTF8 + MESSAGES[0] + b"\n"
        sent = client.post("/v1/events", data=body, headers={"Content-Type": "application/x-ndjson"})
        assert json.loads(sent.data.splitlines()[0])["status"] == "accepted"
    marked.write_bytes(BOM_UTF8 + MESSAGES[1] + b"\n")
    counts = {"accepted": 1, "duplicate": 0, "refused": 0, "retracted": 0}
    assert json.loads(run(file, "ingest", "--json", str(marked)).output) == counts
    again = run(file, "ingest", "--json", "-", given=marked.read_bytes())
    assert json.loads(again.output) == {**counts, "accepted": 0, "duplicate": 1}


@pytest.mark.parametrize("encoding", ["gbk", "gb18030"])
def test_messages_in_another_encoding_are_refused_each_with_what_to_do(tmp_path: Path, encoding: str) -> None:
    """JSON is UTF-8 (RFC 8259): a guess could take one text for another, and what was signed is bytes."""
    file, written = tmp_path / "ledger.db", tmp_path / "written.ndjson"
    texts = [json.dumps(json.loads(message), ensure_ascii=False) for message in MESSAGES]
    written.write_bytes("\n".join(texts).encode(encoding))
    run(file, "migrate")

    assert "退回 2" in run(file, "ingest", str(written)).output
    listed = run(file, "refused").output
    assert listed.count("不是UTF-8编码 — 以UTF-8编码发送；GBK、GB18030的文件先另存为UTF-8") == 2
    with closing(open_ledger(str(file))) as ledger:
        headers = {"Content-Type": "application/x-ndjson"}
        sent = create_app(ledger).test_client().post("/v1/events", data=written.read_bytes(), headers=headers)
    answers = [json.loads(line) for line in sent.data.splitlines()]
    assert [answer["faults"][0]["code"] for answer in answers[:2]] == ["json.utf8"] * 2


@pytest.mark.parametrize("words", [("adopt",), ("policy", "check"), ("check",)], ids=" ".join)
def test_a_file_in_another_encoding_is_one_sentence(tmp_path: Path, words: tuple[str, ...]) -> None:
    file, written = tmp_path / "ledger.db", tmp_path / "written"
    written.write_bytes(POLICY.read_text("utf-8").encode("gb18030"))
    run(file, "migrate")

    result = run(file, *words, str(written))
    assert result.exit_code != 0
    assert isinstance(result.exception, SystemExit), result.exc_info
    assert "UTF-8" in result.output
