"""Checkpoints leave on their own: to folders, files, addresses and witnesses; never in anyone's way."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from domain.events.event import NOBODY
from domain.log.merkle import check_consistency
from domain.log.notes import COSIGNATURE_V1, Checkpoint, SignerKey, VerifierKey, open_checkpoint, parse_note
from ledger.audit.checkpoints import list_checkpoints, load_or_make_key
from ledger.audit.restores import record_restore
from ledger.intake.inbox import ingest
from ledger.log.deliveries import read_deliveries
from ledger.log.key_record import load_key
from ledger.store.application import Ledger
from services.checkpoints.sender import Sender, start
from services.doctor import deliveries
from services.runtime.settings import Settings, SettingsError
from services.sample.city import city
from tests.events import Feed
from tests.integration.bureau import Clock
from tests.integration.test_doctor import levels

WITNESS = SignerKey("witness.test", b"\x09" * 32, COSIGNATURE_V1)


class Scene:
    """A ledger, and the settings of what sends its checkpoints."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self.ledger, self.folder = ledger, folder
        self.key = folder / "signing.key"
        self.public = load_or_make_key(self.key, "ledger").verifier
        self.settings = Settings(signing_key=str(self.key), checkpoints_every=3_600)
        self.clock = ledger.clock
        self.grow(1)

    def grow(self, seed: int) -> int:
        ingest(self.ledger, list(city(2, seed=seed)), "tests")
        with self.ledger.store.reading() as rows:
            return rows.last_position()

    def send(self, *targets: str, witnesses: str = "") -> dict[str, Any]:
        settings = replace(self.settings, checkpoints_to=targets, witnesses=witnesses)
        return Sender(self.ledger, settings).step()

    def found(self, *targets: str, named: tuple[str, ...] = ()) -> dict[str, str]:
        settings = replace(self.settings, checkpoints_to=targets)
        with self.ledger.store.reading() as rows:
            return levels(list(deliveries.check(rows, settings, named, self.clock())))


@pytest.fixture
def scene(open_at: Callable[..., Ledger], tmp_path: Path) -> Scene:
    ledger = open_at()
    ledger.clock = Clock()
    return Scene(ledger, tmp_path)


@contextmanager
def answering(answer: Callable[[str, str, str], tuple[int, str]]) -> Iterator[str]:
    """A server of this machine that answers (method, path, body); its address."""

    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            status, text = answer(self.command, self.path, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_PUT = do_POST = respond

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_folder_keeps_each_and_a_file_the_latest(scene: Scene, tmp_path: Path) -> None:
    folder, file = f"{tmp_path}/given/", str(tmp_path / "latest")
    scene.send(folder, file)
    assert isinstance(scene.clock, Clock)
    scene.clock.pass_(days=1)
    size = scene.grow(2)

    sent = scene.send(folder, file)

    notes = [each.read_text() for each in sorted((tmp_path / "given").iterdir())]
    assert [open_checkpoint(note, [scene.public])[0].size for note in notes][-1] == size
    assert (len(notes), Path(file).read_text()) == (2, notes[-1])
    assert {each.size for each in sent.values()} == {size}
    assert scene.found(folder, file) == {"checkpoints.sent": "ok", "checkpoints.given": "ok"}


def test_it_is_sent_at_the_interval_and_not_before(scene: Scene, tmp_path: Path) -> None:
    file, clock = str(tmp_path / "latest"), scene.clock
    assert isinstance(clock, Clock)
    first = scene.send(file)[file].size
    scene.grow(3)
    assert scene.send(file)[file].size == first
    clock.now += timedelta(seconds=3_601)
    assert scene.send(file)[file].size > first


def test_it_does_not_wait_until_a_clock_that_stood_ahead_is_caught_up_with(
    scene: Scene, tmp_path: Path
) -> None:
    file, clock, ahead = str(tmp_path / "latest"), scene.clock, timedelta(days=1_500)
    assert isinstance(clock, Clock)
    clock.now += ahead
    first = scene.send(file)[file].size
    size = scene.grow(3)
    clock.now -= timedelta(seconds=5)
    assert scene.send(file)[file].size == first, "a small step back hastens nothing"
    clock.now -= ahead
    assert scene.send(file)[file].size == size


def test_a_folder_that_was_edited_or_emptied_is_named(scene: Scene, tmp_path: Path) -> None:
    folder, file = tmp_path / "given", tmp_path / "latest.txt"
    targets = (f"{folder}/", str(file))
    scene.send(*targets)
    (kept,) = folder.iterdir()
    assert scene.found(*targets)["checkpoints.given"] == "ok"

    for text in (kept.read_text().replace("\n", "\n1", 1), "not a checkpoint", ""):
        kept.write_text(text)
        assert scene.found(*targets)["checkpoints.given"] == "error"
    kept.unlink()
    assert scene.found(*targets)["checkpoints.given"] == "error"
    kept.write_text(file.read_text())
    assert scene.found(*targets)["checkpoints.given"] == "ok"
    stranger = SignerKey("ledger", b"\x05" * 32)
    body = parse_note(file.read_text())[0]
    file.write_text(f"{body}\n{stranger.sign(body)}")
    assert scene.found(*targets)["checkpoints.given"] == "error"


def test_what_was_given_out_before_a_restore_is_no_fork_once_that_is_recorded(
    scene: Scene, open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    """Every checkpoint of the part that was lost stands in the folder, not the last one alone."""
    target = f"{tmp_path / 'given'}/"
    lost, older = scene.ledger, open_at(name="older.db")
    for seed in (5, 6):
        scene.send(target)
        assert isinstance(scene.clock, Clock)
        scene.clock.pass_(days=1)
        ingest(lost, [Feed(seed).shop("jd", "a shop", "2024-03-05")], "tests")
    scene.send(target)
    assert len(list((tmp_path / "given").iterdir())) == 3
    scene.ledger = older
    assert scene.found(target)["checkpoints.given"] == "error"

    record_restore(older, load_key(scene.key), NOBODY, "root", "the disk died")

    found = scene.found(target)
    assert (found["checkpoints.lost"], found["checkpoints.given"]) == ("warning", "ok")
    scene.send(target)
    assert scene.found(target)["checkpoints.given"] == "ok"


def test_an_address_gets_it_and_what_fails_is_told_and_tried_again(scene: Scene) -> None:
    stored: dict[str, str] = {}
    well = [False]

    def answer(method: str, path: str, body: str) -> tuple[int, str]:
        if method == "GET":
            return (200, stored[path]) if path in stored else (404, "")
        stored.update({path: body} if well[0] else {})
        return (201, "") if well[0] else (500, "full")

    with answering(answer) as url:
        target = url.replace("http://", "http://bureau:secret@") + "/log?token=secret"
        (label, failed) = next(iter(scene.send(target).items()))
        assert "status 500" in failed.failure
        assert "secret" not in label + failed.failure
        assert scene.found(target)["checkpoints.sent"] == "warning"
        well[0] = True
        assert isinstance(scene.clock, Clock)
        scene.clock.now += timedelta(seconds=61)
        assert scene.send(target)[label].failure == ""
        assert open_checkpoint(stored["/log?token=secret"], [scene.public])
        assert scene.found(target) == {"checkpoints.sent": "ok", "checkpoints.given": "ok"}
        assert scene.found(named=(url + "/log?token=secret",)) == {"checkpoints.given": "ok"}
    assert scene.found(named=(url + "/gone",)) == {"checkpoints.given": "warning"}


def test_a_witness_is_shown_that_the_log_continues_and_its_cosignature_is_kept(
    scene: Scene, tmp_path: Path
) -> None:
    known: list[Checkpoint] = []

    def witness(_: str, address: str, body: str) -> tuple[int, str]:
        assert address == "/add-checkpoint"
        head, _, note = body.partition("\n\n")
        old, *hashes = head.split("\n")
        checkpoint = open_checkpoint(note, [scene.public])[0]
        at = known[-1].size if known else 0
        if old != f"old {at}":
            return 409, f"{at}\n"
        if known:
            steps = [base64.b64decode(each) for each in hashes]
            check_consistency(at, checkpoint.size, known[-1].root, checkpoint.root, steps)
        known.append(checkpoint)
        return 200, WITNESS.cosign(parse_note(note)[0], 1_700_000_000)

    file = tmp_path / "witnesses"
    with answering(witness) as url:
        file.write_text(f"# two\n{url} {WITNESS.verifier}\n")
        scene.send(str(tmp_path / "latest"), witnesses=str(file))
        both = [scene.public, WITNESS.verifier]
        assert open_checkpoint((tmp_path / "latest").read_text(), both)[1] == ["ledger", "witness.test"]
        assert isinstance(scene.clock, Clock)
        assert isinstance(scene.clock, Clock)
        scene.clock.pass_(days=1)
        scene.grow(5)
        scene.key.with_name("signing.key.sent").unlink()  # so the witness itself is asked
        sent = scene.send(witnesses=str(file))
    assert [each.failure for each in sent.values()] == [""]
    assert len(known) == 2
    with scene.ledger.store.reading() as rows:
        for _, _, note in list_checkpoints(rows):
            assert open_checkpoint(note, both)[1] == ["ledger", "witness.test"]


@pytest.mark.parametrize(
    ("status", "text", "failure"),
    [
        (409, "9999\n", "another log"),
        (409, "much\n", "status 409"),
        (403, "unknown log", "status 403 unknown log"),
        (200, "— witness.test AAAAAAAA\n", "not signed by any"),
        (200, "", "no cosignature"),
    ],
)
def test_a_witness_that_does_not_cosign_says_why_and_nothing_is_kept(
    scene: Scene, tmp_path: Path, status: int, text: str, failure: str
) -> None:
    with answering(lambda *_: (status, text)) as url:
        (tmp_path / "witnesses").write_text(f"{url} {WITNESS.verifier}\n")
        (sent,) = scene.send(witnesses=str(tmp_path / "witnesses")).values()

    assert failure in sent.failure
    with scene.ledger.store.reading() as rows:
        assert "witness.test" not in list_checkpoints(rows)[0][2]


def test_nothing_leaves_of_a_log_that_the_key_did_not_sign_for(scene: Scene, tmp_path: Path) -> None:
    body = Checkpoint("ledger", 10_000, b"\x01" * 32).body
    beside = scene.key.with_name("signing.key.last")
    beside.write_text(body + "\n" + load_or_make_key(scene.key).sign(body))

    assert scene.send(str(tmp_path / "latest")) == {}
    assert not (tmp_path / "latest").exists()


def test_it_runs_beside_the_service_and_ends_with_it(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.checkpoints.sender.LOOK_SECONDS", 0.05)
    settings = replace(scene.settings, checkpoints_to=(str(tmp_path / "latest"),))
    stops = [start(scene.ledger, settings) for _ in range(3)]
    done = threading.Event()
    for _ in range(200):
        if (tmp_path / "latest").exists() and read_deliveries(scene.key):
            break
        done.wait(0.05)
    for stop in stops:
        assert stop is not None
        stop.set()
    assert open_checkpoint((tmp_path / "latest").read_text(), [scene.public])


@pytest.mark.parametrize("target", ["http://example.com/x", "ftp://example.com/x", "post+http://10.0.0.1/"])
def test_an_address_that_anyone_can_read_on_the_way_is_refused(target: str) -> None:
    with pytest.raises(SettingsError, match="CHECKPOINTS_TO"):
        Settings.from_env({"SUBSIDY_LEDGER_CHECKPOINTS_TO": target})


def test_a_key_of_another_kind_is_no_witness(tmp_path: Path, scene: Scene) -> None:
    plain = VerifierKey("witness.test", 1, WITNESS.verifier.public)
    (tmp_path / "witnesses").write_text(f"https://witness.test {plain}\n")

    assert scene.send(witnesses=str(tmp_path / "witnesses")) == {}
