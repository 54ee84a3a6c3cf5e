"""A name that a claim keeps: encrypted under its own key, erased with it, while the log still verifies."""

from __future__ import annotations

import base64
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from domain.log.notes import SignerKey
from ledger.audit.bundle import write_enterprise, write_year
from ledger.audit.check import check_log
from ledger.audit.checkpoints import current
from ledger.intake.inbox import ingest
from ledger.policies.versions import set_budget
from ledger.replay.comparison import replay
from ledger.store import persons
from ledger.store.application import Ledger
from ledger.store.persons import ERASED, SEALED, UnknownPerson, erase, name_of
from ledger.store.stored_events import Stored, events_of
from services.cli.main import main
from services.verify import verify
from tests import answers as explanations
from tests.events import CIXI, Feed, take
from tests.integration.api_client import Api

NAME = "慈溪张三丰"
MEASURE = "talent.team"
KEY = SignerKey("ledger", b"\x01" * 32)


def claim(feed: Feed, name: str | None = NAME, step: str = "claim-approved") -> bytes:
    """An award of talent that names a person."""
    named = {"policy": CIXI, "measure": MEASURE, "item": "team", "claim": "c-1"}
    person = {} if name is None else {"person": name}
    return feed.of_year(step, 2024, "1000.00", **named, **person)


def events(ledger: Ledger, feed: Feed) -> list[Stored]:
    """What the ledger stored."""
    with ledger.store.reading() as rows:
        return events_of(rows, feed.code)


def names(ledger: Ledger, feed: Feed) -> list[str | None]:
    """The names that can be read."""
    with ledger.store.reading() as rows:
        return [name_of(rows, feed.code, event.fact) for event in events_of(rows, feed.code)]


def bytes_of(folder: Path) -> bytes:
    """Every byte of the database's files."""
    return b"".join(file.read_bytes() for file in sorted(folder.glob("ledger.db*")))


@pytest.fixture
def ledger(open_at: Callable[..., Ledger]) -> Ledger:
    """A ledger that holds the policy."""
    return open_at()


def test_a_name_is_stored_encrypted_and_read_back(ledger: Ledger) -> None:
    feed = Feed(1)
    take(ledger, claim(feed, step="claim-submitted"), claim(feed))
    stored = [str(event.fact.content.field_value("person")) for event in events(ledger, feed)]
    assert all(len(base64.b64decode(each)) == 12 + len(NAME.encode()) + 16 for each in stored)
    assert len(set(stored)) == 2
    assert names(ledger, feed) == [NAME, NAME]
    with ledger.store.reading() as rows:
        assert [len(bytes(row[0])) for row in rows.all("SELECT key FROM person_keys")] == [32]


def test_a_name_opens_only_in_the_event_it_was_sealed_in(ledger: Ledger) -> None:
    feed = Feed(1)
    take(ledger, claim(feed, step="claim-submitted"), claim(feed))
    first, second = (event.fact for event in events(ledger, feed))
    moved = replace(second, content=replace(second.content, person=first.content.field_value("person")))
    with ledger.store.reading() as rows:
        assert name_of(rows, feed.code, moved) is None
        broken = replace(first, content=replace(first.content, person="?"))
        assert name_of(rows, feed.code, broken) is None


def test_the_same_message_again_is_a_duplicate_before_and_after_erasure(ledger: Ledger) -> None:
    feed = Feed(1)
    sent = claim(feed)
    take(ledger, sent)
    assert [r.status for r in ingest(ledger, [sent, sent], "tests")] == ["duplicate", "duplicate"]
    other = sent.replace(NAME.encode(), "李四".encode())
    (result,) = ingest(ledger, [other], "tests")
    assert [fault.code for fault in result.faults] == ["identity.reused"]
    unnamed = sent.replace(f', "person": "{NAME}"'.encode(), b"")
    assert b"person" not in unnamed
    erase(ledger, CIXI, "c-1", feed.code)
    statuses = [r.status for r in ingest(ledger, [sent, unnamed], "tests")]
    assert statuses == ["duplicate", "refused"]


def test_a_correction_of_a_name_is_refused(ledger: Ledger) -> None:
    feed = Feed(1)
    take(ledger, claim(feed))
    (result,) = ingest(ledger, [feed.correct(feed.last, "claim-approved", person="李四")], "tests")
    assert [(f.code, f.field) for f in result.faults] == [("amend.person", "data.changes.person")]
    take(ledger, feed.correct("e1-1", "claim-approved", amount="900.00"))


def test_erasing_leaves_the_log_replay_and_explanations_whole(ledger: Ledger, tmp_path: Path) -> None:
    feed, other = Feed(1), Feed(2)
    take(ledger, claim(feed, step="claim-submitted"), claim(feed), claim(other, "王五"))
    before = events(ledger, feed)

    def person() -> list[str]:
        with ledger.store.reading() as rows:
            awards = explanations.explain(ledger, rows, feed.code, CIXI, 2024)["awards"]
        return [s["content"]["person"] for a in awards for s in a["sources"] if "person" in s["content"]]

    assert set(person()) == {NAME}
    assert erase(ledger, CIXI, "c-1", feed.code) == (2, 1, 0)
    assert names(ledger, feed) == [None, None]
    assert names(ledger, other) == ["王五"]
    assert set(person()) == {ERASED}
    assert events(ledger, feed) == before
    with ledger.store.reading() as rows:
        assert check_log(rows, [KEY.verifier]) == []
    assert replay(ledger, str(tmp_path / "replica.db")).equal
    assert erase(ledger, CIXI, "c-1", feed.code).keys == 0
    take(ledger, claim(feed, "李四", "claim-submitted"))
    assert names(ledger, feed) == [None, None, "李四"]
    with pytest.raises(UnknownPerson):
        erase(ledger, CIXI, "c-2", feed.code)


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_no_byte_of_the_name_or_key_is_left_in_the_file(ledger: Ledger, tmp_path: Path) -> None:
    feed = Feed(1)
    refused = json.loads(claim(feed))
    take(ledger, json.dumps(refused, ensure_ascii=False).encode())
    reused = {**refused, "data": {**refused["data"], "amount": "2.00"}}
    ingest(ledger, [json.dumps(reused, ensure_ascii=False).encode()], "tests")
    for number in range(2, 400):
        take(ledger, claim(Feed(number), f"p{number}"))
    with ledger.store.reading() as rows:
        (key,) = (bytes(r[0]) for r in rows.all("SELECT key FROM person_keys WHERE code=?", [feed.code]))
    assert key in bytes_of(tmp_path)
    assert NAME.encode() in bytes_of(tmp_path), "in the refused message"
    assert erase(ledger, CIXI, "c-1", feed.code).refused == 1
    left = bytes_of(tmp_path)
    assert NAME.encode() not in left
    assert key not in left
    assert str(events(ledger, feed)[0].fact.content.field_value("person")).encode() in left


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_the_command_erases(ledger: Ledger, tmp_path: Path) -> None:
    feed = Feed(1)
    take(ledger, claim(feed))
    start = ["--database", str(tmp_path / "ledger.db"), "erase-person", feed.code]
    result = CliRunner().invoke(main, [*start, "c-1"])
    assert (result.exit_code, "1 个密钥" in result.output) == (0, True), result.output
    assert names(ledger, feed) == [None]
    assert CliRunner().invoke(main, [*start, "none"]).exit_code == 1


def test_bundles_verify_after_erasing_and_hold_neither_name_nor_key(ledger: Ledger, tmp_path: Path) -> None:
    feed = Feed(1)
    set_budget(ledger, CIXI, "2024", 100_000_00)
    take(ledger, claim(feed, step="claim-submitted"), claim(feed))
    with ledger.store.reading() as rows:
        key = bytes(rows.all("SELECT key FROM person_keys")[0][0])
    for when in ("before", "after"):
        year, own = tmp_path / f"{when}-year.zip", tmp_path / f"{when}-own.zip"
        signed = current(ledger, KEY)
        size = int(signed.split("\n")[1])
        write_year(ledger, year, CIXI, 2024, signed, size)
        write_enterprise(ledger, own, feed.code, CIXI, 2024, signed, size, KEY)
        for bundle in (year, own):
            assert verify(bundle, [KEY.verifier], 0)[1].faults == []
            with zipfile.ZipFile(bundle) as members:
                whole = b"".join(members.read(name) for name in members.namelist())
            for secret in (NAME.encode(), key, base64.b64encode(key), key.hex().encode()):
                assert secret not in whole
        erase(ledger, CIXI, "c-1", feed.code)


def test_the_api_lists_events_without_the_name(api: Api) -> None:
    feed = Feed(1)
    take(api.ledger, claim(feed))
    (event,) = api.get(f"/v1/enterprises/{feed.code}/events")["items"]
    assert event["data"]["person"] == SEALED
    said = api.get(f"/v1/enterprises/{feed.code}/explanations/{CIXI}/2024")
    assert NAME in json.dumps(said, ensure_ascii=False)


def test_the_bound_text_names_source_and_id(ledger: Ledger) -> None:
    feed = Feed(1)
    take(ledger, claim(feed))
    assert persons._bound(events(ledger, feed)[0].fact) == b"urn:tests|e1-1"
