"""Money under repetition: what is sent twice counts once, in any order, through the API."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domain.authority.roles import Actor, NotAllowed
from domain.money.amounts import print_fen
from ledger.replay.comparison import replay
from ledger.settlement import paying
from ledger.store.application import Ledger
from ledger.store.schema.migrations import create_tables
from tests.events import CIXI, CIXI_TEXT, Feed
from tests.integration.api_client import Api
from tests.integration.bureau import Bureau, Clock, check, fen

CODE, OTHER = Feed(1).code, Feed(2).code
TWIN = "cixi-twin-2024"
TEXTS = (CIXI_TEXT, CIXI_TEXT.replace(f"id: {CIXI}\n", f"id: {TWIN}\n", 1))
REPLAYED = "Idempotency-Replayed"


class Office(Bureau):
    """A bureau with a closed year, whose payments were ordered."""

    @property
    def payment(self) -> tuple[str, str]:
        """The enterprise's first payment, and its amount."""
        first = next(iter(self.pages(f"{self.year('payments')}?enterprise={CODE}")))
        return first["payment"], first["amount"]

    def hears(self, status: str, on: str = "", said: str = "bank", expected: int = 200) -> Any:
        """The bank says something of the first payment."""
        body = self.results((*self.payment[:1], status, self.payment[1]), on=on, said=said)
        return self.finance.post(self.year("payments/results"), body, expected)

    def claws_back(self, expected: int = 201, **more: Any) -> Any:
        """An officer orders one yuan back."""
        body = {"enterprise": CODE, "amount": "1.00", "reason": "用途不符", **more}
        return self.officer.post(self.year("clawbacks"), body, expected)

    def receives(self, clawback: str, reference: str, amount: str = "0.40", expected: int = 200) -> Any:
        """Money came back."""
        body = {"enterprise": CODE, "amount": amount, "on": self.today(), "reference": reference}
        return self.finance.post(self.year(f"clawbacks/{clawback}/recoveries"), body, expected)


def ordered_office(open_at: Callable[..., Ledger]) -> Office:
    """An office whose year of 2024 is closed and ordered."""
    found = Office(open_at(policy=False), Clock())
    found.api.post("/v1/policies", TEXTS[0].encode(), 201, "application/yaml")
    for code in (CODE, OTHER):
        data = {"platform": "tmall", "kind": "flagship", "shop": code, "on": "2024-03-04"}
        found.publish("store-registered", code, f"shop-{code}", **data)
    found.settle()
    found.finance.post(found.year("payments"), {}, 201)
    return found


@pytest.fixture
def office(open_at: Callable[..., Ledger]) -> Office:
    """An office whose payments are on their way."""
    return ordered_office(open_at)


def codes(problem: Any) -> list[str]:
    """Why something is refused."""
    return [fault["code"] for fault in problem["faults"]]


def holds(office: Office, tmp_path: Path) -> None:
    """Accounts, postings and budget are exact, and a replay gives the same."""
    check(office)
    assert replay(office.ledger, str(tmp_path / "replay.db")).equal


def test_a_clawback_that_is_sent_again_records_nothing(office: Office, tmp_path: Path) -> None:
    office.hears("made")
    first = office.claws_back()
    position = office.position()
    assert office.claws_back(200) == first
    assert office.position() == position
    other = office.claws_back(reason="other")
    office.clock.pass_(days=1)
    assert office.claws_back()["clawback"] not in (first["clawback"], other["clawback"])
    holds(office, tmp_path)


def test_a_second_clawback_says_so_by_a_reference_of_its_own(office: Office) -> None:
    office.hears("made")
    office.claws_back()
    first = office.claws_back(reference="甬追〔2025〕1号")
    office.clock.pass_(days=3)
    assert office.claws_back(200, reference="甬追〔2025〕1号") == first
    assert office.claws_back(reference="甬追〔2025〕2号")["clawback"].endswith("-03")
    refused = office.claws_back(409, reference="甬追〔2025〕2号", amount="2.00")
    assert codes(refused) == ["clawback.reference"]


def test_a_banks_reference_counts_once_wherever_the_money_is_recorded(office: Office, tmp_path: Path) -> None:
    office.hears("made")
    first, second = office.claws_back()["clawback"], office.claws_back(reason="other")["clawback"]
    received = office.receives(first, "BANK-1")
    assert office.receives(first, "BANK-1") == received
    for spelling in ("BANK-1", "bank-1", "ＢＡＮＫ-1", " BANK-1"):
        refused = office.receives(second, spelling.strip(), expected=409)
        assert codes(refused) == ["recovery.reference"]
        assert first in refused["faults"][0]["rule"]
    assert codes(office.receives(first, "BANK-1", "0.41", 409)) == ["recovery.reference"]
    office.receives(second, "BANK-2")
    holds(office, tmp_path)


DASHES = "‐‑‒–—―−﹘－⁃➖˗─\u2043"


@pytest.mark.parametrize("store_kind", ["sqlite"])
def test_a_reference_is_one_under_every_dash_and_width_and_through_every_door(
    office: Office, tmp_path: Path
) -> None:
    office.hears("made")
    first = office.claws_back(reference="QK-1")
    second = office.claws_back(reason="other")["clawback"]
    received = office.receives(first["clawback"], "BANK-1")
    mei = Actor("Mei", frozenset({"officer"}), issuer="local", subject="mei")
    for dash in DASHES:
        for spelling in (f"QK{dash}1", f"ＱＫ{dash}１", f" qk {dash} 1\u200b", f"QK{dash}1\ufffc"):
            if "\ufffc" not in spelling and "\u200b" not in spelling:
                again = office.claws_back(200, reference=spelling)
                assert again["clawback"] == first["clawback"], ascii(spelling)
            name, _ = paying.claw_back(office.ledger, CIXI, 2024, CODE, mei, 100, "用途不符", None, spelling)
            assert name == first["clawback"], ascii(spelling)
        bank = f"ＢＡＮＫ{dash}1"
        assert codes(office.receives(second, bank, expected=409)) == ["recovery.reference"]
        assert office.receives(first["clawback"], bank)["recovered"] == received["recovered"]
    assert codes(office.claws_back(409, reference="QK—1", amount="2.00")) == ["clawback.reference"]
    assert office.claws_back(reference="QK-2")["clawback"].endswith("-03")
    assert office.claws_back(reference="QK1")["clawback"].endswith("-04")
    fin = Actor("Qian", frozenset({"finance"}), issuer="local", subject="qian")
    with pytest.raises(NotAllowed) as refused:
        paying.recover(office.ledger, CIXI, 2024, CODE, fin, second, 1, office.today(), " \u200b")
    assert refused.value.code == "recovery.no-reference"
    holds(office, tmp_path)


def test_an_upgrade_compares_references_by_their_form_of_today(office: Office) -> None:
    office.hears("made")
    first, second = office.claws_back(), office.claws_back(reason="other")
    office.receives(first["clawback"], "BANK-1")
    with office.ledger.store.writing() as rows:
        rows.run("UPDATE recoveries SET reference=?", ["BANK\u27961"])
        rows.run("DELETE FROM schema_version WHERE version>=7")

    create_tables(office.ledger.store, office.ledger.dialect)

    assert codes(office.receives(second["clawback"], "BANK-1", expected=409)) == ["recovery.reference"]


def test_a_banks_reference_counts_once_in_all_policies(office: Office) -> None:
    twin = second_policy(office)
    for each in (office, twin):
        each.hears("made")
    office.receives(office.claws_back()["clawback"], "BANK-1")
    refused = twin.receives(twin.claws_back()["clawback"], "BANK-1", expected=409)
    assert codes(refused) == ["recovery.reference"]
    assert CIXI in refused["faults"][0]["rule"]


def second_policy(office: Office) -> Office:
    """Another policy of the same ledger, closed and ordered in the same year."""
    office.api.post("/v1/policies", TEXTS[1].encode(), 201, "application/yaml")
    twin = Office(office.ledger, office.clock, TWIN, office.api)
    twin.settle()
    twin.finance.post(twin.year("payments"), {}, 201)
    return twin


PAYER = {"payer_name": "慈溪市财政局", "payer_account": "3901", "payer_bank": "102332000018"}
PAYEES = "code,name,account,bank\n" + "".join(
    f"{code},某某有限公司,622202{number},102332000018\n" for number, code in enumerate((CODE, OTHER))
)


def bank_file(office: Office, form: str = "pain.001") -> str:
    """The first batch as the bank gets it."""
    body = {"form": form, "on": office.today(), **PAYER, "payees": PAYEES}
    answer = office.finance.send("POST", office.year("payments/2024-001/file"), body)
    assert answer.status_code == 200, answer.data.decode()
    return str(answer.data.decode())


def test_two_policies_of_a_year_give_the_bank_names_of_their_own(office: Office, tmp_path: Path) -> None:
    plain, twin = bank_file(office), second_policy(office)
    marked = bank_file(twin)
    for name in ("<MsgId>2024-001", "<PmtInfId>2024-001", "<EndToEndId>2024-001"):
        assert f"{name}<" in plain or f"{name}-{CODE}<" in plain
        assert f"{name}.2<" in marked or f"{name}.2-{CODE}<" in marked
    assert f"2024-001.2-{CODE}" in bank_file(twin, "csv")
    day, later = (text.partition("<CreDtTm>")[2][:27] for text in (plain, bank_file(office)))
    assert bank_file(office).replace(later, day).replace(later[:10], day[:10]) == plain
    _, amount = twin.payment
    body = twin.results((f"2024-001.2-{CODE}", "made", amount))
    assert twin.finance.post(twin.year("payments/results"), body) == {"recorded": 1, "known": 0}
    assert twin.finance.post(twin.year("payments/results"), body) == {"recorded": 0, "known": 1}
    again = twin.results((f"2024-001-{CODE}", "made", amount))
    assert twin.finance.post(twin.year("payments/results"), again) == {"recorded": 0, "known": 1}
    wrong = office.finance.post(office.year("payments/results"), body, 409)
    assert codes(wrong) == ["payment.unknown"]
    holds(twin, tmp_path)


def test_a_payment_that_failed_and_then_arrived_is_paid_once(office: Office, tmp_path: Path) -> None:
    day = office.today()
    office.clock.pass_(days=2)
    office.hears("failed", day, "account closed")
    assert office.hears("made", said="B1") == {"recorded": 1, "known": 0}
    for _ in range(2):
        assert office.hears("made", said="B1") == {"recorded": 0, "known": 1}
        assert office.hears("failed", day, "account closed") == {"recorded": 0, "known": 1}
    account = office.balance(CODE)
    assert (account["paid"], account["outstanding"]) == (account["payable"], "0.00")
    assert codes(office.hears("failed", day, "other", 409)) == ["payment.contradiction"]
    holds(office, tmp_path)


def test_results_of_one_payment_in_any_order_leave_the_banks_last_word(office: Office) -> None:
    payment, amount = office.payment
    first = office.today()
    office.clock.pass_(days=3)
    words = [("made", office.today(), "arrived"), ("failed", first, "wrong name")]
    results = [
        {"payment": payment, "status": status, "amount": amount, "on": on, "said": said}
        for status, on, said in words
    ]
    body = {"results": results}
    assert office.finance.post(office.year("payments/results"), body) == {"recorded": 2, "known": 0}
    assert office.balance(CODE)["paid"] == amount


def test_a_payment_that_arrives_after_its_amount_was_ordered_again_is_never_paid_twice(
    office: Office, tmp_path: Path
) -> None:
    first, amount = office.payment
    office.hears("failed", said="wrong name")
    office.finance.post(office.year("payments"), {}, 201)
    late = office.results((first, "made", amount), said="arrived")
    refused = office.finance.post(office.year("payments/results"), late, 409)
    assert codes(refused) == ["payment.ordered-again"]
    assert f"2024-002-{CODE}" in refused["faults"][0]["rule"]
    stopped = office.results((f"2024-002-{CODE}", "failed", amount), said="stopped")
    office.finance.post(office.year("payments/results"), stopped)
    office.finance.post(office.year("payments/results"), late)
    accounts = office.api.get(office.year("settlement"))["accounts"]
    assert fen(accounts["paid"]) + fen(accounts["ordered"]) <= fen(accounts["payable"])
    assert office.balance(CODE)["paid"] == amount
    holds(office, tmp_path)


def test_a_proposal_and_an_objection_that_are_sent_again_are_one(open_at: Callable[..., Ledger]) -> None:
    office = Office(open_at(policy=False), Clock())
    office.api.post("/v1/policies", TEXTS[0].encode(), 201, "application/yaml")
    data = {"platform": "tmall", "kind": "flagship", "shop": "one", "on": "2024-03-04"}
    office.publish("store-registered", CODE, "shop", **data)
    path = office.year("settlement/proposal")
    assert [office.officer.post(path, {})["proposal"]["number"] for _ in range(3)] == [1, 1, 1]
    assert office.second.post(path, {})["proposal"]["number"] == 2
    office.publish("store-registered", CODE, "more", **{**data, "shop": "two"})
    assert office.officer.post(path, {})["proposal"]["number"] == 3
    office.officer.post(office.year("settlement/publication"), {})
    why = {"enterprise": CODE, "reason": "漏计一家店铺"}
    path = office.year("settlement/objections")
    for _ in range(3):
        assert len(office.officer.post(path, why)["objections"]) == 1
    assert len(office.second.post(path, why)["objections"]) == 2
    assert len(office.officer.post(path, {**why, "reason": "other"})["objections"]) == 3


# --- keys ------------------------------------------------------------------------------------------


def keyed(api: Api, path: str, body: Any, key: str) -> Any:
    """Send a request under a key."""
    asked = api.by("", None)
    asked.headers = {**api.headers, "Idempotency-Key": key}
    return asked.send("POST", path, body)


def test_the_same_key_is_answered_as_the_first_time_and_another_request_under_it_refused(
    office: Office,
) -> None:
    office.hears("made")
    path, body = office.year("clawbacks"), {"enterprise": CODE, "amount": "1.00", "reason": "用途不符"}
    first = keyed(office.officer, path, body, '"a-1"')
    position = office.position()
    again = keyed(office.officer, path, dict(reversed(body.items())), "a-1")
    assert (first.status_code, again.status_code, again.data) == (201, 201, first.data)
    assert (REPLAYED in first.headers, again.headers[REPLAYED]) == (False, "true")
    other = keyed(office.officer, path, {**body, "amount": "2.00"}, "a-1")
    assert (other.status_code, codes(other.json)) == (422, ["repeat.other"])
    assert office.position() == position
    second = keyed(office.officer, path, body, "a-2")
    assert (second.status_code, second.json["clawback"][-3:]) == (201, "-02")
    theirs = keyed(office.second, path, {**body, "amount": "3.00"}, "a-1")
    assert theirs.status_code == 201, "a key is its person's own"


@pytest.mark.parametrize("key", ["", '""', "two words", "x" * 256, "é"])
def test_a_key_that_cannot_be_kept_is_refused(office: Office, key: str) -> None:
    refused = keyed(office.officer, office.year("settlement/proposal"), {}, key)
    assert (refused.status_code, codes(refused.json)) == (400, ["repeat.key"])


def test_a_refused_step_leaves_its_key_free(office: Office) -> None:
    path = office.year("clawbacks")
    body = {"enterprise": CODE, "amount": "1.00", "reason": "用途不符"}
    assert keyed(office.officer, path, body, "k").status_code == 409
    office.hears("made")
    assert keyed(office.officer, path, body, "k").status_code == 201
    assert print_fen(100) == office.balance(CODE)["clawed_back"]


def test_keys_expire_and_are_bounded(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.store.repeats.keys.KEYS_MAX", 2)
    office.hears("made")
    path = office.year("clawbacks")
    said = [
        keyed(office.officer, path, {"enterprise": CODE, "amount": "1.00", "reason": name}, name)
        for name in ("a", "b", "c")
    ]
    assert [answer.status_code for answer in said] == [201, 201, 429]
    office.clock.pass_(days=31)
    for name in ("c", "a"):
        body = {"enterprise": CODE, "amount": "1.00", "reason": name}
        assert keyed(office.officer, path, body, name).status_code == 201
