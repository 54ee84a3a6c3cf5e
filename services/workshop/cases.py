"""Worked cases as data: read, turned into messages, and settled through the ledger's own door.

A case says what was reported and what it must give, worked out by hand from the policy's text
(docs/changing-the-policy.md). ``outcome_of`` settles one in a ledger of its own, and compares.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from marshmallow import INCLUDE, Schema, ValidationError, fields, validate

from domain.dividing import budget_period
from domain.money import parse_fen, yuan
from ledger import queries
from ledger.application import Ledger, open_ledger
from ledger.inbox import ingest
from ledger.policies import adopt_policy, rulebook, set_budget

SOURCE = "urn:cases"
CHANNEL = {"dtc_export_usd": ("dtc_own_brand_export", "USD")}

NAMES = {
    "enterprise_registered": "EnterpriseRegistered",
    "store_registered": "StoreRegistered",
    "direct_sales_branch_registered": "DirectSalesBranchRegistered",
    "above_quota_admitted": "AboveQuotaAdmitted",
    "sales_reported": "SalesReported",
    "contribution_assessed": "ContributionAssessed",
    "brand_certified": "BrandCertified",
    "standard_published": "StandardPublished",
    "warehouse_recognised": "WarehouseRecognised",
    "design_purchased": "DesignPurchased",
    "design_services_sold": "DesignServicesSold",
    "research_spent": "ResearchSpent",
    "enterprise_replaced": "EnterpriseReplaced",
    "recognition_granted": "RecognitionGranted",
    "claim_approved": "ClaimApproved",
    "other_award_recorded": "OtherAwardRecorded",
    "corrected": "FactCorrected",
    "retracted": "FactRetracted",
}


def type_of(fact: str) -> str:
    """The message type of a case's kind of fact."""
    words = "".join("-" + c.lower() if c.isupper() else c for c in NAMES[fact]).lstrip("-")
    return f"subsidy.{words}.v1"


class CaseError(ValueError):
    """A case file that cannot be used; the text names file, field, rule and mend."""


class _Fact(Schema):
    """One fact; its other keys are those of its kind."""

    id = fields.String(required=True)
    enterprise = fields.String(required=True)
    fact = fields.String(required=True, validate=validate.OneOf([*NAMES]))

    class Meta:
        """Whatever its kind has besides."""

        unknown = INCLUDE


class _Expect(Schema):
    """What must come of it."""

    awards = fields.List(fields.Dict(), required=True)

    class Meta:
        """Its sums are compared as they stand."""

        unknown = INCLUDE


class _Case(Schema):
    """What a case file must hold."""

    policy = fields.String(required=True)
    year = fields.Integer(required=True, strict=True)
    budget = fields.String()
    budgets = fields.Dict(keys=fields.String(), values=fields.String())
    facts = fields.List(fields.Nested(_Fact), required=True)
    expect = fields.Nested(_Expect, required=True)

    class Meta:
        """Words for people stand beside it."""

        unknown = INCLUDE


def is_case(path: Path) -> bool:
    """Whether a file of a folder has facts at its top; what cannot be read is told when it is run."""
    try:
        said = json.loads(path.read_text("utf-8"))
    except ValueError:
        return True
    return isinstance(said, dict) and "facts" in said


def read_case(path: Path) -> dict[str, Any]:
    """A case file.

    Raises:
        CaseError: where it is not one.
    """
    try:
        case: dict[str, Any] = _Case().load(json.loads(path.read_text("utf-8")))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CaseError(f"{path.name}: cannot be read as JSON — {error}") from None
    except ValidationError as error:
        field, rule = _first(error.messages)
        raise CaseError(
            f"{path.name}: {field}: {rule} — see docs/changing-the-policy.md for the form"
        ) from None
    return case


def _first(messages: Any, path: str = "") -> tuple[str, str]:
    """The first thing that is wrong: where, and what."""
    if isinstance(messages, dict):
        key, value = next(iter(messages.items()))
        return _first(value, f"{path}/{key}" if path else str(key))
    return path, str(messages[0] if isinstance(messages, list) else messages)


def messages_of(case: dict[str, Any]) -> list[bytes]:
    """The case's facts as CloudEvents, in order of arrival."""
    facts = {fact["id"]: fact for fact in case["facts"] if fact["fact"] not in ("corrected", "retracted")}
    return [json.dumps(message_of(fact, case, facts)).encode() for fact in case["facts"]]


def message_of(fact: dict[str, Any], case: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """One fact as a CloudEvents message."""
    kind = fact["fact"]
    data = {k: v for k, v in fact.items() if k not in ("id", "enterprise", "fact")}
    if kind in ("corrected", "retracted"):
        target = facts.get(data["of"], {"fact": "store_registered"})
        known = any(f["id"] == data["of"] and f["fact"] in ("corrected", "retracted") for f in case["facts"])
        data = {"of": data["of"], "reason": "case", "of_type": type_of(target["fact"])}
        if known:
            data["of_type"] = "subsidy.store-registered.v1"
        if kind == "corrected":
            data["changes"] = content_of(target["fact"], fact["with"], case, whole=False)
    else:
        data = content_of(kind, data, case, whole=True)
        if kind == "claim_approved":
            data["claim"] = fact["id"]
    day = fact.get("on") or f"{fact.get('year', case['year'])}-12-31"
    return {
        "specversion": "1.0",
        "id": fact["id"],
        "source": SOURCE,
        "type": type_of(kind),
        "subject": fact["enterprise"],
        "time": f"{day}T12:00:00+08:00",
        "data": data,
    }


def content_of(kind: str, data: dict[str, Any], case: dict[str, Any], whole: bool) -> dict[str, Any]:
    """The data of a fact, or of some of its keys, in the ledger's names."""
    data = dict(data)
    currency = data.pop("currency", "CNY")
    if "channel" in data:
        data["channel"], currency = CHANNEL.get(data["channel"], (data["channel"], currency))
    if kind == "other_award_recorded" and "policy" in data:
        data["other_policy"] = data.pop("policy")
    if whole and kind in ("other_award_recorded", "claim_approved"):
        data["policy"] = case["policy"]
    if (whole and "amount" in data) or "channel" in data:
        data["currency"] = currency
    return data


def settle(ledger: Ledger, case: dict[str, Any], batches: list[list[bytes]]) -> dict[str, Any]:
    """Ingest batches, and read back what the case expects through the functions of the API."""
    if "budget" in case:
        set_budget(ledger, case["policy"], str(case["year"]), parse_fen(case["budget"]))
    with ledger.store.reading() as rows:
        period = rulebook(rows, case["policy"]).period_of(case["year"])
    for name, amount in case.get("budgets", {}).items():
        set_budget(ledger, case["policy"], budget_period(period, name), parse_fen(amount))
    for batch in batches:
        for result in ingest(ledger, batch, "case"):
            if result.status == "refused":
                faults = "; ".join(str(fault.words("en")) for fault in result.faults)
                print(f"refused {result.event_id}: {faults}")
    return read_back(ledger, case)


def read_back(ledger: Ledger, case: dict[str, Any]) -> dict[str, Any]:
    """The figures of a case's ``expect``, as the ledger answers them."""
    policy, year = case["policy"], case["year"]
    with ledger.store.reading() as rows:
        budget = queries.budget(ledger, rows, policy, year)
        codes = [each["enterprise"] for each in queries.enterprises(rows, policy, year, "", 10_000)]
        balances = [queries.balance(ledger, rows, code, policy, year) for code in codes]
    awards = [
        {"enterprise": each["enterprise"], **{k: line[k] for k in FIGURES}}
        for each in balances
        for line in each["awards"]
        if line["gross"] != "0.00"
    ]
    payable = {each["enterprise"]: each["payable"] for each in balances if each["gross"] != "0.00"}
    factors = {each["pot"]: each["factor"]["fraction"] for each in budget["pots"]}
    return {
        **({"pots": factors} if factors else {}),
        "awards": sorted(awards, key=lambda row: (row["enterprise"], row["measure"])),
        "gross_total": budget["gross"],
        "eligible_total": budget["eligible"],
        "factor": budget["factor"]["fraction"],
        "payable": payable,
        "payable_total": yuan(sum(parse_fen(amount) for amount in payable.values())),
    }


FIGURES = ("measure", "gross", "withheld", "eligible", "payable")


def expected(case: dict[str, Any]) -> dict[str, Any]:
    """The case's ``expect`` without the words of its workings."""
    expect = dict(case["expect"])
    rows = [{k: row[k] for k in ("enterprise", *FIGURES)} for row in expect["awards"]]
    expect["awards"] = sorted(rows, key=lambda row: (row["enterprise"], row["measure"]))
    return expect


class Difference(NamedTuple):
    """A figure that is not what the case says: the case's, and the policy's (``—``: none)."""

    what: str
    expected: str
    got: str


NOW = datetime(2100, 1, 1, tzinfo=UTC)
"""A case's facts have all happened by then."""


def outcome_of(policy_text: str, case: dict[str, Any]) -> list[Difference]:
    """Settle a case under a policy file, in a ledger that is thrown away; what differs."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(open_ledger(f"{folder}/case.db", clock=lambda: NOW)) as ledger,
    ):
        adopt_policy(ledger, policy_text)
        got = settle(ledger, case, [messages_of(case)])
    return list(_differences(expected(case), got))


def _differences(expect: dict[str, Any], got: dict[str, Any]) -> Iterator[Difference]:
    mine, theirs = (
        {(row["enterprise"], row["measure"]): row for row in side["awards"]} for side in (expect, got)
    )
    for key in sorted(mine.keys() | theirs.keys()):
        for figure in FIGURES[1:]:
            one, other = (side.get(key, {}).get(figure, "—") for side in (mine, theirs))
            if one != other:
                yield Difference(f"{' '.join(key)} {figure}", one, other)
    for name in expect:
        if name != "awards" and expect[name] != got.get(name):
            yield Difference(name, _plain(expect[name]), _plain(got.get(name, "—")))


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
