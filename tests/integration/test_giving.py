"""360Giving of a closed year: awards, what the bank paid of them, and what came back, to the fen."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from domain.events import CATALOGUE
from domain.settlement.payables import Line, Payable
from ledger.export import giving
from ledger.export.books import PaidAward, books_of
from ledger.export.giving import Part, share_out
from ledger.store.application import Ledger
from tests.events import CIXI
from tests.integration.closings import closed

STANDARDS = Path(__file__).parent.parent / "data" / "standards"


def package_of(ledger: Ledger, year: int) -> dict[str, Any]:
    out = io.BytesIO()
    with ledger.store.reading() as rows:
        giving.write(out, books_of(ledger, rows, CIXI, year))
    found: dict[str, Any] = json.loads(out.getvalue(), parse_float=Decimal)
    return found


def validator() -> Draft202012Validator:
    grant, package = (
        json.loads((STANDARDS / f"360-giving-{name}schema.json").read_text("utf-8"))
        for name in ("", "package-")
    )
    reference = package["properties"]["grants"]["items"]["$ref"]
    registry = Registry().with_resource(reference, DRAFT202012.create_resource(grant))
    return Draft202012Validator(package, registry=registry, format_checker=FormatChecker())


def fen(amount: Any) -> int:
    return int(Decimal(amount).scaleb(2))


def test_a_closed_year_adds_up_to_the_accounts_enterprise_by_enterprise(
    open_at: Callable[..., Ledger],
) -> None:
    """Its first enterprise was paid in a second attempt, clawed back from by ¥1,000, and gave ¥400 back."""
    year = closed(open_at)
    package = package_of(year.ledger, 2024)

    paid: dict[str, int] = {}
    for grant in package["grants"]:
        moved = [fen(each["value"]) for each in grant["disbursementTransaction"]]
        assert sum(moved) == fen(grant["amountDisbursed"])
        [recipient] = grant["recipientOrganization"]
        code = recipient["companyNumber"]
        paid[code] = paid.get(code, 0) + sum(moved)
    with year.ledger.store.reading() as rows:
        sql = "SELECT code, paid - recovered FROM accounts WHERE policy=? AND year=2024"
        accounts = {code: int(amount) for code, amount in rows.all(sql, [CIXI]) if amount}
    assert {code: amount for code, amount in paid.items() if amount} == accounts
    back = [
        (grant["recipientOrganization"][0]["companyNumber"], fen(each["value"]))
        for grant in package["grants"]
        for each in grant["disbursementTransaction"]
        if each["value"] < 0
    ]
    assert {code for code, _ in back} == {year.code}
    assert sum(amount for _, amount in back) == -400_00


def test_it_validates_with_transactions_and_a_licence(open_at: Callable[..., Ledger]) -> None:
    package = package_of(closed(open_at).ledger, 2024)
    plain = json.loads(json.dumps(package, default=float))

    assert [error.message for error in validator().iter_errors(plain)] == []
    assert package["license"].startswith("https://creativecommons.org/")
    ids = [each["id"] for grant in package["grants"] for each in grant["disbursementTransaction"]]
    assert len(set(ids)) == len(ids) > 0


def test_an_open_year_tells_of_no_payment(open_at: Callable[..., Ledger]) -> None:
    year = closed(open_at, years=(2024,))
    package = package_of(year.ledger, 2025)

    assert package["grants"] != []
    assert all("disbursementTransaction" not in grant for grant in package["grants"])


AWARDS = [
    PaidAward(Line("c", "a", 2024, 100, 0), Payable(100, 0, 40, 60)),
    PaidAward(Line("c", "b", 2024, 100, 0), Payable(100, 0, 60, 40)),
]


class Event:
    """As much of a stored event as is looked at."""

    def __init__(self, name: str, version: int, **content: Any) -> None:
        self.version = version
        given = {"reference": "r"} if name in ("PaymentMade", "ClawbackRecovered") else {"reason": "r"}
        about = {"policy": "p", "year": 2024, "enterprise": "c", "actor": "a", "on": "2025-05-01"}
        self.fact = type("Fact", (), {"name": name, "content": CATALOGUE[name](**about, **given, **content)})


@pytest.mark.parametrize(
    ("events", "parts"),
    [
        ([Event("PaymentMade", 1, payment="p", amount_fen=100)], [[60], [40]]),
        ([Event("PaymentMade", 1, payment="p", amount_fen=70)], [[60], [10]]),
        ([Event("PaymentFailed", 1, payment="p", amount_fen=100)], [[], []]),
        (
            [
                Event("PaymentMade", 1, payment="p", amount_fen=100),
                Event("PaymentFailed", 2, payment="p", amount_fen=100),
                Event("PaymentMade", 3, payment="q", amount_fen=100),
            ],
            [[60, -60, 60], [40, -40, 40]],
        ),
        (
            [
                Event("PaymentMade", 1, payment="p", amount_fen=100),
                Event("ClawbackOrdered", 2, clawback="k", measure="a", amount_fen=70),
                Event("ClawbackRecovered", 3, clawback="k", amount_fen=70),
            ],
            [[60, -60], [40, -10]],
        ),
        (
            [
                Event("PaymentMade", 1, payment="p", amount_fen=100),
                Event("ClawbackOrdered", 2, clawback="k", measure=None, amount_fen=50),
                Event("ClawbackRecovered", 3, clawback="k", amount_fen=20),
                Event("ClawbackRecovered", 4, clawback="k", amount_fen=30),
            ],
            [[60, -10], [40, -20, -20]],
        ),
    ],
)
def test_movements_are_shared_over_the_awards(events: list[Any], parts: list[list[int]]) -> None:
    found = share_out(AWARDS, events)

    assert [[part.fen for part in award.parts] for award in found] == parts
    assert all(isinstance(part, Part) for award in found for part in award.parts)


def test_a_payment_beyond_the_awards_is_an_error() -> None:
    with pytest.raises(ArithmeticError, match="more than its enterprise's awards"):
        share_out(AWARDS, [Event("PaymentMade", 1, payment="p", amount_fen=101)])  # type: ignore[list-item]
