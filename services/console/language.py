"""The reader's language on pages: the one chosen last, else the browser's; and words in it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from flask import Response, request

from services.web import problems

LANGUAGES = {"zh": "中文", "en": "English"}
COOKIE = "subsidy-language"
YEAR_SECONDS = 365 * 24 * 3600
WORDS = Path(__file__).parent / "words"
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def chosen() -> str:
    """``zh`` or ``en``: ``?lang=``, else the cookie, else what the browser prefers."""
    for said in (request.args.get("lang"), request.cookies.get(COOKIE)):
        if said in LANGUAGES:
            return said
    return problems.language()


def remember(response: Response) -> None:
    """Keep a language that was asked for."""
    said = request.args.get("lang")
    if said in LANGUAGES:
        secure = request.is_secure
        response.set_cookie(
            COOKIE, said, max_age=YEAR_SECONDS, samesite="Strict", httponly=True, secure=secure
        )


@cache
def words() -> dict[str, dict[str, str]]:
    """Every word of the pages by key, in both languages; one file for each page."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(WORDS.glob("*.yaml")):
        page_words = yaml.load(path.read_text("utf-8"), Loader=_Loader)  # noqa: S506 (a safe one)
        for key, said in page_words.items():
            assert key not in found, f"{path.name}: {key} stands twice"
            assert set(said) == set(LANGUAGES), f"{path.name}: {key} needs zh and en"
            found[key] = said
    return found


def words_for(key: str, **args: Any) -> str:
    """The words of a key in the reader's language."""
    text = words()[key][chosen()]
    return text.format(**args) if args else text


def chosen_words(both: dict[str, str]) -> str:
    """Words that come in both languages, in the reader's."""
    return both[chosen()]
