"""Several budgets, an order of payment and other currencies, as the API and the console show them."""

from __future__ import annotations

from html import unescape
from pathlib import Path

import pytest

from ledger.settlement.pending import pending
from ledger.store.application import Ledger
from tests.events import CIXI
from tests.integration.api_client import Api
from tests.integration.bureau import Clock
from tests.integration.test_four_policies import (
    ALL,
    BINHAI,
    HENGQIN,
    LINHAI,
    YEAR,
    A,
    C,
    D,
    clock,
    close_all,
    ledger,
    pay_all,
)

__all__ = ["clock", "ledger"]


def path(policy: str, what: str) -> str:
    return f"/v1/policies/{policy}/years/{YEAR}/{what}"


@pytest.fixture
def api(ledger: Ledger) -> Api:
    return Api(ledger)


def test_answers_have_the_form_of_the_document_for_every_policy(
    api: Api, ledger: Ledger, clock: Clock
) -> None:
    officer = api.by("Lin", "officer")
    for _ in ("open", "closed"):
        for policy in ALL:
            assert officer.get(f"/v1/policies/{policy}")["policy"] == policy
            officer.get(path(policy, "budget"))
            officer.get(path(policy, "targets"))
            officer.get(path(policy, "settlement"))
            officer.get(path(policy, "settlement/lines"))
            for feed in (A, C, D):
                for what in ("balances", "explanations", "outlook"):
                    officer.get(f"/v1/enterprises/{feed.code}/{what}/{policy}/{YEAR}")
        with ledger.store.reading() as rows:
            if not rows.all("SELECT 1 FROM settlements WHERE stage='closed'"):
                close_all(ledger, clock)
    with ledger.store.reading() as rows:
        assert all(pending(rows, policy, YEAR) == [] for policy in ALL)


def test_a_policy_s_document_names_its_budgets_and_order(api: Api) -> None:
    linhai, binhai = (api.get(f"/v1/policies/{policy}")["budget"] for policy in (LINHAI, BINHAI))
    macao = api.get(f"/v1/policies/{HENGQIN}")["budget"]

    assert [each["budget"] for each in linhai["parts"] if each["rest"]] == ["others"]
    assert {each["budget"]: each["towns"] for each in linhai["parts"]}["duqiao"] == ["杜桥镇"]
    assert binhai["priorities"][2] == ["results.project"]
    assert macao == {"amount": "5000000.00", "per": "year", "currency": "MOP"}


def test_a_list_tells_what_pays_each_line(api: Api, ledger: Ledger, clock: Clock) -> None:
    close_all(ledger, clock)
    officer = api.by("Lin", "officer")
    lines = officer.get(path(LINHAI, "settlement/lines"))["items"]
    figures = officer.get(path(BINHAI, "settlement"))["proposal"]

    assert {each["enterprise"]: each["pot"] for each in lines if each["enterprise"] in (A.code, C.code)} == {
        A.code: "city",
        C.code: "duqiao",
    }
    assert figures["factor"]["fraction"] == "23/78"
    assert {
        each["pot"]: each["factor"]["fraction"] for each in figures["pots"] if "results" in each["pot"]
    } == {
        "results/1": "3/4",
        "results/2": "1/1",
        "results/3": "0/1",
    }
    assert {each["pot"] for each in officer.get(path(CIXI, "settlement/lines"))["items"]} == {""}


def test_a_budget_is_set_by_its_name_and_in_the_policy_s_currency(api: Api) -> None:
    officer = api.by("Qian", "finance")
    put = "/v1/policies/{}/budgets/{}".format
    body = {"amount": "70000.00", "currency": "CNY"}

    assert officer.put(put(LINHAI, "2026.city"), body)["period"] == "2026.city"
    officer.put(put(LINHAI, "2026"), body, 404)
    officer.put(put(LINHAI, "2026.north"), body, 404)
    assert officer.put(put(HENGQIN, "2026"), body, 422)["faults"][0]["code"] == "currency.wrong"
    assert officer.put(put(HENGQIN, "2026"), {**body, "currency": "MOP"})["currency"] == "MOP"


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("zh", ("城区预算", "杜桥镇预算", "33.3333%", "¥20,000.00")),
        ("en", ("Budget of the inner city", "Budget of Duqiao", "33.3333%", "¥20,000.00")),
    ],
)
def test_the_year_s_page_has_a_row_for_each_budget(api: Api, lang: str, said: tuple[str, ...]) -> None:
    page = seen(api, LINHAI, "", lang)

    assert [text for text in said if text not in page] == []


def test_every_page_of_each_policy_opens_in_its_currency(
    api: Api, ledger: Ledger, clock: Clock, tmp_path: Path
) -> None:
    close_all(ledger, clock)
    pay_all(ledger, clock)
    pages = ("", "enterprises", "settlement", "settlement/lines", "payments", "adjustments", "what-if")
    for policy, feed in ((LINHAI, A), (BINHAI, C), (HENGQIN, D)):
        mine = (f"enterprises/{feed.code}", f"enterprises/{feed.code}/statement", "replay")
        for page in (*pages, *mine):
            for lang in ("zh", "en"):
                text = seen(api, policy, page, lang)
                if page == mine[0]:  # the enterprise's story tells of every policy, each in its currency
                    continue
                assert ("MOP$" in text) <= (policy == HENGQIN), (policy, page)
                assert ("¥" in text) <= (policy != HENGQIN), (policy, page)
    story = seen(api, LINHAI, f"enterprises/{D.code}", "zh")
    assert "MOP$75,000.00" in story
    assert "¥75,000.00" not in story
    assert "MOP$75,000.00" in seen(api, HENGQIN, f"enterprises/{D.code}/statement", "zh")
    reduced = seen(api, BINHAI, f"enterprises/{C.code}/statement", "zh")
    assert "“成果转化资金第1类”" in reduced
    assert "75.0000%" in reduced


def seen(api: Api, policy: str, page: str, lang: str) -> str:
    response = api.client.get(f"/console/{policy}/{YEAR}/{page}?lang={lang}")
    assert response.status_code == 200, (policy, page, response.status_code)
    return unescape(response.get_data(as_text=True))


def test_payments_name_their_currency_but_yuan(api: Api, ledger: Ledger, clock: Clock) -> None:
    close_all(ledger, clock)
    pay_all(ledger, clock)
    officer = api.by("Lin", "officer")
    said = {policy: officer.get(path(policy, "payments")) for policy in ALL}

    assert all(each["items"] for each in said.values())
    assert {policy for policy, each in said.items() if "currency" in each} == {HENGQIN}
    assert said[HENGQIN]["currency"] == "MOP"
