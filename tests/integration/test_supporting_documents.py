"""The document that a fact rests on: told in the envelope, kept in the log, part of what was said."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from domain.events import STATES
from domain.events.event import SupportingDocument, digest_of
from domain.events.stored import state_of, topic_of
from ledger.audit.steps import step_document
from ledger.export import columnar, spreadsheet
from ledger.export.books import books_of
from ledger.intake.inbox import ingest
from ledger.intake.messages.decode import Now
from ledger.intake.sheets.rows import Reading, SheetRow
from ledger.policies.versions import adopt_policy
from ledger.reading.changes import steps_of
from ledger.reading.explanations import explain_awards
from ledger.store.application import Ledger
from ledger.store.moments import NOW
from ledger.store.stored_events import SELECT, stored
from services.api.wire import event_document
from services.cli.main import main
from services.sample.policy import POLICY, YEAR, policy_text
from tests.conftest import LATER
from tests.events import CIXI, CIXI_TEXT, Feed
from tests.integration.api_client import Api

TOLD = {
    "documentnumber": "慈商务〔2024〕12号",
    "documentsha256": "ab" * 32,
    "documentdate": "2024-03-01",
    "documentissuer": "慈溪市商务局",
}
KEPT = SupportingDocument(
    number="慈商务〔2024〕12号", sha256="ab" * 32, issued_on="2024-03-01", issuer="慈溪市商务局"
)


@pytest.fixture
def ledger(open_at: Callable[..., Ledger]) -> Ledger:
    ledger = open_at()
    adopt_policy(ledger, policy_text())
    return ledger


def message(**members: str) -> bytes:
    """A shop's registration, with further members of the envelope."""
    return json.dumps({**json.loads(Feed(1).shop("jd", "a shop", "2024-03-05")), **members}).encode()


def send(ledger: Ledger, *messages: bytes) -> list[Any]:
    return ingest(ledger, list(messages), "tests")


def last_event(ledger: Ledger) -> Any:
    with ledger.store.reading() as rows:
        return stored(rows.all(f"{SELECT} ORDER BY rowid DESC LIMIT 1")[0])


def test_a_fact_keeps_the_document_that_it_rests_on(ledger: Ledger) -> None:
    (result,) = send(ledger, message(**TOLD))

    event = last_event(ledger)
    assert (result.status, event.fact.based_on) == ("accepted", KEPT)
    assert event_document(event)["based_on"] == {
        "number": TOLD["documentnumber"],
        "sha256": TOLD["documentsha256"],
        "issued_on": TOLD["documentdate"],
        "issuer": TOLD["documentissuer"],
    }


def test_a_fact_without_one_is_stored_as_it_always_was(ledger: Ledger) -> None:
    send(ledger, message())

    event = last_event(ledger)
    assert event.fact.based_on is None
    assert "based_on" not in event_document(event)
    assert b"based_on" not in state_of(event.fact, event.recorded_at)


def test_the_same_fact_on_another_document_is_another_message(ledger: Ledger) -> None:
    statuses = [
        send(ledger, each)[0].status
        for each in (
            message(**TOLD),
            message(**TOLD),
            message(**{**TOLD, "documentnumber": "另号"}),
            message(),
        )
    ]

    assert statuses == ["accepted", "duplicate", "refused", "refused"]


@pytest.mark.parametrize(
    ("member", "value", "code"),
    [
        ("documentsha256", "AB" * 32, "text.form"),
        ("documentsha256", "ab", "text.form"),
        ("documentdate", "2024-02-30", "date.form"),
        ("documentnumber", "", "text.length"),
    ],
)
def test_what_is_told_wrongly_is_named(ledger: Ledger, member: str, value: str, code: str) -> None:
    (result,) = send(ledger, message(**{member: value}))

    assert [(fault.field, fault.code) for fault in result.faults] == [(member, code)]


def test_state_and_digest_hold_it(ledger: Ledger) -> None:
    send(ledger, message(**TOLD))
    event = last_event(ledger)
    fact = event.fact

    state = state_of(fact, event.recorded_at)

    assert STATES.read_event(topic_of(fact.name), state) == fact
    bare = type(fact)(fact.content, fact.source, fact.event_id, fact.time)
    assert digest_of(event.originator, fact) != digest_of(event.originator, bare)


def test_history_and_explanation_show_it(ledger: Ledger) -> None:
    send(ledger, message(**TOLD))
    code = last_event(ledger).originator
    with ledger.store.reading() as rows:
        steps = [step_document(step) for step in steps_of(rows, code, rows.last_position())]
        explanation = explain_awards(ledger, rows, code, POLICY, YEAR)

    assert steps[-1]["based_on"]["number"] == TOLD["documentnumber"]
    sources = [source for award in explanation.awards for source in award.sources]
    assert [source.based_on for source in sources] == [KEPT] * len(sources)
    assert sources[0].wire_parts()["based_on"]["sha256"] == TOLD["documentsha256"]
    assert KEPT.citation == f"慈溪市商务局 慈商务〔2024〕12号 2024-03-01 sha256:{'ab' * 32}"


def test_a_correction_has_a_document_of_its_own(ledger: Ledger) -> None:
    fact = json.loads(message(**TOLD))
    correction = {
        **fact,
        **TOLD,
        "id": "correction-1",
        "type": "subsidy.fact-corrected.v1",
        "documentnumber": "更正函1号",
        "data": {
            "of_type": fact["type"],
            "of": fact["id"],
            "reason": "登记日期有误",
            "changes": {"on": "2024-03-06"},
        },
    }

    (_, result) = send(ledger, message(**TOLD), json.dumps(correction).encode())

    assert (result.status, last_event(ledger).fact.based_on.number) == ("accepted", "更正函1号")


CITED = {
    "依据文号": TOLD["documentnumber"],
    "依据摘要": ("AB " * 32).strip(),
    "依据日期": "2024年3月1日",
    "出具单位": TOLD["documentissuer"],
}
"""The same as people write it in a sheet."""
SHOP_ROW = {
    "统一社会信用代码": Feed(1).code,
    "平台": "京东",
    "类别": "旗舰店",
    "店铺名称": "a shop",
    "日期": "2024-03-05",
}


def read_rows(path: Path, *rows: dict[str, str]) -> list[SheetRow]:
    """Rows of a sheet, as they are read."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return list(Reading(path, "urn:tests", Now.bounds_at(LATER)).rows())


def test_a_row_of_a_sheet_names_its_document_in_the_columns_of_the_same_vocabulary(
    ledger: Ledger, tmp_path: Path
) -> None:
    [cited] = read_rows(tmp_path / "cited.csv", {**SHOP_ROW, **CITED})
    assert cited.message is not None
    assert cited.message.fact.based_on == KEPT
    (result,) = send(ledger, cited.raw)
    assert (result.status, last_event(ledger).fact.based_on) == ("accepted", KEPT)

    [wrong] = read_rows(tmp_path / "wrong.csv", {**SHOP_ROW, **CITED, "依据摘要": "ab"})
    assert [(each.fault.code, each.column) for each in wrong.marked] == [("text.form", 7)]


def test_a_row_that_names_none_has_the_identity_that_it_always_had(tmp_path: Path) -> None:
    [bare] = read_rows(tmp_path / "bare.csv", SHOP_ROW)
    [empty] = read_rows(tmp_path / "empty.csv", {**SHOP_ROW, **dict.fromkeys(CITED, "")})
    assert bare.event_id == empty.event_id == "sheet-33662fb836d8691ff7ada068"
    assert b"document" not in bare.raw
    assert bare.message is not None
    assert bare.message.fact.based_on is None


def test_exports_and_the_table_of_a_history_cite_it(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(ledger, message(**TOLD))
    code = last_event(ledger).originator
    with ledger.store.reading() as rows:
        books = books_of(ledger, rows, POLICY, YEAR, NOW)
        columnar.write_events(tmp_path / "events.parquet", books)
        spreadsheet.write(tmp_path / "books.xlsx", books)
    *others, event = pq.read_table(tmp_path / "events.parquet").to_pylist()
    kept = {name: getattr(KEPT, name) for name in KEPT.__struct_fields__}
    assert {name: event[f"document_{name}"] for name in kept} == kept
    assert all(other["document_number"] is None for other in others)

    cells = [
        str(cell)
        for sheet in openpyxl.load_workbook(tmp_path / "books.xlsx")
        for row in sheet.values
        for cell in row
    ]
    assert any(KEPT.citation in cell for cell in cells)

    monkeypatch.setattr("services.cli.common.open_ledger", lambda *_, **__: ledger)
    monkeypatch.setattr(ledger, "close", lambda: None)
    line = ["--language", "zh", "history", code, "--csv"]
    printed = CliRunner().invoke(main, line, catch_exceptions=False).output
    assert f"依据,,,{KEPT.citation}," in printed


def test_a_command_that_takes_a_step_of_a_claim_names_it_and_what_is_wrong_is_told(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(ledger, message())
    monkeypatch.setattr("services.cli.common.open_ledger", lambda *_, **__: ledger)
    monkeypatch.setattr(ledger, "close", lambda: None)
    adopt_policy(ledger, CIXI_TEXT)
    claim = [
        *("--language", "zh", "claim", "submit", Feed(1).code, "c-1", "--policy", CIXI, "--year", "2024")
    ]
    claim += ["--measure", "climate.event", "--item", "a fair", "--actor", "Lin"]
    cited = ["--document-number", KEPT.number, "--document-sha256", KEPT.sha256]
    cited += ["--document-date", KEPT.issued_on, "--document-issuer", KEPT.issuer]

    wrong = CliRunner().invoke(main, [*claim, "--document-sha256", "zz"])
    assert wrong.exit_code == 1
    assert "--document-sha256" in wrong.output
    right = CliRunner().invoke(main, [*claim, *cited], catch_exceptions=False)
    assert right.exit_code == 0, right.output
    assert last_event(ledger).fact.based_on == KEPT


def test_the_steps_of_a_claim_each_name_a_document_of_their_own_over_http(ledger: Ledger) -> None:
    adopt_policy(ledger, CIXI_TEXT)
    send(ledger, message())
    api, code = Api(ledger), Feed(1).code
    submitted: dict[str, Any] = {
        "enterprise": code,
        "policy": CIXI,
        "claim": "c-1",
        "measure": "climate.event",
    }
    submitted |= {"item": "a fair", "year": 2024, "amount": "1000.00", "currency": "CNY"}
    path = f"/v1/claims/{CIXI}/{code}/c-1"
    documents: list[tuple[str, SupportingDocument | None]] = []
    for person, place, body, status in (
        (api.by("Lin", "officer"), "/v1/claims", submitted, 201),
        (api.by("Gao", "officer"), f"{path}/review", {"amount": "900.00", "opinion": "ok"}, 200),
        (api.by("Shen", "reviewer"), f"{path}/approval", {}, 200),
    ):
        number = f"doc {len(documents)}"
        person.post(place, {**body, "documentnumber": number}, status)
        documents.append((number, last_event(ledger).fact.based_on))
    assert documents == [(number, SupportingDocument(number=number)) for number, _ in documents]
