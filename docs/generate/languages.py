"""A page of either language: its file, its head, and how it leads to the other."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files

from domain.vocabulary.kinds import Words

CHINESE, ENGLISH = LANGUAGES = ("zh", "en")
YES = Words("是", "yes")
MADE = Words(
    "<!-- 由程序生成，请勿手改：python -m docs.generate.pages -->",
    "<!-- Generated, do not edit by hand: python -m docs.generate.pages -->",
)


def file_name(name: str, language: str) -> str:
    """The file of a page: ``NAME.md`` in Chinese, ``NAME.en.md`` in English."""
    return f"{name}.md" if language == CHINESE else f"{name}.en.md"


def lay_out_page(name: str, language: str, title: Words, *parts: str) -> str:
    """A generated page, which leads to its other language first."""
    stem = name.rpartition("/")[2]
    other = Words(
        f"**中文** · [English]({file_name(stem, ENGLISH)})",
        f"[中文]({file_name(stem, CHINESE)}) · **English**",
    )
    head = (MADE.in_language(language), f"# {title.in_language(language)}", other.in_language(language))
    return "\n\n".join([*head, *parts]) + "\n"


def read_about(name: str, language: str) -> str:
    """What stands in ``about_NAME.txt`` beside this file, or in ``about_NAME.en.txt``."""
    suffix = "" if language == CHINESE else f".{language}"
    return files(__package__).joinpath(f"about_{name}{suffix}.txt").read_text("utf-8").strip()


def list_items(items: Iterable[str], language: str) -> str:
    """The items of a list within a sentence."""
    return ("、" if language == CHINESE else ", ").join(items)


def as_sentence(text: str, language: str) -> str:
    """A phrase of the program's words, standing alone."""
    stop = "。" if language == CHINESE else "."
    return f"{text[:1].upper()}{text[1:].rstrip('。.')}{stop}"
