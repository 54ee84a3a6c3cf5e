"""The log in the hands of tools that nobody here wrote: Tessera's fsck, torchwood's spicy and litewitness."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from domain.log.notes import Checkpoint, SignerKey, VerifierKey, open_checkpoint
from ledger.audit.checkpoints import load_or_make_key
from ledger.intake.inbox import ingest
from ledger.store.application import open_ledger
from services.checkpoints.fetching import Unsent
from services.checkpoints.sender import Sender
from services.checkpoints.witnesses import Witness, add_checkpoint
from services.runtime.settings import Settings
from services.sample.city import city
from services.witness.service import make_witness_server
from services.witness.state import hold_state
from tests.golden.outside import Service, serving
from tests.processes import Ports
from tests.witnessed import OTHERS, note_of, path_of, submit

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


class StockWitness(NamedTuple):
    """A litewitness that knows the ledger's key, and the key that it cosigns with."""

    url: str
    key: VerifierKey


@pytest.fixture
def witness(tools: Path, served: Served, tmp_path: Path) -> Iterator[StockWitness]:
    socket, seed, database = tmp_path / "agent", tmp_path / "witness.key", tmp_path / "witness.db"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    ports = Ports()
    process = None
    try:
        assert run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", seed).returncode == 0
        environment = {**os.environ, "SSH_AUTH_SOCK": str(socket)}
        for _ in range(100):
            added = subprocess.run(["ssh-add", str(seed)], env=environment, capture_output=True, check=False)
            if added.returncode == 0:
                break
            time.sleep(0.1)
        public = served.public.read_text()
        with closing(sqlite3.connect(database)) as known, known:  # as witnessctl add-log and add-key do
            known.execute("CREATE TABLE log (origin TEXT PRIMARY KEY, tree_size INTEGER, tree_hash TEXT)")
            known.execute("CREATE TABLE key (origin TEXT NOT NULL, key TEXT NOT NULL)")
            empty = base64.b64encode(hashlib.sha256().digest()).decode()
            known.execute("INSERT INTO log VALUES ('ledger.test/log', 0, ?)", [empty])
            known.execute("INSERT INTO key VALUES ('ledger.test/log', ?)", [public])
        address = f"127.0.0.1:{ports.take()}"
        blob = base64.b64decode(seed.with_suffix(".key.pub").read_text().split()[1])
        fingerprint = hashlib.sha256(blob[-32:]).hexdigest()
        given = (
            "-key",
            fingerprint,
            "-name",
            "witness.test",
            "-db",
            str(database),
            "-ssh-agent",
            str(socket),
            "-listen",
            address,
        )
        process = subprocess.Popen([str(tools / "litewitness"), *given], stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        found = next(re.finditer(r"vkey=(\S+)", line) for line in process.stderr if "vkey=" in line)
        yield StockWitness(f"http://{address}", VerifierKey.parse(next(found)[1].strip('"')))
    finally:
        for each in (process, agent):
            if each is not None:
                each.terminate()
                each.wait(10)
        ports.release()


def test_a_stock_witness_verifies_that_the_log_continues_and_cosigns(
    served: Served, witness: StockWitness, tmp_path: Path
) -> None:
    (tmp_path / "witnesses").write_text(f"{witness.url} {witness.key}\n")
    ledger = open_ledger(str(served.database))
    settings = Settings(
        signing_key=str(served.key), witnesses=str(tmp_path / "witnesses"), checkpoints_every=5
    )
    keys = [VerifierKey.parse(served.public.read_text()), witness.key]

    sizes = []
    for seed in (21, 22, 23):
        served.key.with_name(f"{served.key.name}.sent").unlink(missing_ok=True)
        (sent,) = Sender(ledger, settings).step().values()
        assert sent.failure == ""
        note = served.service.get("/tlog/checkpoint").body.decode()
        checkpoint, vouching = open_checkpoint(note, keys)
        assert vouching == ["ledger.test/log", "witness.test"]
        sizes.append(checkpoint.size)
        ingest(ledger, list(city(3, seed=seed)), "tests")
    assert sizes == sorted(set(sizes))

    body = Checkpoint("ledger.test/log", sizes[-1] + 1, b"\x05" * 32).body
    forged = f"{body}\n{load_or_make_key(served.key).sign(body)}"
    with pytest.raises(Unsent, match="status 422"):
        add_checkpoint(ledger, forged, load_or_make_key(served.key), Witness(*witness), sizes[-1])
    ledger.close()


def test_our_witness_answers_as_the_stock_one(witness: StockWitness, served: Served, tmp_path: Path) -> None:
    """The same submissions to both, in turn; where the stock one departs from C2SP, that is named."""
    key, own_key = load_or_make_key(served.key), tmp_path / "own.key"
    load_or_make_key(own_key, "own.test")
    with hold_state(own_key) as state:
        state.begin(key.name)
    own = make_witness_server("127.0.0.1", 0, own_key, [key.verifier])
    thread = threading.Thread(target=own.serve_forever)
    thread.start()
    well = {size: note_of(size, key=key) for size in (10, 13)}
    forked = {size: note_of(size, OTHERS, key) for size in (10, 13)}
    submissions: list[tuple[int, list[bytes], str, int, int]] = [
        (0, [], well[10], 200, 200),
        (0, [], well[13], 409, 409),
        (9, path_of(9, 13), well[13], 409, 409),
        (14, [], well[13], 400, 400),
        (10, [b"\x01"], well[13], 400, 400),
        (10, [b"\x01" * 32], well[13], 422, 422),
        (10, path_of(10, 13), forked[13], 422, 422),
        (10, [], forked[10], 409, 422),  # C2SP: 409 for another root at the same size
        (10, [], note_of(13, key=SignerKey(key.name, b"\x05" * 32)), 403, 403),
        (10, [], note_of(13, key=SignerKey("other.test/log", b"\x06" * 32)), 404, 403),  # C2SP: 404
        (10, path_of(10, 13), well[13], 200, 200),
        (13, [], well[13], 200, 200),
        (10, [], well[10], 409, 409),
    ]
    try:
        for old, path, note, ours_status, stock_status in submissions:
            stock = submit(witness.url, old, path, note)
            ours = submit(f"http://127.0.0.1:{own.server_port}", old, path, note)
            assert (ours[0], stock[0]) == (ours_status, stock_status), (old, note, ours, stock)
            if ours[0] == stock[0] == 409:
                assert ours == stock, "the size, and its media type"
    finally:
        own.shutdown()
        thread.join()
        own.server_close()
