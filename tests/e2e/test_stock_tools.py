"""The log in the hands of tools that nobody here wrote: Tessera's fsck, and torchwood's spicy."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ledger.audit.checkpoints import load_or_make_key
from ledger.intake.inbox import ingest
from ledger.store.application import open_ledger
from services.sample.city import city
from tests.golden.outside import Service, serving

ROOT = Path(__file__).parents[2]
MODULE = ROOT / "tests" / "transparency"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tools() -> Path:
    """The folder of the tools, as ``.ci/parts`` builds them."""
    locked = hashlib.sha256((MODULE / "go.mod").read_bytes() + (MODULE / "go.sum").read_bytes())
    folder = ROOT / ".cache" / "transparency" / locked.hexdigest()[:16] / "bin"
    assert (folder / "fsck").exists(), "the tools are missing: run `bash .ci/parts`, then the tests again"
    return folder


class Served(NamedTuple):
    """A ledger that is served, and the key that its readers have."""

    service: Service
    database: Path
    key: Path
    """The signing key's file."""
    public: Path
    """A file with the public key."""

    @property
    def url(self) -> str:
        """Where its log is."""
        return f"http://127.0.0.1:{self.service.port}/tlog/"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    database, key = tmp_path / "ledger.db", tmp_path / "signing.key"
    ledger = open_ledger(str(database))
    ingest(ledger, list(city(120, seed=11)), "tests")
    ledger.close()
    public = tmp_path / "key.pub"
    public.write_text(str(load_or_make_key(key, "ledger.test/log").verifier))
    environment = {
        **os.environ,
        "SUBSIDY_LEDGER_DATABASE": str(database),
        "SUBSIDY_LEDGER_SIGNING_KEY": str(key),
    }
    with serving(environment, tmp_path / "service.log") as service:
        yield Served(service, database, key, public)


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a tool to its end."""
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, timeout=120
    )


def checked(tools: Path, served: Served, key: Path | None = None) -> bool:
    """Whether fsck finds the whole log well; of a tile that differs it says so, and goes on waiting."""
    given = ("--storage_url", served.url, "--public_key", str(key or served.public))
    command = [str(tools / "fsck"), *given, "--ui=false", "--v=1"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if "Successfully fsck'd log" in line:
                return True
            if "fsck failed" in line or ":Invalid" in line:
                return False
        raise AssertionError("fsck said nothing")
    finally:
        process.kill()
        process.wait()


def test_a_stock_tool_reads_every_tile_and_entry_and_the_checkpoint(
    tools: Path, served: Served, tmp_path: Path
) -> None:
    assert served.service.get("/tlog/tile/0/000").status == 200, "more than one tile"
    assert checked(tools, served)

    other = tmp_path / "other.pub"
    other.write_text(str(load_or_make_key(tmp_path / "other.key", "ledger.test/log").verifier))
    assert not checked(tools, served, other)
    ledger = open_ledger(str(served.database))
    with ledger.store.writing() as rows:
        rows.run("UPDATE stored_events SET state=? WHERE rowid=?", [b"{}", 7])
    ledger.close()
    assert not checked(tools, served)


def test_a_stock_tool_verifies_an_inclusion_proof(tools: Path, served: Served, tmp_path: Path) -> None:
    entries = served.service.get("/tlog/tile/entries/000").body
    proof = json.loads(served.service.get("/v1/log/proofs/3").body)
    checkpoint = served.service.get("/tlog/checkpoint").body.decode()
    at = 0
    for _ in range(2):
        at += 2 + int.from_bytes(entries[at : at + 2], "big")
    entry = tmp_path / "entry"
    entry.write_bytes(entries[at + 2 : at + 2 + int.from_bytes(entries[at : at + 2], "big")])
    hashes = "".join(f"{base64.b64encode(bytes.fromhex(each)).decode()}\n" for each in proof["path"])
    (tmp_path / "entry.spicy").write_text(f"index 2\n{hashes}\n{checkpoint}")
    command = (tools / "spicy", "-verify", served.public.read_text(), entry)

    done = run(*command)

    assert (done.returncode, "verified" in done.stderr) == (0, True), done.stderr
    entry.write_bytes(entry.read_bytes() + b" ")
    assert run(*command).returncode != 0
