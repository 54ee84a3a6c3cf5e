"""The page on which anyone checks a receipt or a published list: one file that needs no network.

It is put together from the files beside this one; its content policy lets nothing run or load but
what stands in it, so that it cannot send anything anywhere.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from services.web.headers import hashed

NOBLE = "noble.min.js"
"""SHA-256 and Ed25519 for browsers, from @noble/hashes 2.4.0 and @noble/ed25519 3.2.0 (MIT)."""


def page(keys: Iterable[str] = (), lang: str = "zh-CN") -> str:
    """The page, with keys already entered that whoever hands it out vouches for."""
    style, script, words = _parts()
    values = {
        "lang": lang,
        "policy": policy(),
        "style": style,
        "keys": html.escape("\n".join(keys)),
        "words": words,
        "script": script,
    }
    before, *placeholders = _file("page.html").split("{{ ")
    pieces = [before]
    for part in placeholders:
        name, _, after = part.partition(" }}")
        pieces += [values[name], after]
    return "".join(pieces)


@cache
def policy() -> str:
    """What the page may do: run and show what stands in it, and nothing else."""
    style, script, _ = _parts()
    return (
        f"default-src 'none'; script-src {hashed(script)}; style-src {hashed(style)}; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _parts() -> tuple[str, str, str]:
    """Style, script and words; nothing in them ends the element that they stand in."""
    script = _file(NOBLE) + "\n" + _file("check.js")
    words: dict[str, Any] = yaml.safe_load(_file("words.yaml"))
    parts = _file("check.css"), script, json.dumps(words, ensure_ascii=False).replace("</", "<\\/")
    assert not any("</script" in part or "</style" in part for part in parts)
    return parts


def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")
