"""Bundles of closed years: worked out again from the facts, and what was forged is named."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from domain.authority.roles import Actor
from domain.events.claims import ClaimSubmitted
from domain.events.settlements import SettlementClosed
from domain.log.notes import SignerKey
from ledger.audit.bundle import write_enterprise, write_year
from ledger.audit.checkpoints import current
from ledger.claims import desk
from ledger.intake.inbox import ingest
from ledger.intake.settling import dismiss_refusal
from ledger.projections.closings import closing_of, settlement_of
from ledger.store.application import Ledger
from ledger.store.log_tree import append_events
from ledger.store.stored_events import SELECT
from ledger.waiting.second_person import SecondPersonNeeded
from services.sample.city import city
from services.verify import verify
from tests import acknowledging
from tests.events import CIXI, Feed
from tests.integration.closings import CARRYING, LIFE, OFFICER, REVIEWER, Closed, closed, list_and_close
from tests.integration.test_bundles import KEY, lines, members, ndjson, written

SCENES: dict[str, dict[str, Any]] = {
    "reduced, the reductions carried": {},
    "within the budget, what is left is carried": {"fen": 30_000_000_00},
    "one budget for the whole life": {"text": LIFE, "budget": "life", "fen": 15_000_000_00},
}


def bundled(scene: Closed, folder: Path, year: int, code: str | None = None) -> Path:
    """A bundle of a year, or of an enterprise's part, at a fresh checkpoint."""
    note = current(scene.ledger, KEY)
    size = int(note.split("\n")[1])
    path = folder / f"{year}-{code or 'all'}.zip"
    if code:
        write_enterprise(scene.ledger, path, code, CIXI, year, note, size, KEY)
    else:
        write_year(scene.ledger, path, CIXI, year, note, size)
    return path


def faults(path: Path, key: SignerKey = KEY) -> list[str]:
    return verify(path, [key.verifier])[1].faults


@pytest.mark.parametrize("name", SCENES)
def test_bundles_of_closed_and_open_years_verify(
    open_at: Callable[..., Ledger], tmp_path: Path, name: str
) -> None:
    scene = closed(open_at, **SCENES[name])
    found: dict[tuple[int, str], Any] = {}
    for year in (2024, 2025, 2026):
        for code in (None, scene.code, scene.other):
            head, verdict = verify(bundled(scene, tmp_path, year, code), [KEY.verifier])
            assert verdict.faults == []
            found[year, code or ""] = verdict
            assert (head["closed"] is None) == (year == 2026)
    for year in (2024, 2025):
        closing = closing_at(scene.ledger, year)
        assert found[year, ""].payable == closing.payable_fen > 0
        assert found[year, ""].closed == closing.log_size + 1
        if year == 2024:
            continue
        assert (closing.carried_fen > 0) == (name == "within the budget, what is left is carried")
        assert (closing.spent_fen > 0) == (name == "one budget for the whole life")
        assert closing.sharing_fen > closing.budget_fen or "within" in name
        years = {line[0] for line in closing.measures}
        assert years == {2024, 2025}
    assert (found[2024, scene.code].clawed, found[2024, scene.code].recovered) == (1_000_00, 400_00)
    assert found[2024, ""].paid == found[2024, ""].payable


def closing_at(ledger: Ledger, year: int) -> SettlementClosed:
    """A year's closing."""
    with ledger.store.reading() as rows:
        found = closing_of(rows, CIXI, year)
    assert found is not None
    return found


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_an_enterprise_s_bundle_of_a_closed_year_tells_of_others_only_what_the_published_list_tells(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    scene = closed(open_at)
    parts = members(bundled(scene, tmp_path, 2024, scene.code))
    events = lines(parts["events.ndjson"])
    states = [base64.b64decode(each.get("state", "")) for each in events]
    text = b"".join(parts.values()) + b"".join(states)
    with scene.ledger.store.reading() as rows:
        others = [row[0] for row in rows.all("SELECT code FROM enterprises WHERE code<>?", [scene.code])]
    cuts = {closing_at(scene.ledger, year).cut_key[0] for year in (2024, 2025)}
    withheld = [each for each in events if "leaf" in each]

    assert {code for code in others if code.encode() in text} <= cuts
    assert b"the sum is wrong" in text
    assert b"sold more" not in text
    assert {(each["originator"], *sorted(each)) for each in withheld} == {
        (f"settlement:{CIXI}:{year}", "leaf", "originator", "path", "position", "version")
        for year in (2024, 2025)
    }
    with scene.ledger.store.reading() as rows:
        acknowledged = [len(settlement_of(rows, CIXI, year).acknowledgements) for year in (2024, 2025)]
    # of each year: the first list, another's objection, its decision; and what was open at each step
    assert len(withheld) == 2 * 3 + sum(acknowledged)
    assert {each["originator"] for each in events} == {
        *(f"policy:{CIXI}", scene.code),
        *(f"settlement:{CIXI}:{year}" for year in (2024, 2025)),
        *(f"account:{CIXI}:{year}:{scene.code}" for year in (2024, 2025)),
    }


# --- forged, with every hash and the signature made to fit ---------------------------------------


def position_of(ledger: Ledger, name: str, like: str = "%", number: int = 0) -> int:
    """The position of an event by its class and originator."""
    sql = "SELECT rowid FROM stored_events WHERE topic=? AND originator_id LIKE ? ORDER BY rowid"
    with ledger.store.reading() as rows:
        return int(rows.all(sql, [f"domain.events:{name}", like])[number][0])


def forged(ledger: Ledger, position: int, change: Callable[[dict[str, Any]], object]) -> int:
    """Rewrite an event, and grow the log anew as who holds database and key could."""
    with ledger.store.writing() as rows:
        state = json.loads(bytes(rows.all(f"{SELECT} WHERE rowid=?", [position])[0][4]))
        change(state)
        raw = json.dumps(state).encode()
        rows.run("UPDATE stored_events SET state=? WHERE rowid=?", [raw, position])
        rows.run("DELETE FROM tiles")
        rows.run("DELETE FROM checkpoints")
        events = [(e[1], e[2], e[3], bytes(e[4])) for e in rows.all(f"{SELECT} ORDER BY rowid")]
        append_events(rows, 1, events)
    return position


def line_changed(state: dict[str, Any]) -> None:
    state["lines"][0][-1] += 1
    state["payable_fen"] += 1


def measure_changed(state: dict[str, Any]) -> None:
    state["measures"][0][4] += 1


def put_back(was: dict[str, Any]) -> Callable[[dict[str, Any]], object]:
    """Make a state what it was; what was forged only ever replaced keys."""
    return lambda state: state.update(was)


FORGED: dict[str, tuple[str, int, Callable[[dict[str, Any]], object], str]] = {
    "an award": ("AwardsSettled", 0, line_changed, "was settled, not worked out"),
    "a part's sum": ("AwardsSettled", 0, lambda s: s.update(payable_fen=1), "its lines come to"),
    "the closing's payable": ("SettlementClosed", 0, lambda s: s.update(payable_fen=1), "payable_fen"),
    "its budget": ("SettlementClosed", 0, lambda s: s.update(budget_fen=1), "budget_fen is 400000000"),
    "its sharing": ("SettlementClosed", 0, lambda s: s.update(sharing_fen=1), "sharing_fen"),
    "its cut": ("SettlementClosed", 0, lambda s: s.update(cut_remainder="1"), "cut_remainder"),
    "its awards": ("SettlementClosed", 0, lambda s: s.update(awards=1), "awards"),
    "its measures": ("SettlementClosed", 0, measure_changed, "come to measures"),
    "its first position": ("SettlementClosed", 0, lambda s: s.update(first_position=1), "was to stand at 1"),
    "its log": ("SettlementClosed", 0, lambda s: s.update(log_root="00" * 32), "another root"),
    "its log's size": ("SettlementClosed", 0, lambda s: s.update(log_size=5), "a log of 5 events"),
    "its digest": ("SettlementClosed", 0, lambda s: s.update(lines_digest="00"), "lines_digest"),
    "its actor": ("SettlementClosed", 0, lambda s: s.update(actor="Lin"), "by who proposed its list"),
    "its time": (
        *("SettlementClosed", 0),
        lambda s: s.update(time="2025-05-08T00:00:00.000000Z"),
        "before its notice ended",
    ),
    "the proposal's digest": ("SettlementProposed", 1, lambda s: s.update(lines_digest="0"), "lines_digest"),
    "the notice": ("SettlementPublished", 1, lambda s: s.update(until_day="2025-05-08"), "published until"),
    "the day of publication": (
        *("SettlementPublished", 1),
        lambda s: s.update(from_day="2025-04-01", until_day="2025-04-07"),
        "not on 2025-04-01",
    ),
    "who decided an objection": (
        *("ObjectionResolved", 0),
        lambda s: s.update(actor="clerk"),
        "decided by who raised it",
    ),
    "what was decided": (
        *("ObjectionResolved", 0),
        lambda s: s.update(objection="2024-009-0000"),
        "is not open",
    ),
    "a payment": ("PaymentMade", 0, lambda s: s.update(amount_fen=1), "of a payment of"),
    "an order": ("PaymentOrdered", 0, lambda s: s.update(amount_fen=10**12), "the sums do not hold"),
    "an order twice": (
        *("PaymentOrdered", -1),
        lambda s: s.update(payment=s["payment"].replace("-002-", "-001-")),
        "ordered before",
    ),
    "a clawback": ("ClawbackOrdered", 0, lambda s: s.update(amount_fen=10**12), "the sums do not hold"),
    "a recovery": ("ClawbackRecovered", 0, lambda s: s.update(amount_fen=10**9), "1000.00 due"),
    "an adjustment": ("AdjustmentAccepted", 0, lambda s: s.update(into_year=2024), "no open year"),
    "whose account it is": ("PaymentOrdered", 0, lambda s: s.update(year=2025), "stands in the account of"),
}


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_what_the_ledger_itself_forged_is_named_with_its_position(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    """One ledger, one event at a time rewritten and put back; the log and its signature always fit."""
    scene = closed(open_at, years=(2024,))
    unseen = []
    for what, (name, number, change, words) in FORGED.items():
        at = position_of(scene.ledger, name, number=number)
        with scene.ledger.store.reading() as rows:
            before = json.loads(bytes(rows.all(f"{SELECT} WHERE rowid=?", [at])[0][4]))
        forged(scene.ledger, at, change)
        found = faults(bundled(scene, tmp_path, 2024))
        if not any(fault.startswith("position ") and words in fault for fault in found):
            unseen.append((what, found[:5]))
        forged(scene.ledger, at, put_back(before))

    assert unseen == []


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_fact_that_counted_and_was_changed_afterwards_does_not_fit_the_closing(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    scene = closed(open_at, years=(2024,))
    forged(
        scene.ledger,
        position_of(scene.ledger, "BudgetSet"),
        lambda state: state.update(amount_fen=5_000_000_00),
    )

    found = faults(bundled(scene, tmp_path, 2024))

    assert any("budget_fen is 500000000, the closing says 400000000" in fault for fault in found)


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_closing_that_leaves_an_enterprise_out_is_found(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    scene = closed(open_at, years=(2024,))
    parts = members(bundled(scene, tmp_path, 2024))
    at = position_of(scene.ledger, "AwardsSettled", f"%:{scene.other}")
    events = [each for each in lines(parts["events.ndjson"]) if each["position"] != at]
    parts["events.ndjson"] = ndjson(events)

    found = faults(written(tmp_path / "less.zip", parts))

    assert any(f"{scene.other} has no part in 2024" in fault for fault in found)
    assert f"position {at}: the event is missing" in found


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_rows_and_head_of_a_closed_year_are_held_against_its_closing(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    scene = closed(open_at, years=(2024,))
    for code in (None, scene.code):
        path = bundled(scene, tmp_path, 2024, code)
        wrong: dict[str, Any] = {"closed": None, "budget": "1.00", "factor": "1/1", "log_path": []}
        for name, value in wrong.items():
            parts = members(path)
            head = {**json.loads(parts["bundle.json"]), name: value}
            parts["bundle.json"] = json.dumps(head).encode()
            found = [f for f in faults(written(tmp_path / "head.zip", parts)) if "seal" not in f]
            assert bool(found) == (name != "log_path" or code is not None), name
        parts = members(path)
        spoilt = lines(parts["awards.ndjson"])
        spoilt[0]["payable"] = "1.00"
        parts["awards.ndjson"] = ndjson(spoilt)
        assert any("the ledger says 1.00" in f for f in faults(written(tmp_path / "rows.zip", parts)))


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_year_s_bundle_may_withhold_nothing(open_at: Callable[..., Ledger], tmp_path: Path) -> None:
    scene = closed(open_at, years=(2024,))
    whole, own = (members(bundled(scene, tmp_path, 2024, code)) for code in (None, scene.code))
    hidden = next(each for each in lines(own["events.ndjson"]) if "leaf" in each)
    events = lines(whole["events.ndjson"])
    whole["events.ndjson"] = ndjson([hidden if e["position"] == hidden["position"] else e for e in events])

    with pytest.raises(Exception, match="withholds nothing"):
        verify(written(tmp_path / "hidden.zip", whole), [KEY.verifier])


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_two_reviewers_of_a_claim_are_two_people(open_at: Callable[..., Ledger], tmp_path: Path) -> None:
    scene = closed(open_at, years=())
    feed = Feed(7)
    asked = {"claim": "K1", "policy": CIXI, "measure": "talent.team", "item": "team", "year": 2024}
    scene.clock.pass_(days=1)
    desk.submit(
        scene.ledger, feed.code, Actor("Mei", frozenset({"officer"})), msgspec.convert(asked, ClaimSubmitted)
    )
    desk.review(scene.ledger, feed.code, CIXI, "K1", OFFICER, 10_000_00, "fine")
    desk.approve(scene.ledger, feed.code, CIXI, "K1", REVIEWER)
    list_and_close(scene.ledger, scene.clock, 2024)
    assert faults(bundled(scene, tmp_path, 2024)) == []

    at = position_of(scene.ledger, "ClaimApproved")
    for actor, words in (("Lin", "its first and its second reviewer"), ("Mei", "submitted it and decided")):
        forged(scene.ledger, at, put_back({"actor": actor}))
        for code in (None, feed.code):
            found = faults(bundled(scene, tmp_path, 2024, code))
            assert any(f.startswith(f"position {at}: ") and words in f for f in found)


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_year_that_is_published_verifies_as_an_open_one(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    scene = closed(open_at, CARRYING, years=(2024,))
    acknowledging.propose(scene.ledger, CIXI, 2025, OFFICER)
    acknowledging.publish(scene.ledger, CIXI, 2025, OFFICER)

    for code in (None, scene.code):
        head, verdict = verify(bundled(scene, tmp_path, 2025, code), [KEY.verifier])
        assert (verdict.faults, head["closed"]) == ([], None)


def test_a_bundle_with_a_refusal_that_was_dismissed_verifies(
    open_at: Callable[..., Ledger], tmp_path: Path
) -> None:
    ledger = open_at()
    ingest(ledger, [*city(5), b"{}"], "tests")
    with ledger.store.reading() as rows:
        [[digest]] = rows.all("SELECT digest FROM refused")
    lin, gao = (Actor(n, frozenset({"operator"}), issuer="os", subject=n) for n in ("lin", "gao"))
    with pytest.raises(SecondPersonNeeded):
        dismiss_refusal(ledger, digest, lin, "sent twice")
    dismiss_refusal(ledger, digest, gao, "sent twice")
    note = current(ledger, KEY)
    write_year(ledger, tmp_path / "year.zip", CIXI, 2024, note, int(note.split("\n")[1]))

    assert verify(tmp_path / "year.zip", [KEY.verifier])[1].faults == []
