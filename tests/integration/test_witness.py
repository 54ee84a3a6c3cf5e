"""The audit office as a witness: what its command and its service cosign, and what neither ever does."""

from __future__ import annotations

import base64
import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from domain.log.notes import Checkpoint, SignerKey, VerifierKey, open_checkpoint, parse_note
from ledger.audit import checkpoints, rotation
from ledger.audit.checkpoints import load_or_make_key
from ledger.intake.inbox import ingest
from ledger.log.key_record import load_key
from ledger.store.application import open_ledger
from services.checkpoints.sender import Sender
from services.cli.main import main
from services.runtime.settings import Settings
from services.sample.city import city
from services.witness.service import make_witness_server
from services.witness.state import hold_state
from tests.integration.test_checkpoints_leave import answering
from tests.witnessed import LEAVES, LOG, OTHERS, note_of, path_of, submit


class Office:
    """The audit office's folder: its key, and a checkpoint that it got."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.key = folder, folder / "office.key"
        self.key_options = ("--key", str(LOG.verifier))

    def cosign(self, note: str, *options: str, language: str = "en") -> Result:
        (self.folder / "note").write_text(note, "utf-8")
        given = ("--witness", "office", "--witness-key", str(self.key), "--out", str(self.folder / "out"))
        words = ("--language", language, "cosign", str(self.folder / "note"), *given)
        return CliRunner().invoke(main, [*words, *options])

    def begin(self, size: int = 10) -> None:
        done = self.cosign(note_of(size), "--first", *self.key_options)
        assert done.exit_code == 0, done.output

    def prove(self, first: int, second: int) -> tuple[str, ...]:
        file = self.folder / "proof"
        file.write_text("\n".join(step.hex() for step in path_of(first, second)))
        return (*self.key_options, "--proof", str(file))

    def cosigned(self) -> Checkpoint:
        text = (self.folder / "out").read_text("utf-8")
        return Checkpoint.parse(parse_note(text)[0])


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_the_command_of_before_says_that_the_key_is_lacking(office: Office) -> None:
    for language, words in (
        ("en", "give the ledger's public key by --key"),
        ("zh", "须用 --key 写明账本的公钥"),
    ):
        refused = office.cosign(note_of(10), language=language)
        assert refused.exit_code == 1
        assert words in refused.stderr
    assert not office.key.exists()


def test_a_checkpoint_whose_size_was_altered_is_not_cosigned(office: Office) -> None:
    refused = office.cosign(note_of(10).replace("\n10\n", "\n11\n"), "--first", *office.key_options)

    assert refused.exit_code == 1
    assert "the log's own signature does not count" in refused.stderr
    assert not (office.folder / "out").exists()


def test_a_checkpoint_of_a_stranger_is_not_cosigned(office: Office) -> None:
    stranger = SignerKey("ledger", b"\x05" * 32)
    other_log = ("--key", str(SignerKey("other", b"\x01" * 32).verifier))

    assert "not signed by any" in office.cosign(note_of(10, key=stranger), *office.key_options).stderr
    assert "no key of the log ledger was given" in office.cosign(note_of(10), *other_log).stderr


def test_the_first_is_trusted_only_where_that_is_said_and_only_once(office: Office) -> None:
    assert "give --first" in office.cosign(note_of(10), *office.key_options).stderr
    office.begin()
    vouching = open_checkpoint(
        (office.folder / "out").read_text("utf-8"), [LOG.verifier, witness_key(office)]
    )[1]
    assert vouching == ["ledger", "office"]

    assert "leave --first out" in office.cosign(note_of(10), "--first", *office.key_options).stderr
    assert office.cosign(note_of(10), *office.key_options).exit_code == 0, "once more, as it may be lost"


def test_the_log_must_be_shown_to_continue_what_was_cosigned(office: Office) -> None:
    office.begin(10)

    unproven = office.cosign(note_of(13), *office.key_options)
    assert "prove-consistency 10 13" in unproven.stderr
    assert "nothing proves" in office.cosign(note_of(13, OTHERS), *office.prove(10, 13)).stderr
    assert "nothing proves" in office.cosign(note_of(13), *office.prove(9, 13)).stderr
    assert office.cosigned().size == 10

    assert office.cosign(note_of(13), *office.prove(10, 13)).exit_code == 0
    assert office.cosigned().size == 13
    assert "never goes back" in office.cosign(note_of(10), *office.key_options).stderr


def test_of_a_fork_both_checkpoints_are_kept(office: Office) -> None:
    office.begin(10)

    refused = office.cosign(note_of(10, OTHERS), *office.key_options)

    assert refused.exit_code == 1
    assert "two histories" in refused.stderr
    kept = [file.read_text("utf-8") for file in office.folder.glob("office.key.forks/*.txt")]
    roots = {open_checkpoint(note, [LOG.verifier])[0].root for note in kept}
    assert roots == {Checkpoint.parse(parse_note(note_of(10, leaves))[0]).root for leaves in (LEAVES, OTHERS)}
    assert office.cosign(note_of(10), *office.key_options).exit_code == 0


def test_a_state_or_key_that_was_changed_or_is_gone_is_seen(office: Office) -> None:
    office.begin(13)
    state = office.key.with_name("office.key.cosigned")
    well = state.read_text("utf-8")
    for changed in (well.replace("\\n13\\n", "\\n10\\n"), "{", "[]", '{"ledger": 3}'):
        state.write_text(changed, "utf-8")
        assert office.cosign(note_of(13), *office.key_options).exit_code == 1
    state.write_text(well, "utf-8")
    assert office.cosign(note_of(13), *office.key_options).exit_code == 0
    state.unlink()
    assert "put it back" in office.cosign(note_of(10, OTHERS), "--first", *office.key_options).stderr
    state.write_text(well, "utf-8")
    office.key.unlink()
    assert "put it back" in office.cosign(note_of(13), "--first", *office.key_options).stderr


def test_a_key_of_the_ledger_is_no_witness(office: Office) -> None:
    office.key.write_text(f"office {base64.b64encode(LOG.seed).decode()}\n")

    refused = office.cosign(note_of(10), "--first", *office.key_options)

    assert "a key of its own" in refused.stderr


def test_a_key_that_ended_counts_up_to_its_end_alone(office: Office) -> None:
    root = Checkpoint.parse(parse_note(note_of(10))[0]).root
    ended = ("--key", f"{LOG.verifier}@10:{base64.b64encode(root).decode()}")

    assert office.cosign(note_of(10), "--first", *ended).exit_code == 0
    assert "was replaced at 10" in office.cosign(note_of(13), *office.prove(10, 13), *ended).stderr


def test_the_proof_comes_from_the_ledger_its_bundle_or_its_service(office: Office) -> None:
    """A real ledger, whose key is replaced between two checkpoints; both keys are given with the end."""
    database, folder = office.folder / "ledger.db", office.folder
    ledger = open_ledger(str(database))

    def run(*words: str) -> str:
        key = ("--key-file", str(folder / "signing.key"))
        done = CliRunner().invoke(main, ["--database", str(database), *words, *key])
        assert done.exit_code == 0, done.output
        return done.stdout

    CliRunner().invoke(main, ["--database", str(database), "sample", "--enterprises=5"])
    ingest(ledger, list(city(3, seed=1)), "tests")
    office.key_options = ("--key", run("log-keys").strip())
    assert office.cosign(run("checkpoint"), "--first", *office.key_options).exit_code == 0
    first = office.cosigned().size
    ingest(ledger, list(city(3, seed=2)), "tests")
    rotated = rotation.rotate(ledger, folder / "signing.key")
    rotation.end_rotation(folder / "signing.key")
    ingest(ledger, list(city(3, seed=3)), "tests")
    note = run("checkpoint")
    (folder / "statement").write_text(rotated.statement, "utf-8")
    run("bundle", "--year", "2024", "--out", str(folder / "year.zip"))

    assert office.cosign(note, *office.key_options).exit_code == 1, "the new key was not told of"
    trusting = (*office.key_options, "--statement", str(folder / "statement"))
    assert office.cosign(note, *trusting, "--bundle", str(folder / "year.zip")).exit_code == 0
    assert office.cosigned().size > first
    ingest(ledger, list(city(3, seed=4)), "tests")
    words = ("--database", str(database), "cosign", str(folder / "note"), "--witness", "office")
    (folder / "note").write_text(run("checkpoint"), "utf-8")
    kept = CliRunner().invoke(main, [*words, "--witness-key", str(office.key), *trusting, "--keep"])
    assert kept.exit_code == 0, kept.output
    ledger.close()


def test_the_proof_comes_from_a_service(office: Office) -> None:
    office.begin(10)

    def answer(method: str, address: str, _: str) -> tuple[int, str]:
        assert (method, address) == ("GET", "/v1/log/consistency?first=10&second=13")
        return 200, json.dumps({"first": 10, "second": 13, "path": [step.hex() for step in path_of(10, 13)]})

    for given, status in ((lambda *_: (200, "[]"), 1), (lambda *_: (404, ""), 1), (answer, 0)):
        with answering(given) as url:
            asked = office.cosign(note_of(13), *office.key_options, "--service", url)
            assert asked.exit_code == status, asked.output


def witness_key(office: Office) -> VerifierKey:
    seed = load_key(office.key)
    return SignerKey(seed.name, seed.seed, 4).verifier


@contextmanager
def served(office: Office, keys: list[VerifierKey]) -> Iterator[str]:
    server = make_witness_server("127.0.0.1", 0, office.key, keys)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_service_answers_as_the_protocol_says(office: Office) -> None:
    office.begin(10)
    with served(office, [LOG.verifier]) as url:
        size = (409, "text/x.tlog.size", "10\n")
        assert submit(url, 0, [], note_of(13)) == size
        assert submit(url, 10, [], note_of(10, OTHERS)) == size
        assert submit(url, 9, path_of(9, 13), note_of(13)) == size
        assert submit(url, 14, [], note_of(13))[0] == 400
        assert submit(url, 10, [b"\x01" * 32] * 64, note_of(13))[0] == 400
        assert submit(url, 10, [b"\x01"], note_of(13))[0] == 400
        assert submit(url, 10, [], "nothing\n")[0] == 400
        assert submit(url, 10, [], note_of(13, key=SignerKey("ledger", b"\x05" * 32)))[0] == 403
        assert submit(url, 10, [], note_of(13).replace("ledger\n", "elsewhere\n", 1))[0] == 404
        assert submit(url, 10, [b"\x01" * 32], note_of(13))[0] == 422
        assert submit(url, 10, path_of(10, 13), note_of(13, OTHERS))[0] == 422
        status, _, line = submit(url, 10, path_of(10, 13), note_of(13))
        assert status == 200
        assert open_checkpoint(note_of(13) + line, [LOG.verifier, witness_key(office)])[1] == [
            "ledger",
            "office",
        ]
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert answer.read().decode() == f"{witness_key(office)}\nledger 13\n"
    assert len(list(office.folder.glob("office.key.forks/*.txt"))) == 2


def test_an_empty_log_under_another_root_is_refused_and_kept(office: Office) -> None:
    office.begin(10)
    with hold_state(office.key) as state:
        state.begin("new")
    key = SignerKey("new", b"\x03" * 32)
    body = Checkpoint("new", 0, b"\x01" * 32).body
    with served(office, [key.verifier]) as url:
        answer = submit(url, 0, [], f"{body}\n{key.sign(body)}")

    assert answer == (409, "text/x.tlog.size", "0\n")
    (kept,) = office.folder.glob("office.key.forks/*.txt")
    assert kept.read_text("utf-8").startswith("new\n0\n")


def test_garbage_among_the_signatures_does_not_reach_what_is_kept(office: Office) -> None:
    office.begin(10)
    garbage = "".join(SignerKey(f"x{number}", b"\x07" * 32).sign("y\n") for number in range(99))
    with served(office, [LOG.verifier]) as url:
        assert submit(url, 10, path_of(10, 13), note_of(13) + garbage)[0] == 200
        assert submit(url, 13, [], note_of(13))[0] == 200


def test_many_at_once_never_bring_the_witness_back(office: Office) -> None:
    office.begin(1)
    answers: list[tuple[int, int]] = []
    with served(office, [LOG.verifier]) as url:

        def ask(size: int) -> None:
            answers.append((size, submit(url, 1, path_of(1, size), note_of(size))[0]))

        threads = [threading.Thread(target=ask, args=(size,)) for size in range(2, 14)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(status for _, status in answers) == [200] + [409] * 11


def test_the_ledgers_sender_and_the_service_agree(office: Office) -> None:
    ledger = open_ledger(str(office.folder / "ledger.db"), create=True)
    ingest(ledger, list(city(3, seed=1)), "tests")
    settings = Settings(
        signing_key=str(office.folder / "signing.key"),
        witnesses=str(office.folder / "witnesses"),
        checkpoints_every=5,
    )
    public = load_or_make_key(office.folder / "signing.key", "ledger").verifier
    office.key_options = ("--key", str(public))
    first = checkpoints.current(ledger, load_or_make_key(office.folder / "signing.key"))
    assert office.cosign(first, "--first", *office.key_options).exit_code == 0
    with served(office, [public]) as url:
        (office.folder / "witnesses").write_text(f"{url} {witness_key(office)}\n")
        for seed in (2, 3):
            ingest(ledger, list(city(3, seed=seed)), "tests")
            (office.folder / "signing.key.sent").unlink(missing_ok=True)
            (sent,) = Sender(ledger, settings).step().values()
            assert sent.failure == ""
    ledger.close()
