"""CloudEvents messages for tests, written as an upstream system would write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from domain.authority.roles import Actor
from ledger.intake.batch import Result
from ledger.intake.inbox import ingest
from ledger.store.application import Ledger
from tests import answers as queries
from tests.oracle.codes import credit_code

SOURCE = "urn:tests"
OPERATOR = Actor("ops", frozenset({"operator"}), issuer="os", subject="1000")
CIXI = "cixi-ecommerce-2024"
YONGJIA = "yongjia-live-commerce-2025"
HERE = Path(__file__).parent
POLICIES = HERE.parent / "domain" / "policy"
CIXI_TEXT = (POLICIES / f"{CIXI}.yaml").read_text("utf-8")


def naming(text: str, approvals: tuple[str, ...] = (), amendments: tuple[str, ...] = ()) -> str:
    """A policy that lets these sources decide claims from outside, and amend what others said."""
    named = f"approvals_from: {json.dumps(approvals)}\namendments_from: {json.dumps(amendments)}\n"
    return text.replace("authority: ", f"{named}authority: ", 1)


BUREAUS = ("urn:cixi:commerce", "urn:cixi:industry", "urn:cixi:organisation")
CITY_TEXT = naming(CIXI_TEXT, BUREAUS, BUREAUS[:1])
"""Cixi's policy for a sample city that comes through the doors of others: its bureaus decide claims."""


EXAMPLES = {
    name: (POLICIES / f"{name}.yaml").read_text("utf-8")
    for name in ("linhai-ecommerce-2026", "binhai-technology-2026", "hengqin-macao-brands-2026")
}
"""Policies of other shapes: budgets by town; budgets by measure and priorities; another currency."""
YONGJIA_TEXT = (HERE / "data" / "policies" / f"{YONGJIA}.yaml").read_text("utf-8")


def message(type_: str, subject: str, event_id: str, time: str, data: dict[str, Any]) -> dict[str, Any]:
    """One message as a mapping; ``type_`` is the middle of its type, e.g. ``store-registered``."""
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": SOURCE,
        "type": f"subsidy.{type_}.v1",
        "subject": subject,
        "time": time,
        "data": data,
    }


class Feed:
    """Writes messages of one enterprise, each with an id of its own."""

    def __init__(self, number: int) -> None:
        self.number, self.count = number, 0
        self.code = credit_code(number)

    def send(self, type_: str, time: str = "2025-01-01T00:00:00Z", **data: Any) -> bytes:
        """Any message."""
        self.count += 1
        made = message(type_, self.code, self.last, time, data)
        return json.dumps(made, ensure_ascii=False).encode()

    @property
    def last(self) -> str:
        """The id of the last message."""
        return f"e{self.number}-{self.count}"

    def shop(self, platform: str, shop: str, on: str, kind: str = "flagship") -> bytes:
        """A shop registered."""
        return self.send("store-registered", platform=platform, kind=kind, shop=shop, on=on)

    def sales(self, channel: str, year: int, amount: str, time: str = "2025-01-01T00:00:00Z") -> bytes:
        """Sales reported."""
        currency = "USD" if channel == "dtc_own_brand_export" else "CNY"
        return self.send("sales-reported", time, channel=channel, year=year, amount=amount, currency=currency)

    def of_year(self, type_: str, year: int, amount: str, **more: Any) -> bytes:
        """A yearly figure in yuan."""
        return self.send(type_, year=year, amount=amount, currency="CNY", **more)

    def approved(self, measure: str, item: str, year: int, amount: str, policy: str = CIXI) -> bytes:
        """An approved claim."""
        named = {"policy": policy, "measure": measure, "item": item, "claim": f"claim-{self.count}"}
        return self.of_year("claim-approved", year, amount, **named)

    def other(self, measure: str, year: int, amount: str, authority: str, policy: str = CIXI) -> bytes:
        """Another policy's award."""
        named = {"policy": policy, "measure": measure, "authority": authority, "other_policy": "x"}
        return self.of_year("other-award-recorded", year, amount, **named)

    def retract(self, of: str, of_type: str) -> bytes:
        """A retraction of an earlier message."""
        return self.send("fact-retracted", of=of, of_type=f"subsidy.{of_type}.v1", reason="tests")

    def correct(self, of: str, of_type: str, **changes: Any) -> bytes:
        """A correction of an earlier message."""
        named = {"of": of, "of_type": f"subsidy.{of_type}.v1", "reason": "tests"}
        return self.send("fact-corrected", changes=changes, **named)


def take(ledger: Ledger, *messages: bytes) -> list[Result]:
    """Ingest messages that must all be accepted."""
    results = ingest(ledger, messages, "tests")
    assert [r.faults for r in results if r.status != "accepted"] == []
    return results


def awards(ledger: Ledger, feed: Feed, policy: str, year: int, figure: str = "gross") -> dict[str, str]:
    """One figure of every award of an enterprise and year that is not zero."""
    with ledger.store.reading() as rows:
        lines = queries.balance(ledger, rows, feed.code, policy, year)["awards"]
    return {line["measure"]: line[figure] for line in lines if line[figure] != "0.00"}


def budget(ledger: Ledger, policy: str, year: int) -> dict[str, Any]:
    """The budget as the ledger answers it."""
    with ledger.store.reading() as rows:
        return queries.budget(ledger, rows, policy, year)
