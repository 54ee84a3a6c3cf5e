"""A ledger that 46ad05e wrote opens after ``migrate`` and answers as it did then (tests/golden).

Everything is asked from outside: commands, HTTP, and the table of stored events. What is compared is
everything that was answered, byte by byte where a person or a program may have kept it.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import lzma
import os
import re
import shutil
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import openpyxl
import psycopg
import pytest

from domain.events import STATES
from domain.events.instants import day_of, instant
from domain.money.amounts import parse_fen
from ledger.policies.versions import set_budget
from ledger.store.application import open_ledger
from ledger.store.rows import UnsuitableStore
from tests.commands import run_command as run_forked
from tests.conftest import POLICY
from tests.events import CIXI
from tests.golden.answers import (
    WRITTEN_OTHERWISE,
    Asker,
    FrozenAnswer,
    list_differences,
    read_answers,
    reduce_to_figures,
)
from tests.golden.outside import LEDGER, Answer, run_command, serving, settings
from tests.postgres import Server

GOLDEN = Path(__file__).parents[1] / "golden" / "46ad05e"
GIVEN = GOLDEN / "given"
ANSWERS = read_answers(GOLDEN / "answers.ndjson.xz")
EVENTS = [json.loads(line) for line in (GOLDEN / "events.ndjson").read_text("utf-8").splitlines()]
ROOTS: dict[str, str] = json.loads((GOLDEN / "roots.json").read_text("utf-8"))
REWORDED = re.compile(
    r"^RUN settle list --policy cixi-ecommerce-2024 --year 2024 \{out\}\.ndjson|/settlement/summary\.xlsx$"
    r"|^RUN settle summary |^RUN adjustments "
)
"""Questions whose words were since put better on purpose: of these only figures are compared."""
BOOKS = ("RUN export hledger", "RUN export beancount")
"""How questions for books begin. Since 46ad05e an entry names its payment, batch and reference, an award
stands on the day and at the position of its closing, and a payment that failed is an entry of its own: the
balance of every account is compared."""
TOLD_SINCE = re.compile(r'^/支付明细/\d+/5: was ".*", is "0,"$|^/多付与追回: is new, ')
"""What failed and was ordered again, which 46ad05e told finance to pay once more; and the sheet of what was
paid too much, which it had not."""
POSTING = re.compile(r"^\s+([^\s;]+)\s+(-?[0-9]+\.[0-9]+) ([A-Z]{3})$", re.MULTILINE)
UNORDERED = re.compile(r"^GET /v1/enterprises/\w+/(events|explanations)\b")
"""Answers that tell a claim's fields: 46ad05e told those of its own desk in the order in which a form gave
them, every program since in the order of the event. An object of JSON has no order (RFC 8259)."""
ENDED = ("GET /v1/log/keys", "RUN log-keys")
"""Answers in which a key that was replaced now carries its end, so that it verifies nothing after it."""
PAID = "91330282MA9UG51Y6Y"
"""An enterprise that was paid for 2024, for a team whose name is held encrypted."""
SHOWN_MAX = 25
"""Most answers whose differences are shown."""

Stored = tuple[int, str, int, str, bytes]
"""A stored event: position, originator, version, topic, state."""


class Restored(NamedTuple):
    """A ledger of 46ad05e, as a bureau has it after installing today's program."""

    database: str
    environment: dict[str, str]

    def run(self, *words: str) -> Answer:
        """Run a command, which must succeed."""
        answer = run_command(LEDGER, list(words), self.environment)
        assert answer.status == 0, f"{' '.join(words)}: {answer.status} {answer.body.decode()}"
        return answer

    def json(self, *words: str) -> Any:
        """What a command says to programs."""
        return json.loads(self.run(*words, "--json").body)


@pytest.fixture
def restored(store_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Restored]:
    """The frozen ledger on a store of its own, not migrated yet; with the key that signs for it."""
    for name in ("signing-key", "signing-key.rotations"):
        shutil.copyfile(GOLDEN / name, tmp_path / name)
        (tmp_path / name).chmod(0o600)
    if store_kind == "sqlite":
        database = tmp_path / "ledger.db"
        database.write_bytes(lzma.decompress((GOLDEN / "ledger.sqlite.xz").read_bytes()))
        yield Restored(str(database), settings(str(database), tmp_path / "signing-key"))
        return
    server: Server = request.getfixturevalue("postgres")
    name = server.create()
    with psycopg.connect(server.url(name), autocommit=True) as connection:
        connection.execute(lzma.decompress((GOLDEN / "ledger.postgres.sql.xz").read_bytes()))
    yield Restored(server.url(name), settings(server.url(name), tmp_path / "signing-key"))
    server.drop(name)


def select_rows(database: str, sql: str) -> list[Any]:
    """Rows of a database, read past the product."""
    if "://" not in database:
        with closing(sqlite3.connect(database)) as rows:
            return rows.execute(sql).fetchall()
    with psycopg.connect(database) as connection:
        return connection.execute(sql.encode()).fetchall()


def stored_events(database: str) -> list[Stored]:
    """Every stored event in order."""
    position = "notification_id" if "://" in database else "rowid"
    sql = f"SELECT {position}, originator_id, originator_version, topic, state FROM stored_events ORDER BY 1"
    return [(*row[:4], bytes(row[4])) for row in select_rows(database, sql)]


def root_of(events: Sequence[Stored], secret: bytes) -> str:
    """The log's root, worked out as the auditor's guide says (RFC 6962 over salted entries)."""
    return _node([_leaf(secret, *event) for event in events]).hex()


def _leaf(secret: bytes, position: int, originator: str, version: int, topic: str, state: bytes) -> bytes:
    salt = hmac.digest(secret, position.to_bytes(8, "big"), hashlib.sha256)[:16]
    entry = salt + position.to_bytes(8, "big") + version.to_bytes(8, "big")
    for text in (originator.encode(), topic.encode()):
        entry += len(text).to_bytes(4, "big") + text
    return hashlib.sha256(b"\x00" + entry + state).digest()


def _node(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    left = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + _node(leaves[:left]) + _node(leaves[left:])).digest()


def compare_answers(questions: list[FrozenAnswer], ask: Callable[[str, list[str]], FrozenAnswer]) -> str:
    """Which answers differ from the frozen ones and how; nothing where none does."""
    wrong = {}
    for frozen in questions:
        now = ask(frozen.question, frozen.apart)
        if REWORDED.search(frozen.question):
            frozen, now = reduce_to_figures(frozen), reduce_to_figures(now)
        if frozen.question.startswith(BOOKS):
            frozen, now = add_up_postings(frozen), add_up_postings(now)
        if frozen.question in ENDED:
            now = without_ends(now)
        if frozen.question.startswith("VERIFY"):
            now = without_sentences(now)
        found = [each for each in list_differences(frozen, now) if not TOLD_SINCE.match(each)]
        unordered = UNORDERED.search(frozen.question) or frozen.question in ENDED
        if found and not (found == [WRITTEN_OTHERWISE] and unordered):
            wrong[frozen.question] = found
    if not wrong:
        return ""
    lines = [f"{ask}\n" + "".join(f"    {line}\n" for line in found) for ask, found in wrong.items()]
    return f"{len(wrong)} of {len(questions)} answers differ from those of 46ad05e:\n" + "".join(
        lines[:SHOWN_MAX]
    )


def add_up_postings(answer: FrozenAnswer) -> FrozenAnswer:
    """The balance of every account that books post to, in place of the books."""
    balances = Counter[str]()
    for account, amount, currency in POSTING.findall(answer.content):
        balances[f"{account} {currency}"] += parse_fen(amount, printed=True)
    assert balances, answer.question
    lines = sorted(f"{account} {fen}" for account, fen in balances.items() if fen)
    return answer._replace(content="\n".join(lines))


def without_ends(answer: FrozenAnswer) -> FrozenAnswer:
    """The public keys as 46ad05e gave them."""
    plain = re.sub(r"@[0-9]+:[A-Za-z0-9+/=]+", "", answer.content)
    if answer.question.startswith("GET"):
        plain = json.dumps({"keys": json.loads(plain)["keys"]})
    return answer._replace(content=plain)


def without_sentences(answer: FrozenAnswer) -> FrozenAnswer:
    """What the verifier said without the sentences that it ends with, which 46ad05e had not."""
    lines = answer.content.splitlines(keepends=True)
    sentences = [line for line in lines if line.startswith("※ ")]
    assert "没有发现不符" in sentences[-2]
    return answer._replace(content="".join(line for line in lines if line not in sentences))


def test_it_answers_everything_as_it_did(restored: Restored, tmp_path: Path) -> None:
    questions = [each for each in ANSWERS if not each.question.startswith("VERIFY")]
    assert len(questions) > 500
    restored.run("migrate")

    # Commands of then took Cixi and 2024 where nothing else was named.
    environment = restored.environment | {"SUBSIDY_LEDGER_POLICY": CIXI, "SUBSIDY_LEDGER_YEAR": "2024"}
    with serving(environment, tmp_path / "service.log") as service:
        asker = Asker(service, environment, tmp_path, GIVEN)
        different = compare_answers(questions, asker.ask)

    if different:
        pytest.fail(different, pytrace=False)


DOORS: tuple[tuple[str, ...], ...] = (
    *(("serve", "--port", "18080"), ("consume",), ("publish",), ("balance", PAID), ("doctor",), ("audit",)),
    *(("replay",), ("keys", "list"), ("ingest", os.devnull), ("adopt", str(POLICY))),
    *(("sample", "--enterprises", "1"), ("settle", "status")),
)
"""Commands that open a ledger: what serves, streams, reads, checks, takes in, begins, and takes steps."""


def contents_of(database: str) -> list[Any]:
    """The tables of a database with their columns, and the number of rows in each."""
    if "://" not in database:
        columns = select_rows(database, "SELECT name, sql FROM sqlite_master ORDER BY name")
        tables = [name for name, sql in columns if sql and sql.startswith("CREATE TABLE")]
    else:
        listing = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema='public'"
        columns = sorted(select_rows(database, listing))
        tables = sorted({table for table, _ in columns})
    return [columns, *(select_rows(database, f"SELECT COUNT(*) FROM {table}") for table in tables)]


SENTENCES = {"zh": "先备份，再运行 subsidy-ledger migrate", "en": "then run: subsidy-ledger migrate"}


def test_migrate_alone_changes_the_tables(restored: Restored) -> None:
    """Any other command of a newer program leaves them as they are, and says in a sentence what to run."""
    before = contents_of(restored.database)

    doors = (
        DOORS if "://" not in restored.database else DOORS[::4]
    )  # how a store is opened is the same for all
    for door, (language, sentence) in zip(doors, itertools.cycle(SENTENCES.items()), strict=False):
        environment = restored.environment | {"SUBSIDY_LEDGER_LANGUAGE": language}
        with pytest.raises(subprocess.CalledProcessError) as refused:
            run_forked(*door, environment=environment)
        assert sentence in refused.value.output + refused.value.stderr, door
        assert contents_of(restored.database) == before, door
    for create in (True, False):
        with pytest.raises(UnsuitableStore, match="run: subsidy-ledger migrate"):
            open_ledger(restored.database, create=create)

    restored.run("migrate")
    assert contents_of(restored.database) != before
    restored.run("budget", "--policy", CIXI, "--year", "2024")


def test_migrating_leaves_every_stored_event_and_every_root_as_it_was(restored: Restored) -> None:
    before = stored_events(restored.database)
    [(secret,)] = select_rows(restored.database, "SELECT secret FROM log_secret")

    restored.run("migrate")
    restored.run("migrate")

    after = stored_events(restored.database)
    assert after == before
    assert {size: root_of(after[: int(size)], bytes(secret)) for size in ROOTS} == ROOTS
    assert len(after) == max(map(int, ROOTS))


def test_it_goes_on_from_there(restored: Restored, tmp_path: Path) -> None:
    """New facts and steps stand behind the old ones; audit, replay and a rebuild find nothing."""
    restored.run("migrate")
    size = restored.json("audit")["position"]
    shop = {"platform": "tmall", "kind": "flagship", "shop": "迁移之后的店", "on": "2026-10-01"}
    event = {
        "specversion": "1.0",
        "id": "after-1",
        "source": "urn:cixi:commerce",
        "type": "subsidy.store-registered.v1",
        "subject": "91330282MA0000801T",
        "time": "2026-10-01T08:00:00+08:00",
        "data": shop,
    }
    (tmp_path / "facts.ndjson").write_text(json.dumps(event), "utf-8")

    restored.run("ingest", str(tmp_path / "facts.ndjson"))
    of = ("--policy", "cixi-ecommerce-2024", "--year", "2026", "--actor", "Wu")
    open_matters = restored.json("settle", "open", *of[:4], "--step", "settlement.propose")
    restored.run("settle", "propose", *of, "--acknowledges", open_matters["digest"], "--reason", "tests")
    restored.run("clawback", *of[:2], "--year", "2024", PAID, "1.00", "多付")

    notes = [
        word for name in ("early", "cosigned", "last") for word in ("--checkpoint", f"{GIVEN}/{name}.note")
    ]
    audited, replayed = restored.json("audit", *notes), restored.json("replay")
    assert audited["position"] > size + 2
    assert (audited["log"], audited["read_models"]) == ([], [])
    assert (replayed["equal"], replayed["differences"]) == (True, [])
    assert restored.json("rebuild")["swapped"] is True


def test_its_clock_is_corrected_where_it_stood_ahead(restored: Restored) -> None:
    """A ledger that never had the event takes it; what was known at a moment of before stays known then."""
    restored.run("migrate")
    [(half,)] = select_rows(restored.database, "SELECT MAX(last_position) / 2 FROM batches")
    [(moment,)] = select_rows(
        restored.database, f"SELECT MAX(recorded_at) FROM batches WHERE last_position<={half}"
    )
    budget = ("budget", "--policy", CIXI, "--year", "2024", "--as-known", moment)
    before = restored.json(*budget)
    ahead = datetime.now(UTC) + timedelta(days=1_500)
    with closing(open_ledger(restored.database, clock=lambda: ahead)) as ledger:
        set_budget(ledger, CIXI, "2027", 1_000_00)

    today = day_of(instant(datetime.now(UTC)))
    corrected = restored.json("correct-clock", today, "--reason", "the battery died")

    assert corrected["stamped_until"] == instant(ahead)
    assert corrected["ahead"]["events"] == {"BudgetSet": 1}
    assert restored.json(*budget) == before
    audited, replayed = restored.json("audit"), restored.json("replay")
    assert (audited["log"], audited["read_models"]) == ([], [])
    assert (replayed["equal"], replayed["differences"]) == (True, [])


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_year_that_takes_an_adjustment_in_goes_into_a_workbook(restored: Restored, tmp_path: Path) -> None:
    """46ad05e ended in a KeyError: the award of 2024 has no explanation in 2025."""
    restored.run("migrate")
    out = tmp_path / "books.xlsx"
    restored.run("export", "xlsx", "--policy", "cixi-ecommerce-2024", "--year", "2025", "--out", str(out))
    rows = list(openpyxl.load_workbook(out)["奖励明细 Awards"].iter_rows(values_only=True))

    brought_in = [row for row in rows if "由调整转入" in str(row[-1])]
    assert [row[4] for row in brought_in] == [2024]
    assert all(row[3] for row in rows)


def test_what_was_given_out_verifies() -> None:
    """Bundles, receipts and lists that people outside hold, by the keys that they trust."""
    questions = [each for each in ANSWERS if each.question.startswith("VERIFY")]
    assert len(questions) == len([*GIVEN.glob("*.zip"), *GIVEN.glob("*.json"), *GIVEN.glob("*.ndjson")]) > 10
    asker = Asker(None, {}, GIVEN, GIVEN)

    if different := compare_answers(questions, asker.ask):
        pytest.fail(different, pytrace=False)


@pytest.mark.parametrize("line", EVENTS, ids=lambda line: f"{line['topic']} {line['class_version']}")
def test_every_form_in_which_an_event_was_ever_stored_is_read(line: dict[str, Any]) -> None:
    """A field that a form lacked is read as nothing; all others are read as they were by 46ad05e."""
    event, recorded_at = STATES.read_state(line["topic"], line["state"].encode())
    envelope = {"name": event.name, "source": event.source, "event_id": event.event_id, "time": event.time}
    read: dict[str, Any] = {
        **envelope,
        "content": event.content.values_by_name(),
        "recorded_at": recorded_at,
    }

    assert _changed_fields(line["read"].pop("content"), read.pop("content")) == {}
    assert read == line["read"]


def _changed_fields(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Fields that are read otherwise, as (then, now)."""
    return {
        name: (before.get(name), now.get(name))
        for name in (before | now)
        if before.get(name) != now.get(name)
        and ((name in before and name in now) or before.get(name) or now.get(name))
    }
