"""What waits and what counts follow from the facts as they stand, whatever came first or together."""

from __future__ import annotations

import json
import tempfile
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.policies.versions import adopt_policy
from ledger.store.application import open_ledger
from tests.events import message, take
from tests.integration.test_disagreements import CODES, found_in, gross, policy_with
from tests.lengths import length_of

SHOP, DESIGN, REPLACED = "store-registered", "design-purchased", "enterprise-replaced"
RULES = ["shop", "design-sources", "design-outlier", "replaced"]
TIMES, TOLERANCE = 10, 5
DAYS = ["2024-02-01", "2024-06-01", "2024-10-01"]
SOURCES = ["urn:tax", "urn:industry"]


class Told(NamedTuple):
    """A fact, and what becomes of it."""

    letter: str
    type: str
    source: str
    data: dict[str, Any]
    changes: dict[str, Any] | None
    retracted: bool

    @property
    def now(self) -> dict[str, Any] | None:
        return None if self.retracted else {**self.data, **(self.changes or {})}


shops = st.fixed_dictionaries({"shop": st.sampled_from("XY"), "on": st.sampled_from(DAYS)})
amounts = st.fixed_dictionaries(
    {
        "year": st.sampled_from([2023, 2024]),
        "amount": st.sampled_from(["10000.00", "10500.00", "10600.00", "200000.00"]),
    }
)
replacements = st.fixed_dictionaries({"on": st.sampled_from(DAYS)})


@st.composite
def told(draw: st.DrawFn) -> Told:
    type_ = draw(st.sampled_from([SHOP, SHOP, DESIGN, DESIGN, REPLACED]))
    letter = draw(st.sampled_from("ab"))
    if type_ == SHOP:
        data: dict[str, Any] = {"platform": "tmall", "kind": "flagship", **draw(shops)}
        change = st.sampled_from([{"shop": "X"}, {"shop": "Y"}, {"on": DAYS[0]}, {"on": DAYS[2]}])
    elif type_ == DESIGN:
        data = {"currency": "CNY", **draw(amounts)}
        change = st.sampled_from([{"amount": "10000.00"}, {"amount": "300000.00"}])
    else:
        data = {"by": CODES["c"], **draw(replacements)}
        change = st.sampled_from([{"on": DAYS[0]}, {"on": DAYS[2]}])
    changes = draw(st.none() | change)
    return Told(
        letter,
        type_,
        draw(st.sampled_from(SOURCES)),
        data,
        changes,
        draw(st.booleans()) and draw(st.booleans()),
    )


def doubtful(facts: dict[str, Told]) -> tuple[set[tuple[str, str]], set[str]]:
    """(kind, fact) of everything in doubt, and facts that repeat what another source says.

    Each pair, sum and day is looked at, one by one.
    """
    standing = {name: fact for name, fact in facts.items() if fact.now is not None}
    now = {name: fact.now or {} for name, fact in standing.items()}
    found: set[tuple[str, str]] = set()
    again: set[str] = set()
    for one, other in combinations(standing, 2):
        a, b = standing[one], standing[other]
        if a.type == b.type == SHOP and a.letter != b.letter and now[one]["shop"] == now[other]["shop"]:
            found |= {("claimed-twice", one), ("claimed-twice", other)}
    for letter in "ab":
        of = {n: f for n, f in standing.items() if f.letter == letter}
        days = [now[name]["on"] for name, fact in of.items() if fact.type == REPLACED]
        for name, fact in of.items():
            if days and fact.type != REPLACED:
                day = now[name].get("on") or f"{now[name]['year']}-01-01"
                found |= {("replaced-code", name)} if day > min(days) else set()
        fen = {n: int(now[n]["amount"].replace(".", "")) for n, f in of.items() if f.type == DESIGN}
        for year in (2023, 2024):
            mine = {name for name in fen if now[name]["year"] == year}
            sums = {s: sum(fen[n] for n in mine if of[n].source == s) for s in {of[n].source for n in mine}}
            if len(sums) == 2:
                low, high = sorted(sums.values())
                differ = (high - low) * 100 > TOLERANCE * high
                found |= {("two-sources", name) for name in mine if differ}
                again |= {name for name in mine if not differ and of[name].source == max(sums)}
        before, late = (
            {n for n in fen if now[n]["year"] == year and n not in again} for year in (2023, 2024)
        )
        best = sum(fen[name] for name in before)
        if best and sum(fen[name] for name in late) > TIMES * best:
            found |= {("outlier", name) for name in late}
    return found, again


def messages(facts: dict[str, Told]) -> list[bytes]:
    made = []
    for name, fact in facts.items():
        of = {"of": name, "of_source": fact.source, "of_type": f"subsidy.{fact.type}.v1", "reason": "error"}
        said = [(fact.type, name, fact.data)]
        said += [("fact-corrected", f"{name}-c", {**of, "changes": fact.changes})] if fact.changes else []
        said += [("fact-retracted", f"{name}-r", of)] if fact.retracted else []
        for type_, id_, data in said:
            envelope = message(type_, CODES[fact.letter], id_, "2025-01-01T00:00:00Z", data)
            made.append(json.dumps({**envelope, "source": fact.source}).encode())
    return made


@settings(max_examples=length_of("SUBSIDY_TEST_DISAGREEMENTS"), deadline=None)
@given(st.lists(told(), min_size=2, max_size=7), st.data())
def test_what_waits_and_what_counts_follow_from_the_facts_alone(
    list_: list[Told], data: st.DataObject
) -> None:
    facts = {f"n{at}": fact for at, fact in enumerate(list_)}
    in_doubt, again = doubtful(facts)
    order = data.draw(st.permutations(messages(facts)))
    sizes = data.draw(st.lists(st.integers(1, 4), min_size=len(order), max_size=len(order)))
    with tempfile.TemporaryDirectory() as folder:
        ledger = open_ledger(str(Path(folder) / "ledger.db"))
        adopt_policy(ledger, policy_with(RULES))
        for size in sizes:
            take(ledger, *order[:size])
            order = order[size:]
        waiting = {
            (each.kind, fact.id) for each in found_in(ledger) for fact in each.facts if fact.outcome is None
        }
        sums = gross(ledger)
        ledger.close()
        plain = open_ledger(str(Path(folder) / "plain.db"))
        adopt_policy(plain, policy_with([]))
        names = {name for _, name in in_doubt} | again
        take(plain, *messages({name: fact for name, fact in facts.items() if name not in names}))
        undisputed = gross(plain)
        plain.close()

    assert waiting == in_doubt
    assert sums == undisputed
