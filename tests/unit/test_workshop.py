"""The policy workshop: a file's cases are run, two versions compared in words, the editor's schema fits."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from domain.policy.differences import FIELDS, Difference, differences, titles_in
from domain.policy.load import composed
from services.cli import main
from services.workshop.cases import Difference as Figure
from services.workshop.cases import outcome_of, read_case
from services.workshop.editor_schema import editor_schema
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
    assert jsonschema.Draft202012Validator(editor_schema()).is_valid(composed(EXAMPLES[policy]))


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
        ('{"facts": []}', "policy: Missing data"),
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


# --- two versions ------------------------------------------------------------------------------


def test_the_same_file_in_another_order_has_no_difference() -> None:
    at, end = CIXI_TEXT.index("  - id: store.tmall"), CIXI_TEXT.index("  - id: store.jd")
    moved = CIXI_TEXT[:at] + CIXI_TEXT[end:]
    later = moved.index("  - id: ", moved.index("  - id: store.jd") + 5)
    moved = moved[:later] + CIXI_TEXT[at:end] + moved[later:]

    assert moved != CIXI_TEXT
    assert differences(CIXI_TEXT, moved) == []


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
    assert found[-1].where("zh", titles) == f"{titles['store.jd']['zh']}（store.jd） · 金额"
    assert found[-1].where("en", titles).endswith("(store.jd) · amount")


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


# --- the editor's schema -----------------------------------------------------------------------


@pytest.mark.parametrize("text", [CIXI_TEXT, YONGJIA_TEXT], ids=["cixi", "yongjia"])
def test_policies_that_the_ledger_takes_fit_the_editors_schema(text: str) -> None:
    jsonschema.Draft202012Validator(editor_schema()).validate(composed(text))


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
    found = jsonschema.Draft202012Validator(editor_schema()).is_valid(composed(edited((old, new))))

    assert not found
