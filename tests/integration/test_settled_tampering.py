"""Tampering with a closed year straight on the database: the audit names the position it belongs to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.audit.check import Finding, check_log
from ledger.audit.checkpoints import current
from ledger.replay.comparison import replay
from ledger.store.application import Ledger
from ledger.store.rows import Rows
from services.verify import Broken, verify
from tests import acknowledging
from tests.events import CIXI
from tests.integration.closings import OFFICER, Closed, closed
from tests.integration.test_bundles import KEY
from tests.integration.test_settled_bundles import bundled, position_of


@pytest.fixture
def scene(open_at: Callable[..., Ledger]) -> Closed:
    found = closed(open_at, years=(2024,))
    assert audit(found.ledger) == []
    return found


def audit(ledger: Ledger) -> list[Finding]:
    with ledger.store.reading() as rows:
        return check_log(rows, [KEY.verifier])


def tamper(ledger: Ledger, sql: str, *values: object) -> None:
    with ledger.store.writing() as rows:
        rows.run(sql, values)


TABLES: dict[str, tuple[str, str, int]] = {
    "a settled line": ("UPDATE settlement_lines SET payable=payable+1 WHERE code=?", "AwardsSettled", 0),
    "a settled line's gross": ("UPDATE settlement_lines SET gross=gross+1 WHERE code=?", "AwardsSettled", 0),
    "a settled line deleted": ("DELETE FROM settlement_lines WHERE code=?", "AwardsSettled", 0),
    "a settled line's measure": (
        "UPDATE settlement_lines SET measure=measure || 'x' WHERE code=?",
        "AwardsSettled",
        0,
    ),
    "a payment's status": (
        *("UPDATE payments SET status='made' WHERE status='failed' AND code=?", "PaymentFailed"),
        0,
    ),
    "a payment's amount": ("UPDATE payments SET amount=1 WHERE code=?", "PaymentMade", -1),
    "a payment's position": ("UPDATE payments SET position=3 WHERE code=?", "PaymentMade", -1),
    "a payment deleted": ("DELETE FROM payments WHERE code=?", "PaymentMade", -1),
    "an account's paid": ("UPDATE accounts SET paid=paid+1 WHERE code=?", "AdjustmentAccepted", 0),
    "an account's version": ("UPDATE accounts SET version=1 WHERE code=?", "AdjustmentAccepted", 0),
    "an account deleted": ("DELETE FROM accounts WHERE code=?", "AdjustmentAccepted", 0),
    "an adjustment": ("UPDATE adjustments SET amount=1 WHERE code=?", "AdjustmentAccepted", 0),
    "an adjustment deleted": ("DELETE FROM adjustments WHERE code=?", "AdjustmentAccepted", 0),
}


@pytest.mark.parametrize("what", TABLES)
def test_a_table_of_a_closed_year_altered(scene: Closed, tmp_path: Path, what: str) -> None:
    sql, name, number = TABLES[what]
    at = position_of(scene.ledger, name, f"%:{scene.code}", number)

    tamper(scene.ledger, sql, scene.code)

    found = audit(scene.ledger)
    table = next(each for each in ("settlement_lines", "payments", "accounts", "adjustments") if each in sql)
    assert at in [finding.position for finding in found if finding.description.startswith(table)]
    if "position" not in what:
        certificate = replay(scene.ledger, str(tmp_path / "replica.db"))
        assert any(difference.startswith(f"{table}: ") for difference in certificate.differences)
    if table == "settlement_lines" and "payable" not in sql:  # a bundle divides anew and reads no payable
        assert bundle_fails(scene, tmp_path)


def bundle_fails(scene: Closed, folder: Path) -> bool:
    """Whether no bundle that verifies can be written of the tampered ledger."""
    try:
        return bool(verify(bundled(scene, folder, 2024), [KEY.verifier])[1].faults)
    except (Broken, ValueError, LookupError):
        return True


STAGES: dict[str, str] = {
    "its stage": "UPDATE settlements SET stage='published' WHERE year=2024",
    "its position": "UPDATE settlements SET position=2 WHERE year=2024",
    "all of it": "DELETE FROM settlements",
}


@pytest.mark.parametrize("what", STAGES)
def test_the_stage_of_a_closed_year_altered(scene: Closed, what: str) -> None:
    tamper(scene.ledger, STAGES[what])

    at = position_of(scene.ledger, "SettlementClosed")
    assert [finding.position for finding in audit(scene.ledger)] == [at]


@pytest.mark.parametrize("figure", [b'"payable_fen":', b'"awards":', b'"sharing_fen":', b'"lines_digest":"'])
def test_a_figure_of_the_closing_changed(scene: Closed, tmp_path: Path, figure: bytes) -> None:
    at = position_of(scene.ledger, "SettlementClosed")
    with scene.ledger.store.reading() as rows:
        state = bytes(rows.all("SELECT state FROM stored_events WHERE rowid=?", [at])[0][0])
    current(scene.ledger, KEY)

    tamper(
        scene.ledger,
        "UPDATE stored_events SET state=? WHERE rowid=?",
        state.replace(figure, figure + b"1"),
        at,
    )

    found = audit(scene.ledger)
    assert Finding(at, "the event is not the one that was logged: it was changed") in found
    assert any(f.position == at and figure.decode().strip(':"') in f.description for f in found)
    assert bundle_fails(scene, tmp_path)


@pytest.mark.parametrize(
    "name", ["AwardsSettled", "PaymentOrdered", "ClawbackOrdered", "SettlementProposed", "SettlementClosed"]
)
def test_an_event_of_a_closed_year_deleted(scene: Closed, tmp_path: Path, name: str) -> None:
    at = position_of(scene.ledger, name)

    tamper(scene.ledger, "DELETE FROM stored_events WHERE rowid=?", at)

    assert Finding(at, "the event is missing: its position is empty") in audit(scene.ledger)
    assert bundle_fails(scene, tmp_path)


BESIDE: dict[str, Callable[[Rows], None]] = {
    "a payment that nobody ordered": lambda rows: rows.run(
        "INSERT INTO payments (policy, year, payment, code, batch, amount, status, day, said, position) "
        "SELECT policy, year, 'x', 'nobody', batch, amount, status, day, said, position "
        "FROM payments ORDER BY payment LIMIT 1"
    ),
    "an account of nobody": lambda rows: rows.run(
        "INSERT INTO accounts (policy, year, code, version, payable, ordered, paid, clawed, recovered) "
        "VALUES (?,2024,'nobody',1,1,0,0,0,0)",
        [CIXI],
    ),
    "an account of an open year": lambda rows: rows.run(
        "INSERT INTO accounts (policy, year, code, version, payable, ordered, paid, clawed, recovered) "
        "VALUES (?,2025,'nobody',1,1,0,0,0,0)",
        [CIXI],
    ),
    "an adjustment that nobody accepted": lambda rows: rows.run(
        "INSERT INTO adjustments (policy, year, code, adjustment, measure, into_year, amount, reason, "
        "position) VALUES (?,2024,'nobody','x','y',2025,1,'',1)",
        [CIXI],
    ),
    "a line more": lambda rows: rows.run(
        "INSERT INTO settlement_lines (policy, year, code, measure, award_year, gross, withheld, reduction, "
        "payable) VALUES (?,2024,'nobody','x',2024,1,0,0,1)",
        [CIXI],
    ),
}


@pytest.mark.parametrize("what", BESIDE)
def test_a_row_that_no_event_made(scene: Closed, what: str) -> None:
    with scene.ledger.store.writing() as rows:
        BESIDE[what](rows)

    assert audit(scene.ledger)


def test_the_list_of_an_open_proposal_altered(scene: Closed) -> None:
    acknowledging.propose(scene.ledger, CIXI, 2025, OFFICER)
    assert audit(scene.ledger) == []

    tamper(scene.ledger, "UPDATE settlement_lines SET payable=payable+1 WHERE year=2025")

    assert [finding.position for finding in audit(scene.ledger)] == [
        position_of(scene.ledger, "SettlementProposed", "%:2025")
    ]
