"""Keys of publishers in the log: who made and ended each, and what the table may hold because of it."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from domain.authority.roles import Actor, NotAllowed
from domain.events import EarlierKeysFound, PublisherKeyEnded, PublisherKeyMade, publisher_key_id
from domain.events.event import Capacity, Speaker
from domain.log.notes import SignerKey
from ledger.audit.bundle import write_year
from ledger.audit.check import check_log
from ledger.audit.checkpoints import current
from ledger.audit.tables.publisher_keys import list_earlier_keys
from ledger.intake.machine_keys import key_of, make_key, read_keys, revoke_key
from ledger.log.digests import digest_of_rows
from ledger.policies.versions import set_budget
from ledger.store.append import append_ours
from ledger.store.application import Ledger
from ledger.store.stored_events import Stored, events_of
from services.doctor.keys import check_publishers
from services.verify import verify
from tests.events import CIXI, OPERATOR

KEY = SignerKey("ledger", b"\x01" * 32)
SALES = "subsidy.sales-reported.v1"
OLD = ("0123456789ab", "5" * 64, "statistics", "urn:cixi:statistics", SALES, "2025-01-01T00:00:00.000000Z")


def events(ledger: Ledger, originator: str) -> list[Stored]:
    with ledger.store.reading() as rows:
        return events_of(rows, originator)


def findings(ledger: Ledger) -> list[str]:
    with ledger.store.reading() as rows:
        return [each.description for each in check_log(rows, [])]


def write(ledger: Ledger, sql: str, *values: object) -> None:
    """What somebody does who makes the sums fit, or what a program of before did."""
    with ledger.store.writing() as rows:
        rows.run(sql, values)


def put_old_key(ledger: Ledger, key_id: str = OLD[0]) -> None:
    columns = "(key_id, digest, name, source, types, made_at)"
    write(ledger, f"INSERT INTO machine_keys {columns} VALUES (?,?,?,?,?,?)", key_id, *OLD[1:])


def test_who_made_a_key_for_whom_and_who_ended_it_is_in_the_log(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at()
    text = make_key(ledger, OPERATOR, "statistics", "urn:cixi:statistics", [SALES])
    _, number, secret = text.split("_", 2)
    ender = Actor("wu", frozenset({"operator"}), issuer="os", subject="1001")
    assert revoke_key(ledger, ender, number)

    made, ended = events(ledger, publisher_key_id(number))
    [row] = [key for key in list_keys(ledger) if key.key_id == number]
    content = made.fact.content
    assert isinstance(content, PublisherKeyMade)
    assert (content.system, content.of_source, content.types) == (
        "statistics",
        "urn:cixi:statistics",
        (SALES,),
    )
    assert made.fact.said_by == Speaker(issuer="os", subject="1000", name="ops")
    assert ended.fact.content == PublisherKeyEnded(key=number)
    assert ended.fact.said_by == Speaker(issuer="os", subject="1001", name="wu")
    assert made.fact.acting_as == ended.fact.acting_as == Capacity(role="operator")
    assert (row.made_at, row.revoked_at) == (made.fact.time, ended.fact.time)
    with ledger.store.reading() as rows:
        assert key_of(rows, text) is None
        states = rows.all("SELECT state FROM stored_events")
    assert not any(secret.encode() in bytes(state) for (state,) in states)
    assert findings(ledger) == []


def list_keys(ledger: Ledger) -> list[Any]:
    with ledger.store.reading() as rows:
        return list(read_keys(rows))


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_only_an_operator_makes_and_ends_keys(open_at: Callable[..., Ledger]) -> None:
    ledger, officer = open_at(), Actor("Lin", frozenset({"officer"}))
    number = make_key(ledger, OPERATOR, "statistics", "urn:x", []).split("_")[1]
    with pytest.raises(NotAllowed):
        make_key(ledger, officer, "statistics", "urn:x", [])
    with pytest.raises(NotAllowed):
        revoke_key(ledger, officer, number)
    assert [key.revoked_at for key in list_keys(ledger)] == [None]


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_the_command_line_names_its_user_and_a_signing_keys_public_half(
    ledger: Ledger, run: Callable[..., Any], tmp_path: Path
) -> None:
    public = Ed25519PrivateKey.generate().public_key()
    file = tmp_path / "public.pem"
    file.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    number = run("keys", "add", "tax", "--source", "urn:tax", "--public-key", str(file)).output.strip()
    run("keys", "revoke", number)

    made, ended = events(ledger, publisher_key_id(number))
    raw = base64.b64encode(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
    assert isinstance(made.fact.content, PublisherKeyMade)
    assert made.fact.content.digest == f"ed25519:{raw}"
    for event in (made, ended):
        assert event.fact.said_by is not None
        assert (event.fact.said_by.issuer, event.fact.said_by.subject) == ("os", str(os.getuid()))


def test_keys_of_before_are_accepted_and_stated_before_the_first_step(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at()
    put_old_key(ledger)
    assert findings(ledger) == []
    with ledger.store.reading() as rows:
        assert [key.key_id for key in list_earlier_keys(rows)] == [OLD[0]]

    make_key(ledger, OPERATOR, "tax", "urn:tax", [])
    make_key(ledger, OPERATOR, "register", "urn:register", [])
    [stated] = events(ledger, EarlierKeysFound.ORIGINATOR)
    assert stated.fact.content == EarlierKeysFound(keys=1, digest=digest_of_rows([(*OLD, None)]))
    assert revoke_key(ledger, OPERATOR, OLD[0])
    [ended] = events(ledger, publisher_key_id(OLD[0]))
    assert ended.fact.content == PublisherKeyEnded(key=OLD[0])
    assert findings(ledger) == []
    with ledger.store.reading() as rows:
        assert [key.key_id for key in list_earlier_keys(rows)] == [OLD[0]]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("UPDATE machine_keys SET types='' WHERE key_id='0123456789ab'", "it was changed"),
        ("UPDATE machine_keys SET source='urn:x' WHERE key_id='0123456789ab'", "it was changed"),
        ("DELETE FROM machine_keys WHERE key_id='0123456789ab'", "added or deleted"),
        (
            "INSERT INTO machine_keys SELECT 'forged', digest, name, source, types, made_at, NULL "
            "FROM machine_keys WHERE key_id='0123456789ab'",
            "2 stand there without an event that makes them (0123456789ab, forged)",
        ),
    ],
)
def test_a_key_of_before_cannot_be_altered_and_none_be_put_beside_it(
    open_at: Callable[..., Ledger], sql: str, words: str
) -> None:
    """The sums are made to fit: what the log says of the keys is what names it."""
    ledger = open_at()
    put_old_key(ledger)
    make_key(ledger, OPERATOR, "tax", "urn:tax", [])
    write(ledger, sql)
    [finding] = findings(ledger)
    assert words in finding


def test_an_ended_key_of_before_cannot_be_put_in_use_again(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at()
    put_old_key(ledger)
    assert revoke_key(ledger, OPERATOR, OLD[0])
    write(ledger, "UPDATE machine_keys SET revoked_at=NULL")
    assert findings(ledger) == ["machine_keys: of the key 0123456789ab the log says otherwise: revoked_at"]


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_the_audit_lists_the_keys_whose_maker_is_not_recorded(
    ledger: Ledger, run: Callable[..., Any]
) -> None:
    make_key(ledger, OPERATOR, "tax", "urn:tax", [])
    assert "made before keys were recorded" not in run("audit").output


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_the_audit_says_which_keys_are_older_than_their_record(
    ledger: Ledger, run: Callable[..., Any]
) -> None:
    put_old_key(ledger)
    assert f"by whom is not recorded: {OLD[0]}." in run("audit").output


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_the_doctor_says_how_many_keys_are_older_than_their_record(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at()
    put_old_key(ledger)
    make_key(ledger, OPERATOR, "tax", "urn:tax", [])
    with ledger.store.reading() as rows:
        [finding] = check_publishers(rows)
    assert finding.level == "ok"
    assert finding.en.startswith("2 keys of publishers are in use; 1 were made before keys were recorded")
    assert OLD[0] in finding.zh


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_the_verifier_follows_the_keys_in_a_years_bundle(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    ledger = open_at()
    set_budget(ledger, CIXI, "2024", 5_000_000_00)
    number = make_key(ledger, OPERATOR, "tax", "urn:tax", []).split("_")[1]
    assert revoke_key(ledger, OPERATOR, number)
    assert verified(ledger, tmp_path) == []

    again = PublisherKeyEnded(key=number)
    with ledger.store.writing() as rows:
        append_ours(rows, ledger.clock(), [(publisher_key_id(number), 3, again)])
    [fault] = verified(ledger, tmp_path)
    assert f"PublisherKeyEnded of the key {number}, which had ended" in fault


def verified(ledger: Ledger, folder: Path) -> list[str]:
    note = current(ledger, KEY)
    write_year(ledger, folder / "year.zip", CIXI, 2024, note, int(note.split("\n")[1]))
    return verify(folder / "year.zip", [KEY.verifier])[1].faults
