"""The first page is true in both languages: what it shows, how large it is, and what its commands do."""

from __future__ import annotations

import re
import shlex
import socket
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from docs.generate.pages import DOCS
from docs.generate.supply import DEVELOPMENT, RUNTIME, locked
from services.cli.main import main
from services.verify import main as verify

ROOT = DOCS.parent
PAGES = {"zh": ROOT / "README.md", "en": ROOT / "README.en.md"}
EXPLAINED = {"zh": DOCS / "enterprise.md", "en": DOCS / "enterprise.en.md"}
COMMAND = ".venv/bin/subsidy-ledger"
SIZE_OFF = 0.15
"""By which share the size on a page may differ from what is installed here: wheels differ by platform."""

both = pytest.mark.parametrize("language", PAGES)


def text_of(language: str, pages: dict[str, Path] = PAGES) -> str:
    return pages[language].read_text("utf-8")


def blocks(language: str, kind: str = "sh", pages: dict[str, Path] = PAGES) -> list[list[str]]:
    found = re.findall(rf"^```{kind}\n(.*?)^```$", text_of(language, pages), re.MULTILINE | re.DOTALL)
    return [[line.rstrip() for line in block.splitlines()] for block in found]


def run(database: Path, language: str, *words: str, **environment: str) -> Result:
    line = ["--database", str(database), "--language", language, *words]
    result = CliRunner(env={"COLUMNS": "80", **environment}).invoke(main, line)
    assert result.exit_code == 0, result.output
    return result


def lines(*results: Result) -> list[str]:
    return [line.rstrip() for result in results for line in result.output.splitlines()]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ledger of the first enterprises of the sample city, its key beside it."""
    database = tmp_path_factory.mktemp("small") / "ledger.db"
    run(database, "en", "sample", "--enterprises=30")
    return database


def test_the_samples_are_what_is_printed_of_the_sample_city(
    tmp_path: Path, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.server.process.serve", lambda settings: None)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    database = tmp_path / "city.db"
    city = run(database, "zh", "sample", "--serve", SUBSIDY_LEDGER_PORT=port)
    # In English the sum of the same year, and titles as a smaller city shows them.
    titles = run(small, "en", "sample", "--enterprises=30", "--serve", SUBSIDY_LEDGER_PORT=port)
    printed = {"zh": lines(city), "en": lines(city, run(database, "en", "budget"), titles)}

    for language in PAGES:
        (sample,) = blocks(language, "text")
        shown = [line.replace("8080", port) for line in sample if line != "…"]
        assert [line for line in shown if line not in printed[language]] == []
        (award,) = blocks(language, "text", EXPLAINED)
        (code,) = set(re.findall(r"\b91330282\w{10}\b", text_of(language, EXPLAINED)))
        explained = lines(run(database, language, "explain", code))
        assert [line for line in award if line != "…" and line not in explained] == []


@both
def test_there_are_two_commands_and_ci_runs_the_second(language: str) -> None:
    starts, tests = blocks(language)[0]

    assert starts.startswith("bash .ci/start ")
    assert tests.startswith("bash .ci/test ")
    assert (ROOT / ".ci" / "run").read_text("utf-8").endswith("\nexec bash .ci/test\n")
    assert f"exec {COMMAND} sample --serve" in (ROOT / ".ci" / "start").read_text("utf-8")


@both
def test_every_command_of_the_first_page_does_what_it_says(
    language: str, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    key = run(small, language, "log-keys").output.strip()
    commands = [line for block in blocks(language) for line in block if line.startswith(COMMAND)]

    assert len(commands) == 6
    for command in commands:
        program, *words = shlex.split(command.replace(f"$({COMMAND} log-keys)", key), comments=True)
        if program == f"{COMMAND}-verify":
            assert verify(words) == 0
        elif words[:2] == ["policy", "test"]:
            assert [(ROOT / word).exists() for word in words[2:]] == [True, True]
        else:
            run(small, language, *words)


@both
def test_the_short_test_ends_as_the_first_page_says(language: str, small: Path) -> None:
    """Of one case here: that each comes out is tests/integration's to say."""
    policy, cases = (
        "domain/policy/cixi-ecommerce-2024.yaml",
        sorted((ROOT / "tests" / "cases").glob("*.json")),
    )
    ours = [case for case in cases if '"policy": "cixi-ecommerce-2024"' in case.read_text("utf-8")]
    last = run(small, language, "policy", "test", str(ROOT / policy), str(ours[0])).output.splitlines()[-1]

    assert last.startswith("1 ")
    assert f"`{len(ours)}{last[1:]}`" in text_of(language)


@both
def test_the_sizes_are_those_of_the_locks(language: str) -> None:
    sizes = re.findall(r"(\d+) (?:个程序包，约|packages, about) (\d+) MB", text_of(language))

    assert [int(number) for number, _ in sizes] == [len(locked(RUNTIME)), len(locked(DEVELOPMENT))]
    for lock, (_, told) in zip((RUNTIME, DEVELOPMENT), sizes, strict=True):
        assert abs(installed_mb(lock) / int(told) - 1) < SIZE_OFF


@cache
def installed_mb(lock: str) -> float:
    """How many MB the packages of a lock take here."""
    total = 0
    for package in locked(lock):
        if package.marker and "win32" in package.marker:
            continue
        for file in metadata.files(package.name) or []:
            path = Path(str(file.locate()))
            total += path.stat().st_size if path.exists() else 0
    return total / 1e6


@both
def test_compose_is_started_as_the_operator_starts_it(language: str) -> None:
    (steps,) = [block for block in blocks(language) if any("docker compose" in line for line in block)]
    operator = (DOCS / "operator.md").read_text("utf-8")

    assert [step for step in steps if f"\n{step}" not in operator] == []
    assert "POSTGRES_PASSWORD=\n" in (ROOT / ".env.example").read_text("utf-8")


@both
def test_every_page_stands_in_the_list_of_pages(language: str) -> None:
    linked = {name.replace(".en.md", ".md") for name in re.findall(r"\]\((docs/[^)#]+)\)", text_of(language))}
    pages = [f"docs/{page.name}" for page in DOCS.glob("*.md") if not page.name.endswith(".en.md")]

    assert [page for page in pages if page not in linked] == []
