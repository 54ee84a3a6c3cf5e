"""Worked cases as data: read, turned into messages, and settled through the ledger's own door."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from domain.money import parse_fen, yuan
from ledger import queries
from ledger.application import Ledger
from ledger.inbox import ingest
from ledger.policies import set_budget

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
    "claim_approved": "ClaimApproved",
    "other_award_recorded": "OtherAwardRecorded",
    "corrected": "FactCorrected",
    "retracted": "FactRetracted",
}


def type_of(fact: str) -> str:
    """The message type of a case's kind of fact."""
    words = "".join("-" + c.lower() if c.isupper() else c for c in NAMES[fact]).lstrip("-")
    return f"subsidy.{words}.v1"


def read_case(path: Path) -> dict[str, Any]:
    """A case file."""
    case: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return case


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
    currency = "CNY"
    if "channel" in data:
        data["channel"], currency = CHANNEL.get(data["channel"], (data["channel"], "CNY"))
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
    return {
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
