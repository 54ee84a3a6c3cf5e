"""Signed notes: the published examples of C2SP and of Go's sumdb, and everything off by a little."""

from __future__ import annotations

import base64

import pytest

from domain.log.notes import (
    COSIGNATURE_V1,
    SIGNATURES_MAX,
    Checkpoint,
    NoteError,
    SignerKey,
    VerifierKey,
    cosigned_message,
    open_checkpoint,
    parse_note,
)

PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
WORDS = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
PETERS = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6Ryy"
    "BwJnAM=\n"
)
ENOCHS = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc"
    "+QQ=\n"
)
EXAMPLE = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE_NOTE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
WITNESS_EXAMPLE = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— witness.example.com/w1 "
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)
LOG = SignerKey("a-ledger", b"\x01" * 32)
WITNESS = SignerKey("an-auditor", b"\x02" * 32, COSIGNATURE_V1)
STATE = Checkpoint("a-ledger", 7, b"\x05" * 32)
NOTE = f"{STATE.body}\n{LOG.sign(STATE.body)}"


def test_the_examples_of_go_and_of_c2sp_verify() -> None:
    body, signatures = parse_note(WORDS + "\n" + PETERS + ENOCHS)
    said, examples = parse_note(EXAMPLE_NOTE)

    assert body == WORDS
    assert [each.name for each in signatures] == ["PeterNeumann", "EnochRoot"]
    assert VerifierKey.parse(PETER).verifies(body, signatures[0])
    assert VerifierKey.parse(ENOCH).verifies(body, signatures[1])
    assert VerifierKey.parse(EXAMPLE).verifies(said, examples[0])


def test_signing_gives_the_published_signature_and_key() -> None:
    signer = SignerKey("PeterNeumann", PETER_SEED)

    assert signer.sign(WORDS) == PETERS
    assert str(signer.verifier) == PETER


@pytest.mark.parametrize(
    "key",
    [PETER, ENOCH, EXAMPLE, "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"],
)
def test_a_key_is_read_and_written_as_it_was(key: str) -> None:
    assert str(VerifierKey.parse(key)) == key


@pytest.mark.parametrize(
    "key",
    [
        "",
        "PeterNeumann",
        PETER.replace("c74f20a3", "c74f20a4"),
        PETER.replace("c74f20a3", "c74f203"),
        PETER.replace("Peter", "Petra"),
        PETER[:-4],
        PETER + "!",
        PETER.replace("+ARpc", "+Zzzz"),
        "a b" + PETER,
    ],
)
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(NoteError):
        VerifierKey.parse(key)


def test_no_key_verifies_another_text_or_another_key_s_signature() -> None:
    _, (peters, enochs) = parse_note(WORDS + "\n" + PETERS + ENOCHS)
    key = VerifierKey.parse(PETER)

    assert not key.verifies(WORDS + "\n", peters)
    assert not key.verifies(WORDS, enochs)
    assert not key.verifies(WORDS, peters._replace(signature=enochs.signature))
    assert not key.verifies(WORDS, peters._replace(signature=peters.signature[:-1]))
    assert not key.verifies(WORDS, peters._replace(signature=b""))


def test_a_checkpoint_is_opened_by_the_keys_that_signed_it() -> None:
    whole = NOTE + WITNESS.cosign(STATE.body, 1_700_000_000)

    assert open_checkpoint(NOTE, [LOG.verifier]) == (STATE, ["a-ledger"])
    assert open_checkpoint(whole, [LOG.verifier, WITNESS.verifier]) == (STATE, ["a-ledger", "an-auditor"])
    assert open_checkpoint(whole, [WITNESS.verifier]) == (STATE, ["an-auditor"])


@pytest.mark.parametrize(
    "note",
    [
        NOTE.replace("\n7\n", "\n8\n"),
        NOTE.replace("\n7\n", "\n07\n"),
        NOTE.replace("a-ledger\n", "b-ledger\n", 1),
        NOTE.replace("BQUF", "BQUG", 1),
        NOTE.replace("— a-ledger", "— b-ledger"),
        NOTE.rstrip("\n"),
        STATE.body,
        STATE.body + "\n",
        STATE.body + "\n" + SignerKey("a-ledger", b"\x09" * 32).sign(STATE.body),
        STATE.body + "\n" + "— a-ledger AAAA\n",
        STATE.body + "\n" + LOG.sign(STATE.body) * (SIGNATURES_MAX + 1),
        NOTE + "x" * 70_000,
    ],
)
def test_nothing_that_was_changed_is_opened(note: str) -> None:
    with pytest.raises(NoteError):
        open_checkpoint(note, [LOG.verifier])


def test_a_wrong_signature_of_one_key_spoils_the_note_though_another_is_right() -> None:
    wrong = WITNESS.cosign(Checkpoint("a-ledger", 8, STATE.root).body, 1_700_000_000)

    with pytest.raises(NoteError, match="an-auditor"):
        open_checkpoint(NOTE + wrong, [LOG.verifier, WITNESS.verifier])


def test_a_cosignature_covers_its_time() -> None:
    _, (line,) = parse_note(STATE.body + "\n" + WITNESS.cosign(STATE.body, 1_700_000_000))
    later = (1_700_000_001).to_bytes(8, "big") + line.signature[8:]

    assert WITNESS.verifier.verifies(STATE.body, line)
    assert not WITNESS.verifier.verifies(STATE.body, line._replace(signature=later))
    assert not WITNESS.verifier.verifies(STATE.body, line._replace(signature=line.signature[8:]))


def test_the_form_of_a_cosignature_is_that_of_the_published_example() -> None:
    """C2SP publishes this line without its key: its parts and the signed text can be held against it."""
    body, (line,) = parse_note(WITNESS_EXAMPLE)
    checkpoint = Checkpoint.parse(body)

    assert line.key_id.hex() == "8d66cf3f"
    assert len(line.signature) == 72
    assert int.from_bytes(line.signature[:8], "big") == 1_679_315_147
    assert checkpoint.body == body
    assert cosigned_message(body, 1_679_315_147).decode() == f"cosignature/v1\ntime 1679315147\n{body}"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "a\n7\n",
        "a\n-1\n" + STATE.body.split("\n")[2] + "\n",
        "a\n7\nAAAA\n",
        "a\n7\n???\n",
        "\n7\nAAAA\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(body: str) -> None:
    with pytest.raises(NoteError):
        Checkpoint.parse(body)
