# mypy: ignore-errors
# ruff: noqa: C901, E501
"""Made the ledger that is kept beside this file: run with the program of 46ad05e, and never since.

It is kept to show how the files came to be. It reaches into the program of that day (its clock, its
writer of states), so it need not run with any later one. It was run from the repository's folder:

    PYTHONPATH=. python tests/golden/46ad05e/make.py

Whatever is random (the log's secret, keys of names, ids) is drawn from a seed, and the clock stands
where the scene puts it, so that SQLite and PostgreSQL hold the very same events and the log has one
root. States are stored in the oldest form of their class before ``Scene.modern`` is set: that is what
a ledger holds which has been in use since the first version.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlencode

HERE = Path(__file__).parent
_drawn = Counter()


def _seeded(count: int) -> bytes:
    """Bytes by a seed: another stream for each module of ours that asks."""
    frame = sys._getframe(1)
    while frame and frame.f_globals.get("__name__", "").split(".")[0] not in ("ledger", "services"):
        frame = frame.f_back
    who = frame.f_globals["__name__"] if frame else "else"
    _drawn[who] += 1
    return hashlib.shake_256(f"golden {who} {_drawn[who]}".encode()).digest(count)


os.urandom = random._urandom = _seeded

import msgspec  # noqa: E402
from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: E402

from domain.events import CATALOGUE  # noqa: E402
from domain.money import yuan  # noqa: E402
from domain.notes import COSIGNATURE_V1, Checkpoint, SignerKey, parse_note  # noqa: E402
from ledger import machine_keys, persons, writing  # noqa: E402
from ledger.application import open_ledger  # noqa: E402
from ledger.audit import checkpoints, rotation  # noqa: E402
from ledger.audit.tree import Tree  # noqa: E402
from ledger.stored import SELECT, fact_of  # noqa: E402
from services.api.app import create_app  # noqa: E402
from services.sample import city  # noqa: E402
from tests.golden.answers import Asker, FrozenAnswer, list_differences, write_answers  # noqa: E402
from tests.golden.outside import CRASHED, LEDGER, run_command, serving, settings  # noqa: E402
from tests.oracle.codes import credit_code  # noqa: E402
from tests.postgres import Server  # noqa: E402

POLICIES = Path("domain/policy")
CIXI, LINHAI, BINHAI, HENGQIN = (
    "cixi-ecommerce-2024",
    "linhai-ecommerce-2026",
    "binhai-technology-2026",
    "hengqin-macao-brands-2026",
)
CIXI_TEXT = (POLICIES / f"{CIXI}.yaml").read_text("utf-8")
HOLDS = """
disagreements:
- {id: shop-held, kind: claimed-twice, fact: StoreRegistered, same: [platform, shop], then: hold}
- {id: design-held, kind: two-sources, fact: DesignPurchased, same: [year], field: amount_fen, tolerance: "5", then: hold}
"""
SECOND_TEXT = (
    CIXI_TEXT.replace("\nversion: 1\n", "\nversion: 2\n").replace(
        "effective_from: 2024-01-01", "effective_from: 2026-01-01"
    )
    + HOLDS
)
TALENT = "慈溪王小明"


class Ciphers:
    """The cipher of names, with keys by the seed; the library's own are drawn outside Python."""

    def __new__(cls, key: bytes) -> AESGCM:
        return AESGCM(key)

    @staticmethod
    def generate_key(bits: int) -> bytes:
        return _seeded(bits // 8)


WITNESS = SignerKey("auditor", b"\x07" * 32, COSIGNATURE_V1)
GONE = ("actor", "evidence", "person")
"""Fields of claims that came after the first version without a version of their own."""


def as_it_was_first_stored(name: str, state: dict) -> None:
    """Put a state into the oldest form that its class had."""
    if name == "SalesReported" and state["customs_code"] is None:
        del state["class_version"], state["customs_code"]
        state["amount"] = yuan(state.pop("amount_fen"))
    elif name in ("SettlementProposed", "SettlementClosed"):
        del state["class_version"], state["budgets"], state["pots"]
    elif name == "SettlementPublished":
        del state["class_version"], state["list_root"], state["list_lines"]
    elif name.startswith("Claim"):
        for field in GONE:
            if state.get(field, "") is None:
                del state[field]


class Scene:
    """One ledger in the hands of its people, at moments that the scene sets."""

    def __init__(self, database: str, key_file: Path) -> None:
        self.now = datetime(2024, 2, 1, 2, tzinfo=UTC)
        self.modern = False
        self.key_file = key_file
        today = writing.state_of

        def state_of(fact, recorded_at):
            state = today(fact, recorded_at)
            if self.modern:
                return state
            values = msgspec.json.decode(state)
            as_it_was_first_stored(fact.name, values)
            return msgspec.json.encode(values)

        persons.AESGCM = Ciphers
        self._put_back = lambda: setattr(writing, "state_of", today)
        writing.state_of = state_of
        self.ledger = open_ledger(database, clock=lambda: self.now)
        self.app = create_app(self.ledger)
        self.app.config["SIGNING_KEY"] = str(key_file)
        self.client = self.app.test_client()
        self.number = 0

    def close(self) -> None:
        self.ledger.close()
        self._put_back()

    def at(self, day: str) -> None:
        """A day's morning in China."""
        self.now = datetime.fromisoformat(f"{day}T09:00:00+08:00").astimezone(UTC)

    def send(self, method, path, body=None, media="application/json", who=None, ok=None):
        self.now += timedelta(minutes=1)
        data = (
            body if isinstance(body, bytes) or body is None else json.dumps(body, ensure_ascii=False).encode()
        )
        headers = {"Accept-Language": "en"}
        headers |= dict(
            zip(("Subsidy-Actor", "Subsidy-Roles", "Subsidy-Enterprise"), who or (), strict=False)
        )
        answer = self.client.open(path, method=method, data=data, content_type=media, headers=headers)
        if answer.status_code not in (ok or (200, 201)):
            raise SystemExit(f"{method} {path}: {answer.status_code} {answer.data.decode()[:900]}")
        if answer.mimetype == "application/json":
            return json.loads(answer.data)
        return answer.data

    def get(self, path, who=None):
        return self.send("GET", path, who=who)

    def post(self, who, path, body=None, ok=None):
        return self.send("POST", path, body if body is not None else {}, who=who, ok=ok)

    def fact(self, type_, code, data, source="urn:cixi:commerce", ok=None, **more):
        """One fact, sent now; its id."""
        self.number += 1
        event = {
            "specversion": "1.0",
            "id": f"G-{self.number:03d}",
            "source": source,
            "type": f"subsidy.{type_}.v1",
            "subject": code,
            "time": self.now.isoformat(),
            "data": data,
            **more,
        }
        self.send("POST", "/v1/events", event, "application/cloudevents+json", ok=ok)
        return event["id"]

    def stream(self, messages) -> None:
        self.send("POST", "/v1/events", b"\n".join(messages), "application/x-ndjson")

    def adopt(self, text: str) -> None:
        self.send("POST", "/v1/policies", text.encode(), "application/yaml", ok=(200, 201))

    def budget(self, policy, period, amount, currency="CNY") -> None:
        self.send("PUT", f"/v1/policies/{policy}/budgets/{period}", {"amount": amount, "currency": currency})

    def checkpoint(self) -> str:
        return self.get("/v1/log/checkpoint").decode()


OFFICER, SECOND = ("Lin", "officer"), ("Gao", "officer")
REVIEWER, OTHER = ("Shen", "reviewer"), ("Wu", "reviewer")
FINANCE = ("Qian", "finance")


def clerk(code):
    return (f"clerk of {code[-4:]}", "enterprise", code)


def year(policy, number, what):
    return f"/v1/policies/{policy}/years/{number}/{what}"


def case(policy, code, claim, step):
    return f"/v1/claims/{policy}/{code}/{quote(claim)}/{step}"


def items(scene, path):
    return scene.get(f"{path}{'&' if '?' in path else '?'}limit=1000")["items"]


def in_money(amount, number, currency="CNY", **more):
    return {"year": number, "amount": amount, "currency": currency, **more}


def first_years(scene: Scene) -> list[str]:
    """2024: the rules come in, a city's facts, corrections, what is refused; the enterprises' codes."""
    scene.adopt(CIXI_TEXT)
    scene.budget(CIXI, "2024", "5000000.00")
    scene.at("2025-04-29")
    messages = list(city(44, seed=7, year=2024))
    for start in range(0, len(messages), 60):
        scene.stream(messages[start : start + 60])
        scene.now += timedelta(hours=3)
        if start == 120:
            scene.checkpoint()
    codes = [each["enterprise"] for each in items(scene, f"/v1/enterprises?policy={CIXI}&year=2024")]
    shop = {"platform": "tmall", "kind": "flagship", "shop": "金色旗舰店", "on": "2024-06-06"}
    sent = scene.fact("store-registered", codes[3], shop, traceparent=f"00-{'ab' * 16}-{'cd' * 8}-01")
    named = {"of": sent, "of_source": "urn:cixi:commerce", "of_type": "subsidy.store-registered.v1"}
    scene.fact("fact-corrected", codes[3], {**named, "reason": "日期有误", "changes": {"on": "2024-07-07"}})
    sent = scene.fact("store-registered", codes[4], {**shop, "shop": "重复的店"}, correlationid="batch-17")
    scene.fact("fact-retracted", codes[4], {**named, "of": sent, "reason": "重复登记"})
    scene.fact(
        "recognition-granted", codes[5], {"kind": "credit_evaluation", "ref": "AAA", "on": "2024-10-10"}
    )
    wrong = {**shop, "platform": "Tmall!"}
    scene.fact("store-registered", codes[6], wrong, ok=(422,))
    scene.fact("store-registered", codes[6], {**shop, "on": "2031-01-01"}, ok=(422,))
    refused = items(scene, "/v1/refused?open=true")
    scene.post(OFFICER, f"/v1/refused/{refused[-1]['digest']}/dismissal")
    return codes


def claims_at_the_desk(scene: Scene, codes: list[str]) -> None:
    """Submitted, reviewed, approved, rejected, appealed, withdrawn, proposed; two with a talent's name."""
    document = {"title": "合同", "location": "oa://2025/17", "sha256": "0" * 64}
    looked = {"opinion": "材料齐全"}

    def submit(who, code, claim, measure, item, **more):
        body = {
            "enterprise": code,
            "policy": CIXI,
            "claim": claim,
            "measure": measure,
            "item": item,
            "year": 2024,
        }
        scene.post(who, "/v1/claims", {**body, **more}, ok=(201,))

    one, two, three, four, five = codes[8:13]
    submit(
        clerk(one),
        one,
        "申/1",
        "climate.event",
        "年会",
        amount="90000.00",
        currency="CNY",
        evidence=[document],
    )
    submit(clerk(two), two, "申-2", "climate.event", "对接会", amount="80000.00", currency="CNY")
    submit(clerk(three), three, "申-3", "climate.event", "论坛")
    submit(
        OFFICER, four, "才-1", "talent.team", "海外团队", amount="500000.00", currency="CNY", person=TALENT
    )
    scene.post(SECOND, case(CIXI, one, "申/1", "review"), {"amount": "80000.00", **looked})
    scene.post(REVIEWER, case(CIXI, one, "申/1", "approval"), {"amount": "75000.55"})
    scene.post(OFFICER, case(CIXI, two, "申-2", "review"), {"amount": "60000.00", **looked})
    scene.post(REVIEWER, case(CIXI, two, "申-2", "rejection"), {"reason": "材料不齐"})
    scene.now += timedelta(days=3)
    scene.post(clerk(two), case(CIXI, two, "申-2", "appeal"), {"reason": "已补齐"})
    scene.post(SECOND, case(CIXI, two, "申-2", "review"), {"amount": "50000.00", **looked})
    scene.post(OTHER, case(CIXI, two, "申-2", "approval"), {})
    scene.post(clerk(three), case(CIXI, three, "申-3", "withdrawal"))
    scene.post(SECOND, case(CIXI, four, "才-1", "review"), {"amount": "400000.00", **looked})
    scene.post(REVIEWER, case(CIXI, four, "才-1", "approval"), {})
    told = {"claim": "才-2", "policy": CIXI, "measure": "talent.team", "item": "引才", "person": "已删除者"}
    scene.fact("claim-submitted", five, in_money("100000.00", 2024, **told), "urn:cixi:organisation")
    scene.fact("claim-approved", five, in_money("90000.00", 2024, **told), "urn:cixi:organisation")
    persons.erase(scene.ledger, CIXI, "才-2", five)
    standard = {"level": "ningbo", "standard": "DB3302/T 9", "on": "2024-04-04"}
    scene.fact("standard-published", five, standard)
    scene.post(OFFICER, "/v1/claims/proposals", {"policy": CIXI, "year": 2024})


def settle_with_objections(scene: Scene, number: int, codes: list[str], when: str) -> None:
    """Proposed, published, objected to with reason, proposed again, objected to in vain, closed."""
    scene.at(when)
    scene.post(OFFICER, year(CIXI, number, "settlement/proposal"))
    scene.post(OFFICER, year(CIXI, number, "settlement/publication"))
    body = {"enterprise": codes[14], "reason": "少一家店铺"}
    raised = scene.post(clerk(codes[14]), year(CIXI, number, "settlement/objections"), body)
    objection = raised["objections"][-1]["objection"]
    path = year(CIXI, number, f"settlement/objections/{objection}/resolution")
    scene.post(REVIEWER, path, {"outcome": "upheld", "reason": "属实"})
    shop = {"platform": "jd", "kind": "flagship", "shop": f"漏报的店{number}", "on": f"{number}-08-08"}
    scene.fact("store-registered", codes[14], shop)
    scene.post(OFFICER, year(CIXI, number, "settlement/proposal"))
    scene.post(OFFICER, year(CIXI, number, "settlement/publication"))
    raised = scene.post(SECOND, year(CIXI, number, "settlement/objections"), {"reason": "预算太少"})
    objection = raised["objections"][-1]["objection"]
    path = year(CIXI, number, f"settlement/objections/{objection}/resolution")
    scene.post(OTHER, path, {"outcome": "dismissed", "reason": "预算已定"})
    scene.now += timedelta(days=10)
    scene.post(REVIEWER, year(CIXI, number, "settlement/closing"))


def bank(scene, policy, number, answers, on) -> None:
    body = [{"payment": p, "status": s, "amount": a, "on": on, "said": said} for p, s, a, said in answers]
    scene.post(FINANCE, year(policy, number, "payments/results"), {"results": body})


def pay(scene: Scene, policy: str, number: int, on: str, again: bool = True) -> list[dict]:
    """Ordered, some failed, one came back, ordered again and made."""
    batch = scene.post(FINANCE, year(policy, number, "payments"))["batch"]
    ordered = items(scene, f"{year(policy, number, 'payments')}?batch={batch}")
    answers = [
        (each["payment"], "failed" if again and at % 7 == 3 else "made", each["amount"], f"行{at}")
        for at, each in enumerate(ordered)
    ]
    bank(scene, policy, number, answers, on)
    if not again:
        return ordered
    bank(scene, policy, number, [(ordered[0]["payment"], "failed", ordered[0]["amount"], "账户已销")], on)
    batch = scene.post(FINANCE, year(policy, number, "payments"))["batch"]
    ordered_again = items(scene, f"{year(policy, number, 'payments')}?batch={batch}")
    answers = [
        (each["payment"], "made", each["amount"], "补付") for each in ordered_again[:-1] or ordered_again
    ]
    bank(scene, policy, number, answers, on)  # the last one is still under way
    return ordered


def claw_back_and_adjust(scene: Scene, codes: list[str], ordered: list[dict]) -> None:
    """Late facts: one raises an award into the next year, one lowers one; a breach is paid back in part."""
    scene.at("2025-07-22")
    richest = max(ordered, key=lambda each: float(each["amount"]))["enterprise"]
    body = {"enterprise": richest, "amount": "12345.67", "reason": "分公司已注销"}
    made = scene.post(OFFICER, year(CIXI, 2024, "clawbacks"), body, ok=(201,))
    path = year(CIXI, 2024, f"clawbacks/{made['clawback']}/recoveries")
    for part in ("2345.67", "4000.00"):
        body = {"enterprise": richest, "amount": part, "on": "2025-07-21", "reference": f"还款{part}"}
        scene.post(FINANCE, path, body)
    shop = {"platform": "tmall", "kind": "flagship", "shop": "迟报的店", "on": "2024-09-09"}
    scene.fact("store-registered", codes[20], shop)
    named = {"of": "G-001", "of_source": "urn:cixi:commerce", "of_type": "subsidy.store-registered.v1"}
    scene.fact("fact-retracted", codes[3], {**named, "reason": "店铺不属于该企业"})
    pending = {
        (e["enterprise"], e["difference"][:1] == "-"): e
        for e in items(scene, year(CIXI, 2024, "adjustments"))
    }
    late, lowered = pending[codes[20], False], pending[codes[3], True]
    body = {
        "enterprise": codes[20],
        "measure": late["measure"],
        "into_year": 2025,
        "amount": late["difference"],
    }
    scene.post(OFFICER, year(CIXI, 2024, "adjustments"), {**body, "reason": "迟报"}, ok=(201,))
    amount = lowered["paid_too_much"]
    body = {"enterprise": codes[3], "measure": lowered["measure"], "amount": amount, "reason": "已撤回"}
    scene.post(OFFICER, year(CIXI, 2024, "clawbacks"), body, ok=(201,))


def second_year(scene: Scene, codes: list[str]) -> None:
    """2025 in today's form: rules that hold facts, facts that disagree, a replaced code; closed and paid."""
    scene.modern = True
    scene.at("2025-12-15")
    scene.adopt(SECOND_TEXT)
    scene.budget(CIXI, "2025", "700000.00")
    scene.at("2026-05-02")
    scene.stream(list(city(6, seed=8, year=2025)))
    shop = {"platform": "tmall", "kind": "flagship", "shop": "两家都报的店", "on": "2025-03-03"}
    first = scene.fact("store-registered", codes[21], shop, "urn:platform:tmall")
    scene.fact("store-registered", codes[22], shop)
    for source, amount in (("urn:cixi:industry", "400000.00"), ("urn:cixi:tax", "900000.00")):
        scene.fact("design-purchased", codes[23], in_money(amount, 2025), source)
    other = {"platform": "jd", "kind": "flagship", "shop": "另一家都报的店", "on": "2025-04-04"}
    scene.fact("store-registered", codes[24], other)
    scene.fact("store-registered", codes[25], other)
    scene.fact("enterprise-replaced", codes[26], {"by": codes[27], "on": "2025-05-05"})
    for each in items(scene, "/v1/disagreements"):
        counting = [{"source": f["source"], "id": f["id"]} for f in each["facts"] if f["id"] == first]
        if counting:
            body = {"counting": counting, "reason": "已与平台核实", "seen": each["latest"]}
            scene.post(OFFICER, f"/v1/disagreements/{each['disagreement']}/decision", body)
    scene.fact(
        "sales-reported",
        codes[28],
        in_money("5100000.00", 2025, channel="b2b_pilot_export", customs_code="9810"),
    )
    scene.fact("research-spent", codes[28], in_money("260000.00", 2025), "urn:cixi:industry")
    scene.fact("other-award-recorded", codes[21], in_money("2000.00", 2025, policy=CIXI, measure="store.tmall",
               authority="cixi", other_policy="小微企业扶持"))  # fmt: skip
    settle_with_objections(scene, 2025, codes, "2026-05-11")
    scene.at("2026-06-01")
    pay(scene, CIXI, 2025, "2026-06-01")
    rotation.rotate(scene.ledger, scene.key_file)
    note = scene.checkpoint()
    body, _ = parse_note(note)
    line = WITNESS.cosign(body, 1_780_000_000)
    checkpoints.cosign(scene.ledger, Checkpoint.parse(body).size, line, WITNESS.verifier)


def other_policies(scene: Scene) -> None:
    """2026 under policies with budgets by town, budgets by measure for life, and another currency."""
    scene.at("2026-06-15")
    for policy in (LINHAI, BINHAI, HENGQIN):
        scene.adopt((POLICIES / f"{policy}.yaml").read_text("utf-8"))
    scene.budget(LINHAI, "2026.city", "20000.00")
    scene.budget(BINHAI, "life.results", "150000.00")
    scene.budget(HENGQIN, "2026", "100000.00", "MOP")
    a, b, c, d = (credit_code(number) for number in (801, 802, 803, 804))
    for code, town in ((a, "古城街道"), (b, "大洋街道"), (c, "杜桥镇"), (d, "白水洋镇")):
        scene.fact("enterprise-registered", code, {"name": f"企业{code[-4:]}", "town": town})
    scene.fact(
        "store-registered", a, {"platform": "tmall", "kind": "flagship", "shop": "a", "on": "2026-03-01"}
    )
    scene.fact("sales-reported", a, in_money("1250000.00", 2026, "USD", channel="dtc_own_brand_export"))
    claim = {"policy": LINHAI, "measure": "live.base", "item": "b", "claim": "L-1"}
    scene.fact("claim-approved", b, in_money("30000.00", 2026, **claim))
    scene.fact("design-purchased", c, in_money("2000000.00", 2026))
    research = scene.fact("research-spent", c, in_money("1000000.00", 2026))
    scene.fact("recognition-granted", c, {"kind": "high_tech_enterprise", "ref": "h", "on": "2026-04-01"})
    claim = {"policy": BINHAI, "measure": "results.project", "item": "p", "claim": "B-1"}
    scene.fact("claim-approved", d, in_money("500000.00", 2026, **claim))
    scene.fact("sales-reported", d, in_money("5000000.00", 2026, "MOP", channel="online"))
    for policy in (LINHAI, BINHAI, HENGQIN):
        scene.post(OFFICER, year(policy, 2026, "settlement/proposal"))
        scene.post(OFFICER, year(policy, 2026, "settlement/publication"))
    scene.now += timedelta(days=12)
    for policy in (LINHAI, BINHAI, HENGQIN):
        scene.post(REVIEWER, year(policy, 2026, "settlement/closing"))
        pay(scene, policy, 2026, "2026-06-26", again=False)
    named = {"of": research, "of_source": "urn:cixi:commerce", "of_type": "subsidy.research-spent.v1"}
    scene.fact("fact-corrected", c, {**named, "reason": "审计核减", "changes": {"amount": "500000.00"}})
    body = {"enterprise": c, "measure": "research.expense", "amount": "40000.00", "reason": "审计核减"}
    scene.post(OFFICER, year(BINHAI, 2026, "clawbacks"), body, ok=(201,))
    scene.fact("design-purchased", a, in_money("100000.00", 2026))


def open_years(scene: Scene, codes: list[str]) -> None:
    """What is under way: a list with an open objection, and one that was only proposed."""
    scene.at("2026-09-01")
    shop = {"platform": "tmall", "kind": "flagship", "shop": "今年的店", "on": "2026-02-02"}
    scene.fact("store-registered", codes[30], shop)
    scene.post(OFFICER, year(CIXI, 2026, "settlement/proposal"))
    scene.post(OFFICER, year(CIXI, 2026, "settlement/publication"))
    scene.post(SECOND, year(CIXI, 2026, "settlement/objections"), {"reason": "待查"})
    scene.post(OFFICER, year(LINHAI, 2027, "settlement/proposal"))
    scene.fact("store-registered", codes[31], {**shop, "shop": "名单之后的店"})
    text = machine_keys.make_key(scene.ledger, "统计局", "urn:cixi:statistics", ["subsidy.sales-reported.v1"])
    machine_keys.make_key(scene.ledger, "税务局", "urn:cixi:tax", [])
    machine_keys.revoke_key(scene.ledger, text.split("_")[1])
    for code in codes[:3]:
        scene.get(f"/v1/enterprises/{code}/balances/{CIXI}/2024")
    scene.now += timedelta(days=1)
    scene.checkpoint()


def played(database: str, key_file: Path) -> None:
    """The whole scene on one store."""
    _drawn.clear()
    key_file.write_text(f"subsidy-ledger {'AQEB' * 10}AQE=\n")
    key_file.chmod(0o600)
    scene = Scene(database, key_file)
    codes = first_years(scene)
    claims_at_the_desk(scene, codes)
    settle_with_objections(scene, 2024, codes, "2025-06-02")
    scene.at("2025-07-12")
    ordered = pay(scene, CIXI, 2024, "2025-07-11")
    claw_back_and_adjust(scene, codes, ordered)
    second_year(scene, codes)
    other_policies(scene)
    open_years(scene, codes)
    scene.close()


# --- what is kept of it --------------------------------------------------------------------------------


def questions(asker: Asker) -> list[tuple[str, list[str]]]:
    """Everything that a user can ask of this ledger, and what of the answer is not compared."""

    def known(path):
        return json.loads(asker.ask(f"GET {path}").content)

    codes = [e["enterprise"] for e in known(f"/v1/enterprises?policy={CIXI}&year=2024&limit=1000")["items"]]
    years = [(CIXI, 2024), (CIXI, 2025), (CIXI, 2026), (LINHAI, 2026), (LINHAI, 2027), (BINHAI, 2026),
             (BINHAI, 2027), (HENGQIN, 2026), (HENGQIN, 2027)]  # fmt: skip
    asked = ["GET /v1/looks?limit=1000", "GET /v1/policies"]
    asked += [f"GET /v1/policies/{policy}" for policy in (CIXI, LINHAI, BINHAI, HENGQIN)]
    asked += [f"GET /v1/policies/{CIXI}/versions/{version}/document" for version in (1, 2)]
    for policy, number in years:
        of = f"GET /v1/policies/{policy}/years/{number}"
        asked += [f"{of}/{what}" for what in ("budget", "largest", "settlement", "targets")]
        asked += [f"{of}/{what}?limit=1000" for what in ("settlement/lines", "payments", "adjustments")]
        asked += [
            f"{of}/settlement/{what}" for what in ("list.csv", "list.ndjson", "list.xlsx", "summary.xlsx")
        ]
        if (policy, number) in (years[0], years[3], years[7]):
            asked += [f"{of}/documents/{what}?on=2026-10-10" for what in ("list", "report")]
        asked.append(f"GET /v1/enterprises?policy={policy}&year={number}&limit=1000")
    for moment in (
        "2025-04-29T12:00:00Z",
        "2025-05-30T00:00:00Z",
        "2025-07-12T00:00:00Z",
        "2026-05-15T00:00:00Z",
    ):
        query = urlencode({"as_known": moment})
        asked += [f"GET /v1/policies/{CIXI}/years/{number}/budget?{query}" for number in (2024, 2025)]
        asked.append(f"GET /v1/enterprises/{codes[3]}/balances/{CIXI}/2024?{query}")
        asked.append(f"GET /v1/enterprises?policy={CIXI}&year=2024&limit=1000&{query}")
    asked.append(f"GET /v1/policies/{CIXI}/years/2024/budget?as_of=2024-07-01T00:00:00Z")
    asked.append(f"GET /v1/policies/{CIXI}/years/2026/budget?rules_as_of=2025-06-01")
    for code in codes:
        own = known(f"/v1/enterprises/{code}")
        asked += [f"GET /v1/enterprises/{code}", f"GET /v1/enterprises/{code}/events?limit=1000"]
        asked.append(f"GET /v1/enterprises/{code}/history")
        for each in own["years"]:
            of = f"{each['policy']}/{each['year']}"
            asked += [f"GET /v1/enterprises/{code}/{what}/{of}" for what in ("balances", "explanations")]
    for code in codes[:2]:
        asked += [f"GET /v1/enterprises/{code}/outlook/{CIXI}/2026"]
    for policy, number in years:
        lines = known(f"/v1/policies/{policy}/years/{number}/settlement/lines?limit=1000")["items"]
        listed = sorted({each["enterprise"] for each in lines})
        for code in listed[:3] if number == 2024 else listed[:8]:
            asked.append(f"GET /v1/enterprises/{code}/receipts/{policy}/{number}")
        for code in listed[:1]:
            asked.append(f"GET /v1/enterprises/{code}/letters/{policy}/{number}?on=2026-10-10")
    claims = known("/v1/claims?limit=1000")["items"]
    asked.append("GET /v1/claims?limit=1000")
    for each in claims:
        asked.append(f"GET /v1/claims/{each['policy']}/{each['enterprise']}/{quote(each['claim'])}")
    asked += [f"GET /v1/disagreements?stage={stage}&limit=1000" for stage in ("open", "decided")]
    asked.append("GET /v1/refused?limit=1000")
    asked += [f"GET /v1/refused/{each['digest']}" for each in known("/v1/refused?limit=3")["items"]]
    size = known("/v1/policies/" + CIXI + "/years/2024/budget")["position"]
    asked += ["GET /v1/log/checkpoint", "GET /v1/log/checkpoints?limit=1000", "GET /v1/log/keys"]
    asked += [f"GET /v1/log/events/{at}" for at in (1, 2, size // 2, size)]
    asked += [
        f"GET /v1/log/proofs/{at}?size={of}" for at, of in ((1, size), (7, 256), (size, size), (200, 300))
    ]
    asked += [
        f"GET /v1/log/consistency?first={one}&second={two}"
        for one, two in ((1, size), (100, 257), (256, size))
    ]
    asked += ["GET /v1/traces?correlation=batch-17", f"GET /v1/traces?correlation={'ab' * 16}"]
    asked.append(f"GET /v1/traces?{urlencode({'source': 'urn:cixi:commerce', 'event': 'G-001'})}")
    asked += _commands(codes, size) + _verified(asker.given)
    return [(each, APART.get(each, [])) for each in asked]


APART = {"RUN replay --json": ["live", "replayed"]}
"""Fingerprints of the read models' tables, which a later program may lay out in another way."""


def _commands(codes: list[str], size: int) -> list[str]:
    found = ["audit --json --checkpoint {given}/cosigned.note --checkpoint {given}/early.note", "replay --json",
             "policies --json", "claim list --json", "refused --all --json", "log-keys",
             "disagreements list", "checkpoint", "checkpoint --json"]  # fmt: skip
    found += [f"prove {size}", "prove 3 --json", f"prove-consistency 256 {size}", "keys list --json"]
    for policy, number in ((CIXI, 2024), (CIXI, 2025), (LINHAI, 2026), (BINHAI, 2026), (HENGQIN, 2026)):
        of = f"--policy {policy} --year {number}"
        found += [f"{what} {of}" for what in ("budget", "settle status", "targets", "adjustments")]
        forms = {
            "hledger": "journal",
            "beancount": "beancount",
            "parquet": "parquet",
            "360giving": "json",
            "xlsx": "xlsx",
        }
        if policy in (BINHAI, HENGQIN):
            del forms["xlsx"], forms["parquet"]
        found += [f"export {form} {of} --out {{out}}.{end}" for form, end in forms.items()]
        found += [f"settle list {of} {{out}}.{end}" for end in ("csv", "ndjson")]
        found.append(f"bundle {of} --out {{out}}.zip")
    found.append(f"bundle --policy {CIXI} --year 2026 --out {{out}}.zip")
    for code in codes[5:8]:
        of = f"{code} --policy {CIXI} --year 2024"
        found += [f"balance {of}", f"--language en explain {of}", f"outlook {of}", f"history {code}"]
        found.append(f"bundle --policy {CIXI} --year 2024 --enterprise {code} --out {{out}}.zip")
    found.append(
        f"diff --budget --from 2025-04-29T12:00:00Z --to 2025-05-30T00:00:00Z --policy {CIXI} --year 2024"
    )
    found.append(f"diff {codes[3]} --from 2025-05-30T00:00:00Z --policy {CIXI} --year 2024 --json")
    found.append(f"what-if --policy {CIXI} --year 2026 --budget 5000.00 --json")
    found.append(f"what-if --policy {HENGQIN} --year 2027 --budget 5000.00")
    return [f"RUN {each}" for each in found]


def _verified(given: Path) -> list[str]:
    """Everything that was given out and proves itself; what the witness signed is held to need it."""
    names = sorted(each.name for each in given.iterdir() if each.suffix in (".zip", ".json", ".ndjson"))
    return [f"VERIFY {name}{' --witnesses 1' if 'cosigned' in name else ''}" for name in names]


def frozen(database: str, key_file: Path, given: Path) -> list[FrozenAnswer]:
    """Every answer of one ledger."""
    environment = settings(database, key_file)
    with tempfile.TemporaryDirectory() as folder, serving(environment, Path(folder) / "log") as service:
        asker = Asker(service, environment, Path(folder), given)
        first = asker.ask("GET /v1/looks?limit=1000")  # before this program's own reads are noted
        asked = questions(asker)
        answers = [first] + [asker.ask(question, apart) for question, apart in asked[1:]]
    for each in answers:
        if each.status in (CRASHED, 500):
            print(f"not kept: {each.question}: {each.status} {str(each.content)[:300]}")
    return [each for each in answers if each.status not in (CRASHED, 500)]


def give_out(database: str, key_file: Path, given: Path) -> None:
    """What people outside hold: bundles, receipts, lists, notes; and the keys that they trust."""
    environment = settings(database, key_file)

    def run(*words):
        answer = run_command(LEDGER, list(words), environment)
        if answer.status:
            raise SystemExit(f"{words}: {answer.body.decode()}")
        return answer.body.decode()

    (given / "keys").write_text(run("log-keys") + f"{WITNESS.verifier}\n")
    listed = json.loads(run("claim", "list", "--json"))
    talent = next(each["enterprise"] for each in listed if each["claim"] == "才-1")
    for policy, number in (
        (CIXI, 2024),
        (CIXI, 2025),
        (CIXI, 2026),
        (LINHAI, 2026),
        (BINHAI, 2026),
        (HENGQIN, 2026),
    ):
        of = ("--policy", policy, "--year", str(number))
        name = f"{policy.partition('-')[0]}-{number}"
        if (policy, number) in ((CIXI, 2024), (LINHAI, 2026)):  # each holds the whole log
            run("bundle", *of, "--out", str(given / f"{name}.zip"))
        if (policy, number) == (CIXI, 2024):  # published before lists had a root, so nothing proves its list
            run("bundle", *of, "--enterprise", talent, "--out", str(given / f"{name}-talent.zip"))
            continue
        run("settle", "list", *of, str(given / f"{name}.ndjson"))
        first = json.loads((given / f"{name}.ndjson").read_text("utf-8").split("\n")[1])
        code = next(each for each in first if isinstance(each, str) and re.fullmatch("[0-9A-Z]{18}", each))
        if number == 2026 and policy == CIXI:
            continue
        run("bundle", *of, "--enterprise", code, "--out", str(given / f"{name}-one.zip"))
        run("receipt", code, *of, "--out", str(given / f"{name}-receipt.json"))
        run("receipt", code, *of, "--checkpoint", str(given / "cosigned.note"), "--out",
            str(given / f"{name}-receipt-cosigned.json")) if policy == CIXI else None  # fmt: skip


def write_notes(database: Path, given: Path) -> None:
    """The checkpoints that were given out: the first, the witnessed, the last."""
    with closing(sqlite3.connect(database)) as rows:
        notes = [row[0] for row in rows.execute("SELECT note FROM checkpoints ORDER BY size")]
    (given / "early.note").write_text(notes[0], "utf-8")
    (given / "cosigned.note").write_text(next(note for note in notes if "— auditor" in note), "utf-8")
    (given / "last.note").write_text(notes[-1], "utf-8")


def write_events(database: Path, out: Path) -> None:
    """One stored event of every class, version and set of fields, and how it is read."""
    found = {}
    with closing(sqlite3.connect(database)) as rows:
        for _, originator, version, topic, state in rows.execute(f"{SELECT} ORDER BY rowid"):
            values = json.loads(state)
            form = (topic, values.get("class_version", 1), tuple(sorted(values)))
            if form in found and len(state) >= len(found[form]["state"].encode()):
                continue
            fact, recorded_at = fact_of(topic, state)
            read = {**fact._asdict(), "recorded_at": recorded_at}
            found[form] = {"topic": topic, "class_version": form[1], "originator_id": originator,
                           "originator_version": version, "state": state.decode(), "read": read}  # fmt: skip
    wanted = {
        (name, version) for name, cls in CATALOGUE.items() for version in range(1, cls.class_version + 1)
    }
    lacking = wanted - {(topic.partition(":")[2], version) for topic, version, _ in found}
    if lacking:
        raise SystemExit(f"the scene lacks {sorted(lacking)}")
    first_clawback(found)
    lines = [json.dumps(found[form], ensure_ascii=False) + "\n" for form in sorted(found)]
    out.write_text("".join(lines), "utf-8")


def first_clawback(found: dict) -> None:
    """The form that clawbacks had before 049f3f6; no ledger of the scene holds it (README.md says why)."""
    key, known = next((key, each) for key, each in found.items() if key[0].endswith(":ClawbackOrdered"))
    values = json.loads(known["state"])
    del values["measure"], values["award_fen"]
    content = {**known["read"]["content"], "measure": None, "award_fen": 0}
    read = {**known["read"], "content": content}
    found[key[0], 1, tuple(sorted(values))] = {
        **known,
        "state": msgspec.json.encode(values).decode(),
        "read": read,
    }


def write_roots(database: Path, out: Path) -> None:
    """The log's root at several sizes."""
    ledger = open_ledger(str(database))
    with ledger.store.reading() as rows:
        tree = Tree(rows)
        sizes = sorted({1, 2, 100, 255, 256, 257, 300, 511, 512, 513, tree.size()})
        out.write_text(json.dumps({size: tree.root(size).hex() for size in sizes}, indent=1) + "\n")
    ledger.close()


def compress(path: Path, data: bytes) -> None:
    path.write_bytes(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME))


def main() -> None:
    work = Path(tempfile.mkdtemp(prefix="golden-"))
    given = HERE / "given"
    shutil.rmtree(given, ignore_errors=True)
    given.mkdir()
    database, key_file = work / "ledger.db", work / "signing-key"
    played(str(database), key_file)
    with closing(sqlite3.connect(database)) as rows:
        rows.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        rows.execute("PRAGMA journal_mode=DELETE")
        rows.execute("VACUUM")
    compress(HERE / "ledger.sqlite.xz", database.read_bytes())
    for name in ("signing-key", "signing-key.rotations"):
        shutil.copyfile(work / name, HERE / name)
    write_events(database, HERE / "events.ndjson")
    write_notes(database, given)
    shutil.copyfile(database, work / "one.db")
    write_roots(work / "one.db", HERE / "roots.json")
    give_out(str(work / "one.db"), key_file, given)
    shutil.copyfile(database, work / "two.db")
    answers = frozen(str(work / "two.db"), key_file, given)
    shutil.copyfile(database, work / "three.db")
    again = frozen(str(work / "three.db"), key_file, given)
    report(answers, again, "asked twice")
    write_answers(HERE / "answers.ndjson.xz", answers)
    on_postgres(work, answers, given)
    shutil.rmtree(work)


def report(answers: list[FrozenAnswer], again: list[FrozenAnswer], what: str) -> None:
    for one, other in zip(answers, again, strict=True):
        for line in list_differences(one, other):
            print(f"{what}: {one.question}: {line}")
    print(f"{what}: {len(answers)} answers compared; statuses {Counter(each.status for each in answers)}")


def on_postgres(work: Path, answers: list[FrozenAnswer], given: Path) -> None:
    server = Server()
    try:
        url = server.url(server.create())
        key_file = work / "postgres.key"
        played(url, key_file)
        if key_file.read_bytes() != (work / "signing-key").read_bytes():
            raise SystemExit("the two stores were not given the same keys")
        program = server.programs / "pg_dump"
        options = ["--inserts", "--rows-per-insert=200", "--no-owner", "--no-privileges"]
        dump = subprocess.run([program, *options, url], check=True, capture_output=True).stdout
        lines = [line for line in dump.split(b"\n") if not line.startswith((b"\\restrict", b"\\unrestrict"))]
        compress(HERE / "ledger.postgres.sql.xz", b"\n".join(lines))
        report(answers, frozen(url, work / "signing-key", given), "PostgreSQL")
    finally:
        server.remove()


if __name__ == "__main__":
    main()
