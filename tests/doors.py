"""Every door through which messages come, to try each cell of docs/authority.md for real.

The Kafka doors need a broker: ``tests/e2e/test_authority_kafka.py``.
"""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from werkzeug.test import TestResponse

from docs.generate.authority import OTHER, OWN, SENDERS, MessageRow, SenderColumn
from domain.authority.roles import STAFF
from domain.vocabulary.kinds import type_of
from ledger.intake.inbox import ingest
from ledger.intake.machine_keys import make_key
from ledger.intake.refusals import list_refused
from ledger.intake.sheets.tables import SHIPPED_TABLES
from ledger.store.application import Ledger
from services.cli.main import main
from services.cli.statuses import ExitStatus
from services.console import language
from services.runtime.identity_settings import IdentitySettings
from services.server.app import create_app
from tests.events import CIXI, CIXI_TEXT, OPERATOR, Feed, naming

ISSUER = "https://login.cixi.example"
ONE = "application/cloudevents+json"
NAMING_TEXT = naming(CIXI_TEXT, (OWN,), (OWN,))
"""Cixi's policy, which lets the first source decide claims and amend what others said."""
MEASURE = {"policy": CIXI, "measure": "standard.cixi", "year": 2024}
MONEY = {"amount": "20000.00", "currency": "CNY"}
TIME = "2025-01-05T00:00:00Z"
SECONDS_MAX = 20


def message(number: int, name: str, source: str, kind: str, /, **data: Any) -> dict[str, Any]:
    """A message about an enterprise of its own number; ``name`` is its id."""
    return {
        "specversion": "1.0",
        "id": name,
        "source": source,
        "type": type_of(kind),
        "subject": Feed(number).code,
        "time": TIME,
        "data": data,
    }


def _sales(number: int, name: str, source: str) -> dict[str, Any]:
    return message(number, name, source, "SalesReported", channel="online", year=2024, **MONEY)


def _claim(number: int, name: str, source: str, kind: str, /, **data: Any) -> dict[str, Any]:
    return message(number, name, source, kind, **MEASURE, claim=f"C-{number}", item="i", **data)


def _amendment(number: int, kind: str, of_source: str, of_kind: str, **data: Any) -> dict[str, Any]:
    named = {"of": f"before-{number}", "of_source": of_source, "of_type": type_of(of_kind), "reason": "r"}
    return message(number, f"sent-{number}", OWN, kind, **named, **data)


def messages_of(row: MessageRow, number: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What stands in the ledger before, and the message of a row of the table, about one enterprise."""
    before, name = f"before-{number}", f"sent-{number}"
    shop = {"platform": "tmall", "kind": "flagship", "shop": "s", "on": "2024-03-01"}
    sales = [_sales(number, before, OTHER)]
    retraction = _amendment(number, "FactRetracted", OTHER, "SalesReported")
    own_withdrawal = _claim(number, before, OWN, "ClaimWithdrawn")
    found: dict[str, tuple[list[dict[str, Any]], dict[str, Any]]] = {
        "own-fact": ([], _sales(number, name, OWN)),
        "own-other-type": ([], message(number, name, OWN, "StoreRegistered", **shop)),
        "other-fact": ([], _sales(number, name, OTHER)),
        "own-retracted": (
            [_sales(number, before, OWN)],
            _amendment(number, "FactRetracted", OWN, "SalesReported"),
        ),
        "own-other-type-retracted": (
            [message(number, before, OWN, "StoreRegistered", **shop)],
            _amendment(number, "FactRetracted", OWN, "StoreRegistered"),
        ),
        "other-retracted": (sales, retraction),
        "other-corrected": (
            sales,
            _amendment(number, "FactCorrected", OTHER, "SalesReported", changes={"amount": "1.00"}),
        ),
        "other-retracted-early": ([], retraction),
        "other-retracted-named": (sales, retraction),
        "submitted": ([], _claim(number, name, OWN, "ClaimSubmitted", **MONEY)),
        "other-withdrawn": (
            [_claim(number, before, OTHER, "ClaimSubmitted", **MONEY)],
            _claim(number, name, OWN, "ClaimWithdrawn"),
        ),
        "other-resubmitted": (
            [_claim(number, before, OTHER, "ClaimSubmitted", **MONEY)],
            _claim(number, name, OWN, "ClaimSubmitted", **MONEY),
        ),
        "withdrawal-moved": (
            [
                _claim(number, f"other-{number}", OTHER, "ClaimSubmitted", **MONEY),
                {**own_withdrawal, "data": {**own_withdrawal["data"], "claim": f"D-{number}"}},
            ],
            _amendment(number, "FactCorrected", OWN, "ClaimWithdrawn", changes={"claim": f"C-{number}"}),
        ),
        "approved": ([], _claim(number, name, OWN, "ClaimApproved", **MONEY)),
        "rejected": ([], _claim(number, name, OWN, "ClaimRejected", reason="r")),
        "approved-named": ([], _claim(number, name, OWN, "ClaimApproved", **MONEY)),
        "approval-raised": (
            [_claim(number, before, OWN, "ClaimApproved", **MONEY)],
            _amendment(number, "FactCorrected", OWN, "ClaimApproved", changes={"amount": "30000.00"}),
        ),
    }
    return found[row.id]


def take_before(ledger: Ledger, before: list[dict[str, Any]]) -> None:
    """Record what stands in the ledger before a try."""
    for result in ingest(ledger, [json.dumps(each).encode() for each in before], "tests"):
        assert result.status == "accepted", result


def outcome_of(ledger: Ledger, sent: dict[str, Any], past: int) -> str:
    """What became of a message: empty where it was recorded past a position, else why it was refused."""
    with ledger.store.reading() as rows:
        sql = "SELECT 1 FROM stored_events WHERE originator_id=? AND rowid>?"
        if rows.all(sql, [sent["subject"], past]):
            return ""
        codes = [
            fault.code
            for each in list_refused(rows, limit=10_000)
            if each.subject == sent["subject"]
            for fault in each.faults
        ]
    assert codes, f"nothing became of {sent}"
    return codes[-1]


@dataclass
class Doors:
    """The doors of one ledger; ``database`` is its address for commands."""

    ledger: Ledger
    database: str
    folder: Path

    def __post_init__(self) -> None:
        self.key = ECKey.generate_key("P-256", {"kid": "k1"})
        jwks = self.folder / "jwks.json"
        jwks.write_text(json.dumps(KeySet([self.key]).as_dict(private=False)))
        identity = IdentitySettings(mode="required", issuer=ISSUER, jwks=str(jwks))
        self.checking: FlaskClient = create_app(self.ledger, identity).test_client()
        self.local: FlaskClient = create_app(self.ledger).test_client()

    def try_row(self, sender: SenderColumn, door: str, row: MessageRow, number: int) -> str | None:
        """What a message comes to through a door; None where the door cannot carry it."""
        before, sent = messages_of(row, number)
        if "sheet" in door and not _is_tabular(sent):
            return None
        take_before(self.ledger, before)
        with self.ledger.store.reading() as rows:
            past = rows.last_position()
        send: Callable[[SenderColumn, dict[str, Any]], TestResponse | str | None] = getattr(
            self, f"_by_{door.replace('-', '_')}"
        )
        answer = send(sender, sent)
        if isinstance(answer, str):
            return answer or outcome_of(self.ledger, sent, past)
        if answer is not None and answer.status_code in (401, 403):
            return str(json.loads(answer.data)["faults"][0]["code"])
        return outcome_of(self.ledger, sent, past)

    def _token(self, sender: SenderColumn) -> str:
        now = int(self.ledger.clock().timestamp())
        claims = {"iss": ISSUER, "aud": "subsidy-ledger", "sub": "u1", "exp": now + 600, "iat": now}
        scope, roles = sender.writer.scope, sorted(sender.writer.actor.roles)
        more = {"source": scope.source} if scope else {}
        named = {"preferred_username": "li", "roles": roles, "credit_code": Feed(1).code}
        return jwt.encode({"alg": "ES256", "kid": "k1"}, {**claims, **named, **more}, self.key)

    def _machine_key(self, sender: SenderColumn) -> str:
        scope = sender.writer.scope
        assert scope is not None
        return make_key(self.ledger, OPERATOR, "k", scope.source, sorted(scope.types))

    def _post(self, credential: str, path: str, body: Any, media: str = ONE) -> TestResponse:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {credential}"}
        return self.checking.post(path, data=data, content_type=media, headers=headers)

    def _by_key(self, sender: SenderColumn, sent: dict[str, Any]) -> TestResponse:
        return self._post(self._machine_key(sender), "/v1/events", sent)

    def _by_token(self, sender: SenderColumn, sent: dict[str, Any]) -> TestResponse:
        return self._post(self._token(sender), "/v1/events", sent)

    def _by_header(self, sender: SenderColumn, sent: dict[str, Any]) -> TestResponse:
        roles = ",".join(sorted(sender.writer.actor.roles))
        headers = {"Subsidy-Actor": "li", "Subsidy-Roles": roles}
        return self.local.post("/v1/events", data=json.dumps(sent), content_type=ONE, headers=headers)

    def _by_sheet(self, sender: SenderColumn, sent: dict[str, Any]) -> TestResponse | None:
        return self._send_sheet(self._token(sender), sent)

    def _by_sheet_key(self, sender: SenderColumn, sent: dict[str, Any]) -> TestResponse | None:
        return self._send_sheet(self._machine_key(sender), sent)

    def _send_sheet(self, credential: str, sent: dict[str, Any]) -> TestResponse | None:
        short = sent["type"].removeprefix("subsidy.").removesuffix(".v1")
        path = f"/v1/sheets?name=f.csv&source={sent['source']}&type={short}"
        made = self._post(credential, path, sheet_of(sent), "text/csv")
        if made.status_code != 202:
            return made
        address = f"/v1/sheets/{json.loads(made.data)['sheet']}"
        preview = self._until(credential, address, "ready")["preview"]
        body = {"preview": preview["preview"]}
        assert self._post(credential, f"{address}/confirmation", body, "application/json").status_code == 200
        self._until(credential, address, "recorded")
        return None

    def _until(self, credential: str, address: str, stage: str) -> dict[str, Any]:
        until = time.monotonic() + SECONDS_MAX
        while True:
            headers = {"Authorization": f"Bearer {credential}"}
            said: dict[str, Any] = json.loads(self.checking.get(address, headers=headers).data)
            if said["stage"] == stage:
                return said
            assert said["stage"] != "failed", said
            assert time.monotonic() < until, said
            time.sleep(0.02)

    def _by_resubmission(self, sender: SenderColumn, sent: dict[str, Any]) -> TestResponse:
        return self._post(self._token(sender), f"/v1/refused/{self._refused(sent)}/resubmission", sent)

    def _by_console_resubmission(self, sender: SenderColumn, sent: dict[str, Any]) -> str:
        text = json.dumps(sent)
        path = f"/console/{CIXI}/2024/refused/{self._refused(sent)}"
        client = self._console(sender)
        answer = client.post(path, data={"csrf_token": self.form, "step": "resubmit", "text": text})
        return "role.missing" if language.words()["step-not-yours"]["en"] in answer.text else ""

    def _by_console_sheet(self, sender: SenderColumn, sent: dict[str, Any]) -> str:
        short = sent["type"].removeprefix("subsidy.").removesuffix(".v1")
        client, path = self._console(sender), f"/console/{CIXI}/2024/sheets"
        fields = {"csrf_token": self.form, "source": sent["source"], "type": short}
        file = (io.BytesIO(sheet_of(sent)), "f.csv")
        answer = client.post(path, data={**fields, "file": file})
        if answer.status_code != 303:
            assert language.words()["step-not-yours"]["en"] in answer.text, answer.text
            return "role.missing"
        address = answer.location
        until = time.monotonic() + SECONDS_MAX
        preview = ""
        while not preview:
            assert time.monotonic() < until
            time.sleep(0.05)
            text = client.get(address).text
            preview = text.partition('name="preview" value="')[2].partition('"')[0]
        client.post(address, data={"csrf_token": self.form, "preview": preview})
        while "recorded" not in self._stages():
            assert time.monotonic() < until
            time.sleep(0.02)
        return ""

    def _stages(self) -> set[str]:
        folder = self.checking.application.extensions["subsidy-sheets"].folder
        return {json.loads(each.read_text("utf-8"))["stage"] for each in folder.glob("*/state")}

    def _console(self, sender: SenderColumn) -> FlaskClient:
        """Somebody at a browser, which brings their token."""
        client = self.checking.application.test_client()
        client.environ_base |= {
            "HTTP_AUTHORIZATION": f"Bearer {self._token(sender)}",
            "HTTP_ACCEPT_LANGUAGE": "en",
        }
        self.form = _token_in(client)
        return client

    def _refused(self, sent: dict[str, Any]) -> str:
        """The digest of a text about an enterprise that was refused before."""
        [result] = ingest(self.ledger, [f'["{sent["id"]}", "{sent["subject"]}"]'.encode()], "tests")
        return str(result.refusal)

    def _by_command(self, sender: SenderColumn, sent: dict[str, Any]) -> str:
        return self._command(sender, ".ndjson", json.dumps(sent).encode())

    def _by_sheet_command(self, sender: SenderColumn, sent: dict[str, Any]) -> str:
        short = sent["type"].removeprefix("subsidy.").removesuffix(".v1")
        options = ("--source", sent["source"], "--type", short, "--yes")
        return self._command(sender, ".csv", sheet_of(sent), *options)

    def _command(self, sender: SenderColumn, suffix: str, body: bytes, *options: str) -> str:
        """What the command refuses to this user, by its code; empty where it took the file."""
        roles = " ".join(sorted(sender.writer.actor.roles & set(STAFF)))
        identity = {"SUBSIDY_LEDGER_IDENTITY": "required", "SUBSIDY_LEDGER_USERS": f"{os.getuid()}={roles}"}
        with tempfile.NamedTemporaryFile(suffix=suffix) as file:
            file.write(body)
            file.flush()
            words = ["--database", self.database, "--language", "en", "ingest", file.name, *options]
            done = CliRunner(env=identity).invoke(main, words)
        if done.exit_code == 1 and "may not take this step: fact.report" in done.output:
            return "role.missing"
        assert done.exit_code in (ExitStatus.DONE, ExitStatus.REFUSED), done.output
        return ""


def _token_in(client: FlaskClient) -> str:
    return (
        client.get(f"/console/{CIXI}/2024/sheets")
        .text.partition('name="csrf_token" value="')[2]
        .partition('"')[0]
    )


def _is_tabular(sent: dict[str, Any]) -> bool:
    return any(sent["type"] == table.type for table in SHIPPED_TABLES.by_name.values())


def sheet_of(sent: dict[str, Any]) -> bytes:
    """A message as a row of a sheet: the headings that people know, and the values as they are."""
    [table] = [each for each in SHIPPED_TABLES.by_name.values() if each.type == sent["type"]]
    values = {**sent["data"], "subject": sent["subject"], "time": sent["time"][:10]}
    keys = [key for key in table.by_key if key in values]
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        [table.by_key[key].words.title.zh + ("（元）" if key == "amount" else "") for key in keys]
    )
    writer.writerow([values[key] for key in keys])
    return out.getvalue().encode()


def column(name: str) -> SenderColumn:
    """A column of the table by its id."""
    return next(each for each in SENDERS if each.id == name)


__all__ = ["Doors", "column", "messages_of", "outcome_of", "sheet_of", "take_before"]
