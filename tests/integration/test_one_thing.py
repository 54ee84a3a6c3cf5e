"""One thing is one thing, however it is spelt and whichever door it comes through.

The files of tests/data/identity went wrong before: a warehouse in three spellings was paid three times.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from domain.events import STATES
from ledger.intake.batch import Result
from ledger.intake.inbox import ingest, ingest_all
from ledger.intake.refusals import list_refused
from ledger.intake.sheets.holding import Holding
from ledger.intake.sheets.previewing import preview, reading_of, record
from ledger.reading.disagreements import list_disagreements
from ledger.replay.comparison import replay
from ledger.store.application import Ledger
from ledger.store.stored_events import SELECT, stored
from services.cli.intake.lines import messages_of
from services.kafka.dead_letters import headers_of
from services.kafka.records import Record, message_of
from tests import answers as queries
from tests.events import CIXI, SOURCE, Feed, message
from tests.integration.api_client import BATCH, Api
from tests.xlsx import sheet_of, workbook

Opener = Callable[..., Ledger]
Door = Callable[[Ledger, list[bytes]], list[str]]
FILES = Path(__file__).parents[1] / "data" / "identity"
PERSON = "33028220991231001X"
"""An identity number that is nobody's: its day of birth has not come."""


def by_command(ledger: Ledger, messages: list[bytes]) -> list[str]:
    stream = io.BytesIO(b"\n".join(messages))
    return [
        result.status for results in ingest_all(ledger, messages_of(stream), "file") for result in results
    ]


def by_request(ledger: Ledger, messages: list[bytes]) -> list[str]:
    api = Api(ledger)
    statuses = [api.send("POST", "/v1/events", each, "application/cloudevents+json") for each in messages]
    return [{201: "accepted", 200: "duplicate", 422: "refused"}[each.status_code] for each in statuses]


def by_batch(ledger: Ledger, messages: list[bytes]) -> list[str]:
    answer = Api(ledger).post("/v1/events", b"[" + b",".join(messages) + b"]", 200, BATCH)
    return [result["status"] for result in answer["results"]]


def by_stream(ledger: Ledger, messages: list[bytes]) -> list[str]:
    return [result["status"] for result in Api(ledger).stream(b"\n".join(messages))[:-1]]


def by_kafka(ledger: Ledger, messages: list[bytes]) -> list[str]:
    """As the consumer takes records: whole messages, and messages whose attributes are headers."""
    records = []
    for offset, raw in enumerate(messages):
        document = json.loads(raw)
        data = json.dumps(document.pop("data"), ensure_ascii=False).encode()
        headers = [(f"ce_{name}", value.encode()) for name, value in document.items()]
        key = document["subject"].encode()
        records.append(Record("facts", 0, offset, key, raw, ()))
        records.append(Record("facts", 0, offset, key, data, headers))
    results = ingest(ledger, [message_of(each) for each in records], "kafka")
    return [result.status for result in results[::2]]


DOORS: dict[str, Door] = {
    "command": by_command,
    "request": by_request,
    "batch": by_batch,
    "stream": by_stream,
    "kafka": by_kafka,
}


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest) -> Door:
    return DOORS[request.param]


def read_file(name: str) -> list[bytes]:
    return (FILES / f"{name}.ndjson").read_bytes().splitlines()


def codes_of(messages: list[bytes]) -> list[str]:
    return [json.loads(each)["subject"] for each in messages]


def gross(ledger: Ledger, code: str, year: int = 2024) -> str:
    with ledger.store.reading() as rows:
        sums: dict[str, Any] = queries.balance(ledger, rows, code, CIXI, year)
    return str(sums["gross"])


def stored_text(ledger: Ledger) -> str:
    """Every text and blob that the ledger keeps."""
    with ledger.store.reading() as rows:
        parts = []
        for table in ("stored_events", "refused", "event_keys", "matters", "correlations", "enterprises"):
            for row in rows.all(f"SELECT * FROM {table}"):
                parts += [
                    bytes(v).decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in row
                ]
    return "\n".join(parts)


def events_in(ledger: Ledger) -> Iterator[Any]:
    with ledger.store.reading() as rows:
        yield from (stored(row).fact for row in rows.all(f"{SELECT} ORDER BY rowid"))


@pytest.mark.parametrize(
    ("name", "sum_"),
    [
        ("same-warehouse-three-spellings", "500000.00"),
        ("same-shop-nfc-nfd", "5000.00"),
        ("branch-trailing-blank", "100000.00"),
    ],
)
def test_a_thing_that_is_spelt_in_several_ways_is_paid_once(
    name: str, sum_: str, door: Door, open_at: Opener, tmp_path: Path
) -> None:
    ledger, messages = open_at(), read_file(name)

    assert set(door(ledger, messages)) == {"accepted"}
    assert gross(ledger, codes_of(messages)[0]) == sum_
    assert replay(ledger, str(tmp_path / "replayed.db")).differences == ()


def test_a_sheet_in_which_one_warehouse_is_spelt_in_three_ways_pays_it_once(
    open_at: Opener, tmp_path: Path
) -> None:
    ledger = open_at()
    assert (
        by_sheet(ledger, FILES / "same-warehouse-in-a-sheet.xlsx", tmp_path) == 1
    )  # the other two rows say the same
    with ledger.store.reading() as rows:
        ((code,),) = rows.all("SELECT code FROM enterprises")
    assert gross(ledger, code) == "500000.00"


def by_sheet(ledger: Ledger, path: Path, folder: Path) -> int:
    """Preview and record a sheet; how many rows were accepted."""
    holding = Holding.open_file(folder / "rows")
    reading = reading_of(ledger, path, path.name, "urn:tests", None)
    preview(ledger, reading, holding, lambda stage, done: None)
    totals = record(ledger, holding, holding.read_note("preview"), lambda stage, done: None)
    holding.close()
    return totals.accepted


SAME = {
    "width": "ＥＵ－1",
    "case": "eu-1",
    "blank before": " EU-1",
    "blank behind": "EU-1\u3000",
    "no-break blank": "EU-1\u00a0",
    "zero width": "EU\u200b-1",
    "joiner": "EU\u2060-\u200d1",
    "soft hyphen": "EU\u00ad-1",
    "variation selector": "EU-1\ufe0f",
    "byte order mark": "\ufeffEU-1",
    "dash": "EU–1",
    "hyphen that does not break": "EU\u20111",
    "mathematical letters": "𝐄𝐔-𝟏",
}


def warehouse(feed: Feed, name: str) -> bytes:
    return feed.send("warehouse-recognised", level="provincial", warehouse=name, on="2024-05-01")


@pytest.mark.parametrize("spelling", SAME.values(), ids=SAME)
def test_a_warehouse_is_one_in_every_spelling_and_what_was_written_stays_beside_it(
    spelling: str, open_at: Opener
) -> None:
    ledger, feed = open_at(), Feed(1)

    by_command(ledger, [warehouse(feed, spelling), warehouse(feed, "EU-1")])

    assert gross(ledger, feed.code) == "500000.00"
    first, second = [event for event in events_in(ledger) if event.name == "WarehouseRecognised"]
    assert (first.content.warehouse, first.written) == ("EU-1", {"data.warehouse": spelling})
    assert (second.content.warehouse, second.written) == ("EU-1", None)


@pytest.mark.parametrize("other", ["EU-2", "EU-11", "EU1", "EU 1", "EU_1", "EU-I", "EÜ-1", "欧-1"])
def test_what_is_called_otherwise_is_another_thing(other: str, open_at: Opener) -> None:
    ledger, feed = open_at(), Feed(1)

    by_command(ledger, [warehouse(feed, other), warehouse(feed, "EU-1")])

    assert gross(ledger, feed.code) == "1000000.00"


@pytest.mark.parametrize("id_", ["e1 ", "\u3000e1", "ｅ１", "e\u200b1", "e1\ufeff"])
def test_an_id_or_source_with_a_blank_does_not_defeat_deduplication(
    id_: str, door: Door, open_at: Opener
) -> None:
    ledger, code = open_at(), Feed(1).code
    data = {"year": 2024, "amount": "10.00", "currency": "CNY", "channel": "online"}
    plain = message("sales-reported", code, "e1", "2024-12-31T09:30:00+08:00", data)
    spellings = [
        plain,
        {**plain, "id": id_},
        {**plain, "source": f"{SOURCE} "},
        {**plain, "id": id_, "data": {**data, "amount": "11.00"}},
    ]

    statuses = door(ledger, [json.dumps(each, ensure_ascii=False).encode() for each in spellings])

    assert statuses == ["accepted", "duplicate", "duplicate", "refused"]
    with ledger.store.reading() as rows:
        assert list_refused(rows)[0].faults[0].code == "identity.reused"


def test_an_amendment_finds_its_fact_however_it_spells_the_id(open_at: Opener) -> None:
    ledger, feed = open_at(), Feed(1)
    feed.count = 0
    first = warehouse(feed, "EU-1")
    gone = feed.retract("ｅ1-1 ", "warehouse-recognised")

    assert by_command(ledger, [first, gone]) == ["accepted", "accepted"]
    assert gross(ledger, feed.code) == "0.00"


@pytest.mark.parametrize("name", ["xml-noncharacter-name", "name-right-to-left-override"])
def test_a_name_that_cannot_be_printed_is_refused_and_nothing_else(
    name: str, door: Door, open_at: Opener
) -> None:
    ledger = open_at()

    assert door(ledger, read_file(name)) == ["refused", "accepted"]
    with ledger.store.reading() as rows:
        fault = list_refused(rows)[0].faults[0]
    assert (fault.code, fault.field) == ("text.form", "data.name")
    assert "U+" in fault.words("zh")["rule"]


@pytest.mark.parametrize("field", ["id", "source", "data.shop", "correlationid"], ids=str)
@pytest.mark.parametrize("character", "\x85\u061c\u200e\u202b\u2067\u2028\ufdd5\ufffe\U0002ffff", ids=ascii)
def test_unfit_characters_are_refused_in_every_field(field: str, character: str, open_at: Opener) -> None:
    ledger, feed = open_at(policy=False), Feed(1)
    document = json.loads(feed.shop("tmall", "店", "2024-03-01"))
    place = document["data"] if field.startswith("data.") else document
    place[field.removeprefix("data.")] = f"a{character}b"

    assert by_command(ledger, [json.dumps(document, ensure_ascii=False).encode()]) == ["refused"]
    with ledger.store.reading() as rows:
        assert [(f.code, f.field) for f in list_refused(rows)[0].faults] == [("text.form", field)]


def test_a_byte_order_mark_is_no_fault(open_at: Opener) -> None:
    content = (FILES / "bom.ndjson").read_bytes()
    marked, plain = content.splitlines()
    assert marked.startswith(b"\xef\xbb\xbf")
    ledger = open_at()

    results = [r.status for rs in ingest_all(ledger, messages_of(io.BytesIO(content)), "file") for r in rs]

    assert results == ["accepted", "accepted"]
    for name, door in DOORS.items():
        if name not in ("batch", "kafka"):
            assert door(ledger, [marked, plain]) == ["duplicate", "duplicate"], name
    api = Api(ledger)
    body = b"\xef\xbb\xbf[" + plain + b"]"
    for media in (BATCH, "application/json"):
        assert api.post("/v1/events", body, 200, media)["counts"]["duplicate"] == 1
    key = json.loads(plain)["subject"].encode()
    record_ = Record("facts", 0, 0, key, marked, ())
    assert [r.status for r in ingest(ledger, [message_of(record_)], "kafka")] == ["duplicate"]


SPELT = {
    "as it is": PERSON,
    "small": PERSON.lower(),
    "wide": "３３０２８２２０９９１２３１００１Ｘ",
    "in groups": "330282 20991231 001X",
    "hyphens": "330282-20991231-001X",
    "15 digits": "330282991231001",
    "zero width": "330282\u200b20991231001X",
}


@pytest.mark.parametrize("number", SPELT.values(), ids=SPELT)
@pytest.mark.parametrize("field", ["subject", "id", "source", "data.shop", "correlationid", "by"])
def test_a_persons_number_is_refused_wherever_it_stands_and_not_kept(
    number: str, field: str, open_at: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    ledger, feed = open_at(policy=False), Feed(1)
    document = json.loads(feed.shop("tmall", "店", "2024-03-01"))
    if field == "by":
        document = json.loads(feed.send("enterprise-replaced", by=number, on="2024-03-01"))
    elif field == "data.shop":
        document["data"]["shop"] = f"张三{number}"
    else:
        document[field] = number

    results = list(_taken(ledger, json.dumps(document, ensure_ascii=False).encode()))
    results += _taken(ledger, json.dumps(document, ensure_ascii=True).encode())

    assert [result.status for result in results] == ["refused", "refused"]
    assert "number.personal" in {fault.code for result in results for fault in result.faults} or field in (
        "subject",
        "by",
    )
    kept = stored_text(ledger) + str(results) + caplog.text
    assert not [text for text in (number, PERSON, PERSON[:17], "330282991231001", "20991231") if text in kept]


def _taken(ledger: Ledger, raw: bytes) -> list[Result]:
    return ingest(ledger, [raw], "kafka")


def test_the_file_with_an_identity_number_leaves_no_copy_of_it(door: Door, open_at: Opener) -> None:
    ledger = open_at(policy=False)

    assert door(ledger, read_file("identity-number-as-credit-code")) == ["refused"]

    assert PERSON not in stored_text(ledger)
    with ledger.store.reading() as rows:
        refused = list_refused(rows)[0]
    assert (refused.faults[0].code, refused.faults[0].field) == ("number.personal", "subject")
    assert PERSON not in str(headers_of(refused)) + str(refused)


def test_a_persons_number_in_a_sheet_is_neither_held_nor_recorded(open_at: Opener, tmp_path: Path) -> None:
    heads = ["统一社会信用代码", "平台", "类别", "店铺名称", "日期"]
    rows = [
        heads,
        [PERSON, "天猫", "旗舰店", "店", "2024-03-05"],
        [Feed(1).code, "天猫", "旗舰店", f"店{PERSON}", "2024-03-05"],
    ]
    path = tmp_path / "店铺注册.xlsx"
    path.write_bytes(workbook(sheet_of(rows)))
    ledger = open_at(policy=False)

    assert by_sheet(ledger, path, tmp_path) == 0

    assert PERSON.encode() not in (tmp_path / "rows").read_bytes()
    assert PERSON not in stored_text(ledger)


@pytest.mark.parametrize("broken", ['{"subject": "%s"', '{"subject": "%s", "subject": "x"}', "%s", '["%s"]'])
def test_a_message_that_is_none_is_kept_without_a_persons_number(broken: str, open_at: Opener) -> None:
    ledger = open_at(policy=False)

    for number in SPELT.values():
        assert by_command(ledger, [(broken % number).encode()]) == ["refused"]

    kept = stored_text(ledger)
    assert not [number for number in SPELT.values() if number in kept]


def test_events_without_a_difference_are_stored_as_before(open_at: Opener) -> None:
    ledger, feed = open_at(policy=False), Feed(1)
    by_command(ledger, [feed.shop("tmall", "示例（一）旗舰店", "2024-03-01")])

    with ledger.store.reading() as rows:
        ((topic, state),) = rows.all("SELECT topic, state FROM stored_events")

    assert b"written" not in bytes(state)
    assert STATES.read_event(topic, bytes(state)).written is None


def sums_of(feed: Feed, *reports: tuple[str, str]) -> list[bytes]:
    messages = []
    for source, amount in reports:
        document = json.loads(feed.sales("domestic_own_brand", 2024, amount))
        messages.append(json.dumps({**document, "source": source}, ensure_ascii=False).encode())
    return messages


def noted(ledger: Ledger) -> list[str]:
    with ledger.store.reading() as rows:
        return [each.kind for each in list_disagreements(rows, (-1, ""), 100, "open")]


def test_equal_sums_of_one_year_and_channel_from_two_sources_are_noted(door: Door, open_at: Opener) -> None:
    ledger = open_at()

    assert door(ledger, read_file("same-sales-two-spellings-of-source")) == ["accepted", "accepted"]

    assert noted(ledger) == ["reported-twice"]


A, B = "周巷镇", "周巷镇政府"


@pytest.mark.parametrize(
    ("reports", "kinds"),
    [
        ([(A, "60.00"), (B, "30.00"), (B, "30.00")], ["reported-twice"]),
        ([(A, "10.00"), (A, "20.00"), (B, "30.00")], ["reported-twice"]),
        ([(B, "30.00"), (A, "30.00")], ["reported-twice"]),
        ([(A, "30.00"), (B, "31.00")], []),
        ([(A, "30.00"), (A, "30.00")], []),
        ([(A, "30.00"), (f"{A} ", "30.00"), ("周巷\u200b镇", "30.00")], []),
        ([(A, "0.00"), (B, "0.00")], []),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_sums_are_compared_by_source_in_any_order_and_spelling(
    reports: list[tuple[str, str]], kinds: list[str], at_once: bool, open_at: Opener
) -> None:
    ledger, messages = open_at(), sums_of(Feed(1), *reports)

    for batch in [messages] if at_once else [[each] for each in messages]:
        assert set(by_command(ledger, batch)) == {"accepted"}

    assert noted(ledger) == kinds


def test_sums_that_a_correction_makes_equal_or_different_are_noted_or_no_longer(open_at: Opener) -> None:
    ledger, feed = open_at(), Feed(1)
    first, second = sums_of(feed, (A, "30.00"), (B, "31.00"))
    document = json.loads(feed.correct(f"e{feed.number}-2", "sales-reported", amount="30.00"))
    by_command(ledger, [first, second])
    by_command(ledger, [json.dumps({**document, "source": B}, ensure_ascii=False).encode()])
    assert noted(ledger) == ["reported-twice"]

    document = json.loads(feed.retract(f"e{feed.number}-1", "sales-reported"))
    by_command(ledger, [json.dumps({**document, "source": A}, ensure_ascii=False).encode()])
    assert noted(ledger) == []


@pytest.mark.parametrize("again", ["Project-A ", "ｐroject-A", "Project\u2013A", "Pro\u200bject-A"])
def test_one_item_is_approved_once_however_it_is_spelt(again: str, open_at: Opener) -> None:
    ledger, feed = open_at(), Feed(1)
    first = feed.approved("talent.team", "Project-A", 2024, "100000.00")
    second = feed.approved("talent.team", again, 2024, "100000.00")

    assert by_command(ledger, [first, second]) == ["accepted", "refused"]
    with ledger.store.reading() as rows:
        assert list_refused(rows)[0].faults[0].code == "claim.item"
