"""Commands that refuse say why in the reader's language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from services.cli.main import main

CHINESE = re.compile(r"[\u4e00-\u9fff]{2}")
CALLS: dict[str, tuple[str, ...]] = {
    "restored, nothing lost": ("restored", "--reason", "盘坏了"),
    "restored, no reason": ("restored", "--reason", " "),
    "restored, no note": ("restored", "--reason", "盘坏了", "--checkpoint", "$text"),
    "replace-lost-key": ("replace-lost-key", "--old", "nothing"),
    "log-keys": ("log-keys", "--key-file", "$text"),
    "prove": ("prove", "1", "--size", "999999"),
    "prove-consistency": ("prove-consistency", "5", "999999"),
    "cosign": ("cosign", "$text", "--witness", "w", "--witness-key", "$text"),
    "backup": ("backup", "$text"),
    "settle list": ("settle", "list", "$text.odd"),
    "documents": ("documents", "write", "report", "--out", "$text.odd"),
    "budget": ("budget", "--as-known", "2999-01-01"),
    "diff": ("diff", "--budget", "--from", "1999-01-01"),
    "audit": ("audit", "--key", "nothing"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A signed ledger of a small city, and a file of no use."""
    place = tmp_path_factory.mktemp("refusals")
    database = str(place / "ledger.db")
    for words in (("sample", "--enterprises=5"), ("checkpoint",)):
        assert CliRunner().invoke(main, ["--database", database, *words]).exit_code == 0
    (place / "text").write_text("text\n", "utf-8")
    return place


@pytest.mark.parametrize("call", CALLS)
def test_a_refusal_is_in_the_readers_language(folder: Path, call: str) -> None:
    words = [word.replace("$text", str(folder / "text")) for word in CALLS[call]]
    database = ["--database", str(folder / "ledger.db")]

    zh = CliRunner().invoke(main, [*database, "--language", "zh", *words])
    en = CliRunner().invoke(main, [*database, "--language", "en", *words])

    assert zh.exit_code == en.exit_code != 0, zh.output
    said = zh.stderr.strip().splitlines()
    assert said
    assert all(CHINESE.search(line.removeprefix("错误：")) for line in said), said
