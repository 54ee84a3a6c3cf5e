"""An opened bundle in small: events of the catalogue, written into the workbench's file as opening does."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, NamedTuple

from domain.events import STATES
from domain.events.event import Capacity, Event, Speaker
from services.verify.reading import LoggedEvent
from services.workbench.opening import RowBatches
from services.workbench.papers.paper import Parameters
from services.workbench.rows import Row, rows_of
from services.workbench.tables import FILE, INDEXES, AboutBundle, create_file
from tests.events import CIXI
from tests.settled import code

ONE, TWO, THREE = code(1), code(2), code(3)
NOON = "2025-05-06T04:00:00.000000Z"
"""A Tuesday, 12:00 in China."""
ABOUT = AboutBundle(
    *(
        "year.zip",
        "ab" * 32,
        CIXI,
        2024,
        0,
        "cm9vdA==",
        "ledger",
        "VERIFIED",
        "",
        "",
        NOON,
        "subsidy-ledger 0",
    )
)
PARAMETERS = Parameters(
    policy=CIXI, year=2024, materiality_fen=100_000_00, performance_fen=75_000_00, trivial_fen=5_000_00
)


class Told(NamedTuple):
    """An event: about whom, of which kind, what it says, and when and by whom it was recorded."""

    originator: str
    kind: str
    values: dict[str, Any]
    recorded_at: str = NOON
    name: str = ""
    proposed_by: str = ""
    source: str = "urn:tests"
    subject: str = ""


def sale(of: str, fen: int, year: int = 2024, recorded_at: str = NOON, **more: Any) -> Told:
    """A reported sale of a year."""
    values = {"channel": "online", "year": year, "amount_fen": fen, "currency": "CNY", **more}
    return Told(of, "SalesReported", values, recorded_at)


def shop(of: str, name: str) -> Told:
    """A registered shop."""
    values = {"platform": "jd", "kind": "flagship", "shop": name, "on": "2024-03-04"}
    return Told(of, "StoreRegistered", values)


def entry(of: str, name: str) -> Told:
    """An entry of the register."""
    return Told(of, "EnterpriseRegistered", {"name": name, "town": "周巷镇"})


def claim(of: str, step: str, actor: str, recorded_at: str = NOON, **more: Any) -> Told:
    """A step of the claim K1."""
    values = {"claim": "K1", "policy": CIXI, "measure": "climate.event", "item": "fair", "year": 2024}
    if step in ("Submitted", "Reviewed", "Approved"):
        values |= {"amount_fen": 50_000_00, "currency": "CNY"}
    if step == "Reviewed":
        values["opinion"] = "in order"
    if step in ("Rejected", "Appealed"):
        values["reason"] = "no evidence"
    return Told(of, f"Claim{step}", {**values, "actor": actor, **more}, recorded_at)


def listed(step: str, actor: str = "Lin", **more: Any) -> Told:
    """A step of the year's settlement."""
    head = {"policy": CIXI, "year": 2024, "actor": actor, "number": 1, "lines_digest": "00" * 32}
    if step == "Published":
        more = {"from_day": "2025-05-06", "until_day": "2025-05-12", **more}
    if step in ("Proposed", "Closed"):
        sums = dict.fromkeys(
            ("appropriation_fen", "carried_fen", "spent_fen", "budget_fen", "sharing_fen"), 10_000_00
        )
        more = {"known": 1, **sums, "cut_remainder": "0", "cut_key": [], "pots": [], "budgets": [], **more}
        more = {"payable_fen": 10_000_00, "outside_fen": 0, "awards": 1, "enterprises": 1, **more}
    if step == "Proposed":
        more = {"gross_fen": 10_000_00, "withheld_fen": 0, **more}
    if step == "Closed":
        more = {"first_position": 1, "measures": [], "log_size": 1, "log_root": "00" * 32, **more}
    return Told(f"settlement:{CIXI}:2024", f"Settlement{step}", {**head, **more})


def settled(of: str, fen: int = 10_000_00) -> Told:
    """An enterprise's part of the closed year."""
    head = {"policy": CIXI, "year": 2024, "enterprise": of, "payable_fen": fen}
    return Told(
        f"account:{CIXI}:2024:{of}", "AwardsSettled", {**head, "lines": [["store.jd", 2024, fen, 0, 0, fen]]}
    )


def payment(of: str, step: str, fen: int = 10_000_00, actor: str = "Qian", **more: Any) -> Told:
    """A step of an enterprise's payment."""
    head = {"policy": CIXI, "year": 2024, "enterprise": of, "payment": f"P-{of}", "actor": actor}
    kinds = {"Ordered": {"batch": "1"}, "Made": {"on": "2025-05-14", "reference": f"R-{of}"}}
    kinds["Failed"] = {"on": "2025-05-14", "reason": "no such account"}
    values = {**head, **kinds[step], "amount_fen": fen, **more}
    return Told(f"account:{CIXI}:2024:{of}", f"Payment{step}", values)


def clawback(step: str, fen: int = 10_000_00) -> Told:
    """A step of a clawback from the first enterprise."""
    head = {"policy": CIXI, "year": 2024, "enterprise": ONE, "clawback": "C-1", "actor": "Qian"}
    words = {"Ordered": {"reason": "breach"}, "Recovered": {"reference": "R-C-1"}}[step]
    return Told(
        f"account:{CIXI}:2024:{ONE}",
        f"Clawback{step}",
        {**head, "amount_fen": fen, "on": "2025-06-02", **words},
    )


def opened(
    folder: Path, events: list[Told], list_lines: list[tuple[object, ...]] | None = None
) -> sqlite3.Connection:
    """The workbench's file of these events, in this order of the log; the list is what was settled."""
    file = create_file(folder / FILE)
    batches, versions = RowBatches(file), dict[str, int]()
    for position, told in enumerate(events, start=1):
        versions[told.originator] = versions.get(told.originator, 0) + 1
        content = STATES.read_content(told.kind, told.values)
        capacity = Capacity(proposed_by=Speaker(name=told.proposed_by)) if told.proposed_by else None
        issuer = "https://identity" if told.subject else ""
        person = Speaker(name=told.name, subject=told.subject, issuer=issuer)
        speaker = person if told.name else Speaker(publisher="upstream")
        event = Event(content, told.source, f"{position}", NOON, speaker, capacity)
        logged = LoggedEvent(position, told.originator, versions[told.originator], "", b"", b"", None)
        for row in rows_of(logged, event, told.recorded_at):
            batches.add(row)
        if told.kind == "AwardsSettled" and list_lines is None:
            fen = told.values["payable_fen"]
            batches.add(Row("list_lines", (told.values["enterprise"], "store.jd", 2024, fen, 0, 0, fen)))
    for line in list_lines or ():
        batches.add(Row("list_lines", line))
    batches.finish()
    for index in INDEXES:
        file.execute(index)
    about = ABOUT._replace(size=len(events))
    file.executemany("INSERT INTO about VALUES (?,?)", about._asdict().items())
    return file
