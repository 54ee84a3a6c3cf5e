"""The documents say what the code does: generated pages are fresh, examples work, links lead somewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import pytest
from jsonschema import Draft202012Validator

from docs.generate.events import examples
from docs.generate.languages import LANGUAGES, file_name
from docs.generate.pages import DOCS, PAGES, api_app
from domain.authority.roles import MONITOR, ROLES
from domain.faults.registry import MESSAGE_AREAS, REQUEST_AREAS, read_codes, read_problems
from domain.policy.load import load_policy
from ledger.intake.inbox import ingest
from ledger.intake.messages.decode import Message, Now, decode
from ledger.intake.messages.schemas import TYPES
from ledger.policies.versions import adopt_policy
from ledger.store.application import Ledger
from services.cli.main import main
from services.cli.policies.cases import expected, messages_of, settle
from services.runtime.variables import PREFIX, VARIABLES
from services.web.identity.tokens import ALGORITHMS
from services.web.json_schemas import event_schema
from tests.conftest import LATER, POLICY
from tests.lengths import LENGTHS

ROOT = DOCS.parent
PAPERS = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *DOCS.rglob("*.svg")])
GUIDE = DOCS / "changing-the-policy.md"


def page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def fenced(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_what_would_be_generated_now(name: str) -> None:
    """Mend with ``python -m docs.generate.pages``."""
    assert PAGES[name]() == page(name)


in_each_language = pytest.mark.parametrize("language", LANGUAGES)


@in_each_language
def test_every_setting_type_code_command_and_reading_stands_in_its_page(language: str) -> None:
    readings = load_policy(POLICY.read_text("utf-8")).readings
    codes = (*read_codes(*MESSAGE_AREAS), *read_codes(*REQUEST_AREAS), *read_problems())
    wanted = {
        "settings": [f"`{variable.name}`" for variable in VARIABLES],
        "events": [f"## {type_}\n" for type_ in TYPES],
        "errors": [f"`{code}`" for code in codes],
        "cli": [f"## subsidy-ledger {command}\n" for command in main.commands],
        "readings": [f"## {reading}\n" for reading in readings],
    }

    pages = {name: page(file_name(name, language)) for name in wanted}
    missing = [(name, text) for name, texts in wanted.items() for text in texts if text not in pages[name]]

    assert missing == []


def test_every_role_and_claim_of_a_token_stands_in_its_page() -> None:
    text = page("operations/tokens.md")
    claims = {variable.name: variable.default for variable in VARIABLES if "OIDC" in variable.name}
    named = [f"{PREFIX}OIDC_{name}" for name in ("NAME", "ENTERPRISE", "SOURCE")]

    roles, _, rest = text.partition("## 其他字段")
    assert set(re.findall(r"^\| `([a-z]+)` \|", roles, re.MULTILINE)) == {*ROLES, MONITOR}
    assert {"iss", "aud", "exp", "sub", "jti"} <= set(re.findall(r"^\| `([a-z_]+)` \|", rest, re.MULTILINE))
    assert [f"| `{claims[name]}` |" in text and f"`{name}`" in text for name in named] == [True] * len(named)
    assert f"`{claims[f'{PREFIX}OIDC_ROLES']}`" in text
    assert all(algorithm in text for algorithm in ALGORITHMS)


@in_each_language
def test_every_route_of_the_api_stands_in_its_page(language: str) -> None:
    text = page(file_name("api", language))

    missing = [
        f"{method} {path}"
        for rule in api_app().url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        if (path := re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)).startswith(("/v1/", "/health/"))
        and f"`{method} {path}`" not in text
    ]

    assert missing == []


@pytest.mark.parametrize("type_", TYPES)
def test_the_example_of_a_type_is_valid(type_: str) -> None:
    raw = examples()[type_]

    assert isinstance(decode(raw, Now.bounds_at(LATER)), Message)
    Draft202012Validator(event_schema(type_)).validate(json.loads(raw))


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_the_examples_can_be_taken_in_as_they_are(open_at: Callable[..., Ledger]) -> None:
    results = ingest(open_at(), list(examples().values()), "file")

    assert ["accepted"] * len(TYPES) == [result.status for result in results]


@pytest.mark.parametrize("name", ["upstream.md", "officer.md"])
def test_every_message_in_a_guide_is_valid(name: str) -> None:
    found = re.findall(r"-d '(\{.*?\})'", page(name), re.DOTALL)

    assert found
    for raw in found:
        assert isinstance(decode(raw.encode(), Now.bounds_at(LATER)), Message), raw


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_the_guide_to_a_new_measure_works_as_written(open_at: Callable[..., Ledger]) -> None:
    """Its block of YAML goes into the policy (unless a reader put it there), and its case comes out."""
    (block,) = fenced(GUIDE.read_text("utf-8"), "yaml")
    (case_text,) = fenced(GUIDE.read_text("utf-8"), "json")
    policy = POLICY.read_text("utf-8")
    if "id: store.douyin\n" not in policy:
        policy = policy.replace("  - id: store.jd\n", f"{block}\n  - id: store.jd\n")
    case = json.loads(case_text)
    ledger = open_at(policy=False)

    adopt_policy(ledger, policy)

    assert expected(case) == settle(ledger, case, [messages_of(case)])


def slug(heading: str) -> str:
    """The anchor that a heading gets."""
    kept = re.sub(r"[^\w\s-]", "", heading.strip().lower().replace("`", ""))
    return kept.replace(" ", "-")


@pytest.mark.parametrize("paper", [p for p in PAPERS if p.suffix == ".md"], ids=lambda p: p.name)
def test_every_link_leads_to_a_file_and_a_heading(paper: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", paper.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    lost = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://")):
            continue
        name, _, anchor = unquote(target).partition("#")
        file = (paper.parent / name).resolve() if name else paper
        if not file.exists():
            lost.append(target)
        elif anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE)
            if anchor not in map(slug, headings):
                lost.append(target)

    assert lost == []


@pytest.mark.parametrize("paper", PAPERS, ids=lambda p: p.name)
def test_no_paper_names_a_path_of_somebodys_machine(paper: Path) -> None:
    text = paper.read_text("utf-8")

    assert [path for path in ("/home/", "/tmp/", "/work/", "/root/", "C:\\") if path in text] == []


def test_every_paper_can_be_reached_from_the_readme() -> None:
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        paper = waiting.pop()
        if paper in reached or not paper.exists():
            continue
        reached.add(paper)
        if paper.suffix == ".md":
            targets = re.findall(r"\]\(([^)#\s]+)", paper.read_text("utf-8"))
            waiting += [(paper.parent / t).resolve() for t in targets if "://" not in t]

    assert [paper.name for paper in PAPERS if paper not in reached] == []


def test_each_term_of_the_glossary_stands_once() -> None:
    terms = re.findall(r"^\| ([^|]+) \| ([^|]+) \|", page("glossary.md"), re.MULTILINE)[2:]
    for column in zip(*terms, strict=True):
        assert len(column) == len(set(column))


@in_each_language
def test_every_length_of_a_test_stands_on_the_contributors_page(language: str) -> None:
    text = (ROOT / file_name("CONTRIBUTING", language)).read_text("utf-8")

    rows = [
        f"| `{variable}` | {length.short:,} | {length.long:,} | {getattr(length, language)} |\n"
        for variable, length in LENGTHS.items()
    ]

    assert "".join(rows) in text
