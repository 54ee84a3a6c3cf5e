"""A page in two languages is one page: NAME.md in Chinese and NAME.en.md in English, of one structure."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
ENGLISH = sorted([*ROOT.glob("*.en.md"), *DOCS.rglob("*.en.md")])
MEASURED = [DOCS / name for name in ("performance.en.md", "scale.en.md", "operations/capacity.en.md")]
"""Pages whose tables tell what was measured."""
FIGURE = re.compile(r"\d(?:[\d,.]*\d)?")
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
PRINTED = "text"
"""The kind of block that shows what the program prints, which speaks the page's language."""
CELL_END = re.compile(r"(?<!\\)\|")
HAN = re.compile(r"[\u4e00-\u9fff]")

ONE_FILE = {
    "docs/glossary.md": "the policy's own Chinese term and the English one beside it are what it is for",
    "CHANGELOG.md": "each entry says the same in both languages",
}
"""Pages of one file, with the reason."""
DECISIONS = {*(DOCS / "decisions").glob("[0-9]*.md")}
"""They are kept in English; docs/decisions/README.md says why."""
BOTH_IN_ONE_LINE = re.compile(r"[\u4e00-\u9fff）。”`] · [A-Za-z]|[\u4e00-\u9fff]<br>[A-Za-z]")
"""A line that says the same twice, in Chinese and then in English."""

pairs = pytest.mark.parametrize("english", ENGLISH, ids=lambda page: page.name)


def chinese_of(english: Path) -> Path:
    return english.with_name(english.name.replace(".en.md", ".md"))


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return FENCE.sub("", page.read_text("utf-8"))


def headings(page: Path) -> list[str]:
    return re.findall(r"^(#+) ", prose(page), re.MULTILINE)


def heading_names(page: Path) -> list[str]:
    found: list[str] = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return [re.sub(r"[^\w\s-]", "", name.strip().lower()).replace(" ", "-") for name in found]


def code(page: Path) -> list[tuple[str, str]]:
    """The blocks, without comments and without what the program prints."""
    return [
        (kind, "" if kind == PRINTED else re.sub(r"[ \t]*# .*$", "", text, flags=re.MULTILINE))
        for kind, text in FENCE.findall(page.read_text("utf-8"))
    ]


def tables(page: Path) -> list[list[int]]:
    """The number of cells in each row of each table."""
    found: list[str] = re.findall(r"(?:^\|.*\|\n)+", prose(page), re.MULTILINE)
    return [[len(CELL_END.findall(row)) - 1 for row in rows.splitlines()] for rows in found]


def links(page: Path, sign: str = "") -> list[str]:
    found: list[str] = re.findall(rf"{sign}\[[^\]]*\]\(([^)\s]+)\)", prose(page))
    return found


def common(page: Path, link: str) -> tuple[str, int | None]:
    """Where a link leads whatever the language: the Chinese file, and which of its headings."""
    name, _, anchor = link.partition("#")
    target = (page.parent / name).resolve() if name else page
    place = heading_names(target).index(anchor) if anchor and "://" not in link else None
    return (name.replace(".en.md", ".md") if name else ""), place


def test_every_page_is_two_files_but_for_those_that_say_why() -> None:
    pages = {*ROOT.glob("*.md"), *DOCS.rglob("*.md")} - DECISIONS
    chinese = {chinese_of(english) for english in ENGLISH}

    assert {str(page.relative_to(ROOT)) for page in pages - chinese - {*ENGLISH}} == {*ONE_FILE}


@pytest.mark.parametrize("index", ["README.md", "README.en.md"])
def test_every_decision_stands_in_both_indexes(index: str) -> None:
    assert links(DOCS / "decisions" / index)[1:] == sorted(decision.name for decision in DECISIONS)


def test_every_decision_is_in_english() -> None:
    assert [decision.name for decision in DECISIONS if chinese_paragraphs(decision)] == []


@pairs
def test_neither_says_the_same_in_both_languages(english: Path) -> None:
    for page in (english, chinese_of(english)):
        paragraphs = prose(page).partition("\n\n")[2]
        assert BOTH_IN_ONE_LINE.findall(paragraphs) == [], page.name


@pairs
def test_both_have_the_same_headings(english: Path) -> None:
    assert headings(english) == headings(chinese_of(english))


@pairs
def test_both_have_the_same_code(english: Path) -> None:
    assert code(english) == code(chinese_of(english))


@pairs
def test_both_have_the_same_tables(english: Path) -> None:
    assert tables(english) == tables(chinese_of(english))


def figures(page: Path) -> list[list[str]]:
    """The numbers of each row of a table, in whatever order a language says them."""
    rows: list[str] = re.findall(r"^\|.*\|$", prose(page), re.MULTILINE)
    return [sorted(FIGURE.findall(row)) for row in rows]


@pytest.mark.parametrize("english", MEASURED, ids=lambda page: page.name)
def test_both_tables_tell_the_same_figures(english: Path) -> None:
    assert figures(english) == figures(chinese_of(english))


@pairs
def test_both_lead_to_the_same_pages_and_each_to_the_other(english: Path) -> None:
    chinese = chinese_of(english)
    ours, theirs = links(english), links(chinese)

    assert ours[0] == chinese.name
    assert theirs[0] == english.name
    assert Counter(common(english, link) for link in ours[1:]) == Counter(
        common(chinese, link) for link in theirs[1:]
    )


@pairs
def test_both_show_the_same_pictures(english: Path) -> None:
    pictures = links(english, "!")

    assert pictures == links(chinese_of(english), "!")
    assert [picture for picture in pictures if not (english.parent / picture).exists()] == []


def in_english(page: Path, link: str) -> Path:
    """Where the English side of what a link leads to would be."""
    return page.parent / re.sub(r"(?<!\.en)\.md$", ".en.md", link)


@pairs
def test_an_english_page_leads_to_english_pages_and_a_chinese_one_to_chinese(english: Path) -> None:
    chinese = chinese_of(english)
    local = [link.partition("#")[0] for link in links(english)[1:] if "://" not in link]
    local = [link for link in local if link.endswith(".md") and not link.endswith(".en.md")]

    assert [link for link in local if in_english(english, link).exists()] == []
    assert [link for link in links(chinese)[1:] if ".en.md" in link] == []


def chinese_paragraphs(page: Path) -> list[str]:
    """Paragraphs with more of Chinese than of English words, quotations apart."""
    return [
        text
        for text in prose(page).split("\n\n")[1:]
        if not text.startswith("> ") and len(HAN.findall(text)) > len(re.findall(r"[A-Za-z]+", text))
    ]


@pairs
def test_each_page_is_in_its_language(english: Path) -> None:
    """An English page may quote Chinese: no other paragraph of it is, and none beside it is English."""
    chinese = chinese_of(english)
    paragraphs = prose(chinese).split("\n\n")[1:]

    assert [
        text for text in paragraphs if len(re.findall(r"[a-z]{2,}", text)) > 8 and not HAN.search(text)
    ] == []
    assert chinese_paragraphs(english) == []
