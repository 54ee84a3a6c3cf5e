"""The register's entry: the latest holds, in any order; what is corrected or retracted counts so."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from domain.events.content import EnterpriseStatus
from domain.events.event import Event
from domain.facts.folding import EnterpriseFacts, fold
from domain.policy.load import load_policy
from domain.policy.rulebook import Rulebook
from domain.rules.evaluation import awards_of
from ledger.intake.messages.decode import Refusal, decode
from tests.contents import event_of
from tests.events import CIXI_TEXT
from tests.written import NOW, codes, of_type, quoted

BOOK = Rulebook([load_policy(CIXI_TEXT)])


def entry(event_id: str, time: str, name: str, town: str = "古塘街道", source: str = "urn:a") -> Event:
    content: dict[str, Any] = {"name": name, "town": town, "size": None, "sector": None}
    return event_of("EnterpriseRegistered", source, event_id, f"{time}T00:00:00.000000Z", content)


def amendment(name: str, of: Event, **more: Any) -> Event:
    content = {"of": of.event_id, "of_source": of.source, "of_type": of.name, "reason": "r", **more}
    return event_of(name, of.source, f"{of.event_id}-amended", "2026-01-01T00:00:00.000000Z", content)


def names(facts: list[Event]) -> set[str | None]:
    """The name that holds, in every order of arrival, folded at once and one by one."""
    found: set[str | None] = set()
    for order in itertools.permutations(facts):
        live = EnterpriseFacts()
        for count, fact in enumerate(order):
            if not live.add(fact, known=True):
                live = fold(list(order[: count + 1]))
        found |= {state.profile.name if state.profile else None for state in (live, fold(list(order)))}
    return found


EARLY, LATE = entry("1", "2023-05-01", "甲"), entry("2", "2024-05-01", "乙", "周巷镇")


def test_the_latest_holds_whatever_the_order() -> None:
    assert names([EARLY, LATE, entry("3", "2024-04-30", "丙")]) == {"乙"}


def test_of_the_same_time_the_greater_key_holds() -> None:
    same = [entry("1", "2024-05-01", "甲", source="urn:b"), entry("9", "2024-05-01", "乙", source="urn:a")]
    assert names(same) == {"甲"}


def test_a_correction_changes_the_entry_and_not_its_time() -> None:
    assert names([EARLY, LATE, amendment("FactCorrected", EARLY, changes={"name": "丁"})]) == {"乙"}
    assert names([EARLY, LATE, amendment("FactCorrected", LATE, changes={"name": "丁"})]) == {"丁"}


def test_a_retraction_brings_the_one_before_back() -> None:
    assert names([EARLY, LATE, amendment("FactRetracted", LATE)]) == {"甲"}
    assert names([EARLY, amendment("FactRetracted", EARLY)]) == {None}


def test_no_award_depends_on_it() -> None:
    content = {"platform": "tmall", "shop": "s", "kind": "flagship", "on": "2024-03-01"}
    shop = event_of("StoreRegistered", "urn:a", "shop", "2024-03-01T00:00:00.000000Z", content)
    assert awards_of(fold([shop]), BOOK) == awards_of(fold([shop, EARLY, LATE]), BOOK) != {}


def test_a_message_says_all_that_the_register_holds() -> None:
    given = {"name": quoted("慈溪市甲电子商务有限公司"), "town": quoted("古塘街道")}
    whole = decode(of_type("enterprise-registered", **given, size='"micro"', sector='"5292"'), NOW)
    assert not isinstance(whole, Refusal)
    assert whole.fact.content.values_by_name() == {
        "name": "慈溪市甲电子商务有限公司",
        "town": "古塘街道",
        "size": "micro",
        "sector": "5292",
    }
    bare = decode(of_type("enterprise-registered", **given), NOW)
    assert not isinstance(bare, Refusal)
    assert isinstance(bare.fact.content, EnterpriseStatus)
    assert bare.fact.content.size is bare.fact.content.sector is None


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"name": ""}, {"field.missing": "data.name"}),
        ({"town": ""}, {"field.missing": "data.town"}),
        ({"town": quoted("镇" * 41)}, {"text.length": "data.town"}),
        ({"size": '"huge"'}, {"value.choice": "data.size"}),
        ({"sector": quoted("5" * 41)}, {"text.length": "data.sector"}),
        ({"owner": '"x"'}, {"field.unknown": "data.owner"}),
    ],
)
def test_what_is_wrong_with_an_entry_is_said(changed: dict[str, str], fault: dict[str, str]) -> None:
    given = {"name": quoted("甲"), "town": quoted("古塘街道"), **changed}
    assert codes(of_type("enterprise-registered", **{k: v for k, v in given.items() if v})) == fault
