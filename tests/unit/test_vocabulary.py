"""Shipped kinds are declared whole; a block that cannot be meant is refused with all its faults."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest

from domain.events import CATALOGUE
from domain.vocabulary.blocks import VocabularyError
from domain.vocabulary.kinds import Kind, KindField
from domain.vocabulary.load import load_vocabulary, shipped_vocabulary
from ledger.intake.messages.fields import (
    Choice,
    CreditCode,
    Day,
    Identifier,
    MessageField,
    Money,
    Number,
    Slug,
    Text,
    WholeNumber,
)
from ledger.intake.messages.schemas import DATA, TYPE_OF
from tests.contents import content_of

KINDS = list(shipped_vocabulary().kinds.values())
CONTENTS = [
    {},
    {"currency": "USD"},
    {"currency": "HKD"},
    {"channel": "dtc_own_brand_export"},
    {"channel": "dtc_own_brand_export", "currency": "USD"},
    {"channel": "b2b_pilot_export", "customs_code": "9610"},
    {"channel": "online", "customs_code": "9610", "currency": "USD"},
]
"""What is changed in the content of a good fact."""


def field_of(field: KindField) -> MessageField:
    """The field of a message that a declaration asks for."""
    forms: dict[str, Any] = {
        "text": lambda: {"text": Text, "identity": Identifier, "number": Number}[field.spelling](
            field.length_max
        ),
        "word": Slug,
        "choice": lambda: Choice(*field.values),
        "currency": lambda: Choice(*field.values),
        "credit-code": CreditCode,
        "day": Day,
        "year": lambda: WholeNumber(2000, 2100, "year.range"),
        "amount": Money,
        "whole": lambda: WholeNumber(field.low, field.high),
    }
    made: MessageField = forms[field.form]()
    return made


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_kind_has_the_fields_of_its_event_and_of_its_message(kind: Kind) -> None:
    event, schema = CATALOGUE[kind.name], DATA[kind.name]()

    assert kind.type == TYPE_OF[kind.name]
    assert kind.folds_as == event.shape
    assert sorted(kind.field_names) == sorted(event.__struct_fields__)
    assert kind.identity == getattr(event, "identity", ())
    assert kind.attributes == getattr(event, "attributes", ())
    assert kind.group == getattr(event, "group", ())
    assert kind.description == (DATA[kind.name].__doc__ or "").split("\n")[0]
    assert list(kind.field_names) == list(schema.fields)
    for field in kind.fields:
        message_field = schema.fields[field.name]
        assert isinstance(message_field, MessageField)
        assert field.wire == (message_field.data_key or field.name)
        assert field.required == message_field.required
        assert type(message_field) is type(field_of(field))
        assert message_field.json_schema == field_of(field).json_schema


def test_the_kinds_are_published_in_their_order() -> None:
    kinds = [kind.name for kind in KINDS]

    assert [name for name in DATA if name in kinds] == kinds
    assert [name for name in DATA if name not in kinds] == [
        "ClaimSubmitted",
        "ClaimApproved",
        "ClaimRejected",
        "ClaimWithdrawn",
        "FactCorrected",
        "FactRetracted",
    ]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("changes", CONTENTS, ids=str)
def test_rules_between_fields_are_those_of_the_event(kind: Kind, changes: dict[str, str]) -> None:
    good = {field.name: None for field in kind.fields} | {"currency": "CNY", "channel": "online"}
    content = {name: value for name, value in (good | changes).items() if name in kind.field_names}

    given = {name: value for name, value in content.items() if value is not None}
    assert bool(kind.faults_across(content)) != content_of(kind.name, **given).is_coherent()


# --- what is refused -----------------------------------------------------------------------------

GOOD = """
families: {farms: {zh: 农业, en: Farms}}
kinds:
  LandRented:
    shape: thing
    reports: earliest
    family: farms
    title: {zh: 土地流转, en: Land rented}
    description: A lease of land.
    same: [contract]
    fields:
      contract: {form: text, title: {zh: 合同, en: contract}, help: {zh: 合同编号, en: Its number}}
      crop:
        form: word
        required: no
        title: {zh: 作物, en: crop}
        help: {zh: 作物, en: What grows there}
        values: {rice: {zh: 水稻, en: rice}}
      "on": {form: day, title: {zh: 日期, en: day}, help: {zh: 签订日期, en: Day of the lease}}
    example:
      {id: L1, source: urn:farms, time: 2024-03-01T00:00:00+08:00, data: {contract: L-1, on: 2024-03-01}}
"""


def test_a_block_of_its_own_is_read() -> None:
    kind = load_vocabulary(GOOD).kinds["LandRented"]

    assert kind.type == "subsidy.land-rented.v1"
    assert (kind.folds_as, kind.identity, kind.attributes) == ("dated", ("contract",), ("crop",))
    assert kind.field("crop").values == ("rice",)
    with pytest.raises(KeyError):
        kind.field("area")


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("shape: thing", "shape: object", "shape: is 'object' — write one of thing, figure, status"),
        ("reports: earliest", "reports: sum", "reports: does not go with the shape thing — write earliest"),
        ("family: farms", "family: fields", "family: is 'fields' — write one of farms"),
        ("family: farms", "famly: farms", "famly: is unknown here — remove it, or check its spelling"),
        ("family: farms", "famly: farms", "family: is missing — write one of farms"),
        ("zh: 土地流转, ", "", "title.zh: is missing — add it"),
        ("same: [contract]", "same: [lease]", "same: names lease, by which the kind cannot be told apart — "),
        ("same: [contract]", "same: [crop]", "same: names crop, by which the kind cannot be told apart — "),
        ("form: day", "form: date", "fields.on.form: is 'date' — write one of text, word, "),
        ("form: day", "form: text", "fields.on: is needed by a thing, as day — add on"),
        ("form: day", "form: day, required: no", "fields.on: is needed by a thing, as day — add on"),
        ("form: word", "form: text", "fields.crop.values: does not go with the form text — "),
        ("form: word", "form: choice\n        max: many", "fields.crop.max: is 'many' — "),
        ("rice: {", "Rice: {", "fields.crop.values: has 'Rice', which no message can hold — "),
        ("required: no", "required: maybe", "fields.crop.required: is 'maybe' — write one of yes, no"),
        ("crop:\n", "person:\n", "fields.person: is no name of a field of its own — "),
        ("data: {contract: L-1, ", "data: {", "example.data.contract: is missing — "),
        ("data: {contract", "data: {area: 1, contract", "example.data.area: is no field of the kind — "),
    ],
)
def test_what_cannot_be_meant_is_refused_with_block_field_rule_and_mend(
    before: str, after: str, fault: str
) -> None:
    assert before in GOOD

    with pytest.raises(VocabularyError) as refused:
        load_vocabulary(GOOD.replace(before, after))

    assert any(str(each).startswith(f"LandRented: {fault}") for each in refused.value.faults), refused.value


def test_every_fault_is_said_at_once() -> None:
    with pytest.raises(VocabularyError) as refused:
        load_vocabulary(GOOD.replace("shape: thing", "shape: object").replace("form: day", "form: date"))

    assert {fault.field for fault in refused.value.faults} >= {"shape", "fields.on.form"}


def test_a_key_that_stands_twice_and_text_that_is_no_yaml_are_refused_with_their_line() -> None:
    for text in (GOOD + "kinds: {}\n", GOOD + "  [\n"):
        with pytest.raises(VocabularyError, match="line "):
            load_vocabulary(text)


def test_sums_of_yuan_and_dollars_are_refused() -> None:
    figure = """
kinds:
  EnergyUsed:
    shape: figure
    reports: sum
    family: sales
    title: {zh: 用能, en: Energy used}
    description: Energy.
    fields: {year: , amount: , currency: }
    rules: RULES
    example:
      id: E1
      source: urn:x
      time: 2024-03-01T00:00:00+08:00
      data: {year: 2024, amount: 1.00, currency: CNY}
"""
    texts = shipped_text()
    for rules, rule in (
        ("[]", "does not say once in which currency it is"),
        ("[{field: currency, among: [CNY, USD]}]", "would add yuan and dollars up"),
        ("[{field: year, among: [CNY]}]", "is about a currency"),
        ("[{field: currency, among: [XYZ]}]", "is no list of currencies"),
        ("[{field: currency, among: paid}, {field: size, only_with: {year: [2024]}}]", "names size"),
    ):
        with pytest.raises(VocabularyError, match=rule):
            load_vocabulary(texts, figure.replace("RULES", rules))
    assert load_vocabulary(texts, figure.replace("RULES", "[{field: currency, among: paid}]")).kinds[
        "EnergyUsed"
    ]


def test_a_name_is_declared_once() -> None:
    with pytest.raises(VocabularyError, match="StoreRegistered: stands twice"):
        load_vocabulary(shipped_text(), "kinds: {StoreRegistered: {}}")


def shipped_text() -> str:
    """The file of the shipped kinds."""
    return files("domain.vocabulary").joinpath("shipped.yaml").read_text("utf-8")
