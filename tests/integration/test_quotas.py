"""What is kept of refused messages is bounded for each sender, who is told of what is not kept."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from domain.authority.roles import Actor
from domain.authority.writes import IDENTITY, Writer
from domain.intake.authorising import Sender
from domain.intake.quotas import KeptRefusals, RefusalQuota
from ledger.audit.check import check_log
from ledger.intake.inbox import ingest
from ledger.intake.machine_keys import make_key
from ledger.intake.refusals import count_kept, list_refused, resolve
from ledger.store.application import Ledger
from ledger.store.schema.migrations import SCHEMA_VERSION, create_tables
from services.web.sheets import desk
from services.web.sheets.desk import Sent, SheetDesk
from tests.events import OPERATOR, Feed
from tests.integration.api_client import BATCH, ONE, STREAM, is_problem
from tests.integration.test_identity import NOW, City

SOURCE, SALES = "urn:cixi:platforms", "subsidy.sales-reported.v1"
FEW = RefusalQuota(messages=5, megabytes=1)


class Platforms:
    """A system with the narrowest key there is: one source, one kind of fact."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.key = make_key(self.city.ledger, OPERATOR, "platforms", SOURCE, [SALES])

    def send(self, body: bytes, media: str = ONE) -> TestResponse:
        return self.city.ask(self.key, "/v1/events", "POST", data=body, content_type=media)

    def kept(self) -> KeptRefusals:
        with self.city.ledger.store.reading() as rows:
            return count_kept(rows, self.key.split("_")[1], f"{NOW:%Y-%m-%dT%H:%M:%S.000000Z}")


@pytest.fixture
def platforms(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Platforms]:
    """With the quota that a test names, or a small one."""
    city = City(tmp_path, refused=getattr(request, "param", FEW))
    yield Platforms(city)
    city.ledger.close()


def sales(number: int, amount: str = "100.00", **more: Any) -> bytes:
    message = {
        "specversion": "1.0",
        "id": f"s-{number}",
        "source": SOURCE,
        "type": SALES,
        "subject": Feed(1).code,
        "time": "2024-03-05T08:00:00+08:00",
        "data": {"year": 2024, "channel": "online", "amount": amount, "currency": "CNY"},
    }
    return json.dumps(message | more).encode()


def wrong(number: int) -> bytes:
    return sales(number, "much")


def codes(answer: TestResponse) -> list[str]:
    return [fault["code"] for fault in is_problem(answer)["faults"]]


def test_beyond_the_quota_nothing_is_kept_and_its_sender_is_told(platforms: Platforms) -> None:
    answers = [platforms.send(wrong(number)) for number in range(7)]

    assert [answer.status_code for answer in answers] == [422] * 5 + [429] * 2
    assert is_problem(answers[-1])["code"] == "refused-full"
    assert codes(answers[-1]) == ["quota.refused", *codes(answers[0])], "why, and what is wrong with it"
    assert int(answers[-1].headers["Retry-After"]) >= 60
    assert platforms.kept().messages == 5
    assert platforms.send(wrong(3)).status_code == 422, "one that is kept already takes no place"
    assert platforms.send(sales(9)).status_code == 201, "what is right is taken as ever"


def test_a_batch_and_a_stream_record_what_is_right_and_answer_429(platforms: Platforms) -> None:
    batch = b"[" + b",".join([wrong(n) for n in range(8)] + [sales(20)]) + b"]"
    stream = b"\n".join([wrong(30), sales(31), wrong(32)])

    told, lines = platforms.send(batch, BATCH), platforms.send(stream, STREAM)

    assert (told.status_code, codes(told)) == (429, ["quota.refused"])
    document = is_problem(told)
    assert document["counts"] == {"messages": 9, "accepted": 1, "duplicate": 0, "refused": 8}
    assert [each["refusal"] is None for each in document["results"]] == [False] * 5 + [True] * 3 + [True]
    assert (lines.status_code, lines.headers["Retry-After"]) == (429, told.headers["Retry-After"])
    document = is_problem(lines)
    assert document["counts"] == {"messages": 3, "accepted": 1, "duplicate": 0, "refused": 2}
    assert [each["line"] for each in document["results"]] == [1, 3]
    again = platforms.send(b"[" + sales(20) + b"," + sales(31) + b"]", BATCH)
    assert again.status_code == 200
    assert json.loads(again.data)["counts"]["duplicate"] == 2


@pytest.mark.parametrize("platforms", [RefusalQuota(messages=100_000, megabytes=1)], indirect=True)
def test_the_narrowest_key_fills_no_more_than_its_megabytes(platforms: Platforms) -> None:
    """Large messages, each wrong in hundreds of fields."""
    many = {f"f{number}": "x" * 100 for number in range(490)}
    for first in range(0, 30, 10):
        batch = b"[" + b",".join(sales(n, **many) for n in range(first, first + 10)) + b"]"
        assert platforms.send(batch, BATCH).status_code == (429 if first else 200)

    kept = platforms.kept()
    assert 0.9 * 2**20 < kept.size_bytes <= 2**20


def test_a_quota_makes_room_a_day_after_what_was_mended_came(open_at: Callable[..., Ledger]) -> None:
    now, ledger = [NOW], open_at()
    ledger.clock = lambda: now[0]
    sender = Sender(Writer(Actor("k", frozenset({"upstream"}), publisher="k1"), IDENTITY), quota=FEW)
    other = Sender(Writer(Actor("l", frozenset({"upstream"}), publisher="k2"), IDENTITY), quota=FEW)

    def unkept(by: Sender, *messages: bytes) -> int:
        return sum(result.is_unkept for result in ingest(ledger, messages, "http", sender=by))

    assert unkept(sender, *(wrong(n) for n in range(6))) == 1
    assert unkept(other, wrong(10)) == 0, "each sender has a quota of its own"
    now[0] += timedelta(days=2)
    assert unkept(sender, wrong(11)) == 1, "what waits counts however long"
    with ledger.store.writing() as rows:
        for message in list_refused(rows)[:5]:
            resolve(rows, message.digest, "dismissed")
    assert unkept(sender, *(wrong(n) for n in range(20, 26))) == 1
    with ledger.store.writing() as rows:
        for message in list_refused(rows):
            resolve(rows, message.digest, "dismissed")
    assert unkept(sender, wrong(30)) == 1, "what came within the day counts, settled or not"
    now[0] += timedelta(days=1, seconds=1)
    assert unkept(sender, wrong(30)) == 0


def test_what_came_while_the_clock_stood_ahead_counts_no_longer(open_at: Callable[..., Ledger]) -> None:
    now, ledger = [NOW + timedelta(days=1_500)], open_at()
    ledger.clock = lambda: now[0]
    sender = Sender(Writer(Actor("k", frozenset({"upstream"}), publisher="k1"), IDENTITY), quota=FEW)
    ingest(ledger, [wrong(n) for n in range(6)], "http", sender=sender)
    with ledger.store.writing() as rows:
        for message in list_refused(rows):
            resolve(rows, message.digest, "dismissed")
    now[0] = NOW

    results = ingest(ledger, [wrong(n) for n in range(10, 16)], "http", sender=sender)

    assert [result.is_unkept for result in results] == [False] * 5 + [True]


def test_doors_without_a_quota_keep_everything_and_note_who_sent_it(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at()
    topic = Sender(Writer(Actor("t", frozenset({"upstream"}), publisher="kafka:subsidy.tax"), IDENTITY))
    results = ingest(ledger, [wrong(n) for n in range(50)], "kafka", sender=topic)
    ingest(ledger, [wrong(60)], "file")

    assert not any(result.is_unkept for result in results)
    with ledger.store.reading() as rows:
        assert [each.sender for each in list_refused(rows)] == ["kafka:subsidy.tax"] * 50 + [""]


def test_messages_refused_again_under_other_requests_add_no_rows(platforms: Platforms) -> None:
    platforms.send(wrong(1))

    def count() -> int:
        with platforms.city.ledger.store.reading() as rows:
            return int(rows.all("SELECT COUNT(*) FROM correlations")[0][0])

    before = count()
    for _ in range(3):
        platforms.send(wrong(1))
    assert count() == before


@pytest.mark.parametrize("altered", [False, True])
def test_the_upgrade_adds_senders_and_leaves_the_sum_as_far_off_as_it_was(
    open_at: Callable[..., Ledger], altered: bool
) -> None:
    """A row that was changed past the program before the upgrade is named after it, as before it."""
    ledger = open_at()
    ingest(ledger, [wrong(n) for n in range(3)], "file")
    with ledger.store.writing() as rows:
        for index in ("refused_open_of", "refused_settled_of"):
            rows.run(f"DROP INDEX {index}")
        rows.run("ALTER TABLE refused DROP COLUMN sender")
        rows.run("DELETE FROM schema_version WHERE version>=8")
        rows.run("DELETE FROM table_sums WHERE name='refused'")
    _sum_without_senders(ledger)
    if altered:
        with ledger.store.writing() as rows:
            rows.guard = None  # type: ignore[attr-defined]
            rows.run("UPDATE refused SET times=99 WHERE number=2")

    assert create_tables(ledger.store, ledger.dialect) == 7 < SCHEMA_VERSION

    with ledger.store.reading() as rows:
        assert {each.sender for each in list_refused(rows)} == {""}
        found = [each.description for each in check_log(rows, [])]
    assert any("refused" in each for each in found) == altered, found


def _sum_without_senders(ledger: Ledger) -> None:
    """The sum as the program of before kept it."""
    from ledger.store import guard

    columns = [name for name in guard.columns_of("refused") if name != "sender"]
    with ledger.store.writing() as rows:
        guard._keep(rows, "refused", guard.sum_of(rows, "refused", columns))


def test_whoever_sends_many_sheets_throws_out_their_own_oldest(
    open_at: Callable[..., Ledger], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "KEPT_EACH_MAX", 3)
    monkeypatch.setattr(desk, "KEPT_MAX", 5)
    sheets = SheetDesk(open_at(), tmp_path / "sheets")

    def send(by: str, number: int) -> str:
        name = sheets.send(io.BytesIO(b"sheet %d" % number), Sent(by, "a.csv", "urn:town"))
        sheets.wait(sheets.find(name, by), 10)
        return name

    def waits(*names: str) -> list[bool]:
        return [(tmp_path / "sheets" / name).exists() for name in names]

    quiet = send("quiet", 0)
    loud = [send("loud", number) for number in range(1, 6)]
    assert waits(quiet, *loud) == [True, False, False, True, True, True]
    others = [send(f"other {number}", number) for number in range(2)]
    assert waits(quiet, *loud[2:], *others) == [True, False, True, True, True, True], "of who has the most"
