"""What is published of closed years, and checkpoints; the broker itself is in tests/e2e/test_kafka.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

import pytest
from jsonschema import Draft202012Validator

from domain.log.notes import SignerKey, open_checkpoint
from ledger.audit import checkpoints
from ledger.intake.inbox import ingest
from ledger.projections.closings import closing_of
from ledger.store.append import tracked
from ledger.store.application import Ledger
from ledger.store.rows import Rows
from services.kafka import asyncapi
from services.kafka import checkpoints as publishing
from services.kafka.checkpoints import Checkpoints
from services.kafka.envelope import Outgoing
from services.kafka.publisher import outgoing
from services.kafka.settled import ACCOUNT, CLOSED
from tests.events import CIXI, Feed
from tests.integration.closings import Closed, closed

KEY = SignerKey("ledger", b"\x01" * 32)


@pytest.fixture
def scene(open_at: Callable[..., Ledger]) -> Closed:
    return closed(open_at, years=(2024,))


def sent(rows: Rows, step: int) -> list[Outgoing]:
    """Everything, a range of positions at a time, as the publisher sends it."""
    found: list[Outgoing] = []
    for after in range(0, rows.last_position(), step):
        until = min(after + step, rows.last_position())
        found += sorted(outgoing(rows, after, until), key=lambda each: each.position)
    return found


def test_closings_and_accounts_are_published_in_order_and_the_same_however_they_are_cut(
    scene: Closed,
) -> None:
    with scene.ledger.store.reading() as rows:
        whole, cut = sent(rows, 10_000), sent(rows, 7)
        closing = closing_of(rows, CIXI, 2024)
        count = rows.all("SELECT COUNT(*) FROM stored_events WHERE originator_id LIKE 'account:%'")[0][0]
    assert closing is not None
    messages = [json.loads(each.value) for each in whole]
    checks = {type_: Draft202012Validator(schema) for type_, schema in asyncapi.messages().items()}

    assert cut == whole
    assert len({each["id"] for each in messages}) == len(messages)
    for each, record in zip(messages, whole, strict=True):
        checks[each["type"]].validate(each)
        assert (each["subject"], each["data"]["position"]) == (record.key, record.position)
    for key in {record.key for record in whole}:
        positions = [record.position for record in whole if record.key == key]
        assert positions == sorted(positions)
    (said,) = [each["data"] for each in messages if each["type"] == CLOSED]
    assert (said["lines_digest"], said["log_root"]) == (closing.lines_digest, closing.log_root)
    assert (said["budget"], said["payable"]) == ("4000000.00", "4000000.00")
    accounts = [each["data"] for each in messages if each["type"] == ACCOUNT]
    assert len(accounts) == count
    assert sum(cents(each["payable"]) for each in accounts if each["event"] == "awards-settled") == 4 * 10**8


def test_an_account_s_message_says_how_it_stands_after_its_event(scene: Closed) -> None:
    with scene.ledger.store.reading() as rows:
        mine = [json.loads(each.value) for each in sent(rows, 50) if each.key == scene.code]
    accounts = [each["data"] for each in mine if each["type"] == ACCOUNT]
    names = ("event", "ordered", "paid", "outstanding", "clawed_back", "recovered")
    payable, zero = accounts[0]["payable"], "0.00"

    assert [tuple(each[name] for name in names) for each in accounts] == [
        ("awards-settled", zero, zero, payable, zero, zero),
        ("payment-ordered", payable, zero, zero, zero, zero),
        ("payment-failed", zero, zero, payable, zero, zero),
        ("payment-ordered", payable, zero, zero, zero, zero),
        ("payment-made", zero, payable, zero, zero, zero),
        ("clawback-ordered", zero, payable, zero, "1000.00", zero),
        ("clawback-recovered", zero, payable, zero, "1000.00", "400.00"),
        ("adjustment-accepted", zero, payable, zero, "1000.00", "400.00"),
    ]
    assert [each["reference"] is None for each in accounts] == [True] + [False] * 7
    assert "came late" not in json.dumps(mine, ensure_ascii=False)


def cents(text: str) -> int:
    """Yuan text in fen."""
    return int(text.replace(".", ""))


# --- checkpoints -----------------------------------------------------------------------------------


class Producer:
    """Keeps what it is given; stands for Kafka's."""

    def __init__(self) -> None:
        self.records: list[tuple[str, bytes, bytes]] = []
        self.away = False

    def send(self, topic: str, key: bytes, value: bytes) -> Producer:
        self.records.append((topic, key, value))
        return self

    def get(self, timeout: float) -> None:
        if self.away:
            raise TimeoutError


@pytest.fixture
def publisher(open_at: Callable[..., Ledger], monkeypatch: pytest.MonkeyPatch) -> Checkpoints:
    monkeypatch.setattr(publishing, "PAUSE_SECONDS", 0.0)
    return Checkpoints(open_at(), lambda: KEY, cast("Any", Producer()), "checks")


def grown(ledger: Ledger, number: int) -> None:
    ingest(ledger, [Feed(number).shop("jd", "a", "2024-05-05")], "tests")


def test_a_checkpoint_is_published_whenever_the_log_has_grown(publisher: Checkpoints) -> None:
    ledger, records = publisher.ledger, cast("Producer", publisher.producer).records
    sizes = [publisher.step(), publisher.step()]
    grown(ledger, 1)
    sizes += [publisher.step(), publisher.step()]

    assert sizes == [1, None, 2, None]
    assert {(topic, key) for topic, key, _ in records} == {("checks", b"ledger")}
    assert [open_checkpoint(v.decode(), [KEY.verifier])[0].size for *_, v in records] == [1, 2]
    assert records[-1][2].decode() == checkpoints.current(ledger, KEY)


def test_a_checkpoint_that_did_not_leave_is_sent_again(publisher: Checkpoints) -> None:
    producer = cast("Producer", publisher.producer)
    producer.away = True
    with pytest.raises(TimeoutError):
        publisher.step()
    producer.away = False

    assert publisher.step() == 1
    assert producer.records[0] == producer.records[1]
    with publisher.ledger.store.reading() as rows:
        assert tracked(rows, publishing.TRACKED) == 1


def test_nothing_is_signed_for_a_log_that_was_rewritten(publisher: Checkpoints) -> None:
    assert publisher.step() == 1
    with publisher.ledger.store.writing() as rows:
        rows.run("UPDATE checkpoints SET root=?", [b"\x00" * 32])
    grown(publisher.ledger, 1)

    assert publisher.step() is None
    assert len(cast("Producer", publisher.producer).records) == 1


def test_a_key_that_was_rotated_signs_the_next_checkpoint(
    publisher: Checkpoints, caplog: pytest.LogCaptureFixture
) -> None:
    rotated = SignerKey("ledger", b"\x07" * 32)
    assert publisher.step() == 1
    grown(publisher.ledger, 1)
    publisher.signer = lambda: rotated
    assert publisher.step() == 2
    assert open_checkpoint(cast("Producer", publisher.producer).records[-1][2].decode(), [rotated.verifier])

    def away() -> SignerKey:
        raise FileNotFoundError("no key")

    grown(publisher.ledger, 2)
    publisher.signer = away
    assert publisher.step() is None
    assert "no checkpoint is signed" in caplog.text


def test_checkpoints_keep_a_pause(publisher: Checkpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "PAUSE_SECONDS", 60.0)
    assert publisher.step() == 1
    grown(publisher.ledger, 1)

    assert publisher.step() is None
