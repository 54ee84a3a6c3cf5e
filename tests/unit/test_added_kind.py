"""A new kind of fact is one block: all that messages, tables, pages and documents need follows from it."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask import Flask
from jsonschema import Draft202012Validator

from docs.generate.events import events_page, examples
from docs.generate.languages import LANGUAGES
from domain.disagreements.rules import usual_rules
from domain.events.content import FactContent
from domain.policy.model import DisagreementRule
from domain.vocabulary.load import load_vocabulary
from ledger.intake.messages import bulk
from ledger.intake.messages.decode import Decoder, Message, Refusal, _by_schema, decode
from ledger.intake.messages.schemas import message_types
from ledger.intake.sheets.rows import Reading
from ledger.intake.sheets.tables import Tables
from ledger.intake.sheets.template import EXAMPLE_ROW, sheet_title, write_template
from services.console import telling
from services.kafka import asyncapi
from services.web.json_schemas import event_schema
from tests.oracle.codes import credit_code
from tests.written import NOW

TYPE = "subsidy.livestream-base-recognised.v1"
BLOCK = """
kinds:
  LivestreamBaseRecognised:
    shape: thing
    reports: earliest
    family: recognitions
    title: {zh: 直播基地认定, en: Livestream base recognised}
    description: A livestream base was recognised.
    documentation: {zh: 直播基地认定, en: A base for livestream sales was recognised}
    thing: {zh: 直播基地, en: livestream base}
    same: [base]
    fields:
      base:
        form: text
        max: 60
        title: {zh: 基地名称, en: base}
        label: {zh: 基地, en: base}
        help: {zh: 直播基地的名称, en: Name of the base}
        example: 示例直播基地
      tier:
        form: choice
        title: {zh: 等级, en: tier}
        help: {zh: 认定的等级, en: Tier of the recognition}
        values:
          top: {zh: 头部, en: top tier}
          growing: {zh: 成长型, en: growing}
      studio:
        form: word
        required: no
        title: {zh: 直播间类型, en: studio}
        help: {zh: 主要直播间的类型, en: Kind of its main studio}
        values:
          glass_box: {zh: 玻璃直播间, en: glass studio}
      rooms:
        form: whole
        low: 1
        high: 500
        required: no
        title: {zh: 直播间数, en: rooms}
        unit: {zh: 间, en: rooms}
        help: {zh: 直播间的数量, en: How many rooms there are}
        example: 12
      on:
    rules:
    - {field: rooms, only_with: {tier: [top]}}
    disagreements:
    - {id: base, kind: claimed-twice, same: [base]}
    example:
      id: ZB2024-000001
      source: urn:cixi:commerce
      time: 2024-06-01T09:30:00+08:00
      data: {base: 观海卫直播基地, tier: top, rooms: 20, on: 2024-06-01}
"""
SHIPPED_TEXT = files("domain.vocabulary").joinpath("shipped.yaml").read_text("utf-8")
VOCABULARY = load_vocabulary(SHIPPED_TEXT, BLOCK)
KIND = VOCABULARY.kinds["LivestreamBaseRecognised"]
TYPES = message_types(VOCABULARY)
DECODER = Decoder(TYPES)
TABLES = Tables(VOCABULARY, DECODER)
DATA = {"base": "观海卫直播基地", "tier": "top", "rooms": 20, "on": "2024-06-01"}


def written(data: dict[str, Any]) -> bytes:
    """A message of the new kind."""
    message = {
        "specversion": "1.0",
        "id": "1",
        "source": "urn:cixi:commerce",
        "type": TYPE,
        "subject": credit_code(1),
        "time": "2024-06-01T09:30:00+08:00",
        "data": data,
    }
    return json.dumps(message, ensure_ascii=False).encode()


def codes(raw: bytes) -> list[str]:
    """Codes of what is wrong with a message."""
    decoded = decode(raw, NOW, DECODER)
    return [fault.code for fault in decoded.faults] if isinstance(decoded, Refusal) else []


def test_a_message_of_it_becomes_an_event_of_its_class() -> None:
    message = decode(written(DATA), NOW, DECODER)

    assert isinstance(message, Message)
    assert message.fact.name == "LivestreamBaseRecognised"
    content = message.fact.content
    assert isinstance(content, FactContent)
    assert content.fields_by_name() == {**DATA, "studio": None}
    assert content.shape == "dated"
    assert content.declaration is KIND


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({}, []),
        ({"rooms": None}, []),
        ({"studio": "glass_box"}, []),
        ({"studio": "another-word"}, []),
        ({"studio": "No Word"}, ["text.form"]),
        ({"tier": "growing"}, ["field.only-with"]),
        ({"tier": "growing", "rooms": None}, []),
        ({"tier": "middle"}, ["value.choice"]),
        ({"rooms": 0}, ["field.type"]),
        ({"rooms": "20"}, ["field.type"]),
        ({"base": "长" * 61}, ["text.length"]),
        ({"base": None}, ["field.null"]),
        ({"on": "2024-02-30"}, ["date.form"]),
        ({"on": "2099-01-01"}, ["date.future"]),
        ({"place": "x"}, ["field.unknown"]),
    ],
)
def test_both_decoders_give_one_verdict(changes: dict[str, Any], wrong: list[str]) -> None:
    raw = written(DATA | changes)
    slow = _by_schema(raw, NOW, DECODER)
    try:
        fast = DECODER.bulk.decode(raw)
    except bulk.BulkRefused:
        fast = None

    assert codes(raw) == wrong
    if isinstance(slow, Refusal):
        assert fast is None
        assert all(fault.words(language)["mend"] for fault in slow.faults for language in ("zh", "en"))
    else:
        assert fast is not None
        assert fast.data == slow.data


def test_it_can_be_corrected() -> None:
    for changes, wrong in (({"tier": "growing"}, []), ({"tier": "middle"}, ["value.choice"])):
        data = {"of": "1", "of_type": TYPE, "reason": "录入有误", "changes": changes}
        raw = written(data).replace(TYPE.encode(), b"subsidy.fact-corrected.v1", 1)
        assert codes(raw) == wrong


def test_its_json_schema_and_the_contract_on_kafka_have_it() -> None:
    schema = event_schema(TYPE, TYPES)
    document = asyncapi.document(TYPES)

    Draft202012Validator(schema).validate(json.loads(written(DATA)))
    assert schema["description"] == "A livestream base was recognised."
    assert schema["properties"]["data"]["properties"]["tier"] == {
        "type": "string",
        "enum": ["growing", "top"],
    }
    assert schema["properties"]["data"]["required"] == ["base", "tier", "on"]
    assert "livestream-base-recognised.v1" in document["channels"]["events"]["messages"]
    assert "livestream-base-recognised.v1.binary" in document["components"]["messages"]
    corrected = document["components"]["schemas"]["fact-corrected.v1.data"]
    assert TYPE in corrected["properties"]["of_type"]["enum"]


def test_its_table_has_its_columns_drop_downs_and_example(tmp_path: Path) -> None:
    table = TABLES.by_name["LivestreamBaseRecognised"]
    write_template("recognitions", tmp_path / "template.xlsx", TABLES)
    sheet = openpyxl.load_workbook(tmp_path / "template.xlsx")[sheet_title(table)]

    heads = [
        "备注",
        "统一社会信用代码*",
        "基地名称*",
        "等级*",
        "直播间类型",
        "直播间数（间）",
        "日期*",
        "报送日期",
        "依据文号",
        "依据摘要",
        "依据日期",
        "出具单位",
    ]
    assert [cell.value for cell in sheet[1]] == heads
    lists = [rule.formula1 for rule in sheet.data_validations.dataValidation]
    assert lists == [None, None, None, '"成长型,头部"', '"玻璃直播间"', *[None] * 7]
    assert [cell.value for cell in sheet[EXAMPLE_ROW]][2:7] == [
        "示例直播基地",
        "成长型",
        "玻璃直播间",
        12,
        "2024-03-01",
    ]


def test_a_sheet_of_it_is_read_as_people_fill_it_in(tmp_path: Path) -> None:
    file = tmp_path / "直播基地认定.csv"
    file.write_text(
        f"统一社会信用代码,基地名称,等级,直播间类型,直播间数,日期\n{credit_code(1)},观海卫直播基地,头部,,20,2024年6月1日\n",
        "utf-8",
    )
    reading = Reading(file, "urn:cixi:commerce", NOW, title=file.stem, tables=TABLES)

    (row,) = reading.rows()

    assert row.marked == []
    assert row.message is not None
    assert row.message.fact.content.fields_by_name() == {**DATA, "studio": None}


@pytest.mark.parametrize(
    ("language", "title", "pairs"),
    [
        (
            "zh",
            "直播基地认定",
            [("基地", "观海卫直播基地"), ("等级", "头部"), ("直播间数（间）", "20"), ("日期", "2024-06-01")],
        ),
        (
            "en",
            "Livestream base recognised",
            [
                ("base", "观海卫直播基地"),
                ("tier", "top tier"),
                ("rooms (rooms)", "20"),
                ("day", "2024-06-01"),
            ],
        ),
    ],
)
def test_pages_tell_it_in_both_languages(language: str, title: str, pairs: list[tuple[str, str]]) -> None:
    wording = telling.Wording({}, "CNY", {}, VOCABULARY)

    with Flask(__name__).test_request_context(f"/?lang={language}"):
        assert telling.kind_in_words(KIND.name, VOCABULARY) == title
        assert telling.content_in_words(KIND.name, DATA, wording) == pairs


def test_it_is_documented_with_its_rules_and_a_valid_example() -> None:
    chinese, english = (
        next(part for part in events_page(language, TYPES) if part.startswith(f"## {TYPE}"))
        for language in LANGUAGES
    )

    assert "直播基地认定\n" in chinese
    assert "A base for livestream sales was recognised\n" in english
    assert "| `tier` | 是 | `growing`、`top` |" in chinese
    assert "| `tier` | yes | `growing`, `top` |" in english
    assert "只有 `top` 可带 `rooms`。" in chinese
    assert "Counts once, on its earliest day, by `base`." in english
    assert isinstance(decode(examples(TYPES)[TYPE], NOW, DECODER), Message)


def test_its_facts_disagree_by_its_own_rules() -> None:
    rule = DisagreementRule("base", "claimed-twice", KIND.name, "note", ("base",))

    assert rule in usual_rules(VOCABULARY)
