"""The page on the workbench is true: its commands run in their order, its tables are those of the code."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from docs.generate.pages import DOCS
from domain.money.amounts import print_fen
from ledger.store.application import Ledger
from services.verify import main as verify
from services.workbench.choosing import read_items, read_parameters
from services.workbench.command import main
from services.workbench.papers.registry import PAPERS, QUESTIONS
from services.workbench.tables import open_file
from tests.integration.closings import closed
from tests.integration.test_bundles import KEY
from tests.integration.test_settled_bundles import bundled

PAGES = {"zh": DOCS / "workbench.md", "en": DOCS / "workbench.en.md"}
SAMPLE = "91330282MA7LX06K0F"
"""The enterprise of the page."""
COMMAND = "subsidy-ledger-workbench "


def printed_commands() -> list[str]:
    """The page's commands, in its order."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGES["zh"].read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith("subsidy-ledger-")]


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_every_command_of_the_page_runs_in_the_order_of_the_page(
    open_at: Callable[..., Ledger],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    scene = closed(open_at)
    bundled(scene, tmp_path, 2024).rename(tmp_path / "year-2024.zip")
    monkeypatch.chdir(tmp_path)
    Path("ledger.keys").write_text(f"{KEY.verifier}\n")
    Path("payees.csv").write_text(f"{scene.code},62220001\n")
    Path("chosen.csv").write_text(f"{scene.code},large\n")
    for line in printed_commands():
        program, *words = shlex.split(line.replace(SAMPLE, scene.code))
        if words[0] == "serve":
            continue
        if words[0] == "evaluate":
            with closing(open_file(Path("folder"))) as file:
                item = next(read_items(file, read_parameters(file, Path("folder"))))
            Path("errors.csv").write_text(f"{item.payment},{print_fen(item.fen)},{print_fen(item.fen)}\n")
        run = verify if program == "subsidy-ledger-verify" else main
        assert run(words) == 0, f"{line}\n{capsys.readouterr()}"
        if words[0] == "sign":
            Path("audit-office.keys").write_text(capsys.readouterr().out.splitlines()[-1] + "\n")

    verbs = {line.split()[1] for line in printed_commands() if line.startswith(COMMAND)}
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["--help"])
    help_text = capsys.readouterr().out
    assert verbs == set(re.findall(r"^    (\w+) ", help_text, re.MULTILINE))


@pytest.mark.parametrize("language", PAGES)
def test_every_paper_and_finding_stands_on_the_page_as_it_is_named(language: str) -> None:
    text = PAGES[language].read_text("utf-8")
    papers = [
        f"| `{paper.slug}` | "
        + " | ".join(words.in_language(language) for words in (paper.title, paper.looked, paper.not_looked))
        + " |"
        for paper in PAPERS
    ]
    findings = [
        f"| `{slug}` | {words.in_language(language)} | `{paper.slug}` |"
        for paper in QUESTIONS
        for slug, words in (paper.findings or {}).items()
    ]

    assert re.findall(r"^\| `[\w-]+` \|.*\|$", text, re.MULTILINE) == [*papers, *findings]
    assert {"zh": f"以下 {len(findings)} 种", "en": f"There are {len(findings)},"}[language] in text


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_what_was_opened_before_stays_until_another_bundle_is_verified(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    scene = closed(open_at)
    folder, key = tmp_path / "folder", str(KEY.verifier)
    assert main(["open", str(bundled(scene, tmp_path, 2024)), str(folder), "--key", key]) == 0
    before = (folder / "workbench.db").read_bytes()

    assert main(["open", str(bundled(scene, tmp_path, 2024, scene.code)), str(folder), "--key", key]) == 2
    assert [path.name for path in folder.iterdir()] == ["workbench.db"]
    assert (folder / "workbench.db").read_bytes() == before
