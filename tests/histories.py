"""Generated histories of a small city, in the form of the worked cases."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import strategies as st

from services.cli.policies.cases import messages_of
from tests.events import CIXI
from tests.oracle.codes import credit_code

Fact = dict[str, Any]
Case = dict[str, Any]

YEARS = (2024, 2025, 2026, 2027)
"""Award years that a history is settled for."""
CODES = [credit_code(number) for number in (1, 2, 3)]
DAYS = st.sampled_from(
    ["2023-12-31", "2024-01-01", "2024-02-05", "2024-12-31", "2025-01-01", "2025-06-15", "2026-03-03"]
)
NAMES = st.sampled_from("ab")
REPORTED = st.sampled_from([2021, 2022, 2023, 2024, 2024, 2025, 2025, 2026, 2027])
SALES = st.sampled_from(
    [
        "49999999.99",
        "50000000.00",
        "50000000.01",
        "99999999.99",
        "100000000.00",
        "200000000.00",
        "510000000.33",
    ]
)
DOLLARS = st.sampled_from(["999999.99", "1000000.00", "1999999.99", "77000000.01", "250000000.00"])
CONTRIBUTIONS = st.sampled_from(["0.00", "100000.00", "333333.33", "1234567.89", "9000000.01"])
DESIGN = st.sampled_from(["199999.99", "200000.00", "299999.99", "300000.05", "4999999.99", "6000000.00"])
OTHERS = st.sampled_from(["0.01", "4999.99", "5000.00", "10000.00", "250000.00", "9999999.99"])
CAPS = {
    "standard.provincial": "100000.00",
    "standard.ningbo": "50000.00",
    "standard.cixi": "30000.00",
    "talent.team": "10000000.00",
    "design.procurement": "500000.00",
    "design.services": "150000.00",
    "park.transformation": "7000000.01",
    "talent.cooperation": "0.01",
    "brand.design-centre": "123456.78",
    "climate.event": "33333.33",
}
"""Measures with claims, each with the largest amount that a history claims."""
MEASURES = st.sampled_from([*CAPS, "store.tmall", "store.jd", "store.cross-border", "brand.dtc-export"])

CONTENT: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "enterprise_registered": {"name": NAMES, "town": st.sampled_from(["古塘街道", "周巷镇", "龙山镇"])},
    "store_registered": {
        "platform": st.sampled_from(["tmall", "jd", "cross-border", "douyin"]),
        "kind": st.sampled_from(["flagship", "specialty", "ordinary"]),
        "shop": st.sampled_from("abc"),
        "on": DAYS,
    },
    "direct_sales_branch_registered": {"branch": NAMES, "on": DAYS},
    "above_quota_admitted": {"branch": NAMES, "on": DAYS},
    "sales_reported": {
        "channel": st.sampled_from(["online", "online", "domestic_own_brand", "domestic_online"]),
        "year": REPORTED,
        "amount": SALES,
    },
    "contribution_assessed": {"year": REPORTED, "amount": CONTRIBUTIONS},
    "brand_certified": {
        "kind": st.sampled_from(["famous_export", "service_trademark", "quality_certification"]),
        "ref": NAMES,
        "on": DAYS,
    },
    "warehouse_recognised": {
        "level": st.sampled_from(["ningbo", "provincial"]),
        "warehouse": NAMES,
        "on": DAYS,
    },
    "design_purchased": {"year": REPORTED, "amount": DESIGN},
    "design_services_sold": {"year": REPORTED, "amount": DESIGN},
    "claim_approved": {"measure": st.sampled_from(sorted(CAPS)), "year": REPORTED},
    "other_award_recorded": {
        "authority": st.sampled_from(["cixi", "cixi", "ningbo"]),
        "policy": st.just("another policy"),
        "measure": MEASURES,
        "year": REPORTED,
        "amount": OTHERS,
    },
}
"""What each kind of fact holds, but for the amount of a claim, which depends on its measure."""
CORRECTABLE = {
    "store_registered": ("kind", "on"),
    "sales_reported": ("channel", "year", "amount"),
    "claim_approved": ("year",),
    "other_award_recorded": ("authority", "measure", "year", "amount"),
}
"""Keys that a correction may change and leave the fact right; by default, all of them."""


@st.composite
def facts(draw: st.DrawFn, most: int = 24) -> list[Fact]:
    """Facts without corrections; each has an id of its own."""
    found: list[Fact] = []
    for number in range(draw(st.integers(1, most))):
        kind = draw(st.sampled_from([*sorted(CONTENT), "claim_approved"]))
        fact = {"id": f"f{number}", "enterprise": draw(st.sampled_from(CODES)), "fact": kind}
        fact |= {key: draw(values) for key, values in CONTENT[kind].items()}
        if kind == "claim_approved":
            fact |= {
                "item": f"item {number}",
                "amount": draw(st.sampled_from([CAPS[fact["measure"]], "0.01"])),
            }
        if kind == "sales_reported" and draw(st.integers(0, 3)) == 0:
            fact |= {"channel": "dtc_export_usd", "amount": draw(DOLLARS)}
        found.append(fact)
        if kind == "claim_approved" and draw(st.booleans()):
            same = {key: fact[key] for key in ("enterprise", "measure", "year")}
            rival = {"fact": "other_award_recorded", "authority": "cixi", "policy": "another policy"}
            found.append({"id": f"o{number}", **same, **rival, "amount": draw(OTHERS)})
    return [*found, *draw(growth())] if draw(st.booleans()) else found


@st.composite
def growth(draw: st.DrawFn) -> list[Fact]:
    """The sales and contributions of an enterprise that has grown, in part."""
    code = draw(st.sampled_from(CODES))
    figures = [("sales_reported", year, draw(SALES)) for year in (2024, 2025)]
    figures += [("contribution_assessed", year, draw(CONTRIBUTIONS)) for year in range(2021, 2028)]
    kept = draw(st.lists(st.sampled_from(figures), min_size=5, unique_by=lambda each: each[:2]))
    return [
        {"id": f"g{number}", "enterprise": code, "fact": kind, "year": year, "amount": amount}
        | ({"channel": "online"} if kind == "sales_reported" else {})
        for number, (kind, year, amount) in enumerate(kept)
    ]


@st.composite
def amendments(draw: st.DrawFn, of: list[Fact], most: int = 8) -> list[Fact]:
    """Corrections and retractions, some of the same fact, some of a fact that never comes."""
    found: list[Fact] = []
    for number in range(draw(st.integers(0, most))):
        target = draw(st.sampled_from(of))
        made = {"id": f"a{number}", "enterprise": target["enterprise"], "of": target["id"]}
        if draw(st.integers(0, 9)) == 0:
            found.append({**made, "of": "never came", "fact": "corrected", "with": {"kind": "flagship"}})
            continue
        if draw(st.integers(0, 2)) == 0:
            found.append({**made, "fact": "retracted"})
            continue
        fields = CONTENT[target["fact"]]
        keys = [key for key in fields if key in CORRECTABLE.get(target["fact"], fields)]
        if target.get("channel") == "dtc_export_usd":
            keys = ["year", "amount"]
        chosen = draw(st.lists(st.sampled_from(keys), min_size=1, unique=True))
        found.append({**made, "fact": "corrected", "with": {key: draw(fields[key]) for key in chosen}})
    return found


@st.composite
def histories(draw: st.DrawFn, most: int = 24) -> list[Fact]:
    """Facts, corrections and retractions, in an order of arrival."""
    standing = draw(facts(most))
    return draw(st.permutations([*standing, *draw(amendments(standing))]))


BUDGETS = st.sampled_from(["10000000.00", "1000000.00", "123456.78", "0.07"])


def case_of(history: list[Fact], year: int, budget: str) -> Case:
    """A worked case without its expectation."""
    return {"policy": CIXI, "year": year, "budget": budget, "facts": history}


def shuffled(history: list[Fact], seed: int) -> list[bytes]:
    """The history's messages in another order, some of them twice.

    Corrections of one fact keep their order, since of two the later arrival wins.
    """
    chance = random.Random(seed)
    order = list(range(len(history)))
    chance.shuffle(order)
    places: dict[str, list[int]] = {}
    for place, index in enumerate(order):
        if history[index]["fact"] == "corrected":
            places.setdefault(history[index]["of"], []).append(place)
    for spots in places.values():
        for place, index in zip(spots, sorted(order[spot] for spot in spots), strict=True):
            order[place] = index
    messages = messages_of(case_of(history, YEARS[0], "0.00"))
    found = [messages[index] for index in order]
    for message in chance.sample(found, min(3, len(found))):
        found.insert(chance.randint(found.index(message) + 1, len(found)), message)
    return found


def batches(messages: list[bytes], seed: int) -> list[list[bytes]]:
    """Messages cut into batches of random sizes."""
    chance = random.Random(seed)
    found, at = [], 0
    while at < len(messages):
        size = chance.choice([1, 2, 5, 100])
        found.append(messages[at : at + size])
        at += size
    return found
