"""Every step of the one table, taken by every role at every door of persons, each in a ledger of its own.

A year is led once from its claims to its clawbacks; each stage of it is kept as a file, and a step is tried
on a copy of the stage that it needs.
"""

from __future__ import annotations

import io
import json
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from docs.generate.steps import COMMANDS, Door, cells_at
from domain.authority.roles import ROLES
from domain.authority.two_persons import TWO_PERSON_STEPS, confirming_roles
from domain.events.event import Event
from domain.faults.fault import Fault
from ledger.intake.machine_keys import make_key, read_keys
from ledger.reading.disagreements import list_disagreements
from ledger.store.application import Ledger, open_ledger
from ledger.store.stored_events import SELECT, stored
from ledger.things.merging import list_merges
from services.cli.main import main
from services.cli.statuses import ExitStatus
from services.console import language
from services.web.fault_words import describe_fault
from tests.acknowledging import acknowledge
from tests.events import CIXI, OPERATOR, Feed, message
from tests.integration.bureau import Clock
from tests.integration.checked import ISSUER, CheckedApi
from tests.integration.test_impossible_steps import CODE, NEXT, OTHER, TEXT, World
from tests.integration.test_old_spellings import record_as_before, warehouse

SALE = {"channel": "online", "year": 2024, "currency": "CNY"}
DIFFER = 'kind: two-sources, fact: SalesReported, same: [channel, year], field: amount_fen, tolerance: "5"'
RULE = f"\ndisagreements:\n- {{id: d, {DIFFER}, then: hold}}\n"
SHOP = {"platform": "tmall", "kind": "flagship", "shop": "named wrongly", "on": "2024-03-04"}
RIGHT = message("store-registered", CODE, "bad", "2025-05-06T01:00:00Z", SHOP)
WRONG = {**RIGHT, "data": {**SHOP, "on": "no day"}}
THIRD = Feed(3).code
ACKNOWLEDGING = {
    "SettlementProposed": "settlement.propose",
    "SettlementPublished": "settlement.publish",
    "SettlementClosed": "settlement.close",
    "PaymentOrdered": "payment.order",
}
"""The steps that acknowledge what is open, by the event that each leaves."""
WAITING = "StepProposed"
"""The event of a step that waits for a second person."""
WHY = {"reason": "tests"}
HERE = f"/console/{CIXI}/2024"
API_YEAR, API_CLAIM = f"/v1/policies/{CIXI}/years/2024", f"/v1/claims/{CIXI}/{CODE}"
YEAR = ("--policy", CIXI, "--year", "2024")
FILE = "text/csv"


class Step(NamedTuple):
    """A step: the stage of the year that it needs, the event that it leaves, and how each door is asked.

    ``$`` names what the stage holds. A body or field that is bytes is sent as it is, a field of a form
    that begins with ``@`` as a file of that name in the stage's folder.
    """

    stage: str
    event: str
    """What it leaves; of a step of two persons, once the second one has taken it."""
    http: tuple[str, str, Any] | None = None
    form: tuple[str, dict[str, str]] | None = None
    command: tuple[str, ...] | None = None


def _claim(event: str, name: str, step: str, body: dict[str, str], *words: str) -> Step:
    """A step of a claim that is there; the form and the address of the step say the same."""
    verb = {"approval": "approve", "rejection": "reject", "withdrawal": "withdraw"}.get(step, step)
    return Step(
        "open",
        event,
        ("POST", f"{API_CLAIM}/{name}/{step}", body),
        (f"{HERE}/claims/{CODE}/{name}", {"step": verb, **body}),
        ("claim", verb, CODE, name, *words, "--policy", CIXI),
    )


def _settle(stage: str, event: str, place: str, body: Any, verb: str, *words: str, **fields: str) -> Step:
    """A step of the settlement."""
    return Step(
        stage,
        event,
        ("POST", f"{API_YEAR}/settlement/{place}", body),
        (f"{HERE}/settlement/{verb}", {**WHY, **fields}),
        ("settle", verb, *YEAR, *words),
    )


NEW = {"enterprise": CODE, "claim": "new", "measure": "climate.event", "item": "new"}
AMOUNT = {"enterprise": CODE, "amount": "1.00"}
CAME = {**AMOUNT, "on": "2025-06-13", "reference": "R"}
LATE = {"enterprise": OTHER, "measure": "store.jd", "amount": "$late", **WHY}
SAID = {"amount": "40000.00", "opinion": "in order"}
MADE = {"payment": "$payment", "status": "made", "amount": "$amount", "on": "2025-05-14", "said": "bank"}
STEPS: dict[str, Step] = {
    "claim.submit": Step(
        "open",
        "ClaimSubmitted",
        ("POST", "/v1/claims", {**NEW, "policy": CIXI, "year": 2024}),
        (f"{HERE}/claims/new", {**NEW, "year": "2024"}),
        (
            *("claim", "submit", CODE, "new", "--policy", CIXI, "--measure", "climate.event"),
            *("--item", "new", "--year", "2024"),
        ),
    ),
    "claim.propose": Step(
        "open",
        "ClaimSubmitted",
        ("POST", "/v1/claims/proposals", {"policy": CIXI, "year": 2024}),
        (f"{HERE}/claims", {}),
        ("claim", "propose", *YEAR),
    ),
    "claim.review": _claim("ClaimReviewed", "mine", "review", SAID, "40000.00", "in order"),
    "claim.approve": _claim("ClaimApproved", "reviewed", "approval", {}),
    "claim.reject": _claim("ClaimRejected", "reviewed", "rejection", WHY, "tests"),
    "claim.withdraw": _claim("ClaimWithdrawn", "mine", "withdrawal", {}),
    "claim.appeal": _claim("ClaimAppealed", "rejected", "appeal", WHY, "tests"),
    "settlement.propose": _settle("open", "SettlementProposed", "proposal", {}, "propose"),
    "settlement.publish": _settle("proposed", "SettlementPublished", "publication", {}, "publish"),
    "settlement.object": _settle("published", "ObjectionRaised", "objections", WHY, "object", "tests"),
    "settlement.resolve": _settle(
        *("published", "ObjectionResolved", "objections/$objection/resolution"),
        {"outcome": "dismissed", **WHY},
        *("resolve", "$objection", "dismissed", "tests"),
        objection="$objection",
        outcome="dismissed",
    ),
    "settlement.close": _settle("due", "SettlementClosed", "closing", {}, "close", sure="1"),
    "payment.order": Step(
        "closed",
        "PaymentOrdered",
        ("POST", f"{API_YEAR}/payments", {}),
        (f"{HERE}/settlement/order", {}),
        ("pay", "order", *YEAR),
    ),
    "payment.record": Step(
        "ordered",
        "PaymentMade",
        ("POST", f"{API_YEAR}/payments/results", {"results": [MADE]}),
        (f"{HERE}/settlement/results", {"file": "@results.csv"}),
        ("pay", "results", "$folder/results.csv", *YEAR),
    ),
    "clawback.order": Step(
        "paid",
        "ClawbackOrdered",
        ("POST", f"{API_YEAR}/clawbacks", {**AMOUNT, **WHY}),
        (f"{HERE}/settlement/claw-back", {**AMOUNT, **WHY}),
        ("clawback", CODE, "1.00", "tests", *YEAR),
    ),
    "clawback.record": Step(
        "clawed",
        "ClawbackRecovered",
        ("POST", f"{API_YEAR}/clawbacks/$clawback/recoveries", CAME),
        (f"{HERE}/settlement/recovery", {**CAME, "clawback": f"$clawback {CODE}"}),
        ("recovered", CODE, "$clawback", "1.00", "--on", "2025-06-13", "--reference", "R", *YEAR),
    ),
    "adjustment.accept": Step(
        "closed",
        "AdjustmentAccepted",
        ("POST", f"{API_YEAR}/adjustments", {**LATE, "into_year": 2025}),
        (f"{HERE}/adjustments/accept", {**LATE, "into_year": "2025"}),
        ("adjust", OTHER, "store.jd", "$late", "tests", "--into", "2025", *YEAR),
    ),
    "disagreement.decide": Step(
        "open",
        "FactDecided",
        ("POST", "/v1/disagreements/$disagreement/decision", {"counting": [], **WHY}),
        (f"{HERE}/disagreements/$disagreement", WHY),
        ("disagreements", "decide", "$disagreement", "tests"),
    ),
    "refusal.resubmit": Step(
        "open",
        "RefusalResubmitted",
        ("POST", "/v1/refused/$digest/resubmission", RIGHT),
        (f"{HERE}/refused/$digest", {"step": "resubmit", "text": "$text"}),
    ),
    "refusal.dismiss": Step(
        "open",
        "RefusalDismissed",
        ("POST", "/v1/refused/$digest/dismissal", WHY),
        (f"{HERE}/refused/$digest", {"step": "dismiss", **WHY}),
    ),
    "amendment.make": Step(
        "open",
        "FactRetracted",
        (
            "POST",
            "/v1/amendments",
            {"source": "urn:tests", "id": f"shop-{OTHER}", "amendment": "retraction", **WHY},
        ),
        (f"{HERE}/log/$position", {"step": "retraction", **WHY}),
        ("amend", "retract", "urn:tests", f"shop-{OTHER}", "tests"),
    ),
    "merge.decide": Step(
        "open", "SpellingsDecided", None, None, ("things", "decide", "$merge", "same", "tests")
    ),
    "policy.adopt": Step(
        "open",
        "PolicyAdopted",
        ("POST", "/v1/policies", NEXT.rstrip("\n").encode() + RULE.encode()),
        None,
        ("adopt", "$folder/next.yaml"),
    ),
    "budget.set": Step(
        "open",
        "BudgetSet",
        ("PUT", f"/v1/policies/{CIXI}/budgets/2024", {"amount": "1.00", "currency": "CNY"}),
        None,
        ("set-budget", CIXI, "2024", "1.00"),
    ),
    "key.make": Step("open", "PublisherKeyMade", None, None, ("keys", "add", "tax", "--source", "urn:tax")),
    "key.end": Step("open", "PublisherKeyEnded", None, None, ("keys", "revoke", "$key")),
}
"""Every step that persons take, with what each leaves."""


class Stage(NamedTuple):
    """A ledger at one moment of the year, as a file that is copied and never opened."""

    file: Path
    now: datetime
    names: dict[str, str]


class Stages:
    """The stages of a year that was led through once."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.kept = folder, dict[str, Stage]()
        with closing(open_ledger(str(folder / "year.db"), clock=Clock())) as ledger:
            self._lead(World(ledger, TEXT.rstrip("\n") + RULE))
        (folder / "next.yaml").write_bytes(NEXT.rstrip("\n").encode() + RULE.encode())

    def _lead(self, world: World) -> None:
        bureau, sent = world.bureau, Feed(3)
        bureau.api.send("POST", "/v1/events", WRONG, "application/cloudevents+json")
        bureau.publish("standard-published", THIRD, "S", level="cixi", standard="DB 1", on="2024-06-01")
        for source, amount in (("urn:tests", "1000.00"), ("urn:others", "2000.00")):
            body = message(
                "sales-reported", THIRD, sent.last, "2025-05-06T01:00:00Z", {**SALE, "amount": amount}
            )
            bureau.api.publish({**body, "source": source})
        world.claims()
        old = Feed(4)
        record_as_before(bureau.ledger, *(warehouse(old, name) for name in ("EU-1", "ＥＵ－1")))
        with bureau.ledger.store.reading() as rows:
            [matter] = list_disagreements(rows, (-1, ""), 10, "open")
            [[digest]] = rows.all("SELECT digest FROM refused")
            [merge] = list_merges(rows)
            [[shop]] = rows.all("SELECT MIN(rowid) FROM stored_events WHERE originator_id=?", [OTHER])
        world.names |= {"disagreement": matter.id, "digest": digest, "position": str(shop)}
        world.names["merge"] = merge.id
        world.names["key"] = make_key(bureau.ledger, OPERATOR, "old", "urn:old", []).split("_")[1]
        self._keep(world, "open")
        bureau.officer.post(bureau.year("settlement/proposal"), {})
        self._keep(world, "proposed")
        bureau.officer.post(bureau.year("settlement/publication"), {})
        world.names["objection"] = world.object_(bureau.api.by("Wu", "officer"))
        self._keep(world, "published")
        world.resolve(world.names["objection"], "dismissed")
        bureau.clock.pass_(days=8)
        self._keep(world, "due")
        bureau.reviewer.post(bureau.year("settlement/closing"), {})
        late = {"platform": "jd", "kind": "flagship", "shop": "late", "on": "2024-03-04"}
        bureau.publish("store-registered", OTHER, "late", **late)
        [waiting] = bureau.pages(bureau.year("adjustments"))
        assert waiting["measure"] == LATE["measure"]
        world.names["late"] = waiting["difference"]
        self._keep(world, "closed")
        world.order()
        result = world.filled("$payment,made,$amount,2025-05-14,bank,")
        (self.folder / "results.csv").write_text(f"payment,status,amount,on,reference,reason\n{result}\n")
        self._keep(world, "ordered")
        world.pay()
        self._keep(world, "paid")
        world.claw_back()
        self._keep(world, "clawed")

    def _keep(self, world: World, stage: str) -> None:
        file = self.folder / f"{stage}.db"
        with (
            closing(sqlite3.connect(self.folder / "year.db")) as year,
            closing(sqlite3.connect(file)) as copy,
        ):
            year.backup(copy)
        self.kept[stage] = Stage(file, world.bureau.clock(), dict(world.names))

    def filled(self, value: Any, names: dict[str, str]) -> Any:
        """A path, a body or words with the stage's names put in."""
        if isinstance(value, str):
            return Template(value).safe_substitute(names, folder=self.folder)
        if isinstance(value, dict):
            return {key: self.filled(each, names) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self.filled(each, names) for each in value)
        return value


class Copy:
    """A stage's own copy, to be written to."""

    def __init__(self, stages: Stages, stage: str, folder: Path) -> None:
        self.stages, self.stage = stages, stages.kept[stage]
        self.file = folder / f"{stage}-{len(list(folder.iterdir()))}.db"
        self.file.write_bytes(self.stage.file.read_bytes())
        self.open: Callable[..., Ledger] = partial(open_ledger, clock=Clock(self.stage.now))
        self.ledger = self.open(str(self.file))
        self.api: CheckedApi | None = None
        self.before = self._state()

    def _state(self) -> tuple[int, int, tuple[Any, ...]]:
        with self.ledger.store.reading() as rows:
            [[refused]] = rows.all("SELECT SUM(times) FROM refused")
            keys = tuple((key.key_id, key.name, key.revoked_at) for key in read_keys(rows))
            return rows.last_position(), refused, keys

    def is_as_before(self) -> bool:
        """Whether no event, refused message or key came or went."""
        return self._state() == self.before

    def events(self) -> list[Event]:
        """What was recorded since the stage."""
        with self.ledger.store.reading() as rows:
            sql = f"{SELECT} WHERE rowid>? ORDER BY rowid"
            return [stored(row).fact for row in rows.all(sql, [self.before[0]])]

    def has_effect(self, name: str, who: tuple[str, str], role: str) -> bool:
        """Whether an event of this name came that this person left in this role."""
        return any(
            (event.said_by.issuer, event.said_by.subject, event.acting_as.role) == (*who, role)
            for event in self.events()
            if event.name == name and event.said_by is not None and event.acting_as is not None
        )

    def close(self) -> None:
        """Give the copy's connections back."""
        self.ledger.close()

    def _known(self, step: Step) -> dict[str, str]:
        """What a step of the settlement says of open matters; nothing where it says none."""
        name = ACKNOWLEDGING.get(step.event)
        known = acknowledge(self.ledger, CIXI, 2024, name) if name else None
        return {"acknowledges": known.digest, "reason": known.reason} if known else {}

    def _asked(self) -> CheckedApi:
        if self.api is None:
            self.api = CheckedApi(self.ledger)
        return self.api

    def ask_http(self, step: Step, role: str, number: int = 1) -> str:
        """What comes of a request: empty where it was taken, else the code of its refusal.

        ``number`` tells two people of one role apart.
        """
        assert step.http is not None
        method, path, body = self.stages.filled(step.http, self.stage.names)
        if isinstance(body, dict):
            body = {**body, **self._known(step)}
        person = self._asked().person(of_token(role, number)[1], role, credit_code=CODE)
        media = "application/yaml" if isinstance(body, bytes) else "application/json"
        answer = person.send(method, path, body, media)
        if answer.status_code < 300:
            return ""
        return str([fault["code"] for fault in (answer.json or {})["faults"]] or answer.text)

    def ask_page(self, step: Step, role: str, number: int = 1) -> str:
        """What comes of a form: empty where the page goes on."""
        assert step.form is not None
        names = {**self.stage.names, "text": json.dumps(RIGHT)}
        path, fields = self.stages.filled(step.form, names)
        fields = {**fields, **self._known(step)}
        person = self._asked().person(of_token(role, number)[1], role, credit_code=CODE)
        client, headers = person.app.test_client(), {**person.headers, "Accept-Language": "en"}
        tokens = re.findall(
            r'name="csrf_token" value="([^"]+)"', client.get("/console/who", headers=headers).text
        )
        files = {name: value[1:] for name, value in fields.items() if value.startswith("@")}
        uploads = {
            name: (io.BytesIO((self.stages.folder / file).read_bytes()), file) for name, file in files.items()
        }
        data = {"csrf_token": tokens[0] if tokens else "", **fields, **uploads}
        answer = client.post(path, data=data, headers=headers)
        if answer.status_code == 303:
            return ""
        if answer.status_code == 403:
            return "['role.missing']"
        not_yours = language.words()["step-not-yours"]["en"]
        return "['role.missing']" if not_yours in answer.text else f"{answer.status_code} {answer.text}"

    def ask_command(self, patch: pytest.MonkeyPatch, step: Step, role: str, number: int = 1) -> str:
        """What comes of a command that a user in one role runs: empty where it ends well, or waits."""
        assert step.command is not None
        user = user_of(role, number)
        patch.setattr(os, "getuid", lambda: user)
        patch.setattr("services.cli.common.open_ledger", self.open)
        environment = {"SUBSIDY_LEDGER_IDENTITY": "required", "SUBSIDY_LEDGER_USERS": f"{user}={role}"}
        words = self.stages.filled(step.command, self.stage.names)
        words += tuple(word for name, value in self._known(step).items() for word in (f"--{name}", value))
        line = ["--database", str(self.file), "--language", "en", *words]
        done = CliRunner(env=environment).invoke(main, line)
        if done.exit_code in (0, ExitStatus.WAITING):
            return ""
        rule = describe_fault(Fault("role.missing", "actor", {"action": "", "roles": ""}), "en")["rule"]
        return "['role.missing']" if str(rule).strip() in done.output else f"{done.output} {done.exception!r}"


Ask = Callable[[Copy, Step, str, int], str]
Who = Callable[[str, int], tuple[str, str]]
"""Who the first or second person of a role is at a door: issuer and subject."""


def user_of(role: str, number: int) -> int:
    """The number of the operating system's user who has one role."""
    return 7_000 + 10 * ROLES.index(role) + number


def of_token(role: str, number: int) -> tuple[str, str]:
    """The person of a token who has one role."""
    return ISSUER, f"{role} {number}"


def of_system(role: str, number: int) -> tuple[str, str]:
    """The user of the operating system who has one role."""
    return "os", str(user_of(role, number))


def wrong_cells(stages: Stages, folder: Path, door: Door, ask: Ask, who: Who) -> list[str]:
    """The cells that do not hold at a door: not refused as they must be, or without their effect."""
    wrong, unchanged = list[str](), dict[str, Copy]()
    for step, role, is_allowed in cells_at(door):
        needed = STEPS[step]
        if is_allowed:
            wrong += [
                f"{step} by {role}: {fault}"
                for fault in _without_effect(stages, folder, step, role, ask, who)
            ]
        elif role in door.roles or door is not COMMANDS:  # nobody can be given such a role there
            if needed.stage not in unchanged:
                unchanged[needed.stage] = Copy(stages, needed.stage, folder)
            copy = unchanged[needed.stage]
            refusal = ask(copy, needed, role, 1)
            if "role.missing" not in refusal or not copy.is_as_before():
                wrong.append(f"{step} by {role} is not refused: {refusal[:300] or 'taken'}")
    for copy in unchanged.values():
        copy.ledger.close()
    return wrong


def _without_effect(stages: Stages, folder: Path, step: str, role: str, ask: Ask, who: Who) -> Iterator[str]:
    """What is wrong with a step that a role may take: it leaves its event under who took it.

    A step of two persons waits under the first, and leaves its event under the second.
    """
    needed = STEPS[step]
    with closing(Copy(stages, needed.stage, folder)) as copy:
        takers = [(needed.event, role, 1)]
        if step in TWO_PERSON_STEPS:
            takers = [(WAITING, role, 1), (needed.event, confirming_roles(step)[0], 2)]
        for event, taker, number in takers:
            refusal = ask(copy, needed, taker, number)
            if refusal:
                yield refusal[:600]
            elif not copy.has_effect(event, who(taker, number), taker):
                yield f"no {event} of {taker} {number}"
