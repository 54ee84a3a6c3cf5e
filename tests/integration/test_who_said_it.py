"""Each event says who said it and in what role, where that is known; what was stored before says nothing."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from domain.authority.roles import Actor
from domain.events.claims import ClaimSubmitted
from domain.events.event import Capacity, Speaker
from domain.events.refusals import RefusalDismissed, RefusalResubmitted, refusal_id
from domain.events.speaking import attribute_message
from domain.intake.authorising import Sender
from ledger.claims import desk
from ledger.intake.inbox import ingest
from ledger.policies.versions import adopt_policy, set_budget
from ledger.store.application import Ledger
from ledger.store.stored_events import Stored, events_of
from ledger.waiting.second_person import SecondPersonNeeded
from services.api.wire import event_document
from tests.events import CIXI, YONGJIA_TEXT, Feed
from tests.integration.api_client import ONE, Api

KEY = Actor("统计局", frozenset({"upstream"}), publisher="ab12cd34ef56")
CLERK = Actor("clerk", frozenset({"officer"}), issuer="https://id.example", subject="7731")
OTHER = Actor("other", frozenset({"officer"}), issuer="https://id.example", subject="7732")


def stored_of(ledger: Ledger, originator: str) -> list[Stored]:
    with ledger.store.reading() as rows:
        return events_of(rows, originator)


def test_a_message_names_the_key_it_came_under_and_whom_it_spoke_for(open_at: Callable[..., Ledger]) -> None:
    ledger, feed = open_at(), Feed(1)
    message = feed.shop("tmall", "旗舰店", "2024-03-01")
    ingest(ledger, [message], "http", sender=Sender(attribution=attribute_message(KEY, "urn:cixi:stats")))

    (event,) = stored_of(ledger, feed.code)
    assert event.fact.said_by == Speaker(publisher="ab12cd34ef56", name="统计局")
    assert event.fact.acting_as == Capacity(role="upstream", on_behalf_of="urn:cixi:stats")
    assert event_document(event)["said_by"] == {"publisher": "ab12cd34ef56", "name": "统计局"}
    assert ingest(ledger, [message], "http")[0].status == "duplicate"


def test_a_message_that_nobody_is_known_to_have_sent_says_nothing(open_at: Callable[..., Ledger]) -> None:
    ledger, feed = open_at(), Feed(1)
    ingest(ledger, [feed.shop("tmall", "旗舰店", "2024-03-01")], "kafka")

    (event,) = stored_of(ledger, feed.code)
    assert (event.fact.said_by, event.fact.acting_as) == (None, None)
    assert not {"said_by", "acting_as"} & event_document(event).keys()


def test_a_step_of_a_claim_names_the_person_by_issuer_and_subject(open_at: Callable[..., Ledger]) -> None:
    ledger, feed = open_at(), Feed(1)
    asked = ClaimSubmitted(claim="C1", policy=CIXI, measure="standard.cixi", item="标准", year=2024)
    desk.submit(ledger, feed.code, CLERK, asked)

    (event,) = stored_of(ledger, feed.code)
    assert event.fact.said_by == Speaker(issuer="https://id.example", subject="7731", name="clerk")
    assert event.fact.acting_as == Capacity(role="officer")


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_policies_and_budgets_name_who_adopted_and_set_them(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at()
    with pytest.raises(SecondPersonNeeded):
        adopt_policy(ledger, YONGJIA_TEXT, OTHER)
    policy, _ = adopt_policy(ledger, YONGJIA_TEXT, CLERK)
    with pytest.raises(SecondPersonNeeded):
        set_budget(ledger, policy.id, "life", 100, actor=OTHER)
    set_budget(ledger, policy.id, "life", 100, actor=CLERK)

    adopted, budget = stored_of(ledger, f"policy:{policy.id}")
    assert (
        adopted.fact.said_by
        == budget.fact.said_by
        == Speaker(issuer="https://id.example", subject="7731", name="clerk")
    )


def test_who_settled_a_refused_message_and_why_is_an_event(open_at: Callable[..., Ledger]) -> None:
    ledger, feed = open_at(), Feed(1)
    api = Api(ledger)
    first, second = (
        str(ingest(ledger, [text], "tests")[0].refusal) for text in (b"[1]", f"[{feed.code}]".encode())
    )
    lin = api.by("Lin", "officer")
    lin.post(f"/v1/refused/{first}/dismissal", {"reason": "报送两次"})
    lin.post(f"/v1/refused/{first}/dismissal")
    lin.post(
        f"/v1/refused/{second}/resubmission", json.loads(feed.shop("tmall", "s", "2024-03-01")), 201, ONE
    )

    [dismissed] = stored_of(ledger, refusal_id(first))
    [resubmitted] = stored_of(ledger, refusal_id(second))
    assert dismissed.fact.content == RefusalDismissed(digest=first, reason="报送两次")
    assert resubmitted.fact.content == RefusalResubmitted(digest=second, of_source="urn:tests", of=feed.last)
    for event in (dismissed, resubmitted):
        assert event.fact.said_by == Speaker(issuer="local", subject="lin", name="Lin")
        assert event.fact.acting_as == Capacity(role="officer")
    with ledger.store.reading() as rows:
        [sent] = events_of(rows, feed.code)
    assert sent.fact.said_by == Speaker(issuer="local", subject="lin", name="Lin")


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_who_gave_no_name_is_recorded_as_unverified(open_at: Callable[..., Ledger]) -> None:
    ledger = open_at()
    Api(ledger).put(f"/v1/policies/{CIXI}/budgets/2024", {"amount": "1.00", "currency": "CNY"})
    event = stored_of(ledger, f"policy:{CIXI}")[-1]
    assert event.fact.said_by == Speaker(issuer="local")
    assert event.fact.acting_as == Capacity(role="operator")
