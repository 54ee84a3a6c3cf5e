"""The verifier in Go, built once for its sources, and asked about many files in one process."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "docs" / "checking" / "verifier"
GO_SETTINGS = {
    "GOFLAGS": "-mod=mod '-gcflags=all=-N -l'",
    "GOPROXY": "off",
    "GOTOOLCHAIN": "local",
    "CGO_ENABLED": "0",
    "GOCACHE": str(ROOT / ".cache" / "go-build"),
}
"""As ``.ci/parts`` builds its tools, so that Go's own packages are compiled once for both."""
SECONDS_MAX = 300


class Judgement(NamedTuple):
    """What a verifier says of a file: its exit code, and the first thing that it finds wrong."""

    exit_code: int
    reason: str

    @property
    def is_good(self) -> bool:
        """Whether it says VERIFIED."""
        return self.exit_code == 0


def run_go(*arguments: str) -> str:
    """What the go command prints, without a network; a test fails where it does or where it is missing."""
    go = shutil.which("go")
    if go is None:
        pytest.fail("go is not installed: run bash .ci/parts", pytrace=False)
    environment = {**os.environ, **GO_SETTINGS}
    done = subprocess.run(
        [go, *arguments],
        cwd=SOURCES,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build_verifier() -> Path:
    """The program, built anew where its sources changed."""
    sources = [SOURCES / "go.mod", *sorted(SOURCES.glob("*.go"))]
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    program = ROOT / ".cache" / "verifier" / digest[:16] / "verifier"
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        beside = program.with_suffix(f".{os.getpid()}")
        run_go("build", "-o", str(beside), ".")
        beside.replace(program)
    return program


def judge_files(program: Path, keys: str, files: Iterable[Path]) -> dict[Path, Judgement]:
    """What the program says of each file, for a reader who trusts these keys."""
    arguments = [part for key in keys.split("\n") if key for part in ("--key", key)]
    done = subprocess.run(
        [str(program), *arguments, "--each"],
        input="".join(f"{file}\n" for file in files),
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    judgements = {}
    for line in done.stdout.splitlines():
        code, file, reason = line.split("\t", 2)
        judgements[Path(file)] = Judgement(int(code), reason)
    return judgements
