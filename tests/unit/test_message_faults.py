"""Every fault of a message in words, and times with their zones."""

from __future__ import annotations

import json
import string
from datetime import UTC, datetime

import pytest

from domain.faults.fault import Fault
from domain.faults.registry import read_codes
from ledger.intake.messages import bulk
from ledger.intake.messages.decode import (
    DEPTH_MAX,
    MESSAGE_BYTES_MAX,
    SHIPPED_DECODER,
    Message,
    Now,
    Refusal,
    decode,
)
from tests.oracle.codes import credit_code
from tests.written import NOW, codes, correction, quoted, sales, store, store_parts, written

CODES = read_codes("messages", "sheets")

WRONG_CHECK = credit_code(1)[:17] + ("0" if credit_code(1)[17] != "0" else "1")
ALONE: list[tuple[str, str, bytes]] = [
    ("json.syntax", "message", b'{"id": '),
    ("json.syntax", "message", b""),
    ("json.syntax", "message", store(shop='"\x01"')),
    ("json.utf8", "message", store().replace(b"tmall", b"tm\xffll")),
    ("json.depth", "message", store(shop="[" * DEPTH_MAX + "]" * DEPTH_MAX)),
    ("json.depth", "message", b"[" * 60_000),
    ("json.members", "message", json.dumps({f"field{number}": 1 for number in range(501)}).encode()),
    ("json.duplicate", "shop", store().replace(b'"shop"', b'"shop":"t","shop"')),
    ("json.number", "message", store(shop="NaN")),
    ("size.message", "message", store(shop=quoted("x" * MESSAGE_BYTES_MAX))),
    ("field.missing", "data.shop", store(shop="")),
    ("field.missing", "subject", store(subject="")),
    ("field.unknown", "data.extra", store(extra="1")),
    ("field.null", "data.shop", store(shop="null")),
    ("field.null", "data", store(data="null")),
    ("field.type", "data.shop", store(shop="1")),
    ("field.type", "data.year", sales(year="2024.0")),
    ("field.type", "data.year", sales(year="true")),
    ("field.type", "data", store(data="[]")),
    ("field.type", "message", b"[]"),
    ("field.type", "data.changes", correction(changes="[]")),
    ("text.form", "data.shop", store(shop='"a\\nb"')),
    ("text.form", "data.kind", store(kind='"Flagship"')),
    *[
        ("text.form", "data.shop", store(shop=quoted(f"a{character}b")))
        for character in "\x9f\u061c\u200e\u200f\u202e\u2066\u2069\u2028\ufdd0\ufffe\uffff\U0001fffe"
    ],
    ("text.form", "id", store(id=quoted("e\u202e1"))),
    ("text.length", "data.shop", store(shop=quoted("\u200b \u3000"))),
    ("number.personal", "subject", store(subject=quoted("33028220991231001X"))),
    ("number.personal", "subject", store(subject=quoted("330282991231001"))),
    ("number.personal", "id", store(id=quoted("33028220991231001x"))),
    ("number.personal", "source", store(source=quoted("urn:p:33028220991231001X"))),
    ("number.personal", "data.shop", store(shop=quoted("张三３３０２８２２０９９１２３１００１Ｘ"))),
    ("text.length", "data.shop", store(shop=quoted("x" * 201))),
    ("text.length", "id", store(id='""')),
    ("value.choice", "specversion", store(specversion='"0.3"')),
    ("value.choice", "data.channel", sales(channel='"offline"')),
    ("type.unknown", "type", store(type='"subsidy.store-closed.v1"')),
    ("type.version", "type", store(type='"subsidy.store-registered.v9"')),
    ("code.shape", "subject", store(subject='"91330282"')),
    ("code.check", "subject", store(subject=quoted(WRONG_CHECK))),
    ("money.type", "data.amount", sales(amount="1.5")),
    ("money.type", "data.amount", sales(amount="1")),
    ("money.form", "data.amount", sales(amount='"1,000.00"')),
    ("money.negative", "data.amount", sales(amount='"-1.00"')),
    ("money.decimals", "data.amount", sales(amount='"1.005"')),
    ("currency.wrong", "data.currency", sales(currency='"USD"')),
    ("currency.wrong", "data.currency", sales(channel='"dtc_own_brand_export"')),
    ("date.form", "data.on", store(on='"2024-02-30"')),
    ("date.form", "data.on", store(on='"20240201"')),
    ("date.future", "data.on", store(on='"2026-06-16"')),
    ("year.range", "data.year", sales(year="1999")),
    ("year.future", "data.year", sales(year="2027")),
    ("year.future", "data.changes.year", correction(changes='{"year":2027}')),
    ("time.form", "time", store(time='"2024-05-05T00:00:00"')),
    ("time.future", "time", store(time='"2026-06-15T04:05:00.000001Z"')),
    ("customs.channel", "data.customs_code", sales(customs_code='"9610"')),
    ("amend.amendment", "data.of_type", correction(of_type='"subsidy.fact-corrected.v1"')),
    ("amend.empty", "data.changes", correction(changes="{}")),
]
"""code, field, message."""
OF_MESSAGES = (
    "json",
    "size",
    "field",
    "text",
    "value",
    "type",
    "code",
    "money",
    "currency",
    "date",
    "year",
    "time",
    "number",
)


@pytest.mark.parametrize(
    ("code", "field", "raw"), ALONE, ids=[f"{c}-{i}" for i, (c, _, _) in enumerate(ALONE)]
)
def test_a_fault_names_its_code_and_field_in_words(code: str, field: str, raw: bytes) -> None:
    found = decode(raw, NOW)

    assert isinstance(found, Refusal)
    assert [(fault.code, fault.field) for fault in found.faults] == [(code, field)]
    if not code.endswith(".future"):
        with pytest.raises(bulk.BulkRefused):
            SHIPPED_DECODER.bulk.decode(raw)
    zh, en = found.faults[0].words("zh"), found.faults[0].words("en")
    assert all(zh.values())
    assert all(en.values())
    assert zh["code"] == en["code"] == code
    assert zh["rule"] != en["rule"]


def test_every_code_that_concerns_messages_alone_is_produced_here() -> None:
    alone = {code for code in CODES if code.partition(".")[0] in OF_MESSAGES and code != "type.foreign"}

    assert {code for code, _, _ in ALONE} == alone | {"customs.channel", "amend.amendment", "amend.empty"}


@pytest.mark.parametrize("code", CODES)
def test_a_code_has_four_texts_and_the_same_places_in_both_languages(code: str) -> None:
    texts = CODES[code]
    places = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in texts]

    assert len(texts) == 4
    assert all(texts)
    assert places[0] | places[1] == places[2] | places[3]
    args = dict.fromkeys(places[0] | places[1], "VALUE")
    assert all("{" not in value for value in Fault(code, "f", args).words("en").values())


def test_everything_that_is_wrong_is_said_at_once() -> None:
    raw = store(subject='"x"', time='"today"', shop="1", on='"2024-02-30"', extra="1", kind="")

    assert codes(raw) == {
        "code.shape": "subject",
        "time.form": "time",
        "field.type": "data.shop",
        "date.form": "data.on",
        "field.unknown": "data.extra",
        "field.missing": "data.kind",
    }


# --- times --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2024-12-31T23:59:59+08:00", "2024-12-31T15:59:59.000000Z"),
        ("2025-01-01T00:00:00+08:00", "2024-12-31T16:00:00.000000Z"),
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00.000000Z"),
        ("2024-01-01T00:00:00-00:00", "2024-01-01T00:00:00.000000Z"),
        ("2024-02-29T12:00:00+05:45", "2024-02-29T06:15:00.000000Z"),
        ("2024-01-01T00:00:00.1Z", "2024-01-01T00:00:00.100000Z"),
        ("2024-01-01T00:00:00.123456999Z", "2024-01-01T00:00:00.123456Z"),
        ("2024-01-01T00:00:00-11:30", "2024-01-01T11:30:00.000000Z"),
        ("2000-01-01T00:00:00+14:00", "1999-12-31T10:00:00.000000Z"),
        ("2026-06-15T12:05:00+08:00", "2026-06-15T04:05:00.000000Z"),
    ],
)
def test_a_time_with_its_zone_becomes_the_same_instant_in_utc(text: str, utc: str) -> None:
    found = decode(store(time=quoted(text)), NOW)

    assert isinstance(found, Message)
    assert found.fact.time == utc


@pytest.mark.parametrize(
    "text",
    [
        *(
            "2024-05-05",
            "2024-05-05T00:00:00",
            "2024-05-05 00:00:00Z",
            "2024-05-05T00:00Z",
            "2024-05-05t00:00:00z",
        ),
        *(
            "2024-05-05T00:00:00+0800",
            "2024-05-05T00:00:00+08",
            "2024-05-05T00:00:00 +08:00",
            "20240505T000000Z",
        ),
        *("2024-05-05T24:00:00Z", "2024-05-05T23:60:00Z", "2024-05-05T23:59:60Z", "2024-02-30T00:00:00Z"),
        *(
            "2024-05-05T00:00:00+24:00",
            "1999-12-31T23:59:59Z",
            "2101-01-01T00:00:00Z",
            "2024-05-05T00:00:00.Z",
        ),
        *("2024-05-05T00:00:00.1234567890Z", "２０２４-05-05T00:00:00Z", "1714867200", ""),
    ],
)
def test_a_time_without_a_zone_or_out_of_form_is_refused(text: str) -> None:
    assert codes(store(time=quoted(text))) == {"time.form": "time"}


def test_today_is_the_day_in_shanghai_not_in_utc() -> None:
    late = Now.bounds_at(datetime(2026, 6, 14, 16, 0, tzinfo=UTC))
    early = Now.bounds_at(datetime(2026, 6, 14, 15, 59, 59, tzinfo=UTC))

    assert (late.today, early.today) == ("2026-06-15", "2026-06-14")
    assert isinstance(decode(store(on='"2026-06-15"'), late), Message)
    assert isinstance(decode(store(on='"2026-06-15"'), early), Refusal)


def test_a_year_begins_in_shanghai() -> None:
    eve = Now.bounds_at(datetime(2026, 12, 31, 16, 0, tzinfo=UTC))

    assert isinstance(decode(sales(year="2027"), eve), Message)
    assert codes(sales(year="2027")) == {"year.future": "data.year"}


def test_what_a_message_says_has_one_digest_however_it_is_written() -> None:
    envelope, data = store_parts()
    same = [store(), written(envelope[::-1], data[::-1], "\n "), store(time='"2024-05-05T08:00:00+08:00"')]
    same.append(store(platform='"\\u0074mall"'))

    digests = {found.digest for raw in same if isinstance(found := decode(raw, NOW), Message)}
    other = decode(store(shop='"t"'), NOW)

    assert len(digests) == 1
    assert isinstance(other, Message)
    assert other.digest not in digests
