"""A wrong policy file says everything that is wrong, each with its line, field, rule and mend."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from domain.policy.changes import Changes
from domain.policy.faults import PolicyError, PolicyFault
from domain.policy.load import POLICY_BYTES_MAX, load_adopted, load_policy
from domain.policy.source import read_source
from services.cli.policies.files import text_of

CIXI = (Path(__file__).parents[2] / "domain" / "policy" / "cixi-ecommerce-2024.yaml").read_text("utf-8")


def faults_of(text: str, changes: Changes | None = None) -> list[PolicyFault]:
    """The faults of a file; each has a rule and a mend."""
    with pytest.raises(PolicyError) as caught:
        load_policy(text, changes)
    assert all(fault.rule and fault.mend and fault.field for fault in caught.value.faults)
    mends = [fault.mend for fault in caught.value.faults]
    assert not any(text in ("", "use one of: ", "correct the value") for text in mends)
    texts = [text for fault in caught.value.faults for text in fault.words("zh")]
    assert [text for text in texts if not re.search("[一-鿿]", text)] == []
    assert str(caught.value).count("\n") == len(caught.value.faults) - 1
    return caught.value.faults


def edited(old: str, new: str, after: str = "") -> tuple[str, int]:
    """The Cixi file with the first ``old`` (after a place) replaced, and the line of the change."""
    at = CIXI.index(old, CIXI.index(after))
    return CIXI[:at] + new + CIXI[at + len(old) :], CIXI.count("\n", 0, at) + 1


ONE_FAULT = {
    "money with three decimals": (
        'amount: "5000.00"',
        'amount: "5000.001"',
        "measures/3/amount",
        "two decimals",
    ),
    "money with a sign": ('amount: "5000.00"', 'amount: "-5000.00"', "measures/3/amount", "not an amount"),
    "money with separators": (
        'amount: "5000.00"',
        'amount: "5,000.00"',
        "measures/3/amount",
        "not an amount",
    ),
    "money as a float": ('amount: "5000.00"', "amount: 5.0e3", "measures/3/amount", "not an amount"),
    "money not a number": ('amount: "5000.00"', "amount: .nan", "measures/3/amount", "not an amount"),
    "money as a list": ('amount: "5000.00"', 'amount: ["5000.00"]', "measures/3/amount", "not an amount"),
    "money left empty": ('amount: "5000.00"', "amount:", "measures/3/amount", "is empty"),
    "money in fen": (
        '"10000000.00", currency',
        '"1000000000000.00", currency',
        "budget/amount",
        "not an amount",
    ),
    "currency": ("currency: CNY", "currency: JPY", "budget/currency", "'JPY' is not known"),
    "unknown field": ("authority: cixi\n", "autority2: cixi\nauthority: cixi\n", "autority2", "not a field"),
    "unknown field of a measure": (
        "    cap: null\n",
        "    ceiling: null\n    cap: null\n",
        "measures/0/ceiling",
        "not a field",
    ),
    "field twice": ("    kind: fixed\n", "    lead: x\n    kind: fixed\n", "measures/2/lead", "stands twice"),
    "unknown kind": ("kind: fixed", "kind: fixt", "measures/2/kind", "'fixt' is not a kind of measure"),
    "unknown reading": ('"@store-awards"', '"@store-award"', "measures/2/once", "'store-award'"),
    "reading out of place": (
        'amount: "10000.00"\n',
        'amount: "@store-awards"\n',
        "measures/2/amount",
        "not an amount",
    ),
    "unknown event": ("fact: StoreRegistered", "fact: ShopOpened", "measures/2/earns/fact", "'ShopOpened'"),
    "event of another shape": (
        "fact: StoreRegistered",
        "fact: SalesReported",
        "measures/2/earns/fact",
        "'SalesReported'",
    ),
    "field the event lacks": (
        "platform: [tmall]",
        "platfrom: [tmall]",
        "measures/2/earns/where/platfrom",
        "choose by",
    ),
    "nothing to choose": (
        "platform: [tmall]",
        "platform: []",
        "measures/2/earns/where/platform",
        "1 or more items",
    ),
    "a text left out": ("lead: 市商务局", 'lead: ""', "measures/0/lead", "is empty or has more"),
    "a text too long": ("lead: 市商务局", f"lead: {'市' * 2001}", "measures/0/lead", "more than 2000"),
    "a list for the name of a field": (
        "authority: cixi\n",
        "? [a, b]\n: c\nauthority: cixi\n",
        "file",
        "a list or a group for the name of a field",
    ),
    "tier not above": (
        '"100000000.00", award',
        '"50000000.00", award',
        "measures/8/tiers/1",
        "not above the one",
    ),
    "tier gives less": ('award: "100000.00"', 'award: "40000.00"', "measures/8/tiers/1", "not above the one"),
    "share not above": (
        '"200000000.00", percent',
        '"100000000.00", percent',
        "measures/6/shares/1",
        "not above",
    ),
    "percent above 100": ('percent: "85"', 'percent: "185"', "measures/6/shares/0/percent", "at most 100"),
    "percent of nothing": ('percent: "10"', 'percent: "0"', "measures/23/percent", "above 0"),
    "percent too fine": ('percent: "10"', 'percent: "10.001"', "measures/23/percent", "two decimals"),
    "years out of bounds": ("base_years: 3", "base_years: 11", "measures/6/base_years", "from 1 to 10"),
    "years not whole": ("base_years: 3", "base_years: 3.5", "measures/6/base_years", "whole number"),
    "date": ("issued: 2024-02-06", "issued: 2024-02-30", "document/issued", "not a date"),
    "id": ("authority: cixi\n", "authority: Cixi City\n", "authority", "not an id"),
    "format": ("subsidy-policy/1", "subsidy-policy/2", "format", "not known here"),
    "time zone": ("Asia/Shanghai", "Europe/Paris", "timezone", "not known here"),
    "life": ("until: null", "until: 2023-12-31", "life/until", "before the life begins"),
    "measure twice": ("id: store.jd", "id: store.tmall", "measures/3/id", "stands twice"),
    "target of no measure": (
        "measure: direct-sales.branch",
        "measure: direct.sales",
        "targets/2/measure",
        "does not have",
    ),
    "goal in words": ("goal: 100\n", "goal: hundred\n", "targets/1/goal", "not a number"),
    "sales of channels of two currencies": (
        'channel: ["@brand-sales-base"]',
        'channel: ["@brand-sales-base", dtc_own_brand_export]',
        "measures/8/of/where/channel",
        "several currencies",
    ),
    "channel of another currency": (
        'of: {fact: SalesReported, where: {channel: ["@brand-sales-base"]}}',
        'of: {fact: SalesReported, where: {channel: ["@brand-sales-base"]}, currency: USD}',
        "measures/8/of/currency",
        "not the currency of the channel",
    ),
    "what is never in dollars": (
        "of: {fact: DesignPurchased}",
        "of: {fact: DesignPurchased, currency: USD}",
        "measures/23/of/currency",
        "never reported in USD",
    ),
    "a platform in capitals": (
        "platform: [tmall]",
        "platform: [tmall, Tmall]",
        "measures/2/earns/where/platform/1",
        "'Tmall' can never be reported",
    ),
    "a kind in Chinese": (
        "kind: [flagship, specialty]",
        "kind: [旗舰店]",
        "measures/2/earns/where/kind/0",
        "'旗舰店' can never be reported",
    ),
    "a code too long": (
        "platform: [tmall]",
        f"platform: [{'t' * 41}]",
        "measures/2/earns/where/platform/0",
        "can never be reported",
    ),
    "an authority that no message names": (
        "authorities: [cixi]",
        "authorities: [cixi.gov]",
        "highest_only/authorities/0",
        "'cixi.gov' can never be reported",
    ),
    "a currency of a day's fact": (
        "earns: {fact: StoreRegistered,",
        "earns: {currency: CNY, fact: StoreRegistered,",
        "measures/2/earns/currency",
        "says nothing here",
    ),
    "a figure of a day's fact": (
        "earns: {fact: StoreRegistered,",
        "earns: {field: shop, fact: StoreRegistered,",
        "measures/2/earns/field",
        "says nothing here",
    ),
    "a figure of an amount": (
        "of: {fact: DesignPurchased}",
        "of: {fact: DesignPurchased, field: amount_fen}",
        "measures/23/of/field",
        "says nothing here",
    ),
    "a currency of items": (
        "of: {fact: StoreRegistered, where: {platform: [cross-border]}}",
        "of: {fact: StoreRegistered, currency: USD, where: {platform: [cross-border]}}",
        "targets/1/of/currency",
        "says nothing of items",
    ),
    "a threshold of items": (
        "    counts: items\n",
        '    threshold: "5.00"\n    counts: items\n',
        "targets/1/threshold",
        "says nothing of items",
    ),
    "a threshold of enterprises with a fact": (
        "    of: {fact: AboveQuotaAdmitted}",
        '    threshold: "5.00"\n    of: {fact: AboveQuotaAdmitted}',
        "targets/2/threshold",
        "says nothing of enterprises",
    ),
    "a threshold of an amount": (
        "    counts: amount\n",
        '    threshold: "5.00"\n    counts: amount\n',
        "targets/7/threshold",
        "says nothing of amount",
    ),
    "a version with a zero before it": ("version: 1\n", "version: 01\n", "version", "begins with a zero"),
    "years with a zero before them": (
        "base_years: 3",
        "base_years: 03",
        "measures/6/base_years",
        "begins with a zero",
    ),
    "a goal with a zero before it": ("goal: 100\n", "goal: 0100\n", "targets/1/goal", "begins with a zero"),
    "an id that no message can hold": (
        "id: cixi-ecommerce-2024",
        f"id: {'c' * 201}",
        "id",
        "has more than 200 characters",
    ),
    "set off against none": (
        "measure: logistics.warehouse-p",
        "measure: store.tmall-p",
        "measures/18/nets/measure",
        "once: item",
    ),
    "set off by no field": ("same: warehouse", "same: shop", "measures/18/nets/same", "identity"),
    "words in one language": (
        "{zh: 新注册京东店铺, en:",
        "{zh: 新注册京东店铺, fr:",
        "measures/3/title/en",
        "is missing",
    ),
    "text for a list": ("repeals: [慈政办发〔2023〕59号]", "repeals: 59", "document/repeals", "list"),
}
"""name: what is replaced, by what, the field that is named, words of the rule."""


@pytest.mark.parametrize("name", ONE_FAULT)
def test_a_fault_names_its_line_and_field(name: str) -> None:
    old, new, field, rule = ONE_FAULT[name]
    text, line = edited(old, new)

    named = [fault for fault in faults_of(text) if fault.field == field]

    assert [fault.line for fault in named] == [line]
    assert rule in named[0].rule


def test_the_value_of_a_reading_must_be_among_its_options() -> None:
    text, line = edited("value: enterprise", "value: per-enterprise", after="  store-awards:")

    found = {fault.field: fault for fault in faults_of(text)}

    assert found["readings/store-awards/value"].line == line
    assert found["readings/store-awards/value"].mend == "use one of: enterprise, item"


def test_a_version_that_begins_after_the_life_is_refused() -> None:
    short = CIXI.replace('start", until: null', 'start", until: 2026-12-31')
    last_day = short.replace("m: 2024-01-01", "m: 2026-12-31", 1)
    (fault,) = faults_of(last_day.replace("m: 2026-12-31", "m: 2027-01-01", 1))

    assert load_policy(last_day).effective_from == "2026-12-31"
    assert (fault.line, fault.field) == (7, "effective_from")
    assert fault.rule == "lies after the life ends, on 2026-12-31"


def test_a_missing_field_is_named_with_the_line_of_its_block() -> None:
    text, line = edited("    article: 二\n", "")

    found = faults_of(text)

    assert [(f.line, f.field) for f in found] == [(line - 1, "measures/2/article")]
    assert "is missing" in found[0].rule


def test_a_closing_clause_that_is_missing_is_named() -> None:
    text, _ = edited("  - id: pro-rata\n", "  - id: repeal\n")

    found = faults_of(text)

    assert [f.field for f in found] == ["clauses"]
    assert "pro-rata" in found[0].rule
    assert found[0].line == CIXI[: CIXI.index("  - id: budget\n")].count("\n") + 1


def test_several_faults_come_together_in_order_of_their_lines() -> None:
    text = (
        CIXI.replace("authority: cixi\n", "authority: CIXI\n")
        .replace('cap: "500000.00"', 'cap: "500000.005"')
        .replace('percent: "3"', 'percent: "three"')
    )

    found = faults_of(text)

    assert [f.field for f in found] == ["authority", "measures/23/cap", "measures/24/percent"]
    assert [f.line for f in found] == sorted(f.line for f in found)


def test_a_reading_of_a_file_without_readings_says_what_to_do() -> None:
    at = CIXI.index("readings:\n"), CIXI.index("\nmeasures:\n")
    without = CIXI[: at[0]] + "readings: {}\n" + CIXI[at[1] :]

    assert {fault.mend for fault in faults_of(without)} == {
        "add it under readings, or write the value itself"
    }


def test_two_readings_that_do_not_exist_are_both_named() -> None:
    text = CIXI.replace('"@store-awards"', '"@shops"')

    lines = [n for n, line in enumerate(CIXI.splitlines(), 1) if '"@store-awards"' in line]

    assert [f.line for f in faults_of(text)] == lines
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("authority: cixi\n", "authority: [cixi\n"),
        ("authority: cixi\n", 'authority: "cixi\n'),
        ("authority: cixi\n", "authority: cixi: x\n"),
        ("authority: cixi\n", "authority: @cixi\n"),
    ],
)
def test_what_is_not_yaml_is_named_near_its_line(old: str, new: str) -> None:
    text, line = edited(old, new)

    (fault,) = faults_of(text)

    assert fault.field == "file"
    assert fault.rule.startswith("not YAML: ")
    assert fault.line >= line


def test_a_mapping_in_a_scalar_is_named_on_its_line() -> None:
    text, line = edited("authority: cixi\n", "authority: cixi: x\n")

    assert [fault.line for fault in faults_of(text)] == [line]


def test_a_second_document_in_the_file_is_refused_on_its_line() -> None:
    (fault,) = faults_of(CIXI + "---\nid: other\n")

    assert fault.line == CIXI.count("\n") + 1


def test_a_tag_is_never_obeyed() -> None:
    text, line = edited("authority: cixi\n", "authority: !!python/object/apply:os.getcwd []\n")

    assert [(f.line, f.field) for f in faults_of(text)] == [(line, "authority")]


def test_an_anchor_that_nothing_refers_to_changes_nothing() -> None:
    text, _ = edited("authority: cixi\n", "authority: &city cixi\n")

    assert load_policy(text).authority == "cixi"


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30)
)
ALIASES = {
    "of nothing": edited("authority: cixi\n", "authority: *nowhere\n")[0],
    "of a text": CIXI.replace("authority: cixi\n", "authority: &c cixi\n").replace("[cixi]", "[*c]"),
    "merged": CIXI.replace("title:\n", "title: &words\n", 1).replace(
        "document:\n", "document:\n  <<: *words\n", 1
    ),
    "of itself": "id: x\nloop: &loop [*loop]\n",
    "of itself twice": "id: x\nloop: &loop [*loop, *loop]\n",
    "of 10 to the power of 30 texts": BOMB,
}


@pytest.mark.parametrize("name", ALIASES)
def test_an_alias_is_refused_before_it_is_followed(name: str) -> None:
    (fault,) = faults_of(ALIASES[name])

    assert fault.field == "file"


@pytest.mark.parametrize("depth", [30, 900, 100_000])
def test_deep_nesting_is_refused(depth: int) -> None:
    found = faults_of("id: x\nmeasures: " + "[" * depth + "]" * depth + "\n")

    assert "nested deeper than 20" in found[0].rule or "RecursionError" in found[0].rule


@pytest.mark.parametrize("text", ["", "# nothing\n", "measures\n", "- a\n", "null\n", "42\n"])
def test_a_file_that_is_no_mapping_is_refused(text: str) -> None:
    (fault,) = faults_of(text)

    assert (fault.line, fault.field, fault.rule) == (1, "file", "a policy file is a mapping of fields")


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\ufffe"])
def test_control_characters_are_refused(character: str) -> None:
    text, _ = edited("version: 1\n", f"version: {character}1\n")

    (fault,) = faults_of(text)

    assert fault.rule.startswith("not YAML")


UNPRINTABLE = ["\\ud800", "\\0", "\\x07", "\\x1b", "\\n", "\\t", "\\x7f", "\\x85", "\\u2028", "\\uffff"]


TEXTS = {
    "measures/3/title/zh": ("新注册京东店铺", '"x{}y"'),
    "measures/3/title/en": ("New JD flagship or specialty store", '"x{}y"'),
    "authority": ("authority: cixi\n", 'authority: "ci{}xi"\n'),
    "readings/store-awards/value": ("value: enterprise\n", 'value: "enter{}prise"\n'),
}


@pytest.mark.parametrize("escape", UNPRINTABLE)
@pytest.mark.parametrize("field", TEXTS)
def test_an_escape_in_a_text_is_refused_on_its_line(field: str, escape: str) -> None:
    old, new = TEXTS[field]
    text, line = edited(old, new.format(escape))

    (fault,) = faults_of(text)

    assert (fault.line, fault.field) == (line, field)
    assert fault.rule.startswith("contains the character U+")
    str(fault).encode()


def test_an_escape_in_the_name_of_a_field_is_shown_as_an_escape() -> None:
    text, line = edited("authority: cixi\n", 'authority: cixi\n"a\\ud800": x\n')

    (fault,) = faults_of(text)

    assert (fault.line, fault.field) == (line + 1, "a\\ud800")


def test_the_words_of_a_published_text_may_have_several_lines() -> None:
    quote = CIXI[CIXI.index("    quote: ") :].partition("\n")[0]
    text, _ = edited(quote, "    quote: |\n      第一行\n      第二行")

    assert load_policy(text).clauses[0].quote == "第一行\n第二行\n"


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_bytes(CIXI.encode("gb18030"))

    with pytest.raises(PolicyError) as caught:
        text_of(file)

    assert str(caught.value) == "line 1: file: is not UTF-8 text — save it as UTF-8"


def test_a_file_is_refused_above_its_limit_and_read_at_it() -> None:
    padding = POLICY_BYTES_MAX - len(CIXI.encode()) - len("# \n")
    at_limit = CIXI + "# " + "x" * padding + "\n"

    assert load_policy(at_limit).id == "cixi-ecommerce-2024"
    (fault,) = faults_of(at_limit + "#")
    assert fault.rule == f"a policy file has at most {POLICY_BYTES_MAX} bytes"


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        (Changes({"no-such": "x"}, {}), "no-such", "no such reading"),
        (Changes({}, {"store.tmall/amont": "1.00"}), "store.tmall/amont", "no such figure"),
        (Changes({}, {"store.taobao/amount": "1.00"}), "store.taobao/amount", "no such figure"),
        (
            Changes({}, {"brand.domestic-sales/tiers/9/award": "1.00"}),
            "brand.domestic-sales/tiers/9/award",
            "no such",
        ),
        (Changes({"rounding": "up"}, {}), "readings/rounding/value", "is none of its options"),
        (Changes({}, {"store.tmall/amount": "1.001"}), "measures/2/amount", "is not an amount"),
    ],
)
def test_a_what_if_is_held_to_the_same_rules(changes: Changes, field: str, rule: str) -> None:
    named = [fault for fault in faults_of(CIXI, changes) if fault.field == field]

    assert rule in named[0].rule


def test_what_was_adopted_before_a_rule_can_still_be_read() -> None:
    text, _ = edited('channel: ["@brand-sales-base"]', 'channel: ["@brand-sales-base", dtc_own_brand_export]')
    faults_of(text)

    assert load_adopted(text).measures["brand.domestic-sales"].reads == {"SalesReported"}
    assert load_adopted(text, Changes({}, {"store.jd/amount": "6.00"})).measures["store.jd"].kind == "fixed"
    with pytest.raises(PolicyError) as caught:
        load_adopted(text, Changes({}, {"brand.domestic-sales/tiers/0/award": "99999999.00"}))
    assert [fault.field for fault in caught.value.faults] == ["measures/8/tiers/1"]


def test_money_never_becomes_a_float_however_it_is_written() -> None:
    quoted = load_policy(CIXI)
    bare = load_policy(CIXI.replace('amount: "10000000.00"', "amount: 10000000.00"))

    assert bare.budget == quoted.budget == 1_000_000_000
    assert type(bare.budget) is int


@pytest.mark.parametrize(
    ("opened", "code"),
    [
        ("a: {b: [" + "[" * 200_000, "policy.depth"),
        ("a: " + "[" * 900 + "]" * 900, "policy.depth"),
        ("\n".join(" " * depth + "a:" for depth in range(2_000)), "policy.depth"),
    ],
    ids=["never closed", "brackets", "lines"],
)
def test_what_is_nested_too_deeply_is_not_read_to_its_end(
    opened: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader that names faults in words takes time by the depth squared: it must not be asked."""
    monkeypatch.setattr(yaml.SafeLoader, "get_single_node", None)

    with pytest.raises(PolicyError) as refused:
        read_source(opened)

    assert [fault.code for fault in refused.value.faults] == [code]
