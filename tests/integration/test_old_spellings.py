"""A ledger from before there were canonical spellings: an upgrade changes no figure and shows what is one."""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from domain.authority.publishers import Scope
from domain.authority.roles import Actor, NotAllowed
from domain.authority.writes import IDENTITY, Writer
from domain.events.event import Speaker, digest_of
from domain.facts.canonical import spellings_of
from domain.faults.fault import Fault
from domain.intake.authorising import Sender
from ledger.intake.inbox import check_messages, ingest, record
from ledger.intake.messages.decode import Message, Refusal
from ledger.intake.refusals import Keeping, list_refused
from ledger.replay.comparison import replay
from ledger.store.application import Ledger, open_ledger
from ledger.store.schema.migrations import create_tables
from ledger.store.schema.tables import TABLES
from ledger.store.stored_events import SELECT, stored
from ledger.store.things.spellings import note_spellings
from ledger.store.things.wiping import wipe_refused
from ledger.things.merging import Merge, decide_merge, list_merges
from ledger.waiting.reading import list_waiting_steps
from ledger.waiting.second_person import SecondPersonNeeded
from services.cli.main import main
from services.cli.statuses import ExitStatus
from services.doctor.contents import check
from services.doctor.findings import Limits
from services.web.waiting.confirming import confirm_step
from tests import answers as queries
from tests.events import CIXI, Feed, take
from tests.golden.outside import settings
from tests.integration.test_two_persons_shown import command
from tests.postgres import Server

GOLDEN = Path(__file__).parents[1] / "golden" / "46ad05e-spellings"
ANSWERED: dict[str, Any] = json.loads((GOLDEN / "answers.json").read_text("utf-8"))
CODES: dict[str, str] = {what: answer["enterprise"] for what, answer in ANSWERED["balances"].items()}
MERGES = {
    "warehouse": ("thing", ["EU-1", "ＥＵ－1", "EU-1 "], ("1500000.00", "500000.00")),
    "shop": ("thing", ["Café旗舰店", "Cafe\u0301旗舰店"], ("10000.00", "5000.00")),
    "branch": ("thing", ["示例一分 "], ("0.00", "100000.00")),
    "ids": ("key", ["s1", "s1 ", "ｓ1"], ("100000.00", "50000.00")),
    "sources": ("key", ["r1", "r1"], ("100000.00", "50000.00")),
    "references": ("thing", ["CN-2024-88", "cn-2024-88", "CN‐2024‐88"], None),
    "standards": ("thing", ["GB/T 1-2024", "ＧＢ/Ｔ 1－2024"], None),
    "items": ("item", ["Project-A", "Project-A "], ("200000.00", "100000.00")),
}
"""What waits in the ledger of 46ad05e: its kind, the spellings, and the award before and after."""
Opener = Callable[..., Ledger]
REVIEWER = Actor("复核员", frozenset({"reviewer"}), None, "https://id", "17", "")
OFFICER = Actor("经办员", frozenset({"officer"}), None, "https://id", "18", "")


def record_as_before(ledger: Ledger, *messages: bytes) -> None:
    """Record messages as a program without canonical spellings did, and upgrade."""
    decoded = []
    for raw in messages:
        (message,) = check_messages(ledger, [raw])
        assert isinstance(message, Message), message
        document = json.loads(raw)
        content = message.fact.content
        as_written = {
            name: document["data"][name]
            for name in spellings_of(type(content))
            if isinstance(document["data"].get(name), str)
        }
        fact = replace(
            message.fact,
            content=replace(content, **as_written),
            source=document["source"],
            event_id=document["id"],
            written=None,
        )
        decoded.append(replace(message, fact=fact, digest=digest_of(message.subject, fact)))
    results = record(ledger, messages, decoded, "tests")
    assert {result.status for result in results} == {"accepted"}
    with ledger.store.writing() as rows:
        note_spellings(rows)


def warehouse(feed: Feed, name: str, on: str = "2024-05-01") -> bytes:
    return feed.send("warehouse-recognised", level="provincial", warehouse=name, on=on)


def gross(ledger: Ledger, feed: Feed) -> str:
    with ledger.store.reading() as rows:
        return str(queries.balance(ledger, rows, feed.code, CIXI, 2024)["gross"])


def merges(ledger: Ledger) -> list[Merge]:
    with ledger.store.reading() as rows:
        return list_merges(rows)


def decide_by_two(ledger: Ledger, merge: Merge, same: bool, reason: str) -> None:
    """An officer proposes, and the reviewer takes the same step."""
    with pytest.raises(SecondPersonNeeded):
        decide_merge(ledger, merge.id, OFFICER, same, reason)
    assert merges(ledger) == [merge], "nothing is done yet"
    decide_merge(ledger, merge.id, REVIEWER, same, reason)


def is_replayed(ledger: Ledger, folder: Path) -> bool:
    place = folder / f"{len(list(folder.iterdir()))}.db"
    return replay(ledger, str(place)).equal


# --- a ledger that the program of 46ad05e wrote -------------------------------------------------------


@pytest.fixture
def old(store_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """The command line on that ledger, upgraded; what a command says to programs comes back."""
    database = str(tmp_path / "ledger.db")
    if store_kind == "sqlite":
        Path(database).write_bytes(lzma.decompress((GOLDEN / "ledger.sqlite.xz").read_bytes()))
    else:
        server: Server = request.getfixturevalue("postgres")
        database = server.url(server.create())
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(lzma.decompress((GOLDEN / "ledger.postgres.sql.xz").read_bytes()))
    environment = settings(database, tmp_path / "signing-key")

    def run(*words: str, as_json: bool = True) -> Any:
        done = CliRunner().invoke(main, [*words, *(["--json"] if as_json else [])], env=environment)
        assert done.exit_code == 0, done.output
        return json.loads(done.output) if as_json else done.output

    run("migrate", as_json=False)
    yield run
    if store_kind == "postgres":
        server.drop(database.rpartition("/")[2])


def waiting(run: Callable[..., Any]) -> dict[str, Any]:
    """What waits for a decision, by what is spelt in several ways."""
    listed = {merge["enterprise"]: merge for merge in run("things", "merges")}
    return {what: listed[code] for what, code in CODES.items() if code in listed}


def awarded(run: Callable[..., Any]) -> dict[str, str]:
    return {what: run("balance", code)["gross"] for what, code in CODES.items()}


def test_an_old_ledger_answers_as_before_and_shows_what_would_merge(old: Callable[..., Any]) -> None:
    merges_by_name = waiting(old)

    for what, code in CODES.items():
        assert old("balance", code) == ANSWERED["balances"][what]
    assert old("budget") == ANSWERED["budget"]
    assert set(merges_by_name) == set(MERGES)
    for what, (kind, spellings, change) in MERGES.items():
        merge = merges_by_name[what]
        assert merge["what"] == kind
        assert [fact["written"].rpartition("\x1f")[2] for fact in merge["facts"]] == spellings
        assert [(each["before"], each["after"]) for each in merge["changes"]] == ([change] if change else [])
    listed = old("things", "merges", as_json=False)
    assert "¥1,500,000.00 → ¥500,000.00" in listed
    assert "¥0.00 → ¥100,000.00" in listed


@pytest.mark.parametrize("same", [True, False])
def test_an_old_ledger_changes_by_what_is_decided_and_by_nothing_else(
    old: Callable[..., Any], same: bool
) -> None:
    before, due = awarded(old), waiting(old)

    for what, (_, _, change) in MERGES.items():
        old("things", "decide", due[what]["id"], "same" if same else "different", "核对过", as_json=False)
        if change and same:
            before[what] = change[1]
        assert awarded(old) == before, what

    assert waiting(old) == {}
    audit = old("audit")
    assert (audit["log"], audit["read_models"]) == ([], [])


# --- what a program without canonical spellings recorded, piece by piece --------------------------------


def test_an_upgrade_changes_no_figure_and_shows_what_would_merge(open_at: Opener, tmp_path: Path) -> None:
    ledger, feed = open_at(), Feed(1)
    record_as_before(ledger, *(warehouse(feed, name) for name in ("EU-1", "ＥＵ－1", "EU-1 ")))

    (merge,) = merges(ledger)

    assert gross(ledger, feed) == "1500000.00"
    assert merge.what == "thing"
    assert [fact.written.rpartition("\x1f")[2] for fact in merge.facts] == ["EU-1", "ＥＵ－1", "EU-1 "]
    assert [msgspec.structs.astuple(change) for change in merge.changes] == [
        (CIXI, 2024, "logistics.warehouse-provincial", 150_000_000, 50_000_000)
    ]
    assert is_replayed(ledger, tmp_path)


def test_an_officer_decides_that_it_is_one_and_the_event_says_who(open_at: Opener, tmp_path: Path) -> None:
    ledger, feed = open_at(), Feed(1)
    record_as_before(ledger, *(warehouse(feed, name) for name in ("EU-1", "ＥＵ－1", "EU-1 ")))
    (merge,) = merges(ledger)

    decide_by_two(ledger, merge, True, "同一仓库")

    assert gross(ledger, feed) == "500000.00"
    assert merges(ledger) == []
    with ledger.store.reading() as rows:
        events = [stored(row).fact for row in rows.all(f"{SELECT} ORDER BY rowid")]
    (decided,) = [event for event in events if event.name == "SpellingsDecided"]
    assert decided.said_by is not None
    assert (decided.said_by.issuer, decided.said_by.subject) == ("https://id", "17")
    assert decided.acting_as is not None
    assert decided.acting_as.proposed_by == Speaker(issuer="https://id", subject="18", name="经办员")
    amended = [event for event in events if event.name == "FactCorrected"]
    assert all(event.acting_as == decided.acting_as for event in amended), "each of them names both"
    assert [event.name for event in events].count("FactCorrected") == 2
    assert is_replayed(ledger, tmp_path)


def test_what_an_officer_decides_to_be_different_stays_and_waits_no_longer(open_at: Opener) -> None:
    ledger, feed = open_at(), Feed(1)
    record_as_before(ledger, warehouse(feed, "EU-1"), warehouse(feed, "ＥＵ－1"))
    (merge,) = merges(ledger)

    decide_by_two(ledger, merge, False, "两个仓库")

    assert (gross(ledger, feed), merges(ledger)) == ("1000000.00", [])
    with pytest.raises(NotAllowed) as refused:
        decide_merge(ledger, merge.id, REVIEWER, True, "同一仓库")
    assert refused.value.code == "merge.unknown"


def test_what_a_second_person_confirms_is_what_the_first_one_saw(open_at: Opener) -> None:
    ledger, feed = open_at(), Feed(1)
    record_as_before(ledger, warehouse(feed, "EU-1"), warehouse(feed, "ＥＵ－1"))
    (merge,) = merges(ledger)
    with pytest.raises(SecondPersonNeeded) as proposed:
        decide_merge(ledger, merge.id, OFFICER, True, "同一仓库")
    waiting = proposed.value.waiting.waiting
    with pytest.raises(NotAllowed) as own:
        confirm_step(ledger, waiting, OFFICER)
    assert own.value.code == "second.same-person"
    with pytest.raises(NotAllowed) as other:
        decide_merge(ledger, merge.id, REVIEWER, False, "两个仓库")
    assert other.value.code == "second.other"

    record_as_before(ledger, warehouse(feed, "EU-1 "))
    with pytest.raises(NotAllowed) as outdated:
        confirm_step(ledger, waiting, REVIEWER)
    assert outdated.value.code == "second.outdated"
    with pytest.raises(SecondPersonNeeded) as anew:
        decide_merge(ledger, merge.id, REVIEWER, True, "同一仓库")
    assert confirm_step(ledger, anew.value.waiting.waiting, OFFICER).stage == "confirmed"
    assert gross(ledger, feed) == "500000.00"
    with ledger.store.reading() as rows:
        stages = sorted(step.stage for step in list_waiting_steps(rows, stage="all"))
    assert stages == ["confirmed", "replaced"]


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_commands_decide_by_two_users(open_at: Opener, tmp_path: Path) -> None:
    ledger, feed = open_at(), Feed(1)
    record_as_before(ledger, warehouse(feed, "EU-1"), warehouse(feed, "ＥＵ－1"))
    (merge,) = merges(ledger)
    database = tmp_path / "ledger.db"
    decision = ("things", "decide", merge.id, "same", "one warehouse")

    assert command(database, 1001, *decision).exit_code == ExitStatus.WAITING
    assert "you proposed it yourself" in command(database, 1001, *decision).output
    [listed] = json.loads(command(database, 1002, "waiting", "list", "--json").output)
    shown = command(database, 1002, "waiting", "show", listed["waiting"]).output
    assert "¥1,000,000.00 → ¥500,000.00" in shown.replace("\n", " "), shown
    done = command(database, 1002, *decision, "--reference", "M-1")
    assert (done.exit_code, gross(ledger, feed)) == (0, "500000.00"), done.output
    again = command(database, 1002, *decision, "--reference", "M-1")
    assert (again.exit_code, "recorded already" in again.output) == (0, True)


def test_only_who_may_decide_decides_and_says_why(open_at: Opener) -> None:
    ledger, feed = open_at(), Feed(1)
    record_as_before(ledger, warehouse(feed, "EU-1"), warehouse(feed, "ＥＵ－1"))
    (merge,) = merges(ledger)

    with pytest.raises(NotAllowed, match="role"):
        decide_merge(ledger, merge.id, Actor("x", frozenset({"auditor"}), None), True, "因")
    with pytest.raises(NotAllowed) as refused:
        decide_merge(ledger, merge.id, REVIEWER, True, " ")
    assert refused.value.code == "merge.reason"
    assert len(merges(ledger)) == 1


@pytest.mark.parametrize("old", ["ＥＵ－1", "EU-1 ", "eu-1", "E\u200bU-1"])
def test_a_new_report_of_an_old_thing_makes_no_second_one(old: str, open_at: Opener, tmp_path: Path) -> None:
    ledger, feed = open_at(), Feed(1)
    record_as_before(ledger, warehouse(feed, old))

    take(ledger, warehouse(feed, "EU-1"), warehouse(feed, "ＥＵ－１"))

    assert gross(ledger, feed) == "500000.00"
    assert merges(ledger) == []
    assert is_replayed(ledger, tmp_path)


def test_a_new_report_joins_one_old_spelling_and_the_others_still_wait(open_at: Opener) -> None:
    ledger, feed = open_at(), Feed(1)
    record_as_before(ledger, warehouse(feed, "ＥＵ－1"), warehouse(feed, "EU-1 "))

    take(ledger, warehouse(feed, "EU-1"))

    assert gross(ledger, feed) == "1000000.00"
    assert len(merges(ledger)) == 1


@pytest.mark.parametrize("id_", ["e1 ", "ｅ1", "e1\u200b"])
def test_an_old_id_in_another_spelling_is_a_repetition_or_reused(id_: str, open_at: Opener) -> None:
    ledger, feed = open_at(), Feed(1)
    document = {**json.loads(feed.sales("online", 2024, "10.00")), "id": id_}
    record_as_before(ledger, json.dumps(document, ensure_ascii=False).encode())

    plain = {**document, "id": "e1"}
    other = {**plain, "data": {**plain["data"], "amount": "11.00"}}
    results = ingest(
        ledger, [json.dumps(each, ensure_ascii=False).encode() for each in (plain, document, other)], "http"
    )

    assert [result.status for result in results] == ["duplicate", "duplicate", "refused"]
    assert results[2].faults[0].code == "identity.reused"


def test_an_old_message_sent_again_is_a_duplicate_though_its_texts_are_canonical_now(open_at: Opener) -> None:
    ledger, feed = open_at(), Feed(1)
    raw = warehouse(feed, "ＥＵ－1 ")
    named = feed.send("enterprise-registered", name="示例公司 ", town="浒山街道 ")
    record_as_before(ledger, raw, named)

    assert [result.status for result in ingest(ledger, [raw, named], "http")] == ["duplicate", "duplicate"]


def test_an_amendment_finds_an_old_fact_by_its_canonical_id(open_at: Opener, tmp_path: Path) -> None:
    ledger, feed = open_at(), Feed(1)
    document = {**json.loads(warehouse(feed, "EU-1")), "id": "ｗ1 "}
    record_as_before(ledger, json.dumps(document, ensure_ascii=False).encode())

    take(ledger, feed.retract("w1", "warehouse-recognised"))

    assert gross(ledger, feed) == "0.00"
    assert is_replayed(ledger, tmp_path)


def test_one_report_under_two_spellings_of_its_id_is_shown_and_counts_once_when_decided(
    open_at: Opener, tmp_path: Path
) -> None:
    ledger, feed = open_at(), Feed(1)
    document = json.loads(feed.sales("domestic_own_brand", 2024, "60000000.00"))
    record_as_before(
        ledger,
        *(json.dumps({**document, "id": each}, ensure_ascii=False).encode() for each in ("s1", "s1 ")),
    )
    (merge,) = merges(ledger)
    assert merge.what == "key"
    before = gross(ledger, feed)

    decide_by_two(ledger, merge, True, "重复报送")

    assert merges(ledger) == []
    assert gross(ledger, feed) != before
    assert is_replayed(ledger, tmp_path)


def test_the_command_lists_and_decides(tmp_path: Path) -> None:
    database = str(tmp_path / "ledger.db")
    runner = CliRunner()
    assert runner.invoke(main, ["--database", database, "adopt", f"domain/policy/{CIXI}.yaml"]).exit_code == 0
    ledger, feed = open_ledger(database), Feed(1)
    record_as_before(ledger, warehouse(feed, "EU-1"), warehouse(feed, "ＥＵ－1"))
    ledger.close()

    listed = runner.invoke(main, ["--database", database, "things", "merges"])
    as_json = runner.invoke(main, ["--database", database, "things", "merges", "--json"])
    (merge,) = json.loads(as_json.output)
    decided = runner.invoke(
        main, ["--database", database, "things", "decide", merge["id"], "same", "同一仓库"]
    )
    left = runner.invoke(main, ["--database", database, "things", "merges", "--json"])

    assert "ＥＵ－1" in listed.output
    assert "¥1,000,000.00 → ¥500,000.00" in listed.output
    assert decided.exit_code == 0, decided.output
    assert json.loads(left.output) == []


def test_an_upgrade_wipes_persons_numbers_out_of_what_was_refused(open_at: Opener) -> None:
    person = "33028220991231001X"
    ledger = open_at(policy=False)
    raws = [f'{{"subject": "{person}", "id": "{n}"}}'.encode() for n in (1, 2)] + [b'{"subject": "x"}']
    refusals = [Refusal(raw, [Fault("code.shape", "subject")], subject=person) for raw in raws]
    with ledger.store.writing() as rows:
        Keeping(rows, "http", "2024-01-01T00:00:00.000000Z").keep(refusals, {})

    with ledger.store.writing() as rows:
        wipe_refused(rows)

    with ledger.store.reading() as rows:
        kept = list_refused(rows)
        assert wipe_refused.__doc__
    assert len(kept) == 3
    assert person not in str(kept)
    assert kept[2].raw == raws[2]


def test_the_doctor_names_what_waits(open_at: Opener) -> None:
    ledger, feed = open_at(), Feed(1)
    record_as_before(ledger, warehouse(feed, "EU-1"), warehouse(feed, "ＥＵ－1"))

    with ledger.store.reading() as rows:
        findings = {each.check: each.level for each in check(ledger, rows, ledger.clock(), Limits())}

    assert findings["things.spellings"] == "warning"


def test_the_table_of_old_spellings_is_made_by_an_upgrade() -> None:
    assert TABLES["spellings"].since == 6


def test_what_was_canonical_at_version_6_and_is_another_form_now_is_shown(open_at: Opener) -> None:
    ledger, feed = open_at(), Feed(1)
    record_as_before(ledger, warehouse(feed, "EU-1"), warehouse(feed, "EU\u27961"))
    with ledger.store.writing() as rows:
        rows.run("DELETE FROM spellings")
        rows.run("DELETE FROM schema_version WHERE version>=7")

    create_tables(ledger.store, ledger.dialect)

    (merge,) = merges(ledger)
    assert (merge.what, gross(ledger, feed)) == ("thing", "1000000.00")


def test_a_claim_in_an_old_spelling_is_still_its_source(open_at: Opener) -> None:
    """The claim is found by its canonical number too, and judged as its own."""
    ledger, feed = open_at(), Feed(1)
    named: dict[str, Any] = {"policy": CIXI, "measure": "climate.event", "item": "i", "year": 2024}
    record_as_before(ledger, feed.send("claim-submitted", claim="Ｃ1 ", **named))
    stranger = Sender(Writer(Actor("k", frozenset({"upstream"})), IDENTITY, Scope("urn:stranger")))
    for step in ("claim-submitted", "claim-withdrawn"):
        raw = json.loads(feed.send(step, "2025-02-01T00:00:00Z", claim="C1", **named))
        sent = json.dumps({**raw, "source": "urn:stranger"}).encode()
        (result,) = ingest(ledger, [sent], "http", sender=stranger)
        assert [fault.code for fault in result.faults] == ["claim.foreign"]
