"""Two decoders, one verdict: the bulk decoder vouches for nothing that the schemas refuse."""

from __future__ import annotations

import json
import unicodedata
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.things.spelling import canonical_identity, canonical_number, canonical_reference, find_unfit
from domain.vocabulary.kinds import CurrencyAmong, CurrencyBy
from ledger.intake.messages import bulk
from ledger.intake.messages.decode import SHIPPED_DECODER, Message, Refusal, _by_schema, decode
from ledger.intake.messages.fields import Choice, CreditCode, Day, Instant, Money, Slug, Text, WholeNumber
from ledger.intake.messages.schemas import DATA, TYPE_OF, TYPES
from tests.lengths import length_of
from tests.oracle.codes import credit_code
from tests.written import NOW, Pairs, codes, correction, of_type, quoted, store, store_parts, written

steady = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

# --- good messages ------------------------------------------------------------------------------

WORDS = st.text(
    st.characters(exclude_categories=("Cc", "Cs"), include_characters=":😀慈"), min_size=1, max_size=9
).filter(lambda text: find_unfit(text, is_identity=True) is None and 0 < len(canonical_number(text)) <= 40)
"""Texts that a field accepts, in whatever spelling."""
SPELT = st.text(
    st.sampled_from(
        "EeＥé\u0301 1１-－\u2013\u00a0\u200b\u00ad\ufeff\u3000ﷺ（(示例\u202e\ufffe\x85\U0001fffe:ß"
    ),
    max_size=12,
)
"""Texts spelt so that canonical forms, lengths and what is unfit all matter."""


def _value(field: Any) -> st.SearchStrategy[str]:
    """JSON text of a value that a field accepts."""
    if isinstance(field, Choice):
        return st.sampled_from(sorted(field.choices)).map(quoted)
    if isinstance(field, Slug):
        return st.from_regex(r"[a-z0-9][a-z0-9_-]{0,9}", fullmatch=True).map(quoted)
    if isinstance(field, Money):
        return st.sampled_from(["0", "1.5", "0.01", "50000000.00", "999999999999.99"]).map(quoted)
    if isinstance(field, Day):
        return st.dates(date(2000, 1, 1), date(2026, 6, 1)).map(lambda d: quoted(str(d)))
    if isinstance(field, WholeNumber):
        return st.integers(field.low, min(field.high, 2026)).map(str)
    if isinstance(field, CreditCode):
        return st.integers(1, 99).map(lambda n: quoted(credit_code(n)))
    if isinstance(field, Instant):
        texts = ["2024-01-01T00:00:00Z", "2024-12-31T23:59:59.123456789+08:00", "2026-06-01T00:00:00-11:30"]
        return st.sampled_from(texts).map(quoted)
    assert isinstance(field, Text)
    return WORDS.map(quoted)


ENVELOPE = {
    "specversion": _value(Choice("1.0")),
    "id": _value(Text()),
    "source": _value(Text()),
    "subject": _value(CreditCode()),
    "time": _value(Instant()),
}
EXTRA = {
    "datacontenttype": st.sampled_from(['"application/json"', "null"]),
    "dataschema": st.one_of(st.just("null"), _value(Text())),
    "traceparent": st.one_of(st.just("null"), _value(Text())),
}
PLAIN = sorted(name for name in DATA if not name.startswith("Fact"))


@st.composite
def data_of(draw: st.DrawFn, name: str) -> Pairs:
    """The data of a good message of one type."""
    pairs: Pairs = []
    for key, field in DATA[name]().fields.items():
        wire = field.data_key or key
        if field.required or draw(st.booleans()):
            pairs.append((wire, draw(_value(field))))
    given_ = dict(pairs)
    kind = DATA[name].kind
    for rule in kind.rules if kind else ():
        if isinstance(rule, CurrencyBy):
            given_["currency"] = quoted(rule.currencies[json.loads(given_[rule.by])])
        elif isinstance(rule, CurrencyAmong):
            given_["currency"] = quoted(rule.currencies[0])
        elif given_.get(rule.by, "") not in [quoted(value) for value in rule.values]:
            given_.pop(rule.field, None)
    return draw(st.permutations(list(given_.items())))


@st.composite
def parts(draw: st.DrawFn) -> tuple[Pairs, Pairs]:
    """Envelope and data of a good message."""
    name = draw(st.sampled_from(PLAIN))
    envelope = [(key, draw(values)) for key, values in ENVELOPE.items()]
    envelope += [(key, draw(values)) for key, values in EXTRA.items() if draw(st.booleans())]
    envelope += [("type", quoted(TYPE_OF[name])), ("data", "")]
    return draw(st.permutations(envelope)), draw(data_of(name))


# --- one verdict --------------------------------------------------------------------------------

SLIPS = [
    *(
        "null",
        "true",
        "0",
        "-1",
        "1.0",
        "2024.0",
        "2.024e3",
        "1e400",
        "NaN",
        "-Infinity",
        "99999999999999999999",
    ),
    *('""', '" "', '"x"', '"a:b"', '":"', '"\\u0041"', '"\\n"', '"\\ud800"', '"\\ud83d\\ude00"', '"😀"'),
    *(
        '"\x01"',
        '"\x7f"',
        '"\t"',
        '"\ud800"',
        '"\u2028"',
        '"\ufeff"',
        '"-1.00"',
        '"1.005"',
        '"01"',
        '"1e3"',
        '"1."',
    ),
    *(
        '"１"',
        '"2024-02-30"',
        '"2024-1-1"',
        '"2024-12-31T24:00:00Z"',
        '"2024-12-31T00:00:00"',
        '"USD"',
        '"CNY"',
    ),
    *(
        "[]",
        "{}",
        '{"a":1}',
        '["a:b"]',
        '{"a":{"b":{"c":1}}}',
        "nul",
        '"',
        "1 2",
        '"a","b":"c"',
        "01",
        "-0",
        "0x1",
    ),
    *(
        quoted("x" * 200),
        quoted("x" * 201),
        quoted("😀" * 200),
        quoted("😀" * 201),
        quoted(credit_code(1)[:17] + "O"),
    ),
]
KEYS = [
    "extra",
    "shop",
    "year",
    "amount",
    "id",
    "data",
    "type",
    "on",
    "customs_code",
    "SHOP",
    "",
    "a:b",
    "\\u0069d",
]


@st.composite
def slipped(draw: st.DrawFn, pairs: Pairs) -> Pairs:
    """An object with one thing changed, or none."""
    found = list(pairs)
    place = draw(st.integers(0, len(found) - 1))
    kind = draw(
        st.sampled_from(["none", "drop", "value", "value", "twice", "add", "swap", "other-value-twice"])
    )
    key, value = found[place]
    if kind == "drop":
        del found[place]
    elif kind == "value":
        found[place] = (key, draw(st.sampled_from(SLIPS)))
    elif kind == "twice":
        found.insert(draw(st.integers(0, len(found))), (key, value))
    elif kind == "other-value-twice":
        found.insert(draw(st.integers(0, len(found))), (key, draw(st.sampled_from(SLIPS))))
    elif kind == "add":
        found.insert(place, (draw(st.sampled_from(KEYS)), draw(st.sampled_from(SLIPS))))
    elif kind == "swap":
        other = draw(st.integers(0, len(found) - 1))
        found[place], found[other] = (key, found[other][1]), (found[other][0], value)
    return found


BLANKS = st.sampled_from(["", " ", "\n", "\t ", "\r\n", "\u00a0", "\ufeff"])


def by_bulk(raw: bytes) -> bulk.Decoded | None:
    """What the bulk decoder vouches for."""
    try:
        return SHIPPED_DECODER.bulk.decode(raw)
    except bulk.BulkRefused:
        return None


def same_verdict(raw: bytes) -> bool:
    """Hold the two decoders to each other; whether the bulk decoder accepted."""
    fast, checked = by_bulk(raw), _by_schema(raw, NOW)
    if fast is None:
        return False
    assert not isinstance(checked, Refusal), checked.faults
    envelope = {key: value for key, value in checked.envelope.items() if key != "data"}
    assert (fast.envelope, fast.data, fast.written) == (envelope, checked.data, checked.written)
    return True


@pytest.mark.parametrize("name", ["id", "source", "tracestate", "shop", "warehouse", "branch", "town"])
@steady
@given(SPELT)
def test_a_text_gets_one_verdict_and_one_spelling_from_both_decoders(name: str, text: str) -> None:
    said = {name: quoted(text)}
    raw = {
        "warehouse": lambda: of_type("warehouse-recognised", level='"ningbo"', on='"2024-05-05"', **said),
        "branch": lambda: of_type("above-quota-admitted", on='"2024-05-05"', **said),
        "town": lambda: of_type("enterprise-registered", name='"n"', **said),
    }.get(name, lambda: store(**said))()

    accepted = same_verdict(raw)

    checked = _by_schema(raw, NOW)
    assert accepted == (not isinstance(checked, Refusal)) or b"\\" in raw


@steady
@given(parts(), st.sampled_from(["", " ", "\n\t\r "]))
def test_a_good_message_is_accepted_by_both_decoders_with_the_same_values(
    message: tuple[Pairs, Pairs], blank: str
) -> None:
    raw = written(*message, blank)

    assert same_verdict(raw) or b"\\" in raw
    assert isinstance(_by_schema(raw, NOW), bulk.Decoded)


@settings(steady, max_examples=length_of("SUBSIDY_TEST_MESSAGES"))
@given(st.data())
def test_a_slip_gets_one_verdict_from_both_decoders(data: st.DataObject) -> None:
    envelope, inner = data.draw(parts())
    raw = written(data.draw(slipped(envelope)), data.draw(slipped(inner)), data.draw(BLANKS))

    accepted = same_verdict(raw)

    result, checked = decode(raw, NOW), _by_schema(raw, NOW)
    if accepted or not isinstance(checked, Refusal):
        assert isinstance(result, Message) or result.faults[0].code.endswith(".future")
    else:
        assert isinstance(result, Refusal)
        assert result.faults == checked.faults
        assert all(fault.words(lang)["rule"] for fault in result.faults for lang in ("zh", "en"))


@settings(steady, max_examples=length_of("SUBSIDY_TEST_MESSAGES") // 2)
@given(parts(), st.data())
def test_a_damaged_byte_gets_one_verdict_from_both_decoders(
    message: tuple[Pairs, Pairs], data: st.DataObject
) -> None:
    raw = bytearray(written(*message))
    place = data.draw(st.integers(0, len(raw) - 1))
    byte = data.draw(
        st.sampled_from([0, 9, 0x20, 0x22, 0x2C, 0x3A, 0x5C, 0x7B, 0x7D, 0x7F, 0x80, 0xC0, 0xF5, 0xFF])
    )
    if data.draw(st.booleans()):
        raw[place] = byte
    else:
        raw.insert(place, byte)

    same_verdict(bytes(raw))
    assert isinstance(decode(bytes(raw), NOW), Message | Refusal)


@pytest.mark.parametrize("blank", ["", " ", "\t", "\n", " \r\n\t"])
@pytest.mark.parametrize("key", ["shop", "on", "id", "data", "time"])
def test_a_key_that_stands_twice_is_found_however_it_is_spaced(key: str, blank: str) -> None:
    envelope, data = store_parts(shop='"a:b:c"')
    for pairs in (envelope, data):
        for name, value in [pair for pair in pairs if pair[0] == key]:
            pairs.insert(0, (name, value))
    raw = written(envelope, data, blank)

    assert by_bulk(raw) is None
    assert codes(raw) == {"json.duplicate": key}


def test_every_type_of_message_has_a_good_example_here() -> None:
    assert set(PLAIN) | {"FactCorrected", "FactRetracted"} == set(TYPES.values())
    assert isinstance(decode(correction(), NOW), Message)
    assert isinstance(
        decode(of_type("fact-retracted", of='"x"', of_type='"subsidy.claim-rejected.v1"', reason='"r"'), NOW),
        Message,
    )


LOOKS_LIKE_A_DASH = "\u02d7\u2043\u207b\u208b\u2212\u23af\u2500\u2501\u2796\u30fc\uff70"
NO_SINGLE_DASH = "\u2e17\u2e1a\u2e40\u2e5d\u301c\u3030\u30a0"
"""Unicode's dashes that are doubled, waved or oblique."""


def test_no_character_that_leaves_no_trace_makes_another_thing() -> None:
    """Of every class: blanks, controls, format characters, what is private or not assigned."""
    others = [
        chr(point)
        for point in range(0x110000)
        if unicodedata.category(chr(point)) in ("Cc", "Cf", "Cs", "Zs", "Zl", "Zp")
        or (unicodedata.category(chr(point)) in ("Co", "Cn") and point % 41 == 0)
    ]
    assert len(others) > 20_000
    for letter in (*others, "\ufffc", "\ue000", "\u0378", "\U0003ff00"):
        for text in (f"EU-1{letter}", f"{letter}EU-1", f"EU{letter}-1"):
            if find_unfit(text, is_identity=True) is None:
                canonical = canonical_identity(text)
                assert canonical == "EU-1" or letter.isspace() or letter == "\u2800", ascii(text)
                assert canonical_number(text) == canonical.upper(), ascii(text)


@pytest.mark.parametrize("text", ["张\ue863饭店", "\U0002a6d6记", "قهوة\ue000"])
def test_rare_characters_of_names_stay(text: str) -> None:
    assert find_unfit(text, is_identity=True) is None
    assert canonical_identity(text) == text


def test_every_dash_is_a_hyphen_where_letters_are_alike() -> None:
    dashes = [chr(point) for point in range(0x110000) if unicodedata.category(chr(point)) == "Pd"]
    for dash in {*dashes, *LOOKS_LIKE_A_DASH} - set(NO_SINGLE_DASH):
        for text in (f"EU{dash}1", f"仓{dash}1", f"{dash}1", f"A {dash} 1"):
            assert canonical_number(text) == text.replace(dash, "-"), ascii(text)
            assert canonical_reference(text) == text.replace(dash, "-"), ascii(text)
    for dash in NO_SINGLE_DASH:
        assert canonical_number(f"EU{dash}1") != "EU-1"


@pytest.mark.parametrize("word", ["コーヒー", "スーパー1", "カ\u3099ード", "らーめん", "ｺｰﾋｰ"])
def test_the_mark_of_a_long_vowel_stays_in_japanese_words(word: str) -> None:
    assert canonical_number(word) == unicodedata.normalize("NFKC", word)
    assert "-" not in canonical_number(word)
