"""The policy workshop: a file's cases are run, two versions compared in words, the editor's schema fits."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from docs.generate.policy_fields import GROUPS, own_fields, words
from domain.policy.differences import FIELDS, Difference, differences, titles_in
from domain.policy.form.measures import KINDS
from domain.policy.source import raw_file
from services.cli.main import main
from services.cli.policies.case_files import read_case
from services.cli.policies.cases import Difference as Figure
from services.cli.policies.cases import outcome_of
from services.cli.policies.editor_schema import editor_schema
from tests.events import CIXI_TEXT, EXAMPLES, POLICIES, YONGJIA_TEXT

HERE = Path(__file__).parents[1]
CASE = HERE / "cases" / "brand-domestic-sales.json"


def edited(*changes: tuple[str, str]) -> str:
    text = CIXI_TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def run(*arguments: str, language: str = "en") -> Result:
    return CliRunner().invoke(main, ["--language", language, "policy", *arguments])


# --- cases -------------------------------------------------------------------------------------


def test_a_case_that_comes_out_has_no_difference() -> None:
    assert outcome_of(CIXI_TEXT, read_case(CASE)) == []


@pytest.mark.parametrize("policy", EXAMPLES)
def test_each_example_has_ten_worked_cases_and_more_that_come_out(policy: str) -> None:
    file, cases = POLICIES / f"{policy}.yaml", HERE / "cases" / policy

    assert len(list(cases.glob("*.json"))) >= 10
    assert run("test", str(file), str(cases)).exit_code == 0
    assert run("check", str(file)).exit_code == 0
    assert jsonschema.Draft202012Validator(editor_schema()).is_valid(raw_file(EXAMPLES[policy]))


def test_what_the_ledger_refuses_of_the_cases_is_what_they_say() -> None:
    files = [str(path) for path in (HERE / "cases").glob("correction-*.json")]

    assert len(files) > 2
    assert run("test", str(POLICIES / "cixi-ecommerce-2024.yaml"), *files).exit_code == 0


def test_a_changed_budget_and_order_are_told_in_words(tmp_path: Path) -> None:
    text = EXAMPLES["binhai-technology-2026"]
    for old, new in (
        ('amount: "4000000.00"', 'amount: "5000000.00"'),
        ("- [results.project]", "- [results.project, standard.led]"),
        ("[standard.led, contract.registered", "[contract.registered"),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    (tmp_path / "new.yaml").write_text(text, "utf-8")
    old_file = POLICIES / "binhai-technology-2026.yaml"

    said = run("diff", str(old_file), str(tmp_path / "new.yaml"), language="zh").output
    lines = [line for line in said.splitlines() if "预算" in line or "兑现顺序" in line]

    assert ["¥4,000,000.00" in line and "¥5,000,000.00" in line for line in lines[:1]] == [True]
    assert len(lines) == 3
    hengqin = POLICIES / "hengqin-macao-brands-2026.yaml"
    changed = EXAMPLES["hengqin-macao-brands-2026"].replace('"5000000.00", cur', '"6000000.00", cur', 1)
    (tmp_path / "new.yaml").write_text(changed, "utf-8")
    assert "MOP$6,000,000.00" in run("diff", str(hengqin), str(tmp_path / "new.yaml")).output


def test_a_changed_figure_shows_as_a_figure_of_the_case(tmp_path: Path) -> None:
    """A flagship store on JD earns ¥5,000.00 by article 一; the file is made to say ¥6,000.00."""
    case = {
        "name": "shop",
        "policy": "cixi-ecommerce-2024",
        "year": 2024,
        "facts": [
            {
                "id": "f1",
                "enterprise": "91330282MA0000001D",
                "fact": "store_registered",
                "platform": "jd",
                "kind": "flagship",
                "shop": "s",
                "on": "2024-03-01",
            }
        ],
        "expect": {
            "awards": [
                {
                    "enterprise": "91330282MA0000001D",
                    "measure": "store.jd",
                    "gross": "5000.00",
                    "withheld": "0.00",
                    "eligible": "5000.00",
                    "payable": "5000.00",
                }
            ],
            "payable_total": "5000.00",
        },
    }
    file, cases = tmp_path / "policy.yaml", tmp_path / "shop.json"
    cases.write_text(json.dumps(case), "utf-8")
    file.write_text(edited(('amount: "5000.00"', 'amount: "6000.00"')), "utf-8")

    found = outcome_of(file.read_text("utf-8"), case)

    assert Figure("91330282MA0000001D store.jd gross", "5000.00", "6000.00") in found
    assert Figure("payable_total", "5000.00", "6000.00") in found
    said = run("test", str(file), str(cases))
    assert said.exit_code == 1
    assert "91330282MA0000001D store.jd payable: case 5000.00, policy 6000.00" in said.output
    file.write_text(CIXI_TEXT, "utf-8")
    assert run("test", str(file), str(cases)).exit_code == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "cannot be read as JSON"),
        ('{"facts": []}', "case.json: policy: is required — add the field"),
        ("[1]", "case.json: file: must be a JSON object"),
        ("9" * 5000, "case.json: file: cannot be read as JSON"),
        (
            '{"policy": "cixi-ecommerce-2024", "year": 2024, "facts": [{"id": "a"}], '
            '"expect": {"awards": []}}',
            "facts/0/",
        ),
        (
            '{"policy": "another", "year": 2024, "facts": [], "expect": {"awards": []}}',
            "no case of the policy",
        ),
    ],
)
def test_a_case_file_that_cannot_be_used_says_why(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "policy.yaml").write_text(CIXI_TEXT, "utf-8")
    (tmp_path / "case.json").write_text(content, "utf-8")

    result = run("test", str(tmp_path / "policy.yaml"), str(tmp_path / "case.json"))

    assert result.exit_code == 1
    assert said in result.output
    assert isinstance(result.exception, SystemExit)


BINHAI = "binhai-technology-2026"


def changed(path: str, value: object) -> dict[str, Any]:
    """A case of Binhai with one thing in it put in place, or left out (``...``)."""
    case: dict[str, Any] = json.loads((HERE / "cases" / BINHAI / "all-in-full.json").read_text("utf-8"))
    *parents, last = (int(part) if part.isdigit() else part for part in path.split("/"))
    place: Any = case
    for part in parents:
        place = place[part]
    if value is ...:
        del place[last]
    elif isinstance(place, list):
        place.append(value)
    else:
        place[last] = value
    return case


CODE = "91330282MA00001215"
FACT = {"id": "x", "enterprise": CODE}
SHOP = {**FACT, "fact": "store_registered", "platform": "jd", "kind": "k", "shop": "s"}
FAULTY_CASES = {
    "a budget of a policy that has two": ("budget", "5.00", "budget: the policy has no budget life"),
    "a budget that the policy has not": (
        "budgets",
        {"nope": "5.00"},
        "budgets/nope: the policy has no",
    ),
    "a budget that is no amount": ("budgets", {"research": "5,0"}, "budgets/research: must be digits"),
    "a year far away": ("year", 99999, "year: must be from 2000 to 2100"),
    "an award without its payment": ("expect/awards/0/payable", ..., "expect/awards/0/payable: is required"),
    "a sum that is a number": ("expect/awards/0/gross", 5, "expect/awards/0/gross: must be text"),
    "a factor that is no fraction": ("expect/factor", "1", "expect/factor: does not have the form 1/1"),
    "a name that no text can hold": ("expect/\ud800", "1.00", "expect/\\ud800: is not a field here"),
    "a sum misspelt": ("expect/payabel", "1.00", "expect/payabel: is not a field here"),
    "an award that is text": ("expect/awards/9", "x", "must be a JSON object"),
    "a correction of nothing": ("facts/9", {**SHOP, "fact": "corrected", "with": {}}, "/of: is required"),
    "a correction without change": (
        "facts/9",
        {**FACT, "fact": "corrected", "of": "x"},
        "/with: is required",
    ),
    "a retraction of nothing": ("facts/9", {**SHOP, "fact": "retracted"}, "/of: is required"),
    "an unknown kind of fact": ("facts/9", {**SHOP, "fact": "shop"}, "/fact: is none of"),
    "a fact without a day": ("facts/9", SHOP, "fact x is refused: data.on: is required"),
    "a fact of nobody": (
        "facts/9",
        {**SHOP, "on": "2026-03-01", "enterprise": "123"},
        "fact x is refused: subject: is not an 18-character credit code",
    ),
    "a channel that is a list": (
        "facts/9",
        {
            **FACT,
            "fact": "sales_reported",
            "channel": ["x"],
            "year": 2026,
            "amount": "1",
        },
        "fact x is refused: data.channel: must be text",
    ),
    "a refusal that does not come": ("expect/refused", ["x"], "fact x is taken, the case says refused"),
}
"""name: where in the case, what stands there, what is said of it."""


@pytest.mark.parametrize("name", FAULTY_CASES)
def test_a_faulty_case_is_told_with_its_place_and_fails(tmp_path: Path, name: str) -> None:
    path, value, said = FAULTY_CASES[name]
    (tmp_path / "case.json").write_text(json.dumps(changed(path, value)), "utf-8")
    asked = ("test", str(POLICIES / f"{BINHAI}.yaml"), str(tmp_path / "case.json"))

    in_english, in_chinese = run(*asked), run(*asked, language="zh")

    assert [result.exit_code for result in (in_english, in_chinese)] == [1, 1]
    assert isinstance(in_english.exception, SystemExit)
    assert said in in_english.output
    assert "✗ case" in in_english.output
    assert re.search("[一-鿿]", in_chinese.output.splitlines()[1])


def test_another_fact_under_an_id_is_refused_and_the_same_again_is_not(tmp_path: Path) -> None:
    case = changed("why", "")
    said = []
    for ref in ("h", "other"):
        again = {**case, "facts": [*case["facts"], {**case["facts"][0], "ref": ref}]}
        (tmp_path / "case.json").write_text(json.dumps(again), "utf-8")
        said.append(run("test", str(POLICIES / f"{BINHAI}.yaml"), str(tmp_path / "case.json")).output)

    assert "✓ case" in said[0]
    assert "fact f1 is refused: id: is already recorded" in said[1]


def test_a_refused_fact_that_the_case_expects_comes_out(tmp_path: Path) -> None:
    case = changed("facts/9", SHOP)
    case["expect"]["refused"] = ["x"]
    (tmp_path / "case.json").write_text(json.dumps(case), "utf-8")

    assert run("test", str(POLICIES / f"{BINHAI}.yaml"), str(tmp_path / "case.json")).exit_code == 0


# --- two versions ------------------------------------------------------------------------------


def test_the_same_file_in_another_order_has_no_difference() -> None:
    at, end = CIXI_TEXT.index("  - id: store.tmall"), CIXI_TEXT.index("  - id: store.jd")
    moved = CIXI_TEXT[:at] + CIXI_TEXT[end:]
    later = moved.index("  - id: ", moved.index("  - id: store.jd") + 5)
    moved = moved[:later] + CIXI_TEXT[at:end] + moved[later:]

    assert moved != CIXI_TEXT
    assert differences(CIXI_TEXT, moved) == []


@pytest.mark.parametrize(
    ("policy", "old", "new"),
    [
        (
            "binhai-technology-2026",
            "[honour.high-tech, research.expense]",
            "[research.expense, honour.high-tech]",
        ),
        ("cixi-ecommerce-2024", "[flagship, specialty]", "[specialty, flagship]"),
    ],
)
def test_the_order_within_a_class_or_a_list_of_values_is_no_difference(
    policy: str, old: str, new: str
) -> None:
    text = (POLICIES / f"{policy}.yaml").read_text("utf-8")

    assert old in text
    assert differences(text, text.replace(old, new)) == []


def test_the_order_of_the_classes_is_a_difference() -> None:
    text = EXAMPLES[BINHAI]
    first, second = (
        "[honour.high-tech, research.expense]",
        "[standard.led, contract.registered, platform.centre]",
    )

    found = differences(text, text.replace(first, "[]").replace(second, first).replace("[]", second))

    assert [each.path for each in found] == [("pro_rata", "priorities", place) for place in "12"]


def test_a_figure_a_reading_and_a_date_are_told_in_words() -> None:
    after = edited(
        ("version: 1", "version: 2"),
        ("effective_from: 2024-01-01", "effective_from: 2025-01-01"),
        ('amount: "5000.00"', 'amount: "6000.00"'),
        ("    value: top-up", "    value: barred"),
    )

    found = differences(CIXI_TEXT, after)

    assert [(each.path, each.before, each.after) for each in found] == [
        (("version",), "1", "2"),
        (("effective_from",), "2024-01-01", "2025-01-01"),
        (("readings", "highest-only", "value"), "top-up", "barred"),
        (("measures", "store.jd", "amount"), "5000.00", "6000.00"),
    ]
    titles = titles_in(CIXI_TEXT)
    assert found[-1].path_words("zh", titles) == f"{titles['store.jd']['zh']}（store.jd） · 金额"
    assert found[-1].path_words("en", titles).endswith("(store.jd) · amount")


def test_a_measure_that_was_taken_away_is_one_line() -> None:
    at, end = CIXI_TEXT.index("  - id: store.tmall"), CIXI_TEXT.index("  - id: store.jd")

    gone = differences(CIXI_TEXT, CIXI_TEXT[:at] + CIXI_TEXT[end:])
    new = differences(CIXI_TEXT[:at] + CIXI_TEXT[end:], CIXI_TEXT)

    assert gone == [Difference(("measures", "store.tmall"), "store.tmall", None)]
    assert new == [Difference(("measures", "store.tmall"), None, "store.tmall")]


def test_the_command_shows_money_as_people_write_it(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(CIXI_TEXT, "utf-8")
    (tmp_path / "b.yaml").write_text(edited(('amount: "5000.00"', 'amount: "6000.00"')), "utf-8")

    said = run("diff", str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml"), language="zh")

    assert said.exit_code == 0
    assert "¥5,000.00" in said.output
    assert "¥6,000.00" in said.output
    same = run("diff", str(tmp_path / "a.yaml"), str(tmp_path / "a.yaml"))
    assert "say the same" in same.output


def test_every_field_of_the_form_has_words() -> None:
    names: set[str] = set()

    def walk(node: object) -> None:
        if isinstance(node, dict):
            properties = node.get("properties", {})
            names.update(properties if "type" in node and node["type"] == "object" else ())
            for each in node.values():
                walk(each)
        elif isinstance(node, list):
            for each in node:
                walk(each)

    walk(editor_schema())
    plain = {"format", "id", "authority", "timezone", "zh", "en", "all_of", "field", "same", "measure"}
    plain |= {"base_years", "award_years", "first_year", "share_by", "history", "later_tier", "proposes"}
    assert names - plain - FIELDS.keys() == set()


def test_every_field_of_the_form_has_its_words_on_the_page_and_no_words_are_left_over() -> None:
    said = words()

    assert said.keys() - {"about"} == GROUPS.keys()
    for name in GROUPS:
        assert said[name]["fields"].keys() == own_fields(name).keys(), name
    assert set(KINDS.values()) <= set(GROUPS.values())


# --- the editor's schema -----------------------------------------------------------------------


@pytest.mark.parametrize("text", [CIXI_TEXT, YONGJIA_TEXT], ids=["cixi", "yongjia"])
def test_policies_that_the_ledger_takes_fit_the_editors_schema(text: str) -> None:
    jsonschema.Draft202012Validator(editor_schema()).validate(raw_file(text))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('amount: "5000.00"', 'amount: "5,000.00"'),
        ('amount: "5000.00"', 'amount: "5000.001"'),
        ("kind: fixed", "kind: fixd"),
        ("once: item", "once: always"),
        ("authority: cixi\n", "autority: cixi\n"),
        ("effective_from: 2024-01-01", "effective_from: 1 January 2024"),
        ("currency: CNY", "currency: JPY"),
        ("    lead: ", "    leads: "),
        ("timezone: Asia/Shanghai", "timezone: Europe/Paris"),
    ],
)
def test_slips_of_form_do_not_fit_the_editors_schema(old: str, new: str) -> None:
    found = jsonschema.Draft202012Validator(editor_schema()).is_valid(raw_file(edited((old, new))))

    assert not found
